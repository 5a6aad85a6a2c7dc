/* STLS (RFC 2595): what is said before it, after it, and by whoever stands between. */
#include <stdio.h>

#include "check.h"
#include "clock.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "tls_library.h"

#define OFFERED SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nSTLS\\r\\nUSER\\r\\nSASL PLAIN\\r\\n.")
#define ASKED OFFERED EXPECT("STLS")

static int connect_stls(int port)
{
    clear_log();
    return pop3_connect(at(port), "alice", PASS, log_status, 2, 1);
}

static void refused_with(const char *transcript, int code)
{
    int port = server_play("", transcript);
    CHECK_INT(connect_stls(port), code);
    CHECK_PLAYED(port);
    /* whatever went wrong, no credential has left */
    CHECK_HAS_NOT(server_received(port), "alice");
    CHECK_HAS_NOT(server_received(port), "AUTH");
    CHECK_HAS_NOT(server_received(port), "PASS");
}

static void connects_and_authenticates_after_the_handshake(void)
{
    int port = server_mailbox("tls=stls record=yes");
    int socket = connect_stls(port);
    CHECK(socket > 0);
    CHECK_HAS(logged_protocol(), "C: STLS\nS: +OK");
    CHECK_HAS(server_received(port), "CAPA\\r\\nSTLS\\r\\nCAPA\\r\\nAUTH PLAIN ");
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void unverified_if_the_host_wants_it(void)
{
    int port = server_mailbox("tls=stls cert=untrusted");
    CHECK_INT(connect_stls(port), POP3_ERR_SECURE);
    int socket = pop3_connect(at(port), "alice", PASS, NULL, 2, 0);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void a_server_that_does_not_offer_it(void)
{
    refused_with(SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nUSER\\r\\nSASL PLAIN\\r\\n.") "expect-eof",
                 POP3_ERR_NO_STLS);
    /* without a list its answer tells */
    refused_with(SEND("+OK") EXPECT("CAPA") SEND("-ERR what")
                 EXPECT("STLS") SEND("-ERR unknown") "expect-eof",
                 POP3_ERR_NO_STLS);
    CHECK_HAS(pop3_get_last_error(), "-ERR unknown");
    /* one capability, whatever stands in it */
    refused_with(SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nX\\nSTLS\\r\\n.") "expect-eof",
                 POP3_ERR_NO_STLS);
    refused_with(SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nXSTLS STLS\\r\\n.") "expect-eof",
                 POP3_ERR_NO_STLS);
}

static void a_server_that_has_it_and_no_list(void)
{
    int port = server_play("", SEND("+OK") EXPECT("CAPA") SEND("-ERR")
                               EXPECT("STLS") SEND("+OK") "starttls\n"
                               EXPECT("CAPA") SEND("-ERR")
                               EXPECT("USER alice") SEND("+OK")
                               "expect \"PASS " PASS "\\r\\n\"\n" SEND("+OK")
                               EXPECT("QUIT") SEND("+OK") "expect-eof");
    CHECK_INT(pop3_disconnect(connect_stls(port), NULL), 0);
    CHECK_PLAYED(port);
}

static void a_server_that_refuses_it(void)
{
    refused_with(ASKED SEND("-ERR [SYS/TEMP] later") "expect-eof", POP3_ERR_NO_STLS);
    refused_with(ASKED SEND("-ERR not today") "expect-eof", POP3_ERR_NO_STLS);
    CHECK_HAS(pop3_get_last_error(), "-ERR not today");
    refused_with(ASKED SEND("nonsense") "expect-eof", POP3_ERR_BAD_FORMAT);
}

static void clear_text_in_the_same_segment(void)
{
    refused_with(ASKED SEND("+OK\\r\\n+OK injected") "expect-eof", POP3_ERR_BAD_FORMAT);
    refused_with(ASKED "send \"+OK\\r\\n+\"\nexpect-eof", POP3_ERR_BAD_FORMAT);
    refused_with(ASKED "send \"+OK\\r\\n\\n\"\nexpect-eof", POP3_ERR_BAD_FORMAT);
}

static void clear_text_in_a_later_segment(void)
{
    /* at once, so that it may come before or after the handshake has begun */
    refused_with(ASKED "send \"+OK\\r\\n\" \"+OK injected\\r\\n\"\nhold", POP3_ERR_BAD_FORMAT);
}

static void clear_text_in_answer_to_the_handshake(void)
{
    refused_with(ASKED SEND("+OK") "expect-hello\n" SEND("+OK injected") "expect-eof", POP3_ERR_BAD_FORMAT);
    refused_with(ASKED SEND("+OK") "expect-hello\nsend \"-\"\nexpect-eof", POP3_ERR_BAD_FORMAT);
    refused_with(ASKED SEND("+OK") "expect-hello\nclose", POP3_ERR_CONNECTION_LOST);
}

static void silence_after_it_ends_at_the_deadline(void)
{
    CHECK_INT(pop3_set_comms_timeout(1), 0);
    long long start = now_ms();
    refused_with(ASKED SEND("+OK") "expect-hello\nexpect-eof", POP3_ERR_TIMEOUT);
    CHECK(now_ms() - start >= 990);
    CHECK_INT(pop3_set_comms_timeout(0), 0);
}

static void capabilities_from_before_are_forgotten(void)
{
    /* the clear list offers PLAIN, the true one does not */
    int port = server_play("", ASKED SEND("+OK") "starttls\n"
                                     EXPECT("CAPA") SEND("+OK\\r\\nUSER\\r\\n.")
                                     EXPECT("USER alice") SEND("-ERR") "expect-eof");
    CHECK_INT(connect_stls(port), POP3_ERR_AUTH);
    CHECK_PLAYED(port);
    /* the other way round */
    port = server_play("", SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nSTLS\\r\\n.")
                           EXPECT("STLS") SEND("+OK") "starttls\n"
                           EXPECT("CAPA") SEND("+OK\\r\\nSASL PLAIN\\r\\n.")
                           EXPECT("AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz") SEND("-ERR") "expect-eof");
    CHECK_INT(connect_stls(port), POP3_ERR_AUTH);
    CHECK_PLAYED(port);
    /* no list at all after the handshake */
    port = server_play("", ASKED SEND("+OK") "starttls\n"
                                 EXPECT("CAPA") SEND("-ERR")
                                 EXPECT("USER alice") SEND("-ERR") "expect-eof");
    CHECK_INT(connect_stls(port), POP3_ERR_AUTH);
    CHECK_PLAYED(port);
}

static void nothing_is_said_to_an_impostor(void)
{
    const char *impostors[] = {"untrusted", "wrong-name", "expired", "self-signed"};
    for (int i = 0; i < 4; i++) {
        char transcript[512];
        snprintf(transcript, sizeof transcript, ASKED SEND("+OK") "starttls%s %s\nexpect-eof",
                 refuses_within_handshake() ? "-fails" : "", impostors[i]);
        refused_with(transcript, POP3_ERR_SECURE);
    }
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(connects_and_authenticates_after_the_handshake);
    RUN(unverified_if_the_host_wants_it);
    RUN(a_server_that_does_not_offer_it);
    RUN(a_server_that_has_it_and_no_list);
    RUN(a_server_that_refuses_it);
    RUN(clear_text_in_the_same_segment);
    RUN(clear_text_in_a_later_segment);
    RUN(clear_text_in_answer_to_the_handshake);
    RUN(silence_after_it_ends_at_the_deadline);
    RUN(capabilities_from_before_are_forgotten);
    RUN(nothing_is_said_to_an_impostor);
    return check_result();
}

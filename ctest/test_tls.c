/* TLS from the first byte. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "folders.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"
#include "tls_library.h"


static int connect_tls(int port, int verify)
{
    clear_log();
    return pop3_connect(at(port), "alice", PASS, log_status, 1, verify);
}

/* 0, or the error. */
static int connect_and_end(const pop3_options *options)
{
    int socket = pop3_connect_with(options);
    return socket > 0 ? pop3_disconnect(socket, NULL) : socket;
}

static void connects_verified_and_not(void)
{
    int port = server_mailbox("tls=implicit messages=3");
    for (int verify = 0; verify <= 1; verify++) {
        int socket = connect_tls(port, verify);
        CHECK(socket > 0);
        CHECK_INT(pop3_message_count(socket, NULL), 3);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void any_non_zero_verify_verifies(void)
{
    int port = server_mailbox("tls=implicit cert=untrusted");
    CHECK_INT(connect_tls(port, 1), POP3_ERR_SECURE);
    CHECK_INT(connect_tls(port, 2), POP3_ERR_SECURE);
    CHECK_INT(connect_tls(port, -1), POP3_ERR_SECURE);
    int socket = connect_tls(port, 0);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void tls_1_2_and_1_3(void)
{
    int port = server_mailbox("tls=implicit tls-max=1.2");
    int socket = connect_tls(port, 1);
    CHECK_HAS(logged(), "* TLSv1.2, ");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    port = server_mailbox("tls=implicit");
    socket = connect_tls(port, 1);
    CHECK_HAS(logged(), "* TLSv1.3, ");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void a_refused_password(void)
{
    int port = server_mailbox("tls=implicit");
    CHECK_INT(pop3_connect(at(port), "alice", "wrong", log_status, 1, 1), POP3_ERR_AUTH);
}

static void user_and_pass_where_plain_is_not_offered(void)
{
    int port = server_mailbox("tls=implicit sasl=none");
    int socket = connect_tls(port, 1);
    CHECK(socket > 0);
    CHECK_HAS(logged(), "C: USER alice\n");
    CHECK_HAS(logged(), "C: PASS ***\n");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    port = server_mailbox("tls=implicit capa=no");
    socket = connect_tls(port, 1);
    CHECK(socket > 0);
    CHECK_HAS(logged(), "C: USER alice\n");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void refused_credentials_are_not_tried_by_another_mechanism(void)
{
    int port = server_play("tls=implicit", SEND("+OK") EXPECT("CAPA")
                                           SEND("+OK\\r\\nUSER\\r\\nSASL LOGIN PLAIN\\r\\n.")
                                           EXPECT("AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz")
                                           SEND("-ERR [AUTH] no") "expect-eof");
    CHECK_INT(connect_tls(port, 1), POP3_ERR_AUTH);
    CHECK_PLAYED(port);
}

static void a_server_that_speaks_no_tls(void)
{
    int port = server_play("", SEND("+OK ready") "expect-hello\nexpect-eof");
    CHECK_INT(connect_tls(port, 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "clear text");
    CHECK_PLAYED(port);
}

static void a_handshake_cut_short(void)
{
    int port = server_play("", "expect-hello\nclose");
    CHECK_INT(connect_tls(port, 1), POP3_ERR_CONNECTION_LOST);
    CHECK_PLAYED(port);
    /* an alert: handshake_failure */
    port = server_play("", "expect-hello\nsend \"\\x15\\x03\\x03\\x00\\x02\\x02\\x28\"\nexpect-eof");
    CHECK_INT(connect_tls(port, 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "handshake failure");
    CHECK_PLAYED(port);
}

static void the_end_of_a_tls_connection(void)
{
    const char *ends[] = {"close", "cut", "reset"};
    for (int i = 0; i < 3; i++) {
        char transcript[256];
        snprintf(transcript, sizeof transcript,
                 SEND("+OK") EXPECT("CAPA") SEND("+OK") "%s", ends[i]);
        int port = server_play("tls=implicit", transcript);
        CHECK_INT(connect_tls(port, 1), POP3_ERR_CONNECTION_LOST);
        CHECK_PLAYED(port);
    }
}

static void what_is_known_of_it(void)
{
    const char *modes[] = {"", "tls=implicit tls-max=1.2", "tls=stls"};
    for (int secure = 0; secure <= 2; secure++) {
        int socket = pop3_connect(at(server_mailbox(modes[secure])), "alice", PASS, NULL, secure, secure - 1);
        pop3_tls_info info = {(char *)&info, NULL, 7, 7, NULL};
        if (secure == 0) {
            CHECK_INT(pop3_get_tls_info(socket, &info), POP3_ERR_UNSUPPORTED);
            CHECK(info.version == NULL && info.cipher == NULL && info.peer_pem == NULL && info.resumed == 0);
        } else {
            CHECK_INT(pop3_get_tls_info(socket, &info), 0);
            CHECK_STR(info.version, secure == 1 ? "TLSv1.2" : newest_tls());
            CHECK_HAS(info.cipher, secure == 1 ? "ECDHE" : "TLS_");
            CHECK_INT(info.verified, secure == 2);
            CHECK_INT(info.resumed, 0);
            CHECK_HAS(info.peer_pem, "-----BEGIN CERTIFICATE-----");
            CHECK_INT(pop3_message_count(socket, NULL), 5);
        }
        pop3_tls_info_free(&info);
        CHECK(info.version == NULL && info.cipher == NULL && info.peer_pem == NULL);
        pop3_tls_info_free(&info);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        CHECK_INT(pop3_get_tls_info(socket, &info), POP3_ERR_BAD_SOCKET);
    }
    CHECK_INT(pop3_get_tls_info(1, NULL), POP3_ERR_PARAMETER);
    pop3_tls_info_free(NULL);
}

static void closing_is_announced(void)
{
    int port = server_play("tls=implicit", SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n"
                                           SEND("+OK") "expect-line\n" SEND("+OK") EXPECT("QUIT")
                                           SEND("+OK") "expect-eof");
    int socket = connect_tls(port, 1);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

/* Pinning */

/* The SHA-256 fingerprint of a certificate of the server's; with colons, as OpenSSL's tool prints it, if so wanted. */
static const char *fingerprint_of(const char *certificate, int with_colons)
{
    static char text[8][100];
    static int next;
    char name[64], digits[65], *at = text[next++ % 8], *begin = at;
    snprintf(name, sizeof name, "%s.sha256", certificate);
    FILE *file = fopen(in(server_dir(), name), "r");
    if (file == NULL || fread(digits, 1, 64, file) != 64)
        check_fatal("no fingerprint of %s", certificate);
    fclose(file);
    for (int i = 0; i < 64; i++) {
        if (with_colons && i > 0 && i % 2 == 0)
            *at++ = ':';
        *at++ = with_colons ? (char)toupper(digits[i]) : digits[i];
    }
    *at = '\0';
    return begin;
}

static void a_pinned_certificate_is_believed_whatever_else_it_is(void)
{
    const char *certificates[] = {"good",       "expired",        "not-yet-valid", "untrusted", "self-signed",
                                  "wrong-name", "client-purpose", "sha-384",       "self-made", "incomplete-chain"};
    for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++)
        for (int verify = 0; verify <= 1; verify++)
            for (int max = 12; max <= 13; max++) {
                char server[128];
                pop3_tls_info info;
                snprintf(server, sizeof server, "tls=implicit cert=%s tls-max=1.%d", certificates[i], max - 10);
                pop3_options *options = options_for(server_mailbox(server), POP3_TLS);
                CHECK_INT(pop3_options_set_fingerprint(options, fingerprint_of(certificates[i], verify)), POP3_OK);
                CHECK_INT(pop3_options_set_verify(options, verify), POP3_OK);
                /* no authority is asked for, not even where it cannot be read */
                CHECK_INT(pop3_options_set_ca_file(options, "/nonexistent"), POP3_OK);
                int socket = pop3_connect_with(options);
                if (!CHECK(socket > 0))
                    printf("%s: %s\n", certificates[i], pop3_get_last_error());
                CHECK_INT(pop3_get_tls_info(socket, &info), POP3_OK);
                CHECK_INT(info.verified, 1);
                pop3_tls_info_free(&info);
                CHECK_INT(pop3_disconnect(socket, NULL), 0);
                pop3_options_free(options);
            }
}

static void no_other_certificate_is(void)
{
    const char *servers[] = {"record=yes tls=implicit", "record=yes tls=implicit tls-max=1.2",
                             "record=yes tls=implicit cert=untrusted"};
    for (int i = 0; i < 3; i++)
        for (int verify = 0; verify <= 1; verify++) {
            int port = server_mailbox(servers[i]), full, resumed;
            pop3_options *options = options_for(port, POP3_TLS);
            CHECK_INT(pop3_options_set_verify(options, verify), POP3_OK);
            CHECK_INT(pop3_options_set_fingerprint(options, fingerprint_of("chain", 0)), POP3_OK);
            CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
            CHECK_HAS(pop3_get_secure_error(), fingerprint_of("chain", 0));
            CHECK_HAS(pop3_get_secure_error(), fingerprint_of(i == 2 ? "untrusted" : "good", 0));
            /* no word went to whoever that is, nor a client's certificate where it ended in the handshake */
            server_handshakes(port, &full, &resumed);
            if (refuses_within_handshake())
                CHECK_INT(full, 0);
            CHECK_STR(server_received(port), "");
            pop3_options_free(options);
        }
}

/* Old appliances */

/* That server is believed by who asks for as old a version, and speaks that version; by who does not, `otherwise`. */
static void is_admitted(const char *server, const char *version, int oldest, int otherwise)
{
    char line[32];
    snprintf(line, sizeof line, "* %s, ", version);
    pop3_options *options = options_for(server_mailbox(server), POP3_TLS);
    CHECK_INT(pop3_options_set_tls_min(options, oldest), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    for (int again = 0; again < 2; again++) {
        clear_log();
        if (!CHECK_INT(connect_and_end(options), 0))
            printf("%s: %s\n", server, pop3_get_last_error());
        CHECK_HAS(logged(), line);
        CHECK_HAS(logged(), ", certificate verified");
    }
    /* the same server, trust and name, but nothing old */
    CHECK_INT(pop3_options_set_tls_min(options, POP3_TLS_1_2), POP3_OK);
    CHECK_INT(connect_and_end(options), otherwise);
    pop3_options_free(options);
}

static void sha1_only_where_it_is_asked_for(void)
{
    is_admitted("tls=implicit tls-max=1.0 cert=sha1", "TLSv1", POP3_TLS_1_0, POP3_ERR_SECURE);
    is_admitted("tls=implicit tls-max=1.2 cert=sha1", "TLSv1.2", POP3_TLS_1_1, POP3_ERR_SECURE);
}

static void old_versions_and_weak_keys_only_where_they_are_asked_for(void)
{
    is_admitted("tls=implicit tls-max=1.0", "TLSv1", POP3_TLS_1_0, POP3_ERR_SECURE);
    is_admitted("tls=implicit tls-max=1.1", "TLSv1.1", POP3_TLS_1_0, POP3_ERR_SECURE);
    is_admitted("tls=implicit tls-max=1.1", "TLSv1.1", POP3_TLS_1_1, POP3_ERR_SECURE);
    is_admitted("tls=implicit tls-max=1.2 cert=small-key suites=small-dh", "TLSv1.2", POP3_TLS_1_0, POP3_ERR_SECURE);
    is_admitted("tls=implicit tls-max=1.0 cert=small-key suites=small-dh", "TLSv1", POP3_TLS_1_0, POP3_ERR_SECURE);
    is_admitted("tls=implicit", newest_tls(), POP3_TLS_1_0, 0);
    pop3_options *options = options_for(server_mailbox("tls=implicit tls-max=1.0"), POP3_TLS);
    CHECK_INT(pop3_options_set_tls_min(options, POP3_TLS_1_1), POP3_OK);
    CHECK_INT(connect_and_end(options), POP3_ERR_SECURE);
    /* the certificate must be right all the same */
    CHECK_INT(pop3_options_set_tls_min(options, POP3_TLS_1_0), POP3_OK);
    CHECK_INT(pop3_options_set_server(options, at(server_mailbox("tls=implicit tls-max=1.0 cert=untrusted"))), POP3_OK);
    CHECK_INT(connect_and_end(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "unable to get local issuer certificate");
    pop3_options_free(options);
}

/* Time */

static void the_time_of_a_call_holds_for_the_handshake(void)
{
    /* longer silent than the call may take, not than the handshake may: whoever waits that long sees it end otherwise */
    int port = server_play("", "expect-hello\npause 10000\nclose");
    pop3_options *options = options_for(port, POP3_TLS);
    CHECK_INT(pop3_options_set_timeouts(options, 60000, 60000, 500), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_TIMEOUT);
    pop3_options_free(options);
}

static int stop_at_once(int64_t done, int64_t total, void *context)
{
    (void)done, (void)total, (void)context;
    return 1;
}

/* So many authorities that to read them takes longer than any deadline here, in many files or in one; none is kept half. */
static void the_time_holds_for_reading_authorities_too(void)
{
    char base[] = "/tmp/pop3connect-authorities.XXXXXX", command[9000];
    const struct {
        int connect_ms, call_ms, stops, code;
    } rows[] = {{50, 60000, 0, POP3_ERR_TIMEOUT}, {60000, 50, 0, POP3_ERR_TIMEOUT}, {60000, 0, 1, POP3_ERR_CANCELLED}};
    int port = server_mailbox("tls=implicit");
    make_temporary(base);
    snprintf(command, sizeof command,
             "cd '%s' && mkdir cacerts && for i in $(seq 5000); do cat '%s'; done >some && "
             "for i in $(seq 20); do ln -s ../some cacerts/$i; cat some; done >all", base, in(server_dir(), "other-ca.pem"));
    CHECK_INT(system(command), 0);
    pop3_options *options = options_for(port, POP3_TLS);
    CHECK_INT(pop3_options_set_platform_trust(options, 0), POP3_OK);
    CHECK_INT(pop3_options_set_secure_dir(options, base), POP3_OK);
    for (int i = 0; i < 6; i++) {
        if (i == 3)
            CHECK_INT(pop3_options_set_ca_file(options, in(base, "all")), POP3_OK);
        CHECK_INT(pop3_options_set_timeouts(options, rows[i % 3].connect_ms, 60000, rows[i % 3].call_ms), POP3_OK);
        CHECK_INT(pop3_options_set_progress_cb(options, rows[i % 3].stops ? stop_at_once : NULL, NULL), POP3_OK);
        CHECK_INT(pop3_connect_with(options), rows[i % 3].code);
    }
    CHECK_INT(server_connections(port), 0);
    snprintf(command, sizeof command, "cd '%s' && rm cacerts/* && cp '%s' all && cp all cacerts", base,
             in(server_dir(), "ca.pem"));
    CHECK_INT(system(command), 0);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 0, 0), POP3_OK);
    CHECK_INT(pop3_options_set_progress_cb(options, NULL, NULL), POP3_OK);
    CHECK_INT(connect_and_end(options), 0);
    CHECK_INT(pop3_options_set_ca_file(options, NULL), POP3_OK);
    CHECK_INT(connect_and_end(options), 0);
    pop3_options_free(options);
    remove_folder(base);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(connects_verified_and_not);
    RUN(any_non_zero_verify_verifies);
    RUN(tls_1_2_and_1_3);
    RUN(a_refused_password);
    RUN(user_and_pass_where_plain_is_not_offered);
    RUN(refused_credentials_are_not_tried_by_another_mechanism);
    RUN(a_server_that_speaks_no_tls);
    RUN(a_handshake_cut_short);
    RUN(the_end_of_a_tls_connection);
    RUN(what_is_known_of_it);
    RUN(closing_is_announced);
    RUN(a_pinned_certificate_is_believed_whatever_else_it_is);
    RUN(no_other_certificate_is);
    RUN(sha1_only_where_it_is_asked_for);
    RUN(old_versions_and_weak_keys_only_where_they_are_asked_for);
    RUN(the_time_of_a_call_holds_for_the_handshake);
    RUN(the_time_holds_for_reading_authorities_too);
    return check_result();
}

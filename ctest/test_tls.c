/* TLS from the first byte. */
#include <stdio.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "server.h"

#define PASS "s3cret pass"

static int connect_tls(int port, int verify)
{
    hear_nothing();
    return pop3_connect(at(port), "alice", PASS, hear, 1, verify);
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
    CHECK_HAS(heard(), "* TLSv1.2, ");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    port = server_mailbox("tls=implicit");
    socket = connect_tls(port, 1);
    CHECK_HAS(heard(), "* TLSv1.3, ");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void a_refused_password(void)
{
    int port = server_mailbox("tls=implicit");
    CHECK_INT(pop3_connect(at(port), "alice", "wrong", hear, 1, 1), POP3_ERR_AUTH);
}

static void user_and_pass_where_plain_is_not_offered(void)
{
    int port = server_mailbox("tls=implicit sasl=none");
    int socket = connect_tls(port, 1);
    CHECK(socket > 0);
    CHECK_HAS(heard(), "C: USER alice\n");
    CHECK_HAS(heard(), "C: PASS ***\n");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    port = server_mailbox("tls=implicit capa=no");
    socket = connect_tls(port, 1);
    CHECK(socket > 0);
    CHECK_HAS(heard(), "C: USER alice\n");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void refused_credentials_are_not_tried_by_another_mechanism(void)
{
    int port = server_play("tls=implicit", "send \"+OK\\r\\n\"\nexpect \"CAPA\\r\\n\"\n"
                                           "send \"+OK\\r\\nUSER\\r\\nSASL LOGIN PLAIN\\r\\n.\\r\\n\"\n"
                                           "expect \"AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz\\r\\n\"\n"
                                           "send \"-ERR [AUTH] no\\r\\n\"\nexpect-eof");
    CHECK_INT(connect_tls(port, 1), POP3_ERR_AUTH);
    CHECK_PLAYED(port);
}

static void a_server_that_speaks_no_tls(void)
{
    int port = server_play("", "send \"+OK ready\\r\\n\"\nexpect-hello\nexpect-eof");
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
                 "send \"+OK\\r\\n\"\nexpect \"CAPA\\r\\n\"\nsend \"+OK\\r\\n\"\n%s", ends[i]);
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
            CHECK_STR(info.version, secure == 1 ? "TLSv1.2" : "TLSv1.3");
            CHECK_HAS(info.cipher, secure == 1 ? "ECDHE-" : "TLS_");
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
    int port = server_play("tls=implicit", "send \"+OK\\r\\n\"\nexpect-line\nsend \"-ERR\\r\\n\"\nexpect-line\n"
                                           "send \"+OK\\r\\n\"\nexpect-line\nsend \"+OK\\r\\n\"\nexpect \"QUIT\\r\\n\"\n"
                                           "send \"+OK\\r\\n\"\nexpect-eof");
    int socket = connect_tls(port, 1);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
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
    return check_result();
}

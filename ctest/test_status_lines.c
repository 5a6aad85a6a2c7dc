/* Status lines: which, in what order, without secrets, fit to be shown. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "tls_library.h"

/* base64 of NUL alice NUL s3cret pass */
#define PLAIN "AGFsaWNlAHMzY3JldCBwYXNz"

static void user_and_pass(void)
{
    int port = server_play("", SEND("+OK hello")
                               EXPECT("CAPA")
                               SEND("+OK list\\r\\nTOP\\r\\nUSER\\r\\n..odd\\r\\n.")
                               EXPECT("USER alice")
                               SEND("+OK")
                               EXPECT("PASS s3cret pass")
                               SEND("+OK in")
                               EXPECT("QUIT")
                               SEND("+OK bye")
                               "expect-eof");
    char expected[1024];
    clear_log();
    int socket = pop3_connect(at(port), "alice", PASS, log_status, 0, 0);
    CHECK(socket > 0);
    snprintf(expected, sizeof expected,
             "* connecting to 127.0.0.1:%d\n* connected to 127.0.0.1:%d\n"
             "S: +OK hello\nC: CAPA\nS: +OK list\nS: TOP\nS: USER\nS: ..odd\nS: .\n"
             "C: USER alice\nS: +OK\nC: PASS ***\nS: +OK in\n",
             port, port);
    CHECK_STR(logged(), expected);
    clear_log();
    CHECK_INT(pop3_disconnect(socket, log_status), 0);
    CHECK_STR(logged(), "C: QUIT\nS: +OK bye\n");
    CHECK_PLAYED(port);
}

static void tls_and_plain(void)
{
    int port = server_mailbox("tls=implicit");
    clear_log();
    int socket = pop3_connect(at(port), "alice", PASS, log_status, 1, 1);
    CHECK(socket > 0);
    char version[32];
    snprintf(version, sizeof version, "* %s, TLS_", newest_tls());
    CHECK_HAS(logged(), version);
    CHECK_HAS(logged(), "certificate verified: for localhost, mail.test, 127.0.0.1, ::1, subject CN=localhost, issued by");
    CHECK_HAS(logged(), "C: AUTH PLAIN ***\nS: +OK");
    CHECK_HAS_NOT(logged(), "USER alice");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    clear_log();
    socket = pop3_connect(at(port), "alice", PASS, log_status, 1, 0);
    CHECK_HAS(logged(), "certificate not verified");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void a_continuation_line_is_masked(void)
{
    int port = server_mailbox("tls=implicit implicit-ir=no");
    clear_log();
    int socket = pop3_connect(at(port), "alice", PASS, log_status, 1, 1);
    CHECK(socket > 0);
    CHECK_HAS(logged(), "C: AUTH PLAIN ***\nS: +");
    CHECK_HAS(logged(), "\nC: ***\nS: +OK");
    CHECK_HAS_NOT(logged(), PLAIN);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void control_bytes_are_escaped(void)
{
    int port = server_play("", SEND("+OK \\x1b[31mred\\x07\\x00\\ttab \\xff\\xc3\\xbc\\x7f\\xc2\\x85 a\\rb")
                               EXPECT("CAPA")
                               "close");
    clear_log();
    CHECK_INT(pop3_connect(at(port), "alice", PASS, log_status, 0, 0), POP3_ERR_CONNECTION_LOST);
    CHECK_HAS(logged(), "S: +OK \\x1b[31mred\\x07\\x00\\x09tab \\xff\xc3\xbc\\x7f\\xc2\\x85 a\\x0db\n");
    CHECK_PLAYED(port);
}

static void what_the_server_echoes_is_masked_too(void)
{
    int port = server_play("", SEND("+OK")
                               EXPECT("CAPA")
                               SEND("-ERR")
                               EXPECT("USER alice")
                               SEND("+OK")
                               EXPECT("PASS s3cret pass")
                               SEND("-ERR 's3cret pass' is wrong")
                               "expect-eof");
    clear_log();
    CHECK_INT(pop3_connect(at(port), "alice", PASS, log_status, 0, 0), POP3_ERR_AUTH);
    CHECK_HAS(logged(), "S: -ERR '***' is wrong\n");
    CHECK_HAS_NOT(logged(), "s3cret");
    CHECK_HAS(pop3_get_last_error(), "-ERR '***' is wrong");
    CHECK_PLAYED(port);

    port = server_play("tls=implicit", SEND("+OK")
                                       EXPECT("CAPA")
                                       SEND("+OK\\r\\nSASL PLAIN\\r\\n.")
                                       "expect \"AUTH PLAIN " PLAIN "\\r\\n\"\n"
                                       "send \"nonsense " PLAIN " s3cret pass\\r\\n\"\n"
                                       "expect-eof");
    clear_log();
    CHECK_INT(pop3_connect(at(port), "alice", PASS, log_status, 1, 0), POP3_ERR_BAD_FORMAT);
    CHECK_HAS(logged(), "S: nonsense *** ***\n");
    CHECK_HAS_NOT(pop3_get_last_error(), PLAIN);
    CHECK_HAS_NOT(pop3_get_last_error(), "s3cret");
    CHECK_PLAYED(port);
}

static void a_line_as_long_as_may_be_is_logged_whole(void)
{
    int port = server_play("", "send \"+OK \"\nrepeat 65532 \"x\"\n" SEND("")
                               EXPECT("CAPA") "close");
    static char expected[70000];
    clear_log();
    CHECK_INT(pop3_connect(at(port), "alice", PASS, log_status, 0, 0), POP3_ERR_CONNECTION_LOST);
    strcpy(expected, "S: +OK ");
    memset(expected + 7, 'x', 65532);
    strcpy(expected + 7 + 65532, "\n");
    CHECK_HAS(logged(), expected);
    CHECK_PLAYED(port);
}

static void the_error_callback_comes_after_the_status_lines(void)
{
    int port = server_play("", SEND("-ERR [SYS/TEMP] not now") "expect-eof");
    char expected[512];
    pop3_set_error_cb(log_error);
    clear_log();
    CHECK_INT(pop3_connect(at(port), "alice", PASS, log_status, 0, 0), POP3_ERR_TEMPORARY);
    pop3_set_error_cb(NULL);
    snprintf(expected, sizeof expected,
             "* connecting to 127.0.0.1:%d\n* connected to 127.0.0.1:%d\nS: -ERR [SYS/TEMP] not now\n"
             "! POP3Connect -2007 the server turned us away; the server said: -ERR [SYS/TEMP] not now\n",
             port, port);
    CHECK_STR(logged(), expected);
    CHECK_PLAYED(port);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(user_and_pass);
    RUN(tls_and_plain);
    RUN(a_continuation_line_is_masked);
    RUN(control_bytes_are_escaped);
    RUN(what_the_server_echoes_is_masked_too);
    RUN(a_line_as_long_as_may_be_is_logged_whole);
    RUN(the_error_callback_comes_after_the_status_lines);
    return check_result();
}

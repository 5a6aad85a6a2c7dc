/* A session in the clear: log-in, the first commands on the socket, and every way a server can answer. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"


/* Up to the log-in, of a server without CAPA. */
#define GREETED SEND("+OK") EXPECT("CAPA") SEND("-ERR")

static int connect_to(int port)
{
    clear_log();
    return pop3_connect(at(port), "alice", PASS, log_status, 0, 0);
}

static int connect_play(const char *transcript)
{
    int port = server_play("", transcript);
    int result = connect_to(port);
    CHECK_PLAYED(port);
    return result;
}

static void connects_counts_and_disconnects(void)
{
    int port = server_mailbox("messages=7");
    int socket = connect_to(port);
    CHECK(socket > 0);
    CHECK_INT(pop3_message_count(socket, log_status), 7);
    CHECK_HAS(logged(), "C: STAT\nS: +OK 7 ");
    CHECK_INT(pop3_disconnect(socket, log_status), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_BAD_SOCKET);
}

static void handles_are_never_given_twice(void)
{
    int port = server_mailbox("");
    int seen[50];
    for (int i = 0; i < 50; i++) {
        seen[i] = connect_to(port);
        CHECK(seen[i] > 0);
        for (int j = 0; j < i; j++)
            CHECK(seen[j] != seen[i]);
        CHECK_INT(pop3_disconnect(seen[i], NULL), 0);
    }
}

static void capabilities(void)
{
    int port = server_mailbox("");
    int socket = connect_to(port);
    pop3_buffer buffer = {NULL, 0};
    CHECK_INT(pop3_capabilities(socket, &buffer, NULL), 0);
    CHECK_HAS(buffer.data, "UIDL\n");
    CHECK_HAS(buffer.data, "PIPELINING\n");
    CHECK_INT(strlen(buffer.data), buffer.len);
    pop3_buffer_free(&buffer);
    CHECK(buffer.data == NULL && buffer.len == 0);
    pop3_buffer_free(&buffer);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    port = server_mailbox("capa=no");
    socket = connect_to(port);
    buffer.data = (char *)&buffer;
    CHECK_INT(pop3_capabilities(socket, &buffer, NULL), POP3_ERR_UNSUPPORTED);
    CHECK(buffer.data == NULL && buffer.len == 0);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void the_servers_words_on_capabilities_are_kept(void)
{
    int port = server_play("", LOGGED_IN EXPECT("CAPA") SEND("-ERR my words")
                                         EXPECT("CAPA") SEND("-ERR [SYS/TEMP] later")
                                         EXPECT("QUIT") SEND("+OK") "expect-eof");
    int socket = connect_to(port);
    pop3_buffer buffer;
    CHECK_INT(pop3_capabilities(socket, &buffer, NULL), POP3_ERR_UNSUPPORTED);
    CHECK_HAS(pop3_get_last_error(), "-ERR my words");
    CHECK_INT(pop3_capabilities(socket, &buffer, NULL), POP3_ERR_TEMPORARY);
    CHECK_HAS(pop3_get_last_error(), "-ERR [SYS/TEMP] later");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void wrong_password_or_user(void)
{
    int port = server_mailbox("");
    CHECK_INT(pop3_connect(at(port), "alice", "wrong", NULL, 0, 0), POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH]");
    CHECK_INT(pop3_connect(at(port), "bob", PASS, NULL, 0, 0), POP3_ERR_AUTH);
    CHECK_INT(pop3_connect(at(port), "", "", NULL, 0, 0), POP3_ERR_AUTH);
}

static void credentials_are_tried_once(void)
{
    /* a refused USER keeps the password at home, and a refused PASS is not tried by another mechanism */
    CHECK_INT(connect_play(GREETED EXPECT("USER alice") SEND("-ERR who") "expect-eof"), POP3_ERR_AUTH);
    CHECK_INT(connect_play(SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nSASL PLAIN LOGIN\\r\\n.")
                           EXPECT("AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz") SEND("-ERR no") "expect-eof"),
              POP3_ERR_AUTH);
}

static void response_codes(void)
{
    const struct {
        const char *reply;
        int at_greeting;
        int at_pass;
    } rows[] = {
        {"-ERR", POP3_ERR_SERVER, POP3_ERR_AUTH},
        {"-ERR busy", POP3_ERR_SERVER, POP3_ERR_TEMPORARY},
        {"-ERR [IN-USE] other session", POP3_ERR_MAILBOX_IN_USE, POP3_ERR_MAILBOX_IN_USE},
        {"-ERR [in-use] other session", POP3_ERR_MAILBOX_IN_USE, POP3_ERR_MAILBOX_IN_USE},
        {"-ERR [LOGIN-DELAY] wait", POP3_ERR_LOGIN_DELAY, POP3_ERR_LOGIN_DELAY},
        {"-ERR [SYS/TEMP] disk", POP3_ERR_TEMPORARY, POP3_ERR_TEMPORARY},
        {"-ERR [SYS/PERM] gone", POP3_ERR_SERVER, POP3_ERR_SERVER},
        {"-ERR [AUTH] no", POP3_ERR_AUTH, POP3_ERR_AUTH},
        {"-ERR [X-ELSE] no", POP3_ERR_SERVER, POP3_ERR_AUTH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char transcript[1024];
        snprintf(transcript, sizeof transcript, SEND("%s") "expect-eof", rows[i].reply);
        CHECK_INT(connect_play(transcript), rows[i].at_greeting);
        CHECK_HAS(pop3_get_last_error(), rows[i].reply);
        snprintf(transcript, sizeof transcript,
                 GREETED "expect-line\n" SEND("+OK") "expect-line\n" SEND("%s") "expect-eof", rows[i].reply);
        CHECK_INT(connect_play(transcript), rows[i].at_pass);
        CHECK_HAS(pop3_get_last_error(), rows[i].reply);
    }
}

static void what_is_no_pop3(void)
{
    const char *bad[] = {"", "* OK IMAP", "220 ftp", "HTTP/1.1 400 Bad", "OK", "+ok", "+", "+ PDE+", "-E", "\\x00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char transcript[256];
        snprintf(transcript, sizeof transcript, SEND("%s") "expect-eof", bad[i]);
        CHECK_INT(connect_play(transcript), POP3_ERR_BAD_FORMAT);
    }
}

static void a_server_that_goes(void)
{
    CHECK_INT(connect_play("close"), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(connect_play("send \"+OK\"\nclose"), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(connect_play(SEND("+OK") "expect-line\nreset"), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(connect_play(GREETED "expect-line\nclose"), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(connect_play(SEND("+OK") "expect-line\n" SEND("+OK\\r\\nTOP") "close"), POP3_ERR_CONNECTION_LOST);
}

static void nobody_listens(void)
{
    int port = server_refuse();
    CHECK_INT(connect_to(port), POP3_ERR_CONNECT);
    CHECK_HAS(pop3_get_last_error(), at(port));
}

static void limits(void)
{
    CHECK_INT(connect_play("send \"+OK \"\nrepeat 100000 \"x\"\nexpect-eof"), POP3_ERR_LIMIT);
    CHECK_INT(connect_play("send \"+OK \"\nrepeat 65533 \"x\"\n" SEND("") "expect-eof"), POP3_ERR_LIMIT);
    /* a capability list without end */
    CHECK_INT(connect_play(SEND("+OK") "expect-line\n" SEND("+OK") "repeat 1000000 \"SPAM\\r\\n\"\nexpect-eof"),
              POP3_ERR_LIMIT);
}

static void a_server_that_ends_lines_with_lf(void)
{
    int port = server_play("", "send \"+OK\\n\"\n" EXPECT("CAPA") "send \"+OK\\nTOP\\n.\\n\"\n"
                               "expect-line\nsend \"+OK\\n\"\nexpect-line\nsend \"+OK\\n\"\n"
                               EXPECT("QUIT") "send \"+OK\\n\"\nexpect-eof");
    int socket = connect_to(port);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void a_bare_lf_ends_no_list_where_lines_end_with_crlf(void)
{
    int port = server_play("", SEND("+OK") EXPECT("CAPA")
                               SEND("+OK\\r\\nTOP\\n.\\n-ERR smuggled\\r\\n.stuffed\\r\\n.")
                               "expect-line\n" SEND("+OK") "expect-line\n" SEND("+OK")
                               EXPECT("QUIT") SEND("+OK") "expect-eof");
    int socket = connect_to(port);
    CHECK(socket > 0);
    CHECK_HAS(logged(), "S: TOP\\x0a.\\x0a-ERR smuggled\nS: .stuffed\nS: .\nC: USER");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void each_reply_decides_how_its_lines_end(void)
{
    int port = server_play("", LOGGED_IN EXPECT("STAT") "send \"-ERR not now\\n\"\n"
                                         EXPECT("CAPA") "send \"+OK\\nTOP\\n.\\n\"\n"
                                         EXPECT("STAT") SEND("+OK 3 4")
                                         EXPECT("QUIT") SEND("+OK") "expect-eof");
    int socket = connect_to(port);
    pop3_buffer buffer;
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_capabilities(socket, &buffer, NULL), 0);
    CHECK_STR(buffer.data, "TOP\n");
    pop3_buffer_free(&buffer);
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void replies_split_at_every_byte(void)
{
    int port = server_play("", "trickle 2 \"+OK hello\\r\\n\"\n" EXPECT("CAPA")
                               "trickle 2 \"+OK\\r\\nTOP\\r\\n.\\r\\n\"\n"
                               "expect-line\ntrickle 2 \"+OK\\r\\n\"\nexpect-line\ntrickle 2 \"+OK in\\r\\n\"\n"
                               EXPECT("QUIT") "trickle 2 \"+OK\\r\\n\"\nexpect-eof");
    int socket = connect_to(port);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void stat_of_all_shapes(void)
{
    const struct {
        const char *reply;
        int result;
    } rows[] = {
        {"+OK 3 120", 3},
        {"+OK 0 0 and more", 0},
        {"+OK  2   9", 2},
        {"+OK 2 -5", 2},
        {"+OK 2147483647 99999999999999999999", 2147483647},
        {"+OK", POP3_ERR_SHORT_RESPONSE},
        {"+OK 3", POP3_ERR_SHORT_RESPONSE},
        {"+OK three 120", POP3_ERR_SYNTAX},
        {"+OK 3 octets", POP3_ERR_SYNTAX},
        {"+OK -3 120", POP3_ERR_SYNTAX},
        {"+OK 2147483648 1", POP3_ERR_SYNTAX},
        {"-ERR every 15 minutes", POP3_ERR_SERVER},
        {"-ERR [SYS/TEMP] later", POP3_ERR_TEMPORARY},
    };
    char transcript[8192] = LOGGED_IN;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        sprintf(transcript + strlen(transcript), EXPECT("STAT") SEND("%s"), rows[i].reply);
    strcat(transcript, EXPECT("QUIT") SEND("+OK") "expect-eof");
    int port = server_play("", transcript);
    int socket = connect_to(port);
    CHECK(socket > 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_INT(pop3_message_count(socket, NULL), rows[i].result);
        if (rows[i].result < 0)
            CHECK_HAS(pop3_get_last_error(), rows[i].reply);
    }
    /* none of it has ended the session */
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void a_session_that_died_says_why_until_it_is_freed(void)
{
    int port = server_play("", LOGGED_IN EXPECT("STAT") SEND("what?") "expect-eof");
    int socket = connect_to(port);
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_BAD_FORMAT);
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_HAS(pop3_get_last_error(), "what?");
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_PLAYED(port);
}

static void what_quit_can_meet(void)
{
    const struct {
        const char *answer;
        int result;
    } rows[] = {
        {SEND("+OK bye") "expect-eof", POP3_OK},
        {SEND("-ERR some deleted messages not removed") "expect-eof", POP3_ERR_SERVER},
        {"close", POP3_ERR_CONNECTION_LOST},
        {"reset", POP3_ERR_CONNECTION_LOST},
        {SEND("BYE") "expect-eof", POP3_ERR_BAD_FORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char transcript[1024];
        snprintf(transcript, sizeof transcript, LOGGED_IN EXPECT("QUIT") "%s", rows[i].answer);
        int port = server_play("", transcript);
        int socket = connect_to(port);
        CHECK(socket > 0);
        CHECK_INT(pop3_disconnect(socket, NULL), rows[i].result);
        CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
        CHECK_PLAYED(port);
    }
}

int main(void)
{
    RUN(connects_counts_and_disconnects);
    RUN(handles_are_never_given_twice);
    RUN(capabilities);
    RUN(the_servers_words_on_capabilities_are_kept);
    RUN(wrong_password_or_user);
    RUN(credentials_are_tried_once);
    RUN(response_codes);
    RUN(what_is_no_pop3);
    RUN(a_server_that_goes);
    RUN(nobody_listens);
    RUN(limits);
    RUN(a_server_that_ends_lines_with_lf);
    RUN(a_bare_lf_ends_no_list_where_lines_end_with_crlf);
    RUN(each_reply_decides_how_its_lines_end);
    RUN(replies_split_at_every_byte);
    RUN(stat_of_all_shapes);
    RUN(a_session_that_died_says_why_until_it_is_freed);
    RUN(what_quit_can_meet);
    return check_result();
}

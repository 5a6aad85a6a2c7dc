/* Every wait ends by one deadline, however the server fills it. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "dead.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"

/* How late a deadline may be on a busy machine, which is a guard against hangs; how early it may never be. */
enum { TIMEOUT_MS = 1000, LATE_MS = 20000, EARLY_MS = 10 };

static void must_time_out(const char *server, int secure)
{
    clear_log();
    long long start = now_ms();
    CHECK_INT(pop3_connect(server, "alice", PASS, log_status, secure, 0), POP3_ERR_TIMEOUT);
    long long took = now_ms() - start;
    if (!CHECK(took >= TIMEOUT_MS - EARLY_MS && took <= TIMEOUT_MS + LATE_MS))
        printf("it took %lld ms\n", took);
}

static void must_time_out_in(const char *options, const char *transcript, int secure)
{
    int port = server_play(options, transcript);
    must_time_out(at(port), secure);
    CHECK_PLAYED(port);
}

static void a_look_up_that_hangs(void)
{
    name_hangs("hang.test", 4000);
    must_time_out("hang.test", 0);
    CHECK_STR(logged(), "* resolving hang.test\n");
}

static void a_syn_that_nobody_answers(void)
{
    struct dead dead;
    int port = server_refuse();
    CHECK(dead_begin(&dead, SILENT, "127.0.0.9", port));
    must_time_out(at_host("127.0.0.9", port), 0);
    dead_end(&dead);
}

static void every_address_of_a_name_is_tried(void)
{
    struct dead dead;
    int port = server_mailbox("address=127.0.0.4");
    char expected[512];
    /* nobody listens at the first, the second answers no SYN, the last serves */
    CHECK(dead_begin(&dead, SILENT, "127.0.0.3", port));
    CHECK_INT(pop3_set_comms_timeout(60), 0);
    name_is("many.test", "127.0.0.2 127.0.0.3 127.0.0.4");
    clear_log();
    int handle = pop3_connect(at_host("many.test", port), "alice", PASS, log_status, 0, 0);
    CHECK(handle > 0);
    snprintf(expected, sizeof expected,
             "* resolving many.test\n* connecting to 127.0.0.2:%d\n* connecting to 127.0.0.3:%d\n"
             "* connecting to 127.0.0.4:%d\n* connected to 127.0.0.4:%d\n",
             port, port, port, port);
    CHECK_HAS(logged(), expected);
    CHECK_INT(pop3_disconnect(handle, NULL), 0);

    /* and if none serves, each is told of */
    name_is("none.test", "127.0.0.5 127.0.0.6");
    CHECK_INT(pop3_connect(at_host("none.test", port), "alice", PASS, NULL, 0, 0), POP3_ERR_CONNECT);
    CHECK_HAS(pop3_get_last_error(), at_host("127.0.0.5", port));
    CHECK_HAS(pop3_get_last_error(), at_host("127.0.0.6", port));
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    dead_end(&dead);
}

static void a_silent_server(void)
{
    must_time_out_in("", "expect-eof", 0);
    must_time_out_in("", "send \"+OK\"\nexpect-eof", 0);
    must_time_out_in("", SEND("+OK") EXPECT("CAPA") "expect-eof", 0);
    must_time_out_in("", SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nTOP") "expect-eof", 0);
    must_time_out_in("", SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\nexpect-eof", 0);
    must_time_out_in("tls=implicit", "expect-eof", 1);
}

/* Whether the text says that TLS may be what the port wants. */
static void may_want_tls(const char *options, const char *transcript, int secure, int result, int is_said)
{
    int port = server_play(options, transcript);
    CHECK_INT(pop3_connect(at(port), "alice", PASS, NULL, secure, 0), result);
    if (is_said)
        CHECK_HAS(pop3_get_last_error(), "may want TLS from the first byte, as 995 does");
    else
        CHECK_HAS_NOT(pop3_get_last_error(), "may want TLS");
}

static void a_port_that_may_want_tls(void)
{
    may_want_tls("", "hold", 0, POP3_ERR_TIMEOUT, 1);
    may_want_tls("", "hold", 2, POP3_ERR_TIMEOUT, 1);
    may_want_tls("", "close", 0, POP3_ERR_CONNECTION_LOST, 1);
    /* this is TLS, that is POP3, and there it has been said */
    may_want_tls("tls=implicit", "hold", 1, POP3_ERR_TIMEOUT, 0);
    may_want_tls("", "send \"+O\"\nhold", 0, POP3_ERR_TIMEOUT, 0);
    may_want_tls("", SEND("+OK") "hold", 0, POP3_ERR_TIMEOUT, 0);
}

static void a_scheme_is_not_part_of_the_server(void)
{
    CHECK_INT(pop3_connect("pop3s://localhost", "alice", PASS, NULL, 1, 0), POP3_ERR_NO_ADDRESS);
    CHECK_HAS(pop3_get_last_error(), "a scheme is not part of the server");
    CHECK_HAS(pop3_get_last_error(), "secure 1 for TLS");
    CHECK_INT(pop3_connect("pop3://joe:s3cret@localhost", "alice", PASS, NULL, 0, 0), POP3_ERR_NO_ADDRESS);
    CHECK_HAS(pop3_get_last_error(), "secure 0");
    CHECK_HAS_NOT(pop3_get_last_error(), "s3cret");
}

static void a_trickling_server(void)
{
    must_time_out_in("", "trickle 100 \"+OK 345678901234567890123456789012345678901234567890\\r\\n\"\nexpect-eof", 0);
    must_time_out_in("", SEND("+OK") "expect-line\n" SEND("+OK")
                         "trickle 100 \"A\\r\\nB\\r\\nC\\r\\nD\\r\\nE\\r\\nF\\r\\nG\\r\\nH\\r\\nI\\r\\nJ\\r\\nK\\r\\nL\\r\\n.\\r\\n\"\n"
                         "expect-eof",
                     0);
    must_time_out_in("tls=implicit", "trickle 100 \"+OK 345678901234567890123456789012345678901234567890\\r\\n\"\nexpect-eof",
                     1);
}

static void a_stuck_handshake(void)
{
    must_time_out_in("", "expect-hello\nexpect-eof", 1);
    /* what would end it, had it come in time */
    must_time_out_in("", "expect-hello\ntrickle 300 \"\\x15\\x03\\x03\\x00\\x02\\x02\\x28\"\nhold", 1);
}

static void a_command_on_the_socket_and_quit(void)
{
    const char *logged_in = SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n" SEND("+OK")
                            "expect-line\n" SEND("+OK") "expect-line\nexpect-eof";
    int port = server_play("", logged_in);
    int handle = pop3_connect(at(port), "alice", PASS, NULL, 0, 0);
    CHECK(handle > 0);
    CHECK_INT(pop3_message_count(handle, NULL), POP3_ERR_TIMEOUT);
    /* it has ended: nobody waits again */
    CHECK_INT(pop3_message_count(handle, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_disconnect(handle, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_PLAYED(port);

    port = server_play("", logged_in);
    handle = pop3_connect(at(port), "alice", PASS, NULL, 0, 0);
    CHECK_INT(pop3_disconnect(handle, NULL), POP3_ERR_TIMEOUT);
    CHECK_INT(pop3_disconnect(handle, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_PLAYED(port);
}

static void a_slow_server_in_time(void)
{
    /* each reply has a deadline of its own, so together they may take longer than one */
    int port = server_play("", "pause 1100\n" SEND("+OK") "expect-line\npause 1100\n" SEND("-ERR")
                               "expect-line\npause 1100\n" SEND("+OK") "expect-line\npause 1100\n"
                               SEND("+OK") "expect-line\n" SEND("+OK") "expect-eof");
    CHECK_INT(pop3_set_comms_timeout(4), 0);
    int handle = pop3_connect(at(port), "alice", PASS, NULL, 0, 0);
    CHECK(handle > 0);
    CHECK_INT(pop3_disconnect(handle, NULL), 0);
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    CHECK_PLAYED(port);
}

static void dawdle(const char *status)
{
    (void)status;
    sleep_ms(5);
}

static void the_hosts_own_time_does_not_count(void)
{
    /* the list is there at once, but the host takes longer over its lines than a reply may */
    int handle = pop3_connect(at(server_mailbox("messages=300")), "alice", PASS, NULL, 0, 0);
    pop3_list list;
    CHECK_INT(pop3_list_messages(handle, 0, &list, dawdle), 0);
    CHECK_INT(list.count, 300);
    pop3_list_free(&list);
    CHECK_INT(pop3_disconnect(handle, NULL), 0);
}

/*
 * A call's own limit is shorter than that of any wait in connecting, which would be the guard against hangs as well.
 */
static void the_limit_of_a_call_holds_in_every_wait(void)
{
    enum { CALL_MS = 300, WAIT_MS = 40000, GUARD_MS = 20000 };
    const char *held = "hold\n", *stls = SEND("+OK") REPLY("CAPA", "+OK\\r\\nSTLS\\r\\n.\\r\\n")
                                       REPLY("STLS", "+OK\\r\\n") "expect-hello\nhold\n", *hello = "expect-hello\nhold\n";
    const struct {
        const char *wait, *server, *transcript, *scheme;
        int secure;
    } rows[] = {
        {"for the name", "hang-for-long.test", NULL, NULL, 0},
        {"for the name of the proxy", "mail.test", NULL, "socks5://hang-for-long.test", 0},
        {"for the connection", "full", NULL, NULL, 0},
        {"for the proxy (SOCKS5)", "mail.test", held, "socks5://127.0.0.1", 0},
        {"for the proxy (HTTP)", "mail.test", held, "http://127.0.0.1", 0},
        {"for the handshake", NULL, hello, NULL, 1},
        {"for the handshake after STLS", NULL, stls, NULL, 2},
        {"for the greeting", NULL, held, NULL, 0},
    };
    name_hangs("hang-for-long.test", WAIT_MS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int full = rows[i].server != NULL && strcmp(rows[i].server, "full") == 0;
        int port = rows[i].transcript != NULL ? server_play("", rows[i].transcript) : full ? server_full() : 1;
        pop3_options *options = pop3_options_new();
        CHECK_INT(pop3_options_set_server(options, rows[i].server == NULL || full ? at(port) : rows[i].server), 0);
        CHECK_INT(pop3_options_set_secure(options, rows[i].secure), 0);
        CHECK_INT(pop3_options_set_verify(options, 0), 0);
        CHECK_INT(pop3_options_set_timeouts(options, WAIT_MS, WAIT_MS, CALL_MS), 0);
        if (rows[i].scheme != NULL) {
            char url[64];
            snprintf(url, sizeof url, "%s:%d", rows[i].scheme, port);
            CHECK_INT(pop3_options_set_proxy(options, url), 0);
        }
        long long start = now_ms();
        int fine = CHECK_INT(pop3_connect_with(options), POP3_ERR_TIMEOUT);
        fine &= CHECK(now_ms() - start < GUARD_MS);
        if (rows[i].scheme != NULL)
            fine &= CHECK_HAS(pop3_get_last_error(), "proxy ");
        if (!fine)
            printf("waiting %s\n", rows[i].wait);
        pop3_options_free(options);
    }
}

int main(void)
{
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    RUN(a_look_up_that_hangs);
    RUN(a_syn_that_nobody_answers);
    RUN(every_address_of_a_name_is_tried);
    RUN(a_silent_server);
    RUN(a_port_that_may_want_tls);
    RUN(a_scheme_is_not_part_of_the_server);
    RUN(a_trickling_server);
    RUN(a_stuck_handshake);
    RUN(a_command_on_the_socket_and_quit);
    RUN(a_slow_server_in_time);
    RUN(the_hosts_own_time_does_not_count);
    RUN(the_limit_of_a_call_holds_in_every_wait);
    return check_result();
}

/* Every wait ends by one deadline, however the server fills it. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "dead.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "server.h"

#define PASS "s3cret pass"

/* How late a deadline may be on a busy machine; how early it may never be. */
enum { TIMEOUT_MS = 1000, LATE_MS = 10000, EARLY_MS = 10 };

static void must_time_out(const char *server, int secure)
{
    hear_nothing();
    long long start = now_ms();
    CHECK_INT(pop3_connect(server, "alice", PASS, hear, secure, 0), POP3_ERR_TIMEOUT);
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
    CHECK_STR(heard(), "* resolving hang.test\n");
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
    name_is("many.test", "127.0.0.2 127.0.0.3 127.0.0.4");
    hear_nothing();
    int handle = pop3_connect(at_host("many.test", port), "alice", PASS, hear, 0, 0);
    CHECK(handle > 0);
    snprintf(expected, sizeof expected,
             "* resolving many.test\n* connecting to 127.0.0.2:%d\n* connecting to 127.0.0.3:%d\n"
             "* connecting to 127.0.0.4:%d\n* connected to 127.0.0.4:%d\n",
             port, port, port, port);
    CHECK_HAS(heard(), expected);
    CHECK_INT(pop3_disconnect(handle, NULL), 0);

    /* and if none serves, each is told of */
    name_is("none.test", "127.0.0.5 127.0.0.6");
    CHECK_INT(pop3_connect(at_host("none.test", port), "alice", PASS, NULL, 0, 0), POP3_ERR_CONNECT);
    CHECK_HAS(pop3_get_last_error(), at_host("127.0.0.5", port));
    CHECK_HAS(pop3_get_last_error(), at_host("127.0.0.6", port));
    dead_end(&dead);
}

static void a_silent_server(void)
{
    must_time_out_in("", "expect-eof", 0);
    must_time_out_in("", "send \"+OK\"\nexpect-eof", 0);
    must_time_out_in("", "send \"+OK\\r\\n\"\nexpect \"CAPA\\r\\n\"\nexpect-eof", 0);
    must_time_out_in("", "send \"+OK\\r\\n\"\nexpect \"CAPA\\r\\n\"\nsend \"+OK\\r\\nTOP\\r\\n\"\nexpect-eof", 0);
    must_time_out_in("", "send \"+OK\\r\\n\"\nexpect-line\nsend \"-ERR\\r\\n\"\nexpect-line\nexpect-eof", 0);
    must_time_out_in("tls=implicit", "expect-eof", 1);
}

static void a_trickling_server(void)
{
    must_time_out_in("", "trickle 100 \"+OK 345678901234567890123456789012345678901234567890\\r\\n\"\nexpect-eof", 0);
    must_time_out_in("", "send \"+OK\\r\\n\"\nexpect-line\nsend \"+OK\\r\\n\"\n"
                         "trickle 100 \"A\\r\\nB\\r\\nC\\r\\nD\\r\\nE\\r\\nF\\r\\nG\\r\\nH\\r\\nI\\r\\nJ\\r\\nK\\r\\nL\\r\\n\"\n"
                         "expect-eof",
                     0);
    must_time_out_in("tls=implicit", "trickle 100 \"+OK 345678901234567890123456789012345678901234567890\\r\\n\"\nexpect-eof",
                     1);
}

static void a_stuck_handshake(void)
{
    must_time_out_in("", "expect-hello\nexpect-eof", 1);
    /* the beginning of a record that never ends */
    must_time_out_in("", "expect-hello\ntrickle 100 \"\\x16\\x03\\x03\\x40\\x00\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"\nhold",
                     1);
}

static void a_command_on_the_socket_and_quit(void)
{
    const char *logged_in = "send \"+OK\\r\\n\"\nexpect-line\nsend \"-ERR\\r\\n\"\nexpect-line\nsend \"+OK\\r\\n\"\n"
                            "expect-line\nsend \"+OK\\r\\n\"\nexpect-line\nexpect-eof";
    int port = server_play("", logged_in);
    int handle = pop3_connect(at(port), "alice", PASS, NULL, 0, 0);
    CHECK(handle > 0);
    CHECK_INT(pop3_message_count(handle, NULL), POP3_ERR_TIMEOUT);
    /* it has ended: nobody waits again */
    long long start = now_ms();
    CHECK_INT(pop3_message_count(handle, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_disconnect(handle, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK(now_ms() - start < TIMEOUT_MS);
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
    int port = server_play("", "pause 600\nsend \"+OK\\r\\n\"\nexpect-line\npause 600\nsend \"-ERR\\r\\n\"\n"
                               "expect-line\npause 600\nsend \"+OK\\r\\n\"\nexpect-line\npause 600\nsend \"+OK\\r\\n\"\n"
                               "expect-line\nsend \"+OK\\r\\n\"\nexpect-eof");
    int handle = pop3_connect(at(port), "alice", PASS, NULL, 0, 0);
    CHECK(handle > 0);
    CHECK_INT(pop3_disconnect(handle, NULL), 0);
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

int main(void)
{
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    RUN(a_look_up_that_hangs);
    RUN(a_syn_that_nobody_answers);
    RUN(every_address_of_a_name_is_tried);
    RUN(a_silent_server);
    RUN(a_trickling_server);
    RUN(a_stuck_handshake);
    RUN(a_command_on_the_socket_and_quit);
    RUN(a_slow_server_in_time);
    RUN(the_hosts_own_time_does_not_count);
    return check_result();
}

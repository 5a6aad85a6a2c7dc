/* TOP and DELE for many messages at once, ahead of the answers or one by one. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "gather.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

#define PIPELINING "TOP\\r\\nPIPELINING\\r\\n"
/* What TOP brings of a message of one line. */
#define TOP(line) SEND("+OK\\r\\n" line "\\r\\n\\r\\n.")
#define NEXT "next\n"

static const int32_t one_to_five[] = {1, 2, 3, 4, 5};

enum { MANY = 100 };

/* 1 to MANY. */
static const int32_t *one_to_many(void)
{
    static int32_t numbers[MANY];
    for (int i = 0; i < MANY; i++)
        numbers[i] = i + 1;
    return numbers;
}

/* Reads the tops of those messages, which must answer `result` and give `text`. */
static void must_top(int socket, const int32_t *numbers, size_t count, int lines, int result, const char *text)
{
    struct letters letters = {0};
    CHECK_INT(pop3_recv_tops(socket, numbers, count, lines, gather_messages, &letters, NULL), result);
    CHECK_STR(letters_text(&letters), text);
    if (result >= 0)
        CHECK_INT(letters.whole, result);
    letters_free(&letters);
}

/* How many messages are not marked for deletion. */
static int listed(int socket)
{
    pop3_list list;
    CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0);
    int count = (int)list.count;
    pop3_list_free(&list);
    return count;
}

static int waiting(int where, int secure)
{
    return pop3_stat(at(where), "alice", PASS, NULL, secure, 1);
}

/* TOP */

static void tops_are_those_of_one_by_one(void)
{
    const char *options[] = {"size=3000", "size=100000 tls=implicit", "size=3000 tls=stls", "size=3000 capa=no"};
    const int32_t numbers[] = {4, 1, 5, 1, 2, 3}, lines[] = {0, 1, 7, INT32_MAX};
    for (int i = 0; i < 4; i++) {
        int socket = connect_to(server_mailbox(options[i]), i % 3);
        for (int j = 0; j < 4; j++) {
            struct letters letters = {0};
            CHECK_INT(pop3_recv_tops(socket, numbers, 6, lines[j], gather_messages, &letters, NULL), 6);
            CHECK_INT(letters.whole, 6);
            for (size_t k = 0; k < letters.count && CHECK(letters.count == 6); k++) {
                pop3_buffer buffer = {NULL, 0};
                CHECK_INT(letters.items[k].number, numbers[k]);
                CHECK_INT(pop3_recv_top(socket, numbers[k], lines[j], &buffer, NULL), 0);
                if (CHECK_INT(letters.items[k].pieces.len, buffer.len))
                    CHECK(memcmp(letters.items[k].pieces.data, buffer.data, buffer.len) == 0);
                pop3_buffer_free(&buffer);
            }
            letters_free(&letters);
        }
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void tops_of_messages_that_are_not_there(void)
{
    const int32_t numbers[] = {9, 2, INT32_MAX, 3};
    for (int capa = 0; capa < 2; capa++) {
        int socket = connect_to(server_mailbox(capa ? "" : "capa=no"), 0);
        CHECK_INT(pop3_delete_message(socket, 3, NULL), 0);
        struct letters letters = {0};
        CHECK_INT(pop3_recv_tops(socket, numbers, 4, 0, gather_messages, &letters, NULL), 1);
        /* as long as TOP has not worked a server without a list of capabilities may lack it */
        int first = capa ? POP3_ERR_SERVER : POP3_ERR_UNSUPPORTED, last[] = {first, 1, POP3_ERR_SERVER, POP3_ERR_SERVER};
        for (size_t i = 0; i < letters.count && CHECK(letters.count == 4); i++) {
            CHECK_INT(letters.items[i].number, numbers[i]);
            CHECK_INT(letters.items[i].last, last[i]);
        }
        letters_free(&letters);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void tops_of_a_server_that_has_none(void)
{
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH("UIDL\\r\\n"), LOGGED_IN_WITH("PIPELINING\\r\\n")};
    for (int i = 0; i < 3; i++) {
        script_begin(logged_in[i]);
        script_add(i < 2 ? EXPECT("TOP 1 3") SEND("-ERR what?") EXPECT("TOP 2 3") SEND("-ERR [SYS/TEMP] later")
                         : EXPECT("TOP 1 3\\r\\nTOP 2 3") SEND("-ERR what?\\r\\n-ERR [SYS/TEMP] later"));
        script_add(REPLY("STAT", "+OK 5 50\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        must_top(socket, one_to_five, 2, 3, 0, "1:-2008 2:-2007");
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        good_bye(socket);
    }
}

static void the_size_of_the_message_is_not_that_of_its_top(void)
{
    /* so what is refused behind it is the next one */
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING) EXPECT("TOP 1 0\\r\\nTOP 2 0\\r\\nTOP 3 0")
        SEND("+OK 4711 octets\\r\\na\\r\\n\\r\\n.\\r\\n-ERR\\r\\n+OK 900 octets\\r\\n\\r\\n.") GOOD_BYE);
    must_top(socket, one_to_five, 3, 0, 2, "1:5 2:-2001 3:2");
    good_bye(socket);
}

static void tops_that_are_mixed_up_are_not_whole(void)
{
    /* a line too many; one more than was asked for, which has come with the last one */
    const struct {
        const char *answers, *text;
    } rows[] = {
        {SEND("+OK\\r\\na\\r\\n.\\r\\n.\\r\\n+OK\\r\\nb\\r\\n."), "1:"},
        {SEND("+OK\\r\\na\\r\\n.\\r\\n+OK\\r\\nb\\r\\n.\\r\\n+OK"), "1:3 2:"},
    };
    for (int i = 0; i < 2; i++) {
        struct letters letters = {0};
        script_begin(LOGGED_IN_WITH(PIPELINING) EXPECT("TOP 1 0\\r\\nTOP 2 0"));
        script_add("%shold", rows[i].answers);
        int socket = connect_play(script());
        CHECK_INT(pop3_recv_tops(socket, one_to_five, 2, 0, gather_messages, &letters, NULL), POP3_ERR_BAD_FORMAT);
        CHECK_STR(letters_text(&letters), rows[i].text);
        letters_free(&letters);
        it_is_over(socket);
    }
}

static void a_callback_that_stops_tops(void)
{
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH(PIPELINING)};
    for (int i = 0; i < 2; i++) {
        struct letters letters = {.stop_at = 2};
        script_begin(logged_in[i]);
        script_add("expect-line\n" TOP("a") "hold");
        int socket = connect_play(script());
        CHECK_INT(pop3_recv_tops(socket, one_to_five, 5, 0, gather_messages, &letters, NULL), POP3_ERR_CANCELLED);
        CHECK_INT(letters.calls, 2);
        letters_free(&letters);
        it_is_over(socket);
    }
}

/* DELE */

static void deletions_in_all_modes(void)
{
    const char *options[] = {"messages=300", "messages=300 tls=implicit", "messages=300 tls=stls", "messages=300 capa=no"};
    int32_t numbers[250];
    for (int i = 0; i < 250; i++)
        numbers[i] = 300 - i;
    for (int i = 0; i < 4; i++) {
        int where = server_mailbox(options[i]), secure = i % 3;
        int socket = connect_to(where, secure);
        CHECK_INT(pop3_delete_messages(socket, numbers, 250, NULL), 250);
        CHECK_INT(listed(socket), 50);
        CHECK_INT(pop3_message_count(socket, NULL), 300);
        /* taken back, and marked again */
        CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
        CHECK_INT(listed(socket), 300);
        CHECK_INT(pop3_delete_messages(socket, numbers, 7, NULL), 7);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        CHECK_INT(waiting(where, secure), 293);
    }
}

static void what_is_refused_keeps_no_other_from_being_deleted(void)
{
    const int32_t numbers[] = {9, 2, 2, 5};
    for (int capa = 0; capa < 2; capa++) {
        int where = server_mailbox(capa ? "" : "capa=no");
        int socket = connect_to(where, 0);
        CHECK_INT(pop3_delete_messages(socket, numbers, 4, NULL), POP3_ERR_SERVER);
        CHECK_HAS(pop3_get_last_error(), "DELE 9 was refused; 2 of 4 messages were marked; the server said: -ERR");
        CHECK_INT(listed(socket), 3);
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        CHECK_INT(waiting(where, 0), 3);
    }
}

static void the_first_refusal_counts(void)
{
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH(PIPELINING)};
    for (int i = 0; i < 2; i++) {
        script_begin(logged_in[i]);
        script_add("expect-line\n" SEND("+OK") "expect-line\n" SEND("-ERR [SYS/TEMP] later\\r\\n.")
                   "expect-line\n" SEND("-ERR no\\r\\n.") "expect-line\n" SEND("+OK") "expect-line\n" SEND("-ERR")
                   /* those of the marks are known */
                   REPLY("STAT", "+OK 3 30\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        CHECK_INT(pop3_delete_messages(socket, one_to_five, 5, NULL), POP3_ERR_TEMPORARY);
        CHECK_HAS(pop3_get_last_error(), "DELE 2 was refused; 2 of 5 messages were marked");
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        good_bye(socket);
    }
}

static void deletions_that_break_off_mark_nothing(void)
{
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH(PIPELINING)};
    const struct {
        const char *end;
        int result;
    } rows[] = {
        {"close", POP3_ERR_CONNECTION_LOST},
        {"send \"+O\"\nclose", POP3_ERR_CONNECTION_LOST},
        {SEND("what?") "hold", POP3_ERR_BAD_FORMAT},
        {SEND("-ERR idle for too long") "close", POP3_ERR_CONNECTION_LOST},
    };
    for (int i = 0; i < 2; i++)
        for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
            script_begin(logged_in[i]);
            script_add("expect-line\n" SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n%s", rows[j].end);
            int socket = connect_play(script());
            CHECK_INT(pop3_delete_messages(socket, one_to_five, 5, NULL), rows[j].result);
            it_is_over(socket);
        }
}

static void one_answer_too_many_commits_nothing(void)
{
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH(PIPELINING)};
    for (int i = 0; i < 2; i++) {
        script_begin(logged_in[i]);
        /* it has come before the last answer is taken, or it could be that of QUIT */
        script_add("expect-line\n" SEND("+OK") "expect-line\n" SEND("+OK\\r\\n+OK") "expect-eof\n");
        int socket = connect_play(script());
        CHECK_INT(pop3_delete_messages(socket, one_to_five, 2, NULL), 2);
        CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_FORMAT);
        CHECK_PLAYED(port);
    }
}

/* Both */

static void a_hundred_take_one_round_trip(void)
{
    /* no answer comes before all are asked */
    script_begin(LOGGED_IN_WITH(PIPELINING));
    for (int i = 1; i <= MANY; i++)
        script_add(EXPECT("TOP %d 0"), i);
    script_add("send \"");
    for (int i = 1; i <= MANY; i++)
        script_add("+OK\\r\\na\\r\\n\\r\\n.\\r\\n");
    script_add("\"\n");
    for (int i = 1; i <= MANY; i++)
        script_add(EXPECT("DELE %d"), i);
    script_add("send \"");
    for (int i = 1; i <= MANY; i++)
        script_add("+OK\\r\\n");
    script_add("\"\n" GOOD_BYE);
    int socket = connect_play(script());
    struct letters letters = {0};
    CHECK_INT(pop3_recv_tops(socket, one_to_many(), MANY, 0, gather_messages, &letters, NULL), MANY);
    CHECK_INT(letters.whole, MANY);
    letters_free(&letters);
    CHECK_INT(pop3_delete_messages(socket, one_to_many(), MANY, NULL), MANY);
    good_bye(socket);
}

static void one_by_one_where_the_server_takes_no_more(void)
{
    script_begin(LOGGED_IN_WITH("TOP\\r\\n"));
    for (int i = 1; i <= 3; i++)
        script_add(EXPECT("TOP %d 1") "expect-silence 50\n" TOP("a"), i);
    for (int i = 1; i <= 3; i++)
        script_add(EXPECT("DELE %d") "expect-silence 50\n" SEND("+OK"), i);
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    must_top(socket, one_to_five, 3, 1, 3, "1:5 2:5 3:5");
    CHECK_INT(pop3_delete_messages(socket, one_to_five, 3, NULL), 3);
    good_bye(socket);
}

static void what_is_offered_after_the_log_in_is_used(void)
{
    enum { WORTH_ASKING = 16 };
    for (int deletes = 0; deletes < 2; deletes++) {
        script_begin(LOGGED_IN_WITH("TOP\\r\\n") REPLY("CAPA", "+OK\\r\\nTOP\\r\\nPIPELINING\\r\\n.\\r\\n"));
        for (int i = 1; i <= WORTH_ASKING; i++)
            script_add(EXPECT("%s %d%s"), deletes ? "DELE" : "TOP", i, deletes ? "" : " 0");
        for (int i = 1; i <= WORTH_ASKING; i++)
            script_add("%s", deletes ? SEND("+OK") : TOP("a"));
        script_add(GOOD_BYE);
        int socket = connect_play(script());
        struct letters letters = {0};
        int done = deletes ? pop3_delete_messages(socket, one_to_many(), WORTH_ASKING, NULL)
                           : pop3_recv_tops(socket, one_to_many(), WORTH_ASKING, 0, gather_messages, &letters, NULL);
        CHECK_INT(done, WORTH_ASKING);
        letters_free(&letters);
        good_bye(socket);
    }
}

static void what_fails_ahead_goes_one_by_one_from_then_on(void)
{
    const char *failing[] = {
        EXPECT("DELE 1\\r\\nDELE 2\\r\\nDELE 3\\r\\nDELE 4\\r\\nDELE 5") SEND("+OK") "close\n",
        EXPECT("TOP 1 0\\r\\nTOP 2 0\\r\\nTOP 3 0\\r\\nTOP 4 0\\r\\nTOP 5 0") TOP("a") SEND("what?") "hold\n",
    };
    for (int tops = 0; tops < 2; tops++) {
        script_begin(LOGGED_IN_WITH(PIPELINING));
        script_add("%s" NEXT LOGGED_IN_WITH(PIPELINING) EXPECT("TOP 1 0") "expect-silence 100\n" TOP("a")
                   EXPECT("TOP 2 0") TOP("b") EXPECT("DELE 1") "expect-silence 100\n" SEND("+OK") EXPECT("DELE 2")
                   SEND("+OK") GOOD_BYE, failing[tops]);
        int socket = connect_play(script());
        struct letters letters = {0};
        if (tops)
            CHECK_INT(pop3_recv_tops(socket, one_to_five, 5, 0, gather_messages, &letters, NULL), POP3_ERR_BAD_FORMAT);
        else
            CHECK_INT(pop3_delete_messages(socket, one_to_five, 5, NULL), POP3_ERR_CONNECTION_LOST);
        letters_free(&letters);
        CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
        socket = connect_to(port, 0);
        must_top(socket, one_to_five, 2, 0, 2, "1:5 2:5");
        CHECK_INT(pop3_delete_messages(socket, one_to_five, 2, NULL), 2);
        good_bye(socket);
    }
}

static void what_is_unread_ends_it_before_anything_is_sent(void)
{
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING) REPLY("NOOP", "+OK\\r\\n+OK\\r\\n") "expect-eof\n");
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_delete_messages(socket, one_to_five, 5, NULL), POP3_ERR_BAD_FORMAT);
    it_is_over(socket);
}

static void parameters(void)
{
    int where = server_mailbox("record=yes");
    int socket = connect_to(where, 0);
    const int32_t zero[] = {1, 2, 0}, negative[] = {1, -2};
    must_top(socket, zero, 3, 0, POP3_ERR_PARAMETER, "");
    must_top(socket, negative, 2, 0, POP3_ERR_PARAMETER, "");
    must_top(socket, NULL, 2, 0, POP3_ERR_PARAMETER, "");
    must_top(socket, one_to_five, 2, -1, POP3_ERR_PARAMETER, "");
    must_top(socket, one_to_five, (size_t)INT32_MAX + 1, 0, POP3_ERR_PARAMETER, "");
    CHECK_INT(pop3_recv_tops(socket, one_to_five, 5, 0, NULL, NULL, NULL), POP3_ERR_PARAMETER);
    must_top(0, one_to_five, 5, 0, POP3_ERR_BAD_SOCKET, "");
    CHECK_INT(pop3_delete_messages(socket, zero, 3, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_delete_messages(socket, negative, 2, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_delete_messages(socket, NULL, 1, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_delete_messages(socket, one_to_five, (size_t)INT32_MAX + 1, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_delete_messages(0, one_to_five, 5, NULL), POP3_ERR_BAD_SOCKET);
    /* nothing to do */
    must_top(socket, NULL, 0, 0, 0, "");
    CHECK_INT(pop3_delete_messages(socket, NULL, 0, NULL), 0);
    CHECK_HAS_NOT(server_received(where), "TOP");
    CHECK_HAS_NOT(server_received(where), "DELE");
    CHECK_INT(listed(socket), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void status_lines_and_failures(void)
{
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING) EXPECT("TOP 1 0\\r\\nTOP 2 0") TOP("secret") SEND("-ERR no")
                              EXPECT("DELE 1\\r\\nDELE 2") SEND("+OK\\r\\n-ERR no") GOOD_BYE);
    struct letters letters = {0};
    pop3_set_error_cb(log_error);
    clear_log();
    CHECK_INT(pop3_recv_tops(socket, one_to_five, 2, 0, gather_messages, &letters, log_status), 1);
    CHECK_STR(logged(), "C: TOP 1 0\nC: TOP 2 0\nS: +OK\n* 10 bytes\nS: -ERR no\n");
    clear_log();
    CHECK_INT(pop3_delete_messages(socket, one_to_five, 2, log_status), POP3_ERR_SERVER);
    CHECK_HAS(logged(), "C: DELE 1\nC: DELE 2\nS: +OK\nS: -ERR no\n! POP3DeleteMessages -2001 DELE 2 was refused");
    clear_log();
    CHECK_INT(pop3_recv_tops(socket, one_to_five, 2, -1, gather_messages, &letters, log_status), POP3_ERR_PARAMETER);
    CHECK_HAS(logged(), "! POP3RecvTops -501 ");
    pop3_set_error_cb(NULL);
    letters_free(&letters);
    good_bye(socket);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(tops_are_those_of_one_by_one);
    RUN(tops_of_messages_that_are_not_there);
    RUN(tops_of_a_server_that_has_none);
    RUN(the_size_of_the_message_is_not_that_of_its_top);
    RUN(tops_that_are_mixed_up_are_not_whole);
    RUN(a_callback_that_stops_tops);
    RUN(deletions_in_all_modes);
    RUN(what_is_refused_keeps_no_other_from_being_deleted);
    RUN(the_first_refusal_counts);
    RUN(deletions_that_break_off_mark_nothing);
    RUN(one_answer_too_many_commits_nothing);
    RUN(a_hundred_take_one_round_trip);
    RUN(one_by_one_where_the_server_takes_no_more);
    RUN(what_is_offered_after_the_log_in_is_used);
    RUN(what_fails_ahead_goes_one_by_one_from_then_on);
    RUN(what_is_unread_ends_it_before_anything_is_sent);
    RUN(parameters);
    RUN(status_lines_and_failures);
    return check_result();
}

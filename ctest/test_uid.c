/* Messages by their unique ids. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

#define MESSAGE(line) "send \"+OK\\r\\n" line "\\r\\n.\\r\\n\"\n"

/* Reads the message with that id, which must answer `result` and, where that is 0, give `text`. */
static void must_read(int socket, const char *uid, int result, const char *text)
{
    pop3_buffer buffer = {(char *)&buffer, 77};
    CHECK_INT(pop3_recv_uid(socket, uid, &buffer, NULL), result);
    if (result == 0)
        CHECK_STR(buffer.data, text);
    else
        CHECK(buffer.data == NULL && buffer.len == 0);
    pop3_buffer_free(&buffer);
}

/* Both functions, with that id, must answer `result`, in words that have `words` in them. */
static void both_must_fail(int socket, const char *uid, int result, const char *words)
{
    must_read(socket, uid, result, NULL);
    CHECK_HAS(pop3_get_last_error(), words);
    CHECK_INT(pop3_delete_uid(socket, uid, NULL), result);
    CHECK_HAS(pop3_get_last_error(), words);
}

static void they_are_the_messages_of_the_list(void)
{
    const char *options[] = {"", "tls=implicit", "tls=stls", "capa=no"};
    for (int i = 0; i < 4; i++) {
        int where = server_mailbox(options[i]), secure = i % 3;
        int socket = connect_to(where, secure);
        pop3_uid_list ids;
        CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
        CHECK_INT(ids.count, 5);
        for (size_t j = ids.count; j-- > 0;) {
            pop3_buffer by_uid, by_number;
            CHECK_INT(pop3_recv_uid(socket, ids.items[j].uid, &by_uid, NULL), 0);
            CHECK_INT(pop3_recv_message(socket, ids.items[j].number, &by_number, NULL), 0);
            if (CHECK(by_uid.len > 0) && CHECK_INT(by_uid.len, by_number.len))
                CHECK(memcmp(by_uid.data, by_number.data, by_uid.len) == 0);
            pop3_buffer_free(&by_uid);
            pop3_buffer_free(&by_number);
        }
        CHECK_INT(pop3_delete_uid(socket, ids.items[3].uid, NULL), 0);
        CHECK_INT(pop3_delete_uid(socket, ids.items[0].uid, NULL), 0);
        pop3_uid_list_free(&ids);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        socket = connect_to(where, secure);
        CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
        CHECK_INT(ids.count, 3);
        CHECK_STR(ids.items[0].uid, "uid-2");
        CHECK_STR(ids.items[2].uid, "uid-5");
        pop3_uid_list_free(&ids);
        both_must_fail(socket, "uid-4", POP3_ERR_SERVER, "no message has that unique id");
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void the_list_is_asked_for_once(void)
{
    int socket = connect_play(LOGGED_IN REPLY("UIDL", "+OK\\r\\n3 c\\r\\n1 aa\\r\\n7 a\\r\\n.\\r\\n")
        EXPECT("RETR 7") MESSAGE("7") REPLY("DELE 3", "+OK\\r\\n") EXPECT("RETR 1") MESSAGE("1")
        REPLY("RETR 7", "-ERR [SYS/TEMP] later\\r\\n") REPLY("DELE 1", "-ERR read-only\\r\\n")
        REPLY("STAT", "+OK 2 20\\r\\n") GOOD_BYE);
    must_read(socket, "a", 0, "7\r\n");
    CHECK_INT(pop3_delete_uid(socket, "c", NULL), 0);
    must_read(socket, "aa", 0, "1\r\n");
    must_read(socket, "a", POP3_ERR_TEMPORARY, NULL);
    CHECK_INT(pop3_delete_uid(socket, "aa", NULL), POP3_ERR_SERVER);
    /* not there: nothing is sent */
    both_must_fail(socket, "b", POP3_ERR_SERVER, "no message has that unique id");
    both_must_fail(socket, "A", POP3_ERR_SERVER, "no message has that unique id");
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    good_bye(socket);
}

static void blanks_do_not_count(void)
{
    int socket = connect_play(LOGGED_IN REPLY("UIDL", "+OK\\r\\n1 Mon  10:01\\r\\n2 Mon\\t10:02  \\r\\n3 Mon\\r\\n.\\r\\n")
        EXPECT("RETR 1") MESSAGE("1") EXPECT("RETR 2") MESSAGE("2") EXPECT("RETR 2") MESSAGE("2")
        EXPECT("RETR 3") MESSAGE("3") GOOD_BYE);
    must_read(socket, "Mon 10:01", 0, "1\r\n");
    must_read(socket, "Mon\t10:02", 0, "2\r\n");
    must_read(socket, "  Mon   10:02 ", 0, "2\r\n");
    must_read(socket, "Mon", 0, "3\r\n");
    both_must_fail(socket, "Mon10:01", POP3_ERR_SERVER, "no message has that unique id");
    both_must_fail(socket, "10:01", POP3_ERR_SERVER, "no message has that unique id");
    good_bye(socket);
}

static void an_id_that_two_messages_share_is_neither(void)
{
    int socket = connect_play(LOGGED_IN REPLY("UIDL", "+OK\\r\\n1 x\\r\\n2 y\\r\\n3 x\\r\\n4 y z\\r\\n5 y  z\\r\\n.\\r\\n")
        REPLY("DELE 1", "+OK\\r\\n") REPLY("DELE 2", "+OK\\r\\n") GOOD_BYE);
    both_must_fail(socket, "x", POP3_ERR_SERVER, "have the same unique id");
    both_must_fail(socket, "y z", POP3_ERR_SERVER, "have the same unique id");
    /* not after one of them is marked either: which of them the host means it cannot say */
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    both_must_fail(socket, "x", POP3_ERR_SERVER, "have the same unique id");
    CHECK_INT(pop3_delete_uid(socket, "y", NULL), 0);
    good_bye(socket);
}

static void a_marked_message_has_none(void)
{
    /* asked for before the mark and behind it; taken back it is there again */
    const char *uidl = REPLY("UIDL", "+OK\\r\\n1 a\\r\\n2 b\\r\\n.\\r\\n");
    for (int asked_before = 0; asked_before < 2; asked_before++) {
        script_begin(LOGGED_IN);
        if (asked_before)
            script_add("%s" EXPECT("RETR 2") MESSAGE("2"), uidl);
        script_add(REPLY("DELE 1", "+OK\\r\\n"));
        if (!asked_before)
            script_add(REPLY("UIDL", "+OK\\r\\n2 b\\r\\n.\\r\\n") EXPECT("RETR 2") MESSAGE("2"));
        script_add(REPLY("RSET", "+OK\\r\\n") "%s" EXPECT("RETR 1") MESSAGE("1") REPLY("DELE 1", "+OK\\r\\n") GOOD_BYE,
                   uidl);
        int socket = connect_play(script());
        if (asked_before)
            must_read(socket, "b", 0, "2\r\n");
        CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
        if (!asked_before)
            must_read(socket, "b", 0, "2\r\n");
        both_must_fail(socket, "a", POP3_ERR_SERVER, "unique id");
        CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
        must_read(socket, "a", 0, "1\r\n");
        CHECK_INT(pop3_delete_uid(socket, "a", NULL), 0);
        good_bye(socket);
    }
}

static void servers_without_uidl(void)
{
    const struct {
        const char *logged_in;
        int result;
    } rows[] = {
        {LOGGED_IN, POP3_ERR_UNSUPPORTED},
        {LOGGED_IN_WITH("TOP\\r\\n"), POP3_ERR_UNSUPPORTED},
        {LOGGED_IN_WITH("UIDL\\r\\n"), POP3_ERR_SERVER},
    };
    for (int i = 0; i < 3; i++) {
        script_begin(rows[i].logged_in);
        /* it is asked again until it has answered */
        script_add(REPLY("UIDL", "-ERR what?\\r\\n") REPLY("UIDL", "-ERR what?\\r\\n")
                   REPLY("UIDL", "-ERR [SYS/TEMP] later\\r\\n") REPLY("UIDL", "+OK\\r\\n1 a\\r\\n.\\r\\n")
                   REPLY("DELE 1", "+OK\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        both_must_fail(socket, "a", rows[i].result, "UIDL was refused");
        must_read(socket, "a", POP3_ERR_TEMPORARY, NULL);
        CHECK_INT(pop3_delete_uid(socket, "a", NULL), 0);
        good_bye(socket);
    }
}

static void lists_that_end_a_session(void)
{
    const struct {
        const char *answer;
        int result;
    } rows[] = {
        {"close", POP3_ERR_CONNECTION_LOST},
        {SEND("+OK\\r\\n1 a") "close", POP3_ERR_CONNECTION_LOST},
        {SEND("what?") "hold", POP3_ERR_BAD_FORMAT},
        {"send \"+OK\\r\\n1 \"\nrepeat 100000 \"x\"\nexpect-eof", POP3_ERR_LIMIT},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        script_begin(LOGGED_IN EXPECT("UIDL"));
        script_add("%s", rows[i / 2].answer);
        int socket = connect_play(script());
        if (i % 2)
            CHECK_INT(pop3_delete_uid(socket, "a", NULL), rows[i / 2].result);
        else
            must_read(socket, "a", rows[i / 2].result, NULL);
        it_is_over(socket);
    }
}

static void long_ids(void)
{
    enum { LONGEST = 64 * 1024, LISTED = 60000 };
    char *uid = calloc(LONGEST + 2, 1);
    script_begin(LOGGED_IN EXPECT("UIDL") "send \"+OK\\r\\n1 \"\n");
    script_add("repeat %d \"x\"\nsend \"\\r\\n.\\r\\n\"\n" REPLY("DELE 1", "+OK\\r\\n") GOOD_BYE, LISTED);
    int socket = connect_play(script());
    memset(uid, 'x', LONGEST + 1);
    CHECK_INT(pop3_delete_uid(socket, uid, NULL), POP3_ERR_PARAMETER);
    uid[LONGEST] = '\0';
    CHECK_INT(pop3_delete_uid(socket, uid, NULL), POP3_ERR_SERVER);
    uid[LISTED] = '\0';
    CHECK_INT(pop3_delete_uid(socket, uid, NULL), 0);
    free(uid);
    good_bye(socket);
}

static void parameters(void)
{
    int where = server_mailbox("record=yes");
    int socket = connect_to(where, 0);
    const char *wrong[] = {NULL, "", " ", "\t ", "uid-1\n", "\ruid-1", "uid-1\r\nDELE 1", "uid\x01", "uid-1\x7f"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        both_must_fail(socket, wrong[i], POP3_ERR_PARAMETER, "the unique id");
    CHECK_INT(pop3_recv_uid(socket, "uid-1", NULL, NULL), POP3_ERR_PARAMETER);
    both_must_fail(0, "uid-1", POP3_ERR_BAD_SOCKET, "there is no socket");
    CHECK_HAS_NOT(server_received(where), "UIDL");
    CHECK_INT(pop3_delete_uid(socket, "uid-1", NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void a_message_larger_than_it_may_be(void)
{
    pop3_options *options = options_for(server_mailbox("size=5000"), 0);
    CHECK_INT(pop3_options_set_max_message(options, 4999), 0);
    int socket = pop3_connect_with(options);
    must_read(socket, "uid-2", POP3_ERR_LIMIT, NULL);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    pop3_options_free(options);
}

static void status_lines_and_failures(void)
{
    int socket = connect_play(LOGGED_IN REPLY("UIDL", "+OK\\r\\n1 a\\r\\n.\\r\\n") EXPECT("RETR 1") MESSAGE("secret")
                              REPLY("DELE 1", "+OK\\r\\n") GOOD_BYE);
    pop3_buffer buffer;
    pop3_set_error_cb(log_error);
    clear_log();
    CHECK_INT(pop3_recv_uid(socket, "a", &buffer, log_status), 0);
    pop3_buffer_free(&buffer);
    CHECK_INT(pop3_delete_uid(socket, "a", log_status), 0);
    CHECK_STR(logged(), "C: UIDL\nS: +OK\nS: 1 a\nS: .\nC: RETR 1\nS: +OK\n* 8 bytes\nC: DELE 1\nS: +OK\n");
    clear_log();
    CHECK_INT(pop3_recv_uid(socket, "b", &buffer, log_status), POP3_ERR_SERVER);
    CHECK_INT(pop3_delete_uid(socket, "b", log_status), POP3_ERR_SERVER);
    CHECK_STR(logged(), "! POP3RecvUid -2001 no message has that unique id\n"
                        "! POP3DeleteUid -2001 no message has that unique id\n");
    pop3_set_error_cb(NULL);
    good_bye(socket);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(they_are_the_messages_of_the_list);
    RUN(the_list_is_asked_for_once);
    RUN(blanks_do_not_count);
    RUN(an_id_that_two_messages_share_is_neither);
    RUN(a_marked_message_has_none);
    RUN(servers_without_uidl);
    RUN(lists_that_end_a_session);
    RUN(long_ids);
    RUN(parameters);
    RUN(a_message_larger_than_it_may_be);
    RUN(status_lines_and_failures);
    return check_result();
}

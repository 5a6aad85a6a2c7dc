/* What is in a mailbox and what is to be deleted: counts, lists, unique ids, marks, and every shape of their answers. */
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

/* what PLAIN says for alice, in base64 */
#define RESPONSE "AGFsaWNlAHMzY3JldCBwYXNz"

static char *answer;

/* Begins a new answer of room for that many entries. */
static void begin_answer(size_t entries, size_t of)
{
    free(answer);
    answer = malloc(entries * of + 32);
    if (answer == NULL)
        check_fatal("no memory");
    answer[0] = '\0';
}

/* "1:120 3:200" or the error; good until the next call of this or of uids(). */
static const char *list(int socket, int number)
{
    pop3_list out = {(pop3_message_info *)&out, 77};
    int result = pop3_list_messages(socket, number, &out, log_status);
    begin_answer(out.count, 40);
    if (result < 0) {
        CHECK(out.items == NULL && out.count == 0);
        sprintf(answer, "%d", result);
    }
    for (size_t i = 0, used = 0; i < out.count; i++)
        used += (size_t)sprintf(answer + used, "%s%d:%lld", i > 0 ? " " : "", (int)out.items[i].number,
                                (long long)out.items[i].size);
    pop3_list_free(&out);
    CHECK(out.items == NULL && out.count == 0);
    return answer;
}

/* "1:abc 3:def" or the error, likewise. */
static const char *uids(int socket, int number)
{
    pop3_uid_list out = {(pop3_uid *)&out, 77};
    int result = pop3_unique_ids(socket, number, &out, log_status);
    begin_answer(out.count, 70000);
    if (result < 0) {
        CHECK(out.items == NULL && out.count == 0);
        sprintf(answer, "%d", result);
    }
    for (size_t i = 0, used = 0; i < out.count; i++)
        used += (size_t)sprintf(answer + used, "%s%d:%s", i > 0 ? " " : "", (int)out.items[i].number, out.items[i].uid);
    pop3_uid_list_free(&out);
    CHECK(out.items == NULL && out.count == 0);
    return answer;
}

static const char *code(int result)
{
    static char text[16];
    snprintf(text, sizeof text, "%d", result);
    return text;
}

static void a_mailbox(void)
{
    int socket = connect_to(server_mailbox("messages=3 size=300"), 0);
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    CHECK_STR(list(socket, 0), "1:300 2:300 3:300");
    CHECK_STR(list(socket, 2), "2:300");
    CHECK_STR(uids(socket, 0), "1:uid-1 2:uid-2 3:uid-3");
    CHECK_STR(uids(socket, 3), "3:uid-3");
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void marks_and_undo(void)
{
    int where = server_mailbox("messages=5 size=300");
    int socket = connect_to(where, 0);
    CHECK_INT(pop3_delete_message(socket, 2, NULL), 0);
    CHECK_INT(pop3_delete_message(socket, 5, NULL), 0);
    /* the marked ones count, but are not listed */
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_STR(list(socket, 0), "1:300 3:300 4:300");
    CHECK_STR(uids(socket, 0), "1:uid-1 3:uid-3 4:uid-4");
    CHECK_STR(list(socket, 2), code(POP3_ERR_SERVER));
    CHECK_STR(uids(socket, 5), code(POP3_ERR_SERVER));
    CHECK_INT(pop3_delete_message(socket, 2, NULL), POP3_ERR_SERVER);
    CHECK_HAS(pop3_get_last_error(), "-ERR no such message");
    CHECK_INT(pop3_delete_message(socket, 6, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_STR(list(socket, 0), "1:300 2:300 3:300 4:300 5:300");
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    /* and what was marked at the end is gone */
    socket = connect_to(where, 0);
    CHECK_INT(pop3_message_count(socket, NULL), 4);
    CHECK_STR(uids(socket, 0), "1:uid-2 2:uid-3 3:uid-4 4:uid-5");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void the_count_follows_what_the_server_did(void)
{
    int socket = connect_play(LOGGED_IN
        REPLY("DELE 1", "+OK\\r\\n")
        /* marked twice is marked once */
        REPLY("DELE 1", "+OK\\r\\n")
        REPLY("STAT", "+OK 2 20\\r\\n")
        /* an undo that was refused undid nothing */
        REPLY("RSET", "-ERR\\r\\n")
        REPLY("STAT", "+OK 2 20\\r\\n")
        REPLY("RSET", "+OK\\r\\n")
        REPLY("STAT", "+OK 3 30\\r\\n")
        REPLY("DELE 3", "-ERR\\r\\n")
        REPLY("STAT", "+OK 3 30\\r\\n")
        GOOD_BYE);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    CHECK_INT(pop3_undo_deletes(socket, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    CHECK_INT(pop3_delete_message(socket, 3, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    good_bye(socket);
}

static void lists_of_all_shapes(void)
{
    const struct {
        const char *lines, *result;
    } rows[] = {
        {"", ""},
        {"1 120\\r\\n2 200\\r\\n", "1:120 2:200"},
        {"2 200\\r\\n7 1\\r\\n2147483647 0\\r\\n", "2:200 7:1 2147483647:0"},
        /* more than 2 and 4 GiB */
        {"1 2147483648\\r\\n2 4294967297\\r\\n3 9223372036854775807\\r\\n",
         "1:2147483648 2:4294967297 3:9223372036854775807"},
        /* blanks and words too many */
        {"  1   120  \\r\\n2\\t200 octets, seen\\r\\n", "1:120 2:200"},
        /* not in order */
        {"2 200\\r\\n1 120\\r\\n", "2:200 1:120"},
        /* stuffed for no good reason */
        {".1 120\\r\\n2 200\\r\\n", "1:120 2:200"},
        /* no line, no field, no number: left out, and not the others with it */
        {"1 120\\r\\n\\r\\n2 200\\r\\n", "1:120 2:200"},
        {"\\r\\n \\t\\r\\n\\r\\n", ""},
        {"1 120\\r\\n2\\r\\n3 300\\r\\n", "1:120 3:300"},
        {"1 120\\r\\n.foo\\r\\n2 200\\r\\n", "1:120 2:200"},
        {"1 120\\r\\n..\\r\\n2 200\\r\\n", "1:120 2:200"},
        {"one 120\\r\\n2 200\\r\\n", "2:200"},
        {"1 many\\r\\n2 200\\r\\n", "2:200"},
        {"0 120\\r\\n", ""},
        {"-1 120\\r\\n", ""},
        {"2147483648 120\\r\\n", ""},
        {"4294967297 120\\r\\n", ""},
        {"1 9223372036854775808\\r\\n", ""},
        {"1 12x\\r\\n", ""},
        {"1 0x10\\r\\n", ""},
        {"1 120\\x00\\r\\n", ""},
        /* what would be the end and the next reply, if a bare LF ended a line */
        {"1 120\\n.\\n-ERR smuggled\\r\\n2 200\\r\\n", "1:120 2:200"},
        {"1 120\\r.\\r-ERR smuggled\\r\\n2 200\\r\\n", "1:120 2:200"},
    };
    script_begin(LOGGED_IN);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        script_add(REPLY("LIST", "+OK list\\r\\n%s.\\r\\n") REPLY("NOOP", "+OK\\r\\n"), rows[i].lines);
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!CHECK_STR(list(socket, 0), rows[i].result))
            printf("it was row %zu\n", i);
        /* whatever it was, the session is in step */
        CHECK_INT(pop3_noop(socket, NULL), 0);
    }
    good_bye(socket);
}

static void lists_of_one(void)
{
    const struct {
        const char *reply, *result;
    } rows[] = {
        {"+OK 3 120", "3:120"},
        {"+OK   3   120  and more", "3:120"},
        {"+OK 3 99999999999", "3:99999999999"},
        {"+OK", "-524"},
        {"+OK 3", "-524"},
        {"+OK three 120", "-525"},
        {"+OK 3 octets", "-525"},
        {"+OK -3 120", "-525"},
        {"-ERR", "-2001"},
        {"-ERR no such message", "-2001"},
        {"-ERR [SYS/TEMP] try later", "-2007"},
        {"-ERR [sys/perm] never", "-2001"},
        {"-ERR [In-Use] by another", "-2005"},
    };
    script_begin(LOGGED_IN);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        script_add(REPLY("LIST 3", "%s\\r\\n"), rows[i].reply);
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK_STR(list(socket, 3), rows[i].result);
        if (rows[i].result[0] == '-')
            CHECK_HAS(pop3_get_last_error(), rows[i].reply);
    }
    good_bye(socket);
}

static void unique_ids_of_all_shapes(void)
{
    const struct {
        const char *lines, *result;
    } rows[] = {
        {"", ""},
        {"1 whqtswO00WBw418f9t5JxYwZ\\r\\n2 QhdPYR:00WBw1Ph7x7\\r\\n",
         "1:whqtswO00WBw418f9t5JxYwZ 2:QhdPYR:00WBw1Ph7x7"},
        /* gaps, as after DELE */
        {"2 b\\r\\n9 i\\r\\n", "2:b 9:i"},
        /* all of the line, since some make them of several words */
        {"  1    a  \\r\\n2 b and more\\r\\n", "1:a 2:b and more"},
        {"1 Mon 10:01\\r\\n2 Mon 10:02 \\r\\n", "1:Mon 10:01 2:Mon 10:02"},
        /* two messages may share one, and it may look like a number */
        {"1 1\\r\\n2 1\\r\\n", "1:1 2:1"},
        {"1 .\\r\\n2 ..\\r\\n", "1:. 2:.."},
        {".1 a\\r\\n", "1:a"},
        {"1 \\xc3\\xbc\\xff\\r\\n", "1:\xc3\xbc\xff"},
        {"1 a\\r\\n\\r\\n", "1:a"},
        {"\\r\\n1 a\\r\\n2\\r\\n3 c\\r\\n", "1:a 3:c"},
        {"1 a\\r\\n.foo\\r\\n2 b\\r\\n", "1:a 2:b"},
        {"one a\\r\\n2 b\\r\\n", "2:b"},
        {"0 a\\r\\n", ""},
        {"2147483648 a\\r\\n", ""},
        {"1 a\\x00b\\r\\n2 b\\r\\n", "2:b"},
    };
    script_begin(LOGGED_IN);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        script_add(REPLY("UIDL", "+OK\\r\\n%s.\\r\\n") REPLY("NOOP", "+OK\\r\\n"), rows[i].lines);
    /* smuggling: what the first id is then is the library's business, not so what follows */
    script_add(REPLY("UIDL", "+OK\\r\\n1 a\\n.\\n-ERR\\r\\n2 b\\r\\n.\\r\\n") REPLY("NOOP", "+OK\\r\\n"));
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!CHECK_STR(uids(socket, 0), rows[i].result))
            printf("it was row %zu\n", i);
        CHECK_INT(pop3_noop(socket, NULL), 0);
    }
    const char *smuggled = uids(socket, 0);
    CHECK(strcmp(smuggled, code(POP3_ERR_SYNTAX)) == 0 || strstr(smuggled, " 2:b") != NULL);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    good_bye(socket);
}

static void unique_ids_of_one(void)
{
    const struct {
        const char *reply, *result;
    } rows[] = {
        {"+OK 3 abc", "3:abc"},
        {"+OK    3    abc   more ", "3:abc   more"},
        {"+OK 3 Mon 10:01", "3:Mon 10:01"},
        /* some leave the number out */
        {"+OK abc", "3:abc"},
        {"+OK   abc  ", "3:abc"},
        {"+OK", "-524"},
        {"+OK ", "-524"},
        {"+OK 3 a\\x00c", "-525"},
        {"+OK a\\x00c", "-525"},
        {"+OK unique id follows", "-525"},
    };
    script_begin(LOGGED_IN);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        script_add(REPLY("UIDL 3", "%s\\r\\n"), rows[i].reply);
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(uids(socket, 3), rows[i].result);
    good_bye(socket);
}

static void long_unique_ids_are_kept_whole(void)
{
    static const int lengths[] = {70, 71, 1000, 60000};
    static char uid[60001], expected[4 * 60010];
    script_begin(LOGGED_IN EXPECT("UIDL") SEND("+OK"));
    for (int i = 0, used = 0; i < 4; i++) {
        memset(uid, 'a' + i, (size_t)lengths[i]);
        uid[lengths[i]] = '\0';
        used += sprintf(expected + used, "%s%d:%s", i > 0 ? " " : "", i + 1, uid);
        script_add(SEND("%d %s"), i + 1, uid);
    }
    script_add(SEND("."));
    for (int i = 0; i < 4; i++) {
        memset(uid, 'a' + i, (size_t)lengths[i]);
        uid[lengths[i]] = '\0';
        script_add(EXPECT("UIDL %d") SEND("+OK %d %s"), i + 1, i + 1, uid);
    }
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    /* compared without showing them */
    CHECK(strcmp(uids(socket, 0), expected) == 0);
    const char *one = expected;
    for (int i = 0; i < 4; i++) {
        size_t length = (size_t)lengths[i] + 2;
        const char *got = uids(socket, i + 1);
        CHECK(strlen(got) == length && memcmp(got, one, length) == 0);
        one += length + 1;
    }
    good_bye(socket);
}

static void a_line_of_more_than_64_kib_ends_the_session(void)
{
    int socket = connect_play(LOGGED_IN EXPECT("UIDL") "send \"+OK\\r\\n1 \"\nrepeat 100000 \"x\"\nexpect-eof");
    CHECK_STR(uids(socket, 0), code(POP3_ERR_LIMIT));
    it_is_over(socket);
    socket = connect_play(LOGGED_IN EXPECT("LIST 1") "send \"+OK 1 \"\nrepeat 100000 \"1\"\nexpect-eof");
    CHECK_STR(list(socket, 1), code(POP3_ERR_LIMIT));
    it_is_over(socket);
}

static void uidl_that_is_not_there(void)
{
    const struct {
        const char *logged_in;
        int all, one;
    } rows[] = {
        /* CAPA was refused; CAPA does not list it; CAPA does */
        {LOGGED_IN, POP3_ERR_UNSUPPORTED, POP3_ERR_UNSUPPORTED},
        {LOGGED_IN_WITH("TOP\\r\\nX-UIDL\\r\\n"), POP3_ERR_UNSUPPORTED, POP3_ERR_UNSUPPORTED},
        {LOGGED_IN_WITH("TOP\\r\\nUIDL\\r\\n"), POP3_ERR_SERVER, POP3_ERR_SERVER},
        {LOGGED_IN_WITH("uidl\\r\\n"), POP3_ERR_SERVER, POP3_ERR_SERVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(rows[i].logged_in);
        script_add(REPLY("UIDL", "-ERR what?\\r\\n") REPLY("UIDL 2", "-ERR what?\\r\\n")
                       REPLY("UIDL", "-ERR [SYS/TEMP] later\\r\\n") REPLY("STAT", "+OK 4 40\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        CHECK_STR(uids(socket, 0), code(rows[i].all));
        CHECK_HAS(pop3_get_last_error(), "-ERR what?");
        CHECK_STR(uids(socket, 2), code(rows[i].one));
        /* what the server says itself counts more */
        CHECK_STR(uids(socket, 0), code(POP3_ERR_TEMPORARY));
        CHECK_INT(pop3_message_count(socket, NULL), 4);
        good_bye(socket);
    }
}

static void uidl_is_tried_even_if_nobody_promised_it(void)
{
    int socket = connect_play(LOGGED_IN_WITH("TOP\\r\\n") REPLY("UIDL", "+OK\\r\\n1 a\\r\\n.\\r\\n") GOOD_BYE);
    CHECK_STR(uids(socket, 0), "1:a");
    good_bye(socket);
    socket = connect_to(server_mailbox("capa=no messages=1"), 0);
    CHECK_STR(uids(socket, 0), "1:uid-1");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void bare_replies(void)
{
    int socket = connect_play(LOGGED_IN
        REPLY("NOOP", "+OK\\r\\n") REPLY("DELE 1", "+OK\\r\\n") REPLY("RSET", "+OK\\r\\n")
        REPLY("LIST", "+OK\\r\\n1 10\\r\\n.\\r\\n") REPLY("UIDL", "+OK\\r\\n1 a\\r\\n.\\r\\n")
        REPLY("NOOP", "-ERR\\r\\n") REPLY("DELE 1", "-ERR\\r\\n") REPLY("RSET", "-ERR\\r\\n")
        REPLY("LIST", "-ERR\\r\\n") REPLY("UIDL", "-ERR\\r\\n") REPLY("STAT", "-ERR\\r\\n")
        GOOD_BYE);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    CHECK_STR(list(socket, 0), "1:10");
    CHECK_STR(uids(socket, 0), "1:a");
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_undo_deletes(socket, NULL), POP3_ERR_SERVER);
    CHECK_STR(list(socket, 0), code(POP3_ERR_SERVER));
    /* it has answered before, so it has the command */
    CHECK_STR(uids(socket, 0), code(POP3_ERR_SERVER));
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_SERVER);
    good_bye(socket);
}

static void a_server_that_ends_lines_with_lf(void)
{
    int socket = connect_play("send \"+OK\\n\"\n" REPLY("CAPA", "+OK\\nUIDL\\n.\\n") REPLY("USER alice", "+OK\\n")
        REPLY("PASS " PASS, "+OK\\n") REPLY("STAT", "+OK 2 320\\n") REPLY("LIST", "+OK\\n1 120\\n..\\n2 200\\n.\\n")
        REPLY("LIST", "+OK\\n1 120\\n2 200\\n.\\n") REPLY("LIST 2", "+OK 2 200\\n")
        REPLY("UIDL", "+OK\\n1 a\\n2 b\\n.\\n") REPLY("DELE 1", "+OK\\n") REPLY("RSET", "-ERR\\n")
        REPLY("QUIT", "+OK\\n") "expect-eof");
    CHECK_INT(pop3_message_count(socket, NULL), 2);
    CHECK_STR(list(socket, 0), "1:120 2:200");
    CHECK_STR(list(socket, 0), "1:120 2:200");
    CHECK_STR(list(socket, 2), "2:200");
    CHECK_STR(uids(socket, 0), "1:a 2:b");
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    CHECK_INT(pop3_undo_deletes(socket, NULL), POP3_ERR_SERVER);
    good_bye(socket);
}

static void an_empty_mailbox(void)
{
    int socket = connect_to(server_mailbox("messages=0"), 0);
    pop3_list messages = {(pop3_message_info *)&messages, 77};
    pop3_uid_list ids = {(pop3_uid *)&ids, 77};
    CHECK_INT(pop3_message_count(socket, NULL), 0);
    CHECK_INT(pop3_list_messages(socket, 0, &messages, NULL), 0);
    CHECK_INT(messages.count, 0);
    pop3_list_free(&messages);
    CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
    CHECK_INT(ids.count, 0);
    pop3_uid_list_free(&ids);
    CHECK_STR(list(socket, 1), code(POP3_ERR_SERVER));
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void frees(void)
{
    pop3_list messages = {NULL, 0};
    pop3_uid_list ids = {NULL, 0};
    pop3_buffer buffer = {NULL, 0};
    pop3_list_free(NULL);
    pop3_uid_list_free(NULL);
    pop3_buffer_free(NULL);
    int socket = connect_to(server_mailbox(""), 0);
    for (int i = 0; i < 2; i++) {
        pop3_list_free(&messages);
        pop3_uid_list_free(&ids);
        pop3_buffer_free(&buffer);
        CHECK_INT(pop3_list_messages(socket, 0, &messages, NULL), 0);
        CHECK_INT(messages.count, 5);
        CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
        CHECK_INT(ids.count, 5);
        CHECK_INT(pop3_capabilities(socket, &buffer, NULL), 0);
        for (int again = 0; again < 2; again++) {
            pop3_list_free(&messages);
            CHECK(messages.items == NULL && messages.count == 0);
            pop3_uid_list_free(&ids);
            CHECK(ids.items == NULL && ids.count == 0);
            pop3_buffer_free(&buffer);
            CHECK(buffer.data == NULL && buffer.len == 0);
        }
    }
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    /* a list outlives its socket */
    socket = connect_to(server_mailbox(""), 0);
    CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_STR(ids.items[4].uid, "uid-5");
    pop3_uid_list_free(&ids);
}

static void parameters(void)
{
    int where = server_mailbox("record=yes");
    int socket = connect_to(where, 0);
    const int wrong[] = {0, -1, INT32_MIN};
    for (int i = 0; i < 3; i++)
        CHECK_INT(pop3_delete_message(socket, wrong[i], NULL), POP3_ERR_PARAMETER);
    for (int i = 1; i < 3; i++) {
        CHECK_STR(list(socket, wrong[i]), code(POP3_ERR_PARAMETER));
        CHECK_STR(uids(socket, wrong[i]), code(POP3_ERR_PARAMETER));
    }
    CHECK_INT(pop3_list_messages(socket, 0, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_list_messages(socket, 1, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_unique_ids(socket, 0, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_unique_ids(socket, 1, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_capabilities(socket, NULL, NULL), POP3_ERR_PARAMETER);
    /* none of it came to the server, nor harmed the session */
    const char *said = server_received(where);
    CHECK_STR(said + strlen(said) - strlen(RESPONSE "\\r\\n"), RESPONSE "\\r\\n");
    CHECK_STR(list(socket, 5), "5:200");
    CHECK_STR(list(socket, INT32_MAX), code(POP3_ERR_SERVER));
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void status_lines(void)
{
    int socket = connect_play(LOGGED_IN
        REPLY("LIST", "+OK 2 messages\\r\\n1 120\\r\\n2 200\\r\\n.\\r\\n") REPLY("LIST 1", "+OK 1 120\\r\\n")
        REPLY("UIDL", "+OK\\r\\n1 a\\r\\n.2 b\\x07\\r\\n.\\r\\n") REPLY("UIDL 9", "-ERR no\\r\\n")
        REPLY("STAT", "+OK 2 320\\r\\n") REPLY("DELE 2", "+OK gone\\r\\n") REPLY("RSET", "+OK\\r\\n")
        REPLY("NOOP", "+OK\\r\\n") GOOD_BYE);
    clear_log();
    list(socket, 0);
    CHECK_STR(logged(), "C: LIST\nS: +OK 2 messages\nS: 1 120\nS: 2 200\nS: .\n");
    clear_log();
    list(socket, 1);
    CHECK_STR(logged(), "C: LIST 1\nS: +OK 1 120\n");
    clear_log();
    uids(socket, 0);
    CHECK_STR(logged(), "C: UIDL\nS: +OK\nS: 1 a\nS: .2 b\\x07\nS: .\n");
    clear_log();
    uids(socket, 9);
    CHECK_STR(logged(), "C: UIDL 9\nS: -ERR no\n");
    clear_log();
    CHECK_INT(pop3_message_count(socket, log_status), 2);
    CHECK_INT(pop3_delete_message(socket, 2, log_status), 0);
    CHECK_INT(pop3_undo_deletes(socket, log_status), 0);
    CHECK_INT(pop3_noop(socket, log_status), 0);
    CHECK_STR(logged(), "C: STAT\nS: +OK 2 320\nC: DELE 2\nS: +OK gone\nC: RSET\nS: +OK\nC: NOOP\nS: +OK\n");
    good_bye(socket);
}

static void every_failure_is_told_by_its_command(void)
{
    int socket = connect_to(server_mailbox("capa=no"), 0);
    pop3_set_error_cb(log_error);
    clear_log();
    list(socket, 9);
    CHECK_HAS(logged(), "C: LIST 9\nS: -ERR no such message\n! POP3ListMessages -2001 ");
    CHECK_INT(pop3_delete_message(socket, 9, NULL), POP3_ERR_SERVER);
    CHECK_HAS(logged(), "\n! POP3DeleteMessage -2001 ");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_HAS(logged(), "\n! POP3MessageCount -509 ");
    CHECK_INT(pop3_undo_deletes(socket, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_HAS(logged(), "\n! POP3UndoDeletes -509 ");
    pop3_set_error_cb(NULL);
}

static int32_t no_data(const char *data, size_t len, void *context)
{
    (void)data, (void)len, (void)context;
    CHECK(!"called");
    return 0;
}

static int32_t no_message(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last, (void)context;
    CHECK(!"called");
    return 0;
}

/* Every call on `socket` answers `expected`, save for pop3_cancel and pop3_disconnect. */
static void every_call(int socket, int expected)
{
    const int32_t numbers[] = {1};
    const char *same = code(expected);
    pop3_buffer buffers[4];
    memset(buffers, 0x55, sizeof buffers);
    CHECK_INT(pop3_message_count(socket, NULL), expected);
    CHECK_STR(list(socket, 0), same);
    CHECK_STR(list(socket, 1), same);
    CHECK_STR(uids(socket, 0), same);
    CHECK_STR(uids(socket, 1), same);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), expected);
    CHECK_INT(pop3_undo_deletes(socket, NULL), expected);
    CHECK_INT(pop3_noop(socket, NULL), expected);
    CHECK_INT(pop3_capabilities(socket, &buffers[0], NULL), expected);
    CHECK_INT(pop3_recv_headers(socket, 1, &buffers[1], NULL), expected);
    CHECK_INT(pop3_recv_top(socket, 1, 5, &buffers[2], NULL), expected);
    CHECK_INT(pop3_recv_message(socket, 1, &buffers[3], NULL), expected);
    CHECK_INT(pop3_recv_message_to(socket, 1, no_data, NULL, NULL), expected);
    CHECK_INT(pop3_recv_messages(socket, numbers, 1, no_message, NULL, NULL), expected);
    for (int i = 0; i < 4; i++)
        CHECK(buffers[i].data == NULL && buffers[i].len == 0);
}

static void calls_on_what_is_no_socket(void)
{
    int freed = connect_to(server_mailbox(""), 0);
    CHECK_INT(pop3_disconnect(freed, NULL), 0);
    const int wrong[] = {freed, 0, -1, INT32_MAX, INT32_MIN, POP3_ERR_CONNECT};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        every_call(wrong[i], POP3_ERR_BAD_SOCKET);
        CHECK_INT(pop3_cancel(wrong[i]), POP3_ERR_BAD_SOCKET);
        CHECK_INT(pop3_disconnect(wrong[i], NULL), POP3_ERR_BAD_SOCKET);
    }
}

static void calls_on_a_session_that_ended(void)
{
    int socket = connect_play(LOGGED_IN EXPECT("NOOP") "close");
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_CONNECTION_LOST);
    every_call(socket, POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_cancel(socket), 0);
    it_is_over(socket);
}

static void a_server_that_went_between_two_calls(void)
{
    int socket = connect_play(LOGGED_IN REPLY("NOOP", "+OK\\r\\n") "reset");
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_PLAYED(port);
    CHECK_STR(list(socket, 0), code(POP3_ERR_CONNECTION_LOST));
    it_is_over(socket);
}

/* The reply to `command` comes in two segments, cut at every byte; `expected` is what list() or uids() is to say. */
static void split_everywhere(const char *command, const char *(*ask)(int, int), const char *reply, const char *expected)
{
    size_t length = strlen(reply);
    /* by the end of the status line */
    int lf = reply[strcspn(reply, "\r\n")] == '\n';
    script_begin(lf ? LOGGED_IN_LF : LOGGED_IN);
    for (size_t at = 1; at < length; at++) {
        script_add(EXPECT("%s"), command);
        script_send(reply, at);
        script_add("pause 1\n");
        script_send(reply + at, length - at);
    }
    script_add(EXPECT("%s") "trickle 1 ", command);
    script_add("\"");
    for (size_t i = 0; i < length; i++)
        script_add("\\x%02x", (unsigned char)reply[i]);
    script_add("\"\n%s", lf ? GOOD_BYE_LF : GOOD_BYE);
    int socket = connect_play(script());
    for (size_t at = 1; at <= length; at++)
        CHECK_STR(ask(socket, 0), expected);
    good_bye(socket);
}

/* The connection ends after every byte of the reply but the last. */
static void cut_everywhere(const char *command, const char *(*ask)(int, int), const char *reply)
{
    for (size_t at = 1; at < strlen(reply); at++) {
        script_begin(LOGGED_IN);
        script_add(EXPECT("%s"), command);
        script_send(reply, at);
        script_add("close\n");
        int socket = connect_play(script());
        CHECK_STR(ask(socket, 0), code(POP3_ERR_CONNECTION_LOST));
        it_is_over(socket);
    }
}

static void replies_split_and_cut_at_every_byte(void)
{
    const char *reply = "+OK two\r\n1 120\r\n.2  200 \r\n.\r\n";
    split_everywhere("LIST", list, reply, "1:120 2:200");
    cut_everywhere("LIST", list, reply);
    reply = "+OK\r\n1 a.b\r\n2 \r.\r\n.3 c\n.\r\n.\r\n";
    split_everywhere("UIDL", uids, "+OK\r\n1 a.b\r\n.3 ..\r\n.\r\n", "1:a.b 3:..");
    cut_everywhere("UIDL", uids, reply);
    split_everywhere("LIST", list, "+OK\n1 120\n2 200\n.\n", "1:120 2:200");
}

static void a_list_has_at_most_a_million_entries(void)
{
    const char *commands[] = {"LIST", "UIDL"};
    for (int i = 0; i < 2; i++) {
        pop3_list messages = {NULL, 0};
        pop3_uid_list ids = {NULL, 0};
        script_begin(LOGGED_IN);
        script_add(EXPECT("%s") SEND("+OK") "repeat 1000000 \"7 8\\r\\n\"\n" SEND("."), commands[i]);
        script_add(EXPECT("%s") SEND("+OK") "repeat 1000001 \"7 8\\r\\n\"\nexpect-eof\n", commands[i]);
        int socket = connect_play(script());
        if (i == 0) {
            CHECK_INT(pop3_list_messages(socket, 0, &messages, NULL), 0);
            if (CHECK_INT(messages.count, 1000000))
                CHECK(messages.items[999999].number == 7 && messages.items[999999].size == 8);
            pop3_list_free(&messages);
            CHECK_INT(pop3_list_messages(socket, 0, &messages, NULL), POP3_ERR_LIMIT);
            CHECK(messages.items == NULL && messages.count == 0);
        } else {
            CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
            if (CHECK_INT(ids.count, 1000000))
                CHECK(ids.items[999999].number == 7 && strcmp(ids.items[999999].uid, "8") == 0);
            pop3_uid_list_free(&ids);
            CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), POP3_ERR_LIMIT);
            CHECK(ids.items == NULL && ids.count == 0);
        }
        it_is_over(socket);
    }
}

static void what_real_servers_say(void)
{
    /* Exchange Online's greeting, and its empty line where an answer to DELE should be */
    int socket = connect_play(
        "send \"+OK The Microsoft Exchange POP3 service is ready. "
        "[QwBIADIAUABSADEANQBDAEEAMAAwADEAOAAuAG4AYQBtAHAAcgBkADEANQAuAHAAcgBvAGQALgBvAHUAdABsAG8AbwBrAC4AYwBvAG0A]"
        "\\r\\n\"\n" REPLY("CAPA", "+OK\\r\\nTOP\\r\\nUIDL\\r\\nSASL PLAIN XOAUTH2\\r\\nUSER\\r\\n.\\r\\n")
        REPLY("AUTH PLAIN " RESPONSE, "+OK User successfully logged on.\\r\\n")
        REPLY("STAT", "+OK 2 14326\\r\\n") REPLY("DELE 1", "\\r\\n") "expect-eof");
    CHECK_INT(pop3_message_count(socket, NULL), 2);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), POP3_ERR_BAD_FORMAT);
    it_is_over(socket);

    /* Gmail */
    socket = connect_play(SEND("+OK Gpop ready for requests from 192.0.2.1 x1mb123456wrb")
        REPLY("CAPA", "+OK Capability list follows\\r\\nUSER\\r\\nRESP-CODES\\r\\nEXPIRE 0\\r\\nLOGIN-DELAY 300\\r\\n"
                      "TOP\\r\\nUIDL\\r\\nX-GOOGLE-RICO\\r\\nSASL PLAIN XOAUTH2 OAUTHBEARER\\r\\n.\\r\\n")
        REPLY("AUTH PLAIN " RESPONSE, "+OK Welcome.\\r\\n")
        REPLY("STAT", "+OK 1 7025\\r\\n") REPLY("UIDL", "+OK\\r\\n1 GmailId13f5ce5b9e5cd8a6\\r\\n.\\r\\n")
        REPLY("LIST", "+OK 1 messages (7025 bytes)\\r\\n1 7025\\r\\n.\\r\\n")
        REPLY("DELE 1", "+OK marked for deletion\\r\\n") REPLY("QUIT", "+OK Farewell.\\r\\n") "expect-eof");
    CHECK_INT(pop3_message_count(socket, NULL), 1);
    CHECK_STR(uids(socket, 0), "1:GmailId13f5ce5b9e5cd8a6");
    CHECK_STR(list(socket, 0), "1:7025");
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    good_bye(socket);

    /* Hotmail */
    socket = connect_play(LOGGED_IN
        REPLY("STAT", "-ERR Exceeded the login limit for a 15 minute period. You may log in every 15 minutes\\r\\n")
        REPLY("STAT", "+OK 3 -7\\r\\n") GOOD_BYE);
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_SERVER);
    CHECK_HAS(pop3_get_last_error(), "every 15 minutes");
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    good_bye(socket);
}

static void what_is_no_reply_ends_the_session(void)
{
    const char *replies[] = {"", "OK", "+ OK", "* BYE", "1 120", "-", "\\x00+OK"};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        script_begin(LOGGED_IN);
        script_add(REPLY("LIST", "%s\\r\\n") "expect-eof", replies[i]);
        int socket = connect_play(script());
        CHECK_STR(list(socket, 0), code(POP3_ERR_BAD_FORMAT));
        it_is_over(socket);
    }
}

static void what_is_left_out_of_a_list_is_told(void)
{
    int socket = connect_play(LOGGED_IN REPLY("LIST", "+OK\\r\\n\\r\\n1 10\\r\\ntwo\\r\\n.\\r\\n")
        REPLY("UIDL", "+OK\\r\\n1 a\\r\\n2\\r\\n.\\r\\n") GOOD_BYE);
    clear_log();
    CHECK_STR(list(socket, 0), "1:10");
    CHECK_STR(logged(), "C: LIST\nS: +OK\nS: \nS: 1 10\nS: two\n"
                       "* left out: LIST must say the number of a message and its octets\nS: .\n");
    clear_log();
    CHECK_STR(uids(socket, 0), "1:a");
    CHECK_HAS(logged(), "S: 2\n* left out: UIDL must say the number of a message and its unique id\nS: .\n");
    good_bye(socket);
}

static void lines_of_rubbish_end_at_the_limit(void)
{
    const char *lines[] = {"", "what?", "7"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (int of_uids = 0; of_uids < 2; of_uids++) {
            script_begin(LOGGED_IN);
            script_add(EXPECT("%s") SEND("+OK") "repeat 1000001 \"%s\\r\\n\"\nexpect-eof\n",
                       of_uids ? "UIDL" : "LIST", lines[i]);
            int socket = connect_play(script());
            /* without a listener for a million lines */
            pop3_list messages = {NULL, 0};
            pop3_uid_list ids = {NULL, 0};
            CHECK_INT(of_uids ? pop3_unique_ids(socket, 0, &ids, NULL) : pop3_list_messages(socket, 0, &messages, NULL),
                      POP3_ERR_LIMIT);
            it_is_over(socket);
        }
    /* and of CAPA at 64 KiB, the end of an empty line counted */
    pop3_buffer capabilities = {NULL, 0};
    int socket = connect_play(LOGGED_IN EXPECT("CAPA") SEND("+OK") "repeat 70000 \"\\r\\n\"\nexpect-eof\n");
    CHECK_INT(pop3_capabilities(socket, &capabilities, NULL), POP3_ERR_LIMIT);
    it_is_over(socket);
}

static void what_stat_counts(void)
{
    /* a server that counts the marked ones, which is seen by what STAT, LIST or UIDL said before; and one that does not */
    const char *before[] = {REPLY("STAT", "+OK 10 100\\r\\n"),
                            REPLY("LIST", "+OK\\r\\n1 1\\r\\n2 1\\r\\n3 1\\r\\n4 1\\r\\n5 1\\r\\n6 1\\r\\n7 1\\r\\n8 1\\r\\n9 1\\r\\n"
                                          "10 1\\r\\n.\\r\\n"),
                            REPLY("UIDL", "+OK\\r\\n1 a\\r\\n2 b\\r\\n3 c\\r\\n4 d\\r\\n5 e\\r\\n6 f\\r\\n7 g\\r\\n8 h\\r\\n9 i\\r\\n"
                                          "10 j\\r\\n.\\r\\n")};
    for (int how = 0; how < 3; how++)
        for (int counts_marked = 0; counts_marked < 2; counts_marked++) {
            script_begin(LOGGED_IN);
            script_add("%s" REPLY("DELE 1", "+OK\\r\\n") REPLY("DELE 2", "+OK\\r\\n") REPLY("STAT", "+OK %d 100\\r\\n")
                       REPLY("STAT", "+OK %d 100\\r\\n") GOOD_BYE,
                       before[how], counts_marked ? 10 : 8, counts_marked ? 10 : 8);
            int socket = connect_play(script());
            pop3_mailbox_size size = {0, 0};
            if (how == 0)
                CHECK_INT(pop3_mailbox(socket, &size, NULL), 0);
            else
                how == 1 ? list(socket, 0) : uids(socket, 0);
            CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
            CHECK_INT(pop3_delete_message(socket, 2, NULL), 0);
            CHECK_INT(pop3_message_count(socket, NULL), 10);
            /* what the server says is the server's */
            CHECK_INT(pop3_mailbox(socket, &size, NULL), 0);
            CHECK_INT(size.count, counts_marked ? 10 : 8);
            good_bye(socket);
        }
}

static void one_answer_too_many_ends_the_session_before_anything_is_sent(void)
{
    for (int tls = 0; tls < 2; tls++) {
        const char *transcript = LOGGED_IN REPLY("RSET", "+OK\\r\\n+OK\\r\\n") "expect-eof\n";
        int socket = tls ? connect_tls_play(transcript) : connect_play(transcript);
        CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
        clear_log();
        CHECK_INT(pop3_delete_message(socket, 1, log_status), POP3_ERR_BAD_FORMAT);
        CHECK_STR(logged(), "S: +OK\n");
        CHECK_HAS(pop3_get_last_error(), "DELE: the server said what nobody asked for; the server said: +OK");
        it_is_over(socket);
    }
    /* in a segment of its own, all of which has come when the play has ended; QUIT is not sent, so nothing is deleted */
    int socket = connect_play(LOGGED_IN REPLY("RSET", "+OK\\r\\n") "pause 100\n" SEND("+OK") "close\n");
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    CHECK_PLAYED(port);
    clear_log();
    CHECK_INT(pop3_disconnect(socket, log_status), POP3_ERR_BAD_FORMAT);
    CHECK_STR(logged(), "S: +OK\n");
}

static void an_unasked_refusal_ends_the_session(void)
{
    /* before the command, whatever it is */
    pop3_buffer message = {NULL, 0};
    for (int tls = 0; tls < 2; tls++) {
        const char *transcript = LOGGED_IN REPLY("NOOP", "+OK\\r\\n-ERR Too long.\\r\\n") "close\n";
        int socket = tls ? connect_tls_play(transcript) : connect_play(transcript);
        CHECK_INT(pop3_noop(socket, NULL), 0);
        /* when the play has ended all has come */
        CHECK_PLAYED(port);
        clear_log();
        CHECK_INT(pop3_recv_message(socket, 1, &message, log_status), POP3_ERR_CONNECTION_LOST);
        CHECK_STR(logged(), "S: -ERR Too long.\n");
        CHECK_HAS(pop3_get_last_error(), "the server ended the session; the server said: -ERR Too long.");
        it_is_over(socket);
    }
    /* on its way when the command was sent: by its words, or since nothing follows */
    const char *ends[] = {SEND("-ERR Disconnected for inactivity.") "expect-eof\n",
                          SEND("-ERR Idle timeout, bye") "expect-eof\n"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        script_begin(LOGGED_IN EXPECT("RETR 1"));
        script_add("%s", ends[i]);
        int socket = connect_play(script());
        CHECK_INT(pop3_recv_message(socket, 1, &message, NULL), POP3_ERR_CONNECTION_LOST);
        CHECK_HAS(pop3_get_last_error(), "the server ended the session; the server said: -ERR ");
        it_is_over(socket);
    }
    /* a refusal is one */
    int socket = connect_play(LOGGED_IN REPLY("RETR 1", "-ERR the middle of it is idle\\r\\n") GOOD_BYE);
    CHECK_INT(pop3_recv_message(socket, 1, &message, NULL), POP3_ERR_SERVER);
    good_bye(socket);
}

static void more_lines_than_one_for_an_answer_of_one(void)
{
    /* the answer to LIST 2 and UIDL 2, and what each is; however it arrives the next one is right */
    const struct {
        const char *list, *listed, *uidl, *uid;
    } rows[] = {
        {"+OK 2 20\r\n.\r\n", "2:20", "+OK 2 b\r\n.\r\n", "2:b"},
        {"+OK\r\n2 20\r\n.\r\n", "2:20", "+OK\r\n2 b\r\n.\r\n", "2:b"},
        {"+OK 3 messages\r\n1 10\r\n2 20\r\n3 30\r\n.\r\n", "2:20", "+OK listing\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n", "2:b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(LOGGED_IN EXPECT("LIST 2"));
        script_send(rows[i].list, strlen(rows[i].list));
        script_add(EXPECT("UIDL 2"));
        script_send(rows[i].uidl, strlen(rows[i].uidl));
        script_add(REPLY("DELE 2", "-ERR no\\r\\n") REPLY("NOOP", "+OK\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        CHECK_STR(list(socket, 2), rows[i].listed);
        CHECK_STR(uids(socket, 2), rows[i].uid);
        CHECK_INT(pop3_delete_message(socket, 2, NULL), POP3_ERR_SERVER);
        CHECK_INT(pop3_noop(socket, NULL), 0);
        good_bye(socket);
    }
    /* after every byte the rest comes only with the answer to the next command */
    const char *reply = "+OK 2 b\r\n2 b\r\n.\r\n";
    for (size_t at = strlen("+OK 2 b\r\n"); at < strlen(reply); at++) {
        script_begin(LOGGED_IN EXPECT("UIDL 2"));
        script_send(reply, at);
        script_add(EXPECT("DELE 2"));
        script_send(reply + at, strlen(reply) - at);
        script_add(SEND("-ERR no") REPLY("NOOP", "+OK\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        CHECK_STR(uids(socket, 2), "2:b");
        clear_log();
        CHECK_INT(pop3_delete_message(socket, 2, log_status), POP3_ERR_SERVER);
        CHECK_HAS(logged(), "S: .\n* passed over: the answer before was of one line\nS: -ERR no\n");
        CHECK_INT(pop3_noop(socket, NULL), 0);
        good_bye(socket);
    }
    /* a line that ends a list goes with any answer of one line, but once */
    int socket = connect_play(LOGGED_IN REPLY("DELE 1", "+OK\\r\\n.\\r\\n") REPLY("NOOP", "+OK\\r\\n")
                              REPLY("LIST", "-ERR\\r\\n.\\r\\n") REPLY("NOOP", "+OK\\r\\n.\\r\\n.\\r\\n") "expect-eof\n");
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_STR(list(socket, 0), code(POP3_ERR_SERVER));
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_BAD_FORMAT);
    it_is_over(socket);
    /* lines of a list go only where one was asked about a message */
    socket = connect_play(LOGGED_IN REPLY("NOOP", "+OK\\r\\n2 b\\r\\n.\\r\\n") "expect-eof\n");
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_BAD_FORMAT);
    it_is_over(socket);
}

static void under_tls(void)
{
    for (int secure = 1; secure <= 2; secure++) {
        int where = server_mailbox(secure == 1 ? "tls=implicit messages=3" : "tls=stls messages=3");
        int socket = pop3_connect(at(where), "alice", PASS, NULL, secure, 1);
        CHECK(socket > 0);
        CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
        CHECK_STR(list(socket, 0), "2:200 3:200");
        CHECK_STR(uids(socket, 0), "2:uid-2 3:uid-3");
        CHECK_INT(pop3_message_count(socket, NULL), 3);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(a_mailbox);
    RUN(marks_and_undo);
    RUN(the_count_follows_what_the_server_did);
    RUN(lists_of_all_shapes);
    RUN(lists_of_one);
    RUN(unique_ids_of_all_shapes);
    RUN(unique_ids_of_one);
    RUN(long_unique_ids_are_kept_whole);
    RUN(a_line_of_more_than_64_kib_ends_the_session);
    RUN(uidl_that_is_not_there);
    RUN(uidl_is_tried_even_if_nobody_promised_it);
    RUN(bare_replies);
    RUN(a_server_that_ends_lines_with_lf);
    RUN(an_empty_mailbox);
    RUN(frees);
    RUN(parameters);
    RUN(status_lines);
    RUN(every_failure_is_told_by_its_command);
    RUN(calls_on_what_is_no_socket);
    RUN(calls_on_a_session_that_ended);
    RUN(a_server_that_went_between_two_calls);
    RUN(replies_split_and_cut_at_every_byte);
    RUN(a_list_has_at_most_a_million_entries);
    RUN(what_real_servers_say);
    RUN(what_is_no_reply_ends_the_session);
    RUN(what_is_left_out_of_a_list_is_told);
    RUN(lines_of_rubbish_end_at_the_limit);
    RUN(what_stat_counts);
    RUN(one_answer_too_many_ends_the_session_before_anything_is_sent);
    RUN(an_unasked_refusal_ends_the_session);
    RUN(more_lines_than_one_for_an_answer_of_one);
    RUN(under_tls);
    free(answer);
    return check_result();
}

/* Many messages at once, ahead of the answers or one by one, and the calls that connect by themselves. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "gather.h"
#include "listen.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "session.h"

#define PIPELINING "TOP\\r\\nPIPELINING\\r\\n"
/* A reply with a message of one line, and what it is in letters_text(). */
#define MESSAGE(line) "send \"+OK\\r\\n" line "\\r\\n.\\r\\n\"\n"
/* What pop3_recv asks first, and a mailbox of one, two and three messages. */
#define LIST_1 REPLY("LIST", "+OK\\r\\n1 10\\r\\n.\\r\\n")
#define LIST_2 REPLY("LIST", "+OK\\r\\n1 10\\r\\n2 10\\r\\n.\\r\\n")
#define LIST_3 REPLY("LIST", "+OK\\r\\n1 10\\r\\n2 10\\r\\n3 10\\r\\n.\\r\\n")
#define NEXT "next\n"

static const int32_t one_to_five[] = {1, 2, 3, 4, 5};

/* 1 to `count`; good until the next call. */
static const int32_t *up_to(int count)
{
    static int32_t numbers[20000];
    for (int i = 0; i < count; i++)
        numbers[i] = i + 1;
    return numbers;
}

/* Reads those messages, which must answer `result` and give `text`. */
static void must_bring(int socket, const int32_t *numbers, size_t count, int result, const char *text)
{
    struct letters letters = {0};
    CHECK_INT(pop3_recv_messages(socket, numbers, count, gather_messages, &letters, NULL), result);
    CHECK_STR(letters_text(&letters), text);
    if (result >= 0)
        CHECK_INT(letters.whole, result);
    letters_free(&letters);
}

static void messages_are_what_they_are_one_by_one(void)
{
    const char *options[] = {"size=3000", "size=100000 tls=implicit", "size=3000 tls=stls", "size=3000 capa=no"};
    const int32_t numbers[] = {4, 1, 5, 1, 2, 3};
    for (int i = 0; i < 4; i++) {
        int socket = connect_to(server_mailbox(options[i]), i % 3);
        struct letters letters = {0};
        CHECK_INT(pop3_recv_messages(socket, numbers, 6, gather_messages, &letters, NULL), 6);
        CHECK_INT(letters.whole, 6);
        for (size_t j = 0; j < letters.count && CHECK(letters.count == 6); j++) {
            pop3_buffer buffer = {NULL, 0};
            CHECK_INT(letters.items[j].number, numbers[j]);
            CHECK_INT(pop3_recv_message(socket, numbers[j], &buffer, NULL), 0);
            if (CHECK_INT(letters.items[j].pieces.len, buffer.len))
                CHECK(memcmp(letters.items[j].pieces.data, buffer.data, buffer.len) == 0);
            pop3_buffer_free(&buffer);
        }
        letters_free(&letters);
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void numbers_that_are_not_there(void)
{
    const int32_t numbers[] = {9, 2, INT32_MAX, 3, 1};
    for (int pipelining = 0; pipelining < 2; pipelining++) {
        int socket = connect_to(server_mailbox(pipelining ? "size=300" : "size=300 capa=no"), 0);
        CHECK_INT(pop3_delete_message(socket, 3, NULL), 0);
        must_bring(socket, numbers, 5, 2, "9:-2001 2:300 2147483647:-2001 3:-2001 1:300");
        must_bring(socket, numbers, 1, 0, "9:-2001");
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void refusals_keep_step(void)
{
    /* whatever is refused, and why, the others are right */
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH(PIPELINING)};
    for (int i = 0; i < 2; i++) {
        script_begin(logged_in[i]);
        script_add("expect-line\n" SEND("-ERR [SYS/TEMP] later") "expect-line\n" SEND("+OK\\r\\nb\\r\\n.")
                   "expect-line\n" SEND("-ERR") "expect-line\n" SEND("+OK\\r\\n.")
                   "expect-line\n" SEND("-ERR [in-use] x") REPLY("STAT", "+OK 5 50\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        must_bring(socket, one_to_five, 5, 2, "1:-2007 2:3 3:-2001 4:0 5:-2005");
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        good_bye(socket);
    }
}

static void nothing_to_bring(void)
{
    int where = server_mailbox("record=yes");
    int socket = connect_to(where, 0);
    must_bring(socket, one_to_five, 0, 0, "");
    must_bring(socket, NULL, 0, 0, "");
    CHECK_HAS_NOT(server_received(where), "RETR");
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void parameters(void)
{
    int where = server_mailbox("record=yes");
    int socket = connect_to(where, 0);
    const int32_t zero[] = {1, 2, 0}, negative[] = {1, -2}, least[] = {INT32_MIN};
    struct letters letters = {0};
    must_bring(socket, zero, 3, POP3_ERR_PARAMETER, "");
    must_bring(socket, negative, 2, POP3_ERR_PARAMETER, "");
    must_bring(socket, least, 1, POP3_ERR_PARAMETER, "");
    must_bring(socket, NULL, 2, POP3_ERR_PARAMETER, "");
    CHECK_INT(pop3_recv_messages(socket, one_to_five, 5, NULL, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv(at(where), "alice", PASS, NULL, NULL, 0, NULL, 0, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv(at(where), "alice", PASS, gather_messages, &letters, 0, NULL, -1, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv(NULL, "alice", PASS, gather_messages, &letters, 0, NULL, 0, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv(at(where), "a\rb", PASS, gather_messages, &letters, 0, NULL, 0, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv(at(where), "alice", PASS, gather_messages, &letters, 0, NULL, 0, 3, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_stat(at(where), NULL, PASS, NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_stat(at(where), "alice", "a\nb", NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_stat(at(where), "alice", PASS, NULL, -1, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_stat("", "alice", PASS, NULL, 0, 0), POP3_ERR_NO_ADDRESS);
    CHECK_INT(letters.calls, 0);
    /* none of it came to the server, nor harmed the session */
    CHECK_HAS_NOT(server_received(where), "RETR");
    CHECK_INT(server_connections(where), 1);
    must_bring(socket, one_to_five, 1, 1, "1:200");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void one_by_one_where_the_server_takes_no_more(void)
{
    /* no CAPA; no such capability; one of another name. Too few messages to ask again. */
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH("TOP\\r\\n"), LOGGED_IN_WITH("PIPELINE\\r\\nX PIPELINING\\r\\n")};
    for (int i = 0; i < 3; i++) {
        script_begin(logged_in[i]);
        for (int number = 1; number <= 3; number++)
            script_add(EXPECT("RETR %d") "expect-silence 100\nsend \"+OK\\r\\nabc\\r\\n.\\r\"\n"
                       "expect-silence 50\nsend \"\\n\"\n", number);
        script_add(GOOD_BYE);
        int socket = connect_play(script());
        must_bring(socket, one_to_five, 3, 3, "1:5 2:5 3:5");
        good_bye(socket);
    }
}

static void ahead_of_the_answers_where_the_server_can(void)
{
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING)
        EXPECT("RETR 1\\r\\nRETR 2\\r\\nRETR 3\\r\\nRETR 4\\r\\nRETR 5") "expect-silence 100\n"
        MESSAGE("a") SEND("-ERR no") MESSAGE("..cc") MESSAGE("ddd") MESSAGE("") GOOD_BYE);
    must_bring(socket, one_to_five, 5, 4, "1:3 2:-2001 3:5 4:5 5:2");
    good_bye(socket);
    /* and all of it in one segment, split at every byte */
    const char *replies = "+OK\r\na\r\n.\r\n-ERR no\r\n+OK\r\n..cc\r\n.\r\n+OK\r\n.\r\n+OK\r\nx\n.\ny\r\n.\r\n";
    size_t length = strlen(replies);
    script_begin(LOGGED_IN_WITH(PIPELINING));
    for (size_t split = 1; split < length; split++) {
        script_add(EXPECT("RETR 1\\r\\nRETR 2\\r\\nRETR 3\\r\\nRETR 4\\r\\nRETR 5"));
        script_send(replies, split);
        script_add("pause 1\n");
        script_send(replies + split, length - split);
    }
    script_add(GOOD_BYE);
    socket = connect_play(script());
    for (size_t split = 1; split < length; split++)
        must_bring(socket, one_to_five, 5, 4, "1:3 2:-2001 3:5 4:0 5:7");
    good_bye(socket);
}

static void the_order_of_status_lines(void)
{
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1\\r\\nRETR 2")
        MESSAGE("a") SEND("-ERR no") GOOD_BYE);
    struct letters letters = {0};
    clear_log();
    CHECK_INT(pop3_recv_messages(socket, one_to_five, 2, gather_messages, &letters, log_status), 1);
    CHECK_STR(logged(), "C: RETR 1\nC: RETR 2\nS: +OK\n* 3 bytes\nS: -ERR no\n");
    letters_free(&letters);
    good_bye(socket);
}

static int count_of(const char *text, const char *part)
{
    int count = 0;
    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        count++;
    }
    return count;
}

static void the_commands_in_flight_are_bounded(void)
{
    /* of 20 000 messages */
    CHECK_INT(pop3_set_comms_timeout(1), 0);
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING) "hold");
    must_bring(socket, up_to(20000), 20000, POP3_ERR_TIMEOUT, "");
    int asked = count_of(server_received(port), "RETR ");
    if (!CHECK(asked > 1 && asked <= 1000))
        printf("%d were asked for\n", asked);
    it_is_over(socket);
    pop3_set_comms_timeout(0);
}

static void the_window_is_filled_again_as_answers_come(void)
{
    /* the server holds every answer back until it has the next command, save where there is none */
    enum { MESSAGES = 1500 };
    script_begin(LOGGED_IN_WITH(PIPELINING) "expect-line\n");
    for (int i = 1; i < MESSAGES; i++)
        script_add("expect-line\n" MESSAGE("abc"));
    script_add(MESSAGE("abc") GOOD_BYE);
    int socket = connect_play(script());
    struct letters letters = {0};
    CHECK_INT(pop3_recv_messages(socket, up_to(MESSAGES), MESSAGES, gather_messages, &letters, NULL), MESSAGES);
    CHECK_INT(letters.whole, MESSAGES);
    for (size_t i = 0; i < letters.count; i++)
        CHECK_INT(letters.items[i].number, i + 1);
    letters_free(&letters);
    good_bye(socket);
}

static void what_is_offered_after_the_log_in_is_used(void)
{
    /* as Gmail does it: CAPA before the log-in has no PIPELINING */
    enum { MESSAGES = 200 };
    script_begin(LOGGED_IN_WITH("TOP\\r\\nUIDL\\r\\n") REPLY("CAPA", "+OK\\r\\nTOP\\r\\nUIDL\\r\\nPIPELINING\\r\\n.\\r\\n")
                     EXPECT("RETR 1\\r\\nRETR 2\\r\\nRETR 3") MESSAGE("abc") MESSAGE("abc") MESSAGE("abc"));
    for (int i = 3; i < MESSAGES; i++)
        script_add(EXPECT("RETR %d") MESSAGE("abc"), i + 1);
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    struct letters letters = {0};
    CHECK_INT(pop3_recv_messages(socket, up_to(MESSAGES), MESSAGES, gather_messages, &letters, NULL), MESSAGES);
    CHECK_INT(letters.whole, MESSAGES);
    letters_free(&letters);
    good_bye(socket);
}

static void a_callback_that_stops(void)
{
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH(PIPELINING)};
    const struct {
        const char *answer;
        int last;
    } rows[] = {
        /* at a piece, at the end of a message, at a refusal */
        {"send \"+OK\\r\\nabc\"\n", 0},
        {SEND("+OK\\r\\n."), 1},
        {SEND("-ERR"), POP3_ERR_SERVER},
    };
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++) {
            struct letters letters = {.stop_at = 1};
            script_begin(logged_in[i]);
            script_add("expect-line\n%shold", rows[j].answer);
            int socket = connect_play(script());
            CHECK_INT(pop3_recv_messages(socket, one_to_five, 5, gather_messages, &letters, NULL), POP3_ERR_CANCELLED);
            CHECK_INT(letters.calls, 1);
            if (CHECK(letters.count == 1))
                CHECK_INT(letters.items[0].last, rows[j].last);
            letters_free(&letters);
            it_is_over(socket);
        }
}

static void a_connection_cut_in_the_middle(void)
{
    const char *logged_in[] = {LOGGED_IN, LOGGED_IN_WITH(PIPELINING)};
    const char *ends[] = {"close", "reset", SEND("+OK\\r\\nabc") "close", "send \"+OK\\r\\nabc\\r\\n.\\r\"\nclose",
                          "send \"-ER\"\nclose"};
    for (int i = 0; i < 2; i++)
        for (int end = 0; end < 5; end++) {
            struct letters letters = {0};
            script_begin(logged_in[i]);
            script_add("expect-line\n" MESSAGE("a") "expect-line\n" SEND("-ERR") "expect-line\n" MESSAGE("c")
                       "expect-line\npause 50\n%s", ends[end]);
            int socket = connect_play(script());
            CHECK_INT(pop3_recv_messages(socket, one_to_five, 5, gather_messages, &letters, NULL),
                      POP3_ERR_CONNECTION_LOST);
            CHECK_INT(letters.whole, 2);
            CHECK_HAS(letters_text(&letters), "1:3 2:-2001 3:3");
            if (letters.count > 3)
                CHECK_STR(letters_text(&letters), "1:3 2:-2001 3:3 4:");
            letters_free(&letters);
            it_is_over(socket);
        }
}

/* Reads messages 1 to 5, which must end with `result` after these messages. */
static void must_end(int socket, int result, const char *text)
{
    struct letters letters = {0};
    CHECK_INT(pop3_recv_messages(socket, one_to_five, 5, gather_messages, &letters, NULL), result);
    CHECK_STR(letters_text(&letters), text);
    letters_free(&letters);
    it_is_over(socket);
}

static void what_is_no_reply_ends_it(void)
{
    /* a message is whole only where nothing behind it says otherwise */
    must_end(connect_play(LOGGED_IN_WITH(PIPELINING) "expect-line\n" MESSAGE("a") "pause 200\n" SEND("what?") "hold"),
             POP3_ERR_BAD_FORMAT, "1:3");
    must_end(connect_play(LOGGED_IN_WITH(PIPELINING) "expect-line\n" SEND("+OK\\r\\na\\r\\n.\\r\\nwhat?") "hold"),
             POP3_ERR_BAD_FORMAT, "1:");
}

/* The second session with that server reads one by one, although it lists PIPELINING still. */
#define ONE_BY_ONE \
    NEXT LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1") "expect-silence 100\n" MESSAGE("a") \
    EXPECT("RETR 2") MESSAGE("b") GOOD_BYE

static void answers_that_are_mixed_up_deliver_nothing_and_are_remembered(void)
{
    const struct {
        const char *first, *text;
        int result;
    } rows[] = {
        /* a line too many; one that is no answer */
        {SEND("+OK\\r\\na\\r\\n.\\r\\n.\\r\\n+OK\\r\\nb\\r\\n.") "hold\n", "1:", POP3_ERR_BAD_FORMAT},
        {SEND("+OK\\r\\na\\r\\n.\\r\\n") "hold\n", "1:", POP3_ERR_BAD_FORMAT},
        /* given up in the middle, as Inbucket does it: the refusal is of this message, not of the next */
        {SEND("+OK 900 octets\\r\\na\\r\\n.\\r\\n-ERR Failed to RETR that message\\r\\n+OK\\r\\nb\\r\\n.") "hold\n", "1:",
         POP3_ERR_BAD_FORMAT},
        /* the second and all others lost; or closed */
        {MESSAGE("a") "close\n", "1:3", POP3_ERR_CONNECTION_LOST},
        {"close\n", "", POP3_ERR_CONNECTION_LOST},
        /* more than was asked for */
        {MESSAGE("a") MESSAGE("b") MESSAGE("c") MESSAGE("d")
             SEND("+OK\\r\\ne\\r\\n.\\r\\n+OK") "hold\n",
         "1:3 2:3 3:3 4:3 5:", POP3_ERR_BAD_FORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1\\r\\nRETR 2\\r\\nRETR 3\\r\\nRETR 4\\r\\nRETR 5"));
        script_add("%s%s", rows[i].first, ONE_BY_ONE);
        int socket = connect_play(script());
        struct letters letters = {0};
        CHECK_INT(pop3_recv_messages(socket, one_to_five, 5, gather_messages, &letters, NULL), rows[i].result);
        if (!CHECK_STR(letters_text(&letters), rows[i].text))
            printf("it was row %zu\n", i);
        letters_free(&letters);
        CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
        socket = connect_to(port, 0);
        must_bring(socket, one_to_five, 2, 2, "1:3 2:3");
        good_bye(socket);
    }
}

static void a_refusal_behind_a_message_of_the_announced_size_is_of_the_next(void)
{
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING)
        EXPECT("RETR 1\\r\\nRETR 2\\r\\nRETR 3\\r\\nRETR 4\\r\\nRETR 5")
        SEND("+OK 3 octets\\r\\na\\r\\n.\\r\\n-ERR\\r\\n+OK 1 octets\\r\\nc\\r\\n.\\r\\n-ERR\\r\\n+OK\\r\\n.") GOOD_BYE);
    must_bring(socket, one_to_five, 5, 3, "1:3 2:-2001 3:3 4:-2001 5:0");
    good_bye(socket);
}

static void what_a_stop_of_the_host_ends_is_not_the_servers_doing(void)
{
    struct letters letters = {.stop_at = 1};
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1\\r\\nRETR 2") MESSAGE("a") "hold\n" NEXT
                              LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1\\r\\nRETR 2") MESSAGE("a") MESSAGE("b")
                              GOOD_BYE);
    CHECK_INT(pop3_recv_messages(socket, one_to_five, 2, gather_messages, &letters, NULL), POP3_ERR_CANCELLED);
    letters_free(&letters);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    socket = connect_to(port, 0);
    must_bring(socket, one_to_five, 2, 2, "1:3 2:3");
    good_bye(socket);
}

static void after_a_bulk_that_failed_the_server_is_asked_anew(void)
{
    int socket = connect_play(LOGGED_IN_WITH("TOP\\r\\n") EXPECT("RETR 1") "close\n" NEXT LOGGED_IN_WITH("TOP\\r\\n")
                              GOOD_BYE);
    must_bring(socket, one_to_five, 5, POP3_ERR_CONNECTION_LOST, "");
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    good_bye(connect_to(port, 0));
}

static void one_by_one_by_the_option(void)
{
    port = server_play("", LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1") "expect-silence 100\n" MESSAGE("a")
                           EXPECT("RETR 2") MESSAGE("b") GOOD_BYE);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(port)), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_pipelining(options, 0), 0);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    must_bring(socket, one_to_five, 2, 2, "1:3 2:3");
    good_bye(socket);
}

/* Reads 16 messages of 3 octets one by one, behind what `capa` makes of the CAPA that goes before them. */
static void must_go_on(const char *capa)
{
    script_begin(LOGGED_IN_WITH("TOP\\r\\n"));
    script_add("%s", capa);
    for (int i = 1; i <= 16; i++)
        script_add(EXPECT("RETR %d") MESSAGE("a"), i);
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    struct letters letters = {0};
    CHECK_INT(pop3_recv_messages(socket, up_to(16), 16, gather_messages, &letters, NULL), 16);
    CHECK_INT(letters.whole, 16);
    letters_free(&letters);
    good_bye(socket);
}

static void capa_that_is_not_answered_ends_nothing(void)
{
    CHECK_INT(pop3_set_comms_timeout(4), 0);
    must_go_on(REPLY("CAPA", "-ERR\\r\\n"));
    must_go_on(REPLY("CAPA", "500 what?\\r\\n"));
    must_go_on(REPLY("CAPA", "+OK\\r\\nTOP\\r\\n.\\r\\n"));
    /* never answered; late, with a list or without; the answer to LIST tells */
    must_go_on(EXPECT("CAPA") REPLY("LIST 1", "+OK 1 3\\r\\n"));
    must_go_on(EXPECT("CAPA") REPLY("LIST 1", "+OK\\r\\nTOP\\r\\n.\\r\\n+OK 1 3\\r\\n"));
    must_go_on(EXPECT("CAPA") REPLY("LIST 1", "what?\\r\\n+OK 1 3\\r\\n"));
    /* what cannot be told apart is not guessed */
    int socket = connect_play(LOGGED_IN_WITH("TOP\\r\\n") EXPECT("CAPA") REPLY("LIST 1", "-ERR\\r\\n") "expect-eof\n");
    must_bring(socket, up_to(16), 16, POP3_ERR_TIMEOUT, "");
    it_is_over(socket);
    pop3_set_comms_timeout(0);
}

static void no_capa_in_passing_by_the_option(void)
{
    /* not even where a list is remembered that lacks PIPELINING */
    script_begin(LOGGED_IN_WITH("TOP\\r\\n") GOOD_BYE NEXT SEND("+OK") LOG_IN);
    for (int i = 1; i <= 16; i++)
        script_add(EXPECT("RETR %d") MESSAGE("a"), i);
    script_add(GOOD_BYE);
    port = server_play("tls=implicit", script());
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(port)), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, 1), 0);
    CHECK_INT(pop3_disconnect(pop3_connect_with(options), NULL), 0);
    CHECK_INT(pop3_options_set_capabilities(options, 0), 0);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    struct letters letters = {0};
    CHECK_INT(pop3_recv_messages(socket, up_to(16), 16, gather_messages, &letters, NULL), 16);
    letters_free(&letters);
    good_bye(socket);
}

static int32_t wait_for_all(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    /* when the play has ended all has come, the end of the connection too */
    if (last == 1)
        CHECK_PLAYED(port);
    return gather_messages(number, data, len, last, context);
}

static void a_refusal_at_the_end_of_the_connection_is_of_no_message(void)
{
    struct letters letters = {0};
    int socket = connect_play(LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1\\r\\nRETR 2")
        SEND("+OK\\r\\na\\r\\n.\\r\\n-ERR Too long without a word") "close\n");
    CHECK_INT(pop3_recv_messages(socket, one_to_five, 2, wait_for_all, &letters, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_STR(letters_text(&letters), "1:3");
    CHECK_HAS(pop3_get_last_error(), "the server ended the session; the server said: -ERR Too long without a word");
    letters_free(&letters);
    it_is_over(socket);
    /* and before the first command of a bulk */
    socket = connect_play(LOGGED_IN REPLY("NOOP", "+OK\\r\\n-ERR Too long\\r\\n") "close\n");
    CHECK_INT(pop3_noop(socket, NULL), 0);
    must_end(socket, POP3_ERR_CONNECTION_LOST, "");
}

static void what_is_unread_ends_a_bulk_before_the_next_command(void)
{
    /* one by one, in a segment of its own: nothing is marked then, nor committed */
    struct letters letters = {0};
    clear_log();
    port = server_play("", LOGGED_IN LIST_2 EXPECT("RETR 1") MESSAGE("a") "pause 100\n" SEND("+OK") "close\n");
    CHECK_INT(pop3_recv(at(port), "alice", PASS, wait_for_all, &letters, 1, log_status, 0, 0, 0), POP3_ERR_BAD_FORMAT);
    CHECK_STR(letters_text(&letters), "1:3");
    CHECK_HAS_NOT(logged(), "DELE");
    letters_free(&letters);
}

static void a_dot_behind_an_answer_of_one_line_is_passed_over(void)
{
    port = server_play("", LOGGED_IN LIST_2 EXPECT("RETR 1") MESSAGE("a") REPLY("DELE 1", "+OK\\r\\n.\\r\\n")
                           REPLY("RETR 2", "-ERR\\r\\n.\\r\\n") GOOD_BYE NEXT
                           LOGGED_IN_WITH(PIPELINING) LIST_2 EXPECT("RETR 1\\r\\nRETR 2") MESSAGE("a") MESSAGE("b")
                           EXPECT("DELE 1\\r\\nDELE 2") SEND("+OK\\r\\n.\\r\\n+OK\\r\\n.") GOOD_BYE);
    struct letters letters = {0};
    CHECK_INT(pop3_recv(at(port), "alice", PASS, gather_messages, &letters, 1, NULL, 0, 0, 0), 1);
    CHECK_STR(letters_text(&letters), "1:3 2:-2001");
    letters_free(&letters);
    pop3_forget(NULL);
    CHECK_INT(pop3_recv(at(port), "alice", PASS, gather_messages, &letters, 1, NULL, 0, 0, 0), 2);
    CHECK_STR(letters_text(&letters), "1:3 2:3");
    letters_free(&letters);
    CHECK_PLAYED(port);
}

static int inner_socket, inner_results[3];

static int32_t call_back(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    pop3_buffer buffer = {NULL, 0};
    (void)number, (void)data, (void)len, (void)last, (void)context;
    inner_results[0] = pop3_recv_messages(inner_socket, one_to_five, 1, call_back, NULL, NULL);
    inner_results[1] = pop3_recv_message(inner_socket, 1, &buffer, NULL);
    inner_results[2] = pop3_disconnect(inner_socket, NULL);
    return 0;
}

static int32_t cancel_inside(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last, (void)context;
    CHECK_INT(pop3_cancel(inner_socket), 0);
    return 0;
}

static void callbacks_that_call_back(void)
{
    inner_socket = connect_to(server_mailbox(""), 0);
    CHECK_INT(pop3_recv_messages(inner_socket, one_to_five, 5, call_back, NULL, NULL), 5);
    for (int i = 0; i < 3; i++)
        CHECK_INT(inner_results[i], POP3_ERR_BUSY);
    CHECK_INT(pop3_recv_messages(inner_socket, one_to_five, 5, cancel_inside, NULL, NULL), POP3_ERR_CANCELLED);
    CHECK_INT(pop3_disconnect(inner_socket, NULL), POP3_ERR_CONNECTION_LOST);
}

static const char *modes[] = {"", "tls=implicit", "tls=stls"};

static int mailbox_in(int secure, const char *more)
{
    char options[256];
    snprintf(options, sizeof options, "%s %s", modes[secure], more);
    return server_mailbox(options);
}

static int stat_of(int where, int secure)
{
    return pop3_stat(at(where), "alice", PASS, NULL, secure, 1);
}

static void stat_in_all_modes(void)
{
    for (int secure = 0; secure <= 2; secure++) {
        int where = mailbox_in(secure, "messages=7 record=yes");
        int before = open_descriptors();
        clear_log();
        CHECK_INT(pop3_stat(at(where), "alice", PASS, log_status, secure, 1), 7);
        CHECK_HAS(logged(), "\nC: STAT\nS: +OK 7 ");
        CHECK_HAS(logged(), "\nC: QUIT\nS: +OK bye\n");
        CHECK_INT(pop3_stat(at(where), "alice", "wrong", NULL, secure, 1), POP3_ERR_AUTH);
        CHECK_INT(open_descriptors(), before);
        CHECK_INT(server_connections(where), 2);
    }
    CHECK_INT(stat_of(server_mailbox("messages=0"), 0), 0);
    CHECK_INT(stat_of(server_refuse(), 0), POP3_ERR_CONNECT);
}

static void stat_that_fails(void)
{
    const struct {
        const char *answer;
        int result;
    } rows[] = {
        {SEND("-ERR every 15 minutes") "hold", POP3_ERR_SERVER},
        {SEND("+OK") "hold", POP3_ERR_SHORT_RESPONSE},
        {SEND("+OK x y") "hold", POP3_ERR_SYNTAX},
        {SEND("what?") "hold", POP3_ERR_BAD_FORMAT},
        {"close", POP3_ERR_CONNECTION_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int before = open_descriptors();
        script_begin(LOGGED_IN EXPECT("STAT"));
        script_add("%s", rows[i].answer);
        port = server_play("", script());
        CHECK_INT(stat_of(port, 0), rows[i].result);
        CHECK_INT(open_descriptors(), before);
        CHECK_PLAYED(port);
    }
}

/* pop3_recv of `where`, which must answer `result` and give `text`, and leave nothing open. */
static void must_receive(int where, int secure, int delete_after, int most, int result, const char *text)
{
    struct letters letters = {0};
    int before = open_descriptors();
    CHECK_INT(pop3_recv(at(where), "alice", PASS, gather_messages, &letters, delete_after, NULL, most, secure, 1), result);
    CHECK_STR(letters_text(&letters), text);
    CHECK_INT(open_descriptors(), before);
    letters_free(&letters);
}

static void recv_in_all_modes(void)
{
    for (int secure = 0; secure <= 2; secure++) {
        int where = mailbox_in(secure, "size=300");
        must_receive(where, secure, 0, 0, 5, "1:300 2:300 3:300 4:300 5:300");
        CHECK_INT(stat_of(where, secure), 5);
        must_receive(where, secure, 0, 2, 2, "1:300 2:300");
        CHECK_INT(stat_of(where, secure), 5);
        must_receive(where, secure, 1, 2, 2, "1:300 2:300");
        CHECK_INT(stat_of(where, secure), 3);
        must_receive(where, secure, 7, 9, 3, "1:300 2:300 3:300");
        CHECK_INT(stat_of(where, secure), 0);
        must_receive(where, secure, 1, 0, 0, "");
    }
    /* and one by one */
    int where = server_mailbox("size=300 capa=no");
    must_receive(where, 0, 1, 3, 3, "1:300 2:300 3:300");
    CHECK_INT(stat_of(where, 0), 2);
}

static void recv_deletes_hundreds(void)
{
    int where = server_mailbox("messages=700 size=1000");
    struct letters letters = {0};
    CHECK_INT(pop3_recv(at(where), "alice", PASS, gather_messages, &letters, 1, NULL, 0, 0, 0), 700);
    CHECK_INT(letters.whole, 700);
    for (size_t i = 0; i < letters.count; i++) {
        char subject[64];
        snprintf(subject, sizeof subject, "Subject: Message %010zu\r\n", i + 1);
        CHECK_INT(letters.items[i].number, i + 1);
        CHECK_HAS(letters.items[i].pieces.data, subject);
    }
    letters_free(&letters);
    CHECK_INT(stat_of(where, 0), 0);
}

static void recv_whose_callback_stops(void)
{
    /* at every call; nothing may be gone whose delivery was not accepted */
    for (int capa = 0; capa < 2; capa++)
        for (int stop_at = 1;; stop_at++) {
            int where = server_mailbox(capa ? "messages=3" : "messages=3 capa=no");
            struct letters letters = {.stop_at = stop_at};
            int before = open_descriptors();
            int result = pop3_recv(at(where), "alice", PASS, gather_messages, &letters, 1, NULL, 0, 0, 0);
            int stopped = letters.calls == stop_at;
            CHECK_INT(open_descriptors(), before);
            CHECK_INT(result, stopped ? POP3_ERR_CANCELLED : 3);
            letters_free(&letters);
            /* the session did not end in good order, so the server keeps them all */
            CHECK_INT(stat_of(where, 0), stopped ? 3 : 0);
            if (!stopped || stop_at > 1000)
                break;
        }
}

static int32_t watch_for_dele(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    char dele[32];
    (void)data, (void)len;
    snprintf(dele, sizeof dele, "DELE %d\\r\\n", (int)number);
    if (last == 1) {
        sleep_ms(20);
        *(int *)context += 1;
    }
    CHECK_HAS_NOT(server_received(port), dele);
    return 0;
}

static void no_message_is_deleted_before_it_was_accepted(void)
{
    int accepted = 0;
    port = server_mailbox("messages=5 size=1000 record=yes");
    CHECK_INT(pop3_recv(at(port), "alice", PASS, watch_for_dele, &accepted, 1, NULL, 0, 0, 0), 5);
    CHECK_INT(accepted, 5);
    for (int i = 1; i <= 5; i++) {
        char dele[32];
        snprintf(dele, sizeof dele, "DELE %d\\r\\n", i);
        CHECK_INT(count_of(server_received(port), dele), 1);
    }
}

static void the_order_on_the_wire(void)
{
    /* one by one */
    port = server_play("", LOGGED_IN LIST_2
        EXPECT("RETR 1") "send \"+OK\\r\\nabc\\r\\n.\\r\"\nexpect-silence 100\nsend \"\\n\"\n"
        REPLY("DELE 1", "+OK\\r\\n")
        EXPECT("RETR 2") "send \"+OK\\r\\nabc\\r\\n.\"\nexpect-silence 100\n" SEND("")
        REPLY("DELE 2", "+OK\\r\\n") GOOD_BYE);
    must_receive(port, 0, 1, 0, 2, "1:5 2:5");
    CHECK_PLAYED(port);
    /* ahead of the answers, and one of them refused: that one stays */
    port = server_play("", LOGGED_IN_WITH(PIPELINING) LIST_3
        EXPECT("RETR 1\\r\\nRETR 2\\r\\nRETR 3") "send \"+OK\\r\\nabc\\r\\n.\\r\"\nexpect-silence 100\n"
        SEND("\\n-ERR\\r\\n+OK\\r\\nabc\\r\\n.")
        EXPECT("DELE 1\\r\\nDELE 3") SEND("+OK") "expect-silence 50\n" SEND("+OK") GOOD_BYE);
    must_receive(port, 0, 1, 0, 2, "1:5 2:-2001 3:5");
    CHECK_PLAYED(port);
    /* nothing is deleted that is not to be */
    port = server_play("", LOGGED_IN_WITH(PIPELINING) LIST_1
        EXPECT("RETR 1") MESSAGE("abc") GOOD_BYE);
    must_receive(port, 0, 0, 0, 1, "1:5");
    CHECK_PLAYED(port);
}

/* The end is announced, and the commands that the server has not read have it reset the connection. */
static void a_bulk_that_the_server_breaks_off_under_tls(void)
{
    enum { WANTED = 400 };
    int32_t numbers[WANTED];
    struct letters letters = {0};
    for (int i = 0; i < WANTED; i++)
        numbers[i] = i + 1;
    script_begin(LOGGED_IN_WITH(PIPELINING) EXPECT("RETR 1") "send \"");
    for (int i = 0; i < 60; i++)
        script_add("+OK\\r\\nabc\\r\\n.\\r\\n");
    script_add("\"\npause 300\nsend \"");
    for (int i = 0; i < 90; i++)
        script_add("+OK\\r\\nabc\\r\\n.\\r\\n");
    script_add("\"\nclose\n");
    int socket = connect_tls_play(script());
    CHECK_INT(pop3_recv_messages(socket, numbers, WANTED, gather_messages, &letters, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK(letters.whole <= 150);
    letters_free(&letters);
    it_is_over(socket);
}

static void numbers_come_of_the_list(void)
{
    port = server_play("", LOGGED_IN REPLY("LIST", "+OK 3 60\\r\\n1 20\\r\\n2 20\\r\\n5 20\\r\\n.\\r\\n")
        EXPECT("RETR 1") MESSAGE("a") EXPECT("RETR 2") MESSAGE("b") EXPECT("RETR 5") MESSAGE("e")
        GOOD_BYE NEXT
        LOGGED_IN REPLY("LIST", "+OK\\r\\n7 20\\r\\n5 20\\r\\n9 20\\r\\n.\\r\\n")
        EXPECT("RETR 7") MESSAGE("a") EXPECT("RETR 5") MESSAGE("b") GOOD_BYE NEXT
        LOGGED_IN REPLY("LIST", "-ERR\\r\\n") REPLY("STAT", "+OK 2 20\\r\\n")
        EXPECT("RETR 1") MESSAGE("a") EXPECT("RETR 2") MESSAGE("b") GOOD_BYE);
    must_receive(port, 0, 0, 0, 3, "1:3 2:3 5:3");
    pop3_forget(NULL);
    must_receive(port, 0, 0, 2, 2, "7:3 5:3");
    pop3_forget(NULL);
    must_receive(port, 0, 0, 0, 2, "1:3 2:3");
    CHECK_PLAYED(port);
}

static void no_deletion_goes_behind_a_message_that_is_to_come(void)
{
    /* more than are asked for at once */
    port = server_mailbox("messages=250 size=100 record=yes");
    struct letters letters = {0};
    CHECK_INT(pop3_recv(at(port), "alice", PASS, gather_messages, &letters, 1, NULL, 0, 0, 0), 250);
    letters_free(&letters);
    const char *received = server_received(port);
    const char *first_deletion = strstr(received, "DELE ");
    if (CHECK(first_deletion != NULL))
        CHECK_HAS_NOT(first_deletion, "RETR ");
    CHECK_HAS(received, "RETR 51\\r\\n");
    CHECK_INT(stat_of(port, 0), 0);
}

static void recv_that_fails(void)
{
    const struct {
        const char *rest;
        int result;
        const char *text;
    } rows[] = {
        /* the server did not commit */
        {EXPECT("RETR 1") MESSAGE("a") REPLY("DELE 1", "+OK\\r\\n") REPLY("QUIT", "-ERR not removed\\r\\n") "hold",
         POP3_ERR_SERVER, "1:3"},
        {EXPECT("RETR 1") MESSAGE("a") REPLY("DELE 1", "+OK\\r\\n") EXPECT("QUIT") "close",
         POP3_ERR_CONNECTION_LOST, "1:3"},
        /* nor would it mark it */
        {EXPECT("RETR 1") MESSAGE("a") REPLY("DELE 1", "-ERR read-only\\r\\n") GOOD_BYE, POP3_ERR_SERVER, "1:3"},
        {EXPECT("RETR 1") MESSAGE("a") REPLY("DELE 1", "\\r\\n") "hold", POP3_ERR_BAD_FORMAT, "1:3"},
        {EXPECT("RETR 1") "send \"+OK\\r\\nab\"\nclose", POP3_ERR_CONNECTION_LOST, "1:"},
        {EXPECT("RETR 1") "close", POP3_ERR_CONNECTION_LOST, ""},
    };
    for (int pipelining = 0; pipelining < 2; pipelining++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            script_begin(pipelining ? LOGGED_IN_WITH(PIPELINING) : LOGGED_IN);
            script_add(LIST_1 "%s", rows[i].rest);
            port = server_play("", script());
            must_receive(port, 0, 1, 0, rows[i].result, rows[i].text);
            CHECK_PLAYED(port);
        }
    /* LIST, and STAT in its place; and no number of messages is believed before they come */
    port = server_play("", LOGGED_IN REPLY("LIST", "-ERR\\r\\n") REPLY("STAT", "-ERR\\r\\n") "hold");
    must_receive(port, 0, 1, 0, POP3_ERR_SERVER, "");
    CHECK_PLAYED(port);
    port = server_play("", LOGGED_IN REPLY("LIST", "-ERR\\r\\n") REPLY("STAT", "+OK 2147483647 1\\r\\n") EXPECT("RETR 1") MESSAGE("a") "close");
    must_receive(port, 0, 1, 0, POP3_ERR_CONNECTION_LOST, "1:3");
    CHECK_PLAYED(port);
}

static void recv_that_cannot_log_in(void)
{
    for (int secure = 0; secure <= 2; secure++) {
        int where = mailbox_in(secure, "");
        int before = open_descriptors();
        struct letters letters = {0};
        CHECK_INT(pop3_recv(at(where), "alice", "wrong", gather_messages, &letters, 1, NULL, 0, secure, 1), POP3_ERR_AUTH);
        CHECK_INT(letters.calls, 0);
        CHECK_INT(open_descriptors(), before);
        CHECK_INT(stat_of(where, secure), 5);
    }
    must_receive(server_refuse(), 0, 1, 0, POP3_ERR_CONNECT, "");
    /* STLS is not offered, and who needs it does without the mail */
    must_receive(server_mailbox(""), 2, 1, 0, POP3_ERR_NO_STLS, "");
    must_receive(server_mailbox("tls=implicit cert=expired"), 1, 1, 0, POP3_ERR_SECURE, "");
}

static void failures_are_told_by_their_commands(void)
{
    struct letters letters = {0};
    pop3_set_error_cb(log_error);
    clear_log();
    CHECK_INT(pop3_recv(at(server_refuse()), "alice", PASS, gather_messages, &letters, 0, log_status, 0, 0, 0), POP3_ERR_CONNECT);
    CHECK_HAS(logged(), "\n! POP3Recv -10061 ");
    clear_log();
    CHECK_INT(pop3_stat(at(server_mailbox("")), "alice", "wrong", log_status, 0, 0), POP3_ERR_AUTH);
    CHECK_HAS(logged(), "\n! POP3Stat -2002 ");
    CHECK_HAS_NOT(logged(), "wrong\n");
    pop3_set_error_cb(NULL);
}

static void recv_tells_all_in_order(void)
{
    port = server_play("", LOGGED_IN_WITH(PIPELINING) LIST_1
        EXPECT("RETR 1") MESSAGE("secret") REPLY("DELE 1", "+OK\\r\\n") GOOD_BYE);
    struct letters letters = {0};
    clear_log();
    CHECK_INT(pop3_recv(at(port), "alice", PASS, gather_messages, &letters, 1, log_status, 0, 0, 0), 1);
    CHECK_HAS(logged(), "\nC: USER alice\nC: PASS ***\nS: +OK\nS: +OK\nC: LIST\nS: +OK\nS: 1 10\nS: .\nC: RETR 1\nS: +OK\n* 8 bytes\nC: DELE 1\nS: +OK\n"
                       "C: QUIT\nS: +OK\n");
    CHECK_HAS_NOT(logged(), "secret");
    letters_free(&letters);
    CHECK_PLAYED(port);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(messages_are_what_they_are_one_by_one);
    RUN(numbers_that_are_not_there);
    RUN(refusals_keep_step);
    RUN(nothing_to_bring);
    RUN(parameters);
    RUN(one_by_one_where_the_server_takes_no_more);
    RUN(ahead_of_the_answers_where_the_server_can);
    RUN(the_order_of_status_lines);
    RUN(the_commands_in_flight_are_bounded);
    RUN(the_window_is_filled_again_as_answers_come);
    RUN(what_is_offered_after_the_log_in_is_used);
    RUN(a_callback_that_stops);
    RUN(a_connection_cut_in_the_middle);
    RUN(what_is_no_reply_ends_it);
    RUN(answers_that_are_mixed_up_deliver_nothing_and_are_remembered);
    RUN(a_refusal_behind_a_message_of_the_announced_size_is_of_the_next);
    RUN(what_a_stop_of_the_host_ends_is_not_the_servers_doing);
    RUN(after_a_bulk_that_failed_the_server_is_asked_anew);
    RUN(one_by_one_by_the_option);
    RUN(capa_that_is_not_answered_ends_nothing);
    RUN(no_capa_in_passing_by_the_option);
    RUN(a_refusal_at_the_end_of_the_connection_is_of_no_message);
    RUN(what_is_unread_ends_a_bulk_before_the_next_command);
    RUN(a_dot_behind_an_answer_of_one_line_is_passed_over);
    RUN(callbacks_that_call_back);
    RUN(stat_in_all_modes);
    RUN(stat_that_fails);
    RUN(recv_in_all_modes);
    RUN(recv_deletes_hundreds);
    RUN(recv_whose_callback_stops);
    RUN(no_message_is_deleted_before_it_was_accepted);
    RUN(the_order_on_the_wire);
    RUN(numbers_come_of_the_list);
    RUN(a_bulk_that_the_server_breaks_off_under_tls);
    RUN(no_deletion_goes_behind_a_message_that_is_to_come);
    RUN(recv_that_fails);
    RUN(recv_that_cannot_log_in);
    RUN(failures_are_told_by_their_commands);
    RUN(recv_tells_all_in_order);
    return check_result();
}

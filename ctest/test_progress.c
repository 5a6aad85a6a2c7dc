/* The progress callback: in every wait, of every message, and ending the call by its answer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "gather.h"
#include "names.h"
#include "pop3connect.h"
#include "ports.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "session.h"

/* What a progress callback logged; begin with a zeroed one, after one of the begin_ functions. */
struct progress {
    pthread_t thread;
    int calls;
    /* the call that is answered with non-zero, from 1; 0 for none */
    int stop_at;
    int64_t done, total;
    /* what `done` fell to: 0 where it never did but to begin anew */
    int64_t fell_to;
    /* the socket it is called for; 0 for none */
    int32_t socket;
};

static void begin_call(struct progress *progress)
{
    int32_t socket = progress->socket;
    memset(progress, 0, sizeof *progress);
    progress->thread = pthread_self();
    progress->socket = socket;
}

static int32_t log_progress(int64_t done, int64_t total, void *context)
{
    struct progress *progress = context;
    CHECK(pthread_equal(progress->thread, pthread_self()));
    CHECK(done >= 0);
    CHECK(total == -1 || total >= done);
    if (done < progress->done)
        progress->fell_to = done;
    progress->done = done;
    progress->total = total;
    progress->calls++;
    return progress->calls == progress->stop_at ? -5 : 0;
}

static pop3_options *options_with(const char *server, int secure, struct progress *progress)
{
    pop3_options *options = options_for_server(server, secure);
    CHECK_INT(pop3_options_set_progress_cb(options, log_progress, progress), POP3_OK);
    begin_call(progress);
    return options;
}

/* A session whose calls `progress` is called in. */
static int connect_logged(int where, int secure, struct progress *progress)
{
    pop3_options *options = options_with(at(where), secure, progress);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    if (!CHECK(socket > 0))
        printf("%s\n", pop3_get_last_error());
    progress->socket = socket;
    begin_call(progress);
    return socket;
}

/* Waits */

static int connecting(const struct progress *progress)
{
    (void)progress;
    return 0;
}

static int counting(const struct progress *progress)
{
    return pop3_message_count(progress->socket, NULL);
}

static int receiving(const struct progress *progress)
{
    pop3_buffer message;
    return pop3_recv_message(progress->socket, 1, &message, NULL);
}

static int receiving_many(const struct progress *progress)
{
    const int32_t numbers[] = {1, 2};
    struct letters letters = {0};
    int result = pop3_recv_messages(progress->socket, numbers, 2, gather_messages, &letters, NULL);
    letters_free(&letters);
    return result;
}

static int quitting(const struct progress *progress)
{
    return pop3_disconnect(progress->socket, NULL);
}

#define NOT_ANSWERED(command) "expect \"" command "\\r\\n\"\nexpect-eof\n"
#define OFFERS_STLS SEND("+OK") REPLY("CAPA", "+OK\\r\\nSTLS\\r\\n.\\r\\n")

/* A wait of 2.5 s, if nobody ends it before. */
enum { WAIT_MS = 2500 };

struct wait {
    const char *name;
    int secure;
    /* NULL: the server is not even reached */
    const char *transcript, *options;
    /* what waits, if the connect does not */
    int (*call)(const struct progress *);
    const char *server;
    /* credentials so long that a server which does not read them stops the writing */
    int is_long;
    int stop_at;
    int where;
};

static const struct wait waits[] = {
    {.name = "for the name", .server = "hang.test", .call = connecting},
    {.name = "for the connection", .server = "full", .call = connecting},
    {.name = "for the handshake", .secure = 1, .transcript = "expect-hello\nexpect-eof\n", .call = connecting},
    {.name = "for the greeting", .transcript = "expect-eof\n", .call = connecting},
    {.name = "for the greeting in TLS", .secure = 1, .options = "tls=implicit", .transcript = "expect-eof\n",
     .call = connecting},
    {.name = "for CAPA", .transcript = SEND("+OK") NOT_ANSWERED("CAPA"), .call = connecting},
    {.name = "in the list of CAPA",
     .transcript = SEND("+OK") REPLY("CAPA", "+OK\\r\\nUSER\\r\\n") "expect-eof\n", .call = connecting},
    {.name = "for STLS", .secure = 2, .transcript = OFFERS_STLS NOT_ANSWERED("STLS"), .call = connecting},
    {.name = "for the handshake after STLS", .secure = 2,
     .transcript = OFFERS_STLS REPLY("STLS", "+OK\\r\\n") "expect-hello\nexpect-eof\n", .call = connecting},
    {.name = "for USER", .transcript = SEND("+OK") REPLY("CAPA", "-ERR\\r\\n") NOT_ANSWERED("USER alice"),
     .call = connecting},
    {.name = "for AUTH", .secure = 1, .options = "tls=implicit",
     .transcript = SEND("+OK") REPLY("CAPA", "+OK\\r\\nSASL PLAIN\\r\\n.\\r\\n") "expect-line\nexpect-eof\n",
     .call = connecting},
    {.name = "for a server to read", .is_long = 1,
     .transcript = SEND("+OK") REPLY("CAPA", "+OK\\r\\nSASL PLAIN\\r\\n.\\r\\n")
                   REPLY("AUTH PLAIN", "+ \\r\\n") "pause 3500\nreset\n",
     .call = connecting},
    {.name = "for STAT", .transcript = LOGGED_IN NOT_ANSWERED("STAT"), .call = counting},
    {.name = "for STAT in TLS", .secure = 1, .options = "tls=implicit", .transcript = LOGGED_IN NOT_ANSWERED("STAT"),
     .call = counting},
    {.name = "in a message", .transcript = LOGGED_IN REPLY("RETR 1", "+OK 9 octets\\r\\nabc\\r\\n") "expect-eof\n",
     .call = receiving},
    {.name = "in a message in TLS", .secure = 1, .options = "tls=implicit",
     .transcript = LOGGED_IN REPLY("RETR 1", "+OK 9 octets\\r\\nabc\\r\\n") "expect-eof\n", .call = receiving},
    {.name = "in the second of two messages",
     .transcript = LOGGED_IN REPLY("RETR 1", "+OK\\r\\nabc\\r\\n.\\r\\n") NOT_ANSWERED("RETR 2"),
     .call = receiving_many},
    {.name = "for QUIT", .transcript = LOGGED_IN NOT_ANSWERED("QUIT"), .call = quitting},
};

enum { WAITS = sizeof waits / sizeof *waits };

static void *wait_once(void *argument)
{
    struct wait *wait = argument;
    struct progress progress = {0};
    pop3_options *options = options_with(wait->server, wait->secure, &progress);
    int result;
    CHECK_INT(pop3_options_set_timeouts(options, WAIT_MS, WAIT_MS, 0), POP3_OK);
    connections_send_little(wait->is_long);
    if (wait->is_long) {
        enum { LONGEST = 64 * 1024 };
        char *text = calloc(1, LONGEST + 1);
        memset(text, 'a', LONGEST);
        CHECK_INT(pop3_options_set_mechanism(options, "PLAIN"), POP3_OK);
        CHECK_INT(pop3_options_set_authzid(options, text), POP3_OK);
        CHECK_INT(pop3_options_set_user(options, text), POP3_OK);
        CHECK_INT(pop3_options_set_password(options, text), POP3_OK);
        free(text);
    }
    if (wait->call == connecting) {
        progress.stop_at = wait->stop_at;
        result = pop3_connect_with(options);
    } else {
        progress.socket = pop3_connect_with(options);
        CHECK(progress.socket > 0);
        begin_call(&progress);
        progress.stop_at = wait->stop_at;
        result = wait->call(&progress);
    }
    pop3_options_free(options);
    if (wait->stop_at == 0) {
        int fine = CHECK_INT(result, POP3_ERR_TIMEOUT);
        /* once a second is promised; a few dozen times would be a burden */
        fine &= CHECK(progress.calls >= 3 && progress.calls < WAIT_MS * 36 / 1000);
        if (!fine)
            printf("waiting %s: %d calls\n", wait->name, progress.calls);
    } else {
        /* at once: a wait that went on would end by its time, or be called again */
        int fine = CHECK_INT(result, POP3_ERR_CANCELLED);
        fine &= CHECK_INT(progress.calls, wait->stop_at);
        if (!fine)
            printf("waiting %s: stopped at call %d of %d: %s\n", wait->name, wait->stop_at, progress.calls,
                   pop3_get_last_error());
    }
    if (progress.socket > 0 && wait->call != quitting) {
        int calls = progress.calls;
        CHECK_INT(pop3_noop(progress.socket, NULL), POP3_ERR_CONNECTION_LOST);
        CHECK_INT(pop3_disconnect(progress.socket, NULL), POP3_ERR_CONNECTION_LOST);
        CHECK_INT(progress.calls, calls);
    } else if (progress.socket > 0) {
        CHECK_INT(pop3_disconnect(progress.socket, NULL), POP3_ERR_BAD_SOCKET);
    }
    return NULL;
}

/* All of them side by side. */
static void wait_everywhere(int stop_at)
{
    static char servers[WAITS][32];
    static struct wait all[WAITS];
    pthread_t threads[WAITS];
    for (int i = 0; i < WAITS; i++) {
        all[i] = waits[i];
        all[i].stop_at = stop_at;
        if (waits[i].server == NULL || strcmp(waits[i].server, "full") == 0) {
            all[i].where = waits[i].server != NULL ? server_full()
                                                   : server_play(waits[i].options != NULL ? waits[i].options : "",
                                                                 waits[i].transcript);
            snprintf(servers[i], sizeof servers[i], "%s", at(all[i].where));
            all[i].server = servers[i];
        }
    }
    for (int i = 0; i < WAITS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, wait_once, &all[i]), 0);
    for (int i = 0; i < WAITS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WAITS; i++)
        if (all[i].transcript != NULL && !all[i].is_long)
            CHECK_PLAYED(all[i].where);
}

static void called_in_every_wait(void)
{
    wait_everywhere(0);
}

static void ends_every_wait(void)
{
    int descriptors = open_descriptors();
    /* after the calls that connecting and beginning make, whichever these are */
    for (int stop_at = 5; stop_at <= 7; stop_at += 2)
        wait_everywhere(stop_at);
    CHECK_INT(open_descriptors(), descriptors);
}

/* Calls */

static void a_call_is_heard_when_it_begins(void)
{
    enum { CALLS = 12 };
    const int32_t numbers[] = {2, 3};
    int where = server_mailbox("messages=3");
    struct progress progress = {0};
    pop3_options *options = options_with(at(where), 0, &progress);
    int socket = progress.socket = pop3_connect_with(options);
    CHECK(progress.calls >= 1);
    CHECK(progress.done == 0 && progress.total == -1);
    pop3_options_free(options);
    for (int i = 0; i < CALLS; i++) {
        pop3_list list;
        pop3_uid_list uids;
        pop3_buffer buffer;
        begin_call(&progress);
        switch (i) {
        case 0: CHECK_INT(pop3_message_count(socket, NULL), 3); break;
        case 1: CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0); pop3_list_free(&list); break;
        case 2: CHECK_INT(pop3_unique_ids(socket, 0, &uids, NULL), 0); pop3_uid_list_free(&uids); break;
        case 3: CHECK_INT(pop3_noop(socket, NULL), 0); break;
        case 4: CHECK_INT(pop3_delete_message(socket, 1, NULL), 0); break;
        case 5: CHECK_INT(pop3_undo_deletes(socket, NULL), 0); break;
        case 6: CHECK_INT(pop3_capabilities(socket, &buffer, NULL), 0); pop3_buffer_free(&buffer); break;
        case 7: CHECK_INT(pop3_recv_headers(socket, 1, &buffer, NULL), 0); pop3_buffer_free(&buffer); break;
        case 8: CHECK_INT(pop3_recv_uid(socket, "uid-1", &buffer, NULL), 0); pop3_buffer_free(&buffer); break;
        case 9: CHECK_INT(pop3_delete_uid(socket, "uid-1", NULL), 0); break;
        case 10: CHECK_INT(pop3_delete_messages(socket, numbers, 2, NULL), 2); break;
        default: CHECK_INT(pop3_disconnect(socket, NULL), 0);
        }
        if (!CHECK(progress.calls >= 1))
            printf("call %d was not logged\n", i);
    }
}

static void stopped_when_it_begins(void)
{
    struct progress progress = {0};
    int where = server_mailbox("record=yes");
    pop3_options *options = options_with(at(where), 0, &progress);
    progress.stop_at = 1;
    CHECK_INT(pop3_connect_with(options), POP3_ERR_CANCELLED);
    CHECK_INT(server_connections(where), 0);
    CHECK_INT(progress.calls, 1);
    pop3_options_free(options);

    int socket = connect_logged(where, 0, &progress);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    begin_call(&progress);
    progress.stop_at = 1;
    CHECK_INT(pop3_delete_message(socket, 1, NULL), POP3_ERR_CANCELLED);
    /* before a word was sent */
    CHECK_HAS_NOT(server_received(where), "DELE");
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_HAS_NOT(server_received(where), "QUIT");
}

static void cleared_again(void)
{
    struct progress progress = {0};
    int where = server_mailbox("");
    pop3_options *options = options_with(at(where), 0, &progress);
    CHECK_INT(pop3_options_set_progress_cb(options, NULL, NULL), POP3_OK);
    CHECK_INT(pop3_options_set_progress_cb(NULL, log_progress, &progress), POP3_ERR_PARAMETER);
    progress.stop_at = 1;
    int socket = pop3_connect_with(options);
    CHECK(socket > 0);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(progress.calls, 0);
    pop3_options_free(options);
}

/* Messages */

/* Messages of one size, and what is logged of them. */
struct sized {
    struct progress progress;
    int64_t size;
    int whole;
};

static int32_t look_at_size(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct sized *sized = context;
    (void)number, (void)data, (void)len;
    /* what was told last before the message is whole is its size, as announced */
    if (last == 1) {
        CHECK_INT(sized->progress.done, sized->size);
        CHECK_INT(sized->progress.total, sized->size);
        sized->whole++;
    }
    return 0;
}

static void a_message_grows_up_to_its_size(void)
{
    const char *modes[] = {"size=30000000 messages=1", "size=30000000 messages=1 tls=implicit"};
    for (int secure = 0; secure < 2; secure++) {
        struct progress progress = {0};
        pop3_buffer message;
        int socket = connect_logged(server_mailbox(modes[secure]), secure, &progress);
        CHECK_INT(pop3_recv_message(socket, 1, &message, NULL), 0);
        CHECK(message.len >= 29999990 && message.len <= 30000010);
        CHECK_INT(progress.done, message.len);
        CHECK_INT(progress.total, message.len);
        CHECK_INT(progress.fell_to, 0);
        CHECK(progress.calls >= 2);
        /* the size of what came, dots that were stuffed not counted */
        struct pieces pieces = {0};
        begin_call(&progress);
        CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), 0);
        CHECK_INT(pieces.len, message.len);
        CHECK_INT(progress.done, message.len);
        pieces_free(&pieces);
        pop3_buffer_free(&message);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void each_of_many_messages(void)
{
    struct sized sized = {0};
    int32_t numbers[40];
    pop3_list list;
    int socket = connect_logged(server_mailbox("messages=40 size=5000"), 0, &sized.progress);
    CHECK_INT(pop3_list_messages(socket, 1, &list, NULL), 0);
    for (int i = 0; i < 40; i++)
        numbers[i] = i + 1;
    sized.size = list.items[0].size;
    begin_call(&sized.progress);
    CHECK_INT(pop3_recv_messages(socket, numbers, 40, look_at_size, &sized, NULL), 40);
    CHECK_INT(sized.whole, 40);
    CHECK(sized.progress.calls >= 41);
    CHECK_INT(sized.progress.fell_to, 0);
    pop3_list_free(&list);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

/* What was logged of each stage of a message that comes in parts. */
static void totals_as_announced(void)
{
    const struct {
        const char *reply;
        int total;
    } rows[] = {
        {"+OK 10 octets", 10}, {"+OK 10 Octets follow", 10}, {"+OK", -1}, {"+OK message follows", -1},
        {"+OK 99999999999999999999 octets", -1}, {"+OK -10 octets", -1}, {"+OK ten octets", -1},
        {"+OK Message follows (10 octets)", 10},
        /* more came than was announced: that was no total */
        {"+OK 3 octets", -1},
        /* less came */
        {"+OK 1000 octets", 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct progress progress = {0};
        pop3_buffer message;
        script_begin(LOGGED_IN EXPECT("RETR 1"));
        script_add("send \"%s\\r\\n\" \"abc\\r\\n\" \"..de\\r\\n\"\npause 400\n" SEND(".") GOOD_BYE,
                   rows[i].reply);
        int where = server_play("", script());
        int socket = connect_logged(where, 0, &progress);
        CHECK_INT(pop3_recv_message(socket, 1, &message, NULL), 0);
        CHECK_STR(message.data, "abc\r\n.de\r\n");
        pop3_buffer_free(&message);
        CHECK_INT(progress.done, 10);
        if (!CHECK_INT(progress.total, rows[i].total))
            printf("%s\n", rows[i].reply);
        /* what comes after is not about that message */
        begin_call(&progress);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        CHECK(progress.done == 0 && progress.total == -1);
        CHECK_PLAYED(where);
    }
}

static int32_t any_message(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last, (void)context;
    return 0;
}

static void totals_as_listed(void)
{
    /* LIST's size where RETR says none; not for TOP, which brings less */
    const char *whole = "\"+OK\\r\\n\" \"abc\\r\\n\" \"..de\\r\\n\"\npause 400\n" SEND(".");
    struct progress progress = {0};
    pop3_buffer message;
    pop3_list list;
    script_begin(LOGGED_IN REPLY("LIST", "+OK\\r\\n2 77\\r\\n1 10\\r\\n.\\r\\n"));
    script_add(EXPECT("RETR 1") "send %sexpect \"RETR 3\\r\\n\"\nsend %sexpect \"TOP 1 0\\r\\n\"\nsend %s", whole, whole,
               whole);
    script_add(EXPECT("RETR 1") "send %s" GOOD_BYE, whole);
    int where = server_play("", script());
    int socket = connect_logged(where, 0, &progress);
    CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0);
    pop3_list_free(&list);
    begin_call(&progress);
    CHECK_INT(pop3_recv_message(socket, 1, &message, NULL), 0);
    pop3_buffer_free(&message);
    CHECK(progress.done == 10 && progress.total == 10);
    begin_call(&progress);
    CHECK_INT(pop3_recv_message(socket, 3, &message, NULL), 0);
    pop3_buffer_free(&message);
    CHECK(progress.done == 10 && progress.total == -1);
    begin_call(&progress);
    CHECK_INT(pop3_recv_headers(socket, 1, &message, NULL), 0);
    pop3_buffer_free(&message);
    CHECK(progress.done == 10 && progress.total == -1);
    /* and of many */
    const int32_t number = 1;
    begin_call(&progress);
    CHECK_INT(pop3_recv_messages(socket, &number, 1, any_message, NULL, NULL), 1);
    CHECK(progress.done == 10 && progress.total == 10);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(where);
}

/* How far it was in each wait. */
static int64_t stages[64][2];
static int stage_count;

static int32_t log_stages(int64_t done, int64_t total, void *context)
{
    (void)context;
    const int64_t stage[2] = {done, total};
    if (stage_count < 64 && (stage_count == 0 || memcmp(stages[stage_count - 1], stage, sizeof stage) != 0))
        memcpy(stages[stage_count++], stage, sizeof stage);
    return 0;
}

static void a_message_that_stalls(void)
{
    struct progress unused = {0};
    int where = server_play("", LOGGED_IN REPLY("RETR 1", "+OK 10 octets\\r\\n") "pause 1300\n"
                                SEND("abc") "pause 1300\n" SEND("def") "pause 1300\n"
                                SEND(".") GOOD_BYE);
    const int64_t expected[][2] = {{0, -1}, {0, 10}, {5, 10}, {10, 10}};
    pop3_options *options = options_with(at(where), 0, &unused);
    CHECK_INT(pop3_options_set_progress_cb(options, log_stages, NULL), POP3_OK);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    struct pieces pieces = {0};
    stage_count = 0;
    CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), 0);
    CHECK_INT(stage_count, 4);
    CHECK(memcmp(stages, expected, sizeof expected) == 0);
    pieces_free(&pieces);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(where);
}

static void an_empty_message(void)
{
    struct progress progress = {0};
    pop3_buffer message;
    int where = server_play("", LOGGED_IN REPLY("RETR 1", "+OK 0 octets\\r\\n.\\r\\n")
                                REPLY("RETR 2", "-ERR none\\r\\n") GOOD_BYE);
    int socket = connect_logged(where, 0, &progress);
    CHECK_INT(pop3_recv_message(socket, 1, &message, NULL), 0);
    CHECK(progress.done == 0 && progress.total == 0);
    CHECK_INT(message.len, 0);
    pop3_buffer_free(&message);
    begin_call(&progress);
    CHECK_INT(pop3_recv_message(socket, 2, &message, NULL), POP3_ERR_SERVER);
    CHECK(progress.done == 0 && progress.total == -1);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(where);
}

/* From inside */

/* A socket whose progress is logged, and another. */
struct sockets {
    int32_t logged, other;
    int calls, cancel_at;
};

static int32_t use_sockets(int64_t done, int64_t total, void *context)
{
    struct sockets *sockets = context;
    pop3_buffer buffer;
    pop3_list list;
    pop3_tls_info info;
    (void)done, (void)total;
    if (sockets->logged == 0)
        return 0;
    sockets->calls++;
    CHECK_INT(pop3_noop(sockets->logged, NULL), POP3_ERR_BUSY);
    CHECK_INT(pop3_message_count(sockets->logged, NULL), POP3_ERR_BUSY);
    CHECK_INT(pop3_recv_message(sockets->logged, 1, &buffer, NULL), POP3_ERR_BUSY);
    CHECK_INT(pop3_list_messages(sockets->logged, 0, &list, NULL), POP3_ERR_BUSY);
    CHECK_INT(pop3_get_tls_info(sockets->logged, &info), POP3_ERR_BUSY);
    CHECK_INT(pop3_disconnect(sockets->logged, NULL), POP3_ERR_BUSY);
    /* another one, and what needs none, as ever */
    CHECK_INT(pop3_message_count(sockets->other, NULL), 5);
    pop3_forget("other.test");
    if (sockets->calls == sockets->cancel_at)
        CHECK_INT(pop3_cancel(sockets->logged), 0);
    return 0;
}

static void other_functions_from_inside(void)
{
    struct progress unused = {0};
    struct sockets sockets = {0};
    int where = server_play("", LOGGED_IN EXPECT("NOOP") "pause 700\n" SEND("+OK")
                                EXPECT("STAT") "expect-eof\n");
    pop3_options *options = options_with(at(where), 0, &unused);
    CHECK_INT(pop3_options_set_progress_cb(options, use_sockets, &sockets), POP3_OK);
    int socket = pop3_connect_with(options);
    CHECK(socket > 0);
    pop3_options_free(options);
    sockets.other = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    sockets.logged = socket;
    /* the session is none the worse for it */
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK(sockets.calls >= 2);
    sockets.calls = 0;
    sockets.cancel_at = 3;
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_CANCELLED);
    CHECK_INT(sockets.calls, 3);
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_disconnect(sockets.other, NULL), 0);
    CHECK_PLAYED(where);
}

static int32_t connect_again(int64_t done, int64_t total, void *context)
{
    int *depth = context;
    (void)done, (void)total;
    if ((*depth)++ == 0) {
        int socket = pop3_connect(at(server_mailbox("tls=implicit")), "alice", PASS, NULL, 1, 1);
        CHECK(socket > 0);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    return 0;
}

static void connecting_from_inside(void)
{
    struct progress unused = {0};
    int calls = 0;
    pop3_options *options = options_with(at(server_mailbox("tls=implicit")), 1, &unused);
    CHECK_INT(pop3_options_set_progress_cb(options, connect_again, &calls), POP3_OK);
    int socket = pop3_connect_with(options);
    CHECK(socket > 0 && calls > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    pop3_options_free(options);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    name_hangs("hang.test", 6000);
    RUN(called_in_every_wait);
    RUN(ends_every_wait);
    RUN(a_call_is_heard_when_it_begins);
    RUN(stopped_when_it_begins);
    RUN(cleared_again);
    RUN(a_message_grows_up_to_its_size);
    RUN(each_of_many_messages);
    RUN(totals_as_announced);
    RUN(totals_as_listed);
    RUN(a_message_that_stalls);
    RUN(an_empty_message);
    RUN(other_functions_from_inside);
    RUN(connecting_from_inside);
    return check_result();
}

/*
 * Many messages, and messages that are large: all of it arrives, in bounded time and memory.
 *
 * An argument divides the sizes, for tools under which the program runs slowly; then the memory is not looked at,
 * as it would be the tool's.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check.h"
#include "clock.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "session.h"

static int divisor = 1;

/* Messages, octets of each, and how long bringing them may take. */
enum { MANY = 20000, EACH = 500, MANY_MS = 25000 };

static int many(void)
{
    return MANY / divisor;
}

/* What came so far of many messages, of which only this is kept. */
struct tally {
    int32_t whole, wrong;
    /* of the message under way */
    size_t len;
    char begin[128];
};

static int32_t tally(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct tally *tally = context;
    char expected[128];
    size_t room = sizeof tally->begin - 1;
    if (tally->len < room && len > 0) {
        size_t more = len < room - tally->len ? len : room - tally->len;
        memcpy(tally->begin + tally->len, data, more);
        tally->begin[tally->len + more] = '\0';
    }
    tally->len += len;
    if (last == 0)
        return 0;
    tally->whole += last == 1;
    snprintf(expected, sizeof expected, "From: sender@mail.test\r\nSubject: Message %010d\r\n", (int)number);
    tally->wrong += number != tally->whole || tally->len != EACH || strncmp(tally->begin, expected, strlen(expected)) != 0;
    tally->len = 0;
    return 0;
}

static void twenty_thousand_messages(void)
{
    const char *options[] = {"", "tls=implicit", "tls=stls", "capa=no"};
    int32_t *numbers = malloc(MANY * sizeof *numbers);
    if (numbers == NULL)
        check_fatal("no memory");
    for (int i = 0; i < MANY; i++)
        numbers[i] = i + 1;
    for (int mode = 0; mode < 4; mode++) {
        char all[128];
        snprintf(all, sizeof all, "%s messages=%d size=%d", options[mode], many(), EACH);
        int socket = connect_to(server_mailbox(all), mode % 3);
        struct tally counted = {0};
        long long start = now_ms();
        CHECK_INT(pop3_recv_messages(socket, numbers, (size_t)many(), tally, &counted, NULL), many());
        CHECK_INT(counted.whole, many());
        CHECK_INT(counted.wrong, 0);
        CHECK(now_ms() - start < MANY_MS);
        /* and the session is in step */
        CHECK_INT(pop3_message_count(socket, NULL), many());
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    free(numbers);
}

static void tops_and_deletions_of_twenty_thousand_messages(void)
{
    int32_t *numbers = malloc(MANY * sizeof *numbers);
    if (numbers == NULL)
        check_fatal("no memory");
    for (int i = 0; i < MANY; i++)
        numbers[i] = i + 1;
    char all[128], uid[32];
    snprintf(all, sizeof all, "messages=%d size=%d", many(), EACH);
    int socket = connect_to(server_mailbox(all), 0);
    struct tally counted = {0};
    CHECK_INT(pop3_recv_tops(socket, numbers, (size_t)many(), 1000, tally, &counted, NULL), many());
    CHECK_INT(counted.whole, many());
    CHECK_INT(counted.wrong, 0);
    CHECK_INT(pop3_delete_messages(socket, numbers, (size_t)many(), NULL), many());
    pop3_mailbox_size left;
    CHECK_INT(pop3_mailbox(socket, &left, NULL), 0);
    CHECK_INT(left.count, 0);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    /* and each by its unique id */
    for (int i = many(); i > 0; i--) {
        snprintf(uid, sizeof uid, "uid-%d", i);
        if (!CHECK_INT(pop3_delete_uid(socket, uid, NULL), 0))
            break;
    }
    CHECK_INT(pop3_mailbox(socket, &left, NULL), 0);
    CHECK_INT(left.count, 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    free(numbers);
}

static void recv_of_twenty_thousand_messages(void)
{
    const char *options[] = {"", "tls=implicit"};
    for (int secure = 0; secure < 2; secure++) {
        char all[128];
        snprintf(all, sizeof all, "%s messages=%d size=%d", options[secure], many(), EACH);
        int where = server_mailbox(all);
        struct tally counted = {0};
        long long start = now_ms();
        CHECK_INT(pop3_recv(at(where), "alice", PASS, tally, &counted, 1, NULL, 0, secure, 1), many());
        CHECK_INT(counted.whole, many());
        CHECK_INT(counted.wrong, 0);
        CHECK(now_ms() - start < MANY_MS);
        CHECK_INT(pop3_stat(at(where), "alice", PASS, NULL, secure, 1), 0);
    }
}

static void lists_of_twenty_thousand_messages(void)
{
    const char *options[] = {"", "tls=implicit"};
    for (int secure = 0; secure < 2; secure++) {
        char all[128], uid[32];
        int wrong = 0;
        pop3_list messages = {NULL, 0};
        pop3_uid_list ids = {NULL, 0};
        snprintf(all, sizeof all, "%s messages=%d size=%d", options[secure], many(), EACH);
        int socket = connect_to(server_mailbox(all), secure);
        CHECK_INT(pop3_list_messages(socket, 0, &messages, NULL), 0);
        CHECK_INT(messages.count, many());
        for (size_t i = 0; i < messages.count; i++)
            wrong += messages.items[i].number != (int32_t)i + 1 || messages.items[i].size != EACH;
        pop3_list_free(&messages);
        CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
        CHECK_INT(ids.count, many());
        for (size_t i = 0; i < ids.count; i++) {
            snprintf(uid, sizeof uid, "uid-%zu", i + 1);
            wrong += ids.items[i].number != (int32_t)i + 1 || strcmp(ids.items[i].uid, uid) != 0;
        }
        pop3_uid_list_free(&ids);
        CHECK_INT(wrong, 0);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

/* What a large message repeats, on the wire and stored. */
#define ON_THE_WIRE "All work and no play makes a mailbox a dull place.\\r\\n..dotted\\r\\nx\\n.\\ny\\r\\n"
#define STORED "All work and no play makes a mailbox a dull place.\r\n.dotted\r\nx\n.\ny\r\n"

enum { PERIOD = sizeof STORED - 1, GOES = 1024 };

/* It, over and over. */
static char pattern[PERIOD * GOES];

/* A play with a message of so many periods, once. */
static int play_large(const char *options, long long periods)
{
    script_begin(LOGGED_IN);
    script_add(EXPECT("RETR 1") SEND("+OK") "repeat %lld \"" ON_THE_WIRE "\"\n" SEND(".") GOOD_BYE,
               periods);
    return server_play(options, script());
}

/* How far the large message is as it should be. */
struct progress {
    long long good;
    int wrong;
};

static int32_t compare(const char *data, size_t len, void *context)
{
    struct progress *progress = context;
    while (len > 0) {
        size_t at = (size_t)(progress->good % PERIOD), room = sizeof pattern - at;
        size_t part = len < room ? len : room;
        if (memcmp(data, pattern + at, part) != 0) {
            progress->wrong = 1;
            return 1;
        }
        progress->good += (long long)part;
        data += part;
        len -= part;
    }
    return 0;
}

/* Streams a message of that many bytes, rounded; the memory that this takes must not depend on it. */
static void stream(const char *options, int secure, long long size)
{
    enum { MOST_KIB = 4096 };
    long long periods = size / divisor / PERIOD;
    int port = play_large(options, periods);
    int socket = connect_to(port, secure);
    struct progress progress = {0, 0};
    peak_forget();
    long before = resident_kib();
    CHECK_INT(pop3_recv_message_to(socket, 1, compare, &progress, NULL), 0);
    long grown = peak_kib() - before;
    CHECK_INT(progress.good, periods * PERIOD);
    CHECK_INT(progress.wrong, 0);
    if (divisor == 1 && !CHECK(grown < MOST_KIB))
        printf("it took %ld KiB\n", grown);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void a_message_of_a_gigabyte(void)
{
    stream("", 0, 1LL << 30);
}

static void a_message_of_a_quarter_of_a_gigabyte_under_tls(void)
{
    stream("tls=implicit", 1, 1LL << 28);
}

static void a_message_of_a_hundred_megabytes_in_memory(void)
{
    long long periods = 100000000 / divisor / PERIOD;
    for (int secure = 0; secure < 2; secure++) {
        pop3_buffer buffer = {NULL, 0};
        struct progress progress = {0, 0};
        int port = play_large(secure ? "tls=implicit" : "", periods);
        int socket = connect_to(port, secure);
        CHECK_INT(pop3_recv_message(socket, 1, &buffer, NULL), 0);
        CHECK_INT(buffer.len, periods * PERIOD);
        compare(buffer.data, buffer.len, &progress);
        CHECK_INT(progress.good, periods * PERIOD);
        if (buffer.data != NULL)
            CHECK_INT(buffer.data[buffer.len], '\0');
        pop3_buffer_free(&buffer);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        CHECK_PLAYED(port);
    }
}

/* Memory that is not there is a code, and the rest of the process lives on. */
static void a_message_that_memory_does_not_hold(void)
{
    struct rlimit before, tight;
    pop3_buffer buffer = {NULL, 7};
    script_begin(LOGGED_IN);
    script_add(EXPECT("RETR 1") SEND("+OK") "repeat 10000000 \"" ON_THE_WIRE "\"\nhold\n");
    int socket = connect_play(script());
    getrlimit(RLIMIT_AS, &before);
    tight = before;
    tight.rlim_cur = ((rlim_t)virtual_kib() << 10) + (64 << 20);
    setrlimit(RLIMIT_AS, &tight);
    int result = pop3_recv_message(socket, 1, &buffer, NULL);
    setrlimit(RLIMIT_AS, &before);
    CHECK_INT(result, POP3_ERR_OUT_OF_MEMORY);
    CHECK(buffer.data == NULL && buffer.len == 0);
    it_is_over(socket);
}

int main(int argc, char **argv)
{
    if (argc > 1 && (divisor = atoi(argv[1])) < 1)
        check_fatal("what are the sizes to be divided by?");
    for (int i = 0; i < GOES; i++)
        memcpy(pattern + i * PERIOD, STORED, PERIOD);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(twenty_thousand_messages);
    RUN(tops_and_deletions_of_twenty_thousand_messages);
    RUN(recv_of_twenty_thousand_messages);
    RUN(lists_of_twenty_thousand_messages);
    RUN(a_message_of_a_gigabyte);
    RUN(a_message_of_a_quarter_of_a_gigabyte_under_tls);
    RUN(a_message_of_a_hundred_megabytes_in_memory);
    if (divisor == 1)
        RUN(a_message_that_memory_does_not_hold);
    return check_result();
}

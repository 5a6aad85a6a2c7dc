#include "address.h"
#include "real_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "check.h"
#include "clock.h"
#include "companion.h"
#include "folders.h"
#include "listen.h"
#include "pop3connect.h"
#include "server.h"
#include "sockets.h"

#define PASS "s3cret pass"
#define MESSAGES 5
/* The messages, as formats for their numbers. Line ends are CRLF, however the server keeps them. */
#define HEADER "From: sender@mail.test\r\nTo: alice@mail.test\r\nSubject: message %d\r\n"
#define NO_BODY ""
#define TWO_LINES "body %d\r\n.leading dot\r\n"
#define WHOLE TWO_LINES ".\r\nlast line\r\n"

static const struct real_server *server;
static char base[64];
static int port, pop3s_port;
static struct companion *script;

/* Starting and ending */

static int answers(int number)
{
    struct sockaddr_in name = loopback(number);
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    int ok = connect(probe, (struct sockaddr *)&name, sizeof name) == 0;
    close_socket(probe);
    return ok;
}

/* Whether it came up; it does not where somebody else took a port meanwhile. */
static int start(int attempt)
{
    char path[4096], folder[96], ports[2][16];
    snprintf(path, sizeof path, "%s/%s", SCRIPTS, server->script);
    snprintf(folder, sizeof folder, "%s/%d", base, attempt);
    port = free_port();
    pop3s_port = free_port();
    snprintf(ports[0], sizeof ports[0], "%d", port);
    snprintf(ports[1], sizeof ports[1], "%d", pop3s_port);
    script = companion_run(path, (const char *const[]){folder, server_dir(), ports[0], ports[1], NULL});
    for (int i = 0; i < 400 && !companion_has_ended(script); i++) {
        if (answers(port) && answers(pop3s_port))
            return 1;
        sleep_ms(50);
    }
    companion_stop(script);
    return 0;
}

/* Sessions */

static int connect_mode(int secure, const char *pass)
{
    clear_log();
    return pop3_connect(at(real_server_port(secure)), server->user, pass, log_status, secure, 1);
}

/* Connects with the right password; 0 where that failed, which is a failed check. */
static int connected(int secure)
{
    int socket = connect_mode(secure, PASS);
    if (CHECK(socket > 0))
        return socket;
    CHECK_STR(pop3_get_last_error(), "");
    return 0;
}

static void disconnect(int socket)
{
    CHECK_INT(pop3_disconnect(socket, log_status), 0);
    CHECK_HAS(logged(), "C: QUIT\nS: +OK");
}

/* Checks a message, or as much of it as `body` says, which is a format for its number. */
static void is_message(const char *data, size_t len, int number, const char *body)
{
    char header[128], end[128];
    size_t header_size = (size_t)snprintf(header, sizeof header, HEADER, number);
    size_t end_size = (size_t)snprintf(end, sizeof end, "\r\n\r\n");
    end_size += (size_t)snprintf(end + end_size, sizeof end - end_size, body, number);
    if (!CHECK_HAS(data, header) || !CHECK(len >= end_size) || !CHECK_INT(strlen(data), len))
        return;
    const char *at_header = strstr(data, header);
    CHECK(at_header == data || at_header[-1] == '\n');
    CHECK_STR(data + len - end_size, end);
    if (server->adds_nothing)
        CHECK_INT(len, header_size + end_size - strlen("\r\n"));
}

static void is_buffer(int result, pop3_buffer *buffer, int number, const char *body)
{
    if (CHECK_INT(result, 0))
        is_message(buffer->data, buffer->len, number, body);
    pop3_buffer_free(buffer);
}

/* What a pop3_message_cb was given. */
struct received {
    int count;
    struct {
        int32_t number, last;
        size_t len;
        char data[4096];
    } messages[MESSAGES];
};

static int32_t receive(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct received *received = context;
    if (!CHECK(received->count < MESSAGES))
        return 1;
    char *end = received->messages[received->count].data + received->messages[received->count].len;
    received->messages[received->count].number = number;
    received->messages[received->count].last = last;
    received->messages[received->count].len += len;
    if (!CHECK(received->messages[received->count].len < sizeof received->messages[0].data))
        return 1;
    if (len > 0)
        memcpy(end, data, len);
    end[len] = '\0';
    received->count += last != 0;
    return 0;
}

/* Checks what came as the `index`th: the message that is `stored`, under its number in this session. */
static void is_received(const struct received *received, int index, int number, int stored)
{
    CHECK_INT(received->messages[index].number, number);
    CHECK_INT(received->messages[index].last, 1);
    is_message(received->messages[index].data, received->messages[index].len, stored, WHOLE);
}

static void its_log_in(int secure)
{
    const char *log_in = server->has_sasl ? "C: AUTH PLAIN ***\nS: +OK" : "\nC: PASS ***\nS: +OK";
    CHECK_HAS(logged(), log_in);
    CHECK_INT(secure == 2, strstr(logged(), "C: STLS\nS: +OK") != NULL);
    CHECK_INT(secure != 0, strstr(logged(), "certificate verified") != NULL);
}

static void its_capabilities(int socket)
{
    pop3_buffer capabilities;
    if (!CHECK_INT(pop3_capabilities(socket, &capabilities, NULL), 0))
        return;
    CHECK_HAS(capabilities.data, "PIPELINING\n");
    CHECK_HAS(capabilities.data, "TOP\n");
    CHECK_HAS(capabilities.data, "UIDL\n");
    pop3_buffer_free(&capabilities);
}

static void its_lists(int socket)
{
    pop3_list all, one;
    if (CHECK_INT(pop3_list_messages(socket, 0, &all, NULL), 0) && CHECK_INT(all.count, MESSAGES)) {
        for (int i = 0; i < MESSAGES; i++) {
            CHECK_INT(all.items[i].number, i + 1);
            CHECK(all.items[i].size > 0);
        }
        CHECK_INT(pop3_list_messages(socket, 3, &one, NULL), 0);
        if (CHECK_INT(one.count, 1)) {
            CHECK_INT(one.items[0].number, 3);
            CHECK_INT(one.items[0].size, all.items[2].size);
        }
        pop3_list_free(&one);
    }
    pop3_list_free(&all);
    CHECK_INT(pop3_list_messages(socket, MESSAGES + 1, &one, NULL), POP3_ERR_SERVER);
}

/* They stay the same in all sessions. */
static void its_unique_ids(int socket)
{
    static char first[MESSAGES][128];
    pop3_uid_list all, one;
    if (CHECK_INT(pop3_unique_ids(socket, 0, &all, NULL), 0) && CHECK_INT(all.count, MESSAGES)) {
        for (int i = 0; i < MESSAGES; i++) {
            CHECK_INT(all.items[i].number, i + 1);
            if (first[i][0] == '\0')
                snprintf(first[i], sizeof first[i], "%s", all.items[i].uid);
            CHECK_STR(all.items[i].uid, first[i]);
            for (int j = 0; j < i; j++)
                CHECK(strcmp(first[i], first[j]) != 0);
        }
        CHECK_INT(pop3_unique_ids(socket, 3, &one, NULL), 0);
        if (CHECK_INT(one.count, 1))
            CHECK_STR(one.items[0].uid, first[2]);
        pop3_uid_list_free(&one);
    }
    pop3_uid_list_free(&all);
    CHECK_INT(pop3_unique_ids(socket, MESSAGES + 1, &one, NULL), POP3_ERR_SERVER);
}

static void its_messages(int socket)
{
    pop3_buffer buffer;
    pop3_list size;
    is_buffer(pop3_recv_headers(socket, 2, &buffer, NULL), &buffer, 2, NO_BODY);
    is_buffer(pop3_recv_top(socket, 4, 2, &buffer, NULL), &buffer, 4, TWO_LINES);
    for (int number = 1; number <= MESSAGES; number++) {
        int result = pop3_recv_message(socket, number, &buffer, NULL);
        if (server->tells_sizes && CHECK_INT(pop3_list_messages(socket, number, &size, NULL), 0)) {
            CHECK_INT(size.items[0].size, buffer.len);
            pop3_list_free(&size);
        }
        is_buffer(result, &buffer, number, WHOLE);
    }
    CHECK_INT(pop3_recv_message(socket, MESSAGES + 1, &buffer, NULL), POP3_ERR_SERVER);
}

static void its_messages_by_unique_id(int socket)
{
    pop3_uid_list ids;
    pop3_buffer buffer;
    if (!CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0))
        return;
    for (size_t i = ids.count; i-- > 0;)
        is_buffer(pop3_recv_uid(socket, ids.items[i].uid, &buffer, NULL), &buffer, ids.items[i].number, WHOLE);
    if (CHECK_INT(ids.count, MESSAGES)) {
        CHECK_INT(pop3_delete_uid(socket, ids.items[3].uid, NULL), 0);
        CHECK_INT(pop3_recv_uid(socket, ids.items[3].uid, &buffer, NULL), POP3_ERR_SERVER);
        CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
        is_buffer(pop3_recv_uid(socket, ids.items[3].uid, &buffer, NULL), &buffer, 4, WHOLE);
    }
    CHECK_INT(pop3_delete_uid(socket, "nowhere", NULL), POP3_ERR_SERVER);
    pop3_uid_list_free(&ids);
}

static void its_tops_in_bulk(int socket)
{
    static const int32_t numbers[] = {4, MESSAGES + 1, 1, 5};
    struct received received = {0};
    CHECK_INT(pop3_recv_tops(socket, numbers, 4, 2, receive, &received, NULL), 3);
    CHECK_INT(received.count, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(received.messages[i].number, numbers[i]);
        CHECK_INT(received.messages[i].last, i == 1 ? POP3_ERR_SERVER : 1);
        if (i != 1)
            is_message(received.messages[i].data, received.messages[i].len, numbers[i], TWO_LINES);
    }
}

static void its_messages_in_bulk(int socket)
{
    static const int32_t numbers[] = {5, 1, MESSAGES + 1, 3, 1};
    struct received received = {0};
    CHECK_INT(pop3_recv_messages(socket, numbers, 5, receive, &received, NULL), 4);
    CHECK_INT(received.count, 5);
    CHECK_INT(received.messages[2].number, MESSAGES + 1);
    CHECK_INT(received.messages[2].last, POP3_ERR_SERVER);
    for (int i = 0; i < 5; i++)
        if (i != 2)
            is_received(&received, i, numbers[i], numbers[i]);
}

static void its_deletions(int socket)
{
    pop3_list list;
    CHECK_INT(pop3_delete_message(socket, 2, NULL), 0);
    /* mailutils has nothing against a second time */
    int again = pop3_delete_message(socket, 2, NULL);
    CHECK(again == 0 || again == POP3_ERR_SERVER);
    CHECK_INT(pop3_message_count(socket, NULL), MESSAGES);
    if (CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0) && CHECK_INT(list.count, MESSAGES - 1))
        CHECK_INT(list.items[1].number, 3);
    pop3_list_free(&list);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    static const int32_t numbers[] = {5, MESSAGES + 1, 1, 3};
    CHECK_INT(pop3_delete_messages(socket, numbers, 4, NULL), POP3_ERR_SERVER);
    CHECK_HAS(pop3_get_last_error(), "DELE 6 was refused; 3 of 4 messages were marked");
    if (CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0) && CHECK_INT(list.count, MESSAGES - 3))
        CHECK_INT(list.items[1].number, 4);
    pop3_list_free(&list);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    CHECK_INT(pop3_delete_messages(socket, numbers, 1, NULL), 1);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    if (CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0))
        CHECK_INT(list.count, MESSAGES);
    pop3_list_free(&list);
}

static void a_session(int secure)
{
    int socket = connected(secure);
    if (socket == 0)
        return;
    its_log_in(secure);
    CHECK_INT(pop3_message_count(socket, NULL), MESSAGES);
    its_capabilities(socket);
    its_lists(socket);
    its_unique_ids(socket);
    its_messages(socket);
    its_messages_by_unique_id(socket);
    its_messages_in_bulk(socket);
    its_tops_in_bulk(socket);
    its_deletions(socket);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_message_count(socket, NULL), MESSAGES);
    disconnect(socket);
}

static void plain(void)
{
    a_session(0);
}

static void tls(void)
{
    a_session(1);
}

static void stls(void)
{
    a_session(2);
}

static void wrong_passwords(void)
{
    for (int secure = 0; secure <= 2; secure++) {
        CHECK_INT(connect_mode(secure, "wrong"), POP3_ERR_AUTH);
        CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH]");
        CHECK_HAS_NOT(logged(), "wrong");
    }
}

static void its_certificate_is_refused_without_the_authority(void)
{
    char empty[96];
    snprintf(empty, sizeof empty, "%s/empty", base);
    CHECK(mkdir(empty, 0755) == 0 && mkdir(in(empty, "cacerts"), 0755) == 0);
    CHECK_INT(pop3_set_secure_dir(empty), 0);
    CHECK_INT(connect_mode(1, PASS), POP3_ERR_SECURE);
    CHECK_INT(connect_mode(2, PASS), POP3_ERR_SECURE);
    CHECK_HAS_NOT(logged_protocol(), "alice");
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
}

/* Receives up to `max` messages, the first of which was stored as the `first`th, and leaves as many as `left`. */
static void receive_some(int secure, int delete_after, int max, int first, int expected, int left)
{
    const char *where = at(real_server_port(secure));
    struct received received = {0};
    int count = pop3_recv(where, server->user, PASS, receive, &received, delete_after, NULL, max, secure, 1);
    if (!CHECK_INT(count, expected))
        CHECK_STR(pop3_get_last_error(), "");
    CHECK_INT(received.count, expected);
    for (int i = 0; i < expected; i++)
        is_received(&received, i, i + 1, first + i);
    CHECK_INT(pop3_stat(where, server->user, PASS, NULL, secure, 1), left);
}

static void received_messages_are_deleted_only_if_wanted(void)
{
    receive_some(0, 0, 0, 1, 5, 5);
    receive_some(0, 1, 2, 1, 2, 3);
    receive_some(1, 1, 1, 3, 1, 2);
    receive_some(2, 1, 1, 4, 1, 1);
}

/* Collecting, with one book for all of it */

static pop3_job *job;
static struct received collected;

static int32_t collect(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    CHECK(arrival->uid[0] != '\0');
    return receive(arrival->number, data, len, last, context);
}

/* A run over TLS, which must take and delete as many, and leave as many to another. */
static void run_job(int taken, int deleted, int left)
{
    pop3_outcome outcome;
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at_host("localhost", real_server_port(POP3_TLS))), 0);
    CHECK_INT(pop3_options_set_user(options, server->user), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, POP3_TLS), 0);
    memset(&collected, 0, sizeof collected);
    if (!CHECK_INT(pop3_collect(options, job, &outcome), 0))
        CHECK_STR(pop3_get_last_error(), "");
    CHECK_INT(outcome.taken, taken);
    CHECK_INT(outcome.deleted, deleted);
    CHECK_INT(outcome.left, left);
    CHECK_INT(outcome.failed + outcome.reconnects, 0);
    CHECK_INT(collected.count, taken);
    pop3_options_free(options);
}

static void each_message_is_collected_once(void)
{
    job = pop3_job_new();
    char book[96];
    snprintf(book, sizeof book, "%s/book", base);
    CHECK_INT(pop3_job_set_book(job, book), 0);
    CHECK_INT(pop3_job_set_message_cb(job, collect, &collected), 0);
    CHECK_INT(pop3_job_set_limits(job, 2, 0, 0), 0);
    run_job(2, 0, 3);
    is_received(&collected, 0, 1, 1);
    is_received(&collected, 1, 2, 2);
    CHECK_INT(pop3_job_set_limits(job, 0, 0, 0), 0);
    run_job(3, 0, 0);
    for (int i = 0; i < 3; i++)
        is_received(&collected, i, i + 3, i + 3);
    run_job(0, 0, 0);
}

/* What is in the book is deleted without being taken again. */
static void what_was_collected_is_deleted(void)
{
    CHECK_INT(pop3_job_set_delete(job, 0), 0);
    run_job(0, 1, 0);
    pop3_job_free(job);
    receive_some(2, 1, 0, 0, 0, 0);
}

int real_server_begin(const struct real_server *which)
{
    server = which;
    /* its port may have been that of the last one, which could do other things */
    pop3_forget(NULL);
    snprintf(base, sizeof base, "/tmp/pop3connect-server.XXXXXX");
    make_temporary(base);
    int attempt = 0;
    while (!start(attempt))
        if (++attempt == 3)
            check_fatal("%s did not come up; tools/setup.sh test installs it, its logs are in %s", server->name, base);
    return port;
}

int real_server_port(int secure)
{
    return secure == 1 ? pop3s_port : port;
}

void real_server_end(void)
{
    CHECK(companion_stop(script));
    /* what a server of Linux has left there, Linux removes */
    script = companion_run("/bin/rm", (const char *const[]){"-r", base, NULL});
    while (!companion_has_ended(script))
        sleep_ms(10);
    CHECK(companion_stop(script));
}

int real_server_test(const struct real_server *which)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    real_server_begin(which);
    RUN(plain);
    RUN(tls);
    RUN(stls);
    RUN(wrong_passwords);
    RUN(its_certificate_is_refused_without_the_authority);
    RUN(each_message_is_collected_once);
    RUN(received_messages_are_deleted_only_if_wanted);
    RUN(what_was_collected_is_deleted);
    real_server_end();
    return check_result();
}

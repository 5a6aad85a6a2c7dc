/* Many threads, one socket used by two, cancel, and callbacks that call back. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"

#define LOGGED_IN_BY_LINES                                                                                    \
    SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n" SEND("+OK") "expect-line\n" \
    SEND("+OK")

/* What a thread is given, and what it brings back. */
struct job {
    int port, secure, socket, result;
    char text[512];
};

static void *many_sessions(void *argument)
{
    struct job *job = argument;
    for (int i = 0; i < 25; i++) {
        char server[32];
        snprintf(server, sizeof server, "127.0.0.1:%d", job->port);
        int socket = pop3_connect(server, "alice", PASS, NULL, job->secure, 1);
        if (CHECK(socket > 0)) {
            CHECK_INT(pop3_message_count(socket, NULL), 5);
            CHECK_INT(pop3_disconnect(socket, NULL), 0);
        }
    }
    return NULL;
}

static void threads_side_by_side(void)
{
    const int ports[3] = {server_mailbox(""), server_mailbox("tls=implicit"), server_mailbox("tls=stls")};
    pthread_t threads[24];
    struct job jobs[24];
    for (int i = 0; i < 24; i++) {
        jobs[i] = (struct job){.port = ports[i % 3], .secure = i % 3};
        pthread_create(&threads[i], NULL, many_sessions, &jobs[i]);
    }
    for (int i = 0; i < 24; i++)
        pthread_join(threads[i], NULL);
}

static void *count_messages(void *argument)
{
    struct job *job = argument;
    job->result = pop3_message_count(job->socket, NULL);
    snprintf(job->text, sizeof job->text, "%s", pop3_get_last_error());
    return NULL;
}

/* Starts STAT on a socket whose server does not answer, and waits until it is under way. */
static pthread_t start_waiting(struct job *job, int port)
{
    pthread_t thread;
    pthread_create(&thread, NULL, count_messages, job);
    while (strstr(server_received(port), "STAT") == NULL)
        sleep_ms(5);
    return thread;
}

static void the_second_user_of_a_socket_is_told_so_at_once(void)
{
    int port = server_play("", LOGGED_IN_BY_LINES EXPECT("STAT") "pause 600\n" SEND("+OK 4 40")
                                         EXPECT("QUIT") SEND("+OK") "expect-eof");
    struct job job = {.socket = pop3_connect(at(port), "alice", PASS, NULL, 0, 0)};
    pthread_t thread = start_waiting(&job, port);
    pop3_buffer buffer;
    CHECK_INT(pop3_message_count(job.socket, NULL), POP3_ERR_BUSY);
    CHECK_INT(pop3_capabilities(job.socket, &buffer, NULL), POP3_ERR_BUSY);
    CHECK_INT(pop3_disconnect(job.socket, NULL), POP3_ERR_BUSY);
    pthread_join(thread, NULL);
    /* and the session is unharmed */
    CHECK_INT(job.result, 4);
    CHECK_INT(pop3_disconnect(job.socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void a_waiting_socket_stops_no_other(void)
{
    int port = server_play("", LOGGED_IN_BY_LINES EXPECT("STAT") "hold");
    struct job job = {.socket = pop3_connect(at(port), "alice", PASS, NULL, 0, 0)};
    pthread_t thread = start_waiting(&job, port);
    int other = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    CHECK_INT(pop3_message_count(other, NULL), 5);
    CHECK_INT(pop3_disconnect(other, NULL), 0);
    CHECK_INT(pop3_cancel(job.socket), 0);
    pthread_join(thread, NULL);
    pop3_disconnect(job.socket, NULL);
}

static void cancel_ends_a_wait_at_once(void)
{
    for (int secure = 0; secure <= 1; secure++) {
        int port = server_play(secure ? "tls=implicit" : "", LOGGED_IN_BY_LINES EXPECT("STAT") "hold");
        struct job job = {.socket = pop3_connect(at(port), "alice", PASS, NULL, secure, 1)};
        pthread_t thread = start_waiting(&job, port);
        long long start = now_ms();
        CHECK_INT(pop3_cancel(job.socket), 0);
        pthread_join(thread, NULL);
        CHECK(now_ms() - start < 20000);
        CHECK_INT(job.result, POP3_ERR_CANCELLED);
        CHECK_HAS(job.text, "cancelled");
        CHECK_INT(pop3_message_count(job.socket, NULL), POP3_ERR_CONNECTION_LOST);
        CHECK_INT(pop3_disconnect(job.socket, NULL), POP3_ERR_CONNECTION_LOST);
        CHECK_INT(pop3_cancel(job.socket), POP3_ERR_BAD_SOCKET);
    }
}

static void cancel_without_a_call_does_nothing(void)
{
    int socket = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    CHECK_INT(pop3_cancel(socket), 0);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static int inner_socket, inner_results[5], inner_port;

static void call_back_deeper(const char *status)
{
    if (strcmp(status, "C: STAT") == 0)
        inner_results[4] = pop3_message_count(inner_socket, NULL);
}

static void call_back(const char *status)
{
    pop3_buffer buffer;
    if (strcmp(status, "C: STAT") != 0)
        return;
    inner_results[0] = pop3_message_count(inner_socket, NULL);
    inner_results[1] = pop3_capabilities(inner_socket, &buffer, NULL);
    inner_results[2] = pop3_disconnect(inner_socket, NULL);
    int other = pop3_connect(at(inner_port), "alice", PASS, NULL, 0, 0);
    inner_results[3] = pop3_message_count(other, call_back_deeper);
    pop3_disconnect(other, NULL);
    pop3_set_comms_timeout(30);
    pop3_set_error_cb(NULL);
}

static void a_callback_may_call_back(void)
{
    inner_port = server_mailbox("messages=9");
    inner_socket = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    CHECK_INT(pop3_message_count(inner_socket, call_back), 5);
    CHECK_INT(inner_results[0], POP3_ERR_BUSY);
    CHECK_INT(inner_results[1], POP3_ERR_BUSY);
    CHECK_INT(inner_results[2], POP3_ERR_BUSY);
    /* another socket is free to be used, and so is the library inside its callback */
    CHECK_INT(inner_results[3], 9);
    CHECK_INT(inner_results[4], POP3_ERR_BUSY);
    CHECK_INT(pop3_disconnect(inner_socket, NULL), 0);
    pop3_set_comms_timeout(0);
}

static void busy_in_disconnect(const char *status)
{
    if (strcmp(status, "C: QUIT") == 0)
        inner_results[0] = pop3_disconnect(inner_socket, NULL);
}

static void disconnecting_twice_at_once(void)
{
    inner_socket = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    CHECK_INT(pop3_disconnect(inner_socket, busy_in_disconnect), 0);
    CHECK_INT(inner_results[0], POP3_ERR_BUSY);
}

static void cancel_own_call(const char *status)
{
    if (strcmp(status, "C: STAT") == 0)
        CHECK_INT(pop3_cancel(inner_socket), 0);
}

static void a_callback_may_cancel_its_own_call(void)
{
    inner_socket = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    CHECK_INT(pop3_message_count(inner_socket, cancel_own_call), POP3_ERR_CANCELLED);
    CHECK_INT(pop3_disconnect(inner_socket, NULL), POP3_ERR_CONNECTION_LOST);
}

static void cancel_at_the_end(const char *status)
{
    if (strcmp(status, "S: .") == 0 || strstr(status, " bytes") != NULL)
        CHECK_INT(pop3_cancel(inner_socket), 0);
}

/* The answer is there already: it is not given, and not leaked. */
static void a_cancel_at_the_last_moment(void)
{
    int port = server_mailbox("");
    pop3_buffer buffer;
    pop3_list list;
    pop3_uid_list ids;
    for (int i = 0; i < 4; i++) {
        inner_socket = pop3_connect(at(port), "alice", PASS, NULL, 0, 0);
        int result = i == 0   ? pop3_capabilities(inner_socket, &buffer, cancel_at_the_end)
                     : i == 1 ? pop3_list_messages(inner_socket, 0, &list, cancel_at_the_end)
                     : i == 2 ? pop3_unique_ids(inner_socket, 0, &ids, cancel_at_the_end)
                              : pop3_recv_message(inner_socket, 1, &buffer, cancel_at_the_end);
        CHECK_INT(result, POP3_ERR_CANCELLED);
        CHECK_INT(pop3_disconnect(inner_socket, NULL), POP3_ERR_CONNECTION_LOST);
    }
    CHECK(buffer.data == NULL && list.items == NULL && ids.items == NULL);
}

static atomic_int error_calls;

static void failing_error_cb(const char *message, int32_t code, const char *command)
{
    (void)message;
    CHECK_STR(command, "POP3Disconnect");
    /* fails itself, once */
    if (atomic_fetch_add(&error_calls, 1) == 0) {
        CHECK_INT(code, POP3_ERR_BAD_SOCKET);
        CHECK_INT(pop3_disconnect(2, NULL), POP3_ERR_BAD_SOCKET);
        CHECK_HAS(pop3_get_last_error(), "socket 2");
    }
}

static void the_last_error_is_that_of_the_outer_call(void)
{
    pop3_set_error_cb(failing_error_cb);
    CHECK_INT(pop3_disconnect(1, NULL), POP3_ERR_BAD_SOCKET);
    pop3_set_error_cb(NULL);
    CHECK_INT(atomic_load(&error_calls), 2);
    CHECK_HAS(pop3_get_last_error(), "socket 1");
}

static void *no_error_yet(void *argument)
{
    (void)argument;
    CHECK_STR(pop3_get_last_error(), "");
    CHECK_STR(pop3_get_secure_error(), "");
    CHECK_INT(pop3_disconnect(3, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_HAS(pop3_get_last_error(), "socket 3");
    return NULL;
}

static void each_thread_has_its_own_last_error(void)
{
    pthread_t thread;
    CHECK_INT(pop3_disconnect(4, NULL), POP3_ERR_BAD_SOCKET);
    pthread_create(&thread, NULL, no_error_yet, NULL);
    pthread_join(thread, NULL);
    CHECK_HAS(pop3_get_last_error(), "socket 4");
}

static int shared_socket;
static atomic_int shared_counts[3];

static void *use_shared(void *argument)
{
    (void)argument;
    for (int i = 0; i < 200; i++) {
        int result = pop3_message_count(shared_socket, NULL);
        if (result != 5 && result != POP3_ERR_BUSY)
            printf("%d: %s\n", result, pop3_get_last_error());
        atomic_fetch_add(&shared_counts[result == 5 ? 0 : result == POP3_ERR_BUSY ? 1 : 2], 1);
    }
    return NULL;
}

static void one_socket_from_many_threads(void)
{
    pthread_t threads[8];
    shared_socket = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, use_shared, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK(atomic_load(&shared_counts[0]) > 0);
    CHECK_INT(atomic_load(&shared_counts[2]), 0);
    CHECK_INT(pop3_disconnect(shared_socket, NULL), 0);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(threads_side_by_side);
    RUN(the_second_user_of_a_socket_is_told_so_at_once);
    RUN(a_waiting_socket_stops_no_other);
    RUN(cancel_ends_a_wait_at_once);
    RUN(cancel_without_a_call_does_nothing);
    RUN(a_callback_may_call_back);
    RUN(disconnecting_twice_at_once);
    RUN(a_callback_may_cancel_its_own_call);
    RUN(a_cancel_at_the_last_moment);
    RUN(the_last_error_is_that_of_the_outer_call);
    RUN(each_thread_has_its_own_last_error);
    RUN(one_socket_from_many_threads);
    return check_result();
}

/* What a host may do around the library: fork, jump the clock, stop callbacks anywhere, hold very many sessions. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "session.h"


static const char *const modes[] = {"", "tls=implicit", "tls=stls"};

/* Days that the calendar jumps to and fro, unless 0. Ours comes before libc's, the server's clock goes on as it is. */
static atomic_int jump_days;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    static atomic_uint calls;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME && jump_days != 0)
        now->tv_sec += (calls++ % 2 == 0 ? 1 : -1) * jump_days * 86400L;
    return result;
}

static void a_child_leaves_the_parents_sessions_alone(void)
{
    int ports[3], sockets[3];
    for (int secure = 0; secure < 3; secure++) {
        ports[secure] = server_mailbox(modes[secure]);
        sockets[secure] = connect_to(ports[secure], secure);
    }
    pid_t child = fork();
    if (child == 0) {
        int failures = 0;
        for (int secure = 0; secure < 3; secure++) {
            int32_t own = pop3_connect(at(ports[secure]), "alice", PASS, NULL, secure, 1);
            failures += own <= 0 || pop3_message_count(own, NULL) < 0 || pop3_disconnect(own, NULL) != 0;
        }
        /* not _exit: what the library would do at the end of a process is done, with the parent's sessions there */
        exit(failures);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int secure = 0; secure < 3; secure++) {
        CHECK_INT(pop3_noop(sockets[secure], NULL), 0);
        CHECK_INT(pop3_disconnect(sockets[secure], NULL), 0);
    }
}

static void a_calendar_that_jumps(void)
{
    int port_of_mailbox = server_mailbox("");
    jump_days = 400;
    int socket = connect_to(port_of_mailbox, 0);
    CHECK(pop3_message_count(socket, NULL) >= 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    /* nor does a wait end early or late */
    int silent = server_play("", "hold\n");
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(silent)), 0);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 700, 0), 0);
    long long begin = now_ms();
    CHECK_INT(pop3_connect_with(options), POP3_ERR_TIMEOUT);
    CHECK(now_ms() - begin >= 700 && now_ms() - begin < 15000);
    pop3_options_free(options);
    jump_days = 0;
}

/* Callbacks that stop at the n-th call of a session, whichever that is. */
struct stop {
    int32_t socket;
    int at, calls;
    int did_stop;
};

static int is_to_stop(struct stop *stop)
{
    /* whatever it calls back meanwhile does not disturb the call */
    if (stop->socket > 0)
        CHECK_INT(pop3_noop(stop->socket, NULL), POP3_ERR_BUSY);
    CHECK(pop3_error_text(POP3_ERR_BUSY) != NULL);
    if (++stop->calls != stop->at)
        return 0;
    stop->did_stop = 1;
    return 1;
}

static int32_t stop_data(const char *data, size_t len, void *context)
{
    (void)data, (void)len;
    return is_to_stop(context);
}

static int32_t stop_message(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last;
    return is_to_stop(context);
}

static int32_t stop_progress(int64_t done, int64_t total, void *context)
{
    (void)done, (void)total;
    return is_to_stop(context);
}

/* A session with callbacks wherever there can be; the first result that is an error. */
static int session_with_callbacks(int where, int secure, struct stop *stop)
{
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(where)), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, secure), 0);
    CHECK_INT(pop3_options_set_progress_cb(options, stop_progress, stop), 0);
    int32_t socket = stop->socket = pop3_connect_with(options);
    pop3_options_free(options);
    if (socket < 0)
        return socket;
    const int32_t numbers[] = {1, 2, 3};
    int result = pop3_message_count(socket, NULL);
    if (result >= 0)
        result = pop3_recv_message_to(socket, 1, stop_data, stop, NULL);
    if (result >= 0)
        result = pop3_recv_messages(socket, numbers, 3, stop_message, stop, NULL);
    if (result < 0)
        CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_CONNECTION_LOST);
    int ended = pop3_disconnect(socket, NULL);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
    return result < 0 ? result : ended;
}

static void callbacks_that_stop_at_each_point(void)
{
    int points = 0;
    for (int secure = 0; secure < 3; secure++) {
        char settings[64];
        snprintf(settings, sizeof settings, "%s messages=3", modes[secure]);
        int where = server_mailbox(settings);
        int before = open_descriptors();
        for (int point = 1;; point++) {
            struct stop stop = {.at = point};
            int result = session_with_callbacks(where, secure, &stop);
            CHECK_INT(open_descriptors(), before);
            if (!stop.did_stop) {
                CHECK_INT(result, 0);
                break;
            }
            CHECK_INT(result, POP3_ERR_CANCELLED);
            points++;
        }
    }
    printf("       stopped at %d points\n", points);
    CHECK(points > 30);
}

/* Connects, reads and cancels at random, and checks that only codes of the contract come. */
#define RANDOM_THREADS 64

static atomic_int random_sockets[RANDOM_THREADS], random_ports[3], sessions_done, sessions_cancelled, random_over;

static int32_t drop_message(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last, (void)context;
    return 0;
}

static int is_expected(int code)
{
    return code >= 0 || code == POP3_ERR_CANCELLED || code == POP3_ERR_CONNECTION_LOST || code == POP3_ERR_BUSY
           || code == POP3_ERR_BAD_SOCKET;
}

static void *at_random(void *argument)
{
    unsigned seed = (unsigned)(size_t)argument;
    atomic_int *mine = &random_sockets[seed % RANDOM_THREADS];
    const int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};
    while (!random_over) {
        int secure = rand_r(&seed) % 3, result = 0;
        char server[32];
        snprintf(server, sizeof server, "127.0.0.1:%d", (int)random_ports[secure]);
        int32_t socket = pop3_connect(server, "alice", PASS, NULL, secure, rand_r(&seed) % 2);
        CHECK(socket > 0);
        *mine = socket;
        for (int steps = rand_r(&seed) % 6; steps > 0 && is_expected(result); steps--) {
            /* now and then another thread's */
            int32_t whose = rand_r(&seed) % 8 == 0 ? random_sockets[rand_r(&seed) % RANDOM_THREADS] : socket;
            switch (rand_r(&seed) % 6) {
            case 0: result = pop3_message_count(whose, NULL); break;
            case 1: result = pop3_recv_messages(whose, numbers, 8, drop_message, NULL, NULL); break;
            case 2: result = pop3_noop(whose, NULL); break;
            case 3: result = pop3_cancel(random_sockets[rand_r(&seed) % RANDOM_THREADS]); break;
            case 4: result = pop3_undo_deletes(whose, NULL); break;
            default:
                if (rand_r(&seed) % 16 == 0)
                    pop3_forget(NULL);
            }
            CHECK(is_expected(result));
        }
        int ended = pop3_disconnect(socket, NULL);
        /* another thread may be using it just now */
        while (ended == POP3_ERR_BUSY) {
            sleep_ms(1);
            ended = pop3_disconnect(socket, NULL);
        }
        CHECK(is_expected(ended));
        sessions_cancelled += ended < 0;
        sessions_done++;
    }
    return NULL;
}

static void many_threads_at_random(void)
{
    for (int secure = 0; secure < 3; secure++) {
        char settings[64];
        snprintf(settings, sizeof settings, "%s messages=8", modes[secure]);
        random_ports[secure] = server_mailbox(settings);
    }
    int before = open_descriptors();
    const char *seconds = getenv("POP3_TEST_SECONDS");
    pthread_t threads[RANDOM_THREADS];
    for (size_t i = 0; i < RANDOM_THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, at_random, (void *)i), 0);
    sleep_ms(1000LL * (seconds != NULL ? atoi(seconds) : 6));
    random_over = 1;
    for (size_t i = 0; i < RANDOM_THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("       %d sessions by %d threads, %d of them cancelled\n", sessions_done, RANDOM_THREADS,
           sessions_cancelled);
    CHECK(sessions_done > RANDOM_THREADS && sessions_cancelled > 0);
    CHECK_INT(open_descriptors(), before);
}

static void idle_sessions(const char *name, int secure, int count)
{
    int where = server_mailbox(modes[secure]);
    int32_t *sockets = calloc((size_t)count, sizeof *sockets);
    long heap = heap_in_use(), resident = resident_kib();
    int descriptors = open_descriptors();
    for (int i = 0; i < count; i++)
        if (!CHECK((sockets[i] = connect_to(where, secure)) > 0))
            break;
    printf("       %d idle sessions, %s: %ld bytes of heap each, %ld resident\n", count, name,
           (heap_in_use() - heap) / count, (resident_kib() - resident) * 1024 / count);
    CHECK_INT(open_descriptors(), descriptors + count);
    CHECK(heap_in_use() - heap < count * 64 * 1024L);
    for (int i = 0; i < count; i += 97)
        CHECK_INT(pop3_noop(sockets[i], NULL), 0);
    for (int i = 0; i < count; i++)
        CHECK_INT(pop3_disconnect(sockets[i], NULL), 0);
    CHECK_INT(open_descriptors(), descriptors);
    CHECK(heap_in_use() - heap < 1024 * 1024);
    free(sockets);
}

static void ten_thousand_sessions(void)
{
    idle_sessions("in the clear", 0, 10000);
    idle_sessions("TLS", 1, 2000);
}

/* For this program and the server that it is about to start. */
static void allow_descriptors(rlim_t wanted)
{
    struct rlimit limit;
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    limit.rlim_cur = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        check_fatal("this test needs %ld descriptors: raise the hard limit (ulimit -Hn)", (long)wanted);
}

int main(void)
{
    allow_descriptors(20000);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(a_child_leaves_the_parents_sessions_alone);
    RUN(a_calendar_that_jumps);
    RUN(callbacks_that_stop_at_each_point);
    RUN(many_threads_at_random);
    RUN(ten_thousand_sessions);
    return check_result();
}

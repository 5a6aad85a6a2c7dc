/* Many calls at a time on one thread. */
#include <poll.h>
#include <pthread.h>
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
#include "relay.h"
#include "script.h"
#include "server.h"
#include "session.h"

/* What became of calls, in the order in which they were over. */
struct ends {
    int count;
    int32_t calls[64];
    int32_t results[64];
    char errors[64][256];
    /* what is done when one is over */
    void (*then)(struct ends *ends);
    pop3_loop *loop;
    pop3_options *options;
};

static void note_end(int32_t call, int32_t result, void *context)
{
    struct ends *ends = context;
    if (CHECK(ends->count < 64)) {
        ends->calls[ends->count] = call;
        ends->results[ends->count] = result;
        snprintf(ends->errors[ends->count], sizeof ends->errors[0], "%s", result < 0 ? pop3_get_last_error() : "");
        ends->count++;
    }
    if (ends->then)
        ends->then(ends);
}

/* Goes on until no call is under way. */
static void run_all(pop3_loop *loop)
{
    int32_t left;
    while ((left = pop3_loop_run(loop, -1)) > 0)
        ;
    CHECK_INT(left, 0);
    CHECK_INT(pop3_loop_timeout(loop), -1);
}

static void many_side_by_side(void)
{
    enum { CALLS = 60 };
    const char *servers[] = {"messages=3 size=100", "messages=3 size=100 tls=implicit", "messages=3 size=100 tls=stls"};
    pop3_loop *loop = pop3_loop_new();
    CHECK_INT(pop3_loop_set_limits(loop, 0, 0), 0);
    struct ends ends = {0};
    server_dir();
    int descriptors = open_descriptors();
    pop3_options *options[3];
    int where[3];
    for (int i = 0; i < 3; i++) {
        where[i] = server_mailbox(servers[i]);
        options[i] = options_for(where[i], i);
    }
    int32_t last = 0;
    for (int i = 0; i < CALLS; i++) {
        int32_t call = pop3_loop_stat(loop, options[i % 3], note_end, &ends);
        CHECK(call > last);
        last = call;
    }
    /* they are copied */
    for (int i = 0; i < 3; i++)
        pop3_options_free(options[i]);
    CHECK_INT(ends.count, 0);
    CHECK_INT(pop3_loop_timeout(loop), 0);
    CHECK_INT(pop3_loop_run(loop, 0), CALLS);
    run_all(loop);
    CHECK_INT(ends.count, CALLS);
    for (int i = 0; i < ends.count; i++)
        if (!CHECK_INT(ends.results[i], 3))
            printf("%s\n", ends.errors[i]);
    for (int i = 0; i < 3; i++)
        CHECK_INT(server_connections(where[i]), CALLS / 3);
    CHECK_INT(open_descriptors(), descriptors);
    pop3_loop_free(loop);
}

static void messages_are_received_and_deleted(void)
{
    for (int secure = 0; secure < 3; secure++) {
        const char *servers[] = {"messages=5 size=3000", "messages=5 size=300000 tls=implicit",
                                 "messages=5 size=3000 tls=stls capa=no"};
        int where = server_mailbox(servers[secure]);
        pop3_options *options = options_for(where, secure);
        struct both {
            struct letters letters;
        } received = {{0}};
        struct ends ends = {0};
        pop3_loop *loop = pop3_loop_new();
        CHECK(pop3_loop_recv(loop, options, gather_messages, 1, 3, NULL, &received.letters) > 0);
        run_all(loop);
        CHECK_INT(received.letters.whole, 3);
        CHECK(pop3_loop_stat(loop, options, note_end, &ends) > 0);
        run_all(loop);
        CHECK_INT(ends.results[0], 2);
        letters_free(&received.letters);
        pop3_options_free(options);
        pop3_loop_free(loop);
    }
}

static void errors_are_each_calls_own(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    const char *silent = "hold\n", *refuses = SEND("-ERR [SYS/TEMP] not now") "expect-eof\n";
    pop3_options *options[4] = {options_for(server_refuse(), 0), options_for(server_play("", refuses), 0),
                                options_for(server_mailbox("pass=other"), 0), options_for(server_play("", silent), 0)};
    pop3_options_set_timeouts(options[3], 60000, 300, 0);
    pop3_options_set_error_cb(options[2], NULL, NULL);
    int32_t calls[4];
    for (int i = 0; i < 4; i++) {
        calls[i] = pop3_loop_stat(loop, options[i], note_end, &ends);
        pop3_options_free(options[i]);
    }
    run_all(loop);
    const int32_t expected[] = {POP3_ERR_CONNECT, POP3_ERR_TEMPORARY, POP3_ERR_AUTH, POP3_ERR_TIMEOUT};
    const char *texts[] = {"cannot connect: ", "[SYS/TEMP] not now", "refused", "greeting: no answer within the timeout"};
    CHECK_INT(ends.count, 4);
    for (int i = 0; i < ends.count; i++) {
        for (int j = 0; j < 4; j++) {
            if (ends.calls[i] != calls[j])
                continue;
            CHECK_INT(ends.results[i], expected[j]);
            CHECK_HAS(ends.errors[i], texts[j]);
        }
    }
    pop3_loop_free(loop);
}

/* The platform is asked for those of which the host's own authorities know nothing. */
static void servers_are_verified(void)
{
    enum { SERVERS = 4 };
    const char *servers[SERVERS] = {"tls=implicit cert=untrusted", "tls=stls cert=untrusted", "tls=implicit cert=self-signed",
                                    "tls=implicit cert=expired"};
    const char *reasons[SERVERS] = {"unable to get local issuer certificate", "unable to get local issuer certificate",
                                    "self-signed certificate", "expired"};
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    int32_t calls[SERVERS];
    for (int i = 0; i < SERVERS; i++) {
        pop3_options *options = options_for(server_mailbox(servers[i]), i == 1 ? 2 : 1);
        calls[i] = pop3_loop_stat(loop, options, note_end, &ends);
        pop3_options_free(options);
    }
    run_all(loop);
    CHECK_INT(ends.count, SERVERS);
    for (int i = 0; i < ends.count; i++) {
        for (int j = 0; j < SERVERS; j++) {
            if (ends.calls[i] != calls[j])
                continue;
            CHECK_INT(ends.results[i], POP3_ERR_SECURE);
            CHECK_HAS(ends.errors[i], reasons[j]);
        }
    }
    pop3_loop_free(loop);
}

static void limits_are_kept(void)
{
    enum { CALLS = 12 };
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    CHECK_INT(pop3_loop_set_limits(loop, 100, 2), 0);
    int port_of_all = server_mailbox("messages=1 size=0");
    pop3_options *options = options_for(port_of_all, 0);
    for (int i = 0; i < CALLS; i++)
        CHECK(pop3_loop_stat(loop, options, note_end, &ends) > 0);
    int descriptors = open_descriptors(), most = 0;
    while (pop3_loop_run(loop, -1) > 0) {
        int now = open_descriptors() - descriptors;
        most = now > most ? now : most;
    }
    CHECK_INT(most, 2);
    CHECK_INT(ends.count, CALLS);
    CHECK_INT(server_connections(port_of_all), CALLS);
    pop3_options_free(options);
    pop3_loop_free(loop);
}

static void add_another(struct ends *ends)
{
    if (ends->count < 5)
        CHECK(pop3_loop_stat(ends->loop, ends->options, note_end, ends) > 0);
    CHECK_INT(pop3_loop_run(ends->loop, 0), POP3_ERR_BUSY);
    CHECK_INT(pop3_loop_cancel(ends->loop, ends->calls[ends->count - 1]), POP3_ERR_PARAMETER);
}

static void calls_are_added_in_callbacks(void)
{
    pop3_loop *loop = pop3_loop_new();
    pop3_options *options = options_for(server_mailbox("messages=2 size=0"), 0);
    struct ends ends = {.then = add_another, .loop = loop, .options = options};
    CHECK(pop3_loop_stat(loop, options, note_end, &ends) > 0);
    run_all(loop);
    CHECK_INT(ends.count, 5);
    pop3_options_free(options);
    pop3_loop_free(loop);
}

static void cancelled_calls_are_over(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    int where = server_play("", "hold\n");
    pop3_options *options = options_for(where, 0);
    CHECK_INT(pop3_loop_set_limits(loop, 1, 1), 0);
    int32_t first = pop3_loop_stat(loop, options, note_end, &ends);
    int32_t waits = pop3_loop_stat(loop, options, note_end, &ends);
    for (int i = 0; i < 5; i++)
        CHECK_INT(pop3_loop_run(loop, 10), 2);
    CHECK_INT(pop3_loop_cancel(loop, waits), 0);
    CHECK_INT(ends.count, 0);
    CHECK_INT(pop3_loop_run(loop, -1), 1);
    CHECK_INT(pop3_loop_cancel(loop, first), 0);
    CHECK_INT(pop3_loop_cancel(loop, first), 0);
    run_all(loop);
    CHECK_INT(ends.count, 2);
    CHECK_INT(ends.calls[0], waits);
    CHECK_INT(ends.calls[1], first);
    CHECK_INT(ends.results[0], POP3_ERR_CANCELLED);
    CHECK_INT(ends.results[1], POP3_ERR_CANCELLED);
    CHECK_INT(pop3_loop_cancel(loop, first), POP3_ERR_PARAMETER);
    pop3_options_free(options);
    pop3_loop_free(loop);
}

static void freeing_ends_all(void)
{
    pop3_options *options = options_for(server_play("", "hold\n"), 0);
    struct ends ends = {0};
    int descriptors = open_descriptors();
    pop3_loop *loop = pop3_loop_new();
    CHECK_INT(pop3_loop_set_limits(loop, 1, 1), 0);
    for (int i = 0; i < 3; i++)
        pop3_loop_stat(loop, options, note_end, &ends);
    CHECK_INT(pop3_loop_run(loop, 50), 3);
    CHECK_INT(ends.count, 0);
    pop3_loop_free(loop);
    CHECK_INT(ends.count, 3);
    for (int i = 0; i < ends.count; i++)
        CHECK_INT(ends.results[i], POP3_ERR_CANCELLED);
    CHECK_INT(open_descriptors(), descriptors);
    pop3_options_free(options);
}

static void use_what_is_being_freed(struct ends *ends)
{
    CHECK_INT(pop3_loop_stat(ends->loop, ends->options, note_end, ends), POP3_ERR_CANCELLED);
    CHECK_INT(pop3_loop_cancel(ends->loop, ends->calls[ends->count - 1]), POP3_ERR_PARAMETER);
    pop3_loop_free(ends->loop);
}

static void callbacks_may_use_what_is_being_freed(void)
{
    pop3_loop *loop = pop3_loop_new();
    pop3_options *options = options_for(server_play("", "hold\n"), 0);
    struct ends ends = {.then = use_what_is_being_freed, .loop = loop, .options = options};
    for (int i = 0; i < 3; i++)
        pop3_loop_stat(loop, options, note_end, &ends);
    CHECK_INT(pop3_loop_run(loop, 50), 3);
    pop3_loop_free(loop);
    CHECK_INT(ends.count, 3);
    pop3_options_free(options);
}

/* What a callback does to the loop that it is called by. */
struct meddler {
    pop3_loop *loop;
    int32_t call;
    int frees;
    int calls_after;
    int done;
    int32_t result;
};

static void meddle(struct meddler *meddler)
{
    if (!meddler->loop) {
        meddler->calls_after++;
        return;
    }
    pop3_loop *loop = meddler->loop;
    meddler->loop = NULL;
    if (meddler->frees)
        pop3_loop_free(loop);
    else
        CHECK_INT(pop3_loop_cancel(loop, meddler->call), 0);
    if (meddler->frees)
        CHECK_INT(meddler->done, 1);
}

static void meddler_done(int32_t call, int32_t result, void *context)
{
    struct meddler *meddler = context;
    CHECK_INT(call, meddler->call);
    meddler->done++;
    meddler->result = result;
    if (result == POP3_ERR_CANCELLED)
        CHECK_HAS(pop3_get_last_error(), "cancelled by the host");
}

static int32_t meddler_message(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last;
    meddle(context);
    return 0;
}

static void meddler_status(const char *status, void *context)
{
    (void)status;
    meddle(context);
}

static int32_t meddler_progress(int64_t done, int64_t total, void *context)
{
    (void)done, (void)total;
    meddle(context);
    return 0;
}

static void meddler_error(const char *message, int32_t code, const char *command, void *context)
{
    (void)message, (void)code, (void)command;
    meddle(context);
}

static void callbacks_may_cancel_and_free(void)
{
    for (int kind = 0; kind < 4; kind++) {
        for (int frees = 0; frees < 2; frees++) {
            struct meddler meddler = {.loop = pop3_loop_new(), .frees = frees};
            pop3_loop *loop = meddler.loop;
            pop3_options *options = options_for(kind == 3 ? server_refuse() : server_mailbox("messages=9 size=100"), 0);
            if (kind == 1)
                pop3_options_set_status_cb(options, meddler_status, &meddler);
            if (kind == 2)
                pop3_options_set_progress_cb(options, meddler_progress, &meddler);
            if (kind == 3)
                pop3_options_set_error_cb(options, meddler_error, &meddler);
            meddler.call = kind == 0 || kind == 3
                               ? pop3_loop_recv(loop, options, meddler_message, 0, 0, meddler_done, &meddler)
                               : pop3_loop_stat(loop, options, meddler_done, &meddler);
            CHECK(meddler.call > 0);
            pop3_options_free(options);
            while (meddler.done == 0)
                CHECK(pop3_loop_run(loop, -1) >= 0);
            CHECK_INT(meddler.done, 1);
            CHECK_INT(meddler.calls_after, 0);
            CHECK_INT(meddler.result, kind == 3 ? POP3_ERR_CONNECT : POP3_ERR_CANCELLED);
            if (!frees) {
                CHECK_INT(pop3_loop_run(loop, 0), 0);
                pop3_loop_free(loop);
            }
        }
    }
}

static void *wake_soon(void *loop)
{
    sleep_ms(50);
    pop3_loop_wake(loop);
    return NULL;
}

static void waking(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    pop3_options *options = options_for(server_play("", "hold\n"), 0);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, wake_soon, loop), 0);
    CHECK_INT(pop3_loop_run(loop, 600000), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    pop3_loop_stat(loop, options, note_end, &ends);
    for (int i = 0; i < 3; i++)
        CHECK_INT(pop3_loop_run(loop, 20), 1);
    CHECK_INT(pthread_create(&thread, NULL, wake_soon, loop), 0);
    CHECK_INT(pop3_loop_run(loop, -1), 1);
    CHECK_INT(pthread_join(thread, NULL), 0);
    /* the next one that would wait */
    pop3_loop_wake(loop);
    CHECK_INT(pop3_loop_run(loop, -1), 1);
    pop3_loop_wake(NULL);
    pop3_options_free(options);
    pop3_loop_free(loop);
    /* where nothing is under way there is nothing to wait for without end */
    loop = pop3_loop_new();
    CHECK_INT(pop3_loop_run(loop, -1), 0);
    pop3_loop_free(loop);
}

/* Whether the loop's descriptor says within so many milliseconds that there is something to do. */
static int is_readable(const pop3_loop *loop, int timeout_ms)
{
    struct pollfd polled = {.fd = pop3_loop_fd(loop), .events = POLLIN};
    return poll(&polled, 1, timeout_ms) == 1;
}

static void a_hosts_own_loop(void)
{
    for (int secure = 0; secure < 2; secure++) {
        pop3_loop *loop = pop3_loop_new();
        struct ends ends = {0};
        pop3_options *options = options_for(server_mailbox(secure ? "messages=4 size=0 tls=implicit" : "messages=4 size=0"), secure);
        CHECK(pop3_loop_fd(loop) >= 0);
        CHECK(!is_readable(loop, 0));
        CHECK_INT(pop3_loop_timeout(loop), -1);
        for (int i = 0; i < 3; i++)
            CHECK(pop3_loop_stat(loop, options, note_end, &ends) > 0);
        /* what has been added is something to do */
        CHECK(is_readable(loop, 0));
        int32_t left = 3;
        while (left > 0) {
            int timeout = pop3_loop_timeout(loop);
            CHECK(timeout >= 0 && timeout <= 60000);
            CHECK(is_readable(loop, timeout) || timeout == 0);
            left = pop3_loop_run(loop, 0);
        }
        CHECK_INT(left, 0);
        CHECK_INT(ends.count, 3);
        for (int i = 0; i < ends.count; i++)
            CHECK_INT(ends.results[i], 4);
        CHECK(!is_readable(loop, 0) || pop3_loop_run(loop, 0) == 0);
        pop3_options_free(options);
        pop3_loop_free(loop);
    }
    /* what is due by its time alone */
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    pop3_options *options = options_for(server_play("", "hold\n"), 0);
    pop3_options_set_timeouts(options, 60000, 400, 0);
    pop3_loop_stat(loop, options, note_end, &ends);
    long long begin = now_ms();
    while (pop3_loop_run(loop, 0) > 0)
        is_readable(loop, pop3_loop_timeout(loop));
    CHECK(now_ms() - begin >= 400);
    CHECK_INT(ends.results[0], POP3_ERR_TIMEOUT);
    pop3_options_free(options);
    pop3_loop_free(loop);
}

static void names_are_looked_up_once(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    char server[64];
    snprintf(server, sizeof server, "localhost:%d", server_mailbox("messages=1 size=0"));
    pop3_options *options = options_for_server(server, 0);
    for (int i = 0; i < 20; i++)
        pop3_loop_stat(loop, options, note_end, &ends);
    pop3_options *unknown = options_for_server("no-such-host.invalid", 0);
    for (int i = 0; i < 3; i++)
        pop3_loop_stat(loop, unknown, note_end, &ends);
    run_all(loop);
    int found = 0, not_found = 0;
    for (int i = 0; i < ends.count; i++) {
        found += ends.results[i] == 1;
        not_found += ends.results[i] == POP3_ERR_HOST_NOT_FOUND;
    }
    CHECK_INT(found, 20);
    CHECK_INT(not_found, 3);
    pop3_options_free(options);
    pop3_options_free(unknown);
    pop3_loop_free(loop);
}

static void log_ins_compute_beside_the_loop(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    const char *mechanisms[] = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "USER"};
    int where = server_mailbox("messages=2 size=0 sasl=SCRAM-SHA-256,SCRAM-SHA-1,PLAIN");
    for (int i = 0; i < 4; i++) {
        pop3_options *options = options_for(where, 0);
        CHECK_INT(pop3_options_set_mechanism(options, mechanisms[i]), 0);
        CHECK(pop3_loop_stat(loop, options, note_end, &ends) > 0);
        pop3_options_free(options);
    }
    run_all(loop);
    CHECK_INT(ends.count, 4);
    for (int i = 0; i < ends.count; i++)
        if (!CHECK_INT(ends.results[i], 2))
            printf("%s\n", ends.errors[i]);
    pop3_loop_free(loop);
}

static void what_cannot_be(void)
{
    pop3_loop *loop = pop3_loop_new();
    pop3_options *options = options_for(9, 0);
    pop3_job *job = pop3_job_new();
    pop3_outcome outcome;
    struct ends ends = {0};
    CHECK_INT(pop3_loop_stat(NULL, options, note_end, &ends), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_stat(loop, NULL, note_end, &ends), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_recv(loop, options, NULL, 0, 0, note_end, &ends), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_recv(loop, options, gather_messages, 0, -1, note_end, &ends), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_collect(loop, options, NULL, &outcome, note_end, &ends), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_collect(loop, options, job, &outcome, note_end, &ends), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_collect(loop, options, job, NULL, note_end, &ends), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_cancel(NULL, 1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_cancel(loop, 1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_run(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_run(loop, -2), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_set_limits(NULL, 1, 1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_set_limits(loop, -1, 1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_set_limits(loop, 1, -1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_loop_fd(NULL), -1);
    CHECK_INT(pop3_loop_timeout(NULL), -1);
    CHECK_INT(ends.count, 0);
    CHECK_INT(pop3_loop_run(loop, 0), 0);
    pop3_options_free(options);
    pop3_job_free(job);
    pop3_loop_free(loop);
    pop3_loop_free(NULL);
}

static int32_t take_slowly(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last, (void)context;
    sleep_ms(2);
    return 0;
}

static int32_t count_progress(int64_t done, int64_t total, void *context)
{
    (void)done, (void)total;
    ++*(int *)context;
    return 0;
}

static void what_comes_without_a_pause_does_not_keep_a_call_going(void)
{
    pop3_loop *loop = pop3_loop_new();
    pop3_options *options = options_for(server_mailbox("messages=2 size=100 bad=1 how=endless"), 0);
    struct ends ends = {0};
    int told = 0;
    CHECK_INT(pop3_options_set_timeouts(options, 60000, 60000, 1000), 0);
    CHECK_INT(pop3_options_set_progress_cb(options, count_progress, &told), 0);
    CHECK(pop3_loop_recv(loop, options, take_slowly, 0, 0, note_end, &ends) > 0);
    run_all(loop);
    CHECK_INT(ends.results[0], POP3_ERR_TIMEOUT);
    CHECK(told >= 3);
    pop3_options_free(options);
    pop3_loop_free(loop);
}

static int32_t cancel_is_taken(const char *account, const char *uid, void *context)
{
    struct meddler *meddler = context;
    (void)account, (void)uid;
    meddle(meddler);
    return 0;
}

static int32_t never_taken(const char *account, const char *uid, void *context)
{
    (void)account, (void)uid, (void)context;
    CHECK(0);
    return 0;
}

static int32_t no_message(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    (void)arrival, (void)data, (void)len, (void)last, (void)context;
    CHECK(0);
    return 0;
}

static void a_host_is_not_asked_of_its_book_after_a_cancel(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct meddler meddler = {.loop = loop};
    pop3_options *options = options_for(server_mailbox("messages=5 size=0"), 0);
    pop3_job *job = pop3_job_new();
    pop3_outcome outcome;
    CHECK_INT(pop3_job_set_book_cb(job, cancel_is_taken, never_taken, &meddler), 0);
    CHECK_INT(pop3_job_set_message_cb(job, no_message, NULL), 0);
    meddler.call = pop3_loop_collect(loop, options, job, &outcome, meddler_done, &meddler);
    /* one that waits for its turn, and whose book is in use then */
    struct ends ends = {0};
    CHECK_INT(pop3_loop_set_limits(loop, 1, 0), 0);
    int32_t waits = pop3_loop_collect(loop, options, job, &outcome, note_end, &ends);
    CHECK_INT(pop3_loop_cancel(loop, waits), 0);
    run_all(loop);
    CHECK_INT(ends.results[0], POP3_ERR_CANCELLED);
    CHECK_INT(meddler.result, POP3_ERR_CANCELLED);
    CHECK_INT(meddler.calls_after, 0);
    pop3_job_free(job);
    pop3_options_free(options);
    pop3_loop_free(loop);
}

static void a_cancel_at_quit_is_one(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    pop3_options *options =
        options_for(server_play("", LOGGED_IN REPLY("STAT", "+OK 5 100\\r\\n") EXPECT("QUIT") "hold\n"), 0);
    clear_log();
    pop3_options_set_status_cb(options, log_each_status, NULL);
    int32_t call = pop3_loop_stat(loop, options, note_end, &ends);
    while (!strstr(logged(), "C: QUIT"))
        CHECK_INT(pop3_loop_run(loop, -1), 1);
    CHECK_INT(pop3_loop_cancel(loop, call), 0);
    run_all(loop);
    CHECK_INT(ends.results[0], POP3_ERR_CANCELLED);
    pop3_options_free(options);
    pop3_loop_free(loop);
}

/* A call that cancels itself in its first status line, and others that wait for its place. */
static void cancel_itself(const char *status, void *context)
{
    struct meddler *meddler = context;
    (void)status;
    if (meddler->loop)
        CHECK_INT(pop3_loop_cancel(meddler->loop, meddler->call), 0);
    meddler->loop = NULL;
}

static void calls_that_wait_do_not_begin_before_their_turn(void)
{
    pop3_loop *loop = pop3_loop_new();
    struct ends ends = {0};
    int where = server_play("", "hold\n"), later = server_mailbox("messages=1 size=0");
    struct meddler meddler = {.loop = loop};
    pop3_options *itself = options_for(server_mailbox("messages=1 size=0"), 0), *holds = options_for(where, 0), *last = options_for(later, 0);
    CHECK_INT(pop3_options_set_status_cb(itself, cancel_itself, &meddler), 0);
    CHECK_INT(pop3_loop_set_limits(loop, 1, 0), 0);
    meddler.call = pop3_loop_stat(loop, itself, note_end, &ends);
    int32_t held = pop3_loop_stat(loop, holds, note_end, &ends);
    while (ends.count == 0)
        CHECK(pop3_loop_run(loop, -1) > 0);
    int32_t waits = pop3_loop_stat(loop, last, note_end, &ends);
    for (int i = 0; i < 10; i++)
        CHECK_INT(pop3_loop_run(loop, 10), 2);
    CHECK_INT(server_connections(later), 0);
    CHECK_INT(pop3_loop_cancel(loop, held), 0);
    run_all(loop);
    CHECK_INT(ends.calls[2], waits);
    CHECK_INT(ends.results[2], 1);
    pop3_options_free(itself);
    pop3_options_free(holds);
    pop3_options_free(last);
    pop3_loop_free(loop);
}

static void proxies_are_passed_bit_by_bit(void)
{
    const struct {
        const char *scheme, *says;
    } rows[] = {
        {"socks5", "expect \"\\x05\\x01\\x00\"\ntrickle 2 \"\\x05\\x00\"\n"
                   "expect \"\\x05\\x01\\x00\\x03\\x09mail.test\\x00\\x6e\"\n"
                   "trickle 2 \"\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x30\\x39\"\n"},
        {"http", EXPECT("CONNECT mail.test:110 HTTP/1.1\\r\\nHost: mail.test:110\\r\\n")
                 "trickle 2 \"HTTP/1.1 200 Yes\\r\\nVia: here\\r\\n\\r\\n\"\n"},
        {"http", EXPECT("CONNECT mail.test:110 HTTP/1.1\\r\\nHost: mail.test:110\\r\\n")
                 SEND("HTTP/1.1 403 No\\r\\n") "expect-eof\n"},
    };
    for (int i = 0; i < 3; i++) {
        char url[64];
        pop3_loop *loop = pop3_loop_new();
        struct ends ends = {0};
        script_begin("");
        script_add("%s", rows[i].says);
        if (i < 2)
            script_add("%s", LOGGED_IN REPLY("STAT", "+OK 5 100\\r\\n") GOOD_BYE);
        int proxy = server_play("", script());
        snprintf(url, sizeof url, "%s://%s", rows[i].scheme, at(proxy));
        pop3_options *options = options_for_server("mail.test:110", 0);
        CHECK_INT(pop3_options_set_proxy(options, url), 0);
        pop3_forget(NULL);
        CHECK(pop3_loop_stat(loop, options, note_end, &ends) > 0);
        run_all(loop);
        CHECK_INT(ends.results[0], i < 2 ? 5 : POP3_ERR_CONNECT);
        CHECK_PLAYED(proxy);
        pop3_options_free(options);
        pop3_loop_free(loop);
    }
}

struct received {
    pop3_loop *loop;
    struct letters *letters;
    int32_t result;
};

static int32_t pass_to_letters(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    return gather_messages(number, data, len, last, ((struct received *)context)->letters);
}

static void note_received(int32_t call, int32_t result, void *context)
{
    (void)call;
    ((struct received *)context)->result = result;
}

/* What receiving answers, by a loop or blocking, where the connection has that fault once so many bytes have come. */
static int32_t receive_faulty(struct relay *relay, int secure, int by_loop, enum fault fault, size_t limit)
{
    struct letters letters = {0};
    pop3_options *options = options_for(relay->port, secure);
    int32_t result = 0;
    int patience = fault == STALL ? 300 : 60000;
    pop3_options_set_timeouts(options, patience, patience, 0);
    pop3_forget(NULL);
    relay_start(relay, fault, limit);
    if (by_loop) {
        struct received received = {.loop = pop3_loop_new(), .letters = &letters};
        CHECK(pop3_loop_recv(received.loop, options, pass_to_letters, 0, 0, note_received, &received) > 0);
        run_all(received.loop);
        pop3_loop_free(received.loop);
        result = received.result;
    } else {
        result = pop3_recv_with(options, gather_messages, &letters, 0, 0);
    }
    relay_wait(relay);
    letters_free(&letters);
    pop3_options_free(options);
    /* a reset may come before anybody has seen the connection */
    return fault == RESET && result == POP3_ERR_CONNECT ? POP3_ERR_CONNECTION_LOST : result;
}

static void a_fault_ends_a_call_as_it_ends_one_that_blocks(void)
{
    const char *servers[] = {"messages=2 size=0", "messages=2 size=0 tls=implicit", "messages=2 size=0 tls=stls"};
    for (int secure = 0; secure < 3; secure++) {
        struct relay relay;
        relay_open(&relay, server_mailbox(servers[secure]));
        CHECK_INT(receive_faulty(&relay, secure, 1, NO_FAULT, 0), 2);
        size_t all = relay.passed, step = secure ? 61 : 3;
        for (size_t limit = 1; limit < all; limit += step) {
            for (enum fault fault = CUT; fault <= STALL; fault++) {
                if (fault == STALL && limit % (20 * step) != 1)
                    continue;
                int32_t blocking = receive_faulty(&relay, secure, 0, fault, limit);
                int32_t looped = receive_faulty(&relay, secure, 1, fault, limit);
                if (!CHECK_INT(looped, blocking))
                    printf("secure %d, fault %d after %zu of %zu\n", secure, (int)fault, limit, all);
            }
        }
        relay_close(&relay);
    }
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(many_side_by_side);
    RUN(messages_are_received_and_deleted);
    RUN(errors_are_each_calls_own);
    RUN(servers_are_verified);
    RUN(limits_are_kept);
    RUN(calls_are_added_in_callbacks);
    RUN(cancelled_calls_are_over);
    RUN(freeing_ends_all);
    RUN(callbacks_may_use_what_is_being_freed);
    RUN(callbacks_may_cancel_and_free);
    RUN(waking);
    RUN(a_hosts_own_loop);
    RUN(names_are_looked_up_once);
    RUN(log_ins_compute_beside_the_loop);
    RUN(proxies_are_passed_bit_by_bit);
    RUN(what_cannot_be);
    RUN(what_comes_without_a_pause_does_not_keep_a_call_going);
    RUN(a_host_is_not_asked_of_its_book_after_a_cancel);
    RUN(a_cancel_at_quit_is_one);
    RUN(calls_that_wait_do_not_begin_before_their_turn);
    RUN(a_fault_ends_a_call_as_it_ends_one_that_blocks);
    return check_result();
}

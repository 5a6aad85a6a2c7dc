/*
 * One session, broken off after each byte of what the server sends: by FIN, by RST, and by silence; in the clear, and
 * under TLS after each byte that is on the wire.
 */
#define _GNU_SOURCE /* memmem */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "check.h"
#include "clock.h"
#include "pop3connect.h"
#include "process.h"
#include "relay.h"
#include "script.h"
#include "server.h"

enum { MOST_WORKERS = 48 };
/* How many bytes lie between two places at which the connection breaks off: more where a session takes long. */
#ifndef POP3_TEST_STEP
#define POP3_TEST_STEP 1
#endif
/* How long a silent server is waited for, and how late the end of a wait may be on a busy machine. */
enum { SHORT_MS = 150, LONG_MS = 20000, LATE_MS = 8000 };
/* What OpenSSL and libc may keep for themselves; a leak of 150 octets a session would be past it. */
enum { KEPT_BYTES = 128 * 1024 };

struct session {
    int codes[CALLS];
    long long took;
};

static struct session hold_session(const struct relay *relay, int secure, int timeout)
{
    char server[32];
    struct session session;
    snprintf(server, sizeof server, "127.0.0.1:%d", relay->port);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, server), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, secure), 0);
    CHECK_INT(pop3_options_set_timeouts(options, timeout, timeout, 0), 0);
    session.took = now_ms();
    make_calls(options, session.codes);
    session.took = now_ms() - session.took;
    pop3_options_free(options);
    /* else the next session would resume TLS and ask less, and what is remembered would count as a leak */
    pop3_forget(server);
    return session;
}

/* One mode's sweep with one fault. */
struct sweep {
    int secure, server_port;
    enum fault fault;
    /* what the server sends in a session without a fault, and how much of it need not come */
    size_t total, spare;
    /* the position that is to be tried next */
    atomic_size_t next;
    atomic_int sessions;
};

static int has(const struct relay *relay, const char *text)
{
    return memmem(relay->said, relay->said_len, text, strlen(text)) != NULL;
}

/* What may be in the clear: with STLS what precedes it, and never who the user is. */
static int is_discreet(const struct relay *relay, int secure)
{
    const char *clear = secure == 2 ? "CAPA\r\nSTLS\r\n" : "";
    size_t length = strlen(clear);
    if (secure == 0)
        return 1;
    if (has(relay, "alice") || has(relay, PASS) || has(relay, "AGFsaWNlAHMzY3JldCBwYXNz"))
        return 0;
    if (relay->said_len <= length)
        return memcmp(relay->said, clear, relay->said_len) == 0;
    /* 22: a TLS handshake */
    return memcmp(relay->said, clear, length) == 0 && relay->said[length] == 22;
}

/* Up to the fault all is well, and the call that meets it says which it was. */
static int is_as_it_must_be(const struct session *session, const struct sweep *sweep, const struct relay *relay)
{
    int met = first_failed(session->codes);
    if (met == CALLS)
        return relay->limit + sweep->spare >= sweep->total;
    /* reset before the library has looked at the new connection, it is one that was not made */
    if (met == CONNECT && sweep->fault == RESET && relay->said_len == 0 && session->codes[met] == POP3_ERR_CONNECT)
        return 1;
    return session->codes[met] == (sweep->fault == STALL ? POP3_ERR_TIMEOUT : POP3_ERR_CONNECTION_LOST);
}

static void try_position(struct sweep *sweep, struct relay *relay, size_t position)
{
    struct session session;
    int timeout = sweep->fault == STALL ? SHORT_MS : LONG_MS;
    /* where the machine was too busy to get to the fault within the short time, it gets longer */
    for (int attempt = 0; attempt < 4; attempt++, timeout *= 4) {
        relay_start(relay, sweep->fault, position);
        session = hold_session(relay, sweep->secure, timeout);
        relay_wait(relay);
        atomic_fetch_add(&sweep->sessions, 1);
        if (relay->struck || session.codes[DISCONNECT] == 0 || sweep->fault != STALL)
            break;
    }
    int ok = CHECK(relay->connected) & CHECK(is_as_it_must_be(&session, sweep, relay)) &
             CHECK(relay->struck || position + sweep->spare >= sweep->total) &
             CHECK(is_discreet(relay, sweep->secure)) & CHECK(session.took < 2 * timeout + LATE_MS);
    if (!ok) {
        printf("secure %d, fault %d after %zu of %zu bytes, struck %d, %lld ms:", sweep->secure, (int)sweep->fault,
               position, sweep->total, relay->struck, session.took);
        for (int call = 0; call < CALLS; call++)
            printf(" %d", session.codes[call]);
        printf("\n");
    }
}

static void *work(void *argument)
{
    struct sweep *sweep = argument;
    struct relay relay;
    relay_open(&relay, sweep->server_port);
    for (size_t next; (next = atomic_fetch_add(&sweep->next, POP3_TEST_STEP)) < sweep->total;)
        try_position(sweep, &relay, next);
    relay_close(&relay);
    return NULL;
}

static void run(struct sweep *sweep, int workers)
{
    static const char *const names[] = {[CUT] = "FIN", [RESET] = "RST", [STALL] = "silence"};
    pthread_t threads[MOST_WORKERS];
    int descriptors = open_descriptors();
    long used = heap_in_use();
    long long start = now_ms();
    for (int i = 0; i < workers; i++)
        if (pthread_create(&threads[i], NULL, work, sweep) != 0)
            check_fatal("no thread");
    for (int i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    long long grown = heap_in_use() - used;
    printf("secure %d, %s: %zu positions, %d sessions, %lld ms, %lld bytes more in use\n", sweep->secure,
           names[sweep->fault], sweep->total, atomic_load(&sweep->sessions), now_ms() - start, grown);
    CHECK_INT(open_descriptors(), descriptors);
    CHECK(grown < KEPT_BYTES);
}

static void sweep_all(int secure, const char *options, size_t spare)
{
    const enum fault faults[] = {CUT, RESET, STALL};
    struct relay whole;
    int server_port = server_mailbox(options);
    relay_open(&whole, server_port);
    /* the second one is measured: by then all that is made once is made */
    for (int i = 0; i < 2; i++) {
        relay_start(&whole, NO_FAULT, 0);
        struct session session = hold_session(&whole, secure, LONG_MS);
        relay_wait(&whole);
        CHECK_INT(first_failed(session.codes), CALLS);
        CHECK(is_discreet(&whole, secure));
    }
    relay_close(&whole);
    for (int i = 0; i < 3; i++) {
        struct sweep sweep = {.secure = secure, .server_port = server_port, .fault = faults[i], .total = whole.passed,
                              .spare = spare};
        /* of those who wait for nothing there may be more than processors */
        run(&sweep, faults[i] == STALL ? MOST_WORKERS : 4);
    }
}

static void in_the_clear(void)
{
    sweep_all(0, CALLS_MAILBOX, 0);
}

/*
 * The last reply is followed by a close_notify of 24 bytes, and no two sessions are of the same length: signatures in
 * DER differ by a few bytes, each of the two tickets by a cipher's block of 16.
 */
enum { TLS_SPARE = 24 + 8 + 2 * 16 };

static void under_tls(void)
{
    sweep_all(1, CALLS_MAILBOX " tls=implicit", TLS_SPARE);
}

static void under_tls_after_stls(void)
{
    sweep_all(2, CALLS_MAILBOX " tls=stls", TLS_SPARE);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(in_the_clear);
    RUN(under_tls);
    RUN(under_tls_after_stls);
    return check_result();
}

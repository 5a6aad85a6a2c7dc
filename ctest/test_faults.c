/*
 * One session, broken off after each byte of what the server sends: by FIN, by RST, and by silence; in the clear, and
 * under TLS after each byte that is on the wire.
 */
#define _GNU_SOURCE /* memmem */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "gather.h"
#include "pop3connect.h"
#include "process.h"
#include "relay.h"
#include "script.h"
#include "server.h"

/* Small messages: each byte costs three sessions. */
#define MAILBOX "messages=2 size=0"
enum { MESSAGES = 2, MOST_WORKERS = 48 };
/* How long a silent server is waited for, and how late the end of a wait may be on a busy machine. */
enum { SHORT_MS = 150, LONG_MS = 20000, LATE_MS = 8000 };
/* What OpenSSL and libc may keep for themselves; a leak of 150 octets a session would be past it. */
enum { KEPT_BYTES = 128 * 1024 };

enum call { CONNECT, COUNT, LIST, UNIQUE_IDS, HEADERS, MESSAGE, MESSAGES_AT_ONCE, DELETE, UNDO, DISCONNECT, CALLS };

struct session {
    int codes[CALLS];
    long long took;
};

/* The answers that a session without a fault has. */
static const int good[CALLS] = {[COUNT] = MESSAGES, [MESSAGES_AT_ONCE] = MESSAGES};

static int connect_by(struct relay *relay, int secure, int timeout)
{
    char server[32];
    snprintf(server, sizeof server, "127.0.0.1:%d", relay->port);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, server), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, secure), 0);
    CHECK_INT(pop3_options_set_timeouts(options, timeout, timeout, 0), 0);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    /* else the next session would resume TLS and ask less, and what is remembered would count as a leak */
    pop3_forget(server);
    return socket;
}

static struct session hold_session(struct relay *relay, int secure, int timeout)
{
    static const int32_t numbers[MESSAGES] = {1, 2};
    struct session session = {{0}, now_ms()};
    int *codes = session.codes;
    int socket = connect_by(relay, secure, timeout);
    CHECK(socket != 0);
    codes[CONNECT] = socket > 0 ? 0 : socket;
    if (socket > 0) {
        pop3_list list;
        pop3_uid_list uids;
        pop3_buffer headers, message;
        struct letters letters = {0};
        codes[COUNT] = pop3_message_count(socket, NULL);
        codes[LIST] = pop3_list_messages(socket, 0, &list, NULL);
        CHECK_INT(list.count, codes[LIST] == 0 ? MESSAGES : 0);
        codes[UNIQUE_IDS] = pop3_unique_ids(socket, 0, &uids, NULL);
        CHECK_INT(uids.count, codes[UNIQUE_IDS] == 0 ? MESSAGES : 0);
        codes[HEADERS] = pop3_recv_headers(socket, 1, &headers, NULL);
        CHECK((headers.data != NULL) == (codes[HEADERS] == 0));
        codes[MESSAGE] = pop3_recv_message(socket, 2, &message, NULL);
        if (codes[MESSAGE] == 0)
            CHECK_INT(message.len, list.items[1].size);
        else
            CHECK(message.data == NULL && message.len == 0);
        codes[MESSAGES_AT_ONCE] = pop3_recv_messages(socket, numbers, MESSAGES, gather_messages, &letters, NULL);
        CHECK(codes[MESSAGES_AT_ONCE] == letters.whole || (codes[MESSAGES_AT_ONCE] < 0 && letters.whole < MESSAGES));
        codes[DELETE] = pop3_delete_message(socket, 1, NULL);
        /* or the sessions that come to QUIT would empty the mailbox */
        codes[UNDO] = pop3_undo_deletes(socket, NULL);
        codes[DISCONNECT] = pop3_disconnect(socket, NULL);
        CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
        pop3_list_free(&list);
        pop3_uid_list_free(&uids);
        pop3_buffer_free(&headers);
        pop3_buffer_free(&message);
        letters_free(&letters);
    }
    session.took = now_ms() - session.took;
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

/* Up to the fault all is well, the call that meets it says which it was, and after it the session is over. */
static int is_as_it_must_be(const struct session *session, const struct sweep *sweep, const struct relay *relay,
                            size_t position)
{
    const int *codes = session->codes;
    const int expected = sweep->fault == STALL ? POP3_ERR_TIMEOUT : POP3_ERR_CONNECTION_LOST;
    int met = 0;
    while (met < CALLS && codes[met] == good[met])
        met++;
    if (met == CALLS)
        return position + sweep->spare >= sweep->total;
    /* reset before the library has looked at the new connection, it is one that was not made */
    int unmade = met == CONNECT && sweep->fault == RESET && relay->said_len == 0 && codes[met] == POP3_ERR_CONNECT;
    int ok = codes[met] == expected || unmade;
    for (int call = met + 1; call < CALLS && met != CONNECT; call++)
        ok &= codes[call] == POP3_ERR_CONNECTION_LOST;
    return ok;
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
        /* whole handshakes differ in length by a few bytes, so the last positions may not be reached */
        if (relay->struck || session.codes[DISCONNECT] == 0 || sweep->fault != STALL)
            break;
    }
    int ok = CHECK(relay->connected) & CHECK(is_as_it_must_be(&session, sweep, relay, position)) &
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
    for (size_t next; (next = atomic_fetch_add(&sweep->next, 1)) < sweep->total;)
        try_position(sweep, &relay, next);
    relay_close(&relay);
    return NULL;
}

static void run(struct sweep *sweep, int workers)
{
    static const char *const names[] = {[CUT] = "FIN", [RESET] = "RST", [STALL] = "silence"};
    pthread_t threads[MOST_WORKERS];
    int descriptors = open_descriptors();
    size_t used = mallinfo2().uordblks;
    long long start = now_ms();
    for (int i = 0; i < workers; i++)
        if (pthread_create(&threads[i], NULL, work, sweep) != 0)
            check_fatal("no thread");
    for (int i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    long long grown = (long long)mallinfo2().uordblks - (long long)used;
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
        CHECK(memcmp(session.codes, good, sizeof good) == 0);
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
    sweep_all(0, MAILBOX, 0);
}

/* The handshake's signatures differ in length by a few bytes, and the close_notify after the last reply has 24. */
static void under_tls(void)
{
    sweep_all(1, MAILBOX " tls=implicit", 32);
}

static void under_tls_after_stls(void)
{
    sweep_all(2, MAILBOX " tls=stls", 32);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(in_the_clear);
    RUN(under_tls);
    RUN(under_tls_after_stls);
    return check_result();
}

/* Hosts that fork: the new process can use the library, and leaves the sessions of the one before alone. */
#define _DEFAULT_SOURCE /* kill, alarm */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

enum { THREADS = 4, FORKS = 60, GUARD_S = 60 };

/* In the clear, and TLS. */
static char at_port[2][32];
static atomic_int stop;

static int session(int secure)
{
    int socket = pop3_connect(at_port[secure], "alice", PASS, NULL, secure, 1);
    if (socket <= 0 || pop3_message_count(socket, NULL) != 5)
        return 0;
    return pop3_disconnect(socket, NULL) == 0;
}

static void *keep_connecting(void *good)
{
    for (int i = 0; !atomic_load(&stop); i++)
        if (!session(i % 2))
            *(int *)good = 0;
    return NULL;
}

/* Waits for a child; whether it ended with 0. */
static void child_was_fine(pid_t child)
{
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    /* 14 is the guard's SIGALRM: it hung */
    CHECK_INT(status, 0);
}

/* Whatever the other threads hold at that moment. */
static void the_new_process_connects(void)
{
    pthread_t threads[THREADS];
    int good[THREADS];
    atomic_store(&stop, 0);
    for (int i = 0; i < THREADS; i++) {
        good[i] = 1;
        CHECK_INT(pthread_create(&threads[i], NULL, keep_connecting, &good[i]), 0);
    }
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(GUARD_S);
            pop3_forget(i % 2 == 0 ? NULL : "nobody.test");
            _exit(session(1) && session(0) ? 0 : 1);
        }
        child_was_fine(child);
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(good[i]);
    }
}

/* What the new process does with a socket of the one before; 0 if each call answers what it should. */
static int use_foreign(int socket)
{
    pop3_buffer buffer;
    if (pop3_message_count(socket, NULL) != POP3_ERR_BAD_SOCKET)
        return 1;
    if (strstr(pop3_get_last_error(), "belongs to the process that has forked this one") == NULL)
        return 2;
    if (pop3_recv_message(socket, 1, &buffer, NULL) != POP3_ERR_BAD_SOCKET || pop3_cancel(socket) != POP3_ERR_BAD_SOCKET)
        return 3;
    /* frees the copy, so that the number is unknown from then on */
    if (pop3_disconnect(socket, NULL) != POP3_ERR_BAD_SOCKET || pop3_disconnect(socket, NULL) != POP3_ERR_BAD_SOCKET)
        return 4;
    return strstr(pop3_get_last_error(), "there is no socket") == NULL ? 5 : 0;
}

/* The server would see any byte, a QUIT, or TLS's farewell. */
static void a_session_is_its_processs_own(void)
{
    for (int secure = 0; secure <= 1; secure++) {
        const char *play = LOGGED_IN REPLY("NOOP", "+OK\\r\\n") REPLY("STAT", "+OK 3 30\\r\\n") GOOD_BYE;
        int socket = secure ? connect_tls_play(play) : connect_play(play);
        CHECK_INT(pop3_noop(socket, NULL), 0);
        pid_t child = fork();
        if (child == 0) {
            alarm(GUARD_S);
            _exit(use_foreign(socket));
        }
        child_was_fine(child);
        CHECK_INT(pop3_message_count(socket, NULL), 3);
        good_bye(socket);
    }
}

static pid_t forked;

static void fork_once(const char *status)
{
    if (forked == -1 && strstr(status, "C: NOOP") != NULL)
        forked = fork();
}

/* The call that the callback belongs to goes on in both. */
static void a_fork_in_a_callback(void)
{
    int socket = connect_play(LOGGED_IN REPLY("NOOP", "+OK\\r\\n") GOOD_BYE);
    forked = -1;
    int result = pop3_noop(socket, fork_once);
    if (forked == 0) {
        alarm(GUARD_S);
        if (result != POP3_ERR_CONNECTION_LOST)
            _exit(1);
        _exit(session(0) ? 0 : 2);
    }
    CHECK_INT(result, 0);
    child_was_fine(forked);
    good_bye(socket);
}

struct collected {
    int messages;
    char lock[160]; /* the file by which others are kept out; "" for none */
};

static int32_t fork_at_the_third(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    struct collected *collected = context;
    (void)arrival, (void)data, (void)len;
    collected->messages += last == 1;
    if (collected->messages == 3 && forked == -1)
        forked = fork();
    if (collected->messages == 4 && last == 1) {
        child_was_fine(forked);
        CHECK(collected->lock[0] == '\0' || access(collected->lock, F_OK) == 0);
    }
    return 0;
}

/* A run that goes on in both takes nothing more in the new process, which leaves the book and its lock alone. */
static void a_fork_while_mail_is_collected(const char *book)
{
    struct collected collected = {0, ""};
    pop3_outcome outcome;
    pop3_options *options = options_for(server_mailbox("messages=5 size=20000"), POP3_CLEAR);
    pop3_job *job = pop3_job_new();
    CHECK_INT(pop3_job_set_message_cb(job, fork_at_the_third, &collected), 0);
    CHECK_INT(pop3_job_set_book(job, book), 0);
    if (book != NULL)
        snprintf(collected.lock, sizeof collected.lock, "%s-lock-1", book);
    forked = -1;
    int result = pop3_collect(options, job, &outcome);
    if (forked == 0) {
        alarm(GUARD_S);
        _exit(result == POP3_ERR_CONNECTION_LOST && collected.messages == 3 && outcome.reconnects == 0 ? 0 : 1);
    }
    CHECK_INT(result, 0);
    CHECK_INT(collected.messages, 5);
    CHECK_INT(outcome.taken, 5);
    if (book != NULL) {
        CHECK_INT(pop3_collect(options, job, &outcome), 0);
        CHECK_INT(outcome.taken, 0);
        CHECK_INT(unlink(collected.lock), -1);
    }
    pop3_job_free(job);
    pop3_options_free(options);
}

static void a_fork_while_mail_is_collected_into_a_book(void)
{
    char book[128];
    snprintf(book, sizeof book, "/tmp/pop3-fork-book-%d", (int)getpid());
    a_fork_while_mail_is_collected(book);
    CHECK_INT(unlink(book), 0);
}

static void a_fork_while_mail_is_collected_without(void)
{
    a_fork_while_mail_is_collected(NULL);
}

/* A copy of the socket would keep the connection open for as long as the new process lives. */
static void what_a_process_closes_is_closed(void)
{
    int socket = connect_play(LOGGED_IN REPLY("NOOP", "what?\\r\\n") "expect-eof\n");
    pid_t child = fork();
    if (child == 0) {
        alarm(GUARD_S);
        pause();
        _exit(0);
    }
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_BAD_FORMAT);
    it_is_over(socket);
    CHECK_INT(kill(child, SIGTERM), 0);
    CHECK_INT(waitpid(child, NULL, 0), child);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    snprintf(at_port[0], sizeof at_port[0], "%s", at(server_mailbox("")));
    snprintf(at_port[1], sizeof at_port[1], "%s", at(server_mailbox("tls=implicit")));
    RUN(the_new_process_connects);
    RUN(a_session_is_its_processs_own);
    RUN(a_fork_in_a_callback);
    RUN(a_fork_while_mail_is_collected_into_a_book);
    RUN(a_fork_while_mail_is_collected_without);
    RUN(what_a_process_closes_is_closed);
    return check_result();
}

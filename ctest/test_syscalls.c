/*
 * One session in each mode while system calls fail, each in turn.
 *
 * What strace shows of such a session: socket, connect, poll, getsockopt (SO_ERROR), ioctl (FIONBIO), setsockopt
 * (TCP_NODELAY, SO_RCVTIMEO), recv and send; bind where there is a source address; clone for the look-up of a name;
 * under TLS also opendir, getdents, stat, open and read for the authorities. Left out is what has no way to fail there
 * (close, clock_gettime, getpid, signal masks), what libc and OpenSSL do within themselves, and memory, which has
 * test_out_of_memory.c.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "check.h"
#include "clock.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "syscalls.h"

/* No call may wait for anything but the server, which answers at once; but the machine may be busy. */
enum { TIMEOUT_MS = 20000, LATE_MS = 10000, KEPT_BYTES = 256 * 1024 };

static int ports[3];
static int sessions;

static int name_of_folder;

/* A session of that mode; `trouble` is under way. */
static void hold_session_again(int secure, int codes[CALLS])
{
    char server[32];
    snprintf(server, sizeof server, "localhost:%d", ports[secure]);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, server), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, secure), 0);
    CHECK_INT(pop3_options_set_secure_dir(options, secure_folder(name_of_folder)), 0);
    CHECK_INT(pop3_options_set_platform_trust(options, 0), 0);
    CHECK_INT(pop3_options_set_source_address(options, "127.0.0.1"), 0);
    CHECK_INT(pop3_options_set_timeouts(options, TIMEOUT_MS, TIMEOUT_MS, 0), 0);
    make_calls(options, codes);
    pop3_options_free(options);
    pop3_forget(NULL);
    sessions++;
}

/* The same, for which the certificates are read anew. */
static void hold_session(int secure, int codes[CALLS])
{
    name_of_folder++;
    hold_session_again(secure, codes);
}

/* A system call, the error it fails with, and what the library's call may answer then; 0: it is not disturbed. */
struct row {
    enum syscall which;
    int error;
    int connecting, later;
};

enum { NEVER = 1 };

static const struct row rows[] = {
    {SYS_SOCKET, EMFILE, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_SOCKET, ENOBUFS, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_SOCKET, ENOMEM, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_SOCKET, EACCES, POP3_ERR_CONNECT, NEVER},
    {SYS_BIND, EADDRINUSE, POP3_ERR_CONNECT, NEVER},
    {SYS_BIND, EADDRNOTAVAIL, POP3_ERR_CONNECT, NEVER},
    {SYS_BIND, ENOMEM, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_CONNECT, ECONNREFUSED, POP3_ERR_CONNECT, NEVER},
    {SYS_CONNECT, ECONNRESET, POP3_ERR_CONNECT, NEVER},
    {SYS_CONNECT, ENETUNREACH, POP3_ERR_CONNECT, NEVER},
    {SYS_CONNECT, EAGAIN, POP3_ERR_CONNECT, NEVER},
    {SYS_CONNECT, ENOBUFS, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_CONNECT, EINTR, 0, NEVER},
    {SYS_POLL, EINTR, 0, 0},
    {SYS_POLL, ENOMEM, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_GETSOCKOPT, ENOBUFS, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_GETSOCKOPT, EINVAL, POP3_ERR_CONNECT, NEVER},
    {SYS_IOCTL, ENOMEM, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_IOCTL, EINVAL, POP3_ERR_CONNECT, NEVER},
    {SYS_SETSOCKOPT, EINVAL, POP3_ERR_CONNECT, POP3_ERR_CONNECTION_LOST},
    {SYS_RECV, EINTR, 0, 0},
    {SYS_RECV, EAGAIN, 0, 0},
    {SYS_RECV, ECONNRESET, POP3_ERR_CONNECTION_LOST, POP3_ERR_CONNECTION_LOST},
    {SYS_RECV, ETIMEDOUT, POP3_ERR_CONNECTION_LOST, POP3_ERR_CONNECTION_LOST},
    {SYS_RECV, ENOTCONN, POP3_ERR_CONNECTION_LOST, POP3_ERR_CONNECTION_LOST},
    {SYS_RECV, EHOSTUNREACH, POP3_ERR_CONNECTION_LOST, POP3_ERR_CONNECTION_LOST},
    {SYS_SEND, EINTR, 0, 0},
    {SYS_SEND, EAGAIN, 0, 0},
    {SYS_SEND, EPIPE, POP3_ERR_CONNECTION_LOST, POP3_ERR_CONNECTION_LOST},
    {SYS_SEND, ECONNRESET, POP3_ERR_CONNECTION_LOST, POP3_ERR_CONNECTION_LOST},
    {SYS_SEND, ENOTCONN, POP3_ERR_CONNECTION_LOST, POP3_ERR_CONNECTION_LOST},
    {SYS_OPENDIR, EMFILE, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_OPENDIR, ENOMEM, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_OPENDIR, EACCES, POP3_ERR_SECURE, NEVER},
    {SYS_OPEN, EINTR, 0, NEVER},
    {SYS_OPEN, EMFILE, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_OPEN, ENFILE, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_OPEN, EACCES, POP3_ERR_SECURE, NEVER},
    {SYS_READ, EINTR, 0, NEVER},
    {SYS_READ, EIO, POP3_ERR_SECURE, NEVER},
    {SYS_READ, ENOMEM, POP3_ERR_OUT_OF_MEMORY, NEVER},
    {SYS_PTHREAD_CREATE, EAGAIN, POP3_ERR_OUT_OF_MEMORY, NEVER},
};

/* How many calls a session of each mode makes when none fails. */
static void count_calls(int secure, int counts[SYSCALLS])
{
    int codes[CALLS];
    syscalls_begin(SYS_SOCKET, 0, 0);
    hold_session(secure, codes);
    memcpy(counts, syscalls_end(), SYSCALLS * sizeof *counts);
    CHECK_INT(first_failed(codes), CALLS);
}

static void fail_each(int secure, const struct row *row, int count)
{
    for (int nth = 1; nth <= count; nth++) {
        int codes[CALLS];
        long long start = now_ms();
        syscalls_begin(row->which, nth, row->error);
        hold_session(secure, codes);
        const int *made_of_each = syscalls_end();
        int made = made_of_each[row->which], connects = made_of_each[SYS_CONNECT], failed = first_failed(codes), ok;
        if (failed == CALLS && connects > 1) {
            /* where the connection was lost at CAPA another one was made, and CAPA left out */
            ok = CHECK(row->later == POP3_ERR_CONNECTION_LOST);
        } else if (failed == CALLS) {
            /* the last send may be close_notify, after which nobody waits for anything */
            int after_quit = row->which == SYS_SEND && nth == made && secure != 0;
            /* the first ones are of connecting; that an answer is acknowledged at once is a help, and may fail */
            int is_help = row->which == SYS_SETSOCKOPT && nth > 2;
            ok = CHECK(row->connecting == 0 || after_quit || is_help || made < nth);
        } else if (failed == CONNECT && row->later == POP3_ERR_CONNECTION_LOST) {
            ok = CHECK(codes[CONNECT] == row->connecting || codes[CONNECT] == row->later);
        } else {
            ok = CHECK_INT(codes[failed], failed == CONNECT ? row->connecting : row->later);
        }
        /* how many reads a session takes, and how many of them wait for the rest of an answer and so acknowledge what has
         * come, depends on how the bytes arrive: the last may be one too many */
        int may_be_less = (row->which == SYS_RECV && nth > 8) || (row->which == SYS_SETSOCKOPT && nth > 2);
        ok &= CHECK(made >= nth || may_be_less) & CHECK(now_ms() - start < LATE_MS);
        if (!ok)
            printf("secure %d, %s number %d of %d fails with %s: call %d answers %d\n", secure,
                   syscall_names[row->which], nth, count, strerror(row->error), failed,
                   failed < CALLS ? codes[failed] : 0);
    }
}

static void sweep(int secure)
{
    int counts[SYSCALLS], codes[CALLS];
    /* until the library keeps as many authorities as it ever does */
    for (int i = 0; i < SECURE_FOLDER_NAMES; i++)
        hold_session(secure, codes);
    count_calls(secure, counts);
    int descriptors = open_descriptors();
    size_t used = mallinfo2().uordblks;
    sessions = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fail_each(secure, &rows[i], counts[rows[i].which]);
    printf("secure %d: %d sessions;", secure, sessions);
    for (int i = 0; i < SYSCALLS; i++)
        printf(" %s %d", syscall_names[i], counts[i]);
    printf("\n");
    CHECK_INT(open_descriptors(), descriptors);
    CHECK((long long)mallinfo2().uordblks - (long long)used < KEPT_BYTES);
}

static void each_call_fails_in_the_clear(void)
{
    sweep(0);
}

static void each_call_fails_under_tls(void)
{
    sweep(1);
}

static void each_call_fails_with_stls(void)
{
    sweep(2);
}

static void a_certificate_that_could_not_be_read_is_read_the_next_time(void)
{
    int codes[CALLS];
    syscalls_begin(SYS_READ, 1, EIO);
    hold_session(1, codes);
    syscalls_end();
    CHECK_INT(codes[CONNECT], POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "Input/output error");
    hold_session_again(1, codes);
    CHECK_INT(first_failed(codes), CALLS);
}

static void interrupted_each_time(void)
{
    for (int secure = 0; secure < 3; secure++) {
        int codes[CALLS];
        syscalls_begin_interrupted();
        hold_session(secure, codes);
        const int *counts = syscalls_end();
        CHECK_INT(first_failed(codes), CALLS);
        /* each was made twice, and each was made at all */
        CHECK(counts[SYS_RECV] >= 20 && counts[SYS_SEND] >= 20 && counts[SYS_CONNECT] >= 1 && counts[SYS_POLL] >= 2);
    }
}

static void one_byte_at_a_time(void)
{
    for (int secure = 0; secure < 3; secure++) {
        int codes[CALLS];
        syscalls_begin_short();
        hold_session(secure, codes);
        const int *counts = syscalls_end();
        CHECK_INT(first_failed(codes), CALLS);
        /* a byte a call */
        CHECK(counts[SYS_RECV] >= 700 && counts[SYS_SEND] >= 100);
        CHECK(secure == 0 || counts[SYS_READ] >= 400);
    }
}

int main(void)
{
    const char *options[] = {CALLS_MAILBOX, CALLS_MAILBOX " tls=implicit", CALLS_MAILBOX " tls=stls"};
    for (int secure = 0; secure < 3; secure++)
        ports[secure] = server_mailbox(options[secure]);
    RUN(each_call_fails_in_the_clear);
    RUN(each_call_fails_under_tls);
    RUN(each_call_fails_with_stls);
    RUN(a_certificate_that_could_not_be_read_is_read_the_next_time);
    RUN(interrupted_each_time);
    RUN(one_byte_at_a_time);
    return check_result();
}

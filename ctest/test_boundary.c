/* What the library must leave alone: signals, the standard streams, descriptors, the host's errors of OpenSSL. */
#define _DEFAULT_SOURCE /* NSIG, mkstemp */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"


static int ports[3], refused_port, impostor_port;

/* A bit of everything, good and bad. */
static void use_the_library(void)
{
    for (int secure = 0; secure <= 2; secure++) {
        int socket = pop3_connect(at(ports[secure]), "alice", PASS, NULL, secure, 1);
        CHECK(socket > 0);
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        CHECK_INT(pop3_connect(at(ports[secure]), "alice", "wrong", NULL, secure, 1), POP3_ERR_AUTH);
    }
    CHECK_INT(pop3_connect(at(refused_port), "alice", PASS, NULL, 0, 0), POP3_ERR_CONNECT);
    CHECK_INT(pop3_connect(at(impostor_port), "alice", PASS, NULL, 1, 1), POP3_ERR_SECURE);
    CHECK_INT(pop3_connect("nobody.test", "alice", PASS, NULL, 0, 0), POP3_ERR_HOST_NOT_FOUND);
    CHECK_INT(pop3_disconnect(5, NULL), POP3_ERR_BAD_SOCKET);
}

static void no_descriptor_leaks(void)
{
    use_the_library();
    int before = open_descriptors();
    for (int i = 0; i < 10; i++)
        use_the_library();
    CHECK_INT(open_descriptors(), before);
}

static void descriptors_are_closed_where_the_session_ends(void)
{
    int before = open_descriptors();
    int port = server_play("", SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n" SEND("+OK")
                               "expect-line\n" SEND("+OK") "expect-line\n" SEND("what?") "expect-eof");
    int socket = pop3_connect(at(port), "alice", PASS, NULL, 0, 0);
    CHECK_INT(open_descriptors(), before + 1);
    CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_BAD_FORMAT);
    CHECK_INT(open_descriptors(), before);
    CHECK_PLAYED(port);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
}

static void descriptors_do_not_pass_to_programs_that_the_host_starts(void)
{
    int before = open_descriptors();
    int socket = pop3_connect(at(ports[0]), "alice", PASS, NULL, 0, 0);
    char command[128];
    CHECK_INT(open_descriptors(), before + 1);
    /* the shell and ls share what is inherited; a socket of ours would show */
    snprintf(command, sizeof command, "test $(ls -l /proc/self/fd | grep -c socket:) -eq 0");
    CHECK_INT(system(command), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void signals_stay_the_hosts(void)
{
    struct sigaction before[NSIG], after;
    sigset_t mask_before, mask_after;
    memset(before, 0, sizeof before);
    for (int i = 1; i < NSIG; i++)
        sigaction(i, NULL, &before[i]);
    sigprocmask(SIG_SETMASK, NULL, &mask_before);
    use_the_library();
    for (int i = 1; i < NSIG; i++) {
        memset(&after, 0, sizeof after);
        if (sigaction(i, NULL, &after) == 0)
            CHECK(after.sa_handler == before[i].sa_handler && after.sa_flags == before[i].sa_flags);
    }
    sigprocmask(SIG_SETMASK, NULL, &mask_after);
    for (int i = 1; i < NSIG; i++)
        CHECK_INT(sigismember(&mask_after, i), sigismember(&mask_before, i));
}

/* The signal's default would end this program, and with it the test. */
static void a_server_that_is_gone_raises_no_sigpipe(void)
{
    const char *modes[] = {"", "tls=implicit"};
    signal(SIGPIPE, SIG_DFL);
    for (int secure = 0; secure <= 1; secure++) {
        int port = server_play(modes[secure], SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n"
                                              SEND("+OK") "expect-line\n" SEND("+OK") "reset");
        int socket = pop3_connect(at(port), "alice", PASS, NULL, secure, 1);
        CHECK(socket > 0);
        CHECK_PLAYED(port);
        CHECK_INT(pop3_message_count(socket, NULL), POP3_ERR_CONNECTION_LOST);
        CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    }
}

static void nothing_is_printed(void)
{
    char name[] = "/tmp/pop3connect-output.XXXXXX";
    int file = mkstemp(name), out, err;
    struct stat size;
    unlink(name);
    fflush(stdout);
    out = dup(1);
    err = dup(2);
    dup2(file, 1);
    dup2(file, 2);
    use_the_library();
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    CHECK_INT(fstat(file, &size), 0);
    CHECK_INT(size.st_size, 0);
    close(file);
}

/* Whatever needs a descriptor says that there is none, and nothing of that lasts. */
static void no_descriptor_left(void)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    int results[] = {pop3_connect(at(ports[0]), "alice", PASS, NULL, 0, 0),
                     pop3_connect(at_host("localhost", ports[0]), "alice", PASS, NULL, 0, 0),
                     pop3_connect(at(ports[1]), "alice", PASS, NULL, 1, 1)};
    setrlimit(RLIMIT_NOFILE, &before);
    for (int i = 0; i < 3; i++)
        CHECK_INT(results[i], POP3_ERR_OUT_OF_MEMORY);
    use_the_library();
}

static void *wait_for_a_silent_server(void *argument)
{
    *(int *)argument = pop3_message_count(*(int *)argument, NULL);
    sleep_ms(20000); /* where the cancel takes effect */
    return NULL;
}

static void a_cancelled_thread_ends_after_its_call(void)
{
    int port = server_play("", SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n" SEND("+OK")
                               "expect-line\n" SEND("+OK") EXPECT("STAT") "pause 300\n"
                               SEND("+OK 4 40") EXPECT("QUIT") SEND("+OK") "expect-eof");
    int socket = pop3_connect(at(port), "alice", PASS, NULL, 0, 0), result = socket;
    pthread_t thread;
    void *end;
    CHECK_INT(pthread_create(&thread, NULL, wait_for_a_silent_server, &result), 0);
    while (strstr(server_received(port), "STAT") == NULL)
        sleep_ms(5);
    CHECK_INT(pthread_cancel(thread), 0);
    CHECK_INT(pthread_join(thread, &end), 0);
    CHECK(end == PTHREAD_CANCELED);
    CHECK_INT(result, 4);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

/* Standard descriptors that the host has closed */

enum { SOME_DESCRIPTORS = 256 };

/* Which of the first ones are open. */
static void look_at_descriptors(char *open)
{
    for (int i = 0; i < SOME_DESCRIPTORS; i++)
        open[i] = fcntl(i, F_GETFD) >= 0;
}

/* A session while those are closed; 0, or in which step it failed. */
static int with_standard_descriptors_closed(int plain, int tls)
{
    char before[SOME_DESCRIPTORS], during[SOME_DESCRIPTORS];
    const int ports[] = {plain, tls};
    for (int secure = 0; secure < 2; secure++) {
        for (int i = 0; i < 3; i++)
            close(i);
        look_at_descriptors(before);
        int socket = pop3_connect(at_host("mail.test", ports[secure]), "alice", PASS, NULL, secure, 1);
        if (socket < 0)
            return 1;
        look_at_descriptors(during);
        int held = 0;
        for (int i = 0; i < SOME_DESCRIPTORS; i++)
            if (during[i] && !before[i]) {
                held++;
                if (i < 3)
                    return 2;
                if ((fcntl(i, F_GETFD) & FD_CLOEXEC) == 0)
                    return 3;
            }
        if (held != 1)
            return 4;
        if (pop3_message_count(socket, NULL) != 5 || pop3_disconnect(socket, NULL) != 0)
            return 5;
        look_at_descriptors(during);
        if (memcmp(before, during, sizeof before) != 0)
            return 6;
    }
    return 0;
}

static void standard_descriptors_that_are_closed(void)
{
    int plain = server_mailbox(""), tls = server_mailbox("tls=implicit"), status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(with_standard_descriptors_closed(plain, tls));
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    ports[0] = server_mailbox("");
    ports[1] = server_mailbox("tls=implicit");
    ports[2] = server_mailbox("tls=stls");
    refused_port = server_refuse();
    impostor_port = server_mailbox("tls=implicit cert=untrusted");
    name_is("nobody.test", "");
    name_is("mail.test", "127.0.0.1 ::1");
    /* first, while nothing has been read for the process yet */
    RUN(no_descriptor_left);
    RUN(no_descriptor_leaks);
    RUN(descriptors_are_closed_where_the_session_ends);
    RUN(descriptors_do_not_pass_to_programs_that_the_host_starts);
    RUN(signals_stay_the_hosts);
    RUN(a_server_that_is_gone_raises_no_sigpipe);
    RUN(nothing_is_printed);
    RUN(a_cancelled_thread_ends_after_its_call);
    RUN(standard_descriptors_that_are_closed);
    return check_result();
}

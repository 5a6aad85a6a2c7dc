#define _GNU_SOURCE /* pipe2 */
#include "server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static pid_t pid;
static FILE *to_server;
static FILE *from_server;
static char dir[4096];
/* One answer: `received` may be long. */
static char answer[4 << 20];

static const char *read_answer(void)
{
    if (fgets(answer, sizeof answer, from_server) == NULL)
        check_fatal("the test server has gone");
    answer[strcspn(answer, "\n")] = '\0';
    return answer;
}

static void stop(void)
{
    /* its standard input ends, and so does it */
    fclose(to_server);
    waitpid(pid, NULL, 0);
}

static void start(void)
{
    int in[2], out[2];
    if (pid != 0)
        return;
    /* no other child of the test may hold an end, or the server would not see that the test has ended */
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || (pid = fork()) < 0)
        check_fatal("cannot start the test server");
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl(TEST_SERVER, TEST_SERVER, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_server = fdopen(in[1], "w");
    from_server = fdopen(out[0], "r");
    if (sscanf(read_answer(), "ready %4095s", dir) != 1)
        check_fatal("the test server says: %s", answer);
    atexit(stop);
}

static const char *ask(const char *format, ...)
{
    va_list arguments;
    start();
    va_start(arguments, format);
    vfprintf(to_server, format, arguments);
    va_end(arguments);
    fputc('\n', to_server);
    fflush(to_server);
    return read_answer();
}

static int ask_number(const char *question, const char *key)
{
    int number;
    char format[64];
    snprintf(format, sizeof format, "%s %%d", key);
    if (sscanf(ask("%s", question), format, &number) != 1)
        check_fatal("asked for '%s', the test server says: %s", question, answer);
    return number;
}

const char *server_dir(void)
{
    start();
    return dir;
}

int server_mailbox(const char *options)
{
    char question[1024];
    snprintf(question, sizeof question, "mailbox %s", options);
    return ask_number(question, "port");
}

int server_play(const char *options, const char *transcript)
{
    static char question[1 << 20];
    int length = snprintf(question, sizeof question, "play %s\n%s\nend", options, transcript);
    if (length < 0 || (size_t)length >= sizeof question)
        check_fatal("the transcript is too long");
    return ask_number(question, "port");
}

void server_check_played(int port, const char *file, int line)
{
    check_str(ask("result %d", port), "ok", "the transcript's result", file, line);
}

const char *server_received(int port)
{
    const char *said = ask("received %d", port);
    if (strncmp(said, "received", 8) != 0)
        check_fatal("the test server says: %s", said);
    return said[8] == ' ' ? said + 9 : said + 8;
}

int server_connections(int port)
{
    char question[64];
    snprintf(question, sizeof question, "connections %d", port);
    return ask_number(question, "connections");
}

int server_relay(int to, const char *options)
{
    char question[1024];
    snprintf(question, sizeof question, "relay to=%d %s", to, options);
    return ask_number(question, "port");
}

void server_handshakes(int port, int *full, int *resumed)
{
    if (sscanf(ask("handshakes %d", port), "handshakes full %d resumed %d", full, resumed) != 2)
        check_fatal("asked for handshakes, the test server says: %s", answer);
}

int server_refuse(void)
{
    return ask_number("refuse", "port");
}

int server_full(void)
{
    return ask_number("full", "port");
}

static char *next_text(void)
{
    static char texts[16][4200];
    static int next;
    return texts[next++ % 16];
}

const char *at(int port)
{
    return at_host("127.0.0.1", port);
}

const char *at_host(const char *host, int port)
{
    char *text = next_text();
    snprintf(text, 4200, "%s:%d", host, port);
    return text;
}

const char *in(const char *folder, const char *name)
{
    char *text = next_text();
    snprintf(text, 4200, "%s/%s", folder, name);
    return text;
}

#include "server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "companion.h"

static struct companion *server;
static char dir[4096];
/* One question: a transcript may be long. */
static char question[1 << 20];
/* One answer: `received` may be long. */
static char answer[4 << 20];

static const char *read_answer(void)
{
    if (!companion_hear(server, answer, sizeof answer))
        check_fatal("the test server has gone");
    return answer;
}

static void stop(void)
{
    companion_leave(server);
}

static void start(void)
{
    char path[4096];
    if (server != NULL)
        return;
    server = companion_talk_to(TEST_SERVER);
    if (sscanf(read_answer(), "ready %4095s", path) != 1)
        check_fatal("the test server says: %s", answer);
    snprintf(dir, sizeof dir, "%s", companion_path(path));
    atexit(stop);
}

static const char *ask(const char *format, ...)
{
    va_list arguments;
    start();
    va_start(arguments, format);
    int length = vsnprintf(question, sizeof question - 1, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof question - 1)
        check_fatal("the question is too long");
    question[length] = '\n';
    companion_say(server, question, (size_t)length + 1);
    return read_answer();
}

/* The number behind that word of the answer. */
static int number_of(const char *key)
{
    int number;
    char format[64];
    snprintf(format, sizeof format, "%s %%d", key);
    if (sscanf(answer, format, &number) != 1)
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
    ask("mailbox %s", options);
    return number_of("port");
}

int server_play(const char *options, const char *transcript)
{
    ask("play %s\n%s\nend", options, transcript);
    return number_of("port");
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
    ask("connections %d", port);
    return number_of("connections");
}

int server_relay(int to, const char *options)
{
    ask("relay to=%d %s", to, options);
    return number_of("port");
}

void server_handshakes(int port, int *full, int *resumed)
{
    if (sscanf(ask("handshakes %d", port), "handshakes full %d resumed %d", full, resumed) != 2)
        check_fatal("asked for handshakes, the test server says: %s", answer);
}

int server_refuse(void)
{
    ask("refuse");
    return number_of("port");
}

int server_full(void)
{
    ask("full");
    return number_of("port");
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

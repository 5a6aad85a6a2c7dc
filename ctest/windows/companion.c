/*
 * Programs under Wine cannot start any of Linux that they could talk to. So wine.py, which has started this one, starts
 * them: each is a connection to its port, which the environment names together with a token. The first line says what
 * to start; the rest is the program's standard input and output.
 */
#include "companion.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "check.h"
#include "sockets.h"

struct companion {
    int socket;
    /* what has been received and not been asked for */
    char bytes[4096];
    size_t at, length;
};

void companion_say(struct companion *companion, const char *text, size_t length)
{
    while (length > 0) {
        int sent = send(companion->socket, text, length < 1 << 16 ? (int)length : 1 << 16, 0);
        if (sent <= 0)
            check_fatal("a companion does not listen any more");
        text += sent;
        length -= (size_t)sent;
    }
}

/* Connects, and says what kind it is to be. */
static struct companion *begin(const char *kind)
{
    struct companion *companion = calloc(1, sizeof *companion);
    const char *companions = getenv("POP3_COMPANIONS");
    char token[64], line[128];
    int port;
    if (companion == NULL || companions == NULL || sscanf(companions, "%d %63s", &port, token) != 2)
        check_fatal("there is nobody to start companions: this is a test for ctest/windows/wine.py");
    struct sockaddr_in name = loopback(port);
    companion->socket = (int)socket(AF_INET, SOCK_STREAM, 0);
    if (connect(companion->socket, (struct sockaddr *)&name, sizeof name) != 0)
        check_fatal("nobody starts companions at port %d", port);
    int length = snprintf(line, sizeof line, "%s\t%s", token, kind);
    companion_say(companion, line, (size_t)length);
    return companion;
}

static void add_word(struct companion *companion, const char *word)
{
    companion_say(companion, "\t", 1);
    companion_say(companion, word, strlen(word));
}

struct companion *companion_talk_to(const char *program)
{
    struct companion *companion = begin("talk");
    add_word(companion, program);
    companion_say(companion, "\n", 1);
    return companion;
}

static int next_byte(struct companion *companion)
{
    if (companion->at == companion->length) {
        int received = recv(companion->socket, companion->bytes, sizeof companion->bytes, 0);
        if (received <= 0)
            return EOF;
        companion->at = 0;
        companion->length = (size_t)received;
    }
    return (unsigned char)companion->bytes[companion->at++];
}

int companion_hear(struct companion *companion, char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        int byte = next_byte(companion);
        if (byte == EOF || length == size - 1)
            return 0;
        line[length] = byte == '\n' ? '\0' : (char)byte;
        if (byte == '\n')
            return 1;
        length++;
    }
}

static void forget(struct companion *companion)
{
    close_socket(companion->socket);
    free(companion);
}

void companion_leave(struct companion *companion)
{
    shutdown(companion->socket, SHUT_WR);
    while (next_byte(companion) != EOF)
        continue;
    forget(companion);
}

/* Linux's folders are drive Z:. */

const char *companion_path(const char *path)
{
    static char text[4200];
    snprintf(text, sizeof text, "Z:%s", path);
    return text;
}

static const char *path_on_linux(const char *word)
{
    return strncmp(word, "Z:/", 3) == 0 ? word + 2 : word;
}

/* The script's own variables go with it. */
static void add_environment(struct companion *companion)
{
    static const char prefix[] = "DOVECOT_";
    for (char **variable = _environ; *variable != NULL; variable++)
        if (strncmp(*variable, prefix, sizeof prefix - 1) == 0)
            add_word(companion, *variable);
}

struct companion *companion_run(const char *script, const char *const arguments[])
{
    struct companion *companion = begin("run");
    add_environment(companion);
    add_word(companion, script);
    for (int i = 0; arguments[i] != NULL; i++)
        add_word(companion, path_on_linux(arguments[i]));
    companion_say(companion, "\n", 1);
    return companion;
}

/* Of a script wine.py says one thing, when all has ended: how that was. */

int companion_has_ended(struct companion *companion)
{
    struct pollfd polled = {.fd = (SOCKET)companion->socket, .events = POLLIN};
    return poll(&polled, 1, 0) > 0;
}

int companion_stop(struct companion *companion)
{
    char line[64];
    shutdown(companion->socket, SHUT_WR);
    int ended = companion_hear(companion, line, sizeof line) && strcmp(line, "ended") == 0;
    forget(companion);
    return ended;
}

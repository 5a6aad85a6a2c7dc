#define _GNU_SOURCE /* open_memstream */
#include "two_segments.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "child.h"

enum { LINE = 80 };

struct mailbox {
    int messages, size;
};

static struct child child;

/* Each of the following answers 0, or -1 when the connection is over. */

static int say(int connection, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(connection, bytes, length, MSG_NOSIGNAL);
        if (count < 0)
            return -1;
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

static int say_text(int connection, const char *text)
{
    return say(connection, text, strlen(text));
}

/* In one go, so that what is measured is the messages. */
static int say_list(int connection, const struct mailbox *mailbox)
{
    char *list = NULL;
    size_t length;
    FILE *text = open_memstream(&list, &length);
    int result = -1;
    if (text == NULL)
        return -1;
    fprintf(text, "+OK\r\n");
    for (int i = 1; i <= mailbox->messages; i++)
        fprintf(text, "%d %d\r\n", i, mailbox->size);
    fprintf(text, ".\r\n");
    if (fclose(text) == 0)
        result = say(connection, list, length);
    free(list);
    return result;
}

/* The status line and one half of the message, then the other half and its end. */
static int say_message(int connection, const struct mailbox *mailbox)
{
    char *message = NULL;
    size_t length, half;
    FILE *text = open_memstream(&message, &length);
    int result = -1;
    if (text == NULL)
        return -1;
    fprintf(text, "+OK %d octets\r\n", mailbox->size);
    for (int left = mailbox->size; left > 0; left -= LINE) {
        int octets = left < LINE ? left : LINE;
        fprintf(text, "%.*s\r\n", octets - 2, "a line of a message that has nothing to say but how long it is: as long as every other");
    }
    fprintf(text, ".\r\n");
    if (fclose(text) == 0) {
        half = length / 2;
        result = say(connection, message, half);
        result = result != 0 ? result : say(connection, message + half, length - half);
    }
    free(message);
    return result;
}

static int answer(int connection, const struct mailbox *mailbox, const char *command)
{
    if (strncmp(command, "CAPA", 4) == 0)
        return say_text(connection, "+OK\r\nUSER\r\n.\r\n");
    if (strncmp(command, "LIST", 4) == 0)
        return say_list(connection, mailbox);
    if (strncmp(command, "UIDL", 4) == 0)
        return say_text(connection, "-ERR\r\n");
    if (strncmp(command, "RETR", 4) == 0)
        return say_message(connection, mailbox);
    if (say_text(connection, "+OK\r\n") != 0)
        return -1;
    return strncmp(command, "QUIT", 4) == 0 ? -1 : 0;
}

/* Takes the next line, without its end. */
static int take_command(int connection, int lifeline, char *line, size_t size)
{
    size_t length = 0;
    while (length + 1 < size) {
        struct pollfd polled[] = {{.fd = connection, .events = POLLIN}, {.fd = lifeline, .events = POLLIN}};
        if (poll(polled, 2, -1) <= 0 || polled[1].revents != 0)
            return -1;
        ssize_t count = recv(connection, line + length, size - 1 - length, 0);
        if (count <= 0)
            return -1;
        length += (size_t)count;
        line[length] = '\0';
        /* nobody says more before the answer */
        if (line[length - 1] == '\n')
            return 0;
    }
    return -1;
}

static void serve(int connection, int lifeline, const void *context)
{
    char line[512];
    if (say_text(connection, "+OK ready\r\n") != 0)
        return;
    while (take_command(connection, lifeline, line, sizeof line) == 0 && answer(connection, context, line) == 0)
        ;
}

int two_segments_start(int messages, int size)
{
    struct mailbox mailbox = {messages, size};
    return child_start(&child, serve, &mailbox);
}

void two_segments_stop(void)
{
    child_stop(&child);
}

/*
 * Asks for a message, receives until its end, asks for the next. It looks for the end in the last bytes of what has
 * come and nowhere else, which does because the server says nothing more until it is asked, and undoes no stuffing: no
 * client could do less.
 */
#include <stdio.h>
#include <string.h>

#include "bare_session.h"
#include "fetcher.h"

/* The first line of a reply, its last, and what stuffing adds. */
enum { AROUND = 64 };

#define END "\r\n.\r\n"
enum { END_LENGTH = sizeof END - 1 };

static struct bare_stream stream;
static char buffer[64 * 1024];

static int open_session(const struct target *target)
{
    if (bare_log_in(&stream, target) == 0)
        return 0;
    bare_close(&stream);
    return -1;
}

/* Moves the new bytes into the tail, which has the last END_LENGTH that came. */
static void keep_tail(char *tail, const char *bytes, size_t length)
{
    if (length >= END_LENGTH) {
        memcpy(tail, bytes + length - END_LENGTH, END_LENGTH);
    } else {
        memmove(tail, tail + length, END_LENGTH - length);
        memcpy(tail + END_LENGTH - length, bytes, length);
    }
}

/* Answers how many bytes the reply had, all told, or -1. */
static long long receive_reply(void)
{
    char tail[END_LENGTH] = "";
    long long total = 0;
    do {
        ssize_t count = bare_read(&stream, buffer, sizeof buffer);
        if (count <= 0)
            return bare_fail("receive");
        if (total == 0 && buffer[0] != '+')
            return bare_fail("a command was refused");
        keep_tail(tail, buffer, (size_t)count);
        total += count;
    } while (memcmp(tail, END, END_LENGTH) != 0);
    return total;
}

long long bare_ask(const char *command)
{
    return bare_send(&stream, command, strlen(command)) == 0 ? receive_reply() : -1;
}

static long long fetch(int messages)
{
    long long total = 0;
    for (int i = 1; i <= messages; i++) {
        char command[32];
        snprintf(command, sizeof command, "RETR %d\r\n", i);
        long long count = bare_ask(command);
        if (count < 0)
            return -1;
        total += count;
    }
    return total;
}

static int close_session(void)
{
    int result = bare_quit(&stream);
    bare_close(&stream);
    return result;
}

const struct fetcher bare_fetcher = {
    "bare loop", bare_prepare, open_session, fetch, close_session, bare_clean_up, AROUND};

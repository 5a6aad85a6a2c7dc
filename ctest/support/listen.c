#include "listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char lines[1 << 20];
static _Thread_local char protocol[1 << 20];

static void add(const char *line)
{
    size_t length = strlen(lines);
    snprintf(lines + length, sizeof lines - length, "%s\n", line);
}

void log_status(const char *status)
{
    add(status);
}

void log_each_status(const char *status, void *context)
{
    (void)context;
    add(status);
}

void log_error(const char *message, int32_t code, const char *command)
{
    char line[4096];
    snprintf(line, sizeof line, "! %s %d %s", command, (int)code, message);
    add(line);
}

const char *logged(void)
{
    return lines;
}

const char *logged_protocol(void)
{
    size_t length = 0;
    for (const char *line = lines; *line != '\0';) {
        size_t size = strcspn(line, "\n") + 1;
        if (*line != '*') {
            memcpy(protocol + length, line, size);
            length += size;
        }
        line += size;
    }
    protocol[length] = '\0';
    return protocol;
}

void clear_log(void)
{
    lines[0] = '\0';
}

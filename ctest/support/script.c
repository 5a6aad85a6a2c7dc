#include "script.h"

#include <stdarg.h>
#include <stdio.h>

#include "check.h"

static char text[1 << 20];
static size_t used;

void script_begin(const char *start)
{
    used = 0;
    script_add("%s", start);
}

void script_add(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text - used)
        check_fatal("the transcript is too long");
    used += (size_t)length;
}

void script_send(const char *bytes, size_t length)
{
    script_add("send \"");
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\' || bytes[i] < ' ' || bytes[i] > '~')
            script_add("\\x%02x", (unsigned char)bytes[i]);
        else
            script_add("%c", bytes[i]);
    }
    script_add("\"\n");
}

const char *script(void)
{
    return text;
}

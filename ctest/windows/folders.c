#include <stdio.h>
#include <string.h>

#include "folders.h"

/* With a drive, which is Linux's where none is said, and backslashes. */
const char *as_shown(const char *path)
{
    static char text[4200];
    snprintf(text, sizeof text, "%s%s", path[0] == '/' ? "Z:" : "", path);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '/')
            *c = '\\';
    return text;
}

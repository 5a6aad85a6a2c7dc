/*
 * What Debian's libunwind wants of its C library, and musl does not have: it is compiled for glibc, with its checks of
 * printf. It only writes what it is asked to by variables that begin with LIBUNWIND_PRINT, and why it aborts.
 */
#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *stream, int flag, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    va_start(arguments, format);
    int written = vfprintf(stream, format, arguments);
    va_end(arguments);
    return written;
}

#include "check.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checks may run in several threads at once. */
static atomic_int failures;
static int cases, left_out;

/* The environment may name cases that the platform cannot have, a blank behind each. */
static const char *names_left_out(void)
{
    const char *names = getenv("POP3_LEAVE_OUT");
    return names != NULL ? names : "";
}

static int is_left_out(const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names_left_out(); (at = strstr(at, name)) != NULL; at += length)
        if (at[length] == ' ' && (at == names_left_out() || at[-1] == ' '))
            return 1;
    return 0;
}

/* How many of them there were not. */
static int unknown_left_out(void)
{
    int unknown = -left_out;
    for (const char *c = names_left_out(); *c != '\0'; c++)
        unknown += *c == ' ';
    return unknown;
}

void check_run(const char *name, void (*test)(void))
{
    int before = atomic_load(&failures);
    if (is_left_out(name)) {
        left_out++;
        printf("left   %s\n", name);
        return;
    }
    test();
    cases++;
    printf("%s %s\n", atomic_load(&failures) == before ? "ok    " : "FAILED", name);
    fflush(stdout);
}

int check_result(void)
{
    printf("%d cases, %d left out, %d failed checks\n", cases, left_out, atomic_load(&failures));
    check_int(unknown_left_out(), 0, "how many cases are to be left out that are not there", __FILE__, __LINE__);
    return cases > 0 && atomic_load(&failures) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int check_failures(void)
{
    return atomic_load(&failures);
}

int check_true(int ok, const char *what, const char *file, int line)
{
    if (!ok) {
        printf("%s:%d: not so: %s\n", file, line, what);
        atomic_fetch_add(&failures, 1);
    }
    return ok;
}

int check_int(long long actual, long long expected, const char *what, const char *file, int line)
{
    if (actual != expected) {
        printf("%s:%d: %s is %lld, not %lld\n", file, line, what, actual, expected);
        atomic_fetch_add(&failures, 1);
    }
    return actual == expected;
}

int check_str(const char *actual, const char *expected, const char *what, const char *file, int line)
{
    int ok = actual != NULL && strcmp(actual, expected) == 0;
    if (!ok) {
        printf("%s:%d: %s is\n%s\n-- not\n%s\n--\n", file, line, what, actual ? actual : "(NULL)", expected);
        atomic_fetch_add(&failures, 1);
    }
    return ok;
}

int check_has(const char *text, const char *part, int wanted, const char *what, const char *file, int line)
{
    int ok = text != NULL && (strstr(text, part) != NULL) == (wanted != 0);
    if (!ok) {
        printf("%s:%d: %s is\n%s\n-- which has %s\"%s\"\n", file, line, what, text ? text : "(NULL)",
               wanted ? "no " : "", part);
        atomic_fetch_add(&failures, 1);
    }
    return ok;
}

void check_fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    exit(EXIT_FAILURE);
}

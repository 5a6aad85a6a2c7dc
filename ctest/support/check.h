/* Checks that go on after a failure, and a test program's main loop. */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

/* What was checked, and where, is printed on failure; the program's exit code tells. */
#define CHECK(condition) check_true((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_INT(actual, expected) check_int((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define CHECK_STR(actual, expected) check_str((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_HAS(text, part) check_has((text), (part), 1, #text, __FILE__, __LINE__)
#define CHECK_HAS_NOT(text, part) check_has((text), (part), 0, #text, __FILE__, __LINE__)

/* Runs one named case. */
#define RUN(test) check_run(#test, (test))

void check_run(const char *name, void (*test)(void));
/* What main returns: 0 only if at least one case ran and none failed. */
int check_result(void);
/* How many checks have failed so far: for a process that the test has forked. */
int check_failures(void);

int check_true(int ok, const char *what, const char *file, int line);
int check_int(long long actual, long long expected, const char *what, const char *file, int line);
int check_str(const char *actual, const char *expected, const char *what, const char *file, int line);
int check_has(const char *text, const char *part, int wanted, const char *what, const char *file, int line);
/* Ends the program: something that every check needs is not there. */
void check_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif

/*
 * Programs of Linux that run beside a test: the test server, and the scripts that start real servers. Each ends at the
 * latest when the test does.
 */
#ifndef COMPANION_H
#define COMPANION_H

#include <stddef.h>

struct companion;

/* Starts a program that is talked to by its standard input and output. */
struct companion *companion_talk_to(const char *program);
void companion_say(struct companion *companion, const char *text, size_t length);
/* The next line that it says, without the line's end; 0 if there is none any more. */
int companion_hear(struct companion *companion, char *line, size_t size);
/* Ends its standard input, and waits until it has ended. */
void companion_leave(struct companion *companion);
/* A path that it said, as this program reaches it; good until the next call. */
const char *companion_path(const char *path);

/* Starts a script with these arguments, the last of which is NULL. */
struct companion *companion_run(const char *script, const char *const arguments[]);
/* Whether it has ended by itself. */
int companion_has_ended(struct companion *companion);
/* Ends it by SIGTERM; whether all processes that it had started have ended by themselves within ten seconds. */
int companion_stop(struct companion *companion);

#endif

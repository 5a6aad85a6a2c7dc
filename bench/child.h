/* A server of a benchmark's own, in another process, whose time is not counted. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

struct child {
    pid_t pid;
    /* A pipe, which has its end when the parent wants no server any more, or is gone. */
    int lifeline;
};

/* Serves a connection, which it need not close, until it is over or `lifeline` has its end. */
typedef void (*child_serve)(int connection, int lifeline, const void *context);

/*
 * Has a process of its own serve the connections to a port of 127.0.0.1, one after the other; it ends with this one at
 * the latest. Answers the port, or -1 when it has told stderr why not.
 */
int child_start(struct child *child, child_serve serve, const void *context);

void child_stop(const struct child *child);

#endif

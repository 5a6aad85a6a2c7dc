/* What the clients of bench_connect have in common: each connects, logs in and quits. */
#ifndef CLIENT_H
#define CLIENT_H

#include "target.h"

struct client {
    const char *name;
    /* Once for the process. Answers 0, or -1 when it has told stderr why not; likewise `session`. */
    int (*prepare)(const struct target *target);
    int (*session)(const struct target *target);
    void (*clean_up)(void);
};

extern const struct client bare, ours, curl_peer;

#endif

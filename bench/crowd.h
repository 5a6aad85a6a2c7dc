/* Clients that ask many mailboxes at once how many messages they have. */
#ifndef CROWD_H
#define CROWD_H

#include "crowd_server.h"

struct crowd {
    const char *name;
    /* Asks that many, all at once; how many answered, or -1 when it has told stderr why not. */
    int (*ask)(const struct crowd_server *server, int tls, int count);
};

extern const struct crowd crowd_bare, crowd_loop, crowd_threads, crowd_curl;

#endif

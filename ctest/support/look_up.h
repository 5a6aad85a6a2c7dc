/* How the library's look-ups come to names.c: each platform has a way of its own. */
#ifndef LOOK_UP_H
#define LOOK_UP_H

#include <sys/types.h>

#include <sys/socket.h>

#include <netdb.h>

typedef int look_up_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* Answers what getaddrinfo was asked; of names that are not ours by the system's. */
int look_up(look_up_fn *system, const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **result);

/* From now on the library's look-ups come here, if they did not before. */
void look_up_begin(void);

#endif

/* pop3connect, through its C interface. */
#ifndef OURS_H
#define OURS_H

#include "client.h"

extern const struct client ours;

#endif

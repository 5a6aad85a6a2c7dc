/* What the clients say, as the server receives it: the comparison is fair only if that is the same. */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include "client.h"

/*
 * Has each client hold one session with a recording server of that mode, and prints what was said. `clients[0]` is
 * the bare loop, `clients[1]` must say the same, any other may say something else. Answers 0, or -1 when it has told
 * stderr why not.
 */
int dialogue_compare(const struct client *const *clients, int count, const struct target *target);

#endif

/* How long fetching takes where the server holds a part of each answer back. */
#ifndef HELD_BACK_H
#define HELD_BACK_H

#include "fetcher.h"
#include "statistics.h"

/* Of one message, in the median of the rounds. */
struct held_back {
    double wall_ms, cpu_us;
};

/*
 * Has each fetcher fetch so many small messages one by one, `rounds` times, from a server that takes no command ahead of
 * its answers, leaves Nagle's algorithm on and sends each message in two segments. Prints the table. Answers 0, or -1
 * when it has told stderr why not.
 */
int held_back(const struct fetcher *const *fetchers, int count, int rounds, struct held_back *each);

#endif

/* How long fetching takes where every answer is long in coming. */
#ifndef ROUND_TRIPS_H
#define ROUND_TRIPS_H

#include "fetcher.h"
#include "statistics.h"

/*
 * Has each fetcher fetch so many small messages, `rounds` times, from a server that is 50 ms away and back, and says
 * in `trips` how many of these round trips the fetching alone took. Prints the table. Answers 0, or -1 when it has told
 * stderr why not.
 */
int round_trips(const struct fetcher *const *fetchers, int count, int rounds, struct summary *trips);

#endif

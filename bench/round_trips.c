#include "round_trips.h"

#include <stdio.h>

#include "clocks.h"
#include "relay.h"

enum { MESSAGES = 100, SIZE = 2000, ROUND_TRIP_MS = 50 };

/* Milliseconds of the fetching alone, negative if it failed. */
static double fetch_time(const struct fetcher *fetcher, const struct target *target)
{
    double before, after;
    long long bytes;
    if (fetcher->open(target) != 0)
        return -1;
    before = wall_milliseconds();
    bytes = fetcher->fetch(MESSAGES);
    after = wall_milliseconds();
    if (fetcher->close() != 0 || bytes < 0 || fetcher_check(fetcher, MESSAGES, SIZE, bytes) != 0)
        return -1;
    return after - before;
}

static int measure(const struct fetcher *fetcher, const struct target *target, int rounds, struct summary *trips)
{
    double each[MOST_ROUNDS];
    for (int round = 0; round < rounds; round++) {
        double time = fetch_time(fetcher, target);
        if (time < 0)
            return -1;
        each[round] = time / ROUND_TRIP_MS;
    }
    *trips = summarise(each, rounds);
    return 0;
}

static int measure_all(const struct fetcher *const *fetchers, int count, const struct target *target, int rounds,
                       struct summary *trips)
{
    for (int i = 0; i < count; i++) {
        if (measure(fetchers[i], target, rounds, &trips[i]) != 0)
            return -1;
        printf("%-11s  %7.1f    %7.2f (%.2f … %.2f)\n", fetchers[i]->name, trips[i].median * ROUND_TRIP_MS,
               trips[i].median, trips[i].min, trips[i].max);
        fflush(stdout);
    }
    return 0;
}

int round_trips(const struct fetcher *const *fetchers, int count, int rounds, struct summary *trips)
{
    char options[64];
    struct target target;
    int result;
    snprintf(options, sizeof options, "messages=%d size=%d", MESSAGES, SIZE);
    target = target_start(PLAIN, options);
    target.port = relay_start(target.port, ROUND_TRIP_MS / 2);
    if (target.port < 0)
        return -1;
    printf("\n%d messages of %d bytes, in the clear, over %d ms of round trip, %d times\n", MESSAGES, SIZE,
           ROUND_TRIP_MS, rounds);
    printf("\nclient       wall ms    round trips (min … max)\n");
    result = measure_all(fetchers, count, &target, rounds, trips);
    relay_stop();
    return result;
}

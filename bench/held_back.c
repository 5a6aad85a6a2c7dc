#include "held_back.h"

#include <stdio.h>

#include "clocks.h"
#include "two_segments.h"

enum { MESSAGES = 200, SIZE = 2000 };

/* What one message took in the fetching alone. Answers 0, or -1 when it has told stderr why not. */
static int fetch(const struct fetcher *fetcher, const struct target *target, struct held_back *each)
{
    double wall, cpu;
    long long bytes;
    if (fetcher->open(target) != 0)
        return -1;
    wall = wall_milliseconds();
    cpu = cpu_microseconds();
    bytes = fetcher->fetch(MESSAGES);
    each->wall_ms = (wall_milliseconds() - wall) / MESSAGES;
    each->cpu_us = (cpu_microseconds() - cpu) / MESSAGES;
    if (fetcher->close() != 0 || bytes < 0)
        return -1;
    return fetcher_check(fetcher, MESSAGES, SIZE, bytes);
}

static int measure(const struct fetcher *fetcher, const struct target *target, int rounds, struct held_back *each)
{
    double wall[MOST_ROUNDS], cpu[MOST_ROUNDS];
    for (int round = 0; round < rounds; round++) {
        struct held_back one;
        if (fetch(fetcher, target, &one) != 0)
            return -1;
        wall[round] = one.wall_ms;
        cpu[round] = one.cpu_us;
    }
    *each = (struct held_back){summarise(wall, rounds).median, summarise(cpu, rounds).median};
    printf("%-11s  %12.3f    %15.1f\n", fetcher->name, each->wall_ms, each->cpu_us);
    fflush(stdout);
    return 0;
}

int held_back(const struct fetcher *const *fetchers, int count, int rounds, struct held_back *each)
{
    struct target target = target_start(PLAIN, "");
    int result = 0;
    target.port = two_segments_start(MESSAGES, SIZE);
    if (target.port < 0)
        return -1;
    printf("\n%d messages of %d bytes, in the clear, one by one, each in two segments with Nagle's algorithm on, %d times\n",
           MESSAGES, SIZE, rounds);
    printf("\nclient       wall ms each    CPU µs each\n");
    for (int i = 0; i < count && result == 0; i++)
        result = measure(fetchers[i], &target, rounds, &each[i]);
    two_segments_stop();
    return result;
}

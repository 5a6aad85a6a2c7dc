#define _GNU_SOURCE /* syscall */
#include "times.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_long wall_ahead, steady_ahead;

void times_are(long wall, long steady)
{
    wall_ahead = wall;
    steady_ahead = steady;
}

/* In the place of libc's: Rust asks the first, OpenSSL the second. */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME)
        now->tv_sec += wall_ahead;
    else if (result == 0 && clock == CLOCK_MONOTONIC)
        now->tv_sec += steady_ahead;
    return result;
}

time_t time(time_t *copy)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (copy != NULL)
        *copy = now.tv_sec;
    return now.tv_sec;
}

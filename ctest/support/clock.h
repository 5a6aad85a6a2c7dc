/* Elapsed time. */
#ifndef CLOCK_H
#define CLOCK_H

#include <time.h>

/* Milliseconds of a clock that never jumps. */
static inline long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static inline void sleep_ms(long long milliseconds)
{
    struct timespec pause = {milliseconds / 1000, (long)(milliseconds % 1000 * 1000000)};
    nanosleep(&pause, NULL);
}

#endif

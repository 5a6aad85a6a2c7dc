/* The time, and what this process has used of the CPU. */
#ifndef CLOCKS_H
#define CLOCKS_H

#include <sys/resource.h>
#include <time.h>

static inline double wall_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* User and system time of all threads: a client library may use more than ours. */
static inline double cpu_microseconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used); /* fails only for a wrong argument */
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

#endif

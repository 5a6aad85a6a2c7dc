/* CPU time of this process, user and system, all threads: a client library may use more than ours. */
#ifndef CPU_H
#define CPU_H

#include <sys/resource.h>

static inline double cpu_microseconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used); /* fails only for a wrong argument */
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

#endif

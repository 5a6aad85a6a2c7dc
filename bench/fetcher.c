#include "fetcher.h"

#include <stdio.h>

/* The test server makes messages of the size that it is told, give or take so much. */
enum { INEXACT = 2 };

int fetcher_check(const struct fetcher *fetcher, int messages, int size, long long bytes)
{
    long long least = (long long)messages * (size - INEXACT);
    long long most = (long long)messages * (size + INEXACT + fetcher->around);
    if (bytes >= least && bytes <= most)
        return 0;
    fprintf(stderr, "%s: %lld bytes, which is not from %lld to %lld\n", fetcher->name, bytes, least, most);
    return -1;
}

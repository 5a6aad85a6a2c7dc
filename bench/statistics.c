#include "statistics.h"

#include <stdlib.h>
#include <string.h>

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

struct summary summarise(const double *values, int count)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    return (struct summary){(sorted[(count - 1) / 2] + sorted[count / 2]) / 2, sorted[0], sorted[count - 1]};
}

struct summary summarise_ratios(const double *values, const double *to, int count)
{
    double ratio[MOST_ROUNDS];
    for (int i = 0; i < count; i++)
        ratio[i] = values[i] / to[i];
    return summarise(ratio, count);
}

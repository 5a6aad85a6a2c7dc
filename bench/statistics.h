/* What many rounds come to. */
#ifndef STATISTICS_H
#define STATISTICS_H

enum { MOST_ROUNDS = 1000 };

struct summary {
    double median, min, max;
};

struct summary summarise(const double *values, int count);

/* Each ratio is taken within one round, so that what slows the machine down slows both sides of it. */
struct summary summarise_ratios(const double *values, const double *to, int count);

#endif

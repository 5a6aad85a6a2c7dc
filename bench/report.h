/* What the rounds say: the table, the targets, and the sentence at the end. */
#ifndef REPORT_H
#define REPORT_H

#include "statistics.h"
#include "target.h"

enum { BARE, OURS, CURL_PEER, ETPAN_PEER, CLIENTS };

/* By mode, client and round. */
typedef double measured[MODES][CLIENTS][MOST_ROUNDS];

/* The first so many of the modes and of the clients, and how often each was measured. */
struct comparison {
    const char *unit; /* of what was measured, for example "CPU µs/session" */
    const char *names[CLIENTS];
    int modes, clients, rounds;
    double limit[MODES]; /* how much pop3connect may use for each unit of the bare loop */
};

void report_table(const struct comparison *comparison, measured values);

/* The heading of the targets, which come between the tables and the verdict. */
void report_targets(void);
/* Of each mode: the limit, and to use less than every peer. */
void report_ratios(const struct comparison *comparison, measured values);
/* Any other: at most so much of something. */
void report_at_most(const char *where, const char *what, double value, double limit);

/* Whether all the targets that were reported are reached. */
void report_verdict(void);

#endif

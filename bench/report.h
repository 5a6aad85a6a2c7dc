/* What the rounds say: the table, the targets, and the sentence at the end. */
#ifndef REPORT_H
#define REPORT_H

#include "client.h"

enum { BARE, OURS, CURL_PEER, CLIENTS };
enum { MOST_ROUNDS = 1000 };

/* CPU microseconds per session, by mode, client and round. */
typedef double measured[MODES][CLIENTS][MOST_ROUNDS];

void report(const struct client *const *clients, measured cpu, int rounds);

#endif

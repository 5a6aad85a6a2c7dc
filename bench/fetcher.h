/* What the clients of bench_fetch have in common: each fetches all of a mailbox, and only counts what it gets. */
#ifndef FETCHER_H
#define FETCHER_H

#include "target.h"

enum { MOST_MESSAGES = 1000 };

struct fetcher {
    const char *name;
    /* Once for the process. Answers 0, or -1 when it has told stderr why not; likewise `open` and `close`. */
    int (*prepare)(const struct target *target);
    /* Connects and logs in. One session at a time. */
    int (*open)(const struct target *target);
    /* Fetches the first so many messages. Answers how many bytes they had, or -1 when it has told stderr why not. */
    long long (*fetch)(int messages);
    /* Quits. */
    int (*close)(void);
    void (*clean_up)(void);
    /* What it counts of a reply beside the content, at most. */
    int around;
};

/* Whether nothing was left out of so many messages of that size. Answers 0, or -1 when it has told stderr why not. */
int fetcher_check(const struct fetcher *fetcher, int messages, int size, long long bytes);

/* What the bare loop is asked beside: answers how many bytes the reply of many lines had, or -1 when it has told stderr why not. */
long long bare_ask(const char *command);

extern const struct fetcher bare_fetcher, our_fetcher, curl_fetcher, etpan_fetcher;

#endif

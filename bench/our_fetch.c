#include <pop3connect.h>

#include "fetcher.h"
#include "our_session.h"

static int32_t session;

static int open_session(const struct target *target)
{
    return our_log_in(&session, target);
}

static int32_t count_bytes(int32_t number, const char *data, size_t length, int32_t last, void *context)
{
    (void)number;
    (void)data;
    (void)last;
    *(long long *)context += (long long)length;
    return 0;
}

static long long fetch(int messages)
{
    int32_t numbers[MOST_MESSAGES], delivered;
    long long total = 0;
    for (int i = 0; i < messages; i++)
        numbers[i] = i + 1;
    delivered = pop3_recv_messages(session, numbers, (size_t)messages, count_bytes, &total, NULL);
    return delivered == messages ? total : our_fail("pop3_recv_messages", delivered);
}

static int close_session(void)
{
    return our_quit(session);
}

const struct fetcher our_fetcher = {"pop3connect", our_prepare, open_session, fetch, close_session, our_clean_up, 0};

#define _GNU_SOURCE /* ppoll */
#include "delay_line.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { AT_ONCE = 64 * 1024 };
#define NEVER INT64_MAX

/* Bytes that are under way; none stand for the end. */
struct parcel {
    struct parcel *next;
    int64_t due; /* in nanoseconds */
    size_t length, delivered;
    char bytes[];
};

struct direction {
    int from, to;
    int64_t delay;
    struct parcel *first, **last;
    int ended;   /* `from` has said its last */
    int blocked; /* `to` takes no more at present */
};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * (int64_t)1000000000 + time.tv_nsec;
}

/* Each of the following answers 0, or -1 when the connection is broken. */

/* Takes what has come on its way. */
static int take(struct direction *direction)
{
    static char bytes[AT_ONCE];
    struct parcel *parcel;
    ssize_t count = recv(direction->from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    parcel = malloc(sizeof *parcel + (size_t)count);
    if (parcel == NULL)
        return -1;
    *parcel = (struct parcel){.due = now() + direction->delay, .length = (size_t)count};
    memcpy(parcel->bytes, bytes, (size_t)count);
    *direction->last = parcel;
    direction->last = &parcel->next;
    direction->ended = count == 0;
    return 0;
}

static void drop_first(struct direction *direction)
{
    struct parcel *parcel = direction->first;
    direction->first = parcel->next;
    if (direction->first == NULL)
        direction->last = &direction->first;
    free(parcel);
}

static int deliver_first(struct direction *direction)
{
    struct parcel *parcel = direction->first;
    size_t left = parcel->length - parcel->delivered;
    ssize_t count = 0;
    if (left == 0)
        shutdown(direction->to, SHUT_WR);
    else
        count = send(direction->to, parcel->bytes + parcel->delivered, left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        return -1;
    direction->blocked = count < (ssize_t)left;
    parcel->delivered += count > 0 ? (size_t)count : 0;
    if (parcel->delivered == parcel->length)
        drop_first(direction);
    return 0;
}

/* Delivers what is due. */
static int deliver(struct direction *direction)
{
    while (direction->first != NULL && !direction->blocked && direction->first->due <= now())
        if (deliver_first(direction) != 0)
            return -1;
    return 0;
}

/* When there is something to deliver, as far as that is a matter of time. */
static int64_t next_due(const struct direction *direction)
{
    return direction->first != NULL && !direction->blocked ? direction->first->due : NEVER;
}

static int is_done(const struct direction *direction)
{
    return direction->ended && direction->first == NULL;
}

static struct direction direction(int from, int to, int delay_ms)
{
    return (struct direction){.from = from, .to = to, .delay = delay_ms * (int64_t)1000000};
}

static void wait_for(struct pollfd *polled, nfds_t count, int64_t until)
{
    int64_t left = until - now();
    struct timespec timeout = {.tv_sec = 0};
    if (left > 0)
        timeout = (struct timespec){.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
    if (ppoll(polled, count, until == NEVER ? NULL : &timeout, NULL) < 0)
        for (nfds_t i = 0; i < count; i++)
            polled[i].revents = 0;
}

/* Waits for something to do, and does it. */
static int step(struct direction *there, struct direction *back, int lifeline)
{
    int64_t until = next_due(there) < next_due(back) ? next_due(there) : next_due(back);
    struct pollfd polled[] = {
        {.fd = there->ended ? -1 : there->from, .events = POLLIN},
        {.fd = back->ended ? -1 : back->from, .events = POLLIN},
        {.fd = there->blocked ? there->to : -1, .events = POLLOUT},
        {.fd = back->blocked ? back->to : -1, .events = POLLOUT},
        {.fd = lifeline, .events = POLLIN},
    };
    wait_for(polled, 5, until);
    if (polled[4].revents != 0)
        return -1;
    if ((polled[0].revents != 0 && take(there) != 0) || (polled[1].revents != 0 && take(back) != 0))
        return -1;
    there->blocked &= polled[2].revents == 0;
    back->blocked &= polled[3].revents == 0;
    return deliver(there) == 0 ? deliver(back) : -1;
}

static void clear(struct direction *direction)
{
    while (direction->first != NULL)
        drop_first(direction);
}

void delay_line(int one, int other, int delay_ms, int lifeline)
{
    struct direction there = direction(one, other, delay_ms), back = direction(other, one, delay_ms);
    int on = 1;
    there.last = &there.first;
    back.last = &back.first;
    setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(other, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (!(is_done(&there) && is_done(&back)) && step(&there, &back, lifeline) == 0)
        ;
    clear(&there);
    clear(&back);
}

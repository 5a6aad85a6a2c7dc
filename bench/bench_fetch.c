/*
 * What it costs to fetch a mailbox to a callback that only counts: pop3connect against a bare C loop, libcurl and
 * libEtPan. First CPU time of the client, in the clear and under TLS: the server is another process on loopback, whose
 * time is not counted, nor is the log-in. Then round trips to a server that is far away, and time by the wall with one that
 * holds a part of each message back.
 *
 *   bench_fetch [rounds [rounds over the long line, and with what is held back]]
 *   bench_fetch only <client> <mode> <fetches>    for profilers: "bare loop", pop3connect, libcurl or libEtPan
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clocks.h"
#include "fetcher.h"
#include "held_back.h"
#include "number.h"
#include "report.h"
#include "round_trips.h"
#include "server.h"

enum { MESSAGES = 200, SIZE = 1000000 };
/* STLS differs from TLS in the log-in alone. */
enum { COMPARED_MODES = TLS + 1 };
enum { MOST_TRIPS = 4, MOST_MS = 1 };

static const struct fetcher *const fetchers[CLIENTS] = {
    [BARE] = &bare_fetcher, [OURS] = &our_fetcher, [CURL_PEER] = &curl_fetcher, [ETPAN_PEER] = &etpan_fetcher};
static struct target targets[COMPARED_MODES];

static int prepare(void)
{
    char options[64];
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    snprintf(options, sizeof options, "messages=%d size=%d", MESSAGES, SIZE);
    for (int mode = 0; mode < COMPARED_MODES; mode++)
        targets[mode] = target_start((enum mode)mode, options);
    for (int i = 0; i < CLIENTS; i++)
        if (fetchers[i]->prepare(&targets[TLS]) != 0)
            return -1;
    return 0;
}

static void clean_up(void)
{
    for (int i = 0; i < CLIENTS; i++)
        fetchers[i]->clean_up();
}

/* CPU milliseconds of fetching the mailbox, negative if it failed. */
static double run(const struct fetcher *fetcher, const struct target *target)
{
    double before, after;
    long long bytes;
    if (fetcher->open(target) != 0)
        return -1;
    before = cpu_microseconds();
    bytes = fetcher->fetch(MESSAGES);
    after = cpu_microseconds();
    if (fetcher->close() != 0 || bytes < 0 || fetcher_check(fetcher, MESSAGES, SIZE, bytes) != 0)
        return -1;
    return (after - before) / 1000;
}

/* One round of a mode. Each client is the first in turn, so that no place in the round is always the same one's. */
static int run_round(enum mode mode, int round, measured cpu)
{
    for (int i = 0; i < CLIENTS; i++) {
        int who = (round + i) % CLIENTS;
        cpu[mode][who][round] = run(fetchers[who], &targets[mode]);
        if (cpu[mode][who][round] < 0)
            return -1;
    }
    return 0;
}

/* A fetch is one connection, whoever does it. */
static int check_connections(int rounds)
{
    for (int mode = 0; mode < COMPARED_MODES; mode++) {
        int expected = CLIENTS * (rounds + 1); /* one more for the warm-up */
        int seen = server_connections(targets[mode].port);
        if (seen != expected) {
            fprintf(stderr, "%s: %d connections instead of %d\n", mode_name((enum mode)mode), seen, expected);
            return -1;
        }
    }
    return 0;
}

static int measure_cpu(int rounds, measured cpu)
{
    printf("%d messages of %d bytes, %d times\n", MESSAGES, SIZE, rounds);
    fflush(stdout);
    /* the first is the warm-up, and is written over */
    for (int mode = 0; mode < COMPARED_MODES; mode++)
        if (run_round((enum mode)mode, 0, cpu) != 0)
            return -1;
    for (int round = 0; round < rounds; round++)
        for (int mode = 0; mode < COMPARED_MODES; mode++)
            if (run_round((enum mode)mode, round, cpu) != 0)
                return -1;
    return check_connections(rounds);
}

static struct comparison comparison_of(int rounds)
{
    struct comparison comparison = {
        .unit = "CPU ms/mailbox", .modes = COMPARED_MODES, .clients = CLIENTS, .rounds = rounds};
    comparison.limit[PLAIN] = 2.0;
    comparison.limit[TLS] = 1.15;
    for (int i = 0; i < CLIENTS; i++)
        comparison.names[i] = fetchers[i]->name;
    return comparison;
}

static int bench(int rounds, int far_rounds)
{
    static measured cpu;
    struct comparison comparison = comparison_of(rounds);
    struct summary trips[CLIENTS];
    struct held_back held[CLIENTS];
    if (measure_cpu(rounds, cpu) != 0)
        return -1;
    report_table(&comparison, cpu);
    /* the bare loop would take as many as the peers: one for each message */
    if (round_trips(fetchers + OURS, CLIENTS - OURS, far_rounds, trips + OURS) != 0)
        return -1;
    if (held_back(fetchers + OURS, CLIENTS - OURS, far_rounds, held + OURS) != 0)
        return -1;
    report_targets();
    report_ratios(&comparison, cpu);
    report_at_most("far", "round trips", trips[OURS].median, MOST_TRIPS);
    report_at_most("held back", "ms a message", held[OURS].wall_ms, MOST_MS);
    report_verdict();
    return 0;
}

static int fetch_only(const struct fetcher *fetcher, const struct target *target, int count)
{
    double cpu = 0;
    for (int i = 0; i < count && cpu >= 0; i++)
        cpu = run(fetcher, target);
    if (cpu < 0)
        return -1;
    printf("%.1f CPU ms for the last mailbox\n", cpu);
    return 0;
}

static int bench_only(const char *client, const char *mode, int count)
{
    for (int i = 0; i < CLIENTS; i++)
        for (int j = 0; j < COMPARED_MODES; j++)
            if (strcmp(fetchers[i]->name, client) == 0 && strcmp(mode_name((enum mode)j), mode) == 0)
                return fetch_only(fetchers[i], &targets[j], count);
    fprintf(stderr, "no such client or mode: %s, %s\n", client, mode);
    return -1;
}

int main(int argc, char **argv)
{
    int only = argc == 5 && strcmp(argv[1], "only") == 0;
    int count = only ? number(argc, argv, 4, 1, MOST_ROUNDS) : number(argc, argv, 1, 20, MOST_ROUNDS);
    int far_rounds = only ? 0 : number(argc, argv, 2, 2, MOST_ROUNDS);
    int result = -1;
    if (prepare() == 0)
        result = only ? bench_only(argv[2], argv[3], count) : bench(count, far_rounds);
    clean_up();
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

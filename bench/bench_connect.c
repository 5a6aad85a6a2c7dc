/*
 * CPU time of the client per connect, log-in and quit: pop3connect against a bare C loop and libcurl, in the clear,
 * under TLS and after STLS. The server is another process on loopback, whose time is not counted. What a client does
 * once for the process, such as reading authorities, falls into the warm-up: "only … 1" shows it.
 *
 *   bench_connect [rounds [sessions in the clear [sessions under TLS]]]
 *   bench_connect only <client> <mode> <sessions>    for profilers: "bare loop", pop3connect or libcurl
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "clocks.h"
#include "dialogue.h"
#include "number.h"
#include "report.h"
#include "server.h"

enum { COMPARED = 3, MOST_SESSIONS = 1000000 };
static const struct client *const clients[COMPARED] = {[BARE] = &bare, [OURS] = &ours, [CURL_PEER] = &curl_peer};
static struct target targets[MODES];
/* Of each round. */
static int sessions[MODES];
static int rounds;

static int prepare(void)
{
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    for (int mode = 0; mode < MODES; mode++)
        targets[mode] = target_start((enum mode)mode, "");
    for (int i = 0; i < COMPARED; i++)
        if (clients[i]->prepare(&targets[TLS]) != 0)
            return -1;
    return 0;
}

static void clean_up(void)
{
    for (int i = 0; i < COMPARED; i++)
        clients[i]->clean_up();
}

/* CPU microseconds per session, negative if one failed. */
static double run(const struct client *client, const struct target *target, int count)
{
    double before = cpu_microseconds();
    for (int i = 0; i < count; i++)
        if (client->session(target) != 0)
            return -1;
    return (cpu_microseconds() - before) / count;
}

/* One round of a mode. Each client is the first in turn, so that no place in the round is always the same one's. */
static int run_round(enum mode mode, int round, measured cpu)
{
    for (int i = 0; i < COMPARED; i++) {
        int who = (round + i) % COMPARED;
        cpu[mode][who][round] = run(clients[who], &targets[mode], sessions[mode]);
        if (cpu[mode][who][round] < 0)
            return -1;
    }
    return 0;
}

static int warm_up(void)
{
    for (int mode = 0; mode < MODES; mode++)
        for (int i = 0; i < COMPARED; i++)
            if (run(clients[i], &targets[mode], sessions[mode]) < 0)
                return -1;
    return 0;
}

/* No client may have saved itself a connection, nor have made more than one for a session. */
static int check_connections(void)
{
    for (int mode = 0; mode < MODES; mode++) {
        int expected = COMPARED * (rounds + 1) * sessions[mode]; /* one more for the warm-up */
        int seen = server_connections(targets[mode].port);
        if (seen != expected) {
            fprintf(stderr, "%s: %d connections instead of %d\n", mode_name((enum mode)mode), seen, expected);
            return -1;
        }
    }
    return 0;
}

static int compare_dialogues(void)
{
    printf("What the clients say. libcurl cannot do without a command after the log-in: it has an exchange more.\n");
    for (int mode = 0; mode < MODES; mode++)
        if (dialogue_compare(clients, COMPARED, &targets[mode]) != 0)
            return -1;
    return 0;
}

static void report(measured cpu)
{
    struct comparison comparison = {.unit = "CPU µs/session", .modes = MODES, .clients = COMPARED, .rounds = rounds};
    comparison.limit[PLAIN] = 1.3;
    comparison.limit[TLS] = comparison.limit[STLS] = 1.1;
    for (int i = 0; i < COMPARED; i++)
        comparison.names[i] = clients[i]->name;
    report_table(&comparison, cpu);
    report_targets();
    report_ratios(&comparison, cpu);
    report_verdict();
}

static int bench(void)
{
    static measured cpu;
    if (compare_dialogues() != 0 || warm_up() != 0)
        return -1;
    printf("\n%d rounds of %d sessions each in the clear, %d under TLS\n", rounds, sessions[PLAIN], sessions[TLS]);
    fflush(stdout);
    for (int round = 0; round < rounds; round++)
        for (int mode = 0; mode < MODES; mode++)
            if (run_round((enum mode)mode, round, cpu) != 0)
                return -1;
    if (check_connections() != 0)
        return -1;
    report(cpu);
    return 0;
}

static int bench_only(const char *client, const char *mode, int count)
{
    for (int i = 0; i < COMPARED; i++)
        for (int j = 0; j < MODES; j++)
            if (strcmp(clients[i]->name, client) == 0 && strcmp(mode_name((enum mode)j), mode) == 0) {
                double cpu = run(clients[i], &targets[j], count);
                printf("%.1f CPU µs/session\n", cpu);
                return cpu < 0 ? -1 : 0;
            }
    fprintf(stderr, "no such client or mode: %s, %s\n", client, mode);
    return -1;
}

int main(int argc, char **argv)
{
    int only = argc == 5 && strcmp(argv[1], "only") == 0;
    int result = -1;
    if (!only) {
        rounds = number(argc, argv, 1, 100, MOST_ROUNDS);
        sessions[PLAIN] = number(argc, argv, 2, 50, MOST_SESSIONS);
        sessions[TLS] = sessions[STLS] = number(argc, argv, 3, 16, MOST_SESSIONS);
    }
    if (prepare() == 0)
        result = only ? bench_only(argv[2], argv[3], number(argc, argv, 4, 1, MOST_SESSIONS)) : bench();
    clean_up();
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

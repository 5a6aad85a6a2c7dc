#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modes.h"

/* How much pop3connect may use for each microsecond of the bare loop. */
static const double target_ratio[MODES] = {[PLAIN] = 1.3, [TLS] = 1.1, [STLS] = 1.1};

struct summary {
    double median, min, max;
};

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static struct summary summarise(const double *values, int count)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    return (struct summary){(sorted[(count - 1) / 2] + sorted[count / 2]) / 2, sorted[0], sorted[count - 1]};
}

/* Each ratio is taken within one round, so that what slows the machine down slows both sides of it. */
static struct summary ratios(const double *values, const double *to, int count)
{
    double ratio[MOST_ROUNDS];
    for (int i = 0; i < count; i++)
        ratio[i] = values[i] / to[i];
    return summarise(ratio, count);
}

static void print_row(enum mode mode, const char *client, const double *values, const double *yardstick, int rounds)
{
    struct summary ratio = ratios(values, yardstick, rounds);
    printf("%-6s  %-11s  %14.1f     %5.3f (%.3f … %.3f)\n", mode_name(mode), client, summarise(values, rounds).median,
           ratio.median, ratio.min, ratio.max);
}

/* Answers whether it was reached. */
static int print_target(enum mode mode, const char *to, double ratio, const char *relation, double limit, int reached)
{
    printf("  %-6s pop3connect / %-10s %.3f, wanted %-2s %.1f: %s\n", mode_name(mode), to, ratio, relation, limit,
           reached ? "reached" : "MISSED");
    return reached;
}

/* Answers how many of the mode's two targets were missed. */
static int print_targets(enum mode mode, const struct client *const *clients, measured cpu, int rounds)
{
    double to_bare = ratios(cpu[mode][OURS], cpu[mode][BARE], rounds).median;
    double to_curl = ratios(cpu[mode][OURS], cpu[mode][CURL_PEER], rounds).median;
    double limit = target_ratio[mode];
    int reached = print_target(mode, clients[BARE]->name, to_bare, "<=", limit, to_bare <= limit);
    reached += print_target(mode, clients[CURL_PEER]->name, to_curl, "<", 1.0, to_curl < 1.0);
    return 2 - reached;
}

void report(const struct client *const *clients, measured cpu, int rounds)
{
    int missed = 0;
    printf("\nmode    client       CPU µs/session     ratio to bare loop (min … max)\n");
    for (int mode = 0; mode < MODES; mode++)
        for (int i = 0; i < CLIENTS; i++)
            print_row((enum mode)mode, clients[i]->name, cpu[mode][i], cpu[mode][BARE], rounds);
    printf("\ntargets\n");
    for (int mode = 0; mode < MODES; mode++)
        missed += print_targets((enum mode)mode, clients, cpu, rounds);
    if (missed == 0)
        printf("\npop3connect reached all of its %d targets.\n", 2 * MODES);
    else
        printf("\npop3connect missed %d of its %d targets.\n", missed, 2 * MODES);
}

#include "report.h"

#include <stdio.h>

/* Of the targets. */
static int reported, missed;

static void print_row(const char *mode, const char *client, const double *values, const double *yardstick, int rounds)
{
    struct summary ratio = summarise_ratios(values, yardstick, rounds);
    printf("%-6s  %-11s  %14.1f     %5.3f (%.3f … %.3f)\n", mode, client, summarise(values, rounds).median,
           ratio.median, ratio.min, ratio.max);
}

void report_table(const struct comparison *comparison, measured values)
{
    printf("\nmode    client       %s     ratio to bare loop (min … max)\n", comparison->unit);
    for (int mode = 0; mode < comparison->modes; mode++)
        for (int i = 0; i < comparison->clients; i++)
            print_row(mode_name((enum mode)mode), comparison->names[i], values[mode][i], values[mode][BARE],
                      comparison->rounds);
}

void report_targets(void)
{
    printf("\ntargets\n");
}

static void print_target(const char *where, const char *what, double value, const char *relation, double limit,
                         int reached)
{
    printf("  %-6s %-24s %.3f, wanted %-2s %.2f: %s\n", where, what, value, relation, limit,
           reached ? "reached" : "MISSED");
    reported++;
    missed += !reached;
}

void report_at_most(const char *where, const char *what, double value, double limit)
{
    print_target(where, what, value, "<=", limit, value <= limit);
}

/* What a ratio of pop3connect to the other is called. */
static const char *ratio_name(const char *to)
{
    static char name[64];
    snprintf(name, sizeof name, "pop3connect / %s", to);
    return name;
}

void report_ratios(const struct comparison *comparison, measured values)
{
    for (int mode = 0; mode < comparison->modes; mode++) {
        const char *where = mode_name((enum mode)mode);
        for (int i = 0; i < comparison->clients; i++) {
            double ratio = summarise_ratios(values[mode][OURS], values[mode][i], comparison->rounds).median;
            if (i == BARE)
                report_at_most(where, ratio_name(comparison->names[i]), ratio, comparison->limit[mode]);
            else if (i != OURS)
                print_target(where, ratio_name(comparison->names[i]), ratio, "<", 1.0, ratio < 1.0);
        }
    }
}

void report_verdict(void)
{
    if (missed == 0)
        printf("\npop3connect reached all of its %d targets.\n", reported);
    else
        printf("\npop3connect missed %d of its %d targets.\n", missed, reported);
}

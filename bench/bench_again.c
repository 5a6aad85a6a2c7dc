/*
 * What it saves to have connected before. Over a line of 50 ms: the round trips of connect, log-in and quit, once more
 * with a server that was logged in to before, against a bare loop that asks for nothing and sends USER and PASS one by
 * one. On loopback: the client's CPU time of a session whose TLS was resumed, against one that was not.
 *
 *   bench_again [rounds over the line [rounds on loopback [sessions of each]]]
 */
#include <pop3connect.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare_session.h"
#include "clocks.h"
#include "number.h"
#include "our_session.h"
#include "relay.h"
#include "report.h"
#include "statistics.h"

enum { ROUND_TRIP_MS = 50, MOST_SESSIONS = 100000 };

static int bare_session(const struct target *target)
{
    struct bare_stream stream;
    int result = bare_log_in_knowing(&stream, target) == 0 ? bare_quit(&stream) : -1;
    bare_close(&stream);
    return result;
}

static int check_resumed(int32_t socket, int resumed)
{
    pop3_tls_info info;
    int is = pop3_get_tls_info(socket, &info) == POP3_OK ? info.resumed : -1;
    pop3_tls_info_free(&info);
    if (is != resumed)
        fprintf(stderr, "pop3connect: the session was %sresumed\n", is ? "" : "not ");
    return is == resumed ? 0 : -1;
}

/* `resumed` is what TLS must have been, where there is TLS. */
static int our_session(const struct target *target, int resumed)
{
    int32_t socket;
    int result;
    if (our_log_in(&socket, target) != 0)
        return -1;
    result = target->mode == PLAIN ? 0 : check_resumed(socket, resumed);
    return our_quit(socket) == 0 ? result : -1;
}

/* Round trips of one session, negative if it failed. */
static double trips(int (*session)(const struct target *), const struct target *target)
{
    double before = wall_milliseconds();
    return session(target) == 0 ? (wall_milliseconds() - before) / ROUND_TRIP_MS : -1;
}

/* In the clear the mechanism is named: what anybody could have said chooses none, so that else CAPA would be asked. */
static int our_session_again(const struct target *target)
{
    int32_t socket;
    if (target->mode != PLAIN)
        return our_session(target, 1);
    return our_log_in_by(&socket, target, "USER") == 0 && our_quit(socket) == 0 ? 0 : -1;
}

static int measure_trips(enum mode mode, int rounds, double *saved)
{
    double bare[MOST_ROUNDS], ours[MOST_ROUNDS];
    struct summary of_bare, of_ours;
    struct target target = target_start(mode, "");
    target.port = relay_start(target.port, ROUND_TRIP_MS / 2);
    pop3_forget(NULL);
    /* the first one learns */
    if (target.port < 0 || our_session(&target, 0) != 0)
        return -1;
    for (int round = 0; round < rounds; round++) {
        bare[round] = trips(bare_session, &target);
        ours[round] = trips(our_session_again, &target);
        if (bare[round] < 0 || ours[round] < 0)
            return -1;
    }
    relay_stop();
    of_bare = summarise(bare, rounds);
    of_ours = summarise(ours, rounds);
    *saved = of_bare.median - of_ours.median;
    printf("%-5s  %5.2f (%.2f … %.2f)     %5.2f (%.2f … %.2f)     %5.2f\n", mode_name(mode), of_bare.median, of_bare.min,
           of_bare.max, of_ours.median, of_ours.min, of_ours.max, *saved);
    fflush(stdout);
    return 0;
}

/* CPU microseconds of a session, negative if one failed. */
static double cpu_of(const struct target *target, int resumed, int sessions)
{
    double before = cpu_microseconds();
    for (int i = 0; i < sessions; i++) {
        if (!resumed)
            pop3_forget(NULL);
        if (our_session(target, resumed) != 0)
            return -1;
    }
    return (cpu_microseconds() - before) / sessions;
}

static int measure_cpu(enum mode mode, const char *version, int rounds, int sessions, double *ratio)
{
    double full[MOST_ROUNDS], resumed[MOST_ROUNDS];
    char options[32];
    struct target target;
    struct summary ratios;
    snprintf(options, sizeof options, "tls-max=%s", version);
    target = target_start(mode, options);
    /* warms up, and learns */
    if (cpu_of(&target, 0, sessions) < 0)
        return -1;
    for (int round = 0; round < rounds; round++) {
        full[round] = cpu_of(&target, 0, sessions);
        resumed[round] = cpu_of(&target, 1, sessions);
        if (full[round] < 0 || resumed[round] < 0)
            return -1;
    }
    ratios = summarise_ratios(resumed, full, rounds);
    *ratio = ratios.median;
    printf("%-5s  %s  %9.1f  %9.1f     %.3f (%.3f … %.3f)\n", mode_name(mode), version, summarise(full, rounds).median,
           summarise(resumed, rounds).median, ratios.median, ratios.min, ratios.max);
    fflush(stdout);
    return 0;
}

static int bench(int line_rounds, int rounds, int sessions)
{
    static const char *const versions[] = {"1.3", "1.2"};
    double saved[MODES], ratio[2][MODES];
    struct target any = target_start(TLS, "");
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    if (bare_prepare(&any) != 0 || our_prepare(&any) != 0)
        return -1;
    printf("Round trips of connect, log-in and quit over %d ms, once more, %d times\n\n", ROUND_TRIP_MS, line_rounds);
    printf("mode   USER, PASS (min … max)  pop3connect (min … max)  saved\n");
    for (int mode = 0; mode < MODES; mode++)
        if (measure_trips((enum mode)mode, line_rounds, &saved[mode]) != 0)
            return -1;
    printf("\nCPU µs of a session with a full handshake and CAPA, and of one that resumes; %d rounds of %d\n\n", rounds,
           sessions);
    printf("mode   TLS  full       resumed       ratio (min … max)\n");
    for (int version = 0; version < 2; version++)
        for (int mode = TLS; mode <= STLS; mode++)
            if (measure_cpu((enum mode)mode, versions[version], rounds, sessions, &ratio[version][mode]) != 0)
                return -1;
    report_targets();
    for (int mode = 0; mode < MODES; mode++)
        report_at_most(mode_name((enum mode)mode), "round trips more than one less than USER, PASS", 1 - saved[mode], 0.1);
    for (int version = 0; version < 2; version++)
        for (int mode = TLS; mode <= STLS; mode++)
            report_at_most(mode_name((enum mode)mode), version == 0 ? "of a full TLS 1.3 connect" : "of a full TLS 1.2 connect",
                           ratio[version][mode], 0.7);
    report_verdict();
    return 0;
}

int main(int argc, char **argv)
{
    int line_rounds = number(argc, argv, 1, 10, MOST_ROUNDS);
    int rounds = number(argc, argv, 2, 50, MOST_ROUNDS);
    int result = bench(line_rounds, rounds, number(argc, argv, 3, 20, MOST_SESSIONS));
    bare_clean_up();
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

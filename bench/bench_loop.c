/*
 * Many mailboxes at once on one thread: CPU time and memory of a session, and the wall time of all, of pop3_loop against
 * a bare epoll loop, threads and libcurl's multi interface; then how long a small session takes while others fetch huge
 * messages. The server is another process on loopback, whose time is not counted, and which answers after 50 ms.
 *
 *   bench_loop [rounds [sessions at once [sessions of libcurl's [messages of 100 MB]]]]
 */
#define _GNU_SOURCE /* RUSAGE_THREAD */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clocks.h"
#include "crowd.h"
#include "number.h"
#include "pop3connect.h"
#include "process.h"
#include "statistics.h"

enum { DELAY_MS = 50 };

/* What asking has cost. */
struct cost {
    double cpu_us, wall_ms, kib; /* of all sessions */
    long long lines;
};

/* Asks in a process of its own, so that each begins alike. */
static int measure(const struct crowd *crowd, int tls, int count, struct cost *cost)
{
    struct crowd_server server;
    int ends[2];
    long long connections;
    if (crowd_server_start(&server, tls, DELAY_MS, 1000) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        int warm = crowd->ask(&server, tls, 1);
        long before = resident_kib();
        peak_forget();
        double cpu = cpu_microseconds(), wall = wall_milliseconds();
        int answered = crowd->ask(&server, tls, count);
        struct cost is = {cpu_microseconds() - cpu, wall_milliseconds() - wall, (double)(peak_kib() - before), 0};
        if (warm != 1 || answered < count)
            fprintf(stderr, "%s: %d of %d answered\n", crowd->name, answered, count);
        _exit(warm == 1 && answered >= count && write(ends[1], &is, sizeof is) == sizeof is ? 0 : 1);
    }
    close(ends[1]);
    int is_good = read(ends[0], cost, sizeof *cost) == sizeof *cost;
    close(ends[0]);
    waitpid(pid, NULL, 0);
    crowd_server_stop(&server, &cost->lines, &connections);
    if (is_good && connections != count + 1)
        fprintf(stderr, "%s: %lld connections instead of %d\n", crowd->name, connections, count + 1);
    return is_good && connections == count + 1 ? 0 : -1;
}

static int compare(int tls, int rounds, int count, const double limits[2])
{
    const struct crowd *crowds[] = {&crowd_bare, &crowd_loop, &crowd_threads};
    enum { CROWDS = 3 };
    static double cpu[CROWDS][MOST_ROUNDS], wall[CROWDS][MOST_ROUNDS], kib[CROWDS][MOST_ROUNDS];
    struct cost cost;
    long long lines = 0;
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < CROWDS; i++) {
            int who = (round + i) % CROWDS;
            if (measure(crowds[who], tls, count, &cost) != 0)
                return -1;
            cpu[who][round] = cost.cpu_us / count;
            wall[who][round] = cost.wall_ms;
            kib[who][round] = cost.kib / count;
            if (lines != 0 && lines != cost.lines)
                fprintf(stderr, "%s says %lld lines, the one before %lld\n", crowds[who]->name, cost.lines, lines);
            lines = cost.lines;
        }
    printf("\n%d sessions at once %s, %d rounds, median (least to most)\n", count, tls ? "under TLS" : "in the clear", rounds);
    for (int i = 0; i < CROWDS; i++) {
        struct summary cpus = summarise(cpu[i], rounds), walls = summarise(wall[i], rounds), kibs = summarise(kib[i], rounds);
        struct summary ratio = summarise_ratios(cpu[i], cpu[0], rounds);
        printf("  %-16s %7.1f (%.1f to %.1f) CPU µs/session, %.2f of the bare loop's; %6.1f KiB/session; %7.0f ms in all\n",
               crowds[i]->name, cpus.median, cpus.min, cpus.max, ratio.median, kibs.median, walls.median);
    }
    struct summary ratio = summarise_ratios(cpu[1], cpu[0], rounds), kibs = summarise(kib[1], rounds);
    printf("  targets: CPU at most %.2f of the bare loop's: %s; at most %.0f KB/session: %s\n", limits[0],
           ratio.median <= limits[0] ? "reached" : "missed", limits[1],
           kibs.median * 1.024 <= limits[1] ? "reached" : "missed");
    return 0;
}

static int compare_with_curl(int tls, int count)
{
    struct cost ours, curls;
    if (measure(&crowd_loop, tls, count, &ours) != 0 || measure(&crowd_curl, tls, count, &curls) != 0)
        return -1;
    printf("  %d sessions at once %s: pop3_loop %.0f ms, %.0f CPU µs/session; libcurl multi %.0f ms, %.0f CPU µs/session\n",
           count, tls ? "under TLS" : "in the clear", ours.wall_ms, ours.cpu_us / count, curls.wall_ms,
           curls.cpu_us / count);
    return 0;
}

/* Small sessions one after the other beside those that fetch, and how long each took. */
struct beside {
    pop3_loop *loop;
    pop3_options *options;
    double began, ms[MOST_ROUNDS];
    int count, fetching;
    long long octets;
};

static void small_done(int32_t call, int32_t result, void *context)
{
    struct beside *beside = context;
    double now = wall_milliseconds();
    (void)call;
    if (result == 1 && beside->count < MOST_ROUNDS)
        beside->ms[beside->count++] = now - beside->began;
    beside->began = now;
    if (beside->fetching != 0)
        pop3_loop_stat(beside->loop, beside->options, small_done, beside);
}

static int32_t fetch(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct beside *beside = context;
    (void)number, (void)data, (void)last;
    beside->octets += (long long)len;
    return 0;
}

static void fetch_done(int32_t call, int32_t result, void *context)
{
    struct beside *beside = context;
    (void)call;
    if (result != 1)
        fprintf(stderr, "pop3connect: %s\n", pop3_get_last_error());
    beside->fetching--;
}

static int latency(int fetchers)
{
    struct crowd_server small, large;
    static struct beside beside;
    long long lines, connections;
    if (crowd_server_start(&small, 0, 0, 1000) != 0 || crowd_server_start(&large, 0, 0, 100000000) != 0)
        return -1;
    for (int turn = 0; turn < 2; turn++) {
        pop3_options *fetched = pop3_options_new();
        beside = (struct beside){.loop = pop3_loop_new(), .options = pop3_options_new()};
        pop3_options_set_server(beside.options, crowd_address(&small, 0));
        pop3_options_set_server(fetched, crowd_address(&large, 0));
        pop3_options *both[] = {beside.options, fetched};
        for (int i = 0; i < 2; i++) {
            pop3_options_set_user(both[i], "alice");
            pop3_options_set_password(both[i], "s3cret pass");
        }
        pop3_loop_set_limits(beside.loop, 0, 0);
        for (int i = 0; turn == 1 && i < fetchers; i++, beside.fetching++)
            pop3_loop_recv(beside.loop, fetched, fetch, 0, 0, fetch_done, &beside);
        double begin = wall_milliseconds();
        beside.began = begin;
        pop3_loop_stat(beside.loop, beside.options, small_done, &beside);
        /* alone: as many as take half a second */
        if (turn == 0)
            beside.fetching = 1;
        while (pop3_loop_run(beside.loop, -1) > 0)
            if (turn == 0 && wall_milliseconds() - begin > 500)
                beside.fetching = 0;
        struct summary took = summarise(beside.ms, beside.count);
        if (turn == 0)
            printf("\nA small session alone: median %.2f ms, at most %.2f, of %d\n", took.median, took.max, beside.count);
        else
            printf("While %d others fetch 100 MB each, %.0f MB/s in all: median %.1f ms, at most %.1f, of %d\n", fetchers,
                   (double)beside.octets / 1e3 / (wall_milliseconds() - begin), took.median, took.max, beside.count);
        pop3_loop_free(beside.loop);
        pop3_options_free(beside.options);
        pop3_options_free(fetched);
    }
    crowd_server_stop(&small, &lines, &connections);
    crowd_server_stop(&large, &lines, &connections);
    return 0;
}

int main(int argc, char **argv)
{
    const double limits[2][2] = {{1.3, 6}, {1.1, 40}};
    int rounds = number(argc, argv, 1, 3, MOST_ROUNDS), count = number(argc, argv, 2, 10000, 19000);
    int of_curl = number(argc, argv, 3, 400, 10000), fetchers = number(argc, argv, 4, 100, 1000);
    struct rlimit files;
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    printf("Each session: connects, logs in, STAT, QUIT. The server answers after %d ms.\n", DELAY_MS);
    fflush(stdout);
    for (int tls = 0; tls < 2; tls++) {
        if (compare(tls, rounds, count, limits[tls]) != 0)
            return EXIT_FAILURE;
        fflush(stdout);
        if (compare_with_curl(tls, of_curl) != 0)
            return EXIT_FAILURE;
        fflush(stdout);
    }
    return latency(fetchers) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * What it costs to collect a mailbox, each message once, to a callback that only counts: CPU time of the client, from
 * connecting to QUIT, against a bare C loop that keeps no book. Then what it costs to find that nothing is new among many,
 * beside the same loop that only receives their unique ids.
 *
 *   bench_collect [rounds]
 *
 * The book knows of an empty mailbox before each run; it is on the disk that TMPDIR names, or else /tmp.
 */
#include <pop3connect.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clocks.h"
#include "fetcher.h"
#include "number.h"
#include "our_session.h"
#include "report.h"

enum { MESSAGES = 200, SIZE = 1000000, KNOWN = 100000 };
enum { COMPARED_MODES = TLS + 1 };
/* In the table of report.h; there are no peers in one library. */
enum { WITHOUT_BOOK = CURL_PEER, COLLECTORS };

static const char *const names[] = {[BARE] = "bare loop", [OURS] = "pop3connect", [WITHOUT_BOOK] = "no book"};
static struct target targets[COMPARED_MODES];
/* A book before anything was taken, and the one of a run. */
static char begun[4096], book[4096];

static int32_t count_bytes(const pop3_arrival *arrival, const char *data, size_t length, int32_t last, void *context)
{
    (void)arrival;
    (void)data;
    (void)last;
    *(long long *)context += (long long)length;
    return 0;
}

/* Answers how many bytes came, or -1 when it has told stderr why not. */
static long long collect(const struct target *target, const char *path, int messages)
{
    char server[32];
    long long total = 0;
    pop3_outcome outcome;
    pop3_options *options = pop3_options_new();
    pop3_job *job = pop3_job_new();
    snprintf(server, sizeof server, "127.0.0.1:%d", target->port);
    pop3_options_set_server(options, server);
    pop3_options_set_user(options, target->user);
    pop3_options_set_password(options, target->pass);
    pop3_options_set_secure(options, target->mode == TLS);
    pop3_job_set_book(job, path);
    pop3_job_set_message_cb(job, count_bytes, &total);
    /* what a setter refused is refused here */
    int32_t result = pop3_collect(options, job, &outcome);
    pop3_job_free(job);
    pop3_options_free(options);
    if (result != POP3_OK)
        return our_fail("pop3_collect", result);
    return outcome.taken == messages ? total : our_fail("messages", outcome.taken);
}

static int prepare(void)
{
    char options[64];
    const char *folder = getenv("TMPDIR");
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    snprintf(book, sizeof book, "%s/pop3connect-bench-%d.book", folder == NULL ? "/tmp" : folder, (int)getpid());
    snprintf(begun, sizeof begun, "%s/pop3connect-bench-%d.begun", folder == NULL ? "/tmp" : folder, (int)getpid());
    snprintf(options, sizeof options, "messages=%d size=%d", MESSAGES, SIZE);
    for (int mode = 0; mode < COMPARED_MODES; mode++)
        targets[mode] = target_start((enum mode)mode, options);
    if (bare_fetcher.prepare(&targets[TLS]) != 0 || our_prepare(&targets[TLS]) != 0)
        return -1;
    struct target empty = target_start(PLAIN, "messages=0");
    return collect(&empty, begun, 0) == 0 ? 0 : -1;
}

static long long fetch_bare(const struct target *target)
{
    if (bare_fetcher.open(target) != 0)
        return -1;
    long long total = bare_fetcher.fetch(MESSAGES);
    return bare_fetcher.close() == 0 ? total : -1;
}

static int copy(const char *from, const char *to)
{
    char buffer[64 * 1024];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t length = in == NULL || out == NULL ? 0 : fread(buffer, 1, sizeof buffer, in);
    int ok = length > 0 && length < sizeof buffer && fwrite(buffer, 1, length, out) == length;
    if (in != NULL)
        fclose(in);
    if (out != NULL && fclose(out) != 0)
        ok = 0;
    if (!ok)
        fprintf(stderr, "cannot copy %s to %s\n", from, to);
    return ok ? 0 : -1;
}

/* CPU milliseconds of a mailbox, negative if it failed. */
static double run(int who, const struct target *target)
{
    if (who == OURS && copy(begun, book) != 0)
        return -1;
    double before = cpu_microseconds();
    long long bytes = who == BARE ? fetch_bare(target) : collect(target, who == OURS ? book : NULL, MESSAGES);
    double after = cpu_microseconds();
    if (who == OURS)
        unlink(book);
    const struct fetcher *counts = who == BARE ? &bare_fetcher : &our_fetcher;
    return bytes < 0 || fetcher_check(counts, MESSAGES, SIZE, bytes) != 0 ? -1 : (after - before) / 1000;
}

/* One round. Each is the first in turn, so that no place in the round is always the same one's. */
static int run_round(int round, measured cpu)
{
    for (int mode = 0; mode < COMPARED_MODES; mode++)
        for (int i = 0; i < COLLECTORS; i++) {
            int who = (round + i) % COLLECTORS;
            cpu[mode][who][round] = run(who, &targets[mode]);
            if (cpu[mode][who][round] < 0)
                return -1;
        }
    return 0;
}

/* Milliseconds by the wall of receiving all unique ids, negative if it failed. */
static double receive_ids(const struct target *target)
{
    if (bare_fetcher.open(target) != 0)
        return -1;
    double before = wall_milliseconds();
    long long bytes = bare_ask("UIDL\r\n");
    double after = wall_milliseconds();
    return bare_fetcher.close() == 0 && bytes > KNOWN ? after - before : -1;
}

/* The same of a run that takes nothing, and how much more memory the process had at its peak, in KiB. */
static double look_ids_up(const struct target *target, long *memory)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    long before_it = used.ru_maxrss;
    double before = wall_milliseconds();
    long long bytes = collect(target, book, 0);
    double after = wall_milliseconds();
    getrusage(RUSAGE_SELF, &used);
    *memory = used.ru_maxrss - before_it;
    return bytes == 0 ? after - before : -1;
}

/* Takes them all, in a process of its own: what that needs of memory is not to be seen here. */
static int take_all(const struct target *target)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(collect(target, book, KNOWN) < 0);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

/* Many are known and none is new. Answers how many microseconds an id takes that is not received alone, or -1. */
static double known(int rounds)
{
    static double receiving[MOST_ROUNDS], run[MOST_ROUNDS];
    long memory = 0, more;
    char options[64];
    snprintf(options, sizeof options, "messages=%d size=100", KNOWN);
    struct target target = target_start(PLAIN, options);
    if (take_all(&target) != 0)
        return -1;
    for (int round = 0; round < rounds; round++) {
        receiving[round] = receive_ids(&target);
        run[round] = look_ids_up(&target, &more);
        if (receiving[round] < 0 || run[round] < 0)
            return -1;
        memory += more;
    }
    unlink(book);
    double loop = summarise(receiving, rounds).median, ours = summarise(run, rounds).median;
    printf("\n%d unique ids that are all known, %d times: %.1f ms for a bare loop to receive them,\n"
           "%.1f ms for the whole run, %ld KiB more at its peak\n", KNOWN, rounds, loop, ours, memory);
    return (ours - loop) * 1000 / KNOWN;
}

static int bench(int rounds)
{
    static measured cpu;
    struct comparison comparison = {
        .unit = "CPU ms/mailbox", .modes = COMPARED_MODES, .clients = COLLECTORS, .rounds = rounds};
    comparison.limit[PLAIN] = 1.15;
    comparison.limit[TLS] = 1.15;
    for (int i = 0; i < COLLECTORS; i++)
        comparison.names[i] = names[i];
    printf("%d messages of %d bytes collected, each once, %d times\n", MESSAGES, SIZE, rounds);
    fflush(stdout);
    /* the first is the warm-up, and is written over */
    for (int round = -1; round < rounds; round++)
        if (run_round(round < 0 ? 0 : round, cpu) != 0)
            return -1;
    report_table(&comparison, cpu);
    double each = known(rounds);
    if (each < 0)
        return -1;
    report_targets();
    for (int mode = 0; mode < COMPARED_MODES; mode++)
        report_at_most(mode_name((enum mode)mode), "with a book / bare loop",
                       summarise_ratios(cpu[mode][OURS], cpu[mode][BARE], rounds).median, comparison.limit[mode]);
    /* the test server is quick to send them; Dovecot needs 11 µs for each */
    report_at_most("known", "µs an id, looked up", each, 3);
    report_verdict();
    return 0;
}

int main(int argc, char **argv)
{
    int result = prepare() == 0 ? bench(number(argc, argv, 1, 20, MOST_ROUNDS)) : -1;
    bare_fetcher.clean_up();
    unlink(begun);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

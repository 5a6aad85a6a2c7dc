/*
 * What it costs to collect a mailbox, each message once, to a callback that only counts: CPU time of the client, from
 * connecting to QUIT, against a bare C loop that keeps no book.
 *
 *   bench_collect [rounds]
 *
 * The book is a new file for each run, on the disk that TMPDIR names, or else /tmp.
 */
#include <pop3connect.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpu.h"
#include "fetcher.h"
#include "number.h"
#include "our_session.h"
#include "report.h"

enum { MESSAGES = 200, SIZE = 1000000 };
enum { COMPARED_MODES = TLS + 1 };
/* In the table of report.h; there are no peers in one library. */
enum { WITHOUT_BOOK = CURL_PEER, COLLECTORS };

static const char *const names[] = {[BARE] = "bare loop", [OURS] = "pop3connect", [WITHOUT_BOOK] = "no book"};
static struct target targets[COMPARED_MODES];
static char book[4096];

static int prepare(void)
{
    char options[64];
    const char *folder = getenv("TMPDIR");
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    snprintf(book, sizeof book, "%s/pop3connect-bench-%d.book", folder == NULL ? "/tmp" : folder, (int)getpid());
    snprintf(options, sizeof options, "messages=%d size=%d", MESSAGES, SIZE);
    for (int mode = 0; mode < COMPARED_MODES; mode++)
        targets[mode] = target_start((enum mode)mode, options);
    return bare_fetcher.prepare(&targets[TLS]) == 0 && our_prepare(&targets[TLS]) == 0 ? 0 : -1;
}

static int32_t count_bytes(const pop3_arrival *arrival, const char *data, size_t length, int32_t last, void *context)
{
    (void)arrival;
    (void)data;
    (void)last;
    *(long long *)context += (long long)length;
    return 0;
}

/* Answers how many bytes came, or -1 when it has told stderr why not. */
static long long collect(const struct target *target, const char *path)
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
    return outcome.taken == MESSAGES ? total : our_fail("messages", outcome.taken);
}

static long long fetch_bare(const struct target *target)
{
    if (bare_fetcher.open(target) != 0)
        return -1;
    long long total = bare_fetcher.fetch(MESSAGES);
    return bare_fetcher.close() == 0 ? total : -1;
}

/* CPU milliseconds of a mailbox, negative if it failed. */
static double run(int who, const struct target *target)
{
    double before = cpu_microseconds();
    long long bytes = who == BARE ? fetch_bare(target) : collect(target, who == OURS ? book : NULL);
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
    report_targets();
    for (int mode = 0; mode < COMPARED_MODES; mode++)
        report_at_most(mode_name((enum mode)mode), "with a book / bare loop",
                       summarise_ratios(cpu[mode][OURS], cpu[mode][BARE], rounds).median, comparison.limit[mode]);
    report_verdict();
    return 0;
}

int main(int argc, char **argv)
{
    int result = prepare() == 0 ? bench(number(argc, argv, 1, 20, MOST_ROUNDS)) : -1;
    bare_fetcher.clean_up();
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

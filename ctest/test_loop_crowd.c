/* Thousands of calls at once on one thread, of which a third is served, a third is reset and a third never answered. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "check.h"
#include "crowd_server.h"
#include "pop3connect.h"
#include "process.h"

/* How the calls have ended. */
struct ends {
    int served, reset, timed_out, cancelled, others;
};

static void count(int32_t call, int32_t result, void *context)
{
    struct ends *ends = context;
    (void)call;
    if (result == 1)
        ends->served++;
    else if (result == POP3_ERR_CONNECTION_LOST)
        ends->reset++;
    else if (result == POP3_ERR_TIMEOUT)
        ends->timed_out++;
    else if (result == POP3_ERR_CANCELLED)
        ends->cancelled++;
    else if (CHECK_INT(result, 1) == 0)
        ends->others++;
}

/* As many as there are descriptors for, up to that many, by threes. */
static int sessions(int wanted)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    long long room = (long long)files.rlim_cur - 200;
    return (int)(room < wanted ? room : wanted) / 3 * 3;
}

static void add(pop3_loop *loop, const struct crowd_server *server, int tls, int all, int timeout_ms, struct ends *ends)
{
    for (int i = 0; i < ADDRESSES; i++) {
        pop3_options *options = pop3_options_new();
        pop3_options_set_server(options, crowd_address(server, i));
        pop3_options_set_user(options, "alice");
        pop3_options_set_password(options, "s3cret pass");
        pop3_options_set_secure(options, tls);
        pop3_options_set_verify(options, 0);
        pop3_options_set_pipelining(options, 0);
        CHECK_INT(pop3_options_set_timeouts(options, 600000, timeout_ms, 0), 0);
        for (int j = i; j < all; j += ADDRESSES)
            CHECK(pop3_loop_stat(loop, options, count, ends) > 0);
        pop3_options_free(options);
    }
}

static void each_ends_as_its_server_has_it(int tls, int wanted, int timeout_ms)
{
    struct crowd_server server;
    struct ends ends = {0};
    long long lines, connections;
    int all = sessions(wanted), descriptors, left;
    pop3_forget(NULL);
    if (!CHECK_INT(crowd_server_start_faulty(&server, tls), 0))
        return;
    pop3_loop *loop = pop3_loop_new();
    descriptors = open_descriptors();
    CHECK_INT(pop3_loop_set_limits(loop, 0, 0), 0);
    add(loop, &server, tls, all, timeout_ms, &ends);
    while ((left = pop3_loop_run(loop, -1)) > 0)
        ;
    CHECK_INT(left, 0);
    CHECK_INT(ends.served, all / 3);
    CHECK_INT(ends.reset, all / 3);
    CHECK_INT(ends.timed_out, all / 3);
    CHECK_INT(ends.others, 0);
    CHECK_INT(open_descriptors(), descriptors);
    pop3_loop_free(loop);
    crowd_server_stop(&server, &lines, &connections);
    CHECK_INT(connections, all);
}

static void in_the_clear(void)
{
    each_ends_as_its_server_has_it(0, 10000, 20000);
}

static void under_tls(void)
{
    each_ends_as_its_server_has_it(1, 600, 10000);
}

static void all_are_ended_where_the_loop_is_freed(void)
{
    struct crowd_server server;
    struct ends ends = {0};
    long long lines, connections;
    int all = sessions(3000);
    if (!CHECK_INT(crowd_server_start_faulty(&server, 0), 0))
        return;
    int descriptors = open_descriptors();
    pop3_loop *loop = pop3_loop_new();
    CHECK_INT(pop3_loop_set_limits(loop, all / 2, 0), 0);
    add(loop, &server, 0, all, 600000, &ends);
    while (ends.served + ends.reset < 100)
        CHECK(pop3_loop_run(loop, -1) > 0);
    pop3_loop_free(loop);
    CHECK_INT(ends.served + ends.reset + ends.cancelled, all);
    CHECK(ends.cancelled >= all / 2);
    CHECK_INT(open_descriptors(), descriptors);
    crowd_server_stop(&server, &lines, &connections);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    RUN(in_the_clear);
    RUN(under_tls);
    RUN(all_are_ended_where_the_loop_is_freed);
    return check_result();
}

/*
 * The switch that runs a test a second time over a loop: a program that is compiled with the names of these functions in
 * the place of the library's own has each call that a loop can do as well be done by one.
 */
#include "check.h"
#include "pop3connect.h"

int32_t stat_by_loop(const char *server, const char *user, const char *pass, pop3_sts_cb sts_cb, int32_t secure,
                     int32_t verify);
int32_t recv_by_loop(const char *server, const char *user, const char *pass, pop3_message_cb message_cb, void *context,
                     int32_t delete_after, pop3_sts_cb sts_cb, int32_t max_messages, int32_t secure, int32_t verify);
int32_t stat_with_by_loop(const pop3_options *options);
int32_t recv_with_by_loop(const pop3_options *options, pop3_message_cb message_cb, void *context, int32_t delete_after,
                          int32_t max_messages);
int32_t collect_by_loop(const pop3_options *options, const pop3_job *job, pop3_outcome *out);

/* What became of a call. */
struct end {
    int calls;
    int32_t call;
    int32_t result;
};

/* What a call hands to its callbacks: its own, and the host's. */
struct both {
    struct end end;
    pop3_message_cb message_cb;
    void *context;
};

static void note_end(int32_t call, int32_t result, void *context)
{
    struct end *end = context;
    end->calls++;
    end->call = call;
    end->result = result;
}

static int32_t pass_on(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct both *both = context;
    return both->message_cb(number, data, len, last, both->context);
}

/* Goes on until the call is over, as `end` knows; what it answered. */
static int32_t run(pop3_loop *loop, int32_t call, const struct end *end)
{
    int32_t left = 1;
    while (call > 0 && left > 0)
        left = pop3_loop_run(loop, -1);
    if (call > 0) {
        CHECK_INT(left, 0);
        CHECK_INT(end->calls, 1);
        CHECK_INT(end->call, call);
    }
    pop3_loop_free(loop);
    return call > 0 ? end->result : call;
}

int32_t stat_with_by_loop(const pop3_options *options)
{
    pop3_loop *loop = pop3_loop_new();
    struct end end = {0};
    return run(loop, pop3_loop_stat(loop, options, note_end, &end), &end);
}

int32_t recv_with_by_loop(const pop3_options *options, pop3_message_cb message_cb, void *context, int32_t delete_after,
                          int32_t max_messages)
{
    pop3_loop *loop = pop3_loop_new();
    /* the first of it is what note_end() takes */
    struct both both = {.message_cb = message_cb, .context = context};
    pop3_message_cb callback = message_cb ? pass_on : NULL;
    return run(loop, pop3_loop_recv(loop, options, callback, delete_after, max_messages, note_end, &both), &both.end);
}

int32_t collect_by_loop(const pop3_options *options, const pop3_job *job, pop3_outcome *out)
{
    pop3_loop *loop = pop3_loop_new();
    struct end end = {0};
    return run(loop, pop3_loop_collect(loop, options, job, out, note_end, &end), &end);
}

static void tell_status(const char *status, void *context)
{
    (*(pop3_sts_cb *)context)(status);
}

/* What the arguments of pop3_connect say; options have none that is NULL. */
static pop3_options *basic(const char *server, const char *user, const char *pass, pop3_sts_cb *sts_cb, int32_t secure,
                           int32_t verify)
{
    pop3_options *options = pop3_options_new();
    pop3_options_set_server(options, server);
    pop3_options_set_user(options, user);
    pop3_options_set_password(options, pass);
    pop3_options_set_secure(options, secure);
    pop3_options_set_verify(options, verify);
    if (*sts_cb)
        pop3_options_set_status_cb(options, tell_status, sts_cb);
    return options;
}

int32_t stat_by_loop(const char *server, const char *user, const char *pass, pop3_sts_cb sts_cb, int32_t secure,
                     int32_t verify)
{
    if (!server || !user || !pass)
        return pop3_stat(server, user, pass, sts_cb, secure, verify);
    pop3_options *options = basic(server, user, pass, &sts_cb, secure, verify);
    int32_t result = stat_with_by_loop(options);
    pop3_options_free(options);
    return result;
}

int32_t recv_by_loop(const char *server, const char *user, const char *pass, pop3_message_cb message_cb, void *context,
                     int32_t delete_after, pop3_sts_cb sts_cb, int32_t max_messages, int32_t secure, int32_t verify)
{
    if (!server || !user || !pass)
        return pop3_recv(server, user, pass, message_cb, context, delete_after, sts_cb, max_messages, secure, verify);
    pop3_options *options = basic(server, user, pass, &sts_cb, secure, verify);
    int32_t result = recv_with_by_loop(options, message_cb, context, delete_after, max_messages);
    pop3_options_free(options);
    return result;
}

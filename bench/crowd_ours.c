/* pop3connect: by a loop, and by a thread for each session. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "crowd.h"
#include "pop3connect.h"

static pop3_options *options_for(const struct crowd_server *server, int tls, int index)
{
    pop3_options *options = pop3_options_new();
    int refused = pop3_options_set_server(options, crowd_address(server, index)) != 0 ||
                  pop3_options_set_user(options, "alice") != 0 ||
                  pop3_options_set_password(options, "s3cret pass") != 0 || pop3_options_set_secure(options, tls) != 0;
    if (tls)
        refused |= pop3_options_set_ca_file(options, server->ca_file) != 0 ||
                   pop3_options_set_platform_trust(options, 0) != 0 ||
                   pop3_options_set_tls_name(options, "127.0.0.1") != 0 ||
                   /* the bare loop knows the server as well */
                   pop3_options_set_capabilities(options, 0) != 0;
    pop3_options_set_timeouts(options, 600000, 600000, 0);
    if (refused)
        fprintf(stderr, "pop3connect: %s\n", pop3_get_last_error());
    return options;
}

static void count_done(int32_t call, int32_t result, void *context)
{
    (void)call;
    if (result == 1)
        ++*(int *)context;
    else
        fprintf(stderr, "pop3connect: %s\n", pop3_get_last_error());
}

static int ask_by_loop(const struct crowd_server *server, int tls, int count)
{
    int answered = 0, left;
    pop3_loop *loop = pop3_loop_new();
    pop3_options *options[ADDRESSES];
    for (int i = 0; i < ADDRESSES; i++)
        options[i] = options_for(server, tls, i);
    pop3_loop_set_limits(loop, 0, 0);
    for (int i = 0; i < count; i++)
        if (pop3_loop_stat(loop, options[i % ADDRESSES], count_done, &answered) < 0)
            return -1;
    while ((left = pop3_loop_run(loop, -1)) > 0)
        ;
    for (int i = 0; i < ADDRESSES; i++)
        pop3_options_free(options[i]);
    pop3_loop_free(loop);
    return answered;
}

struct asked {
    const pop3_options *options;
    atomic_int *answered;
};

static void *ask_one(void *asked)
{
    struct asked *of = asked;
    if (pop3_stat_with(of->options) == 1)
        atomic_fetch_add(of->answered, 1);
    else
        fprintf(stderr, "pop3connect: %s\n", pop3_get_last_error());
    return NULL;
}

static int ask_by_threads(const struct crowd_server *server, int tls, int count)
{
    atomic_int answered = 0;
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    struct asked asked[ADDRESSES];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    for (int i = 0; i < ADDRESSES; i++)
        asked[i] = (struct asked){options_for(server, tls, i), &answered};
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], &attributes, ask_one, &asked[i % ADDRESSES]) != 0)
            return -1;
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return answered;
}

const struct crowd crowd_loop = {"pop3_loop", ask_by_loop};
const struct crowd crowd_threads = {"a thread each", ask_by_threads};

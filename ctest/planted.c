/*
 * Defects of a host that show in the library's own code, one at a time, for tools/sanitize.sh: a checker that does not
 * report them does not look into the library. planted leak|freed|race
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pop3connect.h"

/* What the library allocates is not given back. */
__attribute__((noinline)) static int leak(void)
{
    pop3_options *options = pop3_options_new();
    int result = pop3_options_set_user(options, "alice");
    /* hidden from whoever looks for pointers to it */
    options = NULL;
    return result != 0 || options != NULL;
}

/* The library reads memory that has been freed. */
static int freed(void)
{
    /* the compiler would warn of the plain one */
    void (*volatile give_back)(void *) = free;
    pop3_options *options = pop3_options_new();
    char *server = strdup("pop.example.com");
    give_back(server);
    pop3_options_set_server(options, server);
    pop3_options_free(options);
    return 0;
}

static void *set_timeouts(void *options)
{
    for (int i = 0; i < 1000; i++)
        pop3_options_set_timeouts(options, i, i, i);
    return NULL;
}

/* Two threads change the same options at once. */
static int race(void)
{
    pthread_t threads[2];
    pop3_options *options = pop3_options_new();
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, set_timeouts, options) != 0)
            return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pop3_options_free(options);
    return 0;
}

/* What it leaves on the stack lies deeper than the end of the process reaches: a pointer there would hide a leak. */
__attribute__((noinline)) static int deep_down(int (*defect)(void))
{
    volatile char room[256 * 1024];
    room[0] = 0;
    return defect() + room[0];
}

int main(int argc, char **argv)
{
    const char *which = argc == 2 ? argv[1] : "";
    if (strcmp(which, "leak") == 0)
        return deep_down(leak);
    if (strcmp(which, "freed") == 0)
        return freed();
    if (strcmp(which, "race") == 0)
        return race();
    fprintf(stderr, "planted leak|freed|race\n");
    return 2;
}

/* What loop_epoll.c does, in libuv's loop: POP3_PASS=password loop_libuv SECONDS SECURE USER SERVER[:PORT]... */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "pop3connect.h"

static pop3_loop *mail;
static uv_poll_t descriptor;
static uv_timer_t timer;
static int failures;

static void print_count(int32_t call, int32_t result, void *server)
{
    (void)call;
    printf("%s: %d %s\n", (char *)server, (int)result, result < 0 ? pop3_get_last_error() : "messages");
    failures += result < 0;
}

static void run(uv_timer_t *unused)
{
    (void)unused;
    if (pop3_loop_run(mail, 0) <= 0)
        uv_stop(uv_default_loop());
    else if (pop3_loop_timeout(mail) >= 0)
        uv_timer_start(&timer, run, (uint64_t)pop3_loop_timeout(mail), 0);
}

static void on_readable(uv_poll_t *unused, int status, int events)
{
    (void)unused, (void)status, (void)events;
    run(&timer);
}

int main(int count, char **arguments)
{
    if (count < 5 || getenv("POP3_PASS") == NULL || (mail = pop3_loop_new()) == NULL) {
        fprintf(stderr, "usage: POP3_PASS=password %s SECONDS SECURE USER SERVER[:PORT]...\n", arguments[0]);
        return 2;
    }
    pop3_options *options = pop3_options_new();
    pop3_options_set_timeouts(options, 0, 0, atoi(arguments[1]) * 1000);
    pop3_options_set_secure(options, atoi(arguments[2]));
    pop3_options_set_user(options, arguments[3]);
    pop3_options_set_password(options, getenv("POP3_PASS"));
    for (int i = 4, call; i < count; i++) {
        pop3_options_set_server(options, arguments[i]);
        if ((call = pop3_loop_stat(mail, options, print_count, arguments[i])) < 0)
            print_count(call, call, arguments[i]); /* it has not begun */
    }
    pop3_options_free(options);
    uv_timer_init(uv_default_loop(), &timer);
    uv_poll_init(uv_default_loop(), &descriptor, pop3_loop_fd(mail));
    uv_poll_start(&descriptor, UV_READABLE, on_readable);
    run(&timer);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    pop3_loop_free(mail);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

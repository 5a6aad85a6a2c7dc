/*
 * Asks the same user's mailboxes on many servers how many messages wait, all at once, in a loop over epoll (Linux).
 *
 *   POP3_PASS=password loop_epoll SECONDS SECURE USER SERVER[:PORT]...
 *
 * SECONDS is how long each may take; SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "pop3connect.h"

static int failures;

/* The done callback. */
static void print_count(int32_t call, int32_t result, void *server)
{
    (void)call;
    printf("%s: %d %s\n", (const char *)server, (int)result, result < 0 ? pop3_get_last_error() : "messages");
    failures += result < 0;
}

int main(int count, char **arguments)
{
    const char *pass = getenv("POP3_PASS");
    if (count < 5 || pass == NULL) {
        fprintf(stderr, "usage: POP3_PASS=password %s SECONDS SECURE USER SERVER[:PORT]...\n", arguments[0]);
        return 2;
    }
    pop3_loop *loop = pop3_loop_new();
    int poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop};
    if (loop == NULL || epoll_ctl(poller, EPOLL_CTL_ADD, pop3_loop_fd(loop), &event) != 0) {
        perror(arguments[0]);
        return EXIT_FAILURE;
    }
    pop3_options *options = pop3_options_new();
    pop3_options_set_timeouts(options, 0, 0, atoi(arguments[1]) * 1000);
    pop3_options_set_secure(options, atoi(arguments[2]));
    pop3_options_set_user(options, arguments[3]);
    pop3_options_set_password(options, pass);
    for (int i = 4; i < count; i++) {
        pop3_options_set_server(options, arguments[i]);
        int32_t call = pop3_loop_stat(loop, options, print_count, arguments[i]);
        if (call < 0)
            print_count(call, call, arguments[i]); /* it has not begun */
    }
    pop3_options_free(options); /* the loop has copied them */

    /* what else the host waits for would be in the same epoll; after each wait, also one that nothing came in, run */
    while (pop3_loop_run(loop, 0) > 0)
        epoll_wait(poller, &event, 1, pop3_loop_timeout(loop));
    pop3_loop_free(loop);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

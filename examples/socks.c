/*
 * Says how many messages wait in a mailbox that is reached through a proxy, as Tor's or the one of `ssh -D`.
 *
 *   POP3_PASS=password [POP3_PROXY=socks5://[user:password@]host:port] socks SERVER[:PORT] USER [SECURE [VERIFY]]
 *
 * Without POP3_PROXY the proxy is Tor's, 127.0.0.1:9050; http://… is one that knows CONNECT. The server's name is looked up
 * by the proxy, and nothing goes past it. SECURE is 0 (in the clear), 1 (TLS, if it is not given) or 2 (STARTTLS), VERIFY 0
 * or 1: who runs a proxy can read and change what goes through it in the clear, so leave both where they are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pop3connect.h"

static int failed(const char *what, int32_t code)
{
    printf("%s: error %d: %s\n", what, (int)code, pop3_get_last_error());
    return EXIT_FAILURE;
}

int main(int count, char **arguments)
{
    const char *pass = getenv("POP3_PASS"), *proxy = getenv("POP3_PROXY");
    if (count < 3 || count > 5 || pass == NULL) {
        fprintf(stderr, "usage: POP3_PASS=password [POP3_PROXY=socks5://[user:password@]host:port] %s SERVER[:PORT] USER "
                        "[SECURE [VERIFY]]\n", arguments[0]);
        return 2;
    }
    pop3_options *options = pop3_options_new();
    /* each setter that refuses its value has the connect answer an error that names it; this one says why */
    int32_t result = pop3_options_set_proxy(options, proxy != NULL ? proxy : "socks5://127.0.0.1:9050");
    if (result < 0) {
        pop3_options_free(options);
        return failed("POP3_PROXY", result);
    }
    pop3_options_set_server(options, arguments[1]);
    pop3_options_set_user(options, arguments[2]);
    pop3_options_set_password(options, pass);
    pop3_options_set_secure(options, count > 3 ? atoi(arguments[3]) : 1);
    pop3_options_set_verify(options, count > 4 ? atoi(arguments[4]) : 1);
    pop3_options_set_timeouts(options, 120000, 120000, 0); /* Tor takes its time */

    int32_t messages = pop3_stat_with(options);
    pop3_options_free(options);
    if (messages < 0)
        return failed("pop3_stat_with", messages);
    printf("%d messages\n", (int)messages);
    return EXIT_SUCCESS;
}

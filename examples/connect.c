/*
 * Connects to a POP3 server, logs in, counts the messages, disconnects, and prints what is said meanwhile.
 *
 *   POP3_PASS=password connect SERVER[:PORT] USER [SECURE [VERIFY]]
 *
 * SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS), VERIFY 0 or 1. The password comes from the environment, where
 * other users of the machine can't see it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pop3connect.h"

/* StsProc: one line of what is said to the server, by the server, or about it. */
static void print_status(const char *status)
{
    printf("    %s\n", status);
}

static int failed(const char *what, int32_t code)
{
    printf("%s: error %d: %s\n    %s\n", what, (int)code, pop3_error_text(code), pop3_get_last_error());
    return EXIT_FAILURE;
}

int main(int count, char **arguments)
{
    const char *pass = getenv("POP3_PASS");
    if (count < 3 || count > 5 || pass == NULL) {
        fprintf(stderr, "usage: POP3_PASS=password %s SERVER[:PORT] USER [SECURE [VERIFY]]\n", arguments[0]);
        return 2;
    }
    int32_t secure = count > 3 ? atoi(arguments[3]) : 0;
    int32_t verify = count > 4 ? atoi(arguments[4]) : 1;

    int32_t socket = pop3_connect(arguments[1], arguments[2], pass, print_status, secure, verify);
    if (socket < 0)
        return failed("pop3_connect", socket);

    int32_t messages = pop3_message_count(socket, print_status);
    if (messages < 0)
        failed("pop3_message_count", messages);
    else
        printf("%d messages\n", (int)messages);

    /* essential, even after an error: it frees the socket */
    int32_t result = pop3_disconnect(socket, print_status);
    if (result < 0)
        return failed("pop3_disconnect", result);
    return messages < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

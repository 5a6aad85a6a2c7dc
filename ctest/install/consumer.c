/*
 * A program of somebody who has the installed library and nothing else: consumer VERSION [SERVER]
 *
 * Checks that the library is of that version, that it says what is wrong, and with SERVER holds a session over TLS.
 */
#include <pop3connect.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(pop3_version(), argv[1]) != 0)
        return printf("the library is %s\n", pop3_version()), 1;
    int32_t result = pop3_connect("", "alice", "s3cret pass", NULL, 1, 1);
    if (result != POP3_ERR_NO_ADDRESS)
        return printf("no server: %d: %s\n", (int)result, pop3_get_last_error()), 1;
    if (argc == 2)
        return 0;

    int32_t socket = pop3_connect(argv[2], "alice", "s3cret pass", NULL, 1, 1);
    if (socket < 0)
        return printf("connecting: %d: %s\n", (int)socket, pop3_get_last_error()), 1;
    int32_t messages = pop3_message_count(socket, NULL);
    result = pop3_disconnect(socket, NULL);
    if (messages != 3 || result != POP3_OK)
        return printf("%d messages, then %d: %s\n", (int)messages, (int)result, pop3_get_last_error()), 1;
    return 0;
}

/* A program of somebody who has the installed library and nothing else. */
#include <pop3connect.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 2 || strcmp(pop3_version(), argv[1]) != 0)
        return printf("the library is %s\n", pop3_version()), 1;
    int32_t result = pop3_connect("", "alice", "secret", NULL, 1, 1);
    if (result != POP3_ERR_NO_ADDRESS)
        return printf("%d: %s\n", (int)result, pop3_get_last_error()), 1;
    return 0;
}

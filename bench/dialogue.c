#include "dialogue.h"

#include <stdio.h>
#include <string.h>

#include "server.h"

/* Shows commands one after the other; `received` has their ends as the four characters \r\n. */
static void print_commands(const char *client, const char *received)
{
    const char *end;
    printf("  %-11s ", client);
    for (; (end = strstr(received, "\\r\\n")) != NULL; received = end + 4)
        printf(" %.*s%s", (int)(end - received), received, end[4] != '\0' ? "," : "");
    printf("\n");
}

static int record(const struct client *client, struct target target, char *received, size_t size)
{
    target.port = target_start(target.mode, "record=yes").port;
    if (client->session(&target) != 0)
        return -1;
    snprintf(received, size, "%s", server_received(target.port));
    return 0;
}

int dialogue_compare(const struct client *const *clients, int count, const struct target *target)
{
    char yardstick[1024], received[1024];
    if (record(clients[0], *target, yardstick, sizeof yardstick) != 0)
        return -1;
    printf("%s\n", mode_name(target->mode));
    print_commands(clients[0]->name, yardstick);
    for (int i = 1; i < count; i++) {
        if (record(clients[i], *target, received, sizeof received) != 0)
            return -1;
        print_commands(clients[i]->name, received);
        if (i == 1 && strcmp(received, yardstick) != 0) {
            fprintf(stderr, "%s says something else than the %s\n", clients[1]->name, clients[0]->name);
            return -1;
        }
    }
    return 0;
}

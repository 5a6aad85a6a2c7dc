#include "dialogue.h"

#include <stdio.h>
#include <string.h>

#include "server.h"

/* Shows commands one after the other; `heard` has their ends as the four characters \r\n. */
static void print_commands(const char *client, const char *heard)
{
    const char *end;
    printf("  %-11s ", client);
    for (; (end = strstr(heard, "\\r\\n")) != NULL; heard = end + 4)
        printf(" %.*s%s", (int)(end - heard), heard, end[4] != '\0' ? "," : "");
    printf("\n");
}

static int record(const struct client *client, struct target target, char *heard, size_t size)
{
    target.port = target_start(target.mode, "record=yes").port;
    if (client->session(&target) != 0)
        return -1;
    snprintf(heard, size, "%s", server_received(target.port));
    return 0;
}

int dialogue_compare(const struct client *const *clients, int count, const struct target *target)
{
    char yardstick[1024], heard[1024];
    if (record(clients[0], *target, yardstick, sizeof yardstick) != 0)
        return -1;
    printf("%s\n", mode_name(target->mode));
    print_commands(clients[0]->name, yardstick);
    for (int i = 1; i < count; i++) {
        if (record(clients[i], *target, heard, sizeof heard) != 0)
            return -1;
        print_commands(clients[i]->name, heard);
        if (i == 1 && strcmp(heard, yardstick) != 0) {
            fprintf(stderr, "%s says something else than the %s\n", clients[1]->name, clients[0]->name);
            return -1;
        }
    }
    return 0;
}

#include "relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "delay_line.h"

static struct child child;

struct line {
    int to_port, delay_ms;
};

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void serve(int client, int lifeline, const void *context)
{
    const struct line *line = context;
    int server = connect_to(line->to_port);
    if (server < 0)
        return;
    delay_line(client, server, line->delay_ms, lifeline);
    close(server);
}

int relay_start(int to_port, int delay_ms)
{
    struct line line = {to_port, delay_ms};
    return child_start(&child, serve, &line);
}

void relay_stop(void)
{
    child_stop(&child);
}

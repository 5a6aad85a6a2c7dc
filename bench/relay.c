#define _GNU_SOURCE /* accept4, close_range, pipe2 */
#include "relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "delay_line.h"

static pid_t pid;
/* A pipe, which has its end when the parent wants no relay any more, or is gone. */
static int lifeline;

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    return fd;
}

static int connect_to(int port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Answers the next connection, or -1 at the end of the lifeline. */
static int next_connection(int listener)
{
    struct pollfd polled[] = {{.fd = listener, .events = POLLIN}, {.fd = lifeline, .events = POLLIN}};
    if (poll(polled, 2, -1) <= 0 || polled[1].revents != 0)
        return -1;
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static void serve(int listener, int to_port, int delay_ms)
{
    int client;
    while ((client = next_connection(listener)) >= 0) {
        int server = connect_to(to_port);
        if (server >= 0) {
            delay_line(client, server, delay_ms, lifeline);
            close(server);
        }
        close(client);
    }
}

/* The child keeps nothing else of the parent's: it would hold open what others wait to see closed. */
static void keep_only(int one, int other)
{
    unsigned int low = (unsigned int)(one < other ? one : other), high = (unsigned int)(one < other ? other : one);
    close_range(3, low - 1, 0); /* fails where there is none between, which is fine */
    close_range(low + 1, high - 1, 0);
    close_range(high + 1, ~0U, 0);
}

int relay_start(int to_port, int delay_ms)
{
    int port, ends[2];
    int listener = listen_anywhere(&port);
    if (listener < 0 || pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        perror("relay");
        return -1;
    }
    if (pid == 0) {
        lifeline = ends[0];
        keep_only(listener, lifeline);
        serve(listener, to_port, delay_ms);
        _exit(0);
    }
    close(listener);
    close(ends[0]);
    lifeline = ends[1];
    return port;
}

void relay_stop(void)
{
    close(lifeline);
    waitpid(pid, NULL, 0);
}

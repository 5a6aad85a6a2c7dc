#define _GNU_SOURCE /* accept4, close_range, pipe2 */
#include "child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_anywhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    return fd;
}

/* Answers the next connection, or -1 at the end of the lifeline. */
static int next_connection(int listener, int lifeline)
{
    struct pollfd polled[] = {{.fd = listener, .events = POLLIN}, {.fd = lifeline, .events = POLLIN}};
    if (poll(polled, 2, -1) <= 0 || polled[1].revents != 0)
        return -1;
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

/* The child keeps nothing else of the parent's: it would hold open what others wait to see closed. */
static void keep_only(int one, int other)
{
    unsigned int low = (unsigned int)(one < other ? one : other), high = (unsigned int)(one < other ? other : one);
    close_range(3, low - 1, 0); /* fails where there is none between, which is fine */
    close_range(low + 1, high - 1, 0);
    close_range(high + 1, ~0U, 0);
}

int child_start(struct child *child, child_serve serve, const void *context)
{
    int port, ends[2], connection;
    int listener = listen_anywhere(&port);
    if (listener < 0 || pipe2(ends, O_CLOEXEC) != 0 || (child->pid = fork()) < 0) {
        perror("a server for the benchmark");
        return -1;
    }
    if (child->pid == 0) {
        keep_only(listener, ends[0]);
        while ((connection = next_connection(listener, ends[0])) >= 0) {
            serve(connection, ends[0], context);
            close(connection);
        }
        _exit(0);
    }
    close(listener);
    close(ends[0]);
    child->lifeline = ends[1];
    return port;
}

void child_stop(const struct child *child)
{
    close(child->lifeline);
    waitpid(child->pid, NULL, 0);
}

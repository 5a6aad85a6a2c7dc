#define _GNU_SOURCE /* accept4 */
#include "address.h"
#include "relay.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "sockets.h"

/* Far more than any wait of the library's that a test asks for. */
enum { PATIENCE_MS = 30000 };

static int bound_to(int port)
{
    struct sockaddr_in name = loopback(port);
    const int on = 1;
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bound < 0 || setsockopt(bound, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(bound, (struct sockaddr *)&name, sizeof name) != 0)
        check_fatal("no port for the relay");
    return bound;
}

void relay_open(struct relay *relay, int server_port)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    memset(relay, 0, sizeof *relay);
    relay->server_port = server_port;
    /* keeps the port from others while nobody listens there */
    relay->reserved = bound_to(0);
    if (getsockname(relay->reserved, (struct sockaddr *)&name, &size) != 0)
        check_fatal("no port for the relay");
    relay->port = ntohs(name.sin_port);
}

void relay_close(struct relay *relay)
{
    close_socket(relay->reserved);
}

static int wait_for(struct pollfd *polled, nfds_t count)
{
    return poll(polled, count, PATIENCE_MS) > 0;
}

static int send_all(int to, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(to, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
        bytes += sent;
        length -= (size_t)sent;
    }
    return 1;
}

/* What the library says; whether it has not closed. */
static int from_library(struct relay *relay, int library, int server)
{
    char bytes[4096];
    ssize_t count = recv(library, bytes, sizeof bytes, 0);
    if (count <= 0)
        return 0;
    for (ssize_t i = 0; i < count && relay->said_len < sizeof relay->said; i++)
        relay->said[relay->said_len++] = bytes[i];
    /* a server that has closed is not the library's affair before it is told so */
    if (server >= 0)
        send_all(server, bytes, (size_t)count);
    return 1;
}

/* What the server says, as far as it may be passed on; whether it has not closed. */
static int from_server(struct relay *relay, int library, int server)
{
    char bytes[4096];
    size_t room = relay->limit - relay->passed;
    ssize_t count = recv(server, bytes, relay->fault != NO_FAULT && room < sizeof bytes ? room : sizeof bytes, 0);
    if (count <= 0) {
        shutdown(library, SHUT_WR);
        return 0;
    }
    send_all(library, bytes, (size_t)count);
    relay->passed += (size_t)count;
    return 1;
}

/* Until the library closes or is to be reset. */
static void pass_on(struct relay *relay, int library, int server)
{
    struct pollfd polled[2] = {{.fd = library, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    /* -1 when it is not listened to any more */
    int heard = server;
    for (;;) {
        if (!relay->struck && relay->fault != NO_FAULT && relay->passed == relay->limit) {
            relay->struck = 1;
            heard = -1;
            if (relay->fault == RESET)
                return;
            if (relay->fault == CUT)
                shutdown(library, SHUT_WR);
        }
        if (!wait_for(polled, heard < 0 ? 1 : 2))
            return;
        if (polled[0].revents != 0 && !from_library(relay, library, heard))
            return;
        if (heard >= 0 && polled[1].revents != 0 && !from_server(relay, library, server))
            heard = -1;
    }
}

static void *serve(void *argument)
{
    struct relay *relay = argument;
    struct sockaddr_in name = loopback(relay->server_port);
    struct pollfd polled = {.fd = relay->listener, .events = POLLIN};
    const struct linger reset = {1, 0};
    const int on = 1;
    int library = wait_for(&polled, 1) ? (int)accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    /* a library that connects once more is refused */
    close_socket(relay->listener);
    if (library < 0)
        return NULL;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&name, sizeof name) != 0)
        check_fatal("the relay cannot connect");
    relay->connected = 1;
    setsockopt(library, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pass_on(relay, library, server);
    /* both at once: thousands of ports in TIME-WAIT would use them up */
    setsockopt(server, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(library, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close_socket(library);
    close_socket(server);
    return NULL;
}

void relay_start(struct relay *relay, enum fault fault, size_t limit)
{
    relay->connected = relay->struck = 0;
    relay->passed = relay->said_len = 0;
    relay->fault = fault;
    relay->limit = limit;
    relay->listener = bound_to(relay->port);
    if (listen(relay->listener, 1) != 0)
        check_fatal("the relay cannot listen");
    if (pthread_create(&relay->thread, NULL, serve, relay) != 0)
        check_fatal("no thread for the relay");
}

void relay_wait(struct relay *relay)
{
    pthread_join(relay->thread, NULL);
}

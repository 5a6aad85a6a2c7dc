#define _GNU_SOURCE /* accept4, pipe2 */
#include "crowd_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

struct connection {
    int fd;
    SSL *ssl;
    int is_shaken;
    char line[128];
    size_t length;
    /* what is to be said next, and when */
    const char *answer;
    double due;
    /* of a message */
    long long left;
    struct connection *next;
    int has_quit, is_over;
    /* what happens to it at PASS */
    enum { SERVED, RESET, SILENT, FATES } fate;
};

static struct {
    SSL_CTX *context;
    int epoll, delay_ms, is_faulty;
    long long octets, lines, connections;
    /* those that have something to say: each gets to it after the same time, so they are in order */
    struct connection *first, **last;
} server;

static const char *answer_to(struct connection *connection)
{
    static char listed[128];
    const char *line = connection->line;
    if (strncasecmp(line, "CAPA", 4) == 0)
        return "+OK\r\nUSER\r\nUIDL\r\nTOP\r\n.\r\n";
    if (strncasecmp(line, "STAT", 4) == 0)
        snprintf(listed, sizeof listed, "+OK 1 %lld\r\n", server.octets);
    else if (strncasecmp(line, "LIST", 4) == 0)
        snprintf(listed, sizeof listed, "+OK\r\n1 %lld\r\n.\r\n", server.octets);
    else if (strncasecmp(line, "RETR", 4) == 0) {
        connection->left = server.octets;
        return "+OK\r\n";
    } else {
        connection->has_quit = strncasecmp(line, "QUIT", 4) == 0;
        return "+OK\r\n";
    }
    return listed;
}

static void answer_later(struct connection *connection, const char *answer)
{
    connection->answer = answer;
    connection->due = (double)now_ms() + server.delay_ms;
    connection->next = NULL;
    *server.last = connection;
    server.last = &connection->next;
}

static void end(struct connection *connection)
{
    if (connection->ssl)
        SSL_free(connection->ssl);
    close(connection->fd);
    connection->ssl = NULL;
    connection->is_over = 1;
    /* what is to be said yet holds it */
    if (!connection->answer)
        free(connection);
}

/* As write(), but 0 where there is no room. */
static ssize_t put(struct connection *connection, const char *text, size_t length)
{
    ssize_t count = connection->ssl ? SSL_write(connection->ssl, text, (int)length)
                                    : send(connection->fd, text, length, MSG_NOSIGNAL);
    if (count > 0)
        return count;
    if (connection->ssl)
        return SSL_get_error(connection->ssl, (int)count) == SSL_ERROR_WANT_WRITE ? 0 : -1;
    return errno == EAGAIN ? 0 : -1;
}

/* Says as much of a message as there is room for; 0 where the connection is over. */
static int put_message(struct connection *connection)
{
    static char block[65536];
    if (!block[0])
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
    while (connection->left > 0) {
        size_t part = connection->left < (long long)sizeof block ? (size_t)connection->left : sizeof block;
        ssize_t count = put(connection, block + (sizeof block - part) % 64, part);
        if (count < 0)
            return 0;
        if (count == 0)
            return 1;
        connection->left -= count;
        if (connection->left == 0)
            return put(connection, "\r\n.\r\n", 5) > 0;
    }
    return 1;
}

static int say(struct connection *connection, const char *answer)
{
    if (put(connection, answer, strlen(answer)) <= 0)
        return 0;
    return !connection->has_quit && put_message(connection);
}

static void say_what_is_due(void)
{
    while (server.first && server.first->due <= (double)now_ms()) {
        struct connection *connection = server.first;
        const char *answer = connection->answer;
        server.first = connection->next;
        if (!server.first)
            server.last = &server.first;
        connection->answer = NULL;
        if (connection->is_over)
            free(connection);
        else if (!say(connection, answer))
            end(connection);
    }
}

static int shake_hands(struct connection *connection)
{
    int result = SSL_accept(connection->ssl);
    if (result == 1) {
        connection->is_shaken = 1;
        answer_later(connection, "+OK ready\r\n");
        return 1;
    }
    int error = SSL_get_error(connection->ssl, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static int hear(struct connection *connection)
{
    if (connection->ssl && !connection->is_shaken && !shake_hands(connection))
        return 0;
    if (connection->ssl && !connection->is_shaken)
        return 1;
    for (;;) {
        size_t room = sizeof connection->line - 1 - connection->length;
        char *to = connection->line + connection->length;
        ssize_t count = connection->ssl ? SSL_read(connection->ssl, to, (int)room) : recv(connection->fd, to, room, 0);
        if (count <= 0 && connection->ssl)
            return SSL_get_error(connection->ssl, (int)count) == SSL_ERROR_WANT_READ;
        if (count <= 0)
            return count < 0 && errno == EAGAIN;
        connection->length += (size_t)count;
        connection->line[connection->length] = '\0';
        /* nobody says more than a line before its answer has come */
        if (strchr(connection->line, '\n')) {
            server.lines++;
            connection->length = 0;
            if (connection->fate != SERVED && strncasecmp(connection->line, "PASS", 4) == 0) {
                struct linger at_once = {1, 0};
                if (connection->fate == SILENT)
                    return 1;
                setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
                return 0;
            }
            answer_later(connection, answer_to(connection));
        }
    }
}

static void take(int listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
        epoll_ctl(server.epoll, EPOLL_CTL_ADD, fd, &event);
        if (server.is_faulty)
            connection->fate = server.connections % FATES;
        server.connections++;
        if (server.context) {
            connection->ssl = SSL_new(server.context);
            SSL_set_fd(connection->ssl, fd);
            SSL_set_accept_state(connection->ssl);
        } else {
            answer_later(connection, "+OK ready\r\n");
        }
    }
}

/* Which listeners there are; those that wait are told by their numbers, below `ADDRESSES`. */
static int listeners[ADDRESSES];

static void serve(int lifeline)
{
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.last = &server.first;
    for (uintptr_t i = 0; i < ADDRESSES; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        epoll_ctl(server.epoll, EPOLL_CTL_ADD, listeners[i], &event);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = ADDRESSES};
    epoll_ctl(server.epoll, EPOLL_CTL_ADD, lifeline, &event);
    for (;;) {
        struct epoll_event events[256];
        double left = server.first ? server.first->due - (double)now_ms() : 1000;
        int count = epoll_wait(server.epoll, events, 256, left <= 0 ? 0 : (int)left + 1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == ADDRESSES)
                return;
            if (events[i].data.u64 < ADDRESSES) {
                take(listeners[events[i].data.u64]);
                continue;
            }
            struct connection *connection = events[i].data.ptr;
            int goes_on = !(events[i].events & EPOLLIN) || hear(connection);
            if (goes_on && connection->left > 0 && !connection->answer)
                goes_on = put_message(connection);
            if (!goes_on)
                end(connection);
        }
        say_what_is_due();
    }
}

/* A key, and a certificate of its own that is good for 127.0.0.1; the clients find that in a file. */
static int make_context(char *ca_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)"crowd",
                               -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    X509V3_CTX of;
    X509V3_set_ctx(&of, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, &of, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    server.context = SSL_CTX_new(TLS_server_method());
    /* nobody resumes a session, or the later ones would be cheaper */
    SSL_CTX_set_options(server.context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(server.context, 0);
    SSL_CTX_set_session_cache_mode(server.context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(server.context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                         SSL_MODE_RELEASE_BUFFERS);
    int fd = mkstemp(ca_file);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file || PEM_write_X509(file, certificate) != 1 || fclose(file) != 0 ||
        SSL_CTX_use_certificate(server.context, certificate) != 1 || SSL_CTX_use_PrivateKey(server.context, key) != 1)
        return -1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return 0;
}

static int listen_on_all(int *port)
{
    for (int i = 0; i < ADDRESSES; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)*port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)i)};
        socklen_t size = sizeof address;
        listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (listeners[i] < 0 || bind(listeners[i], (struct sockaddr *)&address, size) != 0 ||
            listen(listeners[i], 4096) != 0 || getsockname(listeners[i], (struct sockaddr *)&address, &size) != 0)
            return -1;
        *port = ntohs(address.sin_port);
    }
    return 0;
}

int crowd_server_start_faulty(struct crowd_server *started, int tls)
{
    server.is_faulty = 1;
    int result = crowd_server_start(started, tls, 0, 100);
    server.is_faulty = 0;
    return result;
}

const char *crowd_address(const struct crowd_server *started, int index)
{
    static char address[64];
    snprintf(address, sizeof address, "127.0.0.%d:%d", 1 + index % ADDRESSES, started->port);
    return address;
}

int crowd_server_start(struct crowd_server *started, int tls, int delay_ms, long long octets)
{
    int ends[2];
    *started = (struct crowd_server){.ca_file = "/tmp/pop3-crowd-XXXXXX"};
    server.context = NULL;
    if ((tls && make_context(started->ca_file) != 0) || listen_on_all(&started->port) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 || (started->pid = fork()) < 0) {
        perror("a server for a crowd");
        return -1;
    }
    if (started->pid == 0) {
        struct rlimit files;
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        close(ends[1]);
        server.delay_ms = delay_ms;
        server.octets = octets;
        serve(ends[0]);
        long long counts[] = {server.lines, server.connections};
        _exit(write(ends[0], counts, sizeof counts) == sizeof counts ? 0 : 1);
    }
    for (int i = 0; i < ADDRESSES; i++)
        close(listeners[i]);
    close(ends[0]);
    SSL_CTX_free(server.context);
    started->lifeline = ends[1];
    return 0;
}

void crowd_server_stop(struct crowd_server *started, long long *lines, long long *connections)
{
    long long counts[2] = {-1, -1};
    shutdown(started->lifeline, SHUT_WR);
    if (read(started->lifeline, counts, sizeof counts) != sizeof counts)
        perror("the server for a crowd");
    *lines = counts[0];
    *connections = counts[1];
    close(started->lifeline);
    waitpid(started->pid, NULL, 0);
    if (strchr(started->ca_file, 'X') == NULL)
        unlink(started->ca_file);
}

/* A bare epoll loop: says line for line what pop3connect says, which bench_loop checks. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crowd.h"

/* What is said when the answer before has come, the first to the greeting. */
static const char *const lines[] = {"CAPA\r\n", "USER alice\r\n", "PASS s3cret pass\r\n", "STAT\r\n", "QUIT\r\n"};
enum { LINES = 5 };

struct session {
    int fd, said, is_connected;
    SSL *ssl;
};

static SSL_CTX *context;
static int epoll, first_line, answered, open_sessions;

static void finish(struct session *session, int is_good)
{
    if (session->ssl) {
        SSL_shutdown(session->ssl);
        SSL_free(session->ssl);
    }
    close(session->fd);
    answered += is_good;
    open_sessions--;
}

/* Whether an answer is whole: that to CAPA has many lines. */
static int is_whole(const struct session *session, const char *text, ssize_t length)
{
    if (session->said > first_line && lines[session->said - 1][0] == 'C')
        return length >= 3 && memcmp(text + length - 3, ".\r\n", 3) == 0;
    return text[length - 1] == '\n';
}

/* Goes on as far as it can; what comes in pieces is not understood, since the server sends each answer in one. */
static void go_on(struct session *session)
{
    char text[1024];
    if (session->ssl && !session->is_connected) {
        int result = SSL_connect(session->ssl);
        if (result != 1) {
            int error = SSL_get_error(session->ssl, result);
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
                finish(session, 0);
            return;
        }
        session->is_connected = 1;
    }
    for (;;) {
        ssize_t count = session->ssl ? SSL_read(session->ssl, text, sizeof text)
                                     : recv(session->fd, text, sizeof text, 0);
        if (count <= 0) {
            int waits = session->ssl ? SSL_get_error(session->ssl, (int)count) == SSL_ERROR_WANT_READ
                                     : count < 0 && errno == EAGAIN;
            if (!waits)
                finish(session, 0);
            return;
        }
        if (!is_whole(session, text, count) || text[0] != '+') {
            finish(session, 0);
            return;
        }
        if (session->said == LINES) {
            finish(session, 1);
            return;
        }
        const char *line = lines[session->said++];
        size_t length = strlen(line);
        ssize_t sent = session->ssl ? SSL_write(session->ssl, line, (int)length)
                                    : send(session->fd, line, length, MSG_NOSIGNAL);
        if (sent != (ssize_t)length) {
            finish(session, 0);
            return;
        }
        if (!session->ssl)
            return;
    }
}

static int begin(struct session *session, const struct crowd_server *server, int index)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (unsigned)index % ADDRESSES)};
    *session = (struct session){.said = first_line};
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (session->fd < 0 || (connect(session->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS))
        return -1;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = session};
    open_sessions++;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, session->fd, &event);
}

/* The connection is there, or it has failed, which the first read tells. */
static void connected(struct session *session)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    epoll_ctl(epoll, EPOLL_CTL_MOD, session->fd, &event);
    if (!context) {
        session->is_connected = 1;
        return;
    }
    session->ssl = SSL_new(context);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), "127.0.0.1");
    SSL_set_fd(session->ssl, session->fd);
    go_on(session);
}

static int ask(const struct crowd_server *server, int tls, int count)
{
    struct session *sessions = calloc((size_t)count, sizeof *sessions);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    /* who knows the server asks for nothing under TLS */
    first_line = tls;
    if (tls) {
        context = SSL_CTX_new(TLS_client_method());
        if (SSL_CTX_load_verify_locations(context, server->ca_file, NULL) != 1)
            return -1;
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_read_ahead(context, 1);
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    }
    for (int i = 0; i < count; i++)
        if (begin(&sessions[i], server, i) != 0)
            return -1;
    while (open_sessions > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct session *session = events[i].data.ptr;
            if (!session->is_connected && !session->ssl)
                connected(session);
            else
                go_on(session);
        }
    }
    return answered;
}

const struct crowd crowd_bare = {"bare epoll loop", ask};

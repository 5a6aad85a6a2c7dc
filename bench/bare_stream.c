#include "bare_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int bare_fail(const char *what)
{
    unsigned long error = ERR_get_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : errno != 0 ? strerror(errno) : NULL;
    fprintf(stderr, "bare loop: %s%s%s\n", what, reason != NULL ? ": " : "", reason != NULL ? reason : "");
    return -1;
}

int bare_connect(struct bare_stream *stream, const char *address, int port)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    stream->ssl = NULL;
    stream->start = stream->end = 0;
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream->fd < 0)
        return bare_fail("socket");
    if (inet_pton(AF_INET, address, &server.sin_addr) != 1 ||
        connect(stream->fd, (struct sockaddr *)&server, sizeof server) != 0)
        return bare_fail("connect");
    if (setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return bare_fail("TCP_NODELAY");
    return 0;
}

int bare_start_tls(struct bare_stream *stream, SSL_CTX *context, const char *address)
{
    stream->start = stream->end = 0;
    stream->ssl = SSL_new(context);
    if (stream->ssl == NULL)
        return bare_fail("SSL_new");
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream->ssl), address) != 1 ||
        SSL_set_fd(stream->ssl, stream->fd) != 1)
        return bare_fail("TLS set-up");
    return SSL_connect(stream->ssl) == 1 ? 0 : bare_fail("TLS handshake");
}

static ssize_t write_some(struct bare_stream *stream, const char *text, size_t length)
{
    if (stream->ssl != NULL)
        return SSL_write(stream->ssl, text, (int)length);
    return send(stream->fd, text, length, MSG_NOSIGNAL);
}

int bare_send(struct bare_stream *stream, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t count = write_some(stream, text, length);
        if (count <= 0)
            return bare_fail("send");
        text += count;
        length -= (size_t)count;
    }
    return 0;
}

ssize_t bare_read(struct bare_stream *stream, char *room, size_t size)
{
    if (stream->ssl != NULL)
        return SSL_read(stream->ssl, room, (int)size);
    return recv(stream->fd, room, size, 0);
}

/* Reads what has come, behind what is there. */
static int fill(struct bare_stream *stream)
{
    ssize_t count;
    if (stream->start > 0) {
        memmove(stream->buffer, stream->buffer + stream->start, stream->end - stream->start);
        stream->end -= stream->start;
        stream->start = 0;
    }
    if (stream->end == sizeof stream->buffer)
        return bare_fail("the line is too long");
    count = bare_read(stream, stream->buffer + stream->end, sizeof stream->buffer - stream->end);
    if (count <= 0)
        return bare_fail("receive");
    stream->end += (size_t)count;
    return 0;
}

const char *bare_line(struct bare_stream *stream)
{
    char *line, *line_feed;
    for (;;) {
        line = stream->buffer + stream->start;
        line_feed = memchr(line, '\n', stream->end - stream->start);
        if (line_feed != NULL)
            break;
        if (fill(stream) != 0)
            return NULL;
    }
    stream->start = (size_t)(line_feed + 1 - stream->buffer);
    if (line_feed > line && line_feed[-1] == '\r')
        line_feed--;
    *line_feed = '\0';
    return line;
}

void bare_close(struct bare_stream *stream)
{
    if (stream->ssl != NULL) {
        SSL_shutdown(stream->ssl); /* says goodbye, and does not wait for the answer */
        SSL_free(stream->ssl);
    }
    if (stream->fd >= 0)
        close(stream->fd);
}

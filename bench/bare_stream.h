/* The bare loop's connection: a blocking socket, with or without OpenSSL on it, read by lines or as it comes. */
#ifndef BARE_STREAM_H
#define BARE_STREAM_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/types.h>

struct bare_stream {
    int fd;
    SSL *ssl; /* NULL in the clear */
    size_t start, end;
    char buffer[4096];
};

/* Each answers 0, or -1 when it has told stderr why not. */
int bare_connect(struct bare_stream *stream, const char *address, int port);
/* Shakes hands and verifies the peer's certificate for `address`. */
int bare_start_tls(struct bare_stream *stream, SSL_CTX *context, const char *address);
int bare_send(struct bare_stream *stream, const char *text, size_t length);

/* The next line without its end, good until the next call; NULL when it has told stderr why not. */
const char *bare_line(struct bare_stream *stream);

/* Reads what has come behind the last line, past the stream's buffer; 0 or less as recv and SSL_read say. */
ssize_t bare_read(struct bare_stream *stream, char *room, size_t size);

void bare_close(struct bare_stream *stream);

int bare_fail(const char *what);

#endif

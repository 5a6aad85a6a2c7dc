#include "bare_session.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ADDRESS "127.0.0.1"

/* What of CAPA's answer matters. */
struct offers {
    int stls;
    int plain;
};

static SSL_CTX *context;

int bare_prepare(const struct target *target)
{
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_load_verify_locations(context, target->ca_file, NULL) != 1 ||
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        return bare_fail("TLS context");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* a record in one system call, not two: few do so by hand, but the library does, and the yardstick shall be hard */
    SSL_CTX_set_read_ahead(context, 1);
    return 0;
}

static int expect_ok(struct bare_stream *stream)
{
    const char *line = bare_line(stream);
    if (line == NULL)
        return -1;
    if (strncmp(line, "+OK", 3) == 0)
        return 0;
    fprintf(stderr, "bare loop: the server says: %s\n", line);
    return -1;
}

static int command(struct bare_stream *stream, const char *text)
{
    return bare_send(stream, text, strlen(text)) == 0 ? expect_ok(stream) : -1;
}

static int command_with(struct bare_stream *stream, const char *name, const char *argument)
{
    char text[256];
    int length = snprintf(text, sizeof text, "%s %s\r\n", name, argument);
    if (length < 0 || (size_t)length >= sizeof text)
        return bare_fail("the command is too long");
    return bare_send(stream, text, (size_t)length) == 0 ? expect_ok(stream) : -1;
}

static int has_word(const char *words, const char *wanted)
{
    size_t length;
    for (words += strspn(words, " "); *words != '\0'; words += strspn(words, " ")) {
        length = strcspn(words, " ");
        if (length == strlen(wanted) && strncasecmp(words, wanted, length) == 0)
            return 1;
        words += length;
    }
    return 0;
}

static void note(struct offers *offers, const char *line)
{
    if (strcasecmp(line, "STLS") == 0)
        offers->stls = 1;
    else if (strncasecmp(line, "SASL ", 5) == 0)
        offers->plain = has_word(line + 5, "PLAIN");
}

static int capabilities(struct bare_stream *stream, struct offers *offers)
{
    const char *line;
    offers->stls = offers->plain = 0;
    if (command(stream, "CAPA\r\n") != 0)
        return -1;
    while ((line = bare_line(stream)) != NULL) {
        if (strcmp(line, ".") == 0)
            return 0;
        note(offers, line);
    }
    return -1;
}

static int auth_plain(struct bare_stream *stream, const struct target *target)
{
    unsigned char message[128], response[4 * sizeof message / 3 + 4];
    int length = snprintf((char *)message, sizeof message, "%c%s%c%s", 0, target->user, 0, target->pass);
    if (length < 0 || (size_t)length >= sizeof message)
        return bare_fail("the credentials are too long");
    EVP_EncodeBlock(response, message, length);
    return command_with(stream, "AUTH PLAIN", (const char *)response);
}

static int user_pass(struct bare_stream *stream, const struct target *target)
{
    if (command_with(stream, "USER", target->user) != 0)
        return -1;
    return command_with(stream, "PASS", target->pass);
}

static int log_in(struct bare_stream *stream, const struct target *target)
{
    struct offers offers;
    if (capabilities(stream, &offers) != 0)
        return -1;
    return stream->ssl != NULL && offers.plain ? auth_plain(stream, target) : user_pass(stream, target);
}

static int expect_stls(struct bare_stream *stream)
{
    struct offers offers;
    if (capabilities(stream, &offers) != 0)
        return -1;
    return offers.stls ? 0 : bare_fail("no STLS");
}

static int stls(struct bare_stream *stream)
{
    if (command(stream, "STLS\r\n") != 0)
        return -1;
    /* what somebody slipped in before the handshake must not be taken for the server's */
    if (stream->start != stream->end)
        return bare_fail("clear text after STLS");
    return bare_start_tls(stream, context, ADDRESS);
}

static int greeted(struct bare_stream *stream, const struct target *target)
{
    if (bare_connect(stream, ADDRESS, target->port) != 0)
        return -1;
    if (target->mode == TLS && bare_start_tls(stream, context, ADDRESS) != 0)
        return -1;
    return expect_ok(stream);
}

int bare_log_in(struct bare_stream *stream, const struct target *target)
{
    if (greeted(stream, target) != 0)
        return -1;
    if (target->mode == STLS && (expect_stls(stream) != 0 || stls(stream) != 0))
        return -1;
    return log_in(stream, target);
}

int bare_log_in_knowing(struct bare_stream *stream, const struct target *target)
{
    if (greeted(stream, target) != 0)
        return -1;
    if (target->mode == STLS && stls(stream) != 0)
        return -1;
    return user_pass(stream, target);
}

int bare_quit(struct bare_stream *stream)
{
    return command(stream, "QUIT\r\n");
}

void bare_clean_up(void)
{
    SSL_CTX_free(context);
}

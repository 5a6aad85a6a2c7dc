/* Tokens of OAuth, with Dovecot, which checks them itself: signed by HMAC with a secret that this test knows. */
#define _DEFAULT_SOURCE /* setenv */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "real_server.h"
#include "script.h"
#include "server.h"

/* The one in dovecot.sh. */
#define SECRET "pop3connect test secret"
#define OTHER_SECRET "somebody else's secret"

static const char *const mechanisms[] = {"XOAUTH2", "OAUTHBEARER"};

/* Tokens */

/* Base64 as tokens have it (RFC 7515): the last two characters are others, and nothing is padded. */
static void add_base64url(char *to, const void *data, size_t length)
{
    char *end = to + strlen(to);
    int count = EVP_EncodeBlock((unsigned char *)end, data, (int)length);
    end[count] = '\0';
    end[strcspn(end, "=")] = '\0';
    for (; *end != '\0'; end++)
        *end = (char)(*end == '+' ? '-' : *end == '/' ? '_' : *end);
}

/* A JWT (RFC 7519) that says these claims, signed with that secret; good until the next call. */
static const char *sign(const char *secret, const char *format, ...)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    static char token[16384];
    char claims[8192];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(claims, sizeof claims, format, arguments);
    va_end(arguments);
    token[0] = '\0';
    add_base64url(token, header, strlen(header));
    strcat(token, ".");
    add_base64url(token, claims, strlen(claims));
    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)token, strlen(token), mac, &size) == NULL)
        check_fatal("no HMAC");
    strcat(token, ".");
    add_base64url(token, mac, size);
    return token;
}

/* So many seconds from now. */
static long long in_seconds(long long seconds)
{
    return (long long)time(NULL) + seconds;
}

static const char *token_for(const char *user, const char *secret)
{
    return sign(secret, "{\"sub\":\"%s\",\"exp\":%lld}", user, in_seconds(3600));
}

/* One that is longer than 4096 octets. */
static const char *long_token(const char *secret)
{
    char filler[3301];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    const char *token = sign(secret, "{\"sub\":\"alice\",\"exp\":%lld,\"filler\":\"%s\"}", in_seconds(3600), filler);
    CHECK(strlen(token) > 4096);
    return token;
}

/* Sessions */

/* Connects and disconnects; 0 or the error. The token is said by no line and no text, nor is it in base64. */
static int connect_by(const char *mechanism, int secure, const char *user, const char *token)
{
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(real_server_port(secure))), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, user), POP3_OK);
    CHECK_INT(pop3_options_set_oauth_token(options, token), POP3_OK);
    CHECK_INT(pop3_options_set_mechanism(options, mechanism), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, secure), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    clear_log();
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    if (socket > 0) {
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
        socket = 0;
    } else {
        CHECK_HAS_NOT(pop3_get_last_error(), token);
    }
    CHECK_HAS_NOT(logged(), token);
    /* "Bearer " in base64, in each of its three places */
    CHECK_HAS_NOT(logged(), "QmVhcmVy");
    CHECK_HAS_NOT(logged(), "JlYXJlci");
    CHECK_HAS_NOT(logged(), "CZWFyZXIg");
    return socket;
}

/* Whether STLS, and TLS at all, were where the mode says. */
static void is_mode(int secure)
{
    CHECK_INT(secure == 2, strstr(logged(), "C: STLS\nS: +OK") != NULL);
    CHECK_INT(secure != 0, strstr(logged(), "certificate verified") != NULL);
}

static void the_right_token(void)
{
    for (int secure = 0; secure <= 2; secure++)
        for (int i = 0; i < 2; i++) {
            char line[64];
            if (!CHECK_INT(connect_by(mechanisms[i], secure, "alice", token_for("alice", SECRET)), 0))
                CHECK_STR(pop3_get_last_error(), "");
            snprintf(line, sizeof line, "C: AUTH %s ***\nS: +OK", mechanisms[i]);
            CHECK_HAS(logged(), line);
            is_mode(secure);
        }
}

static void a_token_that_fits_no_line(void)
{
    for (int secure = 0; secure <= 2; secure++)
        for (int i = 0; i < 2; i++) {
            char line[64];
            if (!CHECK_INT(connect_by(mechanisms[i], secure, "alice", long_token(SECRET)), 0))
                CHECK_STR(pop3_get_last_error(), "");
            snprintf(line, sizeof line, "C: AUTH %s\nS: + \nC: ***\nS: +OK", mechanisms[i]);
            CHECK_HAS(logged(), line);
            is_mode(secure);
        }
}

/* It is refused, once, and the server's reason is told. Dovecot thinks about each for half a second. */
static void is_refused(int secure, const char *user, const char *token)
{
    for (int i = 0; i < 2; i++) {
        CHECK_INT(connect_by(mechanisms[i], secure, user, token), POP3_ERR_AUTH);
        CHECK_HAS(pop3_get_last_error(), "{\"status\":\"");
        CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH]");
        /* {" in base64 */
        const char *challenge = strstr(logged(), "\nS: + ey");
        if (CHECK(challenge != NULL)) {
            CHECK_HAS(challenge, "\nC: ***\nS: -ERR [AUTH]");
            CHECK_HAS_NOT(strstr(challenge, "\nS: -ERR"), "C: ");
        }
        is_mode(secure);
    }
}

static void a_wrong_signature(void)
{
    for (int secure = 0; secure <= 2; secure++)
        is_refused(secure, "alice", token_for("alice", OTHER_SECRET));
    is_refused(1, "alice", long_token(OTHER_SECRET));
}

static void what_is_no_token(void)
{
    is_refused(1, "alice", "not.a.token");
}

static void tokens_out_of_their_time(void)
{
    is_refused(1, "alice", sign(SECRET, "{\"sub\":\"alice\",\"exp\":%lld}", in_seconds(-3600)));
    is_refused(2, "alice", sign(SECRET, "{\"sub\":\"alice\",\"nbf\":%lld}", in_seconds(3600)));
}

static void somebody_elses_token(void)
{
    is_refused(1, "alice", token_for("bob", SECRET));
    is_refused(2, "bob", token_for("alice", SECRET));
}

int main(void)
{
    static const struct real_server dovecot = {.name = "Dovecot", .script = "dovecot.sh", .user = "alice"};
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    setenv("DOVECOT_MECHANISMS", "plain xoauth2 oauthbearer", 1);
    real_server_begin(&dovecot);
    RUN(the_right_token);
    RUN(a_token_that_fits_no_line);
    RUN(a_wrong_signature);
    RUN(what_is_no_token);
    RUN(tokens_out_of_their_time);
    RUN(somebody_elses_token);
    real_server_end();
    return check_result();
}

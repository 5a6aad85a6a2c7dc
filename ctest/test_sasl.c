/* The mechanism that is chosen in the clear, with Dovecot, with transcripts, and with a server that knows SCRAM. */
#define _DEFAULT_SOURCE /* setenv */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "clock.h"
#include "listen.h"
#include "pop3connect.h"
#include "real_server.h"
#include "script.h"
#include "server.h"
#include "sockets.h"


static int connect_to(int port, const char *pass)
{
    clear_log();
    return pop3_connect(at(port), "alice", pass, log_status, 0, 0);
}

/* Dovecot */

static int start_dovecot(const char *mechanisms)
{
    static const struct real_server dovecot = {.name = "Dovecot", .script = "dovecot.sh", .user = "alice"};
    setenv("DOVECOT_MECHANISMS", mechanisms, 1);
    return real_server_begin(&dovecot);
}

/* Dovecot offers these, and the last of them is chosen; the password is said by no line, in no form. */
static void dovecot_with(const char *mechanisms, const char *chosen)
{
    char expected[64];
    int port = start_dovecot(mechanisms);
    snprintf(expected, sizeof expected, "C: AUTH %s", chosen);

    int socket = connect_to(port, PASS);
    if (!CHECK(socket > 0))
        CHECK_STR(pop3_get_last_error(), "");
    CHECK_HAS(logged(), expected);
    CHECK_HAS(logged(), "\nS: + ");
    CHECK_HAS(logged(), "\nC: ***\n");
    CHECK_HAS_NOT(logged(), "C: PASS");
    CHECK_HAS_NOT(logged(), "C: AUTH PLAIN");
    CHECK_HAS_NOT(logged(), PASS);
    /* nor the server's signature, by which it could be guessed */
    CHECK_INT(strstr(chosen, "SCRAM") != NULL, strstr(logged(), "\nC: ***\nS: + ***\nC: ***\nS: +OK") != NULL);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    CHECK_INT(connect_to(port, "wrong"), POP3_ERR_AUTH);
    CHECK_HAS(logged(), expected);
    CHECK_HAS(logged(), "S: -ERR [AUTH]");
    CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH]");
    /* nor is it tried again by another mechanism */
    CHECK_HAS_NOT(strstr(logged(), "S: -ERR"), "C: ");
    CHECK_HAS_NOT(logged(), "C: PASS");
    CHECK_INT(connect_to(port, ""), POP3_ERR_AUTH);
    real_server_end();
}

static void dovecot_scram_sha_256(void)
{
    dovecot_with("plain login cram-md5 scram-sha-1 scram-sha-256", "SCRAM-SHA-256 ***\n");
}

static void dovecot_scram_sha_1(void)
{
    dovecot_with("plain login cram-md5 scram-sha-1", "SCRAM-SHA-1 ***\n");
}

static void dovecot_cram_md5(void)
{
    dovecot_with("plain login cram-md5", "CRAM-MD5\n");
}

/* Transcripts */

#define OFFERED(mechanisms) \
    SEND("+OK") EXPECT("CAPA") "send \"+OK\\r\\nSASL " mechanisms "\\r\\n.\\r\\n\"\n"
#define CRAM_MD5 OFFERED("PLAIN CRAM-MD5") EXPECT("AUTH CRAM-MD5")
/* <1896.697170952@postoffice.reston.mci.net>, as in RFC 2195, and the answer of alice */
#define AUTH_PLAIN EXPECT("AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz")
#define CHALLENGE "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
#define RESPONSE "YWxpY2UgMzk1Mzk0OGE4ZWUyZTkzOWUyODU1YTRjZjI0NDFjOWU="

static int connect_play(const char *transcript)
{
    int port = server_play("", transcript);
    int result = connect_to(port, PASS);
    CHECK_PLAYED(port);
    CHECK_HAS_NOT(logged(), PASS);
    CHECK_HAS_NOT(logged(), RESPONSE);
    CHECK_HAS_NOT(pop3_get_last_error(), PASS);
    return result;
}

static void cram_md5(void)
{
    int port = server_play("", CRAM_MD5 "send \"+ " CHALLENGE "\\r\\n\"\nexpect \"" RESPONSE "\\r\\n\"\n"
                                        "send \"+OK " RESPONSE "\\r\\n\"\n"
                                        EXPECT("QUIT") SEND("+OK") "close");
    int socket = connect_to(port, PASS);
    CHECK_HAS(logged(), "C: AUTH CRAM-MD5\nS: + " CHALLENGE "\nC: ***\nS: +OK ***\n");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void malformed_challenges(void)
{
    const char *challenges[] = {"+", "+ ", "+ ?", "+ PDE4O", "+ PDE4=", "+ \\xff", "+ <1@2>", "+ \\x00"};
    for (size_t i = 0; i < sizeof challenges / sizeof *challenges; i++) {
        char transcript[1024];
        snprintf(transcript, sizeof transcript, CRAM_MD5 SEND("%s") EXPECT("*") "expect-eof",
                 challenges[i]);
        CHECK_INT(connect_play(transcript), POP3_ERR_SYNTAX);
        CHECK_HAS(logged(), "\nC: ***\n");
    }
    CHECK_INT(connect_play(CRAM_MD5 "send \"+\"\nrepeat 70000 \"A\"\nexpect-eof"), POP3_ERR_LIMIT);
}

static void replies_out_of_place(void)
{
    /* no exchange is open, so nothing is cancelled; and another way is tried, since nothing was shown to be refused */
    CHECK_INT(connect_play(CRAM_MD5 SEND("-ERR no") AUTH_PLAIN SEND("-ERR no") "expect-eof"),
              POP3_ERR_AUTH);
    CHECK_INT(connect_play(CRAM_MD5 SEND("nonsense") "expect-eof"), POP3_ERR_BAD_FORMAT);
    CHECK_INT(connect_play(CRAM_MD5 "close"), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(connect_play(CRAM_MD5 "send \"+ " CHALLENGE "\\r\\n\"\nexpect \"" RESPONSE "\\r\\n\"\n"
                                    SEND("-ERR [IN-USE] busy") "expect-eof"),
              POP3_ERR_MAILBOX_IN_USE);
    CHECK_INT(connect_play(CRAM_MD5 "send \"+ " CHALLENGE "\\r\\n\"\nexpect \"" RESPONSE "\\r\\n\"\nclose"),
              POP3_ERR_CONNECTION_LOST);
    /* a second challenge, which CRAM-MD5 does not have */
    CHECK_INT(connect_play(CRAM_MD5 "send \"+ " CHALLENGE "\\r\\n\"\nexpect \"" RESPONSE "\\r\\n\"\n"
                                    "send \"+ " CHALLENGE "\\r\\n\"\n" EXPECT("*") "expect-eof"),
              POP3_ERR_BAD_FORMAT);
}

static void scram_with_what_anybody_can_say(void)
{
    const struct {
        const char *challenge;
        int result;
    } cases[] = {
        {"?", POP3_ERR_SYNTAX},
        {"cj0x", POP3_ERR_SYNTAX},                         /* r=1 */
        {"cj0xLHM9UVNYQyxpPTQwOTY=", POP3_ERR_SYNTAX},     /* r=1,s=QSXC,i=4096 */
        {"cj0xLHM9UVNYQyxpPTk5OTk5OTk=", POP3_ERR_LIMIT},  /* r=1,s=QSXC,i=9999999 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char transcript[1024];
        snprintf(transcript, sizeof transcript,
                 OFFERED("PLAIN SCRAM-SHA-256") "expect \"AUTH SCRAM-SHA-256 \"\nexpect-line\n"
                 SEND("+ %s") EXPECT("*") "expect-eof", cases[i].challenge);
        CHECK_INT(connect_play(transcript), cases[i].result);
    }
    /* that it lets us in is no proof that it knows the password */
    CHECK_INT(connect_play(OFFERED("SCRAM-SHA-1") "expect \"AUTH SCRAM-SHA-1 \"\nexpect-line\n"
                           SEND("+OK welcome") "expect-eof"), POP3_ERR_SYNTAX);
}

/* A server that goes through SCRAM but does not know the password */

struct impostor {
    /* Its salt and number of iterations. */
    const char *parameters;
    /* Its line after the client's proof. */
    const char *last;
    int listener;
    /* What the client said: its proof, and all from then on. */
    char proof[1024], rest[1024];
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void to_base64(const char *text, char *encoded)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at += 3) {
        unsigned bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (at + i < length ? (unsigned char)text[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            *encoded++ = at + i <= length ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
    }
    *encoded = '\0';
}

static void from_base64(const char *encoded, char *text)
{
    unsigned bits = 0;
    const char *digit;
    for (size_t i = 1; *encoded != '\0' && (digit = strchr(alphabet, *encoded)) != NULL; encoded++, i++) {
        bits = bits << 6 | (unsigned)(digit - alphabet);
        if (i % 4 != 1)
            *text++ = (char)(bits >> (6 - 2 * ((i - 1) % 4)));
    }
    *text = '\0';
}

/* A line without its end, or all that comes up to the end of the connection. */
static void get(int connection, char *text, size_t size, int whole)
{
    size_t length = 0;
    while (length + 1 < size && recv(connection, text + length, 1, 0) == 1 && (whole || text[length] != '\n'))
        length++;
    text[length] = '\0';
    if (!whole)
        text[strcspn(text, "\r")] = '\0';
}

static void put(int connection, const char *line)
{
    char text[2048];
    int length = snprintf(text, sizeof text, "%s\r\n", line);
    CHECK(send(connection, text, (size_t)length, MSG_NOSIGNAL) == length);
}

static void *impersonate(void *argument)
{
    struct impostor *impostor = argument;
    char line[1024], message[1024], encoded[2048], challenge[2100];
    int connection = (int)accept(impostor->listener, NULL, NULL);
    put(connection, "+OK");
    get(connection, line, sizeof line, 0);
    put(connection, "+OK\r\nSASL SCRAM-SHA-256\r\n.");
    get(connection, line, sizeof line, 0);
    if (CHECK(strncmp(line, "AUTH SCRAM-SHA-256 ", 19) == 0)) {
        from_base64(line + 19, message);
        if (CHECK(strncmp(message, "n,,n=alice,r=", 13) == 0)) {
            snprintf(line, sizeof line, "r=%.100sours,%s", message + 13, impostor->parameters);
            to_base64(line, encoded);
            snprintf(challenge, sizeof challenge, "+ %s", encoded);
            put(connection, challenge);
            get(connection, impostor->proof, sizeof impostor->proof, 0);
            if (impostor->last != NULL)
                put(connection, impostor->last);
        }
    }
    get(connection, impostor->rest, sizeof impostor->rest, 1);
    close_socket(connection);
    return NULL;
}

static int loopback_socket(int *port)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int listener = (int)socket(AF_INET, SOCK_STREAM, 0);
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&name, size) != 0
        || getsockname(listener, (struct sockaddr *)&name, &size) != 0)
        check_fatal("no free port");
    *port = ntohs(name.sin_port);
    return listener;
}

static int connect_to_impostor(struct impostor *impostor)
{
    pthread_t thread;
    int port;
    impostor->listener = loopback_socket(&port);
    CHECK_INT(listen(impostor->listener, 1), 0);
    CHECK_INT(pthread_create(&thread, NULL, impersonate, impostor), 0);
    int result = connect_to(port, PASS);
    pthread_join(thread, NULL);
    close_socket(impostor->listener);
    return result;
}

static void a_wrong_server_signature(void)
{
    const struct {
        const char *last, *rest;
        int result;
        /* What a log shows of it, if that is less. */
        const char *shown;
    } cases[] = {
        /* v= and 32 octets of zero */
        {"+ dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9", "*\r\n", POP3_ERR_SYNTAX, "+ ***"},
        {"+OK dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9", "", POP3_ERR_SYNTAX, "+OK ***"},
        {"+OK welcome", "", POP3_ERR_SYNTAX, NULL},
        {"+OK", "", POP3_ERR_SYNTAX, NULL},
        {"+", "*\r\n", POP3_ERR_SYNTAX, NULL},
        {"+ dj0=", "*\r\n", POP3_ERR_SYNTAX, "+ ***"},
        /* e=invalid-proof */
        {"+ ZT1pbnZhbGlkLXByb29m", "*\r\n", POP3_ERR_AUTH, NULL},
        {"-ERR [AUTH] no", "", POP3_ERR_AUTH, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct impostor impostor = {.parameters = "s=QSXCR+Q6sek8bf92,i=4096", .last = cases[i].last};
        char proof[1024];
        CHECK_INT(connect_to_impostor(&impostor), cases[i].result);
        from_base64(impostor.proof, proof);
        CHECK_HAS(proof, "c=biws,r=");
        CHECK_HAS(proof, "ours,p=");
        CHECK_STR(impostor.rest, cases[i].rest);
        CHECK_HAS_NOT(logged(), impostor.proof);
        char shown[128];
        snprintf(shown, sizeof shown, "\nC: ***\nS: %s\n", cases[i].shown != NULL ? cases[i].shown : cases[i].last);
        CHECK_HAS(logged(), shown);
        CHECK_INT(strstr(pop3_get_last_error(), "dj") != NULL, 0);
    }
}

static void a_number_of_iterations_that_is_no_work_or_too_much(void)
{
    const char *parameters[] = {"s=QSXC,i=1", "s=QSXC,i=4095", "s=QSXC,i=2147483647", "s=QSXC,i=99999999999999999999"};
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        struct impostor impostor = {.parameters = parameters[i], .last = NULL};
        long long began = now_ms();
        CHECK_INT(connect_to_impostor(&impostor), POP3_ERR_LIMIT);
        CHECK(now_ms() - began < 5000);
        CHECK_STR(impostor.proof, "*");
        CHECK_STR(impostor.rest, "");
    }
}

/* The mechanism that is asked for */

/* Connects in that way, and disconnects; 0 or the error. */
static int connect_by(const char *mechanism, int port, const char *pass, const char *token)
{
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(port)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, pass), POP3_OK);
    CHECK_INT(pop3_options_set_oauth_token(options, token), POP3_OK);
    CHECK_INT(pop3_options_set_mechanism(options, mechanism), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    clear_log();
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    if (socket < 0)
        return socket;
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    return pop3_disconnect(socket, NULL);
}

static void every_mechanism_of_dovecot(void)
{
    const char *mechanisms[] = {"USER", "plain", "LOGIN", "CRAM-MD5", "scram-sha-1", "SCRAM-SHA-256", "APOP", "auto", NULL};
    int port = start_dovecot("plain login cram-md5 scram-sha-1 scram-sha-256 apop");
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
        if (!CHECK_INT(connect_by(mechanisms[i], port, PASS, NULL), 0))
            printf("%s: %s\n", mechanisms[i], pop3_get_last_error());
        CHECK_HAS_NOT(logged(), PASS);
        CHECK_INT(connect_by(mechanisms[i], port, "wrong", NULL), POP3_ERR_AUTH);
        CHECK_HAS_NOT(logged(), "wrong");
    }
    CHECK_INT(connect_by("APOP", port, PASS, NULL), 0);
    CHECK_HAS(logged(), "C: APOP alice ***\nS: +OK");
    /* what it does not offer costs no credential */
    const char *others[] = {"EXTERNAL", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256-PLUS"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK_INT(connect_by(others[i], port, PASS, "token"), POP3_ERR_UNSUPPORTED);
        CHECK_HAS_NOT(logged(), "C: AUTH");
    }
    real_server_end();
}

static void names_of_mechanisms(void)
{
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_mechanism(options, "DIGEST-MD5"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_mechanism(options, ""), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_mechanism(options, "\xff"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_oauth_token(options, "a\r\n"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_authzid(options, "a\n"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_mechanism(NULL, "USER"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_oauth_token(NULL, "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_authzid(NULL, "x"), POP3_ERR_PARAMETER);
    pop3_options_free(options);
}

/* user=alice^Aauth=Bearer tok.en^A^A */
#define XOAUTH2 "dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2suZW4BAQ=="

static void oauth(void)
{
    int port = server_play("", OFFERED("XOAUTH2") "expect \"AUTH XOAUTH2 " XOAUTH2 "\\r\\n\"\n" SEND("+OK")
                               "expect-line\n" SEND("+OK 5 50") "expect-line\n" SEND("+OK") "expect-eof");
    CHECK_INT(connect_by("XOAUTH2", port, NULL, "tok.en"), 0);
    CHECK_HAS(logged(), "C: AUTH XOAUTH2 ***\n");
    CHECK_PLAYED(port);

    /* {"status":"401"}, which wants an empty line before the refusal */
    port = server_play("", OFFERED("XOAUTH2") "expect \"AUTH XOAUTH2 " XOAUTH2 "\\r\\n\"\n"
                           SEND("+ eyJzdGF0dXMiOiI0MDEifQ==") EXPECT("")
                           SEND("-ERR [AUTH] no") "expect-eof");
    CHECK_INT(connect_by("XOAUTH2", port, NULL, "tok.en"), POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "{\"status\":\"401\"}");
    CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH] no");
    CHECK_HAS_NOT(pop3_get_last_error(), "tok.en");
    CHECK_PLAYED(port);

    /* a token that is too long for the line of AUTH */
    static char token[20001];
    memset(token, 'x', sizeof token - 1);
    port = server_play("", OFFERED("OAUTHBEARER") EXPECT("AUTH OAUTHBEARER") SEND("+ ") "expect-line\n"
                           SEND("-ERR no") "expect-eof");
    CHECK_INT(connect_by("OAUTHBEARER", port, NULL, token), POP3_ERR_AUTH);
    CHECK_HAS(logged(), "C: AUTH OAUTHBEARER\nS: + \nC: ***\n");
    CHECK_PLAYED(port);
}

static void apop_where_the_greeting_has_no_timestamp(void)
{
    const char *greetings[] = {"+OK", "+OK <no at>", "+OK <a@b", "+OK a@b>", "+OK <a@b\\xff>"};
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        char transcript[256];
        snprintf(transcript, sizeof transcript,
                 SEND("%s") "expect-eof", greetings[i]);
        int port = server_play("", transcript);
        CHECK_INT(connect_by("APOP", port, PASS, NULL), POP3_ERR_UNSUPPORTED);
        CHECK_PLAYED(port);
    }
}

int main(void)
{
    RUN(cram_md5);
    RUN(malformed_challenges);
    RUN(replies_out_of_place);
    RUN(scram_with_what_anybody_can_say);
    RUN(a_wrong_server_signature);
    RUN(a_number_of_iterations_that_is_no_work_or_too_much);
    RUN(dovecot_scram_sha_256);
    RUN(dovecot_scram_sha_1);
    RUN(dovecot_cram_md5);
    RUN(names_of_mechanisms);
    RUN(every_mechanism_of_dovecot);
    RUN(oauth);
    RUN(apop_where_the_greeting_has_no_timestamp);
    return check_result();
}

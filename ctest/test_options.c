/* A connection with more to say: each option, its default, and the options as a thing of their own. */
#define _DEFAULT_SOURCE /* setenv */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "folders.h"
#include "gather.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"
#include "sockets.h"

/* Connects, disconnects, and answers what connecting answered: 0 for a socket. */
static int try(const pop3_options *options)
{
    int socket = pop3_connect_with(options);
    if (socket < 0)
        return socket;
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return 0;
}

static void all_three_modes(void)
{
    const char *modes[] = {"", "tls=implicit", "tls=stls"};
    for (int secure = 0; secure <= 2; secure++) {
        pop3_options *options = options_for(server_mailbox(modes[secure]), secure);
        CHECK_INT(try(options), 0);
        /* and again */
        CHECK_INT(try(options), 0);
        CHECK_INT(pop3_options_set_password(options, "wrong"), POP3_OK);
        CHECK_INT(try(options), POP3_ERR_AUTH);
        pop3_options_free(options);
    }
}

static void null_options(void)
{
    CHECK_INT(pop3_connect_with(NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_server(NULL, "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_user(NULL, "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_password(NULL, "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_secure(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_verify(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_secure_dir(NULL, "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_ca_file(NULL, "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_platform_trust(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_cert(NULL, "x", "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_pkcs12(NULL, "x", "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_tls_min(NULL, 12), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_tls_name(NULL, "x"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_status_cb(NULL, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_error_cb(NULL, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_timeouts(NULL, 0, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_family(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_source_address(NULL, "127.0.0.1"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_pipelining(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_capabilities(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_clear_password(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_max_message(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_fingerprint(NULL, NULL), POP3_ERR_PARAMETER);
    pop3_options_free(NULL);
}

static int32_t never(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last, (void)context;
    CHECK(!"called");
    return 1;
}

/* A setter that was refused: no connect goes on without it, and each says which it was. Set right, they go on. */
#define REFUSED(setter, wrong, right)                                                 \
    do {                                                                              \
        CHECK_INT(setter wrong, POP3_ERR_PARAMETER);                                  \
        no_connect(options, #setter " was refused and not set right since: ");        \
        CHECK_INT(setter right, POP3_OK);                                             \
        CHECK_INT(pop3_stat_with(options), 5);                                        \
    } while (0)

static void no_connect(const pop3_options *options, const char *text)
{
    CHECK_INT(pop3_connect_with(options), POP3_ERR_PARAMETER);
    CHECK_HAS(pop3_get_last_error(), text);
    CHECK_INT(pop3_stat_with(options), POP3_ERR_PARAMETER);
    CHECK_HAS(pop3_get_last_error(), text);
    CHECK_INT(pop3_recv_with(options, never, NULL, 1, 0), POP3_ERR_PARAMETER);
    CHECK_HAS(pop3_get_last_error(), text);
}

static void what_the_setters_refuse(void)
{
    int where = server_mailbox("");
    pop3_options *options = options_for(where, 0);
    char server[64], long_server[1100];
    snprintf(server, sizeof server, "%s", at(where));
    memset(long_server, 'x', sizeof long_server);
    long_server[sizeof long_server - 1] = '\0';
    REFUSED(pop3_options_set_server, (options, long_server), (options, server));
    REFUSED(pop3_options_set_user, (options, "a\r\nDELE 1"), (options, "alice"));
    REFUSED(pop3_options_set_password, (options, "a\n"), (options, PASS));
    REFUSED(pop3_options_set_oauth_token, (options, "a\n"), (options, NULL));
    REFUSED(pop3_options_set_authzid, (options, "a\n"), (options, NULL));
    REFUSED(pop3_options_set_mechanism, (options, "KERBEROS_V4"), (options, "USER"));
    REFUSED(pop3_options_set_mechanism, (options, "\xff"), (options, "auto"));
    REFUSED(pop3_options_set_secure, (options, 3), (options, 0));
    REFUSED(pop3_options_set_secure, (options, -1), (options, POP3_CLEAR));
    REFUSED(pop3_options_set_secure_dir, (options, ""), (options, NULL));
    REFUSED(pop3_options_set_ca_file, (options, ""), (options, NULL));
    REFUSED(pop3_options_set_client_cert, (options, "only one", NULL), (options, NULL, NULL));
    REFUSED(pop3_options_set_client_cert, (options, NULL, "only one"), (options, NULL, NULL));
    REFUSED(pop3_options_set_client_pkcs12, (options, "", ""), (options, NULL, NULL));
    REFUSED(pop3_options_set_client_pkcs12, (options, "x", "\xff"), (options, NULL, NULL));
    REFUSED(pop3_options_set_tls_min, (options, 9), (options, POP3_TLS_1_0));
    REFUSED(pop3_options_set_tls_min, (options, 14), (options, POP3_TLS_1_1));
    REFUSED(pop3_options_set_tls_name, (options, ""), (options, NULL));
    REFUSED(pop3_options_set_tls_name, (options, "host:995"), (options, NULL));
    REFUSED(pop3_options_set_timeouts, (options, -1, 0, 0), (options, 0, 0, 0));
    REFUSED(pop3_options_set_timeouts, (options, 0, -1, 0), (options, 0, 0, 0));
    REFUSED(pop3_options_set_timeouts, (options, 0, 0, -1), (options, 0, 0, 0));
    REFUSED(pop3_options_set_family, (options, 5), (options, POP3_FAMILY_IPV4));
    REFUSED(pop3_options_set_source_address, (options, "localhost"), (options, NULL));
    REFUSED(pop3_options_set_proxy, (options, "ftp://proxy.test:1"), (options, NULL));
    REFUSED(pop3_options_set_language, (options, "no tag"), (options, NULL));
    REFUSED(pop3_options_set_max_message, (options, -1), (options, 0));
    REFUSED(pop3_options_set_fingerprint, (options, "00"), (options, NULL));
    /* of two that were refused both are to be set right */
    CHECK_INT(pop3_options_set_family(options, 7), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_secure(options, 9), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_family(options, POP3_FAMILY_ANY), POP3_OK);
    no_connect(options, "pop3_options_set_secure was refused");
    CHECK_INT(pop3_options_set_secure(options, POP3_CLEAR), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_client_pkcs12(options, "", NULL), POP3_ERR_PARAMETER);
    /* that there is none of the other kind sets nothing right */
    CHECK_INT(pop3_options_set_client_cert(options, NULL, NULL), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_pkcs12(options, NULL, NULL), POP3_OK);
    CHECK_INT(try(options), 0);
    /* NULL is the default, which for these means none */
    CHECK_INT(pop3_options_set_user(options, NULL), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_AUTH);
    CHECK_INT(pop3_options_set_server(options, NULL), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_NO_ADDRESS);
    pop3_options_free(options);
}

static void strings_are_copied(void)
{
    char server[64], user[] = "alice", pass[] = PASS;
    pop3_options *options = options_for(server_mailbox(""), 0);
    snprintf(server, sizeof server, "%s", at(server_mailbox("")));
    CHECK_INT(pop3_options_set_server(options, server), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, user), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, pass), POP3_OK);
    memset(server, 'x', sizeof server - 1);
    memset(user, 'x', sizeof user - 1);
    memset(pass, 'x', sizeof pass - 1);
    CHECK_INT(try(options), 0);
    pop3_options_free(options);
}

static void *use_options(void *options)
{
    for (int i = 0; i < 20; i++)
        CHECK_INT(try(options), 0);
    return NULL;
}

static void several_threads_at_once(void)
{
    pthread_t threads[6];
    pop3_options *options = options_for(server_mailbox("tls=implicit"), 1);
    for (int i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, use_options, options);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    pop3_options_free(options);
}

/* What the callbacks of the options logged. */
struct logged {
    char text[4096];
};

static void log_into_context(const char *status, void *context)
{
    struct logged *logged = context;
    size_t length = strlen(logged->text);
    snprintf(logged->text + length, sizeof logged->text - length, "%s\n", status);
}

static void log_failure(const char *message, int32_t code, const char *command, void *context)
{
    char line[512];
    CHECK_STR(message, pop3_get_last_error());
    snprintf(line, sizeof line, "! %s %d", command, (int)code);
    log_into_context(line, context);
}

static void callbacks_go_with_the_socket(void)
{
    struct logged logged_by_options = {""};
    int where = server_play("", LOGGED_IN REPLY("NOOP", "+OK\\r\\n") REPLY("DELE 9", "-ERR none\\r\\n") GOOD_BYE);
    pop3_options *options = options_for(where, 0);
    CHECK_INT(pop3_options_set_status_cb(options, log_into_context, &logged_by_options), POP3_OK);
    CHECK_INT(pop3_options_set_error_cb(options, log_failure, &logged_by_options), POP3_OK);
    int socket = pop3_connect_with(options);
    /* they live on with the socket */
    pop3_options_free(options);
    CHECK_HAS(logged_by_options.text, "C: PASS ***\nS: +OK\n");
    logged_by_options.text[0] = '\0';
    clear_log();
    pop3_set_error_cb(log_error);
    CHECK_INT(pop3_noop(socket, log_status), 0);
    CHECK_INT(pop3_delete_message(socket, 9, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_delete_message(socket, 0, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
    pop3_set_error_cb(NULL);
    CHECK_STR(logged_by_options.text, "C: NOOP\nS: +OK\nC: DELE 9\nS: -ERR none\n! POP3DeleteMessage -2001\n"
                                     "! POP3DeleteMessage -501\nC: QUIT\nS: +OK\n");
    /* the call's own, and the process's, are called as ever */
    CHECK_HAS(logged(), "C: NOOP\nS: +OK\n! POP3DeleteMessage -2001");
    CHECK_HAS(logged(), "! POP3Disconnect -509");
    CHECK_PLAYED(where);
}

static void a_connect_that_fails_tells_the_options(void)
{
    struct logged logged_by_options = {""};
    pop3_options *options = options_for(server_refuse(), 0);
    CHECK_INT(pop3_options_set_error_cb(options, log_failure, &logged_by_options), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_CONNECT);
    CHECK_STR(logged_by_options.text, "! POP3Connect -10061\n");
    pop3_options_free(options);
}

/* The family without a socket, by options: the same options, callbacks and names of commands. */
static void without_a_socket(void)
{
    struct logged logged_by_options = {""};
    int where = server_play("", LOGGED_IN REPLY("STAT", "+OK 7 70\\r\\n") GOOD_BYE);
    pop3_options *options = options_for(where, 0);
    CHECK_INT(pop3_options_set_status_cb(options, log_into_context, &logged_by_options), POP3_OK);
    CHECK_INT(pop3_options_set_error_cb(options, log_failure, &logged_by_options), POP3_OK);
    CHECK_INT(pop3_stat_with(options), 7);
    CHECK_PLAYED(where);
    CHECK_HAS(logged_by_options.text, "C: PASS ***\nS: +OK\nC: STAT\nS: +OK 7 70\nC: QUIT\nS: +OK\n");

    struct letters letters = {NULL, 0, 0, 0, 0};
    where = server_play("", LOGGED_IN REPLY("LIST", "+OK\\r\\n1 3\\r\\n2 3\\r\\n3 3\\r\\n.\\r\\n") REPLY("RETR 1", "+OK\\r\\nx\\r\\n.\\r\\n")
                                REPLY("DELE 1", "+OK\\r\\n") REPLY("RETR 2", "-ERR gone\\r\\n") GOOD_BYE);
    logged_by_options.text[0] = '\0';
    CHECK_INT(pop3_options_set_server(options, at(where)), POP3_OK);
    CHECK_INT(pop3_recv_with(options, gather_messages, &letters, 1, 2), 1);
    CHECK_STR(letters_text(&letters), "1:3 2:-2001");
    CHECK_PLAYED(where);
    CHECK_HAS(logged_by_options.text, "C: DELE 1\nS: +OK\nC: RETR 2\nS: -ERR gone\nC: QUIT\n");
    letters_free(&letters);

    logged_by_options.text[0] = '\0';
    CHECK_INT(pop3_recv_with(options, NULL, NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv_with(options, never, NULL, 0, -1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_server(options, at(server_refuse())), POP3_OK);
    CHECK_INT(pop3_stat_with(options), POP3_ERR_CONNECT);
    CHECK_HAS(logged_by_options.text, "! POP3Recv -501\n! POP3Recv -501\n");
    CHECK_HAS(logged_by_options.text, "! POP3Stat -10061\n");
    pop3_options_free(options);

    clear_log();
    pop3_set_error_cb(log_error);
    CHECK_INT(pop3_stat_with(NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv_with(NULL, never, NULL, 0, 0), POP3_ERR_PARAMETER);
    pop3_set_error_cb(NULL);
    CHECK_STR(logged(), "! POP3Stat -501 the options are NULL\n! POP3Recv -501 the options are NULL\n");
}

static void the_size_of_the_mailbox(void)
{
    pop3_mailbox_size size = {7, 7};
    int socket = connect_play(LOGGED_IN REPLY("STAT", "+OK 3 5000000000\\r\\n") REPLY("STAT", "-ERR no\\r\\n")
                                  REPLY("STAT", "+OK 3\\r\\n") REPLY("STAT", "+OK 3 x\\r\\n") GOOD_BYE);
    CHECK_INT(pop3_mailbox(socket, NULL, NULL), POP3_ERR_PARAMETER);
    clear_log();
    CHECK_INT(pop3_mailbox(socket, &size, log_status), 0);
    CHECK_INT(size.count, 3);
    CHECK_INT(size.size, 5000000000);
    CHECK_STR(logged(), "C: STAT\nS: +OK 3 5000000000\n");
    const int results[] = {POP3_ERR_SERVER, POP3_ERR_SHORT_RESPONSE, POP3_ERR_SYNTAX};
    for (int i = 0; i < 3; i++) {
        size.count = 7, size.size = 7;
        CHECK_INT(pop3_mailbox(socket, &size, NULL), results[i]);
        CHECK(size.count == 0 && size.size == 0);
    }
    pop3_set_error_cb(log_error);
    clear_log();
    CHECK_INT(pop3_mailbox(1, &size, NULL), POP3_ERR_BAD_SOCKET);
    pop3_set_error_cb(NULL);
    CHECK_STR(logged(), "! POP3Mailbox -509 there is no socket 1\n");
    good_bye(socket);
}

/* Logs in to a play by options that allow so many octets for a message. */
static int connect_with_limit(int64_t octets, const char *transcript)
{
    port = server_play("", transcript);
    pop3_options *options = options_for(port, 0);
    CHECK_INT(pop3_options_set_max_message(options, octets), POP3_OK);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    return socket;
}

static void messages_in_memory_have_a_limit(void)
{
    const char *const fits = REPLY("RETR 1", "+OK\\r\\n12345678\\r\\n.\\r\\n") REPLY("TOP 1 0", "+OK\\r\\n12345678\\r\\n.\\r\\n")
        REPLY("RETR 2", "+OK\\r\\n123456789\\r\\n.\\r\\n");
    pop3_buffer buffer;
    struct pieces pieces = {0};
    script_begin(LOGGED_IN);
    script_add("%s" REPLY("RETR 2", "+OK\\r\\n123456789\\r\\n.\\r\\n") "expect-eof\n", fits);
    int socket = connect_with_limit(10, script());
    CHECK_INT(pop3_recv_message(socket, 1, &buffer, NULL), 0);
    CHECK_INT(buffer.len, 10);
    pop3_buffer_free(&buffer);
    CHECK_INT(pop3_recv_headers(socket, 1, &buffer, NULL), 0);
    pop3_buffer_free(&buffer);
    /* it is not about what is handed out in pieces */
    CHECK_INT(pop3_recv_message_to(socket, 2, gather, &pieces, NULL), 0);
    CHECK_INT(pieces.len, 11);
    pieces_free(&pieces);
    CHECK_INT(pop3_recv_message(socket, 2, &buffer, NULL), POP3_ERR_LIMIT);
    CHECK_STR(pop3_get_last_error(), "RETR: the message has more than 10 octets");
    CHECK(buffer.data == NULL && buffer.len == 0);
    it_is_over(socket);
}

/* 17 MiB of header where 16 are allowed, and where more are. */
static void headers_have_a_limit_of_their_own(void)
{
    pop3_buffer buffer;
    for (int is_top = 0; is_top <= 1; is_top++) {
        const char *command = is_top ? "TOP 1 3" : "TOP 1 0";
        for (int allowed = 0; allowed <= 1; allowed++) {
            script_begin(LOGGED_IN);
            script_add(EXPECT("%s") SEND("+OK") "repeat %d \"1234567890123456789012345678901\\n\"\n", command,
                       17 * 32768);
            script_add(allowed ? SEND("\\r\\n.") GOOD_BYE : "hold\n");
            int socket = connect_with_limit(allowed ? 20 << 20 : 0, script());
            int result = is_top ? pop3_recv_top(socket, 1, 3, &buffer, NULL) : pop3_recv_headers(socket, 1, &buffer, NULL);
            if (allowed) {
                CHECK_INT(result, 0);
                CHECK(buffer.len > 17 << 20);
                pop3_buffer_free(&buffer);
                good_bye(socket);
            } else {
                CHECK_INT(result, POP3_ERR_LIMIT);
                CHECK_HAS(pop3_get_last_error(), "more than 16777216 octets");
                CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
            }
        }
    }
}

static void verification_and_authorities(void)
{
    int good = server_mailbox("tls=implicit"), other = server_mailbox("tls=implicit cert=untrusted");
    pop3_options *options = options_for(good, 1);
    /* the process's secure folder, which main has set */
    CHECK_INT(try(options), 0);
    /* a file instead of it */
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), "other-ca.pem")), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_options_set_server(options, at(other)), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_ca_file(options, "/nonexistent/ca.pem"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), as_shown("/nonexistent/ca.pem"));
    CHECK_INT(pop3_options_set_ca_file(options, NULL), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    /* nobody is asked */
    CHECK_INT(pop3_options_set_verify(options, 0), POP3_OK);
    CHECK_INT(try(options), 0);
    pop3_options_free(options);
}

static void a_secure_folder_of_its_own(void)
{
    int where = server_mailbox("tls=implicit");
    pop3_options *options = options_for(where, 1);
    CHECK_INT(pop3_options_set_secure_dir(options, "/nonexistent"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), as_shown("/nonexistent/cacerts"));
    CHECK_INT(pop3_options_set_secure_dir(options, in(server_dir(), "secure")), POP3_OK);
    CHECK_INT(pop3_set_secure_dir("/nonexistent"), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_secure_dir(options, NULL), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), POP3_OK);
    CHECK_INT(try(options), 0);
    pop3_options_free(options);
}

static void the_platforms_trust_can_be_left_out(void)
{
    /* the platform's store is that of OpenSSL, which its own variable replaces; read when it is first needed */
    pop3_options *options = options_for(server_mailbox("tls=implicit cert=untrusted"), 1);
    setenv("SSL_CERT_FILE", in(server_dir(), "other-ca.pem"), 1);
    CHECK_INT(pop3_options_set_secure_dir(options, in(server_dir(), "secure/../secure")), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_platform_trust(options, 0), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    unsetenv("SSL_CERT_FILE");
    pop3_options_free(options);
}

static void are_client_certificates(const char *certificate, const char *key, const char *pkcs12)
{
    const char *versions[] = {"tls=implicit client-cert=required tls-max=1.2", "tls=implicit client-cert=required"};
    for (int i = 0; i < 2; i++) {
        pop3_options *options = options_for(server_mailbox(versions[i]), 1);
        CHECK(try(options) < 0);
        CHECK_INT(pop3_options_set_client_cert(options, certificate, key), POP3_OK);
        CHECK_INT(try(options), 0);
        CHECK_INT(pop3_options_set_client_pkcs12(options, pkcs12, "p12 pass"), POP3_OK);
        CHECK_INT(try(options), 0);
        CHECK_INT(pop3_options_set_client_pkcs12(options, NULL, NULL), POP3_OK);
        CHECK(try(options) < 0);
        pop3_options_free(options);
    }
}

static void client_certificates(void)
{
    are_client_certificates(in(server_dir(), "client-purpose.pem"), in(server_dir(), "client-purpose.key"),
                            in(server_dir(), "client.p12"));
}

static void client_certificates_with_rsa(void)
{
    are_client_certificates(in(server_dir(), "client-rsa.pem"), in(server_dir(), "client-rsa.key"),
                            in(server_dir(), "client-rsa.p12"));
}

static void client_certificates_that_cannot_be_used(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit"), 1);
    const char *good = in(server_dir(), "client-purpose.pem");
    const char *rows[][2] = {
        {"/nonexistent/cert.pem", "client-purpose.key"}, {"", "/nonexistent/key.pem"}, {"", "good.key"},
        {"", "client-purpose.pem"}, {"client-purpose.key", "client-purpose.key"}, {"", "client-locked.key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *certificate = rows[i][0][0] == '\0'  ? good
                                  : rows[i][0][0] == '/' ? rows[i][0]
                                                         : in(server_dir(), rows[i][0]);
        const char *key = rows[i][1][0] == '/' ? rows[i][1] : in(server_dir(), rows[i][1]);
        CHECK_INT(pop3_options_set_client_cert(options, certificate, key), POP3_OK);
        CHECK_INT(try(options), POP3_ERR_SECURE);
        CHECK_HAS(pop3_get_secure_error(), "the client's certificate cannot be used");
    }
    CHECK_INT(pop3_options_set_client_pkcs12(options, in(server_dir(), "client.p12"), "wrong"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "client.p12");
    CHECK_HAS_NOT(pop3_get_secure_error(), "wrong");
    pop3_options_free(options);
}

/* It would make us wait for whoever writes to it. */
static void a_pipe_is_no_client_certificate(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit"), 1);
    char pipe[] = "/tmp/pop3connect-pipe.XXXXXX";
    CHECK(mkdtemp(pipe) != NULL && rmdir(pipe) == 0 && mkfifo(pipe, 0600) == 0);
    CHECK_INT(pop3_options_set_client_cert(options, pipe, pipe), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "not a regular file");
    CHECK_INT(unlink(pipe), 0);
    pop3_options_free(options);
}

static void tls_versions(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit tls-max=1.2"), 1);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_tls_min(options, 13), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_options_set_tls_min(options, 12), POP3_OK);
    CHECK_INT(try(options), 0);
    pop3_options_free(options);
}

static void another_name_than_the_servers(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit cert=wildcard"), 1);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_options_set_tls_name(options, "pop.mail.test"), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_tls_name(options, "pop.other.test"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "wanted pop.other.test");
    CHECK_INT(pop3_options_set_tls_name(options, NULL), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    pop3_options_free(options);
}

/* How long a connect by these options takes that runs into a timeout. */
static long long timed_out(const pop3_options *options)
{
    long long start = now_ms();
    CHECK_INT(try(options), POP3_ERR_TIMEOUT);
    return now_ms() - start;
}

static void timeouts_of_its_own(void)
{
    enum { LATE_MS = 10000 };
    pop3_options *options = options_for(server_play("times=2", "hold"), 0);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 300, 0), POP3_OK);
    long long took = timed_out(options);
    CHECK(took >= 290 && took < 300 + LATE_MS);
    CHECK_INT(pop3_options_set_timeouts(options, 20000, 20000, 300), POP3_OK);
    took = timed_out(options);
    CHECK(took >= 290 && took < 300 + LATE_MS);
    pop3_options_free(options);

    /* the handshake is part of connecting */
    options = options_for(server_play("", "expect-hello\nhold"), 1);
    CHECK_INT(pop3_options_set_timeouts(options, 300, 20000, 0), POP3_OK);
    took = timed_out(options);
    CHECK(took >= 290 && took < 300 + LATE_MS);
    pop3_options_free(options);

    name_hangs("hang.test", 800);
    options = options_for(server_refuse(), 0);
    CHECK_INT(pop3_options_set_server(options, "hang.test"), POP3_OK);
    CHECK_INT(pop3_options_set_timeouts(options, 300, 20000, 0), POP3_OK);
    took = timed_out(options);
    CHECK(took >= 290 && took < 300 + LATE_MS);
    pop3_options_free(options);
}

static void a_call_has_one_limit_for_all_its_waits(void)
{
    /* each reply is in time, a hundred of them are not */
    script_begin(LOGGED_IN);
    script_add(EXPECT("LIST") "trickle 50 \"+OK\\r\\n1 1\\r\\n2 2\\r\\n3 3\\r\\n4 4\\r\\n5 5\\r\\n6 6\\r\\n7 7\\r\\n\"\nhold");
    pop3_options *options = options_for(server_play("", script()), 0);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 20000, 500), POP3_OK);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    CHECK(socket > 0);
    /* between the calls time does not count */
    sleep_ms(600);
    pop3_list list;
    long long start = now_ms();
    CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), POP3_ERR_TIMEOUT);
    CHECK(now_ms() - start >= 490 && now_ms() - start < 15000);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
}

static void one_family(void)
{
    int where = server_mailbox("");
    name_is("both.test", "::1 127.0.0.1");
    pop3_options *options = options_for(where, 0);
    CHECK_INT(pop3_options_set_server(options, at_host("both.test", where)), POP3_OK);
    /* nobody listens at the first */
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_family(options, 4), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_family(options, 6), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_CONNECT);
    CHECK_INT(pop3_options_set_server(options, at(where)), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_HOST_NOT_FOUND);
    pop3_options_free(options);
}

/* Takes one connection and answers where it came from. */
static void *accept_one(void *listener)
{
    static char from[INET_ADDRSTRLEN];
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int connection = (int)accept(*(int *)listener, (struct sockaddr *)&name, &size);
    inet_ntop(AF_INET, &name.sin_addr, from, sizeof from);
    close_socket(connection);
    return from;
}

static void the_source_address(void)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    void *from;
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(listener, (struct sockaddr *)&name, size) == 0 && listen(listener, 1) == 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&name, &size), 0);
    pthread_create(&thread, NULL, accept_one, &listener);
    pop3_options *options = options_for(ntohs(name.sin_port), 0);
    CHECK_INT(pop3_options_set_source_address(options, "127.0.0.77"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_CONNECTION_LOST);
    pthread_join(thread, &from);
    CHECK_STR(from, "127.0.0.77");
    close_socket(listener);
    /* an address of the other kind reaches nothing, and one that is not ours cannot be had */
    CHECK_INT(pop3_options_set_source_address(options, "::1"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_HOST_NOT_FOUND);
    CHECK_INT(pop3_options_set_source_address(options, "192.0.2.1"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_CONNECT);
    pop3_options_free(options);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(all_three_modes);
    RUN(null_options);
    RUN(what_the_setters_refuse);
    RUN(strings_are_copied);
    RUN(several_threads_at_once);
    RUN(callbacks_go_with_the_socket);
    RUN(a_connect_that_fails_tells_the_options);
    RUN(without_a_socket);
    RUN(the_size_of_the_mailbox);
    RUN(messages_in_memory_have_a_limit);
    RUN(headers_have_a_limit_of_their_own);
    RUN(verification_and_authorities);
    RUN(a_secure_folder_of_its_own);
    RUN(the_platforms_trust_can_be_left_out);
    RUN(client_certificates);
    RUN(client_certificates_with_rsa);
    RUN(client_certificates_that_cannot_be_used);
    RUN(a_pipe_is_no_client_certificate);
    RUN(tls_versions);
    RUN(another_name_than_the_servers);
    RUN(timeouts_of_its_own);
    RUN(a_call_has_one_limit_for_all_its_waits);
    RUN(one_family);
    RUN(the_source_address);
    return check_result();
}

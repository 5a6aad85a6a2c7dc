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
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

/* Options for that port of 127.0.0.1, with the account of every test server. */
static pop3_options *options_for(int where, int secure)
{
    pop3_options *options = pop3_options_new();
    CHECK(options != NULL);
    CHECK_INT(pop3_options_set_server(options, at(where)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, secure), POP3_OK);
    return options;
}

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
    pop3_options_free(NULL);
}

static void what_the_setters_refuse(void)
{
    int where = server_mailbox("");
    pop3_options *options = options_for(where, 0);
    CHECK_INT(pop3_options_set_user(options, "a\r\nDELE 1"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_password(options, "a\n"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_secure(options, 3), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_secure(options, -1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_secure_dir(options, ""), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_ca_file(options, ""), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_cert(options, "only one", NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_cert(options, NULL, "only one"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_pkcs12(options, "", ""), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_pkcs12(options, "x", "\xff"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_tls_min(options, 11), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_tls_name(options, ""), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_tls_name(options, "host:995"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_timeouts(options, -1, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 0, -1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_family(options, 5), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_source_address(options, "localhost"), POP3_ERR_PARAMETER);
    /* and nothing of it was taken */
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

/* What the callbacks of the options heard. */
struct heard {
    char text[4096];
};

static void hear_status(const char *status, void *context)
{
    struct heard *heard = context;
    size_t length = strlen(heard->text);
    snprintf(heard->text + length, sizeof heard->text - length, "%s\n", status);
}

static void hear_failure(const char *message, int32_t code, const char *command, void *context)
{
    char line[512];
    CHECK_STR(message, pop3_get_last_error());
    snprintf(line, sizeof line, "! %s %d", command, (int)code);
    hear_status(line, context);
}

static void callbacks_go_with_the_socket(void)
{
    struct heard heard_by_options = {""};
    int where = server_play("", LOGGED_IN REPLY("NOOP", "+OK\\r\\n") REPLY("DELE 9", "-ERR none\\r\\n") GOOD_BYE);
    pop3_options *options = options_for(where, 0);
    CHECK_INT(pop3_options_set_status_cb(options, hear_status, &heard_by_options), POP3_OK);
    CHECK_INT(pop3_options_set_error_cb(options, hear_failure, &heard_by_options), POP3_OK);
    int socket = pop3_connect_with(options);
    /* they live on with the socket */
    pop3_options_free(options);
    CHECK_HAS(heard_by_options.text, "C: PASS ***\nS: +OK\n");
    heard_by_options.text[0] = '\0';
    hear_nothing();
    pop3_set_error_cb(hear_error);
    CHECK_INT(pop3_noop(socket, hear), 0);
    CHECK_INT(pop3_delete_message(socket, 9, NULL), POP3_ERR_SERVER);
    CHECK_INT(pop3_delete_message(socket, 0, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
    pop3_set_error_cb(NULL);
    CHECK_STR(heard_by_options.text, "C: NOOP\nS: +OK\nC: DELE 9\nS: -ERR none\n! POP3DeleteMessage -2001\n"
                                     "! POP3DeleteMessage -501\nC: QUIT\nS: +OK\n");
    /* the call's own, and the process's, hear as ever */
    CHECK_HAS(heard(), "C: NOOP\nS: +OK\n! POP3DeleteMessage -2001");
    CHECK_HAS(heard(), "! POP3Disconnect -509");
    CHECK_PLAYED(where);
}

static void a_connect_that_fails_tells_the_options(void)
{
    struct heard heard_by_options = {""};
    pop3_options *options = options_for(server_refuse(), 0);
    CHECK_INT(pop3_options_set_error_cb(options, hear_failure, &heard_by_options), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_CONNECT);
    CHECK_STR(heard_by_options.text, "! POP3Connect -10061\n");
    pop3_options_free(options);
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
    CHECK_HAS(pop3_get_secure_error(), "/nonexistent/ca.pem");
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
    CHECK_HAS(pop3_get_secure_error(), "/nonexistent/cacerts");
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

static void client_certificates(void)
{
    const char *certificate = in(server_dir(), "client-purpose.pem"), *key = in(server_dir(), "client-purpose.key");
    const char *versions[] = {"tls=implicit client-cert=required tls-max=1.2", "tls=implicit client-cert=required"};
    for (int i = 0; i < 2; i++) {
        pop3_options *options = options_for(server_mailbox(versions[i]), 1);
        CHECK(try(options) < 0);
        CHECK_INT(pop3_options_set_client_cert(options, certificate, key), POP3_OK);
        CHECK_INT(try(options), 0);
        CHECK_INT(pop3_options_set_client_pkcs12(options, in(server_dir(), "client.p12"), "p12 pass"), POP3_OK);
        CHECK_INT(try(options), 0);
        CHECK_INT(pop3_options_set_client_pkcs12(options, NULL, NULL), POP3_OK);
        CHECK(try(options) < 0);
        pop3_options_free(options);
    }
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
    /* a pipe would make us wait for whoever writes to it */
    char pipe[] = "/tmp/pop3connect-pipe.XXXXXX";
    CHECK(mkdtemp(pipe) != NULL && rmdir(pipe) == 0 && mkfifo(pipe, 0600) == 0);
    CHECK_INT(pop3_options_set_client_cert(options, pipe, pipe), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "not a regular file");
    CHECK_INT(unlink(pipe), 0);
    CHECK_INT(pop3_options_set_client_pkcs12(options, in(server_dir(), "client.p12"), "wrong"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "client.p12");
    CHECK_HAS_NOT(pop3_get_secure_error(), "wrong");
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
    script_add("expect \"LIST\\r\\n\"\ntrickle 50 \"+OK\\r\\n1 1\\r\\n2 2\\r\\n3 3\\r\\n4 4\\r\\n5 5\\r\\n6 6\\r\\n7 7\\r\\n\"\nhold");
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
    int connection = accept(*(int *)listener, (struct sockaddr *)&name, &size);
    inet_ntop(AF_INET, &name.sin_addr, from, sizeof from);
    close(connection);
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
    close(listener);
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
    RUN(verification_and_authorities);
    RUN(a_secure_folder_of_its_own);
    RUN(the_platforms_trust_can_be_left_out);
    RUN(client_certificates);
    RUN(client_certificates_that_cannot_be_used);
    RUN(tls_versions);
    RUN(another_name_than_the_servers);
    RUN(timeouts_of_its_own);
    RUN(a_call_has_one_limit_for_all_its_waits);
    RUN(one_family);
    RUN(the_source_address);
    return check_result();
}

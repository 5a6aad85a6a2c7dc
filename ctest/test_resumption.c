/* TLS sessions that are resumed, and when they must not be: told by the client, counted by the server. */
#define _DEFAULT_SOURCE /* mkdtemp, setenv */
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "real_server.h"
#include "script.h"
#include "server.h"
#include "session.h"
#include "times.h"

/* Whether the session was resumed, by what the client says of it. */
static int is_resumed(int socket)
{
    pop3_tls_info info = {0};
    CHECK_INT(pop3_get_tls_info(socket, &info), POP3_OK);
    int resumed = info.resumed;
    CHECK(resumed == 0 || resumed == 1);
    /* a resumed session has the peer's certificate as ever, and what was found out about it */
    CHECK_HAS(info.peer_pem, "-----BEGIN CERTIFICATE-----");
    pop3_tls_info_free(&info);
    return resumed;
}

/* A session of one call, with one handshake that the server counts on that port, resumed or not. */
static void connects_to(int where, const pop3_options *options, int resumed, const char *file, int line)
{
    int full_before, resumed_before, full_after, resumed_after;
    server_handshakes(where, &full_before, &resumed_before);
    int socket = pop3_connect_with(options);
    if (!check_true(socket > 0, "connects", file, line)) {
        printf("%s\n", pop3_get_last_error());
        return;
    }
    server_handshakes(where, &full_after, &resumed_after);
    check_int(is_resumed(socket), resumed, "resumed, by the client", file, line);
    check_int(resumed_after - resumed_before, resumed, "resumed, by the server", file, line);
    check_int(full_after - full_before, !resumed, "full handshakes, by the server", file, line);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

#define FULL(where, options) connects_to((where), (options), 0, __FILE__, __LINE__)
#define RESUMED(where, options) connects_to((where), (options), 1, __FILE__, __LINE__)

static void in_both_modes_and_versions(void)
{
    const char *servers[] = {"tls=implicit", "tls=implicit tls-max=1.2", "tls=stls", "tls=stls tls-max=1.2"};
    for (int i = 0; i < 4; i++)
        for (int verify = 0; verify <= 1; verify++) {
            int where = server_mailbox(servers[i]);
            pop3_options *options = options_for(where, i < 2 ? 1 : 2);
            CHECK_INT(pop3_options_set_verify(options, verify), POP3_OK);
            FULL(where, options);
            for (int again = 0; again < 3; again++)
                RESUMED(where, options);
            pop3_options_free(options);
        }
}

static void whichever_function_connects(void)
{
    int full, resumed, where = server_mailbox("tls=implicit");
    pop3_options *options = options_for(where, 1);
    clear_log();
    int socket = pop3_connect(at(where), "alice", PASS, log_status, 1, 1);
    CHECK_HAS_NOT(logged(), "resumed");
    CHECK_INT(is_resumed(socket), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    RESUMED(where, options);
    CHECK_INT(pop3_stat(at(where), "alice", PASS, log_status, 1, 1), 5);
    CHECK_HAS(logged(), "* TLSv1.3, ");
    CHECK_HAS(logged(), ", resumed, certificate verified: for localhost, mail.test");
    server_handshakes(where, &full, &resumed);
    CHECK(full == 1 && resumed == 2);
    pop3_options_free(options);
}

static void *connect_often(void *options)
{
    for (int i = 0; i < 10; i++) {
        int socket = pop3_connect_with(options);
        if (CHECK(socket > 0)) {
            CHECK_INT(is_resumed(socket), 1);
            CHECK_INT(pop3_disconnect(socket, NULL), 0);
        }
    }
    return NULL;
}

static void by_many_threads_at_once(void)
{
    const char *servers[] = {"tls=implicit", "tls=implicit tls-max=1.2", "tls=stls"};
    for (int i = 0; i < 3; i++) {
        enum { THREADS = 8 };
        pthread_t threads[THREADS];
        int full, resumed, where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, i < 2 ? 1 : 2);
        FULL(where, options);
        for (int j = 0; j < THREADS; j++)
            CHECK_INT(pthread_create(&threads[j], NULL, connect_often, options), 0);
        for (int j = 0; j < THREADS; j++)
            pthread_join(threads[j], NULL);
        server_handshakes(where, &full, &resumed);
        CHECK_INT(full, 1);
        CHECK_INT(resumed, THREADS * 10);
        pop3_options_free(options);
    }
}

/* What decides trust and identity: whoever differs in it begins anew, and whoever comes back goes on. */

static void not_by_who_does_not_verify(void)
{
    for (int first = 0; first <= 1; first++) {
        int where = server_mailbox("tls=implicit");
        pop3_options *options = options_for(where, 1);
        CHECK_INT(pop3_options_set_verify(options, first), POP3_OK);
        FULL(where, options);
        CHECK_INT(pop3_options_set_verify(options, !first), POP3_OK);
        FULL(where, options);
        RESUMED(where, options);
        CHECK_INT(pop3_options_set_verify(options, first), POP3_OK);
        RESUMED(where, options);
        pop3_options_free(options);
    }
}

static void nor_is_an_impostor_believed_who_was_connected_to_unverified(void)
{
    const char *servers[] = {"tls=implicit cert=untrusted", "tls=stls cert=untrusted",
                             "tls=implicit cert=wrong-name tls-max=1.2"};
    for (int i = 0; i < 3; i++) {
        int full, resumed, where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, i == 1 ? 2 : 1);
        CHECK_INT(pop3_options_set_verify(options, 0), POP3_OK);
        FULL(where, options);
        RESUMED(where, options);
        CHECK_INT(pop3_options_set_verify(options, 1), POP3_OK);
        CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
        server_handshakes(where, &full, &resumed);
        CHECK_INT(resumed, 1);
        pop3_options_free(options);
    }
}

static void not_by_who_trusts_others(void)
{
    int where = server_mailbox("tls=implicit");
    pop3_options *options = options_for(where, 1);
    FULL(where, options);
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), "ca.pem")), POP3_OK);
    FULL(where, options);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), "ca.der")), POP3_OK);
    FULL(where, options);
    /* one that does not know the server's authority gets nowhere by a session of those that do */
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), "other-ca.pem")), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), "ca.pem")), POP3_OK);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_platform_trust(options, 0), POP3_OK);
    FULL(where, options);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_ca_file(options, NULL), POP3_OK);
    FULL(where, options);
    CHECK_INT(pop3_options_set_platform_trust(options, 1), POP3_OK);
    RESUMED(where, options);
    pop3_options_free(options);
}

static void not_by_who_has_another_secure_folder(void)
{
    char folder[] = "/tmp/pop3connect-secure.XXXXXX", command[9000];
    int where = server_mailbox("tls=stls");
    pop3_options *options = options_for(where, 2);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(command, sizeof command, "cp -r '%s'/cacerts '%s'", in(server_dir(), "secure"), folder);
    CHECK_INT(system(command), 0);
    FULL(where, options);
    CHECK_INT(pop3_options_set_secure_dir(options, folder), POP3_OK);
    FULL(where, options);
    RESUMED(where, options);
    /* the process's, where the options have none */
    CHECK_INT(pop3_options_set_secure_dir(options, NULL), POP3_OK);
    RESUMED(where, options);
    CHECK_INT(pop3_set_secure_dir(folder), POP3_OK);
    RESUMED(where, options);
    pop3_forget(NULL);
    FULL(where, options);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), POP3_OK);
    FULL(where, options);
    pop3_options_free(options);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    CHECK_INT(system(command), 0);
}

static void not_under_another_name(void)
{
    int where = server_mailbox("tls=implicit");
    pop3_options *options = options_for(where, 1);
    FULL(where, options);
    CHECK_INT(pop3_options_set_tls_name(options, "mail.test"), POP3_OK);
    FULL(where, options);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_tls_name(options, "localhost"), POP3_OK);
    FULL(where, options);
    /* a name that the certificate does not have */
    CHECK_INT(pop3_options_set_tls_name(options, "other.test"), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_options_set_tls_name(options, NULL), POP3_OK);
    RESUMED(where, options);

    /* the same address by another name */
    name_is("mail.test", "127.0.0.1");
    name_is("MAIL.test", "127.0.0.1");
    name_is("other.test", "127.0.0.1");
    CHECK_INT(pop3_options_set_server(options, at_host("mail.test", where)), POP3_OK);
    FULL(where, options);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_server(options, at_host("MAIL.test", where)), POP3_OK);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_server(options, at_host("other.test", where)), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_options_set_verify(options, 0), POP3_OK);
    FULL(where, options);
    CHECK_INT(pop3_options_set_server(options, at_host("mail.test", where)), POP3_OK);
    FULL(where, options);
    pop3_options_free(options);
}

static void not_where_another_version_is_wanted(void)
{
    int where = server_mailbox("tls=implicit"), old = server_mailbox("tls=implicit tls-max=1.2");
    pop3_options *options = options_for(where, 1);
    FULL(where, options);
    CHECK_INT(pop3_options_set_tls_min(options, 13), POP3_OK);
    FULL(where, options);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_tls_min(options, 12), POP3_OK);
    RESUMED(where, options);
    /* a session of TLS 1.2 does not let an old server in */
    CHECK_INT(pop3_options_set_server(options, at(old)), POP3_OK);
    FULL(old, options);
    CHECK_INT(pop3_options_set_tls_min(options, 13), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    pop3_options_free(options);
}

static void use_certificate(pop3_options *options, const char *name)
{
    char certificate[64], key[64];
    snprintf(certificate, sizeof certificate, "%s.pem", name);
    snprintf(key, sizeof key, "%s.key", name);
    CHECK_INT(pop3_options_set_client_cert(options, in(server_dir(), certificate), in(server_dir(), key)), POP3_OK);
}

static void not_by_another_client(void)
{
    const char *servers[] = {"tls=implicit client-cert=asked", "tls=implicit client-cert=asked tls-max=1.2",
                             "tls=stls client-cert=asked", "tls=implicit"};
    for (int i = 0; i < 4; i++) {
        int where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, i == 2 ? 2 : 1);
        FULL(where, options);
        use_certificate(options, "client-purpose");
        FULL(where, options);
        RESUMED(where, options);
        use_certificate(options, "other-client");
        FULL(where, options);
        RESUMED(where, options);
        /* it is the certificate that counts, not the file that it comes from */
        CHECK_INT(pop3_options_set_client_pkcs12(options, in(server_dir(), "client.p12"), "p12 pass"), POP3_OK);
        RESUMED(where, options);
        CHECK_INT(pop3_options_set_client_pkcs12(options, NULL, NULL), POP3_OK);
        RESUMED(where, options);
        pop3_options_free(options);
    }
}

static void where_clients_must_show_a_certificate(void)
{
    const char *servers[] = {"tls=implicit client-cert=required", "tls=implicit client-cert=required tls-max=1.2",
                             "tls=stls client-cert=required"};
    for (int i = 0; i < 3; i++) {
        int full, resumed, where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, i == 2 ? 2 : 1);
        use_certificate(options, "client-purpose");
        FULL(where, options);
        RESUMED(where, options);
        RESUMED(where, options);
        /* without it nobody gets in by the session of somebody who has it */
        CHECK_INT(pop3_options_set_client_cert(options, NULL, NULL), POP3_OK);
        CHECK(pop3_connect_with(options) < 0);
        server_handshakes(where, &full, &resumed);
        CHECK_INT(resumed, 2);
        pop3_options_free(options);
    }
}

/* Puts the file `name` of the server's folder where `path` is. */
static void put(const char *name, const char *path)
{
    char command[9000];
    snprintf(command, sizeof command, "cp '%s' '%s'", in(server_dir(), name), path);
    CHECK_INT(system(command), 0);
}

static void not_when_the_certificates_file_is_another(void)
{
    char folder[] = "/tmp/pop3connect-client.XXXXXX", certificate[64], key[64];
    int where = server_mailbox("tls=implicit client-cert=required");
    pop3_options *options = options_for(where, 1);
    CHECK(mkdtemp(folder) != NULL);
    snprintf(certificate, sizeof certificate, "%s/client.pem", folder);
    snprintf(key, sizeof key, "%s/client.key", folder);
    CHECK_INT(pop3_options_set_client_cert(options, certificate, key), POP3_OK);
    put("client-purpose.pem", certificate);
    put("client-purpose.key", key);
    FULL(where, options);
    RESUMED(where, options);
    put("other-client.pem", certificate);
    put("other-client.key", key);
    FULL(where, options);
    RESUMED(where, options);
    put("client-purpose.pem", certificate);
    put("client-purpose.key", key);
    RESUMED(where, options);
    CHECK(unlink(certificate) == 0 && unlink(key) == 0 && rmdir(folder) == 0);
    /* and when it is gone nobody connects */
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    pop3_options_free(options);
}

static void not_on_another_port(void)
{
    int one = server_mailbox("tls=implicit"), two = server_mailbox("tls=implicit");
    pop3_options *options = options_for(one, 1);
    FULL(one, options);
    CHECK_INT(pop3_options_set_server(options, at(two)), POP3_OK);
    FULL(two, options);
    RESUMED(two, options);
    CHECK_INT(pop3_options_set_server(options, at(one)), POP3_OK);
    RESUMED(one, options);
    pop3_options_free(options);
}

#define SAYS_STLS SEND("+OK") REPLY("CAPA", "+OK\\r\\nSTLS\\r\\n.\\r\\n") REPLY("STLS", "+OK\\r\\n")
#define NOOP_AND_QUIT REPLY("NOOP", "+OK\\r\\n") GOOD_BYE

static void not_in_another_mode(void)
{
    /* the same context of the server in both */
    int where = server_play("", "starttls\n" LOGGED_IN NOOP_AND_QUIT "next\n"
                                SAYS_STLS "starttls\n" REPLY("CAPA", "-ERR\\r\\n") LOG_IN NOOP_AND_QUIT "next\n"
                                "starttls\n" SEND("+OK") LOG_IN NOOP_AND_QUIT "next\n"
                                SEND("+OK") REPLY("STLS", "+OK\\r\\n") "starttls\n" LOG_IN NOOP_AND_QUIT);
    pop3_options *options = options_for(where, 1);
    FULL(where, options);
    CHECK_INT(pop3_options_set_secure(options, 2), POP3_OK);
    FULL(where, options);
    CHECK_INT(pop3_options_set_secure(options, 1), POP3_OK);
    RESUMED(where, options);
    CHECK_INT(pop3_options_set_secure(options, 2), POP3_OK);
    RESUMED(where, options);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

/* Through a proxy to pop.test:110, which is the proxy itself */
#define SOCKS \
    "expect \"\\x05\\x01\\x00\"\nsend \"\\x05\\x00\"\nexpect \"\\x05\\x01\\x00\\x03\\x08pop.test\\x00\\x6e\"\n" \
    "send \"\\x05\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\"\n"
#define HTTP \
    EXPECT("CONNECT pop.test:110 HTTP/1.1\\r\\nHost: pop.test:110\\r\\n") \
    SEND("HTTP/1.1 200 OK\\r\\n")

static void not_through_another_proxy(void)
{
    /* what one remembers, another is not told, and asks for capabilities of its own */
    int where = server_play("", SOCKS "starttls\n" LOGGED_IN NOOP_AND_QUIT "next\n"
                                SOCKS "starttls\n" SEND("+OK") LOG_IN NOOP_AND_QUIT "next\n"
                                HTTP "starttls\n" LOGGED_IN NOOP_AND_QUIT "next\n"
                                SOCKS "starttls\n" LOGGED_IN NOOP_AND_QUIT "next\n"
                                SOCKS "starttls\n" SEND("+OK") LOG_IN NOOP_AND_QUIT "next\n"
                                HTTP "starttls\n" SEND("+OK") LOG_IN NOOP_AND_QUIT "next\n"
                                HTTP "starttls\n" LOGGED_IN NOOP_AND_QUIT);
    const struct {
        const char *format;
        int resumed;
    } rows[] = {
        {"socks5://127.0.0.1:%d", 0}, {"socks5://127.0.0.1:%d", 1}, {"http://127.0.0.1:%d", 0},
        {"socks5://localhost:%d", 0}, {"socks5://127.0.0.1:%d", 1}, {"http://127.0.0.1:%d", 1},
        /* forgotten as the server that it is, whichever way leads there */
        {"http://127.0.0.1:%d", 0},
    };
    pop3_options *options = options_for(where, 1);
    CHECK_INT(pop3_options_set_server(options, "pop.test:110"), POP3_OK);
    CHECK_INT(pop3_options_set_verify(options, 0), POP3_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char proxy[64];
        snprintf(proxy, sizeof proxy, rows[i].format, where);
        CHECK_INT(pop3_options_set_proxy(options, proxy), POP3_OK);
        if (i == 6)
            pop3_forget("pop.test");
        if (rows[i].resumed)
            RESUMED(where, options);
        else
            FULL(where, options);
    }
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

/* Forgetting */

static void what_is_forgotten(void)
{
    char text[64];
    int where = server_mailbox("tls=implicit"), other = server_mailbox("tls=stls");
    pop3_options *options = options_for(where, 1), *others = options_for(other, 2);
    const char *all[] = {NULL, "127.0.0.1", "127.0.0.1:%d"};
    FULL(where, options);
    FULL(other, others);
    for (int i = 0; i < 3; i++) {
        if (all[i] != NULL)
            snprintf(text, sizeof text, all[i], where);
        pop3_forget(all[i] == NULL ? NULL : text);
        FULL(where, options);
        RESUMED(where, options);
        /* the port that was not named is left alone */
        if (i < 2)
            FULL(other, others);
        RESUMED(other, others);
    }
    const char *none[] = {"127.0.0.2", "127.0.0.1:1", "localhost", "mail.test", "", ":1", "[", "\xff", "127.0.0.1:x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        pop3_forget(none[i]);
        RESUMED(where, options);
        RESUMED(other, others);
    }
    pop3_options_free(options);
    pop3_options_free(others);
}

static void names_are_forgotten_as_they_are_connected_to(void)
{
    int where = server_mailbox("tls=implicit");
    pop3_options *options = options_for(where, 1);
    CHECK_INT(pop3_options_set_server(options, at_host("localhost", where)), POP3_OK);
    FULL(where, options);
    pop3_forget("127.0.0.1");
    RESUMED(where, options);
    pop3_forget("LocalHost");
    FULL(where, options);
    pop3_forget(at_host("LOCALHOST", where));
    FULL(where, options);

    where = server_mailbox("tls=implicit address=::1");
    CHECK_INT(pop3_options_set_server(options, at_host("[::1]", where)), POP3_OK);
    FULL(where, options);
    pop3_forget("[::2]");
    RESUMED(where, options);
    pop3_forget("::1");
    FULL(where, options);
    pop3_forget("[::1]");
    FULL(where, options);
    pop3_forget(at_host("[0:0::1]", where));
    FULL(where, options);
    pop3_options_free(options);
}

/* Servers */

static void a_server_that_has_lost_its_keys(void)
{
    const char *servers[] = {"tls=implicit tickets=lost", "tls=stls tickets=lost tls-max=1.2",
                             "tls=implicit tickets=refused", "tls=implicit tickets=refused tls-max=1.2",
                             "tls=implicit client-cert=asked tickets=lost"};
    for (int i = 0; i < 5; i++) {
        int where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, i == 1 ? 2 : 1);
        for (int again = 0; again < 3; again++)
            FULL(where, options);
        CHECK_INT(server_connections(where), 3);
        pop3_options_free(options);
    }
}

static void a_server_that_fails_when_a_session_is_offered(void)
{
    const char *servers[] = {"tls=implicit client-cert=required tickets=broken",
                             "tls=implicit client-cert=required tickets=broken tls-max=1.2",
                             "tls=stls client-cert=required tickets=broken"};
    for (int i = 0; i < 3; i++) {
        int where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, i == 2 ? 2 : 1);
        use_certificate(options, "client-purpose");
        for (int again = 0; again < 4; again++)
            FULL(where, options);
        /* it failed once, and was offered none again */
        CHECK_INT(server_connections(where), 5);
        pop3_options_free(options);
    }
}

static void a_refused_log_in_leaves_nothing(void)
{
    const char *servers[] = {"tls=implicit", "tls=implicit tls-max=1.2", "tls=stls"};
    for (int i = 0; i < 3; i++) {
        int full, resumed, where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, i == 2 ? 2 : 1);
        CHECK_INT(pop3_options_set_password(options, "wrong"), POP3_OK);
        CHECK_INT(pop3_connect_with(options), POP3_ERR_AUTH);
        CHECK_INT(pop3_connect_with(options), POP3_ERR_AUTH);
        server_handshakes(where, &full, &resumed);
        CHECK(full == 2 && resumed == 0);
        CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
        FULL(where, options);
        RESUMED(where, options);
        /* nor of what was there before */
        CHECK_INT(pop3_options_set_password(options, "wrong"), POP3_OK);
        CHECK_INT(pop3_connect_with(options), POP3_ERR_AUTH);
        CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
        FULL(where, options);
        RESUMED(where, options);
        pop3_options_free(options);
    }
}

static void a_session_in_use_is_resumed_beside_it(void)
{
    int where = server_mailbox("tls=implicit"), sockets[4];
    pop3_options *options = options_for(where, 1);
    for (int i = 0; i < 4; i++) {
        sockets[i] = pop3_connect_with(options);
        CHECK_INT(is_resumed(sockets[i]), i > 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_INT(pop3_message_count(sockets[i], NULL), 5);
        CHECK_INT(pop3_disconnect(sockets[i], NULL), 0);
    }
    pop3_options_free(options);
}

static int32_t enough(const char *data, size_t len, void *context)
{
    (void)data, (void)len, (void)context;
    return 1;
}

static void after_a_session_that_ended_without_a_word(void)
{
    const char *servers[] = {"tls=implicit", "tls=implicit tls-max=1.2"};
    for (int i = 0; i < 2; i++) {
        int where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, 1);
        FULL(where, options);
        for (int again = 0; again < 3; again++) {
            int socket = pop3_connect_with(options);
            CHECK_INT(is_resumed(socket), 1);
            /* the connection is closed in the middle of the message */
            CHECK_INT(pop3_recv_message_to(socket, 1, enough, NULL, NULL), POP3_ERR_CANCELLED);
            CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
        }
        RESUMED(where, options);
        pop3_options_free(options);
    }
}

static void a_resumed_session_is_verified_as_the_first_was(void)
{
    int where = server_mailbox("tls=implicit");
    for (int verify = 0; verify <= 1; verify++)
        for (int again = 0; again < 2; again++) {
            pop3_tls_info info;
            int socket = pop3_connect(at(where), "alice", PASS, NULL, 1, verify);
            CHECK_INT(pop3_get_tls_info(socket, &info), POP3_OK);
            CHECK_INT(info.resumed, again);
            CHECK_INT(info.verified, verify);
            CHECK_STR(info.version, "TLSv1.3");
            pop3_tls_info_free(&info);
            CHECK_INT(pop3_disconnect(socket, NULL), 0);
        }
}

/* Time: sessions of TLS 1.2, which the server lets live as long as its own clock says */

enum { HOUR = 60 * 60 };

static void for_a_day_after_the_full_handshake(void)
{
    int where = server_mailbox("tls=implicit tls-max=1.2");
    pop3_options *options = options_for(where, 1);
    for (int verify = 0; verify <= 1; verify++) {
        CHECK_INT(pop3_options_set_verify(options, verify), POP3_OK);
        times_are(0, 0);
        FULL(where, options);
        times_are(12 * HOUR, 12 * HOUR);
        RESUMED(where, options);
        times_are(24 * HOUR - 60, 24 * HOUR - 60);
        RESUMED(where, options);
        /* resuming has made it no younger */
        times_are(24 * HOUR + 1, 24 * HOUR + 1);
        FULL(where, options);
        RESUMED(where, options);
        pop3_forget(NULL);
    }
    times_are(0, 0);
    pop3_options_free(options);
}

static void by_either_clock(void)
{
    const long rows[][2] = {{25 * HOUR, 0}, {0, 25 * HOUR}, {-HOUR, 0}, {-HOUR, 25 * HOUR}};
    int where = server_mailbox("tls=implicit tls-max=1.2");
    pop3_options *options = options_for(where, 1);
    for (int i = 0; i < 4; i++) {
        times_are(0, 0);
        pop3_forget(NULL);
        FULL(where, options);
        RESUMED(where, options);
        times_are(rows[i][0], rows[i][1]);
        FULL(where, options);
    }
    times_are(0, 0);
    pop3_options_free(options);
}

static void not_longer_than_the_certificate_is_valid(void)
{
    int where = server_mailbox("tls=implicit tls-max=1.2 cert=short-lived");
    pop3_options *options = options_for(where, 1), *unverified = options_for(where, 1);
    CHECK_INT(pop3_options_set_verify(unverified, 0), POP3_OK);
    times_are(12 * HOUR, 12 * HOUR);
    FULL(where, options);
    FULL(where, unverified);
    RESUMED(where, options);
    times_are(23 * HOUR, 23 * HOUR);
    RESUMED(where, options);
    times_are(25 * HOUR, 25 * HOUR);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "certificate has expired");
    /* who does not ask for the certificate does not mind */
    RESUMED(where, unverified);
    times_are(0, 0);
    pop3_options_free(options);
    pop3_options_free(unverified);
}

/* The SHA-256 fingerprint of a certificate of the server's. */
static const char *fingerprint_of(const char *certificate)
{
    static char text[65];
    char name[64], *at = text;
    unsigned char digest[32];
    unsigned length = 0;
    snprintf(name, sizeof name, "%s.pem", certificate);
    FILE *file = fopen(in(server_dir(), name), "r");
    X509 *x509 = file == NULL ? NULL : PEM_read_X509(file, NULL, NULL, NULL);
    if (x509 == NULL || !X509_digest(x509, EVP_sha256(), digest, &length) || length != sizeof digest)
        check_fatal("no fingerprint of %s", certificate);
    for (unsigned i = 0; i < length; i++)
        at += sprintf(at, "%02x", digest[i]);
    X509_free(x509);
    fclose(file);
    return text;
}

static void not_under_another_pin(void)
{
    const char *servers[] = {"tls=implicit", "tls=implicit tls-max=1.2"};
    for (int i = 0; i < 2; i++) {
        int where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, 1);
        for (int verify = 0; verify <= 1; verify++) {
            CHECK_INT(pop3_options_set_verify(options, verify), POP3_OK);
            FULL(where, options);
            CHECK_INT(pop3_options_set_fingerprint(options, fingerprint_of("good")), POP3_OK);
            /* with a pin it does not matter who verifies */
            if (verify == 0)
                FULL(where, options);
            RESUMED(where, options);
            CHECK_INT(pop3_options_set_fingerprint(options, fingerprint_of("chain")), POP3_OK);
            CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
            CHECK_INT(pop3_options_set_fingerprint(options, NULL), POP3_OK);
            RESUMED(where, options);
        }
        pop3_options_free(options);
    }
}

/* The cache is no place for a certificate of 80 KB, nor for what comes with it. */
static void a_large_session_is_not_kept(void)
{
    const char *servers[] = {"tls=implicit cert=many-names", "tls=implicit cert=long-name tls-max=1.2"};
    for (int i = 0; i < 2; i++) {
        int where = server_mailbox(servers[i]);
        pop3_options *options = options_for(where, 1);
        FULL(where, options);
        FULL(where, options);
        pop3_options_free(options);
    }
}

static void dovecot(void)
{
    static const struct real_server dovecot = {.name = "Dovecot", .script = "dovecot.sh", .user = "alice"};
    /* one log-in process for all, which then knows its tickets again */
    setenv("DOVECOT_LOGIN_PROCESSES", "1", 1);
    int where = real_server_begin(&dovecot);
    for (int again = 0; again < 3; again++) {
        int socket = pop3_connect(at(where), "alice", PASS, NULL, 2, 1);
        CHECK(socket > 0);
        CHECK_INT(is_resumed(socket), again > 0);
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    real_server_end();
    unsetenv("DOVECOT_LOGIN_PROCESSES");
    /* a process for each, as by default: what one gave out, another does not know */
    where = real_server_begin(&dovecot);
    for (int again = 0; again < 3; again++) {
        int socket = pop3_connect(at(where), "alice", PASS, NULL, 2, 1);
        CHECK(socket > 0);
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    real_server_end();
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(in_both_modes_and_versions);
    RUN(whichever_function_connects);
    RUN(by_many_threads_at_once);
    RUN(not_by_who_does_not_verify);
    RUN(nor_is_an_impostor_believed_who_was_connected_to_unverified);
    RUN(not_by_who_trusts_others);
    RUN(not_by_who_has_another_secure_folder);
    RUN(not_under_another_name);
    RUN(not_where_another_version_is_wanted);
    RUN(not_by_another_client);
    RUN(where_clients_must_show_a_certificate);
    RUN(not_when_the_certificates_file_is_another);
    RUN(not_on_another_port);
    RUN(not_in_another_mode);
    RUN(not_through_another_proxy);
    RUN(what_is_forgotten);
    RUN(names_are_forgotten_as_they_are_connected_to);
    RUN(a_server_that_has_lost_its_keys);
    RUN(a_server_that_fails_when_a_session_is_offered);
    RUN(a_refused_log_in_leaves_nothing);
    RUN(a_session_in_use_is_resumed_beside_it);
    RUN(after_a_session_that_ended_without_a_word);
    RUN(a_resumed_session_is_verified_as_the_first_was);
    RUN(for_a_day_after_the_full_handshake);
    RUN(by_either_clock);
    RUN(not_longer_than_the_certificate_is_valid);
    RUN(not_under_another_pin);
    RUN(a_large_session_is_not_kept);
    RUN(dovecot);
    return check_result();
}

/* EXTERNAL, with Dovecot: the client's certificate says who it is. */
#define _DEFAULT_SOURCE /* setenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "real_server.h"
#include "script.h"
#include "server.h"

/* Connects with the certificate of that name, if any, as that user, and disconnects; 0 or the error. */
static int connect_with(const char *certificate, int secure, const char *user, const char *authzid)
{
    char pem[64], key[64];
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(real_server_port(secure))), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, user), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
    CHECK_INT(pop3_options_set_authzid(options, authzid), POP3_OK);
    CHECK_INT(pop3_options_set_mechanism(options, "EXTERNAL"), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, secure), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    if (certificate != NULL) {
        snprintf(pem, sizeof pem, "%s.pem", certificate);
        snprintf(key, sizeof key, "%s.key", certificate);
        CHECK_INT(pop3_options_set_client_cert(options, in(server_dir(), pem), in(server_dir(), key)), POP3_OK);
    }
    clear_log();
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    if (socket < 0)
        return socket;
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    return pop3_disconnect(socket, NULL);
}

static void the_certificate_says_who_it_is(void)
{
    /* the user that is named besides does not count, only as whom to act */
    const char *rows[][2] = {{"alice", NULL}, {NULL, NULL}, {"bob", NULL}, {"alice", "alice"}};
    for (int secure = 1; secure <= 2; secure++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            if (!CHECK_INT(connect_with("client-alice", secure, rows[i][0], rows[i][1]), 0))
                CHECK_STR(pop3_get_last_error(), "");
            CHECK_HAS(logged(), "C: AUTH EXTERNAL ***\nS: +OK");
            CHECK_INT(secure == 2, strstr(logged(), "C: STLS\nS: +OK") != NULL);
        }
}

/* EXTERNAL is tried once, and no password after it. */
static void is_refused(const char *certificate, int secure, const char *authzid)
{
    if (!CHECK_INT(connect_with(certificate, secure, "alice", authzid), POP3_ERR_AUTH))
        printf("%s, secure %d\n", certificate != NULL ? certificate : "no certificate", secure);
    CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH]");
    const char *refusal = strstr(logged(), "C: AUTH EXTERNAL ***\nS: -ERR [AUTH]");
    if (CHECK(refusal != NULL))
        CHECK_HAS_NOT(refusal + 1, "C: ");
}

static void others_are_refused(void)
{
    const char *certificates[] = {"client-nobody", "client-expired", "client-untrusted", NULL};
    for (int secure = 1; secure <= 2; secure++)
        for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++)
            is_refused(certificates[i], secure, NULL);
    is_refused("client-alice", 1, "bob");
}

static void in_the_clear_there_is_no_certificate(void)
{
    is_refused("client-alice", 0, NULL);
}

int main(void)
{
    static const struct real_server dovecot = {.name = "Dovecot", .script = "dovecot.sh", .user = "alice"};
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    setenv("DOVECOT_MECHANISMS", "plain external", 1);
    real_server_begin(&dovecot);
    RUN(the_certificate_says_who_it_is);
    RUN(others_are_refused);
    RUN(in_the_clear_there_is_no_certificate);
    real_server_end();
    return check_result();
}

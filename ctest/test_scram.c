/* SCRAM with somebody else's SCRAM: alone, and bound to the TLS channel, against a man in the middle and impostors. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "tls_library.h"

#define OFFER "sasl=PLAIN,SCRAM-SHA-1,SCRAM-SHA-1-PLUS,SCRAM-SHA-256,SCRAM-SHA-256-PLUS record=yes "

static const char *const unbound[] = {"SCRAM-SHA-1", "SCRAM-SHA-256"};
static const char *const bound[] = {"SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"};

/* The versions of TLS, and what tells channels apart in each. */
static const struct {
    const char *option, *name;
    /* How the client's first message begins in base64: p=tls-server-end-point, and p=tls-exporter, */
    const char *header;
} versions[] = {
    {"tls-max=1.2 ", "TLSv1.2", "cD10bHMtc2VydmVyLWVuZC1wb2ludCws"},
    {"tls-max=1.3 ", "TLSv1.3", "cD10bHMtZXhwb3J0ZXIs"},
};

/* How many of them there are. */
static int version_count(void)
{
    return strcmp(newest_tls(), "TLSv1.3") == 0 ? 2 : 1;
}

/* Connects by that mechanism and disconnects; 0 or the error. The password is said by no line and no text. */
static int connect_by(const char *mechanism, int where, int secure, int verify, const char *pass)
{
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(where)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, pass), POP3_OK);
    CHECK_INT(pop3_options_set_mechanism(options, mechanism), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, secure), POP3_OK);
    CHECK_INT(pop3_options_set_verify(options, verify), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    clear_log();
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    CHECK_HAS_NOT(logged(), pass);
    CHECK_HAS_NOT(logged(), "C: PASS");
    CHECK_HAS_NOT(pop3_get_last_error(), pass);
    if (socket < 0)
        return socket;
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    return pop3_disconnect(socket, NULL);
}

/* A mailbox in that mode. */
static int mailbox(int secure, const char *options)
{
    const char *const modes[] = {"", "tls=implicit ", "tls=stls "};
    char all[256];
    snprintf(all, sizeof all, OFFER "%s%s", modes[secure], options);
    return server_mailbox(all);
}

static void alone(void)
{
    for (int secure = 0; secure <= 2; secure++) {
        int where = mailbox(secure, "");
        for (int i = 0; i < 2; i++) {
            if (!CHECK_INT(connect_by(unbound[i], where, secure, 1, PASS), 0))
                CHECK_STR(pop3_get_last_error(), "");
            CHECK_INT(connect_by(unbound[i], where, secure, 1, "wrong"), POP3_ERR_AUTH);
            CHECK_HAS(pop3_get_last_error(), "invalid-proof");
        }
    }
}

static void bound_to_the_channel(void)
{
    for (int secure = 1; secure <= 2; secure++)
        for (int version = 0; version < version_count(); version++)
            for (int i = 0; i < 2; i++) {
                char line[128];
                int where = mailbox(secure, versions[version].option);
                if (!CHECK_INT(connect_by(bound[i], where, secure, 1, PASS), 0))
                    CHECK_STR(pop3_get_last_error(), "");
                CHECK_HAS(logged(), versions[version].name);
                snprintf(line, sizeof line, "AUTH %s %s", bound[i], versions[version].header);
                CHECK_HAS(server_received(where), line);
            }
}

/* A server that knows tls-unique alone, over a full handshake and over one that resumes a session. */
static void bound_by_tls_unique(void)
{
    for (int secure = 1; secure <= 2; secure++)
        for (int i = 0; i < 2; i++) {
            int full, resumed, where = mailbox(secure, "tls-max=1.2 binding=unique");
            for (int again = 0; again < 2; again++) {
                if (!CHECK_INT(connect_by(bound[i], where, secure, 1, PASS), 0))
                    CHECK_STR(pop3_get_last_error(), "");
                CHECK_HAS(logged(), "S: -ERR");
            }
            server_handshakes(where, &full, &resumed);
            CHECK_INT(full, 1);
            CHECK_INT(resumed, 1);
            CHECK_INT(connect_by(bound[i], where, secure, 1, "wrong"), POP3_ERR_AUTH);
        }
}

static void bound_but_the_wrong_password(void)
{
    for (int version = 0; version < version_count(); version++)
        for (int i = 0; i < 2; i++) {
            int where = mailbox(1, versions[version].option);
            CHECK_INT(connect_by(bound[i], where, 1, 1, "wrong"), POP3_ERR_AUTH);
            CHECK_HAS(pop3_get_last_error(), "invalid-proof");
        }
}

/* The digest of a certificate is the one that it is signed with. */
static void a_certificate_signed_with_sha_384(void)
{
    int where = mailbox(1, "tls-max=1.2 cert=sha-384");
    for (int i = 0; i < 2; i++)
        CHECK_INT(connect_by(bound[i], where, 1, 1, PASS), 0);
}

/* A client that verifies nothing falls for him, but what it proves is of no use to him. */
static void a_man_in_the_middle(void)
{
    for (int version = 0; version < version_count(); version++) {
        int where = mailbox(1, versions[version].option);
        char options[64];
        snprintf(options, sizeof options, "cert=self-signed %s", versions[version].option);
        int his = server_relay(where, options);
        CHECK_INT(connect_by("PLAIN", his, 1, 1, PASS), POP3_ERR_SECURE);
        /* he relays well */
        CHECK_INT(connect_by("PLAIN", his, 1, 0, PASS), 0);
        for (int i = 0; i < 2; i++) {
            CHECK_INT(connect_by(unbound[i], his, 1, 0, PASS), 0);
            CHECK_INT(connect_by(bound[i], his, 1, 0, PASS), POP3_ERR_AUTH);
            CHECK_HAS(pop3_get_last_error(), "channel-bindings-dont-match");
            CHECK_HAS_NOT(logged(), "S: +OK 5 ");
        }
    }
}

/* With the server's own certificate and key he could pass for it, but not for its channel. */
static void a_man_in_the_middle_who_has_the_servers_key(void)
{
    int his = server_relay(mailbox(1, ""), "");
    CHECK_INT(connect_by("PLAIN", his, 1, 1, PASS), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(connect_by(bound[i], his, 1, 1, PASS), POP3_ERR_AUTH);
        CHECK_HAS(pop3_get_last_error(), "channel-bindings-dont-match");
    }
}

static void a_man_in_the_middle_who_has_the_client_use_another_binding(void)
{
    int his = server_relay(mailbox(1, ""), "tls-max=1.2");
    for (int i = 0; i < 2; i++) {
        CHECK_INT(connect_by(bound[i], his, 1, 1, PASS), POP3_ERR_AUTH);
        CHECK_HAS(logged(), "TLSv1.2");
        CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH]");
    }
}

/* What the server has received from `what` on, which the client says without waiting for an answer. */
static const char *received_from(int where, const char *what)
{
    const char *found;
    for (long long end = now_ms() + 10000; (found = strstr(server_received(where), what)) == NULL; sleep_ms(5))
        if (now_ms() > end)
            return "never came";
    return found;
}

/* The last that it is told is that the client gives up. */
static void is_not_believed(const char *mechanism, int secure, const char *options)
{
    int where = mailbox(secure, options);
    CHECK_INT(connect_by(mechanism, where, secure, 1, PASS), POP3_ERR_SYNTAX);
    CHECK_HAS(pop3_get_last_error(), "did not prove that it knows the password");
    CHECK_HAS_NOT(logged(), "S: +OK 5 ");
    CHECK_STR(received_from(where, "\\r\\n*"), "\\r\\n*\\r\\n");
}

static void a_server_that_does_not_know_the_password(void)
{
    for (int i = 0; i < 2; i++) {
        for (int secure = 0; secure <= 2; secure++)
            is_not_believed(unbound[i], secure, "knows-password=no");
        for (int version = 0; version < version_count(); version++) {
            char options[64];
            snprintf(options, sizeof options, "%sknows-password=no", versions[version].option);
            is_not_believed(bound[i], 1, options);
            is_not_believed(bound[i], 2, options);
        }
    }
}

static void in_the_clear_there_is_no_channel(void)
{
    for (int i = 0; i < 2; i++) {
        int where = mailbox(0, "");
        CHECK_INT(connect_by(bound[i], where, 0, 1, PASS), POP3_ERR_UNSUPPORTED);
        CHECK_STR(server_received(where), "CAPA\\r\\n");
    }
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(alone);
    RUN(bound_to_the_channel);
    RUN(bound_by_tls_unique);
    RUN(bound_but_the_wrong_password);
    RUN(a_certificate_signed_with_sha_384);
    RUN(a_man_in_the_middle);
    RUN(a_man_in_the_middle_who_has_the_servers_key);
    RUN(a_man_in_the_middle_who_has_the_client_use_another_binding);
    RUN(a_server_that_does_not_know_the_password);
    RUN(in_the_clear_there_is_no_channel);
    return check_result();
}

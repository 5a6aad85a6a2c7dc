/* Which certificates are believed, and what the error text says of those that are not. */
#include <stdio.h>

#include "check.h"
#include "names.h"
#include "pop3connect.h"
#include "server.h"

#define PASS "s3cret pass"

/* Connects with TLS to a server with that certificate, under that name. */
static int connect_as(const char *host, const char *certificate, int verify)
{
    char options[128];
    snprintf(options, sizeof options, "tls=implicit cert=%s", certificate);
    int socket = pop3_connect(at_host(host, server_mailbox(options)), "alice", PASS, NULL, 1, verify);
    if (socket > 0)
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return socket;
}

static void believed(void)
{
    const char *rows[][2] = {
        {"127.0.0.1", "good"},     {"localhost", "good"},       {"LocalHost", "good"},     {"mail.test", "good"},
        {"mail.test.", "good"},    {"127.0.0.1", "chain"},      {"localhost", "dns-san"},  {"127.0.0.1", "ip-san"},
        {"pop.mail.test", "wildcard"}, {"POP.Mail.Test", "wildcard"}, {"pop.inside.test", "inside-constraints"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!CHECK(connect_as(rows[i][0], rows[i][1], 1) > 0))
            printf("%s at %s: %s\n", rows[i][1], rows[i][0], pop3_get_last_error());
}

static void refused(void)
{
    const struct {
        const char *host, *certificate, *why;
    } rows[] = {
        {"127.0.0.1", "expired", "certificate has expired"},
        {"127.0.0.1", "not-yet-valid", "certificate is not yet valid"},
        {"127.0.0.1", "untrusted", "unable to get local issuer certificate"},
        {"127.0.0.1", "self-signed", "self-signed certificate"},
        {"127.0.0.1", "incomplete-chain", "unable to get local issuer certificate"},
        {"127.0.0.1", "client-purpose", "unsuitable certificate purpose"},
        /* names */
        {"127.0.0.1", "wrong-name", "IP address mismatch"},
        {"localhost", "wrong-name", "hostname mismatch"},
        {"localhost", "cn-only", "hostname mismatch"},
        {"127.0.0.1", "dns-san", "IP address mismatch"},
        {"localhost", "ip-san", "hostname mismatch"},
        {"mail.test", "wildcard", "hostname mismatch"},
        {"a.pop.mail.test", "wildcard", "hostname mismatch"},
        {"pop.mail.test", "bad-wildcards", "hostname mismatch"},
        {"mail.test", "bad-wildcards", "hostname mismatch"},
        {"localhost", "bad-wildcards", "hostname mismatch"},
        {"a.pop.mail.test", "bad-wildcards", "hostname mismatch"},
        {"127.0.0.1", "ip-as-dns", "IP address mismatch"},
        {"localhost", "nul", "hostname mismatch"},
        {"mail.test", "nul", "hostname mismatch"},
        /* too weak */
        {"127.0.0.1", "small-key", "key too weak"},
        {"127.0.0.1", "sha1", "digest algorithm too weak"},
        /* issuers that may not issue it */
        {"localhost", "outside-constraints", "permitted subtree violation"},
        {"pop.mail.test", "inside-constraints", "hostname mismatch"},
        {"127.0.0.1", "no-basic-constraints", "invalid CA certificate"},
        {"127.0.0.1", "issued-by-leaf", "invalid CA certificate"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code = connect_as(rows[i].host, rows[i].certificate, 1);
        if (!CHECK_INT(code, POP3_ERR_SECURE))
            printf("%s at %s\n", rows[i].certificate, rows[i].host);
        CHECK_HAS(pop3_get_secure_error(), rows[i].why);
        CHECK_HAS(pop3_get_secure_error(), rows[i].host);
        CHECK_STR(pop3_get_last_error(), pop3_get_secure_error());
    }
}

static void the_text_names_the_certificate(void)
{
    CHECK_INT(connect_as("localhost", "wrong-name", 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "wanted localhost");
    CHECK_HAS(pop3_get_secure_error(), "the certificate is for other.test");
    CHECK_HAS(pop3_get_secure_error(), "issued by CN=Test CA");
}

static void a_nul_in_a_name_is_shown(void)
{
    CHECK_INT(connect_as("localhost", "nul", 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "the certificate is for localhost\\x00.other.test, mail.test\\x00");
}

static void any_will_do_without_verification(void)
{
    const char *certificates[] = {"expired",       "not-yet-valid", "untrusted",           "self-signed",
                                  "incomplete-chain", "client-purpose", "wrong-name",       "cn-only",
                                  "bad-wildcards", "nul",           "small-key",           "sha1",
                                  "outside-constraints", "no-basic-constraints", "issued-by-leaf"};
    for (size_t i = 0; i < sizeof certificates / sizeof *certificates; i++)
        CHECK(connect_as("127.0.0.1", certificates[i], 0) > 0);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    name_is("mail.test", "127.0.0.1");
    name_is("mail.test.", "127.0.0.1");
    name_is("pop.mail.test", "127.0.0.1");
    name_is("POP.Mail.Test", "127.0.0.1");
    name_is("a.pop.mail.test", "127.0.0.1");
    name_is("pop.inside.test", "127.0.0.1");
    RUN(believed);
    RUN(refused);
    RUN(the_text_names_the_certificate);
    RUN(a_nul_in_a_name_is_shown);
    RUN(any_will_do_without_verification);
    return check_result();
}

/* Which certificates are believed, and what the error text says of those that are not. */
#define _DEFAULT_SOURCE /* setenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"


/* Connects with TLS to a server with that certificate, under that name. */
static int connect_as(const char *host, const char *certificate, int verify)
{
    char options[128];
    snprintf(options, sizeof options, "tls=implicit cert=%s%s", certificate, *host == '[' ? " address=::1" : "");
    int socket = pop3_connect(at_host(host, server_mailbox(options)), "alice", PASS, NULL, 1, verify);
    if (socket > 0)
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return socket;
}

/* The same, trusting what is in the file `authority` alone. */
static int connect_trusting(const char *authority, const char *host, const char *certificate)
{
    char text[128];
    pop3_options *options = pop3_options_new();
    snprintf(text, sizeof text, "tls=implicit cert=%s", certificate);
    CHECK_INT(pop3_options_set_server(options, at_host(host, server_mailbox(text))), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, POP3_TLS), POP3_OK);
    CHECK_INT(pop3_options_set_platform_trust(options, 0), POP3_OK);
    snprintf(text, sizeof text, "%s.pem", authority);
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), text)), POP3_OK);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
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
        {"[::1]", "good"},         {"[::1%1]", "good"},
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
        {"[::1%1]", "dns-san", "IP address mismatch"},
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
        CHECK_HAS(pop3_get_secure_error(), *rows[i].host == '[' ? "::1%" : rows[i].host);
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

/* Made by hand, without names: the very one that the host trusts. */
static void without_names_the_one_that_the_host_trusts_is_believed(void)
{
    CHECK(connect_trusting("self-made", "127.0.0.1", "self-made") > 0);
    CHECK(connect_trusting("self-made", "localhost", "self-made") > 0);
    CHECK(connect_trusting("self-made", "mail.test", "self-made") > 0);
    /* one of an authority's that stands for itself is no other case */
    CHECK(connect_trusting("cn-only", "localhost", "cn-only") > 0);
}

static void and_no_other(void)
{
    const struct {
        const char *authority, *host, *certificate, *why;
    } rows[] = {
        {"self-made-twin", "127.0.0.1", "self-made", "self-signed certificate"},
        {"self-made", "127.0.0.1", "self-made-twin", "self-signed certificate"},
        {"self-made-expired", "127.0.0.1", "self-made-expired", "certificate has expired"},
        {"self-made-for-other", "127.0.0.1", "self-made-for-other", "IP address mismatch"},
        {"self-made-for-other", "localhost", "self-made-for-other", "hostname mismatch"},
        {"wrong-name", "localhost", "wrong-name", "hostname mismatch"},
        /* the authority is trusted, not the certificate */
        {"ca", "localhost", "cn-only", "hostname mismatch"},
        {"ca", "127.0.0.1", "cn-only", "IP address mismatch"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!CHECK_INT(connect_trusting(rows[i].authority, rows[i].host, rows[i].certificate), POP3_ERR_SECURE))
            printf("%s at %s\n", rows[i].certificate, rows[i].host);
        CHECK_HAS(pop3_get_secure_error(), rows[i].why);
    }
}

static void of_many_names_the_first_are_shown(void)
{
    clear_log();
    int port = server_mailbox("tls=implicit cert=many-names");
    int socket = pop3_connect(at(port), "alice", PASS, log_status, 1, 1);
    CHECK(socket > 0);
    CHECK_HAS(logged(), ": for localhost, mail.test, n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13"
                       " and 9988 more, subject CN=localhost");
    /* in PEM it is there as a whole */
    pop3_tls_info info;
    CHECK_INT(pop3_get_tls_info(socket, &info), POP3_OK);
    CHECK(strlen(info.peer_pem) > 90 * 1024);
    CHECK_HAS(info.peer_pem, "-----END CERTIFICATE-----");
    pop3_tls_info_free(&info);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(connect_as("other.test", "many-names", 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "n13 and 9988 more, subject CN=localhost");
}

static void of_a_long_name_the_beginning_is_shown(void)
{
    CHECK_INT(connect_as("other.test", "long-name", 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "xxx…, 127.0.0.1, ::1, subject CN=localhost");
    CHECK(strlen(pop3_get_secure_error()) < 1000);
}

static void ways_out_of_an_unknown_authority_are_named(void)
{
    const char *certificates[] = {"untrusted", "self-signed", "incomplete-chain"};
    for (int i = 0; i < 3; i++) {
        CHECK_INT(connect_as("127.0.0.1", certificates[i], 1), POP3_ERR_SECURE);
        CHECK_HAS(pop3_get_secure_error(), "pop3_options_set_ca_file");
        CHECK_HAS(pop3_get_secure_error(), "pop3_set_secure_dir");
    }
    CHECK_INT(connect_as("127.0.0.1", "expired", 1), POP3_ERR_SECURE);
    CHECK_HAS_NOT(pop3_get_secure_error(), "pop3_options_set_ca_file");
}

/* OpenSSL looks where the environment says, when a trust is first asked for: a folder of another name is another trust. */
static void that_there_is_no_platform_store_is_said(void)
{
    setenv("SSL_CERT_FILE", "/nonexistent", 1);
    setenv("SSL_CERT_DIR", "/nonexistent", 1);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure/../secure")), 0);
    CHECK_INT(connect_as("127.0.0.1", "untrusted", 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "no platform store of authorities was found");
    CHECK(connect_as("127.0.0.1", "good", 1) > 0);
    /* where it is not wanted it is not missed */
    CHECK_INT(connect_trusting("other-ca", "127.0.0.1", "good"), POP3_ERR_SECURE);
    CHECK_HAS_NOT(pop3_get_secure_error(), "platform store");
    setenv("SSL_CERT_FILE", in(server_dir(), "other-ca.pem"), 1);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure/../secure/../secure")), 0);
    CHECK_INT(connect_as("127.0.0.1", "self-signed", 1), POP3_ERR_SECURE);
    CHECK_HAS_NOT(pop3_get_secure_error(), "platform store");
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
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
    /* not every C library takes it for localhost */
    name_is("LocalHost", "127.0.0.1");
    name_is("mail.test", "127.0.0.1");
    name_is("mail.test.", "127.0.0.1");
    name_is("pop.mail.test", "127.0.0.1");
    name_is("POP.Mail.Test", "127.0.0.1");
    name_is("a.pop.mail.test", "127.0.0.1");
    name_is("pop.inside.test", "127.0.0.1");
    name_is("other.test", "127.0.0.1");
    RUN(believed);
    RUN(refused);
    RUN(the_text_names_the_certificate);
    RUN(a_nul_in_a_name_is_shown);
    RUN(without_names_the_one_that_the_host_trusts_is_believed);
    RUN(and_no_other);
    RUN(of_many_names_the_first_are_shown);
    RUN(of_a_long_name_the_beginning_is_shown);
    RUN(ways_out_of_an_unknown_authority_are_named);
    RUN(that_there_is_no_platform_store_is_said);
    RUN(any_will_do_without_verification);
    return check_result();
}

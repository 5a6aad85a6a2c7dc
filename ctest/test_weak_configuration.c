/*
 * What OpenSSL's configuration admits and the library does not: suites without a certificate, suites without encryption,
 * TLS below 1.2. The test server has the same configuration.
 */
#define _DEFAULT_SOURCE /* mkstemp, setenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"


static const char configuration[] = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = weak\n[weak]\n"
                                    "MinProtocol = TLSv1\nCipherString = ALL:COMPLEMENTOFALL:@SECLEVEL=0\n";

static int connect_to(const char *server, int verify)
{
    clear_log();
    int socket = pop3_connect(at(server_mailbox(server)), "alice", PASS, log_status, POP3_TLS, verify);
    if (socket > 0)
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return socket;
}

static void suites_without_a_certificate_are_not_offered(void)
{
    for (int verify = 0; verify <= 1; verify++) {
        CHECK_INT(connect_to("tls=implicit tls-max=1.2 suites=anonymous", verify), POP3_ERR_SECURE);
        CHECK_HAS(pop3_get_secure_error(), "handshake failure");
    }
}

static void nor_suites_without_encryption(void)
{
    for (int verify = 0; verify <= 1; verify++) {
        CHECK_INT(connect_to("tls=implicit tls-max=1.2 suites=null", verify), POP3_ERR_SECURE);
        CHECK_HAS(pop3_get_secure_error(), "handshake failure");
    }
}

static void nor_for_old_appliances(void)
{
    const char *servers[] = {"tls=implicit tls-max=1.2 suites=anonymous", "tls=implicit tls-max=1.0 suites=anonymous",
                             "tls=implicit tls-max=1.2 suites=null", "tls=implicit tls-max=1.0 suites=null"};
    for (int i = 0; i < 4; i++) {
        pop3_options *options = pop3_options_new();
        CHECK_INT(pop3_options_set_server(options, at(server_mailbox(servers[i]))), POP3_OK);
        CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
        CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
        CHECK_INT(pop3_options_set_secure(options, POP3_TLS), POP3_OK);
        CHECK_INT(pop3_options_set_verify(options, i % 2), POP3_OK);
        CHECK_INT(pop3_options_set_tls_min(options, POP3_TLS_1_0), POP3_OK);
        CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
        CHECK_HAS(pop3_get_secure_error(), "handshake failure");
        pop3_options_free(options);
    }
}

/* What the configuration says of certificates holds: at this level any digest will do. */
static void the_rest_is_as_configured(void)
{
    CHECK(connect_to("tls=implicit", 1) > 0);
    CHECK_HAS(logged(), "* TLSv1.3, TLS_");
    CHECK_HAS(logged(), ", certificate verified: for localhost");
    CHECK(connect_to("tls=implicit tls-max=1.2", 1) > 0);
    CHECK_HAS(logged(), "* TLSv1.2, ECDHE-");
    CHECK(connect_to("tls=implicit cert=sha1", 1) > 0);
    CHECK(connect_to("tls=implicit tls-max=1.2 cert=small-key suites=small-dh", 1) > 0);
}

static void tls_below_1_2_only_where_it_is_asked_for(void)
{
    const char *servers[] = {"tls=implicit tls-max=1.0", "tls=implicit tls-max=1.1"};
    for (int i = 0; i < 2; i++)
        for (int verify = 0; verify <= 1; verify++) {
            CHECK_INT(connect_to(servers[i], verify), POP3_ERR_SECURE);
            CHECK_HAS(pop3_get_secure_error(), "protocol");
        }
}

int main(void)
{
    char path[] = "/tmp/pop3connect-openssl.XXXXXX";
    int file = mkstemp(path);
    /* OpenSSL reads it when it is first used, in this process and in the server's */
    if (file < 0 || write(file, configuration, strlen(configuration)) < 0 || setenv("OPENSSL_CONF", path, 1) != 0)
        check_fatal("cannot write %s", path);
    close(file);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(suites_without_a_certificate_are_not_offered);
    RUN(nor_suites_without_encryption);
    RUN(nor_for_old_appliances);
    RUN(the_rest_is_as_configured);
    RUN(tls_below_1_2_only_where_it_is_asked_for);
    CHECK(unlink(path) == 0);
    return check_result();
}

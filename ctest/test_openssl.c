/* What the library leaves alone of OpenSSL's, which the host may use as well: the thread's queue of errors. */
#include <openssl/err.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

static void leave_an_error(void)
{
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_NULL_PARAMETER, "of the host");
}

static void leave_an_error_at_connect(const char *status, void *context)
{
    (void)context;
    if (strncmp(status, "* connected to ", 15) == 0)
        leave_an_error();
}

static void an_error_of_the_host_does_not_come_into_our_texts(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit"), POP3_TLS);
    /* a file that is no PKCS #12; then the key of another certificate, which shows in the handshake */
    CHECK_INT(pop3_options_set_client_pkcs12(options, in(server_dir(), "good.pem"), "x"), POP3_OK);
    leave_an_error();
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "the client's certificate cannot be used");
    CHECK_HAS_NOT(pop3_get_secure_error(), "of the host");
    CHECK_INT(pop3_options_set_client_cert(options, in(server_dir(), "good.pem"), in(server_dir(), "chain.key")), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, leave_an_error_at_connect, NULL), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "the client's certificate cannot be used");
    CHECK_HAS_NOT(pop3_get_secure_error(), "of the host");
    pop3_options_free(options);
}

static void nor_does_it_change_what_is_found_out_about_a_connection(void)
{
    const struct {
        const char *ending;
        int code;
    } rows[] = {{"close", POP3_ERR_CONNECTION_LOST}, {"cut", POP3_ERR_CONNECTION_LOST}, {"hold", POP3_ERR_TIMEOUT}};
    for (int i = 0; i < 3; i++) {
        char transcript[512];
        snprintf(transcript, sizeof transcript,
                 SEND("+OK") EXPECT("CAPA") SEND("-ERR") "expect-line\n" SEND("+OK")
                 "expect-line\n" SEND("+OK") EXPECT("NOOP") "%s", rows[i].ending);
        pop3_options *options = options_for(server_play("tls=implicit", transcript), POP3_TLS);
        CHECK_INT(pop3_options_set_timeouts(options, 0, rows[i].code == POP3_ERR_TIMEOUT ? 1000 : 0, 0), POP3_OK);
        int socket = pop3_connect_with(options);
        CHECK(socket > 0);
        leave_an_error();
        CHECK_INT(pop3_noop(socket, NULL), rows[i].code);
        CHECK_HAS_NOT(pop3_get_last_error(), "of the host");
        pop3_disconnect(socket, NULL);
        pop3_options_free(options);
    }
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(an_error_of_the_host_does_not_come_into_our_texts);
    RUN(nor_does_it_change_what_is_found_out_about_a_connection);
    return check_result();
}

/* Codes and their texts, the last error of a thread, the error callback. */
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"


static void the_numbers_are_those_of_the_contract(void)
{
    const int rows[][2] = {
        {POP3_OK, 0},
        {POP3_ERR_PARAMETER, -501},
        {POP3_ERR_BAD_SOCKET, -509},
        {POP3_ERR_NO_ADDRESS, -511},
        {POP3_ERR_CANCELLED, -516},
        {POP3_ERR_TIMEOUT, -522},
        {POP3_ERR_BAD_FORMAT, -523},
        {POP3_ERR_SHORT_RESPONSE, -524},
        {POP3_ERR_SYNTAX, -525},
        {POP3_ERR_OUT_OF_MEMORY, -1010},
        {POP3_ERR_SECURE, -1021},
        {POP3_ERR_HOST_NOT_FOUND, -11001},
        {POP3_ERR_CONNECT, -10061},
        {POP3_ERR_CONNECTION_LOST, -10054},
        {POP3_ERR_SERVER, -2001},
        {POP3_ERR_AUTH, -2002},
        {POP3_ERR_NO_STLS, -2003},
        {POP3_ERR_BUSY, -10036},
        {POP3_ERR_LIMIT, -2004},
        {POP3_ERR_MAILBOX_IN_USE, -2005},
        {POP3_ERR_LOGIN_DELAY, -2006},
        {POP3_ERR_TEMPORARY, -2007},
        {POP3_ERR_UNSUPPORTED, -2008},
        {POP3_ERR_INTERNAL, -2009},
    };
    size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(rows[i][0], rows[i][1]);
        /* each has a text of its own */
        const char *text = pop3_error_text(rows[i][0]);
        CHECK(text != NULL && strlen(text) > 0);
        CHECK(strcmp(text, "an unknown error") != 0);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(text, pop3_error_text(rows[j][0])) != 0);
    }
}

static void any_number_has_a_text(void)
{
    const int numbers[] = {1, 12345, 2147483647};
    for (size_t i = 0; i < 3; i++)
        CHECK_STR(pop3_error_text(numbers[i]), pop3_error_text(POP3_OK));
    CHECK_STR(pop3_error_text(-1), "an unknown error");
    CHECK_STR(pop3_error_text(-2147483647 - 1), "an unknown error");
}

static void version(void)
{
    CHECK(pop3_version() != NULL);
    CHECK_INT(strspn(pop3_version(), "0123456789."), strlen(pop3_version()));
    CHECK_INT(strncmp(pop3_version(), "1.", 2), 0);
}

static void nothing_has_failed_yet(void)
{
    CHECK_STR(pop3_get_last_error(), "");
    CHECK_STR(pop3_get_secure_error(), "");
}

static void the_last_error_stays_until_the_next(void)
{
    CHECK_INT(pop3_disconnect(7, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_STR(pop3_get_last_error(), "there is no socket 7");
    int socket = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_STR(pop3_get_last_error(), "there is no socket 7");
    /* asking does not change it */
    CHECK(pop3_get_last_error() == pop3_get_last_error());
}

static void the_secure_error_is_of_tls_alone(void)
{
    CHECK_INT(pop3_connect(at(server_mailbox("tls=implicit cert=expired")), "alice", PASS, NULL, 1, 1), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "certificate has expired");
    CHECK_INT(pop3_disconnect(7, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_HAS(pop3_get_secure_error(), "certificate has expired");
    CHECK_STR(pop3_get_last_error(), "there is no socket 7");
}

static void the_error_callback_is_called_for_every_failing_command(void)
{
    pop3_buffer buffer;
    clear_log();
    pop3_set_error_cb(log_error);
    pop3_connect("", "alice", PASS, log_status, 0, 0);
    pop3_disconnect(7, log_status);
    pop3_message_count(8, log_status);
    pop3_capabilities(9, &buffer, log_status);
    pop3_cancel(10);
    pop3_set_comms_timeout(-1);
    int socket = pop3_connect(at(server_mailbox("")), "alice", PASS, NULL, 0, 0);
    pop3_disconnect(socket, NULL);
    pop3_set_error_cb(NULL);
    pop3_disconnect(11, NULL);
    CHECK_STR(logged(), "! POP3Connect -511 the server is empty\n"
                       "! POP3Disconnect -509 there is no socket 7\n"
                       "! POP3MessageCount -509 there is no socket 8\n"
                       "! POP3Capabilities -509 there is no socket 9\n"
                       "! POP3Cancel -509 there is no socket 10\n"
                       "! WebDevSetConfig -501 the comms timeout is negative\n");
}

int main(void)
{
    RUN(the_numbers_are_those_of_the_contract);
    RUN(any_number_has_a_text);
    RUN(version);
    RUN(nothing_has_failed_yet);
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(the_last_error_stays_until_the_next);
    RUN(the_secure_error_is_of_tls_alone);
    RUN(the_error_callback_is_called_for_every_failing_command);
    return check_result();
}

/* The header first and alone, as C99 and as C++17: every name in it can be used as the contract says. */
#include "pop3connect.h"

#include <string.h>

static int32_t calls;

static void on_status(const char *status)
{
    calls += status != NULL;
}

static void on_error(const char *message, int32_t code, const char *command)
{
    calls += message != NULL && code < 0 && command != NULL;
}

int main(void)
{
    /* assigned, so that each type must be what the contract says */
    int32_t (*connect)(const char *, const char *, const char *, pop3_sts_cb, int32_t, int32_t) = pop3_connect;
    int32_t (*disconnect)(int32_t, pop3_sts_cb) = pop3_disconnect;
    void (*set_error_cb)(pop3_error_cb) = pop3_set_error_cb;
    int32_t (*set_comms_timeout)(int32_t) = pop3_set_comms_timeout;
    int32_t (*set_secure_dir)(const char *) = pop3_set_secure_dir;
    const char *(*get_secure_error)(void) = pop3_get_secure_error;
    const char *(*get_last_error)(void) = pop3_get_last_error;
    const char *(*error_text)(int32_t) = pop3_error_text;
    const char *(*version)(void) = pop3_version;
    int32_t (*message_count)(int32_t, pop3_sts_cb) = pop3_message_count;
    int32_t (*capabilities)(int32_t, pop3_buffer *, pop3_sts_cb) = pop3_capabilities;
    int32_t (*cancel)(int32_t) = pop3_cancel;
    void (*buffer_free)(pop3_buffer *) = pop3_buffer_free;
    pop3_buffer buffer = {NULL, 0};
    size_t len = buffer.len;
    char *data = buffer.data;

    set_error_cb(on_error);
    if (connect("", "", "", on_status, 0, 0) != POP3_ERR_NO_ADDRESS || calls != 1)
        return 1;
    set_error_cb(NULL);
    if (disconnect(1, on_status) != POP3_ERR_BAD_SOCKET || message_count(1, on_status) != POP3_ERR_BAD_SOCKET)
        return 2;
    if (capabilities(1, &buffer, NULL) != POP3_ERR_BAD_SOCKET || cancel(1) != POP3_ERR_BAD_SOCKET)
        return 3;
    if (set_comms_timeout(0) != POP3_OK || set_secure_dir(NULL) != POP3_OK)
        return 4;
    if (strlen(version()) == 0 || strlen(error_text(POP3_OK)) == 0 || get_last_error() == NULL)
        return 5;
    buffer_free(&buffer);
    return get_secure_error() != NULL && len == 0 && data == NULL ? 0 : 6;
}

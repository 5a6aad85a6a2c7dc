/* The header first and alone, as C99 and as C++17: every name in it can be used as the contract says. */
#include "pop3connect.h"

#include <string.h>

/* A host's own header may name the structures without including this one. */
struct host {
    struct pop3_options *options;
    struct pop3_mailbox_size *size;
    struct pop3_message_info *message;
    struct pop3_list *list;
    struct pop3_uid *id;
    struct pop3_uid_list *ids;
    struct pop3_buffer *buffer;
    struct pop3_tls_info *tls;
};

static int32_t calls;

static void on_status(const char *status)
{
    calls += status != NULL;
}

static void on_error(const char *message, int32_t code, const char *command)
{
    calls += message != NULL && code < 0 && command != NULL;
}

static int32_t on_data(const char *data, size_t size, void *context)
{
    calls += data != NULL && size > 0 && context != NULL;
    return 0;
}

static int32_t on_message(int32_t number, const char *data, size_t size, int32_t last, void *context)
{
    calls += number > 0 && data != NULL && size > 0 && last == 0 && context != NULL;
    return 0;
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
    int32_t (*list_messages)(int32_t, int32_t, pop3_list *, pop3_sts_cb) = pop3_list_messages;
    int32_t (*unique_ids)(int32_t, int32_t, pop3_uid_list *, pop3_sts_cb) = pop3_unique_ids;
    int32_t (*recv_headers)(int32_t, int32_t, pop3_buffer *, pop3_sts_cb) = pop3_recv_headers;
    int32_t (*recv_top)(int32_t, int32_t, int32_t, pop3_buffer *, pop3_sts_cb) = pop3_recv_top;
    int32_t (*recv_message)(int32_t, int32_t, pop3_buffer *, pop3_sts_cb) = pop3_recv_message;
    int32_t (*recv_message_to)(int32_t, int32_t, pop3_data_cb, void *, pop3_sts_cb) = pop3_recv_message_to;
    int32_t (*recv_messages)(int32_t, const int32_t *, size_t, pop3_message_cb, void *, pop3_sts_cb) =
        pop3_recv_messages;
    int32_t (*recv_tops)(int32_t, const int32_t *, size_t, int32_t, pop3_message_cb, void *, pop3_sts_cb) = pop3_recv_tops;
    int32_t (*recv_uid)(int32_t, const char *, pop3_buffer *, pop3_sts_cb) = pop3_recv_uid;
    int32_t (*delete_messages)(int32_t, const int32_t *, size_t, pop3_sts_cb) = pop3_delete_messages;
    int32_t (*delete_uid)(int32_t, const char *, pop3_sts_cb) = pop3_delete_uid;
    int32_t (*delete_message)(int32_t, int32_t, pop3_sts_cb) = pop3_delete_message;
    int32_t (*undo_deletes)(int32_t, pop3_sts_cb) = pop3_undo_deletes;
    int32_t (*noop)(int32_t, pop3_sts_cb) = pop3_noop;
    int32_t (*stat)(const char *, const char *, const char *, pop3_sts_cb, int32_t, int32_t) = pop3_stat;
    int32_t (*recv)(const char *, const char *, const char *, pop3_message_cb, void *, int32_t, pop3_sts_cb, int32_t,
                    int32_t, int32_t) = pop3_recv;
    void (*buffer_free)(pop3_buffer *) = pop3_buffer_free;
    void (*list_free)(pop3_list *) = pop3_list_free;
    void (*uid_list_free)(pop3_uid_list *) = pop3_uid_list_free;
    pop3_options *(*options_new)(void) = pop3_options_new;
    void (*options_free)(pop3_options *) = pop3_options_free;
    int32_t (*connect_with)(const pop3_options *) = pop3_connect_with;
    int32_t (*set_server)(pop3_options *, const char *) = pop3_options_set_server;
    int32_t (*set_verify)(pop3_options *, int32_t) = pop3_options_set_verify;
    int32_t (*set_client_cert)(pop3_options *, const char *, const char *) = pop3_options_set_client_cert;
    int32_t (*set_timeouts)(pop3_options *, int32_t, int32_t, int32_t) = pop3_options_set_timeouts;
    int32_t (*set_status_cb)(pop3_options *, void (*)(const char *, void *), void *) = pop3_options_set_status_cb;
    int32_t (*set_own_error_cb)(pop3_options *, void (*)(const char *, int32_t, const char *, void *), void *) =
        pop3_options_set_error_cb;
    pop3_options *options = options_new();
    pop3_buffer buffer = {NULL, 0};
    pop3_list list = {NULL, 0};
    pop3_uid_list ids = {NULL, 0};
    pop3_message_info info = {1, INT64_MAX};
    pop3_uid uid = {1, NULL};
    pop3_message_info *infos = list.items;
    pop3_uid *uids = ids.items;
    pop3_mailbox_size size = {0, 0};
    pop3_tls_info tls = {NULL, NULL, 0, 0, NULL};
    struct host host = {options, &size, &info, &list, &uid, &ids, &buffer, &tls};
    size_t len = host.buffer->len + host.list->count + host.ids->count;
    char *data = buffer.data;
    const int32_t one = 1;

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
    if (list_messages(1, 0, &list, NULL) != POP3_ERR_BAD_SOCKET || unique_ids(1, 0, &ids, NULL) != POP3_ERR_BAD_SOCKET)
        return 7;
    if (recv_headers(1, 1, &buffer, NULL) != POP3_ERR_BAD_SOCKET || recv_top(1, 1, 0, &buffer, NULL) != POP3_ERR_BAD_SOCKET ||
        recv_message(1, 1, &buffer, NULL) != POP3_ERR_BAD_SOCKET)
        return 8;
    if (recv_message_to(1, 1, on_data, NULL, NULL) != POP3_ERR_BAD_SOCKET ||
        recv_messages(1, &one, 1, on_message, NULL, NULL) != POP3_ERR_BAD_SOCKET ||
        recv_tops(1, &one, 1, 0, on_message, NULL, NULL) != POP3_ERR_BAD_SOCKET ||
        recv_uid(1, "a", &buffer, NULL) != POP3_ERR_BAD_SOCKET)
        return 9;
    if (delete_message(1, 1, NULL) != POP3_ERR_BAD_SOCKET || delete_messages(1, &one, 1, NULL) != POP3_ERR_BAD_SOCKET ||
        delete_uid(1, "a", NULL) != POP3_ERR_BAD_SOCKET || undo_deletes(1, NULL) != POP3_ERR_BAD_SOCKET ||
        noop(1, NULL) != POP3_ERR_BAD_SOCKET)
        return 10;
    if (stat("", "", "", NULL, 0, 0) != POP3_ERR_NO_ADDRESS ||
        recv("", "", "", on_message, NULL, 0, NULL, 0, 0, 0) != POP3_ERR_NO_ADDRESS)
        return 11;
    if (info.number != 1 || info.size != INT64_MAX || uid.number != 1 || uid.uid != NULL || infos != NULL || uids != NULL)
        return 12;
    if (set_server(options, "") != POP3_OK || set_verify(options, 0) != POP3_OK ||
        set_client_cert(options, NULL, NULL) != POP3_OK || set_timeouts(options, 1, 2, 3) != POP3_OK ||
        set_status_cb(options, NULL, NULL) != POP3_OK || set_own_error_cb(options, NULL, NULL) != POP3_OK ||
        connect_with(options) != POP3_ERR_NO_ADDRESS)
        return 13;
    options_free(options);
    buffer_free(&buffer);
    list_free(&list);
    uid_list_free(&ids);
    return get_secure_error() != NULL && len == 0 && data == NULL ? 0 : 6;
}

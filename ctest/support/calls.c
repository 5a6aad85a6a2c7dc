#include "calls.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "gather.h"
#include "server.h"

enum { MESSAGES = 2 };

/* The answers that a session without a fault has. */
static const int good[CALLS] = {[COUNT] = MESSAGES, [MESSAGES_AT_ONCE] = MESSAGES, [TOPS_AT_ONCE] = MESSAGES,
                                [DELETE_AT_ONCE] = MESSAGES};

const char *secure_folder(int name)
{
    static char folder[4200];
    int length = snprintf(folder, sizeof folder, "%s/secure", server_dir());
    for (int i = name % SECURE_FOLDER_NAMES; i > 0; i--)
        length += snprintf(folder + length, sizeof folder - (size_t)length, "/../secure");
    return folder;
}

void make_calls(const pop3_options *options, int codes[CALLS])
{
    static const int32_t numbers[MESSAGES] = {1, 2};
    pop3_list list;
    pop3_uid_list uids;
    pop3_buffer headers, message, by_uid;
    struct letters letters = {0}, tops = {0};
    int socket = pop3_connect_with(options);
    CHECK(socket != 0);
    codes[CONNECT] = socket > 0 ? 0 : socket;
    for (int call = COUNT; call < CALLS; call++)
        codes[call] = POP3_ERR_BAD_SOCKET;
    if (socket <= 0)
        return;
    codes[COUNT] = pop3_message_count(socket, NULL);
    codes[LIST] = pop3_list_messages(socket, 0, &list, NULL);
    CHECK_INT(list.count, codes[LIST] == 0 ? MESSAGES : 0);
    codes[UNIQUE_IDS] = pop3_unique_ids(socket, 0, &uids, NULL);
    CHECK_INT(uids.count, codes[UNIQUE_IDS] == 0 ? MESSAGES : 0);
    codes[HEADERS] = pop3_recv_headers(socket, 1, &headers, NULL);
    CHECK((headers.data != NULL) == (codes[HEADERS] == 0));
    codes[MESSAGE] = pop3_recv_message(socket, 2, &message, NULL);
    if (codes[MESSAGE] == 0)
        CHECK_INT(message.len, list.items[1].size);
    else
        CHECK(message.data == NULL && message.len == 0);
    codes[MESSAGE_BY_UID] = pop3_recv_uid(socket, "uid-2", &by_uid, NULL);
    if (CHECK_INT(by_uid.len, codes[MESSAGE_BY_UID] == 0 ? message.len : 0) && by_uid.len > 0)
        CHECK(memcmp(by_uid.data, message.data, by_uid.len) == 0);
    codes[MESSAGES_AT_ONCE] = pop3_recv_messages(socket, numbers, MESSAGES, gather_messages, &letters, NULL);
    CHECK(codes[MESSAGES_AT_ONCE] == letters.whole || (codes[MESSAGES_AT_ONCE] < 0 && letters.whole < MESSAGES));
    codes[TOPS_AT_ONCE] = pop3_recv_tops(socket, numbers, MESSAGES, 0, gather_messages, &tops, NULL);
    CHECK(codes[TOPS_AT_ONCE] == tops.whole || (codes[TOPS_AT_ONCE] < 0 && tops.whole < MESSAGES));
    codes[DELETE] = pop3_delete_message(socket, 1, NULL);
    /* or the sessions that come to QUIT would empty the mailbox */
    codes[UNDO] = pop3_undo_deletes(socket, NULL);
    codes[DELETE_AT_ONCE] = pop3_delete_messages(socket, numbers, MESSAGES, NULL);
    codes[UNDO_AGAIN] = pop3_undo_deletes(socket, NULL);
    codes[DISCONNECT] = pop3_disconnect(socket, NULL);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
    pop3_list_free(&list);
    pop3_uid_list_free(&uids);
    pop3_buffer_free(&headers);
    pop3_buffer_free(&message);
    pop3_buffer_free(&by_uid);
    letters_free(&letters);
    letters_free(&tops);
}

int first_failed(const int codes[CALLS])
{
    int failed = 0, ok = 1;
    while (failed < CALLS && codes[failed] == good[failed])
        failed++;
    for (int call = failed + 1; call < CALLS && failed != CONNECT; call++)
        ok &= CHECK_INT(codes[call], POP3_ERR_CONNECTION_LOST);
    for (int call = 0; call < CALLS && !ok; call++)
        printf("%d%s", codes[call], call < CALLS - 1 ? " " : "\n");
    return failed;
}

/* Where the system refuses random numbers: what needs none goes on, and nothing is printed or ends the host. */
#define _GNU_SOURCE /* getrandom */
#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

#include "check.h"
#include "gather.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

static int asked;

/* Comes before libc's, since it is the executable's. */
ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    (void)buffer, (void)size, (void)flags;
    asked++;
    errno = EIO;
    return -1;
}

static void the_family_needs_none(void)
{
    pop3_buffer buffer;
    pop3_list list;
    pop3_uid_list ids;
    pop3_mailbox_size size;
    struct letters letters = {NULL, 0, 0, 0, 0};
    const int32_t numbers[] = {1, 2};
    int socket = connect_to(server_mailbox("messages=2"), 0);
    CHECK_INT(pop3_message_count(socket, NULL), 2);
    CHECK_INT(pop3_message_count(1, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_INT(pop3_mailbox(socket, &size, NULL), 0);
    CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0);
    CHECK_INT(pop3_unique_ids(socket, 0, &ids, NULL), 0);
    CHECK_INT(pop3_capabilities(socket, &buffer, NULL), 0);
    pop3_buffer_free(&buffer);
    CHECK_INT(pop3_recv_headers(socket, 1, &buffer, NULL), 0);
    pop3_buffer_free(&buffer);
    CHECK_INT(pop3_recv_messages(socket, numbers, 2, gather_messages, &letters, NULL), 2);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), 0);
    CHECK_INT(pop3_undo_deletes(socket, NULL), 0);
    CHECK_INT(pop3_cancel(socket), 0);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    pop3_forget(NULL);
    pop3_list_free(&list);
    pop3_uid_list_free(&ids);
    letters_free(&letters);
    CHECK_INT(asked, 0);
}

int main(void)
{
    RUN(the_family_needs_none);
    return check_result();
}

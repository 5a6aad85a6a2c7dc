/* When the library has the kernel acknowledge what has come: TCP_QUICKACK, which Linux has. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "check.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"

/* The library's own calls come here, since a symbol of the executable comes before libc's. */

static int acknowledgements;

int setsockopt(int socket, int level, int option, const void *value, socklen_t length)
{
    int (*next)(int, int, int, const void *, socklen_t);
    *(void **)&next = dlsym(RTLD_NEXT, "setsockopt");
    if (level == IPPROTO_TCP && option == TCP_QUICKACK && *(const int *)value != 0)
        acknowledgements++;
    return next(socket, level, option, value, length);
}

/* A server with Nagle's algorithm on would else hold the rest back until this side's delayed acknowledgement. */
static void an_answer_in_pieces_is_acknowledged_as_it_comes(void)
{
    const char *modes[] = {"", "tls=implicit"};
    for (int secure = 0; secure < 2; secure++) {
        pop3_buffer message;
        int port = server_play(modes[secure],
                               LOGGED_IN REPLY("NOOP", "+OK\\r\\n") EXPECT("RETR 1") "send \"+OK\\r\\nab\"\n"
                               "pause 700\n" SEND("c") "pause 700\n" SEND(".")
                               REPLY("RETR 2", "+OK\\r\\nabc\\r\\n.\\r\\n") GOOD_BYE);
        int handle = pop3_connect(at(port), "alice", PASS, NULL, secure, 0);
        CHECK(handle > 0);
        acknowledgements = 0;
        CHECK_INT(pop3_noop(handle, NULL), 0);
        CHECK_INT(acknowledgements, 0);
        CHECK_INT(pop3_recv_message(handle, 1, &message, NULL), 0);
        CHECK_STR(message.data, "abc\r\n");
        pop3_buffer_free(&message);
        CHECK_INT(acknowledgements, 2);
        CHECK_INT(pop3_recv_message(handle, 2, &message, NULL), 0);
        pop3_buffer_free(&message);
        CHECK_INT(acknowledgements, 2);
        CHECK_INT(pop3_disconnect(handle, NULL), 0);
        CHECK_PLAYED(port);
    }
}

int main(void)
{
    RUN(an_answer_in_pieces_is_acknowledged_as_it_comes);
    return check_result();
}

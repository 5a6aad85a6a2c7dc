#include "session.h"

#include <stddef.h>

#include "check.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"

int port;

int connect_to(int where, int secure)
{
    int socket = pop3_connect(at(where), "alice", PASS, NULL, secure, 1);
    CHECK(socket > 0);
    return socket;
}

int connect_play(const char *transcript)
{
    port = server_play("", transcript);
    return connect_to(port, 0);
}

int connect_tls_play(const char *transcript)
{
    port = server_play("tls=implicit", transcript);
    return connect_to(port, 1);
}

void good_bye(int socket)
{
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

void it_is_over(int socket)
{
    CHECK_INT(pop3_noop(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    CHECK_PLAYED(port);
}

#include "session.h"

#include <stddef.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"

int port;

pop3_options *options_for(int where, int secure)
{
    return options_for_server(at(where), secure);
}

pop3_options *options_for_server(const char *server, int secure)
{
    pop3_options *options = pop3_options_new();
    CHECK(options != NULL);
    CHECK_INT(pop3_options_set_server(options, server), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, secure), POP3_OK);
    return options;
}

pop3_options *recorded_options(int where, int secure)
{
    pop3_options *options = options_for(where, secure);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    return options;
}

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

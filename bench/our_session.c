#include "our_session.h"

#include <pop3connect.h>
#include <stdio.h>

int our_fail(const char *what, int32_t code)
{
    /* one after the other: each text is good only until the next call */
    fprintf(stderr, "pop3connect: %s: %d: %s", what, (int)code, pop3_get_last_error());
    fprintf(stderr, "; TLS: %s\n", pop3_get_secure_error());
    return -1;
}

int our_prepare(const struct target *target)
{
    int32_t code = pop3_set_secure_dir(target->secure_dir);
    return code == POP3_OK ? 0 : our_fail("pop3_set_secure_dir", code);
}

static int32_t secure_of(enum mode mode)
{
    switch (mode) {
    case TLS:
        return 1;
    case STLS:
        return 2;
    default:
        return 0;
    }
}

int our_log_in(int32_t *socket, const struct target *target)
{
    char server[32];
    snprintf(server, sizeof server, "127.0.0.1:%d", target->port);
    *socket = pop3_connect(server, target->user, target->pass, NULL, secure_of(target->mode), 1);
    return *socket > 0 ? 0 : our_fail("pop3_connect", *socket);
}

int our_log_in_by(int32_t *socket, const struct target *target, const char *mechanism)
{
    char server[32];
    pop3_options *options = pop3_options_new();
    snprintf(server, sizeof server, "127.0.0.1:%d", target->port);
    pop3_options_set_server(options, server);
    pop3_options_set_user(options, target->user);
    pop3_options_set_password(options, target->pass);
    pop3_options_set_secure(options, secure_of(target->mode));
    pop3_options_set_mechanism(options, mechanism);
    /* what a setter refused is refused here */
    *socket = pop3_connect_with(options);
    pop3_options_free(options);
    return *socket > 0 ? 0 : our_fail("pop3_connect_with", *socket);
}

int our_quit(int32_t socket)
{
    int32_t code = pop3_disconnect(socket, NULL);
    return code == POP3_OK ? 0 : our_fail("pop3_disconnect", code);
}

void our_clean_up(void)
{
}

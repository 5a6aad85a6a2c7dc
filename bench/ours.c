#include <pop3connect.h>
#include <stddef.h>

#include "client.h"
#include "our_session.h"

static int session(const struct target *target)
{
    int32_t socket;
    /* the bare loop remembers nothing either; bench_again measures what that saves */
    pop3_forget(NULL);
    return our_log_in(&socket, target) == 0 ? our_quit(socket) : -1;
}

const struct client ours = {"pop3connect", our_prepare, session, our_clean_up};

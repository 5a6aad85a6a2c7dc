/* libEtPan has a message in one piece only, so counting its bytes is asking for its length. It verifies nobody. */
#include <libetpan/libetpan.h>
#include <stdio.h>

#include "fetcher.h"

static mailpop3 *session;

static int prepare(const struct target *target)
{
    (void)target;
    return 0;
}

static int fail(const char *what, int code)
{
    fprintf(stderr, "libEtPan: %s: error %d\n", what, code);
    return -1;
}

static int connect_to(const struct target *target)
{
    if (target->mode == TLS)
        return mailpop3_ssl_connect(session, "127.0.0.1", (uint16_t)target->port);
    return mailpop3_socket_connect(session, "127.0.0.1", (uint16_t)target->port);
}

/* It wants to know the mailbox before it fetches from it. */
static int list(void)
{
    carray *messages;
    return mailpop3_list(session, &messages);
}

static int log_in(const struct target *target)
{
    int code = connect_to(target);
    code = code ? code : mailpop3_user(session, target->user);
    code = code ? code : mailpop3_pass(session, target->pass);
    return code ? code : list();
}

static int open_session(const struct target *target)
{
    int code;
    session = mailpop3_new(0, NULL);
    if (session == NULL)
        return fail("mailpop3_new", MAILPOP3_ERROR_MEMORY);
    code = log_in(target);
    if (code == MAILPOP3_NO_ERROR)
        return 0;
    mailpop3_free(session);
    return fail("log-in", code);
}

static long long fetch(int messages)
{
    long long total = 0;
    for (int i = 1; i <= messages; i++) {
        char *message;
        size_t length;
        int code = mailpop3_retr(session, (unsigned int)i, &message, &length);
        if (code != MAILPOP3_NO_ERROR)
            return fail("mailpop3_retr", code);
        total += (long long)length;
        mailpop3_retr_free(message);
    }
    return total;
}

static int close_session(void)
{
    int code = mailpop3_quit(session);
    mailpop3_free(session);
    return code == MAILPOP3_NO_ERROR ? 0 : fail("mailpop3_quit", code);
}

static void clean_up(void)
{
}

const struct fetcher etpan_fetcher = {"libEtPan", prepare, open_session, fetch, close_session, clean_up, 0};

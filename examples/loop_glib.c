/* What loop_epoll.c does, in GLib's main loop: POP3_PASS=password loop_glib SECONDS SECURE USER SERVER[:PORT]... */
#include <glib.h>
#include <stdlib.h>

#include "pop3connect.h"

static GMainLoop *host;
static pop3_loop *mail;
static int failures;

static void print_count(int32_t call G_GNUC_UNUSED, int32_t result, void *server)
{
    g_print("%s: %d %s\n", (char *)server, (int)result, result < 0 ? pop3_get_last_error() : "messages");
    failures += result < 0;
}

/* How long GLib may wait; whether it must not. What comes on the descriptor it sees itself. */
static gboolean prepare(GSource *source G_GNUC_UNUSED, int *timeout)
{
    *timeout = pop3_loop_timeout(mail);
    return *timeout == 0;
}

static gboolean dispatch(GSource *source G_GNUC_UNUSED, GSourceFunc callback G_GNUC_UNUSED, void *data G_GNUC_UNUSED)
{
    if (pop3_loop_run(mail, 0) <= 0)
        g_main_loop_quit(host);
    return G_SOURCE_CONTINUE;
}

int main(int count, char **arguments)
{
    if (count < 5 || getenv("POP3_PASS") == NULL || (mail = pop3_loop_new()) == NULL) {
        g_printerr("usage: POP3_PASS=password %s SECONDS SECURE USER SERVER[:PORT]...\n", arguments[0]);
        return 2;
    }
    host = g_main_loop_new(NULL, FALSE);
    GSource *source = g_source_new(&(GSourceFuncs){.prepare = prepare, .dispatch = dispatch}, sizeof *source);
    g_source_add_unix_fd(source, pop3_loop_fd(mail), G_IO_IN);
    g_source_attach(source, NULL);
    pop3_options *options = pop3_options_new();
    pop3_options_set_timeouts(options, 0, 0, atoi(arguments[1]) * 1000);
    pop3_options_set_secure(options, atoi(arguments[2]));
    pop3_options_set_user(options, arguments[3]);
    pop3_options_set_password(options, getenv("POP3_PASS"));
    for (int i = 4, call; i < count; i++) {
        pop3_options_set_server(options, arguments[i]);
        if ((call = pop3_loop_stat(mail, options, print_count, arguments[i])) < 0)
            print_count(call, call, arguments[i]); /* it has not begun */
    }
    pop3_options_free(options);
    if (pop3_loop_run(mail, 0) > 0)
        g_main_loop_run(host);
    g_source_destroy(source);
    pop3_loop_free(mail);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

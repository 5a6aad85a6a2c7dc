/*
 * Saves the messages of a mailbox, in GLib's main loop: with a bar that shows how far it is, and stopped by Ctrl-C.
 *
 *   POP3_PASS=password progress_glib SERVER[:PORT] USER FOLDER [SECURE [VERIFY]]
 *
 * SECURE is 0 (in the clear), 1 (TLS, if it is not given) or 2 (STARTTLS), VERIFY 0 or 1. Each message is FOLDER/number.eml,
 * which must not be there. Where the bar is drawn a program of GTK's would call gtk_progress_bar_set_fraction, and its
 * main loop is this one.
 */
#include <errno.h>
#include <glib-unix.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pop3connect.h"

enum { WIDTH = 30 };

static GMainLoop *host;
static pop3_loop *mail;
static int32_t call, result;
static const char *folder;
/* The message under way. */
static FILE *file;
static char *name;
static int saved;

/* pop3_progress_cb: several times a second, also while nothing comes. The first message that is not saved is under way. */
static int32_t draw(int64_t done, int64_t total, void *context G_GNUC_UNUSED)
{
    if (!isatty(STDERR_FILENO))
        return 0;
    double part = total > 0 ? CLAMP((double)done / (double)total, 0, 1) : 0;
    char bar[WIDTH + 1] = {0};
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < part * WIDTH ? '#' : '.';
    g_autofree char *size = g_format_size((guint64)done);
    g_printerr("\rmessage %d  [%s] %3d %%  %s\x1b[K", saved + 1, bar, (int)(100 * part), size);
    return 0;
}

/* pop3_message_cb: a piece of a message. */
static int32_t save(int32_t number, const char *data, size_t length, int32_t last, void *context G_GNUC_UNUSED)
{
    if (last < 0) {
        g_printerr("\rmessage %d: %s\n", (int)number, pop3_error_text(last));
        return 0;
    }
    if (file == NULL) {
        g_free(name);
        name = g_strdup_printf("%s/%d.eml", folder, (int)number);
        file = g_fopen(name, "wbx");
    }
    if (file == NULL) {
        g_printerr("\r%s: %s\n", name, g_strerror(errno));
        return -1;
    }
    int is_whole = fwrite(data, 1, length, file) == length;
    if (last > 0) {
        is_whole = fclose(file) == 0 && is_whole;
        file = NULL;
        saved++;
    }
    if (!is_whole)
        g_printerr("\r%s: %s\n", name, g_strerror(errno));
    return is_whole ? 0 : -1;
}

static void end(int32_t ended G_GNUC_UNUSED, int32_t with, void *context G_GNUC_UNUSED)
{
    result = with;
    if (isatty(STDERR_FILENO))
        g_printerr("\r\x1b[K");
    if (with < 0)
        g_printerr("error %d: %s\n", (int)with, pop3_get_last_error());
}

static gboolean stop(void *context G_GNUC_UNUSED)
{
    pop3_loop_cancel(mail, call); /* `end` is called in the next pop3_loop_run */
    return G_SOURCE_CONTINUE;
}

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
    const char *pass = getenv("POP3_PASS");
    if (count < 4 || count > 6 || pass == NULL || (mail = pop3_loop_new()) == NULL) {
        g_printerr("usage: POP3_PASS=password %s SERVER[:PORT] USER FOLDER [SECURE [VERIFY]]\n", arguments[0]);
        return 2;
    }
    folder = arguments[3];
    pop3_options *options = pop3_options_new();
    pop3_options_set_server(options, arguments[1]);
    pop3_options_set_user(options, arguments[2]);
    pop3_options_set_password(options, pass);
    pop3_options_set_secure(options, count > 4 ? atoi(arguments[4]) : 1);
    pop3_options_set_verify(options, count > 5 ? atoi(arguments[5]) : 1);
    pop3_options_set_progress_cb(options, draw, NULL);
    call = pop3_loop_recv(mail, options, save, 0 /* deletes none */, 0 /* all */, end, NULL);
    pop3_options_free(options);
    if (call < 0) {
        end(call, call, NULL); /* it has not begun */
    } else {
        host = g_main_loop_new(NULL, FALSE);
        GSource *source = g_source_new(&(GSourceFuncs){.prepare = prepare, .dispatch = dispatch}, sizeof *source);
        g_source_add_unix_fd(source, pop3_loop_fd(mail), G_IO_IN);
        g_source_attach(source, NULL);
        g_unix_signal_add(SIGINT, stop, NULL);
        g_main_loop_run(host);
        g_source_destroy(source);
    }
    pop3_loop_free(mail);
    if (file != NULL) {
        fclose(file);
        g_remove(name); /* a part of a message */
    }
    g_free(name);
    g_print("%d messages saved\n", saved);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

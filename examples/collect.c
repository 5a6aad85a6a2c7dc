/*
 * Takes what is new in a mailbox into a Maildir, each message once.
 *
 *   POP3_PASS=password collect SERVER[:PORT] USER MAILDIR [SECURE [VERIFY [DAYS]]]
 *
 * SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS), VERIFY 0 or 1. DAYS says when what was taken is deleted on the
 * server: -1, never, unless something else is said; 0 at once; n after n days.
 *
 * A message is written into MAILDIR/tmp, to the disk, and only then gets its name in MAILDIR/new. The book of what was
 * taken is MAILDIR/pop3connect.book.
 */
#define _POSIX_C_SOURCE 200809L /* gethostname, fsync */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#ifdef _WIN32
#include <direct.h>
#include <io.h>
#include <process.h>
#include <windows.h>
#define getpid _getpid
#define isatty _isatty
#define fileno _fileno
#else
#include <unistd.h>
#endif

#include "pop3connect.h"

enum { PATH_SIZE = 4096 };

struct maildir {
    const char *folder;
    int new_folder;       /* MAILDIR/new, to be written to the disk, where systems have that */
    int is_watched;       /* by somebody at a terminal */
    char host[64];
    FILE *file;           /* what has come of the message under way, */
    char tmp[PATH_SIZE];  /* under this name until all of it is on the disk, */
    char name[128];       /* and then under this one in `new` */
    int messages;
    int64_t bytes;
};

static int failed(const char *what, int32_t code)
{
    fprintf(stderr, "%s: error %d: %s\n    %s\n", what, (int)code, pop3_error_text(code), pop3_get_last_error());
    return EXIT_FAILURE;
}

/* The reason that the system gives. */
static int system_failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return EXIT_FAILURE;
}

/* ---- What systems do each in their own way ---- */

#ifdef _WIN32

static int make_folder(const char *path)
{
    return _mkdir(path);
}

static int write_through(FILE *file)
{
    return _commit(_fileno(file));
}

static int open_folder(const char *path)
{
    (void)path;
    return 0;
}

/* Gives a file that is closed its name, on the disk as well. */
static int give_name(const char *from, const char *to, int folder)
{
    (void)folder;
    if (MoveFileExA(from, to, MOVEFILE_WRITE_THROUGH))
        return 0;
    errno = EIO;
    return -1;
}

static void name_host(char *name, size_t size)
{
    DWORD length = (DWORD)size;
    if (!GetComputerNameA(name, &length))
        snprintf(name, size, "localhost");
}

#else

static int make_folder(const char *path)
{
    return mkdir(path, 0700);
}

static int write_through(FILE *file)
{
#ifdef F_FULLFSYNC
    return fcntl(fileno(file), F_FULLFSYNC); /* macOS: fsync alone leaves it to the drive */
#else
    return fsync(fileno(file));
#endif
}

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int give_name(const char *from, const char *to, int folder)
{
    return rename(from, to) == 0 ? fsync(folder) : -1;
}

static void name_host(char *name, size_t size)
{
    if (gethostname(name, size) != 0)
        snprintf(name, size, "localhost");
    name[size - 1] = '\0';
}

#endif

/* ---- The Maildir ---- */

static int open_maildir(struct maildir *maildir)
{
    const char *folders[] = {"", "/tmp", "/new", "/cur"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (snprintf(path, sizeof path, "%s%s", maildir->folder, folders[i]) >= (int)sizeof path - 200) {
            errno = ENAMETOOLONG;
            return system_failed(maildir->folder);
        }
        if (make_folder(path) != 0 && errno != EEXIST)
            return system_failed(path);
    }
    snprintf(path, sizeof path, "%s/new", maildir->folder);
    maildir->new_folder = open_folder(path);
    if (maildir->new_folder < 0)
        return system_failed(path);
    maildir->is_watched = isatty(fileno(stdout));
    name_host(maildir->host, sizeof maildir->host);
    for (char *c = maildir->host; *c != '\0'; c++)
        if (*c == '/' || *c == ':' || *c == '\\')
            *c = '_';
    return EXIT_SUCCESS;
}

/* Names are unique by time, process and number, as Maildir wants it. */
static int begin_message(struct maildir *maildir)
{
    static int number;
    snprintf(maildir->name, sizeof maildir->name, "%lld.P%ldQ%d.%s", (long long)time(NULL), (long)getpid(), ++number,
             maildir->host);
    snprintf(maildir->tmp, sizeof maildir->tmp, "%s/tmp/%s", maildir->folder, maildir->name);
    maildir->file = fopen(maildir->tmp, "wb");
    return maildir->file != NULL ? EXIT_SUCCESS : system_failed(maildir->tmp);
}

/* What has come of a message that does not become whole goes. */
static void drop_message(struct maildir *maildir)
{
    if (maildir->file == NULL)
        return;
    fclose(maildir->file);
    maildir->file = NULL;
    remove(maildir->tmp);
}

/* Only what was written through to the disk is there after a power failure. */
static int end_message(struct maildir *maildir)
{
    char path[PATH_SIZE + sizeof maildir->name];
    snprintf(path, sizeof path, "%s/new/%s", maildir->folder, maildir->name);
    if (fflush(maildir->file) != 0 || write_through(maildir->file) != 0)
        return system_failed(maildir->tmp);
    int closed = fclose(maildir->file);
    maildir->file = NULL;
    if (closed == 0 && give_name(maildir->tmp, path, maildir->new_folder) == 0)
        return EXIT_SUCCESS;
    int result = system_failed(path);
    remove(maildir->tmp);
    return result;
}

/* ---- Collecting ---- */

/* Takes the pieces of all messages, one message after the other. */
static int32_t take(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    struct maildir *maildir = context;
    if (last < 0) {
        fprintf(stderr, "message %d (%s): %s\n", (int)arrival->number, arrival->uid, pop3_error_text(last));
        drop_message(maildir);
        return 0; /* the others may still come */
    }
    if (maildir->file == NULL && begin_message(maildir) != EXIT_SUCCESS)
        return 1;
    if (fwrite(data, 1, len, maildir->file) != len)
        return system_failed(maildir->tmp);
    maildir->bytes += (int64_t)len;
    if (last == 1) {
        if (end_message(maildir) != EXIT_SUCCESS)
            return 1;
        maildir->messages++;
        if (maildir->is_watched) {
            printf("\r%d messages, %lld bytes", maildir->messages, (long long)maildir->bytes);
            fflush(stdout);
        }
    }
    return 0; /* from now on it counts as taken */
}

static int collect(const pop3_options *options, struct maildir *maildir, int32_t days)
{
    char book[PATH_SIZE];
    snprintf(book, sizeof book, "%s/pop3connect.book", maildir->folder);
    pop3_job *job = pop3_job_new();
    pop3_job_set_book(job, book);
    pop3_job_set_delete(job, days);
    pop3_job_set_message_cb(job, take, maildir);
    pop3_outcome outcome;
    int32_t result = pop3_collect(options, job, &outcome);
    pop3_job_free(job);
    drop_message(maildir);
    printf("%s%d taken, %d deleted, %d left, %d failed, %lld octets\n", maildir->is_watched ? "\r" : "",
           (int)outcome.taken, (int)outcome.deleted, (int)outcome.left, (int)outcome.failed, (long long)outcome.octets);
    if (result == POP3_ERR_CANCELLED)
        return EXIT_FAILURE; /* by `take`, which has said why */
    if (result < 0)
        return failed("pop3_collect", result);
    return outcome.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int count, char **arguments)
{
    const char *pass = getenv("POP3_PASS");
    if (count < 4 || count > 7 || pass == NULL) {
        fprintf(stderr, "usage: POP3_PASS=password %s SERVER[:PORT] USER MAILDIR [SECURE [VERIFY [DAYS]]]\n",
                arguments[0]);
        return 2;
    }
    struct maildir maildir = {.folder = arguments[3]};
    if (open_maildir(&maildir) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    pop3_options *options = pop3_options_new();
    pop3_options_set_server(options, arguments[1]);
    pop3_options_set_user(options, arguments[2]);
    pop3_options_set_password(options, pass);
    pop3_options_set_secure(options, count > 4 ? atoi(arguments[4]) : POP3_CLEAR);
    pop3_options_set_verify(options, count > 5 ? atoi(arguments[5]) : 1);
    int result = collect(options, &maildir, count > 6 ? atoi(arguments[6]) : -1);
    pop3_options_free(options);
    return result;
}

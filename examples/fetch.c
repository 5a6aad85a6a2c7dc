/*
 * Reads every message of a mailbox into files, and deletes what was read if wanted.
 *
 *   POP3_PASS=password fetch SERVER[:PORT] USER FOLDER [SECURE [VERIFY [DELETE]]]
 *
 * SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS), VERIFY and DELETE 0 or 1.
 *
 * A file is named by its message's unique id: the message's number belongs to another message in the next session. No
 * file is ever overwritten. Only messages that are on the disk are deleted from the server.
 */
#define _POSIX_C_SOURCE 200809L /* link, mkstemp */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#ifdef _WIN32
#include <io.h>
#include <process.h>
#include <windows.h>
#define getpid _getpid
#define isatty _isatty
#define fileno _fileno
#define fdopen _fdopen
#define unlink _unlink
#define close _close
#else
#include <unistd.h>
#endif

#include "pop3connect.h"

enum { PATH_SIZE = 4096, LONGEST_ID = 70 /* RFC 1939 */ };

struct message {
    int32_t number;
    char *name; /* of its file, without the ending */
    int safe;   /* whether it is on the disk */
};

struct fetch {
    const char *folder;
    struct message *messages;
    size_t count;
    size_t at;    /* which of the messages is under way: they come in the order in which they are asked for */
    size_t safe;  /* how many are on the disk */
    FILE *file;   /* what has come of the message under way, */
    char unfinished[PATH_SIZE]; /* under this name until all of it is on the disk */
    int64_t bytes;
    time_t shown; /* when the progress was last shown */
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

/* Makes a file with a name of its own, in which the last six letters of `path` are chosen; its descriptor. */
static int create_file(char *path)
{
    if (_mktemp(path) == NULL)
        return -1;
    return _open(path, _O_CREAT | _O_EXCL | _O_RDWR | _O_BINARY, _S_IREAD | _S_IWRITE);
}

static int write_through(FILE *file)
{
    return _commit(_fileno(file));
}

/* Gives a file that is closed its name, on the disk as well; EEXIST if that is taken. */
static int give_name(const char *from, const char *to)
{
    if (MoveFileExA(from, to, MOVEFILE_WRITE_THROUGH))
        return 0;
    DWORD error = GetLastError();
    errno = error == ERROR_ALREADY_EXISTS || error == ERROR_FILE_EXISTS ? EEXIST : EIO;
    return -1;
}

static int write_names_through(const char *folder)
{
    (void)folder; /* each has been */
    return 0;
}

#else

static int create_file(char *path)
{
    return mkstemp(path);
}

static int write_through(FILE *file)
{
    return fsync(fileno(file));
}

static int give_name(const char *from, const char *to)
{
    /* not rename(), which would overwrite what has the name */
    if (link(from, to) != 0)
        return -1;
    unlink(from);
    return 0;
}

static int write_names_through(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY);
    int result = descriptor < 0 ? -1 : fsync(descriptor);
    if (descriptor >= 0)
        close(descriptor);
    return result;
}

#endif

/* ---- Names ---- */

/* Of that unique id, so that no two have the same: what could mean something in a path is %XX. */
static char *name_of_id(const char *id)
{
    char *name = malloc(3 * strlen(id) + 1), *end = name;
    if (name == NULL)
        return NULL;
    for (const char *c = id; *c != '\0'; c++) {
        int is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                       strchr("-_+=@", *c) != NULL || (*c == '.' && c != id);
        end += sprintf(end, is_plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    *end = '\0';
    return name;
}

/* Of a message that has no unique id, or an overlong one: when, by whom and as which number it was read. */
static char *name_of_number(int32_t number)
{
    char *name = malloc(64);
    if (name != NULL)
        snprintf(name, 64, "%lld.%ld.%d", (long long)time(NULL), (long)getpid(), (int)number);
    return name;
}

static int list_messages(int32_t socket, struct fetch *fetch)
{
    pop3_uid_list ids;
    pop3_list list = {0};
    /* not every server has unique ids, and some have such as cannot be read */
    int32_t result = pop3_unique_ids(socket, 0, &ids, NULL);
    if (result != POP3_OK)
        result = pop3_list_messages(socket, 0, &list, NULL);
    if (result != POP3_OK)
        return failed("the list of messages", result);

    size_t count = ids.count + list.count; /* one of them is empty */
    fetch->messages = calloc(count + 1, sizeof *fetch->messages);
    for (size_t i = 0; fetch->messages != NULL && i < count; i++, fetch->count++) {
        struct message *message = &fetch->messages[i];
        message->number = ids.count > 0 ? ids.items[i].number : list.items[i].number;
        int has_id = ids.count > 0 && strlen(ids.items[i].uid) <= LONGEST_ID;
        message->name = has_id ? name_of_id(ids.items[i].uid) : name_of_number(message->number);
        if (message->name == NULL)
            break;
    }
    pop3_uid_list_free(&ids);
    pop3_list_free(&list);
    return fetch->messages != NULL && fetch->count == count ? EXIT_SUCCESS : system_failed("the list of messages");
}

/* ---- Files ---- */

static int begin_file(struct fetch *fetch)
{
    snprintf(fetch->unfinished, sizeof fetch->unfinished, "%s/.fetch-XXXXXX", fetch->folder);
    int descriptor = create_file(fetch->unfinished);
    fetch->file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (fetch->file != NULL)
        return EXIT_SUCCESS;
    int result = system_failed(fetch->unfinished);
    if (descriptor >= 0) {
        close(descriptor);
        unlink(fetch->unfinished);
    }
    return result;
}

/* What has come of a message that is not whole goes. */
static void drop_file(struct fetch *fetch)
{
    if (fetch->file == NULL)
        return;
    fclose(fetch->file);
    fetch->file = NULL;
    unlink(fetch->unfinished);
}

/* Whether two files have the same bytes. */
static int is_same(const char *path, const char *other_path)
{
    FILE *file = fopen(path, "rb"), *other = fopen(other_path, "rb");
    int byte = 0, others = 0, same = file != NULL && other != NULL;
    while (same && byte != EOF) {
        byte = getc(file);
        others = getc(other);
        same = byte == others && !ferror(file) && !ferror(other);
    }
    if (file != NULL)
        fclose(file);
    if (other != NULL)
        fclose(other);
    return same;
}

/*
 * Gives the message that has come its name, unless that is taken: then its name and -2, or the next that is free. If
 * the same message is there already, from an earlier session, that one will do.
 */
static int name_file(const struct fetch *fetch, const char *name)
{
    char path[PATH_SIZE];
    for (int copy = 1;; copy++) {
        int length = copy == 1 ? snprintf(path, sizeof path, "%s/%s.eml", fetch->folder, name)
                               : snprintf(path, sizeof path, "%s/%s-%d.eml", fetch->folder, name, copy);
        if (length >= (int)sizeof path)
            errno = ENAMETOOLONG;
        else if (give_name(fetch->unfinished, path) == 0)
            return EXIT_SUCCESS;
        else if (errno == EEXIST && is_same(fetch->unfinished, path)) {
            unlink(fetch->unfinished);
            return EXIT_SUCCESS;
        } else if (errno == EEXIST)
            continue;
        return system_failed(path);
    }
}

/* Only what was written through to the disk is whole after a power failure. */
static int end_file(struct fetch *fetch, const char *name)
{
    if (fflush(fetch->file) != 0 || write_through(fetch->file) != 0)
        return system_failed(fetch->unfinished);
    int closed = fclose(fetch->file);
    fetch->file = NULL;
    int result = closed == 0 ? name_file(fetch, name) : system_failed(fetch->unfinished);
    if (result != EXIT_SUCCESS)
        unlink(fetch->unfinished);
    return result;
}

/* The same for the names. */
static int flush_folder(const char *folder)
{
    return write_names_through(folder) == 0 ? EXIT_SUCCESS : system_failed(folder);
}

/* ---- Reading ---- */

/* In place on a terminal; elsewhere a line a second at the most. */
static void show_progress(struct fetch *fetch, int at_end)
{
    int on_terminal = isatty(fileno(stdout));
    time_t now = time(NULL);
    if (!at_end && !on_terminal && now == fetch->shown)
        return;
    fetch->shown = now;
    printf("%s%zu of %zu messages, %lld bytes%s", on_terminal ? "\r" : "", fetch->safe, fetch->count,
           (long long)fetch->bytes, on_terminal && !at_end ? "" : "\n");
    fflush(stdout);
}

/* Takes the pieces of all messages, one message after the other. */
static int32_t take(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct fetch *fetch = context;
    struct message *message = &fetch->messages[fetch->at];
    if (last < 0) {
        fprintf(stderr, "message %d: %s\n", (int)number, pop3_error_text(last));
        fetch->at++;
        return 0; /* the others may still come */
    }
    if (fetch->file == NULL && begin_file(fetch) != EXIT_SUCCESS)
        return 1;
    if (fwrite(data, 1, len, fetch->file) != len)
        return system_failed(fetch->unfinished);
    fetch->bytes += (int64_t)len;
    if (last == 1) {
        if (end_file(fetch, message->name) != EXIT_SUCCESS)
            return 1;
        message->safe = 1;
        fetch->safe++;
        fetch->at++;
        show_progress(fetch, 0);
    }
    return 0;
}

/* As pop3_recv_messages answers. */
static int32_t read_all(int32_t socket, struct fetch *fetch)
{
    int32_t *numbers = malloc((fetch->count + 1) * sizeof *numbers);
    if (numbers == NULL)
        return POP3_ERR_OUT_OF_MEMORY;
    for (size_t i = 0; i < fetch->count; i++)
        numbers[i] = fetch->messages[i].number;
    int32_t delivered = pop3_recv_messages(socket, numbers, fetch->count, take, fetch, NULL);
    free(numbers);
    drop_file(fetch);
    show_progress(fetch, 1);
    return delivered;
}

static int delete_what_is_safe(int32_t socket, const struct fetch *fetch)
{
    int result = EXIT_SUCCESS;
    for (size_t i = 0; i < fetch->count; i++) {
        int32_t marked = fetch->messages[i].safe ? pop3_delete_message(socket, fetch->messages[i].number, NULL) : 0;
        if (marked < 0)
            result = failed("pop3_delete_message", marked);
    }
    return result;
}

static int fetch_all(int32_t socket, struct fetch *fetch, int delete_after)
{
    if (list_messages(socket, fetch) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    int32_t delivered = read_all(socket, fetch);
    if (flush_folder(fetch->folder) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    /* the session is over, and the server keeps all messages: the next time those are found to be here */
    if (delivered == POP3_ERR_CANCELLED)
        return EXIT_FAILURE; /* by `take`, which has said why */
    if (delivered < 0)
        return failed("pop3_recv_messages", delivered);
    if (delete_after && delete_what_is_safe(socket, fetch) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    return fetch->safe == fetch->count ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int count, char **arguments)
{
    const char *pass = getenv("POP3_PASS");
    if (count < 4 || count > 7 || pass == NULL) {
        fprintf(stderr, "usage: POP3_PASS=password %s SERVER[:PORT] USER FOLDER [SECURE [VERIFY [DELETE]]]\n",
                arguments[0]);
        return 2;
    }
    int32_t secure = count > 4 ? atoi(arguments[4]) : 0;
    int32_t verify = count > 5 ? atoi(arguments[5]) : 1;
    int delete_after = count > 6 && atoi(arguments[6]) != 0;

    int32_t socket = pop3_connect(arguments[1], arguments[2], pass, NULL, secure, verify);
    if (socket < 0)
        return failed("pop3_connect", socket);

    struct fetch fetch = {.folder = arguments[3], .shown = -1};
    int result = fetch_all(socket, &fetch, delete_after);
    for (size_t i = 0; i < fetch.count; i++)
        free(fetch.messages[i].name);
    free(fetch.messages);

    /* this is where the server deletes what was marked */
    int32_t ended = pop3_disconnect(socket, NULL);
    return ended < 0 ? failed("pop3_disconnect", ended) : result;
}

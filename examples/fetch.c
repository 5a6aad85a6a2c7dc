/*
 * Reads every message of a mailbox into files, and deletes what was read if wanted.
 *
 *   POP3_PASS=password fetch SERVER[:PORT] USER FOLDER [SECURE [VERIFY [DELETE]]]
 *
 * The files are FOLDER/1.eml and so on. SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS), VERIFY and DELETE 0 or 1.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pop3connect.h"

/* What the callback needs to know. */
struct fetch {
    const char *folder;
    FILE *file;      /* of the message under way */
    int32_t *done;   /* numbers of the messages that are safe on disk */
    size_t count;    /* how many of them */
    size_t expected;
    int64_t bytes;
};

static void show_progress(const struct fetch *fetch)
{
    printf("\r%zu of %zu messages, %lld bytes", fetch->count, fetch->expected, (long long)fetch->bytes);
    fflush(stdout);
}

/* Takes the pieces of all messages, one message after the other. */
static int32_t take(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct fetch *fetch = context;
    if (last < 0) {
        printf("\nmessage %d: %s\n", (int)number, pop3_error_text(last));
        return 0; /* the others may still come */
    }
    if (fetch->file == NULL) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%d.eml", fetch->folder, (int)number);
        fetch->file = fopen(path, "wb");
        if (fetch->file == NULL) {
            perror(path);
            return 1;
        }
    }
    if (fwrite(data, 1, len, fetch->file) != len)
        return 1;
    fetch->bytes += (int64_t)len;
    if (last == 1) {
        int closed = fclose(fetch->file);
        fetch->file = NULL;
        if (closed != 0)
            return 1;
        fetch->done[fetch->count++] = number;
        show_progress(fetch);
    }
    return 0;
}

static int failed(const char *what, int32_t code)
{
    printf("%s: error %d: %s\n    %s\n", what, (int)code, pop3_error_text(code), pop3_get_last_error());
    return EXIT_FAILURE;
}

/* Reads all messages of the list, then marks those that are safe. */
static int fetch_all(int32_t socket, const pop3_list *list, struct fetch *fetch, int delete_after)
{
    int32_t *numbers = malloc((list->count + 1) * sizeof *numbers);
    int result = EXIT_FAILURE;
    fetch->done = malloc((list->count + 1) * sizeof *fetch->done);
    fetch->expected = list->count;
    if (numbers != NULL && fetch->done != NULL) {
        for (size_t i = 0; i < list->count; i++)
            numbers[i] = list->items[i].number;
        show_progress(fetch);
        int32_t delivered = pop3_recv_messages(socket, numbers, list->count, take, fetch, NULL);
        printf("\n");
        result = delivered < 0 ? failed("pop3_recv_messages", delivered) : EXIT_SUCCESS;
        for (size_t i = 0; delete_after && delivered >= 0 && i < fetch->count; i++) {
            int32_t marked = pop3_delete_message(socket, fetch->done[i], NULL);
            if (marked < 0)
                result = failed("pop3_delete_message", marked);
        }
    }
    if (fetch->file != NULL)
        fclose(fetch->file);
    free(fetch->done);
    free(numbers);
    return result;
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

    pop3_list list;
    struct fetch fetch = {.folder = arguments[3]};
    int result = EXIT_FAILURE;
    int32_t listed = pop3_list_messages(socket, 0, &list, NULL);
    if (listed < 0)
        failed("pop3_list_messages", listed);
    else
        result = fetch_all(socket, &list, &fetch, delete_after);
    pop3_list_free(&list);

    /* this is where the server deletes what was marked */
    int32_t ended = pop3_disconnect(socket, NULL);
    return ended < 0 ? failed("pop3_disconnect", ended) : result;
}

/*
 * How many MB a second of messages pop3_split and libEtPan take apart: bench_split FOLDER
 *
 * Each file of the folder is a message. libEtPan parses them and decodes each body; what it does not do, as encoded words and
 * texts in UTF-8, pop3_split does all the same.
 */
#include <dirent.h>
#include <libetpan/libetpan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pop3connect.h"

enum { MOST = 10000, LEAST_SECONDS = 2 };

static struct message {
    char *data;
    size_t len;
} messages[MOST];
static size_t count, octets;

static void fail(const char *what)
{
    fprintf(stderr, "bench_split: %s\n", what);
    exit(1);
}

static void read_message(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || count == MOST || fseek(file, 0, SEEK_END) != 0)
        fail(path);
    struct message *message = &messages[count++];
    message->len = (size_t)ftell(file);
    message->data = malloc(message->len + 1);
    rewind(file);
    if (message->data == NULL || fread(message->data, 1, message->len, file) != message->len)
        fail(path);
    octets += message->len;
    fclose(file);
}

static size_t split_by_us(const struct message *message)
{
    pop3_mail mail;
    if (pop3_split(message->data, message->len, &mail) != POP3_OK)
        fail(pop3_get_last_error());
    size_t decoded = 0;
    for (size_t i = 0; i < mail.part_count; i++)
        decoded += mail.parts[i].data_len;
    pop3_mail_free(&mail);
    return decoded;
}

static size_t decode_by_etpan(struct mailmime *mime)
{
    size_t decoded = 0;
    if (mime->mm_type == MAILMIME_MESSAGE)
        return decode_by_etpan(mime->mm_data.mm_message.mm_msg_mime);
    if (mime->mm_type == MAILMIME_MULTIPLE) {
        for (clistiter *at = clist_begin(mime->mm_data.mm_multipart.mm_mp_list); at != NULL; at = clist_next(at))
            decoded += decode_by_etpan(clist_content(at));
        return decoded;
    }
    struct mailmime_data *body = mime->mm_data.mm_single;
    if (body == NULL)
        return 0;
    size_t index = 0, len;
    char *text;
    if (mailmime_part_parse(body->dt_data.dt_text.dt_data, body->dt_data.dt_text.dt_length, &index, body->dt_encoding, &text,
                            &len) != MAILIMF_NO_ERROR)
        fail("libEtPan decodes no body");
    mailmime_decoded_part_free(text);
    return len;
}

static size_t split_by_etpan(const struct message *message)
{
    size_t index = 0;
    struct mailmime *mime;
    if (mailmime_parse(message->data, message->len, &index, &mime) != MAILIMF_NO_ERROR)
        fail("libEtPan parses no message");
    size_t decoded = decode_by_etpan(mime);
    mailmime_free(mime);
    return decoded;
}

static void measure(const char *who, size_t (*split)(const struct message *))
{
    size_t rounds = 0, decoded = 0;
    clock_t begin = clock();
    double seconds;
    do {
        for (size_t i = 0; i < count; i++)
            decoded += split(&messages[i]);
        rounds++;
        seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    } while (seconds < LEAST_SECONDS);
    printf("%s %.1f %zu\n", who, (double)octets * (double)rounds / seconds / 1e6, decoded / rounds);
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL)
        fail("the folder cannot be read");
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.')
            read_message(argv[1], entry->d_name);
    }
    closedir(folder);
    measure("pop3connect", split_by_us);
    measure("libEtPan", split_by_etpan);
    return 0;
}

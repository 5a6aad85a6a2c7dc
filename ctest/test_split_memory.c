/* What memory taking a message apart takes: never more than four times the message and 4 MiB, and none is an error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "check.h"
#include "pop3connect.h"

/* Beside what the header promises: buffers that do not grow, and what malloc adds. */
enum { SIZE = 4 * 1024 * 1024, FLOOR = 4 * 1024 * 1024, SLACK = 64 * 1024 };

/* A message of that size at least: a head, and one piece again and again. */
static char *repeated(const char *head, const char *piece, size_t size, size_t *len)
{
    size_t head_len = strlen(head), piece_len = strlen(piece);
    char *message = malloc(head_len + size + piece_len + 1);
    if (message == NULL)
        check_fatal("no memory for a message");
    memcpy(message, head, head_len + 1);
    for (*len = head_len; *len < head_len + size; *len += piece_len)
        memcpy(message + *len, piece, piece_len);
    return message;
}

/* Takes a message of a head and one piece again and again apart, and looks at what it takes. */
static void no_more_than(const char *head, const char *piece, size_t size, int expected)
{
    size_t len;
    char *message = repeated(head, piece, size, &len);
    pop3_mail mail;
    allocations_begin(0, 0);
    int result = pop3_split(message, len, &mail);
    long long peak = allocations_peak();
    allocations_end();
    if (expected <= 0)
        CHECK_INT(result, expected);
    if (!CHECK(peak <= 4 * (long long)len + FLOOR + SLACK))
        printf("%.40s… of \"%.20s\": %lld bytes for %zu\n", head, piece, peak, len);
    printf("%5.2f times, %5.2f MiB beside: %.40s\n", (double)peak / (double)len,
           (double)(peak - 4 * (long long)len) / 1024 / 1024, strchr(head, ';') == NULL ? head : strchr(head, ';'));
    pop3_mail_free(&mail);
    free(message);
}

#define ANY_RESULT 1

static void texts(void)
{
    no_more_than("", "plain text\r\n", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=koi8-r\r\n\r\n", "\xf0", SIZE, POP3_OK);
    /* each octet becomes three, and is there itself */
    no_more_than("Content-Type: text/plain; charset=windows-874\r\n\r\n", "\xa1", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=utf-8\r\n\r\n", "\xff", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=macintosh\r\n\r\n", "\xf0", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=utf-16\r\n\r\n", "\xd8\x01", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=utf-7\r\n\r\n", "\xff", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n", "\xff", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=windows-874\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", "\xa1", SIZE, POP3_OK);
    no_more_than("Content-Type: text/plain; charset=windows-874\r\nContent-Transfer-Encoding: base64\r\n\r\n", "oaGh", SIZE, POP3_OK);
    no_more_than("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n", "oaGh", SIZE, POP3_OK);
    no_more_than("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nContent-Type: text/plain; charset=windows-874\r\n\r\n", "\xa1", SIZE, ANY_RESULT);
}

static void headers(void)
{
    no_more_than("Subject: ", "\x80", SIZE, POP3_OK);
    no_more_than("Subject: ", "=?utf-8?q?=80?= ", SIZE, POP3_OK);
    no_more_than("", "A: some value of a usual length or a little less\r\n", SIZE, POP3_OK);
    no_more_than("", "a:\n", 100 * 1024, POP3_OK);
    no_more_than("", "a:\n", SIZE, POP3_ERR_LIMIT);
    no_more_than("Content-Disposition: attachment; filename=\"", "\x80", SIZE, ANY_RESULT);
    no_more_than("Content-Disposition: attachment", ";f*1=x", SIZE, ANY_RESULT);
    no_more_than("Content-ID: <", "\x80", SIZE, ANY_RESULT);
    no_more_than("Date: ", "1", SIZE, POP3_OK);
}

/* What is taken for a while does not grow with the message: it is no more than the library counts for it. */
static void scratch(void)
{
    static const char *const pieces[] = {";f*1=x", ";a=b", ";=", "(", "\"", ";f=\"\x80\"", ";f*0*=utf-8''%80"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t len;
        char *message = repeated("Content-Type: text/plain; x=y", pieces[i], 20 * 1024, &len);
        pop3_mail mail;
        allocations_begin(0, 0);
        CHECK_INT(pop3_split(message, len, &mail), POP3_OK);
        long long peak = allocations_peak();
        allocations_end();
        if (!CHECK(peak < 1024 * 1024))
            printf("%s: %lld bytes\n", pieces[i], peak);
        pop3_mail_free(&mail);
        free(message);
    }
}

static void parts(void)
{
    no_more_than("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\n\n\n", 6 * 9999, POP3_OK);
    no_more_than("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\nContent-Type: a/b; name=\"\x80\"\n\nx\n", 30 * 9000, POP3_OK);
    no_more_than("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\n\n\n", SIZE, POP3_ERR_LIMIT);
    no_more_than("Content-Type: multipart/digest; boundary=b\r\n\r\n", "--b\n\n\n", 6 * 4999, POP3_OK);
    no_more_than("", "Content-Type: message/rfc822\r\n\r\n", SIZE, POP3_ERR_LIMIT);
    no_more_than("", "Content-Type: message/rfc822\r\n\r\n", 63 * 32, POP3_OK);
}

/* Each block in turn is refused, and all from each one on: the call says so, and nothing is lost. */
static void refused(void)
{
    static const char message[] =
        "Subject: =?utf-8?q?z=C3=BC?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n"
        "\xf0\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogY29kZWQKCmRlZXA=\r\n--b--\r\n";
    pop3_mail mail;
    allocations_begin(0, 0);
    CHECK_INT(pop3_split(message, sizeof message - 1, &mail), POP3_OK);
    long count = allocations_end();
    CHECK(count > 3);
    pop3_mail_free(&mail);
    int refusals = 0;
    for (long first = 1; first <= count; first++) {
        for (int lasting = 0; lasting <= 1; lasting++) {
            allocations_begin(first, lasting);
            int result = pop3_split(message, sizeof message - 1, &mail);
            pop3_mail_free(&mail);
            allocations_end();
            CHECK(result == POP3_OK || result == POP3_ERR_OUT_OF_MEMORY);
            refusals += result == POP3_ERR_OUT_OF_MEMORY;
        }
    }
    CHECK(refusals > 0);
}

static void large_blocks_refused(void)
{
    size_t len;
    char *message = repeated("Content-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n", "8PDw", SIZE, &len);
    pop3_mail mail;
    for (int first = 1; first <= 2; first++) {
        allocations_begin_large(first, 0, 1024 * 1024);
        CHECK_INT(pop3_split(message, len, &mail), POP3_ERR_OUT_OF_MEMORY);
        allocations_end();
        CHECK(mail.parts == NULL);
    }
    free(message);
}

int main(void)
{
    RUN(texts);
    RUN(headers);
    RUN(scratch);
    RUN(parts);
    RUN(refused);
    RUN(large_blocks_refused);
    return check_result();
}

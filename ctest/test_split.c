/* Messages taken apart: what fields and parts say, charsets, encodings, what is broken, what is too much. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"

#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n\r\n"

/* A text that grows. */
struct text {
    char *data;
    size_t len, capacity;
};

static void add_bytes(struct text *text, const char *bytes, size_t len)
{
    if (text->len + len + 1 > text->capacity) {
        text->capacity = (text->len + len + 1) * 2;
        text->data = realloc(text->data, text->capacity);
        if (text->data == NULL)
            check_fatal("no memory for a message");
    }
    memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

static void add(struct text *text, const char *more)
{
    add_bytes(text, more, strlen(more));
}

static pop3_mail split_bytes(const char *message, size_t len)
{
    pop3_mail mail;
    memset(&mail, 0xee, sizeof mail);
    if (!CHECK_INT(pop3_split(message, len, &mail), POP3_OK))
        check_fatal("%s", pop3_get_last_error());
    CHECK(mail.part_count > 0 && mail.parts[0].level == 0);
    return mail;
}

static pop3_mail split(const char *message)
{
    return split_bytes(message, strlen(message));
}

/* Whether bytes are these, and a NUL follows. */
#define CHECK_BYTES(data, len, expected) check_bytes((data), (len), (expected), sizeof(expected) - 1, __LINE__)
static void check_bytes(const char *data, size_t len, const char *expected, size_t expected_len, int line)
{
    if (data == NULL || len != expected_len || memcmp(data, expected, len) != 0 || data[len] != '\0') {
        check_true(0, "bytes", __FILE__, line);
        printf("  they are \"%.*s\"\n  and not  \"%s\"\n", (int)len, data == NULL ? "" : data, expected);
    }
}

#define CHECK_TEXT(part, expected) CHECK_BYTES((part).text, (part).text_len, expected)
#define CHECK_DATA(part, expected) CHECK_BYTES((part).data, (part).data_len, expected)

static const char *value_of(const pop3_mail *mail, const char *name)
{
    for (size_t i = 0; i < mail->field_count; i++)
        if (strcmp(mail->fields[i].name, name) == 0)
            return mail->fields[i].value;
    return "(no such field)";
}

/* "0 multipart/mixed, 1 text/plain" */
static const char *outline(const pop3_mail *mail)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < mail->part_count && len < sizeof text; i++) {
        const pop3_part *part = &mail->parts[i];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d %s/%s", i == 0 ? "" : ", ", (int)part->level,
                                part->content_type, part->content_subtype);
    }
    return text;
}

static void a_plain_message(void)
{
    pop3_mail mail = split("From: alice@example.com\r\nReceived: one\r\nSubject: a folded\r\n\tsubject \r\nReceived: two\r\n"
                           "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nDate: 1 Jan 1970 00:00:00 +0000\r\n\r\nHello,\r\n\r\nBob\r\n");
    const char *fields[][2] = {{"From", "alice@example.com"}, {"Received", "one"}, {"Subject", "a folded\tsubject"},
        {"Received", "two"}, {"Date", "Fri, 21 Nov 1997 09:55:06 -0600"}, {"Date", "1 Jan 1970 00:00:00 +0000"}};
    CHECK_INT(mail.field_count, 6);
    for (size_t i = 0; i < mail.field_count; i++) {
        CHECK_STR(mail.fields[i].name, fields[i][0]);
        CHECK_STR(mail.fields[i].value, fields[i][1]);
    }
    CHECK_INT(mail.date, 880127706);
    CHECK_STR(outline(&mail), "0 text/plain");
    const pop3_part *part = &mail.parts[0];
    CHECK_TEXT(*part, "Hello,\r\n\r\nBob\r\n");
    CHECK_DATA(*part, "Hello,\r\n\r\nBob\r\n");
    CHECK(part->text == part->data);
    const char *absent[] = {part->charset, part->encoding, part->disposition, part->content_id, part->file_name};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        CHECK_STR(absent[i], "");
    pop3_mail_free(&mail);
    CHECK(mail.fields == NULL && mail.field_count == 0 && mail.parts == NULL && mail.part_count == 0 && mail.date == 0);
    pop3_mail_free(&mail);
    pop3_mail_free(NULL);
}

static void what_there_is_in_a_part(void)
{
    pop3_mail mail = split("Content-Type: multipart/related; boundary=\"=_b\"\r\n\r\npreamble\r\n"
                           "--=_b\r\nContent-Type: Text/HTML; Charset=\"ISO-8859-1\"\r\n"
                           "Content-Transfer-Encoding: Quoted-Printable\r\n\r\n<img src=3D\"cid:a@b\"> z=FC=\r\n!\r\n"
                           "--=_b\r\nContent-Type: IMAGE/png; name=\"old.png\"\r\nContent-Transfer-Encoding: BASE64 (so)\r\n"
                           "Content-Disposition: Inline; filename=\"a b.png\"; size=3\r\nContent-ID:\r\n <a@b>\r\n\r\nAP8B\r\n"
                           "--=_b\r\nContent-Type: application/pdf; name=only.pdf\r\n\r\n%PDF\r\n--=_b--\r\nepilogue\r\n");
    CHECK_STR(outline(&mail), "0 multipart/related, 1 text/html, 1 image/png, 1 application/pdf");
    CHECK(mail.date == INT64_MIN);
    const pop3_part *parts = mail.parts;
    CHECK(parts[0].text == NULL && parts[0].data == NULL && parts[0].text_len == 0 && parts[0].data_len == 0);
    CHECK_STR(parts[1].charset, "iso-8859-1");
    CHECK_STR(parts[1].encoding, "quoted-printable");
    CHECK_TEXT(parts[1], "<img src=\"cid:a@b\"> z\xc3\xbc!");
    CHECK_DATA(parts[1], "<img src=\"cid:a@b\"> z\xfc!");
    CHECK_STR(parts[2].encoding, "base64");
    CHECK_STR(parts[2].disposition, "inline");
    CHECK_STR(parts[2].content_id, "a@b");
    CHECK_STR(parts[2].file_name, "a b.png");
    CHECK(parts[2].text == NULL && parts[2].text_len == 0);
    CHECK_DATA(parts[2], "\0\xff\1");
    CHECK_STR(parts[3].file_name, "only.pdf");
    CHECK_DATA(parts[3], "%PDF");
    pop3_mail_free(&mail);
}

static void parts_within_parts(void)
{
    pop3_mail mail = split("Content-Type: multipart/mixed; boundary=a\n\n"
                           "--a\nContent-Type: multipart/alternative; boundary=ab\n\n"
                           "--ab\n\nplain\n--ab\nContent-Type: text/html\n\nhtml\n--ab--\n"
                           "--a\nContent-Type: multipart/digest; boundary=c\n\n"
                           "--c\n\nSubject: first\n\none\n--c\nContent-Type: text/plain\n\nno message\n--c--\n"
                           "--a\nContent-Type: application/x-last\n\nlast\n--a--\n");
    CHECK_STR(outline(&mail), "0 multipart/mixed, 1 multipart/alternative, 2 text/plain, 2 text/html, 1 multipart/digest, "
                              "2 message/rfc822, 3 text/plain, 2 text/plain, 1 application/x-last");
    CHECK_TEXT(mail.parts[2], "plain");
    CHECK_TEXT(mail.parts[3], "html");
    CHECK_TEXT(mail.parts[6], "one");
    CHECK_DATA(mail.parts[8], "last");
    pop3_mail_free(&mail);
}

static void messages_within_messages(void)
{
    pop3_mail mail = split("Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
                           "Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=inner.eml\r\n\r\n"
                           "Subject: =?utf-8?q?inn=C3=A9r?=\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
                           "--i\r\n\r\ntext\r\n--i\r\nContent-Type: image/gif\r\n\r\nGIF\r\n--i--\r\n"
                           "--o\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                           "U3ViamVjdDogY29kZWQKCmRlZXA=\r\n--o--\r\n");
    CHECK_STR(outline(&mail), "0 multipart/mixed, 1 message/rfc822, 2 multipart/mixed, 3 text/plain, 3 image/gif, "
                              "1 message/rfc822, 2 text/plain");
    CHECK_INT(mail.field_count, 2);
    CHECK_STR(mail.parts[1].file_name, "inner.eml");
    CHECK(mail.parts[1].text == NULL);
    CHECK_TEXT(mail.parts[3], "text");
    CHECK_TEXT(mail.parts[6], "deep");
    /* the header of the one within, for another call */
    pop3_mail inner = split_bytes(mail.parts[1].data, mail.parts[1].data_len);
    CHECK_STR(value_of(&inner, "Subject"), "inn\xc3\xa9r");
    pop3_mail_free(&inner);
    CHECK_DATA(mail.parts[5], "Subject: coded\n");
    pop3_mail_free(&mail);
}

static void format_flowed_is_left_as_it_is(void)
{
    pop3_mail mail = split("Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes\r\n\r\nOne para \r\ngraph\r\n-- \r\nBob\r\n");
    CHECK_TEXT(mail.parts[0], "One para \r\ngraph\r\n-- \r\nBob\r\n");
    pop3_mail_free(&mail);
}

static void encoded_words(void)
{
    pop3_mail mail = split(
        "A: =?utf-8?q?=E2=82?=\r\n =?utf-8?q?=AC?= and =?UTF-8?B?4oI=?= =?utf-8?b?rA==?=\r\n"
        "B: =?iso-2022-jp?b?GyRCJDMkcyRLGyhC?= =?koi8-r?q?=F0?= =?windows-1252*en?q?=80?=\r\n"
        "C: \"=?utf-8?q?M=C3=BCller=2C_Eva?=\" <eva@example.com>, =?utf-8?q?Bob?= (=?utf-8?q?b=C3=B6b?=) <bob@example.com>\r\n"
        "D: =?utf-8?q?not a word, =?x?= =?utf-8?z?a?=\r\n"
        "E: =?utf-8?q?a=0D=0ABcc:_x=00y?=\r\n\r\n");
    CHECK_STR(value_of(&mail, "A"), "\xe2\x82\xac and \xe2\x82\xac");
    CHECK_STR(value_of(&mail, "B"), "\xe3\x81\x93\xe3\x82\x93\xe3\x81\xab\xd0\x9f\xe2\x82\xac");
    CHECK_STR(value_of(&mail, "C"), "\"M\xc3\xbcller, Eva\" <eva@example.com>, Bob (b\xc3\xb6" "b) <bob@example.com>");
    CHECK_STR(value_of(&mail, "D"), "=?utf-8?q?not a word, =?x?= =?utf-8?z?a?=");
    CHECK_STR(value_of(&mail, "E"), "a  Bcc: x\xef\xbf\xbdy");
    pop3_mail_free(&mail);
}

static void names_of_files(void)
{
    static const char *const names[][2] = {
        {"attachment; filename*=utf-8'en'%e2%82%ac%20rates.txt", "\xe2\x82\xac rates.txt"},
        {"attachment; filename*0*=utf-8''%e2%82; filename*1*=%ac; filename*2=\" %41.txt\"", "\xe2\x82\xac %41.txt"},
        {"attachment;\r\n filename*1*=%82%f1;\r\n filename*0*=shift_jis'ja'%82%b1", "\xe3\x81\x93\xe3\x82\x93"},
        {"attachment; filename*0=\"very long \"; filename*1=name.txt", "very long name.txt"},
        {"attachment; filename=plain.txt; filename*=iso-8859-1''%e4.txt", "\xc3\xa4.txt"},
        {"attachment; filename=\"=?utf-8?b?w6Q=?= =?utf-8?q?=C3=A4.txt?=\"", "\xc3\xa4\xc3\xa4.txt"},
        {"attachment; filename=\"r\xc3\xa4t.txt\"", "r\xc3\xa4t.txt"},
        {"attachment; filename=r\xe4t und tat.txt; x=1", "r\xc3\xa4t und tat.txt"},
        {"attachment; filename=\"a\\\"b\\\\c\"", "a\"b\\c"},
        {"attachment; filename=\"../../etc/passwd\"", "../../etc/passwd"},
        {"attachment", "type.txt"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char message[512];
        snprintf(message, sizeof message, "Content-Disposition: %s\r\nContent-Type: text/plain; name=type.txt\r\n\r\n", names[i][0]);
        pop3_mail mail = split(message);
        CHECK_STR(mail.parts[0].disposition, "attachment");
        CHECK_STR(mail.parts[0].file_name, names[i][1]);
        pop3_mail_free(&mail);
    }
    pop3_mail mail = split("Content-Disposition: attachment;\r\n filename*0*=utf-8''%e2%82%ac;\r\n filename*1=\" \\\"x\\\"\"; size=3\r\n\r\n");
    CHECK_STR(value_of(&mail, "Content-Disposition"), "attachment; filename=\"\xe2\x82\xac \\\"x\\\"\"; size=\"3\"");
    pop3_mail_free(&mail);
}

static void charsets(void)
{
    static const struct {
        const char *name, *bytes, *text;
    } texts[] = {
        {"iso-2022-jp", "\x1b$B$3$s\x1b(B!", "\xe3\x81\x93\xe3\x82\x93!"},
        {"shift_jis", "\x82\xb1\x82\xf1", "\xe3\x81\x93\xe3\x82\x93"},
        {"gb18030", "\xc4\xe3\x81\x39\xef\x38", "\xe4\xbd\xa0\xe3\x90\x89"},
        {"gb2312", "\xc4\xe3", "\xe4\xbd\xa0"},
        {"euc-kr", "\xbe\xc8", "\xec\x95\x88"},
        {"ks_c_5601-1987", "\xbe\xc8", "\xec\x95\x88"},
        {"big5", "\xa7\x41", "\xe4\xbd\xa0"},
        {"windows-1252", "\x80\xe4", "\xe2\x82\xac\xc3\xa4"},
        {"iso-8859-15", "\xa4", "\xe2\x82\xac"},
        {"koi8-r", "\xf0", "\xd0\x9f"},
        {"macintosh", "\x8a", "\xc3\xa4"},
        {"utf-7", "+AOQ-+2D3eAA!", "\xc3\xa4\xf0\x9f\x98\x80!"},
        {"utf-8", "\xef\xbb\xbfz\xfc", "z\xef\xbf\xbd"},
        {"utf-8", "\xef\xbb\xbfz", "z"},
        /* what names none that is known: UTF-8 if it is valid, else windows-1252 */
        {"us-ascii", "z\xc3\xbc", "z\xc3\xbc"},
        {"us-ascii", "z\xfc", "z\xc3\xbc"},
        {"x-nobody-knows", "z\xfc", "z\xc3\xbc"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char message[256];
        int len = snprintf(message, sizeof message, "Content-Type: text/plain; charset=%s\r\n\r\n%s", texts[i].name, texts[i].bytes);
        pop3_mail mail = split_bytes(message, (size_t)len);
        CHECK_STR(mail.parts[0].charset, texts[i].name);
        if (!CHECK_STR(mail.parts[0].text, texts[i].text))
            printf("  as %s\n", texts[i].name);
        CHECK_STR(mail.parts[0].data, texts[i].bytes);
        pop3_mail_free(&mail);
    }
}

static void eight_bits_in_a_header(void)
{
    pop3_mail mail = split("A: z\xc3\xbc\r\nB: z\xfc \x80\r\nC: \x82\xb1\r\n\r\n");
    CHECK_STR(value_of(&mail, "A"), "z\xc3\xbc");
    CHECK_STR(value_of(&mail, "B"), "z\xc3\xbc \xe2\x82\xac");
    CHECK_STR(value_of(&mail, "C"), "\xe2\x80\x9a\xc2\xb1");
    pop3_mail_free(&mail);
}

static void rubbish_in_encodings(void)
{
    static const char *const bodies[][3] = {
        {"base64", "Q 2*F\r\n0\xff\r\n", "Cat"},
        {"base64", "Q2F0Q2E=\r\n-- \r\nA mailing list\r\n", "CatCa"},
        {"base64", "Q2F0Q", "Cat"},
        {"quoted-printable", "100% =ZZ =3d =", "100% =ZZ = "},
        {"quoted-printable", "soft = \r\nbreak \t\r\n", "soft break\r\n"},
        {"x-uuencode", "hello\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n", "Cat"},
        {"x-nobody-knows", "Q2F0=", "Q2F0="},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char message[256];
        snprintf(message, sizeof message, "Content-Transfer-Encoding: %s\r\n\r\n%s", bodies[i][0], bodies[i][1]);
        pop3_mail mail = split(message);
        CHECK_STR(mail.parts[0].encoding, bodies[i][0]);
        CHECK_STR(mail.parts[0].data, bodies[i][2]);
        CHECK_INT(mail.parts[0].data_len, strlen(bodies[i][2]));
        CHECK_STR(mail.parts[0].text, bodies[i][2]);
        pop3_mail_free(&mail);
    }
    /* in a text it is text */
    pop3_mail mail = split("\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n");
    CHECK_TEXT(mail.parts[0], "begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n");
    pop3_mail_free(&mail);
}

static void tnef_is_left_as_a_part(void)
{
    pop3_mail mail = split("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
                           "Content-Type: application/ms-tnef; name=\"winmail.dat\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                           "eJ8+IgEA\r\n--b--\r\n");
    CHECK_STR(outline(&mail), "0 multipart/mixed, 1 text/plain, 1 application/ms-tnef");
    CHECK_STR(mail.parts[2].file_name, "winmail.dat");
    CHECK_DATA(mail.parts[2], "\x78\x9f\x3e\x22\x01\0");
    pop3_mail_free(&mail);
}

static void broken_multiparts(void)
{
    static const struct {
        const char *message, *outline, *last;
    } broken[] = {
        /* no boundary, none in the body, one that is another's beginning */
        {"Content-Type: multipart/mixed\r\n\r\nshown", "0 multipart/mixed", "shown"},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\nshown", "0 multipart/mixed", "shown"},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--bb\r\nshown", "0 multipart/mixed", "--bb\r\nshown"},
        /* no end */
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n", "0 multipart/mixed, 1 text/plain, 1 text/plain", "two\r\n"},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n", "0 multipart/mixed, 1 text/plain", "one"},
        /* the end of the inner one is missing */
        {"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--a\r\n\r\ntwo\r\n--a--\r\n",
         "0 multipart/mixed, 1 multipart/mixed, 2 text/plain, 1 text/plain", "two"},
        /* both have the same */
        {"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\none\r\n--a--\r\n",
         "0 multipart/mixed, 1 multipart/mixed, 1 text/plain", "one"},
        /* no empty line; a type that is none; the end of the message in a header */
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nno header here\r\n--b--", "0 multipart/mixed, 1 text/plain", "no header here"},
        {"Content-Type: rubbish\r\n\r\nshown", "0 text/plain", "shown"},
        {"Content-Type: text/plain\r\nContent-Dispos", "0 text/plain", "Content-Dispos"},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n", "0 multipart/mixed", NULL},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        pop3_mail mail = split(broken[i].message);
        CHECK_STR(outline(&mail), broken[i].outline);
        const char *last = mail.parts[mail.part_count - 1].text;
        if (broken[i].last == NULL)
            CHECK(last == NULL);
        else
            CHECK_STR(last, broken[i].last);
        pop3_mail_free(&mail);
    }
}

static void nul_bytes(void)
{
    static const char message[] = "Subject: a\0b\r\nContent-Type: text/plain; name=\"x\0y\"\r\n\r\nc\0d\r\n";
    pop3_mail mail = split_bytes(message, sizeof message - 1);
    CHECK_STR(value_of(&mail, "Subject"), "a\xef\xbf\xbd" "b");
    CHECK_STR(mail.parts[0].file_name, "x\xef\xbf\xbdy");
    CHECK_TEXT(mail.parts[0], "c\0d\r\n");
    pop3_mail_free(&mail);
}

static void nothing_and_headers_alone(void)
{
    static const char *const empty[] = {NULL, ""};
    for (size_t i = 0; i < 2; i++) {
        pop3_mail mail = split_bytes(empty[i], 0);
        CHECK_INT(mail.field_count, 0);
        CHECK_STR(outline(&mail), "0 text/plain");
        CHECK_TEXT(mail.parts[0], "");
        CHECK_DATA(mail.parts[0], "");
        CHECK(mail.date == INT64_MIN);
        pop3_mail_free(&mail);
    }
    static const char *const headers[] = {"A: 1\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", "A: 1\r\nContent-Type: multipart/mixed; boundary=b"};
    for (size_t i = 0; i < 2; i++) {
        pop3_mail mail = split(headers[i]);
        CHECK_INT(mail.field_count, 2);
        CHECK_STR(outline(&mail), "0 multipart/mixed");
        CHECK_TEXT(mail.parts[0], "");
        pop3_mail_free(&mail);
    }
}

static void wrong_arguments(void)
{
    pop3_mail mail;
    memset(&mail, 0xee, sizeof mail);
    pop3_set_error_cb(log_error);
    clear_log();
    CHECK_INT(pop3_split(NULL, 1, &mail), POP3_ERR_PARAMETER);
    CHECK(mail.fields == NULL && mail.field_count == 0 && mail.parts == NULL && mail.part_count == 0 && mail.date == 0);
    CHECK_HAS(logged(), "! MailSplit -501 ");
    CHECK_HAS(pop3_get_last_error(), "the message is NULL");
    CHECK_INT(pop3_split("A: 1", 4, NULL), POP3_ERR_PARAMETER);
    pop3_set_error_cb(NULL);
}

static void ten_thousand_fields(void)
{
    struct text message = {0};
    for (int i = 0; i < 10000; i++) {
        char field[64];
        snprintf(field, sizeof field, "X-%d: %d\r\n", i % 7, i);
        add(&message, field);
    }
    add(&message, "\r\nbody");
    pop3_mail mail = split_bytes(message.data, message.len);
    CHECK_INT(mail.field_count, 10000);
    int wrong = 0;
    for (size_t i = 0; i < mail.field_count; i++)
        wrong += atoi(mail.fields[i].value) != (int)i;
    CHECK_INT(wrong, 0);
    CHECK_TEXT(mail.parts[0], "body");
    pop3_mail_free(&mail);
    free(message.data);
}

/* Multiparts in each other, the innermost with a text; each with its end or none. */
static struct text nested(int multiparts, int ends)
{
    struct text message = {0};
    char line[128];
    for (int i = 0; i < multiparts; i++) {
        snprintf(line, sizeof line, "Content-Type: multipart/mixed; boundary=\"b%d\"\r\n\r\n--b%d\r\n", i, i);
        add(&message, line);
    }
    add(&message, "\r\ninnermost");
    for (int i = multiparts; ends && i-- > 0;) {
        snprintf(line, sizeof line, "\r\n--b%d--", i);
        add(&message, line);
    }
    return message;
}

static void levels(void)
{
    static const int counts[] = {1, 60, 64, 65, 1000};
    for (size_t i = 0; i < 2 * sizeof counts / sizeof *counts; i++) {
        int multiparts = counts[i / 2];
        struct text message = nested(multiparts, i % 2);
        pop3_mail mail;
        int result = pop3_split(message.data, message.len, &mail);
        CHECK_INT(result, multiparts <= 64 ? POP3_OK : POP3_ERR_LIMIT);
        if (result == POP3_OK) {
            CHECK_INT(mail.part_count, multiparts + 1);
            CHECK_INT(mail.parts[multiparts].level, multiparts);
            CHECK_TEXT(mail.parts[multiparts], "innermost");
        } else {
            CHECK(mail.parts == NULL);
            CHECK_HAS(pop3_get_last_error(), "64 levels");
        }
        pop3_mail_free(&mail);
        free(message.data);
    }
    /* messages in messages count as well */
    struct text message = {0};
    for (int i = 0; i < 65; i++)
        add(&message, "Content-Type: message/rfc822\r\n\r\n");
    pop3_mail mail;
    CHECK_INT(pop3_split(message.data, message.len, &mail), POP3_ERR_LIMIT);
    CHECK_INT(pop3_split(message.data + 32, message.len - 32, &mail), POP3_OK);
    CHECK_INT(mail.part_count, 65);
    pop3_mail_free(&mail);
    free(message.data);
}

static void numbers_of_parts(void)
{
    for (int parts = 9999; parts <= 10000; parts++) {
        struct text message = {0};
        add(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (int i = 0; i < parts; i++)
            add(&message, "--b\r\n\r\nx\r\n");
        add(&message, "--b--\r\n");
        pop3_mail mail;
        int result = pop3_split(message.data, message.len, &mail);
        /* the multipart is one as well */
        CHECK_INT(result, parts < 10000 ? POP3_OK : POP3_ERR_LIMIT);
        if (result == POP3_OK) {
            CHECK_INT(mail.part_count, 10000);
            CHECK_TEXT(mail.parts[9999], "x");
        } else {
            CHECK_HAS(pop3_get_last_error(), "10000 parts");
        }
        pop3_mail_free(&mail);
        free(message.data);
    }
}

/* What would take time that grows with the square of its size, were it looked at without care: the test's time is guarded. */
static void large_rubbish(void)
{
    static const struct {
        const char *head, *piece;
    } rubbish[] = {
        {"Content-Type: multipart/mixed; boundary=\"-----\"\r\n\r\n", "-"},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n", "\n--bb"},
        {"Content-Type: multipart/mixed; ", "boundary=b;"},
        {"Content-Type: multipart/mixed; ", "x*1=\"y\";"},
        {"Content-Type: text/plain", "("},
        {"Content-Disposition: attachment; filename=\"", "\\"},
        {"Subject: ", "=?utf-8?q?"},
        {"Subject: ", "=?utf-8?q?=C3?= "},
        {"Subject: ", "\r\n "},
        {"Date: ", "1 "},
        {"Date: ", "("},
        {"Content-Transfer-Encoding: base64\r\n\r\n", "=="},
        {"Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\n"},
        {"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin \n", "begin \n"},
        {"Content-Type: text/plain; charset=utf-7\r\n\r\n", "+A"},
    };
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        struct text message = {0};
        add(&message, rubbish[i].head);
        while (message.len < 2 * 1024 * 1024)
            add(&message, rubbish[i].piece);
        pop3_mail mail = split_bytes(message.data, message.len);
        pop3_mail_free(&mail);
        free(message.data);
    }
    /* multiparts in each other, none of which ends, and a long text */
    struct text message = nested(64, 0);
    while (message.len < 4 * 1024 * 1024)
        add(&message, "\n--b");
    pop3_mail mail = split_bytes(message.data, message.len);
    CHECK_INT(mail.part_count, 65);
    pop3_mail_free(&mail);
    free(message.data);
}

/* Any bytes at all, made of what a message is made of. */
static void random_messages(void)
{
    static const char *const pieces[] = {"\r\n", "\n", "\r\n\r\n", "--b", "--", "\r\n--b\r\n", "\r\n--b--\r\n", "Content-Type: ",
        "multipart/mixed; boundary=b", "message/rfc822", "text/plain; charset=", "utf-7", "utf-16", "iso-2022-jp", "shift_jis",
        "Content-Transfer-Encoding: ", "base64", "quoted-printable", "x-uuencode", "begin 644 x", "#0V%T", "=?utf-8?", "q?=E2", "b?4oI=",
        "?=", "name*0*=utf-8''%e2", "; name*1*=%82%ac", "\"", "\\", "(", "Date: ", "1 Jul 2003 10:52:37 +0200", "\xc3", "\xbc", "\x1b$B", "Subject: ",
        " ", "\t", ";", ":", "=", "+", "Q2F0"};
    unsigned state = 1;
    for (int round = 0; round < 5000; round++) {
        struct text message = {0};
        for (int i = 0; i < 40; i++) {
            state = state * 1103515245U + 12345U;
            unsigned which = state >> 16;
            if (which % 17 == 0) {
                char byte = (char)(which >> 5);
                add_bytes(&message, &byte, 1);
            } else {
                add(&message, pieces[which % (sizeof pieces / sizeof *pieces)]);
            }
        }
        pop3_mail mail = split_bytes(message.data, message.len);
        size_t len = 0;
        for (size_t i = 0; i < mail.field_count; i++)
            len += strlen(mail.fields[i].name) + strlen(mail.fields[i].value);
        for (size_t i = 0; i < mail.part_count; i++) {
            const pop3_part *part = &mail.parts[i];
            len += strlen(part->file_name) + strlen(part->charset) + strlen(part->content_id);
            CHECK(part->text == NULL || part->text[part->text_len] == '\0');
            CHECK(part->data == NULL || part->data[part->data_len] == '\0');
            CHECK(part->text == NULL || part->data != NULL);
        }
        CHECK(len < 100 * message.len);
        pop3_mail_free(&mail);
        free(message.data);
    }
}

int main(void)
{
    RUN(a_plain_message);
    RUN(what_there_is_in_a_part);
    RUN(parts_within_parts);
    RUN(messages_within_messages);
    RUN(format_flowed_is_left_as_it_is);
    RUN(encoded_words);
    RUN(names_of_files);
    RUN(charsets);
    RUN(eight_bits_in_a_header);
    RUN(rubbish_in_encodings);
    RUN(tnef_is_left_as_a_part);
    RUN(broken_multiparts);
    RUN(nul_bytes);
    RUN(nothing_and_headers_alone);
    RUN(wrong_arguments);
    RUN(ten_thousand_fields);
    RUN(levels);
    RUN(numbers_of_parts);
    RUN(large_rubbish);
    RUN(random_messages);
    return check_result();
}

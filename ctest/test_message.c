/* One message: its bytes exactly as stored, however they arrive, and every way in which they can fail to. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "gather.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

/* How late a deadline may be on a busy machine; how early it may never be. */
/* LATE_MS and SOON_MS are for a busy machine: what does not end by itself would take 60 s. */
enum { TIMEOUT_MS = 1000, LATE_MS = 10000, EARLY_MS = 10, SOON_MS = 20000 };

/* Whether these are the bytes, and if not, what they are. */
static int same(const char *data, size_t len, const char *expected, size_t expected_len)
{
    if (data != NULL && len == expected_len && memcmp(data, expected, len) == 0)
        return 1;
    printf("%zu bytes instead of %zu:", len, expected_len);
    for (size_t i = 0; data != NULL && i < len && i < 200; i++)
        printf(data[i] > ' ' && data[i] <= '~' ? "%c" : "\\x%02x", (unsigned char)data[i]);
    printf("\n");
    return 0;
}

/* Reads message 1 in both ways, which `expected` is. The server must expect RETR twice. */
static void must_read(int socket, const char *expected, size_t length)
{
    pop3_buffer buffer = {(char *)&buffer, 77};
    struct pieces pieces = {0};
    CHECK_INT(pop3_recv_message(socket, 1, &buffer, NULL), 0);
    CHECK(same(buffer.data, buffer.len, expected, length));
    if (buffer.data != NULL)
        CHECK_INT(buffer.data[buffer.len], '\0');
    pop3_buffer_free(&buffer);
    CHECK(buffer.data == NULL && buffer.len == 0);
    CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), 0);
    CHECK(same(pieces.data != NULL ? pieces.data : "", pieces.len, expected, length));
    pieces_free(&pieces);
}

/* pop3_recv_message, which must fail so. */
static void must_fail(int socket, int expected)
{
    pop3_buffer buffer = {(char *)&buffer, 77};
    CHECK_INT(pop3_recv_message(socket, 1, &buffer, NULL), expected);
    CHECK(buffer.data == NULL && buffer.len == 0);
    pop3_buffer_free(&buffer);
}

struct shape {
    const char *wire;
    size_t wire_length;
    const char *content;
    size_t content_length;
};

#define SHAPE(wire, content) {wire, sizeof wire - 1, content, sizeof content - 1}

/* Replies, and what the message then is. */
static const struct shape shapes[] = {
    SHAPE("+OK\r\nSubject: x\r\n\r\nbody\r\n.\r\n", "Subject: x\r\n\r\nbody\r\n"),
    /* an empty one, one of an empty line, of two */
    SHAPE("+OK\r\n.\r\n", ""),
    SHAPE("+OK\r\n\r\n.\r\n", "\r\n"),
    SHAPE("+OK 4 octets\r\n\r\n\r\n.\r\n", "\r\n\r\n"),
    /* the first line begins with a dot; lines of dots */
    SHAPE("+OK\r\n..x\r\n.\r\n", ".x\r\n"),
    SHAPE("+OK\r\n..\r\n...\r\n....\r\n.. .\r\n.\r\n", ".\r\n..\r\n...\r\n. .\r\n"),
    /* stuffed by nobody: a leading dot stays */
    SHAPE("+OK\r\n.x\r\ny.\r\n.\r\n", ".x\r\ny.\r\n"),
    SHAPE("+OK\r\nx\r\n.single\r\n..two\r\n.\r\n", "x\r\n.single\r\n.two\r\n"),
    /* bare CR and bare LF are content */
    SHAPE("+OK\r\na\rb\nc\r\r\n\n\r\n.\r\n", "a\rb\nc\r\r\n\n\r\n"),
    /* what would be an end and a reply, if they were not */
    SHAPE("+OK\r\nx\n.\nrest\r\n.\r\n", "x\n.\nrest\r\n"),
    SHAPE("+OK\r\nx\n.\n-ERR gone\n+OK\r\n.\r\n", "x\n.\n-ERR gone\n+OK\r\n"),
    SHAPE("+OK\r\nx\r\n.\ny\r\n.\r\n", "x\r\n.\ny\r\n"),
    SHAPE("+OK\r\nx\n.\r\ny\r\n.\r\n", "x\n.\r\ny\r\n"),
    SHAPE("+OK\r\nx\r.\r\ny\r\n.\r\n", "x\r.\r\ny\r\n"),
    SHAPE("+OK\r\nx\r\n.\ry\r\n.\r\n", "x\r\n.\ry\r\n"),
    SHAPE("+OK\r\nx\r\n.\r\r\ny\r\n.\r\n", "x\r\n.\r\r\ny\r\n"),
    SHAPE("+OK\r\nx\r.\r-ERR\r\n.\r\n", "x\r.\r-ERR\r\n"),
    SHAPE("+OK\r\n\n.\n\r\n.\r\n", "\n.\n\r\n"),
    SHAPE("+OK\r\n.\n-ERR\r\n.\r\n", ".\n-ERR\r\n"),
    /* NUL, eight bits, and what is no text at all */
    SHAPE("+OK\r\na\0b\0\r\n\xff\xfe\x80\xc3\xbc\x1b[0m\r\n.\r\n", "a\0b\0\r\n\xff\xfe\x80\xc3\xbc\x1b[0m\r\n"),
    /* replies inside */
    SHAPE("+OK\r\n+OK\r\n-ERR\r\n..\r\n+OK\r\n.\r\n", "+OK\r\n-ERR\r\n.\r\n+OK\r\n"),
    /* a server that ends its lines with LF */
    SHAPE("+OK\nSubject: x\n\nbody\n.\n", "Subject: x\n\nbody\n"),
    SHAPE("+OK\n.\n", ""),
    SHAPE("+OK\n\n.\n", "\n"),
    SHAPE("+OK\n..x\n...\na\rb\n.\n", ".x\n..\na\rb\n"),
    SHAPE("+OK\n.x\n.\ry\n.\n", ".x\n.\ry\n"),
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Whether it ends its status line with LF alone. */
static int of_lf_server(const struct shape *shape)
{
    return shape->wire[strcspn(shape->wire, "\r\n")] == '\n';
}

static void shapes_in_one_segment(void)
{
    for (int lf = 0; lf < 2; lf++) {
        script_begin(lf ? LOGGED_IN_LF : LOGGED_IN);
        for (int i = 0; i < SHAPES; i++)
            for (int time = 0; time < 2 && of_lf_server(&shapes[i]) == lf; time++) {
                script_add(EXPECT("RETR 1"));
                script_send(shapes[i].wire, shapes[i].wire_length);
            }
        script_add(lf ? GOOD_BYE_LF : GOOD_BYE);
        int socket = connect_play(script());
        for (int i = 0; i < SHAPES; i++)
            if (of_lf_server(&shapes[i]) == lf)
                must_read(socket, shapes[i].content, shapes[i].content_length);
        good_bye(socket);
    }
}

/* The first piece is as long as `at` says, or the whole message byte by byte. */
static void send_split(const struct shape *shape, size_t at)
{
    script_add(EXPECT("RETR 1"));
    if (at == 0) {
        script_add("trickle 0 \"");
        for (size_t i = 0; i < shape->wire_length; i++)
            script_add("\\x%02x", (unsigned char)shape->wire[i]);
        script_add("\"\n");
        return;
    }
    script_send(shape->wire, at);
    script_add("pause 1\n");
    script_send(shape->wire + at, shape->wire_length - at);
}

static void shapes_split_at_every_byte(void)
{
    for (int i = 0; i < SHAPES; i++) {
        int lf = of_lf_server(&shapes[i]);
        script_begin(lf ? LOGGED_IN_LF : LOGGED_IN);
        for (size_t at = 0; at < shapes[i].wire_length; at++) {
            send_split(&shapes[i], at);
            send_split(&shapes[i], at);
        }
        script_add(lf ? GOOD_BYE_LF : GOOD_BYE);
        int socket = connect_play(script());
        for (size_t at = 0; at < shapes[i].wire_length; at++)
            must_read(socket, shapes[i].content, shapes[i].content_length);
        good_bye(socket);
    }
}

static void shapes_split_at_every_byte_under_tls(void)
{
    const int some[] = {1, 5, 7, 9, 13};
    script_begin(LOGGED_IN);
    for (int i = 0; i < 5; i++)
        for (size_t at = 0; at < shapes[some[i]].wire_length; at++) {
            send_split(&shapes[some[i]], at);
            send_split(&shapes[some[i]], at);
        }
    script_add(GOOD_BYE);
    int socket = connect_tls_play(script());
    for (int i = 0; i < 5; i++)
        for (size_t at = 0; at < shapes[some[i]].wire_length; at++)
            must_read(socket, shapes[some[i]].content, shapes[some[i]].content_length);
    good_bye(socket);
}

/* What comes after `+OK` CRLF: where it ends, and into `content` what it says. 0 if it does not end. */
static size_t read_simply(const char *wire, size_t length, char *content, size_t *content_length)
{
    *content_length = 0;
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end + 1 < length && !(wire[end] == '\r' && wire[end + 1] == '\n'))
            end++;
        if (end + 1 >= length)
            return 0;
        end += 2;
        if (end - at == 3 && wire[at] == '.')
            return end;
        at += wire[at] == '.' && wire[at + 1] == '.';
        memcpy(content + *content_length, wire + at, end - at);
        *content_length += end - at;
        at = end;
    }
    return 0;
}

/* A message of that many bytes of CR, LF, dot and x, by its number among them. */
static size_t nth_wire(int number, int letters, char *wire)
{
    size_t length = 0;
    for (int i = 0; i < letters; i++, number /= 4)
        wire[length++] = "\r\n.x"[number % 4];
    memcpy(wire + length, "\r\n.\r\n", 5);
    return length + 5;
}

/* For every message of up to five of the bytes that matter. */
static void every_short_message(void)
{
    char wire[16], content[16];
    size_t content_length;
    for (int letters = 0, count = 1; letters <= 5; letters++, count *= 4) {
        script_begin(LOGGED_IN);
        int wanted = 0;
        for (int i = 0; i < count; i++) {
            size_t length = nth_wire(i, letters, wire);
            /* not what is two replies */
            if (read_simply(wire, length, content, &content_length) != length)
                continue;
            wanted++;
            for (int time = 0; time < 2; time++) {
                script_add(EXPECT("RETR 1") SEND("+OK"));
                script_send(wire, length);
            }
        }
        script_add(GOOD_BYE);
        CHECK(wanted > count / 2);
        int socket = connect_play(script());
        for (int i = 0; i < count; i++) {
            size_t length = nth_wire(i, letters, wire);
            if (read_simply(wire, length, content, &content_length) == length)
                must_read(socket, content, content_length);
        }
        good_bye(socket);
    }
}

static void shapes_cut_at_every_byte(void)
{
    /* the last is of a server that ends its lines with LF */
    const int some[] = {0, 1, 5, 7, 8, SHAPES - 1};
    const char *ends[] = {"close\n", "cut\n", "reset\n"};
    for (int i = 0; i < 6; i++)
        for (size_t at = 0; at < shapes[some[i]].wire_length; at++)
            for (int streamed = 0; streamed < 2; streamed++) {
                struct pieces pieces = {0};
                script_begin(of_lf_server(&shapes[some[i]]) ? LOGGED_IN_LF : LOGGED_IN);
                script_add(EXPECT("RETR 1"));
                if (at > 0)
                    script_send(shapes[some[i]].wire, at);
                script_add("%s", ends[at % 3]);
                int socket = connect_play(script());
                if (streamed)
                    CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), POP3_ERR_CONNECTION_LOST);
                else
                    must_fail(socket, POP3_ERR_CONNECTION_LOST);
                CHECK(pieces.len <= shapes[some[i]].content_length);
                CHECK(pieces.len == 0 || memcmp(pieces.data, shapes[some[i]].content, pieces.len) == 0);
                pieces_free(&pieces);
                it_is_over(socket);
            }
}

static void shapes_cut_under_tls(void)
{
    const char *ends[] = {"close\n", "cut\n", "reset\n"};
    const struct shape *shape = &shapes[0];
    for (size_t at = 0; at < shape->wire_length; at += 3)
        for (int end = 0; end < 3; end++) {
            script_begin(LOGGED_IN EXPECT("RETR 1"));
            if (at > 0)
                script_send(shape->wire, at);
            script_add("%s", ends[end]);
            int socket = connect_tls_play(script());
            must_fail(socket, POP3_ERR_CONNECTION_LOST);
            it_is_over(socket);
        }
}

/* Content of many lines, some of them long, and what it is on the wire. */
static void large_content(size_t size, int line, char **content, char **wire, size_t *wire_length)
{
    *content = malloc(size);
    *wire = malloc(size * 2);
    if (*content == NULL || *wire == NULL)
        check_fatal("no memory");
    unsigned random = 1;
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        int begins = i == 0 || (i > 1 && (*content)[i - 2] == '\r' && (*content)[i - 1] == '\n');
        random = random * 1103515245u + 12345u;
        if (i + 2 == size || (i + 3 < size && random / 65536 % (unsigned)line == 0)) {
            (*content)[i] = '\r';
            (*wire)[used++] = '\r';
            (*content)[++i] = '\n';
            (*wire)[used++] = '\n';
            continue;
        }
        (*content)[i] = random / 65536 % 3 == 0 ? '.' : (char)('a' + random / 65536 % 26);
        if (begins && (*content)[i] == '.')
            (*wire)[used++] = '.';
        (*wire)[used++] = (*content)[i];
    }
    *wire_length = used;
}

static void larger_messages(void)
{
    const struct {
        size_t size;
        int line;
    } rows[] = {{4000, 3}, {60000, 70}, {100000, 5}, {200000, 5000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int tls = 0; tls < 2; tls++) {
            char *content, *wire;
            size_t length;
            large_content(rows[i].size, rows[i].line, &content, &wire, &length);
            script_begin(LOGGED_IN);
            for (int time = 0; time < 2; time++) {
                script_add(EXPECT("RETR 1") SEND("+OK"));
                /* segments of all sizes */
                for (size_t at = 0, step = 1; at < length; at += step, step = step * 3 % 8209)
                    script_send(wire + at, step < length - at ? step : length - at);
                script_add(SEND("."));
            }
            script_add(GOOD_BYE);
            int socket = tls ? connect_tls_play(script()) : connect_play(script());
            must_read(socket, content, rows[i].size);
            good_bye(socket);
            free(content);
            free(wire);
        }
}

/* `count` times a byte, then CRLF. */
static void check_line(const char *data, size_t len, char byte, size_t count)
{
    size_t at = 0;
    if (!CHECK(data != NULL) || !CHECK_INT(len, count + 2))
        return;
    while (at < count && data[at] == byte)
        at++;
    CHECK_INT(at, count);
    CHECK_STR(data + count, "\r\n");
}

static void a_line_of_megabytes(void)
{
    enum { LENGTH = 3000000 };
    const char bytes[] = {'x', '.', '\r', '\n'};
    for (int i = 0; i < 4; i++) {
        pop3_buffer buffer = {NULL, 0};
        struct pieces pieces = {0};
        script_begin(LOGGED_IN);
        for (int time = 0; time < 2; time++)
            /* the first dot is there twice */
            script_add(EXPECT("RETR 1") "send \"+OK\\r\\n%s\"\nrepeat %d \"\\x%02x\"\n" SEND("\\r\\n."),
                       bytes[i] == '.' ? "." : "", LENGTH, (unsigned char)bytes[i]);
        script_add(GOOD_BYE);
        int socket = connect_play(script());
        CHECK_INT(pop3_recv_message(socket, 1, &buffer, NULL), 0);
        check_line(buffer.data, buffer.len, bytes[i], LENGTH);
        pop3_buffer_free(&buffer);
        CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), 0);
        check_line(pieces.data, pieces.len, bytes[i], LENGTH);
        pieces_free(&pieces);
        good_bye(socket);
    }
}

static void sizes_that_the_server_claims_mean_nothing(void)
{
    const char *claims[] = {"1 octets", "0", "-5 octets", "9223372036854775807 octets", "99999999999999999999 octets",
                            "message follows (4294967296 octets)", ""};
    script_begin(LOGGED_IN);
    for (int i = 0; i < 7; i++)
        script_add(EXPECT("RETR 1") SEND("+OK %s\\r\\nabc\\r\\n.")
                   EXPECT("RETR 1") SEND("+OK %s\\r\\nabc\\r\\n."), claims[i], claims[i]);
    script_add(GOOD_BYE);
    int socket = connect_play(script());
    for (int i = 0; i < 7; i++)
        must_read(socket, "abc\r\n", 5);
    good_bye(socket);
}

static void headers_and_top(void)
{
    const char *header = "From: sender@mail.test\r\nSubject: Message 0000000002\r\n"
                         "Message-ID: <0000000002@mail.test>\r\n\r\n";
    for (int secure = 0; secure <= 2; secure++) {
        const char *options[] = {"size=2000 record=yes", "size=2000 tls=implicit record=yes", "size=2000 tls=stls record=yes"};
        int where = server_mailbox(options[secure]);
        int socket = connect_to(where, secure);
        pop3_buffer buffer = {NULL, 0}, whole = {NULL, 0};
        CHECK_INT(pop3_recv_headers(socket, 2, &buffer, NULL), 0);
        CHECK(same(buffer.data, buffer.len, header, strlen(header)));
        pop3_buffer_free(&buffer);
        CHECK_INT(pop3_recv_top(socket, 2, 0, &buffer, NULL), 0);
        CHECK(same(buffer.data, buffer.len, header, strlen(header)));
        pop3_buffer_free(&buffer);
        CHECK_INT(pop3_recv_top(socket, 2, 2, &buffer, NULL), 0);
        CHECK_INT(buffer.len, strlen(header) + 7);
        CHECK_HAS(buffer.data, "\r\n\r\n.\r\n..\r\n");
        pop3_buffer_free(&buffer);
        CHECK_INT(pop3_recv_message(socket, 2, &whole, NULL), 0);
        CHECK_INT(whole.len, 2000);
        CHECK_INT(pop3_recv_top(socket, 2, INT32_MAX, &buffer, NULL), 0);
        CHECK(same(buffer.data, buffer.len, whole.data, whole.len));
        pop3_buffer_free(&buffer);
        pop3_buffer_free(&whole);
        CHECK_HAS(server_received(where), "TOP 2 0\\r\\nTOP 2 0\\r\\nTOP 2 2\\r\\nRETR 2\\r\\nTOP 2 2147483647\\r\\n");
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void refusals_leave_the_session_as_it_is(void)
{
    const struct {
        const char *logged_in;
        int top;
    } rows[] = {
        {LOGGED_IN, POP3_ERR_UNSUPPORTED},
        {LOGGED_IN_WITH("UIDL\\r\\nTOPPLE\\r\\n"), POP3_ERR_UNSUPPORTED},
        {LOGGED_IN_WITH("TOP\\r\\n"), POP3_ERR_SERVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pop3_buffer buffer = {(char *)&buffer, 77};
        struct pieces pieces = {0};
        script_begin(rows[i].logged_in);
        script_add(REPLY("TOP 1 0", "-ERR what?\\r\\n") REPLY("TOP 1 3", "-ERR what?\\r\\n")
                       REPLY("TOP 1 0", "-ERR [SYS/TEMP] later\\r\\n") REPLY("RETR 1", "-ERR gone\\r\\n")
                       REPLY("RETR 1", "-ERR\\r\\n") REPLY("RETR 1", "-ERR [sys/temp] later\\r\\n")
                       REPLY("RETR 1", "+OK\\r\\nabc\\r\\n.\\r\\n") REPLY("RETR 1", "+OK\\r\\nabc\\r\\n.\\r\\n") GOOD_BYE);
        int socket = connect_play(script());
        CHECK_INT(pop3_recv_headers(socket, 1, &buffer, NULL), rows[i].top);
        CHECK(buffer.data == NULL && buffer.len == 0);
        CHECK_HAS(pop3_get_last_error(), "-ERR what?");
        memset(&buffer, 0x55, sizeof buffer);
        CHECK_INT(pop3_recv_top(socket, 1, 3, &buffer, NULL), rows[i].top);
        CHECK(buffer.data == NULL && buffer.len == 0);
        CHECK_INT(pop3_recv_headers(socket, 1, &buffer, NULL), POP3_ERR_TEMPORARY);
        must_fail(socket, POP3_ERR_SERVER);
        CHECK_HAS(pop3_get_last_error(), "-ERR gone");
        CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), POP3_ERR_SERVER);
        CHECK_INT(pieces.calls, 0);
        must_fail(socket, POP3_ERR_TEMPORARY);
        must_read(socket, "abc\r\n", 5);
        good_bye(socket);
    }
}

static void parameters(void)
{
    int where = server_mailbox("record=yes");
    int socket = connect_to(where, 0);
    const int wrong[] = {0, -1, INT32_MIN};
    struct pieces pieces = {0};
    for (int i = 0; i < 3; i++) {
        pop3_buffer buffer = {(char *)&buffer, 77};
        CHECK_INT(pop3_recv_message(socket, wrong[i], &buffer, NULL), POP3_ERR_PARAMETER);
        CHECK(buffer.data == NULL && buffer.len == 0);
        memset(&buffer, 0x55, sizeof buffer);
        CHECK_INT(pop3_recv_headers(socket, wrong[i], &buffer, NULL), POP3_ERR_PARAMETER);
        CHECK(buffer.data == NULL && buffer.len == 0);
        memset(&buffer, 0x55, sizeof buffer);
        CHECK_INT(pop3_recv_top(socket, wrong[i], 1, &buffer, NULL), POP3_ERR_PARAMETER);
        CHECK(buffer.data == NULL && buffer.len == 0);
        CHECK_INT(pop3_recv_message_to(socket, wrong[i], gather, &pieces, NULL), POP3_ERR_PARAMETER);
    }
    pop3_buffer buffer = {(char *)&buffer, 77};
    CHECK_INT(pop3_recv_top(socket, 1, -1, &buffer, NULL), POP3_ERR_PARAMETER);
    CHECK(buffer.data == NULL && buffer.len == 0);
    CHECK_INT(pop3_recv_message(socket, 1, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv_headers(socket, 1, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv_top(socket, 1, 1, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv_message_to(socket, 1, NULL, &pieces, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pieces.calls, 0);
    CHECK_HAS_NOT(server_received(where), "RETR");
    CHECK_HAS_NOT(server_received(where), "TOP");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void status_lines(void)
{
    int socket = connect_play(LOGGED_IN REPLY("RETR 1", "+OK 9 octets\\r\\nabc\\r\\n..\\r\\n\\r\\n.\\r\\n")
        REPLY("RETR 1", "+OK\\r\\nsecret\\r\\n.\\r\\n") REPLY("TOP 1 0", "+OK\\r\\nA: b\\r\\n\\r\\n.\\r\\n")
        REPLY("TOP 1 7", "+OK\\r\\n.\\r\\n") REPLY("RETR 9", "-ERR no\\r\\n") GOOD_BYE);
    pop3_buffer buffer = {NULL, 0};
    struct pieces pieces = {0};
    clear_log();
    CHECK_INT(pop3_recv_message(socket, 1, &buffer, log_status), 0);
    pop3_buffer_free(&buffer);
    CHECK_STR(logged(), "C: RETR 1\nS: +OK 9 octets\n* 10 bytes\n");
    clear_log();
    CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, log_status), 0);
    CHECK_STR(logged(), "C: RETR 1\nS: +OK\n* 8 bytes\n");
    pieces_free(&pieces);
    clear_log();
    CHECK_INT(pop3_recv_headers(socket, 1, &buffer, log_status), 0);
    pop3_buffer_free(&buffer);
    CHECK_INT(pop3_recv_top(socket, 1, 7, &buffer, log_status), 0);
    pop3_buffer_free(&buffer);
    CHECK_STR(logged(), "C: TOP 1 0\nS: +OK\n* 8 bytes\nC: TOP 1 7\nS: +OK\n* 0 bytes\n");
    clear_log();
    CHECK_INT(pop3_recv_message(socket, 9, &buffer, log_status), POP3_ERR_SERVER);
    CHECK_STR(logged(), "C: RETR 9\nS: -ERR no\n");
    good_bye(socket);
}

static void failures_are_told_by_their_commands(void)
{
    int socket = connect_to(server_mailbox(""), 0);
    pop3_buffer buffer;
    pop3_set_error_cb(log_error);
    clear_log();
    CHECK_INT(pop3_recv_message(socket, 9, &buffer, NULL), POP3_ERR_SERVER);
    CHECK_HAS(logged(), "! POP3RecvMessage -2001 ");
    clear_log();
    CHECK_INT(pop3_recv_headers(socket, 9, &buffer, NULL), POP3_ERR_SERVER);
    CHECK_HAS(logged(), "! POP3RecvHeaders -2001 ");
    pop3_set_error_cb(NULL);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void a_callback_that_stops(void)
{
    for (int tls = 0; tls < 2; tls++) {
        /* at the first piece, of a message that is there already; then at the second, of one that never ends */
        struct pieces pieces = {.stop_at = 1};
        script_begin(LOGGED_IN REPLY("RETR 1", "+OK\\r\\nabc\\r\\n.\\r\\n") "expect-eof");
        int socket = tls ? connect_tls_play(script()) : connect_play(script());
        CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), POP3_ERR_CANCELLED);
        CHECK_INT(pieces.calls, 1);
        pieces_free(&pieces);
        it_is_over(socket);

        pieces.stop_at = 2;
        script_begin(LOGGED_IN EXPECT("RETR 1") SEND("+OK") "repeat 1000000000 \"0123456789\\r\\n\"\nexpect-eof");
        socket = tls ? connect_tls_play(script()) : connect_play(script());
        CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), POP3_ERR_CANCELLED);
        CHECK_INT(pieces.calls, 2);
        pieces_free(&pieces);
        it_is_over(socket);
    }
}

static int inner_socket, inner_other, inner_calls, inner_results[6];

static int32_t call_back(const char *data, size_t len, void *context)
{
    pop3_buffer buffer = {NULL, 0};
    (void)data, (void)len;
    inner_calls++;
    inner_results[0] = pop3_noop(inner_socket, NULL);
    inner_results[1] = pop3_recv_message(inner_socket, 1, &buffer, NULL);
    inner_results[2] = pop3_disconnect(inner_socket, NULL);
    inner_results[3] = pop3_recv_message_to(inner_socket, 1, call_back, context, NULL);
    inner_results[4] = pop3_message_count(inner_other, NULL);
    inner_results[5] = pop3_recv_message(inner_other, 1, &buffer, NULL);
    pop3_buffer_free(&buffer);
    return 0;
}

static void a_callback_may_call_back(void)
{
    inner_other = connect_to(server_mailbox("messages=9"), 0);
    inner_socket = connect_play(LOGGED_IN
        EXPECT("RETR 1") "send \"+OK\\r\\nabc\"\npause 20\n" SEND("def\\r\\n.") GOOD_BYE);
    CHECK_INT(pop3_recv_message_to(inner_socket, 1, call_back, NULL, NULL), 0);
    CHECK(inner_calls >= 1);
    for (int i = 0; i < 4; i++)
        CHECK_INT(inner_results[i], POP3_ERR_BUSY);
    CHECK_INT(inner_results[4], 9);
    CHECK_INT(inner_results[5], 0);
    good_bye(inner_socket);
    CHECK_INT(pop3_disconnect(inner_other, NULL), 0);
}

static int32_t cancel_inside(const char *data, size_t len, void *context)
{
    (void)data, (void)len, (void)context;
    CHECK_INT(pop3_cancel(inner_socket), 0);
    return 0;
}

static void a_callback_may_cancel_its_own_call(void)
{
    for (int tls = 0; tls < 2; tls++) {
        /* more is to come; and another time all is there already */
        const char *rests[] = {"hold", SEND("def\\r\\n.") "expect-eof"};
        for (int i = 0; i < 2; i++) {
            script_begin(LOGGED_IN EXPECT("RETR 1") "send \"+OK\\r\\nabc\"\n");
            script_add("%s", rests[i]);
            inner_socket = tls ? connect_tls_play(script()) : connect_play(script());
            CHECK_INT(pop3_recv_message_to(inner_socket, 1, cancel_inside, NULL, NULL), POP3_ERR_CANCELLED);
            it_is_over(inner_socket);
        }
    }
}

static void a_callback_may_cancel_at_the_last_piece(void)
{
    inner_socket = connect_play(LOGGED_IN REPLY("RETR 1", "+OK\\r\\nabc\\r\\n.\\r\\n") "expect-eof");
    CHECK_INT(pop3_recv_message_to(inner_socket, 1, cancel_inside, NULL, NULL), POP3_ERR_CANCELLED);
    it_is_over(inner_socket);
}

/* A thread that reads message 1, and what became of it. */
struct job {
    int socket, streamed, result;
    long long taken;
    atomic_int calls;
};

static int32_t count_call(const char *data, size_t len, void *context)
{
    (void)data, (void)len;
    atomic_fetch_add((atomic_int *)context, 1);
    return 0;
}

static _Atomic(struct job *) listening;

static void count_reply(const char *status)
{
    if (strncmp(status, "S: +OK", 6) == 0)
        atomic_fetch_add(&atomic_load(&listening)->calls, 1);
}

static void *read_message(void *argument)
{
    struct job *job = argument;
    pop3_buffer buffer = {(char *)&buffer, 77};
    if (job->streamed) {
        job->result = pop3_recv_message_to(job->socket, 1, count_call, &job->calls, NULL);
    } else {
        job->result = pop3_recv_message(job->socket, 1, &buffer, count_reply);
        CHECK(buffer.data == NULL && buffer.len == 0);
    }
    return NULL;
}

static void another_thread_may_cancel(void)
{
    for (int variant = 0; variant < 8; variant++) {
        /* silence, or a body without end */
        int tls = variant & 1, endless = variant & 4;
        struct job job = {.streamed = variant & 2};
        pthread_t thread;
        script_begin(LOGGED_IN EXPECT("RETR 1") SEND("+OK\\r\\nabc"));
        script_add("%s", endless ? "repeat 1000000000 \"0123456789\\r\\n\"\nhold" : "hold");
        job.socket = tls ? connect_tls_play(script()) : connect_play(script());
        atomic_store(&listening, &job);
        pthread_create(&thread, NULL, read_message, &job);
        while (atomic_load(&job.calls) == 0)
            sleep_ms(1);
        sleep_ms(20);
        long long start = now_ms();
        CHECK_INT(pop3_cancel(job.socket), 0);
        pthread_join(thread, NULL);
        CHECK(now_ms() - start < SOON_MS);
        CHECK_INT(job.result, POP3_ERR_CANCELLED);
        CHECK_INT(pop3_noop(job.socket, NULL), POP3_ERR_CONNECTION_LOST);
        CHECK_INT(pop3_disconnect(job.socket, NULL), POP3_ERR_CONNECTION_LOST);
        if (!endless)
            CHECK_PLAYED(port);
    }
}

/* So many bytes are taken fast, and by then the kernel keeps megabytes for us. */
enum { FAST_BYTES = 100000000 };

/* Slow from then on; `context` is a struct job. */
static int32_t take_slowly(const char *data, size_t len, void *context)
{
    struct job *job = context;
    (void)data;
    if ((job->taken += (long long)len) > FAST_BYTES) {
        atomic_fetch_add(&job->calls, 1);
        sleep_ms(100);
    }
    return 0;
}

static void *read_slowly(void *argument)
{
    struct job *job = argument;
    job->result = pop3_recv_message_to(job->socket, 1, take_slowly, job, NULL);
    return NULL;
}

static void cancel_does_not_wait_for_what_has_arrived(void)
{
    /* the callback is slow, so there is always more in the socket's buffer */
    for (int tls = 0; tls < 2; tls++) {
        struct job job = {0};
        pthread_t thread;
        script_begin(LOGGED_IN EXPECT("RETR 1") SEND("+OK") "repeat 1000000000 \"0123456789\\r\\n\"\nhold");
        job.socket = tls ? connect_tls_play(script()) : connect_play(script());
        pthread_create(&thread, NULL, read_slowly, &job);
        while (atomic_load(&job.calls) < 2)
            sleep_ms(5);
        long long start = now_ms();
        CHECK_INT(pop3_cancel(job.socket), 0);
        pthread_join(thread, NULL);
        CHECK(now_ms() - start < SOON_MS);
        CHECK_INT(job.result, POP3_ERR_CANCELLED);
        CHECK_INT(pop3_disconnect(job.socket, NULL), POP3_ERR_CONNECTION_LOST);
    }
}

static int32_t cancel_late(const char *data, size_t len, void *context)
{
    struct job *job = context;
    (void)data;
    job->taken += (long long)len;
    /* by then the server waits for us to read */
    if (job->taken > FAST_BYTES && atomic_fetch_add(&job->calls, 1) == 0) {
        sleep_ms(200);
        CHECK_INT(pop3_cancel(job->socket), 0);
    }
    return 0;
}

static void cancel_lets_the_server_go(void)
{
    /* its write must fail soon: nobody will ever read what it has to say */
    struct job job = {.socket = connect_play(LOGGED_IN EXPECT("RETR 1") SEND("+OK")
                                                       "repeat 1000000000 \"0123456789\\r\\n\"\nhold")};
    CHECK_INT(pop3_recv_message_to(job.socket, 1, cancel_late, &job, NULL), POP3_ERR_CANCELLED);
    it_is_over(job.socket);
}

/* Reads message 1 of what `body` plays, which must time out in time. */
static void must_time_out(const char *body, int tls, int streamed)
{
    struct pieces pieces = {0};
    script_begin(LOGGED_IN EXPECT("RETR 1"));
    script_add("%s\nexpect-eof", body);
    int socket = tls ? connect_tls_play(script()) : connect_play(script());
    long long start = now_ms();
    if (streamed)
        CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), POP3_ERR_TIMEOUT);
    else
        must_fail(socket, POP3_ERR_TIMEOUT);
    long long took = now_ms() - start;
    if (!CHECK(took >= TIMEOUT_MS - EARLY_MS && took <= TIMEOUT_MS + LATE_MS))
        printf("it took %lld ms\n", took);
    pieces_free(&pieces);
    it_is_over(socket);
}

static void a_body_that_stops_coming(void)
{
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    must_time_out("send \"+OK\\r\\nabc\\r\\n\"", 0, 0);
    must_time_out("send \"+OK\\r\\nabc\\r\\n.\\r\"", 0, 1);
    must_time_out("send \"+OK\\r\\nabc\\r\\n\"", 1, 1);
    pop3_set_comms_timeout(0);
}

static void a_body_that_trickles(void)
{
    const char *body = SEND("+OK") "trickle 100 \"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\\r\\n.\\r\\n\"";
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    must_time_out(body, 0, 0);
    must_time_out(body, 0, 1);
    must_time_out(body, 1, 0);
    pop3_set_comms_timeout(0);
}

static void a_large_body_at_a_steady_pace(void)
{
    /* 400 kB a second, for more than twice the timeout */
    enum { STEPS = 24, LINES = 3500 };
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    struct pieces pieces = {0};
    script_begin(LOGGED_IN EXPECT("RETR 1") SEND("+OK"));
    for (int i = 0; i < STEPS; i++)
        script_add("repeat %d \"0123456789\\r\\n\"\npause 100\n", LINES);
    script_add(SEND(".") GOOD_BYE);
    int socket = connect_play(script());
    long long start = now_ms();
    CHECK_INT(pop3_recv_message_to(socket, 1, gather, &pieces, NULL), 0);
    CHECK(now_ms() - start > 2 * TIMEOUT_MS);
    CHECK_INT(pieces.len, STEPS * LINES * 12);
    pieces_free(&pieces);
    good_bye(socket);
    pop3_set_comms_timeout(0);
}

static int32_t slow_callback(const char *data, size_t len, void *context)
{
    int *calls = context;
    (void)data, (void)len;
    if ((*calls)++ == 0)
        sleep_ms(TIMEOUT_MS + 300);
    return 0;
}

static void a_slow_callback_is_no_slow_server(void)
{
    int calls = 0;
    CHECK_INT(pop3_set_comms_timeout(TIMEOUT_MS / 1000), 0);
    int socket = connect_play(LOGGED_IN EXPECT("RETR 1") SEND("+OK\\r\\nabc") "pause 1500\n"
                                        SEND("def\\r\\n.") GOOD_BYE);
    CHECK_INT(pop3_recv_message_to(socket, 1, slow_callback, &calls, NULL), 0);
    good_bye(socket);
    pop3_set_comms_timeout(0);
}

static void a_mailbox_in_all_modes(void)
{
    const char *options[] = {"size=200000", "size=200000 tls=implicit", "size=200000 tls=stls"};
    char *kept = NULL;
    for (int secure = 0; secure <= 2; secure++) {
        int socket = connect_to(server_mailbox(options[secure]), secure);
        pop3_buffer buffer = {NULL, 0};
        struct pieces pieces = {0};
        CHECK_INT(pop3_recv_message(socket, 3, &buffer, NULL), 0);
        CHECK_INT(buffer.len, 200000);
        CHECK_HAS(buffer.data, "Subject: Message 0000000003\r\n");
        CHECK_HAS(buffer.data, "\r\n\r\n.\r\n..\r\n.a line that starts with a dot\r\n\r\n");
        CHECK_INT(pop3_recv_message_to(socket, 3, gather, &pieces, NULL), 0);
        CHECK(pieces.len == buffer.len && memcmp(pieces.data, buffer.data, buffer.len) == 0);
        CHECK(pieces.calls > 1);
        /* the same whichever way it came */
        if (kept == NULL)
            kept = strdup(buffer.data);
        else
            CHECK(strcmp(buffer.data, kept) == 0);
        pieces_free(&pieces);
        pop3_buffer_free(&buffer);
        CHECK_INT(pop3_message_count(socket, NULL), 5);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    free(kept);
}

static int cancelling_socket, pieces_received;

static int32_t cancel_at_the_first_piece(const char *data, size_t len, void *context)
{
    (void)data, (void)len, (void)context;
    pieces_received++;
    CHECK_INT(pop3_cancel(cancelling_socket), 0);
    return 0;
}

static void a_cancel_is_seen_before_the_next_piece(void)
{
    /* all of it has come, so no wait sees it: each dot that goes begins another piece */
    cancelling_socket = connect_play(LOGGED_IN REPLY("RETR 1", "+OK\\r\\na\\r\\n..b\\r\\n..c\\r\\n.\\r\\n") "expect-eof\n");
    pieces_received = 0;
    CHECK_INT(pop3_recv_message_to(cancelling_socket, 1, cancel_at_the_first_piece, NULL, NULL), POP3_ERR_CANCELLED);
    CHECK_INT(pieces_received, 1);
    it_is_over(cancelling_socket);
}

static void what_follows_a_message_tells_whether_it_was_whole(void)
{
    /* one whose last line was a dot that nobody stuffed; one that the server gave up */
    const struct {
        const char *behind;
        int result;
    } rows[] = {
        {".\\r\\n", POP3_ERR_BAD_FORMAT},
        {"rest\\r\\n.\\r\\n", POP3_ERR_BAD_FORMAT},
        {"+OK\\r\\n", POP3_ERR_BAD_FORMAT},
        {"-ERR Failed to RETR that message\\r\\n", POP3_ERR_CONNECTION_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(LOGGED_IN);
        script_add(EXPECT("RETR 1") "send \"+OK\\r\\nabc\\r\\n.\\r\\n%s\"\nexpect-eof\n", rows[i].behind);
        int socket = connect_play(script());
        must_fail(socket, rows[i].result);
        it_is_over(socket);
    }
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(shapes_in_one_segment);
    RUN(shapes_split_at_every_byte);
    RUN(shapes_split_at_every_byte_under_tls);
    RUN(every_short_message);
    RUN(shapes_cut_at_every_byte);
    RUN(shapes_cut_under_tls);
    RUN(larger_messages);
    RUN(a_line_of_megabytes);
    RUN(sizes_that_the_server_claims_mean_nothing);
    RUN(headers_and_top);
    RUN(refusals_leave_the_session_as_it_is);
    RUN(parameters);
    RUN(status_lines);
    RUN(failures_are_told_by_their_commands);
    RUN(a_callback_that_stops);
    RUN(a_callback_may_call_back);
    RUN(a_callback_may_cancel_its_own_call);
    RUN(a_callback_may_cancel_at_the_last_piece);
    RUN(another_thread_may_cancel);
    RUN(cancel_does_not_wait_for_what_has_arrived);
    RUN(cancel_lets_the_server_go);
    RUN(a_body_that_stops_coming);
    RUN(a_body_that_trickles);
    RUN(a_large_body_at_a_steady_pace);
    RUN(a_slow_callback_is_no_slow_server);
    RUN(a_mailbox_in_all_modes);
    RUN(a_cancel_is_seen_before_the_next_piece);
    RUN(what_follows_a_message_tells_whether_it_was_whole);
    return check_result();
}

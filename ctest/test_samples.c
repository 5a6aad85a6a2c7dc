/* The samples in C of the documents, run: each has a case of its name here, and what it does is checked. */
#define _DEFAULT_SOURCE /* mkdtemp */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "folders.h"
#include "gather.h"
#include "ports.h"
#include "samples.h"
#include "script.h"
#include "server.h"
#include "stage.h"

/* Takes status lines that no case looks at. */
static FILE *nowhere;

/* Programs */

static void sample_first(void)
{
    serve("pass=secret messages=5");
    catch_output();
    int result = main_first();
    const char *output = caught_output();
    CHECK_INT(result, 0);
    CHECK_HAS(output, "\n5 messages\n");
    CHECK_HAS(output, "S: +OK");
    CHECK_HAS_NOT(output, "secret");
    serve("pass=another");
    catch_output();
    result = main_first();
    CHECK_HAS(caught_output(), "error -2002: ");
    CHECK_INT(result, 1);
}

static void sample_mailbox(void)
{
    serve("pass=secret messages=3");
    catch_output();
    int result = main_mailbox();
    const char *output = caught_output();
    CHECK_INT(result, 0);
    CHECK_INT(count_of(output, "Subject: "), 3);
    CHECK_INT(messages_left(), 0);
    /* where nothing can be printed nothing is deleted */
    serve("pass=secret messages=3");
    refuse_output();
    result = main_mailbox();
    caught_output();
    CHECK_INT(result, 0);
    CHECK_INT(messages_left(), 3);
    /* the second message is refused */
    int port = server_play("tls=implicit cert=documents", SEND("+OK") REPLY("CAPA", "-ERR\\r\\n")
                           REPLY("USER alice", "+OK\\r\\n") REPLY("PASS secret", "+OK\\r\\n")
                           REPLY("LIST", "+OK\\r\\n1 3\\r\\n2 3\\r\\n.\\r\\n") REPLY("RETR 1", "+OK\\r\\none\\r\\n.\\r\\n")
                           REPLY("DELE 1", "+OK\\r\\n") REPLY("RETR 2", "-ERR [SYS/TEMP] not now\\r\\n") GOOD_BYE);
    port_leads_to(995, port);
    pop3_forget(NULL);
    catch_output();
    result = main_mailbox();
    output = caught_output();
    CHECK_INT(result, 1);
    CHECK_HAS(output, "one\r\nread: error -2007: ");
    CHECK_HAS(output, "not now");
    CHECK_PLAYED(port);
}

/* Functions on a socket */

static int32_t connect_to_it(void)
{
    int32_t socket = pop3_connect("pop.example.com", "alice", "secret", NULL, 1, 1);
    CHECK(socket > 0);
    return socket;
}

static void sample_stream(void)
{
    char folder[] = "/tmp/pop3-samples-XXXXXX";
    pop3_buffer message;
    serve("pass=secret messages=2 size=300000");
    if (mkdtemp(folder) == NULL)
        check_fatal("no folder");
    const char *path = in(folder, "1.eml");
    int32_t socket = connect_to_it();
    CHECK_INT(save_message(socket, 1, path), 0);
    CHECK_INT(save_message(socket, 3, path), POP3_ERR_SERVER);
    CHECK_INT(save_message(socket, 1, in(folder, "none/1.eml")), 1);
    CHECK_INT(save_message(socket, 2, path), 0);
    CHECK_INT(pop3_recv_message(socket, 2, &message, NULL), 0);
    char *saved = calloc(1, message.len + 2);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL && fread(saved, 1, message.len + 1, file) == message.len);
    CHECK(memcmp(saved, message.data, message.len) == 0);
    fclose(file);
    free(saved);
    pop3_buffer_free(&message);
    /* a file that takes nothing ends it */
    CHECK_INT(save_message(socket, 1, "/dev/full"), POP3_ERR_CANCELLED);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    unlink(path);
    rmdir(folder);
}

static int is_second(const char *uid)
{
    return strcmp(uid, "uid-2") == 0;
}

static void sample_bulk(void)
{
    struct letters letters = {0};
    serve("pass=secret messages=4 size=300");
    int32_t socket = connect_to_it();
    CHECK_INT(read_new(socket, is_second, gather_messages, &letters), 3);
    CHECK_INT(letters.count, 3);
    CHECK_INT(letters.items[0].number, 1);
    CHECK_INT(letters.items[1].number, 3);
    CHECK_INT(letters.items[2].number, 4);
    CHECK_INT(letters.whole, 3);
    letters_free(&letters);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(read_new(socket, is_second, gather_messages, &letters), POP3_ERR_BAD_SOCKET);
}

/* Functions that connect */

static void sample_options(void)
{
    serve("pass=secret");
    FILE *log = tmpfile();
    pop3_options *options = account("alice", "secret", log);
    int32_t socket = pop3_connect_with(options);
    CHECK(socket > 0);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    pop3_options_free(options);
    const char *text = contents(log);
    CHECK_HAS(text, "pop3: C: STAT\npop3: S: +OK");
    CHECK_HAS(text, "pop3: C: QUIT\n");
    CHECK_HAS_NOT(text, "secret");
}

static void sample_waiting(void)
{
    serve("pass=secret messages=4");
    CHECK_INT(waiting("pop.example.com", "alice", "secret"), 4);
    catch_output();
    CHECK_INT(waiting("pop.example.com", "alice", "a\nb"), POP3_ERR_PARAMETER);
    CHECK_HAS(caught_output(), "pop.example.com: pop3_options_set_password was refused");
}

static void sample_oauth(void)
{
    /* user=alice, auth=Bearer tok.en */
    int port = server_play("tls=implicit cert=documents", SEND("+OK")
                           REPLY("CAPA", "+OK\\r\\nSASL PLAIN XOAUTH2\\r\\n.\\r\\n")
                           REPLY("AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2suZW4BAQ==", "+OK\\r\\n") GOOD_BYE);
    port_leads_to(995, port);
    int32_t socket = connect_with_token("alice", "tok.en");
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

static void sample_trust(void)
{
    serve("pass=secret");
    pop3_options *options = account("alice", "secret", nowhere);
    catch_output();
    int32_t trusted = connect_trusting(options, in(server_dir(), "ca.pem"));
    int32_t refused = connect_trusting(options, in(server_dir(), "other-ca.pem"));
    const char *output = caught_output();
    CHECK(trusted > 0);
    CHECK_INT(refused, POP3_ERR_SECURE);
    CHECK_HAS(output, "TLSv1.3, TLS_");
    CHECK_HAS(output, ", verified\nnot trusted: ");
    CHECK_INT(pop3_disconnect(trusted, NULL), 0);
    pop3_options_free(options);
}

static void sample_proxy(void)
{
    /* it speaks SOCKS5 with a password, and is then the server, in the clear */
    int port = server_play("", "expect \"\\x05\\x02\\x00\\x02\"\nsend \"\\x05\\x02\"\n"
                           "expect \"\\x01\\x03joe\\x0apassphrase\"\nsend \"\\x01\\x00\"\n"
                           "expect \"\\x05\\x01\\x00\\x03\\x0fpop.example.com\\x00\\x6e\"\n"
                           SEND("\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x30\\x39+OK")
                           REPLY("CAPA", "-ERR\\r\\n") REPLY("USER alice", "+OK\\r\\n") REPLY("PASS secret", "+OK\\r\\n")
                           GOOD_BYE);
    port_leads_to(1080, port);
    pop3_options *options = account("alice", "secret", nowhere);
    CHECK_INT(pop3_options_set_secure(options, 0), 0);
    int32_t socket = connect_through_proxy(options);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(connect_through_proxy(NULL), POP3_ERR_PARAMETER);
    pop3_options_free(options);
    CHECK_PLAYED(port);
}

static void *stop_soon(void *context)
{
    sleep_ms(300);
    atomic_store((atomic_int *)context, 1);
    return NULL;
}

static void sample_cancel(void)
{
    atomic_int stop = 0;
    pthread_t thread;
    pop3_options *options = account("alice", "secret", nowhere);
    serve("pass=secret");
    int32_t socket = connect_until(options, &stop);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    /* a server that says nothing */
    int port = server_play("tls=implicit cert=documents", "hold\n");
    port_leads_to(995, port);
    long long begun = now_ms();
    pthread_create(&thread, NULL, stop_soon, &stop);
    CHECK_INT(connect_until(options, &stop), POP3_ERR_CANCELLED);
    CHECK(now_ms() - begun >= 300);
    CHECK(now_ms() - begun < 5000);
    pthread_join(thread, NULL);
    pop3_options_free(options);
}

/* Both count many mailboxes at once. */
static void check_counts(void (*count)(pop3_options *const accounts[], int32_t counts[], int how_many))
{
    int32_t counts[3];
    serve("pass=secret messages=7");
    pop3_options *right = account("alice", "secret", nowhere), *wrong = account("alice", "guessed", nowhere);
    pop3_options *accounts[] = {right, wrong, right};
    count(accounts, counts, 3);
    CHECK_INT(counts[0], 7);
    CHECK_INT(counts[1], POP3_ERR_AUTH);
    CHECK_INT(counts[2], 7);
    pop3_options_free(right);
    pop3_options_free(wrong);
}

static void sample_threads(void)
{
    check_counts(count_all);
}

static void sample_many(void)
{
    check_counts(count_side_by_side);
    /* one that does not begin */
    pop3_options *none[] = {NULL};
    int32_t count;
    count_side_by_side(none, &count, 1);
    CHECK_INT(count, POP3_ERR_PARAMETER);
}

static void sample_errors(void)
{
    CHECK(is_passing(POP3_ERR_TIMEOUT));
    CHECK(is_passing(POP3_ERR_TEMPORARY));
    CHECK(!is_passing(POP3_ERR_AUTH));
    CHECK(!is_passing(POP3_OK));
    /* what a server says that is busy is passing, what it says for ever is not */
    const char *greetings[] = {"[SYS/TEMP]", "[SYS/PERM]"};
    for (int i = 0; i < 2; i++) {
        script_begin("");
        script_add(SEND("-ERR %s"), greetings[i]);
        port_leads_to(995, server_play("tls=implicit cert=documents", script()));
        CHECK_INT(is_passing(messages_left()), i == 0);
    }
}

static int failures;

static void count_failure(const char *message, int32_t code, const char *command)
{
    CHECK_STR(command, "POP3Connect");
    CHECK_INT(code, POP3_ERR_AUTH);
    CHECK(message[0] != '\0');
    failures++;
}

static void sample_omnis(void)
{
    const char *server = at(server_mailbox("pass=secret"));
    CHECK_INT(configure(NULL, -1), POP3_ERR_PARAMETER);
    CHECK_INT(configure(count_failure, 20), 0);
    CHECK(connect_plainly(server, "alice", "guessed") < 0);
    CHECK_INT(failures, 1);
    int32_t socket = connect_plainly(server, "alice", "secret");
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(configure(NULL, 0), 0);
}

static void sample_collect(void)
{
    char folder[] = "/tmp/pop3-sample-XXXXXX", book[64];
    int64_t octets = 0;
    make_temporary(folder);
    snprintf(book, sizeof book, "%s/book", folder);
    serve("pass=secret messages=3 size=400");
    pop3_options *options = pop3_options_new();
    pop3_options_set_server(options, "pop.example.com");
    pop3_options_set_user(options, "alice");
    pop3_options_set_password(options, "secret");
    pop3_options_set_secure(options, POP3_TLS);
    catch_output();
    CHECK_INT(collect_mail(options, book, &octets), POP3_OK);
    CHECK_INT(collect_mail(options, book, &octets), POP3_OK);
    CHECK_STR(caught_output(), "3 taken, 0 deleted, 0 left, 0 failed\n0 taken, 0 deleted, 0 left, 0 failed\n");
    CHECK_INT(octets, 1200);
    pop3_options_free(options);
    remove_folder(folder);
}

static void sample_split(void)
{
    char text[] = "From: =?utf-8?q?M=C3=BCller?= <eva@example.com>\r\nTo: x@example.com\r\nSubject: files\r\n"
                  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee there\n\r\n--b\r\n\r\nnot this\r\n--b\r\n"
                  "Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8=\r\n--b--\r\n";
    pop3_buffer message = {text, sizeof text - 1};
    catch_output();
    int32_t result = print_mail(&message);
    CHECK_STR(caught_output(), "From: M\xc3\xbcller <eva@example.com>\nSubject: files\nsee there\n[a.png, 2 bytes]\n");
    CHECK_INT(result, POP3_OK);
}

static size_t gather_all(char *data, size_t size, size_t count, void *context)
{
    return gather(data, size * count, context) == 0 ? size * count : 0;
}

static void sample_write_function(void)
{
    struct pieces pieces = {.stop_at = 0}, some = {.stop_at = 1};
    pop3_buffer message;
    serve("pass=secret size=100000");
    int32_t socket = connect_to_it();
    CHECK_INT(receive_by(socket, 2, gather_all, &pieces), 0);
    CHECK_INT(pop3_recv_message(socket, 2, &message, NULL), 0);
    CHECK_INT(pieces.len, message.len);
    CHECK(memcmp(pieces.data, message.data, message.len) == 0);
    pop3_buffer_free(&message);
    pieces_free(&pieces);
    CHECK_INT(receive_by(socket, 2, gather_all, &some), POP3_ERR_CANCELLED);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_ERR_CONNECTION_LOST);
    pieces_free(&some);
}

int main(void)
{
    nowhere = fopen("/dev/null", "w");
    stage_begin();
#define SAMPLE(name) RUN(sample_##name);
#include "samples.inc"
    return check_result();
}

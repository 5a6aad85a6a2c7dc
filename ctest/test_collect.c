/* Collecting: what is new in a mailbox, each message once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "folders.h"
#include "listen.h"
#include "pop3connect.h"
#include "server.h"
#include "session.h"

/* What has come, in which order, and what the host answers to it. */
struct mail {
    char order[8192]; /* "uid-1 uid-2 ", "!uid-3(-2001) " where it did not come */
    int whole;        /* messages */
    long long octets;
    long long sizes;  /* by the arrivals */
    int pieces;       /* since the last one that was whole */
    int stop_at;      /* which whole message is not taken; 0 for none */
    int wanted_not;   /* the number of the message that is not wanted; 0 for none */
    int asked;        /* how often it was asked what is wanted */
    int last_error;
    pop3_options *again; /* another run that is made meanwhile */
    const pop3_job *again_job;
    int again_result;
};

static int32_t take(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    struct mail *mail = context;
    size_t used = strlen(mail->order);
    if (last < 0) {
        CHECK(data == NULL && len == 0);
        mail->last_error = last;
        mail->pieces = 0;
        snprintf(mail->order + used, sizeof mail->order - used, "!%s(%d) ", arrival->uid, (int)last);
        return 0;
    }
    mail->pieces += len > 0;
    mail->octets += (long long)len;
    if (!last)
        return 0;
    if (mail->again) {
        pop3_outcome outcome;
        mail->again_result = pop3_collect(mail->again, mail->again_job, &outcome);
        mail->again = NULL;
    }
    if (mail->whole + 1 == mail->stop_at)
        return 1;
    mail->pieces = 0;
    mail->sizes += arrival->size;
    mail->whole++;
    snprintf(mail->order + used, sizeof mail->order - used, "%s ", arrival->uid);
    return 0;
}

static int32_t wants(const pop3_arrival *arrival, void *context)
{
    struct mail *mail = context;
    mail->asked++;
    return arrival->number != mail->wanted_not;
}

/* What a case works with. */
static char folder[256];
static char book[300];
static pop3_job *job;
static pop3_options *options;
static struct mail mail;
static pop3_outcome outcome;

static void begin(const char *server)
{
    snprintf(folder, sizeof folder, "/tmp/pop3-collect-XXXXXX");
    make_temporary(folder);
    snprintf(book, sizeof book, "%s/book", folder);
    char recorded[128];
    snprintf(recorded, sizeof recorded, "%s record=yes", server);
    port = server_mailbox(recorded);
    options = recorded_options(port, POP3_CLEAR);
    memset(&mail, 0, sizeof mail);
    job = pop3_job_new();
    CHECK_INT(pop3_job_set_message_cb(job, take, &mail), POP3_OK);
    CHECK_INT(pop3_job_set_book(job, book), POP3_OK);
}

static void end(void)
{
    pop3_job_free(job);
    pop3_options_free(options);
    remove_folder(folder);
}

/* A run; what has come before is forgotten but for `whole` and what the host answers. */
static int run(void)
{
    mail.order[0] = '\0';
    mail.whole = 0;
    mail.octets = mail.sizes = 0;
    mail.last_error = 0;
    memset(&outcome, 0x55, sizeof outcome);
    return pop3_collect(options, job, &outcome);
}

static void has_become(int taken, int deleted, int left, int failed, int reconnects)
{
    char is[128], expected[128];
    snprintf(is, sizeof is, "taken %d deleted %d left %d failed %d reconnects %d", (int)outcome.taken,
             (int)outcome.deleted, (int)outcome.left, (int)outcome.failed, (int)outcome.reconnects);
    snprintf(expected, sizeof expected, "taken %d deleted %d left %d failed %d reconnects %d", taken, deleted, left,
             failed, reconnects);
    CHECK_STR(is, expected);
    CHECK_INT(mail.whole, taken);
}

/* How often clients have said that since `from`. */
static int said(const char *text, size_t from)
{
    int count = 0;
    for (const char *at = server_received(port) + from; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

static size_t said_so_far(void)
{
    return strlen(server_received(port));
}

static void each_message_once(void)
{
    begin("messages=5");
    CHECK_INT(run(), POP3_OK);
    has_become(5, 0, 0, 0, 0);
    CHECK_STR(mail.order, "uid-1 uid-2 uid-3 uid-4 uid-5 ");
    CHECK_INT(outcome.octets, mail.octets);
    CHECK_INT(mail.sizes, mail.octets);
    size_t before = said_so_far();
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 0, 0, 0);
    CHECK_INT(outcome.octets, 0);
    CHECK_INT(said("UIDL", before), 1);
    CHECK_INT(said("RETR", before) + said("LIST", before) + said("TOP", before), 0);
    /* another account of the same server and book */
    CHECK_INT(pop3_options_set_authzid(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_server(options, at_host("localhost", port)), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(5, 0, 0, 0, 0);
    end();
}

static void few_that_are_new_among_many_cost_little(void)
{
    begin("messages=3000");
    CHECK_INT(pop3_job_set_limits(job, 2997, 0, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(2997, 0, 3, 0, 0);
    size_t before = said_so_far();
    CHECK_INT(run(), POP3_OK);
    has_become(3, 0, 0, 0, 0);
    CHECK_STR(mail.order, "uid-2998 uid-2999 uid-3000 ");
    CHECK_INT(said("UIDL", before), 1);
    CHECK_INT(said("RETR", before), 3);
    CHECK_INT(said("LIST 2", before) + said("LIST 3", before), 3);
    CHECK_INT(said("LIST", before), 3);
    end();
}

static void without_a_book_all_comes_each_time(void)
{
    begin("messages=3");
    CHECK_INT(pop3_job_set_book(job, NULL), POP3_OK);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(run(), POP3_OK);
        has_become(3, 0, 0, 0, 0);
    }
    end();
}

static void what_was_taken_is_deleted(void)
{
    begin("messages=250");
    CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(250, 250, 0, 0, 0);
    /* at least every hundred */
    CHECK_INT(said("QUIT", 0), 3);
    CHECK_INT(pop3_stat_with(options), 0);
    end();
}

static void and_what_an_earlier_run_has_not_come_to_delete(void)
{
    begin("messages=5");
    CHECK_INT(run(), POP3_OK);
    CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(0, 5, 0, 0, 0);
    CHECK_INT(pop3_stat_with(options), 0);
    end();
}

static void without_a_book_what_was_taken_is_deleted_too(void)
{
    begin("messages=150");
    CHECK_INT(pop3_job_set_book(job, NULL), POP3_OK);
    CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(150, 150, 0, 0, 0);
    end();
}

static void the_newest_first(void)
{
    begin("messages=4");
    CHECK_INT(pop3_job_set_order(job, 1), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    CHECK_STR(mail.order, "uid-4 uid-3 uid-2 uid-1 ");
    end();
}

static void limits(void)
{
    begin("messages=5 size=1000");
    CHECK_INT(pop3_job_set_limits(job, 2, 0, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(2, 0, 3, 0, 0);
    CHECK_INT(pop3_job_set_limits(job, 0, 999, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 3, 0, 0);
    CHECK_STR(mail.order, "!uid-3(-2004) !uid-4(-2004) !uid-5(-2004) ");
    CHECK_INT(pop3_job_set_limits(job, 0, 1000, 2000), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(2, 0, 1, 0, 0);
    CHECK_STR(mail.order, "uid-3 uid-4 ");
    CHECK_INT(pop3_job_set_limits(job, 0, 0, 999), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 1, 0, 0);
    CHECK_STR(mail.order, "!uid-5(-2004) ");
    end();
}

static void headers_alone(void)
{
    begin("messages=3 size=5000");
    CHECK_INT(pop3_job_set_lines(job, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(3, 0, 0, 0, 0);
    CHECK(mail.octets > 0 && mail.octets < 1000);
    CHECK_INT(said("TOP", 0), 3);
    CHECK_INT(said("RETR", 0), 0);
    end();
}

static void headers_of_a_server_that_gives_none(void)
{
    begin("messages=3 top=no");
    CHECK_INT(pop3_job_set_lines(job, 0), POP3_OK);
    CHECK_INT(run(), POP3_ERR_UNSUPPORTED);
    has_become(0, 0, 3, 0, 0);
    end();
}

static void what_is_not_wanted_is_asked_about_again(void)
{
    begin("messages=3");
    CHECK_INT(pop3_job_set_wanted_cb(job, wants, &mail), POP3_OK);
    mail.wanted_not = 2;
    CHECK_INT(run(), POP3_OK);
    has_become(2, 0, 1, 0, 0);
    CHECK_STR(mail.order, "uid-1 uid-3 ");
    CHECK_INT(mail.asked, 3);
    mail.wanted_not = 0;
    CHECK_INT(run(), POP3_OK);
    has_become(1, 0, 0, 0, 0);
    CHECK_STR(mail.order, "uid-2 ");
    CHECK_INT(mail.asked, 4);
    end();
}

static void a_stop_ends_everything(void)
{
    begin("messages=5");
    CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
    mail.stop_at = 3;
    CHECK_INT(run(), POP3_ERR_CANCELLED);
    has_become(2, 0, 3, 0, 0);
    CHECK_INT(said("DELE", 0) + said("QUIT", 0), 0);
    CHECK_INT(server_connections(port), 1);
    mail.stop_at = 0;
    CHECK_INT(run(), POP3_OK);
    has_become(3, 5, 0, 0, 0);
    CHECK_STR(mail.order, "uid-3 uid-4 uid-5 ");
    end();
}

static void a_bad_message_blocks_no_other(void)
{
    const struct {
        const char *server;
        const char *order;
        int reconnects;
    } rows[] = {
        {"messages=5 bad=2 how=refused", "uid-1 !uid-2(-2001) uid-3 uid-4 uid-5 ", 0},
        {"messages=5 bad=2 how=cut", "uid-1 !uid-2(-10054) !uid-2(-10054) uid-3 uid-4 uid-5 ", 2},
        {"messages=5 bad=5 how=cut", "uid-1 uid-2 uid-3 uid-4 !uid-5(-10054) !uid-5(-10054) ", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(rows[i].server);
        CHECK_INT(run(), POP3_OK);
        has_become(4, 0, 0, 1, rows[i].reconnects);
        CHECK_STR(mail.order, rows[i].order);
        /* each time it is told */
        CHECK_INT(run(), POP3_OK);
        has_become(0, 0, 0, 1, rows[i].reconnects);
        end();
    }
}

static void nor_does_one_without_end(void)
{
    begin("messages=5 bad=2 how=endless");
    CHECK_INT(pop3_job_set_limits(job, 0, 100000, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(4, 0, 1, 0, 1);
    CHECK_STR(mail.order, "uid-1 !uid-2(-2004) uid-3 uid-4 uid-5 ");
    /* no limit is set, and far more comes than was announced */
    CHECK_INT(pop3_job_set_limits(job, 0, 0, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 0, 1, 2);
    CHECK_STR(mail.order, "!uid-2(-2004) !uid-2(-2004) ");
    end();
}

static void a_connection_that_breaks_is_made_again(void)
{
    char server[64];
    /* at every reply's boundary: greeting, CAPA, AUTH, UIDL, LIST, 5 RETR, 5 DELE, QUIT */
    for (int replies = 1; replies <= 16; replies++) {
        snprintf(server, sizeof server, "messages=5 cut-after=%d", replies);
        begin(server);
        CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
        if (!CHECK_INT(run(), POP3_OK))
            printf("cut after %d replies: %s\n", replies, pop3_get_last_error());
        CHECK_STR(mail.order, "uid-1 uid-2 uid-3 uid-4 uid-5 ");
        CHECK_INT(outcome.taken, 5);
        CHECK_INT(outcome.deleted, 5);
        CHECK_INT(outcome.failed + outcome.left, 0);
        CHECK_INT(pop3_stat_with(options), 0);
        end();
    }
}

static void one_that_breaks_again_and_again_gets_there(void)
{
    /* some messages come each time */
    begin("messages=400 cut-after=30 cut-connections=1000");
    CHECK_INT(run(), POP3_OK);
    CHECK_INT(outcome.taken, 400);
    CHECK_INT(mail.whole, 400);
    CHECK_INT(outcome.failed + outcome.left, 0);
    CHECK(outcome.reconnects > 11);
    end();
}

static void without_a_book_nothing_comes_twice_either(void)
{
    begin("messages=5 cut-after=8");
    CHECK_INT(pop3_job_set_book(job, NULL), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(5, 0, 0, 0, 1);
    end();
}

static void one_that_always_breaks_is_given_up(void)
{
    begin("messages=5 cut-after=4 cut-connections=1000");
    CHECK_INT(run(), POP3_ERR_CONNECTION_LOST);
    has_become(0, 0, 0, 0, 2);
    CHECK(server_connections(port) < 10);
    end();
}

static void without_uidl_the_header_tells(void)
{
    begin("messages=3 uidl=no");
    CHECK_INT(run(), POP3_OK);
    has_become(3, 0, 0, 0, 0);
    /* "From: sender@mail.test\nSubject: Message 0000000001\nMessage-ID: <0000000001@mail.test>\n" */
    CHECK_HAS(mail.order, "acb35fd8f4a9f73ff112cc09d2aa346230febefcd621bfec3752cda3e8def123 ");
    CHECK_HAS(logged(), "* the server has no UIDL: messages are told apart by their headers\n");
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 0, 0, 0);
    end();
}

static void without_top_either_there_is_no_book(void)
{
    begin("messages=3 uidl=no top=no");
    CHECK_INT(run(), POP3_ERR_UNSUPPORTED);
    has_become(0, 0, 0, 0, 0);
    CHECK_HAS(pop3_get_last_error(), "it has no UIDL either, so what is new cannot be told");
    CHECK_INT(pop3_job_set_book(job, NULL), POP3_OK);
    CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(3, 3, 0, 0, 0);
    CHECK_STR(mail.order, "   ");
    end();
}

static void ids_that_messages_share(void)
{
    const struct {
        const char *server;
        const char *order;
    } rows[] = {
        {"messages=5 uids=pairs", "uid-1 uid-1 uid-2 uid-2 uid-3 "},
        {"messages=3 uids=same", "uid uid uid "},
        {"messages=3 uids=same top=no", "uid uid uid "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(rows[i].server);
        /* in runs of their own, so that some are known already and some are not */
        CHECK_INT(pop3_job_set_limits(job, 2, 0, 0), POP3_OK);
        char order[256] = "";
        for (int runs = 0; runs < 3; runs++) {
            CHECK_INT(run(), POP3_OK);
            strcat(order, mail.order);
        }
        CHECK_STR(order, rows[i].order);
        CHECK_INT(run(), POP3_OK);
        has_become(0, 0, 0, 0, 0);
        CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
        CHECK_INT(run(), POP3_OK);
        CHECK_INT(pop3_stat_with(options), 0);
        end();
    }
}

static void ids_whose_blanks_change(void)
{
    begin("messages=4 uids=blanks");
    CHECK_INT(pop3_job_set_delete(job, -1), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    CHECK_STR(mail.order, "Mon 10:1 Mon 10:2 Mon 10:3 Mon 10:4 ");
    /* without the first one, what had even numbers has odd ones */
    int socket = connect_to(port, POP3_CLEAR);
    CHECK_INT(pop3_delete_message(socket, 1, NULL), POP3_OK);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 0, 0, 0);
    end();
}

static void two_at_once_on_one_account(void)
{
    begin("messages=3");
    pop3_job *other = pop3_job_new();
    struct mail nothing = {0};
    CHECK_INT(pop3_job_set_message_cb(other, take, &nothing), POP3_OK);
    CHECK_INT(pop3_job_set_book(other, book), POP3_OK);
    mail.again = options;
    mail.again_job = other;
    CHECK_INT(run(), POP3_OK);
    CHECK_INT(mail.again_result, POP3_ERR_MAILBOX_IN_USE);
    CHECK_INT(server_connections(port), 1);
    has_become(3, 0, 0, 0, 0);
    pop3_job_free(other);
    end();
}

/* A book of the host's own: the accounts and ids in one string. */
static char host_book[4096];
static int host_book_fails;

static int32_t host_is_taken(const char *account, const char *uid, void *context)
{
    char entry[256];
    CHECK(context == host_book);
    snprintf(entry, sizeof entry, "[%s %s]", account, uid);
    return host_book_fails == 1 ? -1 : strstr(host_book, entry) != NULL;
}

static int32_t host_taken(const char *account, const char *uid, void *context)
{
    (void)context;
    size_t used = strlen(host_book);
    snprintf(host_book + used, sizeof host_book - used, "[%s %s]", account, uid);
    return host_book_fails == 2;
}

static void a_book_of_the_hosts_own(void)
{
    char account[64];
    begin("messages=3");
    CHECK_INT(pop3_job_set_book_cb(job, host_is_taken, host_taken, host_book), POP3_OK);
    CHECK_INT(pop3_job_set_limits(job, 2, 0, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(2, 0, 1, 0, 0);
    snprintf(account, sizeof account, "[alice@127.0.0.1:%d uid-1][alice@127.0.0.1:%d uid-2]", port, port);
    CHECK_STR(host_book, account);
    host_book_fails = 2;
    CHECK_INT(run(), POP3_ERR_BOOK);
    /* the host has it, and the book does not: so it comes again */
    CHECK_INT(mail.whole, 1);
    CHECK_INT(outcome.taken, 0);
    host_book_fails = 1;
    CHECK_INT(run(), POP3_ERR_BOOK);
    host_book_fails = 0;
    pop3_job *other = pop3_job_new();
    CHECK_INT(pop3_job_set_message_cb(other, take, &mail), POP3_OK);
    CHECK_INT(pop3_job_set_book_cb(other, host_is_taken, host_taken, host_book), POP3_OK);
    host_book[0] = '\0';
    mail.again = options;
    mail.again_job = other;
    CHECK_INT(run(), POP3_OK);
    CHECK_INT(mail.again_result, POP3_ERR_MAILBOX_IN_USE);
    pop3_job_free(other);
    end();
}

static void a_book_of_the_hosts_own_tells_shared_ids_apart(void)
{
    begin("messages=3 uids=same");
    host_book[0] = '\0';
    CHECK_INT(pop3_job_set_book_cb(job, host_is_taken, host_taken, host_book), POP3_OK);
    CHECK_INT(pop3_job_set_limits(job, 2, 0, 0), POP3_OK);
    CHECK_INT(run(), POP3_OK);
    has_become(2, 0, 1, 0, 0);
    CHECK_INT(run(), POP3_OK);
    has_become(1, 0, 0, 0, 0);
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 0, 0, 0);
    end();
}

static void write_file(const char *path, const char *bytes, size_t len, long at_offset)
{
    FILE *file = fopen(path, at_offset < 0 ? "wb" : "r+b");
    if (!file || (at_offset > 0 && fseek(file, at_offset, SEEK_SET) != 0) || fwrite(bytes, 1, len, file) != len ||
        fclose(file) != 0)
        check_fatal("%s cannot be written", path);
}

static void books_that_are_none(void)
{
    const char garbage[] = "This is a letter to a friend, and no book of any kind. It is long enough to be one, though.";
    char path[320];
    begin("messages=3");
    write_file(book, garbage, sizeof garbage, -1);
    CHECK_INT(run(), POP3_ERR_BOOK);
    has_become(0, 0, 0, 0, 0);
    CHECK_HAS(pop3_get_last_error(), "is not a book, or is damaged");
    remove(book);
    /* of a version that is to come: bytes 60 to 63 of the file */
    CHECK_INT(run(), POP3_OK);
    has_become(3, 0, 0, 0, 0);
    write_file(book, "\0\0\0\x7", 4, 60);
    CHECK_INT(run(), POP3_ERR_BOOK);
    CHECK_HAS(pop3_get_last_error(), "is of version 7, and version 1 is known");
    /* another program's: bytes 68 to 71 */
    write_file(book, "\0\0\0\1", 4, 60);
    write_file(book, "abcd", 4, 68);
    CHECK_INT(run(), POP3_ERR_BOOK);
    CHECK_HAS(pop3_get_last_error(), "is a database of another program");
    write_file(book, "POP3", 4, 68);
    CHECK_INT(run(), POP3_OK);
    has_become(0, 0, 0, 0, 0);
    CHECK_INT(server_connections(port), 2);

    snprintf(path, sizeof path, "%s/no/such/folder/book", folder);
    CHECK_INT(pop3_job_set_book(job, path), POP3_OK);
    CHECK_INT(run(), POP3_ERR_BOOK);
    CHECK_HAS(pop3_get_last_error(), "cannot be opened");
    CHECK_INT(pop3_job_set_book(job, folder), POP3_OK);
    CHECK_INT(run(), POP3_ERR_BOOK);
    CHECK_INT(server_connections(port), 2);
    end();
}

static void arguments(void)
{
    begin("messages=1");
    CHECK_INT(pop3_collect(NULL, job, &outcome), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_collect(options, NULL, &outcome), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_collect(options, job, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_book(NULL, book), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_book_cb(NULL, host_is_taken, host_taken, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_delete(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_order(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_limits(NULL, 0, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_lines(NULL, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_wanted_cb(NULL, wants, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_message_cb(NULL, take, NULL), POP3_ERR_PARAMETER);
    pop3_job_free(NULL);

    CHECK_INT(pop3_job_set_delete(job, -2), POP3_ERR_PARAMETER);
    CHECK_INT(run(), POP3_ERR_PARAMETER);
    CHECK_HAS(pop3_get_last_error(), "pop3_job_set_delete was refused and not set right since");
    CHECK_INT(outcome.taken, 0);
    CHECK_INT(pop3_job_set_delete(job, -1), POP3_OK);
    CHECK_INT(pop3_job_set_lines(job, -2), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_lines(job, -1), POP3_OK);
    CHECK_INT(pop3_job_set_limits(job, -1, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_limits(job, 0, -1, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_limits(job, 0, 0, -1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_limits(job, 0, 0, 0), POP3_OK);
    CHECK_INT(pop3_job_set_book(job, ""), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_book_cb(job, host_is_taken, NULL, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_book_cb(job, NULL, host_taken, NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_job_set_book_cb(job, NULL, NULL, NULL), POP3_OK);
    /* who keeps no times cannot tell days */
    CHECK_INT(pop3_job_set_delete(job, 2), POP3_OK);
    CHECK_INT(run(), POP3_ERR_PARAMETER);
    CHECK_HAS(pop3_get_last_error(), "only a book in a file knows since when");
    CHECK_INT(pop3_job_set_delete(job, 0), POP3_OK);
    CHECK_INT(pop3_job_set_message_cb(job, NULL, NULL), POP3_OK);
    CHECK_INT(run(), POP3_ERR_PARAMETER);
    CHECK_HAS(pop3_get_last_error(), "the job has no message callback");
    CHECK_INT(server_connections(port), 0);
    end();
}

int main(void)
{
    RUN(each_message_once);
    RUN(few_that_are_new_among_many_cost_little);
    RUN(without_a_book_all_comes_each_time);
    RUN(what_was_taken_is_deleted);
    RUN(and_what_an_earlier_run_has_not_come_to_delete);
    RUN(without_a_book_what_was_taken_is_deleted_too);
    RUN(the_newest_first);
    RUN(limits);
    RUN(headers_alone);
    RUN(headers_of_a_server_that_gives_none);
    RUN(what_is_not_wanted_is_asked_about_again);
    RUN(a_stop_ends_everything);
    RUN(a_bad_message_blocks_no_other);
    RUN(nor_does_one_without_end);
    RUN(a_connection_that_breaks_is_made_again);
    RUN(one_that_breaks_again_and_again_gets_there);
    RUN(without_a_book_nothing_comes_twice_either);
    RUN(one_that_always_breaks_is_given_up);
    RUN(without_uidl_the_header_tells);
    RUN(without_top_either_there_is_no_book);
    RUN(ids_that_messages_share);
    RUN(ids_whose_blanks_change);
    RUN(two_at_once_on_one_account);
    RUN(a_book_of_the_hosts_own);
    RUN(a_book_of_the_hosts_own_tells_shared_ids_apart);
    RUN(books_that_are_none);
    RUN(arguments);
    return check_result();
}

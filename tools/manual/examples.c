/* The examples of the manual pages. Each stands below a comment with the functions and types on whose pages it is shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pop3connect.h"

/* pop3_connect, pop3_disconnect, pop3_sts_cb */
static void print_status(const char *status)
{
    puts(status);
}

int print_session(void)
{
    pop3_sts_cb sts_cb = print_status;
    int32_t socket = pop3_connect("pop.example.com", "alice", "secret", sts_cb, POP3_TLS, 1 /* verify */);
    if (socket < 0)
        return socket;
    return pop3_disconnect(socket, sts_cb);
}

/* pop3_message_count */
void print_count(int32_t socket)
{
    int32_t count = pop3_message_count(socket, NULL);
    if (count >= 0)
        printf("%d messages\n", (int)count);
    else
        printf("error %d: %s\n", (int)count, pop3_get_last_error());
}

/* pop3_mailbox, pop3_mailbox_size */
void print_size(int32_t socket)
{
    pop3_mailbox_size size;
    if (pop3_mailbox(socket, &size, NULL) == POP3_OK)
        printf("%d messages, %lld octets\n", (int)size.count, (long long)size.size);
}

/* pop3_list_messages, pop3_list_free, pop3_list, pop3_message_info */
void print_list(int32_t socket)
{
    pop3_list list;
    if (pop3_list_messages(socket, 0 /* all */, &list, NULL) != POP3_OK)
        return;
    for (size_t i = 0; i < list.count; i++) {
        const pop3_message_info *message = &list.items[i];
        printf("%d: %lld octets\n", (int)message->number, (long long)message->size);
    }
    pop3_list_free(&list);
}

/* pop3_unique_ids, pop3_uid_list_free, pop3_uid_list, pop3_uid */
void print_unique_ids(int32_t socket)
{
    pop3_uid_list ids;
    if (pop3_unique_ids(socket, 0 /* all */, &ids, NULL) != POP3_OK)
        return;
    for (size_t i = 0; i < ids.count; i++) {
        const pop3_uid *id = &ids.items[i];
        printf("%d: %s\n", (int)id->number, id->uid);
    }
    pop3_uid_list_free(&ids);
}

/* pop3_delete_message, pop3_undo_deletes */
int32_t delete_both(int32_t socket, int32_t one, int32_t other)
{
    int32_t result = pop3_delete_message(socket, one, NULL);
    if (result == POP3_OK)
        result = pop3_delete_message(socket, other, NULL);
    if (result != POP3_OK)
        pop3_undo_deletes(socket, NULL); /* both or neither */
    return result;
}

/* pop3_delete_messages */
int32_t delete_first(int32_t socket)
{
    const int32_t numbers[] = {1, 2, 3};
    int32_t result = pop3_delete_messages(socket, numbers, 3, NULL);
    if (result == POP3_ERR_SERVER) /* the others are marked all the same */
        printf("not all are marked: %s\n", pop3_get_last_error());
    return result;
}

/* pop3_recv_uid, pop3_delete_uid */
int32_t print_and_delete(int32_t socket, const char *uid)
{
    pop3_buffer message;
    int32_t result = pop3_recv_uid(socket, uid, &message, NULL);
    if (result != POP3_OK)
        return result; /* POP3_ERR_SERVER: gone, or the id of several messages */
    fwrite(message.data, 1, message.len, stdout);
    pop3_buffer_free(&message);
    return pop3_delete_uid(socket, uid, NULL);
}

/* pop3_noop */
int32_t keep_alive(int32_t socket)
{
    /* every few minutes: servers end sessions that are idle for ten (RFC 1939) */
    return pop3_noop(socket, NULL);
}

/* pop3_capabilities */
int has_uidl(int32_t socket)
{
    pop3_buffer lines;
    if (pop3_capabilities(socket, &lines, NULL) != POP3_OK)
        return 0;
    int found = strncmp(lines.data, "UIDL\n", 5) == 0 || strstr(lines.data, "\nUIDL\n") != NULL;
    pop3_buffer_free(&lines);
    return found;
}

/* pop3_get_tls_info, pop3_tls_info_free, pop3_tls_info */
void print_tls(int32_t socket)
{
    pop3_tls_info info;
    if (pop3_get_tls_info(socket, &info) != POP3_OK)
        return;
    printf("%s, %s, %s\n", info.version, info.cipher, info.verified ? "verified" : "not verified");
    pop3_tls_info_free(&info);
}

/* pop3_cancel */
/* In another thread than that of the call, which then answers POP3_ERR_CANCELLED. */
void on_cancel_button(int32_t socket)
{
    pop3_cancel(socket);
}

/* pop3_recv_headers, pop3_recv_top */
void print_beginning(int32_t socket, int32_t number, int32_t lines)
{
    pop3_buffer beginning;
    int32_t result = lines == 0 ? pop3_recv_headers(socket, number, &beginning, NULL)
                                : pop3_recv_top(socket, number, lines, &beginning, NULL);
    if (result == POP3_ERR_UNSUPPORTED)
        puts("the server has no TOP");
    if (result == POP3_OK)
        fwrite(beginning.data, 1, beginning.len, stdout);
    pop3_buffer_free(&beginning); /* takes one that was not filled, too */
}

/* pop3_recv_message, pop3_buffer, pop3_buffer_free */
int32_t print_message(int32_t socket, int32_t number)
{
    pop3_buffer message;
    int32_t result = pop3_recv_message(socket, number, &message, NULL);
    if (result != POP3_OK)
        return result;
    fwrite(message.data, 1, message.len, stdout);
    pop3_buffer_free(&message);
    return POP3_OK;
}

/* pop3_recv_message_to, pop3_data_cb */
static int32_t write_piece(const char *data, size_t len, void *context)
{
    return fwrite(data, 1, len, context) != len; /* non-zero ends the call, and the session */
}

int32_t save_message(int32_t socket, int32_t number, FILE *file)
{
    pop3_data_cb data_cb = write_piece;
    return pop3_recv_message_to(socket, number, data_cb, file, NULL);
}

/* pop3_recv_tops */
static int32_t print_piece(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)context;
    if (last == POP3_ERR_UNSUPPORTED)
        return 1; /* the server has no TOP: that ends the call, and the session */
    return len > 0 && fwrite(data, 1, len, stdout) != len;
}

int32_t print_headers(int32_t socket, const int32_t *numbers, size_t count)
{
    return pop3_recv_tops(socket, numbers, count, 0 /* no line of the body */, print_piece, NULL, NULL);
}

/* pop3_recv_messages, pop3_message_cb */
static int32_t count_octets(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)data;
    if (last < 0)
        printf("message %d was refused: %s\n", (int)number, pop3_error_text(last));
    *(size_t *)context += len;
    return 0;
}

size_t octets_of_first(int32_t socket)
{
    const int32_t numbers[] = {1, 2, 3};
    size_t octets = 0;
    pop3_message_cb message_cb = count_octets;
    if (pop3_recv_messages(socket, numbers, 3, message_cb, &octets, NULL) < 0)
        return 0;
    return octets;
}

/* pop3_stat */
void print_waiting(void)
{
    int32_t count = pop3_stat("pop.example.com", "alice", "secret", NULL, POP3_TLS, 1 /* verify */);
    if (count >= 0)
        printf("%d messages wait\n", (int)count);
}

/* pop3_recv */
static int32_t append(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number;
    return last >= 0 && len > 0 && fwrite(data, 1, len, context) != len;
}

int32_t fetch_all(FILE *file)
{
    return pop3_recv("pop.example.com", "alice", "secret", append, file, 1 /* delete */, NULL, 0 /* all */, POP3_TLS,
                     1 /* verify */);
}

/* pop3_stat_with, pop3_recv_with */
static int32_t discard(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    (void)number, (void)data, (void)len, (void)last, (void)context;
    return 0;
}

int32_t empty_mailbox(const pop3_options *options)
{
    int32_t count = pop3_stat_with(options);
    if (count <= 0)
        return count;
    return pop3_recv_with(options, discard, NULL, 1 /* delete */, 0 /* all */);
}

/* pop3_options_new, pop3_options_free, pop3_connect_with, pop3_options, pop3_options_set_server,
 * pop3_options_set_secure, pop3_options_set_user, pop3_options_set_password */
int32_t connect_by_options(void)
{
    pop3_options *options = pop3_options_new();
    pop3_options_set_server(options, "pop.example.com");
    pop3_options_set_secure(options, POP3_TLS);
    pop3_options_set_user(options, "alice");
    pop3_options_set_password(options, "secret");
    int32_t socket = pop3_connect_with(options); /* answers POP3_ERR_PARAMETER if a setter was refused */
    pop3_options_free(options);
    return socket;
}

/* pop3_options_set_timeouts */
void wait_less(pop3_options *options)
{
    /* 10 s for each step of connecting, 30 s for each reply, 5 minutes for a whole call */
    pop3_options_set_timeouts(options, 10 * 1000, 30 * 1000, 5 * 60 * 1000);
}

/* pop3_options_set_family, pop3_options_set_source_address */
void use_ipv4(pop3_options *options)
{
    pop3_options_set_family(options, POP3_FAMILY_IPV4);
    pop3_options_set_source_address(options, "192.0.2.17");
}

/* pop3_options_set_proxy */
void use_proxy(pop3_options *options)
{
    if (pop3_options_set_proxy(options, "socks5://joe:passphrase@proxy.example.com:1080") != POP3_OK)
        puts(pop3_get_last_error());
}

/* pop3_options_set_oauth_token, pop3_options_set_mechanism */
void use_oauth(pop3_options *options, const char *token)
{
    pop3_options_set_oauth_token(options, token);
    pop3_options_set_mechanism(options, "OAUTHBEARER"); /* else XOAUTH2 or this, as the server lists them */
}

/* pop3_options_set_authzid */
void open_shared_mailbox(pop3_options *options)
{
    pop3_options_set_user(options, "alice");
    pop3_options_set_password(options, "secret");
    pop3_options_set_authzid(options, "office"); /* alice's password, the mailbox of office */
}

/* pop3_options_set_clear_password */
void never_send_in_the_clear(pop3_options *options)
{
    pop3_options_set_secure(options, POP3_CLEAR);
    pop3_options_set_clear_password(options, 0); /* SCRAM or CRAM-MD5, or no log-in */
}

/* pop3_options_set_ca_file, pop3_options_set_platform_trust, pop3_options_set_verify */
void trust_own_authority(pop3_options *options)
{
    pop3_options_set_verify(options, 1); /* the default */
    pop3_options_set_ca_file(options, "/etc/mail/ca.pem");
    pop3_options_set_platform_trust(options, 0);
}

/* pop3_options_set_secure_dir */
void trust_folder(pop3_options *options)
{
    pop3_options_set_secure_dir(options, "/etc/mail/secure"); /* every file in /etc/mail/secure/cacerts */
}

/* pop3_options_set_fingerprint */
void pin_certificate(pop3_options *options)
{
    /* as printed by: openssl x509 -noout -fingerprint -sha256 */
    pop3_options_set_fingerprint(options, "E7:B0:12:8B:A5:3B:5E:0D:9B:44:5E:0A:3F:3C:0C:35:"
                                          "44:0A:3C:91:0F:57:0D:C7:6A:61:72:1D:22:5B:26:0F");
}

/* pop3_options_set_client_cert */
void show_client_certificate(pop3_options *options)
{
    pop3_options_set_client_cert(options, "/etc/mail/alice.pem", "/etc/mail/alice.key");
    pop3_options_set_mechanism(options, "EXTERNAL"); /* if it says who logs in */
}

/* pop3_options_set_client_pkcs12 */
void show_client_pkcs12(pop3_options *options, const char *passphrase)
{
    pop3_options_set_client_pkcs12(options, "/etc/mail/alice.p12", passphrase);
}

/* pop3_options_set_tls_min */
void require_tls_1_3(pop3_options *options)
{
    pop3_options_set_tls_min(options, POP3_TLS_1_3);
}

/* pop3_options_set_tls_name */
void connect_by_address(pop3_options *options)
{
    pop3_options_set_server(options, "192.0.2.25:995");
    pop3_options_set_tls_name(options, "pop.example.com"); /* for SNI, and what the certificate must name */
}

/* pop3_options_set_status_cb */
static void log_status(const char *status, void *context)
{
    fprintf(context, "pop3: %s\n", status);
}

void log_to(pop3_options *options, FILE *log)
{
    pop3_options_set_status_cb(options, log_status, log);
}

/* pop3_options_set_error_cb */
static void log_error(const char *message, int32_t code, const char *command, void *context)
{
    fprintf(context, "%s: error %d: %s\n", command, (int)code, message);
}

void log_errors_to(pop3_options *options, FILE *log)
{
    pop3_options_set_error_cb(options, log_error, log);
}

/* pop3_options_set_progress_cb */
static int32_t show_progress(int64_t done, int64_t total, void *context)
{
    if (total > 0)
        printf("%d %%\n", (int)(100 * done / total));
    return *(const volatile int *)context; /* non-zero ends the call, and the session */
}

void watch(pop3_options *options, volatile int *stop)
{
    pop3_options_set_progress_cb(options, show_progress, (void *)stop);
}

/* pop3_options_set_utf8, pop3_options_set_language */
void speak_german(pop3_options *options)
{
    pop3_options_set_utf8(options, 1);
    pop3_options_set_language(options, "de");
}

/* pop3_options_set_pipelining, pop3_options_set_capabilities */
void be_gentle(pop3_options *options)
{
    pop3_options_set_pipelining(options, 0);   /* for servers that lose commands */
    pop3_options_set_capabilities(options, 0); /* for servers that break at CAPA */
}

/* pop3_options_set_max_message */
void limit_memory(pop3_options *options)
{
    pop3_options_set_max_message(options, 50 * 1000 * 1000);
}

/* pop3_forget */
void on_account_changed(void)
{
    pop3_forget("pop.example.com"); /* or pop3_forget(NULL), for all servers */
}

/* pop3_arrival */
int32_t print_what_is_new(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    FILE *out = context;
    if (last < 0)
        fprintf(stderr, "%s did not arrive: %s\n", arrival->uid, pop3_error_text(last));
    else if (len > 0)
        fwrite(data, 1, len, out);
    return ferror(out); /* when this is 0 to the last piece, the message counts as taken */
}

/* pop3_collect, pop3_outcome */
int32_t collect(const pop3_options *options, const pop3_job *job)
{
    pop3_outcome outcome;
    int32_t result = pop3_collect(options, job, &outcome);
    printf("%d taken, %d deleted, %d left, %d failed\n", (int)outcome.taken, (int)outcome.deleted, (int)outcome.left,
           (int)outcome.failed);
    return result;
}

/* pop3_job, pop3_job_new, pop3_job_free, pop3_job_set_message_cb, pop3_collect_cb */
void take_all(const pop3_options *options, pop3_collect_cb take, void *context)
{
    pop3_job *job = pop3_job_new();
    pop3_job_set_message_cb(job, take, context);
    collect(options, job);
    pop3_job_free(job);
}

/* pop3_job_set_book, pop3_job_set_delete */
void keep_for_two_weeks(pop3_job *job)
{
    pop3_job_set_book(job, "/home/alice/.mail/taken.sqlite");
    pop3_job_set_delete(job, 14); /* 0: as soon as it is taken; -1: never */
}

/* pop3_job_set_book_cb, pop3_book_cb */
void use_my_database(pop3_job *job, pop3_book_cb has_row, pop3_book_cb insert_row, void *database)
{
    pop3_job_set_book_cb(job, has_row, insert_row, database);
}

/* pop3_job_set_order, pop3_job_set_limits */
void take_the_newest(pop3_job *job)
{
    pop3_job_set_order(job, 1);
    pop3_job_set_limits(job, 50, 20 * 1000 * 1000, 0); /* 50 messages, none of more than 20 MB */
}

/* pop3_job_set_lines */
void take_headers(pop3_job *job)
{
    pop3_job_set_lines(job, 0);
}

/* pop3_job_set_wanted_cb, pop3_wanted_cb */
int32_t is_small(const pop3_arrival *arrival, void *context)
{
    (void)context;
    return arrival->size < 1000 * 1000; /* larger ones another time */
}
void take_small_ones(pop3_job *job)
{
    pop3_wanted_cb wanted = is_small;
    pop3_job_set_wanted_cb(job, wanted, NULL);
}

/* pop3_loop_new, pop3_loop_stat, pop3_loop_run, pop3_loop_free, pop3_loop, pop3_done_cb */
static void print_mailbox(int32_t call, int32_t result, void *context)
{
    (void)call;
    if (result >= 0)
        printf("%s: %d messages\n", (const char *)context, (int)result);
    else
        printf("%s: error %d: %s\n", (const char *)context, (int)result, pop3_get_last_error());
}

void ask_all(char **servers, size_t count, pop3_options *options)
{
    pop3_loop *loop = pop3_loop_new();
    pop3_done_cb done = print_mailbox;
    for (size_t i = 0; i < count; i++) {
        pop3_options_set_server(options, servers[i]);
        if (pop3_loop_stat(loop, options, done, servers[i]) < 0) /* does not wait, and copies the options */
            printf("%s: %s\n", servers[i], pop3_get_last_error());
    }
    while (pop3_loop_run(loop, -1) > 0)
        ;
    pop3_loop_free(loop);
}

/* pop3_loop_recv */
int32_t fetch_with_others(pop3_loop *loop, const pop3_options *options, pop3_done_cb done, FILE *file)
{
    return pop3_loop_recv(loop, options, append, 1 /* delete */, 0 /* all */, done, file);
}

/* pop3_loop_collect */
struct run {
    pop3_outcome outcome; /* until `print_run` is called */
};

static void print_run(int32_t call, int32_t result, void *context)
{
    struct run *run = context;
    (void)call;
    printf("%d taken, %d failed: %s\n", (int)run->outcome.taken, (int)run->outcome.failed, pop3_error_text(result));
    free(run);
}

void collect_with_others(pop3_loop *loop, const pop3_options *options, const pop3_job *job)
{
    struct run *run = malloc(sizeof *run);
    if (run != NULL && pop3_loop_collect(loop, options, job, &run->outcome, print_run, run) < 0)
        free(run);
}

/* pop3_loop_cancel */
void give_up(pop3_loop *loop, int32_t call)
{
    pop3_loop_cancel(loop, call); /* its done callback is called in the next pop3_loop_run */
}

/* pop3_loop_fd, pop3_loop_timeout */
int32_t run_with_input(pop3_loop *loop, int32_t (*wait_for)(int32_t fd, int32_t timeout_ms))
{
    /* poll(2), or whatever the host waits in for all that it does */
    wait_for(pop3_loop_fd(loop), pop3_loop_timeout(loop));
    return pop3_loop_run(loop, 0); /* also where it was the time that has come */
}

/* pop3_loop_wake */
void on_quit(pop3_loop *loop, volatile int *quit)
{
    *quit = 1; /* in another thread than that of the loop, which looks at it when pop3_loop_run returns */
    pop3_loop_wake(loop);
}

/* pop3_loop_set_limits */
void be_many(pop3_loop *loop)
{
    pop3_loop_set_limits(loop, 5000, 50); /* at once, and to servers of the same name */
}

/* pop3_error_text, pop3_get_last_error, pop3_get_secure_error */
void print_error(int32_t code)
{
    printf("%s: %s\n", pop3_error_text(code), pop3_get_last_error());
    if (code == POP3_ERR_SECURE)
        printf("TLS: %s\n", pop3_get_secure_error());
}

/* pop3_set_error_cb, pop3_error_cb */
static void on_error(const char *message, int32_t code, const char *command)
{
    fprintf(stderr, "%s: error %d: %s\n", command, (int)code, message);
}

void log_all_errors(int on)
{
    pop3_error_cb cb = on ? on_error : NULL;
    pop3_set_error_cb(cb);
}

/* pop3_set_comms_timeout, pop3_set_secure_dir */
int configure(void)
{
    return pop3_set_comms_timeout(20) == POP3_OK && pop3_set_secure_dir("/etc/mail/secure") == POP3_OK;
}

/* pop3_version */
int is_new_enough(void)
{
    int major = 0, minor = 0;
    sscanf(pop3_version(), "%d.%d", &major, &minor);
    return major == POP3_VERSION_MAJOR && minor >= POP3_VERSION_MINOR;
}

/* pop3_split, pop3_mail_free, pop3_mail, pop3_field, pop3_part */
int32_t print_parts(const pop3_buffer *message)
{
    pop3_mail mail;
    int32_t result = pop3_split(message->data, message->len, &mail);
    if (result != POP3_OK)
        return result;
    for (size_t i = 0; i < mail.field_count; i++) {
        const pop3_field *field = &mail.fields[i];
        printf("%s: %s\n", field->name, field->value);
    }
    for (size_t i = 0; i < mail.part_count; i++) {
        const pop3_part *part = &mail.parts[i];
        printf("%*s%s/%s %s (%zu bytes)\n", (int)part->level * 2, "", part->content_type, part->content_subtype,
               part->file_name, part->data_len);
        if (part->text != NULL)
            fwrite(part->text, 1, part->text_len, stdout);
    }
    pop3_mail_free(&mail);
    return POP3_OK;
}

/*
 * Asks many mailboxes how many messages wait, all at once on one thread.
 *
 *   many SECONDS FILE
 *
 * SECONDS is how long each may take. FILE has one account a line: SERVER[:PORT] SECURE USER PASSWORD, where SECURE is 0
 * (in the clear), 1 (TLS) or 2 (STARTTLS), and the password is the rest of the line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pop3connect.h"

struct account {
    struct account *next;
    char server[256];
    char user[256];
};

static int failures;

static void print_count(int32_t call, int32_t result, void *context)
{
    const struct account *account = context;
    (void)call;
    if (result >= 0)
        printf("%s at %s: %d messages\n", account->user, account->server, (int)result);
    else
        printf("%s at %s: error %d: %s\n", account->user, account->server, (int)result, pop3_get_last_error());
    failures += result < 0;
}

/* Has the loop ask that account. */
static void ask(pop3_loop *loop, pop3_options *options, struct account *account, int32_t secure, const char *password)
{
    pop3_options_set_server(options, account->server);
    pop3_options_set_user(options, account->user);
    pop3_options_set_password(options, password);
    pop3_options_set_secure(options, secure);
    int32_t call = pop3_loop_stat(loop, options, print_count, account);
    if (call < 0)
        print_count(call, call, account); /* it has not begun */
}

/* Has the loop ask all accounts of a file, and links them. */
static struct account *ask_all(pop3_loop *loop, int seconds, FILE *file)
{
    struct account *all = NULL;
    char line[1024], password[512];
    pop3_options *options = pop3_options_new();
    pop3_options_set_timeouts(options, 0, 0, seconds * 1000);
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        int secure;
        struct account *account = malloc(sizeof *account);
        if (account == NULL)
            abort();
        account->next = all;
        all = account;
        if (sscanf(line, "%255s %d %255s %511[^\r\n]", account->server, &secure, account->user, password) == 4) {
            ask(loop, options, account, secure, password);
        } else {
            printf("line %d is no account\n", number);
            failures++;
        }
    }
    pop3_options_free(options);
    return all;
}

int main(int count, char **arguments)
{
    FILE *file = count == 3 ? fopen(arguments[2], "r") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: %s SECONDS FILE; a line of it: SERVER[:PORT] SECURE USER PASSWORD\n", arguments[0]);
        return 2;
    }
    pop3_loop *loop = pop3_loop_new();
    struct account *all = ask_all(loop, atoi(arguments[1]), file);
    fclose(file);
    int32_t left;
    do {
        left = pop3_loop_run(loop, -1);
    } while (left > 0);
    pop3_loop_free(loop);
    while (all != NULL) {
        struct account *next = all->next;
        free(all);
        all = next;
    }
    return failures == 0 && left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

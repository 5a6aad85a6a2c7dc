/*
 * One session in each mode while memory is refused: each block in turn, and all from each one on. The argument says
 * which of these is tried, for each takes long: in_the_clear, under_tls, with_stls, long_password, or
 * log_ins for all else.
 *
 * A session may come through, since what is small is taken from what the library has set aside. Otherwise a call says
 * that there is no memory, and the host goes on.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "allocations.h"
#include "calls.h"
#include "check.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"

enum { TIMEOUT_MS = 20000, KEPT_BYTES = 256 * 1024, LONGEST_PASSWORD = 64 * 1024 };

static int ports[3];

static void log_status(const char *status, void *lines)
{
    CHECK(strlen(status) > 0);
    ++*(int *)lines;
}

/* A session of that mode, by name and with status lines, for which the certificates are read anew. */
static pop3_options *session_options(int secure)
{
    static int name_of_folder, lines;
    char server[32];
    snprintf(server, sizeof server, "localhost:%d", ports[secure]);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, server), 0);
    CHECK_INT(pop3_options_set_status_cb(options, log_status, &lines), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, secure), 0);
    CHECK_INT(pop3_options_set_secure_dir(options, secure_folder(name_of_folder++)), 0);
    CHECK_INT(pop3_options_set_platform_trust(options, 0), 0);
    CHECK_INT(pop3_options_set_timeouts(options, TIMEOUT_MS, TIMEOUT_MS, 0), 0);
    return options;
}

/* How many blocks a session asks for. */
static long hold_session(int secure, long first, int lasting, int codes[CALLS])
{
    pop3_options *options = session_options(secure);
    allocations_begin(first, lasting);
    make_calls(options, codes);
    long asked = allocations_end();
    pop3_options_free(options);
    pop3_forget(NULL);
    return asked;
}

/* Of one block that OpenSSL missed it often says that TLS failed for another reason. */
static int says_why(int code)
{
    return code == POP3_ERR_OUT_OF_MEMORY || code == POP3_ERR_SECURE;
}

/*
 * Whether the same trouble loses memory again and again, compared each time that all names of the folder were used. A
 * thread that looks up a name may still have some when it is not waited for any more, so once is not enough.
 */
static int is_losing(int secure, long first, int lasting)
{
    enum { ROUNDS = 4, LEAST_LOSS = 50 };
    int codes[CALLS], losing_rounds = 0;
    for (int round = 0; round < ROUNDS; round++) {
        size_t used = mallinfo2().uordblks;
        for (int i = 0; i < SECURE_FOLDER_NAMES; i++)
            hold_session(secure, first, lasting, codes);
        losing_rounds += mallinfo2().uordblks > used + SECURE_FOLDER_NAMES * LEAST_LOSS;
    }
    return losing_rounds == ROUNDS;
}

static void sweep(int secure, int lasting)
{
    int codes[CALLS], unharmed = 0, unconnected = 0, unexplained = 0, lost = 0;
    /* until the library keeps as many authorities as it ever does, and OpenSSL and libc what they do */
    for (int i = 0; i < 200; i++)
        hold_session(secure, 0, 0, codes);
    long count = hold_session(secure, 0, 0, codes);
    CHECK_INT(first_failed(codes), CALLS);
    CHECK(count > 50);
    int descriptors = open_descriptors();
    size_t used = mallinfo2().uordblks;
    for (long first = 1; first <= count; first++) {
        hold_session(secure, first, lasting, codes);
        lost += first % 500 == 7 && is_losing(secure, first, lasting);
        int failed = first_failed(codes);
        unharmed += failed == CALLS;
        unconnected += failed == CONNECT;
        unexplained += failed < CALLS && codes[failed] != POP3_ERR_OUT_OF_MEMORY;
        if (failed < CALLS && !CHECK(lasting ? codes[failed] == POP3_ERR_OUT_OF_MEMORY : says_why(codes[failed])))
            printf("secure %d, block %ld of %ld%s: call %d answers %d\n", secure, first, count,
                   lasting ? " and all later ones" : "", failed, codes[failed]);
    }
    printf("secure %d, %s: %ld blocks, %d sessions unharmed, %d no connection, %d explained by OpenSSL otherwise\n", secure,
           lasting ? "from each on" : "each alone", count, unharmed, unconnected, unexplained);
    CHECK_INT(open_descriptors(), descriptors);
    CHECK_INT(lost, 0);
    CHECK((long long)mallinfo2().uordblks - (long long)used < KEPT_BYTES);
    /* the host has memory again */
    hold_session(secure, 0, 0, codes);
    CHECK_INT(first_failed(codes), CALLS);
}

static void each_alone_in_the_clear(void)
{
    sweep(0, 0);
}

static void each_alone_under_tls(void)
{
    sweep(1, 0);
}

static void each_alone_with_stls(void)
{
    sweep(2, 0);
}

static void none_from_each_on_in_the_clear(void)
{
    sweep(0, 1);
}

static void none_from_each_on_under_tls(void)
{
    sweep(1, 1);
}

static void none_from_each_on_with_stls(void)
{
    sweep(2, 1);
}

/* A log-in that is tried again and again, and what it answers where memory sufficed: 0 for a socket. */
struct log_in {
    int secure;
    const char *mechanism, *password;
    int result;
};

/* Logs in with each block refused alone, or every step-th; any other result is a failed check. Returns how many times. */
static long log_in_each(const struct log_in *log_in, int step)
{
    long count = 1, connects = 0;
    for (long first = 0; first <= count; first += step) {
        pop3_options *options = session_options(log_in->secure);
        CHECK_INT(pop3_options_set_mechanism(options, log_in->mechanism), 0);
        CHECK_INT(pop3_options_set_password(options, log_in->password), 0);
        allocations_begin(first, 0);
        int socket = pop3_connect_with(options);
        long asked = allocations_end();
        if (first == 0)
            CHECK((count = asked) > 20);
        if (socket > 0)
            CHECK_INT(pop3_disconnect(socket, NULL), 0);
        int result = socket > 0 ? 0 : socket;
        if (!CHECK(result == log_in->result || (first > 0 && says_why(result))))
            printf("%s, block %ld of %ld: %d: %s\n", log_in->mechanism, first, count, socket, pop3_get_last_error());
        pop3_options_free(options);
        pop3_forget(NULL);
        connects++;
    }
    return connects;
}

static void an_impostor_is_never_believed(void)
{
    const char *const impostors[] = {"tls=implicit record=yes cert=untrusted", "tls=implicit record=yes cert=self-signed",
                                     "tls=implicit record=yes cert=other-client", "tls=implicit record=yes cert=expired"};
    long connects = 0;
    int honest = ports[1];
    for (size_t i = 0; i < sizeof impostors / sizeof *impostors; i++) {
        ports[1] = server_mailbox(impostors[i]);
        connects += log_in_each(&(struct log_in){1, "auto", PASS, POP3_ERR_SECURE}, 3);
        CHECK_STR(server_received(ports[1]), "");
    }
    ports[1] = honest;
    printf("%ld connects to impostors\n", connects);
}

static void log_ins(void)
{
    const struct {
        struct log_in log_in;
        /* deriving the key takes thousands of blocks, all for the same */
        int step;
    } rows[] = {{{0, "USER", PASS, 0}, 1},
                {{0, "PLAIN", PASS, 0}, 1},
                {{0, "SCRAM-SHA-256", PASS, 0}, 31},
                {{1, "SCRAM-SHA-1-PLUS", PASS, 0}, 31}};
    const int plain = ports[0], tls = ports[1];
    ports[0] = server_mailbox("sasl=PLAIN,SCRAM-SHA-256");
    ports[1] = server_mailbox("tls=implicit sasl=SCRAM-SHA-1-PLUS");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("%s: %ld connects\n", rows[i].log_in.mechanism, log_in_each(&rows[i].log_in, rows[i].step));
    ports[0] = plain;
    ports[1] = tls;
}

/*
 * The longest password, and what is made of it, is too large for what the library has set aside: of such blocks each
 * alone is refused, and each with all later ones. The server takes no line that long, so every call fails.
 */
static void log_ins_with_the_longest_password(void)
{
    static char password[LONGEST_PASSWORD + 1];
    memset(password, 'x', LONGEST_PASSWORD);
    const struct {
        const char *mechanism;
        /* without so many blocks, which mask what the server says, only that is not shown: of each alone, of each on */
        long needless[2];
    } rows[] = {{"USER", {10, 0}}, {"PLAIN", {10, 0}}, {"SCRAM-SHA-256", {21, 11}}};
    const int plain = ports[0];
    ports[0] = server_mailbox("sasl=PLAIN,SCRAM-SHA-256");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int lasting = 0; lasting < 2; lasting++) {
            long count = 1, out_of_memory = 0;
            for (long first = 0; first <= count; first++) {
                pop3_options *options = session_options(0);
                CHECK_INT(pop3_options_set_mechanism(options, rows[i].mechanism), 0);
                allocations_begin_large(first, lasting, LONGEST_PASSWORD / 2);
                int set = pop3_options_set_password(options, password);
                int socket = pop3_connect_with(options);
                long asked = allocations_end();
                if (first == 0)
                    CHECK((count = asked) > 1);
                CHECK(set == 0 || (first > 0 && set == POP3_ERR_OUT_OF_MEMORY));
                CHECK(socket < 0);
                out_of_memory += set == POP3_ERR_OUT_OF_MEMORY || socket == POP3_ERR_OUT_OF_MEMORY;
                pop3_options_free(options);
                pop3_forget(NULL);
            }
            printf("%s, %s: %ld large blocks\n", rows[i].mechanism, lasting ? "from each on" : "each alone", count);
            CHECK_INT(out_of_memory, count - rows[i].needless[lasting]);
        }
    ports[0] = plain;
}

/* Not refused block by block, but used up. */
static void a_process_that_has_used_up_its_memory(void)
{
    struct block {
        struct block *next;
    } *blocks = NULL;
    struct rlimit before, tight;
    int codes[3], again[CALLS];
    getrlimit(RLIMIT_AS, &before);
    tight = before;
    tight.rlim_cur = ((rlim_t)virtual_kib() << 10) + (16 << 20);
    pop3_options *options[3];
    for (int secure = 0; secure < 3; secure++)
        options[secure] = session_options(secure);
    setrlimit(RLIMIT_AS, &tight);
    for (size_t size = 1 << 20; size >= sizeof *blocks; size /= 2)
        for (struct block *block; (block = malloc(size)) != NULL; blocks = block)
            block->next = blocks;
    for (int secure = 0; secure < 3; secure++)
        codes[secure] = pop3_connect_with(options[secure]);
    while (blocks != NULL) {
        struct block *block = blocks;
        blocks = block->next;
        free(block);
    }
    setrlimit(RLIMIT_AS, &before);
    for (int secure = 0; secure < 3; secure++) {
        CHECK_INT(codes[secure], POP3_ERR_OUT_OF_MEMORY);
        pop3_options_free(options[secure]);
        hold_session(secure, 0, 0, again);
        CHECK_INT(first_failed(again), CALLS);
    }
}

int main(int argc, char **argv)
{
    const char *part = argc == 2 ? argv[1] : "";
    const char *options[] = {CALLS_MAILBOX, CALLS_MAILBOX " tls=implicit", CALLS_MAILBOX " tls=stls"};
    for (int secure = 0; secure < 3; secure++)
        ports[secure] = server_mailbox(options[secure]);
    if (strcmp(part, "in_the_clear") == 0) {
        RUN(each_alone_in_the_clear);
        RUN(none_from_each_on_in_the_clear);
    } else if (strcmp(part, "under_tls") == 0) {
        RUN(each_alone_under_tls);
        RUN(none_from_each_on_under_tls);
    } else if (strcmp(part, "with_stls") == 0) {
        RUN(each_alone_with_stls);
        RUN(none_from_each_on_with_stls);
    } else if (strcmp(part, "log_ins") == 0) {
        RUN(an_impostor_is_never_believed);
        RUN(log_ins);
        RUN(a_process_that_has_used_up_its_memory);
    } else if (strcmp(part, "long_password") == 0) {
        RUN(log_ins_with_the_longest_password);
    }
    /* without a case that is run this is a failure */
    return check_result();
}

/* That no secret is left in the memory of the process once the log-in is decided, whichever way. */
#define _GNU_SOURCE /* explicit_bzero, memmem */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "real_server.h"
#include "remains.h"
#include "script.h"
#include "server.h"

/*
 * The test says its secrets from string literals, which lie where nobody can write, and copies none of them; nor has it
 * the test server expect them, since what it tells the server passes through its memory.
 */

/* Those of the accounts in dovecot.sh, of the second one as it is typed and as SASLprep makes it. */
#define PASSWORD "q7Vd-Kr2m.Xw9Tz+Lb4hNc8Yf3Gj"
#define TYPED \
    "\xef\xac\x81" "9Ko\xcc\x88" "3z\xc2\xadQ\xc3\xbc" "8\xe2\x85\xa3we\xcc\x81" "5T\xc2\xa0n\xcc\x83" "2PsHx6Db"
#define PREPARED "fi9K\xc3\xb6" "3zQ\xc3\xbc" "8IVw\xc3\xa9" "5T \xc3\xb1" "2PsHx6Db"
/* Those of nobody, likewise. */
#define WRONG "Hd6-yG1n+Rp5v.Mk9s=Ba3w"
#define WRONG_TYPED \
    "\xef\xac\x82" "4Vu\xcc\x88" "1b\xc2\xadX\xc3\xb6" "7\xe2\x85\xa3ka\xcc\x81" "6R\xc2\xa0Jm9Zt"
#define WRONG_PREPARED "fl4V\xc3\xbc" "1bX\xc3\xb6" "7IVk\xc3\xa1" "6R Jm9Zt"
#define TOKEN "ya29.Jm4Tq8WsE2rUx6Zb0NcLv5o"
/* What is refused before anything is sent. */
#define REFUSED "Uf8+Lc2q-Tj7z.Ei4m"
/* What opens client.p12 and client-long.p12. */
#define PKCS12 "p12 pass"
#define PKCS12_LONG "Wn5j.Qe8u+Zs3k-Pv6x"

/* What SCRAM makes of PASSWORD by SHA-1, and of TYPED by SHA-256, with the salt that Dovecot has of the accounts. */
#define SALTED_1 "\x5a\xa0\xd4\x9d\x20\x55\x99\x3e\x93\x7a\xc0\xd3\x9b\xfa\xbc\xee\x54\x96\x8b\xf2"
#define CLIENT_KEY_1 "\x3d\xf8\x05\xdf\x6e\xc5\x1e\xd4\x14\xb0\x82\xcb\x9b\xa5\x0b\x22\x0c\xae\xec\x3a"
#define SERVER_KEY_1 "\x70\xc4\x1c\x6f\x66\x17\x6d\x03\x5d\xb2\x33\x19\xa3\x2c\x3b\x0e\xaa\x49\xbb\xec"
#define SALTED_256 \
    "\x30\x30\xdf\xcc\x3c\xa6\x5b\xe8\xa8\x7e\xbf\x26\x62\x8c\xbb\x52" \
    "\xba\x9c\x56\x94\x41\xd4\xec\xda\x31\x80\xd3\x0b\x18\x2c\xc8\xc7"
#define CLIENT_KEY_256 \
    "\x2a\x8e\xc0\xbd\x19\x3c\x4f\x0b\x43\x85\xe0\xb7\x76\x4d\xef\x6a" \
    "\xf0\x3f\xcc\xb6\x66\xcd\x58\x1d\xa0\x05\x2f\x1c\xa6\x20\xc9\xc6"
#define SERVER_KEY_256 \
    "\x3c\xaf\xc7\xed\xbc\x7a\xa1\x01\xb6\x2c\xe0\x94\xb3\x4b\x86\x21" \
    "\xcd\x37\xe8\x9a\x08\xe2\xf0\xbb\x87\xdd\x8f\xb7\xca\xf4\x4d\xc1"

#define LOOK_FOR(secret) remains_of(#secret, secret, sizeof secret - 1)

static void look_for_all(void)
{
    LOOK_FOR(PASSWORD);
    LOOK_FOR(TYPED);
    LOOK_FOR(PREPARED);
    LOOK_FOR(WRONG);
    LOOK_FOR(WRONG_TYPED);
    LOOK_FOR(WRONG_PREPARED);
    LOOK_FOR(TOKEN);
    LOOK_FOR(REFUSED);
    LOOK_FOR(PKCS12);
    LOOK_FOR(PKCS12_LONG);
    LOOK_FOR(SALTED_1);
    LOOK_FOR(CLIENT_KEY_1);
    LOOK_FOR(SERVER_KEY_1);
    LOOK_FOR(SALTED_256);
    LOOK_FOR(CLIENT_KEY_256);
    LOOK_FOR(SERVER_KEY_256);
}

/* Checks that nothing is left; `after` says of what. */
static void nothing_remains(const char *after)
{
    if (!CHECK_STR(remains(), ""))
        printf("after %s\n", after);
}

/* These run deep down the stack, so that what they leave there is not overwritten by what is called next. */

#define DEPTH (64 * 1024)

__attribute__((noinline)) static int connect_with(const pop3_options *options)
{
    volatile char depth[DEPTH];
    depth[0] = 0;
    int result = pop3_connect_with(options);
    return result + depth[0];
}

__attribute__((noinline)) static int connect_to(int port, const char *user, const char *pass, int secure)
{
    volatile char depth[DEPTH];
    depth[0] = 0;
    int result = pop3_connect(at(port), user, pass, log_status, secure, 0);
    return result + depth[0];
}

/* Whether the server takes more than the one connection of a transcript. */
static int takes_many;

static void note_result(int32_t call, int32_t result, void *context)
{
    (void)call;
    *(int32_t *)context = result;
}

/* Asks in a loop, whose helper threads go on; what it answers. */
__attribute__((noinline)) static int ask_by_loop(pop3_loop *loop, const pop3_options *options)
{
    volatile char depth[DEPTH];
    depth[0] = 0;
    int32_t result = -1;
    CHECK(pop3_loop_stat(loop, options, note_result, &result) > 0);
    while (pop3_loop_run(loop, -1) > 0)
        ;
    return result + depth[0];
}

/* Connects in that way and looks while the session is open, if it is, and when it has ended; 0 or the error. */
static int try(const char *mechanism, int port, int secure, const char *user, const char *pass, const char *token)
{
    char way[128];
    pop3_options *options = pop3_options_new();
    snprintf(way, sizeof way, "%s as %s, secure %d", mechanism, user, secure);
    CHECK_INT(pop3_options_set_server(options, at(port)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, user), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, pass), POP3_OK);
    CHECK_INT(pop3_options_set_oauth_token(options, token), POP3_OK);
    CHECK_INT(pop3_options_set_mechanism(options, mechanism), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, secure), POP3_OK);
    CHECK_INT(pop3_options_set_verify(options, 0), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    clear_log();
    int socket = connect_with(options);
    if (socket > 0 && takes_many) {
        pop3_loop *loop = pop3_loop_new();
        CHECK(ask_by_loop(loop, options) >= 0);
        pop3_options_free(options);
        nothing_remains("a call of a loop");
        pop3_loop_free(loop);
    } else {
        pop3_options_free(options);
    }
    nothing_remains(way);
    if (socket < 0)
        return socket;
    CHECK_INT(pop3_noop(socket, NULL), 0);
    int result = pop3_disconnect(socket, NULL);
    nothing_remains(way);
    return result;
}

/* The search itself */

/* Octet by octet, since greater parts could be kept in this function's caller. */
__attribute__((noinline)) static void plant(volatile char *place, const char *secret, size_t length)
{
    for (size_t i = 0; i < length; i++)
        place[i] = secret[i];
}

static void clear(char *place, size_t size)
{
    explicit_bzero(place, size);
    CHECK_STR(remains(), "");
}

__attribute__((noinline)) static void leave_on_the_stack(void)
{
    char depth[DEPTH];
    plant(depth, PASSWORD, sizeof PASSWORD);
}

static void *leave_on_a_stack(void *argument)
{
    pthread_barrier_t *barrier = argument;
    leave_on_the_stack();
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return NULL;
}

static void what_is_left_is_found(void)
{
    static char copy[64];
    CHECK_STR(remains(), "");
    plant(copy, PASSWORD, sizeof PASSWORD);
    CHECK_HAS(remains(), "PASSWORD as it is: ");
    clear(copy, sizeof copy);
    /* any eight octets of it, wherever they are */
    plant(copy + 1, &WRONG[8], 8);
    CHECK_HAS(remains(), "WRONG as it is: ");
    clear(copy, sizeof copy);
    /* PASSWORD alone, behind x, behind xx */
    const char *encoded[] = {"cTdWZC1LcjJtLlh3OVR6K0xiNGhOYzhZZjNHag==", "eHE3VmQtS3IybS5YdzlUeitMYjRoTmM4WWYzR2o=",
                             "eHhxN1ZkLUtyMm0uWHc5VHorTGI0aE5jOFlmM0dq"};
    for (int i = 0; i < 3; i++) {
        plant(copy, encoded[i], strlen(encoded[i]));
        CHECK_HAS(remains(), "PASSWORD in base64: ");
        clear(copy, sizeof copy);
    }
    plant(copy, "\0p\0001\0002\0 \0p", 10);
    CHECK_HAS(remains(), "PKCS12 in UTF-16BE: ");
    clear(copy, sizeof copy);

    char *heap = malloc(64);
    plant(heap, PASSWORD, sizeof PASSWORD);
    CHECK_STR(remains(), "PASSWORD as it is: [heap]\n");
    free(heap);
    CHECK_STR(remains(), "PASSWORD as it is: [heap]\n");
    heap = malloc(64);
    clear(heap, 64);
    free(heap);

    leave_on_the_stack();
    CHECK_STR(remains(), "PASSWORD as it is: [stack]\n");
    remains_forget_stack();
    CHECK_STR(remains(), "");

    pthread_t thread;
    pthread_barrier_t barrier;
    CHECK_INT(pthread_barrier_init(&barrier, NULL, 2), 0);
    CHECK_INT(pthread_create(&thread, NULL, leave_on_a_stack, &barrier), 0);
    pthread_barrier_wait(&barrier);
    CHECK_STR(remains(), "PASSWORD as it is: a mapping\n");
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    CHECK_STR(remains(), "");
}

/* With Dovecot */

static void every_mechanism(int port, int secure)
{
    const struct {
        const char *mechanism, *user, *right, *wrong;
    } rows[] = {
        {"USER", "bea", PASSWORD, WRONG},
        {"APOP", "bea", PASSWORD, WRONG},
        {"PLAIN", "bea", PASSWORD, WRONG},
        {"LOGIN", "bea", PASSWORD, WRONG},
        {"CRAM-MD5", "bea", PASSWORD, WRONG},
        {"SCRAM-SHA-1", "sha1", PASSWORD, WRONG_TYPED},
        {"SCRAM-SHA-256", "sha256", TYPED, sealed(TYPED, 30)},
        {"auto", "bea", PASSWORD, WRONG_TYPED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* what the greeting says before STLS, anybody can have said */
        int no_apop = secure == 2 && strcmp(rows[i].mechanism, "APOP") == 0;
        int right = try(rows[i].mechanism, port, secure, rows[i].user, rows[i].right, NULL);
        int wrong = try(rows[i].mechanism, port, secure, rows[i].user, rows[i].wrong, NULL);
        if (!CHECK_INT(right, no_apop ? POP3_ERR_UNSUPPORTED : 0)
            || !CHECK_INT(wrong, no_apop ? POP3_ERR_UNSUPPORTED : POP3_ERR_AUTH))
            printf("%s: %s\n", rows[i].mechanism, pop3_get_last_error());
    }
}

static void without_options(int port, int secure)
{
    int socket = connect_to(port, "bea", PASSWORD, secure);
    CHECK(socket > 0);
    nothing_remains("pop3_connect");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    nothing_remains("pop3_disconnect");
    CHECK_INT(connect_to(port, "bea", WRONG, secure), POP3_ERR_AUTH);
    nothing_remains("pop3_connect that was refused");
    CHECK_INT(pop3_stat(at(port), "bea", PASSWORD, log_status, secure, 0), 5);
    nothing_remains("pop3_stat");
}

struct connecting {
    int port;
    int secure;
    int socket;
    pthread_barrier_t barrier;
};

static void *connect_in_a_thread(void *argument)
{
    struct connecting *connecting = argument;
    connecting->socket = connect_to(connecting->port, "bea", PASSWORD, connecting->secure);
    pthread_barrier_wait(&connecting->barrier);
    pthread_barrier_wait(&connecting->barrier);
    return NULL;
}

/* Looks on the stack of a thread of the host's that goes on, too. */
static void in_another_thread(int port, int secure)
{
    pthread_t thread;
    struct connecting connecting = {.port = port, .secure = secure};
    CHECK_INT(pthread_barrier_init(&connecting.barrier, NULL, 2), 0);
    CHECK_INT(pthread_create(&thread, NULL, connect_in_a_thread, &connecting), 0);
    pthread_barrier_wait(&connecting.barrier);
    CHECK(connecting.socket > 0);
    nothing_remains("a connect in another thread");
    pthread_barrier_wait(&connecting.barrier);
    pthread_join(thread, NULL);
    CHECK_INT(pop3_disconnect(connecting.socket, NULL), 0);
    nothing_remains("a connect in a thread that has ended");
}

static void with_dovecot(void)
{
    static const struct real_server dovecot = {.name = "Dovecot", .script = "dovecot.sh"};
    setenv("DOVECOT_MECHANISMS", "plain login cram-md5 scram-sha-1 scram-sha-256 apop", 1);
    int port = real_server_begin(&dovecot);
    takes_many = 1;
    for (int secure = 0; secure <= 2; secure += 2) {
        every_mechanism(port, secure);
        without_options(port, secure);
        in_another_thread(port, secure);
    }
    takes_many = 0;
    real_server_end();
}

/* With transcripts, which expect no secret: any line will do. */

#define OFFERED(mechanism) \
    SEND("+OK <1896.697170952@mail.test>") EXPECT("CAPA") \
    "send \"+OK\\r\\nSASL " mechanism "\\r\\n.\\r\\n\"\nexpect-line\n"
/* of a mechanism for which nobody asks what is offered */
#define NOT_ASKED SEND("+OK <1896.697170952@mail.test>") "expect-line\n"
#define ASK_FOR_MORE SEND("+ ") "expect-line\n"
#define ASK_FOR_PASS SEND("+OK") "expect-line\n"
#define LET_IN \
    SEND("+OK") EXPECT("NOOP") SEND("+OK") EXPECT("QUIT") SEND("+OK") \
    "expect-eof\n"
#define REFUSE SEND("-ERR [AUTH] no") "expect-eof\n"

/* Both in the clear and under TLS. */
static void play(const char *mechanism, const char *transcript, const char *pass, const char *token, int expected)
{
    for (int secure = 0; secure <= 1; secure++) {
        int port = server_play(secure == 1 ? "tls=implicit" : "", transcript);
        CHECK_INT(try(mechanism, port, secure, "alice", pass, token), expected);
        CHECK_PLAYED(port);
    }
}

static void oauth(void)
{
    /* {"status":"401"} */
    static const char complaint[] = SEND("+ eyJzdGF0dXMiOiI0MDEifQ==") "expect-line\n";
    char transcript[1024];
    for (int i = 0; i < 2; i++) {
        const char *mechanism = i == 0 ? "XOAUTH2" : "OAUTHBEARER";
        const char *offered = i == 0 ? OFFERED("XOAUTH2") : OFFERED("OAUTHBEARER");
        snprintf(transcript, sizeof transcript, "%s" LET_IN, offered);
        play(mechanism, transcript, NULL, TOKEN, 0);
        snprintf(transcript, sizeof transcript, "%s%s" REFUSE, offered, complaint);
        play(mechanism, transcript, NULL, TOKEN, POP3_ERR_AUTH);
        CHECK_HAS(logged(), "S: + eyJzdGF0dXMiOiI0MDEifQ==\nC: ***\n");
        /* of many kilobytes, on a line of its own */
        snprintf(transcript, sizeof transcript, "%s" ASK_FOR_MORE LET_IN, offered);
        play(mechanism, transcript, NULL, sealed(TOKEN, 400), 0);
        snprintf(transcript, sizeof transcript, "%s" ASK_FOR_MORE "%s" REFUSE, offered, complaint);
        play(mechanism, transcript, NULL, sealed(TOKEN, 400), POP3_ERR_AUTH);
    }
}

static void apop(void)
{
    play("APOP", NOT_ASKED LET_IN, PASSWORD, NULL, 0);
    play("APOP", NOT_ASKED REFUSE, TYPED, NULL, POP3_ERR_AUTH);
}

static void long_passwords(void)
{
    const char *pass = sealed(PASSWORD, 400);
    play("USER", NOT_ASKED ASK_FOR_PASS LET_IN, pass, NULL, 0);
    play("PLAIN", OFFERED("PLAIN") ASK_FOR_MORE REFUSE, pass, NULL, POP3_ERR_AUTH);
    play("LOGIN", OFFERED("LOGIN") ASK_FOR_MORE ASK_FOR_MORE LET_IN, pass, NULL, 0);
    play("CRAM-MD5", OFFERED("CRAM-MD5") SEND("+ PDFAYj4=") "expect-line\n" REFUSE, pass, NULL, POP3_ERR_AUTH);
}

static void log_ins_that_are_broken_off(void)
{
    play("USER", NOT_ASKED ASK_FOR_PASS "cut", PASSWORD, NULL, POP3_ERR_CONNECTION_LOST);
    play("USER", NOT_ASKED ASK_FOR_PASS SEND("nonsense") "expect-eof", PASSWORD, NULL,
         POP3_ERR_BAD_FORMAT);
    play("PLAIN", OFFERED("PLAIN") "reset", PASSWORD, NULL, POP3_ERR_CONNECTION_LOST);
    play("LOGIN", OFFERED("LOGIN") ASK_FOR_MORE ASK_FOR_MORE SEND("+ ") EXPECT("*") "expect-eof",
         PASSWORD, NULL, POP3_ERR_BAD_FORMAT);
    /* nothing of it was said, since the mechanism is not offered */
    play("SCRAM-SHA-256", SEND("+OK") EXPECT("CAPA") SEND("-ERR") "expect-eof", TYPED, NULL,
         POP3_ERR_UNSUPPORTED);
}

static void where_the_name_is_looked_up(void)
{
    int port = server_play("", OFFERED("PLAIN") LET_IN);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at_host("pop.test", port)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASSWORD), POP3_OK);
    int socket = connect_with(options);
    pop3_options_free(options);
    CHECK(socket > 0);
    nothing_remains("a connect with a look-up");
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(port);
}

/* Through a proxy that is told of its user's password, in an URL that ends with this: what came of it, and what is left. */
static void by_a_proxy(const char *scheme, const char *password, int times, const char *transcript, int expected)
{
    char before[32], after[32];
    int port = server_play("", transcript);
    snprintf(before, sizeof before, "%s://joe:", scheme);
    snprintf(after, sizeof after, "@%s", at(port));
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, "pop.test"), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASSWORD), POP3_OK);
    CHECK_INT(pop3_options_set_proxy(options, sealed_between(before, password, times, after)), POP3_OK);
    int socket = connect_with(options);
    pop3_options_free(options);
    nothing_remains(scheme);
    CHECK_INT(socket < 0 ? socket : 0, expected);
    if (socket > 0) {
        CHECK_INT(pop3_noop(socket, NULL), 0);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    nothing_remains(scheme);
    CHECK_PLAYED(port);
}

#define SOCKS_ASKS "expect \"\\x05\\x02\\x00\\x02\"\nsend \"\\x05\\x02\"\n"
#define LOGGED_IN_BY_PASS SEND("+OK") "expect-line\n" SEND("-ERR") "expect-line\n" ASK_FOR_PASS LET_IN

static void passwords_of_proxies(void)
{
    /* the head of a request has four lines */
    const char *head = "expect-line\nexpect-line\nexpect-line\nexpect-line\n";
    char transcript[1024];
    for (int times = 1; times <= 400; times += 399) {
        snprintf(transcript, sizeof transcript, "%ssend \"HTTP/1.1 200 OK\\r\\n\\r\\n\"\n" LOGGED_IN_BY_PASS, head);
        by_a_proxy("http", WRONG, times, transcript, 0);
        snprintf(transcript, sizeof transcript, "%ssend \"HTTP/1.1 407 No\\r\\n\\r\\n\"\nexpect-eof\n", head);
        by_a_proxy("http", WRONG, times, transcript, POP3_ERR_CONNECT);
        snprintf(transcript, sizeof transcript, "%scut", head);
        by_a_proxy("http", WRONG, times, transcript, POP3_ERR_CONNECT);
    }
    /* which answers before it is asked, so that nobody need wait for what has no end of a line */
    by_a_proxy("socks5", WRONG, 1,
               SOCKS_ASKS "send \"\\x01\\x00\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x30\\x39\"\n" LOGGED_IN_BY_PASS, 0);
    by_a_proxy("socks5", WRONG, 1, SOCKS_ASKS "send \"\\x01\\x01\"\nhold\n", POP3_ERR_CONNECT);
}

/* A server that repeats what is said with PASS. */
static void repeat(int connection, const char *answer)
{
    char line[1024];
    FILE *from = fdopen(connection, "r");
    for (dprintf(connection, "+OK\r\n"); fgets(line, sizeof line, from) != NULL;) {
        if (strncmp(line, "PASS ", 5) == 0)
            dprintf(connection, "%s %s", answer, line);
        else
            dprintf(connection, "%s\r\n", strncmp(line, "CAPA", 4) == 0 ? "-ERR" : "+OK");
    }
}

static void what_the_server_repeats(void)
{
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof name;
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(listener, (struct sockaddr *)&name, size) != 0 || listen(listener, 1) != 0
            || getsockname(listener, (struct sockaddr *)&name, &size) != 0)
            check_fatal("no free port");
        /* in a process of its own, whose memory is not looked through */
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            repeat(accept(listener, NULL, NULL), i == 0 ? "+OK" : "-ERR");
            _exit(0);
        }
        close(listener);
        CHECK_INT(try("USER", ntohs(name.sin_port), 0, "alice", PASSWORD, NULL), i == 0 ? 0 : POP3_ERR_AUTH);
        CHECK_HAS(logged(), i == 0 ? "S: +OK PASS ***" : "S: -ERR PASS ***");
        waitpid(child, NULL, 0);
    }
}

/* What is set */

static void options_wipe_what_they_held(void)
{
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_password(options, PASSWORD), POP3_OK);
    CHECK_STR(remains(), "PASSWORD as it is: [heap]\n");
    CHECK_INT(pop3_options_set_password(options, WRONG), POP3_OK);
    CHECK_STR(remains(), "WRONG as it is: [heap]\n");
    CHECK_INT(pop3_options_set_password(options, NULL), POP3_OK);
    nothing_remains("a password that is none");
    CHECK_INT(pop3_options_set_password(options, REFUSED "\r" REFUSED), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_oauth_token(options, REFUSED "\n" REFUSED), POP3_ERR_PARAMETER);
    nothing_remains("a password with a line end");
    CHECK_INT(pop3_options_set_oauth_token(options, TOKEN), POP3_OK);
    CHECK_STR(remains(), "TOKEN as it is: [heap]\n");
    CHECK_INT(pop3_options_set_oauth_token(options, WRONG), POP3_OK);
    CHECK_STR(remains(), "WRONG as it is: [heap]\n");
    CHECK_INT(pop3_options_set_password(options, sealed(PASSWORD, 400)), POP3_OK);
    CHECK_INT(pop3_options_set_client_pkcs12(options, "/nonexistent", PKCS12_LONG), POP3_OK);
    CHECK_INT(pop3_options_set_client_pkcs12(options, "/nonexistent", WRONG_TYPED), POP3_OK);
    CHECK_INT(pop3_options_set_client_pkcs12(options, "/nonexistent", REFUSED "\xff" REFUSED), POP3_ERR_PARAMETER);
    pop3_options_free(options);
    nothing_remains("pop3_options_free");
}

static void connects_that_come_to_nothing(void)
{
    CHECK_INT(connect_to(1, "alice", REFUSED "\r\n" REFUSED, 0), POP3_ERR_PARAMETER);
    CHECK_INT(connect_to(1, "alice\r\n", REFUSED, 0), POP3_ERR_PARAMETER);
    CHECK_INT(connect_to(1, "alice", REFUSED, 3), POP3_ERR_PARAMETER);
    CHECK_INT(connect_to(0, "alice", REFUSED, 0), POP3_ERR_NO_ADDRESS);
    nothing_remains("what was refused");
    CHECK_INT(connect_to(server_refuse(), "alice", REFUSED, 0), POP3_ERR_CONNECT);
    CHECK_INT(connect_to(server_play("", SEND("nonsense")), "alice", REFUSED, 0), POP3_ERR_BAD_FORMAT);
    CHECK_INT(connect_to(server_play("", SEND("-ERR")), "alice", REFUSED, 1), POP3_ERR_SECURE);
    nothing_remains("what came to nothing");
}

/* Its derivation of keys (RFC 7292, appendix B) frees a copy in UTF-16BE without wiping it, in memory of its own. */
static void nothing_remains_but_of_openssl(const char *after)
{
    char rest[4096];
    snprintf(rest, sizeof rest, "%s", remains());
    for (char *line = strtok(rest, "\n"); line != NULL; line = strtok(NULL, "\n"))
        if (!CHECK_HAS(line, " in UTF-16BE: [heap]"))
            printf("after %s\n", after);
}

static void passwords_of_pkcs12(void)
{
    const struct {
        const char *file, *password;
        int result;
    } rows[] = {
        {"client.p12", PKCS12, 0},
        {"client-long.p12", PKCS12_LONG, 0},
        {"client-long.p12", WRONG, POP3_ERR_SECURE},
        {"client-long.p12", TYPED, POP3_ERR_SECURE},
        {"client-purpose.pem", WRONG, POP3_ERR_SECURE},
    };
    int port = server_mailbox("tls=implicit client-cert=required");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pop3_options *options = pop3_options_new();
        CHECK_INT(pop3_options_set_server(options, at(port)), POP3_OK);
        CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
        CHECK_INT(pop3_options_set_password(options, "s3cret pass"), POP3_OK);
        CHECK_INT(pop3_options_set_secure(options, 1), POP3_OK);
        CHECK_INT(pop3_options_set_verify(options, 0), POP3_OK);
        CHECK_INT(pop3_options_set_client_pkcs12(options, in(server_dir(), rows[i].file), rows[i].password), POP3_OK);
        int socket = connect_with(options);
        pop3_options_free(options);
        nothing_remains_but_of_openssl(rows[i].file);
        if (!CHECK_INT(socket < 0 ? socket : 0, rows[i].result))
            printf("%s: %s\n", rows[i].file, pop3_get_last_error());
        if (socket > 0)
            CHECK_INT(pop3_disconnect(socket, NULL), 0);
        nothing_remains_but_of_openssl(rows[i].file);
    }
}

/*
 * The key of a client's certificate, from a file that is longer than what the allocator wipes. The file is mapped to be
 * looked for, where nobody can write. What begins it is the same in every key, and public.
 */
static void the_key_of_a_client(void)
{
    enum { COMMENTS = 200, PUBLIC = 64, LENGTH = 24 };
    char folder[] = "/tmp/pop3connect-key.XXXXXX", command[9000];
    struct stat status;
    if (mkdtemp(folder) == NULL)
        check_fatal("no temporary folder");
    snprintf(command, sizeof command, "(for i in $(seq %d); do echo '# a line of no interest'; done; cat '%s') >'%s/key'",
             COMMENTS, in(server_dir(), "client-purpose.key"), folder);
    CHECK_INT(system(command), 0);
    int file = open(in(folder, "key"), O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0 || status.st_size < 4200)
        check_fatal("no key");
    const char *key = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    const char *begin = key == MAP_FAILED ? NULL : memmem(key, (size_t)status.st_size, "KEY-----\n", 9);
    if (begin == NULL)
        check_fatal("no key in %s", folder);
    /* the second line, after the rest of the first one and its end */
    remains_of("KEY", begin + 9 + PUBLIC + 1, LENGTH);
    for (int good = 0; good <= 1; good++) {
        pop3_options *options = pop3_options_new();
        CHECK_INT(pop3_options_set_server(options, at(server_mailbox("tls=implicit client-cert=required"))), POP3_OK);
        CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
        CHECK_INT(pop3_options_set_password(options, "s3cret pass"), POP3_OK);
        CHECK_INT(pop3_options_set_secure(options, 1), POP3_OK);
        CHECK_INT(pop3_options_set_verify(options, 0), POP3_OK);
        CHECK_INT(pop3_options_set_client_cert(options, in(server_dir(), good ? "client-purpose.pem" : "good.pem"),
                                               in(folder, "key")), POP3_OK);
        int socket = connect_with(options);
        pop3_options_free(options);
        nothing_remains("a client's key was read");
        if (good)
            CHECK(socket > 0 && pop3_disconnect(socket, NULL) == 0);
        else
            CHECK_INT(socket, POP3_ERR_SECURE);
    }
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    CHECK_INT(system(command), 0);
}

/*
 * A function that is bound when it is first called has the loader save all registers on the stack, where what a library
 * copied last may be in them. So all are to be bound at the start.
 */
static void have_all_functions_bound(char **argv)
{
    if (getenv("LD_BIND_NOW") == NULL) {
        setenv("LD_BIND_NOW", "1", 1);
        execv("/proc/self/exe", argv);
        check_fatal("cannot start anew");
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    have_all_functions_bound(argv);
    name_is("pop.test", "127.0.0.1");
    server_dir();
    look_for_all();
    RUN(what_is_left_is_found);
    RUN(with_dovecot);
    RUN(oauth);
    RUN(apop);
    RUN(long_passwords);
    RUN(log_ins_that_are_broken_off);
    RUN(where_the_name_is_looked_up);
    RUN(passwords_of_proxies);
    RUN(what_the_server_repeats);
    RUN(options_wipe_what_they_held);
    RUN(connects_that_come_to_nothing);
    RUN(passwords_of_pkcs12);
    RUN(the_key_of_a_client);
    return check_result();
}

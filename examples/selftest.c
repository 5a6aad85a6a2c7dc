/*
 * Checks the library on this very machine, with a server of yours, and prints a report.
 *
 *   POP3_PASS=password selftest SERVER[:PORT] USER [NAME=VALUE…]
 *
 *   secure=1            1 (TLS, the default) or 2 (STARTTLS)
 *   ca=FILE             CA certificates to trust, where the server's is not one that the platform knows
 *   cert=FILE key=FILE  a client certificate in PEM and its key, where the server asks for one
 *   p12=FILE            one in PKCS #12, opened by the environment's P12_PASS
 *
 * It is for what a platform's own TLS library does, and what can be seen on a machine with that platform alone: versions,
 * resumption, channel binding, refusals and their texts, the platform's trust store, client certificates, timeouts,
 * cancelling. Deletes nothing, and reads no message. Each line begins with
 *
 *   ok    as it must be
 *   BAD   not as it must be
 *   note  depends on the server: for you to judge
 *
 * Ends with 0 where no line is BAD.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, nanosleep */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pop3connect.h"

/* ---- What the platform has ---- */

/* A thread that cancels a session after a while, and when it did, in milliseconds. */
struct canceller {
    int32_t socket;
    long long when;
};

#define DELAY 500 /* milliseconds */

#ifdef _WIN32
#include <windows.h>

static long long now(void)
{
    return (long long)GetTickCount64();
}

static DWORD WINAPI cancel_later(void *argument)
{
    struct canceller *canceller = argument;
    Sleep(DELAY);
    canceller->when = now();
    pop3_cancel(canceller->socket);
    return 0;
}

typedef HANDLE thread;

static int begin_thread(thread *begun, struct canceller *canceller)
{
    *begun = CreateThread(NULL, 0, cancel_later, canceller, 0, NULL);
    return *begun != NULL;
}

static void end_thread(thread begun)
{
    WaitForSingleObject(begun, INFINITE);
    CloseHandle(begun);
}
#else
#include <pthread.h>
#include <time.h>

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static void *cancel_later(void *argument)
{
    struct canceller *canceller = argument;
    nanosleep(&(struct timespec){.tv_nsec = DELAY * 1000000L}, NULL);
    canceller->when = now();
    pop3_cancel(canceller->socket);
    return NULL;
}

typedef pthread_t thread;

static int begin_thread(thread *begun, struct canceller *canceller)
{
    return pthread_create(begun, NULL, cancel_later, canceller) == 0;
}

static void end_thread(thread begun)
{
    pthread_join(begun, NULL);
}
#endif

#if defined _WIN32
#define PLATFORM "Windows, Schannel"
#elif defined __APPLE__
#define PLATFORM "macOS, Secure Transport"
#define NO_TLS_1_3 1 /* nor resumption across processes, nor tls-exporter */
#elif defined __linux__
#define PLATFORM "Linux, OpenSSL"
#else
#define PLATFORM "another Unix, OpenSSL"
#endif

/* ---- The report ---- */

enum verdict { OK, BAD, NOTE };
static int counts[3];

#ifdef __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
static void report(enum verdict verdict, const char *what, const char *format, ...)
{
    static const char *const words[] = {"ok  ", "BAD ", "note"};
    printf("%s  %s: ", words[verdict], what);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
    counts[verdict]++;
}

static void report_error(enum verdict verdict, const char *what, int32_t code)
{
    report(verdict, what, "error %d: %s", (int)code, pop3_get_last_error());
}

/* ---- Connecting ---- */

/* What the arguments say. */
static struct {
    const char *server, *user, *pass, *ca, *cert, *key, *p12, *p12_pass;
    int32_t secure;
} given = {.secure = POP3_TLS};

/* What a connection is to be beyond that. */
struct wish {
    int32_t tls_min;
    const char *tls_name, *fingerprint, *mechanism;
    const char *ca;  /* instead of the one that is given; nothing else is trusted then */
    int anybody;     /* no verifying */
    int in_clear;    /* no TLS, though the server expects it */
    int no_client;   /* no client certificate */
    int with_p12;    /* the client certificate in PKCS #12 rather than the one in PEM */
    int32_t timeout; /* milliseconds */
    int32_t (*progress)(int64_t done, int64_t total, void *context);
    void *context;
};

/* A socket, or the error of the first setter that fails, or of connecting. */
static int32_t connect_as(struct wish wish)
{
    pop3_options *options = pop3_options_new();
    if (options == NULL)
        return POP3_ERR_OUT_OF_MEMORY;
    int32_t result = pop3_options_set_server(options, given.server);
    const char *ca = wish.ca != NULL ? wish.ca : given.ca;
#define SET(call)                                                                                                      \
    if (result == POP3_OK)                                                                                             \
    result = call
    SET(pop3_options_set_user(options, given.user));
    SET(pop3_options_set_password(options, given.pass));
    SET(pop3_options_set_secure(options, wish.in_clear ? POP3_CLEAR : given.secure));
    SET(pop3_options_set_verify(options, !wish.anybody));
    if (ca != NULL) {
        SET(pop3_options_set_ca_file(options, ca));
    }
    SET(pop3_options_set_platform_trust(options, wish.ca == NULL));
    if (wish.tls_min != 0) {
        SET(pop3_options_set_tls_min(options, wish.tls_min));
    }
    SET(pop3_options_set_tls_name(options, wish.tls_name));
    SET(pop3_options_set_fingerprint(options, wish.fingerprint));
    SET(pop3_options_set_mechanism(options, wish.mechanism));
    if (wish.timeout != 0) {
        SET(pop3_options_set_timeouts(options, wish.timeout, wish.timeout, wish.timeout));
    }
    SET(pop3_options_set_progress_cb(options, wish.progress, wish.context));
    if (!wish.no_client && !wish.with_p12 && given.cert != NULL) {
        SET(pop3_options_set_client_cert(options, given.cert, given.key));
    }
    if (!wish.no_client && (wish.with_p12 || given.cert == NULL) && given.p12 != NULL) {
        SET(pop3_options_set_client_pkcs12(options, given.p12, given.p12_pass));
    }
    SET(pop3_connect_with(options));
#undef SET
    pop3_options_free(options);
    return result;
}

/* That such a connection is made: its facts, to be freed, or zeroed ones. */
static pop3_tls_info accepted(const char *what, struct wish wish)
{
    pop3_tls_info info = {0};
    int32_t socket = connect_as(wish);
    if (socket < 0) {
        report_error(BAD, what, socket);
        return info;
    }
    int32_t result = pop3_get_tls_info(socket, &info);
    if (result != POP3_OK)
        report_error(BAD, what, result);
    else
        report(OK, what, "%s, %s%s%s", info.version, info.cipher, info.verified ? ", verified" : "",
               info.resumed ? ", resumed" : "");
    result = pop3_disconnect(socket, NULL);
    if (result != POP3_OK)
        report_error(BAD, "closing", result);
    return info;
}

static void check_accepted(const char *what, struct wish wish)
{
    pop3_tls_info info = accepted(what, wish);
    pop3_tls_info_free(&info);
}

/* That such a connection is refused for that reason, in these words. */
static void refused(const char *what, struct wish wish, int32_t code, const char *words)
{
    int32_t socket = connect_as(wish);
    if (socket >= 0) {
        report(BAD, what, "the connection was made");
        pop3_disconnect(socket, NULL);
        return;
    }
    report_error(socket == code && strstr(pop3_get_last_error(), words) != NULL ? OK : BAD, what, socket);
}

/* ---- Who is believed ---- */

/* An authority that has issued nothing. */
static const char STRANGER[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBuzCCAWGgAwIBAgIUfr9JKdDbYuH3+ASxVixwUgwYtO0wCgYIKoZIzj0EAwIw\n"
    "MjEwMC4GA1UEAwwncG9wM2Nvbm5lY3Qgc2VsZnRlc3QsIHRydXN0ZWQgYnkgbm9i\n"
    "b2R5MCAXDTI2MTEyNjEwMjIwNVoYDzIxMjYxMTAyMTAyMjA1WjAyMTAwLgYDVQQD\n"
    "DCdwb3AzY29ubmVjdCBzZWxmdGVzdCwgdHJ1c3RlZCBieSBub2JvZHkwWTATBgcq\n"
    "hkjOPQIBBggqhkjOPQMBBwNCAASDdGWvXr9OS/pX84wmpj5TUI8K8vkwDzAyuF/+\n"
    "ucT2UbEYZTnZlh1u89xB+Xs5/rSxf2y4Um6k/XCAB4w1hwAeo1MwUTAdBgNVHQ4E\n"
    "FgQUmhZTZz2DeiF3fy6fBRbw/13CuYIwHwYDVR0jBBgwFoAUmhZTZz2DeiF3fy6f\n"
    "BRbw/13CuYIwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBKjXvS\n"
    "LB5NdvWM4Jg0MNilsg3y23AWXCFdNVWt0TvRAwIhAPY5pp4Hylh8ezY6yxDDEOTv\n"
    "cf+XaeCYY7FrOdBTeAiz\n"
    "-----END CERTIFICATE-----\n";

/* Whether the file is there now, in the folder where the program was started. */
static int write_ca_file(const char *path, const char *pem)
{
    FILE *file = fopen(path, "w");
    int written = file != NULL && fputs(pem, file) >= 0;
    if (file != NULL)
        written = fclose(file) == 0 && written;
    if (!written)
        report(BAD, "a file of CA certificates", "cannot write %s", path);
    return written;
}

static void check_trust(const char *peer_pem)
{
    /* two files, since what was read of one is kept */
    static const char stranger[] = "pop3connect-selftest-1.pem", own[] = "pop3connect-selftest-2.pem";
    if (write_ca_file(stranger, STRANGER))
        refused("another authority alone", (struct wish){.ca = stranger}, POP3_ERR_SECURE, "pop3_options_set_ca_file");
    if (write_ca_file(own, peer_pem))
        check_accepted("the server's own certificate alone as an authority", (struct wish){.ca = own});
    remove(stranger);
    remove(own);
    refused("another name", (struct wish){.tls_name = "selftest.invalid"}, POP3_ERR_SECURE, "hostname mismatch");
    refused("an address that is not in the certificate", (struct wish){.tls_name = "192.0.2.1"}, POP3_ERR_SECURE,
            "IP address mismatch");
    check_accepted("nobody verified", (struct wish){.anybody = 1});

    /* the error says which fingerprint would have done */
    static const char wrong[] = "0000000000000000000000000000000000000000000000000000000000000000";
    refused("another fingerprint", (struct wish){.fingerprint = wrong}, POP3_ERR_SECURE, "fingerprint is ");
    const char *shown = strstr(pop3_get_last_error(), "fingerprint is ");
    char right[sizeof wrong];
    if (shown != NULL && sscanf(shown, "fingerprint is %64[0-9a-f]", right) == 1)
        check_accepted("the fingerprint", (struct wish){.fingerprint = right, .tls_name = "selftest.invalid"});
}

/* ---- Versions, resumption, channel binding ---- */

static void check_versions(void)
{
#ifdef NO_TLS_1_3
    refused("TLS 1.3 alone", (struct wish){.tls_min = POP3_TLS_1_3}, POP3_ERR_UNSUPPORTED, "TLS 1.3");
#else
    int32_t socket = connect_as((struct wish){.tls_min = POP3_TLS_1_3});
    pop3_tls_info info = {0};
    if (socket < 0)
        report(NOTE, "TLS 1.3 alone", "does the server have it? Error %d: %s", (int)socket, pop3_get_last_error());
    else if (pop3_get_tls_info(socket, &info) == POP3_OK)
        report(strcmp(info.version, "TLSv1.3") == 0 ? OK : BAD, "TLS 1.3 alone", "%s, %s", info.version, info.cipher);
    pop3_tls_info_free(&info);
    if (socket >= 0)
        pop3_disconnect(socket, NULL);
#endif
}

static void check_resumption(void)
{
    pop3_forget(NULL);
    pop3_tls_info first = accepted("a full handshake", (struct wish){0});
    pop3_tls_info second = accepted("a handshake after it", (struct wish){0});
    if (first.version != NULL && second.version != NULL) {
        if (first.resumed)
            report(BAD, "resumption", "pop3_forget has forgotten nothing");
        else
            report(second.resumed ? OK : NOTE, "resumption", "%s",
                   second.resumed ? "the second session goes on with the first" : "does the server resume sessions?");
        if (!second.verified)
            report(BAD, "resumption", "the second session is not verified");
    }
    pop3_tls_info_free(&first);
    pop3_tls_info_free(&second);
}

static void check_mechanism(const char *mechanism)
{
    char what[64];
    snprintf(what, sizeof what, "log-in by %s", mechanism);
    int32_t socket = connect_as((struct wish){.mechanism = mechanism});
    pop3_tls_info info = {0};
    if (socket == POP3_ERR_UNSUPPORTED)
        report(NOTE, what, "the server does not offer it");
    else if (socket < 0)
        report_error(BAD, what, socket);
    else if (pop3_get_tls_info(socket, &info) == POP3_OK)
        report(OK, what, "%s", info.version);
    pop3_tls_info_free(&info);
    if (socket >= 0)
        pop3_disconnect(socket, NULL);
}

static void check_mechanisms(void)
{
    /* tls-exporter with TLS 1.3, tls-server-end-point below it */
    check_mechanism("SCRAM-SHA-256-PLUS");
    check_mechanism("SCRAM-SHA-1-PLUS");
    if (given.cert != NULL || given.p12 != NULL)
        check_mechanism("EXTERNAL");
}

/* ---- Client certificates ---- */

static void check_client_certificates(void)
{
    if (given.cert == NULL && given.p12 == NULL) {
        report(NOTE, "client certificate", "none was given");
        return;
    }
    int32_t socket = connect_as((struct wish){.no_client = 1});
    if (socket < 0) {
        report_error(OK, "without a client certificate", socket);
    } else {
        report(NOTE, "without a client certificate", "the server does without, so it may not have asked for one");
        pop3_disconnect(socket, NULL);
    }
    pop3_forget(NULL);
    if (given.cert != NULL)
        check_accepted("client certificate in PEM", (struct wish){0});
    pop3_forget(NULL);
    if (given.p12 != NULL)
        check_accepted("client certificate in PKCS #12", (struct wish){.with_p12 = 1});
}

/* ---- Waits ---- */

static int32_t stop_at_third(int64_t done, int64_t total, void *context)
{
    (void)done;
    (void)total;
    return ++*(int *)context == 3;
}

/* A server that expects TLS says nothing to a client that does not begin it. */
static void check_waits(void)
{
    if (given.secure != POP3_TLS) {
        report(NOTE, "timeout", "is checked with secure=1");
        return;
    }
    long long begin = now();
    int32_t code = connect_as((struct wish){.in_clear = 1, .timeout = 2000});
    long long took = now() - begin;
    if (code == POP3_ERR_TIMEOUT)
        report(took >= 1900 && took < 20000 ? OK : BAD, "timeout", "after %lld ms, of 2000", took);
    else
        report(NOTE, "timeout", "the server does not wait: error %d: %s", (int)code, pop3_get_last_error());
    int calls = 0;
    code = connect_as((struct wish){.in_clear = 1, .timeout = 20000, .progress = stop_at_third, .context = &calls});
    report(code == POP3_ERR_CANCELLED ? OK : BAD, "stopped by the progress callback", "error %d: %s", (int)code,
           pop3_get_last_error());
}

static void check_cancel(void)
{
    struct canceller canceller = {.socket = connect_as((struct wish){0})};
    thread begun;
    if (canceller.socket < 0 || !begin_thread(&begun, &canceller)) {
        report(BAD, "cancel", "%s", "no session, or no thread");
        return;
    }
    long long begin = now();
    int32_t code = POP3_OK;
    while (code == POP3_OK && now() - begin < 20000)
        code = pop3_noop(canceller.socket, NULL);
    long long end = now();
    end_thread(begun);
    report(code == POP3_ERR_CANCELLED && end - canceller.when < 2000 ? OK : BAD, "cancel from another thread",
           "error %d, %lld ms after it", (int)code, end - canceller.when);
    pop3_disconnect(canceller.socket, NULL);
}

/* ---- All of it ---- */

static int take_argument(const char *argument)
{
    static const struct {
        const char *name;
        const char **value;
    } names[] = {{"ca=", &given.ca}, {"cert=", &given.cert}, {"key=", &given.key}, {"p12=", &given.p12}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(argument, names[i].name, strlen(names[i].name)) == 0) {
            *names[i].value = argument + strlen(names[i].name);
            return 1;
        }
    return strncmp(argument, "secure=", 7) == 0 && ((given.secure = atoi(argument + 7)) == 1 || given.secure == 2);
}

int main(int count, char **arguments)
{
    given.pass = getenv("POP3_PASS");
    given.p12_pass = getenv("P12_PASS") != NULL ? getenv("P12_PASS") : "";
    int usable = count >= 3 && given.pass != NULL;
    for (int i = 3; i < count; i++)
        usable = take_argument(arguments[i]) && usable;
    if (!usable || (given.cert == NULL) != (given.key == NULL)) {
        fprintf(stderr, "usage: POP3_PASS=password %s SERVER[:PORT] USER [secure=1|2] [ca=FILE] [cert=FILE key=FILE]\n"
                        "       [p12=FILE], with the environment's P12_PASS\n",
                arguments[0]);
        return 2;
    }
    given.server = arguments[1];
    given.user = arguments[2];
    printf("libpop3connect %s, %d bits, %s\n", pop3_version(), (int)(8 * sizeof(void *)), PLATFORM);

    pop3_tls_info info = accepted(given.ca != NULL ? "by the CA certificates that were given" : "by the platform's store",
                                  (struct wish){0});
    if (info.version != NULL) {
        /* what follows takes a server that can be reached and logged in to */
        check_versions();
        check_resumption();
        check_mechanisms();
        check_trust(info.peer_pem);
        check_client_certificates();
        check_waits();
        check_cancel();
    }
    pop3_tls_info_free(&info);
    printf("%d ok, %d BAD, %d to note\n", counts[OK], counts[BAD], counts[NOTE]);
    return counts[BAD] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The examples, each run against the test server: what they print, what they write, how they end. */
#define _GNU_SOURCE /* setenv, mkdtemp, asprintf */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "address.h"
#include "check.h"
#include "companion.h"
#include "script.h"
#include "server.h"

static char folder[] = "/tmp/pop3-examples-XXXXXX";
/* What the last one printed, on both of its streams. */
static char printed[1 << 16];

/* Runs a command, which must end with that code. */
static void __attribute__((format(printf, 2, 3))) run(int code, const char *format, ...)
{
    char command[8192];
    va_list arguments;
    va_start(arguments, format);
    size_t length = (size_t)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (length >= sizeof command - 16)
        check_fatal("the command is too long");
    strcat(command, " 2>&1");
    FILE *output = popen(command, "r");
    if (output == NULL)
        check_fatal("cannot run %s", command);
    length = fread(printed, 1, sizeof printed - 1, output);
    printed[length] = '\0';
    int status = pclose(output);
    if (!CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, code))
        printf("%s\n%s", command, printed);
}

/* The file of that name in `folder`, which is removed then; good until the next call. */
static const char *contents(const char *name)
{
    static char text[1 << 16];
    FILE *file = fopen(in(folder, name), "rb");
    if (!CHECK(file != NULL))
        return "";
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    CHECK_INT(unlink(in(folder, name)), 0);
    return text;
}

/* How many files there are in `folder`, hidden ones too. */
static int files(void)
{
    DIR *all = opendir(folder);
    int count = 0;
    if (all == NULL)
        check_fatal("cannot read %s", folder);
    while (readdir(all) != NULL)
        count++;
    closedir(all);
    return count - 2; /* "." and ".." */
}

/* Has no file grow beyond 200 KiB for the command that follows, as if the disk were full. */
#define FULL_DISK "trap '' XFSZ; ulimit -f 400; exec "

static const char *local(int port)
{
    return at_host("localhost", port);
}

static void connect_c(void)
{
    run(0, EXAMPLES "/connect %s alice 2 1", local(server_mailbox("tls=stls messages=3")));
    CHECK_HAS(printed, "    C: STLS\n");
    CHECK_HAS(printed, "\n3 messages\n");
    CHECK_HAS(printed, "    C: QUIT\n");
    CHECK_HAS_NOT(printed, PASS);
    run(1, EXAMPLES "/connect %s bob", local(server_mailbox("")));
    CHECK_HAS(printed, "pop3_connect: error -2002: ");
    run(1, EXAMPLES "/connect %s alice 1 1", local(server_mailbox("tls=implicit cert=wrong-name")));
    CHECK_HAS(printed, "pop3_connect: error -1021: ");
    run(2, EXAMPLES "/connect");
    CHECK_HAS(printed, "usage: ");
}

static void collect_c(void)
{
    int mailbox = server_mailbox("tls=implicit messages=3 size=400");
    run(0, EXAMPLES "/collect %s alice %s/mail 1 1", local(mailbox), folder);
    CHECK_HAS(printed, "3 taken, 0 deleted, 0 left, 0 failed, 1200 octets\n");
    run(0, "cat %s/mail/new/*", folder);
    CHECK_HAS(printed, "\r\nSubject: Message 0000000001\r\n");
    CHECK_HAS(printed, "\r\nSubject: Message 0000000002\r\n");
    CHECK_HAS(printed, "\r\nSubject: Message 0000000003\r\n");
    CHECK_INT(strlen(printed), 1200);
    run(0, "ls %s/mail/tmp %s/mail/cur | wc -w", folder, folder);
    CHECK_STR(printed, "2\n"); /* the names of both */
    run(0, EXAMPLES "/collect %s alice %s/mail 1 1 0", local(mailbox), folder);
    CHECK_HAS(printed, "0 taken, 3 deleted, 0 left, 0 failed, 0 octets\n");
    run(0, "ls %s/mail/new | wc -l", folder);
    CHECK_STR(printed, "3\n");
    run(1, EXAMPLES "/collect %s alice %s/mail", local(server_refuse()), folder);
    CHECK_HAS(printed, "pop3_collect: error -10061: ");
    run(2, EXAMPLES "/collect");
    run(0, "rm -r %s/*", folder);
}

/* Nothing counts as taken that is not on the disk, and the system's own reason is told. */
static void collect_c_says_why_it_failed(void)
{
    int mailbox = server_mailbox("messages=3 size=400000");
    run(1, FULL_DISK EXAMPLES "/collect %s alice %s/full 0 0 0", local(mailbox), folder);
    CHECK_HAS(printed, ": File too large\n");
    CHECK_HAS(printed, "0 taken, 0 deleted, 3 left, 0 failed, 0 octets\n");
    run(0, "ls %s/full/new %s/full/tmp | wc -w", folder, folder);
    CHECK_STR(printed, "2\n");
    run(1, EXAMPLES "/collect %s alice %s/none/of/these 0 0", local(mailbox), folder);
    CHECK_HAS(printed, "/none/of/these: No such file or directory\n");
    run(0, EXAMPLES "/collect %s alice %s/full 0 0 0", local(mailbox), folder);
    CHECK_HAS(printed, "3 taken, 3 deleted, 0 left, 0 failed, 1200000 octets\n");
    /* one that is refused is told, and makes no file */
    run(1, EXAMPLES "/collect %s alice %s/bad 0 0", local(server_mailbox("messages=3 bad=2 how=refused")), folder);
    CHECK_HAS(printed, "message 2 (uid-2): the server refused the command\n");
    CHECK_HAS(printed, "2 taken, 0 deleted, 0 left, 1 failed, 4");
    run(0, "ls %s/bad/new | wc -l", folder);
    CHECK_STR(printed, "2\n");
    /* nor does one that is cut */
    run(1, EXAMPLES "/collect %s alice %s/cut 0 0", local(server_mailbox("messages=3 bad=2 how=cut")), folder);
    CHECK_HAS(printed, "2 taken, 0 deleted, 0 left, 1 failed, 4");
    run(0, "ls %s/cut/new %s/cut/tmp | wc -w", folder, folder);
    CHECK_STR(printed, "4\n");
    run(0, "rm -r %s/*", folder);
}

/* A terminal is written anew in place. */
static void collect_c_shows_its_progress(void)
{
    int mailbox = server_mailbox("messages=50");
    run(0, "script --quiet --return --command '" EXAMPLES "/collect %s alice %s/seen' /dev/null < /dev/null", local(mailbox), folder);
    CHECK_HAS(printed, "\r1 messages, ");
    CHECK_HAS(printed, "\r50 taken, ");
    run(0, "rm -r %s/*", folder);
}

/* Three headers: all there is to decode; no date, no name, no subject; what would give orders to a terminal. */
static const char three_headers[] =
    LOGGED_IN
    REPLY("LIST", "+OK\\r\\n1 900\\r\\n2 800\\r\\n3 700\\r\\n.\\r\\n")
    EXPECT("TOP 1 0")
    SEND("+OK")
    SEND("Date: Thu, 26 Nov 2026 09:05:00 +0100")
    SEND("From: =?UTF-8?Q?J=C3=B6rg_=E6=97=A5=E6=9C=AC?= <joerg@mail.test>")
    SEND("subject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?= =?UTF-8?B?w6TDtg==?=")
    SEND("") SEND(".")
    EXPECT("TOP 2 0")
    SEND("+OK") SEND("From: <someone@mail.test>") SEND("") SEND(".")
    EXPECT("TOP 3 0")
    SEND("+OK")
    SEND("From: \\\"Boss, The\\\" <boss@mail.test>")
    SEND("Date: Thu, 1 Jan 1970 00:00:01 +0000")
    SEND("Subject: =?UTF-8?Q?red=1B[31m=C2=9B1m=E2=80=AE!?=")
    SEND("") SEND(".")
    GOOD_BYE;

static void check_three_lines(void)
{
    CHECK_HAS(printed, "3 messages\n");
    CHECK_HAS(printed, "    1  2026-11-26 08:05  Jörg 日本                 日本äö\n");
    CHECK_HAS(printed, "    2                    someone@mail.test         (none)\n");
    CHECK_HAS(printed, "    3  1970-01-01 00:00  Boss, The                 red [31m 1m !\n");
    CHECK_HAS_NOT(printed, "\x1b");
}

static void inbox_cpp(void)
{
    run(0, EXAMPLES "/inbox %s alice 1", local(server_mailbox("tls=implicit messages=2 size=5000")));
    CHECK_STR(printed, "2 messages\n"
                       "    1                    sender@mail.test          Message 0000000001\n"
                       "    2                    sender@mail.test          Message 0000000002\n");
    int played = server_play("", three_headers);
    run(0, "TZ=UTC " EXAMPLES "/inbox %s alice", local(played));
    CHECK_PLAYED(played);
    check_three_lines();
    run(0, EXAMPLES "/inbox %s alice", local(server_mailbox("messages=1 top=no")));
    CHECK_HAS(printed, "    1                                              (");
    run(1, EXAMPLES "/inbox %s bob", local(server_mailbox("")));
    CHECK_HAS(printed, "error -2002: ");
    run(1, EXAMPLES "/inbox %s alice 3", local(server_mailbox("")));
    CHECK_HAS(printed, "error -501: ");
    run(2, EXAMPLES "/inbox");
    CHECK_HAS(printed, "usage: ");
}

static void save_py_lists(void)
{
    int played = server_play("", three_headers);
    run(0, "TZ=UTC PYTHONIOENCODING=utf-8 " SAVE " %s alice", local(played));
    CHECK_PLAYED(played);
    check_three_lines();
    run(0, SAVE " %s alice --secure=2", local(server_mailbox("tls=stls messages=2")));
    CHECK_HAS(printed, "\n2 messages\n");
    CHECK_HAS(printed, "\n    2                    sender@mail.test          Message 0000000002\n");
    run(0, SAVE " %s alice", local(server_mailbox("messages=1 top=no")));
    CHECK_HAS(printed, "\n    1                                              (");
}

static void save_py(void)
{
    run(0, SAVE " %s alice 2 %s --secure 2", local(server_mailbox("tls=stls size=30000")), in(folder, "2.eml"));
    CHECK_HAS(printed, "    C: STLS\n");
    CHECK_HAS(printed, "\n5 messages\n");
    CHECK_HAS(printed, "\nmessage 2: 30000 octets listed, 30000 saved\n");
    CHECK_HAS(printed, "    C: QUIT\n");
    CHECK_HAS_NOT(printed, PASS);
    const char *message = contents("2.eml");
    CHECK_INT(strlen(message), 30000);
    CHECK_HAS(message, "\r\nSubject: Message 0000000002\r\n");

    run(1, SAVE " %s bob 1 %s", local(server_mailbox("")), in(folder, "1.eml"));
    CHECK_HAS(printed, "error -2002: ");
    run(1, SAVE " %s alice 9 %s", local(server_mailbox("")), in(folder, "9.eml"));
    CHECK_HAS(printed, "error -2001: ");
    CHECK_HAS(printed, "    C: QUIT\n");
    run(1, SAVE " %s alice 1 %s", local(server_mailbox("messages=0")), in(folder, "1.eml"));
    CHECK_HAS(printed, "\n0 messages\n");
    CHECK_HAS(printed, "error -2001: ");
    CHECK_INT(files(), 0);
    /* the callback's failure stops the call, and is told */
    run(1, FULL_DISK SAVE " %s alice 1 %s", local(server_mailbox("size=300000")), in(folder, "1.eml"));
    CHECK_HAS(printed, "File too large");
    CHECK_INT(files(), 0);
    run(1, SAVE " %s alice 1 %s/none/1.eml", local(server_mailbox("")), folder);
    CHECK_HAS(printed, "No such file or directory");
    /* a name that is taken */
    run(0, "echo mine > %s", in(folder, "1.eml"));
    run(1, SAVE " %s alice 1 %s", local(server_mailbox("")), in(folder, "1.eml"));
    CHECK_HAS(printed, "File exists");
    CHECK_INT(files(), 1);
    CHECK_STR(contents("1.eml"), "mine\n");
    run(2, SAVE);
    CHECK_HAS(printed, "usage: ");
    run(2, SAVE " localhost alice 1");
    CHECK_HAS(printed, "which file?");
    run(2, "unset POP3_PASS; " SAVE " localhost alice");
    CHECK_HAS(printed, "POP3_PASS");
}

/* With a server that has all that it looks for, with one that has little, and with an impostor. */
static void selftest_c(void)
{
    int mailbox = server_mailbox("tls=implicit client-cert=required sasl=PLAIN,SCRAM-SHA-256-PLUS,SCRAM-SHA-1-PLUS");
    run(0, "cd %s && P12_PASS='p12 pass' " EXAMPLES "/selftest %s alice ca=%s cert=%s key=%s p12=%s", folder,
        local(mailbox), in(server_dir(), "ca.pem"), in(server_dir(), "client-purpose.pem"),
        in(server_dir(), "client-purpose.key"), in(server_dir(), "client.p12"));
    const char *lines[] = {"libpop3connect 1.", "ok    by the CA certificates that were given: TLSv1.3, ",
        "\nok    TLS 1.3 alone: ", "\nok    resumption: ", "\nok    log-in by SCRAM-SHA-256-PLUS: TLSv1.3\n",
        "\nok    another authority alone: error -1021: ", "\nok    the server's own certificate alone as an authority: ",
        "\nok    another name: error -1021: ", "\nok    the fingerprint: ", "\nok    without a client certificate: error ",
        "\nok    client certificate in PEM: ", "\nok    client certificate in PKCS #12: ", "\nok    timeout: after ",
        "\nok    stopped by the progress callback: ", "\nok    cancel from another thread: error -516, "};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK_HAS(printed, lines[i]);
    CHECK_HAS(printed, ", 0 BAD, ");
    CHECK_HAS_NOT(printed, PASS);
    CHECK_INT(files(), 0);

    run(0, "cd %s && " EXAMPLES "/selftest %s alice secure=2 ca=%s", folder,
        local(server_mailbox("tls=stls tls-max=1.2 tickets=refused")), in(server_dir(), "ca.pem"));
    CHECK_HAS(printed, "\nnote  TLS 1.3 alone: does the server have it? Error -1021: ");
    CHECK_HAS(printed, "\nnote  resumption: ");
    CHECK_HAS(printed, "\nnote  log-in by SCRAM-SHA-256-PLUS: the server does not offer it\n");
    CHECK_HAS(printed, "\nnote  client certificate: none was given\n");
    CHECK_HAS(printed, "\nnote  timeout: ");

    run(1, EXAMPLES "/selftest %s alice ca=%s", local(server_mailbox("tls=implicit cert=wrong-name")),
        in(server_dir(), "ca.pem"));
    CHECK_HAS(printed, "\nBAD   by the CA certificates that were given: error -1021: ");
    CHECK_HAS(printed, "\n0 ok, 1 BAD, 0 to note\n");
    run(2, EXAMPLES "/selftest localhost alice secure=3");
    CHECK_HAS(printed, "usage: ");
}

/* How often a text is in what was printed. */
static int times_printed(const char *text)
{
    int times = 0;
    for (const char *found = printed; (found = strstr(found, text)) != NULL; found += strlen(text))
        times++;
    return times;
}

/* In each loop of a host's own: many mailboxes over TLS, one that never answers, one that refuses, one with no name. */
static void check_loop(const char *program)
{
    char servers[1024] = "";
    int mailbox = server_mailbox("tls=implicit messages=3"), silent = server_play("", "hold\n");
    for (int i = 0; i < 20; i++)
        strcat(strcat(servers, " "), local(mailbox));
    run(0, "%s 600 1 alice%s", program, servers);
    CHECK_INT(times_printed(": 3 messages\n"), 20);
    CHECK_INT(server_connections(mailbox), 20);
    run(1, "%s 1 0 alice %s %s %s ''", program, local(server_mailbox("messages=2")), local(silent), local(server_refuse()));
    CHECK_HAS(printed, ": 2 messages\n");
    CHECK_HAS(printed, ": -522 ");
    CHECK_HAS(printed, ": -10061 cannot connect: ");
    CHECK_HAS(printed, ": -511 ");
    CHECK_INT(times_printed("\n"), 4);
    CHECK_HAS_NOT(printed, PASS);
    /* none that has begun */
    run(1, "%s 600 0 alice ''", program);
    CHECK_HAS(printed, ": -511 ");
    run(2, "%s", program);
    CHECK_HAS(printed, "POP3_PASS=password ");
}

static void loop_epoll_c(void)
{
    check_loop(EXAMPLES "/loop_epoll");
}

static void loop_glib_c(void)
{
    check_loop(EXAMPLES "/loop_glib");
}

static void loop_libuv_c(void)
{
    check_loop(EXAMPLES "/loop_libuv");
}

/* Through a proxy that asks for a password. */
static void socks_c(void)
{
    int mailbox = server_mailbox("tls=implicit messages=3"), port = free_port();
    char command[256];
    snprintf(command, sizeof command, "exec microsocks -i 127.0.0.1 -p %d -u joe -P word 2>/dev/null", port);
    struct companion *proxy = companion_run("/bin/sh", (const char *const[]){"-c", command, NULL});
    run(0, "bash -c 'for i in {1..1200}; do ! exec 3<> /dev/tcp/127.0.0.1/%d || exit 0; sleep 0.05; done; exit 1' 2> /dev/null",
        port);
    run(0, "POP3_PROXY=socks5://joe:word@127.0.0.1:%d " EXAMPLES "/socks %s alice", port, local(mailbox));
    CHECK_STR(printed, "3 messages\n");
    run(1, "POP3_PROXY=socks5://joe:other@127.0.0.1:%d " EXAMPLES "/socks %s alice", port, local(mailbox));
    CHECK_HAS(printed, "pop3_stat_with: error ");
    CHECK_INT(server_connections(mailbox), 1);
    CHECK(companion_stop(proxy));
    run(1, "POP3_PROXY=socks4://127.0.0.1:1 " EXAMPLES "/socks localhost alice");
    CHECK_HAS(printed, "POP3_PROXY: error -501: ");
    run(2, EXAMPLES "/socks");
    CHECK_HAS(printed, "usage: ");
}

static void progress_glib_c(void)
{
    run(0, EXAMPLES "/progress_glib %s alice %s", local(server_mailbox("tls=implicit messages=3 size=300000")), folder);
    CHECK_STR(printed, "3 messages saved\n");
    run(0, "grep -h ^Subject %s/1.eml %s/2.eml %s/3.eml && stat --format %%s %s/2.eml", folder, folder, folder, folder);
    CHECK_STR(printed, "Subject: Message 0000000001\r\nSubject: Message 0000000002\r\nSubject: Message 0000000003\r\n300000\n");
    run(1, EXAMPLES "/progress_glib %s alice %s 0", local(server_mailbox("messages=3")), folder);
    CHECK_HAS(printed, "/1.eml: File exists\n");
    CHECK_HAS(printed, "error -516: ");
    CHECK_HAS(printed, "0 messages saved\n");
    run(0, "rm %s/*", folder);
    run(1, EXAMPLES "/progress_glib %s bob %s 0", local(server_mailbox("")), folder);
    CHECK_HAS(printed, "error -2002: ");
    run(2, EXAMPLES "/progress_glib");
    CHECK_HAS(printed, "usage: ");
}

/* In a terminal there is a bar; stopped nothing is left of the message that was under way. */
static void progress_glib_c_is_stopped(void)
{
    run(1, "script --quiet --return --command 'timeout --foreground --preserve-status --signal=INT 2 " EXAMPLES
           "/progress_glib %s alice %s 0' /dev/null < /dev/null",
        local(server_mailbox("messages=3 size=300000 bad=2 how=endless")), folder);
    CHECK_HAS(printed, "\rmessage ");
    CHECK_HAS(printed, " %  ");
    CHECK_HAS(printed, "error -516: ");
    CHECK_HAS_NOT(printed, "3 messages saved");
    CHECK(files() <= 1);
    run(0, "rm -f %s/*", folder);
}

static void loop_qt_cpp(void)
{
    check_loop(EXAMPLES "/loop_qt");
}

static void loop_asyncio_py(void)
{
    check_loop(LOOP_ASYNCIO);
}

static void many_c(void)
{
    run(0, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo '%s 2 alice " PASS "'; done > %s",
        local(server_mailbox("tls=stls messages=3")), in(folder, "accounts"));
    run(0, EXAMPLES "/many 600 %s", in(folder, "accounts"));
    CHECK_INT(times_printed("alice at localhost:"), 12);
    CHECK_INT(times_printed(": 3 messages\n"), 12);
    const char *mailbox = local(server_mailbox("messages=2"));
    run(0, "printf '%%s\\n' '%s 0 alice " PASS "' '%s 0 bob " PASS "' '%s 0 alice x' '%s 0' > %s", mailbox, mailbox,
        local(server_refuse()), mailbox, in(folder, "accounts"));
    run(1, EXAMPLES "/many 600 %s", in(folder, "accounts"));
    CHECK_HAS(printed, "line 4 is no account\n");
    CHECK_HAS(printed, ": 2 messages\n");
    CHECK_HAS(printed, "bob at localhost:");
    CHECK_HAS(printed, ": error -2002: ");
    CHECK_HAS(printed, ": error -10061: ");
    CHECK_HAS_NOT(printed, PASS);
    contents("accounts");
    run(2, EXAMPLES "/many 1 %s", in(folder, "none"));
    CHECK_HAS(printed, "usage: ");
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        check_fatal("cannot make a folder in /tmp");
    setenv("POP3_PASS", PASS, 1);
    setenv("POP3CONNECT_SECURE_DIR", in(server_dir(), "secure"), 1);
    setenv("POP3CONNECT_LIBRARY", LIBRARY, 1);
    RUN(connect_c);
    RUN(collect_c);
    RUN(collect_c_says_why_it_failed);
    RUN(collect_c_shows_its_progress);
    RUN(inbox_cpp);
    RUN(save_py);
    RUN(save_py_lists);
    RUN(selftest_c);
    RUN(loop_epoll_c);
    RUN(loop_glib_c);
    RUN(loop_libuv_c);
    RUN(loop_qt_cpp);
    RUN(socks_c);
    RUN(progress_glib_c);
    RUN(progress_glib_c_is_stopped);
    RUN(loop_asyncio_py);
    RUN(many_c);
    CHECK_INT(rmdir(folder), 0);
    return check_result();
}

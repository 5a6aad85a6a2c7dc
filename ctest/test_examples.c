/* The examples, each run against the test server: what they print, what they write, how they end. */
#define _GNU_SOURCE /* setenv, mkdtemp, asprintf */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
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

static void fetch_c(void)
{
    int mailbox = server_mailbox("tls=implicit messages=3 size=400");
    run(0, EXAMPLES "/fetch %s alice %s 1 1 1", local(mailbox), folder);
    CHECK_HAS(printed, "3 of 3 messages, ");
    CHECK_HAS(contents("1.eml"), "\r\nSubject: Message 0000000001\r\n");
    CHECK_HAS(contents("2.eml"), "\r\nSubject: Message 0000000002\r\n");
    CHECK_HAS(contents("3.eml"), "\r\nSubject: Message 0000000003\r\n");
    run(0, EXAMPLES "/fetch %s alice %s 1 1 1", local(mailbox), folder);
    CHECK_HAS(printed, "0 of 0 messages, 0 bytes");
    run(1, EXAMPLES "/fetch %s alice %s", local(server_refuse()), folder);
    CHECK_HAS(printed, "pop3_connect: error -10061: ");
    run(1, EXAMPLES "/fetch %s alice %s/none", local(server_mailbox("")), folder);
    CHECK_HAS(printed, "/none/1.eml: No such file or directory");
    run(2, EXAMPLES "/fetch");
}

static void inbox_cpp(void)
{
    run(0, EXAMPLES "/inbox %s alice 1", local(server_mailbox("tls=implicit messages=2 size=5000")));
    CHECK_HAS(printed, "2 messages\n   1      5000  ");
    CHECK_HAS(printed, "  Message 0000000001\n   2      5000  ");
    CHECK_HAS(printed, "  Message 0000000002\n");
    run(1, EXAMPLES "/inbox %s bob", local(server_mailbox("")));
    CHECK_HAS(printed, "error -2002: ");
    run(1, EXAMPLES "/inbox %s alice 3", local(server_mailbox("")));
    CHECK_HAS(printed, "error -501: ");
    run(2, EXAMPLES "/inbox");
    CHECK_HAS(printed, "usage: ");
}

static void save_py(void)
{
    run(0, SAVE " %s alice 2 %s 2", local(server_mailbox("tls=stls size=30000")), in(folder, "2.eml"));
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
    CHECK_STR(contents("9.eml"), "");
    run(1, SAVE " %s alice 1 %s", local(server_mailbox("messages=0")), in(folder, "1.eml"));
    CHECK_HAS(printed, "\n0 messages\n");
    CHECK_HAS(printed, "error -2001: ");
    CHECK_STR(contents("1.eml"), "");
    /* the callback's failure stops the call, and is told */
    run(1, SAVE " %s alice 1 /dev/full", local(server_mailbox("size=300000")));
    CHECK_HAS(printed, "No space left on device");
    run(1, SAVE);
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
    RUN(fetch_c);
    RUN(inbox_cpp);
    RUN(save_py);
    CHECK_INT(rmdir(folder), 0);
    return check_result();
}

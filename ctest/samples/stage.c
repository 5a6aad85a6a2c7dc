#include "stage.h"

#include <string.h>
#include <unistd.h>

#include "check.h"
#include "names.h"
#include "pop3connect.h"
#include "ports.h"
#include "server.h"

static FILE *printed;
static int real_stdout;

void stage_begin(void)
{
    pop3_set_secure_dir(in(server_dir(), "secure"));
    name_is("pop.example.com", "127.0.0.1");
    name_is("outlook.office365.com", "127.0.0.1");
    name_is("proxy.example.com", "127.0.0.1");
}

void serve(const char *options)
{
    char all[256];
    snprintf(all, sizeof all, "tls=implicit cert=documents %s", options);
    port_leads_to(995, server_mailbox(all));
}

int32_t messages_left(void)
{
    return pop3_stat("pop.example.com", "alice", "secret", NULL, 1, 1);
}

void catch_output(void)
{
    fflush(stdout);
    printed = tmpfile();
    real_stdout = dup(1);
    if (printed == NULL || real_stdout < 0 || dup2(fileno(printed), 1) < 0)
        check_fatal("cannot catch what is printed");
}

void refuse_output(void)
{
    FILE *full = fopen("/dev/full", "w");
    catch_output();
    if (full == NULL || dup2(fileno(full), 1) < 0)
        check_fatal("there is nothing that refuses what is printed");
    fclose(full);
}

const char *caught_output(void)
{
    fflush(stdout);
    clearerr(stdout);
    dup2(real_stdout, 1);
    close(real_stdout);
    return contents(printed);
}

const char *contents(FILE *file)
{
    static char text[65536];
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

int count_of(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

/* A host with more rights than the user who has started it: neither the environment nor the folder beside it may count. */
#define _GNU_SOURCE /* setenv, setresuid, RTLD_NEXT */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "folders.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"

/* Whether this program says of itself that it has more rights than whoever started it. */
static int pretends;

/* The kernel's word on that. Comes before libc's, since it is the executable's. */
unsigned long getauxval(unsigned long type)
{
    unsigned long (*next)(unsigned long);
    *(void **)&next = dlsym(RTLD_NEXT, "getauxval");
    return type == AT_SECURE && pretends ? 1 : next(type);
}

/* The program as it runs itself with such rights: neither the environment nor the folder beside it may count. */
static int connect_privileged(int port)
{
    if (getauxval(AT_SECURE) == 0)
        return 78;
    if (pop3_connect(at(port), "alice", PASS, NULL, 1, 1) != POP3_ERR_SECURE)
        return EXIT_FAILURE;
    return strstr(pop3_get_secure_error(), "certificate was refused") != NULL ? EXIT_SUCCESS : 77;
}

/*
 * Runs this program with more rights than its user has: the user is nobody, its rights are root's. Who is not root cannot
 * do that, and has it pretend so.
 */
static void run_privileged(const char *self)
{
    char port[16];
    int status = 0;
    snprintf(port, sizeof port, "%d", server_mailbox("tls=implicit"));
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setresuid(65534, 0, 0) == 0)
            execl(self, self, port, "privileged", (char *)NULL);
        _exit(79);
    }
    if (geteuid() == 0) {
        CHECK_INT(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status));
        CHECK_INT(WEXITSTATUS(status), 0);
    } else {
        waitpid(child, &status, 0);
    }
    char command[4200];
    snprintf(command, sizeof command, "'%s' %s pretends", self, port);
    CHECK_INT(system(command), 0);
}

/* Both defaults are the choice of whoever starts the host. */
static void the_defaults_are_not_used(void)
{
    char beside[4200], command[8500];
    snprintf(beside, sizeof beside, "%s", own_path());
    strcpy(strrchr(beside, '/') + 1, "secure");
    snprintf(command, sizeof command, "cp -r '%s' '%s'", in(server_dir(), "secure"), beside);
    CHECK_INT(system(command), 0);
    run_privileged(own_path());
    CHECK(setenv("POP3CONNECT_SECURE_DIR", in(server_dir(), "secure"), 1) == 0);
    run_privileged(own_path());
    remove_folder(beside);
}

int main(int count, char **arguments)
{
    pretends = count == 3 && strcmp(arguments[2], "pretends") == 0;
    if (count == 3)
        return connect_privileged(atoi(arguments[1]));
    unsetenv("POP3CONNECT_SECURE_DIR");
    RUN(the_defaults_are_not_used);
    return check_result();
}

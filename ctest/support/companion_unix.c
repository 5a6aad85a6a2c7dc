#define _GNU_SOURCE /* pipe2 */
#include "companion.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"

enum { MOST_ARGUMENTS = 8 };

struct companion {
    pid_t pid;
    /* NULL of a script */
    FILE *input, *output;
};

static struct companion *fork_from(const char *program)
{
    struct companion *companion = calloc(1, sizeof *companion);
    if (companion == NULL || (companion->pid = fork()) < 0)
        check_fatal("cannot start %s", program);
    return companion;
}

struct companion *companion_talk_to(const char *program)
{
    int in[2], out[2];
    /* no other child of the test may hold an end, or this one would not see that the test has ended */
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        check_fatal("no pipes to %s", program);
    struct companion *companion = fork_from(program);
    if (companion->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl(program, program, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    companion->input = fdopen(in[1], "w");
    companion->output = fdopen(out[0], "r");
    return companion;
}

void companion_say(struct companion *companion, const char *text, size_t length)
{
    fwrite(text, 1, length, companion->input);
    fflush(companion->input);
}

int companion_hear(struct companion *companion, char *line, size_t size)
{
    if (fgets(line, (int)size, companion->output) == NULL)
        return 0;
    line[strcspn(line, "\n")] = '\0';
    return 1;
}

void companion_leave(struct companion *companion)
{
    fclose(companion->input);
    waitpid(companion->pid, NULL, 0);
    fclose(companion->output);
    free(companion);
}

const char *companion_path(const char *path)
{
    return path;
}

struct companion *companion_run(const char *script, const char *const arguments[])
{
    char *words[MOST_ARGUMENTS + 2] = {(char *)script};
    for (int i = 0; arguments[i] != NULL; i++) {
        if (i == MOST_ARGUMENTS)
            check_fatal("too many arguments for %s", script);
        words[i + 1] = (char *)arguments[i];
    }
    /* processes that lose their parent become this one's children, so that companion_stop() sees them */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct companion *companion = fork_from(script);
    if (companion->pid == 0) {
        /* it ends even where this process is killed */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        setpgid(0, 0);
        execv(script, words);
        _exit(127);
    }
    setpgid(companion->pid, companion->pid);
    return companion;
}

int companion_has_ended(struct companion *companion)
{
    return waitpid(companion->pid, NULL, WNOHANG) == companion->pid;
}

static int all_have_ended(pid_t group)
{
    for (int i = 0; i < 1000; i++) {
        pid_t pid;
        while ((pid = waitpid(-group, NULL, WNOHANG)) > 0)
            continue;
        if (pid < 0)
            return 1;
        sleep_ms(10);
    }
    return 0;
}

int companion_stop(struct companion *companion)
{
    kill(companion->pid, SIGTERM);
    int ended = all_have_ended(companion->pid);
    if (!ended)
        kill(-companion->pid, SIGKILL);
    free(companion);
    return ended;
}

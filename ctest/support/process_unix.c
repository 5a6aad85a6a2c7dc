#define _DEFAULT_SOURCE /* readlink */
#include "process.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

int open_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        check_fatal("no /proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* The figure of that line of /proc/self/status. */
static long status_kib(const char *key)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    if (status == NULL)
        check_fatal("no /proc/self/status");
    while (kib < 0 && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            sscanf(line + strlen(key), ": %ld", &kib);
    fclose(status);
    if (kib < 0)
        check_fatal("no %s in /proc/self/status", key);
    return kib;
}

long heap_in_use(void)
{
#ifdef __GLIBC__
    return (long)mallinfo2().uordblks;
#else
    /* other C libraries do not count it: what they have taken of the system for it */
    return status_kib("VmData") * 1024;
#endif
}

long virtual_kib(void)
{
    return status_kib("VmSize");
}

long resident_kib(void)
{
    return status_kib("VmRSS");
}

long peak_kib(void)
{
    return status_kib("VmHWM");
}

void peak_forget(void)
{
    FILE *references = fopen("/proc/self/clear_refs", "w");
    if (references == NULL || fputs("5\n", references) < 0 || fclose(references) != 0)
        check_fatal("cannot write /proc/self/clear_refs");
}

const char *own_path(void)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        check_fatal("where is this program?");
    path[length] = '\0';
    return path;
}

int run_program(const char *program, const char *const arguments[])
{
    char *words[8] = {(char *)program};
    int status;
    for (int i = 0; i < 6 && arguments[i] != NULL; i++)
        words[i + 1] = (char *)arguments[i];
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execv(program, words);
        _exit(127);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

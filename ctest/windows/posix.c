#include <io.h>
#include <stdio.h>

int setenv(const char *name, const char *value, int overwrite)
{
    return overwrite || getenv(name) == NULL ? _putenv_s(name, value) : 0;
}

int unsetenv(const char *name)
{
    return _putenv_s(name, "");
}

char *mkdtemp(char *path)
{
    return _mktemp(path) != NULL && mkdir(path, 0700) == 0 ? path : NULL;
}

void *memmem(const void *text, size_t length, const void *part, size_t part_length)
{
    for (const char *at = text; length >= part_length; at++, length--)
        if (memcmp(at, part, part_length) == 0)
            return (void *)at;
    return NULL;
}

int mkfifo(const char *path, int mode)
{
    (void)path, (void)mode;
    return -1;
}

int symlink(const char *target, const char *path)
{
    (void)target, (void)path;
    return -1;
}

int geteuid(void)
{
    return -1;
}

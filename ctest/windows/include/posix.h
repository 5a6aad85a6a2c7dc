/* What the tests use of POSIX and mingw's headers lack. Included before everything else of a program. */
#ifndef POSIX_H
#define POSIX_H

#include <direct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
char *mkdtemp(char *path);
/* these there are not; each fails */
int mkfifo(const char *path, int mode);
int symlink(const char *target, const char *path);
int geteuid(void);
void *memmem(const void *text, size_t length, const void *part, size_t part_length);

#ifdef __cplusplus
}
#endif

/* there are no modes, and no links that the tests make */
#define mkdir(path, mode) mkdir(path)
#define lstat(path, is) stat(path, is)

#endif

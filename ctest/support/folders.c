#define _DEFAULT_SOURCE /* lstat, mkdtemp */
#include "folders.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

void make_temporary(char *path)
{
    if (mkdtemp(path) == NULL || chmod(path, 0755) != 0)
        check_fatal("no temporary folder %s", path);
}

void remove_folder(const char *path)
{
    char entry[4200];
    DIR *folder = opendir(path);
    if (folder == NULL)
        check_fatal("no folder %s", path);
    for (const struct dirent *item; (item = readdir(folder)) != NULL;) {
        struct stat is;
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        snprintf(entry, sizeof entry, "%s/%s", path, item->d_name);
        if (lstat(entry, &is) == 0 && S_ISDIR(is.st_mode))
            remove_folder(entry);
        else
            CHECK_INT(unlink(entry), 0);
    }
    closedir(folder);
    CHECK_INT(rmdir(path), 0);
}

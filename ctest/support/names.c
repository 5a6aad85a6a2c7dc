#define _GNU_SOURCE /* RTLD_NEXT */
#include "names.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"

struct name {
    char name[256];
    char addresses[4096];
    int hangs;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct name names[32];
static int count;
static char asked[512];

static void add(const char *name, const char *addresses, int hangs)
{
    pthread_mutex_lock(&lock);
    if (count == 32 || strlen(addresses) >= sizeof names[count].addresses)
        check_fatal("too many names, or addresses of one");
    snprintf(names[count].name, sizeof names[count].name, "%s", name);
    snprintf(names[count].addresses, sizeof names[count].addresses, "%s", addresses);
    names[count].hangs = hangs;
    count++;
    pthread_mutex_unlock(&lock);
}

void name_is(const char *name, const char *addresses)
{
    add(name, addresses, 0);
}

void name_hangs(const char *name, int milliseconds)
{
    add(name, "", milliseconds);
}

const char *name_asked(void)
{
    static char copy[sizeof asked];
    pthread_mutex_lock(&lock);
    memcpy(copy, asked, sizeof copy);
    pthread_mutex_unlock(&lock);
    return copy;
}

static int find(const char *node, struct name *found)
{
    int hit = 0;
    pthread_mutex_lock(&lock);
    snprintf(asked, sizeof asked, "%s", node);
    for (int i = 0; i < count && !hit; i++) {
        hit = strcmp(names[i].name, node) == 0;
        if (hit)
            *found = names[i];
    }
    pthread_mutex_unlock(&lock);
    return hit;
}

typedef int look_up_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    look_up_fn *look_up;
    struct name found;
    char *rest, *address;
    *(void **)&look_up = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node == NULL || !find(node, &found))
        return look_up(node, service, hints, result);
    if (found.hangs > 0) {
        struct timespec pause = {found.hangs / 1000, found.hangs % 1000 * 1000000L};
        nanosleep(&pause, NULL);
        return EAI_NONAME;
    }
    *result = NULL;
    for (address = strtok_r(found.addresses, " ", &rest); address != NULL; address = strtok_r(NULL, " ", &rest)) {
        struct addrinfo *one = NULL, **end = result;
        int error = look_up(address, service, hints, &one);
        if (error != 0)
            return error;
        /* libc frees a list node by node, so lists may be joined */
        while (*end != NULL)
            end = &(*end)->ai_next;
        *end = one;
    }
    return *result != NULL ? 0 : EAI_NONAME;
}

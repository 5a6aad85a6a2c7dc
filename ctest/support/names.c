#define _POSIX_C_SOURCE 200809L /* getaddrinfo, strtok_r */
#include "names.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "look_up.h"

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
    look_up_begin();
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

int look_up(look_up_fn *system, const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **result)
{
    struct name found;
    char *rest, *address;
    if (node == NULL || !find(node, &found))
        return system(node, service, hints, result);
    if (found.hangs > 0) {
        sleep_ms(found.hangs);
        return EAI_NONAME;
    }
    *result = NULL;
    for (address = strtok_r(found.addresses, " ", &rest); address != NULL; address = strtok_r(NULL, " ", &rest)) {
        struct addrinfo *one = NULL, **end = result;
        int error = system(address, service, hints, &one);
        if (error != 0)
            return error;
        /* lists are freed node by node, so they may be joined */
        while (*end != NULL)
            end = &(*end)->ai_next;
        *end = one;
    }
    return *result != NULL ? 0 : EAI_NONAME;
}

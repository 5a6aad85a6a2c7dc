#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "imports.h"
#include "look_up.h"

typedef void WSAAPI free_fn(struct addrinfo *);
static int(WSAAPI *system_look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
static free_fn *system_free;

/* Winsock's list is freed as a whole; ours node by node. */
static struct addrinfo *copy_of(const struct addrinfo *node)
{
    struct addrinfo *copy = malloc(sizeof *copy + node->ai_addrlen);
    if (copy == NULL)
        check_fatal("no memory");
    *copy = *node;
    copy->ai_addr = memcpy(copy + 1, node->ai_addr, node->ai_addrlen);
    copy->ai_canonname = NULL;
    copy->ai_next = NULL;
    return copy;
}

static int by_system(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    struct addrinfo *list, **end = result;
    int error = system_look_up(node, service, hints, &list);
    if (error != 0)
        return error;
    for (const struct addrinfo *one = list; one != NULL; one = one->ai_next, end = &(*end)->ai_next)
        *end = copy_of(one);
    system_free(list);
    return 0;
}

static int WSAAPI instead_of_look_up(const char *node, const char *service, const struct addrinfo *hints,
                                     struct addrinfo **result)
{
    return look_up(by_system, node, service, hints, result);
}

static void WSAAPI instead_of_free(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

static void replace(void)
{
    *(void **)&system_free = replace_import("freeaddrinfo", (void *)instead_of_free);
    *(void **)&system_look_up = replace_import("getaddrinfo", (void *)instead_of_look_up);
}

void look_up_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, replace);
}

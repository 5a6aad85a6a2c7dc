/* A host that loads the library at run time, under no names but its own, and unloads it again. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"


typedef int32_t connect_fn(const char *, const char *, const char *, pop3_sts_cb, int32_t, int32_t);
typedef int32_t disconnect_fn(int32_t, pop3_sts_cb);
typedef int32_t set_secure_dir_fn(const char *);
typedef const char *text_fn(void);

static int port;

static void *find(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (symbol == NULL)
        check_fatal("%s: %s", name, dlerror());
    return symbol;
}

static void *load_use_unload(void *argument)
{
    (void)argument;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        check_fatal("%s", dlerror());
    connect_fn *connect;
    disconnect_fn *disconnect;
    set_secure_dir_fn *set_secure_dir;
    text_fn *last_error;
    *(void **)&connect = find(library, "pop3_connect");
    *(void **)&disconnect = find(library, "pop3_disconnect");
    *(void **)&set_secure_dir = find(library, "pop3_set_secure_dir");
    *(void **)&last_error = find(library, "pop3_get_last_error");

    CHECK_INT(set_secure_dir(in(server_dir(), "secure")), 0);
    int32_t socket = connect(at(port), "alice", PASS, NULL, 1, 1);
    if (!CHECK(socket > 0))
        CHECK_STR(last_error(), "");
    CHECK_INT(disconnect(socket, NULL), 0);
    CHECK_INT(disconnect(socket, NULL), POP3_ERR_BAD_SOCKET);
    CHECK_HAS(last_error(), "no socket");
    CHECK_INT(dlclose(library), 0);
    return NULL;
}

static void loaded_used_and_unloaded(void)
{
    for (int i = 0; i < 20; i++)
        load_use_unload(NULL);
}

/* The thread's own storage outlives the library's being unloaded. */
static void a_thread_ends_after_unloading(void)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHECK_INT(pthread_create(&thread, NULL, load_use_unload, NULL), 0);
        pthread_join(thread, NULL);
    }
}

/* The library stays, since a thread may still need it, so loading it again costs nothing. */
static void a_thousand_times(void)
{
    load_use_unload(NULL);
    int descriptors = open_descriptors();
    long before = virtual_kib();
    for (int i = 0; i < 1000; i++) {
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        text_fn *version;
        *(void **)&version = find(library, "pop3_version");
        CHECK_HAS(version(), ".");
        CHECK_INT(dlclose(library), 0);
    }
    CHECK_INT(open_descriptors(), descriptors);
    CHECK(virtual_kib() - before < 1024);
}

static void nothing_became_global(void)
{
    CHECK(dlsym(RTLD_DEFAULT, "pop3_connect") == NULL);
}

int main(void)
{
    port = server_mailbox("tls=implicit");
    RUN(loaded_used_and_unloaded);
    RUN(a_thread_ends_after_unloading);
    RUN(a_thousand_times);
    RUN(nothing_became_global);
    return check_result();
}

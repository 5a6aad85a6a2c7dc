#define _GNU_SOURCE /* RTLD_NEXT, open64 */
#include "syscalls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const syscall_names[SYSCALLS] = {"socket",     "bind",  "connect", "poll", "getsockopt", "setsockopt",    "ioctl",
                                             "recv",       "send",  "opendir", "open", "read",       "pthread_create"};

static _Thread_local struct {
    int active, nth, error, interrupts, is_short;
    enum syscall which;
    int counts[SYSCALLS];
    /* whether the last call of that kind was interrupted */
    int interrupted[SYSCALLS];
} trouble;

static void begin(void)
{
    memset(&trouble, 0, sizeof trouble);
    trouble.active = 1;
}

void syscalls_begin(enum syscall which, int nth, int error)
{
    begin();
    trouble.which = which;
    trouble.nth = nth;
    trouble.error = error;
}

void syscalls_begin_interrupted(void)
{
    begin();
    trouble.interrupts = 1;
}

void syscalls_begin_short(void)
{
    begin();
    trouble.is_short = 1;
}

const int *syscalls_end(void)
{
    trouble.active = 0;
    return trouble.counts;
}

/* Counts the call; the error that it fails with, 0 if it is to be made. */
static int strike(enum syscall which)
{
    if (!trouble.active)
        return 0;
    trouble.counts[which]++;
    return trouble.nth > 0 && which == trouble.which && trouble.counts[which] == trouble.nth ? trouble.error : 0;
}

/* The same of a call that a signal can interrupt. */
static int strike_interruptible(enum syscall which)
{
    int error = strike(which);
    if (error == 0 && trouble.active && trouble.interrupts) {
        trouble.interrupted[which] = !trouble.interrupted[which];
        error = trouble.interrupted[which] ? EINTR : 0;
    }
    return error;
}

static size_t shortened(size_t size)
{
    return trouble.active && trouble.is_short && size > 1 ? 1 : size;
}

static int failed(int error)
{
    errno = error;
    return -1;
}

int socket(int domain, int type, int protocol)
{
    int (*next)(int, int, int), error = strike(SYS_SOCKET);
    *(void **)&next = dlsym(RTLD_NEXT, "socket");
    return error != 0 ? failed(error) : next(domain, type, protocol);
}

/* glibc declares the address of these two as a union of pointers. */

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    int (*next)(int, const struct sockaddr *, socklen_t), error = strike(SYS_BIND);
    *(void **)&next = dlsym(RTLD_NEXT, "bind");
    return error != 0 ? failed(error) : next(fd, address.__sockaddr__, size);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    int (*next)(int, const struct sockaddr *, socklen_t), error = strike_interruptible(SYS_CONNECT);
    *(void **)&next = dlsym(RTLD_NEXT, "connect");
    /* interrupted, it goes on all the same */
    if (error == EINTR)
        next(fd, address.__sockaddr__, size);
    return error != 0 ? failed(error) : next(fd, address.__sockaddr__, size);
}

int poll(struct pollfd *polled, nfds_t count, int timeout)
{
    int (*next)(struct pollfd *, nfds_t, int), error = strike_interruptible(SYS_POLL);
    *(void **)&next = dlsym(RTLD_NEXT, "poll");
    return error != 0 ? failed(error) : next(polled, count, timeout);
}

int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict size)
{
    int (*next)(int, int, int, void *, socklen_t *), error = strike(SYS_GETSOCKOPT);
    *(void **)&next = dlsym(RTLD_NEXT, "getsockopt");
    return error != 0 ? failed(error) : next(fd, level, name, value, size);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    int (*next)(int, int, int, const void *, socklen_t), error = strike(SYS_SETSOCKOPT);
    *(void **)&next = dlsym(RTLD_NEXT, "setsockopt");
    return error != 0 ? failed(error) : next(fd, level, name, value, size);
}

int ioctl(int fd, unsigned long request, ...)
{
    int (*next)(int, unsigned long, ...), error = strike(SYS_IOCTL);
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    *(void **)&next = dlsym(RTLD_NEXT, "ioctl");
    return error != 0 ? failed(error) : next(fd, request, argument);
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t (*next)(int, void *, size_t, int);
    /* whether something has come is only asked to refuse it: nothing hangs on a failure */
    int looks = (flags & MSG_PEEK) != 0 && (flags & MSG_DONTWAIT) != 0;
    int error = looks ? 0 : strike_interruptible(SYS_RECV);
    *(void **)&next = dlsym(RTLD_NEXT, "recv");
    return error != 0 ? failed(error) : next(fd, buffer, shortened(size), flags);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    ssize_t (*next)(int, const void *, size_t, int);
    int error = strike_interruptible(SYS_SEND);
    *(void **)&next = dlsym(RTLD_NEXT, "send");
    return error != 0 ? failed(error) : next(fd, bytes, shortened(size), flags);
}

DIR *opendir(const char *path)
{
    DIR *(*next)(const char *);
    int error = strike(SYS_OPENDIR);
    *(void **)&next = dlsym(RTLD_NEXT, "opendir");
    if (error == 0)
        return next(path);
    failed(error);
    return NULL;
}

int open64(const char *path, int flags, ...)
{
    int (*next)(const char *, int, ...), error = strike_interruptible(SYS_OPEN);
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    *(void **)&next = dlsym(RTLD_NEXT, "open64");
    return error != 0 ? failed(error) : next(path, flags, mode);
}

ssize_t read(int fd, void *buffer, size_t size)
{
    ssize_t (*next)(int, void *, size_t);
    int error = strike_interruptible(SYS_READ);
    *(void **)&next = dlsym(RTLD_NEXT, "read");
    return error != 0 ? failed(error) : next(fd, buffer, shortened(size));
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*start)(void *),
                   void *restrict argument)
{
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *), error = strike(SYS_PTHREAD_CREATE);
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    return error != 0 ? error : next(thread, attributes, start, argument);
}

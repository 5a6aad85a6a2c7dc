/*
 * System calls that fail or do less than they were asked for. A program linked with syscalls.c answers the library's
 * calls itself, since a symbol of the executable comes before libc's. Each thread has troubles of its own; without any
 * all goes on to libc.
 */
#ifndef SYSCALLS_H
#define SYSCALLS_H

enum syscall {
    SYS_SOCKET, SYS_BIND, SYS_CONNECT, SYS_POLL, SYS_GETSOCKOPT, SYS_SETSOCKOPT, SYS_IOCTL, SYS_RECV, SYS_SEND,
    SYS_OPENDIR, SYS_OPEN, SYS_READ, SYS_PTHREAD_CREATE, SYSCALLS
};

extern const char *const syscall_names[SYSCALLS];

/* From now on this thread's calls are counted, and the n-th one of that kind fails with that error; 0: none does. */
void syscalls_begin(enum syscall which, int nth, int error);
/* The same, and each call that can be interrupted is so before it succeeds. */
void syscalls_begin_interrupted(void);
/* The same, and recv, send and read take one byte. */
void syscalls_begin_short(void);
/* Ends it; how many calls of each kind there were. */
const int *syscalls_end(void);

#endif

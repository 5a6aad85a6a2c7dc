/* A server for thousands of connections at once, in another process, whose time is not that of the program. */
#ifndef CROWD_SERVER_H
#define CROWD_SERVER_H

#include <sys/types.h>

struct crowd_server {
    pid_t pid;
    int port;
    /* A pipe, which has its end when the parent wants no server any more, or is gone. */
    int lifeline;
    /* What it trusts in, for the clients: a file of PEM. */
    char ca_file[64];
};

/*
 * Serves on that port of ADDRESSES addresses of loopback, from 127.0.0.1 on, since a pair of addresses has ports for no
 * more than 28 000 connections a minute. Each line is answered after so many milliseconds. Mailboxes have one message,
 * of so many octets. Answers 0, or -1 when it has told stderr why not.
 */
enum { ADDRESSES = 16 };
int crowd_server_start(struct crowd_server *server, int tls, int delay_ms, long long octets);
/* The same, where of three connections one is served, one is reset at PASS, and one not answered there. */
int crowd_server_start_faulty(struct crowd_server *server, int tls);
/* "127.0.0.n:port" of the so many-th connection; good until the next call. */
const char *crowd_address(const struct crowd_server *server, int index);

/* Ends it; how many lines it was told, and how many connections it had. */
void crowd_server_stop(struct crowd_server *server, long long *lines, long long *connections);

#endif

/*
 * Stands between the library and a server, passes on so many bytes of what the server says, and then breaks the
 * connection. Of TLS it sees what is on the wire. One connection for each start, a second one is refused; each thread may have relays of its own.
 */
#ifndef RELAY_H
#define RELAY_H

#include <pthread.h>
#include <stddef.h>

/* What happens to the connection: nothing; FIN; RST; nothing comes any more. */
enum fault { NO_FAULT, CUT, RESET, STALL };

struct relay {
    /* where the library connects to */
    int port;
    /* What became of the last connection; good after relay_wait(). */
    /* whether there was one, and whether the fault came about */
    int connected, struck;
    /* how many bytes of the server's were passed on */
    size_t passed;
    /* the first bytes that the library sent, and how many they are */
    char said[4096];
    size_t said_len;
    /* the relay's own */
    int reserved, listener, server_port;
    enum fault fault;
    size_t limit;
    pthread_t thread;
};

void relay_open(struct relay *relay, int server_port);
void relay_close(struct relay *relay);
/* The next connection has that fault once `limit` bytes were passed on. */
void relay_start(struct relay *relay, enum fault fault, size_t limit);
/* Waits until that connection has been closed by the library. */
void relay_wait(struct relay *relay);

#endif

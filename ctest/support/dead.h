/* Addresses where nobody answers, at a port that somebody serves at another address. */
#ifndef DEAD_H
#define DEAD_H

/* How an address does not answer: it takes no notice, or it refuses. */
enum dead_how { SILENT, REFUSING };

/* What keeps it so. */
struct dead {
    int sockets[4];
};

/* From now on that port of an IPv4 or IPv6 address is dead. 0 where somebody else has it. */
int dead_begin(struct dead *dead, enum dead_how how, const char *address, int port);
void dead_end(struct dead *dead);

#endif

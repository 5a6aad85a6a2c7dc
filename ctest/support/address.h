/* Addresses and ports of this machine. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <netinet/in.h>

/* 127.0.0.1 with that port; 0 is for any. */
struct sockaddr_in loopback(int port);
/* A port that nobody has. */
int free_port(void);

#endif

#ifndef NETINET_TCP_H
#define NETINET_TCP_H

#include <sys/socket.h>

#endif

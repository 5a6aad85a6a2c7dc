#ifndef NETINET_IN_H
#define NETINET_IN_H

#include <sys/socket.h>

#endif

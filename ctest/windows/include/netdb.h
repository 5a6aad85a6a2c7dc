#ifndef NETDB_H
#define NETDB_H

#include <sys/socket.h>

#endif

#ifndef ARPA_INET_H
#define ARPA_INET_H

#include <sys/socket.h>

#endif

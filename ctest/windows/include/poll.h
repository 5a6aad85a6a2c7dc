#ifndef POLL_H
#define POLL_H

#include <sys/socket.h>

#endif

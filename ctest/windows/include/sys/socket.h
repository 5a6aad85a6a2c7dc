/* Sockets by Winsock, under the names of POSIX that the tests use. */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include <winsock2.h>
#include <ws2tcpip.h>

typedef ULONG nfds_t;
#define poll WSAPoll

#define SHUT_RD SD_RECEIVE
#define SHUT_WR SD_SEND
#define SHUT_RDWR SD_BOTH
/* shares a port as that does, where each of the sockets has set it */
#define SO_REUSEPORT SO_REUSEADDR
/* neither is there anything that these would prevent */
#define SOCK_CLOEXEC 0
#define MSG_NOSIGNAL 0
#define accept4(socket, address, size, flags) accept(socket, address, size)
/* the value is a `char *` there */
#define setsockopt(socket, level, name, value, size) setsockopt(socket, level, name, (const char *)(value), size)

#endif

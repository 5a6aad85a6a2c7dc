#include "sockets.h"

#include <winsock2.h>

/* Winsock wants to be begun, by the program as well as by the library. */
__attribute__((constructor)) static void begin_winsock(void)
{
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
}

void close_socket(int socket)
{
    closesocket((SOCKET)socket);
}

void never_wait_for(int socket)
{
    u_long on = 1;
    ioctlsocket((SOCKET)socket, FIONBIO, &on);
}

int is_address_taken(void)
{
    return WSAGetLastError() == WSAEADDRINUSE;
}

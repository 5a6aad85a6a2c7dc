#include "sockets.h"

#include <winsock2.h>

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

#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void close_socket(int socket)
{
    close(socket);
}

void never_wait_for(int socket)
{
    fcntl(socket, F_SETFL, O_NONBLOCK);
}

int is_address_taken(void)
{
    return errno == EADDRINUSE;
}

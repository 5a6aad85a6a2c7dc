#include "address.h"

#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "sockets.h"

struct sockaddr_in loopback(int port)
{
    struct sockaddr_in name;
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_port = htons((unsigned short)port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
}

int free_port(void)
{
    struct sockaddr_in name = loopback(0);
    socklen_t size = sizeof name;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0 || bind(probe, (struct sockaddr *)&name, size) != 0
        || getsockname(probe, (struct sockaddr *)&name, &size) != 0)
        check_fatal("no free port");
    close_socket(probe);
    return ntohs(name.sin_port);
}

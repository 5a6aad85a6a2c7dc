#include "ports.h"

#include <atomic>
#include <cstring>

#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

static std::atomic<int> made_up, behind_it;

void port_is(int port, int real)
{
    behind_it = real;
    made_up = port;
}

/* The program's comes before libc's. */
extern "C" int connect(int socket, const sockaddr *address, socklen_t length)
{
    using Connect = int(int, const sockaddr *, socklen_t);
    Connect *real;
    *reinterpret_cast<void **>(&real) = dlsym(RTLD_NEXT, "connect");
    sockaddr_in four;
    if (address->sa_family != AF_INET || length < sizeof four)
        return real(socket, address, length);
    std::memcpy(&four, address, sizeof four);
    if (behind_it != 0 && ntohs(four.sin_port) == made_up)
        four.sin_port = htons(static_cast<in_port_t>(behind_it));
    return real(socket, reinterpret_cast<sockaddr *>(&four), sizeof four);
}

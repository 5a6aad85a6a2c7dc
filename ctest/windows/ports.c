#include "ports.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "imports.h"

/* Where each port leads; 0 to itself. */
static atomic_int leads_to[65536];
static _Thread_local int sends_little;
static int(WSAAPI *system_connect)(SOCKET, const struct sockaddr *, int);

static int WSAAPI instead_of_connect(SOCKET socket, const struct sockaddr *address, int size)
{
    struct sockaddr_in there;
    const int room = 4096;
    if (sends_little)
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (size < (int)sizeof there || address->sa_family != AF_INET)
        return system_connect(socket, address, size);
    memcpy(&there, address, sizeof there);
    int port = leads_to[ntohs(there.sin_port)];
    if (port != 0 && there.sin_addr.s_addr == htonl(INADDR_LOOPBACK))
        there.sin_port = htons((u_short)port);
    return system_connect(socket, (struct sockaddr *)&there, sizeof there);
}

static void replace(void)
{
    *(void **)&system_connect = replace_import("connect", (void *)instead_of_connect);
}

static void begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, replace);
}

void port_leads_to(int from, int to)
{
    begin();
    leads_to[from] = to;
}

void connections_send_little(int on)
{
    begin();
    sends_little = on;
}

#include "dead.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "clock.h"
#include "sockets.h"

static socklen_t name_of(const char *address, int port, struct sockaddr_storage *name)
{
    struct sockaddr_in *four = (struct sockaddr_in *)name;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)name;
    memset(name, 0, sizeof *name);
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((unsigned short)port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, address, &six->sin6_addr) != 1)
        check_fatal("%s is no address", address);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((unsigned short)port);
    return sizeof *six;
}

int dead_begin(struct dead *dead, enum dead_how how, const char *address, int port)
{
    struct sockaddr_storage name;
    socklen_t size = name_of(address, port, &name);
    for (int i = 0; i < 4; i++)
        dead->sockets[i] = -1;
    dead->sockets[0] = socket(name.ss_family, SOCK_STREAM, 0);
    if (dead->sockets[0] < 0 || bind(dead->sockets[0], (struct sockaddr *)&name, size) != 0) {
        int taken = is_address_taken();
        dead_end(dead);
        if (!taken)
            check_fatal("this machine does not have the address %s", address);
        return 0;
    }
    /* bound without listening it refuses */
    if (how == REFUSING)
        return 1;
    /* a listener whose queue is full answers no further SYN */
    if (listen(dead->sockets[0], 0) != 0)
        check_fatal("cannot listen at %s, port %d", address, port);
    for (int i = 1; i < 4; i++) {
        dead->sockets[i] = socket(name.ss_family, SOCK_STREAM, 0);
        never_wait_for(dead->sockets[i]);
        connect(dead->sockets[i], (struct sockaddr *)&name, size);
    }
    sleep_ms(50);
    return 1;
}

void dead_end(struct dead *dead)
{
    for (int i = 0; i < 4; i++)
        if (dead->sockets[i] >= 0)
            close_socket(dead->sockets[i]);
}

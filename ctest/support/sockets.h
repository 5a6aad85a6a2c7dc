/* What a test does to a socket that systems call by other names. */
#ifndef SOCKETS_H
#define SOCKETS_H

void close_socket(int socket);
/* From now on no call waits for it. */
void never_wait_for(int socket);
/* Why bind() has failed: whether somebody else has the address. */
int is_address_taken(void);

#endif

/*
 * What the library's connections meet. A program linked with ports.c answers the library's connect itself, since a symbol
 * of the executable comes before libc's.
 */
#ifndef PORTS_H
#define PORTS_H

/* From now on a connection to port `from` of 127.0.0.1 goes to port `to`. */
void port_leads_to(int from, int to);
/* From now on what this thread connects has room for little that has not been read, or as the system gives it. */
void connections_send_little(int on);

#endif

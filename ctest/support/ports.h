/*
 * Ports of other servers, for programs that name them. A program linked with ports.c answers the library's connect
 * itself, since a symbol of the executable comes before libc's.
 */
#ifndef PORTS_H
#define PORTS_H

/* From now on a connection to port `from` of 127.0.0.1 goes to port `to`. */
void port_leads_to(int from, int to);

#endif

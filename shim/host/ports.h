/* Ports that tests make up, as ctest/support/names.h does names: nobody may listen on 110 who is not root. */
#ifndef PORTS_H
#define PORTS_H

/* From now on who connects to `port` of an IPv4 address gets to `real`; 0 for none. */
void port_is(int port, int real);

#endif

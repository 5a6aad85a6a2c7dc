/* A line to a server that is far away: whatever comes, in either direction, is delivered so much later. */
#ifndef RELAY_H
#define RELAY_H

/*
 * Relays connections to a port of 127.0.0.1, one after the other, in a process of its own, which ends with this one at
 * the latest. As much may be under way as comes. Answers the port to connect to, or -1 when it has told stderr why not.
 * One relay at a time.
 */
int relay_start(int to_port, int delay_ms);

void relay_stop(void);

#endif

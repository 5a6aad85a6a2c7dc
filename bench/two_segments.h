/* A server as many are: one command at a time, Nagle's algorithm on, and each message sent in two segments. */
#ifndef TWO_SEGMENTS_H
#define TWO_SEGMENTS_H

/*
 * Serves a mailbox of so many messages of that size, to anybody who logs in, one connection after the other, in a
 * process of its own, which ends with this one at the latest. Answers its port on 127.0.0.1, or -1 when it has told stderr
 * why not. One server at a time.
 */
int two_segments_start(int messages, int size);

void two_segments_stop(void);

#endif

/* What two peers say to each other, delivered later. */
#ifndef DELAY_LINE_H
#define DELAY_LINE_H

/*
 * Has each of two connected sockets get what the other said, in order and so much later, until both have said their
 * last, one of them is broken, or `lifeline` has its end.
 */
void delay_line(int one, int other, int delay_ms, int lifeline);

#endif

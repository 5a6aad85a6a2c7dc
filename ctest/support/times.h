/* Clocks that a test sets: what the process is told, its libraries too. From one thread only. */
#ifndef TIMES_H
#define TIMES_H

/* So many seconds are added to the wall clock, and to the one that never jumps, of what they really say. */
void times_are(long wall, long steady);

#endif

/*
 * Memory that is refused on demand. Only what the calling thread asks for counts, and of that what the library and the
 * libraries below it want, not the test program itself. Must be in the executable itself to come before libc.
 */
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stddef.h>

/* From here on the first-th block that is asked for is refused, and if `lasting` every later one too; 0 refuses none. */
void allocations_begin(long first, int lasting);
/* The same, where only blocks of at least that many bytes count and are refused. */
void allocations_begin_large(long first, int lasting, size_t least);
/* Ends that; how many blocks were asked for. */
long allocations_end(void);
/* The most bytes of blocks that were in use at once since the beginning, of all that the thread asked for. */
long long allocations_peak(void);

#endif

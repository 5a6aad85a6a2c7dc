#include "allocations.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

/* The linker's: where this program's own code begins and ends. */
extern const char __executable_start, etext;

/* glibc's own names, which need no look-up: that would ask for memory itself. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static _Thread_local struct {
    int active, lasting;
    long first, asked;
    size_t least;
    /* bytes in use since the beginning, and the most that were */
    long long held, peak;
} trouble;

void allocations_begin(long first, int lasting)
{
    allocations_begin_large(first, lasting, 0);
}

void allocations_begin_large(long first, int lasting, size_t least)
{
    trouble.least = least;
    trouble.held = trouble.peak = 0;
    trouble.asked = 0;
    trouble.first = first;
    trouble.lasting = lasting;
    trouble.active = 1;
}

long allocations_end(void)
{
    trouble.active = 0;
    return trouble.asked;
}

long long allocations_peak(void)
{
    return trouble.peak;
}

/* Counts what a block has more than before. */
static void hold(long long bytes)
{
    if (!trouble.active)
        return;
    trouble.held += bytes;
    if (trouble.held > trouble.peak)
        trouble.peak = trouble.held;
}

static void *held(void *block)
{
    if (block != NULL)
        hold((long long)malloc_usable_size(block));
    return block;
}

/* Counts a block of that size that somebody at `caller` wants; whether it is refused. */
static int is_refused(size_t size, const void *caller)
{
    const char *at = caller;
    if (!trouble.active || size < trouble.least || (at >= &__executable_start && at < &etext))
        return 0;
    trouble.asked++;
    if (trouble.first == 0 || (trouble.lasting ? trouble.asked < trouble.first : trouble.asked != trouble.first))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return is_refused(size, __builtin_return_address(0)) ? NULL : held(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    size_t all = count > 0 && size > SIZE_MAX / count ? SIZE_MAX : count * size;
    return is_refused(all, __builtin_return_address(0)) ? NULL : held(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (is_refused(size, __builtin_return_address(0)))
        return NULL;
    long long before = block == NULL ? 0 : (long long)malloc_usable_size(block);
    void *grown = held(__libc_realloc(block, size));
    /* where it has moved, both were there */
    if (grown != NULL || size == 0)
        hold(-before);
    return grown;
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (is_refused(size, __builtin_return_address(0)))
        return ENOMEM;
    *block = held(__libc_memalign(alignment, size));
    return *block == NULL ? ENOMEM : 0;
}

void free(void *block)
{
    if (block != NULL)
        hold(-(long long)malloc_usable_size(block));
    __libc_free(block);
}

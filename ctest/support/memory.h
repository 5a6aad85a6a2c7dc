/* The memory of this process that can be written. Nothing here allocates any. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct region {
    uintptr_t begin, end;
    /* what it is */
    const char *name;
    size_t name_length;
};

/* Between the first and the last of these, all regions in turn; 0 behind the last. */
void memory_begin(void);
int memory_next(struct region *region);
void memory_end(void);

/* Copies what is there; how much that was, 0 where it is there no more. */
size_t memory_read(uintptr_t from, void *to, size_t size);

/* Memory of its own, and how it becomes such as cannot be written. */
void *memory_new(size_t size);
void memory_seal(void *memory, size_t size);

#endif

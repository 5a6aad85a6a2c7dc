#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

static char maps[1 << 18];
/* The line of these that comes next. */
static const char *line;
static int memory;

static void read_maps(void)
{
    size_t length = 0;
    ssize_t count;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while ((count = read(file, maps + length, sizeof maps - 1 - length)) > 0)
        length += (size_t)count;
    close(file);
    if (length == 0 || length == sizeof maps - 1)
        check_fatal("cannot read /proc/self/maps");
    maps[length] = '\0';
}

void memory_begin(void)
{
    memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    if (memory < 0)
        check_fatal("cannot open /proc/self/mem");
    read_maps();
    line = maps;
}

void memory_end(void)
{
    close(memory);
}

static uintptr_t read_hex(const char **text)
{
    uintptr_t value = 0;
    for (;; (*text)++) {
        if (**text >= '0' && **text <= '9')
            value = value << 4 | (uintptr_t)(**text - '0');
        else if (**text >= 'a' && **text <= 'f')
            value = value << 4 | (uintptr_t)(**text - 'a' + 10);
        else
            return value;
    }
}

int memory_next(struct region *region)
{
    /* begin-end rw-p offset device inode     path */
    while (*line != '\0') {
        const char *begin = line, *at = line;
        size_t length = strcspn(line, "\n"), before = strcspn(line, "[/\n");
        line += length + 1;
        region->begin = read_hex(&at);
        at++;
        region->end = read_hex(&at);
        region->name = before < length ? begin + before : "a mapping";
        region->name_length = before < length ? length - before : strlen(region->name);
        if (at[1] == 'r' && at[2] == 'w')
            return 1;
    }
    return 0;
}

size_t memory_read(uintptr_t from, void *to, size_t size)
{
    ssize_t count = pread(memory, to, size, (off_t)from);
    if (count <= 0)
        check_fatal("memory cannot be read");
    return (size_t)count;
}

void *memory_new(size_t size)
{
    void *new = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (new == MAP_FAILED)
        check_fatal("no memory");
    return new;
}

void memory_seal(void *sealed, size_t size)
{
    if (mprotect(sealed, size, PROT_READ) != 0)
        check_fatal("memory cannot be sealed");
}

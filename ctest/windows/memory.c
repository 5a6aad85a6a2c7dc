#include "memory.h"

#include <string.h>
#include <windows.h>

#include "check.h"

/* Where the next region is looked for. */
static uintptr_t next;

void memory_begin(void)
{
    next = 0;
}

void memory_end(void)
{
}

static const char *name_of(const MEMORY_BASIC_INFORMATION *information)
{
    return information->Type == MEM_IMAGE ? "a program or DLL" : information->Type == MEM_MAPPED ? "a mapping" : "memory";
}

int memory_next(struct region *region)
{
    const DWORD can_be_written = PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    MEMORY_BASIC_INFORMATION information;
    while (VirtualQuery((void *)next, &information, sizeof information) != 0) {
        region->begin = (uintptr_t)information.BaseAddress;
        region->end = next = region->begin + information.RegionSize;
        region->name = name_of(&information);
        region->name_length = strlen(region->name);
        if (information.State == MEM_COMMIT && (information.Protect & can_be_written) != 0
            && (information.Protect & PAGE_GUARD) == 0)
            return 1;
    }
    return 0;
}

size_t memory_read(uintptr_t from, void *to, size_t size)
{
    SIZE_T count = 0;
    ReadProcessMemory(GetCurrentProcess(), (void *)from, to, size, &count);
    return count;
}

void *memory_new(size_t size)
{
    void *new = VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    if (new == NULL)
        check_fatal("no memory");
    return new;
}

void memory_seal(void *memory, size_t size)
{
    DWORD before;
    if (!VirtualProtect(memory, size, PAGE_READONLY, &before))
        check_fatal("memory cannot be sealed");
}

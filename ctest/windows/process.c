#include "process.h"

#include <windows.h>

#include "check.h"

int open_descriptors(void)
{
    DWORD count;
    if (!GetProcessHandleCount(GetCurrentProcess(), &count) || count == 0)
        check_fatal("the handles cannot be counted");
    return (int)count;
}

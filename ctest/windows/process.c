#include "process.h"

#include <stdio.h>
#include <winsock2.h>
#include <windows.h>

#include "check.h"

/* Sockets alone: a session has some more handles, and Wine before 9 does not count any. */
int open_descriptors(void)
{
    enum { HIGHEST_HANDLE = 0x2000 };
    int count = 0;
    for (SOCKET handle = 4; handle <= HIGHEST_HANDLE; handle += 4) {
        int type, size = sizeof type;
        count += getsockopt(handle, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0;
    }
    return count;
}

/* What is in use of the process's heap, which is the library's as well as that of Windows itself. */
long heap_in_use(void)
{
    PROCESS_HEAP_ENTRY entry = {0};
    long total = 0;
    HANDLE heap = GetProcessHeap();
    HeapLock(heap);
    while (HeapWalk(heap, &entry))
        if ((entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0)
            total += (long)entry.cbData;
    HeapUnlock(heap);
    return total;
}

const char *own_path(void)
{
    static char path[4096];
    DWORD length = GetModuleFileNameA(NULL, path, sizeof path);
    if (length == 0 || length == sizeof path)
        check_fatal("where is this program?");
    for (char *c = path; *c != '\0'; c++)
        if (*c == '\\')
            *c = '/';
    return path;
}

int run_program(const char *program, const char *const arguments[])
{
    char line[8192];
    int length = snprintf(line, sizeof line, "\"%s\"", program);
    for (int i = 0; arguments[i] != NULL; i++)
        length += snprintf(line + length, sizeof line - (size_t)length, " \"%s\"", arguments[i]);
    STARTUPINFOA how = {.cb = sizeof how};
    PROCESS_INFORMATION process;
    DWORD code = (DWORD)-1;
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &how, &process))
        return -1;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return (int)code;
}

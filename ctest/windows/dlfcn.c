#include <dlfcn.h>
#include <stdio.h>
#include <windows.h>

void *dlopen(const char *path, int flags)
{
    (void)flags;
    return LoadLibraryA(path);
}

void *dlsym(void *library, const char *name)
{
    FARPROC found = GetProcAddress(library, name);
    HMODULE ours = GetModuleHandleA("pop3connect.dll");
    return (void *)(found != NULL || ours == NULL ? found : GetProcAddress(ours, name));
}

const char *dlerror(void)
{
    static char text[64];
    snprintf(text, sizeof text, "error %lu", GetLastError());
    return text;
}

int dlclose(void *library)
{
    return FreeLibrary(library) ? 0 : -1;
}

#include "imports.h"

#include <string.h>
#include <windows.h>

#include "check.h"

#define LIBRARY_NAME "pop3connect.dll"

static void *at(HMODULE library, DWORD offset)
{
    return (char *)library + offset;
}

/* Where the library keeps the address of that function, NULL if it does not import it by that name. */
static IMAGE_THUNK_DATA *find_import(HMODULE library, const char *function)
{
    const IMAGE_NT_HEADERS *headers = at(library, (DWORD)((IMAGE_DOS_HEADER *)library)->e_lfanew);
    DWORD table = headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress;
    for (const IMAGE_IMPORT_DESCRIPTOR *dll = at(library, table); dll->Name != 0; dll++) {
        const IMAGE_THUNK_DATA *name = at(library, dll->OriginalFirstThunk);
        IMAGE_THUNK_DATA *address = at(library, dll->FirstThunk);
        for (; name->u1.AddressOfData != 0; name++, address++) {
            if (IMAGE_SNAP_BY_ORDINAL(name->u1.Ordinal))
                continue;
            const IMAGE_IMPORT_BY_NAME *import = at(library, (DWORD)name->u1.AddressOfData);
            if (strcmp((const char *)import->Name, function) == 0)
                return address;
        }
    }
    return NULL;
}

void *replace_import(const char *function, void *instead)
{
    HMODULE library = GetModuleHandleA(LIBRARY_NAME);
    IMAGE_THUNK_DATA *address = library == NULL ? NULL : find_import(library, function);
    DWORD protection;
    if (address == NULL || !VirtualProtect(address, sizeof *address, PAGE_READWRITE, &protection))
        check_fatal(LIBRARY_NAME " calls no %s that could be replaced", function);
    void *replaced = (void *)address->u1.Function;
    address->u1.Function = (ULONG_PTR)instead;
    VirtualProtect(address, sizeof *address, protection, &protection);
    return replaced;
}

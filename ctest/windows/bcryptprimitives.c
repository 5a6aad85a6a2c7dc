/* The one function of bcryptprimitives.dll that Rust's standard library calls, for Wine before 10, which lacks the DLL. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T size)
{
    const ULONG most = 1 << 16;
    while (size > 0) {
        ULONG part = size < most ? (ULONG)size : most;
        if (!SystemFunction036(bytes, part))
            return FALSE;
        bytes += part;
        size -= part;
    }
    return TRUE;
}

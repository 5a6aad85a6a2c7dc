/* Ends as a program does that has gone wrong, with an exception that nobody handles. */
#include <windows.h>

int main(void)
{
    RaiseException(EXCEPTION_ACCESS_VIOLATION, EXCEPTION_NONCONTINUABLE, 0, NULL);
    return 0;
}

/* The DLL as it is loaded while a program runs: its names, its version, that it stays; and the component's resources. */
#include <stdio.h>
#include <windows.h>

#include "check.h"
#include "script.h"
#include "server.h"

#include "pop3connect.h"

static HMODULE library;

/* Of a function that is declared: its type is that of the declaration. */
#define FUNCTION(name) ((__typeof__(name) *)(void *)GetProcAddress(library, #name))

static void it_is_loaded_by_its_name_alone(void)
{
    CHECK(GetModuleHandleA("pop3connect.dll") == NULL);
    library = LoadLibraryA("pop3connect.dll");
    if (library == NULL || FUNCTION(pop3_connect) == NULL)
        check_fatal("pop3connect.dll cannot be loaded: error %lu", GetLastError());
}

static void its_resource_says_its_version(void)
{
    char path[1024], text[32];
    static char data[1 << 16];
    VS_FIXEDFILEINFO *numbers;
    UINT size;
    CHECK(GetModuleFileNameA(library, path, sizeof path) > 0);
    if (!CHECK(GetFileVersionInfoA(path, 0, sizeof data, data) && VerQueryValueA(data, "\\", (void **)&numbers, &size)))
        return;
    snprintf(text, sizeof text, "%u.%u.%u", HIWORD(numbers->dwFileVersionMS), LOWORD(numbers->dwFileVersionMS),
             HIWORD(numbers->dwFileVersionLS));
    CHECK_STR(FUNCTION(pop3_version)(), text);
}

static DWORD WINAPI hold_session(void *port)
{
    int socket = FUNCTION(pop3_connect)(at((int)(INT_PTR)port), "alice", PASS, NULL, 0, 0);
    CHECK(socket > 0);
    CHECK_INT(FUNCTION(pop3_message_count)(socket, NULL), 5);
    CHECK_INT(FUNCTION(pop3_disconnect)(socket, NULL), 0);
    FreeLibrary(library);
    /* this thread ends by what the library has left with it */
    return 0;
}

static void a_thread_that_has_called_it_may_unload_it(void)
{
    HANDLE thread = CreateThread(NULL, 0, hold_session, (void *)(INT_PTR)server_mailbox(""), 0, NULL);
    CHECK_INT(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    CloseHandle(thread);
    /* it stays until the process ends, since others may still have something of it */
    CHECK(GetModuleHandleA("pop3connect.dll") == library);
    CHECK(FUNCTION(pop3_version) != NULL);
}

static void the_component_has_its_string_resources(void)
{
    static const struct {
        UINT number;
        const char *text;
    } rows[] = {{1, "POP3Connect"}, {101, "POP3Connect"}, {215, "commstimeout"}, {31000, "Pop3ConnectProc"}};
    char text[64];
    HMODULE component = LoadLibraryExA("pop3connect_omnis.dll", NULL, LOAD_LIBRARY_AS_DATAFILE);
    CHECK(component != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(LoadStringA(component, rows[i].number, text, sizeof text) > 0);
        CHECK_STR(text, rows[i].text);
    }
}

int main(void)
{
    server_dir();
    RUN(it_is_loaded_by_its_name_alone);
    RUN(its_resource_says_its_version);
    RUN(a_thread_that_has_called_it_may_unload_it);
    RUN(the_component_has_its_string_resources);
    return check_result();
}

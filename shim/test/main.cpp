/* The component, called as an Omnis program calls it, by a host that loads it as Omnis does: the cases by topic. */
#include <cstdlib>

#include "program.h"

void test_component();
void test_connecting();
void test_messages();
void test_parameters();
void test_callbacks();
void test_failures();
void test_splitting();

int main()
{
    setenv("POP3CONNECT_SECURE_DIR", in(server_dir(), "secure"), 1);
    load();
    test_component();
    test_connecting();
    test_messages();
    test_parameters();
    test_callbacks();
    test_failures();
    test_splitting();
    plugin.reset();
    return check_result();
}

/* Against GNU mailutils, which has no SASL, adds X-UIDL to a header and lists sizes without it. */
#include "real_server.h"

int main(void)
{
    return real_server_test(&(struct real_server){
        .name = "GNU mailutils",
        .script = "mailutils.sh",
        .user = "alice@mail.test",
    });
}

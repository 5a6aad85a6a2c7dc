/* Against Dovecot. */
#include "real_server.h"

int main(void)
{
    return real_server_test(&(struct real_server){
        .name = "Dovecot",
        .script = "dovecot.sh",
        .user = "alice",
        .has_sasl = 1,
        .adds_nothing = 1,
        .tells_sizes = 1,
    });
}

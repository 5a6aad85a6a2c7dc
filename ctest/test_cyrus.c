/* Against Cyrus, which puts a trace of the delivery before each message. */
#include "real_server.h"

int main(void)
{
    return real_server_test(&(struct real_server){
        .name = "Cyrus",
        .script = "cyrus.sh",
        .user = "alice",
        .has_sasl = 1,
        .tells_sizes = 1,
    });
}

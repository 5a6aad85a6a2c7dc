#include "tls_library.h"

/* Schannel as Wine has it. */

const char *newest_tls(void)
{
    return "TLSv1.2";
}

int refuses_within_handshake(void)
{
    return 0;
}

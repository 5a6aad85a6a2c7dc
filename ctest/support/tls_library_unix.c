#include "tls_library.h"

const char *newest_tls(void)
{
    return "TLSv1.3";
}

int refuses_within_handshake(void)
{
    return 1;
}

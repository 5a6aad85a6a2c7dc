/* What the modes are called. */
#ifndef MODES_H
#define MODES_H

#include "client.h"

static inline const char *mode_name(enum mode mode)
{
    static const char *const names[MODES] = {[PLAIN] = "plain", [TLS] = "TLS", [STLS] = "STLS"};
    return names[mode];
}

/*
 * What makes the test server a server of that mode. In the clear it offers no SASL, since libcurl would use PLAIN
 * there too: so all three say USER and PASS.
 */
static inline const char *mode_options(enum mode mode)
{
    static const char *const options[MODES] = {
        [PLAIN] = "tls=none sasl=none", [TLS] = "tls=implicit", [STLS] = "tls=stls"};
    return options[mode];
}

#endif

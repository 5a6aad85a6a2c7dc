#include "target.h"

#include <stdio.h>

#include "server.h"

/*
 * What makes the test server a server of that mode. In the clear it offers no SASL, since libcurl would use PLAIN
 * there too: so all say USER and PASS.
 */
static const char *const options[MODES] = {
    [PLAIN] = "tls=none sasl=none", [TLS] = "tls=implicit", [STLS] = "tls=stls"};

struct target target_start(enum mode mode, const char *more)
{
    /* the server's own texts are good for a few calls only */
    static char ca_file[4200], secure_dir[4200];
    char all[128];
    snprintf(all, sizeof all, "%s %s", options[mode], more);
    snprintf(ca_file, sizeof ca_file, "%s", in(server_dir(), "ca.pem"));
    snprintf(secure_dir, sizeof secure_dir, "%s", in(server_dir(), "secure"));
    return (struct target){mode, server_mailbox(all), ca_file, secure_dir, "alice", "s3cret pass"};
}

const char *mode_name(enum mode mode)
{
    static const char *const names[MODES] = {[PLAIN] = "plain", [TLS] = "TLS", [STLS] = "STLS"};
    return names[mode];
}

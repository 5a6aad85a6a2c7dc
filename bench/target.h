/* Whom the clients talk to, and whom they trust. Both TLS modes verify. */
#ifndef TARGET_H
#define TARGET_H

enum mode { PLAIN, TLS, STLS, MODES };

struct target {
    enum mode mode;
    int port; /* on 127.0.0.1 */
    const char *ca_file;
    const char *secure_dir; /* has the same authority in its folder cacerts */
    const char *user;
    const char *pass;
};

/* A server of that mode, with a mailbox of its own; `more` are options of the test server, or "". */
struct target target_start(enum mode mode, const char *more);

/* What the mode is called. */
const char *mode_name(enum mode mode);

#endif

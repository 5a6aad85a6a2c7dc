/* What the three clients have in common: each connects, logs in and quits. */
#ifndef CLIENT_H
#define CLIENT_H

enum mode { PLAIN, TLS, STLS, MODES };

/* Whom to talk to, and whom to trust. Both TLS modes verify. */
struct target {
    enum mode mode;
    int port; /* on 127.0.0.1 */
    const char *ca_file;
    const char *secure_dir; /* has the same authority in its folder cacerts */
    const char *user;
    const char *pass;
};

struct client {
    const char *name;
    /* Once for the process. Answers 0, or -1 when it has told stderr why not; likewise `session`. */
    int (*prepare)(const struct target *target);
    int (*session)(const struct target *target);
    void (*clean_up)(void);
};

#endif

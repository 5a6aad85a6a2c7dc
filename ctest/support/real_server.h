/* A real POP3 server, started for one test, and the cases that the library must pass with each. */
#ifndef REAL_SERVER_H
#define REAL_SERVER_H

struct real_server {
    const char *name;
    /* Beside this file; starts it: see there. */
    const char *script;
    /* The account's name. */
    const char *user;
    /* Whether it offers SASL PLAIN, in the clear as well. */
    int has_sasl;
    /* Whether it gives out messages without header lines of its own. */
    int adds_nothing;
    /* Whether the sizes that it lists are those of what it sends. */
    int tells_sizes;
};

/* Starts the server, runs all cases in all three modes, ends it. Returns what main returns. */
int real_server_test(const struct real_server *which);

/* Starts the server, one at a time, and returns its port for POP3 in the clear and STLS; for cases of one's own. */
int real_server_begin(const struct real_server *which);
/* Its port for that mode. */
int real_server_port(int secure);
/* Ends it. That all of its processes do is a check. */
void real_server_end(void);

#endif

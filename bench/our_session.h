/* pop3connect's session, through its C interface. */
#ifndef OUR_SESSION_H
#define OUR_SESSION_H

#include <stdint.h>

#include "target.h"

/* Each answers 0, or -1 when it has told stderr why not. */
int our_prepare(const struct target *target);
/* Connects and logs in. */
int our_log_in(int32_t *socket, const struct target *target);
/* The same by that mechanism. */
int our_log_in_by(int32_t *socket, const struct target *target, const char *mechanism);
int our_quit(int32_t socket);

void our_clean_up(void);

int our_fail(const char *what, int32_t code);

#endif

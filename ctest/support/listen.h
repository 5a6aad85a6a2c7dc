/* Callbacks that remember what they logged, each thread for itself. */
#ifndef LISTEN_H
#define LISTEN_H

#include <stdint.h>

/* A pop3_sts_cb: adds the line to logged(). */
void log_status(const char *status);
/* The same for options: a status callback with a context, which is not used. */
void log_each_status(const char *status, void *context);
/* A pop3_error_cb: adds "! command code message" to logged(), so that the order shows. */
void log_error(const char *message, int32_t code, const char *command);
/* Everything this thread logged since clear_log(), each line ended by LF. */
const char *logged(void);
/* The same without the lines that begin with '*'. */
const char *logged_protocol(void);
/* Forgets it. */
void clear_log(void);

#endif

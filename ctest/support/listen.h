/* Callbacks that remember what they heard, each thread for itself. */
#ifndef LISTEN_H
#define LISTEN_H

#include <stdint.h>

/* A pop3_sts_cb: adds the line to heard(). */
void hear(const char *status);
/* The same for options: a status callback with a context, which is not used. */
void hear_status(const char *status, void *context);
/* A pop3_error_cb: adds "! command code message" to heard(), so that the order shows. */
void hear_error(const char *message, int32_t code, const char *command);
/* Everything this thread heard since hear_nothing(), each line ended by LF. */
const char *heard(void);
/* The same without the lines that begin with '*'. */
const char *heard_protocol(void);
/* Forgets it. */
void hear_nothing(void);

#endif

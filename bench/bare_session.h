/* The bare loop's session: says command for command what pop3connect says, which bench_connect checks. */
#ifndef BARE_SESSION_H
#define BARE_SESSION_H

#include "bare_stream.h"
#include "target.h"

/* Each answers 0, or -1 when it has told stderr why not. */
int bare_prepare(const struct target *target);
/* Connects and logs in; the stream must be closed whatever this answers. */
int bare_log_in(struct bare_stream *stream, const struct target *target);
/* The same by one who knows the server and asks for nothing: USER, then PASS, and in mode STLS that before. */
int bare_log_in_knowing(struct bare_stream *stream, const struct target *target);
int bare_quit(struct bare_stream *stream);

void bare_clean_up(void);

#endif

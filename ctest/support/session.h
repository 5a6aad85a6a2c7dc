/* Sessions with the test server, as most tests of the family on a socket need them. */
#ifndef SESSION_H
#define SESSION_H

#include "pop3connect.h"

/* Options for a session of alice's with the server on that port, or with the one of that name: "host:port". */
pop3_options *options_for(int where, int secure);
pop3_options *options_for_server(const char *server, int secure);
/* The first of these with a status callback: log_each_status(). */
pop3_options *recorded_options(int where, int secure);

/* The port of the play that connect_play() or connect_tls_play() began last. */
extern int port;

/* Logs in to the server on that port; failing is a failed check. */
int connect_to(int where, int secure);
/* Logs in to a play, whose port is `port` from then on. */
int connect_play(const char *transcript);
int connect_tls_play(const char *transcript);

/* Disconnects and checks that the session was fine, and that all went as the transcript says. */
void good_bye(int socket);
/* Disconnects and checks that the session had ended, and that all went as the transcript says. */
void it_is_over(int socket);

#endif

/* Transcripts: parts that most of them have, and one that is put together bit by bit. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stddef.h>

/* The password of every account here. */
#define PASS "s3cret pass"

/* A line that the server says, and one that the client must say; both end with CRLF. */
#define SEND(line) "send \"" line "\\r\\n\"\n"
#define EXPECT(line) "expect \"" line "\\r\\n\"\n"
/* A command that is expected, and the reply to it, whose line ends are written out. */
#define REPLY(command, reply) EXPECT(command) "send \"" reply "\"\n"
/* Up to the log-in: of a server without CAPA, and of one with these capabilities, each ended by \\r\\n. */
#define LOGGED_IN SEND("+OK") REPLY("CAPA", "-ERR\\r\\n") LOG_IN
#define LOGGED_IN_WITH(capabilities) SEND("+OK") REPLY("CAPA", "+OK\\r\\n" capabilities ".\\r\\n") LOG_IN
#define LOG_IN REPLY("USER alice", "+OK\\r\\n") REPLY("PASS " PASS, "+OK\\r\\n")
/* The same of a server without CAPA that ends its lines with LF. */
#define LOGGED_IN_LF \
    "send \"+OK\\n\"\n" REPLY("CAPA", "-ERR\\n") REPLY("USER alice", "+OK\\n") REPLY("PASS " PASS, "+OK\\n")
#define GOOD_BYE_LF REPLY("QUIT", "+OK\\n") "expect-eof\n"
#define GOOD_BYE REPLY("QUIT", "+OK\\r\\n") "expect-eof\n"

/* Begins a transcript anew. */
void script_begin(const char *text);
void script_add(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Adds `send` of these bytes, whichever they are. */
void script_send(const char *bytes, size_t length);
/* The transcript; good until the next call of these functions. */
const char *script(void);

#endif

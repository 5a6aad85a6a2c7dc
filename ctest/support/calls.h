/* One session with a call of every kind, for tests that break it off somewhere. */
#ifndef CALLS_H
#define CALLS_H

#include "pop3connect.h"

enum call {
    CONNECT,
    COUNT,
    LIST,
    UNIQUE_IDS,
    HEADERS,
    MESSAGE,
    MESSAGE_BY_UID,
    MESSAGES_AT_ONCE,
    TOPS_AT_ONCE,
    DELETE,
    UNDO,
    DELETE_AT_ONCE,
    UNDO_AGAIN,
    DISCONNECT,
    CALLS
};

/* The mailbox that it is held with. Small messages: tests try each byte. */
#define CALLS_MAILBOX "messages=2 size=0"

/*
 * The test server's secure folder by one of its names, more than the library keeps authorities for: by another one they
 * are read anew. Good until the next call.
 */
enum { SECURE_FOLDER_NAMES = 64 };
const char *secure_folder(int name);

/*
 * Connects, makes the calls and disconnects; `codes` has what each answered, for connect 0 where it is a socket. That
 * what was handed out fits the code is checked here.
 */
void make_calls(const pop3_options *options, int codes[CALLS]);

/*
 * The first call that did not answer what it should, CALLS if there is none. That none thereafter does anything is
 * checked here: unless connect itself failed, each must answer that the connection is lost.
 */
int first_failed(const int codes[CALLS]);

#endif

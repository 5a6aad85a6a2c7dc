/*
 * libpop3connect: a POP3 client with Omnis' POP3Connect and its related commands.
 *
 * Conventions of every function here:
 *
 * - 0 or a positive value is success, a negative one of the POP3_ERR_ codes below. pop3_get_last_error() then says
 *   more, with the server's own words, and pop3_error_text() what a code means.
 * - Strings end with NUL and are UTF-8 unless the function says bytes. A const pointer is read during the call and not
 *   kept. NULL is refused with POP3_ERR_PARAMETER unless the function says what it means; so is a server of more than
 *   1 KiB, and any other string of more than 64 KiB.
 * - An out structure is written only on success, zeroed otherwise, and freed by the function that its comment names.
 * - Every function is thread-safe and reentrant. A socket takes one call at a time: a second one answers POP3_ERR_BUSY
 *   at once.
 * - A callback is called on the calling thread, before the function returns, with no lock held. It may call any pop3_
 *   function; on the socket that it is called for all but pop3_cancel() answer POP3_ERR_BUSY. It must return: neither
 *   longjmp, pthread_exit() nor a C++ exception may leave it. pthread_cancel() waits until the call has returned.
 * - No function is async-signal-safe: none may be called in a signal handler.
 * - After fork() the new process can use the library, also where other threads were in calls of it. The sockets stay
 *   those of the process before: in the new one they answer POP3_ERR_BAD_SOCKET, nothing is sent on them, and
 *   pop3_disconnect() frees the copy. Where a callback forks, the call that it is of answers POP3_ERR_CONNECTION_LOST
 *   in the new process. fork() waits until no thread computes for a call, at most for two seconds; it does not wait for
 *   servers.
 * - Session-ending errors are POP3_ERR_CANCELLED, POP3_ERR_TIMEOUT, POP3_ERR_BAD_FORMAT, POP3_ERR_OUT_OF_MEMORY,
 *   POP3_ERR_SECURE, POP3_ERR_CONNECTION_LOST, POP3_ERR_LIMIT and POP3_ERR_INTERNAL. A session-ending error closes the
 *   connection: what was marked is not deleted, further calls on the socket answer POP3_ERR_CONNECTION_LOST, and
 *   pop3_disconnect() frees the socket. After any other error the session goes on.
 * - A response code in a server's refusal decides the error, whatever was refused: POP3_ERR_MAILBOX_IN_USE for
 *   [IN-USE], POP3_ERR_LOGIN_DELAY for [LOGIN-DELAY], POP3_ERR_AUTH for [AUTH], POP3_ERR_TEMPORARY for [SYS/TEMP],
 *   POP3_ERR_SERVER for [SYS/PERM]. A refused STLS is POP3_ERR_NO_STLS whatever its code. Where a refusal of a log-in
 *   has no code its words decide: those of a locked mailbox are POP3_ERR_MAILBOX_IN_USE, those of a busy server
 *   POP3_ERR_TEMPORARY. Where a function names none of these, no server is known to answer so there.
 * - What has no "Since:" in its comment has been there since version 1.0.
 * - Nothing is ever written to stdout or stderr, no signal is raised and no signal handler installed.
 *
 * Written by cbindgen from src/capi; don't edit.
 */


#ifndef POP3_CONNECT_H
#define POP3_CONNECT_H

#include <stddef.h>
#include <stdint.h>

/**
 * Success.
 */
#define POP3_OK 0

/**
 * An argument is NULL, out of range or too long, or holds a forbidden byte.
 */
#define POP3_ERR_PARAMETER -501

/**
 * There is no such socket.
 */
#define POP3_ERR_BAD_SOCKET -509

/**
 * The server is empty, has no host or an unusable port.
 */
#define POP3_ERR_NO_ADDRESS -511

/**
 * pop3_cancel ended the call, or a callback answered non-zero. Ends the session.
 */
#define POP3_ERR_CANCELLED -516

/**
 * A wait ran past its timeout. Ends the session.
 */
#define POP3_ERR_TIMEOUT -522

/**
 * Not valid POP3: a reply begins with neither +OK nor -ERR, or clear text came after STLS. Ends the session.
 */
#define POP3_ERR_BAD_FORMAT -523

/**
 * A reply lacks a field that it must have.
 */
#define POP3_ERR_SHORT_RESPONSE -524

/**
 * A field of a reply is malformed: a number, a SASL challenge.
 */
#define POP3_ERR_SYNTAX -525

/**
 * There is no memory left, or no descriptor or thread. Ends the session.
 */
#define POP3_ERR_OUT_OF_MEMORY -1010

/**
 * TLS failed; pop3_get_secure_error says why. Ends the session.
 */
#define POP3_ERR_SECURE -1021

/**
 * The name of the server, or of its proxy, has no address.
 */
#define POP3_ERR_HOST_NOT_FOUND -11001

/**
 * No address of the server could be connected to, or none of its proxy, or the proxy failed or refused.
 */
#define POP3_ERR_CONNECT -10061

/**
 * The peer closed or reset the connection, or the session had ended before. Ends the session.
 */
#define POP3_ERR_CONNECTION_LOST -10054

/**
 * The server answered -ERR, with no more exact meaning.
 */
#define POP3_ERR_SERVER -2001

/**
 * The server refused the credentials.
 */
#define POP3_ERR_AUTH -2002

/**
 * The server does not offer STLS, or refused it.
 */
#define POP3_ERR_NO_STLS -2003

/**
 * The socket is in use by another call.
 */
#define POP3_ERR_BUSY -10036

/**
 * A limit was passed: a line of 64 KiB, a list of 1 000 000 entries, the size of a message. Ends the session.
 */
#define POP3_ERR_LIMIT -2004

/**
 * [IN-USE] (RFC 2449), or words that say so: another session has the mailbox.
 */
#define POP3_ERR_MAILBOX_IN_USE -2005

/**
 * [LOGIN-DELAY]: logged in again too soon (RFC 2449).
 */
#define POP3_ERR_LOGIN_DELAY -2006

/**
 * [SYS/TEMP] (RFC 3206), or words that say so: temporary server failure.
 */
#define POP3_ERR_TEMPORARY -2007

/**
 * The server has no such command, or not the mechanism asked for.
 */
#define POP3_ERR_UNSUPPORTED -2008

/**
 * The book of a job cannot be opened, read or written.
 */
#define POP3_ERR_BOOK -2010

/**
 * A defect of the library, caught. Any function may answer it. Ends the session.
 */
#define POP3_ERR_INTERNAL -2009

/**
 * For `secure`: in the clear.
 */
#define POP3_CLEAR 0

/**
 * For `secure`: implicit TLS (RFC 8314).
 */
#define POP3_TLS 1

/**
 * For `secure`: STARTTLS, in the clear up to STLS (RFC 2595).
 */
#define POP3_STARTTLS 2

/**
 * For pop3_options_set_tls_min: TLS 1.0.
 */
#define POP3_TLS_1_0 10

/**
 * For pop3_options_set_tls_min: TLS 1.1.
 */
#define POP3_TLS_1_1 11

/**
 * For pop3_options_set_tls_min: TLS 1.2.
 */
#define POP3_TLS_1_2 12

/**
 * For pop3_options_set_tls_min: TLS 1.3.
 */
#define POP3_TLS_1_3 13

/**
 * For pop3_options_set_family: IPv6 and IPv4, tried by Happy Eyeballs (RFC 8305).
 */
#define POP3_FAMILY_ANY 0

/**
 * For pop3_options_set_family: IPv4 alone.
 */
#define POP3_FAMILY_IPV4 4

/**
 * For pop3_options_set_family: IPv6 alone.
 */
#define POP3_FAMILY_IPV6 6

/**
 * The version of the header: what changes incompatibly.
 */
#define POP3_VERSION_MAJOR 1

/**
 * The version of the header: what is added.
 */
#define POP3_VERSION_MINOR 0

/**
 * The version of the header: what is mended.
 */
#define POP3_VERSION_PATCH 0

/**
 * The version of the header as one number: major * 10000 + minor * 100 + patch.
 */
#define POP3_VERSION_NUMBER 10000

/**
 * What to collect. Opaque; from pop3_job_new, freed by pop3_job_free.
 */
typedef struct pop3_job pop3_job;

/**
 * Many calls at a time on one thread. Opaque; from pop3_loop_new, freed by pop3_loop_free.
 */
typedef struct pop3_loop pop3_loop;

/**
 * The options of a connection. Opaque; from pop3_options_new, freed by pop3_options_free.
 */
typedef struct pop3_options pop3_options;

/**
 * The status callback (Omnis: StsProc): is called with each status line of a call, without line end.
 *
 * `status` is UTF-8 and good until the callback returns. Called on the thread of the call, before the call returns;
 * it may call any pop3_ function. NULL for none.
 */
typedef void (*pop3_sts_cb)(const char *status);

/**
 * The size of a mailbox.
 */
typedef struct pop3_mailbox_size {
    /**
     * How many messages it holds, as the server reports it: most leave out those marked for deletion.
     */
    int32_t count;
    /**
     * How many octets they have together, as the server reports it.
     */
    int64_t size;
} pop3_mailbox_size;

/**
 * A message and its size.
 */
typedef struct pop3_message_info {
    /**
     * Its number, from 1.
     */
    int32_t number;
    /**
     * Its size in octets, as the server reports it.
     */
    int64_t size;
} pop3_message_info;

/**
 * Messages, which belong to the host until it passes them to pop3_list_free.
 */
typedef struct pop3_list {
    /**
     * The messages. NULL in a zeroed one.
     */
    pop3_message_info *items;
    /**
     * How many.
     */
    size_t count;
} pop3_list;

/**
 * A message and its unique id.
 */
typedef struct pop3_uid {
    /**
     * Its number, from 1.
     */
    int32_t number;
    /**
     * Its unique id, which lives as long as the list.
     */
    char *uid;
} pop3_uid;

/**
 * Unique ids, which belong to the host until it passes them to pop3_uid_list_free.
 */
typedef struct pop3_uid_list {
    /**
     * The unique ids. NULL in a zeroed one.
     */
    pop3_uid *items;
    /**
     * How many.
     */
    size_t count;
} pop3_uid_list;

/**
 * Bytes that belong to the host until it passes them to pop3_buffer_free.
 */
typedef struct pop3_buffer {
    /**
     * The bytes, with a NUL after them that `len` does not count. NULL in a zeroed one.
     */
    char *data;
    /**
     * How many bytes.
     */
    size_t len;
} pop3_buffer;

/**
 * The TLS facts of a socket, which belong to the host until it passes them to pop3_tls_info_free.
 */
typedef struct pop3_tls_info {
    /**
     * The version, as "TLSv1.3". NULL in a zeroed one.
     */
    char *version;
    /**
     * The cipher suite, as the platform's TLS library calls it. NULL in a zeroed one.
     */
    char *cipher;
    /**
     * 1 where an earlier session was resumed, else 0.
     */
    int32_t resumed;
    /**
     * 1 where the server's certificate and name were verified, or its fingerprint was, else 0.
     */
    int32_t verified;
    /**
     * The server's certificate in PEM, "" if it sent none. NULL in a zeroed one.
     */
    char *peer_pem;
} pop3_tls_info;

/**
 * The data callback: is called with each piece of a message.
 *
 * `data` are the `len` next bytes, at least one, not ended by NUL, and good until the callback returns; `context` is
 * what was passed to the function. Answers 0 to go on, anything else to stop, which ends the session. Called on the
 * thread of the call, before the call returns; it may call any pop3_ function.
 */
typedef int32_t (*pop3_data_cb)(const char *data, size_t len, void *context);

/**
 * The message callback: is called with each piece of several messages.
 *
 * `number` is the message's; `data` are the `len` next bytes of it, not ended by NUL, and good until the callback
 * returns. `last` is 0 while more of that message follows, and 1 with its final bytes, which may be none. Where the
 * server refused that number there is one call, with `data` NULL, `len` 0 and `last` the error. A message without its
 * call with `last` 1 did not arrive whole. Answers 0 to go on, anything else to stop, which ends the session. Called
 * on the thread of the call, before the call returns; it may call any pop3_ function.
 */
typedef int32_t (*pop3_message_cb)(int32_t number, const char *data, size_t len, int32_t last, void *context);

/**
 * Asks the host's own book for a unique id, or tells it one.
 */
typedef int32_t (*pop3_book_cb)(const char *account, const char *uid, void *context);

/**
 * A message that pop3_collect has found to be new.
 */
typedef struct pop3_arrival {
    /**
     * Its unique id by UIDL, with one blank between its words. Of a server without UIDL, SHA-256 over the header in
     * hexadecimal digits, each line of it with LF as its end. "" of one that has no TOP either.
     */
    const char *uid;
    /**
     * Its number in the session that is open. It may have another one when it is seen again.
     */
    int32_t number;
    /**
     * Its size in octets, as the server reports it; -1 where it does not.
     */
    int64_t size;
} pop3_arrival;

/**
 * Asks the host whether it wants a message now.
 */
typedef int32_t (*pop3_wanted_cb)(const pop3_arrival *arrival, void *context);

/**
 * Takes the messages that pop3_collect brings, piece by piece.
 *
 * `arrival` says which message, and is good until the callback returns, as `data` is: the `len` next bytes of it,
 * not ended by NUL. `last` is 0 while more of that message follows, and 1 with its final bytes, which may be none:
 * when the callback answers 0 to that, the message counts as taken, and never comes again. `last` is an error, with
 * `data` NULL and `len` 0, where the message does not come, or where the connection broke in the middle of it: then
 * what has come of it is to be thrown away, and it may begin anew in the same run. Answers 0 to go on, anything else
 * to stop the run. Called on the thread of the call, before the call returns; it may call any pop3_ function.
 */
typedef int32_t (*pop3_collect_cb)(const pop3_arrival *arrival,
                                   const char *data,
                                   size_t len,
                                   int32_t last,
                                   void *context);

/**
 * What became of a run of pop3_collect.
 */
typedef struct pop3_outcome {
    /**
     * How many messages were taken: the message callback has answered 0 to the last piece of each, and they are in
     * the book.
     */
    int32_t taken;
    /**
     * How many messages the server has deleted, as its answers to QUIT say.
     */
    int32_t deleted;
    /**
     * How many new messages were left for another run: not wanted, too large, past a limit, or not come to.
     */
    int32_t left;
    /**
     * How many new messages did not arrive: refused by the server, or the connection broke at them twice.
     */
    int32_t failed;
    /**
     * How many octets those that were taken have together.
     */
    int64_t octets;
    /**
     * How often a connection that had broken was made again.
     */
    int32_t reconnects;
} pop3_outcome;

/**
 * The done callback: is called once when a call of a loop is over.
 *
 * `call` is what the function that began it returned, `result` what its blocking counterpart would return; inside,
 * pop3_get_last_error gives the reason where that is an error. The call is over: it cannot be cancelled any more. Called
 * inside pop3_loop_run, or pop3_loop_free; it may add and cancel calls, free the loop, and call any other pop3_ function.
 */
typedef void (*pop3_done_cb)(int32_t call, int32_t result, void *context);

/**
 * A field of a message's header. Both strings live as long as the mail.
 */
typedef struct pop3_field {
    /**
     * Its name as it is written, for example "Subject".
     */
    char *name;
    /**
     * Its value in UTF-8: unfolded into one line, encoded words (RFC 2047) and parameters (RFC 2231) decoded.
     */
    char *value;
} pop3_field;

/**
 * A part of a message. Strings are UTF-8, "" where the message does not say; all of it lives as long as the mail.
 */
typedef struct pop3_part {
    /**
     * 0 is the message itself. What a multipart or another message contains is one level below it, and follows it.
     */
    int32_t level;
    /**
     * In lower case, as "text"; what names none is "text", or "message" in a multipart/digest.
     */
    char *content_type;
    /**
     * In lower case, as "plain".
     */
    char *content_subtype;
    /**
     * The charset that the part names, in lower case; the text below is UTF-8 all the same.
     */
    char *charset;
    /**
     * The Content-Transfer-Encoding, in lower case, as "base64"; the data below is decoded.
     */
    char *encoding;
    /**
     * In lower case, as "attachment" or "inline".
     */
    char *disposition;
    /**
     * The Content-ID without its angle brackets, as links in HTML name it behind "cid:".
     */
    char *content_id;
    /**
     * The name of the file, decoded, as the sender wrote it: it may be a path, or anything else, so do not open it
     * unchecked.
     */
    char *file_name;
    /**
     * The text of a text part, and of a multipart in which no parts were found, in UTF-8: line ends and format=flowed as they
     * are sent, what is not valid in its charset as U+FFFD. NULL for any other part. A NUL follows that `text_len`
     * does not count; the text may have others.
     */
    char *text;
    /**
     * How many bytes.
     */
    size_t text_len;
    /**
     * The decoded bytes of a part that contains no others. Of a message in a message it is that one's header, as it
     * is sent, for another pop3_split. NULL for a multipart. A NUL follows that `data_len` does not count. It may be
     * the same memory as the text.
     */
    char *data;
    /**
     * How many bytes.
     */
    size_t data_len;
} pop3_part;

/**
 * A message taken apart, which belongs to the host until it passes it to pop3_mail_free.
 */
typedef struct pop3_mail {
    /**
     * The fields of the header, in order, repeated ones too. NULL in a zeroed one.
     */
    pop3_field *fields;
    /**
     * How many.
     */
    size_t field_count;
    /**
     * The parts, in order: one at least. NULL in a zeroed one.
     */
    pop3_part *parts;
    /**
     * How many.
     */
    size_t part_count;
    /**
     * When the message was written, in seconds since 1970 began, UTC: by its first field "Date" that can be understood.
     * INT64_MIN where there is none.
     */
    int64_t date;
} pop3_mail;

/**
 * The error callback (Omnis: ErrorProc): is called for every command that fails.
 *
 * `message` is the text that pop3_get_last_error gives, `code` what the command is about to return, `command` its
 * Omnis name, for example "POP3Connect". Both strings are good until the callback returns. Called on the thread of
 * the command, after its status lines and before it returns; it may call any pop3_ function.
 */
typedef void (*pop3_error_cb)(const char *message, int32_t code, const char *command);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Gives the meaning of an error code, in English.
 *
 * - `code`: what a pop3_ function answered; any number will do.
 *
 * Returns a text that is good for the process's life, never NULL.
 * Threads: thread-safe.
 */
const char *pop3_error_text(int32_t code);

/**
 * Gives this thread's last error in words, with the server's own reply where there was one.
 *
 * A call that succeeds leaves it as it is. It holds no password.
 *
 * Returns UTF-8 in one line, "" if nothing has failed; good until this thread's next pop3_ call; never NULL.
 *
 * Threads: thread-safe; each thread has its own.
 */
const char *pop3_get_last_error(void);

/**
 * Gives this thread's last TLS error in words: the reason of POP3_ERR_SECURE (Omnis: WebDevGetSecureError).
 *
 * Returns UTF-8 in one line, "" if no TLS error has happened; good until this thread's next pop3_ call; never NULL.
 *
 * Threads: thread-safe; each thread has its own.
 */
const char *pop3_get_secure_error(void);

/**
 * Connects to a POP3 server and logs in (Omnis: POP3Connect).
 *
 * It is essential to end the session with pop3_disconnect. Logs in by the SASL mechanisms (RFC 5034) that the server
 * lists, each tried once: over TLS PLAIN, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, LOGIN, the two SCRAM with -PLUS; in
 * the clear SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, which do not send the password, then PLAIN and LOGIN, which do. USER
 * and PASS (RFC 1939) come last, where the server lists them or lists no mechanism. A refusal of the credentials ends
 * the log-in: one with `[AUTH]`, or, where the server does not list AUTH-RESP-CODE (RFC 3206), one that answers
 * credentials and whose words give no other reason. So does a refusal that answers credentials because of a locked
 * mailbox or a busy server. Any other refusal leads to the next mechanism. Every wait ends within the comms timeout.
 * The addresses that the server's name has are tried by Happy Eyeballs (RFC 8305): IPv6 and IPv4 in turns, the next
 * one while those before are still silent.
 *
 * After a log-in the server's capabilities are remembered for a day, and the TLS session, for a day at most and never
 * past the date of a certificate, until pop3_forget: the next connect to the same server in the same way logs in at
 * once and resumes the TLS session (session resumption). In the clear remembered capabilities choose no mechanism but
 * SCRAM-SHA-256; else the server is asked anew. A server that breaks at CAPA is connected to once more without, and
 * that is remembered too. What was made with another `verify`, or with other trust anchors, is not used.
 *
 * - `server`: UTF-8: a name, an IPv4 or IPv6 address, each with `:port` if it is not the default, an IPv6 address
 *   then in brackets. Internationalised names are converted (IDNA). The default port is 110, or 995 where `secure`
 *   is 1.
 * - `user`, `pass`: bytes that are passed on as they are; neither may hold CR or LF. Copies are wiped as soon as the
 *   log-in is decided.
 * - `sts_cb`: is called with the status lines; NULL for none.
 * - `secure`: 0 for a connection in the clear, 1 for implicit TLS (RFC 8314), 2 for STARTTLS: STLS after the greeting
 *   (RFC 2595), before anything secret is sent.
 * - `verify`: only significant where `secure` is not 0. Non-zero: the server's certificate and name must verify
 *   against the trust anchors (CA certificates) of the platform or of the secure folder (see pop3_set_secure_dir), or
 *   nothing is established. A certificate without names is accepted where the secure folder has it itself. Zero:
 *   encrypted, but the server may be an impostor.
 *
 * Returns the socket, greater than 0: a handle for the other pop3_ functions, not a file descriptor, and never given
 * again in the process's life. Or an error: POP3_ERR_PARAMETER (NULL, too long, another `secure`, CR or LF),
 * POP3_ERR_NO_ADDRESS (no host, unusable port), POP3_ERR_HOST_NOT_FOUND, POP3_ERR_CONNECT, POP3_ERR_TIMEOUT,
 * POP3_ERR_CONNECTION_LOST, POP3_ERR_SECURE (TLS or verification failed), POP3_ERR_NO_STLS (not offered or refused),
 * POP3_ERR_BAD_FORMAT (not valid POP3, or clear text after STLS), POP3_ERR_SYNTAX (a malformed SASL challenge, or a
 * server that does not prove that it knows the password), POP3_ERR_LIMIT (endless line, or too much to compute),
 * POP3_ERR_AUTH (credentials refused), POP3_ERR_MAILBOX_IN_USE, POP3_ERR_LOGIN_DELAY, POP3_ERR_TEMPORARY,
 * POP3_ERR_UNSUPPORTED (no way to log in that the server takes), POP3_ERR_SERVER (the greeting was -ERR, or the
 * log-in was refused for another reason than the credentials), POP3_ERR_OUT_OF_MEMORY.
 * Threads: thread-safe, reentrant.
 */
int32_t pop3_connect(const char *server,
                     const char *user,
                     const char *pass,
                     pop3_sts_cb sts_cb,
                     int32_t secure,
                     int32_t verify);

/**
 * Connects and logs in, as pop3_connect, by these options.
 *
 * The callbacks go with the socket: they are called for every later call on it too, beside a call's own.
 *
 * - `options`: only read, and copied as far as the session needs them; they may be used again, by several threads at
 *   once, and freed while the session lives.
 *
 * Returns the socket, as pop3_connect does, or POP3_ERR_PARAMETER (`options` is NULL; a setter was refused and has not
 * been called with a valid value since, the text names it; for OAuth no token, or a control character in it, in the
 * user's name or in the authorization identity), POP3_ERR_UNSUPPORTED (a setter was refused with it; the server does
 * not list the mechanism asked for, or none that can be used with these options), POP3_ERR_CANCELLED (the progress
 * callback stopped it), any other error of pop3_connect.
 * Threads: thread-safe, reentrant, as long as no call changes the options meanwhile.
 */
int32_t pop3_connect_with(const pop3_options *options);

/**
 * Closes a session: has the server delete what is marked, closes the connection, frees the socket (Omnis:
 * POP3Disconnect).
 *
 * Sends QUIT and waits for its reply (RFC 1939, section 6).
 *
 * - `socket`: from pop3_connect; free after this call whatever it returns, save for POP3_ERR_BUSY.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_BUSY (in use by another call). Or POP3_ERR_BAD_SOCKET (unknown, or freed before),
 * POP3_ERR_SERVER or POP3_ERR_TEMPORARY (the server says that it did not commit the deletions),
 * POP3_ERR_CONNECTION_LOST (the session had ended before, or ended without an answer), or any other session-ending
 * error, after which the socket is free.
 * Threads: thread-safe.
 */
int32_t pop3_disconnect(int32_t socket, pop3_sts_cb sts_cb);

/**
 * Forgets what is remembered of a server: its capabilities, its TLS sessions, and that it breaks at CAPA, at
 * pipelining or at the resumption of a session.
 *
 * The next connect asks for capabilities and makes a full handshake. Sessions that are open go on.
 *
 * - `server`: as for pop3_connect; without a port, the server on all of its ports. NULL for all servers. A string
 *   that is not a valid server is ignored.
 *
 * Threads: thread-safe.
 */
void pop3_forget(const char *server);

/**
 * Asks how many messages the mailbox holds, those marked for deletion included (Omnis: POP3MessageCount; STAT,
 * RFC 1939).
 *
 * - `socket`: from pop3_connect.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns the number, or POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused), POP3_ERR_TEMPORARY,
 * POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (the answer is not a message count and a size), or a session-ending
 * error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_message_count(int32_t socket, pop3_sts_cb sts_cb);

/**
 * Asks what the mailbox holds: the number of messages and their octets (STAT, RFC 1939).
 *
 * Both are as the server reports them. RFC 1939 leaves messages out that are marked for deletion; some servers count
 * them. pop3_message_count always counts them.
 *
 * - `socket`: from pop3_connect.
 * - `out`: written only on success, zeroed otherwise; there is nothing to free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused),
 * POP3_ERR_TEMPORARY, POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (the answer is not a message count and a size), or a
 * session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_mailbox(int32_t socket, pop3_mailbox_size *out, pop3_sts_cb sts_cb);

/**
 * Lists the messages that are not marked for deletion, with their sizes (Omnis: POP3ListMessages; LIST, RFC 1939).
 *
 * In a list of all, a line without a valid message number and size is left out, and a status line reports that.
 *
 * - `socket`: from pop3_connect.
 * - `number`: of one message, or 0 for all.
 * - `out`: the messages in the server's order, their sizes as the server reports them; written only on success, zeroed
 *   otherwise; free with pop3_list_free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` negative), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
 * POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (of one
 * message: the answer is not its number and size), POP3_ERR_LIMIT (more than 1 000 000 lines, whatever is in them), or
 * any other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_list_messages(int32_t socket, int32_t number, pop3_list *out, pop3_sts_cb sts_cb);

/**
 * Asks for the unique ids of the messages that are not marked for deletion (UIDL, RFC 1939).
 *
 * An id is all that follows the number, blanks within it included. In a list of all, a line without a valid message
 * number and id is left out, and a status line reports that.
 *
 * - `socket`: from pop3_connect.
 * - `number`: of one message, or 0 for all.
 * - `out`: the unique ids in the server's order, whole however long; written only on success, zeroed otherwise; free
 *   with pop3_uid_list_free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` negative), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
 * POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (refused by a server that does
 * not list UIDL among its capabilities), POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (of one message: the answer is not
 * its number and id), POP3_ERR_LIMIT (more than 1 000 000 lines, or ids of more than 256 MiB together), or any other
 * session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_unique_ids(int32_t socket, int32_t number, pop3_uid_list *out, pop3_sts_cb sts_cb);

/**
 * Marks a message for deletion, which the server deletes at pop3_disconnect (Omnis: POP3DeleteMessage; DELE,
 * RFC 1939).
 *
 * A session that ends in another way deletes nothing.
 *
 * - `socket`: from pop3_connect.
 * - `number`: of the message, from 1.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`number` less than 1), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER
 * (refused: no such message, or marked already), POP3_ERR_TEMPORARY, or a session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_delete_message(int32_t socket, int32_t number, pop3_sts_cb sts_cb);

/**
 * Marks many messages for deletion, which the server deletes at pop3_disconnect (DELE, RFC 1939).
 *
 * Where the server can take commands ahead of its answers (PIPELINING, RFC 2449) a bounded number is sent at once;
 * otherwise one after the other. Where the server refused to mark some, all others are marked all the same, and the first
 * refusal is what this returns: pop3_get_last_error names its number and how many were marked, pop3_list_messages lists
 * those that are not. After a session-ending error nothing will be deleted.
 *
 * - `socket`: from pop3_connect.
 * - `numbers`: of the messages, each from 1; NULL is fine where `count` is 0.
 * - `count`: how many.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns how many messages were marked, which are all, or POP3_ERR_PARAMETER (`numbers` is NULL, a number less than 1, a
 * `count` beyond 2 147 483 647; nothing was sent), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (one was refused: no
 * such message, or marked already), POP3_ERR_TEMPORARY, or a session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_delete_messages(int32_t socket,
                             const int32_t *numbers,
                             size_t count,
                             pop3_sts_cb sts_cb);

/**
 * Marks the message with a unique id for deletion, which the server deletes at pop3_disconnect (UIDL, DELE, RFC 1939).
 *
 * The id is looked up as by pop3_recv_uid. Where no message has it, or several have, nothing is marked.
 *
 * - `socket`: from pop3_connect.
 * - `uid`: the unique id, as from pop3_unique_ids.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`uid` is NULL, empty, longer than 64 KiB or has control octets other than tabs),
 * POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (no message has that id, or it is marked already; several have it; or
 * refused), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (UIDL was refused by a server that does not list it among its
 * capabilities), POP3_ERR_LIMIT (a list beyond the limits of pop3_unique_ids), or any other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_delete_uid(int32_t socket,
                        const char *uid,
                        pop3_sts_cb sts_cb);

/**
 * Takes back every mark for deletion of this session (Omnis: POP3UndoDeletes; RSET, RFC 1939).
 *
 * - `socket`: from pop3_connect.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused), POP3_ERR_TEMPORARY, or a session-ending
 * error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_undo_deletes(int32_t socket, pop3_sts_cb sts_cb);

/**
 * Keeps the session from being ended as idle, by a command that does nothing (NOOP, RFC 1939).
 *
 * - `socket`: from pop3_connect.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused), POP3_ERR_TEMPORARY, or a session-ending
 * error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_noop(int32_t socket, pop3_sts_cb sts_cb);

/**
 * Asks for the capabilities of the server (CAPA, RFC 2449).
 *
 * - `socket`: from pop3_connect.
 * - `out`: one capability a line, as the server wrote it, each line ended by LF; written only on success, zeroed
 *   otherwise; free with pop3_buffer_free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_UNSUPPORTED (the
 * server has no CAPA), or a session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_capabilities(int32_t socket, pop3_buffer *out, pop3_sts_cb sts_cb);

/**
 * Gives the TLS facts of a socket: version, cipher suite, certificate.
 *
 * Asks nothing of the server.
 *
 * - `socket`: from pop3_connect.
 * - `out`: written only on success, zeroed otherwise; free with pop3_tls_info_free.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_UNSUPPORTED (the
 * connection is in the clear), POP3_ERR_CONNECTION_LOST (the session has ended), POP3_ERR_OUT_OF_MEMORY.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_get_tls_info(int32_t socket, pop3_tls_info *out);

/**
 * Cancels the call that is under way on a socket, which then answers POP3_ERR_CANCELLED.
 *
 * POP3_ERR_CANCELLED is a session-ending error. Where no call is under way nothing happens.
 *
 * - `socket`: from pop3_connect.
 *
 * Returns 0, or POP3_ERR_BAD_SOCKET.
 * Threads: thread-safe; a callback of the call itself may call it.
 */
int32_t pop3_cancel(int32_t socket);

/**
 * Reads the header of a message (Omnis: POP3RecvHeaders; TOP n 0, RFC 1939).
 *
 * - `socket`: from pop3_connect.
 * - `number`: of the message, from 1.
 * - `out`: the header as the server stores it, the empty line after it included; written only on success, zeroed
 *   otherwise; free with pop3_buffer_free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns as pop3_recv_top.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_recv_headers(int32_t socket, int32_t number, pop3_buffer *out, pop3_sts_cb sts_cb);

/**
 * Reads the header of a message and the first lines of its body (TOP, RFC 1939).
 *
 * - `socket`: from pop3_connect.
 * - `number`: of the message, from 1.
 * - `lines`: how many lines of the body, from 0.
 * - `out`: what the server gives, byte for byte; written only on success, zeroed otherwise; free with
 *   pop3_buffer_free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` less than 1, `lines` negative), POP3_ERR_BAD_SOCKET,
 * POP3_ERR_BUSY, POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (refused by a
 * server that does not list TOP among its capabilities), POP3_ERR_LIMIT (more octets than pop3_options_set_max_message
 * allows, or else 16 MiB), or any other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_recv_top(int32_t socket, int32_t number, int32_t lines, pop3_buffer *out, pop3_sts_cb sts_cb);

/**
 * Reads a message into memory (Omnis: POP3RecvMessage; RETR, RFC 1939).
 *
 * The memory grows by what arrives, whatever the server says that the size is. For messages that may be large there
 * is pop3_recv_message_to.
 *
 * - `socket`: from pop3_connect.
 * - `number`: of the message, from 1.
 * - `out`: the message as the server stores it: dot-stuffing undone, line ends as sent; written only on success,
 *   zeroed otherwise; free with pop3_buffer_free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` less than 1), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
 * POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_LIMIT (more octets than
 * pop3_options_set_max_message allows), or any other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_recv_message(int32_t socket, int32_t number, pop3_buffer *out, pop3_sts_cb sts_cb);

/**
 * Reads the message with a unique id into memory (UIDL, RETR, RFC 1939).
 *
 * The first call of a session that looks an id up asks for the list of all (UIDL), which the session keeps until it ends
 * or pop3_undo_deletes is called: the mailbox is locked meanwhile, so one list is enough. The id is the same however many
 * blanks stand between its words. Where two messages have the same id, none is taken.
 *
 * - `socket`: from pop3_connect.
 * - `uid`: the unique id, as from pop3_unique_ids.
 * - `out`: the message as the server stores it: dot-stuffing undone, line ends as sent; written only on success,
 *   zeroed otherwise; free with pop3_buffer_free.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `uid` is NULL, empty, longer than 64 KiB or has control octets other
 * than tabs), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (no message has that id, or it is marked for deletion;
 * several have it; or refused), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (UIDL was refused by a server that does not list
 * it among its capabilities), POP3_ERR_LIMIT (more octets than pop3_options_set_max_message allows, or a list beyond the
 * limits of pop3_unique_ids), or any other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_recv_uid(int32_t socket,
                      const char *uid,
                      pop3_buffer *out,
                      pop3_sts_cb sts_cb);

/**
 * Reads a message of any size, handing each piece to a callback as it arrives (RETR, RFC 1939).
 *
 * One buffer of 64 KiB is all the memory that it takes. The message has arrived whole if this returns 0.
 *
 * - `socket`: from pop3_connect.
 * - `number`: of the message, from 1.
 * - `data_cb`: takes the message as the server stores it: dot-stuffing undone, line ends as sent. An empty message
 *   makes no call.
 * - `context`: handed to `data_cb`; may be NULL.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`data_cb` is NULL, `number` less than 1), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
 * POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_CANCELLED (`data_cb` stopped it), or any
 * other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_recv_message_to(int32_t socket, int32_t number, pop3_data_cb data_cb, void *context, pop3_sts_cb sts_cb);

/**
 * Reads many messages, handing each piece to a callback as it arrives (RETR, RFC 1939).
 *
 * Where the server can take commands ahead of its answers (PIPELINING, RFC 2449) a bounded number of messages is
 * asked for at once; otherwise one after the other. Where the server refuses a number, `message_cb` is called with the
 * error, and the next message follows.
 *
 * - `socket`: from pop3_connect.
 * - `numbers`: of the messages, each from 1, in the order in which they are wanted; NULL is fine where `count` is 0.
 * - `count`: how many.
 * - `message_cb`: takes the messages, one after the other.
 * - `context`: handed to `message_cb`; may be NULL.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns how many messages were delivered whole, or POP3_ERR_PARAMETER (`message_cb` or `numbers` is NULL, a number
 * less than 1, a `count` beyond 2 147 483 647), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_CANCELLED (`message_cb`
 * stopped it), or any other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_recv_messages(int32_t socket,
                           const int32_t *numbers,
                           size_t count,
                           pop3_message_cb message_cb,
                           void *context,
                           pop3_sts_cb sts_cb);

/**
 * Reads the headers of many messages and the first lines of their bodies, handing each piece to a callback as it arrives
 * (TOP, RFC 1939).
 *
 * As pop3_recv_messages does it for whole messages: pipelined where the server can, otherwise one after the other. Where
 * the server refuses a number, or has no TOP, `message_cb` is called with the error, and the next message follows. One
 * buffer of 64 KiB is all the memory that it takes, so no limit applies to what comes.
 *
 * - `socket`: from pop3_connect.
 * - `numbers`: of the messages, each from 1, in the order in which they are wanted; NULL is fine where `count` is 0.
 * - `count`: how many.
 * - `lines`: how many lines of each body, from 0.
 * - `message_cb`: takes what the server gives, one message after the other; `last` is POP3_ERR_UNSUPPORTED where the server
 *   refused and does not list TOP among its capabilities.
 * - `context`: handed to `message_cb`; may be NULL.
 * - `sts_cb`: is called with the status lines; NULL for none.
 *
 * Returns how many of them were delivered whole, or POP3_ERR_PARAMETER (`message_cb` or `numbers` is NULL, a number less
 * than 1, `lines` negative, a `count` beyond 2 147 483 647), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_CANCELLED
 * (`message_cb` stopped it), or any other session-ending error.
 * Threads: thread-safe; a socket takes one call at a time.
 */
int32_t pop3_recv_tops(int32_t socket,
                       const int32_t *numbers,
                       size_t count,
                       int32_t lines,
                       pop3_message_cb message_cb,
                       void *context,
                       pop3_sts_cb sts_cb);

/**
 * Asks how many messages wait in a mailbox: connects, asks, disconnects (Omnis: POP3Stat).
 *
 * - `server`, `user`, `pass`, `sts_cb`, `secure`, `verify`: as for pop3_connect.
 *
 * Returns the number, or an error of pop3_connect or pop3_message_count save for POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY
 * and POP3_ERR_CANCELLED. The connection is closed in any case.
 * Threads: thread-safe.
 */
int32_t pop3_stat(const char *server,
                  const char *user,
                  const char *pass,
                  pop3_sts_cb sts_cb,
                  int32_t secure,
                  int32_t verify);

/**
 * Asks how many messages wait in a mailbox, as pop3_stat, by options.
 *
 * - `options`: as for pop3_connect_with.
 *
 * Returns the number, or an error of pop3_connect_with or pop3_message_count save for POP3_ERR_BAD_SOCKET and
 * POP3_ERR_BUSY. The connection is closed in any case.
 * Threads: thread-safe, reentrant, as long as no call changes the options meanwhile.
 */
int32_t pop3_stat_with(const pop3_options *options);

/**
 * Reads the messages of a mailbox and deletes them if wanted: connects, reads, disconnects (Omnis: POP3Recv).
 *
 * A message is deleted only after its last byte was delivered and the callback answered 0, and only if the session is
 * closed without an error: after a session-ending error the server keeps them all, and those already delivered come
 * again next time. Where the server refused to delete one, the others are deleted all the same. After an error not all
 * mail may have been received. The numbers are those of LIST, or, where the server refuses that, counted from 1 to
 * what STAT says.
 *
 * - `server`, `user`, `pass`, `sts_cb`, `secure`, `verify`: as for pop3_connect.
 * - `message_cb`, `context`: as for pop3_recv_messages.
 * - `delete_after`: non-zero deletes each message that was delivered.
 * - `max_messages`: how many messages to read at the most, from the first that is listed; 0 reads all.
 *
 * Returns how many messages were received whole, or POP3_ERR_PARAMETER (`message_cb` is NULL, `max_messages` negative,
 * or as for pop3_connect), POP3_ERR_SERVER or POP3_ERR_TEMPORARY (the greeting was -ERR, or the server refused to list
 * and to count, refused to delete, or did not commit the deletions), any other error of pop3_connect,
 * pop3_list_messages, pop3_message_count or pop3_recv_messages save for POP3_ERR_BAD_SOCKET and POP3_ERR_BUSY. The
 * connection is closed in any case.
 * Threads: thread-safe.
 */
int32_t pop3_recv(const char *server,
                  const char *user,
                  const char *pass,
                  pop3_message_cb message_cb,
                  void *context,
                  int32_t delete_after,
                  pop3_sts_cb sts_cb,
                  int32_t max_messages,
                  int32_t secure,
                  int32_t verify);

/**
 * Reads the messages of a mailbox and deletes them if wanted, as pop3_recv, by options.
 *
 * - `options`: as for pop3_connect_with.
 * - `message_cb`, `context`, `delete_after`, `max_messages`: as for pop3_recv.
 *
 * Returns how many messages were received whole, or an error of pop3_recv, any other error of pop3_connect_with. The
 * connection is closed in any case.
 * Threads: thread-safe, reentrant, as long as no call changes the options meanwhile.
 */
int32_t pop3_recv_with(const pop3_options *options,
                       pop3_message_cb message_cb,
                       void *context,
                       int32_t delete_after,
                       int32_t max_messages);

/**
 * Makes a job with the defaults: whole messages of any number and size, the oldest first, nothing deleted, no book.
 *
 * Returns it, to be freed with pop3_job_free; NULL on an internal error.
 * Threads: thread-safe.
 */
pop3_job *pop3_job_new(void);

/**
 * Frees a job.
 *
 * - `job`: from pop3_job_new, not freed before and not in use; NULL is fine.
 *
 * Threads: thread-safe.
 */
void pop3_job_free(pop3_job *job);

/**
 * Sets the book in which the unique ids of what was taken are kept: an SQLite file, for any number of accounts, jobs,
 * threads and processes. Beside it there are files of SQLite's and of a run's whose names begin with its own.
 *
 * A table `messages` has a row for each message, and a view `taken` shows them with accounts and times. An account is
 * user@host:port, with the authorization identity as its user where there is one. What a server does not list any more
 * leaves the book after 30 days. It must not lie on a network's file system. Where the library has an SQLite of its own (on
 * Windows, with musl, in the wheel for Python) a host may read the book by another one in another process alone: in one
 * process they do not know of each other's locks.
 *
 * - `job`: from pop3_job_new.
 * - `path`: of the file, which is made when a run finds none, for its owner alone; NULL is the default: no book, so
 *   that every run takes all that is there.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, the path is not UTF-8 where paths must be), POP3_ERR_UNSUPPORTED
 * (the library was built without books).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_book(pop3_job *job,
                          const char *path);

/**
 * Sets functions of the host as the book, for hosts that keep it in a database of their own.
 *
 * Both NULL is the default: no book. The last one of this and pop3_job_set_book counts.
 *
 * - `job`: from pop3_job_new.
 * - `is_taken`: whether the message with that unique id was taken: 0 no, 1 yes, anything negative ends the run.
 * - `taken`: that it has been; it is to be on disk when this returns 0, anything else ends the run, and the message
 *   comes again. A message that shares its unique id with others is told by its unique id, its size, the SHA-256 of
 *   its header and which of those that look the same it is, with blanks between.
 * - `context`: handed to both, with the account as user@host:port.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, one of the two is NULL and the other is not).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_book_cb(pop3_job *job, pop3_book_cb is_taken, pop3_book_cb taken, void *context);

/**
 * Sets when what was taken is deleted on the server.
 *
 * - `job`: from pop3_job_new.
 * - `days`: -1 is the default: never; 0 in the same run, and what an earlier run has not come to delete; n in the
 *   first run that is n days or more after it was taken, which needs a book in a file.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, `days` less than -1).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_delete(pop3_job *job, int32_t days);

/**
 * Sets in which order messages are taken.
 *
 * - `job`: from pop3_job_new.
 * - `newest_first`: 0 is the default: as the server numbers them, which is the oldest first; non-zero the other way
 *   round.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_order(pop3_job *job, int32_t newest_first);

/**
 * Sets how much a run may take. 0 is the default of each: no limit.
 *
 * The sizes are those that the server reports; a message that turns out to be larger than `octets_each` ends the
 * connection, which is made again. With pop3_job_set_lines sizes are not known before.
 *
 * - `job`: from pop3_job_new.
 * - `messages`: how many messages; the others are left for the next run.
 * - `octets_each`: how large a message may be. A larger one is left, and the message callback told: POP3_ERR_LIMIT.
 * - `octets_all`: how many octets together; where the next message does not fit it and the others are left for the
 *   next run. One that is larger by itself is as one that is larger than `octets_each`.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, a limit is negative).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_limits(pop3_job *job, int32_t messages, int64_t octets_each, int64_t octets_all);

/**
 * Sets whether messages are taken whole.
 *
 * - `job`: from pop3_job_new.
 * - `lines`: -1 is the default: whole; n for the header, the empty line and n lines of the body (TOP, RFC 1939). What
 *   was taken so counts as taken, and is deleted as the job says.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, `lines` less than -1).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_lines(pop3_job *job, int32_t lines);

/**
 * Sets who says which messages are wanted.
 *
 * - `job`: from pop3_job_new.
 * - `cb`: is called for each new message before it is asked for, often for some ahead of those that have come;
 *   answers 0 for "not now": the message is left, and asked about again in the next run. NULL is the default: all
 *   are wanted.
 * - `context`: handed to `cb`.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_wanted_cb(pop3_job *job, pop3_wanted_cb cb, void *context);

/**
 * Sets who takes the messages.
 *
 * - `job`: from pop3_job_new.
 * - `cb`: as pop3_collect_cb; NULL is the default, with which there is nothing to collect.
 * - `context`: handed to `cb`.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`job` is NULL).
 * Threads: thread-safe, as long as no other call uses the job meanwhile.
 */
int32_t pop3_job_set_message_cb(pop3_job *job, pop3_collect_cb cb, void *context);

/**
 * Collects what is new in a mailbox, each message once: connects, asks what is there, takes what the book does not
 * know, and deletes what the job says; and connects again where a connection breaks.
 *
 * A message counts as taken when the message callback has answered 0 to its last piece. It is in the book before the
 * next one is handed over, and on disk before anything is deleted. So a run that is killed at any moment loses no
 * message, and at most the one that was being handed over comes again; after a power cut as many may as were taken
 * within a second. Deletions are committed (QUIT) every 100 messages, or 30 seconds, and at the end.
 *
 * The message on which a connection broke is asked for once more; where it breaks again the message is left and told
 * as failed, and the others go on. Messages that share a unique id are told apart by their size and the SHA-256 of
 * their header. Of a server without UIDL that digest is the unique id (TOP n 0), which costs a command for each
 * message in the mailbox.
 *
 * After an error another run goes on where this one stopped: what was taken is in the book, and what was not deleted is
 * deleted then.
 *
 * Another program that writes into the book is waited for, for 10 seconds at most.
 *
 * - `options`: as for pop3_connect_with. The time that a call may take is that of the whole run.
 * - `job`: from pop3_job_new, with a message callback.
 * - `out`: what became of it; filled whatever this answers.
 *
 * Returns 0, or POP3_ERR_PARAMETER (an argument is NULL; the job has no message callback, or days without a book in a file;
 * a setter of the job was refused), POP3_ERR_BOOK (the book cannot be opened, read or written: no message is taken that it
 * does not get), POP3_ERR_MAILBOX_IN_USE (also where another run collects from this account into this book: then nothing
 * was connected), POP3_ERR_CANCELLED (a callback stopped it: nothing more is asked), POP3_ERR_UNSUPPORTED (also where a
 * book is kept and the server has neither UIDL nor TOP), POP3_ERR_SERVER or POP3_ERR_TEMPORARY (also where all was taken,
 * but the server refused to delete something), any other error of pop3_connect_with or pop3_recv_message save for
 * POP3_ERR_BAD_SOCKET and POP3_ERR_BUSY.
 * Threads: thread-safe, reentrant, as long as no call changes the options or the job meanwhile.
 */
int32_t pop3_collect(const pop3_options *options,
                     const pop3_job *job,
                     pop3_outcome *out);

/**
 * Makes a loop: many mailboxes at a time on one thread.
 *
 * A call that is added is under way from then on, and gets on whenever pop3_loop_run is called. Nothing of it waits:
 * connecting, proxies, TLS, log-in, QUIT and the end of TLS are gone on with when something has come; names are looked
 * up by a few threads beside it, once for all who ask within a minute, and a log-in that computes much does so there.
 * What the host's callbacks do, and the book of a job in a file, delays all other calls of the loop.
 *
 * Returns it, to be freed with pop3_loop_free; NULL where the system has no descriptors or memory for it.
 * Threads: thread-safe. A loop is used by one thread at a time, save for pop3_loop_wake; several loops run side by side.
 */
pop3_loop *pop3_loop_new(void);

/**
 * Frees a loop and ends the calls that are under way: the done callback of each hears POP3_ERR_CANCELLED before this
 * returns.
 *
 * May be called in a callback of a call of the loop. After it has returned no callback of any call is called.
 *
 * - `pop3_loop`: from pop3_loop_new, and not freed yet; NULL is ignored.
 *
 * Threads: by the thread that uses the loop.
 */
void pop3_loop_free(pop3_loop *pop3_loop);

/**
 * Asks how many messages wait in a mailbox, beside the other calls of a loop: pop3_stat_with that does not wait.
 *
 * - `pop3_loop`: from pop3_loop_new.
 * - `options`: as for pop3_stat_with, and copied: they may be changed and freed when this has returned. The time that a
 *   call may take begins when it begins to connect.
 * - `done`, `context`: is called when it is over, with the number or the error; NULL for none.
 *
 * Returns the call, greater than 0, or POP3_ERR_PARAMETER (the loop or the options are NULL, or as for pop3_stat_with),
 * POP3_ERR_NO_ADDRESS, POP3_ERR_CANCELLED (the loop is being freed), POP3_ERR_BUSY (another thread uses the loop),
 * POP3_ERR_CONNECTION_LOST (the loop is that of the process that has forked this one), POP3_ERR_OUT_OF_MEMORY. `done` is
 * not called then. A call is over only inside pop3_loop_run or pop3_loop_free.
 * Threads: one thread at a time uses a loop.
 */
int32_t pop3_loop_stat(pop3_loop *pop3_loop,
                       const pop3_options *options,
                       pop3_done_cb done,
                       void *context);

/**
 * Reads the messages of a mailbox and deletes them if wanted, beside the other calls of a loop: pop3_recv_with that does
 * not wait.
 *
 * - `pop3_loop`, `options`: as for pop3_loop_stat.
 * - `message_cb`: as for pop3_recv_with; after pop3_loop_cancel it is not called any more.
 * - `delete_after`, `max_messages`: as for pop3_recv_with.
 * - `done`: is called when it is over, with how many messages were received whole or the error; NULL for none.
 * - `context`: is handed to both callbacks.
 *
 * Returns the call, greater than 0, or POP3_ERR_PARAMETER (`message_cb` is NULL, `max_messages` negative), or an error of
 * pop3_loop_stat.
 * Threads: one thread at a time uses a loop.
 */
int32_t pop3_loop_recv(pop3_loop *pop3_loop,
                       const pop3_options *options,
                       pop3_message_cb message_cb,
                       int32_t delete_after,
                       int32_t max_messages,
                       pop3_done_cb done,
                       void *context);

/**
 * Collects what is new in a mailbox, each message once, beside the other calls of a loop: pop3_collect that does not wait
 * for the network. For the book in a file it does: all other calls stand still meanwhile.
 *
 * - `pop3_loop`, `options`: as for pop3_loop_stat.
 * - `job`: as for pop3_collect, and copied: it may be changed and freed when this has returned. After pop3_loop_cancel its
 *   callbacks are not called any more, save for the book's of a message that was taken before.
 * - `out`: what became of it; zeroed, and filled before `done` is called, until when it must stay where it is. It stays zero
 *   where the loop is freed in a callback of this call.
 * - `done`, `context`: is called when it is over, with 0 or the error; NULL for none.
 *
 * Returns the call, greater than 0, or POP3_ERR_PARAMETER (as for pop3_collect), or an error of pop3_loop_stat.
 * Threads: one thread at a time uses a loop.
 */
int32_t pop3_loop_collect(pop3_loop *pop3_loop,
                          const pop3_options *options,
                          const pop3_job *job,
                          pop3_outcome *out,
                          pop3_done_cb done,
                          void *context);

/**
 * Has a call end. Its done callback hears POP3_ERR_CANCELLED in a later pop3_loop_run, unless it was over before.
 *
 * - `pop3_loop`: from pop3_loop_new.
 * - `call`: from a function of this loop that begins a call.
 *
 * Returns 0, or POP3_ERR_PARAMETER (the loop is NULL, or no such call is under way), POP3_ERR_BUSY (another thread uses
 * the loop), POP3_ERR_CONNECTION_LOST (the loop is that of the process that has forked this one).
 * Threads: one thread at a time uses a loop; callbacks of its calls may call this.
 */
int32_t pop3_loop_cancel(pop3_loop *pop3_loop, int32_t call);

/**
 * Goes on with the calls of a loop: waits until something has come for one of them, then does what can be done without
 * waiting.
 *
 * A call that is over is told by its done callback. A fast server has as much of a turn as any other: 64 KiB.
 *
 * - `pop3_loop`: from pop3_loop_new.
 * - `timeout_ms`: how long to wait at most, in milliseconds; 0 not at all; -1 until something has come, where any call is
 *   under way. pop3_loop_wake ends the wait, and a signal may.
 *
 * Returns how many calls are under way, or POP3_ERR_PARAMETER (the loop is NULL, another number below 0), POP3_ERR_BUSY (a
 * callback of the loop has called this, or another thread uses the loop), POP3_ERR_CONNECTION_LOST (the loop is that of
 * the process that has forked this one), POP3_ERR_INTERNAL.
 * Threads: one thread at a time uses a loop.
 */
int32_t pop3_loop_run(pop3_loop *pop3_loop,
                      int32_t timeout_ms);

/**
 * The descriptor that is readable when pop3_loop_run has something to do, for the host's own loop: epoll, kqueue, GLib,
 * libuv, asyncio.
 *
 * It is the loop's: never read, written or closed by the host. What is due by its time is told by pop3_loop_timeout.
 *
 * - `pop3_loop`: from pop3_loop_new.
 *
 * Returns it; -1 where there is none, as on Windows, or the loop is NULL.
 * Threads: one thread at a time uses a loop.
 */
int32_t pop3_loop_fd(const pop3_loop *pop3_loop);

/**
 * In how many milliseconds pop3_loop_run must be called even if nothing comes: deadlines, progress callbacks, addresses to
 * be tried next. It changes with each call of a function of the loop.
 *
 * - `pop3_loop`: from pop3_loop_new.
 *
 * Returns it; 0 for at once, -1 for never, or where the loop is NULL.
 * Threads: one thread at a time uses a loop.
 */
int32_t pop3_loop_timeout(const pop3_loop *pop3_loop);

/**
 * Has pop3_loop_run return that waits, or the next one that would.
 *
 * - `pop3_loop`: from pop3_loop_new; NULL is ignored.
 *
 * Threads: any thread, at any time before the loop is freed.
 */
void pop3_loop_wake(pop3_loop *pop3_loop);

/**
 * Sets how many calls of a loop go on at once. Those past it wait for their turn, in the order in which they were added.
 *
 * - `pop3_loop`: from pop3_loop_new.
 * - `at_once`: how many in all; 0 for any number; 1000 where nothing is set.
 * - `at_once_each_host`: how many to servers of the same name; 0 for any number; 10 where nothing is set.
 *
 * Returns 0, or POP3_ERR_PARAMETER (the loop is NULL, a number is negative), POP3_ERR_BUSY (another thread uses the loop),
 * POP3_ERR_CONNECTION_LOST (the loop is that of the process that has forked this one).
 * Threads: one thread at a time uses a loop.
 */
int32_t pop3_loop_set_limits(pop3_loop *pop3_loop,
                             int32_t at_once,
                             int32_t at_once_each_host);

/**
 * Takes a message apart: the fields of its header and its MIME parts, decoded (RFC 5322, RFC 2045 to 2047, RFC 2231;
 * Omnis: MailSplit).
 *
 * Any bytes are a message, a header alone and none at all too. What is broken is taken as a mail program would show
 * it: a header without charset is UTF-8 if it is valid, else windows-1252, and so is a text; a multipart without its
 * boundary is a text; where the end is missing the part ends with what it is in. Messages within messages
 * (message/rfc822) are taken apart as well. uuencode is decoded where it is the Content-Transfer-Encoding, and left where
 * it stands in a text; TNEF (winmail.dat) is left as it is.
 *
 * All memory of the call and of the result together is no more than four times the message and 4 MiB: for very many
 * very short fields and parts that may be too little.
 *
 * - `message`: the bytes, as pop3_recv_message gives them, or pop3_recv_headers; NULL with `len` 0 is an empty message.
 * - `len`: how many bytes.
 * - `out`: written only on success, zeroed otherwise; free with pop3_mail_free.
 *
 * Returns 0, or POP3_ERR_PARAMETER, POP3_ERR_LIMIT (parts deeper than level 64, more than 10 000 parts, memory as
 * above), POP3_ERR_OUT_OF_MEMORY.
 * Threads: thread-safe.
 */
int32_t pop3_split(const char *message,
                   size_t len,
                   pop3_mail *out);

/**
 * Frees what pop3_split wrote, and zeroes it.
 *
 * - `mail`: one that pop3_split wrote, or a zeroed one, or NULL; not freed before.
 *
 * Threads: thread-safe.
 */
void pop3_mail_free(pop3_mail *mail);

/**
 * Makes options with the defaults.
 *
 * Returns them, to be freed with pop3_options_free; NULL on an internal error.
 * Threads: thread-safe.
 */
pop3_options *pop3_options_new(void);

/**
 * Frees options, and wipes their secrets. Sessions that were made with them go on.
 *
 * - `options`: from pop3_options_new, not freed before and not in use; NULL is fine.
 *
 * Threads: thread-safe.
 */
void pop3_options_free(pop3_options *options);

/**
 * Sets the server.
 *
 * - `options`: from pop3_options_new.
 * - `server`: as for pop3_connect, which checks it; copied; NULL is the default, an empty one.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_server(pop3_options *options, const char *server);

/**
 * Sets how long to wait, in milliseconds.
 *
 * - `options`: from pop3_options_new.
 * - `connect_ms`: for reading CA certificates, for the name, for the connection, for the proxy and for the TLS
 *   handshake, each; 0 is the process's comms timeout.
 * - `reply_ms`: for each reply, and anew for each 64 KiB of a long one; 0 is the process's comms timeout.
 * - `call_ms`: for a whole call, connecting included; 0 is none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, one of them is negative).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_timeouts(pop3_options *options, int32_t connect_ms, int32_t reply_ms, int32_t call_ms);

/**
 * Sets the address family to connect by: IPv4, IPv6, or both as Happy Eyeballs do (RFC 8305).
 *
 * - `options`: from pop3_options_new.
 * - `family`: POP3_FAMILY_ANY (the default), POP3_FAMILY_IPV4 or POP3_FAMILY_IPV6.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `family`).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_family(pop3_options *options, int32_t family);

/**
 * Sets the address to connect from; only addresses of the server of the same family are tried then.
 *
 * - `options`: from pop3_options_new.
 * - `address`: an IPv4 or IPv6 address of this machine; copied; NULL is the default, the system's choice.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `address` is not an IP address).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_source_address(pop3_options *options, const char *address);

/**
 * Sets the proxy to connect through.
 *
 * The proxy looks the server's name up; the name in the certificate is verified all the same. The family and the
 * source address of these options are about the connection to the proxy. A proxy that fails or refuses, as it does for
 * wrong credentials, is POP3_ERR_CONNECT at connect, with its reason in the text.
 *
 * - `options`: from pop3_options_new.
 * - `url`: `socks5://[user:password@]host:port` (RFC 1928, RFC 1929), for which `socks5h` is another name, or
 *   `http://[user:password@]host:port` for CONNECT (RFC 9110), in UTF-8; user and password may be percent-encoded.
 *   Copied; what it holds of a password is wiped when the options are freed or another is set. NULL is the default,
 *   none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another scheme, no port, not a URL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_proxy(pop3_options *options, const char *url);

/**
 * Sets the user's name.
 *
 * - `options`: from pop3_options_new.
 * - `user`: bytes that are passed on as they are, without CR or LF; copied; NULL is the default, an empty one.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `user`).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_user(pop3_options *options, const char *user);

/**
 * Sets the password.
 *
 * - `options`: from pop3_options_new.
 * - `password`: bytes that are passed on as they are, without CR or LF; copied, and wiped when the options are freed
 *   or another is set; NULL is the default, an empty one.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `password`).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_password(pop3_options *options, const char *password);

/**
 * Sets the OAuth access token, for the mechanisms XOAUTH2 and OAUTHBEARER.
 *
 * With a token the log-in is by one of these, as the server lists them, and never by the password, unless
 * pop3_options_set_mechanism names another mechanism. A server that lists neither is POP3_ERR_UNSUPPORTED at connect;
 * a control character in the token is POP3_ERR_PARAMETER there.
 *
 * - `options`: from pop3_options_new.
 * - `token`: without CR or LF; copied, and wiped when the options are freed or another is set; NULL is
 *   the default, none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `token`).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_oauth_token(pop3_options *options, const char *token);

/**
 * Sets the authorization identity (authzid): the user to act as, if not the one who logs in.
 *
 * The log-in is then by what carries it: PLAIN, SCRAM, OAUTHBEARER or EXTERNAL. Where the server offers none of these
 * connecting is POP3_ERR_UNSUPPORTED, with no credential sent.
 *
 * - `options`: from pop3_options_new.
 * - `authzid`: without CR or LF; copied; NULL is the default, the user.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `authzid`).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_authzid(pop3_options *options, const char *authzid);

/**
 * Sets the mechanism to log in by.
 *
 * With a name the log-in is by that mechanism alone. One that the server does not list is POP3_ERR_UNSUPPORTED at
 * connect, before a credential is sent; USER, and any mechanism where the server was not asked for its capabilities,
 * is tried all the same. APOP is POP3_ERR_UNSUPPORTED where the greeting has no timestamp, or came before STLS, when
 * an attacker could have sent it. With -PLUS each type of channel binding of the connection is tried: tls-exporter
 * with TLS 1.3, else tls-server-end-point, then tls-unique.
 *
 * - `options`: from pop3_options_new.
 * - `name`: "auto" (the default), "USER" for USER and PASS, "APOP", or a SASL name: PLAIN, LOGIN, CRAM-MD5,
 *   SCRAM-SHA-1, SCRAM-SHA-256, the latter two with -PLUS, XOAUTH2, OAUTHBEARER, EXTERNAL; in any letter case. NULL
 *   is the default.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, an unknown name).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_mechanism(pop3_options *options, const char *name);

/**
 * Sets whether the password may be sent over a connection in the clear.
 *
 * USER and PASS, PLAIN and LOGIN send the password, XOAUTH2 and OAUTHBEARER the token. A connection with TLS counts as
 * encrypted, verified or not.
 *
 * - `options`: from pop3_options_new.
 * - `allowed`: non-zero (the default) for yes; 0 for no: then a log-in that has no other way left is
 *   POP3_ERR_UNSUPPORTED with no credential sent.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_clear_password(pop3_options *options, int32_t allowed);

/**
 * Sets how the connection is encrypted: not at all, by implicit TLS, or by STARTTLS.
 *
 * - `options`: from pop3_options_new.
 * - `secure`: POP3_CLEAR (the default), POP3_TLS for implicit TLS, POP3_STARTTLS for STLS.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `secure`).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_secure(pop3_options *options, int32_t secure);

/**
 * Sets whether the server's certificate and name must verify.
 *
 * - `options`: from pop3_options_new.
 * - `verify`: non-zero (the default) verifies, 0 does not.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_verify(pop3_options *options, int32_t verify);

/**
 * Sets the secure folder, as pop3_set_secure_dir does for the process.
 *
 * - `options`: from pop3_options_new.
 * - `path`: copied; NULL is the default, the process's.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `path` is empty).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_secure_dir(pop3_options *options, const char *path);

/**
 * Sets a file of CA certificates (trust anchors) that counts instead of the secure folder.
 *
 * - `options`: from pop3_options_new.
 * - `path`: of a file in PEM with any number of certificates, or DER; read when a connect first verifies against it,
 *   and kept for the process, of the sixteen latest such settings; copied; NULL is the default, none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `path` is empty).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_ca_file(pop3_options *options, const char *path);

/**
 * Sets whether the platform's trust anchors (CA certificates) are used.
 *
 * - `options`: from pop3_options_new.
 * - `on`: non-zero (the default) if they are; 0 leaves those of the secure folder or of pop3_options_set_ca_file.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_platform_trust(pop3_options *options, int32_t on);

/**
 * Sets the fingerprint of the only certificate that the server may have (certificate pinning).
 *
 * With one, this leaf certificate is accepted and no other, whatever its chain, names and dates, `verify` or not. No
 * CA certificates are read. Where the server has another one the handshake ends with POP3_ERR_SECURE, and the text has
 * both fingerprints.
 *
 * - `options`: from pop3_options_new.
 * - `sha256`: the SHA-256 digest of the certificate in DER, as 64 hexadecimal digits; colons between them are passed
 *   over. Copied; NULL is the default, none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `sha256` is not such a digest).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_fingerprint(pop3_options *options, const char *sha256);

/**
 * Sets the client certificate, in PEM.
 *
 * Takes the place of one from pop3_options_set_client_pkcs12. What is wrong with the files is POP3_ERR_SECURE at
 * connect.
 *
 * - `options`: from pop3_options_new.
 * - `cert_pem_path`: of a file with the certificate, and behind it its issuers if they are to be sent; read by each
 *   connect; copied.
 * - `key_pem_path`: of a file with its key, without a passphrase; likewise. Both NULL is the default, none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, one of the paths is NULL or empty).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_client_cert(pop3_options *options, const char *cert_pem_path, const char *key_pem_path);

/**
 * Sets the client certificate, in PKCS #12 (RFC 7292).
 *
 * Takes the place of one from pop3_options_set_client_cert. What is wrong with the file or the password is
 * POP3_ERR_SECURE at connect.
 *
 * - `options`: from pop3_options_new.
 * - `path`: of the file; read by each connect; copied; NULL is the default, none.
 * - `password`: what opens it, in UTF-8; copied, and wiped when the options are freed; NULL is an empty one.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `path` is empty, `password` is not UTF-8).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_client_pkcs12(pop3_options *options, const char *path, const char *password);

/**
 * Sets the oldest version of TLS that is accepted.
 *
 * - `options`: from pop3_options_new.
 * - `version`: POP3_TLS_1_2 (the default, whatever OpenSSL's configuration says unless that wants 1.3 alone) or
 *   POP3_TLS_1_3; POP3_TLS_1_0 or POP3_TLS_1_1 for old appliances, which also admits small keys and SHA-1 (OpenSSL's
 *   security level 0) for that connection. Suites without a certificate or without encryption are never offered.
 *   Secure Transport (macOS) has no TLS 1.3; nor has Schannel before Windows 11, where a connect that wants it answers
 *   POP3_ERR_SECURE.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `version`), POP3_ERR_UNSUPPORTED (POP3_TLS_1_3 on
 * macOS).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_tls_min(pop3_options *options, int32_t version);

/**
 * Sets the name to send to the server in the TLS handshake (SNI), and to verify its certificate against.
 *
 * - `options`: from pop3_options_new.
 * - `name`: a name or an address, without a port; copied; NULL is the default, the server's.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `name` cannot be one).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_tls_name(pop3_options *options, const char *name);

/**
 * Sets the status callback, which is called with the status lines of connecting and of every call on the socket.
 *
 * - `options`: from pop3_options_new.
 * - `cb`: as pop3_sts_cb, with `context`; NULL is the default, none.
 * - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_status_cb(pop3_options *options, void (*cb)(const char *status, void *context), void *context);

/**
 * Sets the error callback, which is called for each failure of connecting and of every call on the socket.
 *
 * - `options`: from pop3_options_new.
 * - `cb`: as pop3_error_cb, with `context`, and called before that of the process; NULL is the default, none.
 * - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_error_cb(pop3_options *options, void (*cb)(const char *message,
                                                                    int32_t code,
                                                                    const char *command,
                                                                    void *context), void *context);

/**
 * Sets the progress callback, which is called during connecting and every call on the socket, and may end them.
 *
 * It is called when a call begins, when a message has come whole, and meanwhile about five times a second, but at
 * least once, in every wait: for the name, the connection, the proxy, the handshake, each reply. On the thread of the
 * call, with nothing locked; the socket it is called for answers POP3_ERR_BUSY, save for pop3_cancel. The time it
 * takes counts as time waited.
 *
 * - `options`: from pop3_options_new.
 * - `cb`: is given the octets of the message that have come, and those of the whole message where the server has
 *   announced them, -1 else; 0 and -1 where no message is under way. Answers 0 to go on; anything else ends the call
 *   with POP3_ERR_CANCELLED, and the session. NULL is the default, none.
 * - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_progress_cb(pop3_options *options,
                                     int32_t (*cb)(int64_t done, int64_t total, void *context),
                                     void *context);

/**
 * Sets whether the server may speak UTF-8, in messages and in its texts (RFC 6856).
 *
 * Before the log-in UTF8 is sent if the server offers it. It is not an error if the server does not, or refuses:
 * pop3_capabilities and the status lines show that.
 *
 * - `options`: from pop3_options_new.
 * - `on`: 0, the default, for no; anything else for yes.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_utf8(pop3_options *options, int32_t on);

/**
 * Sets the language of the server's texts (RFC 6856).
 *
 * Before the log-in LANG is sent if the server offers it. It is not an error if the server does not, or does not know
 * the language: the status lines show that.
 *
 * - `options`: from pop3_options_new.
 * - `tag`: a language tag (RFC 5646) as "de" or "en-GB", or "*" for the server's choice; copied; NULL is the
 *   default, none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `tag` is not a language tag).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_language(pop3_options *options, const char *tag);

/**
 * Sets whether commands may be pipelined, sent ahead of earlier answers, where the server lists PIPELINING (RFC 2449).
 *
 * For servers that list it and then lose commands or mix answers up. One on which that has been seen is asked
 * one by one for a day, until pop3_forget.
 *
 * - `options`: from pop3_options_new.
 * - `on`: non-zero (the default) for yes; 0 has every command wait for the answer to the one before.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_pipelining(pop3_options *options, int32_t on);

/**
 * Sets whether the server may be asked for its capabilities (CAPA, RFC 2449).
 *
 * For servers that break at CAPA. Without it a log-in is by USER and PASS, by the mechanism that is set, or with a
 * token by XOAUTH2, then OAUTHBEARER; STLS is tried without having been offered; UTF8, LANG and pipelining are not
 * used.
 *
 * - `options`: from pop3_options_new.
 * - `on`: non-zero (the default) for yes; 0 never sends CAPA, save by pop3_capabilities.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_capabilities(pop3_options *options, int32_t on);

/**
 * Sets how many octets a message may have that a call returns in memory.
 *
 * It is about pop3_recv_message, pop3_recv_headers and pop3_recv_top, not about calls that hand a message out in
 * pieces. A larger one is POP3_ERR_LIMIT, a session-ending error. Where none is set pop3_recv_headers and
 * pop3_recv_top take 16 MiB at the most.
 *
 * - `options`: from pop3_options_new.
 * - `octets`: at the most; 0 (the default) for none.
 *
 * Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `octets` is negative).
 * Threads: thread-safe, as long as no other call uses the options meanwhile.
 */
int32_t pop3_options_set_max_message(pop3_options *options, int64_t octets);

/**
 * Frees what a function wrote into a buffer, and zeroes the buffer.
 *
 * - `buffer`: one that a pop3_ function wrote, or a zeroed one, or NULL; not freed before.
 *
 * Threads: thread-safe.
 */
void pop3_buffer_free(pop3_buffer *buffer);

/**
 * Frees what a function wrote into a list, and zeroes the list.
 *
 * - `list`: one that a pop3_ function wrote, or a zeroed one, or NULL; not freed before.
 *
 * Threads: thread-safe.
 */
void pop3_list_free(pop3_list *list);

/**
 * Frees what a function wrote into a list of unique ids, the ids included, and zeroes the list.
 *
 * - `list`: one that a pop3_ function wrote, or a zeroed one, or NULL; not freed before.
 *
 * Threads: thread-safe.
 */
void pop3_uid_list_free(pop3_uid_list *list);

/**
 * Frees what pop3_get_tls_info wrote, and zeroes it.
 *
 * - `info`: one that pop3_get_tls_info wrote, or a zeroed one, or NULL; not freed before.
 *
 * Threads: thread-safe.
 */
void pop3_tls_info_free(pop3_tls_info *info);

/**
 * Sets the error callback, which is called for every command that fails (Omnis: WebDevSetConfig, ErrorProc).
 *
 * - `cb`: for the whole process, from the next failure on; NULL clears it.
 *
 * Threads: thread-safe; a command that is failing in another thread may still call the one before.
 */
void pop3_set_error_cb(pop3_error_cb cb);

/**
 * Sets how long each wait may take: for a name, a connection, a TLS handshake, a reply (Omnis: WebDevSetConfig,
 * CommsTimeout).
 *
 * - `seconds`: for the sessions that are connected from now on; 0 is the default, 60.
 *
 * Returns 0, or POP3_ERR_PARAMETER (negative).
 * Threads: thread-safe.
 */
int32_t pop3_set_comms_timeout(int32_t seconds);

/**
 * Sets the secure folder, whose folder `cacerts` holds CA certificates (trust anchors) beside the platform's own.
 *
 * Each file there may be PEM with any number of certificates, or DER, under any name. It is read when a connect first
 * verifies against it, and once for the process, unless a file could not be read for a reason that may pass, as an
 * input/output error: then again at the next connect. A folder without a readable `cacerts` fails every connect that
 * verifies, with POP3_ERR_SECURE.
 *
 * - `path`: in UTF-8, as all paths; copied; NULL is the default: the environment's POP3CONNECT_SECURE_DIR if that is
 *   set, else the folder `secure` beside the host's executable if that exists, else none. In a privileged host
 *   (set-user-ID, set-group-ID, file capabilities) the default is none: the user who started it could choose both.
 *
 * Returns 0, or POP3_ERR_PARAMETER (empty; on Windows, not UTF-8).
 * Threads: thread-safe.
 */
int32_t pop3_set_secure_dir(const char *path);

/**
 * Gives the version of the library, for example "1.0.0".
 *
 * Returns a text that is good for the process's life, never NULL.
 * Threads: thread-safe.
 */
const char *pop3_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POP3_CONNECT_H */

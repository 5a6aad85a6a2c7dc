/* The test server's client side: starts it, asks it, ends it. From one thread only. */
#ifndef SERVER_H
#define SERVER_H

/* Where its certificates are; starts the server if it is not running. */
const char *server_dir(void);

/* A correct POP3 server; `options` as ctest/server says. Returns its port. */
int server_mailbox(const char *options);

/* A server for one connection that plays a transcript. Returns its port. */
int server_play(const char *options, const char *transcript);

/* Waits for the transcript's end and checks that all went as written. */
#define CHECK_PLAYED(port) server_check_played((port), __FILE__, __LINE__)
void server_check_played(int port, const char *file, int line);

/* What the clients of a port said so far, escaped; good until the next call. */
const char *server_received(int port);

/* How many connections a port has had. */
int server_connections(int port);

/*
 * A man in the middle, who speaks TLS with a certificate of his own, as `options` say, and relays to the server on that
 * port, which speaks TLS. Returns his port.
 */
int server_relay(int to, const char *options);

/* How many TLS handshakes a port has had that succeeded: full ones, and such as resumed a session. */
void server_handshakes(int port, int *full, int *resumed);

/* A port that refuses, and one that does not answer. */
int server_refuse(void);
int server_full(void);

/* "127.0.0.1:port"; good for the next 16 calls. */
const char *at(int port);
/* "host:port", likewise. */
const char *at_host(const char *host, int port);
/* `dir` and `name` joined, likewise. */
const char *in(const char *dir, const char *name);

#endif

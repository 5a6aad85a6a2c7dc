/* libcurl's easy interface: one handle for all sessions, a connection of its own for each. */
#ifndef CURL_PEER_H
#define CURL_PEER_H

#include "client.h"

extern const struct client curl_peer;

#endif

/* What of libcurl's easy interface every session needs. */
#ifndef CURL_SESSION_H
#define CURL_SESSION_H

#include <curl/curl.h>

#include "target.h"

/* Whom to trust, who to be, and nothing but the log-in and a NOOP on a fresh connection. */
CURLcode curl_set_session(CURL *handle, const struct target *target);

/* The server, and which message of it; 0 is none. */
CURLcode curl_aim(CURL *handle, const struct target *target, int message);

/* Tells stderr, and answers -1. */
int curl_fail(const char *what, CURLcode code);

#endif

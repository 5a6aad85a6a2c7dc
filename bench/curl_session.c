/*
 * libcurl always sends a command between log-in and QUIT. NOOP is the least that can be asked of it. For the rest it is
 * given what makes it fastest.
 */
#include "curl_session.h"

#include <stdio.h>

int curl_fail(const char *what, CURLcode code)
{
    fprintf(stderr, "libcurl: %s: %s\n", what, curl_easy_strerror(code));
    return -1;
}

static CURLcode set_trust(CURL *handle, const struct target *target)
{
    CURLcode code = CURLE_OK;
    code = code ? code : curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_CAINFO, target->ca_file);
    /* with a folder of authorities it would read the file anew for every connection instead of keeping it */
    code = code ? code : curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    return code;
}

CURLcode curl_set_session(CURL *handle, const struct target *target)
{
    CURLcode code = set_trust(handle, target);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "NOOP");
    code = code ? code : curl_easy_setopt(handle, CURLOPT_USERNAME, target->user);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_PASSWORD, target->pass);
    /* the response with AUTH, which saves it an exchange */
    code = code ? code : curl_easy_setopt(handle, CURLOPT_SASL_IR, 1L);
    return code;
}

CURLcode curl_aim(CURL *handle, const struct target *target, int message)
{
    char url[64], path[16] = "";
    long use_ssl = target->mode == PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL;
    CURLcode code;
    if (message != 0)
        snprintf(path, sizeof path, "%d", message);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/%s", target->mode == TLS ? "pop3s" : "pop3", target->port, path);
    code = curl_easy_setopt(handle, CURLOPT_URL, url);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_USE_SSL, use_ssl);
    return code;
}

/*
 * libcurl always sends a command between log-in and QUIT. NOOP is the least that can be asked of it, so its sessions
 * have one exchange more than the others'. For the rest it is given what makes it fastest.
 */
#include "curl_peer.h"

#include <curl/curl.h>
#include <stdio.h>

static CURL *handle;

static int fail(const char *what, CURLcode code)
{
    fprintf(stderr, "libcurl: %s: %s\n", what, curl_easy_strerror(code));
    return -1;
}

static CURLcode set_trust(const struct target *target)
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

static CURLcode set_session(const struct target *target)
{
    CURLcode code = CURLE_OK;
    code = code ? code : curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "NOOP");
    code = code ? code : curl_easy_setopt(handle, CURLOPT_USERNAME, target->user);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_PASSWORD, target->pass);
    /* the response with AUTH, which saves it an exchange */
    code = code ? code : curl_easy_setopt(handle, CURLOPT_SASL_IR, 1L);
    return code;
}

static int prepare(const struct target *target)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK)
        return fail("curl_global_init", code);
    handle = curl_easy_init();
    if (handle == NULL)
        return fail("curl_easy_init", CURLE_OUT_OF_MEMORY);
    code = set_trust(target);
    code = code ? code : set_session(target);
    return code == CURLE_OK ? 0 : fail("curl_easy_setopt", code);
}

static CURLcode aim(const struct target *target)
{
    char url[64];
    long use_ssl = target->mode == PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL;
    CURLcode code;
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/", target->mode == TLS ? "pop3s" : "pop3", target->port);
    code = curl_easy_setopt(handle, CURLOPT_URL, url);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_USE_SSL, use_ssl);
    return code;
}

static int session(const struct target *target)
{
    CURLcode code = aim(target);
    code = code ? code : curl_easy_perform(handle);
    return code == CURLE_OK ? 0 : fail("session", code);
}

static void clean_up(void)
{
    curl_easy_cleanup(handle);
    curl_global_cleanup();
}

const struct client curl_peer = {"libcurl", prepare, session, clean_up};

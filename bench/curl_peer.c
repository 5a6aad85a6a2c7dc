/* One handle for all sessions, a connection of its own for each. */
#include "client.h"
#include "curl_session.h"

static CURL *handle;

static int prepare(const struct target *target)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK)
        return curl_fail("curl_global_init", code);
    handle = curl_easy_init();
    if (handle == NULL)
        return curl_fail("curl_easy_init", CURLE_OUT_OF_MEMORY);
    code = curl_set_session(handle, target);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    return code == CURLE_OK ? 0 : curl_fail("curl_easy_setopt", code);
}

static int session(const struct target *target)
{
    CURLcode code = curl_aim(handle, target, 0);
    code = code ? code : curl_easy_perform(handle);
    return code == CURLE_OK ? 0 : curl_fail("session", code);
}

static void clean_up(void)
{
    curl_easy_cleanup(handle);
    curl_global_cleanup();
}

const struct client curl_peer = {"libcurl", prepare, session, clean_up};

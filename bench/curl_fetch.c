/* A handle for each session, whose connection all of its transfers use. */
#include "curl_session.h"
#include "fetcher.h"

static CURL *handle;
static struct target whom;
static long long total;

static int prepare(const struct target *target)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)target;
    return code == CURLE_OK ? 0 : curl_fail("curl_global_init", code);
}

static size_t count_bytes(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    total += (long long)(size * count);
    return size * count;
}

/* From here on it uses the connection that is there, and has messages to receive. */
static CURLcode set_fetch(void)
{
    CURLcode code = CURLE_OK;
    code = code ? code : curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 0L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_NOBODY, 0L);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, NULL);
    code = code ? code : curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, count_bytes);
    return code;
}

static int open_session(const struct target *target)
{
    CURLcode code;
    whom = *target;
    handle = curl_easy_init();
    if (handle == NULL)
        return curl_fail("curl_easy_init", CURLE_OUT_OF_MEMORY);
    code = curl_set_session(handle, target);
    /* as much as the others read at once */
    code = code ? code : curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 64 * 1024L);
    code = code ? code : curl_aim(handle, target, 0);
    code = code ? code : curl_easy_perform(handle);
    code = code ? code : set_fetch();
    return code == CURLE_OK ? 0 : curl_fail("log-in", code);
}

static long long fetch(int messages)
{
    total = 0;
    for (int i = 1; i <= messages; i++) {
        CURLcode code = curl_aim(handle, &whom, i);
        code = code ? code : curl_easy_perform(handle);
        if (code != CURLE_OK)
            return curl_fail("RETR", code);
    }
    return total;
}

static int close_session(void)
{
    curl_easy_cleanup(handle); /* says QUIT */
    return 0;
}

const struct fetcher curl_fetcher = {"libcurl", prepare, open_session, fetch, close_session, curl_global_cleanup, 0};

/* libcurl's multi interface. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "crowd.h"

static size_t ignore(char *data, size_t size, size_t count, void *context)
{
    (void)data, (void)context;
    return size * count;
}

static int ask(const struct crowd_server *server, int tls, int count)
{
    CURLM *multi = curl_multi_init();
    CURL **handles = calloc((size_t)count, sizeof *handles);
    int running = 1, answered = 0, left;
    for (int i = 0; i < count; i++) {
        char url[64];
        snprintf(url, sizeof url, "pop3%s://%s/", tls ? "s" : "", crowd_address(server, i));
        handles[i] = curl_easy_init();
        curl_easy_setopt(handles[i], CURLOPT_URL, url);
        curl_easy_setopt(handles[i], CURLOPT_USERNAME, "alice");
        curl_easy_setopt(handles[i], CURLOPT_PASSWORD, "s3cret pass");
        curl_easy_setopt(handles[i], CURLOPT_CUSTOMREQUEST, "STAT");
        curl_easy_setopt(handles[i], CURLOPT_NOBODY, 1L);
        curl_easy_setopt(handles[i], CURLOPT_WRITEFUNCTION, ignore);
        curl_easy_setopt(handles[i], CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(handles[i], CURLOPT_FORBID_REUSE, 1L);
        /* its certificate is for 127.0.0.1 alone */
        curl_easy_setopt(handles[i], CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(handles[i], CURLOPT_CAINFO, server->ca_file);
        curl_multi_add_handle(multi, handles[i]);
    }
    while (running > 0) {
        if (curl_multi_perform(multi, &running) != CURLM_OK || curl_multi_poll(multi, NULL, 0, 1000, NULL) != CURLM_OK)
            return -1;
    }
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
        answered += message->data.result == CURLE_OK;
        if (message->data.result != CURLE_OK)
            fprintf(stderr, "libcurl: %s\n", curl_easy_strerror(message->data.result));
    }
    for (int i = 0; i < count; i++) {
        curl_multi_remove_handle(multi, handles[i]);
        curl_easy_cleanup(handles[i]);
    }
    curl_multi_cleanup(multi);
    return answered;
}

const struct crowd crowd_curl = {"libcurl multi", ask};

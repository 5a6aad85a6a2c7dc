/*
 * The platform's CA certificates are found where its OpenSSL looks for them: in a file, and in a folder by their hashes. A
 * library that has an OpenSSL of its own must look where the platforms have them.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "pop3connect.h"
#include "server.h"
#include "session.h"

/* OpenSSL's folder, and what this platform has in it: the path of a file of certificates, or NULL. */
static const char *openssl_dir;
static const char *file, *hashed;
/* That of the test server's authority. */
static char authority[4096];

/* What is at that path instead. */
static const char *instead(const char *path)
{
    size_t length = openssl_dir == NULL ? 0 : strlen(openssl_dir);
    if (length == 0 || strncmp(path, openssl_dir, length) != 0)
        return path;
    const char *name = path + length, *end = strrchr(path, '.');
    const char *is = NULL;
    if (strcmp(name, "/cert.pem") == 0)
        is = file;
    else if (strncmp(name, "/certs/", 7) == 0 && end != NULL && strcmp(end, ".0") == 0)
        is = hashed;
    return is != NULL ? is : "/nonexistent";
}

/* These come before libc's. */
FILE *fopen(const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    return real(instead(path), mode);
}

#ifdef __GLIBC__
FILE *fopen64(const char *path, const char *mode)
{
    return fopen(path, mode);
}
#endif

static int stat_by(const char *function, const char *path, void *result)
{
    int (*real)(const char *, void *);
    *(void **)&real = dlsym(RTLD_NEXT, function);
    return real(instead(path), result);
}

int stat(const char *path, struct stat *result)
{
    return stat_by("stat", path, result);
}

/* which of them OpenSSL asks depends on its version, and on the processor */
int lstat(const char *path, struct stat *result)
{
    return stat_by("lstat", path, result);
}

#ifdef __GLIBC__
int stat64(const char *path, struct stat64 *result)
{
    return stat_by("stat64", path, result);
}

int lstat64(const char *path, struct stat64 *result)
{
    return stat_by("lstat64", path, result);
}
#endif

/* The store is read for each trust that is new, as is one with another name of a file that believes nobody here. */
static int connect_with_store(const char *unbelieved, const char *certificate)
{
    char server[64];
    snprintf(server, sizeof server, "tls=implicit cert=%s", certificate);
    pop3_options *options = options_for(server_mailbox(server), POP3_TLS);
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), unbelieved)), POP3_OK);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    if (socket > 0)
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return socket;
}

static void none(void)
{
    CHECK_INT(connect_with_store("self-signed.pem", "good"), POP3_ERR_SECURE);
}

static void a_file(void)
{
    file = authority;
    CHECK(connect_with_store("secure/../self-signed.pem", "good") > 0);
    CHECK_INT(connect_with_store("secure/../self-signed.pem", "untrusted"), POP3_ERR_SECURE);
    file = NULL;
}

static void a_folder(void)
{
    hashed = authority;
    CHECK(connect_with_store("secure/../secure/../self-signed.pem", "good") > 0);
    CHECK_INT(connect_with_store("secure/../secure/../self-signed.pem", "untrusted"), POP3_ERR_SECURE);
    hashed = NULL;
}

/* OPENSSLDIR: "/usr/lib/ssl" */
static const char *find_openssl_dir(void)
{
    static char folder[4096];
    if (sscanf(OpenSSL_version(OPENSSL_DIR), "OPENSSLDIR: \"%4095[^\"]", folder) != 1)
        check_fatal("OpenSSL says: %s", OpenSSL_version(OPENSSL_DIR));
    return folder;
}

int main(void)
{
    /* what comes before OpenSSL's folder */
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    openssl_dir = find_openssl_dir();
    printf("OpenSSL's folder is %s\n", openssl_dir);
#ifndef __GLIBC__
    /* where all platforms without glibc have it */
    CHECK_STR(openssl_dir, "/etc/ssl");
#endif
    snprintf(authority, sizeof authority, "%s", in(server_dir(), "ca.pem"));
    RUN(none);
    RUN(a_file);
    RUN(a_folder);
    return check_result();
}

/* Paths of Windows: with a drive and backslashes, in UTF-8 beyond ASCII, whatever the code page of the program is. */
#include <stdio.h>
#include <windows.h>

#include "check.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

#define FOLDER "Z:\\tmp\\pop3connect-gr\xc3\xb6\xc3\x9f\x65 \xce\xa9 \xf0\x9f\x93\xa7"

static const wchar_t *wide(const char *path)
{
    static wchar_t texts[4][1024];
    static int next;
    wchar_t *text = texts[next++ % 4];
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, text, 1024) == 0)
        check_fatal("not UTF-8: %s", path);
    return text;
}

static const char *inside(const char *folder, const char *name)
{
    static char texts[4][1024];
    static int next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0], "%s\\%s", folder, name);
    return text;
}

static void copy(const char *name, const char *to)
{
    if (!CopyFileW(wide(in(server_dir(), name)), wide(to), FALSE))
        check_fatal("cannot make %s", to);
}

static int try(const pop3_options *options)
{
    int socket = pop3_connect_with(options);
    if (socket > 0)
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return socket > 0 ? 0 : socket;
}

static void authorities_and_certificates_of_ones_own(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit client-cert=required"), 1);
    CHECK_INT(pop3_options_set_ca_file(options, inside(FOLDER, "\xc3\xbc.pem")), POP3_OK);
    CHECK_INT(pop3_options_set_client_pkcs12(options, inside(FOLDER, "\xc3\xbc.p12"), "p12 pass"), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_client_cert(options, inside(FOLDER, "\xc3\xbc-client.pem"), inside(FOLDER, "\xc3\xbc.key")),
              POP3_OK);
    CHECK_INT(try(options), 0);
    /* it was by these that it was believed */
    CHECK_INT(pop3_options_set_ca_file(options, inside(FOLDER, "nowhere-\xc3\xbc.pem")), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), "nowhere-\xc3\xbc.pem");
    pop3_options_free(options);
}

static void the_secure_folder(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit"), 1);
    CHECK_INT(try(options), POP3_ERR_SECURE);
    CHECK_INT(pop3_options_set_secure_dir(options, FOLDER), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_secure_dir(options, NULL), POP3_OK);
    CHECK_INT(pop3_set_secure_dir(FOLDER), 0);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_set_secure_dir(NULL), 0);
    pop3_options_free(options);
}

static void the_secure_folder_of_the_environment(void)
{
    pop3_options *options = options_for(server_mailbox("tls=implicit"), 1);
    CHECK(SetEnvironmentVariableW(L"POP3CONNECT_SECURE_DIR", wide(FOLDER)));
    CHECK_INT(try(options), 0);
    CHECK(SetEnvironmentVariableW(L"POP3CONNECT_SECURE_DIR", NULL));
    CHECK_INT(try(options), POP3_ERR_SECURE);
    pop3_options_free(options);
}

static void what_is_not_utf_8_is_no_path(void)
{
    pop3_options *options = options_for(1, 1);
    CHECK_INT(pop3_options_set_ca_file(options, "Z:\\gr\xf6\xdf" "e.pem"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_secure_dir(options, "\xff"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_set_secure_dir("\xff"), POP3_ERR_PARAMETER);
    pop3_options_free(options);
}

int main(void)
{
    static const char *const copies[][2] = {
        {"ca.pem", FOLDER "\\\xc3\xbc.pem"},      {"ca.pem", FOLDER "\\cacerts\\\xc3\xbc.pem"},
        {"client-rsa.p12", FOLDER "\\\xc3\xbc.p12"}, {"client-rsa.pem", FOLDER "\\\xc3\xbc-client.pem"},
        {"client-rsa.key", FOLDER "\\\xc3\xbc.key"},
    };
    CreateDirectoryW(wide(FOLDER), NULL);
    CreateDirectoryW(wide(inside(FOLDER, "cacerts")), NULL);
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++)
        copy(copies[i][0], copies[i][1]);
    RUN(authorities_and_certificates_of_ones_own);
    RUN(the_secure_folder);
    RUN(the_secure_folder_of_the_environment);
    RUN(what_is_not_utf_8_is_no_path);
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++)
        CHECK(DeleteFileW(wide(copies[i][1])));
    CHECK(RemoveDirectoryW(wide(inside(FOLDER, "cacerts"))) && RemoveDirectoryW(wide(FOLDER)));
    return check_result();
}

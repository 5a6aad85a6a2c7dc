/* The folder of authorities: where it is, what it may hold, when it is read. */
#define _DEFAULT_SOURCE /* setenv, symlink */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "folders.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"

static char base[256];

static int connect_verified(void)
{
    static int port;
    if (port == 0)
        port = server_mailbox("tls=implicit");
    int socket = pop3_connect(at(port), "alice", PASS, NULL, 1, 1);
    if (socket > 0)
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return socket;
}

/* A new secure folder with an empty cacerts; the name is good for as long as the program makes few. */
static const char *new_folder(const char *name)
{
    static char folders[32][512];
    static int count;
    char *folder = folders[count++ % 32];
    snprintf(folder, sizeof folders[0], "%s/%s", base, name);
    if (mkdir(folder, 0755) != 0 || mkdir(in(folder, "cacerts"), 0755) != 0)
        check_fatal("cannot make %s", folder);
    return folder;
}

static void append(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "ab");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        check_fatal("cannot write %s", path);
}

static void append_text(const char *path, const char *text)
{
    append(path, text, strlen(text));
}

static void append_file(const char *path, const char *from)
{
    char bytes[65536];
    FILE *file = fopen(in(server_dir(), from), "rb");
    if (file == NULL)
        check_fatal("cannot read %s", from);
    append(path, bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
}

static const char *certificate_path(const char *folder, const char *name)
{
    return in(in(folder, "cacerts"), name);
}

static void pem_der_and_odd_names(void)
{
    const char *rows[][2] = {{"ca.pem", "ca.pem"},       {"ca", "ca.der"},     {"no ending at all", "ca.pem"},
                             {".hidden", "ca.pem"},      {"ca.txt~", "ca.der"}, {"\xff\xfe", "ca.pem"},
                             {"gr\xc3\xbc\xc3\x9f.cer", "ca.der"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[16];
        snprintf(name, sizeof name, "odd%zu", i);
        const char *folder = new_folder(name);
        append_file(certificate_path(folder, rows[i][0]), rows[i][1]);
        CHECK_INT(pop3_set_secure_dir(folder), 0);
        if (!CHECK(connect_verified() > 0))
            printf("%s: %s\n", rows[i][0], pop3_get_last_error());
    }
}

static void several_certificates_in_a_file(void)
{
    const char *folder = new_folder("several");
    const char *path = certificate_path(folder, "all.pem");
    append_text(path, "Some words before.\n");
    append_file(path, "other-ca.pem");
    append_file(path, "good.key");
    append_text(path, "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n");
    append_file(path, "ca.pem");
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    CHECK(connect_verified() > 0);
}

static void an_intermediate_is_trusted_as_it_stands(void)
{
    const char *folder = new_folder("intermediate");
    append_file(certificate_path(folder, "intermediate.pem"), "intermediate.pem");
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    int port = server_mailbox("tls=implicit cert=incomplete-chain");
    int socket = pop3_connect(at(port), "alice", PASS, NULL, 1, 1);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void rubbish_is_named_where_it_matters_and_harms_nobody(void)
{
    const char *folder = new_folder("rubbish");
    append_text(certificate_path(folder, "readme.txt"), "nothing of use");
    append_text(certificate_path(folder, "empty.pem"), "");
    append_text(certificate_path(folder, "cut.pem"), "-----BEGIN CERTIFICATE-----\nAAAA");
    CHECK(mkdir(certificate_path(folder, "folder"), 0755) == 0);
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
    const char *named[] = {"readme.txt", "empty.pem", "cut.pem"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        CHECK_HAS(pop3_get_secure_error(), as_shown(certificate_path(folder, named[i])));
    CHECK_HAS_NOT(pop3_get_secure_error(), as_shown(certificate_path(folder, "folder")));

    folder = new_folder("mixed");
    append_text(certificate_path(folder, "a-rubbish"), "nothing of use");
    append_file(certificate_path(folder, "b-good"), "ca.pem");
    append_text(certificate_path(folder, "c-rubbish"), "nothing of use");
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    CHECK(connect_verified() > 0);
}

static void links_and_pipes_are_named(void)
{
    const char *folder = new_folder("special");
    CHECK(symlink("nowhere", certificate_path(folder, "dangling")) == 0);
    CHECK(mkfifo(certificate_path(folder, "pipe"), 0600) == 0);
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), certificate_path(folder, "dangling"));
    CHECK_HAS(pop3_get_secure_error(), certificate_path(folder, "pipe"));
}

static void an_unreadable_file_is_named(void)
{
    const char *folder = new_folder("unreadable");
    append_file(certificate_path(folder, "ca.pem"), "ca.pem");
    CHECK(chmod(certificate_path(folder, "ca.pem"), 0) == 0);
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    /* nothing is unreadable to root, so then a loop of links has to do */
    if (geteuid() == 0) {
        CHECK(unlink(certificate_path(folder, "ca.pem")) == 0);
        CHECK(symlink("ca.pem", certificate_path(folder, "ca.pem")) == 0);
    }
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), certificate_path(folder, "ca.pem"));
}

static void a_folder_that_is_not_there(void)
{
    CHECK_INT(pop3_set_secure_dir(in(base, "missing")), 0);
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
    CHECK_HAS(pop3_get_secure_error(), as_shown(in(base, "missing/cacerts")));
    /* without verification it does not matter */
    int port = server_mailbox("tls=implicit");
    int socket = pop3_connect(at(port), "alice", PASS, NULL, 1, 0);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);

    /* and once it is there, it serves */
    append_file(certificate_path(new_folder("missing"), "ca.pem"), "ca.pem");
    CHECK(connect_verified() > 0);
}

static void it_is_read_once(void)
{
    const char *folder = new_folder("once");
    append_file(certificate_path(folder, "ca.pem"), "ca.pem");
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    CHECK(connect_verified() > 0);
    CHECK(unlink(certificate_path(folder, "ca.pem")) == 0);
    CHECK(connect_verified() > 0);
}

static void a_relative_path_is_of_the_folder_it_was_set_in(void)
{
    char here[4096];
    append_file(certificate_path(new_folder("relative"), "ca.pem"), "ca.pem");
    CHECK(getcwd(here, sizeof here) != NULL && chdir(base) == 0);
    CHECK_INT(pop3_set_secure_dir("relative"), 0);
    CHECK(chdir(here) == 0);
    CHECK(connect_verified() > 0);
}

/* Without the folder the test server's authority is unknown, and this says so. */
static void the_platforms_store_alone_does_not_know_the_test_authority(void)
{
    const char *folder = new_folder("empty");
    CHECK_INT(pop3_set_secure_dir(folder), 0);
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
}

static void the_environment_is_the_default(void)
{
    CHECK_INT(pop3_set_secure_dir(NULL), 0);
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
    CHECK(setenv("POP3CONNECT_SECURE_DIR", in(server_dir(), "secure"), 1) == 0);
    CHECK(connect_verified() > 0);
    /* what is set by hand comes first */
    CHECK_INT(pop3_set_secure_dir(in(base, "empty")), 0);
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
    CHECK_INT(pop3_set_secure_dir(NULL), 0);
    CHECK(connect_verified() > 0);
    CHECK(unsetenv("POP3CONNECT_SECURE_DIR") == 0);
    CHECK_INT(connect_verified(), POP3_ERR_SECURE);
}

/* The program as it runs itself, below. */
static int connect_once(int port)
{
    if (pop3_connect(at(port), "alice", PASS, NULL, 1, 1) > 0)
        return EXIT_SUCCESS;
    /* anything else than this would be another failure than the one that is waited for */
    const char *why = pop3_get_secure_error();
    return strstr(why, "cacerts cannot be read") != NULL && strstr(why, "secure") != NULL ? EXIT_FAILURE : 77;
}

/* What this program answers that is run again. */
static int connect_again(void)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server_mailbox("tls=implicit"));
    return run_program(own_path(), (const char *const[]){port, NULL});
}

/* With a folder `secure` beside it, which as itself it must not have yet. */
static void the_folder_beside_the_host_is_the_default_of_the_default(void)
{
    char beside[4200];
    snprintf(beside, sizeof beside, "%s", own_path());
    strcpy(strrchr(beside, '/') + 1, "secure");
    CHECK(mkdir(beside, 0755) == 0 && mkdir(in(beside, "cacerts"), 0755) == 0);
    append_file(certificate_path(beside, "ca.pem"), "ca.pem");
    CHECK_INT(connect_again(), EXIT_SUCCESS);
    /* it counts even where it cannot serve */
    remove_folder(in(beside, "cacerts"));
    CHECK_INT(connect_again(), EXIT_FAILURE);
    remove_folder(beside);
}

int main(int count, char **arguments)
{
    if (count == 2)
        return connect_once(atoi(arguments[1]));

    unsetenv("POP3CONNECT_SECURE_DIR");
    snprintf(base, sizeof base, "/tmp/pop3connect-test.XXXXXX");
    make_temporary(base);
    RUN(pem_der_and_odd_names);
    RUN(several_certificates_in_a_file);
    RUN(an_intermediate_is_trusted_as_it_stands);
    RUN(rubbish_is_named_where_it_matters_and_harms_nobody);
    RUN(links_and_pipes_are_named);
    RUN(an_unreadable_file_is_named);
    RUN(a_folder_that_is_not_there);
    RUN(it_is_read_once);
    RUN(a_relative_path_is_of_the_folder_it_was_set_in);
    RUN(the_platforms_store_alone_does_not_know_the_test_authority);
    RUN(the_environment_is_the_default);
    RUN(the_folder_beside_the_host_is_the_default_of_the_default);
    remove_folder(base);
    return check_result();
}

/* What a host may pass: the server's forms, what is refused, and that refusing costs no connection. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "gather.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"

static int connect_plain(const char *server)
{
    clear_log();
    return pop3_connect(server, "alice", PASS, log_status, 0, 0);
}

static void null_is_refused(void)
{
    CHECK_INT(pop3_connect(NULL, "alice", PASS, NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_STR(pop3_get_last_error(), "the server is NULL");
    CHECK_INT(pop3_connect("127.0.0.1", NULL, PASS, NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_connect("127.0.0.1", "alice", NULL, NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_connect(NULL, NULL, NULL, NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_capabilities(1, NULL, NULL), POP3_ERR_PARAMETER);
    pop3_buffer_free(NULL);
}

static void secure_is_0_1_or_2(void)
{
    int port = server_mailbox("");
    const int bad[] = {-1, 3, 2147483647, -2147483647 - 1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(pop3_connect(at(port), "alice", PASS, NULL, bad[i], 1), POP3_ERR_PARAMETER);
    CHECK_INT(server_connections(port), 0);
}

static void a_server_without_host_or_usable_port(void)
{
    const char *bad[] = {"",      " ",     ":",        ":110",     "host:",  "host:0",       "host:65536",
                         "host:x", "[",     "[]",       "[]:110",   "[::1",   "[::1]110",     "[::1]:",
                         "[host]", "a:b:c", "1::2::3",  "host:-1",  "host:1 ", "[127.0.0.1]:1", "[::1]:65536"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK_INT(connect_plain(bad[i]), POP3_ERR_NO_ADDRESS))
            CHECK_STR(bad[i], "");
    CHECK_STR(logged(), "");
}

static void forbidden_bytes_are_refused_before_any_connection(void)
{
    int port = server_mailbox("");
    const char *bad[] = {"alice\r", "alice\n", "\r\nDELE 1", "a\r\nb", "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(pop3_connect(at(port), bad[i], PASS, log_status, 0, 0), POP3_ERR_PARAMETER);
        CHECK_INT(pop3_connect(at(port), "alice", bad[i], log_status, 0, 0), POP3_ERR_PARAMETER);
        CHECK_INT(pop3_connect(bad[i], "alice", PASS, log_status, 0, 0), POP3_ERR_PARAMETER);
    }
    CHECK_INT(connect_plain("127.0.0.1 "), POP3_ERR_PARAMETER);
    CHECK_INT(connect_plain("mail\xff.example"), POP3_ERR_PARAMETER);
    CHECK_INT(connect_plain("\xc3"), POP3_ERR_PARAMETER);
    CHECK_INT(server_connections(port), 0);
}

static void credentials_pass_as_the_bytes_they_are(void)
{
    int port = server_play("", SEND("+OK")
                               EXPECT("CAPA")
                               SEND("-ERR")
                               EXPECT("USER \\xff\\x01 b\\xc3\\xbc")
                               SEND("+OK")
                               EXPECT("PASS  \\xfe\\x7f ")
                               SEND("-ERR")
                               "expect-eof");
    clear_log();
    CHECK_INT(pop3_connect(at(port), "\xff\x01 b\xc3\xbc", " \xfe\x7f ", log_status, 0, 0), POP3_ERR_AUTH);
    CHECK_PLAYED(port);
    CHECK_HAS(logged(), "C: USER \\xff\\x01 b\xc3\xbc\n");
}

/* A text of that many octets, good until the next call. */
static const char *text_of(size_t length)
{
    static char *text;
    free(text);
    text = malloc(length + 1);
    if (text == NULL)
        check_fatal("no memory");
    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

static void long_arguments(void)
{
    /* by USER and PASS, since the test server takes no longer line than that of PASS */
    int port = server_mailbox("sasl=none");
    /* what is just short enough is tried; a label has at most 63 octets, which the look-up knows */
    CHECK_INT(connect_plain(text_of(1024)), POP3_ERR_HOST_NOT_FOUND);
    CHECK_INT(pop3_connect(at(port), "alice", text_of(65536), NULL, 0, 0), POP3_ERR_AUTH);
    int connections = server_connections(port);
    CHECK_INT(connect_plain(text_of(1025)), POP3_ERR_PARAMETER);
    CHECK_STR(pop3_get_last_error(), "the server is longer than 1024 octets");
    CHECK_INT(pop3_connect(at(port), text_of(65537), PASS, NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_STR(pop3_get_last_error(), "the user is longer than 65536 octets");
    CHECK_INT(pop3_connect(at(port), "alice", text_of(65537), NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_stat(at(port), "alice", text_of(1 << 20), NULL, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_recv(at(port), text_of(1 << 20), PASS, gather_messages, NULL, 0, NULL, 0, 0, 0), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_set_secure_dir(text_of(65537)), POP3_ERR_PARAMETER);
    pop3_forget(text_of(1 << 20));
    CHECK_INT(server_connections(port), connections);
}

/* The setters, which copy what they are given: the longest that will do, one more, and back. */
static void long_arguments_of_setters(void)
{
    int32_t (*const setters[])(pop3_options *, const char *) = {
        pop3_options_set_user,       pop3_options_set_password, pop3_options_set_oauth_token,    pop3_options_set_authzid,
        pop3_options_set_secure_dir, pop3_options_set_ca_file,  pop3_options_set_source_address, pop3_options_set_mechanism,
        pop3_options_set_language,   pop3_options_set_proxy,    pop3_options_set_tls_name,       pop3_options_set_fingerprint,
    };
    pop3_options *options = pop3_options_new();
    for (size_t i = 0; i < sizeof setters / sizeof *setters; i++) {
        CHECK_INT(setters[i](options, text_of(65537)), POP3_ERR_PARAMETER);
        CHECK_STR(pop3_get_last_error(), "the text is longer than 65536 octets");
        CHECK_INT(setters[i](options, NULL), POP3_OK);
    }
    for (size_t i = 0; i < 6; i++)
        CHECK_INT(setters[i](options, text_of(65536)), POP3_OK);
    CHECK_INT(pop3_options_set_server(options, text_of(1024)), POP3_OK);
    CHECK_INT(pop3_options_set_server(options, text_of(1025)), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_cert(options, text_of(65537), "key"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_cert(options, "certificate", text_of(65537)), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_pkcs12(options, text_of(65537), NULL), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_client_pkcs12(options, "file", text_of(65537)), POP3_ERR_PARAMETER);
    pop3_options_free(options);
}

/* The host's numbers, which its own callback changes when they have been looked at. */
static int32_t numbers[2];

static int32_t change_numbers(int64_t done, int64_t total, void *context)
{
    (void)done, (void)total, (void)context;
    numbers[0] = -5;
    numbers[1] = -5;
    return 0;
}

static void numbers_are_read_once(void)
{
    int where = server_play("", LOGGED_IN REPLY("RETR 2", "+OK\\r\\nx\\r\\n.\\r\\n") REPLY("RETR 1", "-ERR\\r\\n")
                                REPLY("TOP 2 0", "+OK\\r\\nx\\r\\n.\\r\\n") REPLY("TOP 1 0", "-ERR\\r\\n")
                                REPLY("DELE 2", "+OK\\r\\n") REPLY("DELE 1", "+OK\\r\\n") GOOD_BYE);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(where)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
    CHECK_INT(pop3_options_set_progress_cb(options, change_numbers, NULL), POP3_OK);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    CHECK(socket > 0);
    struct letters letters = {NULL, 0, 0, 0, 0};
    numbers[0] = 2, numbers[1] = 1;
    CHECK_INT(pop3_recv_messages(socket, numbers, 2, gather_messages, &letters, NULL), 1);
    CHECK_INT(numbers[0], -5);
    CHECK_STR(letters_text(&letters), "2:3 1:-2001");
    letters_free(&letters);
    numbers[0] = 2, numbers[1] = 1;
    CHECK_INT(pop3_recv_tops(socket, numbers, 2, 0, gather_messages, &letters, NULL), 1);
    CHECK_INT(numbers[0], -5);
    CHECK_STR(letters_text(&letters), "2:3 1:-2001");
    letters_free(&letters);
    numbers[0] = 2, numbers[1] = 1;
    CHECK_INT(pop3_delete_messages(socket, numbers, 2, NULL), 2);
    CHECK_INT(numbers[0], -5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(where);
}

/* A name that begins with a dot stands, in OpenSSL, for every name that ends so. */
static void names_with_an_empty_label(void)
{
    const char *bad[] = {".org", "a..org", ".", "org..", ".org:110"};
    pop3_options *options = pop3_options_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(connect_plain(bad[i]), POP3_ERR_NO_ADDRESS);
        CHECK_INT(pop3_options_set_tls_name(options, bad[i]), POP3_ERR_PARAMETER);
    }
    CHECK_INT(pop3_options_set_tls_name(options, "mail.example.org."), POP3_OK);
    pop3_options_free(options);
}

static void every_form_of_address_connects(void)
{
    int four = server_mailbox("");
    int six = server_mailbox("address=::1");
    const char *servers[] = {at(four), at_host("localhost", four), at_host("[::1]", six), at_host("LOCALHOST", four)};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        int socket = connect_plain(servers[i]);
        if (!CHECK(socket > 0))
            CHECK_STR(servers[i], pop3_get_last_error());
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
}

static void the_port_defaults_to_110_and_995(void)
{
    /* nobody listens there on an address of the loopback range that nobody uses */
    CHECK_INT(connect_plain("127.77.1.110"), POP3_ERR_CONNECT);
    CHECK_STR(logged(), "* connecting to 127.77.1.110:110\n");
    clear_log();
    CHECK_INT(pop3_connect("127.77.1.110", "alice", PASS, log_status, 1, 0), POP3_ERR_CONNECT);
    CHECK_STR(logged(), "* connecting to 127.77.1.110:995\n");
    clear_log();
    CHECK_INT(pop3_connect("127.77.1.110", "alice", PASS, log_status, 2, 0), POP3_ERR_CONNECT);
    CHECK_STR(logged(), "* connecting to 127.77.1.110:110\n");
    clear_log();
    /* a bare IPv6 address has no port of its own; this one is for documentation and has no route */
    CHECK(pop3_connect("2001:db8::110", "alice", PASS, log_status, 0, 0) < 0);
    CHECK_HAS(logged(), "* connecting to [2001:db8::110]:110\n");
}

static void internationalised_names_are_converted(void)
{
    int port = server_mailbox("");
    name_is("xn--bcher-kva.example", "127.0.0.1");
    int socket = connect_plain(at_host("B\xc3\xbc" "cher.example", port));
    CHECK(socket > 0);
    CHECK_STR(name_asked(), "xn--bcher-kva.example");
    CHECK_HAS(logged(), "* resolving xn--bcher-kva.example\n");
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void a_name_without_address(void)
{
    name_is("nobody.example", "");
    CHECK_INT(connect_plain("nobody.example"), POP3_ERR_HOST_NOT_FOUND);
    CHECK_HAS(pop3_get_last_error(), "nobody.example");
}

static void verify_means_nothing_in_the_clear(void)
{
    int port = server_mailbox("");
    CHECK_INT(pop3_set_secure_dir("/nonexistent"), 0);
    for (int verify = -1; verify <= 2; verify++) {
        int socket = pop3_connect(at(port), "alice", PASS, NULL, 0, verify);
        CHECK(socket > 0);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    CHECK_INT(pop3_set_secure_dir(NULL), 0);
}

static void rubbish_handles(void)
{
    pop3_buffer buffer = {(char *)&buffer, 7};
    const int32_t bad[] = {0, 1, 3, -1, 42, 65536, 2147483647, -2147483647 - 1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(pop3_disconnect(bad[i], NULL), POP3_ERR_BAD_SOCKET);
        CHECK_INT(pop3_message_count(bad[i], NULL), POP3_ERR_BAD_SOCKET);
        CHECK_INT(pop3_capabilities(bad[i], &buffer, NULL), POP3_ERR_BAD_SOCKET);
        CHECK(buffer.data == NULL && buffer.len == 0);
        CHECK_INT(pop3_cancel(bad[i]), POP3_ERR_BAD_SOCKET);
    }
}

static void settings(void)
{
    CHECK_INT(pop3_set_comms_timeout(-1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_set_comms_timeout(2147483647), 0);
    int port = server_mailbox("");
    int socket = connect_plain(at(port));
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(pop3_set_comms_timeout(0), 0);
    CHECK_INT(pop3_set_secure_dir(""), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_set_secure_dir(NULL), 0);
}

int main(void)
{
    RUN(null_is_refused);
    RUN(secure_is_0_1_or_2);
    RUN(a_server_without_host_or_usable_port);
    RUN(forbidden_bytes_are_refused_before_any_connection);
    RUN(credentials_pass_as_the_bytes_they_are);
    RUN(long_arguments);
    RUN(long_arguments_of_setters);
    RUN(numbers_are_read_once);
    RUN(names_with_an_empty_label);
    RUN(every_form_of_address_connects);
    RUN(the_port_defaults_to_110_and_995);
    RUN(internationalised_names_are_converted);
    RUN(a_name_without_address);
    RUN(verify_means_nothing_in_the_clear);
    RUN(rubbish_handles);
    RUN(settings);
    return check_result();
}

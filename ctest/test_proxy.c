/* Proxies: real ones, and such that refuse, talk rubbish or stop in the middle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "check.h"
#include "clock.h"
#include "companion.h"
#include "folders.h"
#include "names.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"
#include "sockets.h"

/* What was logged of a connect. */
static char lines[8192];

static void log_status(const char *status, void *context)
{
    (void)context;
    snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s\n", status);
}

static pop3_options *options_with(const char *server, int secure, const char *proxy)
{
    pop3_options *options = options_for_server(server, secure);
    CHECK_INT(pop3_options_set_ca_file(options, in(server_dir(), "ca.pem")), 0);
    CHECK_INT(pop3_options_set_timeouts(options, 20000, 20000, 0), 0);
    CHECK_INT(pop3_options_set_status_cb(options, log_status, NULL), 0);
    CHECK_INT(pop3_options_set_proxy(options, proxy), 0);
    return options;
}

/* Connects, and disconnects if that went well; what connecting returned, 0 for a socket. */
static int try(pop3_options *options)
{
    lines[0] = '\0';
    int32_t socket = pop3_connect_with(options);
    if (socket > 0)
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return socket > 0 ? 0 : socket;
}

static int try_by(const char *server, int secure, const char *proxy)
{
    pop3_options *options = options_with(server, secure, proxy);
    int result = try(options);
    pop3_options_free(options);
    return result;
}

/* Real proxies, one at a time */

static int proxy_port;
static struct companion *proxy;
static char folder[64], config[96];

static int listens(int port)
{
    struct sockaddr_in name = loopback(port);
    int probe = (int)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(probe, (struct sockaddr *)&name, sizeof name) == 0;
    close_socket(probe);
    return result;
}

static void run_shell(const char *command)
{
    proxy = companion_run("/bin/sh", (const char *const[]){"-c", command, NULL});
}

static void run_tinyproxy(int with_password, int allowed_port)
{
    char command[128];
    FILE *file = fopen(config, "wb");
    if (file == NULL)
        check_fatal("cannot write %s", config);
    fprintf(file, "Port %d\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Critical\nLogFile \"%s/log\"\n",
            proxy_port, folder);
    if (with_password)
        fprintf(file, "BasicAuth joe passphrase\n");
    if (allowed_port != 0)
        fprintf(file, "ConnectPort %d\n", allowed_port);
    fclose(file);
    snprintf(command, sizeof command, "exec tinyproxy -d -c %s", config);
    run_shell(command);
}

static void run_microsocks(int with_password)
{
    char command[128];
    snprintf(command, sizeof command, "exec microsocks -i 127.0.0.1 -p %d %s 2>/dev/null", proxy_port,
             with_password ? "-u joe -P p@ss:word%" : "");
    run_shell(command);
}

static void end_proxy(void)
{
    CHECK(companion_stop(proxy));
}

/* The URL of a proxy that has been started; its port may have been taken meanwhile. */
static void begin_proxy(int is_http, int with_password, int allowed_port)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        proxy_port = free_port();
        is_http ? run_tinyproxy(with_password, allowed_port) : run_microsocks(with_password);
        for (int i = 0; i < 200 && !companion_has_ended(proxy); i++) {
            if (listens(proxy_port))
                return;
            sleep_ms(50);
        }
        companion_stop(proxy);
    }
    check_fatal("%s did not come up; tools/setup.sh test installs it", is_http ? "tinyproxy" : "microsocks");
}

static const char *url(const char *scheme, const char *user_info)
{
    static char text[2][128];
    static int turn;
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "%s://%s127.0.0.1:%d", scheme, user_info, proxy_port);
    return text[turn];
}

static void through_real_ones(const char *scheme, const char *user_info, const char *wrong)
{
    static const char *const modes[] = {"", "tls=implicit", "tls=stls"};
    int is_http = strcmp(scheme, "http") == 0;
    begin_proxy(is_http, *user_info != '\0', 0);
    /* by its name, which the proxy looks up and the library does not */
    name_is("elsewhere.test", "127.0.0.1");
    CHECK_INT(try_by("elsewhere.test:1", 0, "socks5://elsewhere.test:1"), POP3_ERR_CONNECT);
    CHECK_STR(name_asked(), "elsewhere.test");
    for (int secure = 0; secure < 3; secure++) {
        int port = server_mailbox(modes[secure]);
        CHECK_INT(try_by(at_host("localhost", port), secure, url(scheme, user_info)), 0);
        CHECK_HAS(lines, "by the proxy\n");
        CHECK_HAS_NOT(lines, "resolving");
        CHECK_INT(try_by(at(port), secure, url(scheme, user_info)), 0);
        CHECK_STR(name_asked(), "elsewhere.test");
        /* as the second log-in in the same way: what was learnt on the first holds, but for what anybody could have said */
        CHECK_INT(try_by(at(port), secure, url(scheme, user_info)), 0);
        CHECK_INT(strstr(lines, "C: CAPA") != NULL, secure == 0);

        pop3_options *options = options_with(at(port), secure, url(scheme, user_info));
        CHECK_INT(pop3_options_set_password(options, "wrong"), 0);
        CHECK_INT(try(options), POP3_ERR_AUTH);
        pop3_options_free(options);
    }
    /* the certificate is the server's business still, not the proxy's */
    int impostor = server_mailbox("tls=implicit cert=wrong-name");
    CHECK_INT(try_by(at(impostor), 1, url(scheme, user_info)), POP3_ERR_SECURE);

    CHECK_INT(try_by(at(server_refuse()), 0, url(scheme, user_info)), POP3_ERR_CONNECT);
    CHECK_HAS(pop3_get_last_error(), is_http ? "it answered HTTP/1." : "the server refused the connection");
    CHECK_INT(try_by("no-such-host.invalid:110", 0, url(scheme, user_info)), POP3_ERR_CONNECT);
    if (*user_info != '\0') {
        int port = server_mailbox("record=yes");
        const char *others[] = {"", wrong};
        for (int i = 0; i < 2; i++) {
            CHECK_INT(try_by(at(port), 0, url(scheme, others[i])), POP3_ERR_CONNECT);
            CHECK_HAS(pop3_get_last_error(), is_http ? "HTTP/1.0 40" : "user name and");
            CHECK_HAS_NOT(pop3_get_last_error(), "otherword");
        }
        CHECK_INT(server_connections(port), 0);
    }
    end_proxy();
}

static void microsocks(void)
{
    through_real_ones("socks5", "", "");
}

static void microsocks_with_a_password(void)
{
    through_real_ones("socks5", "joe:p@ss%3Aword%25@", "joe:otherword@");
}

static void tinyproxy(void)
{
    through_real_ones("http", "", "");
}

static void tinyproxy_with_a_password(void)
{
    through_real_ones("http", "joe:p%61ssphrase@", "joe:otherword@");
}

static void a_port_that_the_proxy_does_not_allow(void)
{
    int allowed = server_mailbox(""), other = server_mailbox("");
    begin_proxy(1, 0, allowed);
    CHECK_INT(try_by(at(allowed), 0, url("http", "")), 0);
    CHECK_INT(try_by(at(other), 0, url("http", "")), POP3_ERR_CONNECT);
    CHECK_HAS(pop3_get_last_error(), "403");
    CHECK_INT(server_connections(other), 0);
    end_proxy();
}

/* Scripted ones */

/* The server is mail.test:110, which only the proxy is told. */
#define SOCKS_HELLO "expect \"\\x05\\x01\\x00\"\nsend \"\\x05\\x00\"\n"
#define SOCKS_REQUEST "expect \"\\x05\\x01\\x00\\x03\\x09mail.test\\x00\\x6e\"\n"
#define SOCKS_YES "\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x30\\x39"
#define HTTP_REQUEST EXPECT("CONNECT mail.test:110 HTTP/1.1\\r\\nHost: mail.test:110\\r\\n")
#define SESSION REPLY("CAPA", "-ERR\\r\\n") LOG_IN GOOD_BYE

static int try_played(int port, const char *scheme)
{
    proxy_port = port;
    return try_by("mail.test", 0, url(scheme, ""));
}

static void the_greeting_may_come_at_once(void)
{
    const char *yes[] = {
        SOCKS_YES, "\\x05\\x00\\x00\\x03\\x05proxy\\x30\\x39", "\\x05\\x00\\x00\\x03\\x00\\x30\\x39",
        "\\x05\\x00\\x00\\x04\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x0e\\x0f\\x30\\x39",
    };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        script_begin(SOCKS_HELLO SOCKS_REQUEST);
        script_add(SEND("%s+OK ready") SESSION, yes[i]);
        int port = server_play("", script());
        CHECK_INT(try_played(port, "socks5"), 0);
        CHECK_PLAYED(port);
    }
    const char *heads[] = {"HTTP/1.1 200 OK\\r\\n\\r\\n", "HTTP/1.0 200\\nVia: a\\n\\n",
                           "HTTP/1.1 204 \\r\\nProxy-Agent: x\\r\\nVia: 1.1 y\\r\\n\\r\\n"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        script_begin(HTTP_REQUEST);
        script_add(SEND("%s+OK ready") SESSION, heads[i]);
        int port = server_play("", script());
        CHECK_INT(try_played(port, "http"), 0);
        CHECK_PLAYED(port);
    }
}

static void byte_by_byte(void)
{
    int port = server_play("", "expect \"\\x05\\x01\\x00\"\ntrickle 2 \"\\x05\\x00\"\n" SOCKS_REQUEST
                               "trickle 2 \"" SOCKS_YES "+OK\\r\\n\"\n" SESSION);
    CHECK_INT(try_played(port, "socks5"), 0);
    CHECK_PLAYED(port);
    port = server_play("", HTTP_REQUEST "trickle 2 \"HTTP/1.1 200 OK\\r\\nA: b\\r\\n\\r\\n+OK\\r\\n\"\n" SESSION);
    CHECK_INT(try_played(port, "http"), 0);
    CHECK_PLAYED(port);
}

static void what_socks_refuses(void)
{
    const char *words[] = {"general failure", "rules", "network", "unreachable", "refused", "time to live",
                           "cannot connect", "type of address", "a reason that SOCKS5 does not have"};
    for (int reply = 1; reply <= 9; reply++) {
        script_begin(SOCKS_HELLO SOCKS_REQUEST);
        script_add("send \"\\x05\\x%02x\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\"\nexpect-eof\n", reply);
        int port = server_play("", script());
        CHECK_INT(try_played(port, "socks5"), POP3_ERR_CONNECT);
        CHECK_HAS(pop3_get_last_error(), words[reply - 1]);
        CHECK_PLAYED(port);
    }
}

static void rubbish(void)
{
    const char *rows[][3] = {
        {"socks5", "expect \"\\x05\\x01\\x00\"\nsend \"\\x05\\xff\"\nexpect-eof\n", "user name and"},
        {"socks5", "expect \"\\x05\\x01\\x00\"\nsend \"\\x05\\x01\"\nexpect-eof\n", "user name and"},
        {"socks5", "expect \"\\x05\\x01\\x00\"\nsend \"\\x04\\x00\"\nexpect-eof\n", "does not speak SOCKS5"},
        {"socks5", "expect \"\\x05\\x01\\x00\"\n" SEND("+OK ready") "reset\n", "does not speak SOCKS5"},
        {"socks5", SOCKS_HELLO SOCKS_REQUEST "send \"\\x04\\x00\\x00\\x01\"\nexpect-eof\n", "does not speak SOCKS5"},
        {"socks5", SOCKS_HELLO SOCKS_REQUEST "send \"\\x05\\x00\\x00\\x02\"\nexpect-eof\n", "unknown type of address"},
        {"http", HTTP_REQUEST SEND("HTTP/1.1 407 No\\r\\n") "expect-eof\n", "it answered HTTP/1.1 407 No"},
        {"http", HTTP_REQUEST SEND("HTTP/1.1 502 \\x1b[2J\\r\\n") "expect-eof\n", "HTTP/1.1 502 \\x1b[2J"},
        {"http", HTTP_REQUEST SEND("HTTP/1.1 100 Go on\\r\\n") "expect-eof\n", "it answered HTTP/1.1 100"},
        {"http", HTTP_REQUEST SEND("HTTP/2 200\\r\\n") "expect-eof\n", "does not speak HTTP"},
        {"http", HTTP_REQUEST SEND("HTTP/1.1 2000\\r\\n") "expect-eof\n", "does not speak HTTP"},
        {"http", HTTP_REQUEST SEND("+OK ready") "expect-eof\n", "does not speak HTTP"},
        {"http", HTTP_REQUEST SEND("HTTP/1.1 200 OK") "repeat 5000 \"Header: of twenty octets\\r\\n\"\n",
         "does not end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int port = server_play("", rows[i][1]);
        CHECK_INT(try_played(port, rows[i][0]), POP3_ERR_CONNECT);
        CHECK_HAS(pop3_get_last_error(), rows[i][2]);
        CHECK_HAS_NOT(server_received(port), "alice");
    }
}

/* The yes ends after so many bytes. */
static void cut(const char *scheme, const char *before, const char *yes, size_t length)
{
    for (size_t kept = 0; kept < length; kept++)
        for (int reset = 0; reset < 2; reset++) {
            script_begin(before);
            if (kept > 0)
                script_send(yes, kept);
            script_add(reset ? "reset\n" : "close\n");
            int port = server_play("", script());
            CHECK_INT(try_played(port, scheme), POP3_ERR_CONNECT);
            CHECK_HAS(pop3_get_last_error(), "proxy 127.0.0.1");
        }
}

static void cut_at_each_byte(void)
{
    cut("socks5", "expect \"\\x05\\x01\\x00\"\n", "\x05", 2);
    cut("socks5", SOCKS_HELLO SOCKS_REQUEST, "\x05\0\0\x03\x04home\x01\x02", 11);
    cut("http", HTTP_REQUEST, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 25);
}

static void silence(void)
{
    const char *rows[][2] = {{"socks5", "hold\n"}, {"socks5", SOCKS_HELLO "hold\n"}, {"http", "hold\n"},
                             {"http", HTTP_REQUEST SEND("HTTP/1.1 200 OK") "hold\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        proxy_port = server_play("", rows[i][1]);
        pop3_options *options = options_with("mail.test", 0, url(rows[i][0], ""));
        CHECK_INT(pop3_options_set_timeouts(options, 400, 20000, 0), 0);
        long long begin = now_ms();
        CHECK_INT(try(options), POP3_ERR_TIMEOUT);
        CHECK(now_ms() - begin >= 400 && now_ms() - begin < 10000);
        CHECK_HAS(pop3_get_last_error(), "proxy 127.0.0.1");
        pop3_options_free(options);
    }
}

static void credentials_of_the_proxy(void)
{
    /* joe, p:w, each as RFC 1929 and RFC 7617 have it */
    int port = server_play("", "expect \"\\x05\\x02\\x00\\x02\"\nsend \"\\x05\\x02\"\n"
                               "expect \"\\x01\\x03joe\\x03p:w\"\nsend \"\\x01\\x00\"\n" SOCKS_REQUEST
                               "send \"" SOCKS_YES "+OK\\r\\n\"\n" SESSION);
    proxy_port = port;
    CHECK_INT(try_by("mail.test", 0, url("socks5", "joe:p:w@")), 0);
    CHECK_PLAYED(port);
    CHECK_HAS_NOT(lines, "p:w");
    /* a proxy that wants none is not told them */
    port = server_play("", "expect \"\\x05\\x02\\x00\\x02\"\nsend \"\\x05\\x00\"\n" SOCKS_REQUEST
                           "send \"" SOCKS_YES "+OK\\r\\n\"\n" SESSION);
    proxy_port = port;
    CHECK_INT(try_by("mail.test", 0, url("socks5", "joe:p:w@")), 0);
    CHECK_PLAYED(port);
    port = server_play("", "expect \"CONNECT mail.test:110 HTTP/1.1\\r\\nHost: mail.test:110\\r\\n"
                           "Proxy-Authorization: Basic am9lOnA6dw==\\r\\n\\r\\n\"\n"
                           SEND("HTTP/1.1 200 OK\\r\\n\\r\\n+OK") SESSION);
    proxy_port = port;
    CHECK_INT(try_by("mail.test", 0, url("http", "joe:p%3Aw@")), 0);
    CHECK_PLAYED(port);
    CHECK_HAS_NOT(lines, "am9l");
}

static void addresses_and_names(void)
{
    const char *rows[][3] = {
        {"127.0.0.1:1", "\\x01\\x7f\\x00\\x00\\x01\\x00\\x01", "127.0.0.1:1"},
        {"[::1]:995", "\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x03\\xe3",
         "[::1]:995"},
        {"b\xc3\xbc"
         "cher.example:1",
         "\\x03\\x15xn--bcher-kva.example\\x00\\x01", "xn--bcher-kva.example:1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(SOCKS_HELLO);
        script_add("expect \"\\x05\\x01\\x00%s\"\nsend \"\\x05\\x05\\x00\\x01\"\nexpect-eof\n", rows[i][1]);
        proxy_port = server_play("", script());
        CHECK_INT(try_by(rows[i][0], 0, url("socks5", "")), POP3_ERR_CONNECT);
        CHECK_PLAYED(proxy_port);
        script_begin("");
        script_add(EXPECT("CONNECT %s HTTP/1.1\\r\\nHost: %s\\r\\n"), rows[i][2], rows[i][2]);
        proxy_port = server_play("", script());
        CHECK_INT(try_by(rows[i][0], 0, url("http", "")), POP3_ERR_CONNECT);
        CHECK_PLAYED(proxy_port);
    }
    proxy_port = server_refuse();
    CHECK_INT(try_by("[fe80::1%lo]:110", 0, url("http", "")), POP3_ERR_CONNECT);
}

static void proxies_that_are_not_there(void)
{
    proxy_port = server_refuse();
    CHECK_INT(try_by("mail.test", 0, url("http", "")), POP3_ERR_CONNECT);
    CHECK_HAS(pop3_get_last_error(), "proxy 127.0.0.1");
    CHECK_HAS(pop3_error_text(POP3_ERR_CONNECT), "proxy");
    CHECK_INT(try_by("mail.test", 0, "socks5://no-such-proxy.invalid:1080"), POP3_ERR_HOST_NOT_FOUND);
    CHECK_HAS(pop3_get_last_error(), "proxy no-such-proxy.invalid");
    CHECK_HAS(pop3_error_text(POP3_ERR_HOST_NOT_FOUND), "proxy");
    /* the family is about the way to the proxy */
    pop3_options *options = options_with("mail.test", 0, url("http", ""));
    CHECK_INT(pop3_options_set_family(options, 6), 0);
    CHECK_INT(try(options), POP3_ERR_HOST_NOT_FOUND);
    CHECK_HAS(pop3_get_last_error(), "proxy 127.0.0.1");
    /* NULL: none any more */
    CHECK_INT(pop3_options_set_family(options, 0), 0);
    CHECK_INT(pop3_options_set_proxy(options, NULL), 0);
    CHECK_INT(pop3_options_set_server(options, at(server_mailbox(""))), 0);
    CHECK_INT(try(options), 0);
    pop3_options_free(options);
}

static int32_t stop(int64_t done, int64_t total, void *context)
{
    (void)done, (void)total;
    return ++*(int *)context > 2;
}

static void a_proxy_is_not_waited_for_longer_than_the_host_wants(void)
{
    int calls = 0;
    proxy_port = server_play("", "hold\n");
    pop3_options *options = options_with("mail.test", 0, url("socks5", ""));
    CHECK_INT(pop3_options_set_progress_cb(options, stop, &calls), 0);
    CHECK_INT(try(options), POP3_ERR_CANCELLED);
    pop3_options_free(options);
}

/* It knows joe and his password, as they are and as HTTP has them. */
#define JOE "am9lOnMzY3JldCBwdw=="
#define JOES_REQUEST \
    "expect \"CONNECT mail.test:110 HTTP/1.1\\r\\nHost: mail.test:110\\r\\n" \
    "Proxy-Authorization: Basic " JOE "\\r\\n\\r\\n\"\n"

static void what_a_proxy_repeats(void)
{
    const char *rows[][2] = {
        {SEND("HTTP/1.1 407 s3cret pw of joe\\r\\n"), "it answered HTTP/1.1 407 *** of joe"},
        {SEND("HTTP/1.1 407 joe:s3cret pw\\r\\n"), "it answered HTTP/1.1 407 ***"},
        {"send \"HTTP/1.1 407 Basic " JOE "!\\r\\n\\r\\n\"\n", "it answered HTTP/1.1 407 Basic ***!"},
        {SEND("HTTP/1.1 407 No\\r\\nX: s3cret pw\\r\\n"), "it answered HTTP/1.1 407 No"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(JOES_REQUEST);
        script_add("%sexpect-eof\n", rows[i][0]);
        proxy_port = server_play("", script());
        CHECK_INT(try_by("mail.test", 0, url("http", "joe:s3cret%20pw@")), POP3_ERR_CONNECT);
        CHECK_HAS(pop3_get_last_error(), rows[i][1]);
        CHECK_HAS_NOT(pop3_get_last_error(), "s3cret");
        CHECK_HAS_NOT(pop3_get_last_error(), JOE);
        CHECK_HAS_NOT(lines, "s3cret");
        CHECK_HAS_NOT(lines, JOE);
        CHECK_PLAYED(proxy_port);
    }
}

/* In the server's place it can say what it was told as well. */
static void what_a_proxy_repeats_as_a_server(void)
{
    proxy_port = server_play("", JOES_REQUEST "send \"HTTP/1.1 200 OK\\r\\n\\r\\n+OK s3cret pw " JOE "\\r\\n\"\n"
                                 REPLY("CAPA", "+OK\\r\\nX joe:s3cret pw\\r\\n.\\r\\n") LOG_IN GOOD_BYE);
    CHECK_INT(try_by("mail.test", 0, url("http", "joe:s3cret%20pw@")), 0);
    CHECK_HAS(lines, "S: +OK *** ***\n");
    CHECK_HAS(lines, "S: X ***\n");
    CHECK_HAS_NOT(lines, "s3cret pw");
    CHECK_HAS_NOT(lines, JOE);
    CHECK_PLAYED(proxy_port);
}

static void a_long_answer_is_cut(void)
{
    proxy_port = server_play("", HTTP_REQUEST "send \"HTTP/1.1 407 \"\nrepeat 1000 \"\\x1b[2J\"\n"
                                 SEND("\\r\\n") "expect-eof\n");
    CHECK_INT(try_by("mail.test", 0, url("http", "")), POP3_ERR_CONNECT);
    CHECK_HAS(pop3_get_last_error(), "it answered HTTP/1.1 407 \\x1b[2J\\x1b[2J");
    CHECK_HAS(pop3_get_last_error(), "octets more");
    CHECK(strlen(pop3_get_last_error()) < 1000);
}

/* Those who tell them apart leave the look-up to the proxy by it. */
static void socks5h_is_socks5(void)
{
    proxy_port = server_play("", SOCKS_HELLO SOCKS_REQUEST "send \"" SOCKS_YES "+OK\\r\\n\"\n" SESSION);
    CHECK_INT(try_by("mail.test", 0, url("SOCKS5h", "")), 0);
    CHECK_PLAYED(proxy_port);
}

static void no_error_quotes_the_url(void)
{
    const char *urls[] = {"socks5://joe:s3cret", "http://joe:x@s3cret:y", "http://joe:x@s3cret:1:2",
                          "http://joe:x@[s3cret]:1", "socks4://joe:s3cret@localhost:1", "http://joe:s3cret%@localhost:1"};
    pop3_options *options = pop3_options_new();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        CHECK_INT(pop3_options_set_proxy(options, urls[i]), POP3_ERR_PARAMETER);
        CHECK_HAS(pop3_get_last_error(), "proxy");
        CHECK_HAS_NOT(pop3_get_last_error(), "s3cret");
    }
    pop3_options_free(options);
}

static void urls_that_cannot_be_used(void)
{
    char long_name[600] = "socks5://", *end = long_name + strlen(long_name);
    memset(end, 'x', 256);
    strcpy(end + 256, ":p@localhost:1");
    const char *urls[] = {"", "localhost:1080", "socks4://localhost:1", "https://localhost:1", "socks5://localhost",
                          "http://localhost:0", "http://localhost:65536", "http://:8080", "http://localhost:1/path",
                          "socks5://joe:@localhost:1", "socks5://:pass@localhost:1", "http://a%3ab:c@localhost:1",
                          "http://a%0d%0a:c@localhost:1", "http://a:b%@localhost:1", "http://a:%zz@localhost:1",
                          "http://a b:1", "http://local\rhost:1", long_name};
    pop3_options *options = pop3_options_new();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        if (!CHECK_INT(pop3_options_set_proxy(options, urls[i]), POP3_ERR_PARAMETER))
            printf("       %s\n", urls[i]);
    CHECK_INT(pop3_options_set_proxy(NULL, "http://localhost:1"), POP3_ERR_PARAMETER);
    pop3_options_free(options);
}

int main(void)
{
    server_dir();
    strcpy(folder, "/tmp/pop3connect-proxy.XXXXXX");
    make_temporary(folder);
    snprintf(config, sizeof config, "%s/tinyproxy.conf", folder);
    RUN(microsocks);
    RUN(microsocks_with_a_password);
    RUN(tinyproxy);
    RUN(tinyproxy_with_a_password);
    RUN(a_port_that_the_proxy_does_not_allow);
    RUN(the_greeting_may_come_at_once);
    RUN(byte_by_byte);
    RUN(what_socks_refuses);
    RUN(rubbish);
    RUN(cut_at_each_byte);
    RUN(silence);
    RUN(credentials_of_the_proxy);
    RUN(addresses_and_names);
    RUN(proxies_that_are_not_there);
    RUN(a_proxy_is_not_waited_for_longer_than_the_host_wants);
    RUN(what_a_proxy_repeats);
    RUN(what_a_proxy_repeats_as_a_server);
    RUN(a_long_answer_is_cut);
    RUN(socks5h_is_socks5);
    RUN(no_error_quotes_the_url);
    RUN(urls_that_cannot_be_used);
    remove_folder(folder);
    return check_result();
}

/* Against a real server, Dovecot, in all three modes, with a right and a wrong password. */
#define _DEFAULT_SOURCE /* mkdtemp */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "listen.h"
#include "pop3connect.h"
#include "server.h"

#define PASS "s3cret pass"

static char base[] = "/tmp/pop3connect-dovecot.XXXXXX";
static int port, pop3s_port;
static pid_t dovecot;

static struct sockaddr_in loopback(int number)
{
    struct sockaddr_in name;
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_port = htons((unsigned short)number);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
}

static int free_port(void)
{
    struct sockaddr_in name = loopback(0);
    socklen_t size = sizeof name;
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(probe, (struct sockaddr *)&name, size) != 0 || getsockname(probe, (struct sockaddr *)&name, &size) != 0)
        check_fatal("no free port");
    close(probe);
    return ntohs(name.sin_port);
}

static int answers(int number)
{
    struct sockaddr_in name = loopback(number);
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    int ok = connect(probe, (struct sockaddr *)&name, sizeof name) == 0;
    close(probe);
    return ok;
}

/* Whether it came up; it does not where somebody else took a port meanwhile. */
static int start_dovecot(int attempt)
{
    char folder[64], ports[2][16];
    snprintf(folder, sizeof folder, "%s/%d", base, attempt);
    port = free_port();
    pop3s_port = free_port();
    snprintf(ports[0], sizeof ports[0], "%d", port);
    snprintf(ports[1], sizeof ports[1], "%d", pop3s_port);
    dovecot = fork();
    if (dovecot == 0) {
        execl(DOVECOT_SCRIPT, DOVECOT_SCRIPT, folder, server_dir(), ports[0], ports[1], (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 200; i++) {
        if (waitpid(dovecot, NULL, WNOHANG) == dovecot)
            return 0;
        if (answers(port) && answers(pop3s_port))
            return 1;
        sleep_ms(50);
    }
    return 0;
}

static void stop_dovecot(void)
{
    kill(dovecot, SIGTERM);
    waitpid(dovecot, NULL, 0);
}

static int connect_mode(int secure, const char *pass)
{
    hear_nothing();
    return pop3_connect(at(secure == 1 ? pop3s_port : port), "alice", pass, hear, secure, 1);
}

static void a_session(int secure)
{
    int socket = connect_mode(secure, PASS);
    if (!CHECK(socket > 0)) {
        CHECK_STR(pop3_get_last_error(), "");
        return;
    }
    CHECK_HAS(heard(), secure == 0 ? "C: USER alice\nS: +OK" : "C: AUTH PLAIN ***\nS: +OK");
    CHECK_INT(secure == 2, strstr(heard(), "C: STLS\nS: +OK") != NULL);
    CHECK_INT(secure != 0, strstr(heard(), "certificate verified") != NULL);
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    pop3_buffer capabilities;
    CHECK_INT(pop3_capabilities(socket, &capabilities, NULL), 0);
    CHECK_HAS(capabilities.data, "PIPELINING\n");
    pop3_buffer_free(&capabilities);
    CHECK_INT(pop3_disconnect(socket, hear), 0);
    CHECK_HAS(heard(), "C: QUIT\nS: +OK");
}

static void a_wrong_password(int secure)
{
    CHECK_INT(connect_mode(secure, "wrong"), POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR [AUTH]");
    CHECK_HAS_NOT(heard(), "wrong");
}

static void plain(void)
{
    a_session(0);
}

static void tls(void)
{
    a_session(1);
}

static void stls(void)
{
    a_session(2);
}

static void wrong_passwords(void)
{
    for (int secure = 0; secure <= 2; secure++)
        a_wrong_password(secure);
}

static void its_certificate_is_refused_without_the_authority(void)
{
    char empty[64];
    snprintf(empty, sizeof empty, "%s/empty", base);
    CHECK(mkdir(empty, 0755) == 0 && mkdir(in(empty, "cacerts"), 0755) == 0);
    CHECK_INT(pop3_set_secure_dir(empty), 0);
    CHECK_INT(connect_mode(1, PASS), POP3_ERR_SECURE);
    CHECK_INT(connect_mode(2, PASS), POP3_ERR_SECURE);
    CHECK_HAS_NOT(heard_protocol(), "alice");
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    if (mkdtemp(base) == NULL || chmod(base, 0755) != 0)
        check_fatal("no temporary folder");
    int attempt = 0;
    while (!start_dovecot(attempt))
        if (++attempt == 3)
            check_fatal("Dovecot did not come up; is the package dovecot-pop3d installed? (see %s)", base);
    RUN(plain);
    RUN(tls);
    RUN(stls);
    RUN(wrong_passwords);
    RUN(its_certificate_is_refused_without_the_authority);
    stop_dovecot();

    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", base);
    CHECK_INT(system(command), 0);
    return check_result();
}

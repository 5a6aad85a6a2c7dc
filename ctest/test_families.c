/* Names with addresses of both families, one of which is dead, or with very many; which family to use; what is held. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "dead.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "session.h"

/*
 * How long connecting may take, how long it does at the most on a busy machine, and how long it does at the least where
 * an address that is silent is given its chance.
 */
enum { TIMEOUT_MS = 30000, SOON_MS = 10000, CHANCE_MS = 240 };

/* A server at one address, whose port is dead at others. */
struct server {
    int port;
    struct dead dead[2];
    int dead_count;
};

static void stop(struct server *server)
{
    while (server->dead_count > 0)
        dead_end(&server->dead[--server->dead_count]);
}

/* A server at that address, whose port is dead at these, of which the second may be NULL. */
static void serve(struct server *server, const char *address, const char *options, enum dead_how how,
                  const char *first, const char *second)
{
    const char *others[] = {first, second};
    char all[128];
    int wanted = second != NULL ? 2 : 1;
    snprintf(all, sizeof all, "address=%s %s", address, options);
    for (int attempt = 0; attempt < 10; attempt++) {
        server->port = server_mailbox(all);
        server->dead_count = 0;
        while (server->dead_count < wanted
               && dead_begin(&server->dead[server->dead_count], how, others[server->dead_count], server->port))
            server->dead_count++;
        if (server->dead_count == wanted)
            return;
        stop(server);
    }
    check_fatal("no port that is free at %s and elsewhere", address);
}

/* "address:port", with brackets where there must be; good until the fourth call from now. */
static const char *written(const char *address, int port)
{
    static char texts[4][64];
    static int next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0], strchr(address, ':') != NULL ? "[%s]:%d" : "%s:%d", address, port);
    return text;
}

/* A name that no other case has, with these addresses. */
static const char *name_of(const char *addresses)
{
    static char name[32];
    static int count;
    snprintf(name, sizeof name, "both-%d.test", count++);
    name_is(name, addresses);
    return name;
}

static pop3_options *options_with(const char *name, int port)
{
    pop3_options *options = options_for_server(at_host(name, port), POP3_CLEAR);
    CHECK_INT(pop3_options_set_timeouts(options, TIMEOUT_MS, 0, 0), POP3_OK);
    CHECK_INT(pop3_options_set_status_cb(options, log_each_status, NULL), POP3_OK);
    return options;
}

/* Connects, disconnects; 0 or the error. */
static int try(const pop3_options *options)
{
    clear_log();
    int socket = pop3_connect_with(options);
    if (socket < 0)
        return socket;
    CHECK_INT(pop3_message_count(socket, NULL), 5);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    return 0;
}

static void add(char *lines, const char *text, const char *address, int port)
{
    size_t length = strlen(lines);
    if (address != NULL)
        snprintf(lines + length, 512 - length, "* %s %s\n", text, written(address, port));
}

/* That the first was tried, then the second if any, and nothing else; and where it connected, if it did. */
static void tried(const char *name, int port, const char *first, const char *second, const char *connected)
{
    char expected[512];
    snprintf(expected, sizeof expected, "* resolving %s\n", name);
    add(expected, "connecting to", first, port);
    add(expected, "connecting to", second, port);
    add(expected, "connected to", connected, port);
    if (CHECK_HAS(logged(), expected))
        CHECK_HAS_NOT(strstr(logged(), expected) + strlen(expected), "* connect");
}

/* In both orders. */
static const char *const loopback[][2] = {{"::1", "127.0.0.1"}, {"127.0.0.1", "::1"}};

/* The dead one comes first. */
static void one_family_is_dead(enum dead_how how, long long at_least)
{
    for (int i = 0; i < 2; i++) {
        struct server server;
        char addresses[64];
        const char *dead = loopback[i][0], *alive = loopback[i][1];
        serve(&server, alive, "", how, dead, NULL);
        snprintf(addresses, sizeof addresses, "%s %s", dead, alive);
        const char *name = name_of(addresses);
        pop3_options *options = options_with(name, server.port);
        long long start = now_ms();
        if (!CHECK_INT(try(options), 0))
            CHECK_STR(pop3_get_last_error(), "");
        long long took = now_ms() - start;
        if (!CHECK(took >= at_least && took < SOON_MS))
            printf("it took %lld ms\n", took);
        tried(name, server.port, dead, alive, alive);
        pop3_options_free(options);
        stop(&server);
    }
}

static void one_family_is_silent(void)
{
    one_family_is_dead(SILENT, CHANCE_MS);
}

static void one_family_refuses(void)
{
    one_family_is_dead(REFUSING, 0);
}

/* Then nothing else is tried. */
static void the_first_family_serves(void)
{
    for (int how = SILENT; how <= REFUSING; how++)
        for (int i = 0; i < 2; i++) {
            struct server server;
            char addresses[64];
            const char *alive = loopback[i][0], *dead = loopback[i][1];
            serve(&server, alive, "", how, dead, NULL);
            snprintf(addresses, sizeof addresses, "%s %s", alive, dead);
            const char *name = name_of(addresses);
            pop3_options *options = options_with(name, server.port);
            CHECK_INT(try(options), 0);
            tried(name, server.port, alive, NULL, alive);
            pop3_options_free(options);
            stop(&server);
        }
}

/* A family with many addresses does not keep the other waiting. */
static void the_families_take_turns(void)
{
    struct server server;
    serve(&server, "::1", "", REFUSING, "127.0.0.2", NULL);
    const char *name = name_of("127.0.0.2 127.0.0.3 127.0.0.4 ::1");
    pop3_options *options = options_with(name, server.port);
    CHECK_INT(try(options), 0);
    tried(name, server.port, "127.0.0.2", "::1", "::1");
    pop3_options_free(options);
    stop(&server);
}

static void both_families_are_dead(void)
{
    for (int how = SILENT; how <= REFUSING; how++) {
        struct server server;
        /* the server is elsewhere: it is there for its port */
        serve(&server, "127.0.0.9", "", how, "127.0.0.1", "::1");
        const char *name = name_of("::1 127.0.0.1");
        pop3_options *options = options_with(name, server.port);
        CHECK_INT(pop3_options_set_timeouts(options, 1000, 0, 0), POP3_OK);
        CHECK_INT(try(options), how == SILENT ? POP3_ERR_TIMEOUT : POP3_ERR_CONNECT);
        tried(name, server.port, "::1", "127.0.0.1", NULL);
        if (how == REFUSING) {
            CHECK_HAS(pop3_get_last_error(), written("::1", server.port));
            CHECK_HAS(pop3_get_last_error(), written("127.0.0.1", server.port));
        }
        pop3_options_free(options);
        stop(&server);
    }
}

static void the_family_is_chosen(void)
{
    for (int i = 0; i < 2; i++) {
        struct server server;
        const char *alive = loopback[i][0], *dead = loopback[i][1];
        int family = i == 0 ? 6 : 4;
        serve(&server, alive, "", REFUSING, dead, NULL);
        const char *name = name_of("::1 127.0.0.1");
        pop3_options *options = options_with(name, server.port);
        CHECK_INT(pop3_options_set_family(options, family), POP3_OK);
        CHECK_INT(try(options), 0);
        tried(name, server.port, alive, NULL, alive);
        CHECK_INT(pop3_options_set_family(options, 10 - family), POP3_OK);
        CHECK_INT(try(options), POP3_ERR_CONNECT);
        tried(name, server.port, dead, NULL, NULL);
        pop3_options_free(options);
        stop(&server);
    }
}

/* An address to come from is of a family, which is then the one to use. */
static void the_source_address_chooses(void)
{
    int four = server_mailbox(""), six = server_mailbox("address=::1");
    const char *name = name_of("::1 127.0.0.1");
    pop3_options *options = options_with(name, four);
    CHECK_INT(pop3_options_set_source_address(options, "127.0.0.77"), POP3_OK);
    CHECK_INT(try(options), 0);
    tried(name, four, "127.0.0.1", NULL, "127.0.0.1");
    CHECK_INT(pop3_options_set_server(options, at_host(name, six)), POP3_OK);
    CHECK_INT(pop3_options_set_source_address(options, "::1"), POP3_OK);
    CHECK_INT(try(options), 0);
    tried(name, six, "::1", NULL, "::1");
    CHECK_INT(pop3_options_set_family(options, 4), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_HOST_NOT_FOUND);
    CHECK_HAS_NOT(logged(), "* connecting");
    pop3_options_free(options);
}

/* TLS verifies the same name at whichever address serves. */
static void tls_at_the_second_family(void)
{
    const char *modes[] = {"tls=implicit", "tls=stls"};
    for (int i = 0; i < 2; i++) {
        struct server server;
        serve(&server, "::1", modes[i], REFUSING, "127.0.0.1", NULL);
        pop3_options *options = options_with("mail.test", server.port);
        CHECK_INT(pop3_options_set_secure(options, 1 + i), POP3_OK);
        CHECK_INT(try(options), 0);
        tried("mail.test", server.port, "127.0.0.1", "::1", "::1");
        CHECK_HAS(logged(), "certificate verified");
        CHECK_INT(pop3_options_set_server(options, written("::1", server.port)), POP3_OK);
        CHECK_INT(try(options), 0);
        pop3_options_free(options);
        stop(&server);
    }
}

/* Very many */

/* Of addresses from `first` on within 127.1.0.0/16, so many, blank-separated. */
static const char *many_addresses(int first, int count)
{
    static char addresses[4000];
    addresses[0] = '\0';
    for (int i = first; i < first + count; i++)
        snprintf(addresses + strlen(addresses), sizeof addresses - strlen(addresses), "127.1.%d.%d ", i / 250,
                 1 + i % 250);
    return addresses;
}

static int count_of(const char *text, const char *part)
{
    int count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static int most_descriptors;

static int32_t count_descriptors(int64_t done, int64_t total, void *context)
{
    (void)done, (void)total, (void)context;
    int count = open_descriptors();
    most_descriptors = count > most_descriptors ? count : most_descriptors;
    return 0;
}

/* Nobody answers at any address of that port. Returns the port. */
static int all_silent(struct dead *dead)
{
    for (int port = 20000 + getpid() % 10000; port < 31000; port++)
        if (dead_begin(dead, SILENT, "0.0.0.0", port))
            return port;
    check_fatal("no port that is free at every address");
}

static void of_very_many_silent_ones_few_are_waited_for(void)
{
    struct dead dead;
    int port = all_silent(&dead);
    int before = open_descriptors();
    pop3_options *options = options_with(name_of(many_addresses(0, 300)), port);
    CHECK_INT(pop3_options_set_timeouts(options, 3000, 0, 0), POP3_OK);
    CHECK_INT(pop3_options_set_progress_cb(options, count_descriptors, NULL), POP3_OK);
    most_descriptors = 0;
    CHECK_INT(try(options), POP3_ERR_TIMEOUT);
    CHECK_INT(most_descriptors - before, 8);
    /* each of those that are tried at all has its turn */
    CHECK_INT(count_of(logged(), "* connecting to "), 64);
    CHECK_HAS(pop3_get_last_error(), "no answer; and 48 more");
    CHECK(strlen(pop3_get_last_error()) < 1000);
    CHECK_INT(open_descriptors(), before);
    pop3_options_free(options);
    dead_end(&dead);
}

static void very_many_that_refuse(void)
{
    int port = server_refuse();
    pop3_options *options = options_with(name_of(many_addresses(0, 300)), port);
    CHECK_INT(try(options), POP3_ERR_CONNECT);
    CHECK_INT(count_of(logged(), "* connecting to "), 64);
    CHECK_HAS(pop3_get_last_error(), "; and 56 more");
    CHECK(strlen(pop3_get_last_error()) < 1000);
    pop3_options_free(options);
}

/* The one that serves comes after more silent ones than are tried at once. */
static void one_that_serves_after_many_silent_ones(void)
{
    enum { SILENT_ONES = 10 };
    struct dead dead[SILENT_ONES];
    int port = server_mailbox("address=127.0.0.9");
    char addresses[512];
    snprintf(addresses, sizeof addresses, "%s127.0.0.9", many_addresses(0, SILENT_ONES));
    for (int i = 0; i < SILENT_ONES; i++) {
        char address[32];
        snprintf(address, sizeof address, "127.1.0.%d", 1 + i);
        CHECK(dead_begin(&dead[i], SILENT, address, port));
    }
    pop3_options *options = options_with(name_of(addresses), port);
    CHECK_INT(try(options), 0);
    CHECK_INT(count_of(logged(), "* connecting to "), SILENT_ONES + 1);
    pop3_options_free(options);
    for (int i = 0; i < SILENT_ONES; i++)
        dead_end(&dead[i]);
}

/* Without it nothing here can be tested, which is told rather than passed over. */
static void need_ipv6(void)
{
    struct dead dead;
    /* any port */
    if (dead_begin(&dead, REFUSING, "::1", 0))
        dead_end(&dead);
}

int main(void)
{
    need_ipv6();
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    name_is("mail.test", "127.0.0.1 ::1");
    RUN(one_family_is_silent);
    RUN(one_family_refuses);
    RUN(the_first_family_serves);
    RUN(the_families_take_turns);
    RUN(both_families_are_dead);
    RUN(the_family_is_chosen);
    RUN(the_source_address_chooses);
    RUN(tls_at_the_second_family);
    RUN(of_very_many_silent_ones_few_are_waited_for);
    RUN(very_many_that_refuse);
    RUN(one_that_serves_after_many_silent_ones);
    return check_result();
}

/* What is remembered of a server: its capabilities, which spare asking for them, and what happens once they are old. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "gather.h"
#include "listen.h"
#include "names.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

/* Parts of transcripts, one connection each. */
#define NEXT "next\n"
#define GREETING SEND("+OK ready")
#define LIST(capabilities) "+OK\\r\\n" capabilities ".\\r\\n"
#define CAPA(capabilities) REPLY("CAPA", LIST(capabilities))
#define NO_CAPA REPLY("CAPA", "-ERR what\\r\\n")
/* by memory: not asked, and word by word as the server has no PIPELINING */
#define KNOWN GREETING LOG_IN
#define STEP_BY_STEP \
    "expect-at-once \"USER alice\\r\\n\"\nexpect-silence 100\n" SEND("+OK") \
    "expect-at-once \"PASS " PASS "\\r\\n\"\nexpect-silence 100\n" SEND("+OK")
/* USER and PASS in one go, and nothing behind them until they are answered */
#define TOGETHER "expect-at-once \"USER alice\\r\\nPASS " PASS "\\r\\n\"\nexpect-silence 100\n"
#define LOG_IN_TOGETHER TOGETHER SEND("+OK\\r\\n+OK")
#define PIPELINING "PIPELINING\\r\\n"
#define STLS_OFFERED GREETING CAPA("STLS\\r\\nUSER\\r\\n")
#define STLS REPLY("STLS", "+OK\\r\\n") "starttls\n"
/* alice's */
#define RESPONSE "AGFsaWNlAHMzY3JldCBwYXNz"
#define AUTH_PLAIN(reply) REPLY("AUTH PLAIN " RESPONSE, reply)

static int connect_once(int where, int secure)
{
    clear_log();
    return pop3_connect(at(where), "alice", PASS, log_status, secure, 1);
}

static void session(int where, int secure)
{
    int socket = connect_once(where, secure);
    if (!CHECK(socket > 0))
        printf("%s\n", pop3_get_last_error());
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void fails(int where, int secure, int code)
{
    CHECK_INT(connect_once(where, secure), code);
}

/* Plays with as many sessions, all of them fine. */
static void sessions(const char *options, const char *transcript, int secure, int count)
{
    int where = server_play(options, transcript);
    for (int i = 0; i < count; i++)
        session(where, secure);
    CHECK_PLAYED(where);
}

static pop3_options *options_by(int where, const char *mechanism)
{
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(where)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
    CHECK_INT(pop3_options_set_mechanism(options, mechanism), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, POP3_TLS), POP3_OK);
    return options;
}

static void in_tls(void)
{
    const char *options[] = {"tls=implicit", "tls=implicit tls-max=1.2"};
    for (int i = 0; i < 2; i++) {
        sessions(options[i],
                 GREETING CAPA("USER\\r\\nUIDL\\r\\n") STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STEP_BY_STEP GOOD_BYE,
                 1, 3);
        sessions(options[i],
                 GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                 GREETING AUTH_PLAIN("+OK\\r\\n") GOOD_BYE,
                 1, 2);
    }
}

/* In the clear */

/* The first challenge of SCRAM is never answered: that it is begun is what counts. */
#define AUTH_SCRAM "expect \"AUTH SCRAM-SHA-256 \"\nexpect-line\nclose\n"
#define SCRAM "SASL SCRAM-SHA-256 PLAIN\\r\\n"

static void what_was_said_in_the_clear_chooses_no_weaker_log_in(void)
{
    /* somebody on the way strips SCRAM from the list, or the list from the server, and is gone then */
    const char *stripped[] = {CAPA("USER\\r\\n") LOG_IN GOOD_BYE, NO_CAPA LOG_IN GOOD_BYE,
                              CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE};
    for (size_t i = 0; i < sizeof stripped / sizeof *stripped; i++) {
        script_begin(GREETING);
        script_add("%s", stripped[i]);
        script_add("%s", NEXT GREETING CAPA(SCRAM) AUTH_SCRAM);
        int where = server_play("", script());
        session(where, 0);
        fails(where, 0, POP3_ERR_CONNECTION_LOST);
        CHECK_PLAYED(where);
    }
}

static void what_was_said_in_the_clear_spares_asking_where_it_chooses_nothing(void)
{
    /* the host has named the mechanism: the list says only what may go together */
    int where = server_play("", GREETING CAPA(PIPELINING "USER\\r\\n") LOG_IN_TOGETHER GOOD_BYE NEXT
                                GREETING LOG_IN_TOGETHER GOOD_BYE NEXT
                                GREETING AUTH_PLAIN("+OK\\r\\n") GOOD_BYE);
    pop3_options *options = options_by(where, "USER");
    CHECK_INT(pop3_options_set_secure(options, POP3_CLEAR), POP3_OK);
    session(where, 0);
    CHECK_INT(pop3_disconnect(pop3_connect_with(options), NULL), 0);
    pop3_options_free(options);
    /* PLAIN is not on that list */
    options = options_by(where, "PLAIN");
    CHECK_INT(pop3_options_set_secure(options, POP3_CLEAR), POP3_OK);
    CHECK_INT(pop3_options_set_capabilities(options, 0), POP3_OK);
    CHECK_INT(pop3_disconnect(pop3_connect_with(options), NULL), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void after_stls(void)
{
    sessions("", STLS_OFFERED STLS CAPA("USER\\r\\n") STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STLS STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STLS STEP_BY_STEP GOOD_BYE, 2, 3);
    /* it is the list from after the handshake that is remembered */
    sessions("", GREETING CAPA("STLS\\r\\nPIPELINING\\r\\nUSER\\r\\n") STLS CAPA("SASL PLAIN\\r\\n")
                 AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                 GREETING STLS AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                 GREETING STLS AUTH_PLAIN("+OK\\r\\n") GOOD_BYE, 2, 3);
}

static void user_and_pass_together(void)
{
    sessions("tls=implicit", GREETING CAPA(PIPELINING) LOG_IN_TOGETHER GOOD_BYE NEXT
                 GREETING LOG_IN_TOGETHER GOOD_BYE, 1, 2);
    sessions("tls=implicit", GREETING CAPA(PIPELINING "USER\\r\\n") LOG_IN_TOGETHER GOOD_BYE NEXT
                             GREETING LOG_IN_TOGETHER GOOD_BYE, 1, 2);
    sessions("", STLS_OFFERED STLS CAPA(PIPELINING) LOG_IN_TOGETHER GOOD_BYE NEXT
                 GREETING STLS LOG_IN_TOGETHER GOOD_BYE, 2, 2);
    /* however the answers come */
    sessions("tls=implicit", GREETING CAPA(PIPELINING) TOGETHER SEND("+OK") "expect-silence 100\nsend \"+O\" \"K\\r\\n\"\n"
                 GOOD_BYE NEXT
                 GREETING TOGETHER "trickle 5 \"+OK\\r\\n+OK\\r\\n\"\n" GOOD_BYE, 1, 2);
    /* that it could before STLS is no word of it */
    sessions("", GREETING CAPA("STLS\\r\\n" PIPELINING) STLS CAPA("USER\\r\\n") STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STLS STEP_BY_STEP GOOD_BYE, 2, 2);
    /* and status lines tell no password for it */
    CHECK_HAS(logged(), "C: USER alice\nS: +OK\nC: PASS ***\nS: +OK\n");
    CHECK_HAS_NOT(logged(), PASS);
}

static void status_lines_of_what_goes_together(void)
{
    int where = server_play("tls=implicit", GREETING CAPA(PIPELINING) TOGETHER
                                "send \"+OK " PASS "\\r\\n+OK " PASS "\\r\\n\"\n" GOOD_BYE);
    session(where, 1);
    CHECK_HAS(logged_protocol(), "C: USER alice\nC: PASS ***\nS: +OK ***\nS: +OK ***\n");
    CHECK_HAS_NOT(logged(), PASS);
    CHECK_PLAYED(where);
}

static void nothing_goes_with_auth(void)
{
    sessions("tls=implicit", GREETING CAPA(PIPELINING "SASL PLAIN\\r\\n")
                 "expect-at-once \"AUTH PLAIN " RESPONSE "\\r\\n\"\nexpect-silence 200\n" SEND("+OK")
                 GOOD_BYE NEXT
                 GREETING
                 "expect-at-once \"AUTH PLAIN " RESPONSE "\\r\\n\"\nexpect-silence 200\n" SEND("+OK")
                 GOOD_BYE,
             1, 2);
}

static void a_server_without_capa(void)
{
    sessions("tls=implicit", GREETING NO_CAPA STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STEP_BY_STEP GOOD_BYE, 1, 3);
    sessions("", STLS_OFFERED STLS NO_CAPA STEP_BY_STEP GOOD_BYE NEXT
                 GREETING STLS STEP_BY_STEP GOOD_BYE, 2, 2);
}

static void whoever_logs_in_and_whichever_function_connects(void)
{
    int where = server_play("tls=implicit", GREETING CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                                GREETING REPLY("USER bob", "+OK\\r\\n") REPLY("PASS x", "+OK\\r\\n") GOOD_BYE NEXT
                                GREETING LOG_IN REPLY("STAT", "+OK 0 0\\r\\n") GOOD_BYE NEXT
                                GREETING LOG_IN GOOD_BYE);
    session(where, 1);
    int socket = pop3_connect(at(where), "bob", "x", NULL, 1, 1);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(pop3_stat(at(where), "alice", PASS, NULL, 1, 1), 0);
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(where)), POP3_OK);
    CHECK_INT(pop3_options_set_user(options, "alice"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, PASS), POP3_OK);
    CHECK_INT(pop3_options_set_secure(options, POP3_TLS), POP3_OK);
    socket = pop3_connect_with(options);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void each_way_is_remembered_by_itself(void)
{
    /* verified and not; by another name */
    int where = server_play("", STLS_OFFERED STLS CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                                STLS_OFFERED STLS CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                                GREETING STLS LOG_IN GOOD_BYE NEXT
                                GREETING STLS LOG_IN GOOD_BYE NEXT
                                STLS_OFFERED STLS CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                                GREETING STLS LOG_IN GOOD_BYE);
    session(where, 2);
    CHECK_INT(pop3_disconnect(pop3_connect(at(where), "alice", PASS, NULL, 2, 0), NULL), 0);
    session(where, 2);
    CHECK_INT(pop3_disconnect(pop3_connect(at(where), "alice", PASS, NULL, 2, 0), NULL), 0);
    name_is("memory.test", "127.0.0.1");
    name_is("MEMORY.test", "127.0.0.1");
    CHECK_INT(pop3_disconnect(pop3_connect(at_host("memory.test", where), "alice", PASS, NULL, 2, 0), NULL), 0);
    CHECK_INT(pop3_disconnect(pop3_connect(at_host("MEMORY.test", where), "alice", PASS, NULL, 2, 0), NULL), 0);
    CHECK_PLAYED(where);
}

#define FIRST GREETING CAPA("USER\\r\\n") LOG_IN GOOD_BYE

static void forgotten_when_told(void)
{
    int where = server_play("tls=implicit", FIRST NEXT KNOWN GOOD_BYE NEXT FIRST NEXT FIRST NEXT FIRST NEXT KNOWN GOOD_BYE);
    int other = server_play("tls=implicit", FIRST NEXT KNOWN GOOD_BYE NEXT KNOWN GOOD_BYE NEXT FIRST);
    session(other, 1);
    session(where, 1);
    session(where, 1);
    /* on that port alone */
    pop3_forget(at(where));
    session(where, 1);
    session(other, 1);
    session(other, 1);
    /* on all of them */
    pop3_forget("127.0.0.1");
    session(where, 1);
    session(other, 1);
    pop3_forget(NULL);
    session(where, 1);
    const char *others[] = {"127.0.0.2", "localhost", "127.0.0.1:1", "", "\xff"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        pop3_forget(others[i]);
    session(where, 1);
    CHECK_PLAYED(where);
    CHECK_PLAYED(other);
}

static void forgetting_leaves_open_sessions_alone(void)
{
    int where = server_play("tls=implicit", GREETING CAPA("USER\\r\\n") LOG_IN REPLY("NOOP", "+OK\\r\\n") GOOD_BYE NEXT FIRST);
    int socket = connect_once(where, 1);
    pop3_forget(NULL);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    session(where, 1);
    CHECK_PLAYED(where);
}

/* Refusals */

static void a_refusal_stands_where_the_list_is_the_same(void)
{
    int where = server_play("tls=implicit",
                            GREETING CAPA("SASL PLAIN\\r\\nUSER\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            GREETING AUTH_PLAIN("-ERR no\\r\\n") CAPA("SASL PLAIN\\r\\nUSER\\r\\n") "expect-eof\n" NEXT
                            /* what failed is not trusted */
                            GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE);
    session(where, 1);
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR no");
    session(where, 1);
    CHECK_PLAYED(where);

    /* that something stronger is there too changes nothing: the credentials have been looked at */
    where = server_play("tls=implicit", FIRST NEXT
                        GREETING REPLY("USER alice", "+OK\\r\\n") REPLY("PASS " PASS, "-ERR wrong\\r\\n")
                        CAPA("USER\\r\\nSASL CRAM-MD5\\r\\n") "expect-eof\n");
    session(where, 1);
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR wrong");
    CHECK_PLAYED(where);

    /* nor is there another way for a server that had no CAPA, and has none */
    where = server_play("tls=implicit", GREETING NO_CAPA LOG_IN GOOD_BYE NEXT
                        GREETING REPLY("USER alice", "+OK\\r\\n") REPLY("PASS " PASS, "-ERR wrong\\r\\n") NO_CAPA
                        "expect-eof\n");
    session(where, 1);
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_PLAYED(where);
}

static void the_server_has_learnt_something_else(void)
{
    /* PLAIN is gone */
    int where = server_play("tls=implicit", GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            GREETING AUTH_PLAIN("-ERR unknown\\r\\n") CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                            KNOWN GOOD_BYE NEXT
                            /* and back, with USER gone */
                            GREETING REPLY("USER alice", "-ERR unknown\\r\\n") CAPA("SASL PLAIN\\r\\n")
                            AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            GREETING AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            /* the other way is tried once, and then it stands */
                            GREETING AUTH_PLAIN("-ERR unknown\\r\\n") CAPA("USER\\r\\n")
                            REPLY("USER alice", "+OK\\r\\n") REPLY("PASS " PASS, "-ERR wrong\\r\\n") "expect-eof\n");
    for (int i = 0; i < 5; i++)
        session(where, 1);
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR wrong");
    CHECK_PLAYED(where);

    /* after STLS the same */
    sessions("", STLS_OFFERED STLS CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                 GREETING STLS AUTH_PLAIN("-ERR unknown\\r\\n") CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                 GREETING STLS LOG_IN GOOD_BYE, 2, 3);
}

static void a_refusal_stands_where_the_server_has_no_list_any_more(void)
{
    int where = server_play("tls=implicit", GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            GREETING AUTH_PLAIN("-ERR no\\r\\n") NO_CAPA "expect-eof\n");
    session(where, 1);
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR no");
    CHECK_PLAYED(where);
}

static void a_refusal_with_a_response_code_stands_at_once(void)
{
    const struct {
        const char *reply;
        int result;
    } rows[] = {
        {"-ERR [AUTH] no", POP3_ERR_AUTH},
        {"-ERR [IN-USE] no", POP3_ERR_MAILBOX_IN_USE},
        {"-ERR [LOGIN-DELAY] no", POP3_ERR_LOGIN_DELAY},
        {"-ERR [SYS/TEMP] no", POP3_ERR_TEMPORARY},
        {"-ERR [SYS/PERM] no", POP3_ERR_SERVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT GREETING);
        script_add("expect \"AUTH PLAIN " RESPONSE "\\r\\n\"\n" SEND("%s") "expect-eof\n", rows[i].reply);
        int where = server_play("tls=implicit", script());
        session(where, 1);
        fails(where, 1, rows[i].result);
        CHECK_HAS(pop3_get_last_error(), rows[i].reply);
        CHECK_PLAYED(where);

        script_begin(FIRST NEXT GREETING REPLY("USER alice", "+OK\\r\\n"));
        script_add("expect \"PASS " PASS "\\r\\n\"\n" SEND("%s") "expect-eof\n", rows[i].reply);
        where = server_play("tls=implicit", script());
        session(where, 1);
        fails(where, 1, rows[i].result);
        CHECK_PLAYED(where);
    }
}

static void user_refused_with_pass_under_way(void)
{
    /* both answers belong to it: were the second not read, it would be taken for that of CAPA */
    int where = server_play("tls=implicit", GREETING CAPA(PIPELINING) LOG_IN_TOGETHER GOOD_BYE NEXT
                            GREETING TOGETHER SEND("-ERR no such user") "expect-silence 100\n"
                            SEND("-ERR no user was named") CAPA(PIPELINING "USER\\r\\n") "expect-eof\n");
    session(where, 1);
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR no such user");
    CHECK_PLAYED(where);

    where = server_play("tls=implicit", GREETING CAPA(PIPELINING) LOG_IN_TOGETHER GOOD_BYE NEXT
                        GREETING TOGETHER SEND("-ERR no\\r\\n-ERR neither") CAPA("SASL PLAIN\\r\\n")
                        AUTH_PLAIN("+OK\\r\\n") GOOD_BYE);
    session(where, 1);
    session(where, 1);
    CHECK_PLAYED(where);

    /* by a list that has just been asked for there is nothing more to ask */
    where = server_play("tls=implicit", GREETING CAPA(PIPELINING) TOGETHER
                            SEND("-ERR no such user") SEND("-ERR no user was named") "expect-eof\n");
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR no such user");
    CHECK_PLAYED(where);
    /* and a server that says nothing to PASS any more does not change what USER was answered */
    where = server_play("tls=implicit", GREETING CAPA(PIPELINING) TOGETHER SEND("-ERR [SYS/TEMP] later") "close");
    fails(where, 1, POP3_ERR_TEMPORARY);
    CHECK_HAS(pop3_get_last_error(), "-ERR [SYS/TEMP] later");
    CHECK_PLAYED(where);
}

static void pass_refused_that_went_with_user(void)
{
    int where = server_play("tls=implicit", GREETING CAPA(PIPELINING "USER\\r\\n") LOG_IN_TOGETHER GOOD_BYE NEXT
                            GREETING TOGETHER SEND("+OK\\r\\n-ERR wrong")
                            CAPA(PIPELINING "USER\\r\\n") "expect-eof\n");
    session(where, 1);
    fails(where, 1, POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR wrong");
    CHECK_PLAYED(where);
}

static void stls_refused_that_was_offered(void)
{
    int where = server_play("", STLS_OFFERED STLS CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                            GREETING REPLY("STLS", "-ERR unknown\\r\\n") "expect-eof\n" NEXT
                            /* and it is asked for again */
                            GREETING CAPA("USER\\r\\n") "expect-eof\n" NEXT
                            STLS_OFFERED STLS CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                            GREETING REPLY("STLS", "-ERR [SYS/TEMP] later\\r\\n") "expect-eof\n");
    session(where, 2);
    fails(where, 2, POP3_ERR_NO_STLS);
    CHECK_STR(logged_protocol(), "S: +OK ready\nC: STLS\nS: -ERR unknown\n");
    fails(where, 2, POP3_ERR_NO_STLS);
    session(where, 2);
    fails(where, 2, POP3_ERR_NO_STLS);
    CHECK_STR(logged_protocol(), "S: +OK ready\nC: STLS\nS: -ERR [SYS/TEMP] later\n");
    CHECK_PLAYED(where);
}

static void clear_text_after_stls_by_memory(void)
{
    /* asked for by memory or not, what comes in the clear behind its +OK is somebody else's */
    int where = server_play("", STLS_OFFERED STLS CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT
                            GREETING EXPECT("STLS") SEND("+OK\\r\\n+OK injected") "expect-eof\n");
    session(where, 2);
    fails(where, 2, POP3_ERR_BAD_FORMAT);
    CHECK_HAS_NOT(logged(), "C: USER");
    CHECK_PLAYED(where);
}

static void a_mechanism_asked_for_that_was_not_there(void)
{
    int where = server_play("tls=implicit", FIRST NEXT
                            GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            GREETING AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            /* no word of who logs in */
                            GREETING CAPA("SASL PLAIN\\r\\n") "expect-eof\n" NEXT
                            /* what was remembered is gone with that */
                            GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE);
    pop3_options *plain = options_by(where, "PLAIN"), *cram = options_by(where, "CRAM-MD5");
    session(where, 1);
    for (int i = 0; i < 2; i++)
        CHECK_INT(pop3_disconnect(pop3_connect_with(plain), NULL), 0);
    CHECK_INT(pop3_connect_with(cram), POP3_ERR_UNSUPPORTED);
    CHECK_INT(pop3_disconnect(pop3_connect_with(plain), NULL), 0);
    CHECK_PLAYED(where);
    pop3_options_free(plain);
    pop3_options_free(cram);
}

static void a_mechanism_asked_for_that_is_gone(void)
{
    int where = server_play("tls=implicit", GREETING CAPA("SASL PLAIN\\r\\n") AUTH_PLAIN("+OK\\r\\n") GOOD_BYE NEXT
                            GREETING AUTH_PLAIN("-ERR unknown\\r\\n") CAPA("USER\\r\\n") "expect-eof\n");
    pop3_options *options = options_by(where, "PLAIN");
    CHECK_INT(pop3_disconnect(pop3_connect_with(options), NULL), 0);
    /* none that was not asked for is tried instead */
    CHECK_INT(pop3_connect_with(options), POP3_ERR_UNSUPPORTED);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

/* Losses */

static void a_connection_lost_on_the_way_forgets(void)
{
    const char *ends[] = {EXPECT("USER alice") "close\n", EXPECT("USER alice") "reset\n",
                          REPLY("USER alice", "+OK\\r\\n") "expect-line\nclose\n", "close\n",
                          REPLY("USER alice", "+OK\\r\\n") "expect-line\n" SEND("what") "expect-eof\n"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        script_begin(FIRST NEXT GREETING);
        script_add("%s", ends[i]);
        script_add("%s", NEXT FIRST NEXT KNOWN GOOD_BYE);
        int where = server_play("tls=implicit", script());
        session(where, 1);
        fails(where, 1, i == 4 ? POP3_ERR_BAD_FORMAT : POP3_ERR_CONNECTION_LOST);
        session(where, 1);
        session(where, 1);
        CHECK_PLAYED(where);
    }
}

static void so_does_a_timeout(void)
{
    int where = server_play("tls=implicit", FIRST NEXT GREETING EXPECT("USER alice") "expect-eof\n" NEXT FIRST);
    pop3_options *options = options_by(where, "auto");
    session(where, 1);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 500, 0), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_TIMEOUT);
    session(where, 1);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void what_fails_before_it_is_known_is_not_remembered(void)
{
    int where = server_play("tls=implicit", GREETING CAPA("USER\\r\\n") REPLY("USER alice", "-ERR no\\r\\n") "expect-eof\n" NEXT
                            GREETING CAPA("USER\\r\\n") "close\n" NEXT FIRST NEXT KNOWN GOOD_BYE);
    fails(where, 1, POP3_ERR_AUTH);
    fails(where, 1, POP3_ERR_CONNECTION_LOST);
    session(where, 1);
    session(where, 1);
    CHECK_PLAYED(where);
}

static void a_greeting_that_turns_away(void)
{
    int where = server_play("tls=implicit", FIRST NEXT SEND("-ERR [SYS/TEMP] full") "expect-eof\n" NEXT FIRST);
    session(where, 1);
    fails(where, 1, POP3_ERR_TEMPORARY);
    session(where, 1);
    CHECK_PLAYED(where);
}

/* After the log-in */

static void bulk(int socket)
{
    const int32_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct letters letters = {0};
    CHECK_INT(pop3_recv_messages(socket, numbers, 16, gather_messages, &letters, NULL), 16);
    letters_free(&letters);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
}

static void add_bulk(void)
{
    for (int number = 1; number <= 16; number++)
        script_add(EXPECT("RETR %d"), number);
    script_add("send \"");
    for (int number = 1; number <= 16; number++)
        script_add("+OK\\r\\nx\\r\\n.\\r\\n");
    script_add("\"\n" GOOD_BYE);
}

static void pipelining_that_is_listed_after_the_log_in(void)
{
    script_begin(GREETING CAPA("USER\\r\\n") STEP_BY_STEP CAPA(PIPELINING));
    add_bulk();
    /* it is known then, but not of what comes before the log-in */
    script_add("%s", NEXT GREETING STEP_BY_STEP);
    add_bulk();
    int where = server_play("tls=implicit", script());
    bulk(connect_once(where, 1));
    bulk(connect_once(where, 1));
    CHECK_PLAYED(where);
}

static void what_the_host_asks_for_is_asked_of_the_server(void)
{
    int where = server_play("tls=implicit", GREETING CAPA("USER\\r\\n") LOG_IN CAPA("TOP\\r\\n") GOOD_BYE NEXT
                            KNOWN CAPA("TOP\\r\\nUIDL\\r\\n") GOOD_BYE);
    const char *expected[] = {"TOP\n", "TOP\nUIDL\n"};
    for (int i = 0; i < 2; i++) {
        pop3_buffer capabilities;
        int socket = connect_once(where, 1);
        CHECK_INT(pop3_capabilities(socket, &capabilities, NULL), 0);
        CHECK_STR(capabilities.data, expected[i]);
        pop3_buffer_free(&capabilities);
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    CHECK_PLAYED(where);
}

static void long_lists_are_no_burden(void)
{
    /* longer than any real one: believed, and asked for anew */
    script_begin("");
    for (int i = 0; i < 2; i++) {
        script_add("%s", i > 0 ? NEXT : "");
        script_add("%s", GREETING EXPECT("CAPA") SEND("+OK") "repeat 2000 \"X-NONSENSE\\r\\n\"\n"
                         "send \"" PIPELINING ".\\r\\n\"\n" LOG_IN_TOGETHER GOOD_BYE);
    }
    sessions("tls=implicit", script(), 1, 2);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(in_tls);
    RUN(what_was_said_in_the_clear_chooses_no_weaker_log_in);
    RUN(what_was_said_in_the_clear_spares_asking_where_it_chooses_nothing);
    RUN(after_stls);
    RUN(user_and_pass_together);
    RUN(status_lines_of_what_goes_together);
    RUN(nothing_goes_with_auth);
    RUN(a_server_without_capa);
    RUN(whoever_logs_in_and_whichever_function_connects);
    RUN(each_way_is_remembered_by_itself);
    RUN(forgotten_when_told);
    RUN(forgetting_leaves_open_sessions_alone);
    RUN(a_refusal_stands_where_the_list_is_the_same);
    RUN(the_server_has_learnt_something_else);
    RUN(a_refusal_stands_where_the_server_has_no_list_any_more);
    RUN(a_refusal_with_a_response_code_stands_at_once);
    RUN(user_refused_with_pass_under_way);
    RUN(pass_refused_that_went_with_user);
    RUN(stls_refused_that_was_offered);
    RUN(clear_text_after_stls_by_memory);
    RUN(a_mechanism_asked_for_that_was_not_there);
    RUN(a_mechanism_asked_for_that_is_gone);
    RUN(a_connection_lost_on_the_way_forgets);
    RUN(so_does_a_timeout);
    RUN(what_fails_before_it_is_known_is_not_remembered);
    RUN(a_greeting_that_turns_away);
    RUN(pipelining_that_is_listed_after_the_log_in);
    RUN(what_the_host_asks_for_is_asked_of_the_server);
    RUN(long_lists_are_no_burden);
    return check_result();
}

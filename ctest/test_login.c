/* Log-ins as servers of the field want them: which ways are tried, and what a refusal is taken for. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "script.h"
#include "server.h"
#include "session.h"

#define NEXT "next\n"
#define GREETING SEND("+OK")
#define CAPA(capabilities) REPLY("CAPA", "+OK\\r\\n" capabilities ".\\r\\n")
#define NO_CAPA REPLY("CAPA", "-ERR\\r\\n")
#define STLS REPLY("STLS", "+OK\\r\\n") "starttls\n"
#define END "expect-eof\n"
/* what PLAIN says for alice, and for alice who acts as boss */
#define PLAIN "AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz"
#define PLAIN_AS_BOSS "AUTH PLAIN Ym9zcwBhbGljZQBzM2NyZXQgcGFzcw=="
/* user=alice^Aauth=Bearer tok.en^A^A, and n,a=alice,^A... of OAUTHBEARER, which names the port */
#define XOAUTH2 "AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2suZW4BAQ=="
#define CHALLENGE "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\\r\\n"
#define RESPONSE "YWxpY2UgMzk1Mzk0OGE4ZWUyZTkzOWUyODU1YTRjZjI0NDFjOWU="

/* Connects, and disconnects; 0 or the error. No line and no text says the password. */
static int try(const pop3_options *options)
{
    clear_log();
    int socket = pop3_connect_with(options);
    CHECK_HAS_NOT(logged(), PASS);
    CHECK_HAS_NOT(logged(), "czNjcmV0IHBhc3");
    if (socket > 0)
        return pop3_disconnect(socket, NULL);
    CHECK_HAS_NOT(pop3_get_last_error(), PASS);
    return socket;
}

/* The same by the defaults, to a transcript that must be played to its end. */
static int try_play(const char *how, int secure, const char *transcript)
{
    int where = server_play(how, transcript);
    pop3_options *options = recorded_options(where, secure);
    int result = try(options);
    pop3_options_free(options);
    CHECK_PLAYED(where);
    return result;
}

static int in_the_clear(const char *transcript)
{
    return try_play("", POP3_CLEAR, transcript);
}

/* Which ways */

static void only_a_strong_mechanism_is_set_up(void)
{
    int where = server_mailbox("tls=implicit sasl=SCRAM-SHA-256");
    pop3_options *options = recorded_options(where, POP3_TLS);
    CHECK_INT(try(options), 0);
    CHECK_HAS(logged(), "C: AUTH SCRAM-SHA-256 ***");
    CHECK_HAS_NOT(logged(), "C: USER");
    pop3_options_free(options);
    CHECK_INT(try_play("tls=implicit", POP3_TLS, GREETING CAPA("USER\\r\\nSASL CRAM-MD5\\r\\n")
                       REPLY("AUTH CRAM-MD5", CHALLENGE) REPLY(RESPONSE, "+OK\\r\\n") GOOD_BYE), 0);
    CHECK_INT(try_play("tls=implicit", POP3_TLS, GREETING CAPA("USER\\r\\nSASL X-ELSE LOGIN\\r\\n")
                       REPLY("AUTH LOGIN", "+\\r\\n") REPLY("YWxpY2U=", "+\\r\\n")
                       REPLY("czNjcmV0IHBhc3M=", "+OK\\r\\n") GOOD_BYE), 0);
}

static void user_is_not_listed(void)
{
    CHECK_INT(in_the_clear(GREETING CAPA("SASL PLAIN\\r\\n") REPLY(PLAIN, "+OK\\r\\n") GOOD_BYE), 0);
    /* and something else is, that nobody knows: nothing is told */
    CHECK_INT(in_the_clear(GREETING CAPA("SASL X-ZIMBRA\\r\\n") END), POP3_ERR_UNSUPPORTED);
    /* nothing is said of how to log in */
    CHECK_INT(in_the_clear(GREETING CAPA("TOP\\r\\n") LOG_IN GOOD_BYE), 0);
}

static void a_mechanism_that_is_refused_before_anything_was_shown(void)
{
    CHECK_INT(in_the_clear(GREETING CAPA("SASL CRAM-MD5\\r\\nUSER\\r\\n") REPLY("AUTH CRAM-MD5", "-ERR not supported\\r\\n")
                           LOG_IN GOOD_BYE), 0);
    CHECK_INT(in_the_clear(GREETING CAPA("SASL CRAM-MD5\\r\\n") REPLY("AUTH CRAM-MD5", "-ERR not supported\\r\\n") END),
              POP3_ERR_UNSUPPORTED);
    CHECK_HAS(pop3_get_last_error(), "-ERR not supported");
    /* each way once, to the last */
    CHECK_INT(in_the_clear(GREETING CAPA("SASL LOGIN CRAM-MD5 PLAIN\\r\\nUSER\\r\\n") REPLY("AUTH CRAM-MD5", "-ERR\\r\\n")
                           REPLY(PLAIN, "-ERR unknown mechanism\\r\\n") REPLY("AUTH PLAIN", "-ERR unknown mechanism\\r\\n")
                           REPLY("AUTH LOGIN", "-ERR what\\r\\n") REPLY("USER alice", "-ERR unknown command\\r\\n") END),
              POP3_ERR_UNSUPPORTED);
}

static void auth_takes_one_word_only(void)
{
    CHECK_INT(in_the_clear(GREETING CAPA("SASL PLAIN\\r\\n") REPLY(PLAIN, "-ERR Too many arguments\\r\\n")
                           REPLY("AUTH PLAIN", "+ \\r\\n") REPLY("AGFsaWNlAHMzY3JldCBwYXNz", "+OK\\r\\n") GOOD_BYE), 0);
    CHECK_HAS(logged(), "C: AUTH PLAIN ***\nS: -ERR Too many arguments\nC: AUTH PLAIN\nS: + \nC: ***\nS: +OK\n");
    /* once asked for, the credentials are what is refused */
    CHECK_INT(in_the_clear(GREETING CAPA("SASL PLAIN\\r\\nUSER\\r\\n") REPLY(PLAIN, "-ERR syntax\\r\\n")
                           REPLY("AUTH PLAIN", "+ \\r\\n") REPLY("AGFsaWNlAHMzY3JldCBwYXNz", "-ERR no\\r\\n") END),
              POP3_ERR_AUTH);
}

static int try_token(const char *transcript, int capabilities)
{
    int where = server_play("", transcript);
    pop3_options *options = recorded_options(where, POP3_CLEAR);
    CHECK_INT(pop3_options_set_oauth_token(options, "tok.en"), POP3_OK);
    CHECK_INT(pop3_options_set_capabilities(options, capabilities), POP3_OK);
    int result = try(options);
    CHECK_HAS_NOT(logged(), "tok.en");
    pop3_options_free(options);
    CHECK_PLAYED(where);
    return result;
}

static void a_token_and_no_mechanism_named(void)
{
    CHECK_INT(try_token(GREETING CAPA("SASL PLAIN XOAUTH2\\r\\nUSER\\r\\n") REPLY(XOAUTH2, "+OK\\r\\n") GOOD_BYE, 1), 0);
    CHECK_INT(try_token(GREETING CAPA("SASL PLAIN OAUTHBEARER\\r\\nUSER\\r\\n") "expect \"AUTH OAUTHBEARER \"\nexpect-line\n"
                        SEND("+OK") GOOD_BYE, 1), 0);
    /* never a password, and nothing at all where neither is listed */
    CHECK_INT(try_token(GREETING CAPA("SASL PLAIN\\r\\nUSER\\r\\n") END, 1), POP3_ERR_UNSUPPORTED);
    CHECK_INT(try_token(GREETING NO_CAPA END, 1), POP3_ERR_UNSUPPORTED);
    CHECK_INT(try_token(GREETING REPLY(XOAUTH2, "+OK\\r\\n") GOOD_BYE, 0), 0);
}

static void as_whom_to_act(void)
{
    const struct {
        const char *transcript;
        int result;
    } rows[] = {
        {GREETING CAPA("USER\\r\\nSASL CRAM-MD5 PLAIN\\r\\n") REPLY(PLAIN_AS_BOSS, "+OK\\r\\n") GOOD_BYE, 0},
        {GREETING CAPA("USER\\r\\nSASL CRAM-MD5 LOGIN\\r\\n") END, POP3_ERR_UNSUPPORTED},
        {GREETING NO_CAPA END, POP3_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int where = server_play("", rows[i].transcript);
        pop3_options *options = recorded_options(where, POP3_CLEAR);
        CHECK_INT(pop3_options_set_authzid(options, "boss"), POP3_OK);
        CHECK_INT(try(options), rows[i].result);
        CHECK_PLAYED(where);
        pop3_options_free(options);
    }
}

static void no_password_in_the_clear(void)
{
    const struct {
        const char *how, *transcript, *mechanism;
        int result, secure;
    } rows[] = {
        {"", GREETING CAPA("USER\\r\\nSASL PLAIN CRAM-MD5\\r\\n") REPLY("AUTH CRAM-MD5", CHALLENGE)
             REPLY(RESPONSE, "+OK\\r\\n") GOOD_BYE, "auto", 0, POP3_CLEAR},
        {"", GREETING CAPA("USER\\r\\nSASL PLAIN LOGIN\\r\\n") END, "auto", POP3_ERR_UNSUPPORTED, POP3_CLEAR},
        {"", GREETING NO_CAPA END, "auto", POP3_ERR_UNSUPPORTED, POP3_CLEAR},
        {"", GREETING END, "USER", POP3_ERR_UNSUPPORTED, POP3_CLEAR},
        {"tls=implicit", GREETING CAPA("USER\\r\\n") LOG_IN GOOD_BYE, "auto", 0, POP3_TLS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int where = server_play(rows[i].how, rows[i].transcript);
        pop3_options *options = recorded_options(where, rows[i].secure);
        CHECK_INT(pop3_options_set_clear_password(options, 0), POP3_OK);
        CHECK_INT(pop3_options_set_mechanism(options, rows[i].mechanism), POP3_OK);
        CHECK_INT(try(options), rows[i].result);
        CHECK_PLAYED(where);
        pop3_options_free(options);
    }
}

/* What a refusal is */

static void let_in_where_a_challenge_was_due(void)
{
    CHECK_INT(in_the_clear(GREETING CAPA("SASL CRAM-MD5\\r\\n") REPLY("AUTH CRAM-MD5", "+OK go on\\r\\n") END),
              POP3_ERR_BAD_FORMAT);
    CHECK_INT(try_play("tls=implicit", POP3_TLS, GREETING CAPA("SASL LOGIN\\r\\n") REPLY("AUTH LOGIN", "+\\r\\n")
                       REPLY("YWxpY2U=", "+OK\\r\\n") END), POP3_ERR_BAD_FORMAT);
}

static void refusals_by_their_words(void)
{
    const struct {
        const char *reply;
        int result;
        /* where the server lists AUTH-RESP-CODE */
        int with_codes;
    } rows[] = {
        {"-ERR unable to lock maildrop", POP3_ERR_MAILBOX_IN_USE, POP3_ERR_MAILBOX_IN_USE},
        {"-ERR Maximum number of connections from user+IP exceeded", POP3_ERR_TEMPORARY, POP3_ERR_TEMPORARY},
        {"-ERR server busy, try again later", POP3_ERR_TEMPORARY, POP3_ERR_TEMPORARY},
        {"-ERR invalid password", POP3_ERR_AUTH, POP3_ERR_SERVER},
        {"-ERR", POP3_ERR_AUTH, POP3_ERR_SERVER},
        {"-ERR [AUTH] invalid password", POP3_ERR_AUTH, POP3_ERR_AUTH},
        {"-ERR [SYS/PERM] no", POP3_ERR_SERVER, POP3_ERR_SERVER},
        {"-ERR unknown command", POP3_ERR_UNSUPPORTED, POP3_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int with_codes = 0; with_codes < 2; with_codes++) {
            script_begin(GREETING);
            script_add("%s", with_codes ? CAPA("AUTH-RESP-CODE\\r\\nUSER\\r\\n") : CAPA("USER\\r\\n"));
            script_add("%s", REPLY("USER alice", "+OK\\r\\n"));
            script_add("expect \"PASS " PASS "\\r\\n\"\n" SEND("%s") "expect-eof\n", rows[i].reply);
            CHECK_INT(in_the_clear(script()), with_codes ? rows[i].with_codes : rows[i].result);
            CHECK_HAS(pop3_get_last_error(), rows[i].reply);
            CHECK_HAS_NOT(pop3_get_last_error(), "command was refused");
        }
    /* a refusal without a code by a server that has codes is no word on the credentials: the next way */
    CHECK_INT(in_the_clear(GREETING CAPA("AUTH-RESP-CODE\\r\\nUSER\\r\\nSASL PLAIN\\r\\n") REPLY(PLAIN, "-ERR not today\\r\\n")
                           LOG_IN GOOD_BYE), 0);
    CHECK_INT(in_the_clear(GREETING CAPA("AUTH-RESP-CODE\\r\\nUSER\\r\\nSASL PLAIN\\r\\n") REPLY(PLAIN, "-ERR not today\\r\\n")
                           REPLY("USER alice", "-ERR unknown command\\r\\n") END), POP3_ERR_SERVER);
    CHECK_HAS(pop3_get_last_error(), "-ERR not today");
}

static void a_reason_and_then_the_end(void)
{
    /* {"status":"401"} */
    CHECK(try_token(GREETING CAPA("SASL XOAUTH2\\r\\n") REPLY(XOAUTH2, "+ eyJzdGF0dXMiOiI0MDEifQ==\\r\\n") "expect-line\nclose\n",
                    1) < 0);
    CHECK_HAS(pop3_get_last_error(), "{\"status\":\"401\"}");
}

/* Servers that break at CAPA */

static void breaks_at_capa(void)
{
    const char *breaks[] = {"close\n", (SEND("500 what") END), SEND("+OK") "hold\n", "hold\n", "reset\n",
                            SEND("+OK\\r\\nTOP") "close\n"};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        script_begin(GREETING EXPECT("CAPA"));
        script_add("%s", breaks[i]);
        /* once more without, and remembered, for that user */
        script_add("%s", NEXT GREETING LOG_IN GOOD_BYE NEXT GREETING LOG_IN GOOD_BYE NEXT
                         /* for another one it is asked */
                         GREETING CAPA("SASL SCRAM-SHA-256\\r\\n") "expect \"AUTH SCRAM-SHA-256 \"\nexpect-line\n"
                         SEND("-ERR [AUTH] no") END);
        int where = server_play("", script());
        pop3_options *options = recorded_options(where, POP3_CLEAR);
        CHECK_INT(pop3_options_set_timeouts(options, 0, 2500, 0), POP3_OK);
        CHECK_INT(try(options), 0);
        CHECK_HAS(logged(), "* once more without CAPA");
        CHECK_INT(try(options), 0);
        CHECK_HAS_NOT(logged(), "C: CAPA");
        CHECK_INT(pop3_options_set_user(options, "bob"), POP3_OK);
        CHECK_INT(try(options), POP3_ERR_AUTH);
        CHECK_PLAYED(where);
        pop3_options_free(options);
    }
    /* behind TLS it is the server's own, and so for everybody */
    int where = server_play("tls=implicit", GREETING EXPECT("CAPA") "close\n" NEXT GREETING LOG_IN GOOD_BYE NEXT
                                            GREETING REPLY("USER bob", "-ERR [AUTH] no\\r\\n") END);
    pop3_options *options = recorded_options(where, POP3_TLS);
    CHECK_INT(try(options), 0);
    CHECK_INT(pop3_options_set_user(options, "bob"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_AUTH);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void breaks_at_capa_before_stls(void)
{
    int where = server_play("", GREETING EXPECT("CAPA") "close\n" NEXT GREETING STLS LOG_IN GOOD_BYE NEXT
                                GREETING STLS LOG_IN GOOD_BYE);
    pop3_options *options = recorded_options(where, POP3_STARTTLS);
    CHECK_INT(try(options), 0);
    CHECK_INT(try(options), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void once_more_is_of_no_use(void)
{
    /* the first error is what is told */
    int where = server_play("", GREETING EXPECT("CAPA") SEND("500 what") END);
    pop3_options *options = recorded_options(where, POP3_CLEAR);
    CHECK_INT(try(options), POP3_ERR_BAD_FORMAT);
    CHECK_HAS(pop3_get_last_error(), "500 what");
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void no_capa_where_nothing_needs_it(void)
{
    const char *transcripts[] = {GREETING LOG_IN GOOD_BYE,
                                 SEND("+OK <1896.697170952@dbc.mtview.ca.us>")
                                 "expect \"APOP alice \"\nexpect-line\n" SEND("+OK") GOOD_BYE};
    const char *mechanisms[] = {"USER", "APOP"};
    for (int i = 0; i < 2; i++) {
        int where = server_play("", transcripts[i]);
        pop3_options *options = recorded_options(where, POP3_CLEAR);
        CHECK_INT(pop3_options_set_mechanism(options, mechanisms[i]), POP3_OK);
        CHECK_INT(try(options), 0);
        CHECK_PLAYED(where);
        pop3_options_free(options);
    }
    /* of UTF8 it tells */
    int where = server_play("", GREETING CAPA("UTF8\\r\\n") REPLY("UTF8", "+OK\\r\\n") LOG_IN GOOD_BYE);
    pop3_options *options = recorded_options(where, POP3_CLEAR);
    CHECK_INT(pop3_options_set_mechanism(options, "USER"), POP3_OK);
    CHECK_INT(pop3_options_set_utf8(options, 1), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void capabilities_switched_off(void)
{
    const struct {
        const char *transcript, *mechanism;
        int secure;
    } rows[] = {
        {GREETING LOG_IN GOOD_BYE, "auto", POP3_CLEAR},
        {GREETING REPLY(PLAIN, "+OK\\r\\n") GOOD_BYE, "PLAIN", POP3_CLEAR},
        {GREETING STLS LOG_IN GOOD_BYE, "auto", POP3_STARTTLS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int where = server_play("", rows[i].transcript);
        pop3_options *options = recorded_options(where, rows[i].secure);
        CHECK_INT(pop3_options_set_mechanism(options, rows[i].mechanism), POP3_OK);
        CHECK_INT(pop3_options_set_capabilities(options, 0), POP3_OK);
        CHECK_INT(try(options), 0);
        CHECK_PLAYED(where);
        pop3_options_free(options);
    }
}

static void pipelining_switched_off(void)
{
    int where = server_play("", GREETING CAPA("USER\\r\\nPIPELINING\\r\\n")
                                "expect-at-once \"USER alice\\r\\n\"\nexpect-silence 100\n" SEND("+OK")
                                REPLY("PASS " PASS, "+OK\\r\\n") GOOD_BYE);
    pop3_options *options = recorded_options(where, POP3_CLEAR);
    CHECK_INT(pop3_options_set_pipelining(options, 0), POP3_OK);
    CHECK_INT(try(options), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

/* A server that greets once more inside TLS, as E-MailRelay 2.6 does */

#define GREETS_AGAIN GREETING CAPA("STLS\\r\\n") STLS SEND("+OK again")

static void one_more_greeting_inside_tls(void)
{
    int where = server_play("", GREETS_AGAIN CAPA("USER\\r\\n") REPLY("USER alice", "+OK\\r\\n")
                                REPLY("PASS " PASS, "-ERR [AUTH] no\\r\\n") END NEXT
                                GREETS_AGAIN CAPA("USER\\r\\n") LOG_IN REPLY("NOOP", "+OK\\r\\n") GOOD_BYE NEXT
                                /* by memory it would be taken for the answer to the log-in */
                                GREETS_AGAIN CAPA("USER\\r\\n") REPLY("USER alice", "+OK\\r\\n")
                                REPLY("PASS " PASS, "-ERR [AUTH] no\\r\\n") END NEXT
                                GREETS_AGAIN NO_CAPA LOG_IN GOOD_BYE NEXT
                                /* and however late it comes */
                                GREETING CAPA("STLS\\r\\n") STLS EXPECT("CAPA")
                                SEND("+OK again\\r\\n+OK\\r\\nUSER\\r\\n.") LOG_IN GOOD_BYE NEXT
                                GREETS_AGAIN CAPA("USER\\r\\n") LOG_IN GOOD_BYE);
    pop3_options *options = recorded_options(where, POP3_STARTTLS);
    CHECK_INT(try(options), POP3_ERR_AUTH);
    int socket = pop3_connect_with(options);
    CHECK_INT(pop3_noop(socket, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_INT(try(options), POP3_ERR_AUTH);
    for (int i = 0; i < 3; i++)
        CHECK_INT(try(options), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

/* Channel bindings */

/* p=tls-server-end-point, and p=tls-unique, in base64 */
#define END_POINT "expect \"AUTH SCRAM-SHA-256-PLUS cD10bHMtc2VydmVyLWVuZC1wb2ludCws\"\nexpect-line\n"
#define UNIQUE "expect \"AUTH SCRAM-SHA-256-PLUS cD10bHMtdW5pcXVlLC\"\nexpect-line\n"
#define BAD SEND("-ERR [AUTH] bad protocol")
#define PLUS CAPA("SASL SCRAM-SHA-256-PLUS PLAIN\\r\\n")

static int try_bound(const char *how, const char *transcript, const char *mechanism)
{
    int where = server_play(how, transcript);
    pop3_options *options = recorded_options(where, POP3_TLS);
    CHECK_INT(pop3_options_set_mechanism(options, mechanism), POP3_OK);
    int result = try(options);
    CHECK_PLAYED(where);
    pop3_options_free(options);
    return result;
}

static void one_type_of_channel_binding_after_the_other(void)
{
    const char *tls12 = "tls=implicit tls-max=1.2";
    CHECK_INT(try_bound(tls12, GREETING PLUS END_POINT BAD UNIQUE BAD END, "SCRAM-SHA-256-PLUS"), POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "tls-server-end-point or tls-unique");
    /* a log-in process that dies of it */
    CHECK_INT(try_bound(tls12, GREETING PLUS END_POINT "close\n" NEXT GREETING PLUS UNIQUE BAD END, "SCRAM-SHA-256-PLUS"),
              POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "tls-unique");
    CHECK_INT(try_bound(tls12, GREETING PLUS END_POINT "close\n" NEXT GREETING PLUS UNIQUE "close\n", "SCRAM-SHA-256-PLUS"),
              POP3_ERR_CONNECTION_LOST);
    CHECK_HAS(pop3_get_last_error(), "which the server may not know");
    /* chosen by itself it does not keep the other ways from being tried */
    CHECK_INT(try_bound(tls12, GREETING CAPA("SASL SCRAM-SHA-256-PLUS\\r\\nUSER\\r\\n") END_POINT BAD LOG_IN GOOD_BYE, "auto"), 0);
    CHECK_INT(try_bound(tls12, GREETING CAPA("SASL SCRAM-SHA-256-PLUS\\r\\nUSER\\r\\n") END_POINT "close\n" NEXT
                        GREETING CAPA("SASL SCRAM-SHA-256-PLUS\\r\\nUSER\\r\\n") LOG_IN GOOD_BYE, "auto"), 0);
}

/* Secrets that come back */

static void what_the_server_repeats_before_it_was_told(void)
{
    /* as a server does that greets whom it knows by address, or a log that is fed back */
    const char *leaks = PASS " AGFsaWNlAHMzY3JldCBwYXNz czNjcmV0IHBhc3M= YWxpY2U6czNjcmV0IHBhc3M=";
    script_begin("");
    script_add(SEND("+OK %s"), leaks);
    script_add(EXPECT("CAPA") SEND("+OK %s\\r\\nLANG\\r\\nUTF8\\r\\nX %s\\r\\nUSER\\r\\n."), leaks, leaks);
    script_add(EXPECT("LANG de") SEND("+OK %s"), leaks);
    script_add(EXPECT("UTF8") SEND("-ERR %s"), leaks);
    script_add(EXPECT("USER alice") SEND("-ERR [AUTH] %s") "expect-eof\n", leaks);
    int where = server_play("", script());
    pop3_options *options = recorded_options(where, POP3_CLEAR);
    CHECK_INT(pop3_options_set_utf8(options, 1), POP3_OK);
    CHECK_INT(pop3_options_set_language(options, "de"), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_AUTH);
    CHECK_HAS(logged(), "S: +OK *** ");
    CHECK_HAS(logged(), "S: X *** ");
    CHECK_PLAYED(where);
    /* the text of an error, too */
    script_begin("");
    script_add(SEND("-ERR %s") "expect-eof\n", leaks);
    CHECK_INT(in_the_clear(script()), POP3_ERR_SERVER);
    CHECK_HAS(pop3_get_last_error(), "-ERR *** ");
    pop3_options_free(options);
}

static void the_answer_to_pass_behind_a_refused_user(void)
{
    CHECK_INT(in_the_clear(GREETING CAPA("PIPELINING\\r\\n") "expect \"USER alice\\r\\nPASS " PASS "\\r\\n\"\n"
                           "send \"-ERR [AUTH] who\\r\\n-ERR you said " PASS "\\r\\n\"\n" END), POP3_ERR_AUTH);
    CHECK_HAS(logged(), "S: -ERR you said ***\n");
}

/* Work that takes long */

/* Stops what comes after the server's challenge. */
static int32_t stop_after_challenge(int64_t done, int64_t total, void *context)
{
    (void)done;
    (void)total;
    (void)context;
    return strstr(logged(), "\nS: + ") != NULL;
}

/* c=biws, as the client's proof begins in base64 */
#define PROOF "Yz1iaXdz"

static void work_that_the_server_wants_is_bounded(void)
{
    /* two million iterations are a second's work or more */
    int where = server_mailbox("sasl=SCRAM-SHA-256 iterations=2000000 record=yes");
    pop3_options *options = recorded_options(where, POP3_CLEAR);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 0, 400), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_TIMEOUT);
    CHECK_HAS_NOT(server_received(where), PROOF);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 0, 0), POP3_OK);
    CHECK_INT(pop3_options_set_progress_cb(options, stop_after_challenge, NULL), POP3_OK);
    CHECK_INT(try(options), POP3_ERR_CANCELLED);
    CHECK_HAS_NOT(server_received(where), PROOF);
    pop3_options_free(options);
    /* and what is done is right */
    where = server_mailbox("sasl=SCRAM-SHA-256 iterations=5000 record=yes");
    options = recorded_options(where, POP3_CLEAR);
    CHECK_INT(try(options), 0);
    CHECK_HAS(server_received(where), PROOF);
    pop3_options_free(options);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(only_a_strong_mechanism_is_set_up);
    RUN(user_is_not_listed);
    RUN(a_mechanism_that_is_refused_before_anything_was_shown);
    RUN(auth_takes_one_word_only);
    RUN(a_token_and_no_mechanism_named);
    RUN(as_whom_to_act);
    RUN(no_password_in_the_clear);
    RUN(let_in_where_a_challenge_was_due);
    RUN(refusals_by_their_words);
    RUN(a_reason_and_then_the_end);
    RUN(breaks_at_capa);
    RUN(breaks_at_capa_before_stls);
    RUN(once_more_is_of_no_use);
    RUN(no_capa_where_nothing_needs_it);
    RUN(capabilities_switched_off);
    RUN(pipelining_switched_off);
    RUN(one_more_greeting_inside_tls);
    RUN(one_type_of_channel_binding_after_the_other);
    RUN(what_the_server_repeats_before_it_was_told);
    RUN(the_answer_to_pass_behind_a_refused_user);
    RUN(work_that_the_server_wants_is_bounded);
    return check_result();
}

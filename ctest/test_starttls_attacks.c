/*
 * Somebody stands between library and server and speaks in the clear while STLS is under way (NO STARTTLS, USENIX
 * Security 2021): what is injected, stripped, refused or planted must not be believed, and nothing but CAPA and STLS
 * may ever be in the clear. What test_stls.c has is not repeated here.
 */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "listen.h"
#include "pop3connect.h"
#include "relay.h"
#include "script.h"
#include "server.h"

#define OFFER SEND("+OK\\r\\nSTLS\\r\\nUSER\\r\\nSASL PLAIN\\r\\n.")
/* What somebody would have the library take for the server's side of a session. */
#define FAKE_SESSION                                                                                              \
    "+OK\\r\\nUSER\\r\\nSASL PLAIN\\r\\n.\\r\\n+OK\\r\\n+OK logged in\\r\\n+OK 1 11\\r\\n+OK\\r\\nplanted\\r\\n.\\r\\n+OK\\r\\n"

enum { SHORT_MS = 500, LONG_MS = 20000 };

/* All connections go by it, so that the library takes whoever answers for the same server. */
static struct relay relay;
/* An honest server to learn capabilities from. */
static int honest;
/* Where the last transcript was played. */
static int last_played;

static int connect_by(int server_port, const char *mechanism, int timeout)
{
    relay.server_port = server_port;
    relay_start(&relay, NO_FAULT, 0);
    clear_log();
    pop3_options *options = pop3_options_new();
    CHECK_INT(pop3_options_set_server(options, at(relay.port)), 0);
    CHECK_INT(pop3_options_set_user(options, "alice"), 0);
    CHECK_INT(pop3_options_set_password(options, PASS), 0);
    CHECK_INT(pop3_options_set_secure(options, 2), 0);
    CHECK_INT(pop3_options_set_mechanism(options, mechanism), 0);
    CHECK_INT(pop3_options_set_timeouts(options, timeout, timeout, 0), 0);
    int socket = pop3_connect_with(options);
    pop3_options_free(options);
    return socket;
}

/* The library said exactly that in the clear, and then nothing or TLS. */
static void said_in_the_clear(const char *clear)
{
    size_t length = strlen(clear);
    const char *secrets[] = {"alice", PASS, "AGFsaWNlAHMzY3JldCBwYXNz", "USER", "AUTH", "APOP", "STAT"};
    CHECK(relay.connected);
    if (!CHECK(relay.said_len >= length && memcmp(relay.said, clear, length) == 0))
        printf("said: %.*s\n", (int)relay.said_len, relay.said);
    /* 22 is a TLS handshake, 21 an alert */
    CHECK(relay.said_len == length || relay.said[length] == 22 || relay.said[length] == 21);
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        CHECK(memmem(relay.said, relay.said_len, secrets[i], strlen(secrets[i])) == NULL);
}

/* A connect to that transcript fails with that code. */
static void fails(const char *transcript, const char *mechanism, int timeout, int code, const char *clear)
{
    last_played = server_play("", transcript);
    int socket = connect_by(last_played, mechanism, timeout);
    relay_wait(&relay);
    int ok = CHECK_INT(socket, code) & CHECK(strlen(pop3_get_last_error()) > 0);
    said_in_the_clear(clear);
    if (!ok)
        printf("of the transcript\n%s\nlogged\n%s\n", transcript, logged());
    /* ended where the transcript does, too */
    CHECK_PLAYED(last_played);
}

/* Has the library remember the capabilities and the TLS session of an honest server. */
static void learn(void)
{
    int socket = connect_by(honest, "auto", LONG_MS);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    relay_wait(&relay);
}

/* `then` follows STLS; once by a library that knows nothing of the server, once by one that need not ask CAPA. */
static void after_stls(const char *then, int timeout, int code)
{
    char transcript[4096];
    pop3_forget(NULL);
    snprintf(transcript, sizeof transcript,
             SEND("+OK") EXPECT("CAPA") OFFER EXPECT("STLS") "%s", then);
    fails(transcript, "auto", timeout, code, "CAPA\r\nSTLS\r\n");
    learn();
    snprintf(transcript, sizeof transcript, SEND("+OK") EXPECT("STLS") "%s", then);
    fails(transcript, "auto", timeout, code, "STLS\r\n");
    /* what was remembered is now doubted: CAPA is asked again */
    snprintf(transcript, sizeof transcript, SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\n.") "expect-eof");
    fails(transcript, "auto", timeout, POP3_ERR_NO_STLS, "CAPA\r\n");
}

/* The same of a library that knows nothing of the server. */
static void fails_fresh(const char *transcript, int code, const char *clear)
{
    pop3_forget(NULL);
    fails(transcript, "auto", LONG_MS, code, clear);
}

static void a_fake_session_in_the_same_segment(void)
{
    after_stls("send \"+OK\\r\\n" FAKE_SESSION "\"\nexpect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    /* where the lines end with LF */
    after_stls("send \"+OK\\n" "+OK\\n+OK\\n+OK 1 11\\n" "\"\nexpect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    /* bytes that are no line, and one that looks like the first of TLS but is the wrong side's */
    after_stls("send \"+OK\\r\\n\\x00\"\nexpect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    after_stls("send \"+OK\\r\\n\\x16\\x03\\x01\"\nexpect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
}

/*
 * What the library reads at once is 1024 octets, so that behind a line of that length the rest stays with the socket. A
 * record of TLS there, an alert, would be taken for the server's own answer to the handshake.
 */
static void a_record_of_tls_behind_what_is_read_at_once(void)
{
    char then[2048], text[1024 - 6 + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(then, sizeof then, "send \"+OK %s\\r\\n\\x15\\x03\\x03\\x00\\x02\\x02\\x28\"\nexpect-eof", text);
    after_stls(then, LONG_MS, POP3_ERR_BAD_FORMAT);
}

static void a_fake_session_in_later_segments(void)
{
    after_stls(SEND("+OK") "expect-hello\nsend \"" FAKE_SESSION "\"\nexpect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    after_stls(SEND("+OK") "expect-hello\npause 100\ntrickle 5 \"+OK\\r\\n+OK\\r\\n\"\nhold", LONG_MS,
               POP3_ERR_BAD_FORMAT);
    after_stls(SEND("+OK") "expect-hello\ntrickle 20 \"+OK no line end\"\nhold", LONG_MS, POP3_ERR_BAD_FORMAT);
    /* the answer itself in pieces, and what follows together with its end */
    after_stls("send \"+O\" \"K\\r\"\npause 50\n" SEND("\\n+OK") "expect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
}

static void rubbish_in_place_of_the_handshake(void)
{
    /* a record of application data, an alert, a handshake record that is none */
    after_stls(SEND("+OK") "expect-hello\n" SEND("\\x17\\x03\\x03\\x00\\x05+OK") "expect-eof", LONG_MS,
               POP3_ERR_BAD_FORMAT);
    after_stls(SEND("+OK") "expect-hello\nclose", LONG_MS, POP3_ERR_CONNECTION_LOST);
    after_stls(SEND("+OK") "close", LONG_MS, POP3_ERR_CONNECTION_LOST);
}

static void silence(void)
{
    after_stls(SEND("+OK") "hold", SHORT_MS, POP3_ERR_TIMEOUT);
    after_stls("send \"+OK\"\nhold", SHORT_MS, POP3_ERR_TIMEOUT);
    after_stls("hold", SHORT_MS, POP3_ERR_TIMEOUT);
    pop3_forget(NULL);
    fails(SEND("+OK") EXPECT("CAPA") "hold", "auto", SHORT_MS, POP3_ERR_TIMEOUT, "CAPA\r\n");
}

static const char *const codes[] = {"",           "[IN-USE]",   "[LOGIN-DELAY]", "[SYS/TEMP]",
                                    "[SYS/PERM]", "[AUTH]",     "[UTF8]",        "[X-ELSE]"};

static void stls_refused_with_every_response_code(void)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char then[128];
        snprintf(then, sizeof then, SEND("-ERR %s no") "expect-eof", codes[i]);
        after_stls(then, LONG_MS, POP3_ERR_NO_STLS);
    }
    /* neither yes nor no */
    after_stls(SEND("* OK") "expect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    after_stls(SEND("+ ") "expect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    after_stls(SEND("") "expect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    after_stls(SEND("220 ready") "expect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
    after_stls(SEND(" +OK") "expect-eof", LONG_MS, POP3_ERR_BAD_FORMAT);
}

static void capabilities_refused_with_every_response_code(void)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char transcript[256];
        snprintf(transcript, sizeof transcript,
                 SEND("+OK") EXPECT("CAPA") SEND("-ERR %s no")
                 EXPECT("STLS") SEND("-ERR %s neither") "expect-eof", codes[i], codes[i]);
        fails_fresh(transcript, POP3_ERR_NO_STLS, "CAPA\r\nSTLS\r\n");
    }
}

static void stls_stripped_or_bent(void)
{
    const char *lists[] = {"",
                           "XTLS\\r\\n",
                           "STLSX\\r\\n",
                           "SASL STLS\\r\\n",
                           "IMPLEMENTATION STLS\\r\\n",
                           "\\r\\n",
                           "USER\\r\\nSASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256\\r\\nAUTH-RESP-CODE\\r\\n"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char transcript[512];
        snprintf(transcript, sizeof transcript,
                 SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\n%s.") "expect-eof", lists[i]);
        fails_fresh(transcript, POP3_ERR_NO_STLS, "CAPA\r\n");
    }
}

static void answers_ahead_of_the_questions(void)
{
    /* the answer to STLS comes with the list, so the server's own is one too many */
    fails_fresh(SEND("+OK") EXPECT("CAPA") SEND("+OK\\r\\nSTLS\\r\\n.\\r\\n+OK")
                EXPECT("STLS") SEND("+OK") "hold",
                POP3_ERR_BAD_FORMAT, "CAPA\r\nSTLS\r\n");
    /* all answers come with the greeting */
    fails_fresh("send \"+OK\\r\\n+OK\\r\\nSTLS\\r\\n.\\r\\n+OK\\r\\n" FAKE_SESSION "\"\nhold", POP3_ERR_BAD_FORMAT,
                "CAPA\r\nSTLS\r\n");
    fails_fresh(SEND("+OK\\r\\n-ERR\\r\\n+OK\\r\\n+OK") EXPECT("CAPA") "hold", POP3_ERR_BAD_FORMAT,
                "CAPA\r\nSTLS\r\n");
    fails_fresh(SEND("+OK\\r\\n* BYE") "hold", POP3_ERR_BAD_FORMAT, "CAPA\r\n");
    /* to a library that does not ask, a list is no answer to STLS */
    learn();
    fails(SEND("+OK\\r\\nSTLS\\r\\n.") "hold", "auto", LONG_MS, POP3_ERR_BAD_FORMAT, "STLS\r\n");
    learn();
    fails(SEND("+OK\\r\\n+OK\\r\\n+OK") "hold", "auto", LONG_MS, POP3_ERR_BAD_FORMAT, "STLS\r\n");
}

static void greetings_that_claim_a_session(void)
{
    const char *logged_in[] = {"+OK [PREAUTH] alice logged in", "+OK maildrop locked and ready", "+OK 2 messages"};
    for (int i = 0; i < 3; i++) {
        char transcript[256];
        snprintf(transcript, sizeof transcript,
                 SEND("%s") EXPECT("CAPA") SEND("-ERR in TRANSACTION already")
                 EXPECT("STLS") SEND("-ERR in TRANSACTION already") "expect-eof",
                 logged_in[i]);
        fails_fresh(transcript, POP3_ERR_NO_STLS, "CAPA\r\nSTLS\r\n");
    }
    const char *others[] = {"* PREAUTH ready", "* OK ready", "220 ready", "", "PREAUTH"};
    for (int i = 0; i < 5; i++) {
        char transcript[128];
        snprintf(transcript, sizeof transcript, SEND("%s") "expect-eof", others[i]);
        fails_fresh(transcript, POP3_ERR_BAD_FORMAT, "");
    }
    fails_fresh(SEND("-ERR [AUTH] log in elsewhere") "expect-eof", POP3_ERR_AUTH, "");
    fails_fresh(SEND("-ERR use port 110 in the clear") "expect-eof", POP3_ERR_SERVER, "");
}

/* The handshake is the server's own; what was said before it must be forgotten. The code is the log-in's. */
static void planted(const char *greeting, const char *before, const char *mechanism, const char *after, int code)
{
    char transcript[2048];
    pop3_forget(NULL);
    snprintf(transcript, sizeof transcript,
             SEND("%s") EXPECT("CAPA") SEND("+OK\\r\\nSTLS\\r\\n%s.") EXPECT("STLS")
             SEND("+OK") "starttls\n" EXPECT("CAPA") "%s\nexpect-eof",
             greeting, before, after);
    fails(transcript, mechanism, LONG_MS, code, "CAPA\r\nSTLS\r\n");
}

static void an_apop_token_from_before_is_not_answered(void)
{
    planted("+OK <1.2@evil.test>", "", "APOP", "send \"+OK\\r\\nUSER\\r\\n.\\r\\n\"", POP3_ERR_UNSUPPORTED);
    planted("+OK <1.2@evil.test>", "", "APOP", "send \"-ERR\\r\\n\"", POP3_ERR_UNSUPPORTED);
    /* nor where the capabilities are remembered */
    learn();
    fails(SEND("+OK <1.2@evil.test>") EXPECT("STLS") SEND("+OK") "starttls\n", "APOP",
          LONG_MS, POP3_ERR_UNSUPPORTED, "STLS\r\n");
    CHECK_STR(server_received(last_played), "STLS\\r\\n");
}

static void mechanisms_and_pipelining_from_before_are_not_used(void)
{
    /* a weak mechanism planted; USER, PASS ahead of the answer planted */
    planted("+OK", "SASL CRAM-MD5\\r\\n", "CRAM-MD5", "send \"+OK\\r\\nSASL PLAIN\\r\\n.\\r\\n\"", POP3_ERR_UNSUPPORTED);
    planted("+OK", "SASL LOGIN\\r\\n", "auto",
            SEND("+OK\\r\\nSASL PLAIN\\r\\n.") EXPECT("AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz")
            "send \"-ERR\\r\\n\"",
            POP3_ERR_AUTH);
    planted("+OK", "USER\\r\\nPIPELINING\\r\\n", "auto",
            SEND("+OK\\r\\nUSER\\r\\n.") EXPECT("USER alice") "expect-silence 200\nsend \"-ERR\\r\\n\"",
            POP3_ERR_AUTH);
}

static void what_was_said_before_is_not_remembered(void)
{
    /* the session is good, the list from before it is planted; the next one by memory must use the true list */
    pop3_forget(NULL);
    int server_port = server_play("", SEND("+OK") EXPECT("CAPA")
                                      SEND("+OK\\r\\nSTLS\\r\\nSASL PLAIN\\r\\nPIPELINING\\r\\n.")
                                      EXPECT("STLS") SEND("+OK") "starttls\n"
                                      EXPECT("CAPA") SEND("+OK\\r\\nUSER\\r\\n.") LOG_IN GOOD_BYE);
    int socket = connect_by(server_port, "auto", LONG_MS);
    CHECK(socket > 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    relay_wait(&relay);
    CHECK_PLAYED(server_port);
    said_in_the_clear("CAPA\r\nSTLS\r\n");
    fails(SEND("+OK") EXPECT("STLS") SEND("+OK") "starttls\n"
          EXPECT("USER alice") "expect-silence 200\n" SEND("-ERR [IN-USE] no") "expect-eof",
          "auto", LONG_MS, POP3_ERR_MAILBOX_IN_USE, "STLS\r\n");
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    honest = server_mailbox("tls=stls");
    relay_open(&relay, honest);
    RUN(a_fake_session_in_the_same_segment);
    RUN(a_record_of_tls_behind_what_is_read_at_once);
    RUN(a_fake_session_in_later_segments);
    RUN(rubbish_in_place_of_the_handshake);
    RUN(silence);
    RUN(stls_refused_with_every_response_code);
    RUN(capabilities_refused_with_every_response_code);
    RUN(stls_stripped_or_bent);
    RUN(answers_ahead_of_the_questions);
    RUN(greetings_that_claim_a_session);
    RUN(an_apop_token_from_before_is_not_answered);
    RUN(mechanisms_and_pipelining_from_before_are_not_used);
    RUN(what_was_said_before_is_not_remembered);
    relay_close(&relay);
    return check_result();
}

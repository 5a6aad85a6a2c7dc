/* UTF8 and LANG (RFC 6856): asked for where they are offered, and a connect that goes on whatever is said to them. */
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
#define BOTH "LANG\\r\\nUTF8\\r\\n"
#define LANG_DE REPLY("LANG de", "+OK de Deutsch:\\r\\n")
#define UTF8_ON REPLY("UTF8", "+OK\\r\\n")
#define AUTH_PLAIN "AUTH PLAIN AGFsaWNlAHMzY3JldCBwYXNz"
/* one by one, each answered before the next is sent */
#define STEP(command, reply) \
    "expect-at-once \"" command "\\r\\n\"\nexpect-silence 100\nsend \"" reply "\\r\\n\"\n"

/* Plays with as many sessions, all of them fine. */
static void sessions(const char *how, const char *transcript, int secure, int utf8, const char *language, int count)
{
    int where = server_play(how, transcript);
    pop3_options *options = recorded_options(where, secure);
    CHECK_INT(pop3_options_set_utf8(options, utf8), POP3_OK);
    CHECK_INT(pop3_options_set_language(options, language), POP3_OK);
    for (int i = 0; i < count; i++) {
        clear_log();
        int socket = pop3_connect_with(options);
        if (!CHECK(socket > 0))
            printf("%s\n", pop3_get_last_error());
        CHECK_INT(pop3_disconnect(socket, NULL), 0);
    }
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void offered(void)
{
    sessions("", GREETING CAPA("UTF8\\r\\n") UTF8_ON LOG_IN GOOD_BYE, 0, 1, NULL, 1);
    CHECK_HAS(logged(), "C: UTF8\nS: +OK\nC: USER alice\n");
    sessions("", GREETING CAPA("LANG\\r\\n") LANG_DE LOG_IN GOOD_BYE, 0, 0, "de", 1);
    CHECK_HAS(logged(), "C: LANG de\nS: +OK de Deutsch:\nC: USER alice\n");
    sessions("", GREETING CAPA(BOTH) LANG_DE UTF8_ON LOG_IN GOOD_BYE, 0, 1, "de", 1);
    /* with arguments, in any letter case, among others */
    sessions("", GREETING CAPA("TOP\\r\\nutf8 USER\\r\\nLang\\r\\nUSER\\r\\n") LANG_DE UTF8_ON LOG_IN GOOD_BYE,
             0, 1, "de", 1);
    sessions("tls=implicit", GREETING CAPA(BOTH "SASL PLAIN\\r\\n") LANG_DE UTF8_ON REPLY(AUTH_PLAIN, "+OK\\r\\n")
             GOOD_BYE, 1, 1, "de", 1);
    /* whoever does not want them does not get them */
    sessions("", GREETING CAPA(BOTH) LOG_IN GOOD_BYE, 0, 0, NULL, 1);
    sessions("", GREETING CAPA(BOTH) LANG_DE LOG_IN GOOD_BYE, 0, 0, "de", 1);
    sessions("", GREETING CAPA(BOTH) UTF8_ON LOG_IN GOOD_BYE, 0, 1, NULL, 1);
}

static void one_by_one_without_pipelining(void)
{
    sessions("", GREETING CAPA(BOTH) STEP("LANG de", "+OK") STEP("UTF8", "+OK") STEP("USER alice", "+OK")
                 STEP("PASS " PASS, "+OK") GOOD_BYE, 0, 1, "de", 1);
}

static void together_with_pipelining(void)
{
    sessions("", GREETING CAPA("PIPELINING\\r\\n" BOTH)
                 "expect-at-once \"LANG de\\r\\nUTF8\\r\\nUSER alice\\r\\nPASS " PASS "\\r\\n\"\nexpect-silence 100\n"
                 SEND("+OK\\r\\n+OK\\r\\n+OK\\r\\n+OK") GOOD_BYE, 0, 1, "de", 1);
    CHECK_HAS(logged_protocol(), "C: LANG de\nC: UTF8\nC: USER alice\nC: PASS ***\n"
                                "S: +OK\nS: +OK\nS: +OK\nS: +OK\nC: QUIT\n");
    sessions("tls=implicit", GREETING CAPA("PIPELINING\\r\\nSASL PLAIN\\r\\n" BOTH)
                 "expect-at-once \"LANG de\\r\\nUTF8\\r\\n" AUTH_PLAIN "\\r\\n\"\nexpect-silence 100\n"
                 SEND("-ERR no\\r\\n-ERR no\\r\\n+OK") GOOD_BYE, 1, 1, "de", 1);
}

static void not_offered(void)
{
    sessions("", GREETING CAPA("USER\\r\\n") LOG_IN GOOD_BYE, 0, 1, "de", 1);
    sessions("", GREETING CAPA("UTF8ALL\\r\\nXLANG\\r\\nX UTF8 LANG\\r\\n") LOG_IN GOOD_BYE, 0, 1, "de", 1);
    sessions("", LOGGED_IN GOOD_BYE, 0, 1, "de", 1);
    sessions("", GREETING CAPA("UTF8\\r\\n") UTF8_ON LOG_IN GOOD_BYE, 0, 1, "de", 1);
    sessions("", GREETING CAPA("LANG\\r\\n") LANG_DE LOG_IN GOOD_BYE, 0, 1, "de", 1);
}

static void refused(void)
{
    const char *refusals[] = {"-ERR", "-ERR no", "-ERR [SYS/TEMP] no", "-ERR [SYS/PERM] no", "-ERR [AUTH] no"};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        script_begin(GREETING CAPA(BOTH));
        script_add(EXPECT("LANG de") SEND("%s"), refusals[i]);
        script_add(EXPECT("UTF8") SEND("%s"), refusals[i]);
        script_add("%s", LOG_IN GOOD_BYE);
        sessions("", script(), 0, 1, "de", 1);
        CHECK_HAS(logged(), refusals[i]);
    }
    sessions("", GREETING CAPA("PIPELINING\\r\\n" BOTH)
                 "expect \"LANG de\\r\\nUTF8\\r\\nUSER alice\\r\\nPASS " PASS "\\r\\n\"\n"
                 SEND("-ERR no\\r\\n-ERR no\\r\\n+OK\\r\\n+OK") GOOD_BYE, 0, 1, "de", 1);
}

static void a_refused_log_in_behind_them(void)
{
    /* the answer that counts is that to the log-in */
    int where = server_play("", GREETING CAPA("PIPELINING\\r\\n" BOTH)
                                "expect \"LANG de\\r\\nUTF8\\r\\nUSER alice\\r\\nPASS " PASS "\\r\\n\"\n"
                                SEND("-ERR no such language\\r\\n+OK")
                                SEND("-ERR no such user\\r\\n-ERR none") "expect-eof\n");
    pop3_options *options = recorded_options(where, 0);
    CHECK_INT(pop3_options_set_utf8(options, 1), POP3_OK);
    CHECK_INT(pop3_options_set_language(options, "de"), POP3_OK);
    CHECK_INT(pop3_connect_with(options), POP3_ERR_AUTH);
    CHECK_HAS(pop3_get_last_error(), "-ERR no such user");
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void what_is_no_answer_ends_it(void)
{
    const struct {
        const char *answer;
        int result;
    } rows[] = {
        {SEND("what") "expect-eof\n", POP3_ERR_BAD_FORMAT},
        {SEND("+ ") "expect-eof\n", POP3_ERR_BAD_FORMAT},
        {"close\n", POP3_ERR_CONNECTION_LOST},
        {"expect-eof\n", POP3_ERR_TIMEOUT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        script_begin(GREETING CAPA(BOTH) EXPECT("LANG de"));
        script_add("%s", rows[i].answer);
        int where = server_play("", script());
        pop3_options *options = recorded_options(where, 0);
        CHECK_INT(pop3_options_set_language(options, "de"), POP3_OK);
        CHECK_INT(pop3_options_set_timeouts(options, 0, 500, 0), POP3_OK);
        CHECK_INT(pop3_connect_with(options), rows[i].result);
        CHECK_PLAYED(where);
        CHECK_HAS_NOT(server_received(where), "USER");
        pop3_options_free(options);
    }
}

#define STLS_WITH(capabilities) GREETING CAPA("STLS\\r\\n" capabilities) REPLY("STLS", "+OK\\r\\n") "starttls\n"

static void after_the_handshake(void)
{
    /* what is offered in the clear is no offer */
    sessions("", STLS_WITH(BOTH) CAPA("USER\\r\\n") LOG_IN GOOD_BYE, 2, 1, "de", 1);
    sessions("", STLS_WITH("") CAPA(BOTH) LANG_DE UTF8_ON LOG_IN GOOD_BYE, 2, 1, "de", 1);
    sessions("", STLS_WITH(BOTH) CAPA(BOTH) LANG_DE UTF8_ON LOG_IN GOOD_BYE NEXT
                 GREETING REPLY("STLS", "+OK\\r\\n") "starttls\n" LANG_DE UTF8_ON LOG_IN GOOD_BYE, 2, 1, "de", 2);
}

static void with_remembered_capabilities(void)
{
    sessions("tls=implicit", GREETING CAPA(BOTH) LANG_DE UTF8_ON LOG_IN GOOD_BYE NEXT
                 GREETING LANG_DE UTF8_ON LOG_IN GOOD_BYE NEXT
                 /* that it said no once does not keep it from being asked */
                 GREETING REPLY("LANG de", "-ERR\\r\\n") REPLY("UTF8", "-ERR\\r\\n") LOG_IN GOOD_BYE NEXT
                 GREETING LANG_DE UTF8_ON LOG_IN GOOD_BYE, 1, 1, "de", 4);
    sessions("tls=implicit", GREETING CAPA("USER\\r\\n") LOG_IN GOOD_BYE NEXT GREETING LOG_IN GOOD_BYE, 1, 1, "de", 2);
    sessions("tls=implicit", GREETING CAPA("PIPELINING\\r\\n" BOTH)
                 "expect-at-once \"LANG de\\r\\nUTF8\\r\\nUSER alice\\r\\nPASS " PASS "\\r\\n\"\n"
                 SEND("+OK\\r\\n+OK\\r\\n+OK\\r\\n+OK") GOOD_BYE NEXT
                 GREETING
                 "expect-at-once \"LANG de\\r\\nUTF8\\r\\nUSER alice\\r\\nPASS " PASS "\\r\\n\"\n"
                 SEND("+OK\\r\\n+OK\\r\\n+OK\\r\\n+OK") GOOD_BYE, 1, 1, "de", 2);
}

static void both_are_options_of_each_connect(void)
{
    int where = server_play("tls=implicit", GREETING CAPA(BOTH) LANG_DE LOG_IN GOOD_BYE NEXT
                                GREETING REPLY("LANG en-GB", "+OK en\\r\\n") UTF8_ON LOG_IN GOOD_BYE NEXT
                                GREETING UTF8_ON LOG_IN GOOD_BYE NEXT
                                GREETING LOG_IN GOOD_BYE);
    pop3_options *options = recorded_options(where, 1);
    const struct {
        const char *language;
        int utf8;
    } rows[] = {{"de", 0}, {"en-GB", 1}, {NULL, -7}, {NULL, 0}};
    for (int i = 0; i < 4; i++) {
        CHECK_INT(pop3_options_set_language(options, rows[i].language), POP3_OK);
        CHECK_INT(pop3_options_set_utf8(options, rows[i].utf8), POP3_OK);
        CHECK_INT(pop3_disconnect(pop3_connect_with(options), NULL), 0);
    }
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void languages(void)
{
    const char *good[] = {"de", "EN", "en-GB", "zh-Hant-TW", "i-klingon", "x-private", "sl-rozaj-biske-1994", "de-1996",
                          "a", "abcdefgh", "*", "de-CH-x-phonebk"};
    const char *bad[] = {"", "-", "-de", "de-", "de--CH", "de_CH", "de CH", " de", "de ", "de\r\n", "de\nDELE 1", "\r",
                         "abcdefghi", "de-abcdefghi", "d\xc3\xa9", "\xff", "**", "*de", "de*", "de-*", "*-de", "de.CH",
                         "de,en", "\x01"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char transcript[512];
        snprintf(transcript, sizeof transcript,
                 GREETING CAPA("LANG\\r\\n") REPLY("LANG %s", "+OK\\r\\n") LOG_IN GOOD_BYE, good[i]);
        sessions("", transcript, 0, 0, good[i], 1);
    }
    /* what is refused does not count */
    int where = server_play("", GREETING CAPA("LANG\\r\\n") LANG_DE LOG_IN GOOD_BYE);
    pop3_options *options = recorded_options(where, 0);
    CHECK_INT(pop3_options_set_language(options, "de"), POP3_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK_INT(pop3_options_set_language(options, bad[i]), POP3_ERR_PARAMETER))
            printf("\"%s\"\n", bad[i]);
    /* and ends every connect until it is set right */
    CHECK_INT(pop3_connect_with(options), POP3_ERR_PARAMETER);
    CHECK_HAS(pop3_get_last_error(), "pop3_options_set_language");
    CHECK_INT(pop3_options_set_language(options, "de"), POP3_OK);
    CHECK_INT(pop3_options_set_language(NULL, "de"), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_options_set_utf8(NULL, 1), POP3_ERR_PARAMETER);
    CHECK_INT(pop3_disconnect(pop3_connect_with(options), NULL), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

static void names_and_headers_in_utf8(void)
{
    int where = server_play("", GREETING CAPA("UTF8 USER\\r\\n") UTF8_ON
                                REPLY("USER älice@exämple.test", "+OK\\r\\n") REPLY("PASS pässwort", "+OK\\r\\n")
                                REPLY("RETR 1", "+OK\\r\\nSubject: Grüße\\r\\n\\r\\n€\\r\\n.\\r\\n") GOOD_BYE);
    pop3_options *options = recorded_options(where, 0);
    pop3_buffer message;
    CHECK_INT(pop3_options_set_user(options, "\xc3\xa4lice@ex\xc3\xa4mple.test"), POP3_OK);
    CHECK_INT(pop3_options_set_password(options, "p\xc3\xa4sswort"), POP3_OK);
    CHECK_INT(pop3_options_set_utf8(options, 1), POP3_OK);
    int socket = pop3_connect_with(options);
    CHECK_INT(pop3_recv_message(socket, 1, &message, NULL), 0);
    CHECK_STR(message.data, "Subject: Gr\xc3\xbc\xc3\x9f" "e\r\n\r\n\xe2\x82\xac\r\n");
    pop3_buffer_free(&message);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    CHECK_PLAYED(where);
    pop3_options_free(options);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(offered);
    RUN(one_by_one_without_pipelining);
    RUN(together_with_pipelining);
    RUN(not_offered);
    RUN(refused);
    RUN(a_refused_log_in_behind_them);
    RUN(what_is_no_answer_ends_it);
    RUN(after_the_handshake);
    RUN(with_remembered_capabilities);
    RUN(both_are_options_of_each_connect);
    RUN(languages);
    RUN(names_and_headers_in_utf8);
    return check_result();
}

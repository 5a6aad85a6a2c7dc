/* Connecting: modes, verifying, names and passwords in any characters. */
#include "program.h"
#include "script.h"

/* Connects with these further parameters and disconnects; what connecting answered, 1 for a socket. */
static qlong try_connect(Program &program, const std::string &more)
{
    qlong socket = program.answer("POP3Connect (lServer,lUserName,lPassword" + more + ") Returns iSocket");
    if (socket < 0)
        return socket;
    program.disconnect();
    return 1;
}

static void secure_is_no_tls_or_starttls()
{
    const struct {
        const char *server, *more;
        qlong answer;
    } rows[] = {
        {"", "", 1},
        {"", ",,", 1},
        {"", ",'',,", 1},
        {"", ",'',0", 1},
        {"", ",'',kFalse", 1},
        {"tls=implicit", ",'',1", 1},
        {"tls=implicit", ",'',kTrue", 1},
        {"tls=implicit", ",,kTrue,kTrue", 1},
        {"tls=stls", ",,2", 1},
        {"tls=stls", ",,2,kTrue", 1},
        {"tls=stls", ",,0,kTrue", 1},
        {"", ",,2", POP3_ERR_NO_STLS},
        {"", ",,3", POP3_ERR_PARAMETER},
        {"", ",,-1", POP3_ERR_PARAMETER},
        /* TLS where there is none: what comes is no handshake */
        {"", ",,kTrue", POP3_ERR_SECURE},
    };
    for (const auto &row : rows) {
        Program program(server_mailbox(row.server));
        if (!CHECK_INT(try_connect(program, row.more), row.answer))
            CHECK_STR(row.more, "");
    }
}

static void verify_is_true_unless_it_is_false()
{
    const struct {
        const char *verify;
        bool is_verified;
    } rows[] = {{"", true},        {",", true},       {",kTrue", true}, {",1", true},
                {",bEmpty", true}, {",kFalse", false}, {",0", false}};
    int ports[] = {server_mailbox("tls=implicit cert=untrusted"), server_mailbox("tls=stls cert=untrusted")};
    for (const auto &row : rows) {
        for (int secure = 1; secure <= 2; secure++) {
            Program program(ports[secure - 1]);
            program.declare("bEmpty", fftBoolean);
            program.variable("bEmpty").number = preBoolEmpty;
            std::string more = ",''," + std::to_string(secure) + row.verify;
            CHECK_INT(try_connect(program, more), row.is_verified ? POP3_ERR_SECURE : 1);
            CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword" + more + ")"),
                      row.is_verified ? POP3_ERR_SECURE : 5);
        }
    }
}

static void the_secure_error_in_words()
{
    Program program(server_mailbox("tls=implicit cert=expired"));
    CHECK_INT(try_connect(program, ",'',kTrue"), POP3_ERR_SECURE);
    program.run("WebDevGetSecureError () Returns lText");
    CHECK(program.flag());
    CHECK_HAS(program.text("lText").c_str(), "certificate has expired");
}

static void characters_beyond_ascii()
{
    int port = server_play("", SEND("+OK gr\\xc3\\xbc\\xc3\\x9f dich \\xf0\\x9f\\x93\\xa7")
                           REPLY("CAPA", "-ERR\\r\\n")
                           REPLY("USER b\\xc3\\xbc\\xe2\\x82\\xac", "+OK\\r\\n")
                           REPLY("PASS \\xf0\\x9f\\x94\\x91\\xc3\\xbf", "+OK\\r\\n") GOOD_BYE);
    Program program(port);
    program.variable("lUserName") = Value::of_text("b\xc3\xbc\xe2\x82\xac");
    program.variable("lPassword") = Value::of_text("\xf0\x9f\x94\x91\xc3\xbf");
    program.listener("$h\xc3\xb6ren");
    program.run("POP3Connect (lServer,lUserName,lPassword,'$h\xc3\xb6ren') Returns iSocket");
    CHECK_HAS(program.logged("$h\xc3\xb6ren").c_str(), "S: +OK gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x93\xa7\n");
    program.disconnect();
    CHECK_PLAYED(port);
}

void test_connecting()
{
    RUN(secure_is_no_tls_or_starttls);
    RUN(verify_is_true_unless_it_is_false);
    RUN(the_secure_error_in_words);
    RUN(characters_beyond_ascii);
}

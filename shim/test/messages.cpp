/* Listing, reading and receiving messages. */
#include <cstring>
#include <string>

#include "program.h"
#include "script.h"

static void a_session_with_all_its_commands()
{
    Program program(server_mailbox("messages=3"));
    program.connect();
    CHECK_INT(program.answer("POP3MessageCount (iSocket)"), 3);
    CHECK_INT(program.answer("POP3MessageCount (iSocket,'')"), 3);
    CHECK_INT(program.answer("POP3MessageCount (iSocket,'$status')"), 3);
    CHECK_HAS(program.logged("$status").c_str(), "C: STAT\nS: +OK 3 ");

    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,2,'$status')"), 0);
    CHECK_HAS(program.logged("$status").c_str(), "C: DELE 2\nS: +OK");
    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,2)"), POP3_ERR_SERVER);
    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,0)"), POP3_ERR_PARAMETER);
    /* marked ones are counted still */
    CHECK_INT(program.answer("POP3MessageCount (iSocket)"), 3);
    CHECK_INT(program.answer("POP3UndoDeletes (iSocket,'$status')"), 0);
    CHECK_HAS(program.logged("$status").c_str(), "C: RSET\nS: +OK");
    CHECK_INT(program.answer("POP3UndoDeletes (iSocket)"), 0);
    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,1)"), 0);

    CHECK_INT(program.answer("POP3Disconnect (iSocket,'$status')"), 0);
    CHECK_HAS(program.logged("$status").c_str(), "C: QUIT\nS: +OK");
    /* the one that was not taken back is gone */
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword,'$status')"), 2);
    CHECK_HAS(program.logged("$status").c_str(), "C: STAT\nS: +OK 2 ");
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword)"), 2);

    for (const char *line : {"POP3Disconnect (iSocket)", "POP3MessageCount (iSocket)", "POP3DeleteMessage (iSocket,1)",
                             "POP3UndoDeletes (iSocket)", "POP3ListMessages (iSocket,0,lList)",
                             "POP3RecvHeaders (iSocket,1,lText)", "POP3RecvMessage (iSocket,1,lText)"})
        CHECK_INT(program.answer(line), POP3_ERR_BAD_SOCKET);
}

static const std::string integer = std::to_string(fftInteger);
static const std::string two_numbers = "number:" + integer + " size:" + integer + " ";

static void messages_are_listed()
{
    int port = server_play("", LOGGED_IN REPLY("LIST", "+OK\\r\\n1 120\\r\\n3 5000000000\\r\\n.\\r\\n")
                                   REPLY("LIST 3", "+OK 3 77\\r\\n") REPLY("LIST 2", "-ERR\\r\\n") GOOD_BYE);
    Program program(port);
    Value &list = program.variable("lList");
    program.connect();
    CHECK_INT(program.answer("POP3ListMessages (iSocket,0,lList,'$status')"), 0);
    CHECK_STR(columns_of(list).c_str(), two_numbers.c_str());
    /* a Long integer holds no more */
    CHECK_STR(lines_of(list).c_str(), "1 120\n3 2147483647\n");
    CHECK(program.changed() == std::vector<qshort>{3});
    CHECK_HAS(program.logged("$status").c_str(), "C: LIST\nS: +OK\n");

    /* the columns that a program has defined keep their names */
    list.columns = {{"iNumber", fftInteger}, {"iSize", fftInteger}};
    CHECK_INT(program.answer("POP3ListMessages (iSocket,3,lList)"), 0);
    CHECK_STR(lines_of(list).c_str(), "3 77\n");
    CHECK_STR(list.columns[1].name.c_str(), "iSize");

    /* cleared first, whatever comes after */
    CHECK_INT(program.answer("POP3ListMessages (iSocket,2,lList)"), POP3_ERR_SERVER);
    CHECK_STR(lines_of(list).c_str(), "");

    list.is_unusable = true;
    CHECK_INT(program.answer("POP3ListMessages (iSocket,0,lList)"), -508);
    program.disconnect();
    CHECK_PLAYED(port);
}

static void marked_messages_are_not_listed()
{
    Program program(server_mailbox("messages=3"));
    Value &list = program.variable("lList");
    list.columns = {{"cOther", fftCharacter}};
    list.lines = {{Value::of_text("what was there")}};
    program.connect();
    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,2)"), 0);
    CHECK_INT(program.answer("POP3ListMessages (iSocket,0,lList)"), 0);
    CHECK_STR(columns_of(list).c_str(), two_numbers.c_str());
    CHECK_INT(list.lines.size(), 2);
    CHECK_INT(cell(list, 1, 1).number, 1);
    CHECK_INT(cell(list, 2, 1).number, 3);
    CHECK(cell(list, 2, 2).number >= 200);
    CHECK_INT(program.answer("POP3ListMessages (iSocket,-1,lList)"), POP3_ERR_PARAMETER);
    CHECK_INT(program.answer("POP3UndoDeletes (iSocket)"), 0);
    program.disconnect();
}

#define LATIN "caf\\xe9 \\xc3\\xbc"
#define UTF_8 "caf\\xc3\\xa9 \\xf0\\x9f\\x93\\xa7"

static void messages_and_headers_are_read()
{
    int port = server_play("", LOGGED_IN
                           REPLY("TOP 1 0", "+OK\\r\\nSubject: " UTF_8 "\\r\\n\\r\\n.\\r\\n")
                           REPLY("RETR 1", "+OK\\r\\n" UTF_8 "\\r\\n..\\r\\n.\\r\\n")
                           REPLY("RETR 2", "+OK\\r\\n" LATIN "\\r\\n.\\r\\n")
                           REPLY("RETR 2", "+OK\\r\\n" LATIN "\\r\\n.\\r\\n")
                           REPLY("RETR 3", "-ERR\\r\\n") REPLY("TOP 3 0", "-ERR\\r\\n") GOOD_BYE);
    Program program(port);
    program.connect();
    program.variable("lText").is_null = true;
    CHECK_INT(program.answer("POP3RecvHeaders (iSocket,1,lText,'$status')"), 0);
    CHECK(!program.variable("lText").is_null);
    CHECK_STR(program.text("lText").c_str(), "Subject: caf\xc3\xa9 \xf0\x9f\x93\xa7\r\n\r\n");
    CHECK(program.changed() == std::vector<qshort>{3});
    CHECK_HAS(program.logged("$status").c_str(), "C: TOP 1 0\nS: +OK\n");
    CHECK_INT(program.answer("POP3RecvMessage (iSocket,1,lText,'$status')"), 0);
    CHECK_STR(program.text("lText").c_str(), "caf\xc3\xa9 \xf0\x9f\x93\xa7\r\n.\r\n");
    CHECK_HAS(program.logged("$status").c_str(), "C: RETR 1\nS: +OK\n");

    /* what is no UTF-8 is taken for ISO 8859-1; a Binary variable gets the bytes in any case */
    CHECK_INT(program.answer("POP3RecvMessage (iSocket,2,lText)"), 0);
    CHECK_STR(program.text("lText").c_str(), "caf\xc3\xa9 \xc3\x83\xc2\xbc\r\n");
    CHECK_INT(program.answer("POP3RecvMessage (iSocket,2,lBinary)"), 0);
    CHECK_INT(program.variable("lBinary").type, fftBinary);
    CHECK_STR(program.variable("lBinary").bytes.c_str(), "caf\xe9 \xc3\xbc\r\n");

    /* a failure leaves the variable as it is */
    CHECK_INT(program.answer("POP3RecvMessage (iSocket,3,lText)"), POP3_ERR_SERVER);
    CHECK_INT(program.answer("POP3RecvHeaders (iSocket,3,lText)"), POP3_ERR_SERVER);
    CHECK_INT(program.answer("POP3RecvMessage (iSocket,0,lText)"), POP3_ERR_PARAMETER);
    CHECK(program.changed().empty());
    CHECK_STR(program.text("lText").c_str(), "caf\xc3\xa9 \xc3\x83\xc2\xbc\r\n");
    program.disconnect();
    CHECK_PLAYED(port);
}

static void text_that_is_nearly_utf_8()
{
    /* too short, too long a form, half of a pair, beyond the last character, a byte alone */
    const char *texts[] = {"\xc3",         "\xe2\x82",         "\xc0\xaf", "\xe0\x80\xaf",
                           "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",     "\xff"};
    script_begin(LOGGED_IN);
    for (const char *text : texts) {
        script_add(EXPECT("RETR 1") SEND("+OK"));
        script_send(text, strlen(text));
        script_add(SEND("\\r\\n."));
    }
    script_add(GOOD_BYE);
    Program program(server_play("", script()));
    program.connect();
    for (const char *text : texts) {
        CHECK_INT(program.answer("POP3RecvMessage (iSocket,1,lText)"), 0);
        std::u32string bytes;
        for (const char *byte = text; *byte != '\0'; byte++)
            bytes += static_cast<unsigned char>(*byte);
        CHECK(program.variable("lText").text == bytes + U"\r\n");
    }
    program.disconnect();
}

static void a_mailbox_is_received()
{
    Program program(server_mailbox("messages=3"));
    Value &list = program.variable("lList");
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList)"), 3);
    CHECK_STR(columns_of(list).c_str(), ("message:" + std::to_string(fftCharacter) + " ").c_str());
    CHECK_INT(list.lines.size(), 3);
    CHECK_HAS(cell(list, 3, 1).utf8().c_str(), "\r\n.a line that starts with a dot\r\n");
    CHECK(program.changed() == std::vector<qshort>{4});

    /* a column for bytes gets bytes */
    std::string second = cell(list, 2, 1).utf8();
    list.columns = {{"lMail", fftBinary}};
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList,kFalse,'$status',2)"), 2);
    CHECK_HAS(program.logged("$status").c_str(), "C: RETR 2\n");
    CHECK_INT(list.lines.size(), 2);
    CHECK_STR(cell(list, 2, 1).bytes.c_str(), second.c_str());
    CHECK_STR(list.columns[0].name.c_str(), "lMail");

    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList,kTrue,,1)"), 1);
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList,0,,0,0,kTrue)"), 2);
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList,1,'')"), 2);
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList)"), 0);
    CHECK_INT(list.lines.size(), 0);
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList,,,-1)"), POP3_ERR_PARAMETER);
    list.is_unusable = true;
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList)"), -508);
}

static void a_mailbox_is_received_securely()
{
    for (int secure = 1; secure <= 2; secure++) {
        std::string options = modes[secure];
        Program good(server_mailbox(modes[secure])), bad(server_mailbox((options + " cert=untrusted").c_str()));
        std::string line = "POP3Recv (lServer,lUserName,lPassword,lList,,,," + std::to_string(secure);
        CHECK_INT(good.answer(line + ")"), 5);
        CHECK_INT(bad.answer(line + ")"), POP3_ERR_SECURE);
        CHECK_INT(bad.answer(line + ",kTrue)"), POP3_ERR_SECURE);
        CHECK_INT(bad.answer(line + ",kFalse)"), 5);
    }
}

static void what_came_before_an_error_is_there()
{
    Program program(server_play("", LOGGED_IN
                                REPLY("LIST", "+OK\\r\\n1 10\\r\\n2 10\\r\\n3 10\\r\\n.\\r\\n")
                                REPLY("RETR 1", "+OK\\r\\none\\r\\n.\\r\\n")
                                REPLY("RETR 2", "+OK\\r\\ntwo\\r\\n.\\r\\n")
                                REPLY("RETR 3", "+OK\\r\\nthr") "close\n"));
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList)"), POP3_ERR_CONNECTION_LOST);
    CHECK_STR(lines_of(program.variable("lList")).c_str(), "one\r\n\ntwo\r\n\n");
}

static void a_message_that_is_refused_is_passed_over()
{
    Program program(server_play("", LOGGED_IN REPLY("LIST", "+OK\\r\\n1 10\\r\\n2 10\\r\\n.\\r\\n")
                                REPLY("RETR 1", "-ERR\\r\\n")
                                REPLY("RETR 2", "+OK\\r\\ntwo\\r\\n.\\r\\n") GOOD_BYE));
    CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList)"), 1);
    CHECK_STR(lines_of(program.variable("lList")).c_str(), "two\r\n\n");
}

void test_messages()
{
    RUN(a_session_with_all_its_commands);
    RUN(messages_are_listed);
    RUN(marked_messages_are_not_listed);
    RUN(messages_and_headers_are_read);
    RUN(text_that_is_nearly_utf_8);
    RUN(a_mailbox_is_received);
    RUN(a_mailbox_is_received_securely);
    RUN(what_came_before_an_error_is_there);
    RUN(a_message_that_is_refused_is_passed_over);
}

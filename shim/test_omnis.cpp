/* The component, called as an Omnis program calls it, by a host that loads it as Omnis does. */
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

extern "C" {
#include "check.h"
#include "listen.h"
#include "names.h"
#include "ports.h"
#include "process.h"
#include "remains.h"
#include "script.h"
#include "server.h"
}
#include "component.h"
#include "instance.h"
#include "pop3connect.h"

static std::unique_ptr<Component> plugin;

static void load()
{
    plugin = std::make_unique<Component>(COMPONENT, RESOURCES);
}

/* An instance with the variables and methods that the cases use. */
struct Program : Instance {
    Program() : Instance(*plugin)
    {
        declare("lServer lUserName lPassword lText lName", fftCharacter);
        declare("iSocket iOther iCount iResult", fftInteger);
        declare("lBinary", fftBinary);
        declare("lList", fftList);
        listener("$status");
        method("$error", [this](const Parameters &params) {
            for (const Value &param : params)
                errors += param.type == fftInteger ? std::to_string(param.number) : param.utf8(), errors += "|";
            errors += "\n";
        });
    }

    /* With the account of the test server at that port. */
    explicit Program(int port) : Program()
    {
        variable("lServer") = Value::of_text(at(port));
        variable("lUserName") = Value::of_text("alice");
        variable("lPassword") = Value::of_text(PASS);
    }

    /* What the line's command answers, which must be a number. */
    qlong answer(const std::string &line)
    {
        run(line);
        CHECK(flag());
        CHECK_INT(result().type, fftInteger);
        return result().number;
    }

    qlong connect()
    {
        run("POP3Connect (lServer,lUserName,lPassword) Returns iSocket");
        CHECK(flag() && number("iSocket") > 0);
        return number("iSocket");
    }

    void disconnect() { CHECK_INT(answer("POP3Disconnect (iSocket)"), 0); }

    std::string errors;
};

static std::string describe(const Method &method)
{
    const char *const types[] = {"None", "Character", "Boolean", "Date", "Number", "Integer", "Binary", "List"};
    std::string text = method.name + " (";
    for (const Parameter &param : method.params)
        text += std::string(param.is_optional ? "[" : "") + (param.is_changed ? "&" : "") + param.name + " "
                + types[param.type] + (param.is_optional ? "]" : "") + (&param == &method.params.back() ? "" : ",");
    return text + ") " + types[method.returns] + "\n";
}

static void the_component_tells_what_it_has()
{
    std::string all;
    for (const auto &[name, method] : plugin->methods)
        all += describe(method);
    CHECK_STR(all.c_str(),
              "POP3Connect (server Character,username Character,password Character,[stsproc Character],"
              "[secure Boolean],[verify Boolean]) Integer\n"
              "POP3DeleteMessage (socket Integer,messagenumber Integer,[stsproc Character]) Integer\n"
              "POP3Disconnect (socket Integer,[stsproc Character]) Integer\n"
              "POP3ListMessages (socket Integer,messagenumber Integer,&list List,[stsproc Character]) Integer\n"
              "POP3MessageCount (socket Integer,[stsproc Character]) Integer\n"
              "POP3Recv (server Character,username Character,password Character,&list List,[delete Boolean],"
              "[stsproc Character],[maxmessages Integer],[secure Boolean],[verify Boolean]) Integer\n"
              "POP3RecvHeaders (socket Integer,messagenumber Integer,&headers Character,[stsproc Character]) Integer\n"
              "POP3RecvMessage (socket Integer,messagenumber Integer,&message Character,[stsproc Character]) Integer\n"
              "POP3Stat (server Character,username Character,password Character,[stsproc Character],"
              "[secure Boolean],[verify Boolean]) Integer\n"
              "POP3UndoDeletes (socket Integer,[stsproc Character]) Integer\n"
              "WebDevGetSecureError () Character\n"
              "WebDevSetConfig ([errorproc Character],[commstimeout Integer]) Integer\n");
    CHECK_STR(plugin->name.c_str(), "POP3Connect");
    CHECK_INT(plugin->version, 1 << 16);
    CHECK_INT(plugin->connected,
              EXT_FLAG_LOADED | EXT_FLAG_ALWAYS_USABLE | EXT_FLAG_REMAINLOADED | EXT_FLAG_NVOBJECTS);
}

static void what_it_does_not_know_is_left_to_the_host()
{
    for (UINT type : {0u, 7u, 4711u}) {
        Message message;
        CHECK_INT(plugin->send(type, message), 0);
        CHECK(message.is_default);
    }
    for (qlong id : {0, -1, 100, 113, 2147483647, -2147483647 - 1}) {
        Message message;
        message.method_id = id;
        CHECK_INT(plugin->send(ECM_METHODCALL, message), 0);
        CHECK(message.is_default);
    }
    Program program;
    program.run("POP3Nothing ('x')");
    CHECK(!program.flag());
}

/* The lines of the command's reference, word for word. */
static void the_example_of_the_reference()
{
    port_leads_to(110, server_mailbox("user=myusername pass=mypassword messages=3"));
    name_is("my.pop3.server", "127.0.0.1");
    Program program;
    program.run(R"(
; Establish a connection to the POP3 server lServer for user
; lUsername using the password lPassword
Calculate lServer as 'my.pop3.server'
Calculate lUserName as 'myusername'
Calculate lPassword as 'mypassword'
POP3Connect (lServer,lUserName,lPassword) Returns iSocket
)");
    CHECK(program.flag());
    CHECK(program.number("iSocket") > 0);
    CHECK_STR(name_asked(), "my.pop3.server");
    CHECK_INT(program.answer("POP3MessageCount (iSocket)"), 3);
    CHECK_INT(program.answer("POP3Disconnect (iSocket)"), 0);
    port_leads_to(110, 0);
}

static void ports_that_are_not_given()
{
    const struct {
        int port;
        const char *options, *secure;
    } rows[] = {{110, "", "0"}, {995, "tls=implicit", "1"}, {110, "tls=stls", "2"}};
    for (const auto &row : rows) {
        port_leads_to(row.port, server_mailbox(row.options));
        Program program;
        CHECK_INT(program.answer("POP3Stat ('127.0.0.1','alice','" PASS "',''," + std::string(row.secure) + ")"), 5);
    }
    for (const auto &row : rows)
        port_leads_to(row.port, 0);
}

/* The library that the component has loaded, for what a host in C would hear. */
template <typename Function>
static Function *library(const char *name)
{
    Function *function;
    *reinterpret_cast<void **>(&function) = plugin->symbol(name);
    if (function == nullptr)
        check_fatal("the component is not linked to %s", name);
    return function;
}

static const char *const modes[] = {"", "tls=implicit", "tls=stls"};

static void stsproc_hears_what_the_librarys_callback_hears()
{
    auto *forget = library<decltype(pop3_forget)>("pop3_forget");
    for (int secure = 0; secure < 3; secure++) {
        int port = server_mailbox(modes[secure]);
        Program program(port);
        program.run("POP3Connect (lServer,lUserName,lPassword,'$status'," + std::to_string(secure)
                    + ") Returns iSocket\nPOP3MessageCount (iSocket,'$status')\nPOP3Disconnect (iSocket,'$status')");
        CHECK_INT(program.result().number, 0);
        /* or the second would not ask what the server can do */
        forget(nullptr);
        hear_nothing();
        int socket = library<decltype(pop3_connect)>("pop3_connect")(at(port), "alice", PASS, hear, secure, 1);
        CHECK_INT(library<decltype(pop3_message_count)>("pop3_message_count")(socket, hear), 5);
        CHECK_INT(library<decltype(pop3_disconnect)>("pop3_disconnect")(socket, hear), 0);
        CHECK_HAS(heard(), "C: STAT\nS: +OK 5 ");
        CHECK_STR(program.heard("$status").c_str(), heard());
    }
}

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

static void a_session_with_all_its_commands()
{
    Program program(server_mailbox("messages=3"));
    program.connect();
    CHECK_INT(program.answer("POP3MessageCount (iSocket)"), 3);
    CHECK_INT(program.answer("POP3MessageCount (iSocket,'')"), 3);
    CHECK_INT(program.answer("POP3MessageCount (iSocket,'$status')"), 3);
    CHECK_HAS(program.heard("$status").c_str(), "C: STAT\nS: +OK 3 ");

    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,2,'$status')"), 0);
    CHECK_HAS(program.heard("$status").c_str(), "C: DELE 2\nS: +OK");
    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,2)"), POP3_ERR_SERVER);
    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,0)"), POP3_ERR_PARAMETER);
    /* marked ones are counted still */
    CHECK_INT(program.answer("POP3MessageCount (iSocket)"), 3);
    CHECK_INT(program.answer("POP3UndoDeletes (iSocket,'$status')"), 0);
    CHECK_HAS(program.heard("$status").c_str(), "C: RSET\nS: +OK");
    CHECK_INT(program.answer("POP3UndoDeletes (iSocket)"), 0);
    CHECK_INT(program.answer("POP3DeleteMessage (iSocket,1)"), 0);

    CHECK_INT(program.answer("POP3Disconnect (iSocket,'$status')"), 0);
    CHECK_HAS(program.heard("$status").c_str(), "C: QUIT\nS: +OK");
    /* the one that was not taken back is gone */
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword,'$status')"), 2);
    CHECK_HAS(program.heard("$status").c_str(), "C: STAT\nS: +OK 2 ");
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword)"), 2);

    for (const char *line : {"POP3Disconnect (iSocket)", "POP3MessageCount (iSocket)", "POP3DeleteMessage (iSocket,1)",
                             "POP3UndoDeletes (iSocket)", "POP3ListMessages (iSocket,0,lList)",
                             "POP3RecvHeaders (iSocket,1,lText)", "POP3RecvMessage (iSocket,1,lText)"})
        CHECK_INT(program.answer(line), POP3_ERR_BAD_SOCKET);
}

/* A list's lines, each with its values joined by a blank. */
static std::string lines_of(const Value &list)
{
    std::string text;
    for (const auto &line : list.lines) {
        for (const Value &cell : line)
            text += (&cell == &line[0] ? "" : " ")
                    + (cell.type == fftInteger ? std::to_string(cell.number) : cell.utf8());
        text += "\n";
    }
    return text;
}

/* An empty value if there is no such line; both are counted from 1. */
static Value cell(const Value &list, std::size_t line, std::size_t column)
{
    bool is_there = line <= list.lines.size() && column <= list.lines[line - 1].size();
    return is_there ? list.lines[line - 1][column - 1] : Value();
}

static std::string columns_of(const Value &list)
{
    std::string text;
    for (const Column &column : list.columns)
        text += column.name + ":" + std::to_string(column.type) + " ";
    return text;
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
    CHECK_HAS(program.heard("$status").c_str(), "C: LIST\nS: +OK\n");

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
    CHECK_HAS(program.heard("$status").c_str(), "C: TOP 1 0\nS: +OK\n");
    CHECK_INT(program.answer("POP3RecvMessage (iSocket,1,lText,'$status')"), 0);
    CHECK_STR(program.text("lText").c_str(), "caf\xc3\xa9 \xf0\x9f\x93\xa7\r\n.\r\n");
    CHECK_HAS(program.heard("$status").c_str(), "C: RETR 1\nS: +OK\n");

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
        script_add("expect \"RETR 1\\r\\n\"\nsend \"+OK\\r\\n\"\n");
        script_send(text, strlen(text));
        script_add("send \"\\r\\n.\\r\\n\"\n");
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
    CHECK_HAS(program.heard("$status").c_str(), "C: RETR 2\n");
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

/* An expression of that type that the command would take. */
static std::string expression(ffttype type)
{
    switch (type) {
    case fftCharacter: return "lName";
    case fftBoolean: return "kTrue";
    case fftInteger: return "0";
    case fftBinary: return "lBinary";
    case fftList: return "lList";
    default: return "lOther";
    }
}

/* The command with these parameters is refused with that code, and the flag is set, for the call was made. */
static void must_refuse(Program &program, const Method &method, const std::vector<std::string> &params, qlong code)
{
    std::string line = method.name + " (";
    for (std::size_t i = 0; i < params.size(); i++)
        line += (i > 0 ? "," : "") + params[i];
    if (!CHECK_INT(program.answer(line + ")"), code))
        CHECK_STR(line.c_str(), "");
}

static void parameters_of_other_numbers_and_types_are_refused()
{
    int port = server_mailbox("");
    Program program;
    program.variable("lName") = Value::of_text(at(port));
    int refused = 0;
    for (const auto &[name, method] : plugin->methods) {
        std::vector<std::string> all;
        std::size_t needed = 0;
        for (const Parameter &param : method.params) {
            all.push_back(expression(param.type));
            needed += param.is_optional ? 0 : 1;
        }
        for (std::size_t count = 0; count < needed; count++, refused++)
            must_refuse(program, method, {all.begin(), all.begin() + static_cast<long>(count)}, -503);
        for (std::size_t i = 0; i < needed; i++, refused++) {
            auto params = all;
            params[i] = "";
            must_refuse(program, method, params, -503);
            if (method.params[i].is_changed)
                continue;
            program.declare("nNull", method.params[i].type);
            program.variable("nNull").is_null = true;
            params[i] = "nNull";
            must_refuse(program, method, params, -503);
        }
        auto more = all;
        more.push_back("'one too many'");
        must_refuse(program, method, more, -503);
        for (std::size_t i = 0; i < all.size(); i++) {
            for (ffttype type : {fftCharacter, fftBoolean, fftDate, fftNumber, fftInteger, fftBinary, fftList}) {
                const Parameter &param = method.params[i];
                if (type == param.type || (param.type == fftBoolean && type == fftInteger)
                    || (param.is_changed && param.type == fftCharacter && type == fftBinary))
                    continue;
                auto params = all;
                program.declare("lOther", type);
                params[i] = expression(type);
                must_refuse(program, method, params, -501);
                refused++;
            }
        }
    }
    CHECK(refused > 250);
    CHECK_INT(server_connections(port), 0);
}

static void a_nul_or_an_endless_name_is_refused()
{
    int port = server_mailbox("");
    Program program(port);
    for (const char *name : {"lServer", "lUserName", "lPassword", "lName"}) {
        program.variable("lName") = Value::of_text("");
        Value before = program.variable(name);
        program.variable(name).text += U'\0';
        program.variable(name).text += U'x';
        CHECK_INT(program.answer("POP3Connect (lServer,lUserName,lPassword,lName)"), -501);
        program.variable(name) = before;
    }
    program.variable("lName") = Value::of_text(std::string(256, 'n'));
    CHECK_INT(program.answer("POP3Connect (lServer,lUserName,lPassword,lName)"), -501);
    CHECK_INT(program.answer("WebDevSetConfig (lName)"), -501);
    CHECK_INT(server_connections(port), 0);
    std::string longest(255, 'n');
    program.listener(longest);
    program.variable("lName") = Value::of_text(longest);
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword,lName)"), 5);
    CHECK_HAS(program.heard(longest).c_str(), "C: STAT\n");
}

static void the_server_is_refused_by_the_library()
{
    Program program;
    CHECK_INT(program.answer("POP3Connect ('','u','p')"), POP3_ERR_NO_ADDRESS);
    CHECK_INT(program.answer("POP3Connect ('host:x','u','p')"), POP3_ERR_NO_ADDRESS);
    program.variable("lServer") = Value::of_text(at(server_refuse()));
    CHECK_INT(program.answer("POP3Connect (lServer,'u','p')"), POP3_ERR_CONNECT);
    program.variable("lServer") = Value::of_text(at(server_mailbox("")));
    CHECK_INT(program.answer("POP3Connect (lServer,'alice','wrong')"), POP3_ERR_AUTH);
}

static void characters_beyond_ascii()
{
    int port = server_play("", "send \"+OK gr\\xc3\\xbc\\xc3\\x9f dich \\xf0\\x9f\\x93\\xa7\\r\\n\"\n"
                           REPLY("CAPA", "-ERR\\r\\n")
                           REPLY("USER b\\xc3\\xbc\\xe2\\x82\\xac", "+OK\\r\\n")
                           REPLY("PASS \\xf0\\x9f\\x94\\x91\\xc3\\xbf", "+OK\\r\\n") GOOD_BYE);
    Program program(port);
    program.variable("lUserName") = Value::of_text("b\xc3\xbc\xe2\x82\xac");
    program.variable("lPassword") = Value::of_text("\xf0\x9f\x94\x91\xc3\xbf");
    program.listener("$h\xc3\xb6ren");
    program.run("POP3Connect (lServer,lUserName,lPassword,'$h\xc3\xb6ren') Returns iSocket");
    CHECK_HAS(program.heard("$h\xc3\xb6ren").c_str(), "S: +OK gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x93\xa7\n");
    program.disconnect();
    CHECK_PLAYED(port);
}

static void errorproc_hears_of_every_failure()
{
    Program program(server_mailbox(""));
    CHECK_INT(program.answer("WebDevSetConfig ('$error')"), 0);
    /* the library's and the component's */
    program.run("POP3Disconnect (7)\n"
                "POP3Connect ('','u','p')\n"
                "POP3MessageCount ()\n"
                "POP3Stat (1,'u','p')\n"
                "WebDevGetSecureError (1)\n"
                "POP3Nothing ()\n");
    CHECK_STR(program.errors.c_str(), "there is no socket 7|-509|POP3Disconnect|\n"
                                      "the server is empty|-511|POP3Connect|\n"
                                      "parameter 1 is missing|-503|POP3MessageCount|\n"
                                      "parameter 1 is of another type|-501|POP3Stat|\n"
                                      "there are too many parameters|-503|WebDevGetSecureError|\n");
    /* nor does it hear where nothing fails */
    program.errors.clear();
    program.connect();
    program.disconnect();
    CHECK_STR(program.errors.c_str(), "");

    /* left out or empty it goes */
    for (const char *config : {"WebDevSetConfig ()", "WebDevSetConfig (,0)", "WebDevSetConfig ('')"}) {
        CHECK_INT(program.answer("WebDevSetConfig ('$error')"), 0);
        CHECK_INT(program.answer("POP3Disconnect (8)"), POP3_ERR_BAD_SOCKET);
        CHECK_STR(program.errors.c_str(), "there is no socket 8|-509|POP3Disconnect|\n");
        CHECK_INT(program.answer(config), 0);
        CHECK_INT(program.answer("POP3Disconnect (9)"), POP3_ERR_BAD_SOCKET);
        CHECK_STR(program.errors.c_str(), "there is no socket 8|-509|POP3Disconnect|\n");
        program.errors.clear();
    }
}

static void methods_that_are_not_there_are_not_missed()
{
    Program program(server_mailbox(""));
    CHECK_INT(program.answer("WebDevSetConfig ('$nowhere')"), 0);
    program.run("Calculate #S1 as 'mine'");
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword,'')"), 5);
    CHECK_STR(program.text("#S1").c_str(), "mine");
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword,'$nowhere')"), 5);
    CHECK_INT(program.answer("POP3Disconnect (7)"), POP3_ERR_BAD_SOCKET);
    CHECK_INT(program.answer("WebDevSetConfig ('')"), 0);
}

/* What POP3Stat answers of a server that takes so long for its greeting. */
static qlong stat_after(int milliseconds, const char *config)
{
    std::string pause = "pause " + std::to_string(milliseconds) + "\n";
    Program program(server_play("", (pause + LOGGED_IN REPLY("STAT", "+OK 4 40\\r\\n") GOOD_BYE).c_str()));
    CHECK_INT(program.answer(config), 0);
    return program.answer("POP3Stat (lServer,lUserName,lPassword)");
}

static void the_comms_timeout()
{
    CHECK_INT(stat_after(8000, "WebDevSetConfig (,1)"), POP3_ERR_TIMEOUT);
    /* left out it stays */
    CHECK_INT(stat_after(8000, "WebDevSetConfig ('')"), POP3_ERR_TIMEOUT);
    CHECK_INT(stat_after(8000, "WebDevSetConfig ()"), POP3_ERR_TIMEOUT);
    CHECK_INT(stat_after(1300, "WebDevSetConfig (,0)"), 4);
    CHECK_INT(stat_after(8000, "WebDevSetConfig ('',-1)"), POP3_ERR_TIMEOUT);
    CHECK_INT(stat_after(1300, "WebDevSetConfig (,-2147483648)"), 4);
    CHECK_INT(stat_after(1300, "WebDevSetConfig (,0)"), 4);
}

/* A StsProc calls commands with a StsProc of their own, among them one that fails. */
static void calls_within_calls()
{
    Program program(server_mailbox("messages=2"));
    program.connect();
    program.declare("iInner", fftInteger);
    program.listener("$inner");
    std::string outer;
    program.method("$outer", [&](const Instance::Parameters &) {
        std::string line = program.text("#S1");
        outer += line + "\n";
        if (line != "C: STAT")
            return;
        CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword,'$inner')"), 2);
        CHECK_INT(program.answer("POP3MessageCount (iSocket,'$inner')"), POP3_ERR_BUSY);
    });
    CHECK_INT(program.answer("WebDevSetConfig ('$error')"), 0);
    CHECK_INT(program.answer("POP3MessageCount (iSocket,'$outer')"), 2);
    CHECK_HAS(outer.c_str(), "C: STAT\nS: +OK 2 ");
    CHECK_HAS_NOT(outer.c_str(), "QUIT");
    CHECK_HAS(program.heard("$inner").c_str(), "C: QUIT\n");
    CHECK_HAS(program.errors.c_str(), "|-10036|POP3MessageCount|\n");
    CHECK_INT(program.answer("WebDevSetConfig ('')"), 0);
    program.disconnect();
}

/* What one thread of the host does: it comes back from its first status line only when the other has heard one too. */
struct Meeting {
    std::mutex lock;
    std::condition_variable came;
    int here = 0;

    void wait_for(int count)
    {
        std::unique_lock<std::mutex> guard(lock);
        here++;
        came.notify_all();
        CHECK(came.wait_for(guard, std::chrono::seconds(20), [&] { return here >= count; }));
    }
};

static void two_threads_at_once()
{
    Meeting meeting;
    const char *users[] = {"alice", "bob"};
    std::string servers[2], heard[2], errors[2], secure_errors[2];
    for (int i = 0; i < 2; i++)
        servers[i] = at(server_mailbox((std::string("sasl=none user=") + users[i]).c_str()));
    std::string expired = at(server_mailbox("tls=implicit cert=expired"));
    {
        Program program;
        CHECK_INT(program.answer("WebDevSetConfig ('$error')"), 0);
    }
    auto work = [&](int i) {
        Program program;
        bool is_first = true;
        program.method("$mine", [&](const Instance::Parameters &) {
            heard[i] += program.text("#S1") + "\n";
            if (is_first)
                meeting.wait_for(2);
            is_first = false;
        });
        program.variable("lServer") = Value::of_text(servers[i]);
        program.variable("lUserName") = Value::of_text(users[i]);
        program.run("Calculate lPassword as '" PASS "'\n"
                    "POP3Connect (lServer,lUserName,lPassword,'$mine') Returns iSocket\n"
                    "POP3Disconnect (iSocket,'$mine') Returns iResult\n");
        CHECK(program.number("iSocket") > 0);
        CHECK_INT(program.number("iResult"), 0);
        if (i == 0) {
            program.variable("lServer") = Value::of_text(expired);
            CHECK_INT(program.answer("POP3Connect (lServer,lUserName,lPassword,'',kTrue)"), POP3_ERR_SECURE);
        }
        program.run("WebDevGetSecureError () Returns lText");
        secure_errors[i] = program.text("lText");
        errors[i] = program.errors;
    };
    std::thread first(work, 0), second(work, 1);
    first.join();
    second.join();
    CHECK_HAS(heard[0].c_str(), "C: USER alice\n");
    CHECK_HAS_NOT(heard[0].c_str(), "bob");
    CHECK_HAS(heard[1].c_str(), "C: USER bob\n");
    CHECK_HAS_NOT(heard[1].c_str(), "alice");
    /* each thread has its own last error, and hears of its own failures */
    CHECK_HAS(secure_errors[0].c_str(), "expired");
    CHECK_STR(secure_errors[1].c_str(), "");
    CHECK_HAS(errors[0].c_str(), "|-1021|POP3Connect|\n");
    CHECK_STR(errors[1].c_str(), "");
    Program program;
    CHECK_INT(program.answer("WebDevSetConfig ('')"), 0);
}

/* Two characters of it in a row are eight octets, in UTF-8 as well, and found nowhere else. */
#define SECRET_HALF "\U0001F511\U0001F9FF\U0001F98E\U0001FA81\U0001F9C9\U0001F6B2\U0001F41A\U0001F3B7\U0001F9F5"
#define SECRET SECRET_HALF SECRET_HALF

static void no_password_stays_in_memory()
{
    static const char utf8[] = u8"" SECRET;
    static const char32_t utf32[] = U"" SECRET;
    Program program(server_mailbox(""));
    std::u32string &password = program.variable("lPassword").text;
    remains_of("the password", utf8, sizeof utf8 - 1);
    remains_of("the password in UTF-32", reinterpret_cast<const char *>(utf32), sizeof utf32 - sizeof *utf32);
    for (const char *line :
         {"POP3Connect (lServer,lUserName,lPassword,'$status')", "POP3Stat (lServer,lUserName,lPassword)",
          "POP3Recv (lServer,lUserName,lPassword,lList)", "POP3Connect ('',lUserName,lPassword)"}) {
        password = utf32;
        CHECK_HAS(remains(), "in UTF-32");
        CHECK(program.answer(line) < 0);
        /* the program's own copy */
        std::fill(password.begin(), password.end(), U' ');
        CHECK_STR(remains(), "");
    }
}

/* A host, or a lack of memory, that throws where the component calls it. */
static void no_exception_leaves_the_component()
{
    int port = server_mailbox("");
    Program program(port);
    const std::string stat = "POP3Stat (lServer,lUserName,lPassword,'$status')";
    program.answer("WebDevSetConfig ('$error')");
    throw_in("getChar");
    CHECK_INT(program.answer(stat), POP3_ERR_OUT_OF_MEMORY);
    CHECK_INT(server_connections(port), 0);
    CHECK_STR(program.errors.c_str(), "there is no memory, descriptor or thread left|-1010|POP3Stat|\n");

    /* the call goes on without the status line */
    for (const char *function : {"setChar", "ECOdoMethod"}) {
        throw_in(function);
        CHECK_INT(program.answer(stat), 5);
        CHECK_HAS_NOT(program.heard("$status").c_str(), "* connecting");
    }

    /* nor does an ErrorProc that throws change what is answered */
    throw_in("ECOdoMethod");
    CHECK_INT(program.answer("POP3Disconnect (7)"), POP3_ERR_BAD_SOCKET);
    throw_in("ECOdoMethod");
    CHECK_INT(program.answer("POP3Disconnect ()"), -503);

    throw_in("ECOaddParam");
    CHECK_INT(program.answer(stat), POP3_ERR_OUT_OF_MEMORY);

    /* a socket that nobody hears of is disconnected */
    int descriptors = open_descriptors();
    throw_in("ECOaddParam");
    CHECK_INT(program.answer("POP3Connect (lServer,lUserName,lPassword)"), POP3_ERR_OUT_OF_MEMORY);
    CHECK_INT(open_descriptors(), descriptors);

    /* where the call cannot even be begun the flag tells */
    throw_in("ECOsetupCallbacks");
    program.run(stat);
    CHECK(!program.flag());
    program.answer("WebDevSetConfig ('')");
}

/* A message for which there is no line is not deleted, nor any other, and the error is told once. */
static void no_memory_for_a_message()
{
    Program program(server_mailbox("messages=3"));
    program.answer("WebDevSetConfig ('$error')");
    for (const char *function : {"insertRow", "setChar"}) {
        throw_in(function);
        CHECK_INT(program.answer("POP3Recv (lServer,lUserName,lPassword,lList,kTrue)"), POP3_ERR_OUT_OF_MEMORY);
        CHECK_STR(program.errors.c_str(), "there is no memory, descriptor or thread left|-1010|POP3Recv|\n");
        /* no line without its message */
        CHECK_INT(program.variable("lList").lines.size(), 0);
        program.errors.clear();
    }
    CHECK_INT(program.answer("POP3Stat (lServer,lUserName,lPassword)"), 3);
    program.answer("WebDevSetConfig ('')");
}

/* As often as the host likes; settings do not outlive the component, descriptors do not pile up. */
static void connected_and_disconnected()
{
    int port = server_mailbox("");
    int before = open_descriptors();
    for (int i = 0; i < 20; i++) {
        plugin.reset();
        load();
        Program program(port);
        CHECK_INT(program.answer("POP3Disconnect (7)"), POP3_ERR_BAD_SOCKET);
        CHECK_STR(program.errors.c_str(), "");
        CHECK_INT(program.answer("WebDevSetConfig ('$error',30)"), 0);
        CHECK_INT(program.answer("POP3Disconnect (7)"), POP3_ERR_BAD_SOCKET);
        CHECK_HAS(program.errors.c_str(), "|-509|POP3Disconnect|\n");
        program.connect();
        program.disconnect();
    }
    {
        /* without being unloaded between */
        Program program;
        Message message;
        CHECK_INT(program.answer("WebDevSetConfig ('$error',1)"), 0);
        CHECK_INT(plugin->send(ECM_DISCONNECT, message), 1);
        CHECK_INT(plugin->send(ECM_CONNECT, message), plugin->connected);
        CHECK_INT(program.answer("POP3Disconnect (7)"), POP3_ERR_BAD_SOCKET);
        CHECK_STR(program.errors.c_str(), "");
    }
    CHECK_INT(stat_after(1300, "WebDevSetConfig ()"), 4);
    CHECK_INT(open_descriptors(), before);
}

int main()
{
    setenv("POP3CONNECT_SECURE_DIR", in(server_dir(), "secure"), 1);
    load();
    RUN(the_component_tells_what_it_has);
    RUN(what_it_does_not_know_is_left_to_the_host);
    RUN(the_example_of_the_reference);
    RUN(ports_that_are_not_given);
    RUN(stsproc_hears_what_the_librarys_callback_hears);
    RUN(secure_is_no_tls_or_starttls);
    RUN(verify_is_true_unless_it_is_false);
    RUN(the_secure_error_in_words);
    RUN(a_session_with_all_its_commands);
    RUN(messages_are_listed);
    RUN(marked_messages_are_not_listed);
    RUN(messages_and_headers_are_read);
    RUN(text_that_is_nearly_utf_8);
    RUN(a_mailbox_is_received);
    RUN(a_mailbox_is_received_securely);
    RUN(what_came_before_an_error_is_there);
    RUN(a_message_that_is_refused_is_passed_over);
    RUN(parameters_of_other_numbers_and_types_are_refused);
    RUN(a_nul_or_an_endless_name_is_refused);
    RUN(the_server_is_refused_by_the_library);
    RUN(characters_beyond_ascii);
    RUN(errorproc_hears_of_every_failure);
    RUN(methods_that_are_not_there_are_not_missed);
    RUN(the_comms_timeout);
    RUN(calls_within_calls);
    RUN(two_threads_at_once);
    RUN(no_password_stays_in_memory);
    RUN(no_exception_leaves_the_component);
    RUN(no_memory_for_a_message);
    RUN(connected_and_disconnected);
    plugin.reset();
    return check_result();
}

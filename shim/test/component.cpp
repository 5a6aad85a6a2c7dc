/* What the component tells of itself, and the example of the reference. */
#include "program.h"

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
              "MailSplit (message Character,&headerlist List,&body Character) Integer\n"
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
    for (qlong id : {0, -1, 100, 114, 2147483647, -2147483647 - 1}) {
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

void test_component()
{
    RUN(the_component_tells_what_it_has);
    RUN(what_it_does_not_know_is_left_to_the_host);
    RUN(the_example_of_the_reference);
    RUN(ports_that_are_not_given);
}

/* What a host or a lack of memory does to it: passwords, exceptions, loading again. */
#include <cstring>
#include <string>

#include "program.h"

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
        CHECK_HAS_NOT(program.logged("$status").c_str(), "* connecting");
    }

    /* nor does an ErrorProc that throws change what is answered */
    throw_in("ECOdoMethod");
    CHECK_INT(program.answer("POP3Disconnect (7)"), POP3_ERR_BAD_SOCKET);
    throw_in("ECOdoMethod");
    CHECK_INT(program.answer("POP3Disconnect ()"), -503);

    throw_in("ECOaddParam");
    CHECK_INT(program.answer(stat), POP3_ERR_OUT_OF_MEMORY);

    /* a socket that nobody knows of is disconnected */
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

void test_failures()
{
    RUN(no_password_stays_in_memory);
    RUN(no_exception_leaves_the_component);
    RUN(no_memory_for_a_message);
    RUN(connected_and_disconnected);
}

/* StsProc and ErrorProc, timeouts, calls within calls, threads. */
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "program.h"

static void stsproc_is_called_with_what_the_librarys_callback_is()
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
        clear_log();
        int socket = library<decltype(pop3_connect)>("pop3_connect")(at(port), "alice", PASS, log_status, secure, 1);
        CHECK_INT(library<decltype(pop3_message_count)>("pop3_message_count")(socket, log_status), 5);
        CHECK_INT(library<decltype(pop3_disconnect)>("pop3_disconnect")(socket, log_status), 0);
        CHECK_HAS(logged(), "C: STAT\nS: +OK 5 ");
        CHECK_STR(program.logged("$status").c_str(), logged());
    }
}

static void errorproc_is_called_for_every_failure()
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
    /* nor is it called where nothing fails */
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
    CHECK_HAS(program.logged("$inner").c_str(), "C: QUIT\n");
    CHECK_HAS(program.errors.c_str(), "|-10036|POP3MessageCount|\n");
    CHECK_INT(program.answer("WebDevSetConfig ('')"), 0);
    program.disconnect();
}

/* What one thread of the host does: it comes back from its first status line only when the other has had one too. */
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
    std::string servers[2], logged[2], errors[2], secure_errors[2];
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
            logged[i] += program.text("#S1") + "\n";
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
    CHECK_HAS(logged[0].c_str(), "C: USER alice\n");
    CHECK_HAS_NOT(logged[0].c_str(), "bob");
    CHECK_HAS(logged[1].c_str(), "C: USER bob\n");
    CHECK_HAS_NOT(logged[1].c_str(), "alice");
    /* each thread has its own last error, of its own failures alone */
    CHECK_HAS(secure_errors[0].c_str(), "expired");
    CHECK_STR(secure_errors[1].c_str(), "");
    CHECK_HAS(errors[0].c_str(), "|-1021|POP3Connect|\n");
    CHECK_STR(errors[1].c_str(), "");
    Program program;
    CHECK_INT(program.answer("WebDevSetConfig ('')"), 0);
}

void test_callbacks()
{
    RUN(stsproc_is_called_with_what_the_librarys_callback_is);
    RUN(errorproc_is_called_for_every_failure);
    RUN(methods_that_are_not_there_are_not_missed);
    RUN(the_comms_timeout);
    RUN(calls_within_calls);
    RUN(two_threads_at_once);
}

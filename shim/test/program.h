/* An Omnis program with the test server's account, and the component that it calls. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <memory>
#include <string>

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

extern std::unique_ptr<Component> plugin;

/* Loads the component as Omnis does. */
void load();

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

/* The library that the component has loaded, for what a host in C would be told. */
template <typename Function>
Function *library(const char *name)
{
    Function *function;
    *reinterpret_cast<void **>(&function) = plugin->symbol(name);
    if (function == nullptr)
        check_fatal("the component is not linked to %s", name);
    return function;
}

/* What server_mailbox() takes for no TLS, implicit TLS and STARTTLS. */
inline const char *const modes[] = {"", "tls=implicit", "tls=stls"};

/* A list's lines, each with its values joined by a blank. */
std::string lines_of(const Value &list);
/* An empty value if there is no such line; both are counted from 1. */
Value cell(const Value &list, std::size_t line, std::size_t column);
std::string columns_of(const Value &list);

/* What POP3Stat answers of a server that takes so long for its greeting. */
qlong stat_after(int milliseconds, const char *config);

#endif

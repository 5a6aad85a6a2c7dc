/* Parameters that are refused. */
#include <algorithm>
#include <string>
#include <vector>

#include "program.h"

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
                bool may_be_bytes = param.is_changed || param.name == "message";
                if (type == param.type || (param.type == fftBoolean && type == fftInteger)
                    || (may_be_bytes && param.type == fftCharacter && type == fftBinary)
                    || (param.name == "body" && type == fftList))
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
    CHECK_HAS(program.logged(longest).c_str(), "C: STAT\n");
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

void test_parameters()
{
    RUN(parameters_of_other_numbers_and_types_are_refused);
    RUN(a_nul_or_an_endless_name_is_refused);
    RUN(the_server_is_refused_by_the_library);
}

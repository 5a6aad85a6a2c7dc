/* What the tests of the C++ wrapper share: the support of the C tests, and sessions with the test server. */
#ifndef FACE_HPP
#define FACE_HPP

#include <string>
#include <string_view>

#include "pop3connect.hpp"

extern "C" {
#include "check.h"
#include "clock.h"
#include "folders.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "tls_library.h"
}

/* The account of every test server, on that port. */
inline pop3::account account_at(int where, pop3::security secure = pop3::security::none)
{
    return {at(where), "alice", PASS, secure, true};
}

/* The same as options. */
inline pop3::options options_at(int where, pop3::security secure = pop3::security::none)
{
    pop3::options options;
    options.server(at(where)).user("alice").password(PASS).secure(secure);
    return options;
}

/* A code is an error of this kind. */
inline void check_code(std::error_code code, pop3::errc expected, const char *file, int line)
{
    check_str(code.category().name(), "pop3", "the category", file, line);
    check_int(code.value(), static_cast<int>(expected), "the code", file, line);
}
#define CHECK_CODE(code, expected) check_code((code), (expected), __FILE__, __LINE__)

#ifdef __cpp_exceptions
/* What is thrown has this code; gives its text. */
template <typename Call>
std::string check_throws(const Call &call, pop3::errc expected, const char *file, int line)
{
    try {
        call();
    } catch (const pop3::error &error) {
        check_code(error.code(), expected, file, line);
        return error.what();
    }
    check_true(0, "it throws", file, line);
    return {};
}
#define CHECK_THROWS(call, expected) check_throws([&] { static_cast<void>(call); }, (expected), __FILE__, __LINE__)
#endif

#endif

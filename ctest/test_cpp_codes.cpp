// The C++ wrapper by std::error_code alone, as for programs that are built without exceptions and without RTTI.
#include <string>
#include <vector>

#include "wrapper.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this is to be compiled without them"
#endif

using pop3::errc;
using pop3::security;

namespace {

void a_session()
{
    std::error_code code;
    auto session = pop3::connect(account_at(server_mailbox("tls=implicit"), security::tls), code);
    CHECK(session && !code);
    CHECK_INT(session.message_count(code), 5);
    CHECK(session.get_tls_info(code).verified());
    int lines = 0;
    const auto list = session.list_messages({[&](std::string_view) { lines++; }, code});
    CHECK_INT(list.size(), 5);
    CHECK(lines > 0);
    int messages = 0;
    for (const pop3::message &message : session.messages(list.numbers(), 2, code))
        messages += message.refused ? 0 : 1;
    CHECK_INT(messages, 5);
    CHECK(!code);
    CHECK_INT(session.recv_tops({2, 9}, 0, [](const pop3::piece &) {}, code), 1);
    CHECK(session.recv_uid("uid-2", code).view() == session.recv_message(2, code).view());
    CHECK_INT(session.delete_messages({1, 2}, code), 2);
    session.delete_uid("uid-2", code);
    CHECK_CODE(code, errc::server);
    session.undo_deletes(code);
    session.delete_message(9, code);
    CHECK_CODE(code, errc::server);
    CHECK(!pop3::last_error().empty());
    session.recv_message_to(1, [](std::string_view) { return false; }, code);
    CHECK_CODE(code, errc::cancelled);
    session.disconnect(code);
    CHECK_CODE(code, errc::connection_lost);
}

void a_loop()
{
    std::error_code code;
    pop3::loop loop(code);
    int messages = 0;
    loop.stat(options_at(server_mailbox("messages=3")), [&](std::error_code error, std::int32_t count) {
        CHECK(!error);
        messages = count;
    }, code);
    CHECK(!code);
    while (loop.run(code) > 0)
        CHECK(!code);
    CHECK_INT(messages, 3);
    loop.cancel(1, code);
    CHECK_CODE(code, errc::parameter);
}

void options()
{
    std::error_code code;
    pop3::options options;
    options.server(at(server_mailbox("")), code).user("alice", code).password("wrong", code);
    std::vector<int> logged;
    options.on_error([&](std::error_code error, std::string_view, std::string_view) { logged.push_back(error.value()); },
                     code);
    CHECK(!code);
    CHECK(!options.connect(code));
    CHECK_CODE(code, errc::auth);
    CHECK((logged == std::vector<int>{POP3_ERR_AUTH}));
    code.clear();
    CHECK_INT(options.password(PASS, code).connect(code).message_count(code), 5);
    options.password(std::string_view("a\0b", 3), code);
    CHECK_CODE(code, errc::parameter);
}

}  // namespace

int main()
{
    std::error_code code;
    pop3::set_secure_dir(in(server_dir(), "secure"), code);
    CHECK(!code);
    const int descriptors = open_descriptors();
    RUN(a_session);
    RUN(a_loop);
    RUN(options);
    CHECK_INT(open_descriptors(), descriptors);
    return check_result();
}

// The C++ wrapper: sessions, options, what calls hand out, errors by exception and by code, messages as a range.
#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L
#include <ranges>
#endif

#include "wrapper.hpp"
#include "script.h"
#include "test_cpp_unit.hpp"

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using pop3::errc;
using pop3::security;

static_assert(!std::is_copy_constructible_v<pop3::session> && !std::is_copy_assignable_v<pop3::session>);
static_assert(!std::is_copy_constructible_v<pop3::options> && !std::is_copy_constructible_v<pop3::buffer>);
static_assert(!std::is_copy_constructible_v<pop3::message_list> && !std::is_copy_constructible_v<pop3::tls_info>);
static_assert(!std::is_copy_constructible_v<pop3::mail> && std::is_nothrow_move_constructible_v<pop3::mail>);
static_assert(std::is_nothrow_move_constructible_v<pop3::session> && std::is_nothrow_move_assignable_v<pop3::session>);
static_assert(std::is_nothrow_move_constructible_v<pop3::options> && std::is_nothrow_move_assignable_v<pop3::options>);
static_assert(std::is_nothrow_move_constructible_v<pop3::buffer> && std::is_nothrow_move_assignable_v<pop3::uid_list>);
static_assert(std::is_error_code_enum_v<errc>);
#if __cplusplus >= 202002L
static_assert(std::ranges::contiguous_range<const pop3::message_list>);
static_assert(std::ranges::contiguous_range<const pop3::uid_list> && std::ranges::contiguous_range<const pop3::buffer>);
static_assert(std::ranges::input_range<pop3::message_range>);
#endif

namespace {

bool is_gone(std::int32_t socket)
{
    return pop3_noop(socket, nullptr) == POP3_ERR_BAD_SOCKET;
}

/* Sessions */

void a_session_moves_and_ends_itself()
{
    const int where = server_mailbox("record=yes");
    std::int32_t first = 0;
    std::int32_t second = 0;
    {
        pop3::session one = pop3::connect(account_at(where));
        first = one.native_handle();
        CHECK(one && first > 0);
        pop3::session other = std::move(one);
        CHECK(!one); // NOLINT(bugprone-use-after-move): that is the question
        CHECK_INT(one.native_handle(), 0);
        CHECK_INT(other.message_count(), 5);

        one = pop3::connect(account_at(where));
        second = one.native_handle();
        other = std::move(one);
        CHECK(is_gone(first));
        CHECK_INT(other.native_handle(), second);
        pop3::session &same = other;
        other = std::move(same);
        CHECK_INT(other.message_count(), 5);
    }
    CHECK(is_gone(second));
    const std::string received = server_received(where);
    const std::size_t quit = received.find("QUIT");
    CHECK(quit != std::string::npos && received.find("QUIT", quit + 1) != std::string::npos);
}

void one_that_c_connected_is_taken_over()
{
    const int where = server_mailbox("");
    const std::int32_t socket = pop3_connect(at(where), "alice", PASS, nullptr, 0, 1);
    {
        pop3::session session(socket);
        CHECK_INT(session.message_count(), 5);
    }
    CHECK(is_gone(socket));
    CHECK(!pop3::session(pop3_connect(at(where), "bob", PASS, nullptr, 0, 1)));
}

void an_empty_session_has_no_socket()
{
    pop3::session none;
    std::error_code code;
    CHECK(!none);
    CHECK_INT(none.message_count(code), 0);
    CHECK_CODE(code, errc::bad_socket);
    CHECK(none.list_messages(code).empty());
    CHECK_CODE(code, errc::bad_socket);
    CHECK_THROWS(none.noop(), errc::bad_socket);
    CHECK_THROWS(none.disconnect(), errc::bad_socket);
    CHECK(!none.get_canceller().cancel());
    CHECK(!pop3::canceller().cancel());
}

void disconnecting_tells()
{
    const int where = server_play("", LOGGED_IN REPLY("DELE 1", "+OK\\r\\n") REPLY("QUIT", "-ERR disk is full\\r\\n"));
    auto session = pop3::connect(account_at(where));
    session.delete_message(1);
    const std::int32_t socket = session.native_handle();
    const std::string words = CHECK_THROWS(session.disconnect(), errc::server);
    CHECK_HAS(words.c_str(), "disk is full");
    CHECK(!session);
    CHECK(is_gone(socket));
}

/* Errors */

void errors_come_both_ways()
{
    const int where = server_mailbox("");
    auto session = pop3::connect(account_at(where));
    std::error_code code = std::make_error_code(std::errc::io_error);
    CHECK_INT(session.message_count(code), 5);
    CHECK(!code);
    session.delete_message(99, code);
    CHECK_CODE(code, errc::server);
    CHECK(code == errc::server);
    CHECK(!session.recv_message(99, code).view().data());
    CHECK_CODE(code, errc::server);
    const std::string words = pop3::last_error();
    CHECK_STR(words.c_str(), pop3_get_last_error());
    const std::string what = CHECK_THROWS(session.recv_message(99), errc::server);
    CHECK_HAS(what.c_str(), words.c_str());
    CHECK_HAS(what.c_str(), pop3_error_text(POP3_ERR_SERVER));
    // and it goes on
    session.noop();
    session.disconnect();

    pop3::session refused = pop3::connect({at(where), "alice", "wrong", security::none, true}, code);
    CHECK(!refused);
    CHECK_CODE(code, errc::auth);
    // an error from before is none of the next call
    refused = pop3::connect(account_at(where), code);
    CHECK(refused && !code);
    CHECK_THROWS(pop3::connect({at(server_refuse()), "alice", PASS, security::none, true}), errc::connect);
}

void conditions_are_those_that_say_the_same()
{
    const std::vector<std::pair<errc, std::errc>> same = {
        {errc::parameter, std::errc::invalid_argument},
        {errc::bad_socket, std::errc::bad_file_descriptor},
        {errc::no_address, std::errc::destination_address_required},
        {errc::cancelled, std::errc::operation_canceled},
        {errc::timeout, std::errc::timed_out},
        {errc::bad_format, std::errc::protocol_error},
        {errc::short_response, std::errc::bad_message},
        {errc::syntax, std::errc::bad_message},
        {errc::out_of_memory, std::errc::not_enough_memory},
        {errc::connect, std::errc::connection_refused},
        {errc::connection_lost, std::errc::connection_reset},
        {errc::auth, std::errc::permission_denied},
        {errc::busy, std::errc::device_or_resource_busy},
        {errc::mailbox_in_use, std::errc::resource_unavailable_try_again},
        {errc::login_delay, std::errc::resource_unavailable_try_again},
        {errc::temporary, std::errc::resource_unavailable_try_again},
        {errc::unsupported, std::errc::operation_not_supported},
    };
    for (const auto &[own, other] : same)
        CHECK(std::error_code(own) == other);
    const std::vector<errc> alone = {errc::secure,  errc::host_not_found, errc::server,
                                     errc::no_stls, errc::limit,          errc::internal};
    for (const errc own : alone) {
        CHECK(std::error_code(own).default_error_condition().category() == pop3::category());
        CHECK_STR(std::error_code(own).message().c_str(), pop3_error_text(static_cast<int>(own)));
    }
}

void what_has_a_nul_in_it_is_refused()
{
    const int where = server_mailbox("");
    const std::string server = at(where) + std::string("\0.example"sv);
    std::error_code code;
    CHECK(!pop3::connect({server, "alice", PASS, security::none, true}, code));
    CHECK_CODE(code, errc::parameter);
    CHECK_STR(pop3::last_error().c_str(), "an argument holds a NUL");
    CHECK(!pop3::connect({at(where), "alice\0bob"sv, PASS, security::none, true}, code));
    CHECK_CODE(code, errc::parameter);
    CHECK_INT(pop3::stat({at(where), "alice", PASS "\0"sv, security::none, true}, code), 0);
    CHECK_CODE(code, errc::parameter);
    const auto nothing = [](const pop3::piece &) {};
    CHECK_INT(pop3::recv({at(where), "\0"sv, PASS, security::none, true}, nothing, false, 0, code), 0);
    CHECK_CODE(code, errc::parameter);
    CHECK_INT(server_connections(where), 0);

    auto options = options_at(where);
    const std::string what = CHECK_THROWS(options.password("s3cret\0pass"sv), errc::parameter);
    CHECK_HAS(what.c_str(), "an argument holds a NUL");
    CHECK_THROWS(options.client_pkcs12("file", "pass\0"sv), errc::parameter);
    CHECK_THROWS(pop3::set_secure_dir("/some\0where"sv), errc::parameter);
    CHECK_THROWS(pop3::forget("host\0"sv), errc::parameter);
    // the words of the next error are the library's again, and nothing was taken
    CHECK_THROWS(options.mechanism("no such"), errc::parameter);
    CHECK_STR(pop3::last_error().c_str(), pop3_get_last_error());
    options.mechanism("auto").password(PASS).client_pkcs12(std::nullopt, std::nullopt);
    CHECK_INT(options.connect().message_count(), 5);
}

void strings_need_not_end_with_nul()
{
    const std::string all = std::string(at(server_mailbox(""))) + "|alice|" PASS "|";
    const std::string_view view = all;
    const std::size_t user = view.find('|') + 1;
    const std::size_t pass = view.find('|', user) + 1;
    const auto part = [&](std::size_t from) { return view.substr(from, view.find('|', from) - from); };
    CHECK_INT(pop3::stat({part(0), part(user), part(pass), security::none, true}), 5);
    pop3::options options;
    options.server(part(0)).user(part(user)).password(part(pass));
    CHECK_INT(options.connect().message_count(), 5);
    // an empty one is not what NULL is
    CHECK_THROWS(options.secure_dir(std::string_view()), errc::parameter);
    options.secure_dir(std::nullopt);
}

/* What calls hand out */

void lists_are_ranges()
{
    auto session = pop3::connect(account_at(server_mailbox("messages=3 size=300")));
    const pop3::message_list list = session.list_messages();
    std::int32_t number = 0;
    for (const pop3_message_info &info : list) {
        CHECK_INT(info.number, ++number);
        CHECK(info.size >= 300);
    }
    CHECK_INT(number, 3);
    CHECK_INT(list.size(), 3);
    CHECK_INT(list[2].number, 3);
    CHECK(list.data() == list.begin());
    CHECK((list.numbers() == std::vector<std::int32_t>{1, 2, 3}));

    pop3::uid_list ids = session.unique_ids(2);
    CHECK_INT(ids.size(), 1);
    CHECK_INT(ids[0].number, 2);
    const std::string id = ids[0].uid;
    const pop3::uid_list all = session.unique_ids();
    CHECK(std::count_if(all.begin(), all.end(), [&](const pop3_uid &uid) { return uid.uid == id; }) == 1);
    ids = session.unique_ids(3);
    CHECK_INT(ids[0].number, 3);
    CHECK_INT(session.list_messages(1).size(), 1);

    const pop3::message_list none;
    CHECK(none.empty() && none.begin() == none.end());
}

void messages_are_buffers()
{
    auto session = pop3::connect(account_at(server_mailbox("size=3000")));
    pop3::buffer whole = session.recv_message(2);
    CHECK_INT(whole.size(), session.list_messages(2)[0].size);
    CHECK(std::string(whole.begin(), whole.end()) == whole.view());
    CHECK_INT(whole.data()[whole.size()], 0);
    const pop3::buffer header = session.recv_headers(2);
    const pop3::buffer top = session.recv_top(2, 1);
    CHECK(header.size() < top.size() && top.size() < whole.size());
    CHECK(whole.view().substr(0, top.size()) == top.view());
    CHECK(top.view().substr(0, header.size()) == header.view());

    std::string pieces;
    session.recv_message_to(2, [&](std::string_view piece) { pieces += piece; });
    CHECK(pieces == whole.view());

    const pop3::buffer moved = std::move(whole);
    CHECK(pieces == moved.view());
    CHECK(whole.empty()); // NOLINT(bugprone-use-after-move): that is the question
    CHECK_HAS(std::string(session.capabilities().view()).c_str(), "UIDL\n");
}

void deleting()
{
    const int where = server_mailbox("");
    auto session = pop3::connect(account_at(where));
    session.delete_message(1);
    CHECK_INT(session.list_messages().size(), 4);
    session.undo_deletes();
    CHECK_INT(session.list_messages().size(), 5);
    session.delete_message(5);
    session.disconnect();
    CHECK_INT(pop3::stat(account_at(where)), 4);
    // by the destructor too
    pop3::connect(account_at(where)).delete_message(1);
    CHECK_INT(pop3::stat(account_at(where)), 3);
}

void messages_by_unique_id()
{
    const int where = server_mailbox("");
    auto session = pop3::connect(account_at(where));
    // not ended by NUL
    const std::string_view ids = "uid-3uid-4";
    CHECK(session.recv_uid(ids.substr(0, 5)).view() == session.recv_message(3).view());
    session.delete_uid(ids.substr(5));
    CHECK_INT(session.list_messages().size(), 4);
    std::error_code code;
    CHECK(session.recv_uid("uid-4", code).empty());
    CHECK_CODE(code, errc::server);
    session.delete_uid("uid-9", code);
    CHECK_CODE(code, errc::server);
    const std::string words = CHECK_THROWS(session.delete_uid("uid-5\0"sv), errc::parameter);
    CHECK_HAS(words.c_str(), "NUL");
    CHECK_THROWS(session.recv_uid(""), errc::parameter);
    CHECK_INT(session.list_messages().size(), 4);
}

void many_tops_and_deletions()
{
    const int where = server_mailbox("");
    auto session = pop3::connect(account_at(where));
    std::string tops;
    std::string order;
    const auto take = [&](const pop3::piece &piece) {
        tops += piece.data;
        if (piece.last || piece.refused)
            order += std::to_string(piece.number) + (piece.refused ? "! " : " ");
    };
    CHECK_INT(session.recv_tops({5, 9, 2}, 1, take), 2);
    CHECK_STR(order.c_str(), "5 9! 2 ");
    CHECK(tops == std::string(session.recv_top(5, 1).view()) + std::string(session.recv_top(2, 1).view()));
    CHECK_THROWS(session.recv_tops({1}, -1, take), errc::parameter);

    CHECK_INT(session.delete_messages({}), 0);
    CHECK_INT(session.delete_messages({4, 1}), 2);
    CHECK_INT(session.list_messages().size(), 3);
    std::error_code code;
    CHECK_INT(session.delete_messages({1, 9, 2}, code), 0);
    CHECK_CODE(code, errc::server);
    CHECK_HAS(pop3::last_error().c_str(), "DELE 1 was refused; 1 of 3 messages were marked");
    CHECK_INT(session.list_messages().size(), 2);
    session.disconnect();
    CHECK_INT(pop3::stat(account_at(where)), 2);
}

void without_a_socket()
{
    const int where = server_mailbox("messages=4");
    std::int32_t whole = 0;
    const auto count = [&](const pop3::piece &piece) { whole += piece.last ? 1 : 0; };
    CHECK_INT(pop3::recv(account_at(where), count, false, 3), 3);
    CHECK_INT(whole, 3);
    CHECK_INT(pop3::stat(account_at(where)), 4);
    CHECK_INT(pop3::recv(account_at(where), count, true), 4);
    CHECK_INT(whole, 7);
    CHECK_INT(pop3::stat(account_at(where)), 0);
    CHECK_THROWS(pop3::recv(account_at(where), count, false, -1), errc::parameter);
    CHECK_THROWS(pop3::stat(account_at(server_refuse())), errc::connect);
}

/* Messages as a range */

void messages_are_a_range()
{
    auto session = pop3::connect(account_at(server_mailbox("messages=50 size=500")));
    const std::vector<std::int32_t> numbers = session.list_messages().numbers();
    for (const std::size_t ahead : {std::size_t{0}, std::size_t{7}, std::size_t{50}, std::size_t{1000}}) {
        std::size_t count = 0;
        for (const pop3::message &message : session.messages(numbers, ahead)) {
            CHECK_INT(message.number, numbers[count]);
            CHECK(!message.refused);
            CHECK_HAS(message.text.c_str(), ("Subject: Message 00000000" + std::string(count < 9 ? "0" : "")
                                             + std::to_string(count + 1)).c_str());
            if (count == 20)
                CHECK(message.text == session.recv_message(21).view());
            count++;
        }
        CHECK_INT(count, 50);
    }
    for (const pop3::message &message : session.messages({})) {
        CHECK_INT(message.number, 0); // there is none
    }
}

void a_range_tells_what_was_refused_and_may_be_left()
{
    auto session = pop3::connect(account_at(server_mailbox("")));
    std::error_code code = make_error_code(errc::busy);
    std::vector<std::int32_t> whole;
    for (const pop3::message &message : session.messages({5, 77, 1}, 2, code)) {
        if (message.refused) {
            CHECK_CODE(message.refused, errc::server);
            CHECK_INT(message.number, 77);
            CHECK(message.text.empty());
        } else {
            whole.push_back(message.number);
        }
    }
    CHECK(!code);
    CHECK((whole == std::vector<std::int32_t>{5, 1}));
    for (const pop3::message &message : session.messages({1, 2, 3, 4, 5}, 2)) {
        if (message.number == 3)
            break;
    }
    CHECK_INT(session.message_count(), 5);
}

/* Two messages and a half. */
const char *const broken_off = LOGGED_IN REPLY("RETR 1", "+OK\\r\\none\\r\\n.\\r\\n")
    REPLY("RETR 2", "+OK\\r\\ntwo\\r\\n.\\r\\n") REPLY("RETR 3", "+OK\\r\\nthr") "reset\n";

void a_range_gives_what_came_before_the_error()
{
    auto session = pop3::connect(account_at(server_play("", broken_off)));
    std::string texts;
    const auto read = [&] {
        for (const pop3::message &message : session.messages({1, 2, 3, 4}))
            texts += message.text;
    };
    CHECK_THROWS(read(), errc::connection_lost);
    CHECK_STR(texts.c_str(), "one\r\ntwo\r\n");

    session = pop3::connect(account_at(server_play("", broken_off)));
    std::error_code code;
    pop3::message_range range = session.messages({1, 2, 3, 4}, 4, code);
    texts.clear();
    for (const pop3::message &message : range)
        texts += message.text;
    CHECK_STR(texts.c_str(), "one\r\ntwo\r\n");
    CHECK_CODE(code, errc::connection_lost);
}

/* Options */

/* A setter here refuses what its namesake in C refuses, with its words. */
#define CHECK_REFUSED(setter, ...) \
    check_refused(#setter, [](pop3::options &options, std::error_code &code) { options.setter(__VA_ARGS__, code); },
#define AS_C(setter, ...) [](pop3_options *raw) { return pop3_options_set_##setter(raw, __VA_ARGS__); })

template <typename Setter, typename InC>
void check_refused(const char *what, const Setter &setter, const InC &in_c)
{
    pop3_options *raw = pop3_options_new();
    check_int(in_c(raw), POP3_ERR_PARAMETER, what, __FILE__, __LINE__);
    pop3_options_free(raw);
    const std::string expected = pop3_get_last_error();
    pop3::forget("forgotten.example");
    pop3::options options;
    std::error_code code;
    setter(options, code);
    check_code(code, errc::parameter, __FILE__, __LINE__);
    check_str(pop3::last_error().c_str(), expected.c_str(), what, __FILE__, __LINE__);
}

void setters_refuse_what_c_refuses()
{
    CHECK_REFUSED(user, "a\nb") AS_C(user, "a\nb");
    CHECK_REFUSED(password, "a\nb") AS_C(password, "a\nb");
    CHECK_REFUSED(oauth_token, "a\nb") AS_C(oauth_token, "a\nb");
    CHECK_REFUSED(authzid, "a\nb") AS_C(authzid, "a\nb");
    CHECK_REFUSED(mechanism, "none such") AS_C(mechanism, "none such");
    CHECK_REFUSED(secure, security{3}) AS_C(secure, 3);
    CHECK_REFUSED(secure_dir, "") AS_C(secure_dir, "");
    CHECK_REFUSED(ca_file, "") AS_C(ca_file, "");
    CHECK_REFUSED(client_cert, "cert", std::nullopt) AS_C(client_cert, "cert", nullptr);
    CHECK_REFUSED(client_pkcs12, "", "pass") AS_C(client_pkcs12, "", "pass");
    CHECK_REFUSED(tls_min, pop3::tls_version{9}) AS_C(tls_min, 9);
    CHECK_REFUSED(max_message, -1) AS_C(max_message, -1);
    CHECK_REFUSED(fingerprint, "00") AS_C(fingerprint, "00");
    CHECK_REFUSED(tls_name, "host:995") AS_C(tls_name, "host:995");
    CHECK_REFUSED(timeouts, 1ms, 2ms, -3ms) AS_C(timeouts, 1, 2, -3);
    CHECK_REFUSED(family, pop3::address_family{5}) AS_C(family, 5);
    CHECK_REFUSED(source_address, "localhost") AS_C(source_address, "localhost");
    CHECK_REFUSED(proxy, "ftp://localhost:21") AS_C(proxy, "ftp://localhost:21");
    CHECK_REFUSED(language, "d e") AS_C(language, "d e");

    pop3::options options;
    CHECK_THROWS(options.timeouts(std::chrono::hours(24 * 365), 0ms, 0ms), errc::parameter);
    CHECK_STR(pop3::last_error().c_str(), "a number is out of range");
    const pop3::options taken = std::move(options);
    CHECK_THROWS(options.verify(true), errc::parameter); // NOLINT(bugprone-use-after-move): that is the question
    CHECK_THROWS(options.connect(), errc::parameter);
}

void a_chain_stops_at_its_first_refusal()
{
    std::error_code code;
    auto options = options_at(server_mailbox(""));
    options.mechanism("none such", code).password("wrong", code);
    options.on_status([](std::string_view) { return false; }, code);
    CHECK_CODE(code, errc::parameter);
    CHECK_THROWS(options.connect(), errc::parameter);
    CHECK_INT(options.mechanism("auto").connect().message_count(), 5);
}

void what_was_refused_is_not_forgotten()
{
    auto options = options_at(server_mailbox("messages=3"));
    const auto nothing = [](const pop3::piece &) {};
    // what C has refused, and what never went to C
    CHECK_THROWS(options.secure(security{9}), errc::parameter);
    CHECK_THROWS(options.connect(), errc::parameter);
    CHECK(pop3::last_error().find("pop3_options_set_secure was refused") == 0);
    options.secure(security::none);
    CHECK_THROWS(options.user("alice\0x"sv), errc::parameter);
    CHECK_THROWS(options.password("a\0x"sv), errc::parameter);
    CHECK_THROWS(options.user("alice").connect(), errc::parameter);
    CHECK_THROWS(options.stat(), errc::parameter);
    CHECK_THROWS(options.recv(nothing), errc::parameter);
    CHECK_STR(pop3::last_error().c_str(), "a setter was refused and not set right since");
    CHECK_INT(options.password(PASS).stat(), 3);
}

void options_without_a_socket()
{
    const int where = server_mailbox("messages=4");
    auto options = options_at(where);
    std::int32_t whole = 0;
    std::string logged;
    const auto count = [&](const pop3::piece &piece) { whole += piece.last ? 1 : 0; };
    options.on_status([&](std::string_view status) { logged += std::string(status) + "\n"; });
    CHECK_INT(options.stat(), 4);
    CHECK_HAS(logged.c_str(), "C: STAT\nS: +OK 4 ");
    CHECK_INT(options.recv(count, true, 3), 3);
    CHECK_INT(whole, 3);
    CHECK_INT(options.stat(), 1);
    CHECK_THROWS(options.recv(count, false, -1), errc::parameter);
    CHECK_THROWS(options.recv([](const pop3::piece &) { return false; }), errc::cancelled);
    CHECK_THROWS(options.server(at(server_refuse())).stat(), errc::connect);
}

void a_mailbox_has_a_size()
{
    const int play = server_play("", LOGGED_IN REPLY("STAT", "+OK 3 5000000000\\r\\n") REPLY("STAT", "-ERR\\r\\n") GOOD_BYE);
    auto session = pop3::connect(account_at(play));
    const pop3_mailbox_size size = session.mailbox();
    CHECK_INT(size.count, 3);
    CHECK_INT(size.size, 5000000000);
    CHECK_THROWS(session.mailbox(), errc::server);
    session.disconnect();
    CHECK_PLAYED(play);
}

void options_are_used_again_and_outlived()
{
    auto options = options_at(server_mailbox(""));
    pop3::session first = options.connect();
    pop3::session second = options.connect();
    CHECK_THROWS(options.password("wrong").connect(), errc::auth);
    options = pop3::options();
    CHECK_INT(first.message_count(), 5);
    CHECK_INT(second.message_count(), 5);
    CHECK_THROWS(options.connect(), errc::no_address);
}

void options_mean_what_they_say()
{
    // what UTF8, LANG and a mechanism say to the server
    const int play = server_play("", SEND("+OK")
        REPLY("CAPA", "+OK\\r\\nUTF8\\r\\nLANG\\r\\nUSER\\r\\nSASL PLAIN\\r\\n.\\r\\n") REPLY("LANG de", "+OK de\\r\\n")
        REPLY("UTF8", "+OK\\r\\n") LOG_IN GOOD_BYE);
    std::error_code code;
    auto session = options_at(play).utf8(true).language("de").mechanism("USER").connect(code);
    if (code)
        CHECK_STR(pop3::last_error().c_str(), "");
    session.disconnect(code);
    CHECK_PLAYED(play);

    const auto newest = newest_tls() == "TLSv1.3"sv ? pop3::tls_version::tls_1_3 : pop3::tls_version::tls_1_2;
    auto options = options_at(server_mailbox("tls=implicit"), security::tls);
    options.secure_dir(std::nullopt).family(pop3::address_family::ipv4).source_address("127.0.0.1")
        .timeouts(60s, 60s, 120s).tls_min(newest);
    CHECK_STR(std::string(options.connect().get_tls_info().version()).c_str(), newest_tls());
    CHECK_THROWS(options.ca_file(in(server_dir(), "other-ca.pem")).platform_trust(false).connect(), errc::secure);
    CHECK(!pop3::secure_error().empty());
    CHECK(!options.verify(false).connect().get_tls_info().verified());
    options.pipelining(false).capabilities(true).clear_password(true).fingerprint(std::nullopt)
        .tls_min(pop3::tls_version::tls_1_2);
    CHECK_THROWS(options.max_message(10).connect().recv_message(1), errc::limit);
    CHECK_THROWS(options.family(pop3::address_family::ipv6).connect(), errc::host_not_found);
    CHECK_THROWS(options_at(server_full()).timeouts(100ms, 0ms, 0ms).connect(), errc::timeout);
}

/* TLS, and the process's settings */

void tls_is_told()
{
    const int where = server_mailbox("tls=implicit");
    auto session = pop3::connect(account_at(where, security::tls));
    const pop3::tls_info info = session.get_tls_info();
    CHECK(!info.resumed() && info.verified());
    CHECK_HAS(std::string(info.version()).c_str(), "TLSv1.");
    CHECK(!info.cipher().empty());
    CHECK_HAS(std::string(info.peer_pem()).c_str(), "BEGIN CERTIFICATE");
    session.disconnect();
    CHECK(pop3::connect(account_at(where, security::tls)).get_tls_info().resumed());
    pop3::forget(at(where));
    CHECK(!pop3::connect(account_at(where, security::tls)).get_tls_info().resumed());
    pop3::forget(std::nullopt);
    CHECK(!pop3::connect(account_at(where, security::tls)).get_tls_info().resumed());
    CHECK(pop3::tls_info().version().empty());

    session = pop3::connect(account_at(server_mailbox("")));
    std::error_code code;
    CHECK(session.get_tls_info(code).peer_pem().empty());
    CHECK_CODE(code, errc::unsupported);
}

void settings_of_the_process()
{
    CHECK_STR(std::string(pop3::version()).c_str(), pop3_version());
    CHECK_THROWS(pop3::set_comms_timeout(-1s), errc::parameter);
    CHECK_THROWS(pop3::set_comms_timeout(std::chrono::hours(24 * 365 * 100)), errc::parameter);
    pop3::set_comms_timeout(1s);
    const long long before = now_ms();
    CHECK_THROWS(pop3::connect(account_at(server_play("", "hold\n"))), errc::timeout);
    CHECK(now_ms() - before < 10000);
    pop3::set_comms_timeout(0s);
    CHECK_THROWS(pop3::set_secure_dir(""), errc::parameter);
}

void what_is_new_is_collected()
{
    std::string folder = "/tmp/pop3-cpp-XXXXXX";
    make_temporary(folder.data());
    auto options = options_at(server_mailbox("messages=4 size=400"));
    std::string order;
    const auto take = [&](const pop3::collected &piece) {
        if (piece.last)
            order.append(piece.of.uid).append(" ");
        CHECK(!piece.failed && piece.of.size == 400);
    };
    pop3::job job;
    job.book(folder + "/book").limits(3).newest_first(true).wanted([](const pop3::arrival &of) { return of.number != 3; });
    pop3::outcome outcome = options.collect(job, take);
    CHECK_STR(order.c_str(), "uid-4 uid-2 uid-1 ");
    CHECK_INT(outcome.taken, 3);
    CHECK_INT(outcome.left, 1);
    CHECK_INT(outcome.octets, 1200);
    order.clear();
    outcome = options.collect(job.wanted(nullptr).delete_after(0).lines(std::nullopt), take);
    CHECK_STR(order.c_str(), "uid-3 ");
    CHECK_INT(outcome.deleted, 4);
    remove_folder(folder.c_str());

    // a book of its own, and a run that is stopped: the outcome is there all the same
    std::vector<std::string> book;
    pop3::job other;
    other.book([&](std::string_view, std::string_view uid) { return std::count(book.begin(), book.end(), uid) > 0; },
               [&](std::string_view, std::string_view uid) { book.emplace_back(uid); });
    options = options_at(server_mailbox("messages=3"));
    std::error_code code;
    outcome = options.collect(other, [&](const pop3::collected &piece) { return !(piece.last && !book.empty()); }, code);
    CHECK_CODE(code, errc::cancelled);
    CHECK_INT(outcome.taken, 1);
    CHECK_INT(static_cast<int>(book.size()), 1);
    CHECK_INT(options.collect(other, [](const pop3::collected &) {}).taken, 2);
    CHECK_INT(options.collect(other, [](const pop3::collected &) {}).taken, 0);

    // errors, and what callables throw
    CHECK_THROWS(other.delete_after(-2), errc::parameter);
    CHECK_THROWS(options.collect(other, take), errc::parameter);
    other.delete_after(std::nullopt);
    other.book([](std::string_view, std::string_view) -> bool { throw std::string("no table"); }, [](auto...) {});
    try {
        options.collect(other, take);
        CHECK(false);
    } catch (const std::string &thrown) {
        CHECK_STR(thrown.c_str(), "no table");
    }
    job.book(std::nullopt).wanted([](const pop3::arrival &) -> bool { throw 7; });
    try {
        options.collect(job, take);
        CHECK(false);
    } catch (int thrown) {
        CHECK_INT(thrown, 7);
    }
    CHECK_THROWS(job.book("a\0b"sv), errc::parameter);
    CHECK_THROWS(options.collect(job.wanted(nullptr), take), errc::parameter);
}

/* A second unit of translation: there is one of everything, whichever of them asks. */
void units_share_what_there_is_one_of()
{
    CHECK(&other_unit_category() == &pop3::category());
    CHECK(&other_unit_refusal() == &pop3::detail::refusal());
    auto session = other_unit_connect(at(server_mailbox("")));
    std::vector<std::string> lines;
    const std::error_code code = other_unit_noop(session, [&](std::string_view line) { lines.emplace_back(line); });
    CHECK(!code);
    CHECK((lines == std::vector<std::string>{"C: NOOP", "S: +OK"}));
}

/* Mail */

void a_message_is_taken_apart()
{
    const std::string message = "Subject: =?utf-8?q?z=C3=BC?=\r\nDate: 1 Jan 1970 00:00:10 +0000\r\n"
                                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
                                "Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8=\r\n--b--\r\n";
    pop3::mail first = pop3::split(message);
    const pop3::mail mail = std::move(first);
    CHECK(mail.value("SUBJECT") == "z\xc3\xbc");
    CHECK(!mail.value("Subjec") && !mail.value(""));
    CHECK_INT(mail.fields().size(), 3);
    CHECK(mail.date() && mail.date()->time_since_epoch() == 10s);
    CHECK_INT(mail.parts().size(), 3);
    const pop3::part &text = mail.parts()[1];
    CHECK(mail.parts()[0].level == 0 && text.level == 1 && !mail.parts()[0].text && !mail.parts()[0].data);
    CHECK(text.content_type == "text" && text.content_subtype == "plain" && text.text == "text");
    const pop3::part &image = mail.parts()[2];
    CHECK(image.file_name == "a.png" && !image.text && image.data == "\0\xff"sv);

    const pop3::mail empty = pop3::split({});
    CHECK(empty.fields().empty() && empty.parts().size() == 1 && !empty.date());
    std::error_code code;
    std::string nested;
    for (int level = 0; level < 65; level++)
        nested += "Content-Type: message/rfc822\n\n";
    CHECK(pop3::split(nested, code).parts().empty());
    CHECK_CODE(code, errc::limit);
    CHECK_THROWS(pop3::split(nested), errc::limit);
}

#ifndef __SANITIZE_ADDRESS__

/* Everything that is handed out, and every way that a call ends. */
void use_all(const pop3::options &options)
{
    auto session = options.connect();
    const auto numbers = session.list_messages().numbers();
    pop3::uid_list ids = session.unique_ids();
    ids = session.unique_ids(1);
    pop3::buffer buffer = session.recv_message(1);
    buffer = session.capabilities();
    const pop3::tls_info info = session.get_tls_info();
    pop3::mail mail = pop3::split(buffer.view());
    mail = pop3::split(session.recv_message(2).view());
    for (const pop3::message &message : session.messages(numbers, 2)) {
        if (message.number == 3)
            break;
    }
    std::error_code code;
    session.recv_message(99, code);
    CHECK_THROWS(session.recv_message(99), errc::server);
    CHECK_THROWS(session.recv_message(1, [](std::string_view) { throw pop3::error(errc::internal, "thrown"); }),
                 errc::internal);
}

/* Once malloc's caches have filled it counts no more after so many sessions than before, which a leak never allows. */
void nothing_leaks()
{
    constexpr int sessions = 100;
    // what malloc would take for an octet that is left behind
    constexpr long least = 24;
    auto options = options_at(server_mailbox("tls=implicit"), security::tls);
    options.on_status([held = std::string(1000, 'x')](std::string_view) { return !held.empty(); });
    long grown = least * sessions;
    for (int round = 0; round < 40 && grown >= least * sessions; round++) {
        const long before = heap_in_use();
        for (int session = 0; session < sessions; session++)
            use_all(options);
        grown = heap_in_use() - before;
    }
    CHECK(grown < least * sessions);
}

#endif

}  // namespace

int main() // NOLINT(bugprone-exception-escape): that would be a failure
{
    pop3::set_secure_dir(in(server_dir(), "secure"));
    const int descriptors = open_descriptors();
    RUN(a_session_moves_and_ends_itself);
    RUN(one_that_c_connected_is_taken_over);
    RUN(an_empty_session_has_no_socket);
    RUN(disconnecting_tells);
    RUN(errors_come_both_ways);
    RUN(conditions_are_those_that_say_the_same);
    RUN(what_has_a_nul_in_it_is_refused);
    RUN(strings_need_not_end_with_nul);
    RUN(lists_are_ranges);
    RUN(messages_are_buffers);
    RUN(deleting);
    RUN(messages_by_unique_id);
    RUN(many_tops_and_deletions);
    RUN(without_a_socket);
    RUN(messages_are_a_range);
    RUN(a_range_tells_what_was_refused_and_may_be_left);
    RUN(a_range_gives_what_came_before_the_error);
    RUN(setters_refuse_what_c_refuses);
    RUN(a_chain_stops_at_its_first_refusal);
    RUN(what_was_refused_is_not_forgotten);
    RUN(options_without_a_socket);
    RUN(a_mailbox_has_a_size);
    RUN(options_are_used_again_and_outlived);
    RUN(options_mean_what_they_say);
    RUN(tls_is_told);
    RUN(settings_of_the_process);
    RUN(a_message_is_taken_apart);
    RUN(what_is_new_is_collected);
    RUN(units_share_what_there_is_one_of);
#ifndef __SANITIZE_ADDRESS__
    RUN(nothing_leaks);
#endif
    CHECK_INT(open_descriptors(), descriptors);
    return check_result();
}

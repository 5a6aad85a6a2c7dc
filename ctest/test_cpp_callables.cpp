// The C++ wrapper: callables of every kind, what they answer, what they throw, and how long they live.
#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "wrapper.hpp"
#include "script.h"

using pop3::errc;

namespace {

/* What callables here throw, unlike anything that the wrapper would. */
struct thrown {
    int number;
};

/* The call throws that. */
template <typename Call>
void check_thrown(const Call &call, int number, const char *file, int line)
{
    try {
        call();
    } catch (const thrown &caught) {
        check_int(caught.number, number, "what was thrown", file, line);
        return;
    } catch (const std::exception &other) {
        check_str(other.what(), "", "what was thrown instead", file, line);
        return;
    }
    check_true(0, "it throws", file, line);
}
#define CHECK_THROWN(call, number) check_thrown([&] { static_cast<void>(call); }, (number), __FILE__, __LINE__)

/* Disconnecting says that the session had ended. */
void is_over(pop3::session &session)
{
    std::error_code code;
    session.noop(code);
    CHECK_CODE(code, errc::connection_lost);
    session.disconnect(code);
    CHECK_CODE(code, errc::connection_lost);
    CHECK(!session);
}

using lines = std::vector<std::string>;
auto into(lines &logged)
{
    return [&logged](std::string_view line) { logged.emplace_back(line); };
}

/* What they answer */

bool stop_at_answer(std::string_view line)
{
    return line.substr(0, 2) != "S:";
}

void status_callables_answer()
{
    const int where = server_mailbox("");
    auto session = pop3::connect(account_at(where));
    lines logged;
    session.noop(into(logged));
    session.noop([](std::string_view) { return true; });
    session.noop([](std::string_view) { return 0; });
    CHECK((logged == lines{"C: NOOP", "S: +OK"}));

    std::error_code code;
    session.noop({[](std::string_view) { return false; }, code});
    CHECK_CODE(code, errc::cancelled);
    is_over(session);
    session = pop3::connect(account_at(where));
    CHECK_THROWS(session.noop([](std::string_view) { return -7; }), errc::cancelled);
    is_over(session);
    // functions, pointers to them, and whatever else std::invoke takes
    session = pop3::connect(account_at(where));
    CHECK_THROWS(session.message_count(stop_at_answer), errc::cancelled);
    is_over(session);
    session = pop3::connect(account_at(where));
    CHECK_THROWS(session.message_count(&stop_at_answer), errc::cancelled);
    is_over(session);
    session = pop3::connect(account_at(where));
    CHECK_THROWS(session.message_count(&std::string_view::empty), errc::cancelled);
    is_over(session);
}

void data_callables_answer()
{
    const int where = server_mailbox("size=300000");
    auto session = pop3::connect(account_at(where));
    const auto size = static_cast<std::size_t>(session.list_messages(1)[0].size);
    std::size_t bytes = 0;
    const auto add = [&](std::string_view piece) { bytes += piece.size(); };
    session.recv_message_to(1, add);
    session.recv_message_to(1, [&](std::string_view piece) { return add(piece), true; });
    session.recv_message_to(1, [&](std::string_view piece) { return add(piece), 0; });
    CHECK_INT(bytes, 3 * size);

    int calls = 0;
    std::error_code code;
    session.recv_message_to(1, [&](std::string_view) { return ++calls < 2; }, code);
    CHECK_CODE(code, errc::cancelled);
    CHECK_INT(calls, 2);
    is_over(session);
    session = pop3::connect(account_at(where));
    CHECK_THROWS(session.recv_message_to(1, [](std::string_view) { return 1; }), errc::cancelled);
    is_over(session);
}

void message_callables_answer()
{
    const int where = server_mailbox("messages=30");
    auto session = pop3::connect(account_at(where));
    std::string order;
    const auto note = [&](const pop3::piece &piece) {
        if (piece.last || piece.refused)
            order += std::to_string(piece.number) + (piece.refused ? "! " : " ");
    };
    CHECK_INT(session.recv_messages({3, 99, 1}, note), 2);
    CHECK_STR(order.c_str(), "3 99! 1 ");
    CHECK_INT(session.recv_messages({}, note), 0);
    CHECK_THROWS(session.recv_messages({0}, note), errc::parameter);

    int whole = 0;
    std::error_code code;
    const auto stop_after_two = [&](const pop3::piece &piece) { return !piece.last || ++whole < 2; };
    CHECK_INT(session.recv_messages(session.list_messages().numbers(), stop_after_two, code), 0);
    CHECK_CODE(code, errc::cancelled);
    CHECK_INT(whole, 2);
    is_over(session);
    session = pop3::connect(account_at(where));
    CHECK_THROWS(session.recv_messages({1}, &pop3::piece::last), errc::cancelled);
    CHECK_THROWS(pop3::recv(account_at(where), [](const pop3::piece &) { return false; }, true), errc::cancelled);
    CHECK_INT(pop3::stat(account_at(where)), 30);
}

/* What they throw */

void status_callables_throw()
{
    const int where = server_mailbox("size=300000");
    const auto fail = [](std::string_view) { throw thrown{1}; };
    const auto fail_at_answer = [](std::string_view line) {
        if (!stop_at_answer(line))
            throw thrown{2};
    };
    const auto each = [&](auto call) {
        auto session = pop3::connect(account_at(where));
        CHECK_THROWN(call(session, fail), 1);
        is_over(session);
        session = pop3::connect(account_at(where));
        // a call that reports by code throws it as well
        std::error_code code;
        CHECK_THROWN(call(session, pop3::call_options(fail_at_answer, code)), 2);
        is_over(session);
    };
    each([](auto &session, const pop3::call_options &as) { session.message_count(as); });
    each([](auto &session, const pop3::call_options &as) { session.list_messages(as); });
    each([](auto &session, const pop3::call_options &as) { session.unique_ids(as); });
    each([](auto &session, const pop3::call_options &as) { session.recv_headers(1, as); });
    each([](auto &session, const pop3::call_options &as) { session.recv_top(1, 2, as); });
    each([](auto &session, const pop3::call_options &as) { session.recv_message(1, as); });
    each([](auto &session, const pop3::call_options &as) { session.recv_message_to(1, [](std::string_view) {}, as); });
    each([](auto &session, const pop3::call_options &as) { session.recv_messages({1, 2}, [](const pop3::piece &) {}, as); });
    each([](auto &session, const pop3::call_options &as) { session.recv_tops({1, 2}, 0, [](const pop3::piece &) {}, as); });
    each([](auto &session, const pop3::call_options &as) { session.recv_uid("uid-1", as); });
    each([](auto &session, const pop3::call_options &as) { session.delete_message(1, as); });
    each([](auto &session, const pop3::call_options &as) { session.delete_messages({1, 2}, as); });
    each([](auto &session, const pop3::call_options &as) { session.delete_uid("uid-1", as); });
    each([](auto &session, const pop3::call_options &as) { session.undo_deletes(as); });
    each([](auto &session, const pop3::call_options &as) { session.noop(as); });
    each([](auto &session, const pop3::call_options &as) { session.capabilities(as); });

    auto session = pop3::connect(account_at(where));
    const std::int32_t socket = session.native_handle();
    CHECK_THROWN(session.disconnect(fail_at_answer), 2);
    CHECK(!session);
    CHECK_INT(pop3_noop(socket, nullptr), POP3_ERR_BAD_SOCKET);
}

/* A server that does not say a word ends a connect by a timeout, if nothing else does. */
void status_callables_throw_in_connecting()
{
    const auto fail = [](std::string_view) { throw thrown{3}; };
    const auto stop = [](std::string_view) { return false; };
    const long long before = now_ms();
    CHECK_THROWN(pop3::connect(account_at(server_play("", "hold\n")), fail), 3);
    std::error_code code;
    CHECK(!pop3::connect(account_at(server_play("", "hold\n")), {stop, code}));
    CHECK_CODE(code, errc::cancelled);
    auto options = options_at(server_play("", "hold\n"));
    CHECK_THROWN(options.on_status(fail).connect(), 3);
    CHECK_THROWS(options.server(at(server_play("", "hold\n"))).on_status(stop).connect(), errc::cancelled);
    // a progress callable does not take that away, and taking that back neither
    int calls = 0;
    options.on_progress([&](std::int64_t, std::int64_t) { calls++; });
    CHECK_THROWS(options.server(at(server_play("", "hold\n"))).connect(), errc::cancelled);
    options.on_progress(nullptr);
    CHECK_THROWS(options.server(at(server_play("", "hold\n"))).connect(), errc::cancelled);
    CHECK(now_ms() - before < 12000);
}

void the_last_line_is_too_late()
{
    const int where = server_mailbox("");
    const int descriptors = open_descriptors();
    // how many lines a connect has, once the server is known
    lines logged;
    static_cast<void>(pop3::connect(account_at(where)));
    static_cast<void>(pop3::connect(account_at(where), into(logged)));
    std::size_t left = logged.size();
    const auto fail = [&](std::string_view) {
        if (--left == 0)
            throw thrown{4};
    };
    CHECK_THROWN(pop3::connect(account_at(where), fail), 4);
    CHECK_INT(left, 0);
    left = logged.size();
    const auto stop = [&](std::string_view) { return --left != 0; };
    std::error_code code;
    CHECK(!pop3::connect(account_at(where), {stop, code}));
    CHECK_CODE(code, errc::cancelled);
    CHECK_STR(pop3::last_error().c_str(), "stopped by a callback of the host");
    CHECK_INT(open_descriptors(), descriptors);
}

void callables_throw_without_a_socket()
{
    const int where = server_mailbox("");
    const auto fail = [](std::string_view) { throw thrown{5}; };
    int pieces = 0;
    const auto count = [&](const pop3::piece &) { pieces++; };
    CHECK_THROWN(pop3::stat(account_at(where), fail), 5);
    CHECK_THROWN(pop3::recv(account_at(where), count, true, 0, fail), 5);
    CHECK_INT(pieces, 0);
    CHECK_THROWN(pop3::recv(account_at(where), [](const pop3::piece &) { throw thrown{6}; }, true), 6);
    std::error_code code;
    CHECK_INT(pop3::stat(account_at(where), {[](std::string_view) { return false; }, code}), 0);
    CHECK_CODE(code, errc::cancelled);
    CHECK_INT(pop3::stat(account_at(where)), 5);
}

void data_and_message_callables_throw()
{
    const int where = server_mailbox("size=300000");
    auto session = pop3::connect(account_at(where));
    int calls = 0;
    const auto fail_at_second = [&](std::string_view) {
        if (++calls == 2)
            throw thrown{7};
    };
    CHECK_THROWN(session.recv_message_to(1, fail_at_second), 7);
    CHECK_INT(calls, 2);
    is_over(session);

    session = pop3::connect(account_at(where));
    std::error_code code;
    const auto fail_at_third = [](const pop3::piece &piece) {
        if (piece.number == 3)
            throw thrown{8};
    };
    CHECK_THROWN(session.recv_messages({1, 2, 3, 4}, fail_at_third, code), 8);
    is_over(session);
}

void progress_callables_answer_and_throw()
{
    const int where = server_mailbox("size=300000");
    int calls = 0;
    std::int64_t most = 0;
    auto options = options_at(where);
    options.on_progress([&](std::int64_t done, std::int64_t /*total*/) {
        calls++;
        most = std::max(most, done);
    });
    auto session = options.connect();
    CHECK(calls > 0);
    const auto size = static_cast<std::int64_t>(session.recv_message(1).size());
    CHECK_INT(most, size);

    std::atomic<bool> failing = false;
    options.on_progress([&](std::int64_t, std::int64_t) {
        if (failing)
            throw thrown{9};
    });
    session = options.connect();
    failing = true;
    CHECK_THROWN(session.noop(), 9);
    is_over(session);
    CHECK_THROWN(options.connect(), 9);
    options.on_progress([](std::int64_t, std::int64_t) { return false; });
    CHECK_THROWS(options.connect(), errc::cancelled);
    options.on_progress(nullptr);
    CHECK_INT(options.connect().message_count(), 5);
}

void error_callables_are_called_and_throw()
{
    const int where = server_mailbox("");
    lines logged;
    auto options = options_at(where);
    const auto log_error = [&](std::error_code code, std::string_view words, std::string_view command) {
        CHECK(code.category() == pop3::category());
        CHECK_STR(std::string(words).c_str(), pop3_get_last_error());
        logged.push_back(std::string(command) + " " + std::to_string(code.value()));
        return false; // does not count
    };
    options.on_error(log_error);
    auto session = options.connect();
    CHECK_THROWS(session.delete_message(99), errc::server);
    CHECK((logged == lines{"POP3DeleteMessage -2001"}));
    session.noop();

    /* the words that it was given, not those of an earlier refusal of the wrapper's own */
    std::string words_then;
    options.on_error([&](std::error_code, std::string_view, std::string_view) { words_then = pop3::last_error(); });
    auto third = options.connect();
    CHECK_THROWS(pop3::stat({std::string_view("a\0b", 3), "alice", PASS}), errc::parameter);
    CHECK_THROWS(third.delete_message(97), errc::server);
    CHECK_HAS(words_then.c_str(), "DELE");

    options.on_error([](std::error_code, std::string_view, std::string_view) { throw thrown{10}; });
    auto throwing = options.connect();
    CHECK_THROWN(throwing.delete_message(99), 10);
    throwing.noop();
    CHECK_THROWN(options.password("wrong").connect(), 10);
    // the first of two counts
    CHECK_THROWN(throwing.noop([](std::string_view) { throw thrown{11}; }), 11);
    // the first session's callable is still the first one
    CHECK_THROWS(session.delete_message(98), errc::server);
    CHECK_INT(logged.size(), 2);
    options.on_error(nullptr);
    CHECK_THROWS(options.connect(), errc::auth);
}

void the_process_s_error_callable()
{
    std::atomic<int> calls = 0;
    const auto held = std::make_shared<int>(0);
    pop3::set_error_callback([&calls, held, only = std::make_unique<int>(1)](std::error_code code, std::string_view,
                                                                             std::string_view) {
        CHECK_CODE(code, errc::bad_socket);
        calls += *only;
    });
    CHECK_INT(held.use_count(), 2);
    pop3::session none;
    std::error_code code;
    none.noop(code);
    CHECK_THROWS(none.noop(), errc::bad_socket);
    CHECK_INT(calls, 2);
    pop3::set_error_callback([](std::error_code, std::string_view, std::string_view) { throw thrown{12}; });
    CHECK_INT(held.use_count(), 1);
    CHECK_THROWN(none.noop(code), 12);
    // C called past the wrapper: there is nobody to throw it at
    CHECK_INT(pop3_noop(1, nullptr), POP3_ERR_BAD_SOCKET);
    pop3::set_error_callback(nullptr);
    CHECK_THROWS(none.noop(), errc::bad_socket);
}

void nothing_is_heard_after_it()
{
    auto options = options_at(server_mailbox(""));
    lines logged;
    auto session = options.on_status(into(logged)).connect();
    logged.clear();
    int calls = 0;
    CHECK_THROWN(session.message_count([&](std::string_view) {
        calls++;
        throw thrown{13};
    }), 13);
    CHECK_INT(calls, 1);
    // the call's own is asked first
    CHECK(logged.empty());
}

void a_call_inside_a_callable()
{
    const int where = server_mailbox("");
    auto outer = pop3::connect(account_at(where));
    auto inner = pop3::connect(account_at(where));
    std::int32_t count = 0;
    lines logged;
    outer.recv_message_to(1, [&](std::string_view) { count = inner.message_count(into(logged)); });
    CHECK_INT(count, 5);
    CHECK(logged.size() >= 2 && logged[0] == "C: STAT");
    // the same socket is busy; its error comes out of both calls, and so does what an inner callable throws
    CHECK_THROWS(outer.recv_message_to(1, [&](std::string_view) { outer.noop(); }), errc::busy);
    is_over(outer);
    outer = pop3::connect(account_at(where));
    CHECK_THROWN(outer.noop([&](std::string_view) { inner.noop([](std::string_view) { throw thrown{14}; }); }), 14);
    is_over(outer);
    is_over(inner);
}

/* How long they live */

void the_destructor_swallows()
{
    std::int32_t socket = 0;
    {
        std::atomic<bool> failing = false;
        auto options = options_at(server_mailbox(""));
        options.on_status([&](std::string_view) {
            if (failing)
                throw thrown{15};
        });
        const auto session = options.connect();
        socket = session.native_handle();
        failing = true;
    }
    CHECK_INT(pop3_noop(socket, nullptr), POP3_ERR_BAD_SOCKET);
}

void callables_live_as_long_as_their_sessions()
{
    const auto held = std::make_shared<lines>();
    const auto log_status = [held](std::string_view line) { held->emplace_back(line); };
    const auto own = held.use_count();
    pop3::session session;
    {
        auto options = options_at(server_mailbox(""));
        session = options.on_status(log_status).connect();
        options.on_status(nullptr);
        // its own callable, which others set later are not
        auto silent = options.connect();
        held->clear();
        silent.noop();
        CHECK(held->empty());
    }
    CHECK_INT(held.use_count(), own + 1);
    session.noop();
    CHECK((*held == lines{"C: NOOP", "S: +OK"}));
    pop3::session moved = std::move(session);
    CHECK_INT(held.use_count(), own + 1);
    // a call's own is called beside it
    lines logged;
    held->clear();
    moved.noop(into(logged));
    CHECK(logged == *held && logged.size() == 2);
    moved.disconnect();
    CHECK_INT(held.use_count(), own);
    {
        // one that can only be moved
        auto options = options_at(server_mailbox(""));
        options.on_status([held, only = std::make_unique<int>(1)](std::string_view) { return *only == 1; });
        CHECK_INT(options.connect().message_count(), 5);
        CHECK_INT(held.use_count(), own + 1);
    }
    CHECK_INT(held.use_count(), own);
}

void c_past_the_face()
{
    auto options = options_at(server_mailbox(""));
    int calls = 0;
    std::atomic<bool> failing = false;
    options.on_status([&](std::string_view) {
        calls++;
        if (failing)
            throw thrown{16};
    });
    auto session = options.connect();
    failing = true;
    calls = 0;
    CHECK_INT(pop3_noop(session.native_handle(), nullptr), 0);
    CHECK_INT(calls, 2);
    failing = false;
    session.noop();
}

/* Threads */

void cancelled_from_another_thread()
{
    auto session = pop3::connect(account_at(server_play("", LOGGED_IN EXPECT("STAT") "hold\n")));
    const pop3::canceller canceller = session.get_canceller();
    pop3::session moved = std::move(session);
    std::atomic<bool> waiting = false;
    std::thread other([&, canceller] {
        while (!waiting)
            sleep_ms(1);
        sleep_ms(50);
        CHECK(canceller.cancel());
    });
    std::error_code code;
    const long long before = now_ms();
    moved.message_count({[&](std::string_view) { waiting = true; }, code});
    CHECK_CODE(code, errc::cancelled);
    CHECK(code == std::errc::operation_canceled);
    CHECK(now_ms() - before < 10000);
    other.join();
    is_over(moved);
    CHECK(!canceller.cancel());
}

void busy_in_two_threads()
{
    auto session = pop3::connect(account_at(server_mailbox("")));
    std::atomic<bool> under_way = false;
    std::atomic<bool> asked = false;
    std::thread other([&] {
        session.noop([&](std::string_view) {
            under_way = true;
            while (!asked)
                sleep_ms(1);
        });
    });
    while (!under_way)
        sleep_ms(1);
    CHECK_THROWS(session.noop(), errc::busy);
    CHECK_THROWS(session.disconnect(), errc::busy);
    CHECK(session.native_handle() != 0);
    asked = true;
    other.join();
    session.disconnect();
}

void options_in_many_threads()
{
    auto options = options_at(server_mailbox("messages=20"));
    std::atomic<int> logged = 0;
    std::atomic<int> caught = 0;
    options.on_status([&](std::string_view) { logged++; });
    const auto use = [&](int thread) {
        return std::thread([&, thread] {
            for (int i = 0; i < 10; i++) {
                auto session = options.connect();
                CHECK_INT(session.message_count(), 20);
                try {
                    session.recv_messages({1, 2}, [&](const pop3::piece &) { throw thrown{thread}; });
                } catch (const thrown &mine) {
                    CHECK_INT(mine.number, thread);
                    caught++;
                }
            }
        });
    };
    for (auto &&thread : std::array{use(1), use(2), use(3), use(4)})
        thread.join();
    CHECK_INT(caught, 40);
    CHECK(logged > 40 * 6);
}

}  // namespace

int main() // NOLINT(bugprone-exception-escape): that would be a failure
{
    pop3::set_secure_dir(in(server_dir(), "secure"));
    const int descriptors = open_descriptors();
    RUN(status_callables_answer);
    RUN(data_callables_answer);
    RUN(message_callables_answer);
    RUN(status_callables_throw);
    RUN(status_callables_throw_in_connecting);
    RUN(the_last_line_is_too_late);
    RUN(callables_throw_without_a_socket);
    RUN(data_and_message_callables_throw);
    RUN(progress_callables_answer_and_throw);
    RUN(error_callables_are_called_and_throw);
    RUN(the_process_s_error_callable);
    RUN(nothing_is_heard_after_it);
    RUN(a_call_inside_a_callable);
    RUN(the_destructor_swallows);
    RUN(callables_live_as_long_as_their_sessions);
    RUN(c_past_the_face);
    RUN(cancelled_from_another_thread);
    RUN(busy_in_two_threads);
    RUN(options_in_many_threads);
    CHECK_INT(open_descriptors(), descriptors);
    return check_result();
}

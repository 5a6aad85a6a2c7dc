// The C++ wrapper: many calls at a time on one thread.
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "wrapper.hpp"

using pop3::errc;
using pop3::security;
using namespace std::chrono_literals;

namespace {

/* What callables here throw. */
struct thrown {
    int number;
};

/* Goes on until no call is under way; what comes out of it meanwhile. */
std::vector<int> run_all(pop3::loop &loop)
{
    std::vector<int> caught;
    for (int left = 1; left > 0;) {
        try {
            left = loop.run();
        } catch (const thrown &exception) {
            caught.push_back(exception.number);
        }
    }
    return caught;
}

/* What done callables got. */
using ends = std::vector<std::pair<int, int>>;
auto into(ends &ended)
{
    return [&ended](std::error_code code, std::int32_t number) { ended.emplace_back(code.value(), number); };
}

const auto ignore = [](auto &&...) {};

void calls_of_each_kind()
{
    const int where = server_mailbox("messages=3 size=3000 tls=stls");
    const auto held = std::make_shared<int>(0);
    ends ended;
    std::size_t octets = 0;
    std::vector<std::string> taken;
    pop3::outcome out{};
    pop3::loop loop;
    {
        auto options = options_at(where, security::starttls);
        options.on_status([held](std::string_view) {});
        pop3::job job;
        job.book([held](std::string_view, std::string_view) { return false; },
                 [&taken](std::string_view, std::string_view uid) { taken.emplace_back(uid); });
        job.wanted([held](const pop3::arrival &of) { return of.number != 2; });
        const auto first = loop.stat(options, into(ended));
        const auto second = loop.recv(options, [&](const pop3::piece &piece) { octets += piece.data.size(); },
                                      [held, end = into(ended)](auto code, auto number) { end(code, number); });
        const auto third = loop.collect(options, job, [held](const pop3::collected &) {},
                                        [&out](std::error_code code, const pop3::outcome &outcome) {
                                            CHECK(!code);
                                            out = outcome;
                                        });
        CHECK(first > 0 && second > first && third > second);
    }
    // this one, four callables of calls and options, and the one of the job that is asked
    CHECK_INT(held.use_count(), 6);
    pop3::loop moved = std::move(loop);
    CHECK(run_all(moved).empty());
    CHECK((ended == ends{{0, 3}, {0, 3}}));
    CHECK_INT(octets, 9000);
    CHECK_INT(out.taken, 2);
    CHECK((taken == std::vector<std::string>{"uid-1", "uid-3"}));
    // what was kept for them is not kept for longer
    CHECK_INT(held.use_count(), 1);
}

void a_callable_stops_its_own_call()
{
    const int where = server_mailbox("messages=3 size=3000");
    ends stopped, not_stopped;
    int lines = 0, pieces = 0;
    auto options = options_at(where);
    pop3::loop loop;
    loop.stat(options, into(not_stopped));
    loop.recv(options, [&](const pop3::piece &) { return ++pieces < 0; }, into(stopped));
    loop.stat(options.on_progress([](std::int64_t, std::int64_t) { return false; }), into(stopped));
    // a status callable cannot
    options.on_progress(nullptr).on_status([&](std::string_view) { return ++lines < 0; });
    loop.stat(options, into(not_stopped));
    CHECK(run_all(loop).empty());
    CHECK((stopped == ends{{POP3_ERR_CANCELLED, 0}, {POP3_ERR_CANCELLED, 0}}));
    CHECK((not_stopped == ends{{0, 3}, {0, 3}}));
    CHECK_INT(pieces, 1);
    CHECK(lines > 5);
}

void what_callables_throw_comes_out_of_run()
{
    const int where = server_mailbox("messages=3 size=3000");
    ends ended;
    auto options = options_at(where);
    pop3::loop loop;
    loop.set_limits(1, 1);
    loop.recv(options, [](const pop3::piece &) { throw thrown{1}; }, into(ended));
    loop.stat(options, [](auto, auto) { throw thrown{2}; });
    loop.stat(options.on_progress([](auto, auto) { throw thrown{3}; }), into(ended));
    options.on_progress(nullptr);
    pop3::job job;
    job.book([](auto, auto) -> bool { throw thrown{4}; }, ignore);
    loop.collect(options, job, ignore, [&](std::error_code code, auto &) { ended.emplace_back(code.value(), 0); });
    // these stop nothing
    job.book([](auto, auto) { return false; }, ignore).wanted([once = true](const pop3::arrival &) mutable {
        if (std::exchange(once, false))
            throw thrown{5};
        return true;
    });
    loop.collect(options, job, ignore, [&](std::error_code, auto &out) { ended.emplace_back(0, out.taken); });
    loop.stat(options.on_status([once = true](auto) mutable {
        if (std::exchange(once, false))
            throw thrown{6};
    }), into(ended));
    options.on_status(nullptr).password("wrong").on_error([](auto, auto, auto) { throw thrown{7}; });
    loop.stat(options, into(ended));
    CHECK((run_all(loop) == std::vector<int>{1, 2, 3, 4, 5, 6, 7}));
    constexpr int cancelled = POP3_ERR_CANCELLED;
    CHECK((ended ==
           ends{{cancelled, 0}, {cancelled, 0}, {POP3_ERR_BOOK, 0}, {0, 2}, {0, 3}, {POP3_ERR_AUTH, 0}}));
}

void the_first_that_is_thrown_in_a_run_counts()
{
    pop3::loop loop;
    const auto options = options_at(server_play("", "hold\n"));
    std::vector<std::int32_t> calls;
    calls.reserve(2);
    for (int number = 1; number <= 2; number++)
        calls.push_back(loop.stat(options, [number](std::error_code code, std::int32_t) {
            CHECK_CODE(code, errc::cancelled);
            throw thrown{number};
        }));
    CHECK_INT(loop.run(50ms), 2);
    loop.cancel(calls[0]);
    loop.cancel(calls[1]);
    CHECK((run_all(loop) == std::vector<int>{1}));
}

void done_callables_add_calls()
{
    const auto options = options_at(server_mailbox("messages=3"));
    pop3::loop loop;
    int calls = 0;
    struct again {
        pop3::loop *loop;
        const pop3::options *options;
        int *calls;
        void operator()(std::error_code code, std::int32_t count) const
        {
            CHECK(!code && count == 3);
            if (++*calls < 4)
                loop->stat(*options, *this);
            CHECK_THROWS(loop->run(0ms), errc::busy);
        }
    };
    loop.stat(options, again{&loop, &options, &calls});
    CHECK(run_all(loop).empty());
    CHECK_INT(calls, 4);
}

void errors()
{
    pop3::loop loop;
    const auto held = std::make_shared<int>(0);
    const auto done = [held](std::error_code, std::int32_t) {};
    auto options = options_at(server_refuse());
    std::string words;
    loop.stat(options, [&](std::error_code code, std::int32_t count) {
        CHECK_CODE(code, errc::connect);
        CHECK_INT(count, 0);
        words = pop3::last_error();
    });
    // a refusal of the wrapper's own is older than what the done callable looks at
    std::error_code code;
    loop.run(std::chrono::milliseconds(1LL << 40), code);
    CHECK_CODE(code, errc::parameter);
    CHECK(run_all(loop).empty());
    CHECK_HAS(words.c_str(), "cannot connect");

    CHECK_THROWS(loop.stat(options.server(""), done), errc::no_address);
    CHECK_THROWS(loop.recv(options_at(1), ignore, done, false, -1), errc::parameter);
    pop3::job job;
    code.clear();
    CHECK_INT(loop.collect(options_at(1), job.book(std::string_view("\0", 1), code), ignore, ignore, code), 0);
    CHECK_CODE(code, errc::parameter);
    code.clear();
    options.user(std::string_view("a\0b", 3), code);
    CHECK_INT(loop.stat(options, done, code), 0);
    CHECK_CODE(code, errc::parameter);
    CHECK_THROWS(loop.cancel(7), errc::parameter);
    CHECK_THROWS(loop.set_limits(-1, 0), errc::parameter);
    CHECK_INT(loop.run(code), 0);
    CHECK(!code);
    const pop3::loop taken = std::move(loop);
    CHECK_THROWS(loop.stat(options_at(1), done), errc::parameter); // NOLINT(bugprone-use-after-move)
    CHECK_THROWS(loop.run(), errc::parameter);
    CHECK_INT(loop.fd(), -1);
    CHECK(!loop.timeout());
    // no callable of a call that has not begun is kept: `held` and the one in `done`
    CHECK_INT(held.use_count(), 2);
}

void destroyed_with_calls_under_way()
{
    const auto options = options_at(server_play("", "hold\n"));
    const auto held = std::make_shared<int>(0);
    ends ended;
    {
        pop3::loop loop;
        loop.stat(options, into(ended));
        loop.stat(options, [held](std::error_code code, std::int32_t) {
            CHECK_CODE(code, errc::cancelled);
            ++*held;
            throw thrown{1};
        });
        CHECK_INT(loop.run(50ms), 2);
        CHECK(ended.empty());
    }
    CHECK((ended == ends{{POP3_ERR_CANCELLED, 0}}));
    CHECK_INT(*held, 1);
    CHECK_INT(held.use_count(), 1);
    // assigned over it is the same, and where it is in another call that one does not get what is thrown
    pop3::loop loop;
    loop.stat(options, into(ended));
    loop.stat(options, [](auto, auto) { throw thrown{2}; });
    auto session = pop3::connect(account_at(server_mailbox("")));
    session.noop([&](auto) { loop = pop3::loop(); });
    CHECK_INT(ended.size(), 2);
    CHECK_INT(loop.run(), 0);
}

void a_host_s_own_loop()
{
    pop3::loop loop;
    CHECK(!loop.timeout());
    const auto options = options_at(server_play("", "hold\n"));
    const auto call = loop.stat(options, [](std::error_code code, std::int32_t) { CHECK_CODE(code, errc::cancelled); });
    CHECK_INT(loop.timeout().value_or(1ms).count(), 0);
    CHECK_INT(loop.run(50ms), 1);
    CHECK(loop.timeout().value_or(0ms) > 0ms);
    loop.cancel(call);
    CHECK(run_all(loop).empty());
    std::thread other([&] { loop.wake(); });
    CHECK_INT(loop.run(20min), 0);
    other.join();
}

}  // namespace

int main() // NOLINT(bugprone-exception-escape): that would be a failure
{
    pop3::set_secure_dir(in(server_dir(), "secure"));
    const int descriptors = open_descriptors();
    RUN(calls_of_each_kind);
    RUN(a_callable_stops_its_own_call);
    RUN(what_callables_throw_comes_out_of_run);
    RUN(the_first_that_is_thrown_in_a_run_counts);
    RUN(done_callables_add_calls);
    RUN(errors);
    RUN(destroyed_with_calls_under_way);
    RUN(a_host_s_own_loop);
    CHECK_INT(open_descriptors(), descriptors);
    return check_result();
}

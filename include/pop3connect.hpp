/*
 * The C++ wrapper of libpop3connect: pop3connect.h with owning types, callables and errors as C++17 has them. A header
 * alone.
 *
 * Conventions of everything here:
 *
 * - A function takes what its C namesake takes, whose comment in pop3connect.h is the reference: what it does, which
 *   errors there are, after which the session is over. Comments here say what is different.
 * - Errors: a call whose last argument is left out throws pop3::error. Given a std::error_code it writes its error
 *   there instead, or clears it, and answers 0 or something empty. pop3::last_error() then has the words. Both kinds
 *   of call may throw std::bad_alloc, and what a callable threw.
 * - Strings are std::string_view and copied; the copies are wiped. One with a NUL in it, which C would cut off, is
 *   refused: errc::parameter, before anything is done; error callables are not called then. Where C takes NULL there is
 *   std::optional, and std::nullopt means what NULL means.
 * - What a call hands out belongs to the object it is in, and lives as long.
 * - A callable is anything that std::invoke takes. One that may stop its call goes on by answering nothing, true, or
 *   0 (as in C), and stops it by false, or by another number: the call's error is errc::cancelled, and the session is
 *   over.
 * - What a callable throws stops the call too, and comes out of it when it has ended, whichever way it reports its
 *   own errors. It never passes through the library. The first that is thrown in a call counts; after
 *   it no callable is called with the status lines, pieces and progress of that call.
 * - Threads: different objects may be used in different threads; one object in one thread at a time, save where a
 *   comment says more. Callables are called on the thread of the call. Those of options are shared by all sessions
 *   that were made with them, and called by several threads at once if the sessions are used so.
 * - Without exceptions (-fno-exceptions, then in all units of a program) all of it works by std::error_code; what would
 *   be thrown ends the process.
 */
#ifndef POP3_CONNECT_HPP
#define POP3_CONNECT_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "pop3connect.h"

/* What there is one of in a process (the category, the call that a thread is in) is one in all its libraries too, also in
   those that hide their symbols, as plug-ins do. */
#if defined(__GNUC__) && defined(__ELF__)
namespace pop3 __attribute__((visibility("default"))) {
#else
namespace pop3 {
#endif

class session;

/** The POP3_ERR_ codes, to compare a std::error_code with: `code == pop3::errc::auth`. */
enum class errc : std::int32_t {
    parameter = POP3_ERR_PARAMETER,
    bad_socket = POP3_ERR_BAD_SOCKET,
    no_address = POP3_ERR_NO_ADDRESS,
    cancelled = POP3_ERR_CANCELLED,
    timeout = POP3_ERR_TIMEOUT,
    bad_format = POP3_ERR_BAD_FORMAT,
    short_response = POP3_ERR_SHORT_RESPONSE,
    syntax = POP3_ERR_SYNTAX,
    out_of_memory = POP3_ERR_OUT_OF_MEMORY,
    secure = POP3_ERR_SECURE,
    host_not_found = POP3_ERR_HOST_NOT_FOUND,
    connect = POP3_ERR_CONNECT,
    connection_lost = POP3_ERR_CONNECTION_LOST,
    server = POP3_ERR_SERVER,
    auth = POP3_ERR_AUTH,
    no_stls = POP3_ERR_NO_STLS,
    busy = POP3_ERR_BUSY,
    limit = POP3_ERR_LIMIT,
    mailbox_in_use = POP3_ERR_MAILBOX_IN_USE,
    login_delay = POP3_ERR_LOGIN_DELAY,
    temporary = POP3_ERR_TEMPORARY,
    unsupported = POP3_ERR_UNSUPPORTED,
    book = POP3_ERR_BOOK,
    internal = POP3_ERR_INTERNAL,
};

namespace detail {

class error_category final : public std::error_category {
public:
    [[nodiscard]] const char *name() const noexcept override { return "pop3"; }
    [[nodiscard]] std::string message(int code) const override { return pop3_error_text(code); }
    [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override
    {
        switch (static_cast<errc>(code)) {
        case errc::parameter: return std::errc::invalid_argument;
        case errc::bad_socket: return std::errc::bad_file_descriptor;
        case errc::no_address: return std::errc::destination_address_required;
        case errc::cancelled: return std::errc::operation_canceled;
        case errc::timeout: return std::errc::timed_out;
        case errc::bad_format: return std::errc::protocol_error;
        case errc::short_response:
        case errc::syntax: return std::errc::bad_message;
        case errc::out_of_memory: return std::errc::not_enough_memory;
        case errc::connect: return std::errc::connection_refused;
        case errc::connection_lost: return std::errc::connection_reset;
        case errc::auth: return std::errc::permission_denied;
        case errc::busy: return std::errc::device_or_resource_busy;
        case errc::mailbox_in_use:
        case errc::login_delay:
        case errc::temporary: return std::errc::resource_unavailable_try_again;
        case errc::unsupported: return std::errc::operation_not_supported;
        default: return {code, *this};
        }
    }
};

/** Why this wrapper refused this thread's last call itself; NULL where the library knows. */
inline const char *&refusal() noexcept
{
    static thread_local const char *text = nullptr;
    return text;
}

}  // namespace detail

/**
 * The category of the errors here: its values are the POP3_ERR_ codes, its messages those of pop3_error_text.
 *
 * Its default conditions are those of std::errc that say the same: `code == std::errc::timed_out`. Errors for which
 * there is none (secure, server, no_stls, host_not_found, limit, internal) are conditions of their own.
 *
 * Threads: thread-safe.
 */
inline const std::error_category &category() noexcept
{
    static const detail::error_category instance;
    return instance;
}

/** The error code of a value, found by std::error_code's constructor. */
inline std::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), category()};
}

/**
 * The words of the last error that a call here met in this thread, with the server's own reply where there was one:
 * those of pop3_get_last_error, or why the call was refused before C was called. "" if nothing has failed.
 *
 * Threads: thread-safe; each thread has its own.
 */
inline std::string last_error()
{
    return detail::refusal() != nullptr ? detail::refusal() : pop3_get_last_error();
}

/**
 * This thread's last TLS error in words; "" if none has happened.
 *
 * Threads: thread-safe; each thread has its own.
 */
inline std::string secure_error()
{
    return pop3_get_secure_error();
}

/** The version of the library, for example "1.0.0"; good for the process's life. */
inline std::string_view version() noexcept
{
    return pop3_version();
}

/** What a call throws that fails: code() is of pop3::category(), what() has the words of pop3::last_error(). */
class error : public std::system_error {
public:
    error(std::error_code code, const std::string &words) : std::system_error(code, words) {}
};

/**
 * Where the error of a call goes: made implicitly of a std::error_code, which must be good until the call returns. Left
 * out, the call throws.
 */
class report {
public:
    report() noexcept = default;
    report(std::error_code &code) noexcept : code_(&code) {}

    /** Whether it is a std::error_code that holds an error already. */
    [[nodiscard]] bool has_error() const noexcept { return code_ != nullptr && *code_; }

    /** Throws or writes the error; clears where there is none. */
    void tell(std::error_code code, const std::string &words) const
    {
        if (code_ != nullptr) {
            *code_ = code;
        } else if (code) {
#ifdef __cpp_exceptions
            throw error(code, words);
#else
            static_cast<void>(words);
            std::abort();
#endif
        }
    }

private:
    std::error_code *code_ = nullptr;
};

namespace detail {

/** Calls a callable that may stop its call; whether to go on. */
template <typename Callable, typename... Arguments>
bool goes_on(Callable &callable, const Arguments &...arguments)
{
    using answer = std::decay_t<std::invoke_result_t<Callable &, const Arguments &...>>;
    static_assert(std::is_void_v<answer> || std::is_integral_v<answer>, "a callable answers nothing, bool or a number");
    if constexpr (std::is_void_v<answer>) {
        std::invoke(callable, arguments...);
        return true;
    } else if constexpr (std::is_same_v<answer, bool>) {
        return std::invoke(callable, arguments...);
    } else {
        return std::invoke(callable, arguments...) == 0;
    }
}

}  // namespace detail

/**
 * How a call reports: where its error goes, as in report, and the callable that is called with its status lines: with a
 * std::string_view, good until it returns. It may stop the call.
 *
 * Made implicitly: `noop(code)`, `noop(print)`, `noop({print, code})`. Refers to both, which must be good until the
 * call returns.
 */
class call_options : public report {
public:
    call_options() noexcept = default;
    call_options(std::error_code &code) noexcept : report(code) {}
    call_options(const report &to) noexcept : report(to) {}

    template <typename Status, typename = std::enable_if_t<std::is_invocable_v<Status &, const std::string_view &>>>
    call_options(Status &&status, const report &to = {}) noexcept
        // a function's address is no void pointer without a cast
        : report(to), status_(reinterpret_cast<const void *>(std::addressof(status))),
          invoke_(&invoke<std::remove_reference_t<Status>>)
    {
    }

    /** Whether there is a callable for status lines. */
    [[nodiscard]] bool has_status() const noexcept { return invoke_ != nullptr; }
    /** Calls it; whether to go on. */
    [[nodiscard]] bool call_status(std::string_view line) const { return invoke_(status_, line); }

private:
    template <typename Status>
    static bool invoke(const void *status, std::string_view line)
    {
        return detail::goes_on(*reinterpret_cast<Status *>(const_cast<void *>(status)), line);
    }

    const void *status_ = nullptr;
    bool (*invoke_)(const void *, std::string_view) = nullptr;
};

namespace detail {

/** A string on its way to C, NUL behind it or NULL. Wiped, since it may be a secret. */
class c_text {
public:
    explicit c_text(std::optional<std::string_view> text) : text_(text.value_or("")), given_(text.has_value()) {}
    c_text(const c_text &) = delete;
    c_text &operator=(const c_text &) = delete;
    c_text(c_text &&) = delete;
    c_text &operator=(c_text &&) = delete;
    ~c_text()
    {
        // volatile, or it would be left out as nobody reads it any more
        std::fill_n(static_cast<volatile char *>(text_.data()), text_.size(), '\0');
    }

    [[nodiscard]] const char *get() const noexcept { return given_ ? text_.c_str() : nullptr; }
    [[nodiscard]] const char *refused() const noexcept
    {
        return text_.find('\0') == std::string::npos ? nullptr : "an argument holds a NUL";
    }

private:
    std::string text_;
    bool given_;
};

/** A number on its way to C. */
class c_number {
public:
    explicit c_number(std::int64_t number) noexcept : number_(number) {}

    [[nodiscard]] std::int32_t get() const noexcept { return static_cast<std::int32_t>(number_); }
    [[nodiscard]] const char *refused() const noexcept
    {
        using limits = std::numeric_limits<std::int32_t>;
        return limits::min() <= number_ && number_ <= limits::max() ? nullptr : "a number is out of range";
    }

private:
    std::int64_t number_;
};

/** A number of octets as C takes it. */
class c_octets {
public:
    explicit c_octets(std::int64_t octets) noexcept : octets_(octets) {}

    [[nodiscard]] std::int64_t get() const noexcept { return octets_; }
    [[nodiscard]] static const char *refused() noexcept { return nullptr; }

private:
    std::int64_t octets_;
};

/**
 * A call of the library that is under way in this thread. What callables throw or answer is kept here while the
 * library's frames are on the stack.
 */
class call {
public:
    explicit call(std::int32_t socket, const call_options &as = {}) noexcept : call(socket, as, true) {}
    /** One in which callables of many calls are called: none of them stops another. */
    struct of_many {};
    explicit call(of_many /*kind*/, const report &to = {}) noexcept : call(0, to, false) {}
    call(const call &) = delete;
    call &operator=(const call &) = delete;
    call(call &&) = delete;
    call &operator=(call &&) = delete;
    ~call() { current() = outer_; }

    /** Calls `function`, unless one of the arguments cannot go to C. */
    template <typename Function, typename... Arguments>
    std::int32_t make(Function &&function, const Arguments &...arguments)
    {
        for (const char *refused : {arguments.refused()...}) {
            if (refused != nullptr)
                return refuse(POP3_ERR_PARAMETER, refused);
        }
        return std::forward<Function>(function)(arguments.get()...);
    }

    /** What becomes of the call's result: throws what a callable threw, else reports an error. */
    std::int32_t finish(std::int32_t result)
    {
#ifdef __cpp_exceptions
        if (thrown_)
            std::rethrow_exception(std::exchange(thrown_, nullptr));
#endif
        // of connect, stat and recv, which could not be stopped any more
        if (stopped_ && result >= 0)
            result = refuse(POP3_ERR_CANCELLED, "stopped by a callback of the host");
        if (result >= 0) {
            options_.tell({}, {});
            return result;
        }
        if (!refused_)
            refusal() = nullptr;
        options_.tell({result, category()}, last_error());
        return 0;
    }

    [[nodiscard]] bool was_stopped() const noexcept { return stopped_; }
    [[nodiscard]] bool was_refused() const noexcept { return refused_; }

    /** An error of this wrapper's own, in words that last. */
    std::int32_t refuse(std::int32_t code, const char *why) noexcept
    {
        refused_ = true;
        refusal() = why;
        return code;
    }

    /** The status callback of the call's own callable. */
    [[nodiscard]] pop3_sts_cb status_cb() const noexcept { return options_.has_status() ? &on_status : nullptr; }
    /** The same for options, while there is no socket. */
    static void on_connecting_status(const char *status, void * /*context*/) noexcept
    {
        if (current() != nullptr && current()->socket_ == 0 && current()->options_.has_status())
            on_status(status);
    }
    /** Ends a connect whose status callable stopped it: there is no socket that could be cancelled. */
    static std::int32_t watch_connecting(std::int64_t /*done*/, std::int64_t /*total*/, void * /*context*/) noexcept
    {
        return current() != nullptr && current()->stopped_ ? 1 : 0;
    }

    /** Asks a callable whether to go on, unless one has said no already. */
    template <typename Ask>
    static bool ask(const Ask &ask) noexcept
    {
        call *const here = current();
        return (here == nullptr || !here->stopped_) && run(here, ask);
    }
    /** The same for one whose answer comes by itself: the call is stopped from outside. */
    template <typename Ask>
    static void ask_or_cancel(const Ask &question) noexcept
    {
        if (!ask(question) && current() != nullptr && current()->socket_ != 0)
            pop3_cancel(current()->socket_);
    }
    /** Calls a callable for a failure: nothing is left to be stopped, but it may throw. */
    template <typename Tell>
    static void tell(const Tell &tell) noexcept
    {
        /* the error that it is called for is newer than a refusal of an earlier call */
        refusal() = nullptr;
        run(current(), [&] {
            tell();
            return true;
        });
    }

private:
    call(std::int32_t socket, const call_options &as, bool stops) noexcept
        : socket_(socket), options_(as), outer_(current()), stops_(stops)
    {
        current() = this;
    }

    /** This thread's innermost call; NULL where C was called past this wrapper, whose callables it may call. */
    static call *&current() noexcept
    {
        static thread_local call *innermost = nullptr;
        return innermost;
    }

    template <typename Callable>
    static bool run(call *here, const Callable &callable) noexcept
    {
        bool go_on = false;
#ifdef __cpp_exceptions
        try {
            go_on = callable();
        } catch (...) {
            if (here != nullptr && !here->thrown_)
                here->thrown_ = std::current_exception();
        }
#else
        go_on = callable();
#endif
        if (here != nullptr && !go_on && here->stops_)
            here->stopped_ = true;
        return go_on;
    }

    static void on_status(const char *status) noexcept
    {
        ask_or_cancel([&] { return current()->options_.call_status(status); });
    }

    std::int32_t socket_;
    call_options options_;
    call *outer_;
    std::exception_ptr thrown_;
    /** Whether it is over when a callable says so. */
    bool stops_;
    bool stopped_ = false;
    bool refused_ = false;
};

/**
 * What is made of settings of C's, one setter each. What cannot go to C is refused here, and kept until it is set right; what C
 * refuses it knows itself.
 */
template <typename Raw, void (*Free)(Raw *)>
class settings {
public:
    explicit settings(Raw *raw) noexcept : raw_(raw) {}

    [[nodiscard]] Raw *get() const noexcept { return raw_.get(); }

    template <typename Setter, typename... Arguments>
    void set(const report &to, Setter setter, const Arguments &...arguments)
    {
        if (to.has_error())
            return;
        call call(0, to);
        const auto result = call.make([&](auto... given) { return setter(raw_.get(), given...); }, arguments...);
        const auto which = reinterpret_cast<void (*)()>(setter); // NOLINT: to be told from others, never called
        refused_.erase(std::remove(refused_.begin(), refused_.end(), which), refused_.end());
        if (call.was_refused())
            refused_.push_back(which);
        call.finish(result);
    }

    /** Makes a call by these settings, unless something was refused that C has not seen. */
    template <typename Function>
    std::int32_t call_with(call &call, const Function &function) const
    {
        return refused_.empty() ? function(raw_.get())
                                : call.refuse(POP3_ERR_PARAMETER, "a setter was refused and not set right since");
    }

private:
    struct free {
        void operator()(Raw *raw) const noexcept { Free(raw); }
    };

    std::unique_ptr<Raw, free> raw_;
    std::vector<void (*)()> refused_;
};

/** What C calls, with a callable of that type as its context. */
template <typename Callable>
struct c_callback {
    static Callable &callable(void *context) noexcept { return *static_cast<Callable *>(context); }

    static void status(const char *status, void *context) noexcept
    {
        call::ask_or_cancel([&] { return goes_on(callable(context), std::string_view(status)); });
    }
    static void error(const char *message, std::int32_t code, const char *command, void *context) noexcept
    {
        call::tell([&] {
            std::invoke(callable(context), std::error_code(code, category()), std::string_view(message),
                        std::string_view(command));
        });
    }
    static std::int32_t progress(std::int64_t done, std::int64_t total, void *context) noexcept
    {
        return call::ask([&] { return goes_on(callable(context), done, total); }) ? 0 : 1;
    }
    static std::int32_t data(const char *data, std::size_t len, void *context) noexcept
    {
        return call::ask([&] { return callable(context)(std::string_view(data, len)); }) ? 0 : 1;
    }
    static std::int32_t message(std::int32_t number, const char *data, std::size_t len, std::int32_t last,
                                void *context) noexcept
    {
        return call::ask([&] { return callable(context)(number, std::string_view(data, len), last); }) ? 0 : 1;
    }
    static std::int32_t collected(const pop3_arrival *arrival, const char *data, std::size_t len, std::int32_t last,
                                  void *context) noexcept
    {
        return call::ask([&] { return callable(context)(*arrival, std::string_view(data, len), last); }) ? 0 : 1;
    }
    static std::int32_t wanted(const pop3_arrival *arrival, void *context) noexcept
    {
        bool is_wanted = false;
        call::ask([&] {
            is_wanted = callable(context)(*arrival);
            return true;
        });
        return is_wanted ? 1 : 0;
    }
    static std::int32_t is_taken(const char *account, const char *uid, void *context) noexcept
    {
        std::int32_t answer = -1;
        call::ask([&] {
            answer = std::invoke(callable(context).is_taken, std::string_view(account), std::string_view(uid)) ? 1 : 0;
            return true;
        });
        return answer;
    }
    static std::int32_t taken(const char *account, const char *uid, void *context) noexcept
    {
        const auto taken = [&] {
            return goes_on(callable(context).taken, std::string_view(account), std::string_view(uid));
        };
        return call::ask(taken) ? 0 : 1;
    }
};

/** A book of the host's own. */
template <typename IsTaken, typename TakenNow>
struct host_book {
    IsTaken is_taken;
    TakenNow taken;
};

/** A structure of C that the library filled and frees. */
template <typename Raw, void (*Free)(Raw *)>
class owned {
public:
    owned() noexcept = default;
    owned(const owned &) = delete;
    owned &operator=(const owned &) = delete;
    owned(owned &&other) noexcept : raw_(std::exchange(other.raw_, Raw{})) {}
    owned &operator=(owned &&other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~owned() { Free(&raw_); }

    /** Where the library writes it, once. */
    Raw *out() noexcept { return &raw_; }
    [[nodiscard]] const Raw &get() const noexcept { return raw_; }

private:
    Raw raw_{};
};

/** What lists have in common. */
template <typename Raw, typename Item, void (*Free)(Raw *)>
class owned_list {
public:
    using value_type = Item;
    using const_iterator = const Item *;
    using iterator = const_iterator;

    [[nodiscard]] const Item *data() const noexcept { return raw_.get().items; }
    [[nodiscard]] std::size_t size() const noexcept { return raw_.get().count; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] const_iterator begin() const noexcept { return data(); }
    [[nodiscard]] const_iterator end() const noexcept { return data() + size(); }
    /** The item at that place, from 0, which must be less than size(). */
    const Item &operator[](std::size_t at) const noexcept { return data()[at]; }
    /** The numbers of the messages, as session::recv_messages takes them. */
    [[nodiscard]] std::vector<std::int32_t> numbers() const
    {
        std::vector<std::int32_t> numbers(size());
        std::transform(begin(), end(), numbers.begin(), [](const Item &item) { return item.number; });
        return numbers;
    }

private:
    friend class pop3::session;
    owned<Raw, Free> raw_;
};

}  // namespace detail

/** Messages and their sizes, to iterate over: pop3_message_info. Moves, and frees them. */
using message_list = detail::owned_list<pop3_list, pop3_message_info, pop3_list_free>;

/** Messages and their unique ids, to iterate over: pop3_uid, whose `uid` lives as long as this. Moves, frees them. */
using uid_list = detail::owned_list<pop3_uid_list, pop3_uid, pop3_uid_list_free>;

/** Bytes, as of a message; with a NUL after them that size() does not count, unless it is empty. Moves, frees them. */
class buffer {
public:
    using value_type = char;
    using const_iterator = const char *;
    using iterator = const_iterator;

    /** NULL in one that no call has filled. */
    [[nodiscard]] const char *data() const noexcept { return raw_.get().data; }
    [[nodiscard]] std::size_t size() const noexcept { return raw_.get().len; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] const_iterator begin() const noexcept { return data(); }
    [[nodiscard]] const_iterator end() const noexcept { return data() + size(); }
    /** All of it, good as long as this. */
    [[nodiscard]] std::string_view view() const noexcept { return {data(), size()}; }

private:
    friend class session;
    detail::owned<pop3_buffer, pop3_buffer_free> raw_;
};

/** What is known of a session's TLS. Moves, and frees it; what it answers is good as long. "" where none is known. */
class tls_info {
public:
    /** As "TLSv1.3". */
    [[nodiscard]] std::string_view version() const noexcept { return view(raw_.get().version); }
    /** The cipher suite. */
    [[nodiscard]] std::string_view cipher() const noexcept { return view(raw_.get().cipher); }
    /** The server's certificate in PEM, "" if it sent none. */
    [[nodiscard]] std::string_view peer_pem() const noexcept { return view(raw_.get().peer_pem); }
    /** Whether an earlier session was resumed. */
    [[nodiscard]] bool resumed() const noexcept { return raw_.get().resumed != 0; }
    /** Whether the server's certificate and name were verified. */
    [[nodiscard]] bool verified() const noexcept { return raw_.get().verified != 0; }

private:
    friend class session;
    static std::string_view view(const char *text) noexcept { return text == nullptr ? "" : text; }

    detail::owned<pop3_tls_info, pop3_tls_info_free> raw_;
};

/** A field of a message's header: pop3_field. */
struct field {
    std::string_view name;
    std::string_view value;
};

/** A part of a message: pop3_part. */
struct part {
    std::int32_t level;
    std::string_view content_type;
    std::string_view content_subtype;
    std::string_view charset;
    std::string_view encoding;
    std::string_view disposition;
    std::string_view content_id;
    std::string_view file_name;
    /** Nothing where C has NULL. */
    std::optional<std::string_view> text;
    std::optional<std::string_view> data;
};

/** A message taken apart. Moves, and frees it; what its fields and parts show is good as long, also where it has moved. */
class mail {
public:
    using seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

    [[nodiscard]] const std::vector<field> &fields() const noexcept { return fields_; }
    [[nodiscard]] const std::vector<part> &parts() const noexcept { return parts_; }
    /** When it was written, where that can be understood. */
    [[nodiscard]] std::optional<seconds> date() const noexcept { return date_; }
    /** The value of the first field of that name, in upper or lower case; nothing if there is none. */
    [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const noexcept
    {
        const auto lower = [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        const auto is = [&](const field &field) {
            return std::equal(name.begin(), name.end(), field.name.begin(), field.name.end(),
                              [&](char one, char other) { return lower(one) == lower(other); });
        };
        const auto found = std::find_if(fields_.begin(), fields_.end(), is);
        return found == fields_.end() ? std::nullopt : std::optional(found->value);
    }

private:
    friend mail split(std::string_view message, const report &to);

    /** Shows what C has written. */
    void show()
    {
        const pop3_mail &raw = raw_.get();
        const auto bytes = [](const char *data, std::size_t len) {
            return data == nullptr ? std::nullopt : std::optional(std::string_view(data, len));
        };
        fields_.reserve(raw.field_count);
        std::for_each_n(raw.fields, raw.field_count,
                        [&](const pop3_field &field) { fields_.push_back({field.name, field.value}); });
        parts_.reserve(raw.part_count);
        std::for_each_n(raw.parts, raw.part_count, [&](const pop3_part &part) {
            parts_.push_back({part.level, part.content_type, part.content_subtype, part.charset, part.encoding,
                              part.disposition, part.content_id, part.file_name, bytes(part.text, part.text_len),
                              bytes(part.data, part.data_len)});
        });
        if (raw.date != (std::numeric_limits<std::int64_t>::min)())
            date_ = seconds(std::chrono::seconds(raw.date));
    }

    detail::owned<pop3_mail, pop3_mail_free> raw_;
    std::vector<field> fields_;
    std::vector<part> parts_;
    std::optional<seconds> date_;
};

/**
 * pop3_split: takes a message apart.
 *
 * Threads: thread-safe.
 */
[[nodiscard]] inline mail split(std::string_view message, const report &to = {})
{
    mail mail;
    detail::call call(0, to);
    if (call.finish(pop3_split(message.data(), message.size(), mail.raw_.out())) >= 0)
        mail.show();
    return mail;
}

/** How the connection is encrypted: not at all, by implicit TLS, by STARTTLS. */
enum class security : std::int32_t { none = 0, tls = 1, starttls = 2 };

/** The address family to connect by; any is Happy Eyeballs (RFC 8305). */
enum class address_family : std::int32_t { any = 0, ipv4 = 4, ipv6 = 6 };

/** Versions of TLS; the first two are for old appliances alone. */
enum class tls_version : std::int32_t { tls_1_0 = 10, tls_1_1 = 11, tls_1_2 = 12, tls_1_3 = 13 };

/** Server, user, password and so on, as pop3_connect takes them. The strings must be good until the call returns. */
struct account {
    std::string_view server;
    std::string_view user;
    std::string_view pass;
    /** Not 0 by default as in C: a connection in the clear must be asked for. */
    security secure = security::tls;
    /** Whether the server's certificate and name must verify; only significant with encryption. */
    bool verify = true;
};

/** A piece of one of many messages, good until the callable returns. */
struct piece {
    /** The message's number. */
    std::int32_t number;
    /** The next bytes of it; may be none. */
    std::string_view data;
    /** Whether these are its final bytes: it has come whole. */
    bool last;
    /** The error where the server refused that number, in the only piece there is then. */
    std::error_code refused;
};

/** A message that options::collect has found to be new: pop3_arrival. Good until the callable returns. */
struct arrival {
    /** Its unique id, or what stands for it. */
    std::string_view uid;
    /** Its number in the session that is open. */
    std::int32_t number;
    /** Its size in octets, -1 where the server does not say it. */
    std::int64_t size;
};

/** A piece of a new message, good until the callable returns. */
struct collected {
    /** The message. */
    arrival of;
    /** The next bytes of it; may be none. */
    std::string_view data;
    /** Whether these are its final bytes: where the callable goes on, the message counts as taken. */
    bool last;
    /** The error where the message does not come, or what has come of it is to be thrown away. */
    std::error_code failed;
};

/** What became of a run: pop3_outcome. */
using outcome = pop3_outcome;

/** One of many messages, in memory. */
struct message {
    /** Its number. */
    std::int32_t number;
    /** As the server stores it. */
    std::string text;
    /** The error where the server refused that number. */
    std::error_code refused;
};

/**
 * Ends calls of a session from elsewhere: pop3_cancel. From session::get_canceller; may be copied.
 *
 * Threads: thread-safe, while the session is used in another one, moved, or gone.
 */
class canceller {
public:
    /** Of no session. */
    canceller() noexcept = default;

    /**
     * Ends the call that is under way, which then reports errc::cancelled; the session is over. Where none is under
     * way nothing happens.
     *
     * Returns false where the session has been disconnected.
     */
    bool cancel() const // NOLINT(modernize-use-nodiscard): it is done whether one asks or not
    {
        std::error_code code;
        detail::call call(0, code);
        call.finish(pop3_cancel(socket_));
        return !code;
    }

private:
    friend class session;
    explicit canceller(std::int32_t socket) noexcept : socket_(socket) {}

    std::int32_t socket_ = 0;
};

class message_range;

namespace detail {

/** What takes the pieces of many messages as C gives them. */
template <typename Take>
auto taking_pieces(Take &take)
{
    return [&take](std::int32_t number, std::string_view data, std::int32_t last) {
        const std::error_code refused = last < 0 ? std::error_code(last, category()) : std::error_code();
        return goes_on(take, piece{number, data, last == 1, refused});
    };
}

/** What takes the pieces of new messages as C gives them. */
template <typename Take>
auto taking_collected(Take &take)
{
    return [&take](const pop3_arrival &of, std::string_view data, std::int32_t last) {
        const std::error_code failed = last < 0 ? std::error_code(last, category()) : std::error_code();
        return goes_on(take, collected{arrival{of.uid, of.number, of.size}, data, last == 1, failed});
    };
}

/** The callables of options, which sessions share with them. */
struct listeners {
    std::shared_ptr<void> status, error, progress;
};

}  // namespace detail

/**
 * A session with a server: the owner of a socket.
 *
 * Moves; never copied. An empty one, made by default, moved from or disconnected, answers errc::bad_socket.
 *
 * Threads: one at a time; a call that comes while another is under way reports errc::busy. It must not be moved,
 * disconnected or destroyed while a call of it is under way, by a callable neither. get_canceller() is for ending a
 * call from another thread.
 */
class session {
public:
    session() noexcept = default;
    /** Takes a socket over that C connected. An error instead of a socket makes an empty one. */
    explicit session(std::int32_t socket) noexcept : session(socket, {}) {}
    session(const session &) = delete;
    session &operator=(const session &) = delete;
    session(session &&other) noexcept
        : socket_(std::exchange(other.socket_, 0)), listeners_(std::exchange(other.listeners_, {}))
    {
    }
    session &operator=(session &&other) noexcept
    {
        session taken(std::move(other));
        std::swap(socket_, taken.socket_);
        std::swap(listeners_, taken.listeners_);
        return *this;
    }
    /**
     * Disconnects, and swallows what came of it and what callables threw; what is marked is deleted. Error callables
     * are called for a failure, and last_error() has its words from then on. disconnect(), called before, reports it.
     */
    ~session()
    {
        if (socket_ != 0) {
            const detail::call swallowing(socket_);
            pop3_disconnect(socket_, nullptr);
        }
    }

    /** Whether it is not empty. The session on it may be over all the same. */
    explicit operator bool() const noexcept { return socket_ != 0; }

    /**
     * The socket, still owned by this; 0 in an empty one.
     *
     * In calls of C with it the callables of options are called too. What they throw is lost then, and stops the call
     * only if it was progress; where C is called inside a callable, it counts for the call which that is of.
     */
    [[nodiscard]] std::int32_t native_handle() const noexcept { return socket_; }

    /** For ending calls from another thread. */
    [[nodiscard]] canceller get_canceller() const noexcept { return canceller(socket_); }

    /** pop3_disconnect: has what is marked deleted. Empty afterwards, save where it reports errc::busy. */
    void disconnect(const call_options &as = {})
    {
        detail::call call(socket_, as);
        const std::int32_t result = pop3_disconnect(socket_, call.status_cb());
        if (result != POP3_ERR_BUSY) {
            socket_ = 0;
            listeners_ = {};
        }
        call.finish(result);
    }

    /** pop3_message_count */
    std::int32_t message_count(const call_options &as = {}) { return make(as, pop3_message_count); }

    /** pop3_mailbox */
    pop3_mailbox_size mailbox(const call_options &as = {})
    {
        pop3_mailbox_size size = {};
        make(as, pop3_mailbox, &size);
        return size;
    }

    /** pop3_list_messages of all */
    message_list list_messages(const call_options &as = {}) { return list_messages(0, as); }
    /** pop3_list_messages of one, or of all by 0 */
    message_list list_messages(std::int32_t number, const call_options &as = {})
    {
        return get<message_list>(as, pop3_list_messages, number);
    }

    /** pop3_unique_ids of all */
    uid_list unique_ids(const call_options &as = {}) { return unique_ids(0, as); }
    /** pop3_unique_ids of one, or of all by 0 */
    uid_list unique_ids(std::int32_t number, const call_options &as = {})
    {
        return get<uid_list>(as, pop3_unique_ids, number);
    }

    /** pop3_recv_headers */
    buffer recv_headers(std::int32_t number, const call_options &as = {})
    {
        return get<buffer>(as, pop3_recv_headers, number);
    }
    /** pop3_recv_top */
    buffer recv_top(std::int32_t number, std::int32_t lines, const call_options &as = {})
    {
        return get<buffer>(as, pop3_recv_top, number, lines);
    }
    /** pop3_recv_message */
    buffer recv_message(std::int32_t number, const call_options &as = {})
    {
        return get<buffer>(as, pop3_recv_message, number);
    }
    /** pop3_recv_uid */
    buffer recv_uid(std::string_view uid, const call_options &as = {})
    {
        buffer message;
        make_for(as, pop3_recv_uid, uid, message.raw_.out());
        return message;
    }

    /**
     * pop3_recv_message_to: a message of any size, piece by piece.
     *
     * - `take`: takes a std::string_view, good until it returns; may stop the call.
     */
    template <typename Take>
    void recv_message_to(std::int32_t number, Take &&take, const call_options &as = {})
    {
        auto callable = [&take](std::string_view data) { return detail::goes_on(take, data); };
        make(as, pop3_recv_message_to, number, &detail::c_callback<decltype(callable)>::data,
             static_cast<void *>(&callable));
    }

    /**
     * pop3_recv_messages: many messages, piece by piece, pipelined where the server can.
     *
     * - `take`: takes a pop3::piece; may stop the call.
     *
     * Returns how many messages were delivered whole.
     */
    template <typename Take>
    std::int32_t recv_messages(const std::vector<std::int32_t> &numbers, Take &&take, const call_options &as = {})
    {
        auto callable = detail::taking_pieces(take);
        return make(as, pop3_recv_messages, numbers.data(), numbers.size(),
                    &detail::c_callback<decltype(callable)>::message, static_cast<void *>(&callable));
    }

    /**
     * pop3_recv_tops: the headers of many messages and the first lines of their bodies, piece by piece, pipelined where
     * the server can.
     *
     * - `take`: takes a pop3::piece; may stop the call.
     *
     * Returns how many of them were delivered whole.
     */
    template <typename Take>
    std::int32_t recv_tops(const std::vector<std::int32_t> &numbers, std::int32_t lines, Take &&take,
                           const call_options &as = {})
    {
        auto callable = detail::taking_pieces(take);
        return make(as, pop3_recv_tops, numbers.data(), numbers.size(), lines,
                    &detail::c_callback<decltype(callable)>::message, static_cast<void *>(&callable));
    }

    /**
     * Many messages as a range: `for (const pop3::message &message : session.messages(numbers))`.
     *
     * They come as by recv_messages, `ahead` of them (at least 1) at a time into memory, pipelined where the server
     * can. The loop may be left at any message. What fails in iterating is reported once the messages that had come
     * whole before have been given: it throws, or sets `to` and ends the loop.
     *
     * - `to`: where errors go; of a std::error_code the reference must be good as long as the range. Clear after a
     *   loop that came to its end.
     *
     * The range refers to the session, which must neither be moved nor go before it; so it is not to be had of a
     * temporary one.
     */
    message_range messages(std::vector<std::int32_t> numbers, std::size_t ahead = 16, const report &to = {}) &;

    /** pop3_delete_message */
    void delete_message(std::int32_t number, const call_options &as = {}) { make(as, pop3_delete_message, number); }
    /**
     * pop3_delete_messages: many messages, pipelined where the server can.
     *
     * Returns how many were marked. Where the server refused some, all others are marked, and the first refusal is
     * reported.
     */
    std::int32_t delete_messages(const std::vector<std::int32_t> &numbers, const call_options &as = {})
    {
        return make(as, pop3_delete_messages, numbers.data(), numbers.size());
    }
    /** pop3_delete_uid */
    void delete_uid(std::string_view uid, const call_options &as = {}) { make_for(as, pop3_delete_uid, uid); }
    /** pop3_undo_deletes */
    void undo_deletes(const call_options &as = {}) { make(as, pop3_undo_deletes); }
    /** pop3_noop */
    void noop(const call_options &as = {}) { make(as, pop3_noop); }
    /** pop3_capabilities: one a line, each ended by LF */
    buffer capabilities(const call_options &as = {}) { return get<buffer>(as, pop3_capabilities); }

    /** pop3_get_tls_info */
    tls_info get_tls_info(const report &to = {})
    {
        tls_info info;
        detail::call call(socket_, to);
        call.finish(pop3_get_tls_info(socket_, info.raw_.out()));
        return info;
    }

private:
    friend class options;
    session(std::int32_t socket, detail::listeners listeners) noexcept
        : socket_(std::max<std::int32_t>(socket, 0)), listeners_(std::move(listeners))
    {
    }

    /** Makes a call of C, whose last parameter is a pop3_sts_cb. */
    template <typename Function, typename... Arguments>
    std::int32_t make(const call_options &as, Function function, Arguments... arguments)
    {
        detail::call call(socket_, as);
        return call.finish(function(socket_, arguments..., call.status_cb()));
    }
    /** The same with a string before the other arguments. */
    template <typename Function, typename... Arguments>
    std::int32_t make_for(const call_options &as, Function function, std::string_view text, Arguments... arguments)
    {
        detail::call call(socket_, as);
        return call.finish(call.make(
            [&](const char *c_text) { return function(socket_, c_text, arguments..., call.status_cb()); },
            detail::c_text(text)));
    }
    /** The same with a structure to write, before that. */
    template <typename Result, typename Function, typename... Arguments>
    Result get(const call_options &as, Function function, Arguments... arguments)
    {
        Result result;
        make(as, function, arguments..., result.raw_.out());
        return result;
    }

    std::int32_t socket_ = 0;
    detail::listeners listeners_;
};

/** Messages that are read while one iterates over them, once: see session::messages. */
class message_range {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = message;
        using difference_type = std::ptrdiff_t;
        using pointer = message *;
        using reference = message &;

        /** The end. */
        iterator() noexcept = default;

        /** The message, which may be moved from; good until the next one is asked for. */
        reference operator*() const noexcept { return range_->batch_[range_->at_]; }
        pointer operator->() const noexcept { return &**this; }
        iterator &operator++()
        {
            if (!range_->advance())
                range_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &one, const iterator &other) noexcept
        {
            return one.range_ == other.range_;
        }
        friend bool operator!=(const iterator &one, const iterator &other) noexcept { return !(one == other); }

    private:
        friend class message_range;
        explicit iterator(message_range *range) noexcept : range_(range) {}

        message_range *range_ = nullptr;
    };

    message_range(const message_range &) = delete;
    message_range &operator=(const message_range &) = delete;
    message_range(message_range &&) = delete;
    message_range &operator=(message_range &&) = delete;
    ~message_range() = default;

    /** Reads the first messages. To be called once. */
    iterator begin() { return iterator(fetch() ? this : nullptr); }
    [[nodiscard]] iterator end() const noexcept { return {}; }

private:
    friend class session;
    message_range(session *from, std::vector<std::int32_t> numbers, std::size_t ahead, const report &to) noexcept
        : session_(from), numbers_(std::move(numbers)), ahead_(std::max<std::size_t>(ahead, 1)), to_(to)
    {
    }

    /** Goes to the next message; whether there is one. */
    bool advance() { return ++at_ < batch_.size() || fetch(); }

    /** Reads the next messages; whether there are any. */
    bool fetch()
    {
        at_ = 0;
        batch_.clear();
        const auto begin = numbers_.begin() + static_cast<std::ptrdiff_t>(read_);
        const std::size_t count = std::min(ahead_, numbers_.size() - read_);
        if (!failed_ && count != 0) {
            read_ += count;
            bool whole = true;
            session_->recv_messages({begin, begin + static_cast<std::ptrdiff_t>(count)}, [&](const piece &piece) {
                if (std::exchange(whole, piece.last || piece.refused))
                    batch_.push_back({piece.number, {}, piece.refused});
                batch_.back().text += piece.data;
            }, failed_);
            if (failed_)
                words_ = last_error();
            if (!whole)
                batch_.pop_back();
        }
        if (batch_.empty())
            to_.tell(failed_, words_);
        return !batch_.empty();
    }

    session *session_;
    std::vector<std::int32_t> numbers_;
    std::size_t ahead_;
    report to_;
    /** How many of the numbers have been asked for. */
    std::size_t read_ = 0;
    std::vector<message> batch_;
    std::size_t at_ = 0;
    std::error_code failed_;
    std::string words_;
};

inline message_range session::messages(std::vector<std::int32_t> numbers, std::size_t ahead, const report &to) &
{
    return {this, std::move(numbers), ahead, to};
}

/**
 * What is to be collected: pop3_job, of whose functions each has a setter here. For options::collect.
 *
 * Each setter answers the job, so that they can be written one behind the other; given a std::error_code, all after the
 * first that failed are passed over. Moved from, its setters report errc::parameter.
 */
class job {
public:
    job() noexcept : settings_(pop3_job_new()) {}

    /** The book, an SQLite file; std::nullopt for none. */
    job &book(std::optional<std::string_view> path, const report &to = {})
    {
        return set(to, pop3_job_set_book, detail::c_text(path));
    }
    /**
     * A book of the host's own.
     *
     * - `is_taken`: takes the account and the unique id as std::string_view, and answers whether that message was taken.
     * - `taken`: takes the same; may stop the run, and the message then has not been taken.
     */
    template <typename IsTaken, typename TakenNow,
              typename = std::enable_if_t<std::is_invocable_v<IsTaken &, std::string_view, std::string_view>>>
    job &book(IsTaken &&is_taken, TakenNow &&taken, const report &to = {})
    {
        using callables = detail::host_book<std::decay_t<IsTaken>, std::decay_t<TakenNow>>;
        auto both = std::make_shared<callables>(
            callables{std::forward<IsTaken>(is_taken), std::forward<TakenNow>(taken)});
        if (to.has_error())
            return *this;
        detail::call call(0, to);
        using callback = detail::c_callback<callables>;
        const auto result = pop3_job_set_book_cb(settings_.get(), &callback::is_taken, &callback::taken, both.get());
        if (result >= 0)
            book_ = std::move(both);
        call.finish(result);
        return *this;
    }
    /** After how many days what was taken is deleted, 0 at once; std::nullopt for never. */
    job &delete_after(std::optional<std::int64_t> days, const report &to = {})
    {
        return set(to, pop3_job_set_delete, detail::c_number(days.value_or(-1)));
    }
    job &newest_first(bool on, const report &to = {})
    {
        return set(to, pop3_job_set_order, detail::c_number(on ? 1 : 0));
    }
    job &limits(std::int64_t messages, std::int64_t octets_each = 0, std::int64_t octets_all = 0, const report &to = {})
    {
        return set(to, pop3_job_set_limits, detail::c_number(messages), detail::c_octets(octets_each),
                   detail::c_octets(octets_all));
    }
    /** The header and so many lines; std::nullopt for whole messages. */
    job &lines(std::optional<std::int64_t> lines, const report &to = {})
    {
        return set(to, pop3_job_set_lines, detail::c_number(lines.value_or(-1)));
    }
    /**
     * Who says what is wanted.
     *
     * - `wants`: takes the pop3::arrival, and answers whether it is wanted now. nullptr for everything.
     */
    template <typename Wants>
    job &wanted(Wants &&wants, const report &to = {})
    {
        auto asking = [wants = std::decay_t<Wants>(std::forward<Wants>(wants))](const pop3_arrival &of) mutable -> bool {
            return std::invoke(wants, arrival{of.uid, of.number, of.size});
        };
        auto callable = std::make_shared<decltype(asking)>(std::move(asking));
        return listen(&detail::c_callback<decltype(asking)>::wanted, std::move(callable), to);
    }
    job &wanted(std::nullptr_t, const report &to = {}) { return listen(nullptr, nullptr, to); }

private:
    friend class options;
    friend class loop;

    template <typename Setter, typename... Arguments>
    job &set(const report &to, Setter setter, const Arguments &...arguments)
    {
        settings_.set(to, setter, arguments...);
        return *this;
    }

    job &listen(pop3_wanted_cb function, std::shared_ptr<void> callable, const report &to)
    {
        if (to.has_error())
            return *this;
        detail::call call(0, to);
        const auto result = pop3_job_set_wanted_cb(settings_.get(), function, callable.get());
        if (result >= 0)
            wanted_ = std::move(callable);
        call.finish(result);
        return *this;
    }

    /** Makes a run whose messages that callable takes. */
    template <typename Callable>
    std::int32_t run(detail::call &call, const pop3_options *options, Callable &callable, outcome &out)
    {
        return settings_.call_with(call, [&](pop3_job *raw) {
            pop3_job_set_message_cb(raw, &detail::c_callback<Callable>::collected, &callable);
            const auto result = pop3_collect(options, raw, &out);
            pop3_job_set_message_cb(raw, nullptr, nullptr);
            return result;
        });
    }

    detail::settings<pop3_job, pop3_job_free> settings_;
    std::shared_ptr<void> book_, wanted_;
};

/**
 * The options of a connection: pop3_options, which it owns. Moves; never copied.
 *
 * Each setter is pop3_options_set_… of the same name, and answers the options, so that they chain. Given a
 * std::error_code that holds an error already a setter does nothing, so that a chain stops at its first refusal. What was
 * refused and not set right since has connect(), stat() and recv() report errc::parameter. std::nullopt is back to the
 * default. Moved from, its setters and these three report errc::parameter.
 *
 * Threads: connect(), stat() and recv() are thread-safe, as long as no thread sets anything meanwhile.
 */
class options {
public:
    options() noexcept : settings_(pop3_options_new()) {}

    /**
     * Connects and logs in: pop3_connect_with.
     *
     * A connect that a status callable stops ends with the next wait, within a second. The session shares the callables
     * of these options, which may go or be set anew.
     *
     * Returns the session; an empty one where it failed.
     */
    [[nodiscard]] session connect(const report &to = {}) const { return connect_as(to); }

    /** pop3_stat_with: how many messages wait; connects, asks, disconnects. */
    std::int32_t stat(const report &to = {}) const // NOLINT(modernize-use-nodiscard): as pop3::stat
    {
        detail::call call(0, to);
        return call.finish(call_with(call, pop3_stat_with));
    }

    /** pop3_recv_with: reads the messages of a mailbox, as pop3::recv. */
    template <typename Take>
    std::int32_t recv(Take &&take, bool delete_after = false, // NOLINT(modernize-use-nodiscard): as pop3::recv
                      std::int32_t max_messages = 0, const report &to = {}) const
    {
        auto callable = detail::taking_pieces(take);
        detail::call call(0, to);
        return call.finish(call_with(call, [&](const pop3_options *raw) {
            return pop3_recv_with(raw, &detail::c_callback<decltype(callable)>::message, &callable,
                                  delete_after ? 1 : 0, max_messages);
        }));
    }

    /**
     * Collects what is new in a mailbox: pop3_collect.
     *
     * - `what`: the job, which takes one run at a time.
     * - `take`: takes each pop3::collected; may stop the run.
     *
     * Returns what became of it, of a run that ended with an error as well where that is written to a std::error_code.
     */
    template <typename Take>
    outcome collect(job &what, Take &&take, const report &to = {}) const
    {
        outcome out{};
        auto callable = detail::taking_collected(take);
        detail::call call(0, to);
        call.finish(call_with(call, [&](const pop3_options *raw) { return what.run(call, raw, callable, out); }));
        return out;
    }

    options &server(std::optional<std::string_view> server, const report &to = {})
    {
        return set(to, pop3_options_set_server, detail::c_text(server));
    }
    options &user(std::optional<std::string_view> user, const report &to = {})
    {
        return set(to, pop3_options_set_user, detail::c_text(user));
    }
    options &password(std::optional<std::string_view> password, const report &to = {})
    {
        return set(to, pop3_options_set_password, detail::c_text(password));
    }
    options &oauth_token(std::optional<std::string_view> token, const report &to = {})
    {
        return set(to, pop3_options_set_oauth_token, detail::c_text(token));
    }
    options &authzid(std::optional<std::string_view> authzid, const report &to = {})
    {
        return set(to, pop3_options_set_authzid, detail::c_text(authzid));
    }
    options &mechanism(std::optional<std::string_view> name, const report &to = {})
    {
        return set(to, pop3_options_set_mechanism, detail::c_text(name));
    }
    options &secure(security secure, const report &to = {})
    {
        return set(to, pop3_options_set_secure, detail::c_number(static_cast<std::int32_t>(secure)));
    }
    options &verify(bool verify, const report &to = {})
    {
        return set(to, pop3_options_set_verify, detail::c_number(verify ? 1 : 0));
    }
    options &secure_dir(std::optional<std::string_view> path, const report &to = {})
    {
        return set(to, pop3_options_set_secure_dir, detail::c_text(path));
    }
    options &ca_file(std::optional<std::string_view> path, const report &to = {})
    {
        return set(to, pop3_options_set_ca_file, detail::c_text(path));
    }
    options &platform_trust(bool on, const report &to = {})
    {
        return set(to, pop3_options_set_platform_trust, detail::c_number(on ? 1 : 0));
    }
    options &client_cert(std::optional<std::string_view> cert_pem_path, std::optional<std::string_view> key_pem_path,
                         const report &to = {})
    {
        return set(to, pop3_options_set_client_cert, detail::c_text(cert_pem_path), detail::c_text(key_pem_path));
    }
    options &client_pkcs12(std::optional<std::string_view> path, std::optional<std::string_view> password,
                           const report &to = {})
    {
        return set(to, pop3_options_set_client_pkcs12, detail::c_text(path), detail::c_text(password));
    }
    options &tls_min(tls_version version, const report &to = {})
    {
        return set(to, pop3_options_set_tls_min, detail::c_number(static_cast<std::int32_t>(version)));
    }
    options &tls_name(std::optional<std::string_view> name, const report &to = {})
    {
        return set(to, pop3_options_set_tls_name, detail::c_text(name));
    }
    /** Each is refused beyond 2 147 483 647 ms; 0 has C's meaning. */
    options &timeouts(std::chrono::milliseconds connect, std::chrono::milliseconds reply,
                      std::chrono::milliseconds whole_call, const report &to = {})
    {
        return set(to, pop3_options_set_timeouts, detail::c_number(connect.count()), detail::c_number(reply.count()),
                   detail::c_number(whole_call.count()));
    }
    options &family(address_family family, const report &to = {})
    {
        return set(to, pop3_options_set_family, detail::c_number(static_cast<std::int32_t>(family)));
    }
    options &source_address(std::optional<std::string_view> address, const report &to = {})
    {
        return set(to, pop3_options_set_source_address, detail::c_text(address));
    }
    options &proxy(std::optional<std::string_view> url, const report &to = {})
    {
        return set(to, pop3_options_set_proxy, detail::c_text(url));
    }
    options &utf8(bool on, const report &to = {})
    {
        return set(to, pop3_options_set_utf8, detail::c_number(on ? 1 : 0));
    }
    options &language(std::optional<std::string_view> tag, const report &to = {})
    {
        return set(to, pop3_options_set_language, detail::c_text(tag));
    }
    options &pipelining(bool on, const report &to = {})
    {
        return set(to, pop3_options_set_pipelining, detail::c_number(on ? 1 : 0));
    }
    options &capabilities(bool on, const report &to = {})
    {
        return set(to, pop3_options_set_capabilities, detail::c_number(on ? 1 : 0));
    }
    options &clear_password(bool allowed, const report &to = {})
    {
        return set(to, pop3_options_set_clear_password, detail::c_number(allowed ? 1 : 0));
    }
    options &max_message(std::int64_t octets, const report &to = {})
    {
        return set(to, pop3_options_set_max_message, detail::c_octets(octets));
    }
    options &fingerprint(std::optional<std::string_view> sha256, const report &to = {})
    {
        return set(to, pop3_options_set_fingerprint, detail::c_text(sha256));
    }

    /**
     * The callable for status lines.
     *
     * - `status`: takes a std::string_view, good until it returns; may stop the call. nullptr for none.
     */
    template <typename Status>
    options &on_status(Status &&status, const report &to = {})
    {
        using callable = std::decay_t<Status>;
        return listen(&detail::listeners::status, pop3_options_set_status_cb, &detail::c_callback<callable>::status,
                      std::make_shared<callable>(std::forward<Status>(status)), to);
    }
    options &on_status(std::nullptr_t, const report &to = {})
    {
        return listen(&detail::listeners::status, pop3_options_set_status_cb, nullptr, nullptr, to);
    }
    /**
     * The callable for failures.
     *
     * - `error`: takes the std::error_code, and as std::string_view, good until it returns, the words and the command;
     *   what it answers does not count. What it throws takes the place of the error. nullptr for none.
     */
    template <typename Error>
    options &on_error(Error &&error, const report &to = {})
    {
        using callable = std::decay_t<Error>;
        return listen(&detail::listeners::error, pop3_options_set_error_cb, &detail::c_callback<callable>::error,
                      std::make_shared<callable>(std::forward<Error>(error)), to);
    }
    options &on_error(std::nullptr_t, const report &to = {})
    {
        return listen(&detail::listeners::error, pop3_options_set_error_cb, nullptr, nullptr, to);
    }
    /**
     * The callable for progress.
     *
     * - `progress`: takes the octets that have come and those of the whole message, -1 where that is not known, as
     *   std::int64_t; may stop the call. nullptr for none.
     */
    template <typename Progress>
    options &on_progress(Progress &&progress, const report &to = {})
    {
        using callable = std::decay_t<Progress>;
        return listen(&detail::listeners::progress, pop3_options_set_progress_cb,
                      &detail::c_callback<callable>::progress,
                      std::make_shared<callable>(std::forward<Progress>(progress)), to);
    }
    options &on_progress(std::nullptr_t, const report &to = {})
    {
        return listen(&detail::listeners::progress, pop3_options_set_progress_cb, nullptr, nullptr, to);
    }

private:
    friend class loop;
    friend session connect(const account &to, const call_options &as);

    [[nodiscard]] session connect_as(const call_options &as) const
    {
        detail::call call(0, as);
        const std::int32_t result = call_with(call, pop3_connect_with);
        // before the call is finished, so that one that was stopped too late is disconnected
        session made(result, listeners_);
        call.finish(result);
        return call.was_stopped() ? session() : std::move(made);
    }

    template <typename Setter, typename... Arguments>
    options &set(const report &to, Setter setter, const Arguments &...arguments)
    {
        settings_.set(to, setter, arguments...);
        return *this;
    }

    /** Makes a call by these options. */
    template <typename Function>
    std::int32_t call_with(detail::call &call, const Function &function) const
    {
        return settings_.call_with(call, function);
    }

    template <typename Setter, typename Function>
    options &listen(std::shared_ptr<void> detail::listeners::*which, Setter setter, Function function,
                    std::shared_ptr<void> callable, const report &to)
    {
        if (to.has_error())
            return *this;
        detail::call call(0, to);
        const std::int32_t result = setter(settings_.get(), function, callable.get());
        if (result >= 0)
            listeners_.*which = std::move(callable);
        if (listeners_.status && !listeners_.progress)
            pop3_options_set_progress_cb(settings_.get(), &detail::call::watch_connecting, nullptr);
        call.finish(result);
        return *this;
    }

    /** The call's own callable is called with the status lines of connecting, and may stop it. */
    void call_for_status() noexcept
    {
        pop3_options_set_status_cb(settings_.get(), &detail::call::on_connecting_status, nullptr);
        pop3_options_set_progress_cb(settings_.get(), &detail::call::watch_connecting, nullptr);
    }

    detail::settings<pop3_options, pop3_options_free> settings_;
    detail::listeners listeners_;
};

namespace detail {

/** A call of a loop: the callables that are its own, and what must live until it is over. */
template <typename Done, typename Take = std::nullptr_t>
struct loop_call {
    Done done;
    Take take;
    listeners of_options{};
    std::shared_ptr<void> book{}, wanted{};
    outcome out{};

    /** Takes a piece, of one of many messages and of a new one. */
    bool operator()(std::int32_t number, std::string_view data, std::int32_t last)
    {
        return taking_pieces(take)(number, data, last);
    }
    bool operator()(const pop3_arrival &of, std::string_view data, std::int32_t last)
    {
        return taking_collected(take)(of, data, last);
    }

    /** What C calls when it is over. */
    static void counted(std::int32_t /*call*/, std::int32_t result, void *context) noexcept
    {
        end(context, result, std::max(result, 0));
    }
    static void collected(std::int32_t /*call*/, std::int32_t result, void *context) noexcept
    {
        end(context, result, static_cast<loop_call *>(context)->out);
    }

private:
    template <typename Result>
    static void end(void *context, std::int32_t result, const Result &answer) noexcept
    {
        const std::unique_ptr<loop_call> ended(static_cast<loop_call *>(context));
        const std::error_code code = result < 0 ? std::error_code(result, category()) : std::error_code();
        call::tell([&] { std::invoke(ended->done, code, answer); });
    }
};

}  // namespace detail

/**
 * Many calls at a time on one thread: pop3_loop, which it owns. Moves; never copied.
 *
 * stat(), recv() and collect() add a call and answer its number, for cancel(). It is over in a later run(), which calls
 * `done`, with pop3::last_error() for that call. Callables are kept until then, those of the options and of the job too,
 * both of which may go or be set anew.
 *
 * - A callable that stops its call, by what it answers or throws, stops no other. A status callable stops none; its loop
 *   can by cancel(). The error is errc::cancelled (of a book's callables errc::book), and `done` is called with it, as
 *   for every call that was added.
 * - What callables throw comes out of the run() in which they were called when that has ended: the first one. The calls
 *   that are under way stay so. What a status, wanted, error or done callable throws stops no call.
 * - Destroyed it ends the calls under way: `done` is called with errc::cancelled, and what it throws is swallowed.
 *
 * Threads: one at a time, save for wake(). It must not be moved or destroyed in a callable of its own calls.
 */
class loop {
public:
    /** pop3_loop_new. Where that fails its calls report errc::parameter, as those of one that was moved from do. */
    explicit loop(const report &to = {})
    {
        detail::call call(0, to);
        raw_.reset(pop3_loop_new());
        call.finish(raw_ ? POP3_OK : call.refuse(POP3_ERR_OUT_OF_MEMORY, "no descriptor or memory for a loop"));
    }

    /**
     * pop3_loop_stat: how many messages wait.
     *
     * - `done`: takes a std::error_code and the number as std::int32_t.
     */
    template <typename Done>
    std::int32_t stat(const options &by, Done &&done, const report &to = {})
    {
        using state = detail::loop_call<std::decay_t<Done>>;
        return add(std::unique_ptr<state>(new state{std::forward<Done>(done), nullptr}), by, to,
                   [this](detail::call & /*call*/, const pop3_options *raw, state *context) {
                       return pop3_loop_stat(raw_.get(), raw, &state::counted, context);
                   });
    }

    /**
     * pop3_loop_recv: reads the messages of a mailbox.
     *
     * - `take`: takes a pop3::piece; may stop the call.
     * - `done`: takes a std::error_code and how many were received whole as std::int32_t.
     * - `delete_after`, `max_messages`: as for pop3::recv.
     */
    template <typename Take, typename Done>
    std::int32_t recv(const options &by, Take &&take, Done &&done, bool delete_after = false,
                      std::int32_t max_messages = 0, const report &to = {})
    {
        using state = detail::loop_call<std::decay_t<Done>, std::decay_t<Take>>;
        return add(std::unique_ptr<state>(new state{std::forward<Done>(done), std::forward<Take>(take)}), by, to,
                   [&](detail::call & /*call*/, const pop3_options *raw, state *context) {
                       return pop3_loop_recv(raw_.get(), raw, &detail::c_callback<state>::message, delete_after ? 1 : 0,
                                             max_messages, &state::counted, context);
                   });
    }

    /**
     * pop3_loop_collect: collects what is new in a mailbox.
     *
     * - `what`: the job, which is copied.
     * - `take`: takes each pop3::collected; may stop the call.
     * - `done`: takes a std::error_code and the pop3::outcome, good until it returns.
     */
    template <typename Take, typename Done>
    std::int32_t collect(const options &by, job &what, Take &&take, Done &&done, const report &to = {})
    {
        using state = detail::loop_call<std::decay_t<Done>, std::decay_t<Take>>;
        std::unique_ptr<state> made(new state{std::forward<Done>(done), std::forward<Take>(take)});
        made->book = what.book_;
        made->wanted = what.wanted_;
        return add(std::move(made), by, to, [&](detail::call &call, const pop3_options *raw, state *context) {
            return what.settings_.call_with(call, [&](pop3_job *raw_job) {
                pop3_job_set_message_cb(raw_job, &detail::c_callback<state>::collected, context);
                const auto number =
                    pop3_loop_collect(raw_.get(), raw, raw_job, &context->out, &state::collected, context);
                pop3_job_set_message_cb(raw_job, nullptr, nullptr);
                return number;
            });
        });
    }

    /** pop3_loop_cancel: by the number that the call was added with. */
    void cancel(std::int32_t number, const report &to = {})
    {
        detail::call call(0, to);
        call.finish(pop3_loop_cancel(raw_.get(), number));
    }

    /** pop3_loop_run that waits until something has come, where any call is under way. */
    std::int32_t run(const report &to = {}) { return run(std::nullopt, to); }
    /**
     * pop3_loop_run.
     *
     * - `timeout`: how long to wait at most; std::nullopt until something has come, where any call is under way.
     *
     * Returns how many calls are under way.
     */
    std::int32_t run(std::optional<std::chrono::milliseconds> timeout, const report &to = {})
    {
        detail::call call(detail::call::of_many(), to);
        return call.finish(call.make([this](std::int32_t ms) { return pop3_loop_run(raw_.get(), ms); },
                                     detail::c_number(timeout ? timeout->count() : -1)));
    }

    /** pop3_loop_fd: for the host's own loop; -1 where there is none. */
    [[nodiscard]] std::int32_t fd() const noexcept { return pop3_loop_fd(raw_.get()); }
    /** pop3_loop_timeout: in what time run() must be called even if nothing comes; nothing for never. */
    [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const noexcept
    {
        const std::int32_t ms = pop3_loop_timeout(raw_.get());
        return ms < 0 ? std::nullopt : std::optional(std::chrono::milliseconds(ms));
    }

    /**
     * pop3_loop_wake: run() returns.
     *
     * Threads: thread-safe, while it is not moved or destroyed.
     */
    void wake() const noexcept { pop3_loop_wake(raw_.get()); }

    /** pop3_loop_set_limits: how many calls go on at once, and to servers of the same name; 0 for any number. */
    void set_limits(std::int32_t at_once, std::int32_t at_once_each_host, const report &to = {})
    {
        detail::call call(0, to);
        call.finish(pop3_loop_set_limits(raw_.get(), at_once, at_once_each_host));
    }

    /** The loop of C, still owned by this. What callables throw in a pop3_loop_run of it is lost. */
    [[nodiscard]] pop3_loop *native_handle() const noexcept { return raw_.get(); }

private:
    /** Adds a call, to which `state` belongs from then on. */
    template <typename State, typename Function>
    std::int32_t add(std::unique_ptr<State> state, const options &by, const report &to, const Function &function)
    {
        state->of_options = by.listeners_;
        detail::call call(0, to);
        const std::int32_t number =
            by.call_with(call, [&](const pop3_options *raw) { return function(call, raw, state.get()); });
        if (number > 0)
            static_cast<void>(state.release());
        return call.finish(number);
    }

    struct free {
        void operator()(pop3_loop *raw) const noexcept
        {
            const detail::call swallowing(detail::call::of_many{});
            pop3_loop_free(raw);
        }
    };

    std::unique_ptr<pop3_loop, free> raw_;
};

/**
 * Connects and logs in: pop3_connect, stopped by a status callable with the next wait, within a second.
 *
 * Returns the session; an empty one where it failed.
 */
[[nodiscard]] inline session connect(const account &to, const call_options &as = {})
{
    // what it held before does not refuse a setter
    as.tell({}, {});
    options options;
    options.server(to.server, as).user(to.user, as).password(to.pass, as).secure(to.secure, as).verify(to.verify, as);
    if (as.has_error())
        return {};
    if (as.has_status())
        options.call_for_status();
    return options.connect_as(as);
}

namespace detail {

/** Makes a call of C that begins with an account. */
template <typename Function>
std::int32_t without_socket(const account &to, const call_options &as, const Function &function)
{
    call call(0, as);
    return call.finish(call.make(
        [&](const char *server, const char *user, const char *pass) {
            return function(server, user, pass, call.status_cb(), static_cast<std::int32_t>(to.secure),
                            to.verify ? 1 : 0);
        },
        c_text(to.server), c_text(to.user), c_text(to.pass)));
}

}  // namespace detail

/**
 * pop3_stat: how many messages wait; connects, asks, disconnects.
 *
 * A status callable cannot stop it: it goes on to its end without further calls of it, and then reports
 * errc::cancelled, or throws.
 */
inline std::int32_t stat(const account &to, const call_options &as = {})
{
    return detail::without_socket(to, as, pop3_stat);
}

/**
 * pop3_recv: reads the messages of a mailbox; connects, reads, disconnects.
 *
 * A status callable stops it with the next piece of a message. If there is none any more it goes on to its end,
 * without further calls of it, and then reports errc::cancelled, or throws.
 *
 * - `take`: takes a pop3::piece; may stop the call.
 * - `delete_after`: whether to delete each message that was delivered.
 * - `max_messages`: how many messages to read at the most, from the first; 0 reads all.
 *
 * Returns how many were received whole.
 */
template <typename Take>
std::int32_t recv(const account &to, Take &&take, bool delete_after = false, std::int32_t max_messages = 0,
                  const call_options &as = {})
{
    auto callable = detail::taking_pieces(take);
    const auto function = [&](auto server, auto user, auto pass, auto status, auto secure, auto verify) {
        return pop3_recv(server, user, pass, &detail::c_callback<decltype(callable)>::message, &callable,
                         delete_after ? 1 : 0, status, max_messages, secure, verify);
    };
    return detail::without_socket(to, as, function);
}

/**
 * pop3_forget: forgets what is remembered of a server, or by std::nullopt of all.
 *
 * Threads: thread-safe.
 */
inline void forget(std::optional<std::string_view> server, const report &to = {})
{
    detail::call call(0, to);
    call.finish(call.make(
        [](const char *text) {
            pop3_forget(text);
            return POP3_OK;
        },
        detail::c_text(server)));
}

/**
 * pop3_set_comms_timeout: how long each wait may take, for the process.
 *
 * Threads: thread-safe.
 */
inline void set_comms_timeout(std::chrono::seconds timeout, const report &to = {})
{
    detail::call call(0, to);
    call.finish(call.make(pop3_set_comms_timeout, detail::c_number(timeout.count())));
}

/**
 * pop3_set_secure_dir: the folder with certificates of authorities, for the process; std::nullopt for the default.
 *
 * Threads: thread-safe.
 */
inline void set_secure_dir(std::optional<std::string_view> path, const report &to = {})
{
    detail::call call(0, to);
    call.finish(call.make(pop3_set_secure_dir, detail::c_text(path)));
}

namespace detail {

/** The error callable of the process. */
class error_listener {
public:
    using function = std::function<void(std::error_code, std::string_view, std::string_view)>;

    /** Never destroyed: other threads may call when the process already ends. */
    static error_listener &instance()
    {
        static auto &instance = *new error_listener; // NOLINT(cppcoreguidelines-owning-memory)
        return instance;
    }

    void set(std::shared_ptr<const function> callable)
    {
        const pop3_error_cb callback = callable ? &on_error : nullptr;
        const std::lock_guard<std::mutex> lock(mutex_);
        callable_.swap(callable);
        pop3_set_error_cb(callback);
    }

private:
    static void on_error(const char *message, std::int32_t code, const char *command) noexcept
    {
        call::tell([&] {
            if (const auto callable = instance().get())
                (*callable)({code, category()}, message, command);
        });
    }
    std::shared_ptr<const function> get()
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return callable_;
    }

    std::mutex mutex_;
    std::shared_ptr<const function> callable_;
};

}  // namespace detail

/**
 * pop3_set_error_cb: the callable for every command that fails in the process, from the next failure on.
 *
 * - `error`: as for options::on_error, called in any thread that calls the library, by several at once. nullptr for
 *   none. It lives until another is set and the calls that are in it have returned, or as long as the process.
 *
 * Threads: thread-safe.
 */
template <typename Error>
void set_error_callback(Error &&error)
{
    // shared, since std::function wants what can be copied
    auto held = std::make_shared<std::decay_t<Error>>(std::forward<Error>(error));
    detail::error_listener::instance().set(std::make_shared<const detail::error_listener::function>(
        [held](std::error_code code, std::string_view message, std::string_view command) {
            std::invoke(*held, code, message, command);
        }));
}
inline void set_error_callback(std::nullptr_t)
{
    detail::error_listener::instance().set(nullptr);
}

}  // namespace pop3

template <>
struct std::is_error_code_enum<pop3::errc> : std::true_type {};

#endif  /* POP3_CONNECT_HPP */

/*
 * Prints what is in a mailbox: of each message its number, date, sender and subject, in columns.
 *
 *   POP3_PASS=password inbox SERVER[:PORT] USER [SECURE [VERIFY]]
 *
 * SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS), VERIFY 0 or 1. With the C++ wrapper of the library: the headers
 * are asked for together, and each is printed as soon as it has come. What is printed is UTF-8.
 */
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "pop3connect.hpp"

namespace {

struct range {
    char32_t first, last;
};

template <std::size_t Count>
bool any_has(const std::array<range, Count> &ranges, char32_t point)
{
    return std::any_of(ranges.begin(), ranges.end(),
                       [=](const range &range) { return range.first <= point && point <= range.last; });
}

/* How many columns of a terminal a character takes, as near as a few ranges come to it. */
std::size_t columns_of(char32_t point)
{
    // accents that stand on the letter before, and joiners
    constexpr std::array<range, 5> none{{{0x300, 0x36f}, {0x591, 0x5bd}, {0x64b, 0x65f}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}}};
    // East Asia's, and pictures
    constexpr std::array<range, 7> two{{{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                        {0xff00, 0xff60}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}}};
    return any_has(none, point) ? 0 : any_has(two, point) ? 2 : 1;
}

/* Whether a terminal would take it for an order, or turn the line round: nothing that a sender should do. */
bool is_control(char32_t point)
{
    constexpr std::array<range, 4> controls{{{0, 0x1f}, {0x7f, 0x9f}, {0x202a, 0x202e}, {0x2066, 0x2069}}};
    return any_has(controls, point);
}

/* Takes the first character off a text that is not empty; the library answers nothing but valid UTF-8. */
char32_t take_character(std::string_view &text)
{
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    char32_t point = length == 1 ? first : first & (0x7fU >> length);
    for (const char next : text.substr(1, length - 1))
        point = point << 6U | (static_cast<unsigned char>(next) & 0x3fU);
    text.remove_prefix(std::min(length, text.size()));
    return point;
}

/* As much of a text as goes into that many columns, and blanks to fill them. */
std::string fitted(std::string_view text, std::size_t columns)
{
    std::string shown;
    while (!text.empty()) {
        const std::string_view rest = text;
        const char32_t point = take_character(text);
        const std::size_t needed = columns_of(point);
        if (needed > columns)
            break;
        columns -= needed;
        shown += is_control(point) ? " " : std::string(rest.substr(0, rest.size() - text.size()));
    }
    return shown.append(columns, ' ');
}

std::string date_of(const pop3::mail &mail)
{
    std::array<char, sizeof "2001-12-31 23:59"> text{};
    if (mail.date()) {
        const std::time_t seconds = mail.date()->time_since_epoch().count();
        if (const std::tm *local = std::localtime(&seconds))
            if (std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", local) > 0)
                return text.data();
    }
    return "";
}

/* Who sent it: the name that stands before the address, or the address where there is none. */
std::string_view sender_of(const pop3::mail &mail)
{
    const std::string_view from = mail.value("From").value_or("");
    const std::size_t bracket = from.rfind('<');
    const std::string_view name = from.substr(0, bracket);
    const std::size_t first = name.find_first_not_of(" \"");
    if (first == std::string_view::npos)
        return from.substr(bracket + 1, from.find('>', bracket) - bracket - 1);
    return name.substr(first, name.find_last_not_of(" \"") - first + 1);
}

void print_line(std::int32_t number, std::string_view date, std::string_view sender, std::string_view subject)
{
    std::string line = fitted(date, 16) + "  " + fitted(sender, 24) + "  " + fitted(subject, 70);
    line.erase(line.find_last_not_of(' ') + 1);
    std::cout << std::setw(5) << number << "  " << line << '\n';
}

void print_mailbox(pop3::session &session)
{
    const std::vector<std::int32_t> numbers = session.list_messages().numbers();
    std::cout << numbers.size() << " messages\n";
    std::string header;
    session.recv_tops(numbers, 0, [&](const pop3::piece &piece) {
        header += piece.data;
        if (piece.refused) {
            print_line(piece.number, "", "", "(" + piece.refused.message() + ")");
        } else if (piece.last) {
            const pop3::mail mail = pop3::split(header);
            print_line(piece.number, date_of(mail), sender_of(mail), mail.value("Subject").value_or("(none)"));
            header.clear();
        }
    });
}

void run(const std::vector<std::string> &arguments, const char *pass)
{
    const auto number = [&](std::size_t at, int otherwise) {
        return arguments.size() > at ? std::stoi(arguments[at]) : otherwise;
    };
    pop3::options options;
    options.server(arguments[1]).user(arguments[2]).password(pass);
    options.secure(static_cast<pop3::security>(number(3, 0))).verify(number(4, 1) != 0);
    pop3::session session = options.connect();
    print_mailbox(session);
    // the destructor would do it too, but not say what went wrong
    session.disconnect();
}

}  // namespace

int main(int count, char **words)
{
    const std::vector<std::string> arguments(words, words + count);
    const char *pass = std::getenv("POP3_PASS");
    if (count < 3 || count > 5 || pass == nullptr) {
        std::cerr << "usage: POP3_PASS=password inbox SERVER[:PORT] USER [SECURE [VERIFY]]\n";
        return 2;
    }
    try {
        run(arguments, pass);
        return EXIT_SUCCESS;
    } catch (const pop3::error &error) {
        std::cerr << "error " << error.code().value() << ": " << error.what() << '\n';
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
    }
    return EXIT_FAILURE;
}

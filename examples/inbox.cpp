/*
 * Prints what is in a mailbox: of each message its number, size, unique id and subject.
 *
 *   POP3_PASS=password inbox SERVER[:PORT] USER [SECURE [VERIFY]]
 *
 * SECURE is 0 (in the clear), 1 (TLS) or 2 (STARTTLS), VERIFY 0 or 1. With the C++ wrapper of the library.
 */
#include <cstdlib>
#include <exception>
#include <algorithm>
#include <cctype>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "pop3connect.hpp"

namespace {

bool begins_with(std::string_view line, std::string_view name)
{
    const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
    return line.size() >= name.size() && std::equal(name.begin(), name.end(), line.begin(), same);
}

/* The subject in a message's header, as far as its first line goes. */
std::string_view subject_of(std::string_view header)
{
    const std::string_view name = "Subject: ";
    while (!header.empty()) {
        const std::string_view line = header.substr(0, header.find('\n'));
        if (begins_with(line, name))
            return line.substr(name.size(), line.find('\r', name.size()) - name.size());
        header.remove_prefix(std::min(line.size() + 1, header.size()));
    }
    return "(none)";
}

void print_mailbox(pop3::session &session)
{
    const pop3::message_list messages = session.list_messages();
    std::cout << messages.size() << " messages\n";
    for (const pop3_message_info &message : messages) {
        const pop3::uid_list ids = session.unique_ids(message.number);
        const pop3::buffer header = session.recv_headers(message.number);
        std::cout << std::setw(4) << message.number << std::setw(10) << message.size << "  " << ids[0].uid << "  "
                  << subject_of(header.view()) << '\n';
    }
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

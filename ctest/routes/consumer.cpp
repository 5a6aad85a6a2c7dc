/*
 * What ctest/install/consumer.c does, in C++: consumer_cpp VERSION [SERVER]
 */
#include <iostream>
#include <pop3connect.hpp>

int main(int argc, char **argv)
try {
    if (argc < 2 || pop3::version() != argv[1]) {
        std::cout << "the library is " << pop3::version() << '\n';
        return 1;
    }
    if (argc == 2)
        return 0;
    pop3::session session = pop3::connect({argv[2], "alice", "s3cret pass", pop3::security::tls});
    const std::int32_t messages = session.message_count();
    session.disconnect();
    std::cout << messages << " messages\n";
    return messages == 3 ? 0 : 1;
} catch (const pop3::error &error) {
    std::cout << error.what() << '\n';
    return 1;
}

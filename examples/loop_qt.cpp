/* What loop_epoll.c does, in Qt's event loop: POP3_PASS=password loop_qt SECONDS SECURE USER SERVER[:PORT]... */
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>

#include <QByteArray>
#include <QCoreApplication>
#include <QObject>
#include <QSocketNotifier>
#include <QTextStream>
#include <QTimer>

#include "pop3connect.hpp"

int main(int count, char **arguments)
{
    QTextStream out(stdout);
    const QByteArray password = qgetenv("POP3_PASS");
    if (count < 5 || password.isNull()) {
        out << "usage: POP3_PASS=password " << arguments[0] << " SECONDS SECURE USER SERVER[:PORT]...\n";
        return 2;
    }
    const QCoreApplication host(count, arguments);
    pop3::loop mail;
    QSocketNotifier notifier(mail.fd(), QSocketNotifier::Read);
    QTimer timer;
    timer.setSingleShot(true);
    const auto run = [&] {
        std::error_code error;
        if (mail.run(std::chrono::milliseconds(0), error) <= 0)
            return QCoreApplication::quit();
        // another one after each run
        const auto wait = mail.timeout();
        wait ? timer.start(*wait) : timer.stop();
    };
    QObject::connect(&notifier, &QSocketNotifier::activated, run);
    QObject::connect(&timer, &QTimer::timeout, run);

    int failures = 0;
    pop3::options options;
    options.timeouts({}, {}, std::chrono::seconds(std::atoi(arguments[1])));
    options.secure(static_cast<pop3::security>(std::atoi(arguments[2]))).user(arguments[3]).password(password.data());
    for (int i = 4; i < count; i++) {
        const auto print = [&, server = arguments[i]](std::error_code error, std::int32_t messages) {
            out << server << ": " << (error ? error.value() : messages) << ' '
                << (error ? pop3::last_error().c_str() : "messages") << Qt::endl;
            failures += error ? 1 : 0;
        };
        std::error_code error;
        mail.stat(options.server(arguments[i], error), print, error);
        if (error)
            print(error, 0); // it has not begun
    }
    timer.start(0);
    QCoreApplication::exec();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

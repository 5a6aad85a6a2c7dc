// The samples in C++ of the documents, run: each has a case of its name here, and what it does is checked.
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "samples.hpp"
#include "wrapper.hpp"

extern "C" {
#include "ports.h"
#include "stage.h"
}

namespace {

using names = std::vector<std::int32_t>;

/* The account that samples use. */
pop3::options alice(std::string_view password = "secret")
{
    pop3::options options;
    options.server("pop.example.com").user("alice").password(password).secure(pop3::security::tls);
    return options;
}

std::string read(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void sample_print_all()
{
    serve("pass=secret messages=3");
    catch_output();
    print_all();
    std::cout.flush();
    CHECK_INT(count_of(caught_output(), "Subject: "), 3);
    CHECK_INT(messages_left(), 3);
}

void sample_mailbox()
{
    serve("pass=secret messages=3");
    catch_output();
    int result = main_mailbox();
    CHECK_INT(count_of(caught_output(), "Subject: "), 3);
    CHECK_INT(result, 0);
    CHECK_INT(messages_left(), 0);
    // where nothing can be printed nothing is deleted
    serve("pass=secret messages=3");
    refuse_output();
    result = main_mailbox();
    std::cout.clear();
    caught_output();
    CHECK_INT(result, 0);
    CHECK_INT(messages_left(), 3);
    serve("pass=another");
    catch_output();
    result = main_mailbox();
    std::cout.flush();
    CHECK_HAS(caught_output(), "error -2002: ");
    CHECK_INT(result, 1);
}

void sample_stream()
{
    char folder[] = "/tmp/pop3-samples-XXXXXX";
    make_temporary(folder);
    const std::string path = std::string(folder) + "/1.eml";
    serve("pass=secret messages=2 size=300000");
    pop3::session session = alice().connect();
    save_message(session, 2, path);
    CHECK(read(path) == session.recv_message(2).view());
    CHECK_THROWS(save_message(session, 3, path), pop3::errc::server);
    for (const std::string &nowhere : {std::string(folder) + "/none/1.eml", std::string("/dev/full")}) {
        bool failed = false;
        try {
            save_message(session, 1, nowhere);
        } catch (const std::ios_base::failure &) {
            failed = true;
        }
        CHECK(failed);
    }
    remove_folder(folder);
}

void sample_bulk()
{
    serve("pass=secret messages=4 size=300");
    pop3::session session = alice().connect();
    names whole;
    CHECK_INT(read_new(session, {"uid-2"}, [&](const pop3::piece &piece) {
        if (piece.last)
            whole.push_back(piece.number);
    }), 3);
    CHECK(whole == names({1, 3, 4}));
}

void sample_collect()
{
    char folder[] = "/tmp/pop3-sample-XXXXXX";
    make_temporary(folder);
    const std::string book = std::string(folder) + "/book";
    serve("pass=secret messages=3 size=400");
    catch_output();
    const std::int64_t first = collect_mail(alice(), book);
    const std::int64_t second = collect_mail(alice(), book);
    std::cout.flush();
    CHECK_STR(caught_output(), "3 taken, 0 deleted, 0 left, 0 failed\n0 taken, 0 deleted, 0 left, 0 failed\n");
    CHECK_INT(first, 1200);
    CHECK_INT(second, 0);
    remove_folder(folder);
}

void sample_split()
{
    const char *text =
        "From: =?utf-8?q?M=C3=BCller?= <eva@example.com>\r\nTo: x@example.com\r\nSubject: files\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee there\n\r\n--b\r\n\r\nnot this\r\n--b\r\n"
        "Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8=\r\n--b--\r\n";
    catch_output();
    print_mail(text);
    std::cout.flush();
    CHECK_STR(caught_output(), "From: M\xc3\xbcller <eva@example.com>\nSubject: files\nsee there\n[a.png, 2 bytes]\n");
}

void sample_options()
{
    std::ostringstream log;
    serve("pass=secret");
    account("alice", "secret", log).connect().message_count();
    CHECK_HAS(log.str().c_str(), "pop3: C: STAT\npop3: S: +OK");
    CHECK_HAS(log.str().c_str(), "pop3: C: QUIT\n");
    CHECK_HAS_NOT(log.str().c_str(), "secret");
}

void sample_trust()
{
    serve("pass=secret");
    pop3::options options = alice();
    catch_output();
    const bool trusted = static_cast<bool>(connect_trusting(options, in(server_dir(), "ca.pem")));
    const bool refused = !connect_trusting(options, in(server_dir(), "other-ca.pem"));
    std::cout.flush();
    const char *output = caught_output();
    CHECK(trusted && refused);
    CHECK_HAS(output, "TLSv1.3, TLS_");
    CHECK_HAS(output, ", verified\nnot trusted: ");
}

void sample_many()
{
    serve("pass=secret messages=7");
    std::vector<pop3::options> accounts;
    for (const char *password : {"secret", "guessed", "secret"})
        accounts.push_back(alice(password));
    CHECK(count_side_by_side(accounts) == names({7, POP3_ERR_AUTH, 7}));
}

} // namespace

int main()
{
    stage_begin();
#define SAMPLE(name) RUN(sample_##name);
#include "samples_cpp.inc"
    return check_result();
}

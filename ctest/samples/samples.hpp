/* What the samples in C++ of the documents define: the linker compares it with them. See extract.sh. */
#ifndef SAMPLES_HPP
#define SAMPLES_HPP

#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "pop3connect.hpp"

void print_all();
int main_mailbox();
void save_message(pop3::session &session, std::int32_t number, const std::string &path);
std::int32_t read_new(pop3::session &session, const std::set<std::string> &known,
                      const std::function<void(const pop3::piece &)> &take);
std::int64_t collect_mail(const pop3::options &options, std::string_view book);
void print_mail(std::string_view message);
pop3::options account(std::string_view user, std::string_view password, std::ostream &log);
pop3::session connect_trusting(pop3::options &options, std::string_view ca_file);
std::vector<std::int32_t> count_side_by_side(const std::vector<pop3::options> &accounts);

#endif

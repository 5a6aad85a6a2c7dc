/* The second unit of translation of test_cpp.cpp. */
#ifndef TEST_CPP_UNIT_HPP
#define TEST_CPP_UNIT_HPP

#include "pop3connect.hpp"

const std::error_category &other_unit_category();
const char *&other_unit_refusal();
pop3::session other_unit_connect(std::string_view server);
std::error_code other_unit_noop(pop3::session &session, const std::function<void(std::string_view)> &status);

#endif

/* A second unit of translation of test_cpp.cpp, in a library of its own that hides its symbols, as plug-ins do. */
#ifndef TEST_CPP_UNIT_HPP
#define TEST_CPP_UNIT_HPP

#include "pop3connect.hpp"

#define EXPORTED [[gnu::visibility("default")]]

EXPORTED const std::error_category &other_unit_category();
EXPORTED const char *&other_unit_refusal();
EXPORTED pop3::session other_unit_connect(std::string_view server);
EXPORTED std::error_code other_unit_noop(pop3::session &session, const std::function<void(std::string_view)> &status);

#endif

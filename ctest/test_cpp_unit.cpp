#include "test_cpp_unit.hpp"

#include "wrapper.hpp"

const std::error_category &other_unit_category()
{
    return pop3::category();
}

const char *&other_unit_refusal()
{
    return pop3::detail::refusal();
}

pop3::session other_unit_connect(std::string_view server)
{
    return pop3::connect({server, "alice", PASS, pop3::security::none, true});
}

std::error_code other_unit_noop(pop3::session &session, const std::function<void(std::string_view)> &status)
{
    std::error_code code;
    session.noop({status, code});
    return code;
}

#include "call.h"

#include <mutex>

/* The call that the thread is in. */
static thread_local Call *current;

/* The process's. The lock is not held while the host is called. */
static std::mutex lock;
static std::string error_proc;

static EXTfldval value_of(EXTParamInfo *param)
{
    return EXTfldval(reinterpret_cast<qfldval>(param->mData));
}

/* A command takes what it can use: Omnis' constants and variables for a Boolean may be numbers. */
static bool fits(const ECOparam &wanted, ffttype type)
{
    bool may_be_bytes = (wanted.mFlags & EXTD_FLAG_PARAMALTER) != 0 || wanted.mName == MESSAGE;
    return type == wanted.mType || (wanted.mType == fftBoolean && type == fftInteger)
           || (wanted.mType == fftCharacter && may_be_bytes && type == fftBinary)
           || (wanted.mName == BODY && type == fftList);
}

Call::Call(EXTCompInfo *eci, const ECOmethodEvent &method) : eci(eci), method(method), outer(current)
{
    current = this;
}

Call::~Call()
{
    current = outer;
}

void Call::check()
{
    if (ECOgetParamCount(eci) > method.mParamCount)
        throw Refused{BAD_PARAMETER_COUNT, "there are too many parameters"};
    for (qshort number = 1; number <= method.mParamCount; number++) {
        const ECOparam &wanted = method.mParams[number - 1];
        EXTParamInfo *param = find(number);
        ffttype type;
        if (param == nullptr && (wanted.mFlags & EXTD_FLAG_PARAMOPT) == 0)
            throw Refused{BAD_PARAMETER_COUNT, "parameter " + std::to_string(number) + " is missing"};
        if (param == nullptr)
            continue;
        value_of(param).getType(type);
        if (!fits(wanted, type))
            throw Refused{POP3_ERR_PARAMETER, "parameter " + std::to_string(number) + " is of another type"};
        if (wanted.mName == STSPROC)
            sts_proc = method_name(STSPROC);
    }
}

/* The parameter, unless it was left out; one without a value was, unless it is a variable that is to get one. */
EXTParamInfo *Call::find(qshort number) const
{
    EXTParamInfo *param = ECOfindParamNum(eci, number);
    bool is_to_be_changed = (method.mParams[number - 1].mFlags & EXTD_FLAG_PARAMALTER) != 0;
    ffttype type;
    if (param == nullptr)
        return nullptr;
    value_of(param).getType(type);
    return type == fftNone || (value_of(param).isNull() && !is_to_be_changed) ? nullptr : param;
}

qshort Call::position(ParameterName name) const
{
    qshort number = 1;
    while (method.mParams[number - 1].mName != name)
        number++;
    return number;
}

bool Call::is_given(ParameterName name) const
{
    return find(position(name)) != nullptr;
}

EXTfldval Call::value(ParameterName name) const
{
    return value_of(find(position(name)));
}

Text Call::text(ParameterName name) const
{
    EXTfldval characters = value(name);
    Text text(characters);
    if (text.has_nul())
        throw Refused{POP3_ERR_PARAMETER, "parameter " + std::to_string(position(name)) + " has a NUL inside"};
    return text;
}

qlong Call::number(ParameterName name, qlong otherwise) const
{
    return is_given(name) ? value(name).getLong() : otherwise;
}

/* Of what fits a Boolean: kFalse 0, kTrue 1, and other numbers as they are. */
qlong Call::truth(ParameterName name, qlong otherwise) const
{
    if (!is_given(name))
        return otherwise;
    EXTfldval given = value(name);
    ffttype type;
    given.getType(type);
    if (type == fftInteger)
        return given.getLong();
    qshort truth = given.getBool();
    return truth == preBoolEmpty ? otherwise : truth == preBoolTrue;
}

std::string Call::content(ParameterName name) const
{
    EXTfldval given = value(name);
    if (type(name) != fftBinary) {
        Text text(given);
        return std::string(text.c_str(), text.size());
    }
    qlong length = given.getBinLen();
    std::string bytes(static_cast<std::size_t>(length), '\0');
    given.getBinary(length, reinterpret_cast<qbyte *>(&bytes[0]), length);
    bytes.resize(static_cast<std::size_t>(length));
    return bytes;
}

ffttype Call::type(ParameterName name) const
{
    ffttype type;
    value(name).getType(type);
    return type;
}

std::unique_ptr<EXTqlist> Call::list(ParameterName name) const
{
    std::unique_ptr<EXTqlist> list(value(name).getList(qfalse));
    if (list == nullptr)
        throw Refused{BAD_LIST, "the list cannot be used"};
    return list;
}

void Call::set(ParameterName name, const char *bytes, std::size_t length)
{
    EXTfldval variable = value(name);
    set_content(variable, bytes, length);
    is_changed(name);
}

void Call::is_changed(ParameterName name)
{
    ECOsetParameterChanged(eci, position(name));
}

void Call::answer(qlong code)
{
    EXTfldval result;
    result.setLong(code);
    ECOaddParam(eci, &result);
}

void Call::answer(const char *text)
{
    EXTfldval result;
    set_text(result, text);
    ECOaddParam(eci, &result);
}

void Call::throw_kept() const
{
    if (kept != nullptr)
        std::rethrow_exception(kept);
}

pop3_sts_cb Call::status() const
{
    return sts_proc.empty() ? nullptr : on_status;
}

/* Neither a host that throws nor a lack of memory may disturb the library, which goes on without the line. */
void Call::on_status(const char *status) noexcept
try {
    str255 hash_variable;
    set_name(hash_variable, "#S1");
    EXTfldval s1(hash_variable, qfalse, current->eci->mLocLocp);
    set_text(s1, status);
    current->do_method(current->sts_proc, nullptr, 0);
} catch (...) {
}

void Call::on_error(const char *message, int32_t code, const char *command) noexcept
try {
    /* somebody else in the process may use the library without the component */
    if (current != nullptr && current->kept == nullptr)
        current->call_error_proc(message, code, command);
} catch (...) {
}

void Call::report(const char *message, qlong code) const noexcept
try {
    str255 name;
    RESloadString(gInstLib, method.mName, name);
    EXTfldval command;
    command.setChar(name);
    call_error_proc(message, code, Text(command).c_str());
} catch (...) {
}

void Call::call_error_proc(const char *message, qlong code, const char *command) const
{
    std::string name;
    {
        std::lock_guard<std::mutex> guard(lock);
        name = error_proc;
    }
    if (name.empty())
        return;
    EXTfldval params[3];
    set_text(params[0], message);
    params[1].setLong(code);
    set_text(params[2], command);
    do_method(name, params, 3);
}

void Call::do_method(const std::string &name, EXTfldval *params, qlong count) const
{
    str255 method_name;
    set_name(method_name, name.c_str());
    ECOdoMethod(eci->mOmnisInstance, &method_name, params, count);
}

std::string Call::method_name(ParameterName parameter) const
{
    Text name = text(parameter);
    if (name.size() > 255)
        throw Refused{POP3_ERR_PARAMETER, "the name of a method has more than 255 bytes"};
    return name.c_str();
}

void listen_to_errors()
{
    pop3_set_error_cb(Call::on_error);
}

void forget_settings()
{
    pop3_set_error_cb(nullptr);
    pop3_set_comms_timeout(0);
    set_error_proc("");
}

void set_error_proc(const std::string &name)
{
    std::lock_guard<std::mutex> guard(lock);
    error_proc = name;
}

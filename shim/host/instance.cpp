#include "instance.h"

#include <cctype>
#include <deque>
#include <sstream>
#include <stdexcept>

/* Reads a line from left to right. */
class Reader {
public:
    explicit Reader(const std::string &line) : line(line) { skip_blanks(); }

    bool is_at_end() const { return at == line.size(); }

    bool accept(const std::string &word)
    {
        if (line.compare(at, word.size(), word) != 0)
            return false;
        at += word.size();
        skip_blanks();
        return true;
    }

    void expect(const std::string &word)
    {
        if (!accept(word))
            fail();
    }

    std::string name()
    {
        std::string name;
        while (is_at("#_") || (!is_at_end() && std::isalnum(static_cast<unsigned char>(line[at])) != 0))
            name += line[at++];
        skip_blanks();
        if (name.empty())
            fail();
        return name;
    }

    bool is_at(const std::string &any) const { return !is_at_end() && any.find(line[at]) != std::string::npos; }

    /* In quotes; a quote inside is doubled. */
    Value text()
    {
        std::string text;
        expect("'");
        for (;; at++) {
            if (is_at_end())
                fail();
            if (line[at] == '\'' && line.compare(at, 2, "''") != 0)
                break;
            if (line[at] == '\'')
                at++;
            text += line[at];
        }
        expect("'");
        return Value::of_text(text);
    }

    Value number()
    {
        std::size_t end = at + 1;
        while (end < line.size() && std::isdigit(static_cast<unsigned char>(line[end])))
            end++;
        Value value = Value::of_number(std::stoi(line.substr(at, end - at)));
        at = end;
        skip_blanks();
        return value;
    }

    [[noreturn]] void fail() const { throw std::runtime_error("this is no Omnis: " + line); }

private:
    void skip_blanks()
    {
        while (is_at(" \t"))
            at++;
    }

    std::string line;
    std::size_t at = 0;
};

Instance::Instance(Component &component) : component(component)
{
    declare("#S1", fftCharacter);
}

void Instance::declare(const std::string &names, ffttype type)
{
    std::istringstream words(names);
    for (std::string name; words >> name;)
        variables[name] = Value::of_type(type);
}

Value &Instance::variable(const std::string &name)
{
    auto found = variables.find(name);
    if (found == variables.end())
        throw std::runtime_error("there is no variable " + name);
    return found->second;
}

void Instance::method(const std::string &name, Body body)
{
    methods[name] = body;
}

void Instance::listener(const std::string &name)
{
    method(name, [this, name](const Parameters &params) {
        if (!params.empty())
            throw std::runtime_error(name + " takes no parameters");
        lines_logged[name] += text("#S1") + "\n";
    });
}

std::string Instance::logged(const std::string &name)
{
    std::string lines;
    lines.swap(lines_logged[name]);
    return lines;
}

bool Instance::do_method(const std::string &name, const Parameters &params)
{
    auto found = methods.find(name);
    if (found == methods.end())
        return false;
    found->second(params);
    return true;
}

/* What a constant or a variable is; a constant is kept in `constants`. */
static Value *read_expression(Reader &reader, Instance &instance, std::deque<Value> &constants)
{
    if (reader.is_at("'"))
        constants.push_back(reader.text());
    else if (reader.is_at("-0123456789"))
        constants.push_back(reader.number());
    else if (reader.accept("kTrue"))
        constants.push_back(Value::of_truth(true));
    else if (reader.accept("kFalse"))
        constants.push_back(Value::of_truth(false));
    else
        return &instance.variable(reader.name());
    return &constants.back();
}

static void assign(Value &variable, const Value &value)
{
    if (variable.type != value.type)
        throw std::runtime_error("a variable is of another type than its value");
    variable = value;
}

void Instance::run(const std::string &lines)
{
    std::istringstream text(lines);
    for (std::string line; std::getline(text, line);) {
        Reader reader(line);
        std::deque<Value> constants;
        if (reader.is_at_end() || reader.is_at(";"))
            continue;
        if (reader.accept("Calculate ")) {
            Value &variable = this->variable(reader.name());
            reader.expect("as ");
            assign(variable, *read_expression(reader, *this, constants));
        } else {
            std::string command = reader.name();
            std::vector<Value *> params;
            reader.expect("(");
            while (!reader.accept(")")) {
                bool is_left_out = reader.is_at(",)");
                params.push_back(is_left_out ? nullptr : read_expression(reader, *this, constants));
                if (!reader.is_at(")"))
                    reader.expect(",");
            }
            call(command, params);
            if (reader.accept("Returns "))
                assign(variable(reader.name()), answered);
        }
        if (!reader.is_at_end())
            reader.fail();
    }
}

void Instance::call(const std::string &command, const std::vector<Value *> &params)
{
    Message message;
    auto found = component.methods.find(command);
    /* an id that the component does not know */
    message.method_id = found == component.methods.end() ? 0 : found->second.id;
    message.mOmnisInstance = reinterpret_cast<qobjinst>(this);
    message.mLocLocp = reinterpret_cast<locptr *>(this);
    message.params = params;
    for (Value *param : params)
        message.infos.push_back({reinterpret_cast<LPARAM>(param)});
    is_set = component.send(ECM_METHODCALL, message) != 0;
    answered = message.result;
    marked = message.changed;
}

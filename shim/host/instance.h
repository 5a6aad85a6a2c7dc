/* An instance of a class of an Omnis program: its variables and methods, and the lines of Omnis that it runs. */
#ifndef INSTANCE_H
#define INSTANCE_H

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "component.h"
#include "value.h"

/* From one thread at a time; each thread of the host has its own. */
class Instance {
public:
    using Parameters = std::vector<Value>;
    using Body = std::function<void(const Parameters &params)>;

    explicit Instance(Component &component);

    /* Variables must be declared, and have values of their type only. #S1 is there. */
    void declare(const std::string &names, ffttype type);
    Value &variable(const std::string &name);
    std::string text(const std::string &name) { return variable(name).utf8(); }
    qlong number(const std::string &name) { return variable(name).number; }

    void method(const std::string &name, Body body);
    /* A method that adds #S1 and a line end to what logged(name) answers, once. */
    void listener(const std::string &name);
    std::string logged(const std::string &name);
    bool do_method(const std::string &name, const Parameters &params);

    /*
     * Runs lines of Omnis: comments, `Calculate variable as expression`, `command (parameters) Returns variable`, where
     * a parameter may be left out. Throws std::runtime_error at any other.
     */
    void run(const std::string &lines);
    /* Whether the last command could be called. */
    bool flag() const { return is_set; }
    /* What that answered, whatever its type. */
    const Value &result() const { return answered; }
    /* The parameters that it marked as changed, from 1. */
    const std::vector<qshort> &changed() const { return marked; }

private:
    void call(const std::string &command, const std::vector<Value *> &params);

    Component &component;
    std::map<std::string, Value> variables;
    std::map<std::string, Body> methods;
    std::map<std::string, std::string> lines_logged;
    bool is_set = false;
    Value answered;
    std::vector<qshort> marked;
};

#endif

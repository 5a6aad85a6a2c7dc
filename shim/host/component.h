/* The component as the host has it: loaded, asked what it can do, called. */
#ifndef COMPONENT_H
#define COMPONENT_H

#include <map>
#include <string>
#include <vector>

#include <extcomp.he>

#include "value.h"

/* A method as the component describes it. */
struct Parameter {
    std::string name;
    ffttype type;
    bool is_optional, is_changed;
};
struct Method {
    qlong id;
    std::string name;
    ffttype returns;
    std::vector<Parameter> params;
};

/* What the host sends, and what the component does with it by way of the SDK's functions. */
struct Message : EXTCompInfo {
    Message();
    qlong method_id = 0;
    /* The parameters of a call; NULL where one is left out. */
    std::vector<Value *> params;
    std::vector<EXTParamInfo> infos;
    std::vector<qshort> changed;
    Value result;
    /* Of ECM_GETCOMPLIBINFO, ECM_GETSTATICOBJECT. */
    std::string library_name;
    std::vector<Method> methods;
    /* Whether it was left to WNDdefWindowProc. */
    bool is_default = false;
};

/* One at a time in a process. */
class Component {
public:
    /* Loads it and connects. Throws std::runtime_error if that cannot be done. */
    Component(const std::string &library, const std::string &resources);
    Component(const Component &) = delete;
    Component &operator=(const Component &) = delete;
    /* Disconnects and unloads it. */
    ~Component();

    LRESULT send(UINT type, Message &message);
    /* A string resource, "" if there is none. */
    std::string resource(qlong number) const;
    /* A function of the component or of what it is linked to. */
    void *symbol(const char *name) const;

    LRESULT connected = 0, version = 0;
    std::string name;
    std::map<std::string, Method> methods;

private:
    using Entry = LRESULT(HWND, UINT, WPARAM, LPARAM, EXTCompInfo *);
    void *library;
    std::map<qlong, std::string> resources;
    Entry *entry;
};

/* The next call of that function of the SDK, in this thread, throws std::bad_alloc. */
void throw_in(const char *function);

#endif

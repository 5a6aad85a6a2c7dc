#include "component.h"

#include <dlfcn.h>
#include <fstream>
#include <sstream>
#include <stdexcept>

const qlong ENTRY = 31000;

HINSTANCE gInstLib;

Message::Message() : EXTCompInfo{nullptr, nullptr}
{
}

/* The string table of a resource script that holds nothing else: lines of a number and a text in quotes. */
static std::map<qlong, std::string> read_resources(const std::string &path)
{
    std::map<qlong, std::string> resources;
    std::ifstream script(path);
    for (std::string line; std::getline(script, line);) {
        qlong number;
        std::string blank, text;
        std::istringstream words(line);
        if (words >> number && std::getline(words, blank, '"') && std::getline(words, text, '"'))
            resources[number] = text;
    }
    return resources;
}

Component::Component(const std::string &path, const std::string &resources)
    : library(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)), resources(read_resources(resources))
{
    if (library == nullptr)
        throw std::runtime_error(dlerror());
    *reinterpret_cast<void **>(&entry) = symbol(resource(ENTRY).c_str());
    if (entry == nullptr)
        throw std::runtime_error("no entry '" + resource(ENTRY) + "'");
    gInstLib = reinterpret_cast<HINSTANCE>(this);
    Message connect, info, described;
    connected = send(ECM_CONNECT, connect);
    send(ECM_GETCOMPLIBINFO, info);
    name = info.library_name;
    version = send(ECM_GETVERSION, info);
    send(ECM_GETSTATICOBJECT, described);
    for (const Method &method : described.methods)
        methods[method.name] = method;
}

Component::~Component()
{
    Message disconnect;
    send(ECM_DISCONNECT, disconnect);
    gInstLib = nullptr;
    dlclose(library);
}

LRESULT Component::send(UINT type, Message &message)
{
    return entry(nullptr, type, 0, 0, &message);
}

std::string Component::resource(qlong number) const
{
    auto found = resources.find(number);
    return found == resources.end() ? "" : found->second;
}

void *Component::symbol(const char *name) const
{
    return dlsym(library, name);
}

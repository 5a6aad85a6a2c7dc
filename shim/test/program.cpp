#include "program.h"

std::unique_ptr<Component> plugin;

void load()
{
    plugin = std::make_unique<Component>(COMPONENT, RESOURCES);
}

std::string lines_of(const Value &list)
{
    std::string text;
    for (const auto &line : list.lines) {
        for (const Value &cell : line)
            text += (&cell == &line[0] ? "" : " ")
                    + (cell.type == fftInteger ? std::to_string(cell.number) : cell.utf8());
        text += "\n";
    }
    return text;
}

Value cell(const Value &list, std::size_t line, std::size_t column)
{
    bool is_there = line <= list.lines.size() && column <= list.lines[line - 1].size();
    return is_there ? list.lines[line - 1][column - 1] : Value();
}

std::string columns_of(const Value &list)
{
    std::string text;
    for (const Column &column : list.columns)
        text += column.name + ":" + std::to_string(column.type) + " ";
    return text;
}

qlong stat_after(int milliseconds, const char *config)
{
    std::string pause = "pause " + std::to_string(milliseconds) + "\n";
    Program program(server_play("", (pause + LOGGED_IN REPLY("STAT", "+OK 4 40\\r\\n") GOOD_BYE).c_str()));
    CHECK_INT(program.answer(config), 0);
    return program.answer("POP3Stat (lServer,lUserName,lPassword)");
}

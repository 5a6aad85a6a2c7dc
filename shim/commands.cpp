#include "commands.h"

#include <algorithm>
#include <initializer_list>
#include <limits>

struct Column {
    const char *name;
    ffttype type;
};

/*
 * The list parameter, of which all lines are dropped. Where it has so many columns already they stay as they are, with
 * the names that the program gave them.
 */
class Lines {
public:
    Lines(Call &call, std::initializer_list<Column> columns) : list(call.list())
    {
        if (list->colCnt() == static_cast<qshort>(columns.size()))
            list->setFinalRow(0);
        else
            define(columns);
        call.is_changed(LIST);
    }

    void add_numbers(qlong first, qlong second)
    {
        qlong row = list->insertRow();
        EXTfldval cell;
        list->getColValRef(row, 1, cell, qtrue);
        cell.setLong(first);
        list->getColValRef(row, 2, cell, qtrue);
        cell.setLong(second);
    }

    void add_message(const std::string &message)
    {
        qlong row = list->insertRow();
        try {
            EXTfldval cell;
            list->getColValRef(row, 1, cell, qtrue);
            set_content(cell, message.data(), message.size());
        } catch (...) {
            /* a line is a message that has come */
            list->setFinalRow(row - 1);
            throw;
        }
    }

private:
    void define(std::initializer_list<Column> columns)
    {
        /* the longest text that a column may be declared to hold */
        const qlong any_length = 10000000;
        list->clear(listVlen);
        for (const Column &column : columns) {
            bool is_text = column.type == fftCharacter;
            str255 name;
            set_name(name, column.name);
            list->addCol(column.type, is_text ? dpFcharacter : dpDefault, is_text ? any_length : 0, &name);
        }
    }

    std::unique_ptr<EXTqlist> list;
};

void pop3_connect_command(Call &call)
{
    Text server = call.text(SERVER), user = call.text(USERNAME), pass = call.text(PASSWORD);
    qlong socket = pop3_connect(server.c_str(), user.c_str(), pass.c_str(), call.status(), call.truth(SECURE, 0),
                                call.truth(VERIFY, 1));
    try {
        call.answer(socket);
    } catch (...) {
        /* nobody else knows of it */
        if (socket > 0)
            pop3_disconnect(socket, nullptr);
        throw;
    }
}

void pop3_disconnect_command(Call &call)
{
    call.answer(pop3_disconnect(call.number(SOCKET), call.status()));
}

void pop3_delete_message_command(Call &call)
{
    call.answer(pop3_delete_message(call.number(SOCKET), call.number(MESSAGENUMBER), call.status()));
}

/* A size that a Long integer cannot hold is the largest that it can. */
static qlong fitting(int64_t size)
{
    return static_cast<qlong>(std::min<int64_t>(size, std::numeric_limits<qlong>::max()));
}

void pop3_list_messages_command(Call &call)
{
    Lines lines(call, {{"number", fftInteger}, {"size", fftInteger}});
    pop3_list list;
    qlong code = pop3_list_messages(call.number(SOCKET), call.number(MESSAGENUMBER), &list, call.status());
    std::unique_ptr<pop3_list, void (*)(pop3_list *)> owner(&list, pop3_list_free);
    for (std::size_t i = 0; i < list.count; i++)
        lines.add_numbers(list.items[i].number, fitting(list.items[i].size));
    call.answer(code);
}

void pop3_message_count_command(Call &call)
{
    call.answer(pop3_message_count(call.number(SOCKET), call.status()));
}

/* What pop3_recv delivers to: a message becomes a line as soon as it is whole, since it may be deleted then. */
struct Delivery {
    Call &call;
    Lines lines;
    std::string message;
};

static int32_t deliver(int32_t, const char *data, std::size_t length, int32_t last, void *context) noexcept
{
    Delivery &delivery = *static_cast<Delivery *>(context);
    try {
        /* one that the server refused has nothing, and is no line */
        delivery.message.append(data, length);
        if (last == 1) {
            delivery.lines.add_message(delivery.message);
            delivery.message.clear();
        }
        return 0;
    } catch (...) {
        delivery.call.keep_exception();
        return 1;
    }
}

void pop3_recv_command(Call &call)
{
    Text server = call.text(SERVER), user = call.text(USERNAME), pass = call.text(PASSWORD);
    Delivery delivery{call, Lines(call, {{"message", fftCharacter}}), ""};
    qlong code = pop3_recv(server.c_str(), user.c_str(), pass.c_str(), deliver, &delivery, call.truth(DELETE, 0),
                           call.status(), call.number(MAXMESSAGES), call.truth(SECURE, 0), call.truth(VERIFY, 1));
    call.throw_kept();
    call.answer(code);
}

using ReceiveFunction = int32_t(int32_t socket, int32_t number, pop3_buffer *out, pop3_sts_cb sts_cb);

/* The variable is changed only if there is something to put into it. */
static void receive(Call &call, ReceiveFunction *function, ParameterName variable)
{
    pop3_buffer buffer;
    qlong code = function(call.number(SOCKET), call.number(MESSAGENUMBER), &buffer, call.status());
    std::unique_ptr<pop3_buffer, void (*)(pop3_buffer *)> owner(&buffer, pop3_buffer_free);
    if (code == POP3_OK)
        call.set(variable, buffer.data, buffer.len);
    call.answer(code);
}

void pop3_recv_headers_command(Call &call)
{
    receive(call, pop3_recv_headers, HEADERS);
}

void pop3_recv_message_command(Call &call)
{
    receive(call, pop3_recv_message, MESSAGE);
}

void pop3_stat_command(Call &call)
{
    Text server = call.text(SERVER), user = call.text(USERNAME), pass = call.text(PASSWORD);
    call.answer(pop3_stat(server.c_str(), user.c_str(), pass.c_str(), call.status(), call.truth(SECURE, 0),
                          call.truth(VERIFY, 1)));
}

void pop3_undo_deletes_command(Call &call)
{
    call.answer(pop3_undo_deletes(call.number(SOCKET), call.status()));
}

/* A timeout that is left out stays as it is; a negative one means its absolute value. */
void web_dev_set_config_command(Call &call)
{
    qlong code = POP3_OK;
    set_error_proc(call.is_given(ERRORPROC) ? call.method_name(ERRORPROC) : "");
    if (call.is_given(COMMSTIMEOUT)) {
        qlong seconds = call.number(COMMSTIMEOUT);
        /* the least number has no counterpart */
        code = pop3_set_comms_timeout(seconds < 0 ? -std::max(seconds, -std::numeric_limits<qlong>::max()) : seconds);
    }
    call.answer(code);
}

void web_dev_get_secure_error_command(Call &call)
{
    call.answer(pop3_get_secure_error());
}

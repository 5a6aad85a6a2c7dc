#include "commands.h"

#include <algorithm>
#include <cstring>
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
    Lines(Call &call, ParameterName name, std::initializer_list<Column> columns) : list(call.list(name))
    {
        if (list->colCnt() == static_cast<qshort>(columns.size()))
            list->setFinalRow(0);
        else
            define(columns);
        call.is_changed(name);
    }

    void add_numbers(qlong first, qlong second)
    {
        qlong row = list->insertRow();
        set(row, 1, first);
        set(row, 2, second);
    }

    /* A line is there whole or not at all. */
    template <typename Fill>
    void add(const Fill &fill)
    {
        qlong row = list->insertRow();
        try {
            fill(row);
        } catch (...) {
            list->setFinalRow(row - 1);
            throw;
        }
    }

    void add_message(const std::string &message)
    {
        add([&](qlong row) { set(row, 1, message.data(), message.size()); });
    }

    void add_texts(std::initializer_list<const char *> texts)
    {
        add([&](qlong row) {
            qshort column = 0;
            for (const char *text : texts)
                set(row, ++column, text, std::strlen(text));
        });
    }

    void set(qlong row, qshort column, const char *bytes, std::size_t length)
    {
        EXTfldval cell;
        list->getColValRef(row, column, cell, qtrue);
        set_content(cell, bytes, length);
    }

    void set(qlong row, qshort column, qlong number)
    {
        EXTfldval cell;
        list->getColValRef(row, column, cell, qtrue);
        cell.setLong(number);
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
    Lines lines(call, LIST, {{"number", fftInteger}, {"size", fftInteger}});
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
    Delivery delivery{call, Lines(call, LIST, {{"message", fftCharacter}}), ""};
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

/* The columns of a MIME list, from 1. */
enum PartColumn : qshort {
    LEVEL = 1,
    CONTENT_TYPE,
    CONTENT_SUBTYPE,
    FILE_NAME,
    CHAR_DATA,
    BIN_DATA,
    CHARSET,
    ENCODING,
    DISPOSITION,
    CONTENT_ID
};

static void add_part(Lines &lines, const pop3_part &part)
{
    lines.add([&](qlong row) {
        auto set = [&](PartColumn column, const char *text) { lines.set(row, column, text, std::strlen(text)); };
        lines.set(row, LEVEL, part.level);
        set(CONTENT_TYPE, part.content_type);
        set(CONTENT_SUBTYPE, part.content_subtype);
        set(FILE_NAME, part.file_name);
        /* a text is characters, whatever it came in, and anything else bytes */
        if (part.text != nullptr)
            lines.set(row, CHAR_DATA, part.text, part.text_len);
        else if (part.data != nullptr)
            lines.set(row, BIN_DATA, part.data, part.data_len);
        set(CHARSET, part.charset);
        set(ENCODING, part.encoding);
        set(DISPOSITION, part.disposition);
        set(CONTENT_ID, part.content_id);
    });
}

/* The first text of a message, or the first that has anything: what there is to read of it in one piece. */
static const pop3_part *body_of(const pop3_mail &mail)
{
    const pop3_part *begin = mail.parts, *end = begin + mail.part_count;
    const pop3_part *text = std::find_if(begin, end, [](const pop3_part &part) { return part.text != nullptr; });
    if (text == end)
        text = std::find_if(begin, end, [](const pop3_part &part) { return part.data != nullptr; });
    return text == end ? nullptr : text;
}

/* A message with parts fills a list, the body of any fills a Character or a Binary. Of a header alone there is none. */
static void set_body(Call &call, const pop3_mail &mail, Lines *lines)
{
    const pop3_part *body = body_of(mail);
    bool is_header_alone = mail.part_count == 1 && (body == nullptr || body->data_len == 0);
    if (lines != nullptr) {
        for (std::size_t i = 0; i < mail.part_count && !is_header_alone; i++)
            add_part(*lines, mail.parts[i]);
    } else if (body == nullptr) {
        call.set(BODY, "", 0);
    } else if (call.type(BODY) != fftBinary && body->text != nullptr) {
        call.set(BODY, body->text, body->text_len);
    } else {
        call.set(BODY, body->data, body->data_len);
    }
}

void mail_split_command(Call &call)
{
    Lines headers(call, HEADERLIST, {{"attribute", fftCharacter}, {"value", fftCharacter}});
    std::unique_ptr<Lines> parts;
    if (call.type(BODY) == fftList)
        parts.reset(new Lines(call, BODY,
                              {{"level", fftInteger},
                               {"contenttype", fftCharacter},
                               {"contentsubtype", fftCharacter},
                               {"filename", fftCharacter},
                               {"chardata", fftCharacter},
                               {"bindata", fftBinary},
                               {"charset", fftCharacter},
                               {"encoding", fftCharacter},
                               {"disposition", fftCharacter},
                               {"contentid", fftCharacter}}));
    std::string message = call.content(MESSAGE);
    pop3_mail mail;
    qlong code = pop3_split(message.data(), message.size(), &mail);
    std::unique_ptr<pop3_mail, void (*)(pop3_mail *)> owner(&mail, pop3_mail_free);
    for (std::size_t i = 0; i < mail.field_count; i++)
        headers.add_texts({mail.fields[i].name, mail.fields[i].value});
    if (code == POP3_OK)
        set_body(call, mail, parts.get());
    call.answer(code);
}

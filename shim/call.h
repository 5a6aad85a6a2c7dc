/* A call of a command: its parameters, what it answers, whom it calls back. */
#ifndef CALL_H
#define CALL_H

#include <cstddef>
#include <exception>
#include <memory>
#include <string>

#include <extcomp.he>

#include "pop3connect.h"
#include "text.h"

/* The names that parameters have, as numbers of string resources. */
enum ParameterName : qlong {
    SERVER = 201,
    USERNAME,
    PASSWORD,
    STSPROC,
    SECURE,
    VERIFY,
    SOCKET,
    MESSAGENUMBER,
    LIST,
    HEADERS,
    MESSAGE,
    DELETE,
    MAXMESSAGES,
    ERRORPROC,
    COMMSTIMEOUT,
    HEADERLIST,
    BODY
};

/* Errors that only the component has; the others are the library's. */
const qlong BAD_PARAMETER_COUNT = -503, BAD_LIST = -508;

/* Thrown where a call cannot go on. */
struct Refused {
    qlong code;
    std::string message;
};

/*
 * While it exists it is the call that its thread is in: status lines and errors go to its StsProc and to the ErrorProc,
 * by way of the instance that called. These may call commands in turn, so calls are nested.
 */
class Call {
public:
    Call(EXTCompInfo *eci, const ECOmethodEvent &method);
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;
    ~Call();

    /* Reads the StsProc. Throws Refused unless the parameters are as many as the method takes, and of its types. */
    void check();

    /* These are of parameters that the method has. */

    /* Whether it was not left out; #NULL counts as left out, save for a variable that is to be changed. */
    bool is_given(ParameterName name) const;
    /* Of one that is given. Throws Refused if it has a NUL inside. */
    Text text(ParameterName name) const;
    /* The same of the name of a method. */
    std::string method_name(ParameterName name) const;
    qlong number(ParameterName name, qlong otherwise = 0) const;
    /* A Boolean, or a number that stands for one. */
    qlong truth(ParameterName name, qlong otherwise) const;
    /* What a Character has in UTF-8, NULs inside too, or a Binary as it is. */
    std::string content(ParameterName name) const;
    ffttype type(ParameterName name) const;
    /* A list. Throws Refused if it cannot be used. */
    std::unique_ptr<EXTqlist> list(ParameterName name) const;

    void set(ParameterName name, const char *bytes, std::size_t length);
    /* Tells the host that it has been changed. */
    void is_changed(ParameterName name);
    void answer(qlong code);
    void answer(const char *text);

    /* What gets the status lines for the StsProc; NULL if there is none. */
    pop3_sts_cb status() const;
    /* Tells the ErrorProc of an error that is not the library's. */
    void report(const char *message, qlong code) const noexcept;

    /* Keeps what is being thrown where it may not pass the library, whose own error is not reported then. */
    void keep_exception() { kept = std::current_exception(); }
    void throw_kept() const;

private:
    EXTParamInfo *find(qshort number) const;
    qshort position(ParameterName name) const;
    EXTfldval value(ParameterName name) const;
    void call_error_proc(const char *message, qlong code, const char *command) const;
    void do_method(const std::string &name, EXTfldval *params, qlong count) const;
    static void on_status(const char *status) noexcept;
    static void on_error(const char *message, int32_t code, const char *command) noexcept;
    friend void listen_to_errors();

    EXTCompInfo *eci;
    const ECOmethodEvent &method;
    Call *outer;
    std::string sts_proc;
    std::exception_ptr kept;
};

/* From now on the library's errors go to the ErrorProc, once there is one. */
void listen_to_errors();
/* No ErrorProc, and the library's own timeout. */
void forget_settings();
/* A name of up to 255 bytes; "" is none. */
void set_error_proc(const std::string &name);

#endif

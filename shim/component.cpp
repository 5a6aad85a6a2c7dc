/* The component: what it tells the host of itself, and the way of a call from the host to its command. */
#include <new>

#include <extcomp.he>

#include "commands.h"

/* Numbers of string resources, beside those of ParameterName. A method's id is the number of its name. */
enum : qlong {
    LIBRARY_NAME = 1,
    CONNECT = 101,
    DISCONNECT,
    DELETE_MESSAGE,
    LIST_MESSAGES,
    MESSAGE_COUNT,
    RECV,
    RECV_HEADERS,
    RECV_MESSAGE,
    STAT,
    UNDO_DELETES,
    SET_CONFIG,
    GET_SECURE_ERROR,
    MAIL_SPLIT
};

/* The version of the component. */
const qshort MAJOR = 1, MINOR = 0;

static constexpr ECOparam needed(ParameterName name, ffttype type)
{
    return {name, type, 0, 0};
}

static constexpr ECOparam optional(ParameterName name, ffttype type)
{
    return {name, type, EXTD_FLAG_PARAMOPT, 0};
}

/* A variable that the command changes. */
static constexpr ECOparam changed(ParameterName name, ffttype type)
{
    return {name, type, EXTD_FLAG_PARAMALTER, 0};
}

static ECOparam session_params[] = {needed(SERVER, fftCharacter),   needed(USERNAME, fftCharacter),
                                    needed(PASSWORD, fftCharacter), optional(STSPROC, fftCharacter),
                                    optional(SECURE, fftBoolean),   optional(VERIFY, fftBoolean)};
static ECOparam socket_params[] = {needed(SOCKET, fftInteger), optional(STSPROC, fftCharacter)};
static ECOparam delete_params[] = {needed(SOCKET, fftInteger), needed(MESSAGENUMBER, fftInteger),
                                   optional(STSPROC, fftCharacter)};
static ECOparam list_params[] = {needed(SOCKET, fftInteger), needed(MESSAGENUMBER, fftInteger), changed(LIST, fftList),
                                 optional(STSPROC, fftCharacter)};
static ECOparam recv_params[] = {needed(SERVER, fftCharacter),      needed(USERNAME, fftCharacter),
                                 needed(PASSWORD, fftCharacter),    changed(LIST, fftList),
                                 optional(DELETE, fftBoolean),      optional(STSPROC, fftCharacter),
                                 optional(MAXMESSAGES, fftInteger), optional(SECURE, fftBoolean),
                                 optional(VERIFY, fftBoolean)};
static ECOparam headers_params[] = {needed(SOCKET, fftInteger), needed(MESSAGENUMBER, fftInteger),
                                    changed(HEADERS, fftCharacter), optional(STSPROC, fftCharacter)};
static ECOparam message_params[] = {needed(SOCKET, fftInteger), needed(MESSAGENUMBER, fftInteger),
                                    changed(MESSAGE, fftCharacter), optional(STSPROC, fftCharacter)};
static ECOparam config_params[] = {optional(ERRORPROC, fftCharacter), optional(COMMSTIMEOUT, fftInteger)};
/* the body is a Character, a Binary or a list */
static ECOparam split_params[] = {needed(MESSAGE, fftCharacter), changed(HEADERLIST, fftList),
                                  changed(BODY, fftCharacter)};

template <qlong count>
static constexpr ECOmethodEvent method(qlong id, ECOparam (&params)[count])
{
    return {id, id, fftInteger, count, params, 0, 0};
}

static ECOmethodEvent methods[] = {
    method(CONNECT, session_params),
    method(DISCONNECT, socket_params),
    method(DELETE_MESSAGE, delete_params),
    method(LIST_MESSAGES, list_params),
    method(MESSAGE_COUNT, socket_params),
    method(RECV, recv_params),
    method(RECV_HEADERS, headers_params),
    method(RECV_MESSAGE, message_params),
    method(STAT, session_params),
    method(UNDO_DELETES, socket_params),
    method(SET_CONFIG, config_params),
    {GET_SECURE_ERROR, GET_SECURE_ERROR, fftCharacter, 0, nullptr, 0, 0},
    method(MAIL_SPLIT, split_params),
};
const qlong METHODS = sizeof methods / sizeof *methods;

/* What does them, in the same order. */
static Command *const commands[] = {
    pop3_connect_command,
    pop3_disconnect_command,
    pop3_delete_message_command,
    pop3_list_messages_command,
    pop3_message_count_command,
    pop3_recv_command,
    pop3_recv_headers_command,
    pop3_recv_message_command,
    pop3_stat_command,
    pop3_undo_deletes_command,
    web_dev_set_config_command,
    web_dev_get_secure_error_command,
    mail_split_command,
};
static_assert(sizeof commands / sizeof *commands == METHODS, "each method has its command");

/* Whatever goes wrong is a code that the program gets; 1, since the call was made. */
static LRESULT run(EXTCompInfo *eci, qlong index)
{
    Call call(eci, methods[index]);
    Refused refused{POP3_ERR_INTERNAL, "a defect of the component or of its host"};
    try {
        call.check();
        commands[index](call);
        return 1;
    } catch (const Refused &why) {
        refused = why;
    } catch (const std::bad_alloc &) {
        refused = {POP3_ERR_OUT_OF_MEMORY, pop3_error_text(POP3_ERR_OUT_OF_MEMORY)};
    } catch (...) {
    }
    call.report(refused.message.c_str(), refused.code);
    call.answer(refused.code);
    return 1;
}

static LRESULT handle(HWND window, UINT message, WPARAM wParam, LPARAM lParam, EXTCompInfo *eci)
{
    ECOsetupCallbacks(window, eci);
    switch (message) {
    case ECM_CONNECT:
        listen_to_errors();
        return EXT_FLAG_LOADED | EXT_FLAG_ALWAYS_USABLE | EXT_FLAG_REMAINLOADED | EXT_FLAG_NVOBJECTS;
    case ECM_DISCONNECT:
        forget_settings();
        return 1;
    case ECM_GETCOMPLIBINFO:
        return ECOreturnCompInfo(gInstLib, eci, LIBRARY_NAME, 0);
    case ECM_GETVERSION:
        return ECOreturnVersion(MAJOR, MINOR);
    case ECM_GETSTATICOBJECT:
        return ECOreturnMethods(gInstLib, eci, methods, METHODS);
    case ECM_METHODCALL: {
        qlong id = ECOgetId(eci);
        if (id >= CONNECT && id < CONNECT + METHODS)
            return run(eci, id - CONNECT);
    }
    }
    return WNDdefWindowProc(window, message, wParam, lParam, eci);
}

/* The entry, which string resource 31000 names. No exception leaves it: 0 is that the call could not be made. */
extern "C" LRESULT OMNISWNDPROC Pop3ConnectProc(HWND window, UINT message, WPARAM wParam, LPARAM lParam,
                                                EXTCompInfo *eci)
{
    try {
        return handle(window, message, wParam, lParam, eci);
    } catch (...) {
        return 0;
    }
}

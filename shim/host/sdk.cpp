/* The SDK's classes and functions, which the component finds in the program that loads it. */
#include <algorithm>
#include <new>

#include <chrbasic.he>
#include <extcomp.he>

#include "component.h"
#include "instance.h"
#include "value.h"

/* A library of the SDK's may throw as any other; see throw_in. */
static thread_local std::string to_throw;

void throw_in(const char *function)
{
    to_throw = function;
}

static void strike(const char *function)
{
    if (to_throw == function) {
        to_throw.clear();
        throw std::bad_alloc();
    }
}

struct Inside {
    static Value &value(const EXTfldval &field) { return *field.mValue; }

    static std::string text(const str255 &text)
    {
        return to_utf8(std::u32string(text.mChars, text.mChars + text.mLength));
    }
};

static Message &message_of(EXTCompInfo *eci)
{
    return *static_cast<Message *>(eci);
}

str255::str255() : mLength(0), mChars()
{
}

void str255::setUtf8(qbyte *text, qlong length)
{
    std::u32string chars = from_utf8(std::string(text, text + length));
    mLength = static_cast<qlong>(std::min<std::size_t>(chars.size(), 255));
    std::copy(chars.begin(), chars.begin() + mLength, mChars);
}

EXTfldval::EXTfldval() : mValue(new Value), mOwned(true)
{
}

EXTfldval::EXTfldval(qfldval value) : mValue(value), mOwned(false)
{
}

EXTfldval::EXTfldval(str255 &variable, qbool, locptr *where)
    : mValue(&reinterpret_cast<Instance *>(where)->variable(Inside::text(variable))), mOwned(false)
{
}

EXTfldval::~EXTfldval()
{
    if (mOwned)
        delete mValue;
}

void EXTfldval::getType(ffttype &type, qshort *)
{
    type = mValue->type;
}

qbool EXTfldval::isNull()
{
    return mValue->is_null;
}

qlong EXTfldval::getLong()
{
    return mValue->number;
}

qshort EXTfldval::getBool()
{
    return static_cast<qshort>(mValue->number);
}

qlong EXTfldval::getCharLen()
{
    return static_cast<qlong>(mValue->text.size());
}

void EXTfldval::getChar(qlong most, qchar *text, qlong &length, qbool)
{
    strike("getChar");
    length = std::min(most, getCharLen());
    std::copy(mValue->text.begin(), mValue->text.begin() + length, text);
}

qlong EXTfldval::getBinLen()
{
    return static_cast<qlong>(mValue->bytes.size());
}

void EXTfldval::getBinary(qlong most, qbyte *bytes, qlong &length)
{
    strike("getBinary");
    length = std::min(most, getBinLen());
    std::copy(mValue->bytes.begin(), mValue->bytes.begin() + length, bytes);
}

EXTqlist *EXTfldval::getList(qbool)
{
    return mValue->is_unusable ? nullptr : new EXTqlist(mValue);
}

void EXTfldval::setLong(qlong number)
{
    *mValue = Value::of_number(number);
}

void EXTfldval::setChar(qchar *text, qlong length)
{
    strike("setChar");
    *mValue = Value::of_type(fftCharacter);
    mValue->text.assign(text, text + length);
}

void EXTfldval::setChar(str255 &text)
{
    *mValue = Value::of_text(Inside::text(text));
}

void EXTfldval::setBinary(ffttype type, qbyte *bytes, qlong length)
{
    *mValue = Value::of_type(type);
    mValue->bytes.assign(bytes, bytes + length);
}

EXTqlist::EXTqlist(qfldval value) : mValue(value)
{
}

void EXTqlist::clear(listtype)
{
    mValue->columns.clear();
    mValue->lines.clear();
}

qshort EXTqlist::colCnt() const
{
    return static_cast<qshort>(mValue->columns.size());
}

void EXTqlist::addCol(ffttype type, qshort, qlong, str255 *name)
{
    mValue->columns.push_back({Inside::text(*name), type});
}

void EXTqlist::setFinalRow(qlong row)
{
    mValue->lines.resize(static_cast<std::size_t>(row));
}

qlong EXTqlist::insertRow()
{
    strike("insertRow");
    std::vector<Value> line;
    for (const Column &column : mValue->columns)
        line.push_back(Value::of_type(column.type));
    mValue->lines.push_back(line);
    return static_cast<qlong>(mValue->lines.size());
}

void EXTqlist::getColValRef(qlong row, qshort column, EXTfldval &value, qbool)
{
    if (value.mOwned)
        delete value.mValue;
    value.mOwned = false;
    value.mValue = &mValue->lines.at(static_cast<std::size_t>(row) - 1).at(static_cast<std::size_t>(column) - 1);
}

qlong CHRunicode::charToUtf8(const qchar *text, qlong length, qbyte *utf8)
{
    /* no copies: it may be a password */
    qbyte *end = utf8;
    for (qlong i = 0; i < length; i++)
        end = put_utf8(text[i], end);
    return static_cast<qlong>(end - utf8);
}

qlong CHRunicode::utf8ToChar(const qbyte *utf8, qlong length, qchar *text)
{
    std::u32string chars = from_utf8(std::string(utf8, utf8 + length));
    std::copy(chars.begin(), chars.end(), text);
    return static_cast<qlong>(chars.size());
}

qlong RESloadString(HINSTANCE library, qlong number, str255 &text)
{
    std::string found = reinterpret_cast<Component *>(library)->resource(number);
    text.setUtf8(reinterpret_cast<qbyte *>(found.data()), static_cast<qlong>(found.size()));
    return static_cast<qlong>(found.size());
}

/* The component finds this program's functions by itself. */
void ECOsetupCallbacks(HWND, EXTCompInfo *)
{
    strike("ECOsetupCallbacks");
}

LRESULT WNDdefWindowProc(HWND, UINT, WPARAM, LPARAM, EXTCompInfo *eci)
{
    message_of(eci).is_default = true;
    return 0;
}

static std::string resource(HINSTANCE library, qlong number)
{
    return reinterpret_cast<Component *>(library)->resource(number);
}

LRESULT ECOreturnCompInfo(HINSTANCE library, EXTCompInfo *eci, qlong name, qlong)
{
    message_of(eci).library_name = resource(library, name);
    return 1;
}

LRESULT ECOreturnVersion(qshort major, qshort minor)
{
    return major << 16 | minor;
}

LRESULT ECOreturnMethods(HINSTANCE library, EXTCompInfo *eci, ECOmethodEvent *methods, qlong count)
{
    for (const ECOmethodEvent *event = methods; event < methods + count; event++) {
        Method method{event->mId, resource(library, event->mName), event->mReturns, {}};
        for (const ECOparam *param = event->mParams; param < event->mParams + event->mParamCount; param++)
            method.params.push_back({resource(library, param->mName), param->mType,
                                     (param->mFlags & EXTD_FLAG_PARAMOPT) != 0,
                                     (param->mFlags & EXTD_FLAG_PARAMALTER) != 0});
        message_of(eci).methods.push_back(method);
    }
    return 1;
}

qlong ECOgetId(EXTCompInfo *eci)
{
    return message_of(eci).method_id;
}

qlong ECOgetParamCount(EXTCompInfo *eci)
{
    return static_cast<qlong>(message_of(eci).params.size());
}

EXTParamInfo *ECOfindParamNum(EXTCompInfo *eci, qshort number)
{
    Message &message = message_of(eci);
    std::size_t index = static_cast<std::size_t>(number) - 1;
    return index < message.params.size() && message.params[index] != nullptr ? &message.infos[index] : nullptr;
}

void ECOsetParameterChanged(EXTCompInfo *eci, qshort number)
{
    message_of(eci).changed.push_back(number);
}

void ECOaddParam(EXTCompInfo *eci, EXTfldval *result)
{
    strike("ECOaddParam");
    message_of(eci).result = Inside::value(*result);
}

qbool ECOdoMethod(qobjinst instance, str255 *name, EXTfldval *params, qlong count)
{
    strike("ECOdoMethod");
    Instance::Parameters values;
    for (const EXTfldval *param = params; param < params + count; param++)
        values.push_back(Inside::value(*param));
    return reinterpret_cast<Instance *>(instance)->do_method(Inside::text(*name), values);
}

#include "value.h"

Value Value::of_type(ffttype type)
{
    Value value;
    value.type = type;
    return value;
}

Value Value::of_text(const std::string &utf8)
{
    Value value = of_type(fftCharacter);
    value.text = from_utf8(utf8);
    return value;
}

Value Value::of_number(qlong number)
{
    Value value = of_type(fftInteger);
    value.number = number;
    return value;
}

Value Value::of_truth(bool is_true)
{
    Value value = of_type(fftBoolean);
    value.number = is_true ? preBoolTrue : preBoolFalse;
    return value;
}

std::string Value::utf8() const
{
    return to_utf8(text);
}

qbyte *put_utf8(char32_t character, qbyte *to)
{
    const unsigned first_bits[] = {0x00, 0xc0, 0xe0, 0xf0};
    int more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    *to++ = static_cast<qbyte>(first_bits[more] | character >> (6 * more));
    while (more-- > 0)
        *to++ = static_cast<qbyte>(0x80 | (character >> (6 * more) & 0x3f));
    return to;
}

std::string to_utf8(const std::u32string &text)
{
    std::string utf8;
    for (char32_t character : text) {
        qbyte bytes[4];
        utf8.append(bytes, put_utf8(character, bytes));
    }
    return utf8;
}

std::u32string from_utf8(const std::string &utf8)
{
    std::u32string text;
    for (unsigned char byte : utf8) {
        if (byte < 0x80)
            text += byte;
        else if (byte >= 0xc0)
            text += byte & (byte < 0xe0 ? 0x1f : byte < 0xf0 ? 0x0f : 0x07);
        else
            text.back() = text.back() << 6 | (byte & 0x3f);
    }
    return text;
}

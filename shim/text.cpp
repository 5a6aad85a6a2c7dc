#include "text.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include <chrbasic.he>

/* The SDK counts in qlong. What it cannot count there is no room for. */
static qlong countable(std::size_t length)
{
    if (length > static_cast<std::size_t>(std::numeric_limits<qlong>::max()))
        throw std::bad_alloc();
    return static_cast<qlong>(length);
}

/* Zeroes memory that is about to go, which the compiler would else leave out. */
static void wipe(void *memory, std::size_t size)
{
    volatile unsigned char *bytes = static_cast<unsigned char *>(memory);
    while (size-- > 0)
        *bytes++ = 0;
}

Text::Text(EXTfldval &value)
{
    qlong length = 0;
    std::vector<qchar> chars(static_cast<std::size_t>(value.getCharLen()) + 1);
    value.getChar(static_cast<qlong>(chars.size()) - 1, chars.data(), length);
    /* at once as large as it may become, or growing would leave copies; cutting leaves it where it is */
    bytes.resize(static_cast<std::size_t>(length) * UTF8_MAX_BYTES_PER_CHAR + 1);
    bytes.resize(static_cast<std::size_t>(CHRunicode::charToUtf8(chars.data(), length, bytes.data())) + 1);
    bytes.back() = 0;
    wipe(chars.data(), chars.size() * sizeof chars[0]);
}

Text::~Text()
{
    wipe(bytes.data(), bytes.size());
}

bool Text::has_nul() const
{
    return std::strlen(c_str()) != size();
}

/* The length of the character of UTF-8 that these bytes begin with, 0 if it is none. */
static std::size_t utf8_length(const unsigned char *at, const unsigned char *end)
{
    static const struct {
        unsigned char first, last, second_from, second_to;
        std::size_t length;
    } forms[] = {{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (const auto &form : forms) {
        if (*at < form.first || *at > form.last)
            continue;
        if (static_cast<std::size_t>(end - at) < form.length)
            return 0;
        for (std::size_t i = 1; i < form.length; i++)
            if (at[i] < (i == 1 ? form.second_from : 0x80) || at[i] > (i == 1 ? form.second_to : 0xbf))
                return 0;
        return form.length;
    }
    return 0;
}

static bool is_utf8(const unsigned char *at, std::size_t size)
{
    const unsigned char *end = at + size;
    while (at < end) {
        std::size_t length = utf8_length(at, end);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/* What is no UTF-8 is taken for ISO 8859-1, where every byte is a character, so that nothing is lost. */
static void set_characters(EXTfldval &value, const char *text, std::size_t size)
{
    const unsigned char *bytes = reinterpret_cast<const unsigned char *>(text);
    qlong length = countable(size);
    std::vector<qchar> chars(size + 1);
    if (is_utf8(bytes, size))
        length = CHRunicode::utf8ToChar(bytes, length, chars.data());
    else
        std::copy(bytes, bytes + size, chars.begin());
    value.setChar(chars.data(), length);
}

/* The SDK's parameters are not const, but it only reads. */
static qbyte *to_read(const char *bytes)
{
    return reinterpret_cast<qbyte *>(const_cast<char *>(bytes));
}

void set_content(EXTfldval &value, const char *bytes, std::size_t size)
{
    ffttype type;
    value.getType(type);
    if (type == fftBinary)
        value.setBinary(fftBinary, to_read(bytes), countable(size));
    else
        set_characters(value, bytes, size);
}

void set_text(EXTfldval &value, const char *text)
{
    set_characters(value, text, std::strlen(text));
}

void set_name(str255 &name, const char *text)
{
    name.setUtf8(to_read(text), static_cast<qlong>(std::strlen(text)));
}

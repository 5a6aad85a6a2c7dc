/* A value of the host's: what lies behind the SDK's EXTfldval and EXTqlist. */
#ifndef VALUE_H
#define VALUE_H

#include <string>
#include <vector>

#include <extcomp.he>

struct fldval;
using Value = fldval;

struct Column {
    std::string name;
    ffttype type;
};

struct fldval {
    ffttype type = fftNone;
    /* #NULL; and a list of which the SDK gives none. */
    bool is_null = false, is_unusable = false;
    std::u32string text;
    std::string bytes;
    /* An Integer, or what getBool answers of a Boolean. */
    qlong number = 0;
    std::vector<Column> columns;
    std::vector<std::vector<Value>> lines;

    static Value of_type(ffttype type);
    static Value of_text(const std::string &utf8);
    static Value of_number(qlong number);
    static Value of_truth(bool is_true);
    /* In UTF-8. */
    std::string utf8() const;
};

/* Writes a character in UTF-8; answers where the next one goes. */
qbyte *put_utf8(char32_t character, qbyte *to);
std::string to_utf8(const std::u32string &text);
/* Of what is UTF-8. */
std::u32string from_utf8(const std::string &utf8);

#endif

/* Between the host's characters and bytes. */
#ifndef TEXT_H
#define TEXT_H

#include <cstddef>
#include <vector>

#include <extcomp.he>

/* The text of a value in UTF-8. It may be a password, so it is wiped when it goes. */
class Text {
public:
    explicit Text(EXTfldval &value);
    Text(Text &&) = default;
    ~Text();
    /* Whether there is a NUL inside, so that c_str() is not the whole of it. */
    bool has_nul() const;
    std::size_t size() const { return bytes.size() - 1; }
    const char *c_str() const { return reinterpret_cast<const char *>(bytes.data()); }

private:
    std::vector<qbyte> bytes;
};

/* Sets a value to these bytes: a Binary one to them as they are, any other to the text that they are. */
void set_content(EXTfldval &value, const char *bytes, std::size_t length);
/* Sets a value to a text in UTF-8. */
void set_text(EXTfldval &value, const char *text);
/* The same of a name, which has no more than 255 bytes. */
void set_name(str255 &name, const char *text);

#endif

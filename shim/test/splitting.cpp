/* Taking messages apart. */
#include <string>

#include "program.h"

static const char *const MULTIPART =
    "From: =?utf-8?Q?J=C3=BCrgen?= <j@mail.test>\r\n"
    "Received: one\r\n"
    "Received: two\r\n"
    " and more\r\n"
    "Subject: files\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n"
    "\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "caf=E9\r\n"
    "--b\r\n"
    "Content-Type: Image/PNG; name=a.png\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-Disposition: attachment; filename=\"b.png\"\r\n"
    "Content-ID: <7@mail.test>\r\n"
    "\r\n"
    "AP8B\r\n"
    "--b--\r\n";

static std::string column_names(const Value &list)
{
    std::string names;
    for (const Column &column : list.columns)
        names += column.name + " ";
    return names;
}

static void set_bytes(Value &value, const std::string &bytes)
{
    value = Value::of_type(fftBinary);
    value.bytes = bytes;
}

static void the_parts_of_a_message()
{
    Program program;
    program.declare("lHeaders lParts", fftList);
    set_bytes(program.variable("lBinary"), MULTIPART);
    CHECK_INT(program.answer("MailSplit (lBinary,lHeaders,lParts)"), 0);
    CHECK(program.changed() == (std::vector<qshort>{2, 3}));

    const Value &headers = program.variable("lHeaders"), &parts = program.variable("lParts");
    CHECK_STR(column_names(headers).c_str(), "attribute value ");
    CHECK_STR(lines_of(headers).c_str(), "From J\xc3\xbcrgen <j@mail.test>\nReceived one\nReceived two and more\n"
                                         "Subject files\nContent-Type multipart/mixed; boundary=b\n");
    CHECK_STR(column_names(parts).c_str(),
              "level contenttype contentsubtype filename chardata bindata charset encoding disposition contentid ");
    CHECK_INT(parts.lines.size(), 3);
    /* bytes are not shown */
    CHECK_STR(lines_of(parts).c_str(), "0 multipart mixed       \n"
                                       "1 text plain  caf\xc3\xa9  iso-8859-1 quoted-printable  \n"
                                       "1 image png b.png    base64 attachment 7@mail.test\n");
    CHECK(cell(parts, 3, 6).bytes == std::string("\0\xff\1", 3));
    CHECK_INT(cell(parts, 3, 6).type, fftBinary);
    CHECK_INT(cell(parts, 2, 5).type, fftCharacter);
}

static void the_body_of_a_message()
{
    Program program;
    program.declare("lHeaders", fftList);
    program.variable("lText") = Value::of_text("Subject: caf\xc3\xa9\r\n\r\nBody \xf0\x9f\x93\xa7\r\n");
    program.variable("lName").is_null = true;
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,lName)"), 0);
    CHECK_STR(program.text("lName").c_str(), "Body \xf0\x9f\x93\xa7\r\n");
    CHECK_STR(lines_of(program.variable("lHeaders")).c_str(), "Subject caf\xc3\xa9\n");
    /* a variable for bytes gets what was decoded, before it became characters */
    program.variable("lText") = Value::of_text("Content-Type: text/plain; charset=iso-8859-1\r\n"
                                               "Content-Transfer-Encoding: base64\r\n\r\n6Q==\r\n");
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,lBinary)"), 0);
    CHECK_STR(program.variable("lBinary").bytes.c_str(), "\xe9");
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,lName)"), 0);
    CHECK_STR(program.text("lName").c_str(), "\xc3\xa9");
    /* of several parts the first text */
    program.variable("lText") = Value::of_text(MULTIPART);
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,lName)"), 0);
    CHECK_STR(program.text("lName").c_str(), "caf\xc3\xa9");
}

static void a_header_alone()
{
    Program program(server_mailbox("messages=1"));
    program.declare("lHeaders", fftList);
    program.connect();
    CHECK_INT(program.answer("POP3RecvHeaders (iSocket,1,lText)"), 0);
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,lList)"), 0);
    CHECK_STR(lines_of(program.variable("lHeaders")).c_str(),
              "From sender@mail.test\nSubject Message 0000000001\nMessage-ID <0000000001@mail.test>\n");
    CHECK_INT(program.variable("lList").lines.size(), 0);
    CHECK_INT(program.variable("lList").columns.size(), 10);
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,lName)"), 0);
    CHECK_STR(program.text("lName").c_str(), "");
    program.disconnect();
}

static void what_cannot_be_split()
{
    Program program;
    program.declare("lHeaders", fftList);
    program.variable("lText") = Value::of_text("Subject: x\r\n\r\ny");
    CHECK_INT(program.answer("MailSplit (lText,lHeaders)"), -503);
    CHECK_INT(program.answer("MailSplit (lText,lText,lList)"), POP3_ERR_PARAMETER);
    CHECK_INT(program.answer("MailSplit (iSocket,lHeaders,lList)"), POP3_ERR_PARAMETER);
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,iSocket)"), POP3_ERR_PARAMETER);
    program.variable("lList").is_unusable = true;
    CHECK_INT(program.answer("MailSplit (lText,lHeaders,lList)"), -508);
    program.variable("lList").is_unusable = false;
    /* more levels than any message has: the lists are cleared, whatever comes after */
    std::string deep;
    for (int level = 0; level < 80; level++)
        deep += "Content-Type: message/rfc822\r\n\r\n";
    set_bytes(program.variable("lBinary"), deep);
    program.run("WebDevSetConfig ('$error')");
    CHECK_INT(program.answer("MailSplit (lBinary,lHeaders,lList)"), POP3_ERR_LIMIT);
    CHECK_INT(program.variable("lHeaders").lines.size() + program.variable("lList").lines.size(), 0);
    CHECK_HAS(program.errors.c_str(), "|-2004|MailSplit|\n");
}

void test_splitting()
{
    RUN(the_parts_of_a_message);
    RUN(the_body_of_a_message);
    RUN(a_header_alone);
    RUN(what_cannot_be_split);
}

#!/usr/bin/env python3
"""Takes the messages of corpus.py apart by pop3_split and by Python's email package, and compares.

    compare.py LIBRARY

Each difference must be in KNOWN below, which says who is right; what is there and is none is an error as well, with the
Python that Debian 12 has: other versions may have mended it.
"""

import email
import email.policy
import re
import sys
from datetime import timezone
from fnmatch import fnmatch

import corpus
from splitter import Splitter

# Which message, what of it, who is right and why. The first that fits counts.
KNOWN = [
    ("* windows-874*", "*", "ours", "Python knows this charset as cp874 alone; mail says windows-874"),
    ("name both", "part 0 file_name", "ours", "RFC 6266, section 4.3: what has a charset counts; Python takes the first"),
    ("name blanks", "part 0 file_name", "ours", "without quotes it is wrong, but common; mail programs show all of it"),
    ("name comment", "part 0 file_name", "Python", "it is a comment; but names with blanks and parentheses are far more common"),
    ("header words in quotes", "field From", "both", "Python leaves out quotes that are not needed"),
    ("header blanks before the colon", "*", "ours", "RFC 5322, section 4.5.8: obsolete, to be understood"),
    ("header 8-bit", "field Subject", "ours", "it has no charset; mail programs take it for windows-1252"),
    ("header nul", "field Subject", "both", "a string in C ends at NUL: it is U+FFFD"),
    ("shape message, encoded", "*", "ours", "RFC 2046 has no encoded messages, but they are sent, and mail programs decode them"),
    ("shape no part", "part 0 data", "both", "a multipart has no data, without parts as well"),
    ("shape report", "levels", "both", "Python makes parts of the blocks of message/delivery-status; ours are MIME's alone"),
    ("shape partial", "levels", "ours", "RFC 2046, section 5.2.2: a fragment is no message, and may begin anywhere"),
    ("broken, no boundary", "part 0 text", "ours", "a text is shown"),
    ("broken, not found", "part 0 text", "ours", "a text is shown"),
    ("broken, same boundary", "part 1 text", "ours", "what is no multipart is a text, an empty one too"),
    ("broken, 8-bit*", "part 0 text", "ours", "what names no charset is UTF-8 or windows-1252, as in mail programs"),
    ("broken, not its charset", "part 0 text", "ours", "the Encoding Standard says how many U+FFFD there are"),
    ("broken, comment", "part 0 content_subtype", "ours", "RFC 2045, section 5.1: comments are allowed"),
    ("broken, no semicolon", "part 0 *", "ours", "it is wrong, but plain what is meant"),
    ("encoding quoted-printable*", "part 0 data", "ours", "RFC 2045, section 6.7: blanks at the end of a line are to be deleted"),
]


def blanks(text):
    """Python writes some fields anew, with other blanks."""
    return re.sub(r"\s+", " ", text).strip()


def python_parts(message, level=0):
    """The parts as pop3_split tells them."""
    told = {
        "level": level,
        "content_type": message.get_content_maintype(),
        "content_subtype": message.get_content_subtype(),
        "charset": message.get_content_charset() or "",
        "encoding": str(message.get("content-transfer-encoding", "")).lower(),
        "disposition": message.get_content_disposition() or "",
        "content_id": str(message.get("content-id", "")).strip("<>"),
        "file_name": message.get_filename() or "",
        "text": None,
        "data": None,
    }
    if not message.is_multipart():
        told["data"] = message.get_payload(decode=True)
        if told["content_type"] == "text":
            charset = message.get_content_charset() or "us-ascii"
            try:
                told["text"] = told["data"].decode(charset, "replace")
            except LookupError:
                told["text"] = told["data"].decode("us-ascii", "replace")
        yield told
        return
    yield told
    for part in message.get_payload():
        yield from python_parts(part, level + 1)


def python_date(message):
    date = message.get("date")
    date = date and date.datetime
    if date is None:
        return None
    return int((date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp())


def differences(splitter, message):
    """What of a message is not the same: where, ours, Python's."""
    fields, parts, date = splitter.split(message)
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    # what a field with parameters says is compared by parts
    with_parameters = ("content-type", "content-disposition", "date")
    theirs = [(name, blanks(str(value))) for name, value in parsed.items()]
    ours = [(name, blanks(value)) for name, value in fields]
    yield "field names", [name for name, _ in ours], [name for name, _ in theirs]
    for (name, our), (_, their) in zip(ours, theirs):
        if name.lower() not in with_parameters:
            yield f"field {name}", our, their
    yield "date", date, python_date(parsed)
    their_parts = list(python_parts(parsed))
    yield "levels", [part["level"] for part in parts], [part["level"] for part in their_parts]
    for at, (our, their) in enumerate(zip(parts, their_parts)):
        for what in our:
            # that of a message in a message is its header
            if what == "data" and our["content_type"] == "message" and their["data"] is None:
                continue
            yield f"part {at} {what}", our[what], their[what]


def main():
    splitter = Splitter(sys.argv[1])
    unknown, met, compared, count = [], set(), 0, 0
    for name, message in corpus.messages():
        count += 1
        for what, ours, theirs in differences(splitter, message):
            compared += 1
            if ours == theirs:
                continue
            found = next((at for at, known in enumerate(KNOWN) if fnmatch(name, known[0]) and fnmatch(what, known[1])), None)
            met.add(found)
            if found is None:
                unknown.append(f"{name}: {what}: {ours!r}\n    and Python: {theirs!r}")
    if sys.version_info[:2] == (3, 11):
        unknown += [f"KNOWN, but the same: {known[:2]}" for at, known in enumerate(KNOWN) if at not in met]
    if unknown:
        print("compare: differences that nobody has explained:", *unknown, sep="\n  ")
        sys.exit(1)
    print(f"compare: {count} messages, {compared} comparisons, {len(KNOWN)} kinds of differences, all explained")


main()

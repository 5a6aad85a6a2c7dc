"""Text of somebody else's, fit for a terminal."""

from __future__ import annotations

import unicodedata

#: How many accents and vowel signs one letter may have, lest they reach the lines beside it. Few words need more.
MARKS = 3

#: What counts as printable, and is not to be seen: fillers, variation selectors, joiners; or what terminals join with
#: its neighbour, so that they do not agree how wide both are: parts of Korean syllables, halves of flags, skin tones.
_UNSEEN = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x11FF),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xD7B0, 0xD7FF),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0x1F1E6, 0x1F1FF),
        (0x1F3FB, 0x1F3FF),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)


def visible(text: str) -> str:
    r"""A text on one line, of which each character is seen and none is an order to a terminal.

    Control and format characters, ends of lines, what turns the direction of writing, spaces other than the usual one,
    lone surrogates, and what Unicode has not assigned, are escaped as Python escapes them: `\n`, `\x1b`, `\u202e`. A
    backslash stays as it is, so what is escaped cannot be told from one who wrote it so.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    # that the letter has already; none may stand on what is no letter
    marks = MARKS
    for character in text:
        is_mark = unicodedata.category(character).startswith("M")
        if not character.isprintable() or character in _UNSEEN or (is_mark and marks == MARKS):
            shown.append(character.encode("unicode_escape").decode("ascii"))
            marks = MARKS
        else:
            shown.append(character)
            marks = marks + 1 if is_mark else MARKS if character == " " else 0
    return "".join(shown)

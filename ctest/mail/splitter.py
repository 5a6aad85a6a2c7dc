"""pop3_split for Python: the library as the loader finds it, or by its path."""

import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p


class Field(Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class Part(Structure):
    STRINGS = ("content_type", "content_subtype", "charset", "encoding", "disposition", "content_id", "file_name")
    _fields_ = [
        ("level", c_int32),
        *((name, c_char_p) for name in STRINGS),
        ("text", c_void_p),
        ("text_len", c_size_t),
        ("data", c_void_p),
        ("data_len", c_size_t),
    ]


class Mail(Structure):
    _fields_ = [
        ("fields", POINTER(Field)),
        ("field_count", c_size_t),
        ("parts", POINTER(Part)),
        ("part_count", c_size_t),
        ("date", c_int64),
    ]


class Splitter:
    def __init__(self, path="libpop3connect.so.1"):
        self.library = ctypes.CDLL(path)
        self.library.pop3_split.argtypes = [c_char_p, c_size_t, POINTER(Mail)]
        self.library.pop3_mail_free.argtypes = [POINTER(Mail)]
        self.library.pop3_mail_free.restype = None
        self.library.pop3_get_last_error.restype = c_char_p

    def time(self, message):
        """Takes a message apart and forgets it."""
        mail = Mail()
        if self.library.pop3_split(message, len(message), byref(mail)) != 0:
            raise ValueError(self.library.pop3_get_last_error().decode())
        self.library.pop3_mail_free(byref(mail))

    def split(self, message):
        """The fields, the parts as dictionaries, the date or None."""
        mail = Mail()
        if self.library.pop3_split(message, len(message), byref(mail)) != 0:
            raise ValueError(self.library.pop3_get_last_error().decode())
        fields = [(field.name.decode(), field.value.decode()) for field in mail.fields[: mail.field_count]]
        parts = []
        for part in mail.parts[: mail.part_count]:
            told = {"level": part.level, **{name: getattr(part, name).decode() for name in Part.STRINGS}}
            told["text"] = None if part.text is None else ctypes.string_at(part.text, part.text_len).decode()
            told["data"] = None if part.data is None else ctypes.string_at(part.data, part.data_len)
            parts.append(told)
        date = None if mail.date == -(2**63) else mail.date
        self.library.pop3_mail_free(byref(mail))
        return fields, parts, date

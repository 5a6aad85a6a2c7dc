//! From any charset of mail to UTF-8.

use encoding_rs::{CoderResult, Encoding, UTF_8, WINDOWS_1252};

use crate::mail::store::Sink;
use crate::mail::transfer::SEXTETS;

/// Names that mail has and the Encoding Standard, whose names `encoding_rs` knows, has not.
const MORE_NAMES: [(&str, &str); 9] = [
    ("cp932", "shift_jis"),
    ("windows-932", "shift_jis"),
    ("cp936", "gbk"),
    ("ms936", "gbk"),
    ("windows-936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
    ("x-mac-roman", "macintosh"),
    ("utf-8-mac", "utf-8"),
];

/// How octets are to be understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Charset {
    /// One that the Encoding Standard has.
    Standard(&'static Encoding),
    /// RFC 2152.
    Utf7,
    /// None is named, or none that is known, or US-ASCII, which says nothing of octets beyond it.
    Unknown,
}

impl Charset {
    /// The one of that name.
    pub fn named(name: &str) -> Charset {
        // quotes that are none in a field's grammar are often there
        let name = name.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\'' || c == '"');
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if ["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"].into_iter().any(is) {
            return Charset::Unknown;
        }
        if ["utf-7", "utf7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7", "csunicode11utf7"].into_iter().any(is) {
            return Charset::Utf7;
        }
        let name = MORE_NAMES.iter().find(|(more, _)| is(more)).map_or(name, |(_, standard)| standard);
        // others are understood by nobody any more: the standard has them decode to nothing
        Encoding::for_label_no_replacement(name.as_bytes()).map_or(Charset::Unknown, Charset::Standard)
    }

    /// How these octets are read: what names no charset is UTF-8 where it is valid, else what old mail is mostly in.
    pub fn of(self, bytes: &[u8]) -> Charset {
        match self {
            Charset::Unknown if std::str::from_utf8(bytes).is_ok() => Charset::Standard(UTF_8),
            Charset::Unknown => Charset::Standard(WINDOWS_1252),
            known => known,
        }
    }

    /// How many octets at the beginning are to go for the rest to be the text in UTF-8 as it stands, if that is so.
    pub fn is_utf8(self, bytes: &[u8]) -> Option<usize> {
        let bom = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let is_utf8 = match self {
            Charset::Standard(encoding) if encoding == UTF_8 => std::str::from_utf8(bytes).is_ok(),
            Charset::Standard(encoding) => encoding.is_ascii_compatible() && bytes.is_ascii(),
            _ => false,
        };
        is_utf8.then_some(bom)
    }

    /// Decodes a whole text. What is not valid becomes U+FFFD.
    pub fn decode(self, bytes: &[u8], out: &mut dyn Sink) {
        let mut decoder = Decoder::new(self);
        decoder.push(bytes, out);
        decoder.finish(out);
    }
}

/// Decodes a text that comes in pieces, which may be cut in the middle of a character.
pub enum Decoder {
    /// By `encoding_rs`.
    Standard(Box<encoding_rs::Decoder>),
    /// By [`Utf7`].
    Utf7(Utf7),
}

impl Decoder {
    /// One for a new text. A byte order mark counts for more than the charset.
    pub fn new(charset: Charset) -> Decoder {
        match charset {
            Charset::Standard(encoding) => Decoder::Standard(Box::new(encoding.new_decoder())),
            Charset::Utf7 => Decoder::Utf7(Utf7::default()),
            Charset::Unknown => Decoder::Standard(Box::new(UTF_8.new_decoder())),
        }
    }

    /// Decodes a piece.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn Sink) {
        match self {
            // some of its decoders forget the first half of a character when nothing comes
            _ if bytes.is_empty() => {}
            Decoder::Standard(decoder) => run(decoder, bytes, false, out),
            Decoder::Utf7(decoder) => bytes.iter().for_each(|byte| decoder.push(*byte, out)),
        }
    }

    /// Decodes what the last piece left open.
    pub fn finish(mut self, out: &mut dyn Sink) {
        match &mut self {
            Decoder::Standard(decoder) => run(decoder, b"", true, out),
            Decoder::Utf7(decoder) => decoder.leave(out),
        }
    }
}

fn run(decoder: &mut encoding_rs::Decoder, mut bytes: &[u8], is_last: bool, out: &mut dyn Sink) {
    let mut buffer = [0; 4096];
    loop {
        let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut buffer, is_last);
        out.put(&buffer[..written]);
        bytes = &bytes[read..];
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}

/// UTF-7 (RFC 2152), which the Encoding Standard leaves out.
#[derive(Default)]
pub struct Utf7 {
    /// Within `+` and `-`: how many octets have come.
    shifted: Option<usize>,
    bits: u32,
    bit_count: u32,
    /// The first half of a character beyond U+FFFF.
    high: Option<u16>,
}

impl Utf7 {
    fn push(&mut self, byte: u8, out: &mut dyn Sink) {
        let Some(count) = self.shifted else {
            match byte {
                b'+' => self.shifted = Some(0),
                ..0x80 => out.put(&[byte]),
                _ => put(char::REPLACEMENT_CHARACTER, out),
            }
            return;
        };
        let value = SEXTETS[usize::from(byte)];
        if value < 64 {
            self.shifted = Some(count + 1);
            self.bits = self.bits << 6 | u32::from(value);
            self.bit_count += 6;
            if self.bit_count >= 16 {
                self.bit_count -= 16;
                self.unit((self.bits >> self.bit_count) as u16, out);
            }
            return;
        }
        self.leave(out);
        match byte {
            b'-' if count == 0 => out.put(b"+"),
            b'-' => {}
            _ => self.push(byte, out),
        }
    }

    /// A unit of UTF-16.
    fn unit(&mut self, unit: u16, out: &mut dyn Sink) {
        let high = self.high.take();
        if (0xd800..0xdc00).contains(&unit) {
            if high.is_some() {
                put(char::REPLACEMENT_CHARACTER, out);
            }
            self.high = Some(unit);
            return;
        }
        let units = high.into_iter().chain([unit]);
        char::decode_utf16(units).for_each(|char| put(char.unwrap_or(char::REPLACEMENT_CHARACTER), out));
    }

    fn leave(&mut self, out: &mut dyn Sink) {
        if self.high.is_some() {
            put(char::REPLACEMENT_CHARACTER, out);
        }
        *self = Utf7::default();
    }
}

fn put(char: char, out: &mut dyn Sink) {
    out.put(char.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(name: &str, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        Charset::named(name).of(bytes).decode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn charsets_old_and_new() {
        for (name, bytes, text) in [
            ("utf-8", &b"z\xc3\xbc\xff"[..], "zü\u{fffd}"),
            ("US-ASCII", b"z\xc3\xbc", "zü"),
            ("", b"z\xfc", "zü"),
            ("x-nobody-knows", b"z\xfc\x80", "zü€"),
            ("ISO-8859-1", b"z\xfc", "zü"),
            ("'koi8-r'", b"\xf0", "П"),
            ("iso-8859-15", b"\xa4", "€"),
            ("windows-1252", b"\x80 \x84x\x93", "€ „x“"),
            ("KOI8-R", b"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
            ("macintosh", b"\x8a\xa7", "äß"),
            ("iso-2022-jp", b"\x1b$B$3$s$K$A$O\x1b(B!", "こんにちは!"),
            ("shift_jis", b"\x82\xb1\x82\xf1", "こん"),
            ("CP932", b"\x87\x40", "①"),
            ("gb18030", b"\xc4\xe3\x81\x30\x81\x30", "你\u{80}"),
            ("gb2312", b"\xc4\xe3\xba\xc3", "你好"),
            ("euc-kr", b"\xbe\xc8\xb3\xe7", "안녕"),
            ("big5", b"\xa7\x41\xa6\x6e", "你好"),
            ("utf-16", b"\xfe\xff\x00z\x00\xfc", "zü"),
            ("utf-7", b"Hi Mom +Jjo--+AOQ +2D3eAA!", "Hi Mom ☺-ä 😀!"),
            ("UTF-7", b"1 +- 1 \xff+2D0- +3gA-", "1 + 1 \u{fffd}\u{fffd} \u{fffd}"),
        ] {
            assert_eq!(decoded(name, bytes), text, "{name}");
        }
    }

    #[test]
    fn a_character_may_be_cut_anywhere() {
        for (name, bytes) in [
            ("utf-8", "zü€😀".as_bytes()),
            ("iso-2022-jp", b"\x1b$B$3$s\x1b(B"),
            ("gb18030", b"\x81\x30\x81\x30\xc4\xe3"),
            ("utf-7", b"+AOQ-x+2D3eAA-"),
            ("shift_jis", b"\x82\xb1\x82\xf1"),
            ("big5", b"\xa7\x41\xa6\x6e"),
            ("euc-kr", b"\xbe\xc8\xb3\xe7"),
            ("euc-jp", b"\xa4\xb3"),
            ("utf-16", b"\xfe\xff\x00z\xd8\x3d\xde\x00"),
        ] {
            for cut in 0..bytes.len() {
                let (mut decoder, mut out) = (Decoder::new(Charset::named(name)), Vec::new());
                decoder.push(&bytes[..cut], &mut out);
                decoder.push(b"", &mut out);
                decoder.push(&bytes[cut..], &mut out);
                decoder.finish(&mut out);
                assert_eq!(out, decoded(name, bytes).into_bytes(), "{name} {cut}");
            }
        }
    }

    #[test]
    fn what_is_utf8_already_needs_no_copy() {
        for (name, bytes, same) in [
            ("utf-8", &b"z\xc3\xbc"[..], Some(0)),
            ("utf-8", b"\xef\xbb\xbfz", Some(3)),
            ("utf-8", b"z\xfc", None),
            ("", b"z", Some(0)),
            ("windows-1252", b"z", Some(0)),
            ("windows-1252", b"z\xfc", None),
            ("utf-7", b"+AOQ-", None),
            ("utf-16", b"z\0", None),
            ("iso-2022-jp", b"\x1b$B$3", None),
        ] {
            assert_eq!(Charset::named(name).of(bytes).is_utf8(bytes), same, "{name}");
        }
    }
}

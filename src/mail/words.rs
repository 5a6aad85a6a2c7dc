//! The text of a field: unfolded, and its encoded words decoded (RFC 2047).

use encoding_rs::WINDOWS_1252;
use memchr::{memchr, memmem};

use crate::mail::charset::{Charset, Decoder};
use crate::mail::store::Sink;
use crate::mail::transfer;

/// Decodes a value as it stands in a header, to one line of UTF-8.
///
/// Encoded words are understood wherever they stand, since many programs write them where they must not. Those that follow
/// each other in one charset are decoded together: some programs cut a text in the middle of a character. What has octets
/// beyond ASCII is UTF-8 where it is valid (RFC 6532), else windows-1252.
pub fn decode(value: &[u8], out: &mut dyn Sink) {
    let out = &mut OneLine(out);
    let plain = Charset::Unknown.of(value);
    let mut run: Option<(Charset, Decoder)> = None;
    let starts = memmem::Finder::new(b"=?");
    // of what is plain text it was decoded up to here, and looked at up to there
    let (mut done, mut at) = (0, 0);
    while let Some(start) = starts.find(&value[at..]).map(|found| at + found) {
        let Some((word, end)) = Word::at(value, start) else {
            at = start + 2;
            continue;
        };
        let between = &value[done..start];
        if run.is_none() || !between.trim_ascii().is_empty() {
            finish(run.take(), out);
            unfold(between, plain, out);
        }
        if run.as_ref().is_none_or(|(charset, _)| *charset != word.charset) {
            finish(run.take(), out);
            run = Some((word.charset, Decoder::new(word.charset)));
        }
        if let Some((_, decoder)) = &mut run {
            word.decode(&mut Through(decoder, out));
        }
        (done, at) = (end, end);
    }
    finish(run, out);
    unfold(&value[done..], plain, out);
}

/// The same as a string.
pub fn decoded(value: &[u8]) -> String {
    let mut text = Vec::new();
    decode(value, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

fn finish(run: Option<(Charset, Decoder)>, out: &mut OneLine) {
    if let Some((_, decoder)) = run {
        decoder.finish(out);
    }
}

/// Text between encoded words: its line ends go, the blanks behind them stay.
fn unfold(text: &[u8], charset: Charset, out: &mut OneLine) {
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
        match charset {
            Charset::Standard(encoding) if encoding == WINDOWS_1252 => charset.decode(line, out),
            _ => out.put(line),
        }
    }
}

/// An encoded word.
struct Word<'a> {
    charset: Charset,
    is_base64: bool,
    text: &'a [u8],
}

impl<'a> Word<'a> {
    /// The longest name of a charset, with the language that RFC 2231 adds.
    const LONGEST_NAME: usize = 100;

    /// The one that begins there, and where it ends.
    fn at(value: &[u8], start: usize) -> Option<(Word<'_>, usize)> {
        let name_at = start + 2;
        let longest = &value[name_at..value.len().min(name_at + Word::LONGEST_NAME)];
        let name = &longest[..memchr(b'?', longest)?];
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let text_at = name_at + name.len() + 3;
        let is_base64 = match value.get(name_at + name.len() + 1..text_at)? {
            b"B?" | b"b?" => true,
            b"Q?" | b"q?" => false,
            _ => return None,
        };
        // no further than the next question mark, or for `=?` after `=?` all that follows would be looked through
        let length = memchr(b'?', &value[text_at..]).filter(|at| value.get(text_at + at + 1) == Some(&b'='))?;
        let name = std::str::from_utf8(name).ok()?.split('*').next()?;
        let word = Word { charset: Charset::named(name), is_base64, text: &value[text_at..text_at + length] };
        Some((word, text_at + length + 2))
    }

    fn decode(&self, out: &mut dyn Sink) {
        if self.is_base64 {
            return transfer::base64(self.text, out);
        }
        for (index, text) in self.text.split(|byte| *byte == b'_').enumerate() {
            if index > 0 {
                out.put(b" ");
            }
            // some programs fold within a word
            text.split(|byte| matches!(byte, b'\r' | b'\n')).for_each(|text| transfer::escapes(text, b'=', out));
        }
    }
}

/// Octets that are decoded on their way.
struct Through<'a, 'b>(&'a mut Decoder, &'a mut OneLine<'b>);

impl Sink for Through<'_, '_> {
    fn put(&mut self, bytes: &[u8]) {
        self.0.push(bytes, self.1);
    }
}

/// Keeps UTF-8 in one line without NUL, as a host in C expects it of a string: an encoded word may hold anything.
struct OneLine<'a>(&'a mut dyn Sink);

impl Sink for OneLine<'_> {
    fn put(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            match piece.split_last() {
                Some((0, text)) => {
                    self.0.put(text);
                    self.0.put("\u{fffd}".as_bytes());
                }
                Some((b'\r' | b'\n', text)) => {
                    self.0.put(text);
                    self.0.put(b" ");
                }
                _ => self.0.put(piece),
            }
        }
    }
}

/// A whole text as one line in UTF-8.
pub fn one_line(charset: Charset, bytes: &[u8]) -> String {
    let mut text = Vec::new();
    charset.of(bytes).decode(bytes, &mut OneLine(&mut text));
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_words() {
        for (value, text) in [
            (&b""[..], ""),
            (b"plain", "plain"),
            (b"folded\r\n twice\n\tover", "folded twice\tover"),
            (b"z\xc3\xbc\r\n x", "zü x"),
            (b"z\xfc \x80\r\n x\xfc", "zü € xü"),
            (b"nul\0 cr\rx", "nul\u{fffd} cr x"),
            (
                b"=? =?= =?utf-8?= =?utf-8?x?a?= =?utf-8?q?open =??q?a?=",
                "=? =?= =?utf-8?= =?utf-8?x?a?= =?utf-8?q?open =??q?a?=",
            ),
        ] {
            assert_eq!(decoded(value), text, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn words() {
        for (value, text) in [
            ("=?utf-8?q?z=C3=BC?=", "zü"),
            ("=?UTF-8?B?esO8?=", "zü"),
            ("=?iso-8859-1*de?Q?z=FC_x?= and =?koi8-r?b?8NLJ?=", "zü x and При"),
            // blanks between two words go, and no others
            ("a =?utf-8?q?b?= \r\n =?utf-8?q?_c?= d", "a b c d"),
            ("=?utf-8?q?b?==?utf-8?q?c?=", "bc"),
            ("=?utf-8?q?b?= x =?utf-8?q?c?=", "b x c"),
            ("=?iso-8859-1?q?=E4?= =?utf-8?q?=C3=A4?=", "ää"),
            // within quotes, within a word, with blanks, folded
            ("\"=?utf-8?q?a?=\" <x@y>", "\"a\" <x@y>"),
            ("a=?utf-8?q?b?=c", "abc"),
            ("=?utf-8?q?two words?=", "two words"),
            ("=?utf-8?q?fol\r\nded?=", "folded"),
            // a charset that nobody knows
            ("=?x-unknown?q?z=C3=BC?= =?us-ascii?q?x?=", "züx"),
            // what would be another field, or would end a string of C's
            ("=?utf-8?q?a=0D=0ABcc:_b=00c?=", "a  Bcc: b\u{fffd}c"),
        ] {
            assert_eq!(decoded(value.as_bytes()), text, "{value}");
        }
    }

    #[test]
    fn a_character_in_two_words() {
        for (value, text) in [
            ("=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "€"),
            ("=?utf-8?b?4oI=?=\r\n =?UTF-8?q?=AC?=", "€"),
            ("=?utf-8?q?=F0?= =?utf-8?q?=9F?= =?utf-8?q?=98?= =?utf-8?q?=80!?=", "😀!"),
            ("=?iso-2022-jp?b?GyRCJDM=?= =?iso-2022-jp?b?JHMbKEI=?=", "こん"),
            ("=?gb18030?q?=C4?= =?gb18030?q?=E3?=", "你"),
            ("=?shift_jis?q?=82?= =?shift_jis?q?=B1=82=F1?=", "こん"),
            ("=?utf-16?q?=FE=FF=00z?=", "z"),
            // not what follows something else
            ("=?utf-8?q?=E2=82?= x =?utf-8?q?=AC?=", "\u{fffd} x \u{fffd}"),
        ] {
            assert_eq!(decoded(value.as_bytes()), text, "{value}");
        }
    }

    #[test]
    fn beginnings_without_an_end_take_no_time() {
        for piece in ["=?", "=?utf-8?q?", "=?utf-8?q?a?", "=?utf-8?q?=E2?= "] {
            let value = piece.repeat(400_000 / piece.len());
            assert!(!decoded(value.as_bytes()).is_empty(), "{piece}");
        }
    }
}

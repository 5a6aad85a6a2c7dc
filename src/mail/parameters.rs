//! Content-Type and Content-Disposition: a value and its parameters (RFC 2045, section 5.1; RFC 2231).

use memchr::memchr;

use crate::mail::charset::Charset;
use crate::mail::transfer;
use crate::mail::words;

/// How much of a field is looked at. What is longer is no name of a file any more.
pub const LONGEST: usize = 16 * 1024;

/// A field with parameters.
#[derive(Debug, Default, PartialEq)]
pub struct Parameters {
    /// What stands before the parameters, in lower case.
    pub value: String,
    /// Names in lower case and decoded values, in the order in which they begin.
    pub list: Vec<(String, String)>,
    /// Whether one of them was written as RFC 2231 has it.
    pub is_extended: bool,
}

impl Parameters {
    /// The parameters of a field, as it stands in a header.
    pub fn parse(field: &[u8]) -> Parameters {
        let field = &field[..field.len().min(LONGEST)];
        let mut scanner = Scanner { rest: field };
        let value = words::one_line(Charset::Unknown, scanner.token(b";")).to_ascii_lowercase();
        let mut pieces = Vec::new();
        while let Some((name, value)) = scanner.parameter() {
            pieces.push(Piece::new(&name, value, pieces.len()));
        }
        let is_extended = pieces.iter().any(|piece| piece.rank != Piece::PLAIN);
        // those of a name together, in their order
        pieces.sort_by(|one, other| (&one.name, one.rank).cmp(&(&other.name, other.rank)));
        let mut list: Vec<_> = pieces.chunk_by(|one, other| one.name == other.name).map(join).collect();
        list.sort_by_key(|(at, _, _)| *at);
        Parameters { value, list: list.into_iter().map(|(_, name, value)| (name, value)).collect(), is_extended }
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// What a parameter is put together from.
struct Piece {
    name: String,
    /// Which piece of the value it is, or [`Piece::PLAIN`].
    rank: u32,
    /// Whether it has `%`, and if it is the first, the charset.
    is_encoded: bool,
    value: Vec<u8>,
    /// Where it stands among all.
    at: usize,
}

impl Piece {
    /// The rank of a whole value, as RFC 2045 has it: behind all pieces, which count for more.
    const PLAIN: u32 = u32::MAX;

    fn new(name: &[u8], value: Vec<u8>, at: usize) -> Piece {
        let name = words::one_line(Charset::Unknown, name).to_ascii_lowercase();
        let (rank, is_encoded) = match name.split_once('*') {
            None => (Some(Piece::PLAIN), false),
            Some((_, "")) => (Some(0), true),
            Some((_, rank)) => {
                let number = rank.strip_suffix('*').unwrap_or(rank);
                (number.parse().ok().filter(|rank| *rank != Piece::PLAIN), rank.ends_with('*'))
            }
        };
        match rank {
            Some(rank) => {
                let name = name.split('*').next().unwrap_or_default().into();
                Piece { name, rank, is_encoded, value, at }
            }
            // a star that says nothing belongs to the name
            None => Piece { name, rank: Piece::PLAIN, is_encoded: false, value, at },
        }
    }
}

/// The parameter of these pieces: where it begins, its name, its value.
fn join(pieces: &[Piece]) -> (usize, String, String) {
    let at = pieces.iter().map(|piece| piece.at).min().unwrap_or_default();
    let name = pieces[0].name.clone();
    let whole = pieces.iter().find(|piece| piece.rank == Piece::PLAIN);
    if let (Some(whole), true) = (whole, pieces[0].rank != 0) {
        return (at, name, words::decoded(&whole.value));
    }
    let mut charset = None;
    let mut bytes = Vec::new();
    let mut next = pieces[0].rank;
    for piece in pieces {
        // of two with one number the first counts; where one is missing there is no telling what follows
        match piece.rank {
            Piece::PLAIN => break,
            rank if rank < next => continue,
            rank if rank > next => break,
            _ => next += 1,
        }
        let mut text = &piece.value[..];
        if piece.is_encoded && charset.is_none() {
            let (named, rest) = charset_of(text);
            (charset, text) = (Some(named), rest);
        }
        match piece.is_encoded {
            true => transfer::escapes(text, b'%', &mut bytes),
            false => bytes.extend_from_slice(text),
        }
    }
    let value = match charset {
        Some(charset) => words::one_line(charset, &bytes),
        None => words::decoded(&bytes),
    };
    (at, name, value)
}

/// `charset'language'text`; where the quotes are missing all of it is text.
fn charset_of(text: &[u8]) -> (Charset, &[u8]) {
    let mut parts = text.splitn(3, |byte| *byte == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(rest)) => (Charset::named(&String::from_utf8_lossy(charset)), rest),
        _ => (Charset::Unknown, text),
    }
}

/// Reads a field from its beginning.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn skip(&mut self, also: &[u8]) {
        while let Some(byte) = self.rest.first() {
            match byte {
                b'(' => self.skip_comment(),
                byte if byte.is_ascii_whitespace() || also.contains(byte) => self.rest = &self.rest[1..],
                _ => return,
            }
        }
    }

    fn skip_comment(&mut self) {
        let (mut depth, mut at) = (0_u32, 0);
        while let Some(byte) = self.rest.get(at) {
            at += 1;
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => at += 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.rest = &self.rest[at.min(self.rest.len())..];
    }

    /// What comes before blanks and one of these.
    fn token(&mut self, ends: &[u8]) -> &'a [u8] {
        self.skip(b"");
        let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'(' || ends.contains(byte);
        self.take(self.rest.iter().position(ends).unwrap_or(self.rest.len()))
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        taken
    }

    /// The next parameter that has a value.
    fn parameter(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        loop {
            self.skip(b";");
            if self.rest.is_empty() {
                return None;
            }
            let name = self.token(b";=");
            self.skip(b"");
            let Some(value) = self.rest.strip_prefix(b"=") else {
                // what stands alone says nothing; a parenthesis or so would be met again
                if name.is_empty() {
                    self.rest = &self.rest[1..];
                }
                continue;
            };
            self.rest = value;
            let value = self.value(is_file_name(name));
            if !name.is_empty() {
                return Some((name.to_vec(), value));
            }
        }
    }

    /// A value. A file's name that has blanks ought to be in quotes, but often is not.
    fn value(&mut self, may_have_blanks: bool) -> Vec<u8> {
        while self.rest.first().is_some_and(u8::is_ascii_whitespace) {
            self.rest = &self.rest[1..];
        }
        match (self.rest.strip_prefix(b"\""), may_have_blanks) {
            (Some(rest), _) => {
                self.rest = rest;
                self.quoted()
            }
            (None, true) => {
                let value = self.take(memchr(b';', self.rest).unwrap_or(self.rest.len()));
                unfolded(value.trim_ascii_end())
            }
            (None, false) => {
                let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b';';
                self.take(self.rest.iter().position(ends).unwrap_or(self.rest.len())).to_vec()
            }
        }
    }

    /// What stands before the closing quote.
    fn quoted(&mut self) -> Vec<u8> {
        let (mut value, mut at) = (Vec::new(), 0);
        while let Some(byte) = self.rest.get(at) {
            at += 1;
            match byte {
                b'"' => break,
                b'\\' if at < self.rest.len() => {
                    value.push(self.rest[at]);
                    at += 1;
                }
                byte => value.push(*byte),
            }
        }
        self.rest = &self.rest[at..];
        unfolded(&value)
    }
}

fn unfolded(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
}

fn is_file_name(parameter: &[u8]) -> bool {
    let is = |name: &[u8]| parameter.len() >= name.len() && parameter[..name.len()].eq_ignore_ascii_case(name);
    is(b"name") || is(b"filename")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, value: &str, list: &[(&str, &str)]) {
        let parsed = Parameters::parse(field.as_bytes());
        let found: Vec<_> = parsed.list.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((parsed.value.as_str(), &found[..]), (value, list), "{field:?}");
    }

    #[test]
    fn values_and_parameters() {
        check("", "", &[]);
        check("Text/Plain", "text/plain", &[]);
        check("text/plain; Charset=UTF-8", "text/plain", &[("charset", "UTF-8")]);
        check(
            "text/plain;charset = \"utf-8\" ;\r\n format=flowed;",
            "text/plain",
            &[("charset", "utf-8"), ("format", "flowed")],
        );
        check(r#"a/b; x="q\"u\\o;te"; y="fol"#, "a/b", &[("x", r#"q"u\o;te"#), ("y", "fol")]);
        check("a/b; x=\"fol\r\n ded\"; x=second", "a/b", &[("x", "fol ded")]);
    }

    #[test]
    fn what_programs_write_all_the_same() {
        check("text/plain (a ; (b) \\) c); charset=us-ascii (comment)", "text/plain", &[("charset", "us-ascii")]);
        check("text/plain charset=utf-8 format=flowed", "text/plain", &[("charset", "utf-8"), ("format", "flowed")]);
        check(
            "attachment; filename=My File (1).pdf; size=3",
            "attachment",
            &[("filename", "My File (1).pdf"), ("size", "3")],
        );
        check("attachment; filename=\"=?utf-8?q?z=C3=BC?=.txt\"", "attachment", &[("filename", "zü.txt")]);
        check("attachment; ; alone; =x; filename=a", "attachment", &[("filename", "a")]);
        check("; a=1", "", &[("a", "1")]);
        check("a\0b/c; x\0=1", "a\u{fffd}b/c", &[("x\u{fffd}", "1")]);
        check("a/b; (open", "a/b", &[]);
        check("a/b; ) x=1", "a/b", &[("x", "1")]);
    }

    #[test]
    fn values_in_pieces_and_charsets() {
        check("a/b; title*=iso-8859-1'en'%A3%20rates", "a/b", &[("title", "£ rates")]);
        check("a; f*0=long; f*1=\" name\"; f*2=.txt", "a", &[("f", "long name.txt")]);
        check("a; f*1*=%82; f*0*=utf-8'de'%E2; x=1; f*2*=%AC; f*3=%41", "a", &[("f", "€%41"), ("x", "1")]);
        check("a; f*0*=iso-2022-jp''%1B$B$3; f*1*=%24s%1B(B", "a", &[("f", "こん")]);
        check("a; f=plain; f*=utf-8''%C3%A4", "a", &[("f", "ä")]);
        check("a; f*0=a; f*2=c; f*0=b", "a", &[("f", "a")]);
        check("a; f*1=b; f=whole", "a", &[("f", "whole")]);
        check("a; f*1=b; f*2=c", "a", &[("f", "bc")]);
        check("a; f*=no%20quotes; g*x=1", "a", &[("f", "no quotes"), ("g*x", "1")]);
        check("a; f*0=\"=?utf-8?q?z=C3\"; f*1=\"=BC?=\"", "a", &[("f", "zü")]);
        check("a; f*=utf-8''a%00b%0D%0Ac", "a", &[("f", "a\u{fffd}b  c")]);
        assert!(Parameters::parse(b"a; f*0=x").is_extended && !Parameters::parse(b"a; f=x").is_extended);
    }

    #[test]
    fn very_many() {
        let pieces: String = (0..100_000).rev().map(|at| format!(";f*{at}=x;f{at}=y")).collect();
        let parsed = Parameters::parse(format!("a{pieces}").as_bytes());
        assert!(parsed.list.len() > 500);
    }
}

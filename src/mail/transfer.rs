//! Content-Transfer-Encoding (RFC 2045, section 6), and uuencode. Nothing is refused: rubbish is passed over, or kept as it
//! is where it may be text.

use memchr::{memchr, memchr_iter};

use crate::mail::store::Sink;

/// How the octets of a part are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// As they are: 7bit, 8bit, binary, and what nobody knows.
    Plain,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
    /// uuencode, which was never a standard.
    Uuencode,
}

impl Transfer {
    /// The one of that name.
    pub fn named(name: &str) -> Transfer {
        match name {
            "base64" => Transfer::Base64,
            "quoted-printable" => Transfer::QuotedPrintable,
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Transfer::Uuencode,
            _ => Transfer::Plain,
        }
    }

    /// Decodes a body.
    pub fn decode(self, body: &[u8], out: &mut dyn Sink) {
        match self {
            Transfer::Plain => out.put(body),
            Transfer::Base64 => base64(body, out),
            Transfer::QuotedPrintable => quoted_printable(body, out),
            Transfer::Uuencode => uuencode(body, out),
        }
    }
}

/// base64. What is not of its alphabet is passed over; what stands behind the padding is not of it, as a mailing list's
/// footer.
pub fn base64(text: &[u8], out: &mut dyn Sink) {
    let mut decoded = Buffer { octets: [0; 3 * 1024], filled: 0, out };
    let (mut bits, mut count) = (0_u32, 0);
    let mut rest = text;
    loop {
        // four letters at once, as long as there is nothing else
        while let ([a, b, c, d, ..], 0) = (rest, count) {
            let [a, b, c, d] = [a, b, c, d].map(|byte| SEXTETS[usize::from(*byte)]);
            if a | b | c | d >= 64 {
                break;
            }
            decoded.push(u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d));
            rest = &rest[4..];
        }
        let Some((byte, after)) = rest.split_first() else { break };
        rest = after;
        match SEXTETS[usize::from(*byte)] {
            // padding where none can be is rubbish
            PADDING if count >= 2 => break,
            64.. => continue,
            value => bits = bits << 6 | u32::from(value),
        }
        count += 1;
        if count == 4 {
            decoded.push(bits);
            (bits, count) = (0, 0);
        }
    }
    decoded.flush();
    match count {
        2 => out.put(&[(bits >> 4) as u8]),
        3 => out.put(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => {}
    }
}

/// What each letter of base64 stands for: 64 and more is none.
pub const SEXTETS: [u8; 256] = {
    let mut values = [64; 256];
    let mut byte = 0;
    while byte < 256 {
        values[byte] = match byte as u8 {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'a'..=b'z' => letter - b'a' + 26,
            digit @ b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => PADDING,
            _ => 64,
        };
        byte += 1;
    }
    values
};
const PADDING: u8 = 65;

/// Gives on what comes by threes in pieces of some length.
struct Buffer<'a> {
    octets: [u8; 3 * 1024],
    filled: usize,
    out: &'a mut dyn Sink,
}

impl Buffer<'_> {
    fn push(&mut self, bits: u32) {
        self.octets[self.filled..self.filled + 3].copy_from_slice(&bits.to_be_bytes()[1..]);
        self.filled += 3;
        if self.filled == self.octets.len() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.out.put(&self.octets[..self.filled]);
        self.filled = 0;
    }
}

/// quoted-printable. A `=` that means nothing is kept as it is; blanks at the end of a line go.
fn quoted_printable(body: &[u8], out: &mut dyn Sink) {
    for line in lines(body) {
        let end = line.len() - [&b"\r\n"[..], b"\n"].iter().find(|end| line.ends_with(end)).map_or(0, |end| end.len());
        let text = line[..end].trim_ascii_end();
        match text.strip_suffix(b"=") {
            // a soft line break
            Some(text) => escapes(text, b'=', out),
            None => {
                escapes(text, b'=', out);
                out.put(&line[end..]);
            }
        }
    }
}

/// Undoes `=41` or `%41`, whichever escape it is.
pub fn escapes(mut text: &[u8], escape: u8, out: &mut dyn Sink) {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    while let Some(at) = memchr(escape, text) {
        out.put(&text[..at]);
        let hex = text.get(at + 1..at + 3).and_then(|hex| Some(digit(&hex[0])? << 4 | digit(&hex[1])?));
        out.put(&[hex.unwrap_or(escape)]);
        text = &text[at + if hex.is_some() { 3 } else { 1 }..];
    }
    out.put(text);
}

/// uuencode: from the line that says `begin` to that which says `end`, or has nothing.
fn uuencode(body: &[u8], out: &mut dyn Sink) {
    let lines = lines(body).map(<[u8]>::trim_ascii_end).skip_while(|line| !line.starts_with(b"begin ")).skip(1);
    for line in lines.take_while(|line| *line != b"end") {
        let Some((length, text)) = line.split_first() else { continue };
        let value = |byte: u8| byte.wrapping_sub(b' ') & 63;
        let mut left = usize::from(value(*length));
        for group in text.chunks(4) {
            // blanks at the end of a line may have been lost
            let letter = |at: usize| u32::from(group.get(at).map_or(0, |byte| value(*byte)));
            let bits = letter(0) << 18 | letter(1) << 12 | letter(2) << 6 | letter(3);
            let count = left.min(3);
            out.put(&bits.to_be_bytes()[1..][..count]);
            left -= count;
        }
    }
}

/// The lines, each with its end.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr_iter(b'\n', body)
        .map(|at| at + 1)
        .chain([body.len()])
        .map(move |end| {
            let line = &body[start..end];
            start = end;
            line
        })
        .filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, body: &[u8], decoded: &[u8]) {
        let mut out = Vec::new();
        Transfer::named(name).decode(body, &mut out);
        assert_eq!(out.escape_ascii().to_string(), decoded.escape_ascii().to_string(), "{}", body.escape_ascii());
    }

    #[test]
    fn base64_with_and_without_rubbish() {
        for (body, decoded) in [
            (&b""[..], &b""[..]),
            (b"YWJj", b"abc"),
            (b"YWJj\r\nZGU=\r\n", b"abcde"),
            (b"YWI=", b"ab"),
            (b"YQ==", b"a"),
            // no padding, half a letter
            (b"YWJjZA", b"abcd"),
            (b"YWJjZ", b"abc"),
            // rubbish between, padding where none can be
            (b"Y W\tJ*j!\xffZ\0GU=", b"abcde"),
            (b"=YWJj", b"abc"),
            // a footer behind the padding
            (b"YWI=\r\n-- \r\nlist footer\r\n", b"ab"),
        ] {
            check("base64", body, decoded);
        }
    }

    #[test]
    fn base64_of_many_lines() {
        use base64::prelude::*;
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(at) >> 3) as u8).collect();
        for width in [4, 60, 76, 77, 100_000] {
            let text = BASE64_STANDARD.encode(&bytes);
            let text: Vec<_> = text.as_bytes().chunks(width).collect();
            check("base64", &text.join(&b"\r\n"[..]), &bytes);
        }
    }

    #[test]
    fn quoted_printable_with_and_without_rubbish() {
        for (body, decoded) in [
            (&b""[..], &b""[..]),
            (b"z=C3=bc=3D\r\nb", b"z\xc3\xbc=\r\nb"),
            (b"soft=\r\nbreak= \t\r\n=\r\n!\n", b"softbreak!\n"),
            (b"blanks \t\r\nat ends  \n", b"blanks\r\nat ends\n"),
            (b"=ZZ =4 100% ==41", b"=ZZ =4 100% =A"),
            (b"at the end=", b"at the end"),
        ] {
            check("quoted-printable", body, decoded);
        }
    }

    #[test]
    fn uuencoded() {
        for body in [
            &b"rubbish\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nmore\r\n"[..],
            b"begin 644 cat.txt\n#0V%T\n",
            b"begin 644 \n#0V%T^^^\n \nend\n",
        ] {
            check("x-uuencode", body, b"Cat");
        }
        // blanks that were lost at the end of a line
        check("x-uuencode", b"begin 644 x\n#0P\nend\n", b"C\0\0");
        check("x-uuencode", b"#0V%T\n", b"");
    }

    #[test]
    fn anything_else_is_as_it_is() {
        check("8bit", b"a=41\r\n\0\xff", b"a=41\r\n\0\xff");
        check("x-nobody-knows", b"a=41", b"a=41");
    }
}

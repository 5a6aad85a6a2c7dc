//! The body of a reply of many lines, given out in pieces as it arrives.
//!
//! Unlike [`crate::proto::framing`], which waits for a whole line, this consumes whatever has come, so a message of
//! any size, with lines of any length, passes through one buffer. The pieces are slices of that buffer: dot-unstuffing
//! (RFC 1939, section 3) leaves bytes out between two pieces and moves none.
//!
//! A server that stuffs makes two dots of one. A line that begins with a single dot comes of a server that does not, and
//! keeps it.

use memchr::memmem::Finder;

use crate::proto::framing::Ending;

/// Reads one body.
#[derive(Debug)]
pub struct Body {
    ending: Ending,
    place: Place,
    /// Finds an end of line with a dot after it.
    dotted: Finder<'static>,
}

/// What came last, as far as it matters for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The beginning of a line.
    LineStart,
    /// Anywhere else.
    InLine,
    /// A CR, which has been given out.
    Cr,
    /// A dot that begins a line: the end of the body, or stuffing.
    Dot,
    /// That dot and a CR; neither has been given out.
    DotCr,
    /// The line that ends the body.
    End,
}

/// What some bytes of a body are.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Content.
    Content(&'a [u8]),
    /// Nothing more in these bytes; the body goes on.
    NeedMore,
    /// The body has ended; the bytes that were not consumed belong to the next reply.
    End,
}

impl Body {
    /// A body after a first line that ended so.
    pub fn new(ending: Ending) -> Body {
        let dotted = match ending {
            Ending::CrLf => Finder::new(b"\r\n."),
            Ending::Lf => Finder::new(b"\n."),
        };
        Body { ending, place: Place::LineStart, dotted }
    }

    /// The next piece of `bytes`, and how many of them are consumed with it.
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> (Piece<'a>, usize) {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            let Some(first) = rest.first() else {
                let piece = if self.place == Place::End { Piece::End } else { Piece::NeedMore };
                return (piece, used);
            };
            match (self.place, first) {
                (Place::End, _) => return (Piece::End, used),
                (Place::LineStart, b'.') => {
                    self.place = Place::Dot;
                    used += 1;
                }
                (Place::Cr, b'\n') => {
                    self.place = Place::LineStart;
                    return (Piece::Content(&rest[..1]), used + 1);
                }
                (Place::Dot, b'\r') => {
                    self.place = Place::DotCr;
                    used += 1;
                }
                (Place::Dot, b'\n') if self.ending == Ending::Lf => {
                    self.place = Place::End;
                    used += 1;
                }
                (Place::DotCr, b'\n') => {
                    self.place = Place::End;
                    used += 1;
                }
                // both were content, and are gone from the bytes
                (Place::DotCr, _) => {
                    self.place = Place::Cr;
                    return (Piece::Content(b".\r"), used);
                }
                // the first of two was stuffing
                (Place::Dot, b'.') => {
                    let content = self.content(rest);
                    return (Piece::Content(content), used + content.len());
                }
                // content, and gone from the bytes
                (Place::Dot, _) => {
                    self.place = Place::InLine;
                    return (Piece::Content(b"."), used);
                }
                (Place::LineStart | Place::InLine | Place::Cr, _) => {
                    let content = self.content(rest);
                    return (Piece::Content(content), used + content.len());
                }
            }
        }
    }

    /// The content up to a line that begins with a dot, or all; not empty.
    fn content<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let content = match self.dotted.find(bytes) {
            Some(at) => &bytes[..at + self.dotted.needle().len() - 1],
            None => bytes,
        };
        self.place = match (self.ending, content) {
            (Ending::CrLf, [.., b'\r', b'\n']) | (Ending::Lf, [.., b'\n']) => Place::LineStart,
            (Ending::CrLf, [.., b'\r']) => Place::Cr,
            _ => Place::InLine,
        };
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of a body that arrives in pieces, and how many bytes lie behind its end; `None` without an end.
    fn read(ending: Ending, arrivals: &[&[u8]]) -> Option<(Vec<u8>, usize)> {
        let mut body = Body::new(ending);
        let mut content = Vec::new();
        let mut behind = None;
        for arrival in arrivals {
            let mut rest = *arrival;
            if let Some(behind) = &mut behind {
                *behind += rest.len();
                continue;
            }
            loop {
                let (piece, used) = body.next(rest);
                rest = &rest[used..];
                match piece {
                    Piece::Content(bytes) => {
                        assert!(!bytes.is_empty());
                        content.extend_from_slice(bytes);
                    }
                    Piece::NeedMore => {
                        assert!(rest.is_empty());
                        break;
                    }
                    Piece::End => {
                        behind = Some(rest.len());
                        break;
                    }
                }
            }
        }
        behind.map(|behind| (content, behind))
    }

    /// The same however the bytes arrive: at once, in two, in three, one by one.
    fn read_in_every_way(ending: Ending, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        let whole = read(ending, &[bytes]);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let arrivals = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(ending, &arrivals), whole, "{first}, {second} of {bytes:?}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(ending, &single), whole);
        whole
    }

    #[test]
    fn lines_that_end_with_crlf() {
        for (bytes, content, behind) in [
            (&b".\r\n"[..], &b""[..], 0),
            (b"\r\n.\r\n", b"\r\n", 0),
            (b"body\r\n.\r\n+OK", b"body\r\n", 3),
            (b"..\r\n.\r\n", b".\r\n", 0),
            (b"...\r\n..foo\r\n.bar\r\n.\r\n", b"..\r\n.foo\r\n.bar\r\n", 0),
            (b"a\r\n\r\n..\r\n\r\n.\r\n", b"a\r\n\r\n.\r\n\r\n", 0),
            (b".\r.\r\n.\r\n", b".\r.\r\n", 0),
            (b".\r\r\n.\r\n", b".\r\r\n", 0),
            (b"..\r\r\n.\r\n", b".\r\r\n", 0),
            (b"a\r\n.single\r\n.\r\n", b"a\r\n.single\r\n", 0),
            (b".a.\r\n. \r\n.\r\n", b".a.\r\n. \r\n", 0),
            (b"a\r\r\n.\r\n", b"a\r\r\n", 0),
            (b"a.b\r\n.\r\n.\r\n", b"a.b\r\n", 3),
        ] {
            assert_eq!(read_in_every_way(Ending::CrLf, bytes), Some((content.to_vec(), behind)), "{bytes:?}");
        }
    }

    #[test]
    fn a_bare_cr_or_lf_ends_nothing_where_lines_end_with_crlf() {
        for (bytes, content) in [
            (&b"x\n.\n+OK smuggled\r\n.\r\n"[..], &b"x\n.\n+OK smuggled\r\n"[..]),
            (b"x\n.\r\n+OK\r\n.\r\n", b"x\n.\r\n+OK\r\n"),
            (b"x\r.\r\n+OK\r\n.\r\n", b"x\r.\r\n+OK\r\n"),
            (b"x\r\n.\n+OK\r\n.\r\n", b"x\r\n.\n+OK\r\n"),
            (b".\n.\r\n.\r\n", b".\n.\r\n"),
        ] {
            assert_eq!(read_in_every_way(Ending::CrLf, bytes), Some((content.to_vec(), 0)), "{bytes:?}");
        }
    }

    #[test]
    fn lines_that_end_with_lf() {
        for (bytes, content, behind) in [
            (&b".\n"[..], &b""[..], 0),
            (b"body\n.\n+OK", b"body\n", 3),
            (b"..\n.\n", b".\n", 0),
            (b"a\r\n.b\n.\n", b"a\r\n.b\n", 0),
            (b"a\n..b\n.\rc\n.\n", b"a\n.b\n.\rc\n", 0),
            (b"a\r\n.\r\n", b"a\r\n", 0),
        ] {
            assert_eq!(read_in_every_way(Ending::Lf, bytes), Some((content.to_vec(), behind)), "{bytes:?}");
        }
    }

    #[test]
    fn what_has_no_end_has_none() {
        for bytes in
            [&b""[..], b".", b".\r", b"body", b"body\r\n", b"body\r\n.", b"body\r\n.\r", b"body.\r\n", b"\n.\r\n"]
        {
            assert_eq!(read_in_every_way(Ending::CrLf, bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn content_is_given_out_where_it_lies_and_at_once() {
        let bytes = [&b"x".repeat(100_000)[..], b"\r\n", &b"y".repeat(100_000), b"\r\n.\r\n"].concat();
        let (piece, used) = Body::new(Ending::CrLf).next(&bytes);
        let Piece::Content(content) = piece else { panic!("{used}") };
        assert_eq!((content.as_ptr(), content.len()), (bytes.as_ptr(), 200_004));
    }

    /// What a server does to a message (RFC 1939, section 3), undone by [`Body`].
    #[test]
    fn stuffing_is_undone_whatever_the_message() {
        let alphabet = [&b"."[..], b"\r\n", b"a", b"\n", b"\r"];
        for number in 0..alphabet.len().pow(6) {
            let message: Vec<u8> = (0..6u32)
                .flat_map(|digit| alphabet[number / alphabet.len().pow(digit) % alphabet.len()])
                .copied()
                .chain(*b"\r\n")
                .collect();
            let mut stuffed = Vec::new();
            for (index, byte) in message.iter().enumerate() {
                if *byte == b'.' && (index == 0 || message[..index].ends_with(b"\r\n")) {
                    stuffed.push(b'.');
                }
                stuffed.push(*byte);
            }
            stuffed.extend_from_slice(b".\r\n");
            assert_eq!(read(Ending::CrLf, &[&stuffed]), Some((message, 0)), "{stuffed:?}");
        }
    }
}

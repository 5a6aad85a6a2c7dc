//! Where a line ends, and where a reply of many lines does.
//!
//! A reply's first line decides how all of it ends its lines. If it ends with CRLF, only CRLF ends a line and only
//! CRLF `.` CRLF the reply: a bare CR or LF is content, so that nobody who writes content can write a reply. If it
//! ends with a bare LF, the server ends its lines so, and that is understood instead. Each reply decides for itself:
//! there are servers that end only some of their replies with LF.

use std::ops::Range;

use memchr::{memchr, memmem};
use zeroize::Zeroize;

use crate::error::{Error, Kind, Result};
use crate::shortage;

/// How long a line may be, its end not counted.
pub const MAX_LINE: usize = 64 * 1024;

/// How much is read at once where little is to come.
const FIRST_CAPACITY: usize = 512;

/// How much is read at once where much is to come; never less than the longest line needs.
const WIDE: usize = MAX_LINE + 2;

/// How a server ends the lines of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// CR LF, as RFC 1939 wants it.
    CrLf,
    /// LF alone.
    Lf,
}

impl Ending {
    fn len(self) -> usize {
        match self {
            Ending::CrLf => 2,
            Ending::Lf => 1,
        }
    }
}

/// The bytes that came and were not yet understood.
///
/// It is filled through [`ReceiveBuffer::space`] and [`ReceiveBuffer::filled`], and hands out lines without copying them.
#[derive(Debug, Default)]
pub struct ReceiveBuffer {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Up to where there is no end of a line, so that no byte is searched twice.
    searched: usize,
}

impl ReceiveBuffer {
    /// Where the next bytes go. Never empty.
    pub fn space(&mut self) -> Result<&mut [u8]> {
        if self.start == self.end {
            (self.start, self.end, self.searched) = (0, 0, 0);
        } else if self.end == self.buffer.len() && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.double()?;
        }
        Ok(&mut self.buffer[self.end..])
    }

    /// Says how many bytes were put into [`ReceiveBuffer::space`].
    pub fn filled(&mut self, count: usize) {
        self.end = self.buffer.len().min(self.end + count);
    }

    /// Makes room for much at once, as the body of a message needs.
    pub fn grow(&mut self) -> Result<()> {
        self.resize(WIDE)
    }

    /// Gives back what [`ReceiveBuffer::grow`] took, as far as nothing waits in it.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = ReceiveBuffer::default();
        }
    }

    /// Forgets what was understood, which may hold what a server repeated of a log-in.
    pub fn wipe(&mut self) {
        self.buffer[..self.start].zeroize();
        self.buffer[self.end..].zeroize();
    }

    /// What waits to be understood; good until the next call of [`ReceiveBuffer::space`].
    pub fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Says how many bytes of [`ReceiveBuffer::waiting`] were understood.
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
        self.searched = self.searched.max(self.start);
    }

    /// Where more bytes go while a line that was taken is still needed; may be empty.
    pub fn space_behind(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..]
    }

    /// What waits of the next line, without its end; all that waits where its end has not come.
    pub fn next_line(&self) -> &[u8] {
        let waiting = self.waiting();
        let line = memchr(b'\n', waiting).map_or(waiting, |line_feed| &waiting[..line_feed]);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// How the lines of a list end that waits whole, the line that ends it included.
    pub fn has_list(&self) -> Option<Ending> {
        let waiting = self.waiting();
        let first_end = &waiting[..=memchr(b'\n', waiting)?];
        let (ending, end) = match first_end.ends_with(b"\r\n") {
            true => (Ending::CrLf, &b"\r\n.\r\n"[..]),
            false => (Ending::Lf, &b"\n.\n"[..]),
        };
        memmem::find(waiting, end).map(|_| ending)
    }

    /// Whether nothing waits to be understood.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Takes the first line of a reply, if it is there, and says how it ended.
    pub fn take_first_line(&mut self) -> Result<Option<(Range<usize>, Ending)>> {
        let Some(line_feed) = self.find_line_feed() else {
            return self.too_long_yet().map(|()| None);
        };
        let ending = if self.has_cr_before(line_feed) { Ending::CrLf } else { Ending::Lf };
        let line = self.take(line_feed + 1 - ending.len(), ending)?;
        Ok(Some((line, ending)))
    }

    /// Takes a further line of a reply, if it is there, its end being that of the first.
    pub fn take_line(&mut self, ending: Ending) -> Result<Option<Range<usize>>> {
        while let Some(line_feed) = self.find_line_feed() {
            match (ending, self.has_cr_before(line_feed)) {
                (Ending::CrLf, false) => {}
                // of a server that ends some lines this way and some the other
                (_, true) => return self.take(line_feed - 1, Ending::CrLf).map(Some),
                (Ending::Lf, false) => return self.take(line_feed, Ending::Lf).map(Some),
            }
            self.searched = line_feed + 1;
        }
        self.too_long_yet().map(|()| None)
    }

    /// The bytes of a line that was taken; good until the next call of [`ReceiveBuffer::space`].
    pub fn bytes(&self, line: Range<usize>) -> &[u8] {
        &self.buffer[line]
    }

    fn find_line_feed(&mut self) -> Option<usize> {
        let found = memchr(b'\n', &self.buffer[self.searched..self.end]).map(|at| self.searched + at);
        self.searched = found.unwrap_or(self.end);
        found
    }

    fn has_cr_before(&self, line_feed: usize) -> bool {
        self.buffer[self.start..line_feed].last() == Some(&b'\r')
    }

    fn take(&mut self, line_end: usize, ending: Ending) -> Result<Range<usize>> {
        let line = self.start..line_end;
        if line.len() > MAX_LINE {
            return Err(too_long());
        }
        self.start = line_end + ending.len();
        self.searched = self.start;
        Ok(line)
    }

    fn too_long_yet(&self) -> Result<()> {
        // one more, for the CR whose LF has not come
        if self.end - self.start > MAX_LINE + 1 { Err(too_long()) } else { Ok(()) }
    }

    fn double(&mut self) -> Result<()> {
        self.resize((self.buffer.len() * 2).clamp(FIRST_CAPACITY, WIDE))
    }

    fn resize(&mut self, size: usize) -> Result<()> {
        let more = size.saturating_sub(self.buffer.len());
        shortage::without_reserve(|| self.buffer.try_reserve_exact(more))
            .map_err(|_| Error::new(Kind::OutOfMemory, "no memory for the receive buffer"))?;
        self.buffer.resize(self.buffer.len() + more, 0);
        Ok(())
    }
}

/// What a line of a list is (RFC 1939, section 3): `None` if it ends the list, else its content. What a list says never
/// begins with a dot of its own, so any is stuffing, unlike in a message ([`crate::proto::body`]).
pub fn unstuff(line: &[u8]) -> Option<&[u8]> {
    match line {
        b"." => None,
        [b'.', content @ ..] => Some(content),
        content => Some(content),
    }
}

fn too_long() -> Error {
    Error::new(Kind::Limit, format!("the server sent a line of more than {MAX_LINE} octets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(buffer: &mut ReceiveBuffer, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = buffer.space().unwrap();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            buffer.filled(count);
            bytes = &bytes[count..];
        }
    }

    /// Reads one reply of many lines from bytes that arrive in pieces of the given sizes.
    fn read_reply(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        let mut buffer = ReceiveBuffer::default();
        let mut lines = Vec::new();
        let mut ending = None;
        for piece in pieces {
            feed(&mut buffer, piece);
            loop {
                let line = match ending {
                    None => buffer.take_first_line().unwrap().map(|(line, first)| {
                        ending = Some(first);
                        line
                    }),
                    Some(ending) => buffer.take_line(ending).unwrap(),
                };
                let Some(line) = line else { break };
                lines.push(buffer.bytes(line).to_vec());
            }
        }
        (lines, buffer.end - buffer.start)
    }

    #[test]
    fn every_split_gives_the_same_lines() {
        for (bytes, expected) in [
            (
                &b"+OK\r\nTOP\r\nodd\rone\nhere\r\n\r\n..\r\n.\r\n"[..],
                &[&b"+OK"[..], b"TOP", b"odd\rone\nhere", b"", b"..", b"."][..],
            ),
            (b"+OK\nTOP\nodd\rone\n\n.\n", &[b"+OK", b"TOP", b"odd\rone", b"", b"."]),
            (b"\r\n\r\r\n", &[b"", b"\r"]),
        ] {
            for split in 0..=bytes.len() {
                let (lines, rest) = read_reply(&[&bytes[..split], &bytes[split..]]);
                assert_eq!(lines, expected, "split at {split}");
                assert_eq!(rest, 0);
            }
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(read_reply(&single).0, expected);
        }
    }

    #[test]
    fn a_bare_line_feed_is_content_where_lines_end_with_crlf() {
        let (lines, rest) = read_reply(&[b"+OK\r\nx\n.\n+OK smuggled\r\n.\r\n"]);
        assert_eq!(lines, [&b"+OK"[..], b"x\n.\n+OK smuggled", b"."]);
        assert_eq!(rest, 0);
    }

    #[test]
    fn each_reply_decides_for_itself() {
        let mut buffer = ReceiveBuffer::default();
        feed(&mut buffer, b"+OK a\r\n-ERR b\n+OK c\r\n");
        for (expected, ending) in [(&b"+OK a"[..], Ending::CrLf), (b"-ERR b", Ending::Lf), (b"+OK c", Ending::CrLf)] {
            let (line, found) = buffer.take_first_line().unwrap().unwrap();
            assert_eq!((buffer.bytes(line), found), (expected, ending));
        }
        assert!(buffer.is_empty());
    }

    #[test]
    fn what_is_understood_waits_no_longer() {
        let mut buffer = ReceiveBuffer::default();
        feed(&mut buffer, b"a\r\nbcd\n");
        buffer.take_first_line().unwrap().unwrap();
        assert!(!buffer.is_empty() && buffer.waiting() == b"bcd\n");
        // from where it stands, and what was looked at is not looked at again
        buffer.consume(2);
        assert_eq!(buffer.waiting(), b"d\n");
        let (line, _) = buffer.take_first_line().unwrap().unwrap();
        assert_eq!(buffer.bytes(line), b"d");
        feed(&mut buffer, b"e");
        buffer.consume(usize::MAX / 2);
        assert!(buffer.is_empty() && buffer.waiting().is_empty());
    }

    #[test]
    fn room_is_made_by_moving_before_it_is_made_by_growing() {
        let mut buffer = ReceiveBuffer::default();
        feed(&mut buffer, &[b"+OK\r\n", &[b'x'; FIRST_CAPACITY - 5][..]].concat());
        buffer.take_first_line().unwrap().unwrap();
        assert!(buffer.take_line(Ending::CrLf).unwrap().is_none());
        assert_eq!(buffer.space().unwrap().len(), 5);
        assert_eq!((buffer.start, buffer.end, buffer.searched), (0, FIRST_CAPACITY - 5, FIRST_CAPACITY - 5));
        // nothing is moved as long as there is room
        feed(&mut buffer, b"\r\nab");
        assert_eq!(buffer.take_line(Ending::CrLf).unwrap().unwrap().len(), FIRST_CAPACITY - 5);
        let start = buffer.start;
        assert_eq!(buffer.space().unwrap().len(), 1);
        assert_eq!((buffer.start, buffer.waiting()), (start, &b"ab"[..]));
    }

    #[test]
    fn much_room_and_none() {
        let mut buffer = ReceiveBuffer::default();
        buffer.grow().unwrap();
        assert_eq!(buffer.space().unwrap().len(), MAX_LINE + 2);
        feed(&mut buffer, b"a");
        buffer.release();
        assert_eq!(buffer.waiting(), b"a", "what waits is kept");
        buffer.consume(1);
        buffer.release();
        assert_eq!(buffer.buffer.capacity(), 0);
    }

    #[test]
    fn a_line_may_have_64_kib_and_no_more() {
        for ending in [&b"\r\n"[..], b"\n"] {
            let mut buffer = ReceiveBuffer::default();
            let mut line = vec![b'x'; MAX_LINE];
            feed(&mut buffer, &line);
            assert!(buffer.take_first_line().unwrap().is_none());
            feed(&mut buffer, ending);
            assert_eq!(buffer.take_first_line().unwrap().unwrap().0.len(), MAX_LINE);

            line.push(b'x');
            line.extend_from_slice(ending);
            feed(&mut buffer, &line[..MAX_LINE + 2]);
            let kind = buffer.take_first_line().unwrap_err().kind();
            assert_eq!(kind, Kind::Limit);
        }
        // one more may be the CR of its end, behind another line as well
        let mut buffer = ReceiveBuffer::default();
        feed(&mut buffer, b"+OK\r\n");
        buffer.take_first_line().unwrap().unwrap();
        feed(&mut buffer, &[&vec![b'x'; MAX_LINE][..], b"\r"].concat());
        assert!(buffer.take_line(Ending::CrLf).unwrap().is_none());
        feed(&mut buffer, b"x");
        assert_eq!(buffer.take_line(Ending::CrLf).unwrap_err().kind(), Kind::Limit);
        // what is understood, and still lies before it, is not counted
        let mut buffer = ReceiveBuffer::default();
        buffer.grow().unwrap();
        feed(&mut buffer, &[&[b'x'; MAX_LINE / 2][..], b"\r\n", &[b'y'; MAX_LINE / 3]].concat());
        assert_eq!(buffer.take_first_line().unwrap().unwrap().0.len(), MAX_LINE / 2);
        assert!(buffer.take_line(Ending::CrLf).unwrap().is_none());
    }

    #[test]
    fn each_time_there_is_twice_the_room() {
        let mut buffer = ReceiveBuffer::default();
        let mut sizes = Vec::new();
        while buffer.buffer.len() < WIDE {
            let size = buffer.space().unwrap().len();
            buffer.filled(size);
            sizes.push(buffer.buffer.len());
        }
        let doubled = sizes.windows(2).filter(|sizes| sizes[1] == (2 * sizes[0]).min(WIDE)).count();
        assert_eq!((sizes[0], doubled), (FIRST_CAPACITY, sizes.len() - 1), "{sizes:?}");
    }

    #[test]
    fn memory_stays_bounded_over_many_lines() {
        let mut buffer = ReceiveBuffer::default();
        for _ in 0..1000 {
            feed(&mut buffer, &[b'x'; 5000]);
            feed(&mut buffer, b"\r\n+O");
            let (line, _) = buffer.take_first_line().unwrap().unwrap();
            assert!(line.len() == 5000 || line.len() == 5002);
        }
        assert!(buffer.buffer.len() <= 16 * 1024, "{}", buffer.buffer.len());
    }

    #[test]
    fn wiping_leaves_what_waits() {
        let mut buffer = ReceiveBuffer::default();
        feed(&mut buffer, b"+OK s3cret\r\n+OK next\r\n");
        buffer.take_first_line().unwrap().unwrap();
        buffer.wipe();
        assert!(memmem::find(&buffer.buffer, b"s3cret").is_none());
        let (line, _) = buffer.take_first_line().unwrap().unwrap();
        assert_eq!(buffer.bytes(line), b"+OK next");
    }

    #[test]
    fn what_waits_of_a_line_and_of_a_list() {
        for (waiting, line, list) in [
            (&b"2 b\r\n.\r\n"[..], &b"2 b"[..], Some(Ending::CrLf)),
            (b"2 b\n.\n+OK\r\n", b"2 b", Some(Ending::Lf)),
            (b"2 b\r\n.\r", b"2 b", None),
            (b"2 b\n.\r\n", b"2 b", None),
            (b".\r\n", b".", None),
            (b"2 b", b"2 b", None),
            (b"", b"", None),
        ] {
            let mut buffer = ReceiveBuffer::default();
            feed(&mut buffer, waiting);
            assert_eq!((buffer.next_line(), buffer.has_list()), (line, list), "{waiting:?}");
        }
    }

    #[test]
    fn a_taken_line_stays_while_more_comes_behind_it() {
        let mut buffer = ReceiveBuffer::default();
        feed(&mut buffer, b"-ERR no\r\n");
        let (line, _) = buffer.take_first_line().unwrap().unwrap();
        buffer.space_behind()[..3].copy_from_slice(b"+OK");
        buffer.filled(3);
        assert_eq!((buffer.bytes(line), buffer.waiting()), (&b"-ERR no"[..], &b"+OK"[..]));
    }

    #[test]
    fn unstuffing() {
        assert_eq!(unstuff(b"."), None);
        assert_eq!(unstuff(b".."), Some(&b"."[..]));
        assert_eq!(unstuff(b".foo"), Some(&b"foo"[..]));
        assert_eq!(unstuff(b"foo."), Some(&b"foo."[..]));
        assert_eq!(unstuff(b""), Some(&b""[..]));
    }
}

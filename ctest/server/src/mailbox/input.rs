//! The commands as they come, possibly many at a time.

use std::io::{self, Read};

/// Beyond any command; the initial response of AUTH makes the longest (RFC 5034).
const LONGEST_LINE: usize = 64 * 1024;
const CHUNK: usize = 4096;

#[derive(Default)]
pub struct Input {
    buffer: Vec<u8>,
    /// Up to where the buffer was handed out.
    taken: usize,
}

impl Input {
    /// The next complete line, without its end.
    pub fn line(&mut self) -> Option<&[u8]> {
        let rest = &self.buffer[self.taken..];
        let length = rest.iter().position(|&byte| byte == b'\n')?;
        self.taken += length + 1;
        let line = &self.buffer[self.taken - length - 1..self.taken - 1];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Reads what there is; returns whether there was anything before the end.
    pub fn fill(&mut self, source: &mut impl Read) -> io::Result<bool> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let held = self.buffer.len();
        if held > LONGEST_LINE {
            return Err(io::Error::other("line too long"));
        }
        self.buffer.resize(held + CHUNK, 0);
        let count = source.read(&mut self.buffer[held..]);
        self.buffer.truncate(held + *count.as_ref().unwrap_or(&0));
        Ok(count? > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_were_sent() {
        let mut input = Input::default();
        assert!(input.fill(&mut &b"STAT\r\nLI"[..]).unwrap());
        assert_eq!(input.line(), Some(&b"STAT"[..]));
        assert_eq!(input.line(), None);
        assert!(input.fill(&mut &b"ST\n\r\n"[..]).unwrap());
        assert_eq!(input.line(), Some(&b"LIST"[..]));
        assert_eq!(input.line(), Some(&b""[..]));
        assert_eq!(input.line(), None);
        assert!(!input.fill(&mut &b""[..]).unwrap());
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut input = Input::default();
        let mut source = io::repeat(b'x');
        let filled = std::iter::repeat_with(|| input.fill(&mut source));
        assert!(filled.take(20).any(|result| result.is_err()));
    }
}

//! What the messages say. They differ in their number only, so that one body serves them all,
//! and a mailbox of a million messages fits into memory.

use std::io::{self, Write};

/// The last octets of a multi-line reply.
pub const END: &[u8] = b".\r\n";

/// Lines that a careless client gets wrong.
const TRICKY: [&str; 4] = [".", "..", ".a line that starts with a dot", ""];
const FILL: &str = "All work and no play makes a mailbox a dull place for a client to be.";

pub struct Content {
    /// Dot-stuffed.
    body: Vec<u8>,
    /// Of each message, not stuffed.
    octets: usize,
}

impl Content {
    /// Messages of about `size` octets, but never without header and tricky lines.
    pub fn new(size: usize) -> Self {
        let mut header = Vec::new();
        let _ = write_header(&mut header, 1); // into memory: cannot fail
        let mut content = Self { body: Vec::with_capacity(size + size / 64), octets: header.len() };
        for line in TRICKY {
            content.push_line(line);
        }
        while content.octets + 2 < size {
            let room = size - content.octets - 2;
            content.push_line(&FILL[..FILL.len().min(room)]);
        }
        content
    }

    fn push_line(&mut self, line: &str) {
        if line.starts_with('.') {
            self.body.push(b'.');
        }
        self.body.extend_from_slice(line.as_bytes());
        self.body.extend_from_slice(b"\r\n");
        self.octets += line.len() + 2;
    }

    /// The size of each message.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Writes message `id`, dot-stuffed, without the end of the reply.
    pub fn write_message(&self, out: &mut impl Write, id: u32) -> io::Result<()> {
        write_header(out, id)?;
        out.write_all(&self.body)
    }

    /// Writes the header of message `id` and the first `lines` lines of its body.
    pub fn write_top(&self, out: &mut impl Write, id: u32, lines: usize) -> io::Result<()> {
        write_header(out, id)?;
        let all = self.body.split_inclusive(|&byte| byte == b'\n');
        let length = all.take(lines).map(<[u8]>::len).sum();
        out.write_all(&self.body[..length])
    }
}

/// The same length for every id (up to ten digits), so that all messages have the same size.
fn write_header(out: &mut impl Write, id: u32) -> io::Result<()> {
    write!(
        out,
        "From: sender@mail.test\r\n\
         Subject: Message {id:010}\r\n\
         Message-ID: <{id:010}@mail.test>\r\n\
         \r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unstuffed(stuffed: &[u8]) -> String {
        let text = std::str::from_utf8(stuffed).unwrap();
        text.split_inclusive('\n').map(|line| line.strip_prefix('.').unwrap_or(line)).collect()
    }

    #[test]
    fn has_the_size_it_says() {
        for size in [0, 200, 201, 202, 203, 10_000] {
            let content = Content::new(size);
            let mut message = Vec::new();
            content.write_message(&mut message, u32::MAX).unwrap();
            assert_eq!(unstuffed(&message).len(), content.octets());
            assert!(content.octets().abs_diff(size) <= 2 || size == 0);
        }
    }

    #[test]
    fn has_lines_that_begin_with_dots() {
        let mut message = Vec::new();
        Content::new(0).write_message(&mut message, 7).unwrap();
        assert!(unstuffed(&message).contains("\r\n\r\n.\r\n..\r\n.a line"));
        assert!(!message.windows(5).any(|bytes| bytes == b"\r\n.\r\n"));
    }

    #[test]
    fn top_takes_lines_of_the_body() {
        let content = Content::new(200);
        let top = |lines| {
            let mut out = Vec::new();
            content.write_top(&mut out, 1, lines).unwrap();
            out
        };
        assert!(top(0).ends_with(b"\r\n\r\n"));
        assert!(top(2).ends_with(b"\r\n\r\n..\r\n...\r\n"));
        let mut message = Vec::new();
        content.write_message(&mut message, 1).unwrap();
        assert_eq!(top(1000), message);
    }
}

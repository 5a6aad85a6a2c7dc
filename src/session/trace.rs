//! Status lines: what was said on the connection, in order, fit to be shown.
//!
//! `C: …` is what was sent, `S: …` what came, `* …` what is no protocol message. Nothing is formatted where nobody
//! listens.

use std::fmt;

use crate::proto::command::Command;
use crate::text::{escape, show};

/// Where status lines go.
pub struct Trace<'a> {
    sink: Option<&'a mut dyn FnMut(&str)>,
}

impl<'a> Trace<'a> {
    /// A trace for that listener, or for nobody.
    pub fn new(sink: Option<&'a mut dyn FnMut(&str)>) -> Trace<'a> {
        Trace { sink }
    }

    /// Whether anybody listens.
    pub fn has_listener(&self) -> bool {
        self.sink.is_some()
    }

    /// Logs a command, its secrets masked.
    pub fn sent(&mut self, command: &Command<'_>) {
        if let Some(sink) = &mut self.sink {
            // without memory for all of it, what it is called
            let shown = command.redacted().map_or_else(|_| command.name().to_owned(), |line| show(&line));
            sink(&format!("C: {shown}"));
        }
    }

    /// Logs a line of the server.
    pub fn received(&mut self, line: &[u8]) {
        if let Some(sink) = &mut self.sink {
            sink(&format!("S: {}", show(line)));
        }
    }

    /// Logs what is no protocol message.
    pub fn note(&mut self, note: fmt::Arguments<'_>) {
        if let Some(sink) = &mut self.sink {
            sink(&escape(format!("* {note}").as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_order() {
        let mut lines = Vec::new();
        let mut sink = |line: &str| lines.push(line.to_owned());
        let mut trace = Trace::new(Some(&mut sink));
        assert!(trace.has_listener() && !Trace::new(None).has_listener());
        trace.note(format_args!("connected to {}\n", "[::1]:110"));
        trace.received(b"+OK \xff");
        trace.sent(&Command::pass(b"s3cret"));
        assert_eq!(lines, [r"* connected to [::1]:110\x0a", r"S: +OK \xff", "C: PASS ***"]);
    }
}

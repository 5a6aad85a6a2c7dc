//! What the client says: typed commands, their bytes, and how a log may show them.

use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};

/// How long a command may be, its CRLF counted (RFC 2449, section 4).
pub const MAX_COMMAND: usize = 255;

/// A command, or a line of a SASL exchange.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    words: &'static str,
    argument: Argument<'a>,
}

#[derive(Clone, Copy)]
enum Argument<'a> {
    None,
    Shown(&'a [u8]),
    Secret(&'a [u8]),
}

impl<'a> Command<'a> {
    /// CAPA (RFC 2449)
    pub const CAPA: Command<'static> = Command::bare("CAPA");
    /// STLS (RFC 2595)
    pub const STLS: Command<'static> = Command::bare("STLS");
    /// STAT (RFC 1939)
    pub const STAT: Command<'static> = Command::bare("STAT");
    /// QUIT (RFC 1939)
    pub const QUIT: Command<'static> = Command::bare("QUIT");
    /// AUTH PLAIN without an initial response (RFC 5034)
    pub const AUTH_PLAIN: Command<'static> = Command::bare("AUTH PLAIN");

    const fn bare(words: &'static str) -> Command<'static> {
        Command { words, argument: Argument::None }
    }

    /// USER (RFC 1939)
    pub fn user(name: &'a [u8]) -> Command<'a> {
        Command { words: "USER", argument: Argument::Shown(name) }
    }

    /// PASS (RFC 1939)
    pub fn pass(password: &'a [u8]) -> Command<'a> {
        Command { words: "PASS", argument: Argument::Secret(password) }
    }

    /// AUTH PLAIN with its initial response in base64 (RFC 5034)
    pub fn auth_plain(initial_response: &'a str) -> Command<'a> {
        Command { words: "AUTH PLAIN", argument: Argument::Secret(initial_response.as_bytes()) }
    }

    /// A response inside an AUTH exchange, in base64 (RFC 5034)
    pub fn sasl_response(response: &'a str) -> Command<'a> {
        Command { words: "", argument: Argument::Secret(response.as_bytes()) }
    }

    /// What it is called, without its argument.
    pub fn name(&self) -> &'static str {
        if self.words.is_empty() { "AUTH" } else { self.words }
    }

    /// How many octets it is on the wire, its CRLF counted.
    pub fn encoded_len(&self) -> usize {
        let argument = match self.argument {
            Argument::None => 0,
            Argument::Shown(text) | Argument::Secret(text) => self.separator().len() + text.len(),
        };
        self.words.len() + argument + b"\r\n".len()
    }

    /// The bytes for the wire. They are wiped when dropped, since some of them are secret.
    ///
    /// Refuses CR, LF and NUL in an argument, which could make it a command of its own.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>> {
        // allocated once, at its full size: growing would leave an unwiped copy of a secret behind
        let mut line = Zeroizing::new(Vec::with_capacity(self.encoded_len()));
        line.extend_from_slice(self.words.as_bytes());
        if let Argument::Shown(text) | Argument::Secret(text) = self.argument {
            check_argument(text, "an argument of a command")?;
            line.extend_from_slice(self.separator());
            line.extend_from_slice(text);
        }
        line.extend_from_slice(b"\r\n");
        Ok(line)
    }

    /// The line as a log may show it: a secret is `***`.
    pub fn redacted(&self) -> Vec<u8> {
        let shown = match self.argument {
            Argument::None => return self.words.into(),
            Argument::Shown(text) => text,
            Argument::Secret(_) => b"***",
        };
        [self.words.as_bytes(), self.separator(), shown].concat()
    }

    fn separator(&self) -> &'static [u8] {
        if self.words.is_empty() { b"" } else { b" " }
    }
}

/// Refuses what can't stand inside a line. `what` names it in the error.
pub fn check_argument(text: &[u8], what: &str) -> Result<()> {
    match memchr::memchr3(b'\r', b'\n', b'\0', text) {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::Parameter, format!("{what} holds CR, LF or NUL"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_wire_and_in_a_log() {
        for (command, wire, log) in [
            (Command::CAPA, "CAPA\r\n", "CAPA"),
            (Command::user(b"alice"), "USER alice\r\n", "USER alice"),
            (Command::user(b""), "USER \r\n", "USER "),
            (Command::pass(b" s3cret pass "), "PASS  s3cret pass \r\n", "PASS ***"),
            (Command::AUTH_PLAIN, "AUTH PLAIN\r\n", "AUTH PLAIN"),
            (Command::auth_plain("AGE="), "AUTH PLAIN AGE=\r\n", "AUTH PLAIN ***"),
            (Command::sasl_response("AGE="), "AGE=\r\n", "***"),
            (Command::sasl_response(""), "\r\n", "***"),
        ] {
            let encoded = command.encode().unwrap();
            assert_eq!(*encoded, wire.as_bytes());
            assert_eq!(encoded.capacity(), command.encoded_len(), "{wire:?} is allocated once");
            assert_eq!(command.redacted(), log.as_bytes());
        }
    }

    #[test]
    fn no_argument_becomes_a_command() {
        for text in [&b"a\r\nDELE 1"[..], b"a\rb", b"\n", b"a\0"] {
            assert_eq!(Command::user(text).encode().unwrap_err().kind(), Kind::Parameter);
            assert_eq!(Command::pass(text).encode().unwrap_err().kind(), Kind::Parameter);
        }
    }
}

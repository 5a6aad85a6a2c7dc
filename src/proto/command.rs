//! What the client says: typed commands, their bytes, and how a log may show them.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::secret;

/// How long a command may be, its CRLF counted (RFC 2449, section 4).
pub const MAX_COMMAND: usize = 255;

/// A command, or a line of a SASL exchange.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    words: &'static str,
    argument: Argument<'a>,
    /// A last argument, which no log shows.
    secret: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
enum Argument<'a> {
    None,
    Text(&'a [u8]),
    /// A message number.
    Number(i32),
    /// A message number and a number of lines.
    Numbers(i32, i32),
}

impl<'a> Command<'a> {
    /// CAPA (RFC 2449)
    pub const CAPA: Command<'static> = Command::bare("CAPA");
    /// STLS (RFC 2595)
    pub const STLS: Command<'static> = Command::bare("STLS");
    /// STAT (RFC 1939)
    pub const STAT: Command<'static> = Command::bare("STAT");
    /// LIST (RFC 1939)
    pub const LIST: Command<'static> = Command::bare("LIST");
    /// UIDL (RFC 1939)
    pub const UIDL: Command<'static> = Command::bare("UIDL");
    /// RSET (RFC 1939)
    pub const RSET: Command<'static> = Command::bare("RSET");
    /// NOOP (RFC 1939)
    pub const NOOP: Command<'static> = Command::bare("NOOP");
    /// QUIT (RFC 1939)
    pub const QUIT: Command<'static> = Command::bare("QUIT");
    /// UTF8 (RFC 6856)
    pub const UTF8: Command<'static> = Command::bare("UTF8");
    /// What ends an AUTH exchange before its end (RFC 5034)
    pub const SASL_CANCEL: Command<'static> = Command { secret: Some(b"*"), ..Command::bare("") };

    const fn bare(words: &'static str) -> Command<'static> {
        Command::with(words, Argument::None)
    }

    const fn with(words: &'static str, argument: Argument<'a>) -> Command<'a> {
        Command { words, argument, secret: None }
    }

    /// USER (RFC 1939)
    pub fn user(name: &'a [u8]) -> Command<'a> {
        Command::with("USER", Argument::Text(name))
    }

    /// LANG (RFC 6856)
    pub fn lang(tag: &'a str) -> Command<'a> {
        Command::with("LANG", Argument::Text(tag.as_bytes()))
    }

    /// PASS (RFC 1939)
    pub fn pass(password: &'a [u8]) -> Command<'a> {
        Command { secret: Some(password), ..Command::bare("PASS") }
    }

    /// APOP (RFC 1939)
    pub fn apop(name: &'a [u8], digest: &'a str) -> Command<'a> {
        Command { secret: Some(digest.as_bytes()), ..Command::with("APOP", Argument::Text(name)) }
    }

    /// AUTH without an initial response (RFC 5034)
    pub fn auth(mechanism: &'a str) -> Command<'a> {
        Command::with("AUTH", Argument::Text(mechanism.as_bytes()))
    }

    /// AUTH with its initial response in base64 (RFC 5034)
    pub fn auth_with(mechanism: &'a str, initial_response: &'a str) -> Command<'a> {
        // no response and an empty one are not the same
        let response = if initial_response.is_empty() { "=" } else { initial_response };
        Command { secret: Some(response.as_bytes()), ..Command::auth(mechanism) }
    }

    /// A response inside an AUTH exchange, in base64 (RFC 5034)
    pub fn sasl_response(response: &'a str) -> Command<'a> {
        Command { secret: Some(response.as_bytes()), ..Command::bare("") }
    }

    /// LIST of one message (RFC 1939)
    pub fn list(number: i32) -> Command<'static> {
        Command::with("LIST", Argument::Number(number))
    }

    /// UIDL of one message (RFC 1939)
    pub fn uidl(number: i32) -> Command<'static> {
        Command::with("UIDL", Argument::Number(number))
    }

    /// RETR (RFC 1939)
    pub fn retr(number: i32) -> Command<'static> {
        Command::with("RETR", Argument::Number(number))
    }

    /// TOP (RFC 1939)
    pub fn top(number: i32, lines: i32) -> Command<'static> {
        Command::with("TOP", Argument::Numbers(number, lines))
    }

    /// DELE (RFC 1939)
    pub fn dele(number: i32) -> Command<'static> {
        Command::with("DELE", Argument::Number(number))
    }

    /// What it is called, without its argument.
    pub fn name(&self) -> &'static str {
        if self.words.is_empty() { "AUTH" } else { self.words }
    }

    /// How many octets it is on the wire, its CRLF counted.
    pub fn encoded_len(&self) -> usize {
        let arguments: usize = self.arguments().map(|(separator, text)| separator.len() + text.len()).sum();
        self.words.len() + arguments + b"\r\n".len()
    }

    /// The bytes of commands for the wire. They are wiped when dropped, since some of them are secret.
    ///
    /// Refuses CR, LF and NUL in an argument, which could make it a command of its own.
    pub fn encode_all(commands: &[Command<'_>]) -> Result<Zeroizing<Vec<u8>>> {
        // allocated once, at its full size: growing would leave an unwiped copy of a secret behind
        let mut lines = secret::with_capacity(commands.iter().map(Command::encoded_len).sum())?;
        commands.iter().try_for_each(|command| command.encode_into(&mut lines))?;
        Ok(lines)
    }

    #[cfg(test)]
    pub(super) fn encode(&self) -> Result<Zeroizing<Vec<u8>>> {
        Command::encode_all(&[*self])
    }

    fn encode_into(&self, line: &mut Vec<u8>) -> Result<()> {
        line.extend_from_slice(self.words.as_bytes());
        for (separator, text) in self.arguments() {
            check_argument(&text, "an argument of a command")?;
            line.extend_from_slice(separator);
            line.extend_from_slice(&text);
        }
        line.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// The line as a log may show it: a secret is `***`.
    pub fn redacted(&self) -> Result<Zeroizing<Vec<u8>>> {
        let shown = Command { secret: self.secret.map(|_| &b"***"[..]), ..*self };
        let mut line = secret::with_capacity(shown.encoded_len())?;
        line.extend_from_slice(self.words.as_bytes());
        for (separator, text) in shown.arguments() {
            line.extend_from_slice(separator);
            line.extend_from_slice(&text);
        }
        Ok(line)
    }

    /// The arguments, each with what separates it from what stands before. A secret is never copied.
    fn arguments(&self) -> impl Iterator<Item = (&'static [u8], Cow<'a, [u8]>)> {
        let argument = match self.argument {
            Argument::None => None,
            Argument::Text(text) => Some(text.into()),
            Argument::Number(number) => Some(number.to_string().into_bytes().into()),
            Argument::Numbers(first, second) => Some(format!("{first} {second}").into_bytes().into()),
        };
        let separator = if self.words.is_empty() { &b""[..] } else { b" " };
        argument.into_iter().chain(self.secret.map(Cow::from)).map(move |text| (separator, text))
    }
}

/// Refuses what can't stand inside a line. `what` names it in the error.
pub fn check_argument(text: &[u8], what: &str) -> Result<()> {
    match memchr::memchr3(b'\r', b'\n', b'\0', text) {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::Parameter, format!("{what} holds CR, LF or NUL"))),
    }
}

/// What LANG may ask for: a language tag, as far as its form shows, or `*` (RFC 5646, section 2.1; RFC 6856, section 3.2).
pub fn language_tag(text: &[u8]) -> Result<&str> {
    let is_subtag = |part: &[u8]| (1..=8).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric);
    match std::str::from_utf8(text) {
        Ok(tag) if text == b"*" || text.split(|byte| *byte == b'-').all(is_subtag) => Ok(tag),
        _ => Err(Error::new(Kind::Parameter, "the language is not a language tag")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_wire_and_in_a_log() {
        for (command, wire, log) in [
            (Command::CAPA, "CAPA\r\n", "CAPA"),
            (Command::LIST, "LIST\r\n", "LIST"),
            (Command::list(7), "LIST 7\r\n", "LIST 7"),
            (Command::uidl(1), "UIDL 1\r\n", "UIDL 1"),
            (Command::retr(i32::MAX), "RETR 2147483647\r\n", "RETR 2147483647"),
            (Command::top(12, 0), "TOP 12 0\r\n", "TOP 12 0"),
            (Command::dele(3), "DELE 3\r\n", "DELE 3"),
            (Command::user(b"alice"), "USER alice\r\n", "USER alice"),
            (Command::user(b""), "USER \r\n", "USER "),
            (Command::pass(b" s3cret pass "), "PASS  s3cret pass \r\n", "PASS ***"),
            (Command::apop(b"alice", "c4c9"), "APOP alice c4c9\r\n", "APOP alice ***"),
            (Command::auth("CRAM-MD5"), "AUTH CRAM-MD5\r\n", "AUTH CRAM-MD5"),
            (Command::auth_with("PLAIN", "AGE="), "AUTH PLAIN AGE=\r\n", "AUTH PLAIN ***"),
            (Command::auth_with("EXTERNAL", ""), "AUTH EXTERNAL =\r\n", "AUTH EXTERNAL ***"),
            (Command::sasl_response("AGE="), "AGE=\r\n", "***"),
            (Command::sasl_response(""), "\r\n", "***"),
            (Command::SASL_CANCEL, "*\r\n", "***"),
        ] {
            let encoded = command.encode().unwrap();
            assert_eq!(*encoded, wire.as_bytes());
            assert_eq!(encoded.capacity(), command.encoded_len(), "{wire:?} is allocated once");
            assert_eq!(**command.redacted().unwrap(), *log.as_bytes());
        }
    }

    #[test]
    fn what_it_is_called() {
        assert_eq!(Command::CAPA.name(), "CAPA");
        assert_eq!(Command::top(12, 0).name(), "TOP");
        assert_eq!(Command::pass(b"s3cret pass").name(), "PASS");
        assert_eq!(Command::sasl_response("AGE=").name(), "AUTH");
        assert_eq!(Command::SASL_CANCEL.name(), "AUTH");
    }

    #[test]
    fn no_argument_becomes_a_command() {
        for text in [&b"a\r\nDELE 1"[..], b"a\rb", b"\n", b"a\0"] {
            assert_eq!(Command::user(text).encode().unwrap_err().kind(), Kind::Parameter);
            assert_eq!(Command::pass(text).encode().unwrap_err().kind(), Kind::Parameter);
        }
    }

    #[test]
    fn language_tags() {
        for tag in ["de", "en-GB", "zh-Hans-CN", "x-private1", "*"] {
            assert_eq!(language_tag(tag.as_bytes()).unwrap(), tag);
        }
        for text in [&b""[..], b"-", b"de-", b"en_GB", b"de DE", b"*-x", b"abcdefghi", b"d\xc3\xa9", b"\xff", b"de\r\n"]
        {
            assert_eq!(language_tag(text).unwrap_err().kind(), Kind::Parameter, "{text:?}");
        }
    }
}

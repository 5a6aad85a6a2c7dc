//! The first line of a reply: `+OK`, `-ERR`, the `+` of a SASL exchange, and response codes.

use crate::error::{Error, Kind, Result};

/// The first line of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// What it says.
    pub status: Status,
    /// The text after that, without the blank between.
    pub text: &'a [u8],
}

/// What the first line of a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `+OK`
    Ok,
    /// `-ERR`
    Err,
    /// `+`, a challenge, legal only inside an AUTH exchange (RFC 5034).
    Challenge,
}

/// The response codes that mean something to the library (RFC 2449, RFC 3206).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// `[IN-USE]`: another session has the mailbox.
    InUse,
    /// `[LOGIN-DELAY]`: the last log-in was too short ago.
    LoginDelay,
    /// `[SYS/TEMP]`: the server has a passing trouble.
    SysTemp,
    /// `[SYS/PERM]`: the server has a lasting trouble.
    SysPerm,
    /// `[AUTH]`: the credentials are at fault.
    Auth,
}

impl<'a> Reply<'a> {
    /// Reads a line that must be `+OK` or `-ERR`.
    pub fn parse(line: &'a [u8]) -> Result<Reply<'a>> {
        match Reply::parse_in_exchange(line)? {
            Reply { status: Status::Challenge, .. } => Err(bad_format()),
            reply => Ok(reply),
        }
    }

    /// Reads a line that may be a challenge too, as inside an AUTH exchange.
    pub fn parse_in_exchange(line: &'a [u8]) -> Result<Reply<'a>> {
        let (status, rest) = match line {
            [b'+', b'O', b'K', rest @ ..] => (Status::Ok, rest),
            [b'-', b'E', b'R', b'R', rest @ ..] => (Status::Err, rest),
            [b'+'] => (Status::Challenge, &b""[..]),
            [b'+', b' ', rest @ ..] => (Status::Challenge, rest),
            _ => return Err(bad_format()),
        };
        Ok(Reply { status, text: rest.strip_prefix(b" ").unwrap_or(rest) })
    }

    /// The response code that the text begins with, if it is one that the library knows.
    ///
    /// Codes have levels (`SYS/TEMP`), and one of more levels than are known is what its known levels say.
    pub fn code(&self) -> Option<ResponseCode> {
        let text = self.text.trim_ascii_start().strip_prefix(b"[")?;
        let code = &text[..memchr::memchr(b']', text)?];
        // a code may be followed by parameters that are its own
        let code = code.split(|byte| *byte == b' ').next()?;
        [
            (&b"IN-USE"[..], ResponseCode::InUse),
            (b"LOGIN-DELAY", ResponseCode::LoginDelay),
            (b"SYS/TEMP", ResponseCode::SysTemp),
            (b"SYS/PERM", ResponseCode::SysPerm),
            (b"AUTH", ResponseCode::Auth),
        ]
        .into_iter()
        .find(|(name, _)| {
            let deeper = code.get(name.len()).is_none_or(|byte| *byte == b'/');
            deeper && code.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
        })
        .map(|(_, code)| code)
    }

    /// What a `-ERR` means: its response code says, else `default` does. `words` says what was refused.
    pub fn refusal(&self, default: Kind, words: &str) -> Error {
        let kind = match self.code() {
            Some(ResponseCode::InUse) => Kind::MailboxInUse,
            Some(ResponseCode::LoginDelay) => Kind::LoginDelay,
            Some(ResponseCode::SysTemp) => Kind::Temporary,
            Some(ResponseCode::SysPerm) => Kind::Server,
            Some(ResponseCode::Auth) => Kind::Auth,
            None => return Error::new(default, words),
        };
        Error::new(kind, words).explained()
    }
}

fn bad_format() -> Error {
    Error::new(Kind::BadFormat, "the reply begins with neither +OK nor -ERR")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> Option<ResponseCode> {
        Reply::parse(line.as_bytes()).unwrap().code()
    }

    #[test]
    fn the_three_statuses() {
        for (line, status, text) in [
            ("+OK", Status::Ok, ""),
            ("+OK ready", Status::Ok, "ready"),
            ("+OK  two", Status::Ok, " two"),
            ("-ERR", Status::Err, ""),
            ("-ERR no", Status::Err, "no"),
            ("+", Status::Challenge, ""),
            ("+ ", Status::Challenge, ""),
            ("+ Zm9v", Status::Challenge, "Zm9v"),
        ] {
            let reply = Reply::parse_in_exchange(line.as_bytes()).unwrap();
            assert_eq!((reply.status, reply.text), (status, text.as_bytes()), "{line}");
        }
    }

    #[test]
    fn anything_else_is_no_reply() {
        for line in ["", "OK", "+ok", "* OK ready", "-NO", "HTTP/1.1 400", " +OK", "\0", "+Zm9v"] {
            assert_eq!(Reply::parse_in_exchange(line.as_bytes()).unwrap_err().kind(), Kind::BadFormat, "{line:?}");
        }
        assert_eq!(Reply::parse(b"+ Zm9v").unwrap_err().kind(), Kind::BadFormat);
    }

    #[test]
    fn response_codes_in_any_case_and_depth() {
        assert_eq!(code("-ERR [IN-USE] busy"), Some(ResponseCode::InUse));
        assert_eq!(code("-ERR [in-use]"), Some(ResponseCode::InUse));
        assert_eq!(code("-ERR [Login-Delay] wait"), Some(ResponseCode::LoginDelay));
        assert_eq!(code("-ERR [SYS/TEMP] later"), Some(ResponseCode::SysTemp));
        assert_eq!(code("-ERR [SYS/TEMP/DISK] later"), Some(ResponseCode::SysTemp));
        assert_eq!(code("-ERR [sys/perm 7] never"), Some(ResponseCode::SysPerm));
        assert_eq!(code("-ERR [AUTH] no"), Some(ResponseCode::Auth));
    }

    #[test]
    fn what_is_no_known_response_code() {
        for line in ["-ERR", "-ERR [", "-ERR []", "-ERR [AUTHX] no", "-ERR [SYS] no", "-ERR AUTH", "-ERR no [AUTH]"] {
            assert_eq!(code(line), None, "{line}");
        }
    }

    #[test]
    fn a_refusal_is_what_its_code_says() {
        let kind = |line: &str| Reply::parse(line.as_bytes()).unwrap().refusal(Kind::Unsupported, "").kind();
        assert_eq!(kind("-ERR [IN-USE] busy"), Kind::MailboxInUse);
        assert_eq!(kind("-ERR [LOGIN-DELAY] busy"), Kind::LoginDelay);
        assert_eq!(kind("-ERR [SYS/TEMP] busy"), Kind::Temporary);
        assert_eq!(kind("-ERR [SYS/PERM] busy"), Kind::Server);
        assert_eq!(kind("-ERR [AUTH] no"), Kind::Auth);
        assert_eq!(kind("-ERR no"), Kind::Unsupported);
    }
}

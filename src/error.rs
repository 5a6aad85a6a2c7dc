//! What can go wrong, as one type.
//!
//! A [`Kind`] says which row of the results table an error is; the words say what happened, to whom, and what the
//! server answered. No error text ever holds a secret: the server's words are added by [`crate::session`], which
//! masks them.

use std::{error, fmt, io};

/// What an operation of the library answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The rows of the results table, one kind each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An argument that is missing, out of range or holds a forbidden byte.
    Parameter,
    /// A handle that the table does not know.
    BadSocket,
    /// A server argument with no host or an unusable port.
    NoAddress,
    /// Cancelled by the host.
    Cancelled,
    /// A wait that ran past its deadline.
    Timeout,
    /// A reply that is not valid POP3, or clear text where the TLS handshake was due.
    BadFormat,
    /// A reply that lacks a field.
    ShortResponse,
    /// A malformed field of a reply: a number, a SASL challenge.
    Syntax,
    /// Memory, or another resource of the process, is used up.
    OutOfMemory,
    /// TLS failed.
    Secure,
    /// The name of the server has no address.
    HostNotFound,
    /// No address of the server could be connected to.
    Connect,
    /// The connection is gone.
    ConnectionLost,
    /// `-ERR` with no more exact meaning.
    Server,
    /// The server refused the credentials.
    Auth,
    /// The server does not offer STLS, or refused it.
    NoStls,
    /// The session is in use by another call.
    Busy,
    /// A limit of the library was passed.
    Limit,
    /// `[IN-USE]` (RFC 2449).
    MailboxInUse,
    /// `[LOGIN-DELAY]` (RFC 2449).
    LoginDelay,
    /// `[SYS/TEMP]` (RFC 3206).
    Temporary,
    /// The server lacks the command.
    Unsupported,
    /// The book of what was taken cannot be opened, read or written.
    Book,
    /// A defect of the library, caught.
    Internal,
}

/// What went wrong, in words, and what the server or the system said.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    text: String,
    reply: Option<String>,
    source: Option<io::Error>,
    /// Whether the server said by a response code what it means.
    is_explained: bool,
}

impl Error {
    /// An error of that kind, with what happened in words.
    pub fn new(kind: Kind, text: impl Into<String>) -> Error {
        Error { kind, text: text.into(), reply: None, source: None, is_explained: false }
    }

    /// That the server has closed the connection.
    pub fn closed() -> Error {
        Error::new(Kind::ConnectionLost, "the server closed the connection")
    }

    /// Adds the server's own reply, already fit to be shown.
    pub fn with_reply(mut self, reply: String) -> Error {
        self.reply = Some(reply);
        self
    }

    /// Adds what the system said.
    pub fn with_source(mut self, source: io::Error) -> Error {
        self.source = Some(source);
        self
    }

    /// Says that the server meant just this, by a response code.
    pub fn explained(mut self) -> Error {
        self.is_explained = true;
        self
    }

    /// The same as another kind, in other words; what the server and the system said stays.
    pub fn recast(self, kind: Kind, text: impl Into<String>) -> Error {
        Error { kind, text: text.into(), ..self }
    }

    /// Says what was being done when it happened.
    pub fn during(mut self, doing: &str) -> Error {
        self.text = format!("{doing}: {}", self.text);
        self
    }

    /// Says what may be the reason.
    pub fn hint(mut self, hint: &str) -> Error {
        self.text = format!("{}; {hint}", self.text);
        self
    }

    /// Whether the server meant just this.
    pub fn is_explained(&self) -> bool {
        self.is_explained
    }

    /// Which row of the results table this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether nothing more can be said to the server after this.
    ///
    /// A refusal (`-ERR`) and a wrong argument leave a session in step; everything that stops in the middle of a
    /// reply does not.
    pub fn ends_session(&self) -> bool {
        matches!(
            self.kind,
            Kind::Cancelled
                | Kind::Timeout
                | Kind::BadFormat
                | Kind::OutOfMemory
                | Kind::Secure
                | Kind::ConnectionLost
                | Kind::Limit
                | Kind::Internal
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        if let Some(reply) = &self.reply {
            write!(f, "; the server said: {reply}")?;
        }
        Ok(())
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_happened_why_and_what_the_server_said() {
        let error = Error::new(Kind::Auth, "log-in refused")
            .with_source(io::Error::other("why"))
            .with_reply("-ERR no".into())
            .hint("try again")
            .during("USER");
        assert_eq!(error.to_string(), "USER: log-in refused; try again: why; the server said: -ERR no");
    }

    #[test]
    fn a_refusal_leaves_the_session_in_step() {
        for kind in [Kind::Server, Kind::Auth, Kind::Unsupported, Kind::ShortResponse, Kind::Parameter] {
            assert!(!Error::new(kind, "").ends_session(), "{kind:?}");
        }
        for kind in [Kind::Timeout, Kind::ConnectionLost, Kind::BadFormat, Kind::Cancelled, Kind::Limit] {
            assert!(Error::new(kind, "").ends_session(), "{kind:?}");
        }
    }
}

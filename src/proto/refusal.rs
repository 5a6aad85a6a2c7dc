//! What the words of a refusal say, where it has no response code (RFC 2449, section 8).
//!
//! Servers say it in English, each in phrases of its own. What is looked for here are phrases that no server uses for
//! wrong credentials, since a user who reads that the password was wrong types another one.

/// What the words of a refusal say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Another session has the mailbox.
    Locked,
    /// The server cannot do it now, whoever asks.
    Busy,
    /// The server does not know the command, or not with such arguments.
    UnknownCommand,
}

/// Of a mailbox that somebody else has, as in RFC 1939's own example.
const LOCKED: &[&str] = &[
    "unable to lock",
    "cannot lock",
    "can't lock",
    "could not lock",
    "couldn't lock",
    "failed to lock",
    "not lock ",
    "lock failed",
    "lock busy",
    "lock file",
    "lock on",
    "lock the",
    "lock your",
    "lock mail",
    "drop lock",
    "box lock",
    "drop is lock",
    "box is lock",
    "drop already lock",
    "box already lock",
    "drop is already lock",
    "box is already lock",
    "locked by another",
    "locked by other",
    "in use",
    "being used",
    "already open",
    "another session",
    "other session",
    "another pop",
    "other pop",
    "another process",
    "another connection",
    "another client",
];

/// Of a server that cannot now, whatever else is said.
const BUSY: &[&str] = &[
    "temporar",
    "many connections",
    "number of connections",
    "maximum connections",
    "connections from",
    "connections per",
    "connection limit",
    "simultaneous",
    "concurrent",
    "overload",
    "busy",
    "internal error",
    "internal server error",
    "system error",
    "server error",
    "out of memory",
    "disk ",
    "unable to open",
    "cannot open",
    "can't open",
    "could not open",
    "couldn't open",
    "failed to open",
    "maintenance",
    "shutting down",
    "system load",
    "load average",
];

/// Of a command or a mechanism that the server does not know, or not so.
const UNKNOWN_COMMAND: &[&str] = &[
    "unknown command",
    "unrecognized",
    "unrecognised",
    "not recognized",
    "not recognised",
    "invalid command",
    "bad command",
    "illegal command",
    "no such command",
    "command not",
    "unexpected command",
    "command unknown",
    "unknown auth",
    "unknown mech",
    "unknown sasl",
    "invalid mech",
    "invalid auth mech",
    "no such mech",
    "mechanism",
    "authentication type",
    "authentication method",
    "auth type",
    "not implemented",
    "unimplemented",
    "not supported",
    "unsupported",
    "not understood",
    "syntax",
    "argument",
    "parameter",
    "plaintext",
    "cleartext",
    "not valid in this",
    "wrong state",
];

/// Of an answer that is too soon or comes from an overworked server, unless credentials are spoken of: a wrong password
/// is to be tried again later as well.
const PERHAPS_BUSY: &[&str] =
    &["later", "unavailable", "not available", "wait", "timeout", "timed out", "try again in"];

/// Of credentials.
const CREDENTIALS: &[&str] = &[
    "password",
    "passwd",
    "credential",
    "username",
    "user name",
    "login",
    "logon",
    "authentication",
    "authorization",
    "incorrect",
    "invalid",
    "denied",
    "bad ",
    "wrong",
    "attempts",
    "account",
];

/// What the text of a `-ERR` without a response code says, if it is one of these.
pub fn reason(text: &[u8]) -> Option<Reason> {
    let text = text.to_ascii_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| memchr::memmem::find(&text, phrase.as_bytes()).is_some());
    if says(LOCKED) {
        Some(Reason::Locked)
    } else if says(BUSY) {
        Some(Reason::Busy)
    } else if says(UNKNOWN_COMMAND) {
        Some(Reason::UnknownCommand)
    } else if says(PERHAPS_BUSY) && !says(CREDENTIALS) {
        Some(Reason::Busy)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_of_servers() {
        for (text, expected) in [
            // RFC 1939, section 7, and servers of the field
            ("unable to lock maildrop", Some(Reason::Locked)),
            ("maildrop already locked", Some(Reason::Locked)),
            ("Maildrop is locked", Some(Reason::Locked)),
            ("lock busy!  Is another session active? (11)", Some(Reason::Locked)),
            ("Mailbox is in use by another session.", Some(Reason::Locked)),
            ("can't lock mailbox", Some(Reason::Locked)),
            ("mailbox locked", Some(Reason::Locked)),
            (
                "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
                Some(Reason::Busy),
            ),
            ("Temporary authentication failure.", Some(Reason::Busy)),
            ("internal server error", Some(Reason::Busy)),
            ("Server too busy, try again later", Some(Reason::Busy)),
            ("Service unavailable", Some(Reason::Busy)),
            ("please try later", Some(Reason::Busy)),
            ("Cannot open maildrop", Some(Reason::Busy)),
            ("Too many arguments", Some(Reason::UnknownCommand)),
            ("Unknown command: AUTH", Some(Reason::UnknownCommand)),
            ("invalid command", Some(Reason::UnknownCommand)),
            ("Unrecognized authentication type", Some(Reason::UnknownCommand)),
            ("not supported", Some(Reason::UnknownCommand)),
            ("Syntax error", Some(Reason::UnknownCommand)),
            ("Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", Some(Reason::UnknownCommand)),
            // of credentials, or of nothing
            ("authorization failed", None),
            ("invalid password", None),
            ("Invalid login or password, please try again later", None),
            ("never heard of mailbox name", None),
            ("no such user", None),
            ("Your account has been locked", None),
            ("Too many failed login attempts, wait 10 minutes", None),
            ("sorry, no mailbox for frated here", None),
            ("no", None),
            ("", None),
        ] {
            assert_eq!(reason(text.as_bytes()), expected, "{text}");
        }
    }
}

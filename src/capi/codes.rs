//! The result codes: their numbers, and their texts.

use std::ffi::{CStr, c_char};

use crate::error::Kind;

/// Success.
pub const POP3_OK: i32 = 0;
/// An argument is NULL, out of range or too long, or holds a forbidden byte.
pub const POP3_ERR_PARAMETER: i32 = -501;
/// There is no such socket.
pub const POP3_ERR_BAD_SOCKET: i32 = -509;
/// The server is empty, has no host or an unusable port.
pub const POP3_ERR_NO_ADDRESS: i32 = -511;
/// pop3_cancel ended the call, or a callback answered non-zero. Ends the session.
pub const POP3_ERR_CANCELLED: i32 = -516;
/// A wait ran past its timeout. Ends the session.
pub const POP3_ERR_TIMEOUT: i32 = -522;
/// Not valid POP3: a reply begins with neither +OK nor -ERR, or clear text came after STLS. Ends the session.
pub const POP3_ERR_BAD_FORMAT: i32 = -523;
/// A reply lacks a field that it must have.
pub const POP3_ERR_SHORT_RESPONSE: i32 = -524;
/// A field of a reply is malformed: a number, a SASL challenge.
pub const POP3_ERR_SYNTAX: i32 = -525;
/// There is no memory left, or no descriptor or thread. Ends the session.
pub const POP3_ERR_OUT_OF_MEMORY: i32 = -1010;
/// TLS failed; pop3_get_secure_error says why. Ends the session.
pub const POP3_ERR_SECURE: i32 = -1021;
/// The name of the server, or of its proxy, has no address.
pub const POP3_ERR_HOST_NOT_FOUND: i32 = -11001;
/// No address of the server could be connected to, or none of its proxy, or the proxy failed or refused.
pub const POP3_ERR_CONNECT: i32 = -10061;
/// The peer closed or reset the connection, or the session had ended before. Ends the session.
pub const POP3_ERR_CONNECTION_LOST: i32 = -10054;
/// The server answered -ERR, with no more exact meaning.
pub const POP3_ERR_SERVER: i32 = -2001;
/// The server refused the credentials.
pub const POP3_ERR_AUTH: i32 = -2002;
/// The server does not offer STLS, or refused it.
pub const POP3_ERR_NO_STLS: i32 = -2003;
/// The socket is in use by another call.
pub const POP3_ERR_BUSY: i32 = -10036;
/// A limit was passed: a line of 64 KiB, a list of 1 000 000 entries, the size of a message. Ends the session.
pub const POP3_ERR_LIMIT: i32 = -2004;
/// [IN-USE] (RFC 2449), or words that say so: another session has the mailbox.
pub const POP3_ERR_MAILBOX_IN_USE: i32 = -2005;
/// [LOGIN-DELAY]: logged in again too soon (RFC 2449).
pub const POP3_ERR_LOGIN_DELAY: i32 = -2006;
/// [SYS/TEMP] (RFC 3206), or words that say so: temporary server failure.
pub const POP3_ERR_TEMPORARY: i32 = -2007;
/// The server has no such command, or not the mechanism asked for.
pub const POP3_ERR_UNSUPPORTED: i32 = -2008;
/// The book of a job cannot be opened, read or written.
pub const POP3_ERR_BOOK: i32 = -2010;
/// A defect of the library, caught. Any function may answer it. Ends the session.
pub const POP3_ERR_INTERNAL: i32 = -2009;

/// The code of a kind of error.
pub(super) fn code(kind: Kind) -> i32 {
    match kind {
        Kind::Parameter => POP3_ERR_PARAMETER,
        Kind::BadSocket => POP3_ERR_BAD_SOCKET,
        Kind::NoAddress => POP3_ERR_NO_ADDRESS,
        Kind::Cancelled => POP3_ERR_CANCELLED,
        Kind::Timeout => POP3_ERR_TIMEOUT,
        Kind::BadFormat => POP3_ERR_BAD_FORMAT,
        Kind::ShortResponse => POP3_ERR_SHORT_RESPONSE,
        Kind::Syntax => POP3_ERR_SYNTAX,
        Kind::OutOfMemory => POP3_ERR_OUT_OF_MEMORY,
        Kind::Secure => POP3_ERR_SECURE,
        Kind::HostNotFound => POP3_ERR_HOST_NOT_FOUND,
        Kind::Connect => POP3_ERR_CONNECT,
        Kind::ConnectionLost => POP3_ERR_CONNECTION_LOST,
        Kind::Server => POP3_ERR_SERVER,
        Kind::Auth => POP3_ERR_AUTH,
        Kind::NoStls => POP3_ERR_NO_STLS,
        Kind::Busy => POP3_ERR_BUSY,
        Kind::Limit => POP3_ERR_LIMIT,
        Kind::MailboxInUse => POP3_ERR_MAILBOX_IN_USE,
        Kind::LoginDelay => POP3_ERR_LOGIN_DELAY,
        Kind::Temporary => POP3_ERR_TEMPORARY,
        Kind::Unsupported => POP3_ERR_UNSUPPORTED,
        Kind::Book => POP3_ERR_BOOK,
        Kind::Internal => POP3_ERR_INTERNAL,
    }
}

/// Gives the meaning of an error code, in English.
///
/// - `code`: what a pop3_ function answered; any number will do.
///
/// Returns a text that is good for the process's life, never NULL.
/// Threads: thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_error_text(code: i32) -> *const c_char {
    text(code).as_ptr()
}

fn text(code: i32) -> &'static CStr {
    match code {
        POP3_OK.. => c"success",
        POP3_ERR_PARAMETER => c"an argument is missing, out of range, too long or holds a forbidden byte",
        POP3_ERR_BAD_SOCKET => c"there is no such socket",
        POP3_ERR_NO_ADDRESS => c"the server is empty, has no host or an unusable port",
        POP3_ERR_CANCELLED => c"the call was cancelled",
        POP3_ERR_TIMEOUT => c"a wait ran past the comms timeout",
        POP3_ERR_BAD_FORMAT => c"the server's reply is not valid POP3",
        POP3_ERR_SHORT_RESPONSE => c"the server's reply lacks a field",
        POP3_ERR_SYNTAX => c"a field of the server's reply is malformed",
        POP3_ERR_OUT_OF_MEMORY => c"there is no memory, descriptor or thread left",
        POP3_ERR_SECURE => c"TLS failed",
        POP3_ERR_HOST_NOT_FOUND => c"the name of the server, or of its proxy, has no address",
        POP3_ERR_CONNECT => c"no address of the server, or of its proxy, could be connected to",
        POP3_ERR_CONNECTION_LOST => c"the connection was lost",
        POP3_ERR_SERVER => c"the server refused the command",
        POP3_ERR_AUTH => c"the server refused the credentials",
        POP3_ERR_NO_STLS => c"the server does not offer STLS, or refused it",
        POP3_ERR_BUSY => c"the socket is in use by another call",
        POP3_ERR_LIMIT => c"the server passed a limit",
        POP3_ERR_MAILBOX_IN_USE => c"another session has the mailbox",
        POP3_ERR_LOGIN_DELAY => c"logged in again too soon",
        POP3_ERR_TEMPORARY => c"temporary server failure",
        POP3_ERR_UNSUPPORTED => c"the server has no such command",
        POP3_ERR_BOOK => c"the book cannot be opened, read or written",
        POP3_ERR_INTERNAL => c"a defect of the library",
        _ => c"an unknown error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    const KINDS: [Kind; 24] = [
        Kind::Parameter,
        Kind::BadSocket,
        Kind::NoAddress,
        Kind::Cancelled,
        Kind::Timeout,
        Kind::BadFormat,
        Kind::ShortResponse,
        Kind::Syntax,
        Kind::OutOfMemory,
        Kind::Secure,
        Kind::HostNotFound,
        Kind::Connect,
        Kind::ConnectionLost,
        Kind::Server,
        Kind::Auth,
        Kind::NoStls,
        Kind::Busy,
        Kind::Limit,
        Kind::MailboxInUse,
        Kind::LoginDelay,
        Kind::Temporary,
        Kind::Unsupported,
        Kind::Book,
        Kind::Internal,
    ];

    #[test]
    fn the_errors_that_end_a_session_are_those_whose_comments_say_so() {
        let source = include_str!("codes.rs").split("#[cfg(test)]").next().unwrap();
        assert_eq!(source.matches("pub const POP3_ERR_").count(), KINDS.len());
        for kind in KINDS {
            let (before, _) = source.split_once(&format!(": i32 = {};", code(kind))).expect("the code has a constant");
            let (_, comment) = before.rsplit_once("\n/// ").expect("the constant has a comment");
            assert_eq!(comment.contains(" Ends the session.\n"), Error::new(kind, "").ends_session(), "{comment}");
        }
    }

    #[test]
    fn every_code_has_a_text_of_its_own() {
        let mut texts: Vec<_> = KINDS.map(|kind| text(code(kind))).into();
        texts.extend([text(POP3_OK), text(-1)]);
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), KINDS.len() + 2);
        assert_eq!((text(1), text(-1)), (c"success", c"an unknown error"));
    }
}

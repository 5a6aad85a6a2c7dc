//! What Schannel says when it fails, in words: the system has its own in the user's language, or none.

use std::io;

use windows_sys::Win32::Foundation::*;

use super::sspi::Status;
use crate::error::{Error, Kind};
use crate::net::is_exhausted;
use crate::shortage;

/// That TLS could not even begin.
pub fn setup(error: io::Error) -> Error {
    caused(Kind::Secure, "TLS cannot be set up", error)
}

/// An error of that kind, unless it is only that there is no memory.
pub fn caused(otherwise: Kind, doing: &str, error: io::Error) -> Error {
    let kind = if is_exhausted(&error) || shortage::probably_out_of_memory() { Kind::OutOfMemory } else { otherwise };
    Error::new(kind, doing).with_source(error)
}

/// What a status says.
pub fn error(status: Status) -> Error {
    let is_shortage = status == SEC_E_INSUFFICIENT_MEMORY || shortage::probably_out_of_memory();
    Error::new(if is_shortage { Kind::OutOfMemory } else { Kind::Secure }, describe(status))
}

/// A status in words.
pub fn describe(status: Status) -> String {
    let words = match status {
        SEC_E_ALGORITHM_MISMATCH => "no version or cipher suite in common",
        SEC_E_CERT_EXPIRED => "the server says that the client's certificate has expired",
        SEC_E_CERT_UNKNOWN => "the server does not accept the client's certificate",
        SEC_E_CERT_WRONG_USAGE => "the client's certificate is for another purpose",
        SEC_E_DECRYPT_FAILURE => "what came cannot be decrypted",
        SEC_E_ILLEGAL_MESSAGE => "what came is no TLS, or the server has ended it by an alert",
        SEC_E_INSUFFICIENT_MEMORY => "no memory",
        SEC_E_INTERNAL_ERROR => "the TLS handshake has failed, or the server has ended it by an alert",
        SEC_E_INVALID_TOKEN => "what came is no TLS handshake",
        SEC_E_MESSAGE_ALTERED => "what came was altered on the way",
        SEC_E_NO_CREDENTIALS | SEC_E_UNKNOWN_CREDENTIALS => "the client's certificate or its key cannot be used",
        SEC_E_UNSUPPORTED_FUNCTION => "the server ends the handshake, or wants what Schannel does not have",
        _ => "TLS has failed",
    };
    format!("{words} (Schannel: {status:#010x})")
}

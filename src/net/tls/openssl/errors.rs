//! What OpenSSL says when it fails, for all that calls it.

use openssl::error::ErrorStack;

use crate::error::{Error, Kind};
use crate::shortage;
use crate::text::escape;

/// That TLS could not even begin.
pub fn setup_error(stack: ErrorStack) -> Error {
    error(Kind::Secure, "TLS cannot be set up", &stack)
}

/// An error of that kind, unless it is only that there is no memory, while that was being done.
pub fn error(otherwise: Kind, doing: &str, stack: &ErrorStack) -> Error {
    Error::new(kind(otherwise, stack), format!("{doing}: {}", describe(stack)))
}

/// What kind of error it is: that there is no memory, else the one given.
pub fn kind(otherwise: Kind, stack: &ErrorStack) -> Kind {
    // it does not always say so
    let is_shortage = stack.errors().iter().any(|error| error.reason() == Some("malloc failure"));
    if is_shortage || shortage::probably_out_of_memory() { Kind::OutOfMemory } else { otherwise }
}

/// The reasons in an error stack, without the places in OpenSSL's source.
pub fn describe(stack: &ErrorStack) -> String {
    let reasons = stack.errors().iter().filter_map(|error| {
        let reason = error.reason()?;
        Some(match error.data() {
            Some(data) if !data.is_empty() => format!("{reason} ({})", escape(data.as_bytes())),
            _ => reason.to_owned(),
        })
    });
    match reasons.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "for a reason that OpenSSL does not tell".into(),
        reasons => reasons,
    }
}

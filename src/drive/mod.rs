//! Who drives a session: what a session awaits is a transport's ([`crate::session::transport`]), and here is what that is.

pub mod blocking;
mod dialer;
pub mod event_loop;
#[cfg(any(test, fuzzing))]
pub mod script;

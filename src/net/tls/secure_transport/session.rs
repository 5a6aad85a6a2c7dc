//! Session resumption: by which id Secure Transport keeps a session, which it does not hand out.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::tls::session::Kept;

/// What Secure Transport knows a session by: it resumes one where the connection has the same id as the one before. So each
/// connection that resumes none has an id of its own. Secure Transport forgets sessions after ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerId(u64);

impl PeerId {
    /// One that no connection of the process has had.
    pub fn new() -> PeerId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        PeerId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// As Secure Transport gets it: it keeps the sessions of the host and of other libraries in the same place.
    pub fn bytes(self) -> Vec<u8> {
        [b"libpop3connect ".as_slice(), &self.0.to_be_bytes()].concat()
    }
}

impl Kept for PeerId {
    /// Of what is kept here: the session itself is not to be had.
    fn memory(&self) -> usize {
        mem::size_of::<PeerId>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_ids_are_the_same() {
        let (one, other) = (PeerId::new(), PeerId::new());
        assert!(one != other && one.bytes() != other.bytes());
        assert!(one.bytes().starts_with(b"libpop3connect "));
    }
}

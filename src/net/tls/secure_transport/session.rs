//! Session resumption: by which id Secure Transport keeps a session, which it does not hand out.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::tls::lifetime::Lifetime;

/// A session to be resumed by a later connection: it is resumed where the connection has the same id as the one before.
///
/// So each connection that resumes none has an id of its own. Secure Transport forgets sessions after ten minutes.
#[derive(Clone)]
pub struct Session {
    id: PeerId,
    context: u64,
    lifetime: Lifetime,
}

/// What Secure Transport knows a session by.
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

impl Session {
    /// The session of a connection with that id.
    pub(super) fn new(id: PeerId, context: u64, lifetime: Lifetime) -> Session {
        Session { id, context, lifetime }
    }

    /// Whether a connection in that context may be offered it.
    pub(super) fn may_resume(&self, context: u64) -> bool {
        self.context == context && !self.is_over()
    }

    /// By which id it is resumed.
    pub(super) fn id(&self) -> PeerId {
        self.id
    }

    /// For how long it may be resumed.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// How many bytes it has, of those that are kept here.
    pub fn size(&self) -> usize {
        mem::size_of::<Session>()
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.size()
    }

    /// Whether there is one that takes less memory.
    pub fn has_smaller(&self) -> bool {
        false
    }

    /// The same, taking less memory, if it can be had so.
    pub fn smaller(&self) -> Option<Session> {
        None
    }

    /// Whether it is too old to be resumed.
    pub fn is_over(&self) -> bool {
        self.lifetime.is_over()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_two_ids_are_the_same() {
        let (one, other) = (PeerId::new(), PeerId::new());
        assert!(one != other && one.bytes() != other.bytes());
        assert!(one.bytes().starts_with(b"libpop3connect "));
    }

    #[test]
    fn resumed_in_its_own_context_and_time() {
        let session = |lifetime| Session::new(PeerId::new(), 7, lifetime);
        let fresh = session(Lifetime::new(None));
        assert!(fresh.may_resume(7) && !fresh.may_resume(8));
        assert!(!session(Lifetime::new(Some(Duration::ZERO))).may_resume(7));
        assert!(fresh.smaller().is_none() && !fresh.has_smaller() && fresh.memory() >= fresh.size());
    }
}

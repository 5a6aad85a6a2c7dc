//! Session resumption: what is kept of a TLS session to be resumed by a later connection, and where and for how long that may
//! be done.

use super::lifetime::Lifetime;

/// A session to be resumed by a later connection.
#[derive(Clone)]
pub struct Session<K> {
    kept: K,
    context: u64,
    lifetime: Lifetime,
}

/// What is kept of a session: itself, or what the platform's library knows it by.
pub trait Kept: Clone {
    /// About how many bytes of memory it takes.
    fn memory(&self) -> usize;

    /// How many bytes it has in DER, or in whatever form it would be stored.
    fn size(&self) -> usize {
        self.memory()
    }

    /// Whether there is one that takes less memory.
    fn has_smaller(&self) -> bool {
        false
    }

    /// The same, taking less memory, if it can be had so.
    fn smaller(&self) -> Option<Self> {
        None
    }
}

impl<K: Kept> Session<K> {
    /// The session of a connection in that context.
    pub(super) fn new(kept: K, context: u64, lifetime: Lifetime) -> Session<K> {
        Session { kept, context, lifetime }
    }

    /// Whether a connection in that context may be offered it.
    pub(super) fn may_resume(&self, context: u64) -> bool {
        self.context == context && !self.is_over()
    }

    /// What is kept.
    pub(super) fn kept(&self) -> &K {
        &self.kept
    }

    /// For how long it may be resumed.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.kept.memory()
    }

    /// How many bytes it has in DER, or in whatever form it would be stored.
    pub fn size(&self) -> usize {
        self.kept.size()
    }

    /// Whether there is one that takes less memory.
    pub fn has_smaller(&self) -> bool {
        self.kept.has_smaller()
    }

    /// The same, taking less memory, if it can be had so.
    pub fn smaller(&self) -> Option<Session<K>> {
        Some(Session { kept: self.kept.smaller()?, context: self.context, lifetime: self.lifetime })
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

    #[derive(Clone)]
    struct Number(usize);

    impl Kept for Number {
        fn memory(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn resumed_in_its_own_context_and_time() {
        let session = |lifetime| Session::new(Number(40), 7, lifetime);
        let fresh = session(Lifetime::new(None));
        assert!(fresh.may_resume(7) && !fresh.may_resume(8) && !fresh.is_over());
        let over = session(Lifetime::new(Some(Duration::ZERO)));
        assert!(!over.may_resume(7) && over.is_over());
        assert!(fresh.smaller().is_none() && !fresh.has_smaller() && fresh.memory() >= fresh.size());
        assert_eq!((fresh.kept().0, fresh.memory()), (40, 40));
    }
}

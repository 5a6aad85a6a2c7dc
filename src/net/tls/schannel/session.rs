//! Session resumption: Schannel keeps the sessions itself, with the credentials that they were made with.

use std::sync::Arc;

use super::sspi::Credentials;
use crate::net::tls::lifetime::Lifetime;

/// About what Schannel keeps for a session, in another process for the most part.
const MEMORY: usize = 4096;

/// A session to be resumed by a later connection.
#[derive(Clone)]
pub struct Session {
    credentials: Arc<Credentials>,
    context: u64,
    lifetime: Lifetime,
}

impl Session {
    /// Those of a connection in that context.
    pub(super) fn of(credentials: &Arc<Credentials>, context: u64, lifetime: Lifetime) -> Session {
        Session { credentials: Arc::clone(credentials), context, lifetime }
    }

    /// The credentials by which a connection in that context may resume it.
    pub(super) fn credentials(&self, context: u64) -> Option<&Arc<Credentials>> {
        (self.context == context && !self.is_over()).then_some(&self.credentials)
    }

    /// For how long it may be resumed.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// How many bytes it has where it would be stored, which Schannel does not let anybody.
    pub fn size(&self) -> usize {
        MEMORY
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        MEMORY
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

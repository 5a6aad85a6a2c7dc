//! Session resumption: Schannel keeps the sessions itself, with the credentials that they were made with.

use std::sync::Arc;

use super::sspi::Credentials;
use crate::net::tls::session::Kept;

/// About what Schannel keeps for a session, in another process for the most part.
const MEMORY: usize = 4096;

impl Kept for Arc<Credentials> {
    fn memory(&self) -> usize {
        MEMORY
    }
}

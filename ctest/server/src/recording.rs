//! What a client sent.

use std::sync::{Mutex, PoisonError};

use crate::escape::escape;

/// Enough for any conversation, and no benchmark fills the memory with it.
const LIMIT: usize = 1 << 20;

/// The first bytes that came to a port, over all its connections.
#[derive(Default)]
pub struct Recording(Mutex<Vec<u8>>);

impl Recording {
    pub fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LIMIT - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    pub fn escaped(&self) -> String {
        escape(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

//! Whether memory has run out.
//!
//! Where the system refuses a block the allocator takes one that it has set aside for that, and counts it here. So much
//! as a call may need until it asks again is always left, and whoever asks ends the session instead of going on.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Kind, Result};

/// All that is set aside, in the units of [`take`].
pub const RESERVE: usize = 2048;

/// More than any block that is set aside.
const PROBE: usize = 1024 * 1024;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// So much was taken of what is set aside.
pub fn take(share: usize) {
    TAKEN.fetch_add(share, Ordering::Relaxed);
}

/// So much of it was given back.
pub fn give_back(share: usize) {
    TAKEN.fetch_sub(share, Ordering::Relaxed);
}

/// Whether there is so little that what has just failed, without saying why, will have failed for that.
pub fn is_likely() -> bool {
    check().is_err() || Vec::<u8>::new().try_reserve_exact(PROBE).is_err()
}

/// An error where a quarter of it is taken.
pub fn check() -> Result<()> {
    if TAKEN.load(Ordering::Relaxed) < RESERVE / 4 {
        return Ok(());
    }
    Err(Error::new(Kind::OutOfMemory, "there is no memory left"))
}

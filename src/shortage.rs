//! Whether memory has run out.
//!
//! Where the system refuses a block the allocator takes one that it has set aside for that, and counts it here. Whoever is
//! about to ask for more, or has asked for much, asks here whether to go on.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Kind, Result};

/// All that is set aside, in the units of [`take`].
pub const RESERVE: usize = 2048;

/// More than any block that is set aside.
const PROBE: usize = 1024 * 1024;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MAY_FAIL: Cell<bool> = const { Cell::new(false) };
}

/// So much was taken of what is set aside.
pub fn take(share: usize) {
    TAKEN.fetch_add(share, Ordering::Relaxed);
}

/// So much of it was given back.
pub fn give_back(share: usize) {
    TAKEN.fetch_sub(share, Ordering::Relaxed);
}

/// Asks for memory in a way that may be refused, and leaves what is set aside to those who cannot do without.
pub fn without_reserve<T>(ask: impl FnOnce() -> T) -> T {
    let before = MAY_FAIL.replace(true);
    let answer = ask();
    MAY_FAIL.set(before);
    answer
}

/// A copy of what may be long.
pub fn copy<T: Copy>(items: &[T], what: &str) -> Result<Vec<T>> {
    let mut copy = Vec::new();
    without_reserve(|| copy.try_reserve_exact(items.len()))
        .map_err(|_| Error::new(Kind::OutOfMemory, format!("no memory for {what}")))?;
    copy.extend_from_slice(items);
    Ok(copy)
}

/// Whether this thread asks so.
pub fn reserve_disabled() -> bool {
    MAY_FAIL.get()
}

/// Whether the system has so many bytes in one block.
pub fn has(bytes: usize) -> bool {
    without_reserve(|| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}

/// Whether there is so little that what has just failed, without saying why, will have failed for that.
pub fn probably_out_of_memory() -> bool {
    !has(PROBE)
}

/// An error where a quarter of what is set aside is taken, and the system has nothing yet.
pub fn check() -> Result<()> {
    if TAKEN.load(Ordering::Relaxed) < RESERVE / 4 || !probably_out_of_memory() {
        return Ok(());
    }
    Err(Error::new(Kind::OutOfMemory, "there is no memory left"))
}

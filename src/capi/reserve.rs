//! Memory for when there is none: blocks set aside, so that a host that has run out of memory is told so by a code.
//!
//! Rust ends the process where a block is refused, unless whoever wants it has said what to do then; the standard
//! library and other crates do not. A block that the system refuses is therefore taken from here.
//! [`shortage`] is told, by which sessions end before all of it is used up. It costs address space
//! alone: all of it is zero in the beginning, so that the library's file has none of it, and no page is touched before.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::shortage;

/// No block is aligned more than that.
const ALIGNMENT: usize = 16;

static RESERVE: Reserve = Reserve { small: Pool::new(), medium: Pool::new(), large: Pool::new() };

struct Reserve {
    /// Words, nodes of maps.
    small: Pool<128, 2048>,
    /// Lines, buffers of a few commands.
    medium: Pool<4096, 64>,
    /// The longest line of a server, every byte of it escaped, while it grows.
    large: Pool<{ 512 * 1024 }, 4>,
}

/// Blocks of one size.
#[repr(C, align(16))]
struct Pool<const SIZE: usize, const COUNT: usize> {
    /// First, since the alignment is that of the pool.
    blocks: UnsafeCell<[[u8; SIZE]; COUNT]>,
    is_taken: [AtomicBool; COUNT],
}

// SAFETY: whoever sets a block's flag has it until they clear the flag; nothing else gives access to the blocks
unsafe impl<const SIZE: usize, const COUNT: usize> Sync for Pool<SIZE, COUNT> {}

/// A block of at least that size, its content undefined; NULL if there is none.
pub fn take(size: usize, alignment: usize) -> *mut u8 {
    if alignment > ALIGNMENT || shortage::reserve_disabled() {
        return ptr::null_mut();
    }
    let block = RESERVE.small.take(size).or_else(|| RESERVE.medium.take(size)).or_else(|| RESERVE.large.take(size));
    block.unwrap_or(ptr::null_mut())
}

/// Whether a block is one of these.
pub fn holds(block: *const u8) -> bool {
    // once for all, since every block of the library that is freed is asked about
    let offset = (block as usize).wrapping_sub(&raw const RESERVE as usize);
    offset < size_of::<Reserve>()
}

/// Takes a block back.
///
/// # Safety
/// - `block` is from [`take`], and nobody uses it any more.
pub unsafe fn give_back(block: *mut u8) {
    RESERVE.small.give_back(block);
    RESERVE.medium.give_back(block);
    RESERVE.large.give_back(block);
}

impl<const SIZE: usize, const COUNT: usize> Pool<SIZE, COUNT> {
    /// What one block counts when it is taken.
    const SHARE: usize = shortage::RESERVE / COUNT;

    const fn new() -> Pool<SIZE, COUNT> {
        assert!(SIZE % ALIGNMENT == 0);
        Pool { blocks: UnsafeCell::new([[0; SIZE]; COUNT]), is_taken: [const { AtomicBool::new(false) }; COUNT] }
    }

    fn take(&self, size: usize) -> Option<*mut u8> {
        if size > SIZE {
            return None;
        }
        let index = self.is_taken.iter().position(|is_taken| !is_taken.swap(true, Ordering::Acquire))?;
        shortage::take(Self::SHARE);
        Some(self.blocks.get().cast::<u8>().wrapping_add(index * SIZE))
    }

    fn give_back(&self, block: *mut u8) {
        let offset = (block as usize).wrapping_sub(self.blocks.get() as usize);
        if let Some(is_taken) = self.is_taken.get(offset / SIZE) {
            is_taken.store(false, Ordering::Release);
            shortage::give_back(Self::SHARE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // none of these takes enough to end a session of another test

    #[test]
    fn blocks_of_every_size() {
        let mut taken = Vec::new();
        for size in [1, 128, 129, 4096] {
            let block = take(size, 16);
            assert!(holds(block) && block as usize % 16 == 0, "{size}");
            // SAFETY: the block is of that size
            unsafe { block.write_bytes(0xee, size) };
            taken.push(block);
        }
        assert!(take(512 * 1024 + 1, 16).is_null() && take(1, 32).is_null());
        // SAFETY: they are of the reserve, and used by nobody
        taken.into_iter().for_each(|block| unsafe { give_back(block) });
        let other = Box::new(0_u8);
        assert!(!holds(&*other) && !holds(ptr::null()));
    }

    #[test]
    fn each_block_is_given_out_once_until_it_is_back() {
        // so many that one of them counts nothing
        const COUNT: usize = shortage::RESERVE + 1;
        static POOL: Pool<32, COUNT> = Pool::new();
        let mut taken = Vec::from_iter(std::iter::from_fn(|| POOL.take(32)));
        assert_eq!(taken.len(), COUNT);
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), COUNT);
        POOL.give_back(taken[42]);
        assert_eq!(POOL.take(1), Some(taken[42]));
        assert_eq!(POOL.take(33), None);
    }
}

//! The library's memory: small blocks are wiped when they are given back, and where the system has none left the reserve
//! has.
//!
//! Secrets of ours wipe themselves. This is the net below for the copies that other crates make of them and only free:
//! the openssl crate of the password of a PKCS #12 file, stringprep of a password beyond ASCII.

use std::alloc::{GlobalAlloc, Layout, System};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use zeroize::Zeroize;

use crate::capi::reserve;

/// What is longer is left as it is: secrets are short, and wiping the buffers of messages would double the cost of
/// filling them.
const SMALL: usize = 4096;

/// The system's allocator, and what is added to it.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: the system's allocator and the reserve do what the trait asks for; a block is wiped while it is still the
// caller's, and a new one is told as of the new size and the old alignment
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise
        let block = unsafe { System.alloc(layout) };
        if block.is_null() { reserve::take(layout.size(), layout.align()) } else { block }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            return block;
        }
        let block = reserve::take(layout.size(), layout.align());
        if !block.is_null() {
            // SAFETY: the block is of that size
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, for all
        unsafe {
            wipe(block, layout.size());
            match reserve::holds(block) {
                true => reserve::give_back(block),
                false => System.dealloc(block, layout),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size() > SMALL && !reserve::holds(block) {
            // SAFETY: the caller's promise
            let new = unsafe { System.realloc(block, layout, new_size) };
            if !new.is_null() {
                return new;
            }
        }
        // the system's would free a small block without wiping it, or give the end of it back
        // SAFETY: the caller promises that the new size is not 0 and fits the alignment; both blocks have the size of
        // the smaller one, and they are not the same
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// # Safety
/// - `block` is one of that size.
unsafe fn wipe(block: *mut u8, size: usize) {
    if size <= SMALL {
        // SAFETY: the caller's promise; of octets that may never have been written nothing is assumed
        unsafe { slice::from_raw_parts_mut(block.cast::<MaybeUninit<u8>>(), size) }.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_its_content_when_it_grows_and_shrinks() {
        let mut bytes = Vec::new();
        for size in [1, 7, 100, SMALL, SMALL + 1, 3 * SMALL, 100 * SMALL] {
            bytes.reserve_exact(size - bytes.len());
            bytes.extend((bytes.len()..size).map(|at| at as u8));
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == at as u8), "{size}");
        }
        for size in [50 * SMALL, SMALL + 1, SMALL, 100, 1] {
            bytes.truncate(size);
            bytes.shrink_to_fit();
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == at as u8), "{size}");
        }
    }

    #[test]
    fn wiping() {
        for (size, wiped) in [(1, true), (13, true), (SMALL, true), (SMALL + 1, false)] {
            let mut block = vec![0xff_u8; size];
            // SAFETY: the block is this vector's
            unsafe { wipe(block.as_mut_ptr(), size) };
            assert!(block.iter().all(|byte| (*byte == 0) == wiped), "{size}");
        }
    }
}

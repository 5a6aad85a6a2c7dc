//! What the library hands to the host, and how the host gives it back.

use std::ffi::c_char;
use std::ptr;

use crate::error::{Error, Kind, Result};

/// Bytes that belong to the host until it passes them to pop3_buffer_free.
#[repr(C)]
pub struct pop3_buffer {
    /// The bytes, with a NUL after them that `len` does not count. NULL in a zeroed one.
    pub data: *mut c_char,
    /// How many bytes.
    pub len: usize,
}

impl Default for pop3_buffer {
    fn default() -> pop3_buffer {
        pop3_buffer { data: ptr::null_mut(), len: 0 }
    }
}

impl pop3_buffer {
    /// A copy of the bytes in memory of C's, so that freeing it needs nothing that the host may have changed.
    pub(super) fn copy_of(bytes: &[u8]) -> Result<pop3_buffer> {
        // SAFETY: any size may be asked for
        let data: *mut u8 = unsafe { libc::malloc(bytes.len() + 1) }.cast();
        if data.is_null() {
            return Err(Error::new(Kind::OutOfMemory, format!("no memory for {} bytes", bytes.len())));
        }
        // SAFETY: `data` is new, and one longer than the bytes
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len());
            data.add(bytes.len()).write(0);
        }
        Ok(pop3_buffer { data: data.cast(), len: bytes.len() })
    }
}

/// Frees what a function wrote into a buffer, and zeroes the buffer.
///
/// - `buffer`: one that a pop3_ function wrote, or a zeroed one, or NULL; not freed before.
///
/// Threads: any.
///
/// # Safety
/// - `buffer` is NULL or points to a buffer that the library wrote or that is zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_buffer_free(buffer: *mut pop3_buffer) {
    if buffer.is_null() {
        return;
    }
    // SAFETY: not NULL, so a buffer whose data came from malloc or is NULL
    unsafe {
        libc::free((*buffer).data.cast());
        buffer.write(pop3_buffer::default());
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn copied_ended_and_freed() {
        for bytes in [&b""[..], b"TOP\nUIDL\n"] {
            let mut buffer = pop3_buffer::copy_of(bytes).unwrap();
            assert_eq!(buffer.len, bytes.len());
            assert_eq!(unsafe { CStr::from_ptr(buffer.data) }.to_bytes(), bytes);
            unsafe { pop3_buffer_free(&mut buffer) };
            assert!(buffer.data.is_null() && buffer.len == 0);
            unsafe { pop3_buffer_free(&mut buffer) };
        }
        unsafe { pop3_buffer_free(ptr::null_mut()) };
    }
}

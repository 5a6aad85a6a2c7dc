//! Options: making and freeing them.

use std::ptr;

use crate::capi::boundary;
use crate::capi::options::pop3_options;
use crate::options::Secure;

/// Makes options with the defaults.
///
/// Returns them, to be freed with pop3_options_free; NULL on an internal error.
/// Threads: thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_options_new() -> *mut pop3_options {
    let options = || pop3_options::basic(b"", b"", b"", Secure::No, true);
    boundary::guard(|| Ok(Box::into_raw(Box::new(options()?)))).unwrap_or(ptr::null_mut())
}

/// Frees options, and wipes their secrets. Sessions that were made with them go on.
///
/// - `options`: from pop3_options_new, not freed before and not in use; NULL is fine.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, not freed, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_free(options: *mut pop3_options) {
    let _ = boundary::guard(|| {
        if !options.is_null() {
            // SAFETY: from Box::into_raw, by this function's promise
            drop(unsafe { Box::from_raw(options) });
        }
        Ok(())
    });
}

//! Options: making and freeing them.

use crate::capi::boundary;
use crate::capi::options::pop3_options;
use crate::options::Secure;

/// Makes options with the defaults.
///
/// Returns them, to be freed with pop3_options_free; NULL on an internal error.
/// Threads: thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_options_new() -> *mut pop3_options {
    boundary::hand_out(|| pop3_options::basic(b"", b"", b"", Secure::No, true))
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
    // SAFETY: this function's promise
    unsafe { boundary::take_back(options) };
}

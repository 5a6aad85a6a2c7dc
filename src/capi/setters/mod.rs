//! Options: making, changing and freeing them. Each file here has the C functions of one matter; what they store, and
//! by which rules, is in [`options`](super::options).

pub mod callbacks;
pub mod create;
pub mod login;
pub mod network;
pub mod protocol;
pub mod tls;

use std::ffi::c_char;

use crate::capi::arguments::optional;
use crate::capi::boundary::change;
use crate::capi::options::pop3_options;
use crate::error::Result;

/// Changes options by a string, which may be left out.
///
/// # Safety
/// - As for [`change`], and `text` is NULL or a C string.
unsafe fn set(
    options: *mut pop3_options,
    setter: &'static str,
    text: *const c_char,
    set: impl FnOnce(&mut pop3_options, Option<&[u8]>) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's promises
    unsafe { change(options, setter, |options| set(options, optional(text, "the text")?)) }
}

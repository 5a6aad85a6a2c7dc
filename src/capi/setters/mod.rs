//! Options: making, changing and freeing them. Each file here has the C functions of one matter; what they store, and
//! by which rules, is in [`options`](super::options).

pub mod callbacks;
pub mod create;
pub mod login;
pub mod network;
pub mod protocol;
pub mod tls;

use std::ffi::{CStr, c_char};

use crate::capi::arguments::{optional, parameter};
use crate::capi::boundary;
use crate::capi::codes::POP3_OK;
use crate::capi::options::pop3_options;
use crate::error::Result;
use crate::shortage;

/// The name that an error callback gets for the setters.
const COMMAND: &CStr = c"POP3Options";

/// Changes options, which must be there.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
unsafe fn change(
    options: *mut pop3_options,
    setter: &'static str,
    change: impl FnOnce(&mut pop3_options) -> Result<()>,
) -> i32 {
    boundary::call(COMMAND, || {
        // SAFETY: the caller's promise
        let options = unsafe { options.as_mut() }.ok_or_else(|| parameter("the options are NULL"))?;
        shortage::check()?;
        options.change(setter, change).map(|()| POP3_OK)
    })
}

/// The same by a string, which may be left out.
///
/// # Safety
/// - As for `change`, and `text` is NULL or a C string.
unsafe fn set(
    options: *mut pop3_options,
    setter: &'static str,
    text: *const c_char,
    set: impl FnOnce(&mut pop3_options, Option<&[u8]>) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's promises
    unsafe { change(options, setter, |options| set(options, optional(text, "the text")?)) }
}

//! Windows: libraries that may be unloaded; threads and processes that end as they like.

use std::ffi::OsStr;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

/// No thread is cancelled there.
pub(in crate::capi) struct Uncancelled;

impl Uncancelled {
    pub(in crate::capi) fn enter() -> Uncancelled {
        Uncancelled
    }
}

/// Has the library stay until the process ends: a host that unloads it while a thread of it looks a name up, or one of the
/// host's ends, would return into nothing. Where that fails it is tried again by the next call.
pub(in crate::capi) fn watch_process() {
    static PINNED: AtomicBool = AtomicBool::new(false);
    if !PINNED.load(Ordering::Acquire) {
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        let mut module = ptr::null_mut();
        // SAFETY: with that flag the name is any address inside of the library
        let pinned = unsafe { GetModuleHandleExW(flags, (&raw const PINNED).cast(), &mut module) };
        PINNED.store(pinned != 0, Ordering::Release);
    }
}

/// A program has its user's rights there.
pub(in crate::capi) fn is_privileged() -> bool {
    false
}

/// A path of the host's, in UTF-8.
pub(in crate::capi) fn path(bytes: &[u8]) -> Option<&OsStr> {
    std::str::from_utf8(bytes).ok().map(OsStr::new)
}

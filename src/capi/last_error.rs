//! The last error of each thread, and the error callbacks.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};

use crate::capi::listeners::{Listeners, c_string, in_host};
use crate::capi::settings;
use crate::error::{Error, Kind};
use crate::text::escape;

/// The texts that a thread's host can ask for.
struct Texts {
    last: Option<CString>,
    secure: Option<CString>,
}

thread_local! {
    static TEXTS: RefCell<Texts> = const { RefCell::new(Texts { last: None, secure: None }) };
}

/// Has the thread's texts freed when it ends. libc ends the process where it has no memory to note that down, so it is
/// done when a call begins, and not when one has failed for lack of memory.
pub(super) fn prepare() {
    let _ = TEXTS.try_with(|_| ());
}

/// Keeps an error for this thread and calls the error callbacks: that of the connection, then that of the process.
pub(super) fn fail(command: &'static CStr, code: i32, error: &Error, listeners: Listeners) {
    let message = c_string(&escape(error.to_string().as_bytes()));
    keep(error.kind(), &message);
    listeners.call_error(&message, code, command);
    if let Some(callback) = settings::error_callback() {
        // SAFETY: the host gave a function of this type, and both strings outlive the call
        in_host(|| unsafe { callback(message.as_ptr(), code, command.as_ptr()) });
    }
    // calls that the callbacks made may have failed too, but the host asks about this one
    keep(error.kind(), &message);
}

fn keep(kind: Kind, message: &CStr) {
    // fails only while the thread ends, when nobody can ask any more
    let _ = TEXTS.try_with(|texts| {
        let mut texts = texts.borrow_mut();
        texts.last = Some(message.into());
        if kind == Kind::Secure {
            texts.secure = Some(message.into());
        }
    });
}

fn kept(which: impl FnOnce(&Texts) -> Option<&CStr>) -> *const c_char {
    TEXTS.try_with(|texts| which(&texts.borrow()).unwrap_or(c"").as_ptr()).unwrap_or(c"".as_ptr())
}

/// Gives this thread's last error in words, with the server's own reply where there was one.
///
/// A call that succeeds leaves it as it is. It holds no password.
///
/// Returns UTF-8 in one line, "" if nothing has failed; good until this thread's next pop3_ call; never NULL.
///
/// Threads: thread-safe; each thread has its own.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_get_last_error() -> *const c_char {
    kept(|texts| texts.last.as_deref())
}

/// Gives this thread's last TLS error in words: the reason of POP3_ERR_SECURE (Omnis: WebDevGetSecureError).
///
/// Returns UTF-8 in one line, "" if no TLS error has happened; good until this thread's next pop3_ call; never NULL.
///
/// Threads: thread-safe; each thread has its own.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_get_secure_error() -> *const c_char {
    kept(|texts| texts.secure.as_deref())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Keeping another error meanwhile panics.
    pub fn with_texts_in_use<T>(work: impl FnOnce() -> T) -> T {
        TEXTS.with(|texts| {
            let _in_use = texts.borrow_mut();
            work()
        })
    }
}

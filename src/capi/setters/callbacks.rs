//! Options: the functions that are called during connecting and every call on the socket.

use std::ffi::{c_char, c_void};

use crate::capi::boundary::change;
use crate::capi::options::pop3_options;

/// Sets the status callback, which is called with the status lines of connecting and of every call on the socket.
///
/// - `options`: from pop3_options_new.
/// - `cb`: as pop3_sts_cb, with `context`; NULL is the default, none.
/// - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `cb` is NULL or a function of its type, which
///   returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_status_cb(
    options: *mut pop3_options,
    cb: Option<unsafe extern "C" fn(status: *const c_char, context: *mut c_void)>,
    context: *mut c_void,
) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_status_cb", |options| {
            options.listeners.status = cb.map(|cb| (cb, context));
            Ok(())
        })
    }
}

/// Sets the error callback, which is called for each failure of connecting and of every call on the socket.
///
/// - `options`: from pop3_options_new.
/// - `cb`: as pop3_error_cb, with `context`, and called before that of the process; NULL is the default, none.
/// - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `cb` is NULL or a function of its type, which
///   returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_error_cb(
    options: *mut pop3_options,
    cb: Option<unsafe extern "C" fn(message: *const c_char, code: i32, command: *const c_char, context: *mut c_void)>,
    context: *mut c_void,
) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_error_cb", |options| {
            options.listeners.error = cb.map(|cb| (cb, context));
            Ok(())
        })
    }
}

/// Sets the progress callback, which is called during connecting and every call on the socket, and may end them.
///
/// It is called when a call begins, when a message has come whole, and meanwhile about five times a second, but at
/// least once, in every wait: for the name, the connection, the proxy, the handshake, each reply. On the thread of the
/// call, with nothing locked; the socket it is called for answers POP3_ERR_BUSY, save for pop3_cancel. The time it
/// takes counts as time waited.
///
/// - `options`: from pop3_options_new.
/// - `cb`: is given the octets of the message that have come, and those of the whole message where the server has
///   announced them, -1 else; 0 and -1 where no message is under way. Answers 0 to go on; anything else ends the call
///   with POP3_ERR_CANCELLED, and the session. NULL is the default, none.
/// - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `cb` is NULL or a function of its type, which
///   returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_progress_cb(
    options: *mut pop3_options,
    cb: Option<unsafe extern "C" fn(done: i64, total: i64, context: *mut c_void) -> i32>,
    context: *mut c_void,
) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_progress_cb", |options| {
            options.listeners.progress = cb.map(|cb| (cb, context));
            Ok(())
        })
    }
}

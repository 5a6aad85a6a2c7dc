//! Commands without a socket: each connects, works and disconnects.

use std::ffi::{c_char, c_void};

use crate::capi::arguments::parameter;
use crate::capi::boundary;
use crate::capi::connect::{basic, connection, listeners};
use crate::capi::listeners::{Listeners, pop3_sts_cb, with_trace};
use crate::capi::message::{HostDelivery, pop3_message_cb};
use crate::capi::options::pop3_options;
use crate::drive::blocking;
use crate::error::Result;
use crate::net::progress::Progress;
use crate::session::visit::Errand;

/// Asks how many messages wait in a mailbox: connects, asks, disconnects (Omnis: POP3Stat).
///
/// - `server`, `user`, `pass`, `sts_cb`, `secure`, `verify`: as for pop3_connect.
///
/// Returns the number, or an error of pop3_connect or pop3_message_count save for POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY
/// and POP3_ERR_CANCELLED. The connection is closed in any case.
/// Threads: thread-safe.
///
/// # Safety
/// - `server`, `user` and `pass` are each NULL or a C string.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_stat(
    server: *const c_char,
    user: *const c_char,
    pass: *const c_char,
    sts_cb: pop3_sts_cb,
    secure: i32,
    verify: i32,
) -> i32 {
    boundary::call(c"POP3Stat", || {
        // SAFETY: this function's promises
        let options = unsafe { basic(server, user, pass, secure, verify) }?;
        with_trace(sts_cb, Listeners::default(), |trace| blocking::stat(&options, Progress::default, trace))
    })
}

/// Asks how many messages wait in a mailbox, as pop3_stat, by options.
///
/// - `options`: as for pop3_connect_with.
///
/// Returns the number, or an error of pop3_connect_with or pop3_message_count save for POP3_ERR_BAD_SOCKET and
/// POP3_ERR_BUSY. The connection is closed in any case.
/// Threads: thread-safe, reentrant, as long as no call changes the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and not changed or freed before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_stat_with(options: *const pop3_options) -> i32 {
    // SAFETY: this function's promise
    let options = unsafe { options.as_ref() };
    let listeners = || listeners(options);
    boundary::call_for(c"POP3Stat", listeners, |listeners| {
        let options = connection(options)?;
        with_trace(None, listeners, |trace| blocking::stat(&options, || listeners.progress(), trace))
    })
}

/// Reads the messages of a mailbox and deletes them if wanted: connects, reads, disconnects (Omnis: POP3Recv).
///
/// A message is deleted only after its last byte was delivered and the callback answered 0, and only if the session is
/// closed without an error: after a session-ending error the server keeps them all, and those already delivered come
/// again next time. Where the server refused to delete one, the others are deleted all the same. After an error not all
/// mail may have been received. The numbers are those of LIST, or, where the server refuses that, counted from 1 to
/// what STAT says.
///
/// - `server`, `user`, `pass`, `sts_cb`, `secure`, `verify`: as for pop3_connect.
/// - `message_cb`, `context`: as for pop3_recv_messages.
/// - `delete_after`: non-zero deletes each message that was delivered.
/// - `max_messages`: how many messages to read at the most, from the first that is listed; 0 reads all.
///
/// Returns how many messages were received whole, or POP3_ERR_PARAMETER (`message_cb` is NULL, `max_messages` negative,
/// or as for pop3_connect), POP3_ERR_SERVER or POP3_ERR_TEMPORARY (the greeting was -ERR, or the server refused to list
/// and to count, refused to delete, or did not commit the deletions), any other error of pop3_connect,
/// pop3_list_messages, pop3_message_count or pop3_recv_messages save for POP3_ERR_BAD_SOCKET and POP3_ERR_BUSY. The
/// connection is closed in any case.
/// Threads: thread-safe.
///
/// # Safety
/// - `server`, `user` and `pass` are each NULL or a C string.
/// - `message_cb` is NULL or a function of its type, which returns and for which `context` is right; likewise `sts_cb`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv(
    server: *const c_char,
    user: *const c_char,
    pass: *const c_char,
    message_cb: pop3_message_cb,
    context: *mut c_void,
    delete_after: i32,
    sts_cb: pop3_sts_cb,
    max_messages: i32,
    secure: i32,
    verify: i32,
) -> i32 {
    boundary::call(c"POP3Recv", || {
        let mut host = HostDelivery::new(message_cb, context)?;
        let errand = errand(delete_after, max_messages)?;
        // SAFETY: this function's promises
        let options = unsafe { basic(server, user, pass, secure, verify) }?;
        with_trace(sts_cb, Listeners::default(), |trace| {
            blocking::receive(&options, errand, &mut host, Progress::default, trace)
        })
    })
}

/// Reads the messages of a mailbox and deletes them if wanted, as pop3_recv, by options.
///
/// - `options`: as for pop3_connect_with.
/// - `message_cb`, `context`, `delete_after`, `max_messages`: as for pop3_recv.
///
/// Returns how many messages were received whole, or an error of pop3_recv, any other error of pop3_connect_with. The
/// connection is closed in any case.
/// Threads: thread-safe, reentrant, as long as no call changes the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and not changed or freed before this returns.
/// - `message_cb` is NULL or a function of its type, which returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_with(
    options: *const pop3_options,
    message_cb: pop3_message_cb,
    context: *mut c_void,
    delete_after: i32,
    max_messages: i32,
) -> i32 {
    // SAFETY: this function's promise
    let options = unsafe { options.as_ref() };
    let listeners = || listeners(options);
    boundary::call_for(c"POP3Recv", listeners, |listeners| {
        let mut host = HostDelivery::new(message_cb, context)?;
        let errand = errand(delete_after, max_messages)?;
        let options = connection(options)?;
        with_trace(None, listeners, |trace| {
            blocking::receive(&options, errand, &mut host, || listeners.progress(), trace)
        })
    })
}

/// What a host wants received.
pub(super) fn errand(delete_after: i32, max_messages: i32) -> Result<Errand> {
    let most = usize::try_from(max_messages).map_err(|_| parameter("the number of messages is negative"))?;
    Ok(Errand { delete: delete_after != 0, most: if most == 0 { usize::MAX } else { most } })
}

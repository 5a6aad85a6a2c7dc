//! Session commands: what is in the mailbox, deleting, cancelling.

use std::ffi::c_char;

use crate::capi::arguments::{Out, message_number, message_numbers, one_or_all, unique_id};
use crate::capi::buffer::{pop3_buffer, pop3_list, pop3_mailbox_size, pop3_tls_info, pop3_uid_list};
use crate::capi::codes::POP3_OK;
use crate::capi::handles::{on_messages, on_socket};
use crate::capi::listeners::pop3_sts_cb;
use crate::capi::{boundary, handles};
use crate::drive::blocking::{Client, run};
use crate::error::{Error, Kind};
use crate::session::trace::Trace;

/// Asks how many messages the mailbox holds, those marked for deletion included (Omnis: POP3MessageCount; STAT,
/// RFC 1939).
///
/// - `socket`: from pop3_connect.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns the number, or POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused), POP3_ERR_TEMPORARY,
/// POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (the answer is not a message count and a size), or a session-ending
/// error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_message_count(socket: i32, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3MessageCount", socket, || {
        on_socket(socket, sts_cb, |client, trace| run(client.message_count(trace)))
    })
}

/// Asks what the mailbox holds: the number of messages and their octets (STAT, RFC 1939).
///
/// Both are as the server reports them. RFC 1939 leaves messages out that are marked for deletion; some servers count
/// them. pop3_message_count always counts them.
///
/// - `socket`: from pop3_connect.
/// - `out`: written only on success, zeroed otherwise; there is nothing to free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused),
/// POP3_ERR_TEMPORARY, POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (the answer is not a message count and a size), or a
/// session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_mailbox_size whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_mailbox(socket: i32, out: *mut pop3_mailbox_size, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3Mailbox", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let stat = on_socket(socket, sts_cb, |client, trace| run(client.stat(trace)))?;
        out.write(pop3_mailbox_size { count: stat.count, size: stat.octets });
        Ok(POP3_OK)
    })
}

/// Lists the messages that are not marked for deletion, with their sizes (Omnis: POP3ListMessages; LIST, RFC 1939).
///
/// In a list of all, a line without a valid message number and size is left out, and a status line reports that.
///
/// - `socket`: from pop3_connect.
/// - `number`: of one message, or 0 for all.
/// - `out`: the messages in the server's order, their sizes as the server reports them; written only on success, zeroed
///   otherwise; free with pop3_list_free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` negative), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
/// POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (of one
/// message: the answer is not its number and size), POP3_ERR_LIMIT (more than 1 000 000 lines, whatever is in them), or
/// any other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_list whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_list_messages(socket: i32, number: i32, out: *mut pop3_list, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3ListMessages", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let number = one_or_all(number)?;
        out.write(on_socket(socket, sts_cb, |client, trace| pop3_list::copy_of(&run(client.list(number, trace))?))?);
        Ok(POP3_OK)
    })
}

/// Asks for the unique ids of the messages that are not marked for deletion (UIDL, RFC 1939).
///
/// An id is all that follows the number, blanks within it included. In a list of all, a line without a valid message
/// number and id is left out, and a status line reports that.
///
/// - `socket`: from pop3_connect.
/// - `number`: of one message, or 0 for all.
/// - `out`: the unique ids in the server's order, whole however long; written only on success, zeroed otherwise; free
///   with pop3_uid_list_free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` negative), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
/// POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (refused by a server that does
/// not list UIDL among its capabilities), POP3_ERR_SHORT_RESPONSE or POP3_ERR_SYNTAX (of one message: the answer is not
/// its number and id), POP3_ERR_LIMIT (more than 1 000 000 lines, or ids of more than 256 MiB together), or any other
/// session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_uid_list whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_unique_ids(
    socket: i32,
    number: i32,
    out: *mut pop3_uid_list,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3UniqueIds", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let number = one_or_all(number)?;
        out.write(on_socket(socket, sts_cb, |client, trace| {
            pop3_uid_list::copy_of(&run(client.unique_ids(number, trace))?)
        })?);
        Ok(POP3_OK)
    })
}

/// Marks a message for deletion, which the server deletes at pop3_disconnect (Omnis: POP3DeleteMessage; DELE,
/// RFC 1939).
///
/// A session that ends in another way deletes nothing.
///
/// - `socket`: from pop3_connect.
/// - `number`: of the message, from 1.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`number` less than 1), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER
/// (refused: no such message, or marked already), POP3_ERR_TEMPORARY, or a session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_delete_message(socket: i32, number: i32, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3DeleteMessage", socket, || {
        let number = message_number(number)?;
        on_socket(socket, sts_cb, |client, trace| run(client.delete(number, trace))).map(|()| POP3_OK)
    })
}

/// Marks many messages for deletion, which the server deletes at pop3_disconnect (DELE, RFC 1939).
///
/// Where the server can take commands ahead of its answers (PIPELINING, RFC 2449) a bounded number is sent at once;
/// otherwise one after the other. Where the server refused to mark some, all others are marked all the same, and the first
/// refusal is what this returns: pop3_get_last_error names its number and how many were marked, pop3_list_messages lists
/// those that are not. After a session-ending error nothing will be deleted.
///
/// - `socket`: from pop3_connect.
/// - `numbers`: of the messages, each from 1; NULL is fine where `count` is 0.
/// - `count`: how many.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns how many messages were marked, which are all, or POP3_ERR_PARAMETER (`numbers` is NULL, a number less than 1, a
/// `count` beyond 2 147 483 647; nothing was sent), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (one was refused: no
/// such message, or marked already), POP3_ERR_TEMPORARY, or a session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `numbers` is NULL or points to `count` numbers.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_delete_messages(
    socket: i32,
    numbers: *const i32,
    count: usize,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3DeleteMessages", socket, || {
        let delete = |client: &mut Client, numbers: Vec<i32>, trace: &mut Trace<'_>| {
            let bulk = run(client.delete_many(numbers, trace))?;
            match bulk.not_marked {
                None => Ok(bulk.marked),
                Some(error) => Err(error.hint(&format!("{} of {count} messages were marked", bulk.marked))),
            }
        };
        // SAFETY: this function's promise
        let numbers = unsafe { message_numbers(numbers, count) };
        on_messages(socket, numbers, sts_cb, delete)
    })
}

/// Marks the message with a unique id for deletion, which the server deletes at pop3_disconnect (UIDL, DELE, RFC 1939).
///
/// The id is looked up as by pop3_recv_uid. Where no message has it, or several have, nothing is marked.
///
/// - `socket`: from pop3_connect.
/// - `uid`: the unique id, as from pop3_unique_ids.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`uid` is NULL, empty, longer than 64 KiB or has control octets other than tabs),
/// POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (no message has that id, or it is marked already; several have it; or
/// refused), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (UIDL was refused by a server that does not list it among its
/// capabilities), POP3_ERR_LIMIT (a list beyond the limits of pop3_unique_ids), or any other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `uid` is NULL or a C string, not changed before this returns.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_delete_uid(socket: i32, uid: *const c_char, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3DeleteUid", socket, || {
        // SAFETY: this function's promise
        let uid = unsafe { unique_id(uid) }?;
        on_socket(socket, sts_cb, |client, trace| {
            let number = run(client.number_of(uid, trace))?;
            run(client.delete(number, trace))
        })
        .map(|()| POP3_OK)
    })
}

/// Takes back every mark for deletion of this session (Omnis: POP3UndoDeletes; RSET, RFC 1939).
///
/// - `socket`: from pop3_connect.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused), POP3_ERR_TEMPORARY, or a session-ending
/// error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_undo_deletes(socket: i32, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3UndoDeletes", socket, || {
        on_socket(socket, sts_cb, |client, trace| run(client.undo_deletes(trace))).map(|()| POP3_OK)
    })
}

/// Keeps the session from being ended as idle, by a command that does nothing (NOOP, RFC 1939).
///
/// - `socket`: from pop3_connect.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused), POP3_ERR_TEMPORARY, or a session-ending
/// error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_noop(socket: i32, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3Noop", socket, || {
        on_socket(socket, sts_cb, |client, trace| run(client.noop(trace))).map(|()| POP3_OK)
    })
}

/// Asks for the capabilities of the server (CAPA, RFC 2449).
///
/// - `socket`: from pop3_connect.
/// - `out`: one capability a line, as the server wrote it, each line ended by LF; written only on success, zeroed
///   otherwise; free with pop3_buffer_free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_UNSUPPORTED (the
/// server has no CAPA), or a session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_buffer whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_capabilities(socket: i32, out: *mut pop3_buffer, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call_on(c"POP3Capabilities", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        out.write(on_socket(socket, sts_cb, |client, trace| {
            pop3_buffer::copy_of(run(client.capabilities(trace))?.as_bytes())
        })?);
        Ok(POP3_OK)
    })
}

/// Gives the TLS facts of a socket: version, cipher suite, certificate.
///
/// Asks nothing of the server.
///
/// - `socket`: from pop3_connect.
/// - `out`: written only on success, zeroed otherwise; free with pop3_tls_info_free.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_UNSUPPORTED (the
/// connection is in the clear), POP3_ERR_CONNECTION_LOST (the session has ended), POP3_ERR_OUT_OF_MEMORY.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_tls_info whose contents may be overwritten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_get_tls_info(socket: i32, out: *mut pop3_tls_info) -> i32 {
    boundary::call_on(c"POP3GetTlsInfo", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        out.write(on_socket(socket, None, |client, _| {
            let in_the_clear = || Error::new(Kind::Unsupported, "the connection is in the clear");
            pop3_tls_info::copy_of(&client.transport().tls_info().ok_or_else(in_the_clear)?)
        })?);
        Ok(POP3_OK)
    })
}

/// Cancels the call that is under way on a socket, which then answers POP3_ERR_CANCELLED.
///
/// POP3_ERR_CANCELLED is a session-ending error. Where no call is under way nothing happens.
///
/// - `socket`: from pop3_connect.
///
/// Returns 0, or POP3_ERR_BAD_SOCKET.
/// Threads: thread-safe; a callback of the call itself may call it.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_cancel(socket: i32) -> i32 {
    boundary::call_on(c"POP3Cancel", socket, || handles::cancel(socket).map(|()| POP3_OK))
}

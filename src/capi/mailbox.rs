//! The family on a socket.

use std::ffi::CStr;

use crate::capi::boundary::{self, Out, pop3_sts_cb, with_trace};
use crate::capi::buffer::pop3_buffer;
use crate::capi::handles;
use crate::capi::status::POP3_OK;
use crate::client::Client;
use crate::error::Result;
use crate::trace::Trace;

/// Asks how many messages the mailbox holds (Omnis: POP3MessageCount; STAT, RFC 1939).
///
/// - `socket`: from pop3_connect.
/// - `sts_cb`: hears the status lines; NULL hears nothing.
///
/// Returns the number, or POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (refused), POP3_ERR_SHORT_RESPONSE or
/// POP3_ERR_SYNTAX (the answer is no number of messages and of octets); after each of these the session goes on. Or
/// POP3_ERR_TIMEOUT, POP3_ERR_CONNECTION_LOST, POP3_ERR_BAD_FORMAT, POP3_ERR_LIMIT, POP3_ERR_CANCELLED, after which
/// it is over.
/// Threads: any; a socket takes one call at a time.
///
/// # Safety
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_message_count(socket: i32, sts_cb: pop3_sts_cb) -> i32 {
    on_socket(c"POP3MessageCount", socket, sts_cb, |client, trace| client.message_count(trace))
}

/// Asks what the server can do (CAPA, RFC 2449).
///
/// - `socket`: from pop3_connect.
/// - `out`: one capability a line, as the server wrote it, each line ended by LF; written only on success, zeroed
///   otherwise; free with pop3_buffer_free.
/// - `sts_cb`: hears the status lines; NULL hears nothing.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_UNSUPPORTED (the
/// server has no CAPA), after which the session goes on. Or POP3_ERR_TIMEOUT, POP3_ERR_CONNECTION_LOST,
/// POP3_ERR_BAD_FORMAT, POP3_ERR_LIMIT, POP3_ERR_CANCELLED, POP3_ERR_OUT_OF_MEMORY, after which it is over.
/// Threads: any; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_buffer whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_capabilities(socket: i32, out: *mut pop3_buffer, sts_cb: pop3_sts_cb) -> i32 {
    boundary::call(c"POP3Capabilities", || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let buffer = handles::with(socket, |client| {
            let capabilities = with_trace(sts_cb, |trace| client.capabilities(trace))?;
            pop3_buffer::copy_of(capabilities.as_bytes())
        })?;
        out.write(buffer);
        Ok(POP3_OK)
    })
}

/// Ends the call that is under way on a socket, which then answers POP3_ERR_CANCELLED.
///
/// The session is over, and pop3_disconnect frees the socket. Where no call is under way nothing happens.
///
/// - `socket`: from pop3_connect.
///
/// Returns 0, or POP3_ERR_BAD_SOCKET.
/// Threads: any, a callback of the call itself included.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_cancel(socket: i32) -> i32 {
    boundary::call(c"POP3Cancel", || handles::cancel(socket).map(|()| POP3_OK))
}

fn on_socket(
    command: &'static CStr,
    socket: i32,
    sts_cb: pop3_sts_cb,
    work: impl FnOnce(&mut Client, &mut Trace<'_>) -> Result<i32>,
) -> i32 {
    boundary::call(command, || handles::with(socket, |client| with_trace(sts_cb, |trace| work(client, trace))))
}

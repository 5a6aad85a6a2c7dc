//! Session commands: messages, whole, in pieces, and many at once.

use std::ffi::{c_char, c_void};

use crate::capi::arguments::{Out, message_number, message_numbers, parameter, unique_id};
use crate::capi::boundary;
use crate::capi::buffer::{Growing, pop3_buffer};
use crate::capi::codes::{self, POP3_OK};
use crate::capi::handles::{on_messages, on_socket};
use crate::capi::listeners::{in_host, pop3_sts_cb};
use crate::drive::blocking::{Client, run};
use crate::drive::event_loop::Ending;
use crate::error::{Error, Kind, Result};
use crate::session::retrieve::Delivery;
use crate::session::trace::Trace;

/// How many octets pop3_recv_headers and pop3_recv_top take where the options say nothing.
const LONGEST_TOP: u64 = 16 * 1024 * 1024;

/// The data callback: is called with each piece of a message.
///
/// `data` are the `len` next bytes, at least one, not ended by NUL, and good until the callback returns; `context` is
/// what was passed to the function. Answers 0 to go on, anything else to stop, which ends the session. Called on the
/// thread of the call, before the call returns; it may call any pop3_ function.
pub type pop3_data_cb = Option<unsafe extern "C" fn(data: *const c_char, len: usize, context: *mut c_void) -> i32>;

/// The message callback: is called with each piece of several messages.
///
/// `number` is the message's; `data` are the `len` next bytes of it, not ended by NUL, and good until the callback
/// returns. `last` is 0 while more of that message follows, and 1 with its final bytes, which may be none. Where the
/// server refused that number there is one call, with `data` NULL, `len` 0 and `last` the error. A message without its
/// call with `last` 1 did not arrive whole. Answers 0 to go on, anything else to stop, which ends the session. Called
/// on the thread of the call, before the call returns; it may call any pop3_ function.
pub type pop3_message_cb =
    Option<unsafe extern "C" fn(number: i32, data: *const c_char, len: usize, last: i32, context: *mut c_void) -> i32>;

/// Reads the header of a message (Omnis: POP3RecvHeaders; TOP n 0, RFC 1939).
///
/// - `socket`: from pop3_connect.
/// - `number`: of the message, from 1.
/// - `out`: the header as the server stores it, the empty line after it included; written only on success, zeroed
///   otherwise; free with pop3_buffer_free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns as pop3_recv_top.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_buffer whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_headers(
    socket: i32,
    number: i32,
    out: *mut pop3_buffer,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3RecvHeaders", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let number = message_number(number)?;
        receive_whole(socket, Some(LONGEST_TOP), out, sts_cb, |client, buffer, trace| {
            run(client.top(number, 0, |bytes| buffer.push(bytes), trace))
        })
    })
}

/// Reads the header of a message and the first lines of its body (TOP, RFC 1939).
///
/// - `socket`: from pop3_connect.
/// - `number`: of the message, from 1.
/// - `lines`: how many lines of the body, from 0.
/// - `out`: what the server gives, byte for byte; written only on success, zeroed otherwise; free with
///   pop3_buffer_free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` less than 1, `lines` negative), POP3_ERR_BAD_SOCKET,
/// POP3_ERR_BUSY, POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (refused by a
/// server that does not list TOP among its capabilities), POP3_ERR_LIMIT (more octets than pop3_options_set_max_message
/// allows, or else 16 MiB), or any other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_buffer whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_top(
    socket: i32,
    number: i32,
    lines: i32,
    out: *mut pop3_buffer,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3RecvTop", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let (number, lines) = (message_number(number)?, number_of_lines(lines)?);
        receive_whole(socket, Some(LONGEST_TOP), out, sts_cb, |client, buffer, trace| {
            run(client.top(number, lines, |bytes| buffer.push(bytes), trace))
        })
    })
}

/// Reads a message into memory (Omnis: POP3RecvMessage; RETR, RFC 1939).
///
/// The memory grows by what arrives, whatever the server says that the size is. For messages that may be large there
/// is pop3_recv_message_to.
///
/// - `socket`: from pop3_connect.
/// - `number`: of the message, from 1.
/// - `out`: the message as the server stores it: dot-stuffing undone, line ends as sent; written only on success,
///   zeroed otherwise; free with pop3_buffer_free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `number` less than 1), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
/// POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_LIMIT (more octets than
/// pop3_options_set_max_message allows), or any other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `out` is NULL or points to a pop3_buffer whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_message(
    socket: i32,
    number: i32,
    out: *mut pop3_buffer,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3RecvMessage", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let number = message_number(number)?;
        receive_whole(socket, None, out, sts_cb, |client, buffer, trace| {
            run(client.retrieve(number, |bytes| buffer.push(bytes), trace))
        })
    })
}

/// Reads the message with a unique id into memory (UIDL, RETR, RFC 1939).
///
/// The first call of a session that looks an id up asks for the list of all (UIDL), which the session keeps until it ends
/// or pop3_undo_deletes is called: the mailbox is locked meanwhile, so one list is enough. The id is the same however many
/// blanks stand between its words. Where two messages have the same id, none is taken.
///
/// - `socket`: from pop3_connect.
/// - `uid`: the unique id, as from pop3_unique_ids.
/// - `out`: the message as the server stores it: dot-stuffing undone, line ends as sent; written only on success,
///   zeroed otherwise; free with pop3_buffer_free.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`out` is NULL, `uid` is NULL, empty, longer than 64 KiB or has control octets other
/// than tabs), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_SERVER (no message has that id, or it is marked for deletion;
/// several have it; or refused), POP3_ERR_TEMPORARY, POP3_ERR_UNSUPPORTED (UIDL was refused by a server that does not list
/// it among its capabilities), POP3_ERR_LIMIT (more octets than pop3_options_set_max_message allows, or a list beyond the
/// limits of pop3_unique_ids), or any other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `uid` is NULL or a C string, not changed before this returns.
/// - `out` is NULL or points to a pop3_buffer whose contents may be overwritten.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_uid(
    socket: i32,
    uid: *const c_char,
    out: *mut pop3_buffer,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3RecvUid", socket, || {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        // SAFETY: this function's promise
        let uid = unsafe { unique_id(uid) }?;
        receive_whole(socket, None, out, sts_cb, |client, buffer, trace| {
            let number = run(client.number_of(uid, trace))?;
            run(client.retrieve(number, |bytes| buffer.push(bytes), trace))
        })
    })
}

/// Reads a message of any size, handing each piece to a callback as it arrives (RETR, RFC 1939).
///
/// One buffer of 64 KiB is all the memory that it takes. The message has arrived whole if this returns 0.
///
/// - `socket`: from pop3_connect.
/// - `number`: of the message, from 1.
/// - `data_cb`: takes the message as the server stores it: dot-stuffing undone, line ends as sent. An empty message
///   makes no call.
/// - `context`: handed to `data_cb`; may be NULL.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`data_cb` is NULL, `number` less than 1), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY,
/// POP3_ERR_SERVER (refused: no such message), POP3_ERR_TEMPORARY, POP3_ERR_CANCELLED (`data_cb` stopped it), or any
/// other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `data_cb` is NULL or a function of its type, which returns and for which `context` is right; likewise `sts_cb`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_message_to(
    socket: i32,
    number: i32,
    data_cb: pop3_data_cb,
    context: *mut c_void,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3RecvMessage", socket, || {
        let callback = data_cb.ok_or_else(|| parameter("the data callback is NULL"))?;
        let number = message_number(number)?;
        on_socket(socket, sts_cb, |client, trace| {
            let piece = |bytes: &[u8]| {
                // SAFETY: this function's promise
                go_on(in_host(|| unsafe { callback(bytes.as_ptr().cast(), bytes.len(), context) }))
            };
            run(client.retrieve(number, piece, trace))
        })?;
        Ok(POP3_OK)
    })
}

/// Reads many messages, handing each piece to a callback as it arrives (RETR, RFC 1939).
///
/// Where the server can take commands ahead of its answers (PIPELINING, RFC 2449) a bounded number of messages is
/// asked for at once; otherwise one after the other. Where the server refuses a number, `message_cb` is called with the
/// error, and the next message follows.
///
/// - `socket`: from pop3_connect.
/// - `numbers`: of the messages, each from 1, in the order in which they are wanted; NULL is fine where `count` is 0.
/// - `count`: how many.
/// - `message_cb`: takes the messages, one after the other.
/// - `context`: handed to `message_cb`; may be NULL.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns how many messages were delivered whole, or POP3_ERR_PARAMETER (`message_cb` or `numbers` is NULL, a number
/// less than 1, a `count` beyond 2 147 483 647), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_CANCELLED (`message_cb`
/// stopped it), or any other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `numbers` is NULL or points to `count` numbers.
/// - `message_cb` is NULL or a function of its type, which returns and for which `context` is right; likewise `sts_cb`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_messages(
    socket: i32,
    numbers: *const i32,
    count: usize,
    message_cb: pop3_message_cb,
    context: *mut c_void,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3RecvMessages", socket, || {
        let mut host = HostDelivery::new(message_cb, context)?;
        let receive = |client: &mut Client, numbers: Vec<i32>, trace: &mut Trace<'_>| {
            run(client.retrieve_many(numbers.into_iter(), false, &mut host, trace)).map(|bulk| bulk.delivered)
        };
        // SAFETY: this function's promise
        let numbers = unsafe { message_numbers(numbers, count) };
        on_messages(socket, numbers, sts_cb, receive)
    })
}

/// Reads the headers of many messages and the first lines of their bodies, handing each piece to a callback as it arrives
/// (TOP, RFC 1939).
///
/// As pop3_recv_messages does it for whole messages: pipelined where the server can, otherwise one after the other. Where
/// the server refuses a number, or has no TOP, `message_cb` is called with the error, and the next message follows. One
/// buffer of 64 KiB is all the memory that it takes, so no limit applies to what comes.
///
/// - `socket`: from pop3_connect.
/// - `numbers`: of the messages, each from 1, in the order in which they are wanted; NULL is fine where `count` is 0.
/// - `count`: how many.
/// - `lines`: how many lines of each body, from 0.
/// - `message_cb`: takes what the server gives, one message after the other; `last` is POP3_ERR_UNSUPPORTED where the server
///   refused and does not list TOP among its capabilities.
/// - `context`: handed to `message_cb`; may be NULL.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns how many of them were delivered whole, or POP3_ERR_PARAMETER (`message_cb` or `numbers` is NULL, a number less
/// than 1, `lines` negative, a `count` beyond 2 147 483 647), POP3_ERR_BAD_SOCKET, POP3_ERR_BUSY, POP3_ERR_CANCELLED
/// (`message_cb` stopped it), or any other session-ending error.
/// Threads: thread-safe; a socket takes one call at a time.
///
/// # Safety
/// - `numbers` is NULL or points to `count` numbers.
/// - `message_cb` is NULL or a function of its type, which returns and for which `context` is right; likewise `sts_cb`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_recv_tops(
    socket: i32,
    numbers: *const i32,
    count: usize,
    lines: i32,
    message_cb: pop3_message_cb,
    context: *mut c_void,
    sts_cb: pop3_sts_cb,
) -> i32 {
    boundary::call_on(c"POP3RecvTops", socket, || {
        let mut host = HostDelivery::new(message_cb, context)?;
        let lines = number_of_lines(lines)?;
        let receive = |client: &mut Client, numbers: Vec<i32>, trace: &mut Trace<'_>| {
            run(client.tops_many(numbers.into_iter(), lines, &mut host, trace)).map(|bulk| bulk.delivered)
        };
        // SAFETY: this function's promise
        let numbers = unsafe { message_numbers(numbers, count) };
        on_messages(socket, numbers, sts_cb, receive)
    })
}

/// Where the pieces of many messages go: to the host's callback.
pub(super) struct HostDelivery {
    callback: unsafe extern "C" fn(i32, *const c_char, usize, i32, *mut c_void) -> i32,
    context: *mut c_void,
    ending: Ending,
}

impl HostDelivery {
    /// To that callback, which must be there.
    pub fn new(callback: pop3_message_cb, context: *mut c_void) -> Result<HostDelivery> {
        let callback = callback.ok_or_else(|| parameter("the message callback is NULL"))?;
        Ok(HostDelivery { callback, context, ending: Ending::default() })
    }

    /// The same in a call that may be ended in a callback, after which none is called.
    pub fn until(self, ending: Ending) -> HostDelivery {
        HostDelivery { ending, ..self }
    }

    fn call(&self, number: i32, data: *const c_char, len: usize, last: i32) -> Result<()> {
        self.ending.check()?;
        // SAFETY: the host gave a function of this type together with its context
        go_on(in_host(|| unsafe { (self.callback)(number, data, len, last, self.context) }))
    }
}

impl Delivery for HostDelivery {
    fn piece(&mut self, number: i32, bytes: &[u8]) -> Result<()> {
        self.call(number, bytes.as_ptr().cast(), bytes.len(), 0)
    }

    fn whole(&mut self, number: i32) -> Result<()> {
        self.call(number, c"".as_ptr(), 0, 1)
    }

    fn refused(&mut self, number: i32, error: &Error) -> Result<()> {
        self.call(number, std::ptr::null(), 0, codes::code(error.kind()))
    }
}

/// What a callback's answer means.
pub(super) fn go_on(answer: i32) -> Result<()> {
    match answer {
        0 => Ok(()),
        _ => Err(Error::new(Kind::Cancelled, "stopped by a callback of the host")),
    }
}

fn number_of_lines(lines: i32) -> Result<i32> {
    if lines < 0 { Err(parameter("the number of lines is negative")) } else { Ok(lines) }
}

/// A message in memory, of no more octets than the options of its session allow, or else `most`.
fn receive_whole(
    socket: i32,
    most: Option<u64>,
    out: Out<pop3_buffer>,
    sts_cb: pop3_sts_cb,
    receive: impl FnOnce(&mut Client, &mut Growing, &mut Trace<'_>) -> Result<()>,
) -> Result<i32> {
    out.write(on_socket(socket, sts_cb, |client, trace| {
        let mut buffer = Growing::up_to(client.max_message().or(most).unwrap_or(u64::MAX));
        receive(client, &mut buffer, trace)?;
        buffer.finish()
    })?);
    Ok(POP3_OK)
}

//! The seed: a session's beginning and end.

use std::ffi::c_char;

use crate::capi::boundary::{self, Listeners, SERVER, pop3_sts_cb, required, with_trace};
use crate::capi::handles;
use crate::capi::options::pop3_options;
use crate::capi::status::POP3_OK;
use crate::error::{Error, Kind, Result};
use crate::net::progress::Progress;
use crate::options::Secure;
use crate::session::Client;
use crate::session::trace::Trace;

/// Connects to a POP3 server and logs in (Omnis: POP3Connect).
///
/// It is essential to end the session with pop3_disconnect. Logs in by the SASL mechanisms (RFC 5034) that the server
/// lists, each tried once: on an encrypted connection PLAIN, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, LOGIN, the two SCRAM
/// with -PLUS; on another one SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, which do not tell the password, then PLAIN and
/// LOGIN, which do. USER and PASS (RFC 1939) come last, where the server lists them or lists no mechanism. A refusal of
/// the credentials ends it: one with [AUTH], or, where the server does not list AUTH-RESP-CODE (RFC 3206), one of what
/// it was shown whose words do not say something else. So does a refusal of what it was shown that is of a locked
/// mailbox or a busy server. Any other refusal leads to the next mechanism. Every wait ends within the comms timeout.
///
/// After a log-in the server's capabilities are remembered for a day, and with TLS the session, for a day at most and
/// never past the date of a certificate, until pop3_forget: the next connect to the same server in the same way logs in
/// at once and resumes the session. In the clear what is remembered chooses SCRAM-SHA-256 alone; else the server is
/// asked anew. A server that breaks at CAPA is connected to once more without, and that is remembered too. What was
/// made with another `verify`, or trusting others, is not used.
///
/// - `server`: UTF-8: a name, an IPv4 or IPv6 address, each with `:port` if it is not the default, an IPv6 address
///   then in brackets. Internationalised names are converted (IDNA). The default port is 110, or 995 where `secure`
///   is 1.
/// - `user`, `pass`: bytes that are passed on as they are; neither may hold CR or LF. Copies are wiped as soon as the
///   log-in is decided.
/// - `sts_cb`: is called with the status lines; NULL for none.
/// - `secure`: 0 for a connection in the clear, 1 for implicit TLS (RFC 8314), 2 for STLS after the
///   greeting (RFC 2595), before anything secret is sent.
/// - `verify`: only significant where `secure` is not 0. Non-zero: the server's certificate and name must verify
///   against the platform's store or the secure folder (see pop3_set_secure_dir), or nothing is established. A
///   certificate without names is believed where the secure folder has it itself. Zero: encrypted, but the server may
///   be an impostor.
///
/// Returns the socket, greater than 0: a handle for the other pop3_ functions, no file descriptor, and never given
/// again in the process's life. Or an error: POP3_ERR_PARAMETER (NULL, too long, another `secure`, CR or LF),
/// POP3_ERR_NO_ADDRESS (no host, unusable port), POP3_ERR_HOST_NOT_FOUND, POP3_ERR_CONNECT, POP3_ERR_TIMEOUT,
/// POP3_ERR_CONNECTION_LOST, POP3_ERR_SECURE (TLS or verification failed), POP3_ERR_NO_STLS (not offered or refused),
/// POP3_ERR_BAD_FORMAT (not valid POP3, or clear text after STLS), POP3_ERR_SYNTAX (a malformed SASL challenge, or a
/// server that does not prove that it knows the password), POP3_ERR_LIMIT (endless line, or too much to compute),
/// POP3_ERR_AUTH (credentials refused), POP3_ERR_MAILBOX_IN_USE, POP3_ERR_LOGIN_DELAY, POP3_ERR_TEMPORARY,
/// POP3_ERR_UNSUPPORTED (no way to log in that the server takes), POP3_ERR_SERVER (turned away, or the log-in refused
/// for another reason than the credentials), POP3_ERR_OUT_OF_MEMORY.
/// Threads: any, any number at once.
///
/// # Safety
/// - `server`, `user` and `pass` are each NULL or a C string.
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_connect(
    server: *const c_char,
    user: *const c_char,
    pass: *const c_char,
    sts_cb: pop3_sts_cb,
    secure: i32,
    verify: i32,
) -> i32 {
    boundary::call(c"POP3Connect", || {
        let listeners = Listeners::default();
        // SAFETY: this function's promises
        let client = with_trace(sts_cb, listeners, |trace| unsafe { open(server, user, pass, secure, verify, trace) })?;
        handles::insert(client, listeners)
    })
}

/// Ends a session: has the server delete what is marked, closes the connection, frees the socket (Omnis:
/// POP3Disconnect).
///
/// Sends QUIT and waits for its reply (RFC 1939, section 6).
///
/// - `socket`: from pop3_connect; free after this call whatever it returns, save for POP3_ERR_BUSY.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_BUSY (in use by another call), after which the session goes on. Or POP3_ERR_BAD_SOCKET
/// (unknown, or freed before), POP3_ERR_SERVER or POP3_ERR_TEMPORARY (the server says that it did not commit the
/// deletions), POP3_ERR_CONNECTION_LOST (the session had ended before, or ended without an answer), POP3_ERR_TIMEOUT,
/// POP3_ERR_SECURE, POP3_ERR_BAD_FORMAT, POP3_ERR_LIMIT, POP3_ERR_CANCELLED, POP3_ERR_OUT_OF_MEMORY, after which the
/// socket is free.
/// Threads: any.
///
/// # Safety
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_disconnect(socket: i32, sts_cb: pop3_sts_cb) -> i32 {
    let listeners = || handles::listeners(socket);
    boundary::call_for(c"POP3Disconnect", listeners, |listeners| {
        handles::end(socket, |client| with_trace(sts_cb, listeners, |trace| client.quit(trace)))?;
        Ok(POP3_OK)
    })
}

/// A session as pop3_connect makes it, without a handle. The copies of the credentials are gone when it returns.
///
/// # Safety
/// - `server`, `user` and `pass` are each NULL or a C string.
pub(super) unsafe fn open(
    server: *const c_char,
    user: *const c_char,
    pass: *const c_char,
    secure: i32,
    verify: i32,
    trace: &mut Trace<'_>,
) -> Result<Client> {
    // SAFETY: the caller's promise
    let (server, user, pass) =
        unsafe { (boundary::server(server)?, required(user, "the user")?, required(pass, "the password")?) };
    let server = server.ok_or_else(|| Error::new(Kind::Parameter, format!("{SERVER} is NULL")))?;
    let options = pop3_options::basic(server, user, pass, secure_mode(secure)?, verify != 0)?.connection()?;
    Client::open(&options, Progress::default, trace)
}

/// For `secure`: in the clear.
pub const POP3_CLEAR: i32 = 0;
/// For `secure`: implicit TLS (RFC 8314).
pub const POP3_TLS: i32 = 1;
/// For `secure`: in the clear up to STLS (RFC 2595).
pub const POP3_STARTTLS: i32 = 2;

/// When TLS is to begin.
pub(super) fn secure_mode(secure: i32) -> Result<Secure> {
    match secure {
        POP3_CLEAR => Ok(Secure::No),
        POP3_TLS => Ok(Secure::Tls),
        POP3_STARTTLS => Ok(Secure::StartTls),
        _ => Err(Error::new(Kind::Parameter, format!("secure is {secure}: it must be 0, 1 or 2"))),
    }
}

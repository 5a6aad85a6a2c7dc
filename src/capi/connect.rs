//! Opening and closing a session, and what is remembered of servers.

use std::ffi::c_char;

use crate::capi::arguments::{self, SERVER, parameter, required};
use crate::capi::codes::POP3_OK;
use crate::capi::listeners::{Listeners, pop3_sts_cb, with_trace};
use crate::capi::options::{pop3_options, secure_mode};
use crate::capi::{boundary, handles};
use crate::drive::blocking::{self, run};
use crate::error::Result;
use crate::net::address::Server;
use crate::net::progress::Progress;
use crate::options::Options;
use crate::session::server_cache;

/// Connects to a POP3 server and logs in (Omnis: POP3Connect).
///
/// It is essential to end the session with pop3_disconnect. Logs in by the SASL mechanisms (RFC 5034) that the server
/// lists, each tried once: over TLS PLAIN, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, LOGIN, the two SCRAM with -PLUS; in
/// the clear SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, which do not send the password, then PLAIN and LOGIN, which do. USER
/// and PASS (RFC 1939) come last, where the server lists them or lists no mechanism. A refusal of the credentials ends
/// the log-in: one with `[AUTH]`, or, where the server does not list AUTH-RESP-CODE (RFC 3206), one that answers
/// credentials and whose words give no other reason. So does a refusal that answers credentials because of a locked
/// mailbox or a busy server. Any other refusal leads to the next mechanism. Every wait ends within the comms timeout.
/// The addresses that the server's name has are tried by Happy Eyeballs (RFC 8305): IPv6 and IPv4 in turns, the next
/// one while those before are still silent.
///
/// After a log-in the server's capabilities are remembered for a day, and the TLS session, for a day at most and never
/// past the date of a certificate, until pop3_forget: the next connect to the same server in the same way logs in at
/// once and resumes the TLS session (session resumption). In the clear remembered capabilities choose no mechanism but
/// SCRAM-SHA-256; else the server is asked anew. A server that breaks at CAPA is connected to once more without, and
/// that is remembered too. What was made with another `verify`, or with other trust anchors, is not used.
///
/// - `server`: UTF-8: a name, an IPv4 or IPv6 address, each with `:port` if it is not the default, an IPv6 address
///   then in brackets. Internationalised names are converted (IDNA). The default port is 110, or 995 where `secure`
///   is 1.
/// - `user`, `pass`: bytes that are passed on as they are; neither may hold CR or LF. Copies are wiped as soon as the
///   log-in is decided.
/// - `sts_cb`: is called with the status lines; NULL for none.
/// - `secure`: 0 for a connection in the clear, 1 for implicit TLS (RFC 8314), 2 for STARTTLS: STLS after the greeting
///   (RFC 2595), before anything secret is sent.
/// - `verify`: only significant where `secure` is not 0. Non-zero: the server's certificate and name must verify
///   against the trust anchors (CA certificates) of the platform or of the secure folder (see pop3_set_secure_dir), or
///   nothing is established. A certificate without names is accepted where the secure folder has it itself. Zero:
///   encrypted, but the server may be an impostor.
///
/// Returns the socket, greater than 0: a handle for the other pop3_ functions, not a file descriptor, and never given
/// again in the process's life. Or an error: POP3_ERR_PARAMETER (NULL, too long, another `secure`, CR or LF),
/// POP3_ERR_NO_ADDRESS (no host, unusable port), POP3_ERR_HOST_NOT_FOUND, POP3_ERR_CONNECT, POP3_ERR_TIMEOUT,
/// POP3_ERR_CONNECTION_LOST, POP3_ERR_SECURE (TLS or verification failed), POP3_ERR_NO_STLS (not offered or refused),
/// POP3_ERR_BAD_FORMAT (not valid POP3, or clear text after STLS), POP3_ERR_SYNTAX (a malformed SASL challenge, or a
/// server that does not prove that it knows the password), POP3_ERR_LIMIT (endless line, or too much to compute),
/// POP3_ERR_AUTH (credentials refused), POP3_ERR_MAILBOX_IN_USE, POP3_ERR_LOGIN_DELAY, POP3_ERR_TEMPORARY,
/// POP3_ERR_UNSUPPORTED (no way to log in that the server takes), POP3_ERR_SERVER (the greeting was -ERR, or the
/// log-in was refused for another reason than the credentials), POP3_ERR_OUT_OF_MEMORY.
/// Threads: thread-safe, reentrant.
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
        // SAFETY: this function's promises
        let options = unsafe { basic(server, user, pass, secure, verify) }?;
        let listeners = Listeners::default();
        let client = with_trace(sts_cb, listeners, |trace| blocking::open(&options, Progress::default, trace))?;
        // the copies of the credentials
        drop(options);
        handles::insert(client, listeners)
    })
}

/// Connects and logs in, as pop3_connect, by these options.
///
/// The callbacks go with the socket: they are called for every later call on it too, beside a call's own.
///
/// - `options`: only read, and copied as far as the session needs them; they may be used again, by several threads at
///   once, and freed while the session lives.
///
/// Returns the socket, as pop3_connect does, or POP3_ERR_PARAMETER (`options` is NULL; a setter was refused and has not
/// been called with a valid value since, the text names it; for OAuth no token, or a control character in it, in the
/// user's name or in the authorization identity), POP3_ERR_UNSUPPORTED (a setter was refused with it; the server does
/// not list the mechanism asked for, or none that can be used with these options), POP3_ERR_CANCELLED (the progress
/// callback stopped it), any other error of pop3_connect.
/// Threads: thread-safe, reentrant, as long as no call changes the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and not changed or freed before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_connect_with(options: *const pop3_options) -> i32 {
    // SAFETY: this function's promise
    let options = unsafe { options.as_ref() };
    let listeners = || listeners(options);
    boundary::call_for(c"POP3Connect", listeners, |listeners| {
        let options = connection(options)?;
        let client = with_trace(None, listeners, |trace| blocking::open(&options, || listeners.progress(), trace))?;
        // the copies of the credentials
        drop(options);
        handles::insert(client, listeners)
    })
}

/// Closes a session: has the server delete what is marked, closes the connection, frees the socket (Omnis:
/// POP3Disconnect).
///
/// Sends QUIT and waits for its reply (RFC 1939, section 6).
///
/// - `socket`: from pop3_connect; free after this call whatever it returns, save for POP3_ERR_BUSY.
/// - `sts_cb`: is called with the status lines; NULL for none.
///
/// Returns 0, or POP3_ERR_BUSY (in use by another call). Or POP3_ERR_BAD_SOCKET (unknown, or freed before),
/// POP3_ERR_SERVER or POP3_ERR_TEMPORARY (the server says that it did not commit the deletions),
/// POP3_ERR_CONNECTION_LOST (the session had ended before, or ended without an answer), or any other session-ending
/// error, after which the socket is free.
/// Threads: thread-safe.
///
/// # Safety
/// - `sts_cb` is NULL or a function of its type, which returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_disconnect(socket: i32, sts_cb: pop3_sts_cb) -> i32 {
    let listeners = || handles::listeners(socket);
    boundary::call_for(c"POP3Disconnect", listeners, |listeners| {
        handles::end(socket, |client| with_trace(sts_cb, listeners, |trace| run(client.quit(trace))))?;
        Ok(POP3_OK)
    })
}

/// Forgets what is remembered of a server: its capabilities, its TLS sessions, and that it breaks at CAPA, at
/// pipelining or at the resumption of a session.
///
/// The next connect asks for capabilities and makes a full handshake. Sessions that are open go on.
///
/// - `server`: as for pop3_connect; without a port, the server on all of its ports. NULL for all servers. A string
///   that is not a valid server is ignored.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `server` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_forget(server: *const c_char) {
    let _ = boundary::guard(|| {
        // SAFETY: this function's promise
        match unsafe { arguments::server(server) }? {
            None => server_cache::forget_all(),
            Some(server) => {
                // no port that is written can be 0
                let Server { host, port } = Server::parse(server, 0)?;
                server_cache::forget(&host, Some(port).filter(|port| *port != 0));
            }
        }
        Ok(())
    });
}

/// What the arguments of pop3_connect say.
///
/// # Safety
/// - `server`, `user` and `pass` are each NULL or a C string.
pub(super) unsafe fn basic(
    server: *const c_char,
    user: *const c_char,
    pass: *const c_char,
    secure: i32,
    verify: i32,
) -> Result<Options> {
    // SAFETY: the caller's promise
    let (server, user, pass) =
        unsafe { (arguments::server(server)?, required(user, "the user")?, required(pass, "the password")?) };
    let server = server.ok_or_else(|| parameter(format!("{SERVER} is NULL")))?;
    pop3_options::basic(server, user, pass, secure_mode(secure)?, verify != 0)?.connection()
}

/// What options say of a connection.
pub(super) fn connection(options: Option<&pop3_options>) -> Result<Options> {
    options.ok_or_else(|| parameter("the options are NULL"))?.connection()
}

/// The callbacks of these options; none where there are no options.
pub(super) fn listeners(options: Option<&pop3_options>) -> Listeners {
    options.map(|options| options.listeners).unwrap_or_default()
}

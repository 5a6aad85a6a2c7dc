//! Options: where to connect, by which way, and for how long to wait.

use std::ffi::c_char;

use crate::capi::arguments;
use crate::capi::boundary::change;
use crate::capi::options::pop3_options;
use crate::capi::setters::set;

/// Sets the server.
///
/// - `options`: from pop3_options_new.
/// - `server`: as for pop3_connect, which checks it; copied; NULL is the default, an empty one.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `server` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_server(options: *mut pop3_options, server: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { change(options, "pop3_options_set_server", |options| options.set_server(arguments::server(server)?)) }
}

/// Sets how long to wait, in milliseconds.
///
/// - `options`: from pop3_options_new.
/// - `connect_ms`: for reading CA certificates, for the name, for the connection, for the proxy and for the TLS
///   handshake, each; 0 is the process's comms timeout.
/// - `reply_ms`: for each reply, and anew for each 64 KiB of a long one; 0 is the process's comms timeout.
/// - `call_ms`: for a whole call, connecting included; 0 is none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, one of them is negative).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_timeouts(
    options: *mut pop3_options,
    connect_ms: i32,
    reply_ms: i32,
    call_ms: i32,
) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_timeouts", |options| options.set_timeouts(connect_ms, reply_ms, call_ms))
    }
}

/// Sets the address family to connect by: IPv4, IPv6, or both as Happy Eyeballs do (RFC 8305).
///
/// - `options`: from pop3_options_new.
/// - `family`: POP3_FAMILY_ANY (the default), POP3_FAMILY_IPV4 or POP3_FAMILY_IPV6.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `family`).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_family(options: *mut pop3_options, family: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe { change(options, "pop3_options_set_family", |options| options.set_family(family)) }
}

/// Sets the address to connect from; only addresses of the server of the same family are tried then.
///
/// - `options`: from pop3_options_new.
/// - `address`: an IPv4 or IPv6 address of this machine; copied; NULL is the default, the system's choice.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `address` is not an IP address).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `address` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_source_address(options: *mut pop3_options, address: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_source_address", address, pop3_options::set_source_address) }
}

/// Sets the proxy to connect through.
///
/// The proxy looks the server's name up; the name in the certificate is verified all the same. The family and the
/// source address of these options are about the connection to the proxy. A proxy that fails or refuses, as it does for
/// wrong credentials, is POP3_ERR_CONNECT at connect, with its reason in the text.
///
/// - `options`: from pop3_options_new.
/// - `url`: `socks5://[user:password@]host:port` (RFC 1928, RFC 1929), for which `socks5h` is another name, or
///   `http://[user:password@]host:port` for CONNECT (RFC 9110), in UTF-8; user and password may be percent-encoded.
///   Copied; what it holds of a password is wiped when the options are freed or another is set. NULL is the default,
///   none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another scheme, no port, not a URL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `url` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_proxy(options: *mut pop3_options, url: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_proxy", url, pop3_options::set_proxy) }
}

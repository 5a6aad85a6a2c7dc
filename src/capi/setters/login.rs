//! Options: who logs in, and how.

use std::ffi::c_char;

use crate::capi::boundary::change;
use crate::capi::options::pop3_options;
use crate::capi::setters::set;

/// Sets the user's name.
///
/// - `options`: from pop3_options_new.
/// - `user`: bytes that are passed on as they are, without CR or LF; copied; NULL is the default, an empty one.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `user`).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `user` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_user(options: *mut pop3_options, user: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_user", user, pop3_options::set_user) }
}

/// Sets the password.
///
/// - `options`: from pop3_options_new.
/// - `password`: bytes that are passed on as they are, without CR or LF; copied, and wiped when the options are freed
///   or another is set; NULL is the default, an empty one.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `password`).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `password` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_password(options: *mut pop3_options, password: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_password", password, pop3_options::set_password) }
}

/// Sets the OAuth access token, for the mechanisms XOAUTH2 and OAUTHBEARER.
///
/// With a token the log-in is by one of these, as the server lists them, and never by the password, unless
/// pop3_options_set_mechanism names another mechanism. A server that lists neither is POP3_ERR_UNSUPPORTED at connect;
/// a control character in the token is POP3_ERR_PARAMETER there.
///
/// - `options`: from pop3_options_new.
/// - `token`: without CR or LF; copied, and wiped when the options are freed or another is set; NULL is
///   the default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `token`).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `token` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_oauth_token(options: *mut pop3_options, token: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_oauth_token", token, pop3_options::set_oauth_token) }
}

/// Sets the authorization identity (authzid): the user to act as, if not the one who logs in.
///
/// The log-in is then by what carries it: PLAIN, SCRAM, OAUTHBEARER or EXTERNAL. Where the server offers none of these
/// connecting is POP3_ERR_UNSUPPORTED, with no credential sent.
///
/// - `options`: from pop3_options_new.
/// - `authzid`: without CR or LF; copied; NULL is the default, the user.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `authzid`).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `authzid` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_authzid(options: *mut pop3_options, authzid: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_authzid", authzid, pop3_options::set_authzid) }
}

/// Sets the mechanism to log in by.
///
/// With a name the log-in is by that mechanism alone. One that the server does not list is POP3_ERR_UNSUPPORTED at
/// connect, before a credential is sent; USER, and any mechanism where the server was not asked for its capabilities,
/// is tried all the same. APOP is POP3_ERR_UNSUPPORTED where the greeting has no timestamp, or came before STLS, when
/// an attacker could have sent it. With -PLUS each type of channel binding of the connection is tried: tls-exporter
/// with TLS 1.3, else tls-server-end-point, then tls-unique.
///
/// - `options`: from pop3_options_new.
/// - `name`: "auto" (the default), "USER" for USER and PASS, "APOP", or a SASL name: PLAIN, LOGIN, CRAM-MD5,
///   SCRAM-SHA-1, SCRAM-SHA-256, the latter two with -PLUS, XOAUTH2, OAUTHBEARER, EXTERNAL; in any letter case. NULL
///   is the default.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, an unknown name).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_mechanism(options: *mut pop3_options, name: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_mechanism", name, pop3_options::set_mechanism) }
}

/// Sets whether the password may be sent over a connection in the clear.
///
/// USER and PASS, PLAIN and LOGIN send the password, XOAUTH2 and OAUTHBEARER the token. A connection with TLS counts as
/// encrypted, verified or not.
///
/// - `options`: from pop3_options_new.
/// - `allowed`: non-zero (the default) for yes; 0 for no: then a log-in that has no other way left is
///   POP3_ERR_UNSUPPORTED with no credential sent.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_clear_password(options: *mut pop3_options, allowed: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_clear_password", |options| {
            options.clear_password = allowed != 0;
            Ok(())
        })
    }
}

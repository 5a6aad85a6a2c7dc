//! A connection with more to say than pop3_connect takes.

use std::ffi::{CStr, OsStr, c_char, c_void};
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::capi::boundary::{self, Listeners, optional, with_trace};
use crate::capi::connect::secure_mode;
use crate::capi::status::POP3_OK;
use crate::capi::{handles, settings};
use crate::error::{Error, Kind, Result};
use crate::net::address::{Host, Server};
use crate::net::proxy::Proxy;
use crate::net::route::{Family, Route};
use crate::net::tls::{self, Identity, Version};
use crate::net::trust::{Authorities, Trust};
use crate::options::{Options, Secure, Timeouts};
use crate::proto::auth::{Credentials, Mechanism};
use crate::proto::command::check_argument;
use crate::session::trace::Trace;
use crate::session::{Client, memory};
use crate::shortage;

/// For pop3_options_set_tls_min: TLS 1.0.
pub const POP3_TLS_1_0: i32 = 10;
/// For pop3_options_set_tls_min: TLS 1.1.
pub const POP3_TLS_1_1: i32 = 11;
/// For pop3_options_set_tls_min: TLS 1.2.
pub const POP3_TLS_1_2: i32 = 12;
/// For pop3_options_set_tls_min: TLS 1.3.
pub const POP3_TLS_1_3: i32 = 13;
/// For pop3_options_set_family: addresses of either kind.
pub const POP3_FAMILY_ANY: i32 = 0;
/// For pop3_options_set_family: IPv4 alone.
pub const POP3_FAMILY_IPV4: i32 = 4;
/// For pop3_options_set_family: IPv6 alone.
pub const POP3_FAMILY_IPV6: i32 = 6;

/// What the setters are called in an error callback.
const COMMAND: &CStr = c"POP3Options";

/// The options of a connection. Opaque; from pop3_options_new, freed by pop3_options_free.
pub struct pop3_options {
    server: Vec<u8>,
    user: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
    token: Zeroizing<Vec<u8>>,
    authzid: Vec<u8>,
    mechanism: Option<Mechanism>,
    utf8: bool,
    language: Option<String>,
    secure: Secure,
    verify: bool,
    platform_trust: bool,
    secure_dir: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    identity: Option<Identity>,
    oldest: Version,
    tls_name: Option<Host>,
    listeners: Listeners,
    connect_timeout: Option<Duration>,
    reply_timeout: Option<Duration>,
    call_timeout: Option<Duration>,
    route: Route,
    pipelining: bool,
    capabilities: bool,
    clear_password: bool,
    max_message: Option<u64>,
    fingerprint: Option<[u8; 32]>,
    /// Setters that were refused and have not been called rightly since, and why.
    refused: Vec<(&'static str, String)>,
}

/// Makes options with the defaults.
///
/// Returns them, to be freed with pop3_options_free; NULL on an internal error.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_options_new() -> *mut pop3_options {
    let options = || pop3_options::basic(b"", b"", b"", Secure::No, true);
    boundary::guard(|| Ok(Box::into_raw(Box::new(options()?)))).unwrap_or(ptr::null_mut())
}

/// Frees options, and wipes their secrets. Sessions that were made with them go on.
///
/// - `options`: from pop3_options_new, not freed before and not in use; NULL is fine.
///
/// Threads: any.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, not freed, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_free(options: *mut pop3_options) {
    let _ = boundary::guard(|| {
        if !options.is_null() {
            // SAFETY: from Box::into_raw, by this function's promise
            drop(unsafe { Box::from_raw(options) });
        }
        Ok(())
    });
}

/// Connects and logs in, as pop3_connect, by these options.
///
/// The callbacks go with the socket: they are called for every later call on it too, beside a call's own.
///
/// - `options`: only read, and copied as far as the session needs them; they may be used again, by several threads at
///   once, and freed while the session lives.
///
/// Returns the socket, as pop3_connect does, or POP3_ERR_PARAMETER (`options` is NULL; a setter was refused and not
/// called rightly since, which the text names; for OAuth no token, or a control character in it, in the user's name or
/// in the authorization identity), POP3_ERR_UNSUPPORTED (the server does not list the mechanism asked for, or none that
/// can be used with these options), POP3_ERR_CANCELLED (the progress callback stopped it), any other error of
/// pop3_connect.
/// Threads: any, any number at once, as long as none changes the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and nobody changes or frees them before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_connect_with(options: *const pop3_options) -> i32 {
    // SAFETY: this function's promise
    let options = unsafe { options.as_ref() };
    let listeners = || hearing(options);
    boundary::call_for(c"POP3Connect", listeners, |listeners| {
        let client = with_trace(None, listeners, |trace| open_with(options, trace))?;
        handles::insert(client, listeners)
    })
}

/// Sets the server.
///
/// - `options`: from pop3_options_new.
/// - `server`: as for pop3_connect, which checks it; copied; NULL is none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `server` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_server(options: *mut pop3_options, server: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        change(options, "pop3_options_set_server", |options| {
            let server = boundary::server(server)?.unwrap_or_default();
            options.server = copy(server)?;
            Ok(())
        })
    }
}

/// Sets the user's name.
///
/// - `options`: from pop3_options_new.
/// - `user`: bytes that are passed on as they are, without CR or LF; copied; NULL is the default, an empty one.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `user`).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `user` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_user(options: *mut pop3_options, user: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_user", user, |options, user| {
            let user = user.unwrap_or_default();
            check_argument(user, "the user name")?;
            options.user = copy(user)?;
            Ok(())
        })
    }
}

/// Sets the password.
///
/// - `options`: from pop3_options_new.
/// - `password`: bytes that are passed on as they are, without CR or LF; copied, and wiped when the options are freed
///   or another is set; NULL is the default, an empty one.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `password`).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `password` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_password(options: *mut pop3_options, password: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_password", password, |options, password| {
            let password = password.unwrap_or_default();
            check_argument(password, "the password")?;
            options.password = Zeroizing::new(copy(password)?);
            Ok(())
        })
    }
}

/// Sets the token that OAuth gave, for the mechanisms XOAUTH2 and OAUTHBEARER.
///
/// With a token the log-in is by one of these, as the server lists them, and never by the password, unless
/// pop3_options_set_mechanism names another mechanism. A server that lists neither is POP3_ERR_UNSUPPORTED at connect;
/// so a control character in the token is POP3_ERR_PARAMETER there.
///
/// - `options`: from pop3_options_new.
/// - `token`: without CR or LF; copied, and wiped when the options are freed or another is set; NULL is
///   the default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, CR or LF in `token`).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `token` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_oauth_token(options: *mut pop3_options, token: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_oauth_token", token, |options, token| {
            let token = token.unwrap_or_default();
            check_argument(token, "the token")?;
            options.token = Zeroizing::new(copy(token)?);
            Ok(())
        })
    }
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
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `authzid` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_authzid(options: *mut pop3_options, authzid: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_authzid", authzid, |options, authzid| {
            let authzid = authzid.unwrap_or_default();
            check_argument(authzid, "the name to act as")?;
            options.authzid = copy(authzid)?;
            Ok(())
        })
    }
}

/// Sets how to log in.
///
/// With a name the log-in is by that mechanism alone. One that the server does not list is POP3_ERR_UNSUPPORTED at
/// connect, before a credential is sent; USER, and any mechanism where the server was not asked for its capabilities,
/// is tried all the same. APOP is POP3_ERR_UNSUPPORTED where the greeting has no timestamp, or came before STLS, when
/// anybody could have said it. With -PLUS each type of channel binding of the connection is tried: tls-exporter with
/// TLS 1.3, else tls-server-end-point, then tls-unique.
///
/// - `options`: from pop3_options_new.
/// - `name`: "auto" (the default), "USER" for USER and PASS, "APOP", or a SASL name: PLAIN, LOGIN, CRAM-MD5,
///   SCRAM-SHA-1, SCRAM-SHA-256, the latter two with -PLUS, XOAUTH2, OAUTHBEARER, EXTERNAL; in any letter case. NULL
///   is the default.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, an unknown name).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_mechanism(options: *mut pop3_options, name: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_mechanism", name, |options, name| {
            let name = std::str::from_utf8(name.unwrap_or(b"auto")).map_err(|_| parameter("the name is not UTF-8"))?;
            options.mechanism = match name.eq_ignore_ascii_case("auto") {
                true => None,
                false => Some(Mechanism::named(name)?),
            };
            Ok(())
        })
    }
}

/// Sets how the connection is encrypted: not at all, by implicit TLS, or by STARTTLS.
///
/// - `options`: from pop3_options_new.
/// - `secure`: POP3_CLEAR (the default), POP3_TLS for implicit TLS, POP3_STARTTLS for STLS.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `secure`).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_secure(options: *mut pop3_options, secure: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_secure", |options| {
            options.secure = secure_mode(secure)?;
            Ok(())
        })
    }
}

/// Sets whether the server's certificate and name must verify.
///
/// - `options`: from pop3_options_new.
/// - `verify`: non-zero (the default) verifies, 0 does not.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_verify(options: *mut pop3_options, verify: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_verify", |options| {
            options.verify = verify != 0;
            Ok(())
        })
    }
}

/// Sets the secure folder, as pop3_set_secure_dir does for the process.
///
/// - `options`: from pop3_options_new.
/// - `path`: copied; NULL is the default, the process's.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `path` is empty).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_secure_dir(options: *mut pop3_options, path: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_secure_dir", path, |options, path| {
            options.secure_dir = path.map(absolute).transpose()?;
            Ok(())
        })
    }
}

/// Sets a file of CA certificates (trust anchors) that counts instead of the secure folder.
///
/// - `options`: from pop3_options_new.
/// - `path`: of a file in PEM with any number of certificates, or DER; read when a connect first verifies against it,
///   and kept for the process, of the sixteen latest such settings; copied; NULL is the default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `path` is empty).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_ca_file(options: *mut pop3_options, path: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_ca_file", path, |options, path| {
            options.ca_file = path.map(absolute).transpose()?;
            Ok(())
        })
    }
}

/// Sets whether the authorities of the platform's store are trusted.
///
/// - `options`: from pop3_options_new.
/// - `on`: non-zero (the default) if they are; 0 leaves those of the secure folder or the file.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_platform_trust(options: *mut pop3_options, on: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_platform_trust", |options| {
            options.platform_trust = on != 0;
            Ok(())
        })
    }
}

/// Sets the client certificate, in PEM.
///
/// Takes the place of one from pop3_options_set_client_pkcs12. What is wrong with the files is POP3_ERR_SECURE at
/// connect.
///
/// - `options`: from pop3_options_new.
/// - `cert_pem_path`: of a file with the certificate, and behind it its issuers if they are to be sent; read by each
///   connect; copied.
/// - `key_pem_path`: of a file with its key, without a passphrase; likewise. Both NULL is the default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, one of the paths is NULL or empty).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; each path is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_client_cert(
    options: *mut pop3_options,
    cert_pem_path: *const c_char,
    key_pem_path: *const c_char,
) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_client_cert", cert_pem_path, |options, certificate| {
            let key = optional(key_pem_path, "the path of the key")?;
            options.identity = match (certificate, key) {
                (None, None) => None,
                (Some(certificate), Some(key)) => {
                    Some(Identity::Pem { certificate: absolute(certificate)?, key: absolute(key)? })
                }
                _ => return Err(parameter("a certificate needs its key, and a key its certificate")),
            };
            if options.identity.is_some() {
                options.forget_refused("pop3_options_set_client_pkcs12");
            }
            Ok(())
        })
    }
}

/// Sets the client certificate, in PKCS #12 (RFC 7292).
///
/// Takes the place of one from pop3_options_set_client_cert. What is wrong with the file or the password is
/// POP3_ERR_SECURE at connect.
///
/// - `options`: from pop3_options_new.
/// - `path`: of the file; read by each connect; copied; NULL is the default, none.
/// - `password`: what opens it, in UTF-8; copied, and wiped when the options are freed; NULL is an empty one.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `path` is empty, `password` is not UTF-8).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `path` and `password` are each NULL or a C
///   string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_client_pkcs12(
    options: *mut pop3_options,
    path: *const c_char,
    password: *const c_char,
) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_client_pkcs12", path, |options, path| {
            let password = optional(password, "the password")?.unwrap_or_default();
            options.identity = match path {
                None => None,
                Some(path) => {
                    let password = std::str::from_utf8(password).map_err(|_| parameter("the password is not UTF-8"))?;
                    Some(Identity::Pkcs12 { path: absolute(path)?, password: Zeroizing::new(password.to_owned()) })
                }
            };
            if options.identity.is_some() {
                options.forget_refused("pop3_options_set_client_cert");
            }
            Ok(())
        })
    }
}

/// Sets the oldest version of TLS that will do.
///
/// - `options`: from pop3_options_new.
/// - `version`: POP3_TLS_1_2 (the default, whatever OpenSSL's configuration says unless that wants 1.3 alone) or
///   POP3_TLS_1_3; POP3_TLS_1_0 or POP3_TLS_1_1 for old appliances, which also admits small keys and SHA-1 (OpenSSL's
///   security level 0) for that connection. Suites without a certificate or without encryption are never offered.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `version`).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_tls_min(options: *mut pop3_options, version: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_tls_min", |options| {
            options.oldest = match version {
                POP3_TLS_1_0 => Version::Tls10,
                POP3_TLS_1_1 => Version::Tls11,
                POP3_TLS_1_2 => Version::Tls12,
                POP3_TLS_1_3 => Version::Tls13,
                _ => return Err(parameter(format!("the TLS version is {version}: it must be 10, 11, 12 or 13"))),
            };
            Ok(())
        })
    }
}

/// Sets the name to send to the server in the TLS handshake (SNI), and to verify its certificate against.
///
/// - `options`: from pop3_options_new.
/// - `name`: a name or an address, without a port; copied; NULL is the default, the server's.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `name` cannot be one).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_tls_name(options: *mut pop3_options, name: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_tls_name", name, |options, name| {
            options.tls_name = name.map(Host::parse).transpose().map_err(|error| parameter(error.to_string()))?;
            Ok(())
        })
    }
}

/// Sets the function that hears the status lines, of connecting and of every call on the socket.
///
/// - `options`: from pop3_options_new.
/// - `cb`: as pop3_sts_cb, with `context`; NULL is the default, none.
/// - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
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

/// Sets the function that hears of failures, of connecting and of every call on the socket.
///
/// - `options`: from pop3_options_new.
/// - `cb`: as pop3_error_cb, with `context`, and called before that of the process; NULL is the default, none.
/// - `context`: handed to `cb`; must be good in every thread that uses the socket, for as long as it lives.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
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

/// Sets the function that hears how connecting and every call on the socket goes on, and may end it.
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
/// Threads: any, as long as no other call uses the options meanwhile.
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

/// Sets how long to wait, in milliseconds.
///
/// - `options`: from pop3_options_new.
/// - `connect_ms`: for reading CA certificates, for the name, for the connection, for the proxy and for the TLS
///   handshake, each; 0 is the process's comms timeout.
/// - `reply_ms`: for each reply, and anew for each 64 KiB of a long one; 0 is the process's comms timeout.
/// - `call_ms`: for a whole call, connecting included; 0 is none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, one of them is negative).
/// Threads: any, as long as no other call uses the options meanwhile.
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
        change(options, "pop3_options_set_timeouts", |options| {
            let [connect, reply, call] = [milliseconds(connect_ms)?, milliseconds(reply_ms)?, milliseconds(call_ms)?];
            options.connect_timeout = connect;
            options.reply_timeout = reply;
            options.call_timeout = call;
            Ok(())
        })
    }
}

/// Sets which kind of address the server must have.
///
/// - `options`: from pop3_options_new.
/// - `family`: POP3_FAMILY_ANY (the default), POP3_FAMILY_IPV4 or POP3_FAMILY_IPV6.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `family`).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_family(options: *mut pop3_options, family: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_family", |options| {
            options.route.family = match family {
                POP3_FAMILY_ANY => None,
                POP3_FAMILY_IPV4 => Some(Family::V4),
                POP3_FAMILY_IPV6 => Some(Family::V6),
                _ => return Err(parameter(format!("the family is {family}: it must be 0, 4 or 6"))),
            };
            Ok(())
        })
    }
}

/// Sets the address to connect from; only addresses of the server of the same kind are tried then.
///
/// - `options`: from pop3_options_new.
/// - `address`: an IPv4 or IPv6 address of this machine; copied; NULL is the default, the system's choice.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, no address).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `address` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_source_address(options: *mut pop3_options, address: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_source_address", address, |options, address| {
            let parse = |address: &[u8]| std::str::from_utf8(address).ok()?.parse::<IpAddr>().ok();
            options.route.source = match address {
                None => None,
                Some(address) => Some(parse(address).ok_or_else(|| parameter("the source address is no address"))?),
            };
            Ok(())
        })
    }
}

/// Sets the proxy to connect through.
///
/// The proxy looks the server's name up; the name in the certificate is verified all the same. The family and the
/// source address of these options are about the connection to the proxy. A proxy that does not do its part, wrong
/// credentials included, is POP3_ERR_CONNECT at connect, with its reason in the text.
///
/// - `options`: from pop3_options_new.
/// - `url`: `socks5://[user:password@]host:port` (RFC 1928, RFC 1929), for which `socks5h` is another name, or
///   `http://[user:password@]host:port` for CONNECT (RFC 9110), in UTF-8; user and password may be percent-encoded.
///   Copied; what it holds of a password is wiped when the options are freed or another is set. NULL is the default,
///   none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another scheme, no port, no such URL).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `url` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_proxy(options: *mut pop3_options, url: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_proxy", url, |options, url| {
            options.route.proxy = url.map(Proxy::parse).transpose()?;
            Ok(())
        })
    }
}

/// Sets whether the server may speak UTF-8, in messages and in its texts (RFC 6856).
///
/// Before the log-in UTF8 is sent if the server offers it. That it does not, or refuses, is no error: pop3_capabilities
/// and the status lines tell.
///
/// - `options`: from pop3_options_new.
/// - `on`: 0, the default, for no; anything else for yes.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_utf8(options: *mut pop3_options, on: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_utf8", |options| {
            options.utf8 = on != 0;
            Ok(())
        })
    }
}

/// Sets the language of the server's texts (RFC 6856).
///
/// Before the log-in LANG is sent if the server offers it. That it does not, or does not know the language, is no
/// error: the status lines tell.
///
/// - `options`: from pop3_options_new.
/// - `tag`: a language tag (RFC 5646) as "de" or "en-GB", or "*" for what the server likes best; copied; NULL is the
///   default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, no such tag).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `tag` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_language(options: *mut pop3_options, tag: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_language", tag, |options, tag| {
            options.language = tag.map(language).transpose()?;
            Ok(())
        })
    }
}

/// Sets whether commands may go ahead of their answers, where the server lists PIPELINING (RFC 2449).
///
/// For servers that list it and then lose commands or mix answers up. One on which that has been seen is asked
/// one by one for a day, until pop3_forget.
///
/// - `options`: from pop3_options_new.
/// - `on`: non-zero (the default) for yes; 0 has every command wait for the answer to the one before.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_pipelining(options: *mut pop3_options, on: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_pipelining", |options| {
            options.pipelining = on != 0;
            Ok(())
        })
    }
}

/// Sets whether the server may be asked for its capabilities (CAPA, RFC 2449).
///
/// For servers that break at CAPA. Without it a log-in is by USER and PASS, by the mechanism that is set, or with a
/// token by XOAUTH2, then OAUTHBEARER; STLS is tried without having been offered; UTF8, LANG and pipelining are not
/// used.
///
/// - `options`: from pop3_options_new.
/// - `on`: non-zero (the default) for yes; 0 never sends CAPA, save by pop3_capabilities.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_capabilities(options: *mut pop3_options, on: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_capabilities", |options| {
            options.capabilities = on != 0;
            Ok(())
        })
    }
}

/// Sets whether the password may be told over a connection in the clear.
///
/// That is by USER and PASS, PLAIN and LOGIN, and a token by XOAUTH2 and OAUTHBEARER. A connection with TLS counts as
/// encrypted, verified or not.
///
/// - `options`: from pop3_options_new.
/// - `allowed`: non-zero (the default) for yes; 0 for no: then a log-in that has no other way left is
///   POP3_ERR_UNSUPPORTED with no credential sent.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: any, as long as no other call uses the options meanwhile.
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

/// Sets how many octets a message may have that a call returns in memory.
///
/// It is about pop3_recv_message, pop3_recv_headers and pop3_recv_top, not about calls that hand a message out in
/// pieces. A larger one is POP3_ERR_LIMIT, after which the session is over. Where none is set pop3_recv_headers and
/// pop3_recv_top take 16 MiB at the most.
///
/// - `options`: from pop3_options_new.
/// - `octets`: at the most; 0 (the default) for none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `octets` is negative).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_max_message(options: *mut pop3_options, octets: i64) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(options, "pop3_options_set_max_message", |options| {
            options.max_message = match u64::try_from(octets) {
                Ok(0) => None,
                Ok(octets) => Some(octets),
                Err(_) => return Err(parameter("the size of a message is negative")),
            };
            Ok(())
        })
    }
}

/// Sets the fingerprint of the only certificate that the server may have (certificate pinning).
///
/// With one, this leaf certificate is believed and no other, whatever its chain, names and dates, `verify` or not. No
/// authorities are read. Where the server has another one the handshake ends with POP3_ERR_SECURE, and the text has
/// both fingerprints.
///
/// - `options`: from pop3_options_new.
/// - `sha256`: the SHA-256 digest of the certificate in DER, as 64 hexadecimal digits; colons between them are passed
///   over. Copied; NULL is the default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, no such digest).
/// Threads: any, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `sha256` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_fingerprint(options: *mut pop3_options, sha256: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        set(options, "pop3_options_set_fingerprint", sha256, |options, sha256| {
            options.fingerprint = sha256.map(fingerprint).transpose()?;
            Ok(())
        })
    }
}

/// Forgets what is remembered of a server: its capabilities, its TLS sessions, and that it breaks at CAPA, at
/// pipelining or at the resumption of a session.
///
/// The next connect asks for capabilities and makes a full handshake. Sessions that are open go on.
///
/// - `server`: as for pop3_connect; without a port, the server on all of its ports. NULL for all servers. A string
///   that is not a valid server is ignored.
///
/// Threads: any.
///
/// # Safety
/// - `server` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_forget(server: *const c_char) {
    let _ = boundary::guard(|| {
        // SAFETY: this function's promise
        match unsafe { boundary::server(server) }? {
            None => memory::forget_all(),
            Some(server) => {
                // no port that is written can be 0
                let Server { host, port } = Server::parse(server, 0)?;
                memory::forget(&host, Some(port).filter(|port| *port != 0));
            }
        }
        Ok(())
    });
}

impl pop3_options {
    /// The options that pop3_connect takes, and the defaults of all others.
    pub(super) fn basic(
        server: &[u8],
        user: &[u8],
        password: &[u8],
        secure: Secure,
        verify: bool,
    ) -> Result<pop3_options> {
        Ok(pop3_options {
            server: copy(server)?,
            user: copy(user)?,
            password: Zeroizing::new(copy(password)?),
            token: Zeroizing::default(),
            authzid: Vec::new(),
            mechanism: None,
            utf8: false,
            language: None,
            secure,
            verify,
            platform_trust: true,
            secure_dir: None,
            ca_file: None,
            identity: None,
            oldest: Version::Tls12,
            tls_name: None,
            listeners: Listeners::default(),
            connect_timeout: None,
            reply_timeout: None,
            call_timeout: None,
            route: Route::default(),
            pipelining: true,
            capabilities: true,
            clear_password: true,
            max_message: None,
            fingerprint: None,
            refused: Vec::new(),
        })
    }

    /// What pop3_connect makes of its arguments, made of these.
    pub(super) fn connection(&self) -> Result<Options> {
        if let Some((setter, why)) = self.refused.first() {
            return Err(parameter(format!("{setter} was refused and not set right since: {why}")));
        }
        if matches!(self.mechanism, Some(Mechanism::XOAuth2 | Mechanism::OAuthBearer)) && self.token.is_empty() {
            return Err(parameter("the mechanism needs an OAuth token"));
        }
        let server = Server::parse(&self.server, self.secure.default_port())?;
        let trust = match (self.secure, self.verify) {
            (Secure::No, _) | (_, false) => Trust::Anyone,
            _ => Trust::Verified { platform: self.platform_trust, own: self.authorities()? },
        };
        let process = settings::timeout();
        Ok(Options {
            server,
            route: self.route.clone(),
            credentials: Credentials::new(&self.user, &self.password)?
                .with_token(&self.token)?
                .with_authzid(&self.authzid)?,
            mechanism: self.mechanism,
            utf8: self.utf8,
            language: self.language.clone(),
            pipelining: self.pipelining,
            capabilities: self.capabilities,
            clear_password: self.clear_password,
            max_message: self.max_message,
            secure: self.secure,
            tls: tls::TlsOptions {
                trust,
                oldest: self.oldest,
                name: self.tls_name.clone(),
                identity: self.identity.clone(),
                fingerprint: self.fingerprint,
            },
            timeouts: Timeouts {
                connect: self.connect_timeout.unwrap_or(process),
                reply: self.reply_timeout.unwrap_or(process),
                call: self.call_timeout,
            },
        })
    }

    fn forget_refused(&mut self, setter: &str) {
        self.refused.retain(|(refused, _)| *refused != setter);
    }

    fn authorities(&self) -> Result<Authorities> {
        match (&self.ca_file, &self.secure_dir) {
            (Some(file), _) => Ok(Authorities::File(file.clone())),
            (None, Some(dir)) => Ok(Authorities::Folder(dir.join("cacerts"))),
            (None, None) => settings::authorities(),
        }
    }
}

/// Who hears of what goes on with these options; nobody where there are none.
pub(super) fn hearing(options: Option<&pop3_options>) -> Listeners {
    options.map(|options| options.listeners).unwrap_or_default()
}

/// A session as pop3_connect_with makes it, without a handle. The copies of the credentials are gone when it returns.
pub(super) fn open_with(options: Option<&pop3_options>, trace: &mut Trace<'_>) -> Result<Client> {
    let options = options.ok_or_else(|| parameter("the options are NULL"))?;
    let listeners = options.listeners;
    Client::open(&options.connection()?, || listeners.progress(), trace)
}

/// Changes options that must be there. What is refused is kept, so that no connect goes on without it.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
unsafe fn change(
    options: *mut pop3_options,
    setter: &'static str,
    change: impl FnOnce(&mut pop3_options) -> Result<()>,
) -> i32 {
    boundary::call(COMMAND, || {
        // SAFETY: the caller's promise
        let options = unsafe { options.as_mut() }.ok_or_else(|| parameter("the options are NULL"))?;
        let changed = change(options);
        options.forget_refused(setter);
        if let Err(error) = &changed {
            options.refused.push((setter, error.to_string()));
        }
        changed.map(|()| POP3_OK)
    })
}

/// The same by a string, which may be left out.
///
/// # Safety
/// - As for `change`, and `text` is NULL or a C string.
unsafe fn set(
    options: *mut pop3_options,
    setter: &'static str,
    text: *const c_char,
    set: impl FnOnce(&mut pop3_options, Option<&[u8]>) -> Result<()>,
) -> i32 {
    // SAFETY: the caller's promises
    unsafe { change(options, setter, |options| set(options, optional(text, "the text")?)) }
}

/// A copy of a string of the host's.
fn copy(text: &[u8]) -> Result<Vec<u8>> {
    shortage::copy(text, "the options")
}

fn absolute(path: &[u8]) -> Result<PathBuf> {
    settings::absolute(OsStr::from_bytes(path))
}

/// A language tag, as far as one can see, or a language range (RFC 5646, section 2.1; RFC 6856, section 3.2).
fn language(tag: &[u8]) -> Result<String> {
    let is_part = |part: &[u8]| (1..=8).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric);
    match std::str::from_utf8(tag) {
        Ok(text) if tag == b"*" || tag.split(|byte| *byte == b'-').all(is_part) => Ok(text.to_owned()),
        _ => Err(parameter("the language is no language tag")),
    }
}

/// A SHA-256 digest in hexadecimal digits, with colons between them or not.
fn fingerprint(text: &[u8]) -> Result<[u8; 32]> {
    let mut digits = text.iter().filter(|byte| **byte != b':').map(|digit| char::from(*digit).to_digit(16));
    let mut digest = [0; 32];
    for byte in &mut digest {
        let value = digits.next().flatten().zip(digits.next().flatten()).map(|(high, low)| high * 16 + low);
        *byte = value.and_then(|value| u8::try_from(value).ok()).ok_or_else(no_fingerprint)?;
    }
    if digits.next().is_some() { Err(no_fingerprint()) } else { Ok(digest) }
}

fn no_fingerprint() -> Error {
    parameter("the fingerprint is not 64 hexadecimal digits")
}

/// A timeout; 0 is none of its own.
fn milliseconds(value: i32) -> Result<Option<Duration>> {
    match u64::try_from(value) {
        Ok(0) => Ok(None),
        Ok(value) => Ok(Some(Duration::from_millis(value))),
        Err(_) => Err(parameter("a timeout is negative")),
    }
}

fn parameter(text: impl Into<String>) -> Error {
    Error::new(Kind::Parameter, text)
}

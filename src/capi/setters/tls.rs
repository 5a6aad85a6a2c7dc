//! Options: how the connection is encrypted, who is trusted, the client certificate.

use std::ffi::c_char;

use crate::capi::arguments::optional;
use crate::capi::boundary::change;
use crate::capi::options::pop3_options;
use crate::capi::setters::set;

/// Sets how the connection is encrypted: not at all, by implicit TLS, or by STARTTLS.
///
/// - `options`: from pop3_options_new.
/// - `secure`: POP3_CLEAR (the default), POP3_TLS for implicit TLS, POP3_STARTTLS for STLS.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `secure`).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_secure(options: *mut pop3_options, secure: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe { change(options, "pop3_options_set_secure", |options| options.set_secure(secure)) }
}

/// Sets whether the server's certificate and name must verify.
///
/// - `options`: from pop3_options_new.
/// - `verify`: non-zero (the default) verifies, 0 does not.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
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
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_secure_dir(options: *mut pop3_options, path: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_secure_dir", path, pop3_options::set_secure_dir) }
}

/// Sets a file of CA certificates (trust anchors) that counts instead of the secure folder.
///
/// - `options`: from pop3_options_new.
/// - `path`: of a file in PEM with any number of certificates, or DER; read when a connect first verifies against it,
///   and kept for the process, of the sixteen latest such settings; copied; NULL is the default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `path` is empty).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_ca_file(options: *mut pop3_options, path: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_ca_file", path, pop3_options::set_ca_file) }
}

/// Sets whether the platform's trust anchors (CA certificates) are used.
///
/// - `options`: from pop3_options_new.
/// - `on`: non-zero (the default) if they are; 0 leaves those of the secure folder or of pop3_options_set_ca_file.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
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

/// Sets the fingerprint of the only certificate that the server may have (certificate pinning).
///
/// With one, this leaf certificate is accepted and no other, whatever its chain, names and dates, `verify` or not. No
/// CA certificates are read. Where the server has another one the handshake ends with POP3_ERR_SECURE, and the text has
/// both fingerprints.
///
/// - `options`: from pop3_options_new.
/// - `sha256`: the SHA-256 digest of the certificate in DER, as 64 hexadecimal digits; colons between them are passed
///   over. Copied; NULL is the default, none.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `sha256` is not such a digest).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `sha256` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_fingerprint(options: *mut pop3_options, sha256: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_fingerprint", sha256, pop3_options::set_fingerprint) }
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
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
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
            options.set_client_cert(certificate, optional(key_pem_path, "the path of the key")?)
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
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
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
            options.set_client_pkcs12(path, optional(password, "the password")?)
        })
    }
}

/// Sets the oldest version of TLS that is accepted.
///
/// - `options`: from pop3_options_new.
/// - `version`: POP3_TLS_1_2 (the default, whatever OpenSSL's configuration says unless that wants 1.3 alone) or
///   POP3_TLS_1_3; POP3_TLS_1_0 or POP3_TLS_1_1 for old appliances, which also admits small keys and SHA-1 (OpenSSL's
///   security level 0) for that connection. Suites without a certificate or without encryption are never offered.
///   Secure Transport (macOS) has no TLS 1.3; nor has Schannel before Windows 11, where a connect that wants it answers
///   POP3_ERR_SECURE.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, another `version`), POP3_ERR_UNSUPPORTED (POP3_TLS_1_3 on
/// macOS).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_tls_min(options: *mut pop3_options, version: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe { change(options, "pop3_options_set_tls_min", |options| options.set_tls_min(version)) }
}

/// Sets the name to send to the server in the TLS handshake (SNI), and to verify its certificate against.
///
/// - `options`: from pop3_options_new.
/// - `name`: a name or an address, without a port; copied; NULL is the default, the server's.
///
/// Returns 0, or POP3_ERR_PARAMETER (`options` is NULL, `name` cannot be one).
/// Threads: thread-safe, as long as no other call uses the options meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, and in no other call; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_options_set_tls_name(options: *mut pop3_options, name: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe { set(options, "pop3_options_set_tls_name", name, pop3_options::set_tls_name) }
}

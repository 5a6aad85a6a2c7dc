//! The version, and the settings of the process.

use std::ffi::{CStr, c_char};

use crate::capi::arguments::optional;
use crate::capi::boundary;
use crate::capi::codes::POP3_OK;
use crate::capi::listeners::pop3_error_cb;
use crate::capi::settings;

/// The version of the header: what changes incompatibly.
pub const POP3_VERSION_MAJOR: i32 = 1;
/// The version of the header: what is added.
pub const POP3_VERSION_MINOR: i32 = 0;
/// The version of the header: what is mended.
pub const POP3_VERSION_PATCH: i32 = 0;
/// The version of the header as one number: major * 10000 + minor * 100 + patch.
pub const POP3_VERSION_NUMBER: i32 = 10000;

/// The Omnis command that settings belong to.
const COMMAND: &CStr = c"WebDevSetConfig";

/// Sets the error callback, which is called for every command that fails (Omnis: WebDevSetConfig, ErrorProc).
///
/// - `cb`: for the whole process, from the next failure on; NULL clears it.
///
/// Threads: thread-safe; a command that is failing in another thread may still call the one before.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_set_error_cb(cb: pop3_error_cb) {
    let _ = boundary::guard(|| {
        settings::set_error_callback(cb);
        Ok(())
    });
}

/// Sets how long each wait may take: for a name, a connection, a TLS handshake, a reply (Omnis: WebDevSetConfig,
/// CommsTimeout).
///
/// - `seconds`: for the sessions that are connected from now on; 0 is the default, 60.
///
/// Returns 0, or POP3_ERR_PARAMETER (negative).
/// Threads: thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_set_comms_timeout(seconds: i32) -> i32 {
    boundary::call(COMMAND, || settings::set_comms_timeout(seconds).map(|()| POP3_OK))
}

/// Sets the secure folder, whose folder `cacerts` holds CA certificates (trust anchors) beside the platform's own.
///
/// Each file there may be PEM with any number of certificates, or DER, under any name. It is read when a connect first
/// verifies against it, and once for the process, unless a file could not be read for a reason that may pass, as an
/// input/output error: then again at the next connect. A folder without a readable `cacerts` fails every connect that
/// verifies, with POP3_ERR_SECURE.
///
/// - `path`: in UTF-8, as all paths; copied; NULL is the default: the environment's POP3CONNECT_SECURE_DIR if that is
///   set, else the folder `secure` beside the host's executable if that exists, else none. In a privileged host
///   (set-user-ID, set-group-ID, file capabilities) the default is none: the user who started it could choose both.
///
/// Returns 0, or POP3_ERR_PARAMETER (empty; on Windows, not UTF-8).
/// Threads: thread-safe.
///
/// # Safety
/// - `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_set_secure_dir(path: *const c_char) -> i32 {
    boundary::call(COMMAND, || {
        // SAFETY: this function's promise
        settings::set_secure_dir(unsafe { optional(path, "the path") }?).map(|()| POP3_OK)
    })
}

/// Gives the version of the library, for example "1.0.0".
///
/// Returns a text that is good for the process's life, never NULL.
/// Threads: thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_packages() {
        let version = unsafe { CStr::from_ptr(pop3_version()) };
        assert_eq!(version.to_str().unwrap(), env!("CARGO_PKG_VERSION"));
        let (major, minor, patch) = (POP3_VERSION_MAJOR, POP3_VERSION_MINOR, POP3_VERSION_PATCH);
        assert_eq!(format!("{major}.{minor}.{patch}"), env!("CARGO_PKG_VERSION"));
        assert_eq!(POP3_VERSION_NUMBER, major * 10_000 + minor * 100 + patch);
    }
}

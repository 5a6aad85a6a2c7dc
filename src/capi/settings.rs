//! The settings of the process.

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::{self, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use once_cell::sync::Lazy;

use crate::capi::boundary::{self, optional};
use crate::capi::status::POP3_OK;
use crate::error::{Error, Kind, Result};
use crate::net::trust::Authorities;
use crate::options::DEFAULT_TIMEOUT;

/// ErrorProc: hears of every command that fails.
///
/// `message` is the text that pop3_get_last_error gives, `code` what the command is about to return, `command` its
/// Omnis name, for example "POP3Connect". Both strings are good until the callback returns. Called on the thread of
/// the command, after its status lines and before it returns; it may call any pop3_ function.
pub type pop3_error_cb = Option<unsafe extern "C" fn(message: *const c_char, code: i32, command: *const c_char)>;

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

static ERROR_CALLBACK: RwLock<pop3_error_cb> = RwLock::new(None);
static SECURE_DIR: RwLock<Option<PathBuf>> = RwLock::new(None);
/// In seconds; 0 is the default.
static COMMS_TIMEOUT: AtomicI32 = AtomicI32::new(0);

/// Sets the function that hears of every command that fails (Omnis: WebDevSetConfig, ErrorProc).
///
/// - `cb`: for the whole process, from the next failure on; NULL clears it.
///
/// Threads: any; a command that is failing in another thread may still call the one before.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_set_error_cb(cb: pop3_error_cb) {
    let _ = boundary::guard(|| {
        *ERROR_CALLBACK.write().unwrap_or_else(PoisonError::into_inner) = cb;
        Ok(())
    });
}

/// Sets how long each wait may take: for a name, a connection, a TLS handshake, a reply (Omnis: WebDevSetConfig,
/// CommsTimeout).
///
/// - `seconds`: for the sessions that are connected from now on; 0 is the default, 60.
///
/// Returns 0, or POP3_ERR_PARAMETER (negative).
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_set_comms_timeout(seconds: i32) -> i32 {
    boundary::call(COMMAND, || {
        if seconds < 0 {
            return Err(Error::new(Kind::Parameter, "the comms timeout is negative"));
        }
        COMMS_TIMEOUT.store(seconds, Ordering::Relaxed);
        Ok(POP3_OK)
    })
}

/// Sets the secure folder, whose folder `cacerts` holds the certificates of authorities to trust beside the
/// platform's own.
///
/// Each file there may be PEM with any number of certificates, or DER, under any name. It is read when a connect first
/// verifies against it, and once for the process, unless a file could not be read for a reason that may pass, as an
/// input/output error: then again at the next connect. A folder without a readable `cacerts` fails every connect that
/// verifies, with POP3_ERR_SECURE.
///
/// - `path`: copied; NULL is the default: the environment's POP3CONNECT_SECURE_DIR if that is set, else the folder
///   `secure` beside the host's executable if that exists, else none. In a host with more rights than whoever started
///   it has (set-user-ID, set-group-ID, file capabilities) the default is none: both are theirs to choose.
///
/// Returns 0, or POP3_ERR_PARAMETER (empty).
/// Threads: any.
///
/// # Safety
/// - `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_set_secure_dir(path: *const c_char) -> i32 {
    boundary::call(COMMAND, || {
        // SAFETY: this function's promise
        let path = unsafe { optional(path, "the path") }?;
        let path = path.map(|path| absolute(OsStr::from_bytes(path))).transpose()?;
        *SECURE_DIR.write().unwrap_or_else(PoisonError::into_inner) = path;
        Ok(POP3_OK)
    })
}

/// The version of the library, for example "1.0.0".
///
/// Returns a text that is good for the process's life, never NULL.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Who hears of failures now.
pub(super) fn error_callback() -> pop3_error_cb {
    *ERROR_CALLBACK.read().unwrap_or_else(PoisonError::into_inner)
}

/// How long each wait may take now.
pub(super) fn timeout() -> Duration {
    match u64::try_from(COMMS_TIMEOUT.load(Ordering::Relaxed)) {
        Ok(seconds @ 1..) => Duration::from_secs(seconds),
        _ => DEFAULT_TIMEOUT,
    }
}

/// The authorities in force beside the platform's: those of the secure folder, if there is one.
pub(super) fn authorities() -> Result<Authorities> {
    let set = SECURE_DIR.read().unwrap_or_else(PoisonError::into_inner).clone();
    let dir = match set {
        Some(dir) => Some(dir),
        // whoever started the host may have set the one, and linked the host to a folder of theirs for the other
        None if has_borrowed_rights() => None,
        None => match std::env::var_os("POP3CONNECT_SECURE_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => Some(absolute(&dir)?),
            None => BESIDE_HOST.clone(),
        },
    };
    Ok(dir.map_or(Authorities::None, |dir| Authorities::Folder(dir.join("cacerts"))))
}

/// Whether the host has more rights than whoever started it, as the kernel has noted.
fn has_borrowed_rights() -> bool {
    // SAFETY: reads what the kernel left beside the arguments
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// The folder `secure` beside the host's executable.
static BESIDE_HOST: Lazy<Option<PathBuf>> = Lazy::new(|| {
    let dir = std::env::current_exe().ok()?.parent()?.join("secure");
    dir.is_dir().then_some(dir)
});

/// Absolute, so that it goes on naming the same folder when the host changes its own.
pub(super) fn absolute(path: &OsStr) -> Result<PathBuf> {
    path::absolute(path).map_err(|error| Error::new(Kind::Parameter, "that is no path").with_source(error))
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

//! The settings of the process: their values, and the rules for them. [`process`](super::process) has the C functions.

use std::ffi::OsStr;
use std::path::{self, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use once_cell::sync::Lazy;

use crate::capi::arguments::parameter;
use crate::capi::listeners::pop3_error_cb;
use crate::capi::system;
use crate::error::{Error, Kind, Result};
use crate::net::trust::Authorities;
use crate::options::DEFAULT_TIMEOUT;

static ERROR_CALLBACK: RwLock<pop3_error_cb> = RwLock::new(None);
static SECURE_DIR: RwLock<Option<PathBuf>> = RwLock::new(None);
/// In seconds; 0 is the default.
static COMMS_TIMEOUT: AtomicI32 = AtomicI32::new(0);

/// Sets the error callback, or none.
pub(super) fn set_error_callback(callback: pop3_error_cb) {
    *ERROR_CALLBACK.write().unwrap_or_else(PoisonError::into_inner) = callback;
}

/// The error callback in force.
pub(super) fn error_callback() -> pop3_error_cb {
    *ERROR_CALLBACK.read().unwrap_or_else(PoisonError::into_inner)
}

/// Sets how many seconds each wait may take; 0 is the default.
pub(super) fn set_comms_timeout(seconds: i32) -> Result<()> {
    if seconds < 0 {
        return Err(parameter("the comms timeout is negative"));
    }
    COMMS_TIMEOUT.store(seconds, Ordering::Relaxed);
    Ok(())
}

/// How long each wait may take, as set now.
pub(super) fn timeout() -> Duration {
    match u64::try_from(COMMS_TIMEOUT.load(Ordering::Relaxed)) {
        Ok(seconds @ 1..) => Duration::from_secs(seconds),
        _ => DEFAULT_TIMEOUT,
    }
}

/// Sets the secure folder; `None` is the default.
pub(super) fn set_secure_dir(path: Option<&[u8]>) -> Result<()> {
    let path = path.map(absolute).transpose()?;
    *SECURE_DIR.write().unwrap_or_else(PoisonError::into_inner) = path;
    Ok(())
}

/// The authorities in force beside the platform's: those of the secure folder, if there is one.
pub(super) fn authorities() -> Result<Authorities> {
    let set = SECURE_DIR.read().unwrap_or_else(PoisonError::into_inner).clone();
    let dir = match set {
        Some(dir) => Some(dir),
        // the user who started the host may have set the variable, and may have linked the host into a folder of their
        // own
        None if system::is_privileged() => None,
        None => match std::env::var_os("POP3CONNECT_SECURE_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => Some(absolute_path(&dir)?),
            None => BESIDE_HOST.clone(),
        },
    };
    Ok(dir.map_or(Authorities::None, |dir| Authorities::Folder(dir.join("cacerts"))))
}

/// The folder `secure` beside the host's executable.
static BESIDE_HOST: Lazy<Option<PathBuf>> = Lazy::new(|| {
    let dir = std::env::current_exe().ok()?.parent()?.join("secure");
    dir.is_dir().then_some(dir)
});

/// A path of the host's, absolute, so that it goes on naming the same folder when the host changes its own.
pub(super) fn absolute(path: &[u8]) -> Result<PathBuf> {
    absolute_path(system::path(path).ok_or_else(|| parameter("that path is not UTF-8"))?)
}

fn absolute_path(path: &OsStr) -> Result<PathBuf> {
    path::absolute(path).map_err(|error| Error::new(Kind::Parameter, "that is not a path").with_source(error))
}

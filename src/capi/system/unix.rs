//! Unix: threads that may be cancelled, processes that fork, programs with other rights than their user.

use std::ffi::{OsStr, c_int};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fork;

/// Until it is dropped, pthread_cancel of this thread waits, which would unwind through frames of ours and so end the
/// process.
pub(in crate::capi) struct Uncancelled {
    state_before: c_int,
}

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old_state: *mut c_int) -> c_int;
}

/// PTHREAD_CANCEL_DISABLE
const DISABLE: c_int = if cfg!(any(target_os = "linux", target_os = "freebsd")) { 1 } else { 0 };

impl Uncancelled {
    pub(in crate::capi) fn enter() -> Uncancelled {
        let mut state_before = 0;
        // SAFETY: writes the old state, and fails only for an unknown new one
        unsafe { pthread_setcancelstate(DISABLE, &mut state_before) };
        Uncancelled { state_before }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        // SAFETY: as above
        unsafe { pthread_setcancelstate(self.state_before, &mut 0) };
    }
}

/// Has the system call [`fork`] at each fork, from the first call on. Where there is no memory for that, from a later
/// one.
pub(in crate::capi) fn watch_process() {
    extern "C" fn prepare() {
        fork::prepare();
    }
    extern "C" fn parent() {
        fork::in_parent();
    }
    extern "C" fn child() {
        fork::in_child();
    }
    static WATCHED: AtomicBool = AtomicBool::new(false);
    // two threads at once have it called twice, which does no harm
    if !WATCHED.load(Ordering::Acquire) {
        // SAFETY: the functions stay, since the library is never unloaded, and neither allocate nor unwind
        let error = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        WATCHED.store(error == 0, Ordering::Release);
    }
}

/// Whether the host has more rights than the user who started it, as the kernel has noted.
#[cfg(target_os = "linux")]
pub(in crate::capi) fn is_privileged() -> bool {
    // SAFETY: reads what the kernel left beside the arguments
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether the host has more rights than the user who started it, as the kernel has noted.
#[cfg(not(target_os = "linux"))]
pub(in crate::capi) fn is_privileged() -> bool {
    unsafe extern "C" {
        fn issetugid() -> c_int;
    }
    // SAFETY: takes nothing
    unsafe { issetugid() != 0 }
}

/// A path of the host's: any bytes are one.
pub(in crate::capi) fn path(bytes: &[u8]) -> Option<&OsStr> {
    Some(OsStr::from_bytes(bytes))
}

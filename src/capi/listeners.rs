//! The functions of the host that are called while a call goes on: for status lines, errors and progress.

use std::ffi::{CStr, CString, c_char, c_void};

use crate::drive::event_loop::Ending;
use crate::fork;
use crate::net::progress::Progress;
use crate::session::trace::Trace;

/// The status callback (Omnis: StsProc): is called with each status line of a call, without line end.
///
/// `status` is UTF-8 and good until the callback returns. Called on the thread of the call, before the call returns;
/// it may call any pop3_ function. NULL for none.
pub type pop3_sts_cb = Option<unsafe extern "C" fn(status: *const c_char)>;

/// The error callback (Omnis: ErrorProc): is called for every command that fails.
///
/// `message` is the text that pop3_get_last_error gives, `code` what the command is about to return, `command` its
/// Omnis name, for example "POP3Connect". Both strings are good until the callback returns. Called on the thread of
/// the command, after its status lines and before it returns; it may call any pop3_ function.
pub type pop3_error_cb = Option<unsafe extern "C" fn(message: *const c_char, code: i32, command: *const c_char)>;

/// The callbacks of a connection, each with its context; beside them there are that of a call and that of the process.
#[derive(Clone, Copy, Default)]
pub struct Listeners {
    /// Is called with the status lines.
    pub status: Option<(unsafe extern "C" fn(*const c_char, *mut c_void), *mut c_void)>,
    /// Is called for every failure.
    pub error: Option<(unsafe extern "C" fn(*const c_char, i32, *const c_char, *mut c_void), *mut c_void)>,
    /// Is called with the progress of a call, and may end it.
    pub progress: Option<(unsafe extern "C" fn(i64, i64, *mut c_void) -> i32, *mut c_void)>,
}

impl Listeners {
    /// The progress callback, for a session's waits.
    pub fn progress(self) -> Progress {
        self.progress_until(Ending::default())
    }

    /// The same of a call that may be ended in a callback, after which none is called.
    pub fn progress_until(self, ending: Ending) -> Progress {
        match self.progress {
            None => Progress::default(),
            Some(_) => {
                let is_to_go_on = move |done, total| !ending.is_over() && self.is_to_go_on(done, total);
                Progress::new(Box::new(is_to_go_on))
            }
        }
    }

    /// Calls the status callback.
    pub fn call_status(self, line: &CStr) {
        if let Some((callback, context)) = self.status {
            // SAFETY: the host gave a function of this type with its context, and the string outlives the call
            in_host(|| unsafe { callback(line.as_ptr(), context) });
        }
    }

    fn is_to_go_on(self, done: i64, total: i64) -> bool {
        // SAFETY: the host gave a function of this type with its context
        self.progress.is_none_or(|(callback, context)| in_host(|| unsafe { callback(done, total, context) }) == 0)
    }

    /// Calls the error callback.
    pub fn call_error(self, message: &CStr, code: i32, command: &CStr) {
        if let Some((callback, context)) = self.error {
            // SAFETY: the host gave a function of this type with its context, and both strings outlive the call
            in_host(|| unsafe { callback(message.as_ptr(), code, command.as_ptr(), context) });
        }
    }
}

// SAFETY: the library hands the contexts through and never looks at them; whether they may be used in the threads that
// call is the host's to know, as the header says
unsafe impl Send for Listeners {}
// SAFETY: as above
unsafe impl Sync for Listeners {}

/// Runs `body` with a trace whose lines go to the status callback of the call and to that of the connection.
pub fn with_trace<T>(sts_cb: pop3_sts_cb, listeners: Listeners, body: impl FnOnce(&mut Trace<'_>) -> T) -> T {
    if sts_cb.is_none() && listeners.status.is_none() {
        return body(&mut Trace::new(None));
    }
    let mut sink = |line: &str| {
        let line = c_string(line);
        if let Some(callback) = sts_cb {
            // SAFETY: the host gave a function of this type, and the string outlives the call
            in_host(|| unsafe { callback(line.as_ptr()) });
        }
        listeners.call_status(&line);
    };
    body(&mut Trace::new(Some(&mut sink)))
}

/// A C string of text that should hold no NUL; what follows one is cut off.
pub fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// Calls a function of the host, which may call us, and may fork.
pub fn in_host<T>(callback: impl FnOnce() -> T) -> T {
    fork::allowed(callback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_their_nul() {
        assert_eq!(c_string("a\0b").as_c_str(), c"a");
        assert_eq!(c_string("").as_c_str(), c"");
    }
}

//! What every C function passes through: panics, strings, out pointers, callbacks.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::capi::status;
use crate::error::{Error, Kind, Result};
use crate::net::watch::Watch;
use crate::trace::Trace;

/// StsProc: hears the status lines of a call, one each time, without line end.
///
/// `status` is UTF-8 and good until the callback returns. Called on the thread of the call, before the call returns;
/// it may call any pop3_ function. NULL hears nothing.
pub type pop3_sts_cb = Option<unsafe extern "C" fn(status: *const c_char)>;

/// Who hears of what goes on, beside the callback of a call and that of the process.
#[derive(Clone, Copy, Default)]
pub struct Listeners {
    /// Hears the status lines.
    pub status: Option<(unsafe extern "C" fn(*const c_char, *mut c_void), *mut c_void)>,
    /// Hears of failures.
    pub error: Option<(unsafe extern "C" fn(*const c_char, i32, *const c_char, *mut c_void), *mut c_void)>,
    /// Hears how a call goes on, and may end it.
    pub progress: Option<(unsafe extern "C" fn(i64, i64, *mut c_void) -> i32, *mut c_void)>,
}

impl Listeners {
    /// Who hears of the waits.
    pub fn watch(self) -> Watch {
        match self.progress {
            None => Watch::default(),
            Some(_) => Watch::new(Box::new(move |done, total| self.is_to_go_on(done, total))),
        }
    }

    fn is_to_go_on(self, done: i64, total: i64) -> bool {
        // SAFETY: the host gave a function of this type together with its context
        self.progress.is_none_or(|(callback, context)| unsafe { callback(done, total, context) } == 0)
    }
}

// SAFETY: the library hands the contexts through and never looks at them; whether they may be used in the threads that
// call is the host's to know, as the header says
unsafe impl Send for Listeners {}
// SAFETY: as above
unsafe impl Sync for Listeners {}

/// Runs the body of a C function: an error becomes its code, and so does a panic.
pub fn call(command: &'static CStr, body: impl FnOnce() -> Result<i32>) -> i32 {
    call_for(command, Listeners::default(), body)
}

/// The same, with listeners who hear of an error too.
pub fn call_for(command: &'static CStr, listeners: Listeners, body: impl FnOnce() -> Result<i32>) -> i32 {
    // around the error callbacks as well
    let _inside = Inside::enter();
    guard(body).unwrap_or_else(|error| status::fail(command, &error, listeners))
}

/// Catches a panic, which is a defect of ours that the host must survive without a word on its stderr.
pub fn guard<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !INSIDE.try_with(|depth| depth.get() > 0).unwrap_or(true) {
                print(info);
            }
        }));
    });
    let _inside = Inside::enter();
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        let text = format!("a defect of the library: {}", panic_message(&*payload));
        Err(Error::new(Kind::Internal, text))
    })
}

thread_local! {
    /// How many calls of the library this thread is in: more than one where a callback calls back.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// That this thread is in a call of the library. Until it is dropped, pthread_cancel waits: it would unwind through
/// frames of ours, which ends the process.
struct Inside {
    cancel_state: c_int,
}

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old_state: *mut c_int) -> c_int;
}

const PTHREAD_CANCEL_DISABLE: c_int = 1;

impl Inside {
    fn enter() -> Inside {
        status::prepare();
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() + 1));
        let mut cancel_state = 0;
        // SAFETY: writes the old state, and fails only for an unknown new one
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut cancel_state) };
        Inside { cancel_state }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // SAFETY: as above
        unsafe { pthread_setcancelstate(self.cancel_state, &mut 0) };
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() - 1));
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

/// The bytes of a string that must be there. `what` names it in the error.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn required<'a>(text: *const c_char, what: &str) -> Result<&'a [u8]> {
    // SAFETY: the caller's promise
    unsafe { optional(text) }.ok_or_else(|| Error::new(Kind::Parameter, format!("{what} is NULL")))
}

/// The bytes of a string that may be left out.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn optional<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: not NULL, and then the caller's promise
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// Where a result goes: host memory, zeroed now and written once more on success. Never borrowed, since a callback of
/// the host may look at it.
pub struct Out<T>(*mut T);

impl<T: Default> Out<T> {
    /// Refuses NULL, zeroes anything else.
    ///
    /// # Safety
    /// - `out` is NULL or points to room for a `T` that is the caller's until the call returns.
    pub unsafe fn new(out: *mut T) -> Result<Out<T>> {
        if out.is_null() {
            return Err(Error::new(Kind::Parameter, "the place for the result is NULL"));
        }
        // SAFETY: not NULL, and then the caller's promise; what stood there is the host's, and not dropped
        unsafe { out.write(T::default()) };
        Ok(Out(out))
    }

    /// Writes the result.
    pub fn write(self, value: T) {
        // SAFETY: by the promise made to `new`
        unsafe { self.0.write(value) };
    }
}

/// Runs `body` with a trace whose lines go to the callback of the call and to the listeners.
pub fn with_trace<T>(sts_cb: pop3_sts_cb, listeners: Listeners, body: impl FnOnce(&mut Trace<'_>) -> T) -> T {
    if sts_cb.is_none() && listeners.status.is_none() {
        return body(&mut Trace::new(None));
    }
    let mut sink = |line: &str| {
        let line = c_string(line);
        if let Some(callback) = sts_cb {
            // SAFETY: the host gave a function of this type, and the string outlives the call
            unsafe { callback(line.as_ptr()) };
        }
        if let Some((callback, context)) = listeners.status {
            // SAFETY: as above, together with its context
            unsafe { callback(line.as_ptr(), context) };
        }
    };
    body(&mut Trace::new(Some(&mut sink)))
}

/// A C string of text that should hold no NUL; what follows one is cut off.
pub fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code_and_a_text() {
        let code = call(c"POP3Connect", || panic!("index {} out of range", 7));
        assert_eq!(code, status::POP3_ERR_INTERNAL);
        let text = unsafe { CStr::from_ptr(status::pop3_get_last_error()) }.to_str().unwrap();
        assert_eq!(text, "a defect of the library: index 7 out of range");
    }

    #[test]
    fn a_call_inside_a_call_leaves_the_outer_guarded() {
        let code = call(c"POP3Connect", || {
            assert_eq!(call(c"POP3Connect", || Ok(5)), 5);
            panic!("after the inner one")
        });
        assert_eq!(code, status::POP3_ERR_INTERNAL);
        INSIDE.with(|depth| assert_eq!(depth.get(), 0));
    }

    #[test]
    fn strings_end_at_their_nul() {
        assert_eq!(c_string("a\0b").as_c_str(), c"a");
        assert_eq!(c_string("").as_c_str(), c"");
    }

    #[test]
    fn null_is_refused() {
        let required = unsafe { required(std::ptr::null(), "the server") };
        assert_eq!(required.unwrap_err().to_string(), "the server is NULL");
        assert!(unsafe { Out::<i32>::new(std::ptr::null_mut()) }.is_err());
    }
}

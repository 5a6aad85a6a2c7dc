//! What every C function passes through: panics, strings, out pointers, callbacks.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{slice, thread};

use crate::capi::{handles, status};
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::net::progress::Progress;
use crate::session::trace::Trace;

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
    /// The progress callback for waits.
    pub fn progress(self) -> Progress {
        match self.progress {
            None => Progress::default(),
            Some(_) => Progress::new(Box::new(move |done, total| self.is_to_go_on(done, total))),
        }
    }

    fn is_to_go_on(self, done: i64, total: i64) -> bool {
        // SAFETY: the host gave a function of this type together with its context
        self.progress.is_none_or(|(callback, context)| in_host(|| unsafe { callback(done, total, context) }) == 0)
    }
}

// SAFETY: the library hands the contexts through and never looks at them; whether they may be used in the threads that
// call is the host's to know, as the header says
unsafe impl Send for Listeners {}
// SAFETY: as above
unsafe impl Sync for Listeners {}

/// The longest string that an argument may be.
const LONGEST_TEXT: usize = 64 * 1024;
/// The longest server. A name has at most 253 octets (RFC 1035).
const LONGEST_SERVER: usize = 1024;

/// Runs the body of a C function: an error becomes its code, and so does a panic.
pub fn call(command: &'static CStr, body: impl FnOnce() -> Result<i32>) -> i32 {
    call_for(command, Listeners::default, |_| body())
}

/// The same of a function on a socket, whose listeners hear of an error too.
pub fn call_on(command: &'static CStr, socket: i32, body: impl FnOnce() -> Result<i32>) -> i32 {
    call_for(command, || handles::listeners(socket), |_| body())
}

/// The same, with these listeners. Nothing of ours runs outside the guard.
pub fn call_for(
    command: &'static CStr,
    listeners: impl FnOnce() -> Listeners,
    body: impl FnOnce(Listeners) -> Result<i32>,
) -> i32 {
    let mut hearing = Listeners::default();
    let done = guard(|| {
        hearing = listeners();
        body(hearing)
    });
    done.unwrap_or_else(|error| {
        let code = status::code(error.kind());
        guard(|| Ok(status::fail(command, code, &error, hearing))).unwrap_or(code)
    })
}

/// Catches a panic, which is a defect of ours that the host must survive without a word on its stderr.
pub fn guard<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let _inside = Inside::enter();
    let body = || {
        silence_panics();
        body()
    };
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        let text = format!("a defect of the library: {}", panic_message(&*payload));
        // what a payload does when it is dropped may be anything
        std::mem::forget(payload);
        Err(Error::new(Kind::Internal, text))
    })
}

/// Has panics inside a call of ours print nothing.
fn silence_panics() {
    static QUIET: Once = Once::new();
    // while a thread panics, as a host in Rust may that drops a session, the hook cannot be set
    if QUIET.is_completed() || thread::panicking() {
        return;
    }
    QUIET.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !INSIDE.try_with(|depth| depth.get() > 0).unwrap_or(true) {
                print(info);
            }
        }));
    });
}

/// Calls a function of the host, which may call us, and may fork.
pub fn in_host<T>(callback: impl FnOnce() -> T) -> T {
    fork::allowed(callback)
}

thread_local! {
    /// How many calls of the library this thread is in: more than one where a callback calls back.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// That this thread is in a call of the library. Until it is dropped, pthread_cancel waits: it would unwind through
/// frames of ours, which ends the process. So does a fork, save while the call waits or is in a callback.
struct Inside {
    cancel_state: c_int,
    _undisturbed: fork::Undisturbed,
}

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old_state: *mut c_int) -> c_int;
}

const PTHREAD_CANCEL_DISABLE: c_int = 1;

impl Inside {
    fn enter() -> Inside {
        let mut cancel_state = 0;
        // SAFETY: writes the old state, and fails only for an unknown new one
        unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut cancel_state) };
        status::prepare();
        hear_of_forks();
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() + 1));
        Inside { cancel_state, _undisturbed: fork::Undisturbed::enter() }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // SAFETY: as above
        unsafe { pthread_setcancelstate(self.cancel_state, &mut 0) };
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() - 1));
    }
}

/// Has the system tell [`fork`] of forks, from the first call on. Where there is no memory for that, from a later one.
fn hear_of_forks() {
    extern "C" fn prepare() {
        fork::prepare();
    }
    extern "C" fn parent() {
        fork::in_parent();
    }
    extern "C" fn child() {
        fork::in_child();
    }
    static HEARD: AtomicBool = AtomicBool::new(false);
    // two threads at once have it told twice, which does no harm
    if !HEARD.load(Ordering::Acquire) {
        // SAFETY: the functions stay, since the library is never unloaded, and neither allocate nor unwind
        let error = unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
        HEARD.store(error == 0, Ordering::Release);
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
    unsafe { optional(text, what) }?.ok_or_else(|| Error::new(Kind::Parameter, format!("{what} is NULL")))
}

/// The bytes of a string that may be left out.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn optional<'a>(text: *const c_char, what: &str) -> Result<Option<&'a [u8]>> {
    // SAFETY: the caller's promise
    unsafe { up_to(LONGEST_TEXT, text, what) }
}

/// The bytes of a server, which may be left out.
///
/// # Safety
/// - `text` is NULL or a C string that stays as it is for `'a`.
pub unsafe fn server<'a>(text: *const c_char) -> Result<Option<&'a [u8]>> {
    // SAFETY: the caller's promise
    unsafe { up_to(LONGEST_SERVER, text, SERVER) }
}

/// What a server is called in an error.
pub const SERVER: &str = "the server";

/// The one place where a string of the host's is read: never further than it may be long.
unsafe fn up_to<'a>(longest: usize, text: *const c_char, what: &str) -> Result<Option<&'a [u8]>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and then the caller's promise
    let length = unsafe { libc::strnlen(text, longest + 1) };
    if length > longest {
        return Err(Error::new(Kind::Parameter, format!("{what} is longer than {longest} octets")));
    }
    // SAFETY: so much is there, by the caller's promise
    Ok(Some(unsafe { slice::from_raw_parts(text.cast(), length) }))
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
            in_host(|| unsafe { callback(line.as_ptr()) });
        }
        if let Some((callback, context)) = listeners.status {
            // SAFETY: as above, together with its context
            in_host(|| unsafe { callback(line.as_ptr(), context) });
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
    fn nothing_runs_outside_the_guard() {
        let code = call_for(c"POP3Noop", || panic!("looking for who hears"), |_| Ok(5));
        assert_eq!(code, status::POP3_ERR_INTERNAL);
        unsafe extern "C" fn forget(_: *const c_char, _: i32, _: *const c_char, _: *mut c_void) {}
        let hearing = Listeners { error: Some((forget, std::ptr::null_mut())), ..Listeners::default() };
        // what is kept of an error is in use, so that keeping another one panics
        let code = status::tests::with_texts_in_use(|| {
            call_for(c"POP3Noop", || hearing, |_| Err(Error::new(Kind::Server, "refused")))
        });
        assert_eq!(code, status::POP3_ERR_SERVER);
        INSIDE.with(|depth| assert_eq!(depth.get(), 0));
    }

    #[test]
    fn a_string_is_read_no_further_than_it_may_be_long() {
        for (longest, read) in [
            (LONGEST_TEXT, optional as unsafe fn(*const c_char, &str) -> Result<Option<&'static [u8]>>),
            (LONGEST_SERVER, |text, _| unsafe { server(text) }),
        ] {
            let mut text = vec![b'x'; longest];
            text.push(0);
            assert_eq!(unsafe { read(text.as_ptr().cast(), "it") }.unwrap().unwrap().len(), longest);
            // nothing ends it: reading on would be found by a checker
            let text = vec![b'x'; longest + 1];
            assert_eq!(unsafe { read(text.as_ptr().cast(), "it") }.unwrap_err().kind(), Kind::Parameter);
        }
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

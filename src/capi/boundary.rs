//! What every C function passes through: a panic becomes an error, an error its code.

use std::any::Any;
use std::cell::Cell;
use std::ffi::CStr;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::{ptr, thread};

use crate::capi::arguments::parameter;
use crate::capi::listeners::Listeners;
use crate::capi::refusals::Settable;
use crate::capi::system::{self, Uncancelled};
use crate::capi::{codes, handles, last_error};
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::shortage;

/// Runs the body of a C function: an error becomes its code, and so does a panic.
pub fn call(command: &'static CStr, body: impl FnOnce() -> Result<i32>) -> i32 {
    call_for(command, Listeners::default, |_| body())
}

/// The same of a function on a socket, whose own callbacks are called too.
pub fn call_on(command: &'static CStr, socket: i32, body: impl FnOnce() -> Result<i32>) -> i32 {
    call_for(command, || handles::listeners(socket), |_| body())
}

/// The same, with these callbacks. Nothing of ours runs outside the guard.
pub fn call_for(
    command: &'static CStr,
    listeners: impl FnOnce() -> Listeners,
    body: impl FnOnce(Listeners) -> Result<i32>,
) -> i32 {
    let mut called = Listeners::default();
    let done = guard(|| {
        called = listeners();
        body(called)
    });
    done.unwrap_or_else(|error| {
        let code = codes::code(error.kind());
        let _ = guard(|| {
            last_error::fail(command, code, &error, called);
            Ok(())
        });
        code
    })
}

/// Runs the body of a setter, on settings that must be there.
///
/// # Safety
/// - `settings` is NULL or from [`hand_out`], and in no other call.
pub unsafe fn change<T: Settable>(
    settings: *mut T,
    setter: &'static str,
    change: impl FnOnce(&mut T) -> Result<()>,
) -> i32 {
    call(T::COMMAND, || {
        // SAFETY: the caller's promise
        let settings = unsafe { settings.as_mut() }.ok_or_else(|| parameter(format!("{} NULL", T::WHAT)))?;
        shortage::check()?;
        settings.change(setter, change).map(|()| codes::POP3_OK)
    })
}

/// Makes something that the host holds until it gives it back; NULL where it cannot be made.
pub fn hand_out<T>(make: impl FnOnce() -> Result<T>) -> *mut T {
    guard(|| Ok(Box::into_raw(Box::new(make()?)))).unwrap_or(ptr::null_mut())
}

/// Takes it back.
///
/// # Safety
/// - `given` is NULL or from [`hand_out`], not taken back before, and in no other call.
pub unsafe fn take_back<T>(given: *mut T) {
    let _ = guard(|| {
        if !given.is_null() {
            // SAFETY: from Box::into_raw, by the caller's promise
            drop(unsafe { Box::from_raw(given) });
        }
        Ok(())
    });
}

/// Catches a panic, which is a defect of ours that the host must survive without a word on its stderr.
pub fn guard<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let _inside = Inside::enter();
    contain(|| {
        silence_panics();
        body()
    })
}

/// The same for a part of what is guarded already.
pub fn contain<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
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

thread_local! {
    /// How many calls of the library this thread is in: more than one where a callback calls back.
    static INSIDE: Cell<u32> = const { Cell::new(0) };
}

/// This thread is in a call of the library, which it may not leave by being cancelled. A fork waits as well, save while
/// the call waits or is in a callback.
struct Inside {
    _uncancelled: Uncancelled,
    _undisturbed: fork::Undisturbed,
}

impl Inside {
    fn enter() -> Inside {
        let uncancelled = Uncancelled::enter();
        last_error::prepare();
        system::watch_process();
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() + 1));
        Inside { _uncancelled: uncancelled, _undisturbed: fork::Undisturbed::enter() }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|depth| depth.set(depth.get() - 1));
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use std::ffi::{c_char, c_void};

    use super::*;

    #[test]
    fn a_panic_becomes_a_code_and_a_text() {
        let code = call(c"POP3Connect", || panic!("index {} out of range", 7));
        assert_eq!(code, codes::POP3_ERR_INTERNAL);
        let text = unsafe { CStr::from_ptr(last_error::pop3_get_last_error()) }.to_str().unwrap();
        assert_eq!(text, "a defect of the library: index 7 out of range");
    }

    #[test]
    fn a_call_inside_a_call_leaves_the_outer_guarded() {
        let code = call(c"POP3Connect", || {
            assert_eq!(call(c"POP3Connect", || Ok(5)), 5);
            panic!("after the inner one")
        });
        assert_eq!(code, codes::POP3_ERR_INTERNAL);
        INSIDE.with(|depth| assert_eq!(depth.get(), 0));
    }

    #[test]
    fn nothing_runs_outside_the_guard() {
        let code = call_for(c"POP3Noop", || panic!("looking for the callbacks"), |_| Ok(5));
        assert_eq!(code, codes::POP3_ERR_INTERNAL);
        unsafe extern "C" fn forget(_: *const c_char, _: i32, _: *const c_char, _: *mut c_void) {}
        let listeners = Listeners { error: Some((forget, std::ptr::null_mut())), ..Listeners::default() };
        // what is kept of an error is in use, so that keeping another one panics
        let code = last_error::tests::with_texts_in_use(|| {
            call_for(c"POP3Noop", || listeners, |_| Err(Error::new(Kind::Server, "refused")))
        });
        assert_eq!(code, codes::POP3_ERR_SERVER);
        INSIDE.with(|depth| assert_eq!(depth.get(), 0));
    }
}

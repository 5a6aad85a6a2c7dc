//! Threads that take no signal, and whose beginning may fail. Each platform's file has the same item, [`spawn`].

use std::ffi::c_void;
use std::panic::{self, AssertUnwindSafe};

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::spawn;
#[cfg(windows)]
pub use windows::spawn;

/// What a thread is to do.
type Work = Box<dyn FnOnce() + Send>;

/// What a thread is to do, as the one pointer that C has for it; a boxed closure is two.
fn into_pointer(work: Work) -> *mut c_void {
    Box::into_raw(Box::new(work)).cast()
}

/// Does what there is to do.
fn run(work: Work) {
    // there is nothing of ours to be unwound into
    let _ = panic::catch_unwind(AssertUnwindSafe(work));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn the_work_is_done_elsewhere_and_may_panic() {
        let (sender, receiver) = mpsc::channel();
        spawn(move || {
            sender.send(thread::current().id()).unwrap();
            panic::resume_unwind(Box::new("as a panic"));
        })
        .unwrap();
        assert_ne!(receiver.recv().unwrap(), thread::current().id());
        // dropped by the unwinding, which ends in the thread
        assert!(receiver.recv().is_err());
    }
}

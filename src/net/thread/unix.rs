//! By pthreads, since std asks for its handle of a thread in a way that ends the process where there is no memory.

#![allow(unsafe_code)] // no safe crate has this

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::{io, ptr};

use nix::sys::signal::{SigSet, SigmaskHow};

use super::{Work, into_pointer, run};

/// Has a thread do that. Signals are the host's, and so is the choice of the thread that handles them.
pub fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let host_mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let spawned = begin(Box::new(work));
    host_mask.thread_set_mask()?;
    spawned
}

fn begin(work: Work) -> io::Result<()> {
    let argument = into_pointer(work);
    let mut thread = MaybeUninit::uninit();
    // SAFETY: `start` takes what `argument` is, once; the thread is written on success
    let error = unsafe { libc::pthread_create(thread.as_mut_ptr(), ptr::null(), start, argument) };
    if error != 0 {
        // SAFETY: no thread has taken it
        drop(unsafe { Box::from_raw(argument.cast::<Work>()) });
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: the thread is there, and nobody joins it
    unsafe { libc::pthread_detach(thread.assume_init()) };
    Ok(())
}

extern "C" fn start(argument: *mut c_void) -> *mut c_void {
    // SAFETY: from `begin`, which has given it away
    run(*unsafe { Box::from_raw(argument.cast::<Work>()) });
    ptr::null_mut()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_work_is_done_without_signals() {
        let (sender, receiver) = mpsc::channel();
        let here = SigSet::thread_get_mask().unwrap();
        spawn(move || sender.send(SigSet::thread_get_mask().unwrap()).unwrap()).unwrap();
        let mask = receiver.recv().unwrap();
        // all but those that the system never lets anybody block
        assert!(mask.contains(nix::sys::signal::SIGTERM) && mask.contains(nix::sys::signal::SIGINT));
        assert_eq!(SigSet::thread_get_mask().unwrap(), here);
    }
}

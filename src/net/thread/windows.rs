//! By the system's own call, since std asks for its handle of a thread in a way that ends the process where there is no
//! memory.

#![allow(unsafe_code)] // no safe crate has this

use std::ffi::c_void;
use std::{io, ptr};

use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::System::Threading::CreateThread;

use super::{Work, into_pointer, run};

/// Has a thread do that.
pub fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let argument = into_pointer(Box::new(work));
    // SAFETY: `start` takes what `argument` is, once
    let thread = unsafe { CreateThread(ptr::null(), 0, Some(start), argument, 0, ptr::null_mut()) };
    if thread.is_null() {
        let error = io::Error::last_os_error();
        // SAFETY: no thread has taken it
        drop(unsafe { Box::from_raw(argument.cast::<Work>()) });
        return Err(error);
    }
    // SAFETY: the thread is there, and nobody waits for its end
    unsafe { CloseHandle(thread) };
    Ok(())
}

extern "system" fn start(argument: *mut c_void) -> u32 {
    // SAFETY: from `spawn`, which has given it away
    run(*unsafe { Box::from_raw(argument.cast::<Work>()) });
    0
}

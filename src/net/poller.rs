//! Many sockets that are waited for together.

#![allow(unsafe_code)] // a socket must have left the poller before it is closed: `Watch` sees to that

use std::io;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use polling::{Event, Events, PollMode};

use crate::fork::Process;
use crate::net::socket::{Raw, Readiness, Socket, borrowed};

/// What waits for sockets: the system's own way to do that for many.
#[derive(Debug)]
pub struct Poller {
    system: ManuallyDrop<polling::Poller>,
    /// A process that was forked shares it with the one before.
    process: Process,
}

impl Poller {
    /// One with no socket.
    pub fn new() -> io::Result<Poller> {
        Ok(Poller { system: ManuallyDrop::new(polling::Poller::new()?), process: Process::current() })
    }

    /// The keys of the sockets to which something has happened, after waiting for it at most that long, for ever without a
    /// time, or until [`Poller::notify`].
    pub fn wait(&self, happened: &mut Happened, time: Option<Duration>) -> io::Result<()> {
        happened.0.clear();
        match self.system.wait(&mut happened.0, time) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends a wait, from any thread; the next one where nobody waits.
    pub fn notify(&self) {
        // it fails where the system is out of something, which ends a wait by itself
        let _ = self.system.notify();
    }

    /// A descriptor that is readable where a wait would end at once; -1 where the platform has none.
    pub fn descriptor(&self) -> i32 {
        #[cfg(unix)]
        return std::os::fd::AsRawFd::as_raw_fd(&*self.system);
        #[cfg(not(unix))]
        -1
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        if !self.process.is_before_fork() {
            // SAFETY: nobody uses it after this
            unsafe { ManuallyDrop::drop(&mut self.system) };
        }
    }
}

/// The sockets to which something has happened.
#[derive(Default)]
pub struct Happened(Events);

impl Happened {
    /// Their keys, and whether that is known to be no failure.
    pub fn keys(&self) -> impl Iterator<Item = (usize, bool)> {
        self.0.iter().map(|event| (event.key, event.is_err() == Some(false) && !event.is_interrupt()))
    }
}

/// Has a socket be among those of a poller, as that key, for as long as it is open.
pub fn watch(socket: &mut Socket, poller: &Arc<Poller>, key: usize, readiness: Readiness) -> io::Result<()> {
    // SAFETY: the socket has it, and drops it before it closes
    let watch = unsafe { Watch::new(poller, socket.raw(), key, readiness) }?;
    *socket.watch() = Some(watch);
    Ok(())
}

/// That a socket is among those of a poller, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    poller: Arc<Poller>,
    socket: Raw,
    key: usize,
    /// What it is waited for: a [`Readiness`], or [`NOTHING`].
    wanted: AtomicU8,
    /// A process that was forked has copies of the sockets, but shares the poller with the one before.
    process: Process,
}

const NOTHING: u8 = u8::MAX;

impl Watch {
    /// # Safety
    /// The socket is open until this is dropped.
    unsafe fn new(poller: &Arc<Poller>, socket: Raw, key: usize, readiness: Readiness) -> io::Result<Watch> {
        // SAFETY: it is taken out before it is closed
        unsafe { poller.system.add_with_mode(socket, event(key, Some(readiness)), PollMode::Level) }?;
        let wanted = AtomicU8::new(readiness as u8);
        Ok(Watch { poller: Arc::clone(poller), socket, key, wanted, process: Process::current() })
    }

    /// From now on it is waited for that; for nothing where nobody would take what has come, since what is not taken
    /// ends each wait.
    pub fn want(&self, readiness: Option<Readiness>) -> io::Result<()> {
        let wanted = readiness.map_or(NOTHING, |readiness| readiness as u8);
        if self.wanted.swap(wanted, Ordering::Relaxed) == wanted {
            return Ok(());
        }
        // SAFETY: it is open
        unsafe {
            self.poller.system.modify_with_mode(borrowed(self.socket), event(self.key, readiness), PollMode::Level)
        }
    }
}

fn event(key: usize, readiness: Option<Readiness>) -> Event {
    match readiness {
        None => Event::none(key),
        Some(Readiness::Readable) => Event::readable(key),
        Some(Readiness::Writable) => Event::writable(key),
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Linux takes a socket out when it is closed, unless another process has a copy of it
        let leaves_by_itself = cfg!(target_os = "linux") && !self.process.has_forked();
        if !self.process.is_before_fork() && !leaves_by_itself {
            // SAFETY: it is open yet
            let _ = unsafe { self.poller.system.delete(borrowed(self.socket)) };
        }
    }
}

//! Many sockets that are waited for together.

#![allow(unsafe_code)] // a socket must have left the poller before it is closed: `Watch` sees to that

use std::io;
use std::sync::Arc;
use std::time::Duration;

use polling::{Event, Events, PollMode};

use crate::net::socket::{Raw, Socket, borrowed};

/// What waits for sockets: the system's own way to do that for many.
#[derive(Debug)]
pub struct Poller {
    poller: polling::Poller,
    mode: PollMode,
}

impl Poller {
    /// One with no socket.
    pub fn new() -> io::Result<Poller> {
        let poller = polling::Poller::new()?;
        // who reads until nothing is left need not say again that it waits
        let mode = if poller.supports_edge() { PollMode::Edge } else { PollMode::Oneshot };
        Ok(Poller { poller, mode })
    }

    /// The keys of the sockets to which something has happened, after waiting for it at most that long, for ever without a
    /// time, or until [`Poller::notify`].
    pub fn wait(&self, happened: &mut Happened, time: Option<Duration>) -> io::Result<()> {
        happened.0.clear();
        match self.poller.wait(&mut happened.0, time) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends a wait, from any thread; the next one where nobody waits.
    pub fn notify(&self) {
        // it fails where the system is out of something, which ends a wait by itself
        let _ = self.poller.notify();
    }
}

/// The sockets to which something has happened.
#[derive(Default)]
pub struct Happened(Events);

impl Happened {
    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|event| event.key)
    }
}

/// Has a socket be among those of a poller, as that key, for as long as it is open.
pub fn watch(socket: &mut Socket, poller: &Arc<Poller>, key: usize) -> io::Result<()> {
    // SAFETY: the socket has it, and drops it before it closes
    let watch = unsafe { Watch::new(poller, socket.raw(), key) }?;
    *socket.watch() = Some(watch);
    Ok(())
}

/// That a socket is among those of a poller, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    poller: Arc<Poller>,
    socket: Raw,
    key: usize,
}

impl Watch {
    /// # Safety
    /// The socket is open until this is dropped.
    unsafe fn new(poller: &Arc<Poller>, socket: Raw, key: usize) -> io::Result<Watch> {
        // SAFETY: it is taken out before it is closed
        unsafe { poller.poller.add_with_mode(socket, Event::all(key), poller.mode) }?;
        Ok(Watch { poller: Arc::clone(poller), socket, key })
    }

    /// That it is waited once more, where systems want to be told.
    pub fn again(&self) -> io::Result<()> {
        match self.poller.mode {
            PollMode::Edge => Ok(()),
            // SAFETY: it is open
            mode => unsafe {
                self.poller.poller.modify_with_mode(borrowed(self.socket), Event::all(self.key), mode)
            },
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: it is open yet
        let _ = unsafe { self.poller.poller.delete(borrowed(self.socket)) };
    }
}

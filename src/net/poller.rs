//! Many sockets that are waited for together.

#![allow(unsafe_code)] // a socket must have left the poller before it is closed: `Watch` sees to that

use std::io;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use polling::{Event, Events, PollMode};

use crate::fork::Process;
use crate::net::socket::{Raw, Readiness, Socket, borrowed};

/// What waits for sockets: the system's own way to do that for many.
#[derive(Debug)]
pub struct Poller {
    system: ManuallyDrop<polling::Poller>,
    /// How many sockets have left it, and may not have been let go.
    left: AtomicUsize,
    /// A process that was forked shares it with the one before.
    process: Process,
}

impl Poller {
    /// One with no socket.
    pub fn new() -> io::Result<Poller> {
        let system = ManuallyDrop::new(polling::Poller::new()?);
        Ok(Poller { system, left: AtomicUsize::new(0), process: Process::current() })
    }

    /// The keys of the sockets to which something has happened, after waiting for it at most that long, for ever without a
    /// time, or until [`Poller::notify`].
    pub fn wait(&self, happened: &mut Happened, time: Option<Duration>) -> io::Result<()> {
        happened.0.clear();
        self.left.store(0, Ordering::Relaxed);
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

    /// A socket leaves it.
    fn leave(&self, socket: Raw) -> io::Result<()> {
        self.left.fetch_add(1, Ordering::Relaxed);
        // SAFETY: it is open yet, as whoever watches it has promised
        self.system.delete(unsafe { borrowed(socket) })
    }

    /// Windows keeps what it has for a socket, a handle among that, until it has told that it is waited for no more.
    fn let_go(&self) {
        // other things may be told before
        let room = Events::new().capacity().saturating_add(self.left.load(Ordering::Relaxed));
        let _ = self.system.wait(&mut Events::with_capacity(room), Some(Duration::ZERO));
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
            if cfg!(windows) {
                self.let_go();
            }
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
        unsafe { poller.system.add_with_mode(socket, event(key, readiness), PollMode::Level) }?;
        let wanted = AtomicU8::new(readiness as u8);
        Ok(Watch { poller: Arc::clone(poller), socket, key, wanted, process: Process::current() })
    }

    /// From now on it is waited for that; for nothing where nobody would take what has come, since what is not taken
    /// ends each wait.
    pub fn want(&self, readiness: Option<Readiness>) -> io::Result<()> {
        let wanted = readiness.map_or(NOTHING, |readiness| readiness as u8);
        let before = self.wanted.swap(wanted, Ordering::Relaxed);
        if before == wanted || self.process.is_before_fork() {
            return Ok(());
        }
        let system = &self.poller.system;
        match readiness {
            // a socket that stays is told of when its connection breaks, whatever it is waited for
            None => self.poller.leave(self.socket),
            // SAFETY: it is taken out before it is closed
            Some(readiness) if before == NOTHING => unsafe {
                system.add_with_mode(self.socket, event(self.key, readiness), PollMode::Level)
            },
            // SAFETY: it is open
            Some(readiness) => unsafe {
                system.modify_with_mode(borrowed(self.socket), event(self.key, readiness), PollMode::Level)
            },
        }
    }
}

fn event(key: usize, readiness: Readiness) -> Event {
    match readiness {
        Readiness::Readable => Event::readable(key),
        Readiness::Writable => Event::writable(key),
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Linux takes a socket out when it is closed, unless another process has a copy of it
        let leaves_by_itself = cfg!(target_os = "linux") && !self.process.has_forked();
        if !self.process.is_before_fork() && !leaves_by_itself {
            let _ = self.poller.leave(self.socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    /// As long as nothing is waited for.
    const SHORT: Duration = Duration::from_millis(100);

    fn poller() -> (Arc<Poller>, Happened) {
        (Arc::new(Poller::new().unwrap()), Happened::default())
    }

    /// A socket that is connected, and its peer.
    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Socket::connect(&listener.local_addr().unwrap());
        (socket, listener.accept().unwrap().0)
    }

    fn keys(poller: &Poller, happened: &mut Happened, time: Duration) -> Vec<usize> {
        poller.wait(happened, Some(time)).unwrap();
        happened.keys().map(|(key, _)| key).collect()
    }

    #[test]
    fn what_is_not_read_is_told_again() {
        let (poller, mut happened) = poller();
        let mut pairs = [pair(), pair()];
        for (key, (socket, _)) in pairs.iter_mut().enumerate() {
            watch(socket, &poller, key, Readiness::Readable).unwrap();
        }
        assert!(keys(&poller, &mut happened, SHORT).is_empty());
        pairs[1].1.write_all(b"x").unwrap();
        for _ in 0..3 {
            assert_eq!(keys(&poller, &mut happened, LONG), [1]);
        }
        assert_eq!(pairs[1].0.peek_at_once(&mut [0; 2]).unwrap(), 1);
        assert_eq!(pairs[1].0.receive_at_once(&mut [0; 2]).unwrap(), 1);
        assert!(keys(&poller, &mut happened, SHORT).is_empty());
        // the end is something to read
        pairs[0].1.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(keys(&poller, &mut happened, LONG), [0]);
    }

    #[test]
    fn only_what_is_wanted_is_told() {
        let (poller, mut happened) = poller();
        let (mut socket, mut peer) = pair();
        watch(&mut socket, &poller, 7, Readiness::Writable).unwrap();
        assert_eq!(keys(&poller, &mut happened, LONG), [7]);
        socket.want(Some(Readiness::Readable)).unwrap();
        assert!(keys(&poller, &mut happened, SHORT).is_empty());
        peer.write_all(b"x").unwrap();
        assert_eq!(keys(&poller, &mut happened, LONG), [7]);
        socket.want(None).unwrap();
        assert!(keys(&poller, &mut happened, SHORT).is_empty());
        // not even that the connection is broken
        socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        assert!(keys(&poller, &mut happened, SHORT).is_empty());
        for wanted in [Readiness::Readable, Readiness::Writable] {
            socket.want(Some(wanted)).unwrap();
            assert_eq!(keys(&poller, &mut happened, LONG), [7]);
        }
        drop(socket);
        assert!(keys(&poller, &mut happened, SHORT).is_empty());
    }

    #[test]
    fn a_refusal_is_no_connection() {
        let (poller, mut happened) = poller();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut connecting = || {
            let mut socket = Socket::begin_connect(&address, None).unwrap();
            watch(&mut socket, &poller, 1, Readiness::Writable).unwrap();
            poller.wait(&mut happened, Some(LONG)).unwrap();
            (happened.keys().collect::<Vec<_>>(), socket)
        };
        let (told, _socket) = connecting();
        assert_eq!(told, [(1, true)]);
        drop((listener, _socket));
        let (told, socket) = connecting();
        assert_eq!(told, [(1, false)]);
        assert_eq!(Socket::outcomes(&[&socket], Duration::ZERO).unwrap(), [(0, false)]);
        let refused = socket.finish_connect(false).map(drop).map_err(|error| error.kind());
        assert_eq!(refused, Err(io::ErrorKind::ConnectionRefused));
    }

    #[test]
    fn a_wait_is_ended() {
        let (poller, mut happened) = poller();
        let other = Arc::clone(&poller);
        let notify = thread::spawn(move || other.notify());
        poller.wait(&mut happened, None).unwrap();
        assert_eq!(happened.keys().count(), 0);
        notify.join().unwrap();
    }
}

//! Sockets of Unix, which block if they are told to: then reading is one system call, and the kernel's own receive
//! timeout ends it. It is set anew only when it has drifted. A shutdown ends the waits of other threads on it.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};
use socket2::{Domain, SockRef, Type};

use super::{Readiness, millis};
use crate::net::poller::Watch;

/// What can always be opened, unless descriptors have run out.
pub const NULL_DEVICE: &str = "/dev/null";

/// The numbers of errors by which the system says that it has run out of something: memory, threads or descriptors.
pub const EXHAUSTED: [i32; 4] = [libc::ENOMEM, libc::ENOBUFS, libc::EMFILE, libc::ENFILE];

/// The number of the error by which the system says that a disk does not work.
pub const DISK_ERROR: i32 = libc::EIO;

/// How far a wait may overrun its time so as not to set the kernel's timeout before every read.
const DRIFT: Duration = Duration::from_millis(5);

/// That the kernel's receive timeout is not known, in nanoseconds as all of them.
const UNKNOWN: u64 = u64::MAX;

/// A socket as the system calls it.
pub type Raw = RawFd;

/// # Safety
/// It is open for as long as what this answers is used.
#[allow(unsafe_code)] // only whoever calls it knows for how long it is open
pub unsafe fn borrowed(socket: Raw) -> BorrowedFd<'static> {
    // SAFETY: the caller's promise
    unsafe { BorrowedFd::borrow_raw(socket) }
}

/// A socket.
#[derive(Debug)]
pub struct Socket {
    /// Among which it is waited for; gone before the socket is.
    watch: Option<Watch>,
    stream: TcpStream,
    /// The kernel's receive timeout as it was last set, in nanoseconds.
    receive_timeout: AtomicU64,
}

impl Socket {
    /// Begins to connect without waiting, from that address where one is given.
    pub fn begin_connect(address: &SocketAddr, source: Option<IpAddr>) -> io::Result<Socket> {
        let socket = above_stdio(unconnected(Domain::for_address(*address))?.into())?;
        let connecting = SockRef::from(&socket);
        if let Some(source) = source {
            connecting.bind(&SocketAddr::new(source, 0).into())?;
        }
        match connecting.connect(&(*address).into()) {
            // interrupted, it goes on in the background all the same
            Err(error) if ![Some(libc::EINPROGRESS), Some(libc::EINTR)].contains(&error.raw_os_error()) => Err(error),
            _ => Ok(Socket::over(TcpStream::from(socket))),
        }
    }

    /// Over a stream that does not wait.
    fn over(stream: TcpStream) -> Socket {
        Socket { watch: None, stream, receive_timeout: AtomicU64::new(UNKNOWN) }
    }

    /// What a poller calls it.
    pub fn raw(&self) -> Raw {
        self.stream.as_raw_fd()
    }

    /// Where it is waited for among others, if it is.
    pub fn watch(&mut self) -> &mut Option<Watch> {
        &mut self.watch
    }

    /// What it is waited for among others from now on, if it is.
    pub fn want(&self, readiness: Option<Readiness>) -> io::Result<()> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch.want(readiness))
    }

    /// Which have an outcome, after waiting for one at most that long, and whether it is known to be a good one.
    pub fn outcomes(connecting: &[&Socket], wait: Duration) -> io::Result<Vec<(usize, bool)>> {
        let polled = connecting.iter().map(|socket| PollFd::new(socket.stream.as_fd(), PollFlags::POLLOUT));
        let mut polled: Vec<_> = polled.collect();
        match poll(&mut polled, poll_timeout(wait)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let outcomes = polled.iter().map(|polled| polled.revents().unwrap_or(PollFlags::empty())).enumerate();
        let some = outcomes.filter(|(_, outcome)| !outcome.is_empty());
        // one that has failed is in error or has hung up as well
        Ok(some.map(|(index, outcome)| (index, outcome == PollFlags::POLLOUT)).collect())
    }

    /// The same socket, connected, or why it is not.
    pub fn finish_connect(self, is_connected: bool) -> io::Result<Socket> {
        if !is_connected {
            if let Some(error) = self.stream.take_error()? {
                return Err(error);
            }
        }
        // a command is one small segment, and its answer is waited for: it must not wait for the last one's ACK
        self.stream.set_nodelay(true)?;
        Ok(self)
    }

    /// The same socket, for [`Socket::receive`] and [`Socket::peek`], which wait in the kernel.
    pub fn into_blocking(self) -> io::Result<Socket> {
        self.stream.set_nonblocking(false)?;
        // there a send waits for room even where it is told not to, so it is to wait for a moment only
        #[cfg(target_vendor = "apple")]
        self.stream.set_write_timeout(Some(Duration::from_millis(1)))?;
        Ok(self)
    }

    /// Takes what has come, after waiting for it at most that long, give or take [`DRIFT`]; else it is
    /// [`io::ErrorKind::WouldBlock`].
    pub fn receive(&self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.receive_by(MsgFlags::empty(), buffer, wait)
    }

    /// As [`Socket::receive`], but it is left to be read.
    pub fn peek(&self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.receive_by(MsgFlags::MSG_PEEK, buffer, wait)
    }

    fn receive_by(&self, flags: MsgFlags, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.arm(wait)?;
        recv(self.stream.as_raw_fd(), buffer, flags).map_err(|error| {
            if error == Errno::EAGAIN {
                // it may have waited for longer than that
                self.receive_timeout.store(UNKNOWN, Ordering::Relaxed);
            }
            error.into()
        })
    }

    /// Has the kernel end the next read after that time.
    fn arm(&self, wait: Duration) -> io::Result<()> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(UNKNOWN - 1);
        if self.receive_timeout.load(Ordering::Relaxed) > nanos(wait + DRIFT) {
            self.stream.set_read_timeout(Some(wait))?;
            self.receive_timeout.store(nanos(wait), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes what is there; where nothing is, it is [`io::ErrorKind::WouldBlock`].
    pub fn receive_at_once(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.stream.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT)?)
    }

    /// As [`Socket::receive_at_once`], but it is left to be read.
    pub fn peek_at_once(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.stream.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_PEEK)?)
    }

    /// Whether bytes have come that nobody has read.
    pub fn has_unread(&self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        matches!(recv(self.stream.as_raw_fd(), &mut [0], flags), Ok(1..))
    }

    /// Writes what there is room for; where there is none, it is [`io::ErrorKind::WouldBlock`]. Raises no SIGPIPE.
    pub fn send_at_once(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.stream.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | NO_SIGNAL)?)
    }

    /// Whether that can be done, after waiting for it at most that long.
    pub fn wait(&self, readiness: Readiness, wait: Duration) -> io::Result<bool> {
        let what = match readiness {
            Readiness::Readable => PollFlags::POLLIN,
            Readiness::Writable => PollFlags::POLLOUT,
        };
        match poll(&mut [PollFd::new(self.stream.as_fd(), what)], poll_timeout(wait)) {
            Ok(count) => Ok(count > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the peer at once what has come. It may hold the rest of its answer back until it is told (Nagle's algorithm,
    /// RFC 9293, section 3.7.4), while the kernel puts off telling it, by 40 ms, in the hope of something to send along.
    pub fn acknowledge(&self) {
        // where it cannot be set the rest comes later; the kernel goes back to its own ways by itself
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = SockRef::from(&self.stream).set_tcp_quickack(true);
    }

    /// Ends the connection, and whatever waits on it.
    pub fn shut_down(&self) {
        // fails where the peer has already ended it, which is as good
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// What keeps SIGPIPE away.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: MsgFlags = MsgFlags::MSG_NOSIGNAL;
/// There the socket itself is told, by [`unconnected`].
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: MsgFlags = MsgFlags::empty();

/// A socket that does not wait, and is closed on exec: by one system call.
#[cfg(not(target_vendor = "apple"))]
fn unconnected(domain: Domain) -> io::Result<socket2::Socket> {
    socket2::Socket::new_raw(domain, Type::STREAM.nonblocking().cloexec(), None)
}

/// A socket that does not wait, is closed on exec and raises no SIGPIPE.
#[cfg(target_vendor = "apple")]
fn unconnected(domain: Domain) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The same descriptor, above those of standard input, output and error: what a host has closed of these is nobody's to
/// take, or what is printed goes to a server.
fn above_stdio(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    match descriptor.as_raw_fd() {
        // std makes copies above them
        ..=2 => descriptor.try_clone(),
        _ => Ok(descriptor),
    }
}

fn poll_timeout(wait: Duration) -> PollTimeout {
    PollTimeout::try_from(millis(wait)).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_socket_waits_only_once_it_blocks() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Socket::begin_connect(&listener.local_addr().unwrap(), None).unwrap();
        let outcomes = Socket::outcomes(&[&socket], Duration::from_secs(60)).unwrap();
        assert_eq!(outcomes, [(0, true)]);
        let start = Instant::now();
        let is_nothing = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        let socket = socket.finish_connect(true).unwrap();
        assert!(socket.receive(&mut [0], Duration::from_secs(60)).is_err_and(is_nothing));
        assert!(start.elapsed() < Duration::from_secs(60));
        let (socket, start) = (socket.into_blocking().unwrap(), Instant::now());
        assert!(socket.receive(&mut [0], Duration::from_millis(100)).is_err_and(is_nothing));
        assert!(start.elapsed() >= Duration::from_millis(90));
    }
}

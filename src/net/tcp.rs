//! A TCP connection whose every wait has a deadline and can be cancelled from another thread.
//!
//! The socket blocks: reading is one system call, and the kernel's own receive timeout keeps the deadline, set anew
//! only when it has drifted. Cancelling shuts the socket down, which wakes whoever waits on it.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, bind, connect as start_connect, getsockopt, recv,
    send, socket, sockopt,
};

use crate::error::{Error, Kind, Result};
use crate::fork::{self, Process};
use crate::net::proxy::Proxy;
use crate::net::watch::Watch;
use crate::net::{Cancelled, Deadline, above_stdio, is_exhausted, timed_out};

/// How many addresses are tried, whatever a name has.
pub const MAX_ADDRESSES: usize = 64;

/// How many are tried side by side: as many descriptors of the host's are taken at once.
const MAX_PENDING: usize = 8;

/// How many failures an error tells.
const MAX_TOLD: usize = 8;

/// How long an address may stay silent before the next is tried beside it (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How far a wait may overrun its deadline so as not to set the kernel's timeout before every read.
const DRIFT: Duration = Duration::from_millis(5);

/// A connection, how long whoever uses it may wait, and who hears of the waits.
pub struct Tcp {
    shared: Arc<Shared>,
    deadline: Deadline,
    watch: Watch,
    /// The socket's receive timeout as it was last set.
    receive_timeout: Option<Duration>,
    /// Whether a read takes only what is there.
    at_once: bool,
    /// Whether all that had come was read last, so that to read again is to wait for the rest of an answer.
    has_drained: bool,
}

/// Wakes whoever waits on a connection, from any thread. Does not keep the connection open.
#[derive(Clone, Debug)]
pub struct Canceller(Weak<Shared>);

#[derive(Debug)]
struct Shared {
    socket: TcpStream,
    cancelled: AtomicBool,
    /// Whose the connection is: a fork leaves a copy of the socket in the new process.
    process: Process,
}

/// By which way to connect.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Which kind of address the server must have, if not any.
    pub family: Option<Family>,
    /// Which of our addresses to connect from, if not the system's choice.
    pub source: Option<IpAddr>,
    /// Through which proxy, which is then what the other two are about.
    pub proxy: Option<Proxy>,
}

/// A kind of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Route {
    /// Whether an address can be reached by it.
    pub fn admits(&self, address: &SocketAddr) -> bool {
        let family = if address.is_ipv4() { Family::V4 } else { Family::V6 };
        let source = self.source.map(|source| if source.is_ipv4() { Family::V4 } else { Family::V6 });
        self.family.is_none_or(|wanted| wanted == family) && source.is_none_or(|source| source == family)
    }
}

/// Puts addresses of the two families in turns, the first one's first, each family in its order (RFC 8305, section 4).
/// There are [`MAX_ADDRESSES`] turns.
pub fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (of_first, of_other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv4() == first);
    let (mut of_first, mut of_other) = (of_first.into_iter(), of_other.into_iter());
    let mut turns = Vec::new();
    loop {
        let before = turns.len();
        turns.extend(of_first.next());
        turns.extend(of_other.next());
        if turns.len() == before || turns.len() >= MAX_ADDRESSES {
            turns.truncate(MAX_ADDRESSES);
            return turns;
        }
    }
}

/// Connects to the first address that answers.
///
/// Each address that stays silent for `ATTEMPT_DELAY` (less if the deadline would not leave time for all) gets
/// company of the next one, so that one dead address does not use up the time of all. Of [`MAX_PENDING`] that are silent
/// the one that has been so for longest makes room for the next, so that each has its turn before the deadline; the last
/// ones are waited for until then. `on_attempt` hears of each.
pub fn connect(
    addresses: &[SocketAddr],
    source: Option<IpAddr>,
    deadline: Deadline,
    mut watch: Watch,
    mut on_attempt: impl FnMut(&SocketAddr),
) -> Result<(Tcp, SocketAddr)> {
    let mut untried = addresses.iter();
    let mut pending: VecDeque<(OwnedFd, SocketAddr)> = VecDeque::with_capacity(MAX_PENDING);
    let mut failures = Failures::default();
    let mut next_attempt = Instant::now();
    loop {
        if pending.is_empty() || Instant::now() >= next_attempt {
            if let Some(address) = untried.next() {
                if pending.len() == MAX_PENDING {
                    pending.pop_front().into_iter().for_each(|(_, address)| failures.tell(&address, &"no answer"));
                }
                on_attempt(address);
                match attempt(address, source) {
                    Ok(socket) => pending.push_back((socket, *address)),
                    Err(error) => failures.add(address, error),
                }
                // anew each time: a busy machine is late for some
                let share =
                    deadline.remaining().unwrap_or_default() / u32::try_from(untried.len() + 1).unwrap_or(u32::MAX);
                next_attempt = Instant::now() + ATTEMPT_DELAY.min(share);
            }
        }
        if pending.is_empty() {
            match untried.len() {
                0 => return Err(failures.into_error()),
                _ => continue,
            }
        }
        let left = deadline.remaining().ok_or_else(|| failures.timed_out())?;
        let until_next = if untried.len() > 0 { next_attempt.saturating_duration_since(Instant::now()) } else { left };
        let wait = watch.slice(left.min(until_next))?;
        for index in ready(&pending, wait)?.into_iter().rev() {
            let Some((socket, address)) = pending.remove(index) else { continue };
            match finish(socket) {
                Ok(socket) => return Ok((Tcp::new(socket, deadline, watch), address)),
                Err(error) => {
                    failures.add(&address, error);
                    next_attempt = Instant::now();
                }
            }
        }
    }
}

/// Begins to connect without waiting.
fn attempt(address: &SocketAddr, source: Option<IpAddr>) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None)?;
    let socket = above_stdio(socket)?;
    if let Some(source) = source {
        bind(socket.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(source, 0)))?;
    }
    match start_connect(socket.as_raw_fd(), &SockaddrStorage::from(*address)) {
        // interrupted, it goes on in the background all the same
        Ok(()) | Err(Errno::EINPROGRESS | Errno::EINTR) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Which attempts have an outcome, after waiting for one at most that long.
fn ready(pending: &VecDeque<(OwnedFd, SocketAddr)>, wait: Duration) -> Result<Vec<usize>> {
    let mut polled: Vec<_> = pending.iter().map(|(fd, _)| PollFd::new(fd.as_fd(), PollFlags::POLLOUT)).collect();
    match fork::allowed(|| poll(&mut polled, poll_timeout(wait))) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => {
            return Err(Error::new(Kind::OutOfMemory, "cannot wait for a connection").with_source(error.into()));
        }
    }
    Ok((0..polled.len()).filter(|index| polled[*index].any().unwrap_or(false)).collect())
}

/// The connected socket, or why it is none.
fn finish(socket: OwnedFd) -> io::Result<TcpStream> {
    match getsockopt(&socket, sockopt::SocketError)? {
        0 => {}
        error => return Err(io::Error::from_raw_os_error(error)),
    }
    let socket = TcpStream::from(socket);
    socket.set_nonblocking(false)?;
    // a command is one small segment, and its answer is waited for: it must not wait for the last one's ACK
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Why the addresses tried so far failed.
#[derive(Default)]
struct Failures {
    text: String,
    count: usize,
    exhausted: bool,
}

impl Failures {
    fn add(&mut self, address: &SocketAddr, error: io::Error) {
        self.exhausted |= is_exhausted(&error);
        self.tell(address, &error);
    }

    fn tell(&mut self, address: &SocketAddr, why: &dyn fmt::Display) {
        self.count += 1;
        if self.count > MAX_TOLD {
            return;
        }
        if self.count > 1 {
            self.text.push_str("; ");
        }
        self.text.push_str(&format!("{address}: {why}"));
    }

    fn text(&self) -> String {
        match self.count.saturating_sub(MAX_TOLD) {
            0 => self.text.clone(),
            more => format!("{}; and {more} more", self.text),
        }
    }

    fn into_error(self) -> Error {
        let kind = if self.exhausted { Kind::OutOfMemory } else { Kind::Connect };
        Error::new(kind, format!("cannot connect: {}", self.text()))
    }

    fn timed_out(&self) -> Error {
        match self.count {
            0 => timed_out().during("connecting"),
            _ => timed_out().during(&format!("connecting ({})", self.text())),
        }
    }
}

impl Tcp {
    fn new(socket: TcpStream, deadline: Deadline, watch: Watch) -> Tcp {
        let shared = Arc::new(Shared { socket, cancelled: AtomicBool::new(false), process: Process::current() });
        Tcp { shared, deadline, watch, receive_timeout: None, at_once: false, has_drained: false }
    }

    /// Who hears of the waits.
    pub fn watch(&mut self) -> &mut Watch {
        &mut self.watch
    }

    /// Until when the next reads and writes may wait.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// What cancels this connection.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::downgrade(&self.shared))
    }

    /// Whether somebody has cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// Whether whoever works instead of waiting may go on: an error past the deadline, or where the host wants no more.
    pub fn check(&mut self) -> io::Result<()> {
        // a fork need not wait for the end of the work either
        fork::allowed(|| {});
        self.next_wait()?;
        if self.is_cancelled() { Err(Cancelled.into()) } else { Ok(()) }
    }

    /// Whether bytes have come that nobody has read, without waiting for any.
    pub fn has_unread(&self) -> bool {
        let mut byte = [0];
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        matches!(recv(self.shared.socket.as_raw_fd(), &mut byte, flags), Ok(1..))
    }

    /// Whether a read takes only what is there, [`io::ErrorKind::WouldBlock`] where nothing is, or waits for more.
    pub fn set_at_once(&mut self, at_once: bool) {
        self.at_once = at_once;
    }

    /// Takes what is there.
    fn receive_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.shared.check_process()?;
        loop {
            match recv(self.shared.socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
                Err(Errno::EINTR) => {}
                outcome => return self.outcome(outcome.map_err(io::Error::from)),
            }
        }
    }

    /// Takes what has come, waiting for it until the deadline; with MSG_PEEK it is left to be read.
    fn receive(&mut self, buffer: &mut [u8], flags: MsgFlags) -> io::Result<usize> {
        if self.has_drained {
            acknowledge(&self.shared.socket);
        }
        loop {
            self.arm()?;
            self.shared.check_process()?;
            match fork::allowed(|| recv(self.shared.socket.as_raw_fd(), buffer, flags)) {
                Err(Errno::EAGAIN) => self.receive_timeout = None,
                Err(Errno::EINTR) => {}
                outcome => {
                    self.has_drained = outcome.is_ok_and(|count| count < buffer.len());
                    return self.outcome(outcome.map_err(io::Error::from));
                }
            }
        }
    }

    /// What a read would give, left to be read.
    pub fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer, MsgFlags::MSG_PEEK)
    }

    /// Has the kernel end the next read when somebody is to hear of it or at the deadline, give or take [`DRIFT`].
    fn arm(&mut self) -> io::Result<()> {
        let wait = self.next_wait()?;
        if self.receive_timeout.is_none_or(|set| set > wait + DRIFT) {
            self.shared.socket.set_read_timeout(Some(wait))?;
            self.receive_timeout = Some(wait);
        }
        Ok(())
    }

    fn next_wait(&mut self) -> io::Result<Duration> {
        let left = self.deadline.remaining().ok_or_else(deadline_passed)?;
        Ok(self.watch.slice(left)?)
    }

    /// Whether there is something to read before that time, its end and a cancel included.
    pub fn wait_readable(&mut self, until: Deadline) -> io::Result<bool> {
        while let Some(left) = until.remaining() {
            let wait = self.watch.slice(left)?;
            if self.poll(PollFlags::POLLIN, wait)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wait_writable(&mut self) -> io::Result<()> {
        let wait = self.next_wait()?;
        self.poll(PollFlags::POLLOUT, wait).map(drop)
    }

    /// Whether that can be done, after waiting for it at most that long.
    fn poll(&self, what: PollFlags, wait: Duration) -> io::Result<bool> {
        let mut polled = [PollFd::new(self.shared.socket.as_fd(), what)];
        match fork::allowed(|| poll(&mut polled, poll_timeout(wait))) {
            Ok(count) => Ok(count > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What an outcome of the socket is, seen that it may be the doing of [`Canceller::cancel`].
    fn outcome(&self, outcome: io::Result<usize>) -> io::Result<usize> {
        match outcome {
            // whatever has come or gone meanwhile
            _ if self.is_cancelled() => Err(Cancelled.into()),
            // for openssl this kind means "try again"; here it is an end
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::ConnectionReset.into()),
            outcome => outcome,
        }
    }
}

impl Read for Tcp {
    /// Reads what has come, waiting for it until the deadline unless only what is there is to be read.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.at_once {
            true => self.receive_at_once(buffer),
            false => self.receive(buffer, MsgFlags::empty()),
        }
    }
}

impl Write for Tcp {
    /// Writes what there is room for, waiting for room until the deadline. Raises no SIGPIPE.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        self.has_drained = false;
        loop {
            self.shared.check_process()?;
            match send(self.shared.socket.as_raw_fd(), bytes, flags) {
                Err(Errno::EAGAIN) => self.wait_writable()?,
                Err(Errno::EINTR) => {}
                outcome => return self.outcome(outcome.map_err(io::Error::from)),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    /// After a fork the connection goes on in the process before.
    fn check_process(&self) -> io::Result<()> {
        if self.process.is_before_fork() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.process.has_forked() && !self.process.is_before_fork() {
            // what closes it would leave it open for as long as the new process has its copy
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }
}

impl Canceller {
    /// Ends whatever waits on the connection, and the connection.
    pub fn cancel(&self) {
        let Some(shared) = self.0.upgrade().filter(|shared| !shared.process.is_before_fork()) else { return };
        shared.cancelled.store(true, Ordering::Release);
        // fails where the peer has already ended it, which is as good
        let _ = shared.socket.shutdown(Shutdown::Both);
    }
}

/// Tells the peer at once what has come. It may hold the rest of its answer back until it is told (Nagle's algorithm,
/// RFC 9293, section 3.7.4), while the kernel puts off telling it, by 40 ms, in the hope of something to send along.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn acknowledge(socket: &TcpStream) {
    use nix::sys::socket::setsockopt;
    #[derive(Clone)]
    struct QuickAck;
    nix::setsockopt_impl!(QuickAck, libc::IPPROTO_TCP, libc::TCP_QUICKACK, bool, sockopt::SetBool);
    // where it cannot be set the rest comes later; the kernel goes back to its own ways by itself
    let _ = setsockopt(socket, QuickAck, &true);
}

/// Other systems have nothing for that.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn acknowledge(_: &TcpStream) {}

/// The mark of a deadline of ours, as against a timeout of the kernel's, which has an errno.
fn deadline_passed() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// What an I/O error of a [`Tcp`] means.
pub(super) fn into_error(error: io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()) {
        Cancelled.into()
    } else if error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none() {
        timed_out()
    } else {
        Error::new(Kind::ConnectionLost, "the connection was lost").with_source(error)
    }
}

/// Rounded up, so that a wait of less than a millisecond is no busy loop.
fn poll_timeout(wait: Duration) -> PollTimeout {
    let millis = wait.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn in_ten_seconds() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    fn pair() -> (Tcp, TcpStream) {
        let (listener, address) = listener();
        let (tcp, _) = connect(&[address], None, in_ten_seconds(), Watch::default(), |_| {}).unwrap();
        (tcp, listener.accept().unwrap().0)
    }

    fn refused() -> SocketAddr {
        listener().1
    }

    #[test]
    fn every_address_is_tried_in_order() {
        let (_listener, good) = listener();
        let addresses = [refused(), refused(), good];
        let mut tried = Vec::new();
        let (_, connected) =
            connect(&addresses, None, in_ten_seconds(), Watch::default(), |address| tried.push(*address)).unwrap();
        assert_eq!(connected, good);
        assert_eq!(tried, addresses);
    }

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| text.split(' ').map(|address| address.parse().unwrap()).collect::<Vec<SocketAddr>>();
        for (given, turns) in [
            ("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1", "[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1"),
            ("1.1.1.1:1 [::1]:1", "1.1.1.1:1 [::1]:1"),
            ("1.1.1.1:1 2.2.2.2:1", "1.1.1.1:1 2.2.2.2:1"),
        ] {
            assert_eq!(interleave(parse(given)), parse(turns));
        }
        assert_eq!(interleave(Vec::new()), []);
    }

    #[test]
    fn each_family_has_its_share_of_the_turns() {
        let of = |family: u8, count: u16| (1..=count).map(move |port| format!("[::{family}]:{port}").parse().unwrap());
        let four = |count: u16| (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let turns = interleave(of(1, 1000).chain(four(1000)).collect());
        assert_eq!(turns.len(), 64);
        assert_eq!(turns[..2], ["[::1]:1".parse().unwrap(), "127.0.0.1:1".parse().unwrap()]);
        assert_eq!(turns[62..], ["[::1]:32".parse().unwrap(), "127.0.0.1:32".parse().unwrap()]);
        // what one does not need is the other's
        let turns = interleave(of(1, 1000).chain(four(2)).collect());
        assert_eq!((turns.len(), turns[63]), (64, "[::1]:62".parse().unwrap()));
        assert_eq!(interleave(of(1, 1000).collect()).len(), 64);
    }

    #[test]
    fn a_route_admits_what_it_can_reach() {
        let (four, six) = ("127.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap());
        let source = |text: &str| Some(text.parse().unwrap());
        for (route, admits) in [
            (Route::default(), (true, true)),
            (Route { family: Some(Family::V4), ..Route::default() }, (true, false)),
            (Route { family: Some(Family::V6), ..Route::default() }, (false, true)),
            (Route { source: source("127.0.0.2"), ..Route::default() }, (true, false)),
            (Route { family: Some(Family::V6), source: source("127.0.0.2"), ..Route::default() }, (false, false)),
        ] {
            assert_eq!((route.admits(&four), route.admits(&six)), admits, "{route:?}");
        }
    }

    #[test]
    fn every_failure_is_told() {
        let addresses = [refused(), refused()];
        let error = connect(&addresses, None, in_ten_seconds(), Watch::default(), |_| {}).err().unwrap();
        assert_eq!(error.kind(), Kind::Connect);
        assert!(addresses.iter().all(|address| error.to_string().contains(&address.to_string())), "{error}");
    }

    #[test]
    fn of_many_failures_the_first_are_told() {
        let address = refused();
        let error = connect(&[address; 64], None, in_ten_seconds(), Watch::default(), |_| {}).err().unwrap();
        assert_eq!(error.to_string().matches(&address.to_string()).count(), 8);
        assert!(error.to_string().ends_with("; and 56 more"), "{error}");
        assert!(error.to_string().len() < 1024);
    }

    #[test]
    fn a_trickle_does_not_move_the_deadline() {
        let (mut tcp, mut peer) = pair();
        let trickle = thread::spawn(move || {
            while peer.write_all(b".").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let start = Instant::now();
        tcp.set_deadline(Deadline::after(Duration::from_millis(200)));
        let error = loop {
            if let Err(error) = tcp.read(&mut [0; 64]) {
                break error;
            }
        };
        assert_eq!(into_error(error).kind(), Kind::Timeout);
        assert!(start.elapsed() >= Duration::from_millis(200));
        drop(tcp);
        trickle.join().unwrap();
    }

    #[test]
    fn a_new_deadline_may_be_later_than_the_last() {
        let (mut tcp, mut peer) = pair();
        tcp.set_deadline(Deadline::after(Duration::from_millis(1)));
        assert!(tcp.read(&mut [0]).is_err());
        tcp.set_deadline(Deadline::after(Duration::from_secs(10)));
        peer.write_all(b"x").unwrap();
        assert_eq!(tcp.read(&mut [0]).unwrap(), 1);
    }

    #[test]
    fn a_write_to_a_peer_that_reads_nothing_ends_at_the_deadline() {
        let (mut tcp, _peer) = pair();
        tcp.set_deadline(Deadline::after(Duration::from_millis(100)));
        let error = loop {
            if let Err(error) = tcp.write(&[0; 65536]) {
                break error;
            }
        };
        assert_eq!(into_error(error).kind(), Kind::Timeout);
    }

    #[test]
    fn cancelling_wakes_reads_and_writes() {
        for write in [false, true] {
            let (mut tcp, _peer) = pair();
            tcp.set_deadline(Deadline::after(Duration::from_secs(60)));
            let canceller = tcp.canceller();
            let cancel = thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                canceller.cancel();
            });
            let error = loop {
                let outcome = if write { tcp.write(&[0; 65536]) } else { tcp.read(&mut [0]) };
                match outcome {
                    Err(error) => break error,
                    Ok(count) => assert!(count > 0),
                }
            };
            assert_eq!(into_error(error).kind(), Kind::Cancelled);
            cancel.join().unwrap();
        }
    }

    #[test]
    fn after_a_cancel_nothing_is_read_or_written() {
        let (mut tcp, mut peer) = pair();
        peer.write_all(b"x").unwrap();
        while !tcp.has_unread() {
            thread::yield_now();
        }
        tcp.canceller().cancel();
        let outcomes = [tcp.peek(&mut [0]), tcp.read(&mut [0]), tcp.write(b"x")];
        for outcome in outcomes {
            assert_eq!(outcome.map_err(|error| into_error(error).kind()), Err(Kind::Cancelled));
        }
    }

    #[test]
    fn unread_bytes_are_seen_and_left() {
        let (mut tcp, mut peer) = pair();
        assert!(!tcp.has_unread());
        peer.write_all(b"x").unwrap();
        while !tcp.has_unread() {
            thread::yield_now();
        }
        assert_eq!(tcp.read(&mut [0; 2]).unwrap(), 1);
    }
}

//! Connecting to the first address of a server that answers: Happy Eyeballs (RFC 8305).

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect as start_connect, getsockopt, socket, sockopt,
};

use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::net::progress::Progress;
use crate::net::tcp::{Tcp, poll_timeout};
use crate::net::{Deadline, above_stdio, is_exhausted, timed_out};

/// How many are tried side by side: as many descriptors of the host's are taken at once.
const MAX_PENDING: usize = 8;

/// How many failures an error tells.
const MAX_TOLD: usize = 8;

/// How long an address may stay silent before the next is tried beside it (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first address that answers.
///
/// Each address that stays silent for `ATTEMPT_DELAY` (less if the deadline would not leave time for all) gets
/// company of the next one, so that one dead address does not use up the time of all. Of [`MAX_PENDING`] that are silent
/// the one that has been so for longest makes room for the next, so that each has its turn before the deadline; the last
/// ones are waited for until then. `on_attempt` is called with each.
pub fn connect(
    addresses: &[SocketAddr],
    source: Option<IpAddr>,
    deadline: Deadline,
    mut progress: Progress,
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
        let wait = progress.slice(left.min(until_next))?;
        for (index, is_connected) in ready(&pending, wait)?.into_iter().rev() {
            let Some((socket, address)) = pending.remove(index) else { continue };
            match finish(socket, is_connected) {
                Ok(socket) => return Ok((Tcp::new(socket, deadline, progress), address)),
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

/// Which attempts have an outcome, after waiting for one at most that long, and whether it is known to be a good one.
fn ready(pending: &VecDeque<(OwnedFd, SocketAddr)>, wait: Duration) -> Result<Vec<(usize, bool)>> {
    let mut polled: Vec<_> = pending.iter().map(|(fd, _)| PollFd::new(fd.as_fd(), PollFlags::POLLOUT)).collect();
    match fork::allowed(|| poll(&mut polled, poll_timeout(wait))) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => {
            return Err(Error::new(Kind::OutOfMemory, "cannot wait for a connection").with_source(error.into()));
        }
    }
    let outcomes = polled.iter().map(|polled| polled.revents().unwrap_or(PollFlags::empty())).enumerate();
    let some = outcomes.filter(|(_, outcome)| !outcome.is_empty());
    // one that has failed is in error or has hung up as well
    Ok(some.map(|(index, outcome)| (index, outcome == PollFlags::POLLOUT)).collect())
}

/// The connected socket, or why it is none.
fn finish(socket: OwnedFd, is_connected: bool) -> io::Result<TcpStream> {
    if !is_connected {
        match getsockopt(&socket, sockopt::SocketError)? {
            0 => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn refused() -> SocketAddr {
        listener().1
    }

    fn in_ten_seconds() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    #[test]
    fn every_address_is_tried_in_order() {
        let (_listener, good) = listener();
        let addresses = [refused(), refused(), good];
        let mut tried = Vec::new();
        let (_, connected) =
            connect(&addresses, None, in_ten_seconds(), Progress::default(), |address| tried.push(*address)).unwrap();
        assert_eq!(connected, good);
        assert_eq!(tried, addresses);
    }

    #[test]
    fn every_failure_is_told() {
        let addresses = [refused(), refused()];
        let error = connect(&addresses, None, in_ten_seconds(), Progress::default(), |_| {}).err().unwrap();
        assert_eq!(error.kind(), Kind::Connect);
        assert!(addresses.iter().all(|address| error.to_string().contains(&address.to_string())), "{error}");
    }

    #[test]
    fn of_many_failures_the_first_are_told() {
        let address = refused();
        let error = connect(&[address; 64], None, in_ten_seconds(), Progress::default(), |_| {}).err().unwrap();
        assert_eq!(error.to_string().matches(&address.to_string()).count(), 8);
        assert!(error.to_string().ends_with("; and 56 more"), "{error}");
        assert!(error.to_string().len() < 1024);
    }
}

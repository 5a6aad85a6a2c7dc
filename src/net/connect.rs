//! Connecting to the first address of a server that answers: Happy Eyeballs (RFC 8305).

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::net::progress::Progress;
use crate::net::socket::Socket;
use crate::net::tcp::Tcp;
use crate::net::{Deadline, is_exhausted, timed_out};

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
    let mut pending: VecDeque<(Socket, SocketAddr)> = VecDeque::with_capacity(MAX_PENDING);
    let mut failures = Failures::default();
    let mut next_attempt = Instant::now();
    loop {
        if pending.is_empty() || Instant::now() >= next_attempt {
            if let Some(address) = untried.next() {
                if pending.len() == MAX_PENDING {
                    pending.pop_front().into_iter().for_each(|(_, address)| failures.tell(&address, &"no answer"));
                }
                on_attempt(address);
                match Socket::begin_connect(address, source) {
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
            match socket.finish_connect(is_connected) {
                Ok(socket) => return Ok((Tcp::new(socket, deadline, progress), address)),
                Err(error) => {
                    failures.add(&address, error);
                    next_attempt = Instant::now();
                }
            }
        }
    }
}

/// Which attempts have an outcome, after waiting for one at most that long, and whether it is known to be a good one.
fn ready(pending: &VecDeque<(Socket, SocketAddr)>, wait: Duration) -> Result<Vec<(usize, bool)>> {
    let sockets: Vec<_> = pending.iter().map(|(socket, _)| socket).collect();
    fork::allowed(|| Socket::outcomes(&sockets, wait))
        .map_err(|error| Error::new(Kind::OutOfMemory, "cannot wait for a connection").with_source(error))
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

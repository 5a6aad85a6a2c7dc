//! Connecting to the first address of a server that answers, and waiting for it.

use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::net::Deadline;
use crate::net::happy_eyeballs::{Attempts, Step};
use crate::net::progress::Progress;
use crate::net::socket::Socket;
use crate::net::tcp::Tcp;

/// Connects to the first address that answers, some of them side by side ([`Attempts`]). `on_attempt` is called with
/// each that is tried.
pub fn connect(
    addresses: &[SocketAddr],
    source: Option<IpAddr>,
    deadline: Deadline,
    mut progress: Progress,
    mut on_attempt: impl FnMut(&SocketAddr),
) -> Result<(Tcp, SocketAddr)> {
    let mut connecting = Connecting::new(addresses, source, deadline);
    loop {
        let time = connecting.begin_due(&mut on_attempt, |_| Ok(()))?;
        let time = progress.slice(time)?;
        if let Some((socket, address)) = connecting.outcome(time, Socket::into_blocking)? {
            return Ok((Tcp::new(socket, deadline, progress), address));
        }
    }
}

/// Connecting to one of these addresses, whoever waits for it.
pub struct Connecting<'a> {
    attempts: Attempts<'a, Socket>,
    source: Option<IpAddr>,
    deadline: Deadline,
}

impl<'a> Connecting<'a> {
    /// To one of these addresses, from that one of ours if one is given.
    pub fn new(addresses: &'a [SocketAddr], source: Option<IpAddr>, deadline: Deadline) -> Connecting<'a> {
        Connecting { attempts: Attempts::new(addresses, deadline, Instant::now()), source, deadline }
    }

    /// Begins the attempts that are due, whose sockets are handed to `watch`. Answers for how long at most an outcome is
    /// to be waited for; an error once there will be none.
    pub fn begin_due(
        &mut self,
        mut on_attempt: impl FnMut(&SocketAddr),
        mut watch: impl FnMut(&mut Socket) -> io::Result<()>,
    ) -> Result<Duration> {
        loop {
            match self.attempts.next_step(Instant::now())? {
                Step::Wait(time) => return Ok(time),
                Step::Begin(address) => {
                    on_attempt(&address);
                    let socket = Socket::begin_connect(&address, self.source);
                    let socket = socket.and_then(|mut socket| watch(&mut socket).map(|()| socket));
                    self.attempts.begun(address, socket, Instant::now());
                }
            }
        }
    }

    /// The first that is connected, after waiting for an outcome at most that long.
    fn outcome(
        &mut self,
        time: Duration,
        ready: impl Fn(Socket) -> io::Result<Socket>,
    ) -> Result<Option<(Socket, SocketAddr)>> {
        let sockets: Vec<_> = self.attempts.pending().collect();
        let outcomes = fork::allowed(|| Socket::outcomes(&sockets, time))
            .map_err(|error| Error::new(Kind::OutOfMemory, "cannot wait for a connection").with_source(error))?;
        for (index, is_connected) in outcomes.into_iter().rev() {
            if let Some(connected) = self.finish(index, is_connected, &ready) {
                return Ok(Some(connected));
            }
        }
        Ok(None)
    }

    /// The first that is connected, without waiting. `is_good` says whether a poller knows of no failure, of the one
    /// socket that there is.
    pub fn outcome_at_once(&mut self, is_good: bool, progress: &mut Progress) -> Result<Option<(Tcp, SocketAddr)>> {
        let connected = match self.attempts.pending().count() {
            // it was for another connection of the same call
            0 => None,
            1 if is_good => self.finish(0, true, &Ok),
            _ => self.outcome(Duration::ZERO, Ok)?,
        };
        Ok(connected.map(|(socket, address)| (Tcp::new(socket, self.deadline, mem::take(progress)), address)))
    }

    /// An attempt that has an outcome, if it is a good one.
    fn finish(
        &mut self,
        index: usize,
        is_connected: bool,
        ready: &impl Fn(Socket) -> io::Result<Socket>,
    ) -> Option<(Socket, SocketAddr)> {
        let (socket, address) = self.attempts.take(index)?;
        match socket.finish_connect(is_connected).and_then(ready) {
            Ok(socket) => Some((socket, address)),
            Err(error) => {
                self.attempts.failed(&address, &error, Instant::now());
                None
            }
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
}

//! Connecting to the first address of a server that answers, and waiting for it.

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
    let mut attempts = Attempts::new(addresses, deadline, Instant::now());
    loop {
        match attempts.next_step(Instant::now())? {
            Step::Begin(address) => {
                on_attempt(&address);
                let socket = Socket::begin_connect(&address, source);
                attempts.begun(address, socket, Instant::now());
            }
            Step::Wait(time) => {
                let time = progress.slice(time)?;
                for (index, is_connected) in outcomes(&attempts, time)?.into_iter().rev() {
                    let Some((socket, address)) = attempts.take(index) else { continue };
                    match socket.finish_connect(is_connected).and_then(Socket::into_blocking) {
                        Ok(socket) => return Ok((Tcp::new(socket, deadline, progress), address)),
                        Err(error) => attempts.failed(&address, &error, Instant::now()),
                    }
                }
            }
        }
    }
}

/// Which attempts have an outcome, after waiting for one at most that long, and whether it is known to be a good one.
fn outcomes(attempts: &Attempts<'_, Socket>, time: Duration) -> Result<Vec<(usize, bool)>> {
    let sockets: Vec<_> = attempts.pending().collect();
    fork::allowed(|| Socket::outcomes(&sockets, time))
        .map_err(|error| Error::new(Kind::OutOfMemory, "cannot wait for a connection").with_source(error))
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

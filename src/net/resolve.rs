//! From a host to its addresses, within a deadline.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::net::address::{Host, Server};
use crate::net::answer::Answer;
use crate::net::progress::Progress;
use crate::net::route::MAX_ADDRESSES;
use crate::net::{Deadline, is_exhausted, seems_exhausted, thread, timed_out};
use crate::text::brief;

/// The addresses of a server, in the order in which the system wants them tried (RFC 6724): of each family as many as may
/// be tried.
pub fn resolve(server: &Server, deadline: Deadline, progress: &mut Progress) -> Result<Vec<SocketAddr>> {
    match &server.host {
        Host::Ip(address) => Ok(vec![SocketAddr::new(*address, server.port)]),
        host => look_up(host.to_string(), server.port, deadline, progress),
    }
}

/// Asks the system, which offers no way to stop waiting: so a thread asks, and is left alone if it takes too long.
fn look_up(host: String, port: u16, deadline: Deadline, progress: &mut Progress) -> Result<Vec<SocketAddr>> {
    let answer = Arc::new(Answer::default());
    let look_up = {
        let (answer, name) = (Arc::clone(&answer), host.clone());
        move || answer.give(ask(&name, port))
    };
    thread::spawn(look_up).map_err(no_thread)?;
    match answer.wait(deadline, progress)?.take() {
        Some(asked) => found(&host, asked),
        None => Err(too_late(&host)),
    }
}

/// Asks the system, for as long as it takes.
pub fn ask(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(first_of_each_family)
}

/// What the system's answer means.
pub fn found(host: &str, asked: io::Result<Vec<SocketAddr>>) -> Result<Vec<SocketAddr>> {
    match asked {
        Ok(addresses) if addresses.is_empty() => Err(not_found(host)),
        Ok(addresses) => Ok(addresses),
        Err(error) if is_exhausted(&error) || seems_exhausted() => {
            Err(Error::new(Kind::OutOfMemory, "the name could not be looked up").with_source(error))
        }
        Err(error) => Err(not_found(host).with_source(error)),
    }
}

/// That the system did not answer within the deadline.
pub fn too_late(host: &str) -> Error {
    timed_out().during(&format!("looking up {}", brief(host.as_bytes())))
}

/// That there is nobody to ask.
pub fn no_thread(error: io::Error) -> Error {
    Error::new(Kind::OutOfMemory, "no thread to look up the name").with_source(error)
}

/// Whatever a name has: a hostile one has thousands.
fn first_of_each_family(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let (mut four, mut six) = (0, 0);
    let mut kept = Vec::new();
    for address in addresses {
        let count = if address.is_ipv4() { &mut four } else { &mut six };
        if *count < MAX_ADDRESSES {
            *count += 1;
            kept.push(address);
        }
    }
    kept
}

fn not_found(host: &str) -> Error {
    Error::new(Kind::HostNotFound, format!("{} has no address", brief(host.as_bytes())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn resolve_text(server: &str) -> Result<Vec<SocketAddr>> {
        resolve(
            &Server::parse(server.as_bytes(), 110)?,
            Deadline::after(Duration::from_secs(20)),
            &mut Progress::default(),
        )
    }

    #[test]
    fn addresses_are_their_own() {
        assert_eq!(resolve_text("127.0.0.1:7").unwrap(), ["127.0.0.1:7".parse().unwrap()]);
        assert_eq!(resolve_text("[::1]:7").unwrap(), ["[::1]:7".parse().unwrap()]);
    }

    #[test]
    fn the_system_knows_localhost() {
        let addresses = resolve_text("localhost:7").unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{addresses:?}");
    }

    #[test]
    fn of_thousands_the_first_of_each_family_are_kept() {
        let four = (1..=5000).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let six = (1..=5000).map(|port| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)));
        let kept = first_of_each_family(four.clone().chain(six));
        assert_eq!(kept.len(), 128);
        assert_eq!(kept[63..65], ["127.0.0.1:64".parse().unwrap(), "[::1]:1".parse().unwrap()]);
        let few = first_of_each_family(four.take(3));
        assert_eq!(few.len(), 3);
        assert!(few.capacity() < 64);
    }

    #[test]
    fn a_label_that_cannot_be() {
        let server = format!("{}.invalid", "x".repeat(64));
        assert_eq!(resolve_text(&server).unwrap_err().kind(), Kind::HostNotFound);
    }
}

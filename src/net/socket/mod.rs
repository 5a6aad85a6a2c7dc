//! A socket that connects without waiting, waits no longer than it is told, and is woken by another thread: what platforms
//! do not have in common. Each file has the same items.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

use std::time::Duration;

/// What a socket is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// That there is something to read, the end included.
    Readable,
    /// That there is room to write to.
    Writable,
}

/// A wait in milliseconds, rounded up, so that one of less than a millisecond is no busy loop.
fn millis(wait: Duration) -> u128 {
    wait.as_nanos().div_ceil(1_000_000)
}

#[cfg(test)]
impl Socket {
    /// One that is connected.
    pub fn connect(address: &std::net::SocketAddr) -> Socket {
        let socket = Socket::begin_connect(address, None).unwrap();
        let outcomes = Socket::outcomes(&[&socket], Duration::from_secs(60)).unwrap();
        let [(_, is_connected)] = outcomes[..] else { panic!("not connected in a minute") };
        socket.finish_connect(is_connected).unwrap().into_blocking().unwrap()
    }
}

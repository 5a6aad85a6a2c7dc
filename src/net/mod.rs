//! Sockets and TLS. Knows nothing of POP3.

pub mod address;
mod answer;
pub mod connect;
pub mod happy_eyeballs;
pub mod poller;
pub mod progress;
pub mod proxy;
pub mod resolve;
pub mod route;
pub mod socket;
pub mod stream;
pub mod tcp;
pub mod thread;
pub mod tls;
pub mod trust;

use std::fs::File;
use std::time::{Duration, Instant};
use std::{error, fmt, io};

use crate::error::{Error, Kind};
use crate::shortage;

/// The point in time at which a wait ends, computed once for a wait however many system calls it takes.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// That long from now.
    pub fn after(timeout: Duration) -> Deadline {
        Deadline(Instant::now()).later(timeout)
    }

    /// That much later; where the clock cannot say it, no later.
    pub fn later(self, by: Duration) -> Deadline {
        Deadline(self.0.checked_add(by).unwrap_or(self.0))
    }

    /// The earlier of the two.
    pub fn or_earlier(self, other: Option<Deadline>) -> Deadline {
        other.map_or(self, |other| Deadline(self.0.min(other.0)))
    }

    /// How much is left, `None` if nothing.
    pub fn remaining(self) -> Option<Duration> {
        self.remaining_at(Instant::now())
    }

    /// How much is left at that time, `None` if nothing.
    pub fn remaining_at(self, now: Instant) -> Option<Duration> {
        self.0.checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

/// Whether the system has run out of something: memory, threads or descriptors.
fn is_exhausted(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|number| socket::EXHAUSTED.contains(&number))
        || error.kind() == io::ErrorKind::OutOfMemory
}

/// The same, asked after something has failed that does not say why, as look-ups and OpenSSL's reading of files.
fn seems_exhausted() -> bool {
    shortage::probably_out_of_memory() || File::open(socket::NULL_DEVICE).is_err_and(|error| is_exhausted(&error))
}

/// That a wait ran past its deadline.
pub fn timed_out() -> Error {
    Error::new(Kind::Timeout, "no answer within the timeout")
}

/// That the host wants no more of it.
#[derive(Debug)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled by the host")
    }
}

impl error::Error for Cancelled {}

impl From<Cancelled> for Error {
    fn from(cancelled: Cancelled) -> Error {
        Error::new(Kind::Cancelled, cancelled.to_string())
    }
}

impl From<Cancelled> for io::Error {
    fn from(cancelled: Cancelled) -> io::Error {
        io::Error::other(cancelled)
    }
}

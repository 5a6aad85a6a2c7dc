//! What Secure Transport reads from and writes to, which keeps the errors of the connection below as they are: Secure
//! Transport has but a few numbers for them, and a handshake that fails takes the connection with it.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::net::tcp::Tcp;
use crate::net::tls::transport::{Transport, TransportState};
use crate::net::tls::unsent::Unsent;

/// The connection below.
pub struct Link {
    pub transport: Transport,
    unsent: Unsent,
    fate: Fate,
}

/// What has become of a connection, to be asked even when it is gone.
#[derive(Clone)]
pub struct Fate(Arc<Mutex<Known>>);

struct Known {
    state: TransportState,
    error: Option<io::Error>,
}

impl Link {
    /// Over a connection whose next byte belongs to TLS.
    pub fn new(tcp: Tcp) -> Link {
        let transport = Transport::new(tcp);
        let fate = Fate(Arc::new(Mutex::new(Known { state: transport.state, error: None })));
        Link { transport, unsent: Unsent::default(), fate }
    }

    /// What will tell its fate.
    pub fn fate(&self) -> Fate {
        self.fate.clone()
    }

    /// Sends what there was no room for; whether that was all.
    pub fn flush_unsent(&mut self) -> io::Result<bool> {
        self.unsent.flush(&mut self.transport)
    }

    /// Keeps the error; answers one by which Secure Transport sees no more than that there was one, or that nothing is there.
    fn keep<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        let mut known = self.fate.known();
        known.state = self.transport.state;
        outcome.map_err(|error| {
            let seen = match error.kind() {
                io::ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
                _ => io::ErrorKind::Other,
            };
            known.error = Some(error);
            seen.into()
        })
    }
}

impl Fate {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has come on the connection.
    pub fn state(&self) -> TransportState {
        self.known().state
    }

    /// The last error of the connection that nobody has taken.
    pub fn take_error(&self) -> Option<io::Error> {
        self.known().error.take()
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = self.transport.read(buffer);
        self.keep(outcome)
    }
}

impl Write for Link {
    /// Takes all, whether there is room for it or not: Secure Transport would keep what it could not send, and there is no
    /// way to have it send that alone.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.unsent.send(&mut self.transport, bytes);
        self.keep(outcome.map(|()| bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::net::progress::Progress;
    use crate::net::socket::Socket;
    use crate::net::tcp::Manner;
    use crate::net::{Cancelled, Deadline};

    fn link() -> (Link, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Socket::connect(&listener.local_addr().unwrap());
        let tcp = Tcp::new(socket, Deadline::after(Duration::from_secs(60)), Progress::default());
        (Link::new(tcp), listener.accept().unwrap().0)
    }

    #[test]
    fn secure_transport_sees_that_nothing_is_there_and_goes_on() {
        let (mut link, _peer) = link();
        let fate = link.fate();
        link.transport.tcp.set_manner(Manner::AtOnce);
        assert_eq!(link.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(fate.take_error().unwrap().kind(), io::ErrorKind::WouldBlock);
        assert!(fate.take_error().is_none() && fate.state() == TransportState::Fresh);
    }

    #[test]
    fn of_other_errors_it_sees_that_there_is_one_and_they_outlive_the_connection() {
        let (mut link, _peer) = link();
        let fate = link.fate();
        link.transport.tcp.canceller().cancel();
        for seen in [link.read(&mut [0]), link.write(b"x")] {
            assert_eq!(seen.unwrap_err().kind(), io::ErrorKind::Other);
        }
        drop(link);
        assert!(fate.take_error().unwrap().get_ref().unwrap().is::<Cancelled>());
    }

    #[test]
    fn what_has_come_is_known_without_the_connection() {
        let (mut link, mut peer) = link();
        let fate = link.fate();
        peer.write_all(b"+OK").unwrap();
        assert_eq!(link.read(&mut [0; 3]).unwrap_err().kind(), io::ErrorKind::Other);
        drop(link);
        assert_eq!(fate.state(), TransportState::ClearText);
    }
}

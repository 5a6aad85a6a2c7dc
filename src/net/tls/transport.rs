//! What lies below TLS: a connection on which the peer must speak TLS.

use std::io::{self, Read, Write};

use crate::error::{Error, Kind};
use crate::net::tcp::Tcp;

/// What a TLS library reads from and writes to: a connection whose first answer must look like TLS.
pub struct Transport {
    /// The connection below.
    pub tcp: Tcp,
    /// What has come on it.
    pub state: TransportState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportState {
    /// Nothing came yet.
    Fresh,
    /// What came looks like TLS.
    Open,
    /// What came first is no TLS.
    ClearText,
    /// The peer closed the connection.
    Ended,
}

impl Transport {
    /// Over a connection whose next byte belongs to TLS.
    pub fn new(tcp: Tcp) -> Transport {
        Transport { tcp, state: TransportState::Fresh }
    }
}

/// That clear text came where the server had to begin with TLS: after STLS, where somebody speaks in its place, or at once.
pub fn clear_text(after_stls: bool) -> Error {
    match after_stls {
        true => Error::new(Kind::BadFormat, "clear text came after STLS where the TLS handshake had to begin"),
        false => Error::new(Kind::Secure, "the server answered in clear text: it speaks no TLS here"),
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.tcp.read(buffer)?;
        match buffer[..count].first() {
            None => self.state = TransportState::Ended,
            // RFC 8446, section 5.1: alert and handshake are the content types that can begin an answer
            Some(21 | 22) if self.state == TransportState::Fresh => self.state = TransportState::Open,
            Some(_) if self.state == TransportState::Fresh => {
                // an error of the transport, so that no TLS library answers it with an alert
                self.state = TransportState::ClearText;
                return Err(io::ErrorKind::InvalidData.into());
            }
            Some(_) => {}
        }
        Ok(count)
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! One connection with a client, in the clear or under TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use openssl::ssl::{ErrorCode, HandshakeError, Ssl, SslContext, SslStream};
use socket2::SockRef;

use crate::recording::Recording;

/// How much is taken from a client that goes on sending while the server closes.
const DRAIN_LIMIT: u64 = 1 << 20;

pub struct Conn {
    transport: Transport,
    recording: Option<Arc<Recording>>,
}

enum Transport {
    Clear(TcpStream),
    Tls(SslStream<TcpStream>),
}

impl Conn {
    pub fn new(tcp: TcpStream, recording: Option<Arc<Recording>>) -> Self {
        Self { transport: Transport::Clear(tcp), recording }
    }

    pub fn tcp(&self) -> &TcpStream {
        match &self.transport {
            Transport::Clear(tcp) => tcp,
            Transport::Tls(tls) => tls.get_ref(),
        }
    }

    pub fn is_tls(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// The handshake. After a failure the connection is still there, in the clear.
    pub fn start_tls(&mut self, context: &SslContext) -> io::Result<()> {
        if self.is_tls() {
            return Err(io::Error::other("TLS within TLS"));
        }
        let tls = Ssl::new(context)?.accept(self.tcp().try_clone()?).map_err(handshake_error)?;
        self.transport = Transport::Tls(tls);
        Ok(())
    }

    /// Closes as one should: close_notify where there is TLS, then FIN.
    pub fn close(mut self) {
        if let Transport::Tls(tls) = &mut self.transport {
            let _ = tls.shutdown(); // the client may be gone already
        }
        self.cut();
    }

    /// Closes with FIN, under TLS without close_notify.
    pub fn cut(self) {
        let _ = self.tcp().shutdown(Shutdown::Write);
        // Closed with bytes unread, the kernel would reset the connection, and what the client has
        // not read yet could be lost. So read what has come.
        if self.tcp().set_nonblocking(true).is_ok() {
            let _ = io::copy(&mut self.take(DRAIN_LIMIT), &mut io::sink());
        }
    }

    /// Closes with RST.
    pub fn reset(self) {
        let _ = SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO));
    }
}

impl Read for Conn {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.transport {
            Transport::Clear(tcp) => tcp.read(buf),
            Transport::Tls(tls) => tls.read(buf),
        }?;
        if let Some(recording) = &self.recording {
            recording.add(&buf[..count]);
        }
        Ok(count)
    }
}

impl Write for Conn {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.transport {
            Transport::Clear(tcp) => tcp.write(buf),
            Transport::Tls(tls) => tls.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // neither transport holds anything back
    }
}

fn handshake_error(error: HandshakeError<TcpStream>) -> io::Error {
    match error {
        HandshakeError::SetupFailure(error) => error.into(),
        HandshakeError::WouldBlock(_) => io::ErrorKind::TimedOut.into(),
        HandshakeError::Failure(handshake) => {
            let error = handshake.into_error();
            match error.code() {
                ErrorCode::SYSCALL | ErrorCode::ZERO_RETURN if error.io_error().is_none() => {
                    io::ErrorKind::UnexpectedEof.into()
                }
                _ => error.into_io_error().unwrap_or_else(io::Error::other),
            }
        }
    }
}

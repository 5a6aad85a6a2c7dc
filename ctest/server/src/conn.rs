//! One connection with a client, in the clear or under TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{ErrorCode, HandshakeError, Ssl, SslContext, SslRef, SslStream, SslVersion};
use socket2::SockRef;

use crate::recording::Recording;
use crate::tls::Handshakes;

/// How much is taken from a client that goes on sending while the server closes.
const DRAIN_LIMIT: u64 = 1 << 20;

pub struct Conn {
    transport: Transport,
    recording: Option<Arc<Recording>>,
}

/// What tells a TLS channel from any other (RFC 5056).
pub struct ChannelBinding {
    pub name: &'static str,
    pub data: Vec<u8>,
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

    /// What the server has to tell the channel by: with TLS 1.3 what both sides derive from the handshake (RFC 9266),
    /// with TLS 1.2 its own certificate, or for a server that knows nothing else the first Finished message (RFC 5929).
    pub fn channel_binding(&self, unique: bool) -> io::Result<Option<ChannelBinding>> {
        match &self.transport {
            Transport::Clear(_) => Ok(None),
            Transport::Tls(tls) if tls.ssl().version2() == Some(SslVersion::TLS1_3) => Ok(Some(exporter(tls.ssl())?)),
            Transport::Tls(tls) if unique => Ok(Some(tls_unique(tls.ssl()))),
            Transport::Tls(tls) => Ok(server_end_point(tls.ssl())?),
        }
    }

    /// The handshake. After a failure the connection is still there, in the clear.
    pub fn start_tls(&mut self, context: &SslContext, handshakes: &Handshakes) -> io::Result<()> {
        if self.is_tls() {
            return Err(io::Error::other("TLS within TLS"));
        }
        let tls = Ssl::new(context)?.accept(self.tcp().try_clone()?).map_err(handshake_error)?;
        handshakes.add(tls.ssl().session_reused());
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

fn exporter(ssl: &SslRef) -> Result<ChannelBinding, ErrorStack> {
    let mut data = vec![0; 32];
    ssl.export_keying_material(&mut data, "EXPORTER-Channel-Binding", Some(&[]))?;
    Ok(ChannelBinding { name: "tls-exporter", data })
}

/// The client's Finished message comes first, unless a session is resumed.
fn tls_unique(ssl: &SslRef) -> ChannelBinding {
    let mut data = vec![0; 64];
    let length = if ssl.session_reused() { ssl.finished(&mut data) } else { ssl.peer_finished(&mut data) };
    data.truncate(length);
    ChannelBinding { name: "tls-unique", data }
}

fn server_end_point(ssl: &SslRef) -> Result<Option<ChannelBinding>, ErrorStack> {
    let Some(cert) = ssl.certificate() else { return Ok(None) };
    // the digest of its signature; there are no others among the certificates here
    let digest = match cert.signature_algorithm().object().nid() {
        Nid::ECDSA_WITH_SHA256 => MessageDigest::sha256(),
        Nid::ECDSA_WITH_SHA384 => MessageDigest::sha384(),
        _ => return Ok(None),
    };
    Ok(Some(ChannelBinding { name: "tls-server-end-point", data: cert.digest(digest)?.to_vec() }))
}

pub fn handshake_error(error: HandshakeError<TcpStream>) -> io::Error {
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

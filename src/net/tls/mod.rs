//! TLS by OpenSSL: the only folder that names it beside `crypto.rs`. Another platform's TLS is another one beside this.
//!
//! This file shakes hands, reads and writes; `context` has whom to believe, `identity` what the client proves itself
//! with, `facts` what is told of the outcome.

mod context;
mod facts;
mod identity;

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{self, ErrorCode, Ssl, SslSession, SslStream, SslVersion};
use openssl::x509::X509VerifyResult;
use openssl::x509::verify::X509CheckFlags;

use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::net::tcp::{self, Tcp};
use crate::net::tls::context::{Context, context};
use crate::net::tls::identity::ClientCertificate;
use crate::net::trust::Trust;
use crate::openssl_errors;

pub use facts::Facts;
pub use identity::Identity;

/// X509_V_ERR_OUT_OF_MEM, which the crate has no name for.
const OUT_OF_MEMORY: i32 = 17;

/// What TLS must be like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom to believe that it is the server.
    pub trust: Trust,
    /// The oldest version that will do.
    pub oldest: Version,
    /// The name to send and to verify, if it is not the server's.
    pub name: Option<Host>,
    /// What the client proves itself with, if the server asks.
    pub identity: Option<Identity>,
    /// The SHA-256 digest of the only certificate that the server may have, whatever its chain, names and dates.
    pub fingerprint: Option<[u8; 32]>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0 (RFC 2246), for old appliances alone
    Tls10,
    /// 1.1 (RFC 4346), for old appliances alone
    Tls11,
    /// 1.2 (RFC 5246)
    Tls12,
    /// 1.3 (RFC 8446)
    Tls13,
}

/// Settings with all that they name at hand, for connections to one server.
pub struct Setup {
    context: Arc<Context>,
    oldest: Version,
    host: Host,
    certificate: Option<ClientCertificate>,
}

/// All that decides who is trusted, and who the client is: a session is resumed only where this is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    context: u64,
    oldest: Version,
    host: String,
    certificate: Option<Vec<u8>>,
}

/// A session to be resumed by a later connection.
#[derive(Clone)]
pub struct Session {
    session: SslSession,
    context: u64,
}

impl Setup {
    /// Reads the files that the settings name.
    pub fn new(settings: &Settings, server: &Host) -> Result<Setup> {
        Ok(Setup {
            context: context(&settings.trust)?,
            oldest: settings.oldest,
            host: settings.name.as_ref().unwrap_or(server).clone(),
            certificate: settings.identity.as_ref().map(ClientCertificate::load).transpose()?,
        })
    }

    /// What a session that is made with it may be resumed for.
    pub fn key(&self) -> Result<Key> {
        Ok(Key {
            context: self.context.id,
            oldest: self.oldest,
            // names are the same in any letter case
            host: self.host.to_string().to_ascii_lowercase(),
            certificate: self.certificate.as_ref().map(ClientCertificate::fingerprint).transpose()?,
        })
    }
}

/// A TLS connection.
pub struct Tls {
    stream: SslStream<Transport>,
    context: Arc<Context>,
}

impl Tls {
    /// Shakes hands within the deadline that `tcp` has, and verifies the peer where the setup wants it. An earlier
    /// session is resumed if it was made with the same [`Key`] and the server remembers it.
    ///
    /// Clear text in answer is [`Kind::BadFormat`] where `clear_before`, since then somebody speaks in the server's
    /// place, and [`Kind::Secure`] else.
    pub fn handshake(setup: &Setup, earlier: Option<&Session>, tcp: Tcp, clear_before: bool) -> Result<Tls> {
        // whatever the host's own use of OpenSSL left in this thread's queue would be taken for ours
        ErrorStack::get();
        let mut ssl = prepare(setup).map_err(broken)?;
        if let Some(certificate) = &setup.certificate {
            certificate.present(&mut ssl)?;
        }
        if let Some(earlier) = earlier.filter(|earlier| earlier.context == setup.context.id) {
            resume(&mut ssl, &earlier.session).map_err(broken)?;
        }
        let transport = Transport { tcp, state: TransportState::Fresh };
        let mut stream = SslStream::new(ssl, transport).map_err(broken)?;
        match stream.connect() {
            Ok(()) => Ok(Tls { stream, context: Arc::clone(&setup.context) }),
            Err(error) => Err(handshake_error(setup, error, &stream, clear_before)),
        }
    }

    /// The connection below.
    pub fn tcp(&self) -> &Tcp {
        &self.stream.get_ref().tcp
    }

    /// The connection below, to be given another deadline.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        &mut self.stream.get_mut().tcp
    }

    /// Reads what has come; 0 is the end that the peer announced.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.run(|stream| stream.ssl_read(buffer))
    }

    /// Reads what is there where the connection below does not wait; 0 as with [`Tls::read`], `None` where nothing is.
    pub fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match self.attempt(|stream| stream.ssl_read(buffer)) {
            Err(error) if error.code() == ErrorCode::WANT_READ => Ok(None),
            // some do not announce it
            Err(_) if self.stream.get_ref().state == TransportState::Ended => Ok(Some(0)),
            read => read.map(Some).map_err(|error| session_error(error, self.stream.get_ref().state)),
        }
    }

    /// Writes at least one byte.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.run(|stream| stream.ssl_write(bytes))
    }

    /// The session, to be resumed by a later connection. With TLS 1.3 the server gives it out when it likes, as a rule
    /// before its first word.
    pub fn session(&self) -> Option<Session> {
        let session = self.stream.ssl().session()?.to_owned();
        Some(Session { session, context: self.context.id })
    }

    /// Tells the peer that nothing more will come, without waiting for its answer.
    pub fn close_notify(&mut self) {
        // the session is over whether the peer hears of it or not
        let _ = self.run(|stream| stream.shutdown().map(|_| 0));
    }

    /// What tells this channel from any other, the best first: `tls-exporter` (RFC 9266) with TLS 1.3; below it
    /// `tls-server-end-point` and, for servers that know nothing else, `tls-unique` (RFC 5929).
    pub fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let ssl = self.stream.ssl();
        if ssl.version2() == Some(SslVersion::TLS1_3) {
            let mut data = vec![0; 32];
            ssl.export_keying_material(&mut data, "EXPORTER-Channel-Binding", Some(b"")).map_err(broken)?;
            return Ok(vec![("tls-exporter", data)]);
        }
        let end_point = self.end_point()?.map(|data| ("tls-server-end-point", data));
        Ok(end_point.into_iter().chain(self.unique().map(|data| ("tls-unique", data))).collect())
    }

    /// RFC 5929, section 4.
    fn end_point(&self) -> Result<Option<Vec<u8>>> {
        let Some(certificate) = self.stream.ssl().peer_certificate() else { return Ok(None) };
        let signature = certificate.signature_algorithm().object().nid().signature_algorithms();
        let digest = match signature.map(|algorithms| algorithms.digest) {
            // section 4.1: too weak ones are replaced
            Some(Nid::MD5 | Nid::SHA1) => Some(MessageDigest::sha256()),
            Some(digest) => MessageDigest::from_nid(digest),
            None => None,
        };
        let Some(digest) = digest else { return Ok(None) };
        certificate.digest(digest).map(|digest| Some(digest.to_vec())).map_err(broken)
    }

    /// RFC 5929, section 3: the first Finished message, which is the server's where a session was resumed. It tells one
    /// channel from another only with an extended master secret (RFC 7627).
    fn unique(&self) -> Option<Vec<u8>> {
        let ssl = self.stream.ssl();
        if ssl.extms_support() != Some(true) {
            return None;
        }
        let mut data = vec![0; 64];
        let length = if ssl.session_reused() { ssl.peer_finished(&mut data) } else { ssl.finished(&mut data) };
        data.truncate(length);
        (length > 0).then_some(data)
    }

    /// What is known of the connection.
    pub fn facts(&self) -> Facts {
        let ssl = self.stream.ssl();
        Facts {
            version: ssl.version_str(),
            cipher: ssl.current_cipher().map_or("no cipher", |cipher| cipher.name()),
            resumed: ssl.session_reused(),
            verified: self.context.trust != Trust::Anyone,
            certificate: ssl.peer_certificate(),
        }
    }

    fn run(&mut self, work: impl FnMut(&mut SslStream<Transport>) -> Result<usize, ssl::Error>) -> Result<usize> {
        self.attempt(work).map_err(|error| session_error(error, self.stream.get_ref().state))
    }

    fn attempt(
        &mut self,
        mut work: impl FnMut(&mut SslStream<Transport>) -> Result<usize, ssl::Error>,
    ) -> Result<usize, ssl::Error> {
        ErrorStack::get();
        loop {
            match work(&mut self.stream) {
                Ok(count) => return Ok(count),
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => return Ok(0),
                // a record that held no data of ours: openssl wants to be called again
                Err(error) if error.code() == ErrorCode::WANT_READ && error.io_error().is_none() => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn prepare(setup: &Setup) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(&setup.context.ssl)?;
    if setup.oldest == Version::Tls13 {
        ssl.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    }
    if let Host::Name(name) = &setup.host {
        // RFC 6066, section 3: without the dot that ends it, and never an address
        ssl.set_hostname(name.trim_end_matches('.'))?;
    }
    if setup.context.trust == Trust::Anyone {
        return Ok(ssl);
    }
    let param = ssl.param_mut();
    // RFC 6125, section 6.4: the names of the certificate count, its subject does not
    param.set_hostflags(X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match &setup.host {
        Host::Name(name) => param.set_host(name.trim_end_matches('.'))?,
        Host::Ip(address) => param.set_ip(*address)?,
        Host::Zoned(address, _) => param.set_ip(IpAddr::V6(*address))?,
    }
    Ok(ssl)
}

/// Offers the server to go on with a session of the same context.
#[allow(unsafe_code)]
fn resume(ssl: &mut Ssl, session: &SslSession) -> Result<(), ErrorStack> {
    // SAFETY: the crate wants the session to be of the context that `ssl` is of; the caller has compared their ids, of
    // which there are no two alike
    unsafe { ssl.set_session(session) }
}

fn handshake_error(setup: &Setup, error: ssl::Error, stream: &SslStream<Transport>, clear_before: bool) -> Error {
    let (ssl, state) = (stream.ssl(), stream.get_ref().state);
    let verified = ssl.verify_result();
    if setup.context.trust != Trust::Anyone && verified != X509VerifyResult::OK {
        let kind = match error.ssl_error() {
            _ if verified.as_raw() == OUT_OF_MEMORY => Kind::OutOfMemory,
            Some(stack) => openssl_errors::kind(Kind::Secure, stack),
            None => Kind::Secure,
        };
        let refused = facts::refusal(ssl, &setup.host);
        let mut text = format!("the server's certificate was refused: {refused}");
        if !setup.context.unusable.is_empty() {
            text = format!("{text}; not used: {}", setup.context.unusable.join(", "));
        }
        return Error::new(kind, text);
    }
    match state {
        TransportState::ClearText if clear_before => {
            Error::new(Kind::BadFormat, "clear text came after STLS where the TLS handshake had to begin")
        }
        TransportState::ClearText => {
            Error::new(Kind::Secure, "the server answered in clear text: it speaks no TLS here")
        }
        _ => session_error(error, state).during("TLS handshake"),
    }
}

fn session_error(error: ssl::Error, state: TransportState) -> Error {
    match error.into_io_error() {
        Ok(error) => tcp::into_error(error),
        Err(_) if state == TransportState::Ended => {
            Error::new(Kind::ConnectionLost, "the server closed the connection")
        }
        Err(error) => match error.ssl_error() {
            Some(stack) => Error::new(openssl_errors::kind(Kind::Secure, stack), openssl_errors::describe(stack)),
            None => Error::new(Kind::Secure, error.to_string()),
        },
    }
}

/// That TLS could not even begin.
fn broken(stack: ErrorStack) -> Error {
    openssl_errors::error(Kind::Secure, "TLS cannot be set up", &stack)
}

/// What OpenSSL reads from and writes to: a socket whose first answer must look like TLS.
struct Transport {
    tcp: Tcp,
    state: TransportState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransportState {
    /// Nothing came yet.
    Fresh,
    /// What came looks like TLS.
    Open,
    /// What came first is no TLS.
    ClearText,
    /// The peer closed the connection.
    Ended,
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.tcp.read(buffer)?;
        match buffer[..count].first() {
            None => self.state = TransportState::Ended,
            // RFC 8446, section 5.1: alert and handshake are the content types that can begin an answer
            Some(21 | 22) if self.state == TransportState::Fresh => self.state = TransportState::Open,
            Some(_) if self.state == TransportState::Fresh => {
                // an error of the transport, so that OpenSSL does not answer it with an alert
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

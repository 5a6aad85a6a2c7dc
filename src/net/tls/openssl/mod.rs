//! TLS by OpenSSL. Nothing outside this folder names its crate.
//!
//! This file shakes hands, reads and writes; `store` has the trust anchors, `client_certificate` what the server may ask
//! for, `judge` who is believed though OpenSSL would not and the other way round, `ciphers` what is offered, `session` what
//! is resumed later, `errors` what OpenSSL says when it fails.

mod ciphers;
mod client_certificate;
mod errors;
mod judge;
mod platform_store;
mod session;
mod store;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::ssl::{self, ErrorCode, ShutdownState, Ssl, SslRef, SslStream, SslVersion};
use openssl::x509::verify::X509CheckFlags;
use openssl::x509::{X509, X509Ref, X509VerifyResult};

use self::ciphers::Ciphers;
use self::errors::setup_error;
use self::judge::Judge;
use self::session::Resumable;
use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::net::tcp::{self, Tcp};
use crate::net::tls::certificate::Certificate;
use crate::net::tls::connector::TlsConnector;
use crate::net::tls::contexts::Context;
use crate::net::tls::lifetime::Lifetime;
use crate::net::tls::refusal::{Reason, not_pinned};
use crate::net::tls::transport::{Transport, TransportState, clear_text};
use crate::net::tls::{Shaken, TlsInfo, Version};
use crate::net::trust::Trust;

pub use self::client_certificate::ClientCertificate;
pub use self::store::{Store, StoreBuilder};

/// A session to be resumed by a later connection.
pub type Session = crate::net::tls::session::Session<Resumable>;

// X509_V_ERR_*, which the crate has no names for.
const UNABLE_TO_GET_ISSUER: i32 = 2;
const CERT_NOT_YET_VALID: i32 = 9;
const CERT_HAS_EXPIRED: i32 = 10;
const OUT_OF_MEMORY: i32 = 17;
const SELF_SIGNED: i32 = 18;
const SELF_SIGNED_IN_CHAIN: i32 = 19;
const UNABLE_TO_GET_ISSUER_LOCALLY: i32 = 20;
const UNABLE_TO_VERIFY_LEAF: i32 = 21;
const HOSTNAME_MISMATCH: i32 = 62;
const IP_ADDRESS_MISMATCH: i32 = 64;
const EE_KEY_TOO_SMALL: i32 = 66;

/// The newest version that there is.
pub const NEWEST: Version = Version::Tls13;

/// The certificate of the peer.
pub struct PeerCertificate(X509);

impl PeerCertificate {
    /// Takes it out of OpenSSL's hands.
    pub fn read(&self) -> Result<Certificate> {
        read(&self.0).map_err(|stack| errors::error(Kind::Secure, "the server's certificate cannot be read", &stack))
    }
}

/// A TLS handshake under way.
pub struct Handshake<'a> {
    stream: SslStream<Transport>,
    connector: &'a TlsConnector,
    /// The session that is to be resumed.
    earlier: Option<&'a Session>,
    clear_before: bool,
}

impl<'a> Handshake<'a> {
    /// Begins one, within the deadline that `tcp` has: nothing is sent yet. An earlier session is resumed if it was made
    /// with the same [`Key`](crate::net::tls::Key) and the server remembers it.
    ///
    /// Clear text in answer is [`Kind::BadFormat`] where `clear_before`, since then somebody speaks in the server's
    /// place, and [`Kind::Secure`] else.
    pub fn new(
        connector: &'a TlsConnector,
        earlier: Option<&'a Session>,
        tcp: Tcp,
        clear_before: bool,
    ) -> Result<Handshake<'a>> {
        // whatever the host's own use of OpenSSL left in this thread's queue would be taken for ours
        ErrorStack::get();
        let mut ssl = prepare(connector).map_err(setup_error)?;
        Judge { fingerprint: connector.fingerprint, context: Arc::clone(&connector.context) }.appoint(&mut ssl)?;
        if let Some(certificate) = &connector.certificate {
            certificate.present(&mut ssl)?;
        }
        let earlier = earlier.filter(|earlier| earlier.may_resume(connector.context.id));
        if let Some(earlier) = earlier {
            earlier.kept().resume(&mut ssl).map_err(setup_error)?;
        }
        let stream = SslStream::new(ssl, Transport::new(tcp)).map_err(setup_error)?;
        Ok(Handshake { stream, connector, earlier, clear_before })
    }

    /// The connection below.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        &mut self.stream.get_mut().tcp
    }

    /// Goes on until it is done, the peer verified where the connector wants it, or until the connection below would have
    /// to wait and does not.
    pub fn go_on(mut self) -> Result<Shaken<Self, Tls>> {
        ErrorStack::get();
        match self.stream.connect() {
            Ok(()) => self.finish().map(Shaken::Done),
            Err(error) if is_waiting(&error) => Ok(Shaken::Waits(self)),
            Err(error) => Err(handshake_error(self.connector, error, &self.stream, self.clear_before)),
        }
    }

    fn finish(self) -> Result<Tls> {
        let Handshake { stream, connector, earlier, .. } = self;
        let verified = check_peer(connector, stream.ssl())?;
        let lifetime = match earlier.filter(|_| stream.ssl().session_reused()) {
            Some(earlier) => earlier.lifetime(),
            None => Lifetime::new(connector.certificates_hold(stream.ssl()).map_err(setup_error)?),
        };
        Ok(Tls { stream, context: Arc::clone(&connector.context), verified, lifetime })
    }
}

/// Whether the connection below would have had to wait, and has not.
fn is_waiting(error: &ssl::Error) -> bool {
    error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// A TLS connection.
pub struct Tls {
    stream: SslStream<Transport>,
    context: Arc<Context>,
    /// Whether the server has shown a certificate that is believed, in this handshake or in the one that is resumed.
    verified: bool,
    lifetime: Lifetime,
}

impl Drop for Tls {
    /// That a connection ends without a word, as after a cancel, is no reason not to resume its session: OpenSSL would spoil
    /// it, also where it is kept for later connections. Nothing is sent by this.
    fn drop(&mut self) {
        self.stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
    }
}

impl Tls {
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
            Err(error) if is_waiting(&error) => Ok(None),
            // some do not announce it
            Err(_) if self.stream.get_ref().state == TransportState::Ended => Ok(Some(0)),
            read => read.map(Some).map_err(|error| session_error(error, self.stream.get_ref().state)),
        }
    }

    /// Writes at least one byte; `None` where there is no room and the connection below does not wait: then the same is to
    /// be written again.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        match self.attempt(|stream| stream.ssl_write(bytes)) {
            Err(error) if is_waiting(&error) => Ok(None),
            written => written.map(Some).map_err(|error| session_error(error, self.stream.get_ref().state)),
        }
    }

    /// Writes what is kept of what was written before, which is nothing here; whether that was all.
    pub fn flush(&mut self) -> Result<bool> {
        Ok(true)
    }

    /// The session, to be resumed by a later connection. With TLS 1.3 the server gives it out when it likes, as a rule
    /// before its first word.
    pub fn session(&self) -> Option<Session> {
        let kept = Resumable::of(self.stream.ssl())?;
        Some(Session::new(kept, self.context.id, self.lifetime))
    }

    /// Tells the peer that nothing more will come, without waiting for its answer.
    pub fn close_notify(&mut self) {
        // the session is over whether the peer gets it or not
        let _ = self.run(|stream| stream.shutdown().map(|_| 0));
    }

    /// Channel bindings (RFC 5056), the best first: `tls-exporter` (RFC 9266) with TLS 1.3; below it
    /// `tls-server-end-point` and, for servers that know nothing else, `tls-unique` (RFC 5929).
    pub fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let ssl = self.stream.ssl();
        if ssl.version2() == Some(SslVersion::TLS1_3) {
            let mut data = vec![0; 32];
            ssl.export_keying_material(&mut data, "EXPORTER-Channel-Binding", Some(b"")).map_err(setup_error)?;
            return Ok(vec![("tls-exporter", data)]);
        }
        let certificate =
            ssl.peer_certificate().map(|certificate| read(&certificate)).transpose().map_err(setup_error)?;
        let end_point = certificate.and_then(|certificate| certificate.end_point_binding());
        let end_point = end_point.map(|data| ("tls-server-end-point", data));
        Ok(end_point.into_iter().chain(self.unique().map(|data| ("tls-unique", data))).collect())
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
    pub fn info(&self) -> TlsInfo {
        let ssl = self.stream.ssl();
        TlsInfo {
            version: ssl.version_str(),
            cipher: ssl.current_cipher().map_or("no cipher", |cipher| cipher.name()).into(),
            resumed: ssl.session_reused(),
            verified: self.verified,
            certificate: ssl.peer_certificate().map(PeerCertificate),
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

fn prepare(connector: &TlsConnector) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(&connector.context.store.ssl)?;
    if let Some(ciphers) = &connector.context.store.ciphers {
        ciphers.set(&mut ssl)?;
    }
    set_oldest(&mut ssl, connector)?;
    if let Host::Name(name) = &connector.host {
        // SNI (RFC 6066, section 3): without the dot that ends it, and never an address
        ssl.set_hostname(name.trim_end_matches('.'))?;
    }
    if connector.context.trust == Trust::Anyone {
        return Ok(ssl);
    }
    let param = ssl.param_mut();
    // RFC 6125, section 6.4: the names of the certificate count, its subject does not
    param.set_hostflags(X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match &connector.host {
        Host::Name(name) => param.set_host(name.trim_end_matches('.'))?,
        Host::Ip(address) => param.set_ip(*address)?,
        Host::Zoned(address, _) => param.set_ip(IpAddr::V6(*address))?,
    }
    Ok(ssl)
}

/// The oldest version, whatever OpenSSL's configuration says, unless that wants a newer one.
fn set_oldest(ssl: &mut SslRef, connector: &TlsConnector) -> Result<(), ErrorStack> {
    let oldest = match connector.oldest {
        Version::Tls12 if connector.context.store.tls13_only => SslVersion::TLS1_3,
        Version::Tls10 => SslVersion::TLS1,
        Version::Tls11 => SslVersion::TLS1_1,
        Version::Tls12 => SslVersion::TLS1_2,
        Version::Tls13 => SslVersion::TLS1_3,
    };
    if connector.oldest < Version::Tls12 {
        Ciphers::set_old(ssl)?;
    }
    ssl.set_min_proto_version(Some(oldest))
}

/// What must be so after every handshake, a resumed one too, whatever suites and callbacks led there: whether the peer
/// was verified.
fn check_peer(connector: &TlsConnector, ssl: &SslRef) -> Result<bool> {
    if !connector.verifies() {
        return Ok(false);
    }
    let Some(certificate) = ssl.peer_certificate() else {
        return Err(Error::new(Kind::Secure, "the server showed no certificate"));
    };
    match connector.fingerprint {
        Some(wanted) if !judge::is(&certificate, &wanted) => Err(not_pinned(read(&certificate).ok().as_ref(), &wanted)),
        _ if ssl.verify_result() != X509VerifyResult::OK => {
            Err(Error::new(Kind::Secure, format!("the server's certificate was refused: {}", ssl.verify_result())))
        }
        _ => Ok(true),
    }
}

impl TlsConnector {
    /// How long the certificates of a full handshake are valid yet, where that matters.
    fn certificates_hold(&self, ssl: &SslRef) -> Result<Option<Duration>, ErrorStack> {
        if self.fingerprint.is_some() || self.context.trust == Trust::Anyone {
            return Ok(None);
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Asn1Time::from_unix(now.as_secs().try_into().unwrap_or(i32::MAX.into()))?;
        let mut shortest = None;
        for certificate in ssl.verified_chain().into_iter().flatten() {
            let left = now.diff(certificate.not_after())?;
            let seconds = i64::from(left.days) * 24 * 60 * 60 + i64::from(left.secs);
            let left = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
            shortest = Some(shortest.map_or(left, |shortest: Duration| shortest.min(left)));
        }
        // certificates that are not known hold for no time
        Ok(shortest.or(Some(Duration::ZERO)))
    }
}

fn handshake_error(
    connector: &TlsConnector,
    error: ssl::Error,
    stream: &SslStream<Transport>,
    clear_before: bool,
) -> Error {
    let (ssl, state) = (stream.ssl(), stream.get_ref().state);
    let verified = ssl.verify_result();
    if connector.verifies() && verified != X509VerifyResult::OK {
        let kind = match error.ssl_error() {
            _ if verified.as_raw() == OUT_OF_MEMORY => Kind::OutOfMemory,
            Some(stack) => errors::kind(Kind::Secure, stack),
            None => Kind::Secure,
        };
        if let Some(wanted) = connector.fingerprint.filter(|_| kind == Kind::Secure) {
            return not_pinned(leaf(ssl).and_then(|leaf| read(leaf).ok()).as_ref(), &wanted);
        }
        let certificate = leaf(ssl).and_then(|leaf| read(leaf).ok());
        return Error::new(kind, connector.refusal(certificate.as_ref(), reason(verified)));
    }
    match state {
        TransportState::ClearText => clear_text(clear_before),
        _ => session_error(error, state).during("TLS handshake"),
    }
}

fn reason(result: X509VerifyResult) -> Reason {
    match result.as_raw() {
        CERT_NOT_YET_VALID => Reason::NotYetValid,
        CERT_HAS_EXPIRED => Reason::Expired,
        HOSTNAME_MISMATCH | IP_ADDRESS_MISMATCH => Reason::NameMismatch,
        EE_KEY_TOO_SMALL => Reason::WeakKey,
        UNABLE_TO_GET_ISSUER
        | SELF_SIGNED
        | SELF_SIGNED_IN_CHAIN
        | UNABLE_TO_GET_ISSUER_LOCALLY
        | UNABLE_TO_VERIFY_LEAF => Reason::UnknownAuthority(result.error_string()),
        _ => Reason::Other(result.error_string()),
    }
}

/// The certificate that was looked at in this handshake.
fn leaf(ssl: &SslRef) -> Option<&X509Ref> {
    ssl.verified_chain().and_then(|chain| chain.get(0))
}

fn read(certificate: &X509Ref) -> Result<Certificate, ErrorStack> {
    certificate.to_der().map(Certificate::from_der)
}

fn session_error(error: ssl::Error, state: TransportState) -> Error {
    match error.into_io_error() {
        Ok(error) => tcp::into_error(error),
        Err(_) if state == TransportState::Ended => Error::closed(),
        Err(error) => match error.ssl_error() {
            Some(stack) => Error::new(errors::kind(Kind::Secure, stack), errors::describe(stack)),
            None => Error::new(Kind::Secure, error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Deadline;
    use crate::net::progress::Progress;
    use crate::net::tls::{TlsOptions, context};
    use crate::net::trust::Authorities;

    /// What [`check_peer`] says of a connection on which no certificate has been shown.
    fn check(trust: Trust, fingerprint: Option<[u8; 32]>) -> Result<bool> {
        let options = TlsOptions { trust, oldest: Version::Tls12, name: None, identity: None, fingerprint };
        let host = Host::parse(b"mail.test").unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        let context = context(options.anchors().unwrap(), deadline, &mut Progress::default()).unwrap();
        let connector = TlsConnector::new(&options, &host, context).unwrap();
        check_peer(&connector, &Ssl::new(&connector.context.store.ssl).unwrap())
    }

    #[test]
    fn verifying_takes_a_certificate() {
        let verified = Trust::Verified { platform: false, own: Authorities::None };
        for (trust, fingerprint) in [(verified, None), (Trust::Anyone, Some([0; 32]))] {
            let error = check(trust, fingerprint).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Secure, "the server showed no certificate"));
        }
        assert!(!check(Trust::Anyone, None).unwrap(), "nobody was verified");
    }
}

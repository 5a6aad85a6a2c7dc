//! TLS as the rest of the library sees it, the same on every platform.
//!
//! The work is done by the platform's own library: OpenSSL, Schannel or Secure Transport, each in its folder, which are
//! chosen between here and nowhere else. Each has the same items: `NEWEST`, `StoreBuilder` and `Store`,
//! `ClientCertificate`, [`Tls`], [`Session`], [`PeerCertificate`].

mod certificate;
mod connector;
mod contexts;
mod identity;
mod lifetime;
mod refusal;
mod session;
mod transport;

// what OpenSSL does by itself; where only Linux is built for (packaging/trim.sh) there are no crates for it
#[cfg(any(windows, target_vendor = "apple", all(test, not(trimmed))))]
mod own_checks;
#[cfg(any(windows, target_vendor = "apple", all(test, not(trimmed))))]
mod pkcs12;
#[cfg(any(windows, target_vendor = "apple", all(test, not(trimmed))))]
mod unsent;

#[cfg(all(unix, not(target_vendor = "apple")))]
mod openssl;
#[cfg(windows)]
mod schannel;
// what is decided over Apple's calls is tested on any Unix
#[cfg(any(target_vendor = "apple", all(test, unix, not(trimmed))))]
mod secure_transport;

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::net::trust::Trust;
use crate::shortage;

#[cfg(all(unix, not(target_vendor = "apple")))]
use self::openssl as platform;
#[cfg(windows)]
use self::schannel as platform;
#[cfg(target_vendor = "apple")]
use self::secure_transport as platform;

pub use self::certificate::Certificate;
pub use self::connector::{Key, TlsConnector};
pub use self::contexts::{Context, context, ready};
pub use self::identity::Identity;
pub use self::platform::{Handshake, NEWEST, PeerCertificate, Session, Tls};

/// How far a handshake is.
pub enum Shaken<H, T> {
    /// It is done.
    Done(T),
    /// It waits for the peer, or for room to write to.
    Waits(H),
    /// It goes on when that has been done, which takes long: another thread is to do it.
    #[cfg(windows)]
    Lacks(H, Box<dyn FnOnce() + Send>),
}

/// The TLS options of a connection.
#[derive(Clone, Debug)]
pub struct TlsOptions {
    /// Whose certificates are trusted: the trust anchors.
    pub trust: Trust,
    /// The oldest version that will do.
    pub oldest: Version,
    /// The name to send as SNI and to verify, if it is not the server's.
    pub name: Option<Host>,
    /// The client certificate, if the server asks for one.
    pub identity: Option<Identity>,
    /// Certificate pinning: the SHA-256 digest of the only certificate that the server may have, whatever its chain, names
    /// and dates.
    pub fingerprint: Option<[u8; 32]>,
}

impl TlsOptions {
    /// The trust anchors for which a context is wanted; refused where this platform cannot do what the options say.
    pub fn anchors(&self) -> Result<&Trust> {
        self.oldest.check(platform::NEWEST)?;
        // with a pinned certificate no trust anchor is looked at
        Ok(if self.fingerprint.is_some() { &Trust::Anyone } else { &self.trust })
    }
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

impl Version {
    /// Refuses it where the newest that there is, as [`NEWEST`] of the platform's library, is older.
    pub fn check(self, newest: Version) -> Result<()> {
        if self > newest {
            return Err(Error::new(Kind::Unsupported, "this platform's TLS library has no TLS 1.3"));
        }
        Ok(())
    }

    /// As OpenSSL calls it.
    pub fn name(self) -> &'static str {
        match self {
            Version::Tls10 => "TLSv1",
            Version::Tls11 => "TLSv1.1",
            Version::Tls12 => "TLSv1.2",
            Version::Tls13 => "TLSv1.3",
        }
    }
}

/// More than a certificate has in PEM: no library takes a chain of more than 100 KiB.
const LARGEST_PEM: usize = 256 * 1024;

/// What is known of a TLS connection.
pub struct TlsInfo {
    /// The version, as "TLSv1.3".
    pub version: &'static str,
    /// The cipher suite.
    pub cipher: Cow<'static, str>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// Whether the peer's certificate and name were verified.
    pub verified: bool,
    /// The peer's certificate, if it sent one: read only when somebody asks, since each connection has this.
    pub certificate: Option<PeerCertificate>,
}

impl TlsInfo {
    /// The peer's certificate in PEM, empty if it sent none.
    pub fn peer_pem(&self) -> Result<Vec<u8>> {
        let Some(certificate) = &self.certificate else { return Ok(Vec::new()) };
        if !shortage::has(LARGEST_PEM) {
            return Err(Error::new(Kind::OutOfMemory, "no memory for the server's certificate"));
        }
        certificate.read().map(|certificate| certificate.to_pem())
    }
}

impl fmt::Display for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resumed = if self.resumed { ", resumed" } else { "" };
        let verified = if self.verified { "verified" } else { "not verified" };
        write!(f, "{}, {}{resumed}, certificate {verified}", self.version, self.cipher)?;
        match self.certificate.as_ref().map(PeerCertificate::read) {
            Some(Ok(certificate)) => write!(f, ": {certificate}"),
            Some(Err(error)) => write!(f, ": {error}"),
            None => f.write_str(": none was sent"),
        }
    }
}

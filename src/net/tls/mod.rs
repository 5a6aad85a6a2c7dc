//! TLS as the rest of the library sees it, the same on every platform.
//!
//! The work is done by the platform's own library: by OpenSSL, in `openssl`. Another platform's is one more folder beside
//! that one, chosen here by `cfg` and nowhere else. It has the same items: [`TlsConnector`], [`Tls`], [`Session`].

mod lifetime;
mod openssl;
mod transport;

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::net::address::Host;
use crate::net::trust::Trust;

pub use self::openssl::{Session, Tls, TlsConnector, TlsInfo};

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

/// Where the client certificate is, and its key.
#[derive(Clone)]
pub enum Identity {
    /// In two files in PEM; the certificate's issuers may follow it.
    Pem {
        /// The certificate.
        certificate: PathBuf,
        /// Its key, without a passphrase.
        key: PathBuf,
    },
    /// In one file (RFC 7292).
    Pkcs12 {
        /// The file.
        path: PathBuf,
        /// What opens it.
        password: Zeroizing<String>,
    },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Pem { certificate, key } => write!(f, "Pem({}, {})", certificate.display(), key.display()),
            Identity::Pkcs12 { path, .. } => write!(f, "Pkcs12({})", path.display()),
        }
    }
}

/// All that decides who is trusted, and who the client is: session resumption only where this is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    context: u64,
    oldest: Version,
    host: String,
    certificate: Option<Vec<u8>>,
    fingerprint: Option<[u8; 32]>,
}

//! TLS by Secure Transport, of macOS. Nothing outside this folder names its crate.
//!
//! Apple has not gone on with it since macOS 10.15: it knows no TLS 1.3, and does not give what a session can be told from
//! another by but for the server's certificate.
//!
//! `connection` shakes hands, reads and writes; `link` is what is below it; `store` has the trust anchors, `judge` says who
//! is believed, `client_certificate` has what the server may ask for, `suites` what is offered, `session` what is resumed
//! later, `statuses` what Apple's numbers mean. All that is over the calls of `calls`, which `apple` makes.

#[cfg(target_vendor = "apple")]
mod apple;
mod calls;
mod client_certificate;
mod connection;
mod judge;
mod link;
mod session;
#[cfg(test)]
mod stand_in;
mod statuses;
mod store;
mod suites;

use crate::net::tls::Version;

#[cfg(target_vendor = "apple")]
pub use self::platform::{ClientCertificate, Handshake, PeerCertificate, Store, StoreBuilder, Tls};

/// A session to be resumed by a later connection.
pub type Session = crate::net::tls::session::Session<session::PeerId>;

/// The newest version that there is.
pub const NEWEST: Version = Version::Tls12;

/// All of it over Apple's calls, as the rest of the library uses it.
#[cfg(target_vendor = "apple")]
mod platform {
    use super::apple::Apple;
    use super::connection::Terms;
    use super::judge::Judge;
    use super::{Session, client_certificate, connection, store};
    use crate::error::Result;
    use crate::net::tcp::Tcp;
    use crate::net::tls::certificate::Certificate;
    use crate::net::tls::connector::TlsConnector;
    use crate::net::tls::{Identity, TlsInfo, Version};
    use crate::net::trust::Trust;

    /// The trust anchors.
    pub type Store = store::Store<Apple>;
    /// A trust store to which certificates are added.
    pub type StoreBuilder = store::StoreBuilder<Apple>;
    /// A client certificate, its key, and its issuers as far as the file has them.
    pub type ClientCertificate = client_certificate::ClientCertificate<Apple>;
    /// A TLS handshake under way.
    pub type Handshake<'a> = connection::Handshake<'a, Apple>;
    /// A TLS connection.
    pub type Tls = connection::Tls<Apple>;

    /// The certificate of the peer, in DER.
    pub struct PeerCertificate(Vec<u8>);

    impl PeerCertificate {
        /// Makes it ready to be read.
        pub fn read(&self) -> Result<Certificate> {
            Ok(Certificate::from_der(self.0.clone()))
        }
    }

    impl StoreBuilder {
        /// One with nothing in it.
        pub fn new(_trust: &Trust) -> Result<StoreBuilder> {
            Ok(StoreBuilder::over(Apple))
        }
    }

    impl ClientCertificate {
        /// Reads it from its files.
        pub fn load(identity: &Identity) -> Result<ClientCertificate> {
            ClientCertificate::load_by(&Apple, identity)
        }
    }

    impl<'a> Handshake<'a> {
        /// Begins one, within the deadline that `tcp` has: nothing is sent yet. An earlier session is resumed if it was made
        /// with the same [`Key`](crate::net::tls::Key) and the server remembers it.
        ///
        /// Clear text in answer is [`Kind::BadFormat`](crate::error::Kind::BadFormat) where `clear_before`, since then
        /// somebody speaks in the server's place, and [`Kind::Secure`](crate::error::Kind::Secure) else.
        pub fn new(
            connector: &'a TlsConnector,
            earlier: Option<&'a Session>,
            tcp: Tcp,
            clear_before: bool,
        ) -> Result<Handshake<'a>> {
            let terms = Terms {
                judge: Judge {
                    store: &connector.context.store,
                    verifies: connector.verifies(),
                    fingerprint: connector.fingerprint,
                    host: &connector.host,
                    without_names: &connector.context.without_names,
                    takes_weak: connector.oldest < Version::Tls12,
                    refusal: Box::new(|certificate, reason| connector.refusal(certificate, reason)),
                },
                oldest: connector.oldest,
                certificate: connector.certificate.as_ref(),
                context: connector.context.id,
            };
            Handshake::by(terms, earlier, tcp, clear_before)
        }
    }

    impl Tls {
        /// What is known of the connection.
        pub fn info(&self) -> TlsInfo {
            let connection::Facts { version, cipher, resumed, verified, certificate } = self.facts();
            let certificate = certificate.map(|der| PeerCertificate(der.to_vec()));
            TlsInfo { version, cipher: cipher.into(), resumed, verified, certificate }
        }
    }
}

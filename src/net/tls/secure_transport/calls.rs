//! The calls that are made to Apple's frameworks, one method each, and nothing decided between them.
//!
//! What is decided is in the files beside this one, over these methods: so that is compiled and tested on any platform, with
//! a stand-in for the calls (`stand_in`). The calls themselves are in `apple`.

use std::path::Path;

use super::link::Link;
use crate::net::tls::Version;

/// What a call of Apple's answers if it fails: an `OSStatus`, or the code of a `CFError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub i32);

/// The rules by which a chain of certificates is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Signatures, dates and constraints (RFC 5280), and nothing else: `SecPolicyCreateBasicX509`.
    Basic,
    /// Those that Apple has for servers, whatever the name of the server: `SecPolicyCreateSSL`.
    Server,
}

/// How far a handshake has come.
pub enum Step<C> {
    /// The server has shown its certificate: errSSLPeerAuthCompleted.
    CertificateShown(C),
    /// Nothing has come, or there is no room to write to, and the connection below does not wait: errSSLWouldBlock.
    Waits(C),
    /// It is over.
    Done(C),
    /// It has failed, and the connection is gone.
    Failed(Status),
}

/// What comes first out of a file in PKCS #12, of each of its identities.
pub struct Imported<C: Calls> {
    pub identity: Option<C::Identity>,
    pub chain: Vec<C::Certificate>,
}

/// Apple's frameworks, or what stands in for them.
pub trait Calls: Clone + Send + Sync + 'static {
    /// SecCertificateRef
    type Certificate: Clone + Send + Sync;
    /// SecIdentityRef
    type Identity: Send + Sync;
    /// SecKeychainRef
    type Keychain: Send + Sync;
    /// SecTrustRef
    type Trust;
    /// SSLContextRef before the handshake
    type Setup;
    /// SSLContextRef with its connection, in the handshake and after it
    type Connection: Send;

    /// SecCertificateCreateWithData
    fn certificate(&self, der: &[u8]) -> Result<Self::Certificate, Status>;
    /// SecCertificateCopyData
    fn der(&self, certificate: &Self::Certificate) -> Vec<u8>;

    /// SecKeychainCreate: locked by that password, without asking anybody
    fn create_keychain(&self, path: &Path, password: &str) -> Result<Self::Keychain, Status>;
    /// SecKeychainSetSettings: unlocked for as long as it is there
    fn keep_unlocked(&self, keychain: &mut Self::Keychain) -> Result<(), Status>;
    /// SecKeychainDelete
    fn delete_keychain(&self, keychain: &Self::Keychain) -> Result<(), Status>;
    /// SecPKCS12Import
    fn import_pkcs12(
        &self,
        keychain: &Self::Keychain,
        file: &[u8],
        password: &str,
    ) -> Result<Vec<Imported<Self>>, Status>;
    /// SecIdentityCopyCertificate
    fn certificate_of(&self, identity: &Self::Identity) -> Result<Self::Certificate, Status>;

    /// SSLCreateContext: a client's, for a stream
    fn setup(&self) -> Result<Self::Setup, Status>;
    /// SSLSetSessionOption: a handshake stops where the server has shown its certificate, for us to judge it
    fn stop_at_certificate(&self, setup: &mut Self::Setup) -> Result<(), Status>;
    /// SSLSetProtocolVersionMin, SSLSetProtocolVersionMax
    fn set_versions(&self, setup: &mut Self::Setup, oldest: Version, newest: Version) -> Result<(), Status>;
    /// SSLGetEnabledCiphers
    fn suites(&self, setup: &Self::Setup) -> Result<Vec<u16>, Status>;
    /// SSLSetEnabledCiphers
    fn set_suites(&self, setup: &mut Self::Setup, suites: &[u16]) -> Result<(), Status>;
    /// SSLSetPeerDomainName: sent as SNI
    fn set_name(&self, setup: &mut Self::Setup, name: &str) -> Result<(), Status>;
    /// SSLSetPeerID: by which Secure Transport keeps sessions
    fn set_peer_id(&self, setup: &mut Self::Setup, id: &[u8]) -> Result<(), Status>;
    /// SSLSetSessionTicketsEnabled
    fn enable_tickets(&self, setup: &mut Self::Setup) -> Result<(), Status>;
    /// SSLSetCertificate
    fn set_certificate(
        &self,
        setup: &mut Self::Setup,
        identity: &Self::Identity,
        issuers: &[Self::Certificate],
    ) -> Result<(), Status>;

    /// SSLSetIOFuncs, SSLSetConnection, SSLHandshake
    fn begin(&self, setup: Self::Setup, link: Link) -> Step<Self::Connection>;
    /// SSLHandshake
    fn go_on(&self, connection: Self::Connection) -> Step<Self::Connection>;
    /// SSLGetConnection
    fn link<'a>(&self, connection: &'a Self::Connection) -> &'a Link;
    /// SSLGetConnection
    fn link_mut<'a>(&self, connection: &'a mut Self::Connection) -> &'a mut Link;
    /// SSLGetNegotiatedProtocolVersion
    fn version(&self, connection: &Self::Connection) -> Option<Version>;
    /// SSLGetNegotiatedCipher
    fn suite(&self, connection: &Self::Connection) -> Result<u16, Status>;
    /// SSLRead; 0 is the end, whether it was announced or not
    fn read(&self, connection: &mut Self::Connection, buffer: &mut [u8]) -> Result<usize, Status>;
    /// SSLWrite
    fn write(&self, connection: &mut Self::Connection, bytes: &[u8]) -> Result<usize, Status>;
    /// SSLClose: sends close_notify
    fn close(&self, connection: &mut Self::Connection) -> Result<(), Status>;

    /// SSLCopyPeerTrust: what the server has shown, to be evaluated; `None` if it has shown nothing
    fn trust(&self, connection: &Self::Connection) -> Result<Option<Self::Trust>, Status>;
    /// SecTrustSetNetworkFetchAllowed: nothing is fetched from anywhere
    fn forbid_network(&self, trust: &mut Self::Trust) -> Result<(), Status>;
    /// SecTrustSetPolicies
    fn set_policy(&self, trust: &mut Self::Trust, policy: Policy) -> Result<(), Status>;
    /// SecTrustSetAnchorCertificates, SecTrustSetAnchorCertificatesOnly: those and no other
    fn set_anchors(&self, trust: &mut Self::Trust, anchors: &[Self::Certificate]) -> Result<(), Status>;
    /// SecTrustEvaluateWithError
    fn evaluate(&self, trust: &Self::Trust) -> Result<(), Status>;
    /// SecTrustGetCertificateCount, SecTrustGetCertificateAtIndex: the server's certificate in DER, and those above it. The
    /// former evaluates what has not been evaluated.
    fn chain(&self, trust: &Self::Trust) -> Vec<Vec<u8>>;
}

//! The calls themselves, by Apple's frameworks. Nothing is decided here.

use std::ffi::c_void;
use std::io::{self, Read, Write};
use std::path::Path;

use core_foundation::base::TCFType;
use security_framework::base::Error;
use security_framework::certificate::SecCertificate;
use security_framework::cipher_suite::CipherSuite;
use security_framework::identity::SecIdentity;
use security_framework::import_export::Pkcs12ImportOptions;
use security_framework::os::macos::keychain::{CreateOptions, KeychainSettings, SecKeychain};
use security_framework::policy::SecPolicy;
use security_framework::secure_transport::{
    HandshakeError, MidHandshakeSslStream, SslConnectionType, SslContext, SslProtocol, SslProtocolSide, SslStream,
};
use security_framework::trust::SecTrust;

use super::calls::{Calls, Imported, Policy, Status, Step};
use super::link::Link;
use crate::net::tls::Version;

/// Apple's frameworks.
#[derive(Clone, Copy)]
pub struct Apple;

/// A connection: the crate has two types for it.
pub enum Connection {
    /// In the handshake.
    Paused(MidHandshakeSslStream<Link>),
    /// After it.
    Open(SslStream<Link>),
}

/// errSecIO: that the connection below has failed, as `Link` tells.
const IO_ERROR: Status = Status(-36);
/// errSecBadReq: that a call does not fit here.
const BAD_REQUEST: Status = Status(-909);
/// errSSLWouldBlock
const WOULD_BLOCK: Status = Status(-9803);

impl Connection {
    fn context(&self) -> &SslContext {
        match self {
            Connection::Paused(stream) => stream.context(),
            Connection::Open(stream) => stream.context(),
        }
    }

    fn open(&mut self) -> Result<&mut SslStream<Link>, Status> {
        match self {
            Connection::Paused(_) => Err(BAD_REQUEST),
            Connection::Open(stream) => Ok(stream),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        Status(error.code())
    }
}

impl From<io::Error> for Status {
    fn from(error: io::Error) -> Status {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => (*error).into(),
            None if error.kind() == io::ErrorKind::WouldBlock => WOULD_BLOCK,
            None => IO_ERROR,
        }
    }
}

impl Calls for Apple {
    type Certificate = SecCertificate;
    type Identity = SecIdentity;
    type Keychain = SecKeychain;
    type Trust = SecTrust;
    type Setup = SslContext;
    type Connection = Connection;

    fn certificate(&self, der: &[u8]) -> Result<SecCertificate, Status> {
        Ok(SecCertificate::from_der(der)?)
    }

    fn der(&self, certificate: &SecCertificate) -> Vec<u8> {
        certificate.to_der()
    }

    fn create_keychain(&self, path: &Path, password: &str) -> Result<SecKeychain, Status> {
        Ok(CreateOptions::new().password(password).prompt_user(false).create(path)?)
    }

    fn keep_unlocked(&self, keychain: &mut SecKeychain) -> Result<(), Status> {
        // neither after a time nor when the machine sleeps
        Ok(keychain.set_settings(&KeychainSettings::new())?)
    }

    #[allow(unsafe_code)]
    fn delete_keychain(&self, keychain: &SecKeychain) -> Result<(), Status> {
        unsafe extern "C" {
            /// SecKeychain.h; the crates do not declare it
            fn SecKeychainDelete(keychain: *mut c_void) -> i32;
        }
        // SAFETY: the reference is to a keychain, and is held for as long as the call takes
        match unsafe { SecKeychainDelete(keychain.as_concrete_TypeRef().cast()) } {
            0 => Ok(()),
            number => Err(Status(number)),
        }
    }

    fn import_pkcs12(
        &self,
        keychain: &SecKeychain,
        file: &[u8],
        password: &str,
    ) -> Result<Vec<Imported<Apple>>, Status> {
        let imported = Pkcs12ImportOptions::new().passphrase(password).keychain(keychain.clone()).import(file)?;
        let entry = |entry: security_framework::import_export::ImportedIdentity| Imported {
            identity: entry.identity,
            chain: entry.cert_chain.unwrap_or_default(),
        };
        Ok(imported.into_iter().map(entry).collect())
    }

    fn certificate_of(&self, identity: &SecIdentity) -> Result<SecCertificate, Status> {
        Ok(identity.certificate()?)
    }

    fn setup(&self) -> Result<SslContext, Status> {
        Ok(SslContext::new(SslProtocolSide::CLIENT, SslConnectionType::STREAM)?)
    }

    fn stop_at_certificate(&self, setup: &mut SslContext) -> Result<(), Status> {
        Ok(setup.set_break_on_server_auth(true)?)
    }

    fn set_versions(&self, setup: &mut SslContext, oldest: Version, newest: Version) -> Result<(), Status> {
        setup.set_protocol_version_min(protocol(oldest))?;
        Ok(setup.set_protocol_version_max(protocol(newest))?)
    }

    fn suites(&self, setup: &SslContext) -> Result<Vec<u16>, Status> {
        Ok(setup.enabled_ciphers()?.iter().map(number).collect())
    }

    // a number of a suite has 32 bits on Intel's processors
    #[allow(clippy::useless_conversion)]
    fn set_suites(&self, setup: &mut SslContext, suites: &[u16]) -> Result<(), Status> {
        let suites: Vec<_> = suites.iter().map(|number| CipherSuite::from_raw((*number).into())).collect();
        Ok(setup.set_enabled_ciphers(&suites)?)
    }

    fn set_name(&self, setup: &mut SslContext, name: &str) -> Result<(), Status> {
        Ok(setup.set_peer_domain_name(name)?)
    }

    fn set_peer_id(&self, setup: &mut SslContext, id: &[u8]) -> Result<(), Status> {
        Ok(setup.set_peer_id(id)?)
    }

    fn enable_tickets(&self, setup: &mut SslContext) -> Result<(), Status> {
        Ok(setup.set_session_tickets_enabled(true)?)
    }

    fn set_certificate(
        &self,
        setup: &mut SslContext,
        identity: &SecIdentity,
        issuers: &[SecCertificate],
    ) -> Result<(), Status> {
        Ok(setup.set_certificate(identity, issuers)?)
    }

    fn begin(&self, setup: SslContext, link: Link) -> Step<Connection> {
        step(setup.handshake(link))
    }

    fn go_on(&self, connection: Connection) -> Step<Connection> {
        match connection {
            Connection::Paused(stream) => step(stream.handshake()),
            done @ Connection::Open(_) => Step::Done(done),
        }
    }

    fn link<'a>(&self, connection: &'a Connection) -> &'a Link {
        match connection {
            Connection::Paused(stream) => stream.get_ref(),
            Connection::Open(stream) => stream.get_ref(),
        }
    }

    fn link_mut<'a>(&self, connection: &'a mut Connection) -> &'a mut Link {
        match connection {
            Connection::Paused(stream) => stream.get_mut(),
            Connection::Open(stream) => stream.get_mut(),
        }
    }

    fn version(&self, connection: &Connection) -> Option<Version> {
        let negotiated = connection.context().negotiated_protocol_version().ok()?;
        [Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13]
            .into_iter()
            .find(|version| protocol(*version) == negotiated)
    }

    fn suite(&self, connection: &Connection) -> Result<u16, Status> {
        Ok(number(&connection.context().negotiated_cipher()?))
    }

    fn read(&self, connection: &mut Connection, buffer: &mut [u8]) -> Result<usize, Status> {
        Ok(connection.open()?.read(buffer)?)
    }

    fn write(&self, connection: &mut Connection, bytes: &[u8]) -> Result<usize, Status> {
        Ok(connection.open()?.write(bytes)?)
    }

    fn close(&self, connection: &mut Connection) -> Result<(), Status> {
        Ok(connection.open()?.close()?)
    }

    fn trust(&self, connection: &Connection) -> Result<Option<SecTrust>, Status> {
        Ok(connection.context().peer_trust2()?)
    }

    fn forbid_network(&self, trust: &mut SecTrust) -> Result<(), Status> {
        Ok(trust.set_network_fetch_allowed(false)?)
    }

    fn set_policy(&self, trust: &mut SecTrust, policy: Policy) -> Result<(), Status> {
        let policy = match policy {
            Policy::Basic => SecPolicy::create_x509(),
            Policy::Server => SecPolicy::create_ssl(SslProtocolSide::SERVER, None),
        };
        Ok(trust.set_policy(&policy)?)
    }

    fn set_anchors(&self, trust: &mut SecTrust, anchors: &[SecCertificate]) -> Result<(), Status> {
        trust.set_anchor_certificates(anchors)?;
        Ok(trust.set_trust_anchor_certificates_only(true)?)
    }

    fn evaluate(&self, trust: &SecTrust) -> Result<(), Status> {
        // a code that is none of an OSStatus' is a refusal all the same
        trust.evaluate_with_error().map_err(|error| Status(error.code().try_into().unwrap_or_default()))
    }

    // its successor is there since macOS 12 only
    #[allow(deprecated)]
    fn chain(&self, trust: &SecTrust) -> Vec<Vec<u8>> {
        let at = |index| trust.certificate_at_index(index).map(|certificate| certificate.to_der());
        (0..trust.certificate_count()).map_while(at).collect()
    }
}

fn step(outcome: Result<SslStream<Link>, HandshakeError<Link>>) -> Step<Connection> {
    match outcome {
        Ok(stream) => Step::Done(Connection::Open(stream)),
        Err(HandshakeError::Interrupted(stream)) if stream.server_auth_completed() => {
            Step::CertificateShown(Connection::Paused(stream))
        }
        Err(HandshakeError::Interrupted(stream)) if stream.would_block() => Step::Waits(Connection::Paused(stream)),
        Err(HandshakeError::Interrupted(stream)) => Step::Failed((*stream.error()).into()),
        Err(HandshakeError::Failure(error)) => Step::Failed(error.into()),
    }
}

fn protocol(version: Version) -> SslProtocol {
    match version {
        Version::Tls10 => SslProtocol::TLS1,
        Version::Tls11 => SslProtocol::TLS11,
        Version::Tls12 => SslProtocol::TLS12,
        Version::Tls13 => SslProtocol::TLS13,
    }
}

/// The number of a suite in the registry; those of SSL 2 alone are larger than that.
#[allow(clippy::useless_conversion)]
fn number(suite: &CipherSuite) -> u16 {
    u16::try_from(u32::from(suite.to_raw())).unwrap_or_default()
}

//! What makes TLS connections to one server, the same on every platform.

use std::sync::Arc;

use super::certificate::Certificate;
use super::contexts::Context;
use super::platform::ClientCertificate;
use super::refusal::{self, Reason};
use super::{TlsOptions, Version};
use crate::error::Result;
use crate::net::address::Host;
use crate::net::trust::Trust;

/// Makes TLS connections to one server: TLS options with all the files that they name read.
pub struct TlsConnector {
    /// The trust anchors, and what is shared besides.
    pub(super) context: Arc<Context>,
    /// The oldest version that will do.
    pub(super) oldest: Version,
    /// Whose name the server's certificate must have.
    pub(super) host: Host,
    /// The client certificate, if the server asks for one.
    pub(super) certificate: Option<ClientCertificate>,
    /// The fingerprint of the only certificate that will do.
    pub(super) fingerprint: Option<[u8; 32]>,
}

/// All that decides who is trusted, and who the client is: session resumption only where this is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    context: u64,
    oldest: Version,
    host: String,
    certificate: Option<[u8; 32]>,
    fingerprint: Option<[u8; 32]>,
}

impl TlsConnector {
    /// With the context for [`TlsOptions::trust`].
    pub fn new(options: &TlsOptions, server: &Host, context: Arc<Context>) -> Result<TlsConnector> {
        Ok(TlsConnector {
            context,
            oldest: options.oldest,
            host: options.name.as_ref().unwrap_or(server).clone(),
            certificate: options.identity.as_ref().map(ClientCertificate::load).transpose()?,
            fingerprint: options.fingerprint,
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
            fingerprint: self.fingerprint,
        })
    }

    /// Whether the server must show a certificate that is believed.
    pub(super) fn verifies(&self) -> bool {
        self.fingerprint.is_some() || self.context.trust != Trust::Anyone
    }

    /// Why the server's certificate was refused, and what can be done about it.
    pub(super) fn refusal(&self, certificate: Option<&Certificate>, reason: Reason) -> String {
        let mut text = refusal::refusal(certificate, reason, &self.host);
        if self.context.lacks_platform && matches!(reason, Reason::UnknownAuthority(_)) {
            text.push_str("; no platform store of authorities was found: the package ca-certificates has one");
        }
        if !self.context.unusable.is_empty() {
            text.push_str(&format!("; not used: {}", self.context.unusable.join(", ")));
        }
        text
    }
}

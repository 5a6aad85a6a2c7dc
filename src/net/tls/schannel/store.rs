//! Trust anchors: chain engines, of the platform's store and of the host's own certificates.

use super::crypt::{CertificateStore, ChainEngine};
use super::errors;
use crate::error::{Error, Kind, Result};
use crate::net::tls::certificate::Certificate;
use crate::net::trust::{Encoded, Trust};

/// The engines that are asked about a server's certificate, one after the other: either's yes counts.
pub struct Store {
    /// Of the host's own certificates.
    pub own: ChainEngine,
    /// Of the platform's store, where that is trusted.
    pub platform: Option<ChainEngine>,
    /// The fingerprints of the host's own certificates.
    pub anchors: Vec<[u8; 32]>,
}

/// A trust store to which certificates are added.
pub struct StoreBuilder {
    own: CertificateStore,
    platform: Option<ChainEngine>,
    anchors: Vec<[u8; 32]>,
}

impl StoreBuilder {
    /// One with nothing in it.
    pub fn new(_: &Trust) -> Result<StoreBuilder> {
        Ok(StoreBuilder { own: CertificateStore::new().map_err(errors::setup)?, platform: None, anchors: Vec::new() })
    }

    /// Trusts the authorities of the platform's store, which is always there.
    pub fn add_platform(&mut self, _unusable: &mut Vec<String>) -> Result<bool> {
        self.platform = Some(ChainEngine::platform());
        Ok(true)
    }

    /// Trusts that certificate.
    pub fn add(&mut self, encoded: &Encoded) -> Result<Certificate> {
        let damaged = || Error::new(Kind::Secure, "a damaged certificate");
        let der = encoded.to_der().ok_or_else(damaged)?;
        self.own.add(&der).map_err(|error| errors::caused(Kind::Secure, "a damaged certificate", error))?;
        let certificate = Certificate::from_der(der);
        self.anchors.push(certificate.fingerprint());
        Ok(certificate)
    }

    /// The store, to which nothing is added any more.
    pub fn build(self) -> Result<Store> {
        let own = ChainEngine::trusting(self.own).map_err(errors::setup)?;
        Ok(Store { own, platform: self.platform, anchors: self.anchors })
    }
}

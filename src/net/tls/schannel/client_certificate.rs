//! The client certificate and its key, in files.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use windows_sys::Win32::Foundation::{SEC_E_NO_CREDENTIALS, SEC_E_UNKNOWN_CREDENTIALS};

use super::crypt::{CertificateContext, CertificateStore, KeyPlace};
use super::errors;
use super::sspi::{Credentials, Status};
use crate::error::{Kind, Result};
use crate::net::tls::Version;
use crate::net::tls::certificate::Certificate;
use crate::net::tls::identity::{Identity, about, unusable};
use crate::net::tls::pkcs12::Pkcs12;

/// A client certificate, its key, and its issuers as far as the file has them.
pub struct ClientCertificate {
    files: Pkcs12,
    /// With its key in this process's memory.
    imported: Arc<Imported>,
    /// With its key where the user's keys are kept, for a system whose Schannel, which is another process, wants that.
    kept: OnceCell<Arc<Imported>>,
}

impl ClientCertificate {
    /// Reads it from its files.
    pub fn load(identity: &Identity) -> Result<ClientCertificate> {
        let files = Pkcs12::read(identity)?;
        let imported = Arc::new(Imported::new(&files, KeyPlace::Memory)?);
        Ok(ClientCertificate { files, imported, kept: OnceCell::new() })
    }

    /// What tells it from any other.
    pub fn fingerprint(&self) -> Result<[u8; 32]> {
        Ok(Certificate::from_der(self.imported.certificate.der().to_vec()).fingerprint())
    }

    /// Credentials with it at hand if the server asks for it.
    pub fn credentials(&self, oldest: Version) -> Result<Credentials> {
        let acquire = |imported: &Arc<Imported>| Credentials::acquire(oldest, Some(Arc::clone(imported)));
        let acquired: Result<Credentials, Status> = match self.kept.get() {
            Some(kept) => acquire(kept),
            None => match acquire(&self.imported) {
                Err(SEC_E_NO_CREDENTIALS | SEC_E_UNKNOWN_CREDENTIALS) => acquire(self.keep()?),
                acquired => acquired,
            },
        };
        acquired.map_err(|status| unusable(&self.files.path, &errors::describe(status)))
    }

    fn keep(&self) -> Result<&Arc<Imported>> {
        let import = || Imported::new(&self.files, KeyPlace::User);
        self.kept.get_or_try_init(|| import().map(Arc::new))
    }
}

/// A certificate whose key the system knows, for as long as anybody has this.
pub struct Imported {
    pub certificate: CertificateContext,
    place: KeyPlace,
}

impl Imported {
    fn new(files: &Pkcs12, place: KeyPlace) -> Result<Imported> {
        let Pkcs12 { path, file, password } = files;
        let store = CertificateStore::import(file, password, place).map_err(|error| match error.raw_os_error() {
            // some systems have no error for it
            Some(0) => unusable(path, &"its password is another one, or this system does not know such a key"),
            _ => errors::caused(Kind::Secure, &format!("{}: it cannot be opened", about(path)), error),
        })?;
        let certificate = store.certificate_with_key();
        let certificate = certificate.ok_or_else(|| unusable(path, &"it lacks a certificate or its key"))?;
        Ok(Imported { certificate, place })
    }
}

impl Drop for Imported {
    fn drop(&mut self) {
        if self.place == KeyPlace::User {
            let _ = self.certificate.delete_key();
        }
    }
}

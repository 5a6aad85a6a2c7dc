//! The client certificate and its key, in files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_cell::sync::OnceCell;
use windows_sys::Win32::Foundation::{SEC_E_NO_CREDENTIALS, SEC_E_UNKNOWN_CREDENTIALS};
use zeroize::Zeroizing;

use super::crypt::{CertificateContext, CertificateStore, KeyPlace};
use super::errors;
use super::sspi::{Credentials, Status};
use crate::crypto;
use crate::error::{Error, Kind, Result};
use crate::net::is_exhausted;
use crate::net::tls::certificate::Certificate;
use crate::net::tls::identity::{Unusable, to_pkcs12};
use crate::net::tls::{Identity, Version};
use crate::net::trust;

const UNUSABLE: &str = "the client's certificate cannot be used";

/// A client certificate, its key, and its issuers as far as the file has them.
pub struct ClientCertificate {
    path: PathBuf,
    pkcs12: Zeroizing<Vec<u8>>,
    password: Zeroizing<String>,
    /// With its key in this process's memory.
    imported: Arc<Imported>,
    /// With its key where the user's keys are kept, for a system whose Schannel, which is another process, wants that.
    kept: OnceCell<Arc<Imported>>,
}

impl ClientCertificate {
    /// Reads it from its files.
    pub fn load(identity: &Identity) -> Result<ClientCertificate> {
        let (path, pkcs12, password) = match identity {
            Identity::Pem { certificate, key } => {
                // nobody else sees it
                let password = Zeroizing::new(format!("{:x}", u128::from_ne_bytes(crypto::random()?)));
                let made = to_pkcs12(&read(certificate)?, &read(key)?, &password);
                let made = made.map_err(|unusable| match unusable {
                    Unusable::Certificate(why) => self::unusable(certificate, &why),
                    Unusable::Key(why) => self::unusable(key, &why),
                })?;
                (certificate, made, password)
            }
            Identity::Pkcs12 { path, password } => (path, read(path)?, password.clone()),
        };
        let imported = Arc::new(Imported::new(path, &pkcs12, &password, KeyPlace::Memory)?);
        Ok(ClientCertificate { path: path.clone(), pkcs12, password, imported, kept: OnceCell::new() })
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
        acquired.map_err(|status| unusable(&self.path, &errors::describe(status)))
    }

    fn keep(&self) -> Result<&Arc<Imported>> {
        let import = || Imported::new(&self.path, &self.pkcs12, &self.password, KeyPlace::User);
        self.kept.get_or_try_init(|| import().map(Arc::new))
    }
}

/// A certificate whose key the system knows, for as long as anybody has this.
pub struct Imported {
    pub certificate: CertificateContext,
    place: KeyPlace,
}

impl Imported {
    fn new(path: &Path, pkcs12: &[u8], password: &str, place: KeyPlace) -> Result<Imported> {
        let store = CertificateStore::import(pkcs12, password, place).map_err(|error| match error.raw_os_error() {
            // some systems have no error for it
            Some(0) => unusable(path, &"its password is another one, or this system does not know such a key"),
            _ => errors::caused(Kind::Secure, &words(path, &"it cannot be opened"), error),
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

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    trust::read_bytes(path).map(Zeroizing::new).map_err(|error| match is_exhausted(&error) {
        true => Error::new(Kind::OutOfMemory, "the client's certificate cannot be read").with_source(error),
        false => unusable(path, &error),
    })
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> Error {
    Error::new(Kind::Secure, words(path, why))
}

fn words(path: &Path, why: &dyn fmt::Display) -> String {
    format!("{UNUSABLE}: {}: {why}", path.display())
}

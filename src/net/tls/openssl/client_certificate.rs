//! The client certificate and its key, in files.

use std::fmt;
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslRef;
use openssl::x509::X509;
use zeroize::Zeroizing;

use super::errors::{self, setup_error};
use crate::error::{Error, Kind, Result};
use crate::net::is_exhausted;
use crate::net::tls::Identity;
use crate::net::trust;

const UNUSABLE: &str = "the client's certificate cannot be used";

/// A client certificate, its key, and its issuers as far as the file has them.
pub struct ClientCertificate {
    path: PathBuf,
    certificate: X509,
    key: PKey<Private>,
    issuers: Vec<X509>,
}

impl ClientCertificate {
    /// Reads it from its files.
    pub fn load(identity: &Identity) -> Result<ClientCertificate> {
        let (path, certificate, key, issuers) = match identity {
            Identity::Pem { certificate: path, key: key_path } => {
                let certificates = X509::stack_from_pem(&read(path)?).map_err(|stack| unreadable(path, stack))?;
                let mut certificates = certificates.into_iter();
                let certificate = certificates.next().ok_or_else(|| unusable(path, &"no certificate in it"))?;
                // a key with a passphrase would have OpenSSL ask at the terminal
                let key = PKey::private_key_from_pem_callback(&read(key_path)?, |_| Ok(0))
                    .map_err(|stack| unreadable(key_path, stack))?;
                (path, certificate, key, certificates.collect())
            }
            Identity::Pkcs12 { path, password } => {
                let parsed = Pkcs12::from_der(&read(path)?).and_then(|file| file.parse2(password));
                let parsed = parsed.map_err(|stack| unreadable(path, stack))?;
                match (parsed.cert, parsed.pkey) {
                    (Some(certificate), Some(key)) => {
                        (path, certificate, key, parsed.ca.into_iter().flatten().collect::<Vec<_>>())
                    }
                    _ => return Err(unusable(path, &"it lacks a certificate or its key")),
                }
            }
        };
        Ok(ClientCertificate { path: path.clone(), certificate, key, issuers })
    }

    /// What tells it from any other.
    pub fn fingerprint(&self) -> Result<[u8; 32]> {
        super::read(&self.certificate).map(|certificate| certificate.fingerprint()).map_err(setup_error)
    }

    /// Has it at hand if the server asks for it.
    pub fn present(&self, ssl: &mut SslRef) -> Result<()> {
        ssl.set_certificate(&self.certificate)
            .and_then(|()| ssl.set_private_key(&self.key))
            .and_then(|()| self.issuers.iter().try_for_each(|issuer| ssl.add_chain_cert(issuer.clone())))
            .map_err(|stack| unreadable(&self.path, stack))
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    match trust::read_bytes(path) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(error) if is_exhausted(&error) => {
            Err(Error::new(Kind::OutOfMemory, "the client's certificate cannot be read").with_source(error))
        }
        Err(error) => Err(unusable(path, &error)),
    }
}

fn unreadable(path: &Path, stack: ErrorStack) -> Error {
    errors::error(Kind::Secure, &format!("{UNUSABLE}: {}", path.display()), &stack)
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> Error {
    Error::new(Kind::Secure, format!("{UNUSABLE}: {}: {why}", path.display()))
}

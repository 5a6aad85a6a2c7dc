//! The client certificate and its key, in files.

use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslRef;
use openssl::x509::X509;

use super::errors::{self, setup_error};
use crate::error::{Error, Kind, Result};
use crate::net::tls::identity::{Identity, about, read, unusable};

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
        // whatever the host's own use of OpenSSL left in this thread's queue would be taken for ours
        ErrorStack::get();
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

fn unreadable(path: &Path, stack: ErrorStack) -> Error {
    errors::error(Kind::Secure, &about(path), &stack)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::ssl::{Ssl, SslContext, SslMethod};
    use openssl::stack::Stack;
    use openssl::x509::X509Name;
    use zeroize::Zeroizing;

    use super::*;

    const PASSWORD: &str = "s3cret";

    /// A certificate of that number, and its key.
    fn certificate(number: u32) -> (X509, PKey<Private>) {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", &number.to_string()).unwrap();
        let name = name.build();
        let mut made = X509::builder().unwrap();
        made.set_version(2).unwrap();
        made.set_serial_number(&BigNum::from_u32(number).unwrap().to_asn1_integer().unwrap()).unwrap();
        made.set_subject_name(&name).unwrap();
        made.set_issuer_name(&name).unwrap();
        made.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        made.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
        made.set_pubkey(&key).unwrap();
        made.sign(&key, MessageDigest::sha256()).unwrap();
        (made.build(), key)
    }

    /// A file of the tests' own, in a folder that is gone in the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("pop3connect-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }

        fn file(&self, name: &str, content: &[u8]) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn presented(identity: &Identity) -> Result<Ssl> {
        let mut ssl = Ssl::new(&SslContext::builder(SslMethod::tls()).unwrap().build()).unwrap();
        ClientCertificate::load(identity)?.present(&mut ssl).map(|()| ssl)
    }

    #[test]
    fn read_from_either_kind_of_file() {
        let folder = Folder::new("identity");
        let ((own, key), (issuer, _)) = (certificate(1), certificate(2));
        let both = [own.to_pem().unwrap(), issuer.to_pem().unwrap()].concat();
        let mut issuers = Stack::new().unwrap();
        issuers.push(issuer).unwrap();
        let mut pkcs12 = Pkcs12::builder();
        pkcs12.cert(&own).pkey(&key).ca(issuers);
        let pkcs12 = pkcs12.build2(PASSWORD).unwrap().to_der().unwrap();
        let path = folder.file("both.p12", &pkcs12);
        for identity in [
            Identity::Pem {
                certificate: folder.file("cert.pem", &both),
                key: folder.file("key.pem", &key.private_key_to_pem_pkcs8().unwrap()),
            },
            Identity::Pkcs12 { path: path.clone(), password: Zeroizing::new(PASSWORD.to_owned()) },
        ] {
            let ssl = presented(&identity).unwrap();
            assert_eq!(ssl.certificate().unwrap().to_der().unwrap(), own.to_der().unwrap());
            assert!(ssl.private_key().unwrap().public_eq(&key));
            let loaded = ClientCertificate::load(&identity).unwrap();
            assert_eq!(loaded.fingerprint().unwrap()[..], own.digest(MessageDigest::sha256()).unwrap()[..]);
            assert_eq!(loaded.issuers.len(), 1);
        }
        let wrong = Identity::Pkcs12 { path, password: Zeroizing::new("wrong".to_owned()) };
        assert_eq!(presented(&wrong).err().unwrap().kind(), Kind::Secure);
    }

    #[test]
    fn what_cannot_be_used() {
        let folder = Folder::new("no-identity");
        let ((own, key), (_, other)) = (certificate(1), certificate(2));
        let mut alone = Pkcs12::builder();
        alone.pkey(&key);
        let alone = folder.file("alone.p12", &alone.build2(PASSWORD).unwrap().to_der().unwrap());
        let own = folder.file("cert.pem", &own.to_pem().unwrap());
        let other = folder.file("other.pem", &other.private_key_to_pem_pkcs8().unwrap());
        let nothing = folder.0.join("nothing");
        for (identity, words) in [
            (Identity::Pkcs12 { path: alone, password: Zeroizing::new(PASSWORD.to_owned()) }, "lacks a certificate"),
            (Identity::Pem { certificate: own.clone(), key: other.clone() }, "key values mismatch"),
            (Identity::Pem { certificate: other.clone(), key: other }, "no certificate in it"),
            (Identity::Pem { certificate: own.clone(), key: own.clone() }, "cert.pem"),
            (Identity::Pem { certificate: own, key: nothing }, "nothing: No such file"),
        ] {
            let error = presented(&identity).err().unwrap();
            assert_eq!(error.kind(), Kind::Secure);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

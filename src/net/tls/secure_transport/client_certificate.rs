//! The client certificate and its key, from files: by way of a keychain, since Secure Transport signs with no other key.
//!
//! It is a keychain of its own, in a folder that only the user may enter, locked by a password that nobody learns. It is
//! there for as long as the connection is being made, then both are removed. The user's keychains are not touched.

use std::fmt;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use super::calls::Calls;
use super::statuses;
use crate::error::{Error, Kind, Result};
use crate::net::is_exhausted;
use crate::net::tls::certificate::Certificate;
use crate::net::tls::identity::{Identity, UNUSABLE, about, unusable};
use crate::net::tls::pkcs12::{Pkcs12, random_password};

/// A client certificate, its key, and its issuers as far as the file has them.
pub struct ClientCertificate<C: Calls> {
    /// The certificate with its key.
    pub identity: C::Identity,
    /// Those above it.
    pub issuers: Vec<C::Certificate>,
    fingerprint: [u8; 32],
    /// Where the key is: it goes last.
    _keychain: TemporaryKeychain<C>,
}

impl<C: Calls> ClientCertificate<C> {
    /// Reads it from its files.
    pub fn load_by(calls: &C, identity: &Identity) -> Result<ClientCertificate<C>> {
        let Pkcs12 { path, file, password } = Pkcs12::read(identity)?;
        let refused =
            |status| Error::new(statuses::kind(status), format!("{}: {}", about(&path), statuses::words(status)));
        let keychain = TemporaryKeychain::create(calls)?;
        let imported = calls.import_pkcs12(&keychain.keychain, &file, &password).map_err(refused)?;
        let found = imported.into_iter().find_map(|imported| Some((imported.identity?, imported.chain)));
        let (identity, chain) = found.ok_or_else(|| unusable(&path, &"it lacks a certificate or its key"))?;
        let own = calls.der(&calls.certificate_of(&identity).map_err(refused)?);
        // the chain begins with the certificate itself
        let issuers = chain.into_iter().filter(|certificate| calls.der(certificate) != own).collect();
        let fingerprint = Certificate::from_der(own).fingerprint();
        Ok(ClientCertificate { identity, issuers, fingerprint, _keychain: keychain })
    }

    /// What tells it from any other.
    pub fn fingerprint(&self) -> Result<[u8; 32]> {
        Ok(self.fingerprint)
    }
}

/// A keychain in a folder of its own, both of which are gone when this is.
struct TemporaryKeychain<C: Calls> {
    calls: C,
    keychain: C::Keychain,
    /// It goes last.
    _folder: Folder,
}

impl<C: Calls> TemporaryKeychain<C> {
    fn create(calls: &C) -> Result<TemporaryKeychain<C>> {
        let folder = Folder::create()?;
        let failed = |status| Error::new(statuses::kind(status), no_keychain(&statuses::words(status)));
        let keychain = calls.create_keychain(&folder.0.join("client.keychain"), &random_password()?).map_err(failed)?;
        let mut made = TemporaryKeychain { calls: calls.clone(), keychain, _folder: folder };
        made.calls.keep_unlocked(&mut made.keychain).map_err(failed)?;
        Ok(made)
    }
}

impl<C: Calls> Drop for TemporaryKeychain<C> {
    fn drop(&mut self) {
        // what it leaves is removed with the folder
        let _ = self.calls.delete_keychain(&self.keychain);
    }
}

/// A folder that only the user may enter, which is gone when this is.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Folder> {
        let path = std::env::temp_dir().join(format!("pop3connect-{}", random_password()?.as_str()));
        // fails where anything is there already
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(Folder(path)),
            Err(error) => {
                let kind = if is_exhausted(&error) { Kind::OutOfMemory } else { Kind::Secure };
                Err(Error::new(kind, no_keychain(&path.display())).with_source(error))
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn no_keychain(why: &dyn fmt::Display) -> String {
    format!("{UNUSABLE}: no keychain could be made for its key: {why}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use zeroize::Zeroizing;

    use super::super::stand_in::StandIn;
    use super::*;

    /// Files of a test's own.
    struct Files(Folder);

    impl Files {
        fn new() -> Files {
            Files(Folder::create().unwrap())
        }

        fn file(&self, name: &str, content: &str) -> PathBuf {
            let path = self.0.0.join(name);
            fs::write(&path, content).unwrap();
            path
        }
    }

    const PEM: &str = include_str!("../pkcs12/ec.pem");

    fn pem(files: &Files, certificate: &str, key: &str) -> Identity {
        Identity::Pem { certificate: files.file("cert.pem", certificate), key: files.file("key.pem", key) }
    }

    fn pkcs12(files: &Files) -> Identity {
        let password = Zeroizing::new("s3cret".to_owned());
        Identity::Pkcs12 { path: files.file("both.p12", "file"), password }
    }

    fn folder_of(certificate: &ClientCertificate<StandIn>) -> PathBuf {
        certificate._keychain.keychain.parent().unwrap().to_owned()
    }

    #[test]
    fn imported_into_a_keychain_that_goes() {
        let (files, calls) = (Files::new(), StandIn::default());
        // one without a key comes first, and the chain begins with the certificate itself
        calls.script().pkcs12 = vec![(None, vec![vec![9]]), (Some(vec![1]), vec![vec![1], vec![2]])];
        let loaded = ClientCertificate::load_by(&calls, &pkcs12(&files)).unwrap();
        assert_eq!((&loaded.identity, &loaded.issuers), (&vec![1], &vec![vec![2]]));
        assert_eq!(loaded.fingerprint().unwrap(), Certificate::from_der(vec![1]).fingerprint());
        let folder = folder_of(&loaded);
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let made = ["create keychain", "keep unlocked", "import PKCS #12 file by s3cret", "certificate of"];
        assert_eq!(calls.log(), made);
        drop(loaded);
        assert_eq!(calls.log()[made.len()..], ["delete keychain"]);
        assert!(!folder.exists());
    }

    #[test]
    fn from_pem_in_the_same_way() {
        let (files, calls) = (Files::new(), StandIn::default());
        calls.script().pkcs12 = vec![(Some(vec![1]), Vec::new())];
        ClientCertificate::load_by(&calls, &pem(&files, PEM, PEM)).unwrap();
        let imported = calls.script().imported.take().unwrap();
        let file = p12::PFX::parse(&imported.0).unwrap();
        assert!(file.verify_mac(&imported.1) && imported.1.len() == 32);
        assert_eq!(file.key_bags(&imported.1).unwrap().len(), 1);
    }

    #[test]
    fn the_keychain_goes_whatever_fails() {
        for (failing, number, kind, words) in [
            ("create keychain", -61, Kind::Secure, "no keychain could be made for its key: OSStatus -61"),
            ("create keychain", -108, Kind::OutOfMemory, "no keychain could be made for its key: no memory"),
            ("keep unlocked", -61, Kind::Secure, "no keychain could be made for its key: OSStatus -61"),
            ("import PKCS #12", -25264, Kind::Secure, "both.p12: the password is wrong, or"),
            ("import PKCS #12", -108, Kind::OutOfMemory, "both.p12: no memory"),
            ("certificate of", -50, Kind::Secure, "both.p12: OSStatus -50"),
            ("", 0, Kind::Secure, "both.p12: it lacks a certificate or its key"),
        ] {
            let (files, calls) = (Files::new(), StandIn::default());
            match failing {
                "" => calls.script().pkcs12 = vec![(None, vec![vec![1]])],
                _ => {
                    calls.script().failing.push((failing, number));
                    calls.script().pkcs12 = vec![(Some(vec![1]), Vec::new())];
                }
            }
            let error = ClientCertificate::load_by(&calls, &pkcs12(&files)).err().unwrap();
            assert_eq!(error.kind(), kind);
            let text = error.to_string();
            assert!(text.contains("the client's certificate cannot be used") && text.contains(words), "{text}");
            let was_created = failing != "create keychain";
            assert_eq!(calls.log().contains(&"delete keychain".to_owned()), was_created, "{failing}");
            let folder = calls.script().keychain_folder.take().unwrap();
            assert!(!folder.exists(), "{failing}");
        }
    }

    #[test]
    fn for_what_cannot_be_used_no_keychain_is_made() {
        let calls = StandIn::default();
        for (certificate, key, words) in
            [("", PEM, "cert.pem: no certificate in it"), (PEM, "", "key.pem: no key in it")]
        {
            let files = Files::new();
            let error = ClientCertificate::load_by(&calls, &pem(&files, certificate, key)).err().unwrap();
            assert_eq!(error.kind(), Kind::Secure);
            assert!(error.to_string().contains(words), "{error}");
        }
        let files = Files::new();
        let nothing = Identity::Pem { certificate: files.0.0.join("nothing"), key: files.file("key.pem", PEM) };
        let error = ClientCertificate::load_by(&calls, &nothing).err().unwrap();
        assert!(error.to_string().contains("nothing: No such file"), "{error}");
        assert!(calls.log().is_empty());
    }
}

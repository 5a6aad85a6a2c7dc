//! The throwaway certificates: two authorities, good and bad intermediates, and leaves of every kind.

mod issue;
mod leaf;

use std::error::Error;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::symm::Cipher;
use openssl::x509::X509;

use issue::{Authority, Identity};
use leaf::{Issuer, LEAVES};

pub use leaf::{Leaf, Strength};

/// The leaf that a client can show whose key is there with a passphrase as well.
const CLIENT: &str = "client-purpose";
/// Such as are there as PKCS #12: of which, in which file, and what opens it. The longer password can be told from what
/// else is in memory.
const CLIENT_FILES: [(&str, &str, &str); 3] = [
    (CLIENT, "client.p12", "p12 pass"),
    (CLIENT, "client-long.p12", "Wn5j.Qe8u+Zs3k-Pv6x"),
    ("client-rsa", "client-rsa.p12", "p12 pass"),
];

/// Writes all certificates and keys into `dir`.
pub fn generate(dir: &Path) -> Result<(), Box<dyn Error>> {
    let root = Identity::authority("Test CA", Authority::Full, None)?;
    let other = Identity::authority("Other CA", Authority::Full, None)?;
    let intermediate = Identity::authority("Test Intermediate CA", Authority::Full, Some(&root))?;
    let constrained = Identity::authority("Constrained CA", Authority::Constrained("inside.test"), Some(&root))?;
    let unsaid = Identity::authority("Unsaid CA", Authority::WithoutBasicConstraints, Some(&root))?;
    let leaf_issuer = Identity::leaf(Leaf::named("good")?, Some(&root))?;

    write(&dir.join("ca.pem"), &root.cert.to_pem()?)?;
    write(&dir.join("ca.der"), &root.cert.to_der()?)?;
    write(&dir.join("ca.key"), &root.key.private_key_to_pem_pkcs8()?)?;
    write(&dir.join("other-ca.pem"), &other.cert.to_pem()?)?;
    write(&dir.join("intermediate.pem"), &intermediate.cert.to_pem()?)?;
    // What a client takes as its folder of trusted certificates.
    let secure = dir.join("secure");
    make_dir(&secure)?;
    make_dir(&secure.join("cacerts"))?;
    write(&secure.join("cacerts/ca.pem"), &root.cert.to_pem()?)?;

    for leaf in LEAVES {
        let issuer = match leaf.issuer {
            Issuer::Root => Some(&root),
            Issuer::OtherRoot => Some(&other),
            Issuer::Intermediate { .. } => Some(&intermediate),
            Issuer::Itself => None,
            Issuer::Constrained => Some(&constrained),
            Issuer::WithoutBasicConstraints => Some(&unsaid),
            Issuer::Leaf => Some(&leaf_issuer),
        };
        let identity = Identity::leaf(leaf, issuer)?;
        let mut chain = identity.cert.to_pem()?;
        if !matches!(leaf.issuer, Issuer::Root | Issuer::OtherRoot | Issuer::Intermediate { sent: false }) {
            chain.extend(issuer.map_or_else(|| Ok(Vec::new()), |by| by.cert.to_pem())?);
        }
        write(&leaf.chain_file(dir), &chain)?;
        write(&leaf.key_file(dir), &identity.key.private_key_to_pem_pkcs8()?)?;
        write(&leaf.fingerprint_file(dir), &fingerprint(&identity.cert)?)?;
        for (_, name, password) in CLIENT_FILES.into_iter().filter(|(client, ..)| *client == leaf.name) {
            let mut file = Pkcs12::builder();
            file.cert(&identity.cert).pkey(&identity.key);
            write(&dir.join(name), &file.build2(password)?.to_der()?)?;
        }
        if leaf.name == CLIENT {
            let locked = identity.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"locked")?;
            write(&dir.join("client-locked.key"), &locked)?;
        }
    }
    Ok(())
}

/// SHA-256 in lower-case hexadecimal digits.
fn fingerprint(certificate: &X509) -> Result<Vec<u8>, ErrorStack> {
    let digest = certificate.digest(MessageDigest::sha256())?;
    Ok(digest.iter().map(|octet| format!("{octet:02x}")).collect::<String>().into_bytes())
}

// The modes are set whatever the umask says: servers under other users read these files.

fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    fs::write(path, content)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))
}

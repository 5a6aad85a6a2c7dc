//! Digests, message authentication codes, key derivation and chance, by OpenSSL.
//!
//! OpenSSL is here for TLS anyway, is the platform's own to keep secure, and has all that SCRAM needs, channel binding
//! included, which crates for SASL leave out; a crate for each of these would be code that nobody else needs.

use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::memcmp;
use openssl::pkcs5;
use openssl::pkey::PKey;
use openssl::rand;
use openssl::sign::Signer;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::openssl_errors;

/// What a function here makes, wiped when dropped.
pub type Bytes = Zeroizing<Vec<u8>>;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// MD5 (RFC 1321), for APOP and CRAM-MD5 alone.
    Md5,
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
}

impl Hash {
    /// The digest of all parts, one behind the other.
    pub fn digest(self, parts: &[&[u8]]) -> Result<Bytes> {
        let digest = || {
            let mut hasher = Hasher::new(self.message_digest())?;
            parts.iter().try_for_each(|part| hasher.update(part))?;
            hasher.finish().map(|digest| Zeroizing::new(digest.to_vec()))
        };
        digest().map_err(|stack| self.refused(&stack))
    }

    /// HMAC (RFC 2104) of all parts, one behind the other.
    pub fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Result<Bytes> {
        // OpenSSL takes no empty key; one is filled up with zeros anyway, as all are
        let key = if key.is_empty() { b"\0" } else { key };
        let hmac = || {
            let key = PKey::hmac(key)?;
            let mut signer = Signer::new(self.message_digest(), &key)?;
            parts.iter().try_for_each(|part| signer.update(part))?;
            let mut code = self.space();
            signer.sign(&mut code).map(|_| code)
        };
        hmac().map_err(|stack| self.refused(&stack))
    }

    /// A key of the hash's own length from a password: PBKDF2 over HMAC (RFC 8018), which SCRAM calls `Hi`.
    pub fn derive(self, password: &[u8], salt: &[u8], iterations: u32) -> Result<Bytes> {
        let mut key = self.space();
        // 32 bits on a machine that has fewer: more than it would ever compute
        let iterations = usize::try_from(iterations).unwrap_or(usize::MAX);
        pkcs5::pbkdf2_hmac(password, salt, iterations, self.message_digest(), &mut key)
            .map_err(|stack| self.refused(&stack))?;
        Ok(key)
    }

    fn message_digest(self) -> MessageDigest {
        match self {
            Hash::Md5 => MessageDigest::md5(),
            Hash::Sha1 => MessageDigest::sha1(),
            Hash::Sha256 => MessageDigest::sha256(),
        }
    }

    fn space(self) -> Bytes {
        Zeroizing::new(vec![0; self.message_digest().size()])
    }

    /// As where the platform forbids MD5.
    fn refused(self, stack: &ErrorStack) -> Error {
        let said = openssl_errors::describe(stack);
        let forbids = ["unsupported", "disabled", "invalid"].iter().any(|word| said.contains(word));
        // one that is there fails for lack of memory alone, which OpenSSL does not always say
        let kind = if forbids || self == Hash::Md5 { Kind::Unsupported } else { Kind::OutOfMemory };
        openssl_errors::error(kind, &format!("OpenSSL does not compute {self:?} here"), stack)
    }
}

/// Whether they are the same, found in a time that does not tell where they differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    // lengths are no secret, and memcmp must not be asked of different ones
    a.len() == b.len() && memcmp::eq(a, b)
}

/// Bytes that nobody can foretell.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::rand_bytes(&mut bytes)
        .map_err(|stack| openssl_errors::error(Kind::Internal, "OpenSSL has no random bytes", &stack))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn digests() {
        for (hash, digest) in [
            (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(hex(&hash.digest(&[b"a", b"", b"bc"]).unwrap()), digest);
        }
    }

    // RFC 2202 and RFC 4231, second test case each
    #[test]
    fn message_authentication_codes() {
        for (hash, code) in [
            (Hash::Md5, "750c783e6ab0b503eaa86e310a5db738"),
            (Hash::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Hash::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ] {
            assert_eq!(hex(&hash.hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]).unwrap()), code);
        }
        // an empty password is a key too
        assert_eq!(hex(&Hash::Md5.hmac(b"", &[]).unwrap()), "74e6f7298a9c2d168935f58c001bad88");
    }

    // RFC 6070, third test case
    #[test]
    fn key_derivation() {
        let key = Hash::Sha1.derive(b"password", b"salt", 4096).unwrap();
        assert_eq!(hex(&key), "4b007901b765489abead49d926f721d065a429c1");
        assert_eq!(Hash::Sha256.derive(b"", b"salt", 1).unwrap().len(), 32);
    }

    #[test]
    fn comparing() {
        assert!(equal(b"", b"") && equal(b"ab", b"ab"));
        assert!(!equal(b"ab", b"ac") && !equal(b"ab", b"a") && !equal(b"", b"a"));
    }

    #[test]
    fn chance() {
        assert_ne!(random::<18>().unwrap(), random::<18>().unwrap());
    }
}

//! Digests, message authentication codes and chance, for the log-in, the same on every platform.

use std::hint::black_box;

use getrandom::getrandom;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Kind, Result};

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

/// SHA-256 of what comes piece by piece, and is no secret.
#[derive(Default)]
pub struct RunningSha256(Sha256);

impl RunningSha256 {
    /// The next piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A key of the hash's own length from a password: `Hi` of SCRAM (RFC 5802, section 2.2), which is PBKDF2 of one block.
/// May be much work, so that it can be done elsewhere.
pub struct Derivation {
    /// By which hash.
    pub hash: Hash,
    /// From what.
    pub password: Bytes,
    /// From what besides.
    pub salt: Bytes,
    /// In how many rounds.
    pub iterations: u32,
}

impl Derivation {
    /// Does the work. Now and then `rest` is called, by whose error it ends.
    pub fn run(&self, rest: &mut dyn FnMut() -> Result<()>) -> Result<Bytes> {
        self.hash.derive(&self.password, &self.salt, self.iterations, rest)
    }
}

impl Hash {
    /// The digest of all parts, one behind the other.
    pub fn digest(self, parts: &[&[u8]]) -> Bytes {
        leaving_nothing(|| match self {
            Hash::Md5 => digest::<Md5>(parts),
            Hash::Sha1 => digest::<Sha1>(parts),
            Hash::Sha256 => digest::<Sha256>(parts),
        })
    }

    /// HMAC (RFC 2104) of all parts, one behind the other.
    pub fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Result<Bytes> {
        leaving_nothing(|| match self {
            Hash::Md5 => keyed::<Hmac<Md5>>(key).map(|mac| code(mac, parts)),
            Hash::Sha1 => keyed::<Hmac<Sha1>>(key).map(|mac| code(mac, parts)),
            Hash::Sha256 => keyed::<Hmac<Sha256>>(key).map(|mac| code(mac, parts)),
        })
    }

    fn derive(
        self,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
        rest: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Bytes> {
        leaving_nothing(|| match self {
            Hash::Md5 => derive(keyed::<Hmac<Md5>>(password)?, salt, iterations, rest),
            Hash::Sha1 => derive(keyed::<Hmac<Sha1>>(password)?, salt, iterations, rest),
            Hash::Sha256 => derive(keyed::<Hmac<Sha256>>(password)?, salt, iterations, rest),
        })
    }
}

/// Does it, and overwrites what the crates leave on the stack: the block that they take in holds the password.
fn leaving_nothing<T>(work: impl FnOnce() -> T) -> T {
    /// More than all their functions take together.
    const DEEP: usize = 8 * 1024;

    #[inline(never)]
    fn by_itself<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    #[inline(never)]
    fn overwrite() {
        black_box(&mut [0_u8; DEEP]).zeroize();
    }

    let result = by_itself(work);
    overwrite();
    result
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Bytes {
    let mut hasher = D::new();
    parts.iter().for_each(|part| hasher.update(part));
    Zeroizing::new(hasher.finalize().to_vec())
}

fn keyed<M: Mac + KeyInit>(key: &[u8]) -> Result<M> {
    // fails for codes that want a key of a certain length, which HMAC does not
    <M as Mac>::new_from_slice(key).map_err(|_| Error::new(Kind::Internal, "HMAC has refused its key"))
}

fn code<M: Mac>(mut mac: M, parts: &[&[u8]]) -> Bytes {
    parts.iter().for_each(|part| mac.update(part));
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

fn derive<M: Mac + Clone>(
    keyed: M,
    salt: &[u8],
    iterations: u32,
    rest: &mut dyn FnMut() -> Result<()>,
) -> Result<Bytes> {
    /// A millisecond's work or so.
    const STRETCH: u32 = 1024;

    let mut last = code(keyed.clone(), &[salt, &1_u32.to_be_bytes()]);
    let mut key = last.clone();
    for iteration in 1..iterations {
        if iteration % STRETCH == 0 {
            rest()?;
        }
        let mut mac = keyed.clone();
        mac.update(&last);
        last.copy_from_slice(&mac.finalize().into_bytes());
        key.iter_mut().zip(&*last).for_each(|(key, last)| *key ^= last);
    }
    Ok(key)
}

/// Whether they are the same, found in a time that does not tell where they differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// Bytes that nobody can foretell.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom(&mut bytes)
        .map_err(|error| Error::new(Kind::Internal, "the system has no random bytes").with_source(error.into()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;

    #[test]
    fn digests() {
        for (hash, digest) in [
            (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(hex(&hash.digest(&[b"a", b"", b"bc"])), digest);
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
        // RFC 4231, test case 6: a key longer than a block
        assert_eq!(
            hex(&Hash::Sha256
                .hmac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"])
                .unwrap()),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    // RFC 6070, first three test cases; RFC 7914, section 11
    #[test]
    fn key_derivation() {
        for (iterations, expected) in [
            (1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (4096, "4b007901b765489abead49d926f721d065a429c1"),
        ] {
            let key = Hash::Sha1.derive(b"password", b"salt", iterations, &mut || Ok(())).unwrap();
            assert!(hex(&key).starts_with(expected), "{iterations}");
        }
        let key = Hash::Sha256.derive(b"passwd", b"salt", 1, &mut || Ok(())).unwrap();
        assert_eq!(hex(&key), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    }

    #[test]
    fn much_work_can_be_ended() {
        let mut rests = 0;
        Hash::Sha256
            .derive(b"p", b"s", 4096, &mut || {
                rests += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(rests, 3);
        let mut rests = 0;
        let ended = Hash::Sha1.derive(b"p", b"s", u32::MAX, &mut || {
            rests += 1;
            if rests < 3 { Ok(()) } else { Err(Error::new(Kind::Cancelled, "")) }
        });
        assert_eq!((ended.unwrap_err().kind(), rests), (Kind::Cancelled, 3));
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

//! The client certificate and its key in PKCS #12, which is what the libraries of Windows and macOS import, whatever the kind
//! of the key: from PEM it is made in memory.

use std::path::PathBuf;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Tag, TagNumber, Tagged};
use zeroize::Zeroizing;

use super::certificate::Certificate;
use super::identity::{self, Identity};
use crate::crypto;
use crate::error::Result;
use crate::net::trust::{pem_blocks, pem_to_der};

/// A client certificate with its key and its issuers.
pub struct Pkcs12 {
    /// Where it comes from.
    pub path: PathBuf,
    /// RFC 7292
    pub file: Secret,
    /// What opens it.
    pub password: Zeroizing<String>,
}

impl Pkcs12 {
    /// Reads it from its files.
    pub fn read(identity: &Identity) -> Result<Pkcs12> {
        let (path, file, password) = match identity {
            Identity::Pem { certificate, key } => {
                let password = random_password()?;
                let made = to_pkcs12(&identity::read(certificate)?, &identity::read(key)?, &password);
                let made = made.map_err(|wrong| match wrong {
                    Unusable::Certificate(why) => identity::unusable(certificate, &why),
                    Unusable::Key(why) => identity::unusable(key, &why),
                })?;
                (certificate, made, password)
            }
            Identity::Pkcs12 { path, password } => (path, identity::read(path)?, password.clone()),
        };
        Ok(Pkcs12 { path: path.clone(), file, password })
    }
}

/// A password that nobody learns.
pub fn random_password() -> Result<Zeroizing<String>> {
    Ok(Zeroizing::new(format!("{:032x}", u128::from_ne_bytes(crypto::random()?))))
}

/// Bytes that are wiped when they are given back.
type Secret = Zeroizing<Vec<u8>>;

/// The certificate with its issuers of one file in PEM and the key of another, in PKCS #12 under that password; or what is
/// wrong, and whether that is with the key.
pub fn to_pkcs12(certificates: &[u8], key: &[u8], password: &str) -> Result<Secret, Unusable> {
    let certificates: Option<Vec<_>> = pem_blocks(certificates)
        .filter(|(label, _)| [&b"CERTIFICATE"[..], b"X509 CERTIFICATE"].contains(label))
        .map(|(_, block)| pem_to_der(block))
        .collect();
    let certificates = certificates.filter(|certificates| !certificates.is_empty());
    let certificates = certificates.ok_or(Unusable::Certificate("no certificate in it"))?;
    let key = read_key(key).map_err(Unusable::Key)?;
    let public = Certificate::from_der(certificates[0].clone()).public_key();
    let public = public.ok_or(Unusable::Certificate("no certificate in it"))?;
    // one that has its public part with it
    if public_part(&key).is_some_and(|part| part != public) {
        return Err(Unusable::Key("key values mismatch"));
    }
    let issuers: Vec<_> = certificates[1..].iter().map(Vec::as_slice).collect();
    let made = p12::PFX::new_with_cas(&certificates[0], &key, &issuers, password, "");
    Ok(Zeroizing::new(made.ok_or(Unusable::Key("it cannot be made into PKCS #12"))?.to_der()))
}

/// What is wrong with a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// With the certificate.
    Certificate(&'static str),
    /// With its key.
    Key(&'static str),
}

/// The first key in PEM, as PKCS #8 (RFC 5208).
fn read_key(pem: &[u8]) -> Result<Secret, &'static str> {
    const NOT_READ: &str = "its key cannot be read";
    for (label, block) in pem_blocks(pem) {
        let der = || pem_to_der(block).map(Zeroizing::new).ok_or("its key has a passphrase, or is damaged");
        let wrapped = match label {
            b"PRIVATE KEY" => return der(),
            b"ENCRYPTED PRIVATE KEY" => return Err("its key has a passphrase"),
            // RFC 8017 and RFC 5915
            b"RSA PRIVATE KEY" => wrap(RSA, &[5, 0], &der()?),
            b"EC PRIVATE KEY" => der().map(|key| wrap(EC, curve(&key)?, &key))?,
            _ => continue,
        };
        return wrapped.ok_or(NOT_READ);
    }
    Err("no key in it")
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A key of that algorithm, whose parameters are in DER, as PKCS #8.
fn wrap(algorithm: ObjectIdentifier, parameters: &[u8], key: &[u8]) -> Option<Secret> {
    let algorithm = in_der(Tag::Sequence, &[&identifier(algorithm)?, parameters])?;
    in_der(Tag::Sequence, &[&in_der(Tag::Integer, &[&[0]])?, &algorithm, &in_der(Tag::OctetString, &[key])?])
}

fn identifier(algorithm: ObjectIdentifier) -> Option<Secret> {
    in_der(Tag::ObjectIdentifier, &[algorithm.as_bytes()])
}

/// A value of those parts.
fn in_der(tag: Tag, parts: &[&[u8]]) -> Option<Secret> {
    let contents = Zeroizing::new(parts.concat());
    let value = AnyRef::new(tag, &contents).ok()?;
    let mut room = Zeroizing::new(vec![0; usize::try_from(value.encoded_len().ok()?).ok()?]);
    value.encode_to_slice(&mut room).ok()?;
    Some(room)
}

/// The curve of an EC key (RFC 5915), in DER.
fn curve(key: &[u8]) -> Option<&[u8]> {
    tagged(key, TagNumber::N0)
}

/// What is behind that tag in a SEQUENCE.
fn tagged(sequence: &[u8], number: TagNumber) -> Option<&[u8]> {
    let wanted = Tag::ContextSpecific { constructed: true, number };
    elements(sequence)?.into_iter().find(|element| element.tag() == wanted).map(|element| element.value())
}

fn elements(sequence: &[u8]) -> Option<Vec<AnyRef<'_>>> {
    let outer = AnyRef::from_der(sequence).ok()?;
    let mut rest = der::SliceReader::new(outer.value()).ok()?;
    let mut found = Vec::new();
    while !der::Reader::is_finished(&rest) {
        found.push(AnyRef::decode(&mut rest).ok()?);
    }
    Some(found)
}

/// The public key in a key of PKCS #8, as a certificate has it, where it is in there.
fn public_part(key: &[u8]) -> Option<Vec<u8>> {
    let [_version, algorithm, key, ..] = elements(key)?[..] else { return None };
    let key = key.decode_as::<OctetStringRef<'_>>().ok()?.as_bytes();
    let is = |kind| Some(algorithm.value().starts_with(&identifier(kind)?));
    if is(RSA)? {
        let [_version, modulus, exponent, ..] = elements(key)?[..] else { return None };
        let integer = |value: AnyRef<'_>| in_der(Tag::Integer, &[value.value()]);
        return in_der(Tag::Sequence, &[&integer(modulus)?, &integer(exponent)?]).map(|public| public.to_vec());
    }
    if is(EC)? {
        let bits = BitStringRef::from_der(tagged(key, TagNumber::N1)?).ok()?;
        return Some(bits.raw_bytes().to_vec());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "s3cret";
    const RSA_PEM: &str = include_str!("pkcs12/rsa.pem");
    const EC_PEM: &str = include_str!("pkcs12/ec.pem");

    /// Of a file that has a certificate, its key as OpenSSL used to write it, and the same in PKCS #8.
    fn parts(file: &str) -> [String; 3] {
        let blocks = pem_blocks(file.as_bytes()).map(|(_, block)| String::from_utf8(block.to_vec()).unwrap());
        blocks.collect::<Vec<_>>().try_into().unwrap()
    }

    fn made(certificates: &str, key: &str) -> Result<p12::PFX, Unusable> {
        let made = to_pkcs12(certificates.as_bytes(), key.as_bytes(), PASSWORD)?;
        Ok(p12::PFX::parse(&made).unwrap())
    }

    #[test]
    fn either_form_of_either_kind_of_key() {
        let issuer = &parts(EC_PEM)[0];
        for file in [RSA_PEM, EC_PEM] {
            let [certificate, old, new] = parts(file);
            let wanted = pem_to_der(new.as_bytes()).unwrap();
            for key in [&old, &new] {
                let made = made(&format!("{certificate}{issuer}"), &format!("text\n{key}")).unwrap();
                assert!(made.verify_mac(PASSWORD));
                // the curve's own copy in the key may be left out, or not
                let key = public_part(&made.key_bags(PASSWORD).unwrap()[0]);
                assert_eq!(key, public_part(&wanted));
                assert_eq!(key, Certificate::from_der(pem_to_der(certificate.as_bytes()).unwrap()).public_key());
                let certificates = [&certificate, issuer].map(|pem| pem_to_der(pem.as_bytes()).unwrap());
                assert_eq!(made.cert_x509_bags(PASSWORD).unwrap(), certificates);
            }
        }
    }

    #[test]
    fn the_key_of_another_certificate() {
        let ([rsa, ..], [_, ec_key, _]) = (parts(RSA_PEM), parts(EC_PEM));
        assert_eq!(made(&rsa, &ec_key).err(), Some(Unusable::Key("key values mismatch")));
        assert_eq!(made(&ec_key, &ec_key).err(), Some(Unusable::Certificate("no certificate in it")));
        assert_eq!(made(&rsa, &rsa).err(), Some(Unusable::Key("no key in it")));
    }

    #[test]
    fn what_is_no_key() {
        for (pem, words) in [
            ("", "no key in it"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no key in it"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "passphrase"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
                "passphrase",
            ),
            ("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "cannot be read"),
        ] {
            assert!(read_key(pem.as_bytes()).unwrap_err().contains(words), "{pem}");
        }
    }

    #[test]
    fn no_two_passwords_are_the_same() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert!(one.len() == 32 && *one != *other && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

//! Making keys and certificates.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509NameBuilder};

use super::leaf::{Bulk, LONG, Leaf, Purpose, Strength};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// Of each of the two numbers of a signature by a key on P-256, the only curve here.
const P256_OCTETS: i32 = 32;

/// A certificate and its key.
pub struct Identity {
    pub cert: X509,
    pub key: PKey<Private>,
}

/// What an authority says of itself.
#[derive(Clone, Copy, PartialEq)]
pub enum Authority {
    Full,
    /// Only for names under that one.
    Constrained(&'static str),
    /// Not that it is one.
    WithoutBasicConstraints,
}

impl Identity {
    /// A certificate authority: a root unless there is an issuer.
    pub fn authority(name: &str, kind: Authority, issuer: Option<&Self>) -> Result<Self, ErrorStack> {
        Self::issue(name, LONG, Strength::Strong, issuer, |builder| {
            if kind != Authority::WithoutBasicConstraints {
                builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
            }
            if let Authority::Constrained(domain) = kind {
                builder.append_extension(name_constraints(domain)?)?;
            }
            let mut usage = KeyUsage::new();
            usage.critical().key_cert_sign().crl_sign();
            builder.append_extension(usage.build()?)
        })
    }

    /// A server certificate: self-signed unless there is an issuer.
    pub fn leaf(leaf: &Leaf, issuer: Option<&Self>) -> Result<Self, ErrorStack> {
        Self::issue(leaf.common_name, leaf.valid, leaf.strength, issuer, |builder| {
            builder.append_extension(BasicConstraints::new().critical().build()?)?;
            builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
            let mut purpose = ExtendedKeyUsage::new();
            match leaf.purpose {
                Purpose::Server => purpose.server_auth(),
                Purpose::Client => purpose.client_auth(),
            };
            builder.append_extension(purpose.build()?)?;
            append_names(builder, leaf)
        })
    }

    fn issue(
        name: &str,
        valid: (i64, i64),
        strength: Strength,
        issuer: Option<&Self>,
        extend: impl Fn(&mut X509Builder) -> Result<(), ErrorStack>,
    ) -> Result<Self, ErrorStack> {
        loop {
            let issued = Self::issue_once(name, valid, strength, issuer, &extend)?;
            if wine_can_verify(&issued.cert) {
                return Ok(issued);
            }
        }
    }

    fn issue_once(
        name: &str,
        valid: (i64, i64),
        strength: Strength,
        issuer: Option<&Self>,
        extend: impl Fn(&mut X509Builder) -> Result<(), ErrorStack>,
    ) -> Result<Self, ErrorStack> {
        let key = new_key(strength)?;
        let mut subject = X509NameBuilder::new()?;
        subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
        let subject = subject.build();
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::ONE, false)?;

        let mut builder = X509Builder::new()?;
        builder.set_version(2)?; // X.509 v3
        let serial = serial.to_asn1_integer()?;
        builder.set_serial_number(&serial)?;
        let (from, until) = (days_from_now(valid.0)?, days_from_now(valid.1)?);
        builder.set_not_before(&from)?;
        builder.set_not_after(&until)?;
        builder.set_subject_name(&subject)?;
        builder.set_issuer_name(issuer.map_or(&subject, |by| by.cert.subject_name()))?;
        builder.set_pubkey(&key)?;
        extend(&mut builder)?;
        append_key_identifiers(&mut builder, issuer)?;
        let digest = match strength {
            Strength::Strong | Strength::Rsa | Strength::SmallKey => MessageDigest::sha256(),
            Strength::Sha384 => MessageDigest::sha384(),
            Strength::Sha1 => MessageDigest::sha1(),
        };
        builder.sign(issuer.map_or(&key, |by| &by.key), digest)?;
        Ok(Self { cert: builder.build(), key })
    }
}

/// Wine 8 refuses an ECDSA signature one of whose numbers begins with a zero octet (one signature of 128): it leaves that
/// octet out where a fixed length is wanted.
fn wine_can_verify(cert: &X509) -> bool {
    EcdsaSig::from_der(cert.signature().as_slice())
        .map_or(true, |signature| signature.r().num_bytes() == P256_OCTETS && signature.s().num_bytes() == P256_OCTETS)
}

/// Wine 8 cannot sign with an RSA key of which one of the smaller numbers begins with a zero octet (one key of 50).
fn wine_can_sign_with(key: &Rsa<Private>) -> bool {
    let half = key.size() as i32 / 2;
    key.d().num_bytes() == 2 * half
        && [key.dmp1(), key.dmq1(), key.iqmp()].iter().all(|part| part.is_some_and(|part| part.num_bytes() == half))
}

fn new_key(strength: Strength) -> Result<PKey<Private>, ErrorStack> {
    match strength {
        Strength::SmallKey => PKey::from_rsa(Rsa::generate(768)?),
        // one for all, since making it takes long
        Strength::Rsa => {
            static KEY: OnceLock<Result<PKey<Private>, ErrorStack>> = OnceLock::new();
            KEY.get_or_init(|| {
                loop {
                    let key = Rsa::generate(2048)?;
                    if wine_can_sign_with(&key) {
                        return PKey::from_rsa(key);
                    }
                }
            })
            .clone()
        }
        Strength::Strong | Strength::Sha384 | Strength::Sha1 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            PKey::from_ec_key(EcKey::generate(&group)?)
        }
    }
}

fn days_from_now(days: i64) -> Result<Asn1Time, ErrorStack> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
    Asn1Time::from_unix(now.saturating_add(days * SECONDS_PER_DAY))
}

// In DER by hand: OpenSSL's builders take no NUL in a name, and know no name constraints.

const SEQUENCE: u8 = 0x30;
/// Of a GeneralName (RFC 5280, section 4.2.1.6).
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// Of NameConstraints (section 4.2.1.10).
const PERMITTED_SUBTREES: u8 = 0xa0;

fn append_names(builder: &mut X509Builder, leaf: &Leaf) -> Result<(), ErrorStack> {
    if leaf.dns.is_empty() && leaf.ip.is_empty() && leaf.bulk == Bulk::None {
        return Ok(());
    }
    let bulk: Vec<String> = match leaf.bulk {
        Bulk::None => Vec::new(),
        Bulk::Names(count) => (0..count).map(|number| format!("n{number}")).collect(),
        Bulk::LongName(length) => vec!["x".repeat(length)],
    };
    let names = leaf.dns.iter().copied().chain(bulk.iter().map(String::as_str));
    let dns = names.map(|name| der(DNS_NAME, name.as_bytes()));
    let ip = leaf.ip.iter().filter_map(|address| address.parse().ok()).map(|address| match address {
        IpAddr::V4(address) => der(IP_ADDRESS, &address.octets()),
        IpAddr::V6(address) => der(IP_ADDRESS, &address.octets()),
    });
    let names: Vec<u8> = dns.chain(ip).flatten().collect();
    builder.append_extension(extension("subjectAltName", false, &der(SEQUENCE, &names))?)
}

fn name_constraints(domain: &str) -> Result<X509Extension, ErrorStack> {
    let subtree = der(SEQUENCE, &der(DNS_NAME, domain.as_bytes()));
    extension("nameConstraints", true, &der(SEQUENCE, &der(PERMITTED_SUBTREES, &subtree)))
}

fn extension(name: &str, critical: bool, content: &[u8]) -> Result<X509Extension, ErrorStack> {
    let (name, content) = (Asn1Object::from_str(name)?, Asn1OctetString::new_from_bytes(content)?);
    X509Extension::new_from_der(&name, critical, &content)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let octets = &length[length.iter().position(|octet| *octet != 0).unwrap_or(length.len() - 1)..];
    let mut bytes = vec![tag];
    // a length of more than seven bits comes with how many octets it takes
    if content.len() >= 0x80 {
        bytes.push(0x80 | octets.len() as u8);
    }
    bytes.extend_from_slice(octets);
    bytes.extend_from_slice(content);
    bytes
}

fn append_key_identifiers(builder: &mut X509Builder, issuer: Option<&Identity>) -> Result<(), ErrorStack> {
    let context = builder.x509v3_context(issuer.map(|by| &*by.cert), None);
    let own = SubjectKeyIdentifier::new().build(&context)?;
    let of_issuer = match issuer {
        Some(_) => Some(AuthorityKeyIdentifier::new().keyid(true).build(&context)?),
        None => None, // the same as its own
    };
    builder.append_extension(own)?;
    of_issuer.map_or(Ok(()), |identifier| builder.append_extension(identifier))
}

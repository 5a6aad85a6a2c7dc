//! Making keys and certificates.

use std::time::{SystemTime, UNIX_EPOCH};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use super::leaf::{Digest, LONG, Leaf, Purpose};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// A certificate and its key.
pub struct Identity {
    pub cert: X509,
    pub key: PKey<Private>,
}

impl Identity {
    /// A certificate authority: a root unless there is an issuer.
    pub fn authority(name: &str, issuer: Option<&Self>) -> Result<Self, ErrorStack> {
        Self::issue(name, LONG, issuer, Digest::Sha256, |builder| {
            builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
            let mut usage = KeyUsage::new();
            usage.critical().key_cert_sign().crl_sign();
            builder.append_extension(usage.build()?)
        })
    }

    /// A server certificate: self-signed unless there is an issuer.
    pub fn leaf(leaf: &Leaf, issuer: Option<&Self>) -> Result<Self, ErrorStack> {
        Self::issue(leaf.common_name, leaf.valid, issuer, leaf.digest, |builder| {
            builder.append_extension(BasicConstraints::new().critical().build()?)?;
            builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
            let mut purpose = ExtendedKeyUsage::new();
            match leaf.purpose {
                Purpose::Server => purpose.server_auth(),
                Purpose::Client => purpose.client_auth(),
            };
            builder.append_extension(purpose.build()?)?;
            append_names(builder, leaf, issuer)
        })
    }

    fn issue(
        name: &str,
        valid: (i64, i64),
        issuer: Option<&Self>,
        digest: Digest,
        extend: impl FnOnce(&mut X509Builder) -> Result<(), ErrorStack>,
    ) -> Result<Self, ErrorStack> {
        let key = new_key()?;
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
        let digest = match digest {
            Digest::Sha256 => MessageDigest::sha256(),
            Digest::Sha384 => MessageDigest::sha384(),
        };
        builder.sign(issuer.map_or(&key, |by| &by.key), digest)?;
        Ok(Self { cert: builder.build(), key })
    }
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn days_from_now(days: i64) -> Result<Asn1Time, ErrorStack> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or(i64::MAX);
    Asn1Time::from_unix(now.saturating_add(days * SECONDS_PER_DAY))
}

fn append_names(builder: &mut X509Builder, leaf: &Leaf, issuer: Option<&Identity>) -> Result<(), ErrorStack> {
    if leaf.dns.is_empty() && leaf.ip.is_empty() {
        return Ok(());
    }
    let mut names = SubjectAlternativeName::new();
    for name in leaf.dns {
        names.dns(name);
    }
    for address in leaf.ip {
        names.ip(address);
    }
    let names = names.build(&builder.x509v3_context(issuer.map(|by| &*by.cert), None))?;
    builder.append_extension(names)
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

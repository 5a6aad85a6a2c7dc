//! What a certificate says (X.509, RFC 5280), read from its DER: the same on every platform.
//!
//! Whether it is believed is for the platform's library to decide. Nothing is read before somebody asks for it, and no key
//! is decoded. A certificate of a stranger's may be malformed, or have any number of names of any length: how much of it is
//! shown has a limit.

use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, UintRef, UtcTime};
use der::{DateTime, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::text::escape;

/// How many names of a certificate are shown, and how many parts of a name.
const MOST_SHOWN: usize = 16;
/// How much of each is shown, in characters: as long as a host's name can be.
const LONGEST_SHOWN: usize = 255;

/// A certificate in DER, which may be malformed.
pub struct Certificate(Vec<u8>);

impl Certificate {
    /// From its DER.
    pub fn from_der(der: Vec<u8>) -> Certificate {
        Certificate(der)
    }

    /// What tells it from any other: the SHA-256 digest of its DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The certificate in PEM (RFC 7468).
    pub fn to_pem(&self) -> Vec<u8> {
        let base64 = STANDARD.encode(&self.0);
        let mut pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
        for line in base64.as_bytes().chunks(64) {
            pem.extend_from_slice(line);
            pem.push(b'\n');
        }
        pem.extend_from_slice(b"-----END CERTIFICATE-----\n");
        pem
    }

    /// Whether it says nothing of the names that it is good for. A malformed one does not count as such.
    pub fn lacks_names(&self) -> bool {
        Fields::read(&self.0).is_ok_and(|fields| fields.names.is_none())
    }

    /// The names that it is good for. Of a malformed one there are none.
    pub fn names(&self) -> Vec<Name<'_>> {
        let names = Fields::read(&self.0).and_then(|fields| fields.names()?.collect());
        names.unwrap_or_default()
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// Its public key, as a BIT STRING has it.
    pub fn public_key(&self) -> Option<Vec<u8>> {
        let [_algorithm, bits] = Fields::read(&self.0).and_then(|fields| exactly(fields.key)).ok()?;
        bits.decode_as::<BitStringRef<'_>>().ok().map(|bits| bits.raw_bytes().to_vec())
    }

    /// Its key, where the kind is known.
    pub fn key(&self) -> Option<Key> {
        Fields::read(&self.0).and_then(|fields| key(fields.key)).ok().flatten()
    }

    /// From when to when it is valid, where the dates can be read.
    pub fn validity(&self) -> Option<(SystemTime, SystemTime)> {
        let fields = Fields::read(&self.0).ok()?;
        let time = |date| SystemTime::UNIX_EPOCH.checked_add(date_time(date).ok()?.unix_duration());
        Some((time(fields.from)?, time(fields.to)?))
    }

    /// What it may be used for (RFC 5280, sections 4.2.1.3 and 4.2.1.12). A malformed one is good for nothing.
    pub fn uses(&self) -> Uses {
        Fields::read(&self.0).and_then(|fields| fields.uses()).unwrap_or(Uses { signs: false, serves: false })
    }

    /// The digest of its signature, where the algorithm has one.
    pub fn signature_digest(&self) -> Option<SignatureDigest> {
        let [_to_be_signed, algorithm, _signature] = AnyRef::from_der(&self.0).and_then(exactly).ok()?;
        Some(match dotted(identifier(algorithm).ok()?).as_str() {
            // with RSA, DSA and ECDSA
            "1.2.840.113549.1.1.4"
            | "1.2.840.113549.1.1.5"
            | "1.3.14.3.2.29"
            | "1.2.840.10040.4.3"
            | "1.2.840.10045.4.1" => SignatureDigest::Broken,
            // RFC 4055, RFC 5758
            "1.2.840.113549.1.1.14" | "2.16.840.1.101.3.4.3.1" | "1.2.840.10045.4.3.1" => SignatureDigest::Sha224,
            "1.2.840.113549.1.1.11" | "2.16.840.1.101.3.4.3.2" | "1.2.840.10045.4.3.2" => SignatureDigest::Sha256,
            "1.2.840.113549.1.1.12" | "2.16.840.1.101.3.4.3.3" | "1.2.840.10045.4.3.3" => SignatureDigest::Sha384,
            "1.2.840.113549.1.1.13" | "2.16.840.1.101.3.4.3.4" | "1.2.840.10045.4.3.4" => SignatureDigest::Sha512,
            _ => return None,
        })
    }

    /// The channel binding tls-server-end-point (RFC 5929, section 4), where the algorithm of the signature has a digest.
    pub fn end_point_binding(&self) -> Option<Vec<u8>> {
        Some(match self.signature_digest()? {
            SignatureDigest::Sha224 => Sha224::digest(&self.0).to_vec(),
            // section 4.1: what is broken is replaced
            SignatureDigest::Broken | SignatureDigest::Sha256 => Sha256::digest(&self.0).to_vec(),
            SignatureDigest::Sha384 => Sha384::digest(&self.0).to_vec(),
            SignatureDigest::Sha512 => Sha512::digest(&self.0).to_vec(),
        })
    }

    /// All that it says of itself.
    pub(super) fn describe(&self) -> der::Result<String> {
        let fields = Fields::read(&self.0)?;
        let key = self.key().map_or_else(String::new, |key| format!(", its key is {key}"));
        Ok(format!("{}, valid from {} to {}{key}", fields.shown()?, date(fields.from), date(fields.to)))
    }
}

/// Whom it is for and who issued it.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Fields::read(&self.0).and_then(|fields| fields.shown()) {
            Ok(shown) => f.write_str(&shown),
            Err(_) => f.write_str("malformed"),
        }
    }
}

/// What is looked at of a certificate (RFC 5280, section 4.1).
struct Fields<'a> {
    issuer: AnyRef<'a>,
    from: AnyRef<'a>,
    to: AnyRef<'a>,
    subject: AnyRef<'a>,
    key: AnyRef<'a>,
    /// The subjectAltName, where there is one.
    names: Option<AnyRef<'a>>,
    /// All extensions, a SEQUENCE.
    extensions: Option<AnyRef<'a>>,
}

impl<'a> Fields<'a> {
    fn read(der: &'a [u8]) -> der::Result<Fields<'a>> {
        let [to_be_signed, _algorithm, _signature] = exactly(AnyRef::from_der(der)?)?;
        let mut fields = sequence(to_be_signed)?.peekable();
        if matches!(fields.peek(), Some(Ok(version)) if version.tag() == context_tag(TagNumber::N0, true)) {
            fields.next();
        }
        let mut next = || fields.next().unwrap_or_else(|| Err(Tag::Sequence.length_error()));
        let (_serial_number, _algorithm, issuer) = (next()?, next()?, next()?);
        let [from, to] = exactly(next()?)?;
        let (subject, key) = (next()?, next()?);
        let mut extensions = None;
        for field in fields {
            let field = field?;
            if field.tag() == context_tag(TagNumber::N3, true) {
                extensions = Some(AnyRef::from_der(field.value())?);
            }
        }
        let names = extension(extensions, SUBJECT_ALT_NAME)?;
        Ok(Fields { issuer, from, to, subject, key, names, extensions })
    }

    fn uses(&self) -> der::Result<Uses> {
        let signs = match extension(self.extensions, KEY_USAGE)? {
            None => true,
            // digitalSignature, keyEncipherment, keyAgreement, of which each kind of handshake needs one
            Some(bits) => {
                bits.decode_as::<BitStringRef<'_>>()?.raw_bytes().first().is_some_and(|bits| bits & 0xa8 != 0)
            }
        };
        let serves = match extension(self.extensions, EXTENDED_KEY_USAGE)? {
            None => true,
            Some(uses) => sequence(uses)?.collect::<der::Result<Vec<_>>>()?.into_iter().any(|known| {
                // serverAuth, and what it was called by two vendors before
                let server = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"];
                server.contains(&dotted(known).as_str())
            }),
        };
        Ok(Uses { signs, serves })
    }

    /// The names that a server can have.
    fn names(&self) -> der::Result<impl Iterator<Item = der::Result<Name<'a>>>> {
        let names = self.names.map(sequence).transpose()?.into_iter().flatten();
        Ok(names.filter_map(|name| name.map(general_name).transpose()))
    }

    fn shown(&self) -> der::Result<String> {
        let names = list(self.names()?.map(|name| name.map(|name| name.to_string())))?;
        let names = names.unwrap_or_else(|| "no name".into());
        Ok(format!("for {names}, subject {}, issued by {}", self::name(self.subject)?, self::name(self.issuer)?))
    }
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    /// Whether its key may be used in a handshake.
    pub signs: bool,
    /// Whether it may be a server's, or above a server's.
    pub serves: bool,
}

// RFC 5280, section 4.2.1
const KEY_USAGE: &str = "2.5.29.15";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

/// The value of one of the extensions, if it is among them.
fn extension<'a>(extensions: Option<AnyRef<'a>>, wanted: &str) -> der::Result<Option<AnyRef<'a>>> {
    let mut found = None;
    for extension in extensions.map(sequence).transpose()?.into_iter().flatten() {
        let extension = extension?;
        if dotted(identifier(extension)?) == wanted {
            // it may have a BOOLEAN before it
            let value = sequence(extension)?.last().unwrap_or_else(|| Err(Tag::Sequence.length_error()))?;
            value.tag().assert_eq(Tag::OctetString)?;
            found = Some(AnyRef::from_der(value.value())?);
        }
    }
    Ok(found)
}

/// A name that a server can have, of those in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// A host's, with `*` for its first label or without, or anything else: it is what the certificate says.
    Dns(&'a [u8]),
    /// An address.
    Ip(IpAddr),
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Dns(octets) => f.write_str(&shorten(octets)),
            Name::Ip(address) => address.fmt(f),
        }
    }
}

/// A name or an address that a server can have; `None` of another kind of name.
fn general_name(name: AnyRef<'_>) -> Option<Name<'_>> {
    const DNS_NAME: Tag = context_tag(TagNumber::N2, false);
    const IP_ADDRESS: Tag = context_tag(TagNumber::N7, false);
    let octets = name.value();
    match name.tag() {
        DNS_NAME => Some(Name::Dns(octets)),
        IP_ADDRESS => match octets.len() {
            4 => <[u8; 4]>::try_from(octets).ok().map(|octets| Name::Ip(octets.into())),
            _ => <[u8; 16]>::try_from(octets).ok().map(|octets| Name::Ip(octets.into())),
        },
        _ => None,
    }
}

/// A distinguished name in one line.
fn name(name: AnyRef<'_>) -> der::Result<String> {
    let attributes =
        sequence(name)?.flat_map(|set| match set.and_then(|set| set.tag().assert_eq(Tag::Set).and(Ok(set))) {
            Ok(set) => Elements::of(set.value()),
            Err(error) => Elements::Malformed(error),
        });
    let shown = list(attributes.map(|attribute| {
        let [key, value] = exactly(attribute?)?;
        Ok(format!("{}={}", key_of_attribute(key), attribute_value(value)))
    }))?;
    Ok(shown.unwrap_or_else(|| "nobody".into()))
}

/// The short name of an attribute (RFC 4514, section 3, and what else is common).
fn key_of_attribute(key: AnyRef<'_>) -> String {
    match dotted(key).as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => return other.to_owned(),
    }
    .to_owned()
}

fn attribute_value(value: AnyRef<'_>) -> String {
    let octets = value.value();
    match value.tag() {
        // converted it is as long as it is in all
        _ if octets.len() > LONGEST_SHOWN => shorten(octets),
        Tag::BmpString => {
            let units = octets.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect::<Vec<_>>();
            shorten(String::from_utf16_lossy(&units).as_bytes())
        }
        // what is written as Latin-1 by those who write it
        Tag::TeletexString => shorten(octets.iter().copied().map(char::from).collect::<String>().as_bytes()),
        _ => shorten(octets),
    }
}

/// A date, or what is written there instead.
fn date(date: AnyRef<'_>) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    match date_time(date) {
        Ok(read) => {
            let month = MONTHS.get(usize::from(read.month()).wrapping_sub(1)).copied().unwrap_or_default();
            let (day, year) = (read.day(), read.year());
            format!("{month} {day:>2} {:02}:{:02}:{:02} {year} GMT", read.hour(), read.minutes(), read.seconds())
        }
        Err(_) => shorten(date.value()),
    }
}

fn date_time(date: AnyRef<'_>) -> der::Result<DateTime> {
    match date.tag() {
        Tag::UtcTime => date.decode_as::<UtcTime>().map(|date| date.to_date_time()),
        _ => date.decode_as::<GeneralizedTime>().map(|date| date.to_date_time()),
    }
}

/// The kind and the size of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// RSA, of so many bits.
    Rsa(usize),
    /// On one of the usual curves, of so many bits.
    Ec(usize),
    /// On another curve, by its OBJECT IDENTIFIER.
    OtherCurve(String),
    /// Of RFC 8410, by its name.
    Edwards(&'static str),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Rsa(bits) => write!(f, "RSA of {bits} bits"),
            Key::Ec(bits) => write!(f, "EC of {bits} bits"),
            Key::OtherCurve(curve) => write!(f, "EC on the curve {curve}"),
            Key::Edwards(name) => f.write_str(name),
        }
    }
}

/// The digest that a signature is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureDigest {
    /// MD5 or SHA-1, which can be forged.
    Broken,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The kind and the size of a key (RFC 5280, section 4.1.2.7), where they are known.
fn key(key: AnyRef<'_>) -> der::Result<Option<Key>> {
    let [algorithm, bits] = exactly(key)?;
    let key = match dotted(identifier(algorithm)?).as_str() {
        // RFC 8017, for any signature and for RSASSA-PSS alone
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => {
            let bits = bits.decode_as::<BitStringRef<'_>>()?.raw_bytes();
            let [modulus, _exponent] = exactly(AnyRef::from_der(bits)?)?;
            let modulus = modulus.decode_as::<UintRef<'_>>()?.as_bytes();
            let unused = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
            Key::Rsa(modulus.len() * 8 - unused)
        }
        // RFC 5480
        "1.2.840.10045.2.1" => {
            let [_algorithm, curve] = exactly(algorithm)?;
            match dotted(curve).as_str() {
                "1.2.840.10045.3.1.7" => Key::Ec(256),
                "1.3.132.0.34" => Key::Ec(384),
                "1.3.132.0.35" => Key::Ec(521),
                curve => Key::OtherCurve(curve.to_owned()),
            }
        }
        // RFC 8410
        "1.3.101.112" => Key::Edwards("Ed25519"),
        "1.3.101.113" => Key::Edwards("Ed448"),
        _ => return Ok(None),
    };
    Ok(Some(key))
}

/// The OBJECT IDENTIFIER that such a SEQUENCE begins with.
fn identifier(sequence: AnyRef<'_>) -> der::Result<AnyRef<'_>> {
    let first = self::sequence(sequence)?.next().unwrap_or_else(|| Err(Tag::Sequence.length_error()))?;
    first.tag().assert_eq(Tag::ObjectIdentifier)?;
    Ok(first)
}

/// An OBJECT IDENTIFIER as it is written; `?` where it has more or larger numbers than any that is known here.
fn dotted(identifier: AnyRef<'_>) -> String {
    identifier.decode_as::<ObjectIdentifier>().map_or_else(|_| "?".into(), |identifier| identifier.to_string())
}

/// The elements of a SEQUENCE that has so many.
fn exactly<const N: usize>(of: AnyRef<'_>) -> der::Result<[AnyRef<'_>; N]> {
    let found = sequence(of)?.take(N + 1).collect::<der::Result<Vec<_>>>()?;
    found.try_into().map_err(|_| Tag::Sequence.length_error())
}

fn sequence(of: AnyRef<'_>) -> der::Result<Elements<'_>> {
    of.tag().assert_eq(Tag::Sequence)?;
    Ok(Elements::of(of.value()))
}

const fn context_tag(number: TagNumber, constructed: bool) -> Tag {
    Tag::ContextSpecific { constructed, number }
}

/// The elements of a SEQUENCE or a SET, one by one, up to the first that is malformed.
enum Elements<'a> {
    Rest(SliceReader<'a>),
    Malformed(der::Error),
    Over,
}

impl<'a> Elements<'a> {
    fn of(contents: &'a [u8]) -> Elements<'a> {
        SliceReader::new(contents).map_or_else(Elements::Malformed, Elements::Rest)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = der::Result<AnyRef<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let element = match self {
            Elements::Rest(rest) if !rest.is_finished() => rest.decode(),
            Elements::Malformed(error) => Err(*error),
            Elements::Rest(_) | Elements::Over => return None,
        };
        if element.is_err() {
            *self = Elements::Over;
        }
        Some(element)
    }
}

/// The first ones, and how many more there are; `None` of none.
fn list(mut texts: impl Iterator<Item = der::Result<String>>) -> der::Result<Option<String>> {
    let Some(mut shown) = texts.next().transpose()? else { return Ok(None) };
    for text in texts.by_ref().take(MOST_SHOWN - 1) {
        shown.push_str(", ");
        shown.push_str(&text?);
    }
    match texts.try_fold(0, |count, text| text.map(|_| count + 1))? {
        0 => {}
        more => shown.push_str(&format!(" and {more} more")),
    }
    Ok(Some(shown))
}

/// A text fit to be shown, cut where it is too long.
fn shorten(bytes: &[u8]) -> String {
    let mut text = escape(&bytes[..bytes.len().min(LONGEST_SHOWN)]);
    if bytes.len() > LONGEST_SHOWN || text.len() > LONGEST_SHOWN {
        // escaped it may have become longer
        let end = (0..=LONGEST_SHOWN.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use der::Encode;

    use super::*;
    use crate::net::address::Host;
    use crate::net::tls::refusal::{self, Reason};
    use crate::text::hex;

    /// Made by `openssl req -x509`, with an email address among its names.
    const PEM: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIB0zCCAXmgAwIBAgIUbxJWRP7SylCDvOW/mWy1wvZz+wswCgYIKoZIzj0EAwIw\n\
MzELMAkGA1UEBhMCREUxEDAOBgNVBAoMB03DvGxsZXIxEjAQBgNVBAMMCW1haWwu\n\
dGVzdDAgFw0yNjExMjYwMjU4NTBaGA8yMDU2MTExODAyNTg1MFowMzELMAkGA1UE\n\
BhMCREUxEDAOBgNVBAoMB03DvGxsZXIxEjAQBgNVBAMMCW1haWwudGVzdDBZMBMG\n\
ByqGSM49AgEGCCqGSM49AwEHA0IABJt+7hCB7zvL/alQcnEp8tNIpyapvReH1QHq\n\
Me5bR209lUaSLwZf/3jyNXj23w0vHrpgTo/vKlB4wTo+iGLgXRyjaTBnMEYGA1Ud\n\
EQQ/MD2CCW1haWwudGVzdIILKi5tYWlsLnRlc3SHBH8AAAGHEAAAAAAAAAAAAAAA\n\
AAAAAAGBC2FAbWFpbC50ZXN0MB0GA1UdDgQWBBQJYJh3dNQw68/QpAdyZYfH9EwI\n\
mTAKBggqhkjOPQQDAgNIADBFAiATjdJKYABPHIKFBLiSQ48aI+fI8bj0cMht/v7W\n\
9Q6aGQIhANvZgXZKth/bVV621H5oJU/DUXoafLGlG2LU+IGErobn\n\
-----END CERTIFICATE-----\n\
";

    fn real() -> Certificate {
        let base64: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
        Certificate::from_der(STANDARD.decode(base64).unwrap())
    }

    /// A value in DER.
    fn value(tag: Tag, contents: &[&[u8]]) -> Vec<u8> {
        let contents = contents.concat();
        let mut room = vec![0; contents.len() + 8];
        AnyRef::new(tag, &contents).unwrap().encode_to_slice(&mut room).unwrap().to_vec()
    }

    fn sequence_of(contents: &[&[u8]]) -> Vec<u8> {
        value(Tag::Sequence, contents)
    }

    fn oid(dotted: &str) -> Vec<u8> {
        value(Tag::ObjectIdentifier, &[ObjectIdentifier::new_unwrap(dotted).as_bytes()])
    }

    /// A name of one attribute.
    fn name_of(key: &str, tag: Tag, text: &[u8]) -> Vec<u8> {
        sequence_of(&[&value(Tag::Set, &[&sequence_of(&[&oid(key), &value(tag, &[text])])])])
    }

    fn rsa_key(modulus: &[u8]) -> Vec<u8> {
        let key = sequence_of(&[&value(Tag::Integer, &[modulus]), &value(Tag::Integer, &[&[1, 0, 1]])]);
        let algorithm = sequence_of(&[&oid("1.2.840.113549.1.1.1"), &value(Tag::Null, &[])]);
        sequence_of(&[&algorithm, &value(Tag::BitString, &[&[0], &key])])
    }

    /// What a certificate is made of.
    struct Made {
        algorithm: &'static str,
        subject: Vec<u8>,
        dates: [Vec<u8>; 2],
        key: Vec<u8>,
        extensions: Vec<u8>,
    }

    impl Default for Made {
        fn default() -> Made {
            Made {
                algorithm: "1.2.840.113549.1.1.11",
                subject: name_of("2.5.4.3", Tag::PrintableString, b"x"),
                dates: [value(Tag::UtcTime, &[b"991231235959Z"]), value(Tag::GeneralizedTime, &[b"20500101000000Z"])],
                key: rsa_key(&[1; 64]),
                extensions: Vec::new(),
            }
        }
    }

    impl Made {
        fn certificate(&self) -> Certificate {
            let algorithm = sequence_of(&[&oid(self.algorithm), &value(Tag::Null, &[])]);
            let issuer = name_of("2.5.4.10", Tag::Utf8String, b"y");
            let to_be_signed = sequence_of(&[
                &value(context_tag(TagNumber::N0, true), &[&value(Tag::Integer, &[&[2]])]),
                // negative, and longer than it may be: nobody looks at it
                &value(Tag::Integer, &[&[0xff; 40]]),
                &algorithm,
                &issuer,
                &sequence_of(&[&self.dates[0], &self.dates[1]]),
                &self.subject,
                &self.key,
                &self.extensions,
            ]);
            Certificate::from_der(sequence_of(&[&to_be_signed, &algorithm, &value(Tag::BitString, &[&[0, 1]])]))
        }
    }

    fn extensions(dotted: &str, contents: &[u8]) -> Vec<u8> {
        let critical = value(Tag::Boolean, &[&[0xff]]);
        let extension = sequence_of(&[&oid(dotted), &critical, &value(Tag::OctetString, &[contents])]);
        value(context_tag(TagNumber::N3, true), &[&sequence_of(&[&extension])])
    }

    fn names(names: &[(TagNumber, &[u8])]) -> Made {
        let names: Vec<_> = names.iter().map(|(number, name)| value(context_tag(*number, false), &[name])).collect();
        let names: Vec<_> = names.iter().map(Vec::as_slice).collect();
        Made { extensions: extensions("2.5.29.17", &sequence_of(&names)), ..Made::default() }
    }

    /// A certificate with those names.
    pub fn certificate_for(names: &[Name<'_>]) -> Certificate {
        Sample { names, ..Sample::default() }.certificate()
    }

    /// A certificate with an RSA key of so many bits, signed by that algorithm.
    pub fn certificate_with(bits: usize, algorithm: &'static str) -> Certificate {
        Sample { bits, algorithm, ..Sample::default() }.certificate()
    }

    /// What a server's certificate says that is looked at when it is judged.
    pub struct Sample<'a> {
        pub names: &'a [Name<'a>],
        /// How large its RSA key is.
        pub bits: usize,
        /// What it is signed by.
        pub algorithm: &'static str,
        /// From when to when it is valid.
        pub dates: [&'a str; 2],
        /// The bits of keyUsage, where it has that.
        pub usage: Option<u8>,
        /// What else it may be used for, where it says so.
        pub uses: &'a [&'a str],
    }

    impl Default for Sample<'_> {
        /// One that is believed for mail.test.
        fn default() -> Self {
            Sample {
                names: &[Name::Dns(b"mail.test")],
                bits: 2048,
                algorithm: "1.2.840.113549.1.1.11",
                dates: ["19991231235959Z", "20991231235959Z"],
                usage: None,
                uses: &[],
            }
        }
    }

    impl Sample<'_> {
        pub fn certificate(&self) -> Certificate {
            let mut all = Vec::new();
            let mut add = |dotted: &str, contents: &[u8]| {
                all.push(sequence_of(&[&oid(dotted), &value(Tag::OctetString, &[contents])]));
            };
            if !self.names.is_empty() {
                let names: Vec<_> = self.names.iter().map(encoded).collect();
                add(SUBJECT_ALT_NAME, &sequence_of(&names.iter().map(Vec::as_slice).collect::<Vec<_>>()));
            }
            if let Some(bits) = self.usage {
                add(KEY_USAGE, &value(Tag::BitString, &[&[0, bits]]));
            }
            if !self.uses.is_empty() {
                let uses: Vec<_> = self.uses.iter().map(|dotted| oid(dotted)).collect();
                add(EXTENDED_KEY_USAGE, &sequence_of(&uses.iter().map(Vec::as_slice).collect::<Vec<_>>()));
            }
            let all = sequence_of(&all.iter().map(Vec::as_slice).collect::<Vec<_>>());
            Made {
                algorithm: self.algorithm,
                dates: self.dates.map(|date| value(Tag::GeneralizedTime, &[date.as_bytes()])),
                key: rsa_key(&[&[0][..], &vec![0xff; self.bits / 8]].concat()),
                extensions: value(context_tag(TagNumber::N3, true), &[&all]),
                ..Made::default()
            }
            .certificate()
        }
    }

    fn encoded(name: &Name<'_>) -> Vec<u8> {
        match name {
            Name::Dns(name) => value(context_tag(TagNumber::N2, false), &[name]),
            Name::Ip(IpAddr::V4(address)) => value(context_tag(TagNumber::N7, false), &[&address.octets()]),
            Name::Ip(IpAddr::V6(address)) => value(context_tag(TagNumber::N7, false), &[&address.octets()]),
        }
    }

    fn refusal(certificate: &Certificate, reason: Reason) -> String {
        let text = refusal::refusal(Some(certificate), reason, &Host::parse(b"pop.test").unwrap());
        text.strip_prefix("the server's certificate was refused: ").unwrap().to_owned()
    }

    #[test]
    fn what_a_certificate_says() {
        let certificate = real();
        const NAME: &str = "C=DE, O=Müller, CN=mail.test";
        let shown = format!("for mail.test, *.mail.test, 127.0.0.1, ::1, subject {NAME}, issued by {NAME}");
        assert_eq!(certificate.to_string(), shown);
        assert_eq!(
            refusal(&certificate, Reason::Expired),
            format!(
                "certificate has expired (wanted pop.test; the certificate is {shown}, valid from Nov 26 02:58:50 2026 \
                 GMT to Nov 18 02:58:50 2056 GMT, its key is EC of 256 bits)"
            )
        );
        let fingerprint = "561568e7b9ddbab418fef064e2c1f3879f152219a05511669eb7fe98914536dc";
        assert_eq!(hex(&certificate.fingerprint()), fingerprint);
        assert_eq!(hex(&certificate.end_point_binding().unwrap()), fingerprint);
        assert_eq!(String::from_utf8(certificate.to_pem()).unwrap(), PEM);
    }

    #[test]
    fn a_sequence_has_as_many_elements_as_it_must() {
        let one = value(Tag::Null, &[]);
        for (count, fits) in [(1, false), (2, true), (3, false)] {
            let sequence = sequence_of(&vec![&one[..]; count]);
            assert_eq!(exactly::<2>(AnyRef::from_der(&sequence).unwrap()).is_ok(), fits, "{count}");
        }
    }

    #[test]
    fn which_names_are_names() {
        for (made, shown, lacks) in [
            (Made::default(), "no name", true),
            (Made { extensions: extensions("2.5.29.15", &[3, 2, 5, 160]), ..Made::default() }, "no name", true),
            (names(&[]), "no name", false),
            (names(&[(TagNumber::N1, b"a@b"), (TagNumber::N6, b"http://x")]), "no name", false),
            (
                names(&[(TagNumber::N2, b"a.test\0b\xff"), (TagNumber::N7, &[10, 0, 0, 1])]),
                r"a.test\x00b\xff, 10.0.0.1",
                false,
            ),
            (names(&[(TagNumber::N7, &[1, 2, 3]), (TagNumber::N7, &[0; 8]), (TagNumber::N2, b"b")]), "b", false),
        ] {
            let certificate = made.certificate();
            assert_eq!(certificate.to_string(), format!("for {shown}, subject CN=x, issued by O=y"));
            assert_eq!(certificate.lacks_names(), lacks, "{shown}");
        }
    }

    #[test]
    fn of_many_names_the_first_are_shown() {
        let certificate = names(&[(TagNumber::N2, &[b'n'; 300][..]); 5000]).certificate();
        let name = format!("{}…", "n".repeat(255));
        let names = [&*name; 16].join(", ");
        assert_eq!(certificate.to_string(), format!("for {names} and 4984 more, subject CN=x, issued by O=y"));
    }

    #[test]
    fn attributes_of_a_name() {
        for (key, tag, text, shown) in [
            ("2.5.4.6", Tag::PrintableString, &b"DE"[..], "C=DE"),
            ("1.2.840.113549.1.9.1", Tag::Ia5String, b"a@b", "emailAddress=a@b"),
            ("2.5.4.3", Tag::BmpString, &[0, b'a', 0x20, 0xac], "CN=a€"),
            ("2.5.4.3", Tag::TeletexString, b"M\xfcller", "CN=Müller"),
            ("2.5.4.3", Tag::Utf8String, b"\xff\r\n", r"CN=\xff\x0d\x0a"),
            ("1.2.3.4", Tag::Utf8String, b"x", "1.2.3.4=x"),
        ] {
            let certificate = Made { subject: name_of(key, tag, text), ..Made::default() }.certificate();
            assert_eq!(certificate.to_string(), format!("for no name, subject {shown}, issued by O=y"));
        }
        // as much as is shown of any text is converted, of more the beginning is shown as it is
        let wide = |octets: usize| [0, b'a'].repeat(128)[..octets].to_vec();
        for (octets, shown) in [(LONGEST_SHOWN - 1, "a".repeat(127)), (LONGEST_SHOWN, "a".repeat(127))] {
            let subject = name_of("2.5.4.3", Tag::BmpString, &wide(octets));
            let certificate = Made { subject, ..Made::default() }.certificate();
            assert_eq!(certificate.to_string(), format!("for no name, subject CN={shown}, issued by O=y"));
        }
        let subject = name_of("2.5.4.3", Tag::BmpString, &wide(LONGEST_SHOWN + 1));
        let long = Made { subject, ..Made::default() }.certificate().to_string();
        assert!(long.starts_with(r"for no name, subject CN=\x00a\x00a"), "{long}");
        let nobody = Made { subject: sequence_of(&[]), ..Made::default() }.certificate();
        assert_eq!(nobody.to_string(), "for no name, subject nobody, issued by O=y");
    }

    #[test]
    fn dates_and_keys() {
        let wanted = |from: &str, to: &str, key: &str| {
            format!(
                "certificate has expired (wanted pop.test; the certificate is for no name, subject CN=x, issued by O=y, \
                 valid from {from} to {to}{key})"
            )
        };
        let (from, to) = ("Dec 31 23:59:59 1999 GMT", "Jan  1 00:00:00 2050 GMT");
        let key = |key| refusal(&Made { key, ..Made::default() }.certificate(), Reason::Expired);
        // the first bits of the modulus are zero
        assert_eq!(key(rsa_key(&[1; 64])), wanted(from, to, ", its key is RSA of 505 bits"));
        assert_eq!(key(rsa_key(&[&[0][..], &[0xff; 256]].concat())), wanted(from, to, ", its key is RSA of 2048 bits"));
        let ec = |curve| {
            let algorithm = sequence_of(&[&oid("1.2.840.10045.2.1"), &oid(curve)]);
            sequence_of(&[&algorithm, &value(Tag::BitString, &[&[0, 4]])])
        };
        assert_eq!(key(ec("1.3.132.0.34")), wanted(from, to, ", its key is EC of 384 bits"));
        assert_eq!(key(ec("1.3.132.0.10")), wanted(from, to, ", its key is EC on the curve 1.3.132.0.10"));
        let edwards = |curve| sequence_of(&[&sequence_of(&[&oid(curve)]), &value(Tag::BitString, &[&[0; 33]])]);
        assert_eq!(key(edwards("1.3.101.112")), wanted(from, to, ", its key is Ed25519"));
        assert_eq!(key(edwards("1.3.101.113")), wanted(from, to, ", its key is Ed448"));
        let unknown = sequence_of(&[&sequence_of(&[&oid("1.2.3")]), &value(Tag::BitString, &[&[0, 4]])]);
        assert_eq!(key(unknown), wanted(from, to, ""));
        assert_eq!(key(rsa_key(&[0x80])), wanted(from, to, ""), "negative");
        let dates = [value(Tag::UtcTime, &[b"no date"]), value(Tag::GeneralizedTime, &[b"00000101000000Z"])];
        let odd = Made { dates, ..Made::default() }.certificate();
        let shown = wanted("no date", "00000101000000Z", ", its key is RSA of 505 bits");
        assert_eq!(refusal(&odd, Reason::Expired), shown);
    }

    #[test]
    fn the_channel_binding_takes_the_digest_of_the_signature() {
        for (algorithm, length) in [
            ("1.2.840.113549.1.1.4", Some(32)),
            ("1.2.840.113549.1.1.5", Some(32)),
            ("1.2.840.10045.4.1", Some(32)),
            ("1.2.840.113549.1.1.14", Some(28)),
            ("1.2.840.113549.1.1.11", Some(32)),
            ("1.2.840.113549.1.1.12", Some(48)),
            ("1.2.840.113549.1.1.13", Some(64)),
            ("1.2.840.10045.4.3.1", Some(28)),
            ("1.2.840.10045.4.3.2", Some(32)),
            ("1.2.840.10045.4.3.3", Some(48)),
            ("1.2.840.10045.4.3.4", Some(64)),
            // Ed25519 has no digest, RSASSA-PSS says it elsewhere
            ("1.3.101.112", None),
            ("1.2.840.113549.1.1.10", None),
        ] {
            let binding = Made { algorithm, ..Made::default() }.certificate().end_point_binding();
            assert_eq!(binding.map(|binding| binding.len()), length, "{algorithm}");
        }
        let certificate = Made { algorithm: "1.2.840.10045.4.3.3", ..Made::default() }.certificate();
        assert_eq!(certificate.end_point_binding().unwrap(), Sha384::digest(&certificate.0).to_vec());
    }

    #[test]
    fn from_when_to_when() {
        let days = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * 24 * 60 * 60);
        let validity = |dates| Sample { dates, ..Sample::default() }.certificate().validity();
        assert_eq!(validity(["19700102000000Z", "20000101000000Z"]), Some((days(1), days(10957))));
        assert_eq!(validity(["no date", "20000101000000Z"]), None);
        assert_eq!(Made::default().certificate().validity().unwrap().0, days(10957) - Duration::from_secs(1));
    }

    #[test]
    fn what_it_may_be_used_for() {
        let uses = |usage, uses: &[&str]| Sample { usage, uses, ..Sample::default() }.certificate().uses();
        for (usage, signs) in [
            (None, true),
            (Some(0x80), true),
            (Some(0x20), true),
            (Some(0x08), true),
            (Some(0x56), false),
            (Some(0), false),
        ] {
            assert_eq!(uses(usage, &[]), Uses { signs, serves: true }, "{usage:?}");
        }
        const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
        for (list, serves) in [
            (&[CLIENT][..], false),
            (&[CLIENT, "1.3.6.1.5.5.7.3.1"], true),
            (&["1.3.6.1.4.1.311.10.3.3"], true),
            (&["2.16.840.1.113730.4.1"], true),
            // any use is none of a server's, as OpenSSL has it
            (&["2.5.29.37.0"], false),
        ] {
            assert_eq!(uses(None, list), Uses { signs: true, serves }, "{list:?}");
        }
        let malformed = Made { extensions: extensions(KEY_USAGE, &[4, 1, 0x80]), ..Made::default() };
        assert_eq!(malformed.certificate().uses(), Uses { signs: false, serves: false });
    }

    #[test]
    fn a_malformed_certificate() {
        let der = real().0;
        for end in 0..der.len() {
            let cut = Certificate::from_der(der[..end].to_vec());
            assert_eq!(cut.to_string(), "malformed", "{end}");
            assert_eq!(
                refusal(&cut, Reason::Expired),
                "certificate has expired (wanted pop.test; the certificate is malformed)"
            );
            assert!(!cut.lacks_names() && cut.end_point_binding().is_none());
        }
        // whatever it says now, nothing panics
        for index in 0..der.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = der.clone();
                changed[index] ^= change;
                let changed = Certificate::from_der(changed);
                let _ = (refusal(&changed, Reason::WeakKey), changed.lacks_names(), changed.end_point_binding());
            }
        }
        let longer = Certificate::from_der([&der[..], &[0]].concat());
        assert_eq!(longer.to_string(), "malformed");
        // names that end in the middle of one
        let broken = Made { extensions: extensions("2.5.29.17", &[0x30, 3, 0x82, 9, b'x']), ..Made::default() };
        let broken = broken.certificate();
        assert!(broken.to_string() == "malformed" && !broken.lacks_names());
    }

    #[test]
    fn the_first_names_are_shown() {
        let names = |count: usize| list((0..count).map(|name| Ok(name.to_string()))).unwrap();
        assert_eq!(names(0), None);
        assert_eq!(names(1).unwrap(), "0");
        assert_eq!(names(16).unwrap(), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15");
        assert_eq!(names(10_000).unwrap(), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 9984 more");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(shorten(b"mail.test\0"), r"mail.test\x00");
        assert_eq!(shorten(&[b'x'; 255]), "x".repeat(255));
        assert_eq!(shorten(&[b'x'; 80_000]), format!("{}…", "x".repeat(255)));
        // a character that the cut goes through, and octets that are longer when they are shown
        assert_eq!(shorten("ü".repeat(200).as_bytes()), format!("{}\\…", "ü".repeat(127)));
        assert_eq!(shorten(&[0; 200]), format!("{}\\x0…", "\\x00".repeat(63)));
    }
}

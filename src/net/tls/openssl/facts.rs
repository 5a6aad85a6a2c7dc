//! What is known of a TLS connection and its certificate, in words.
//!
//! A certificate of a stranger's may have any number of names of any length: how much of it is shown has a limit.

use std::fmt;
use std::net::IpAddr;

use openssl::error::ErrorStack;
use openssl::hash::{DigestBytes, MessageDigest};
use openssl::ssl::SslRef;
use openssl::x509::{X509, X509NameEntryRef, X509NameRef, X509Ref};

use super::errors::setup_error;
use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::shortage;
use crate::text::escape;

/// How many names of a certificate are shown, and how many parts of a name.
const MOST_SHOWN: usize = 16;
/// How much of each is shown, in characters: as long as a host's name can be.
const LONGEST_SHOWN: usize = 255;

/// More than a certificate has in PEM: OpenSSL takes no chain of more than 100 KiB.
const LARGEST_PEM: usize = 256 * 1024;

/// What is known of a TLS connection.
pub struct TlsInfo {
    /// The version, as "TLSv1.3".
    pub version: &'static str,
    /// The cipher suite.
    pub cipher: &'static str,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// Whether the peer's certificate and name were verified.
    pub verified: bool,
    /// The peer's certificate, if it sent one.
    pub certificate: Option<X509>,
}

impl TlsInfo {
    /// The peer's certificate in PEM, empty if it sent none.
    pub fn peer_pem(&self) -> Result<Vec<u8>> {
        let Some(certificate) = &self.certificate else { return Ok(Vec::new()) };
        if !shortage::has(LARGEST_PEM) {
            return Err(Error::new(Kind::OutOfMemory, "no memory for the server's certificate"));
        }
        certificate.to_pem().map_err(setup_error)
    }
}

impl fmt::Display for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resumed = if self.resumed { ", resumed" } else { "" };
        let verified = if self.verified { "verified" } else { "not verified" };
        write!(f, "{}, {}{resumed}, certificate {verified}", self.version, self.cipher)?;
        match &self.certificate {
            Some(certificate) => {
                let (subject, issuer) = (name(certificate.subject_name()), name(certificate.issuer_name()));
                write!(f, ": for {}, subject {subject}, issued by {issuer}", names(certificate))
            }
            None => f.write_str(": none was sent"),
        }
    }
}

/// Why the certificate was refused, and what it says of itself.
pub fn refusal(ssl: &SslRef, wanted: &Host) -> String {
    let why = ssl.verify_result().error_string();
    let Some(certificate) = leaf(ssl) else {
        return why.to_owned();
    };
    let names = names(certificate);
    let (subject, issuer) = (name(certificate.subject_name()), name(certificate.issuer_name()));
    let (from, to) = (certificate.not_before(), certificate.not_after());
    format!(
        "{why} (wanted {wanted}; the certificate is for {names}, subject {subject}, issued by {issuer}, \
         valid from {from} to {to})"
    )
}

/// The certificate that was looked at in this handshake.
pub fn leaf(ssl: &SslRef) -> Option<&X509Ref> {
    ssl.verified_chain().and_then(|chain| chain.get(0))
}

/// What tells a certificate from any other: the SHA-256 digest of its DER.
pub fn fingerprint(certificate: &X509Ref) -> Result<DigestBytes, ErrorStack> {
    certificate.digest(MessageDigest::sha256())
}

/// A fingerprint as pop3_options_set_fingerprint takes it.
pub fn hex(fingerprint: &[u8]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names that a certificate is good for.
fn names(certificate: &X509Ref) -> String {
    let Some(names) = certificate.subject_alt_names() else { return "no name".into() };
    list(names.iter().filter_map(|name| match name.ipaddress() {
        Some(octets) => ip_address(octets).map(|address| address.to_string()),
        None => name.dnsname().map(|name| shorten(name.as_bytes())),
    }))
    .unwrap_or_else(|| "no name".into())
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

/// A distinguished name in one line.
fn name(name: &X509NameRef) -> String {
    let entry = |entry: &X509NameEntryRef| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let raw = entry.data().as_slice();
        // converted to UTF-8 it is as long as it is in all
        let value = match raw.len() {
            ..=LONGEST_SHOWN => entry.data().to_string().map(|value| shorten(value.as_bytes())).unwrap_or_default(),
            _ => shorten(raw),
        };
        format!("{key}={value}")
    };
    list(name.entries().map(entry)).unwrap_or_else(|| "nobody".into())
}

/// The first ones, and how many more there are; `None` of none.
fn list(mut texts: impl Iterator<Item = String>) -> Option<String> {
    let mut shown = texts.next()?;
    for text in texts.by_ref().take(MOST_SHOWN - 1) {
        shown.push_str(", ");
        shown.push_str(&text);
    }
    match texts.count() {
        0 => {}
        more => shown.push_str(&format!(" and {more} more")),
    }
    Some(shown)
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
mod tests {
    use super::*;

    #[test]
    fn the_first_names_are_shown() {
        let names = |count: usize| list((0..count).map(|name| name.to_string()));
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

    #[test]
    fn a_fingerprint_in_hexadecimal() {
        assert_eq!(hex(&[0, 0x1f, 0xa0]), "001fa0");
    }
}

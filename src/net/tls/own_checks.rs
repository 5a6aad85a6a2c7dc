//! What is checked of the server's certificates where the platform's library would accept more, or less, than OpenSSL does:
//! names, uses, keys, digests.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use super::certificate::{Certificate, Key, Name, SignatureDigest};
use super::refusal::Reason;
use crate::net::address::Host;

/// The smallest RSA key that will do, in bits: what OpenSSL wants at security level 2, as distributions set it.
const SMALLEST_RSA: usize = 2048;

/// Whether the certificate is for that host, by its names; or needs none, being one of the host's own authorities that have
/// no names at all, and made by hand for one machine.
pub fn is_accepted_for(certificate: &Certificate, host: &Host, without_names: &BTreeSet<[u8; 32]>) -> bool {
    is_for(certificate, host) || without_names.contains(&certificate.fingerprint())
}

/// Whether the certificate is for that host (RFC 6125, section 6.4): by its subjectAltName alone, an address by an address,
/// a name by a name or one that begins with the label `*`.
fn is_for(certificate: &Certificate, host: &Host) -> bool {
    let wanted = match host {
        Host::Name(name) => return certificate.names().iter().any(|known| matches(known, name.trim_end_matches('.'))),
        Host::Ip(address) => *address,
        Host::Zoned(address, _) => IpAddr::V6(*address),
    };
    certificate.names().contains(&Name::Ip(wanted))
}

fn matches(known: &Name<'_>, wanted: &str) -> bool {
    let Name::Dns(known) = known else { return false };
    match known.strip_prefix(b"*.") {
        // one label, and not above what is registered: `*.com` names nobody
        Some(parent) => wanted.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && parent.contains(&b'.') && parent.eq_ignore_ascii_case(rest.as_bytes())
        }),
        None => known.eq_ignore_ascii_case(wanted.as_bytes()),
    }
}

/// What of a chain, the server's certificate first, is too weak today: a key, or a digest that can be forged. That a trust
/// anchor, which is the last one, is signed does not matter.
pub fn weakness<'a>(chain: impl Iterator<Item = &'a Certificate>) -> Option<Reason> {
    let chain: Vec<_> = chain.collect();
    match chain.iter().position(|certificate| !has_strong_key(certificate)) {
        Some(0) => return Some(Reason::WeakKey),
        Some(_) => return Some(Reason::Other("CA certificate key too weak")),
        None => {}
    }
    let (_anchor, signed) = chain.split_last()?;
    (!signed.iter().all(|certificate| has_strong_digest(certificate))).then_some(WEAK_DIGEST)
}

/// That a signature can be forged.
pub const WEAK_DIGEST: Reason = Reason::Other("CA signature digest algorithm too weak");

/// Whether its key is large enough. One of a kind that is not known here is the library's to judge, and all curves that are
/// known will do.
fn has_strong_key(certificate: &Certificate) -> bool {
    !matches!(certificate.key(), Some(Key::Rsa(bits)) if bits < SMALLEST_RSA)
}

/// Whether nobody can have forged its signature.
fn has_strong_digest(certificate: &Certificate) -> bool {
    certificate.signature_digest() != Some(SignatureDigest::Broken)
}

/// Whether one of them is not valid yet, where a platform's library says the same of that and of those that have expired.
pub fn begins_later<'a>(chain: impl Iterator<Item = &'a Certificate>) -> bool {
    let now = SystemTime::now();
    chain.filter_map(Certificate::validity).any(|(begin, _)| begin > now)
}

#[cfg(test)]
mod tests {
    use super::super::certificate::tests::{certificate_for, certificate_with};
    use super::*;

    fn is_for_text(names: &[Name<'_>], host: &str) -> bool {
        is_for(&certificate_for(names), &Host::parse(host.as_bytes()).unwrap())
    }

    #[test]
    fn names_and_addresses() {
        let dns = |name: &'static str| Name::Dns(name.as_bytes());
        let ip = |address: &str| Name::Ip(address.parse().unwrap());
        for (name, host, fits) in [
            (dns("mail.example.com"), "mail.example.com", true),
            (dns("MAIL.example.com"), "mail.EXAMPLE.com.", true),
            (dns("mail.example.com."), "mail.example.com", false),
            (dns("mail.example.com"), "example.com", false),
            (dns("mail.example.com"), "xmail.example.com", false),
            (dns("*.example.com"), "mail.example.com", true),
            (dns("*.example.com"), "a.mail.example.com", false),
            (dns("*.example.com"), "example.com", false),
            (dns("m*.example.com"), "mail.example.com", false),
            (dns("*ail.example.com"), "mail.example.com", false),
            (dns("mail.*.com"), "mail.example.com", false),
            (dns("*.com"), "example.com", false),
            (dns("*"), "localhost", false),
            (dns(""), "localhost", false),
            (dns("127.0.0.1"), "127.0.0.1", false),
            (ip("127.0.0.1"), "127.0.0.1", true),
            (ip("127.0.0.2"), "127.0.0.1", false),
            (ip("::1"), "[::1]", true),
            (ip("fe80::1"), "[fe80::1%1]", true),
            (ip("127.0.0.1"), "localhost", false),
        ] {
            assert_eq!(is_for_text(&[name], host), fits, "{name:?} for {host}");
        }
        assert!(is_for_text(&[dns("a.test"), ip("127.0.0.1"), dns("b.test")], "b.test"));
        assert!(!is_for_text(&[], "b.test"));
        let malformed = Certificate::from_der(b"0".to_vec());
        assert!(!is_for(&malformed, &Host::parse(b"b.test").unwrap()));
    }

    #[test]
    fn names_cut_by_a_zero_are_others() {
        assert!(!is_for_text(&[Name::Dns(b"mail.example.com\0.evil.test")], "mail.example.com"));
    }

    #[test]
    fn keys_and_digests() {
        const SHA_256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
        for (bits, is_strong) in [(1024, false), (2040, false), (2048, true), (4096, true)] {
            assert_eq!(has_strong_key(&certificate_with(bits, SHA_256_WITH_RSA)), is_strong, "{bits}");
        }
        assert!(has_strong_key(&Certificate::from_der(b"0".to_vec())), "for the library to judge");
        for (algorithm, is_strong) in [
            ("1.2.840.113549.1.1.4", false),
            ("1.2.840.113549.1.1.5", false),
            ("1.2.840.10045.4.1", false),
            (SHA_256_WITH_RSA, true),
            ("1.2.840.10045.4.3.4", true),
            ("1.2.3.4", true),
        ] {
            assert_eq!(has_strong_digest(&certificate_with(2048, algorithm)), is_strong, "{algorithm}");
        }
    }
}

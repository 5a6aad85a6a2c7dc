//! Whether the server's certificate is believed: what CryptoAPI says of its chain, and our own checks beside that.

use std::time::Duration;

use windows_sys::Win32::Foundation::{CERT_E_CHAINING, CERT_E_UNTRUSTEDROOT};
use windows_sys::Win32::Security::Cryptography::*;

use super::crypt::{CertificateContext, Chain};
use super::errors;
use crate::error::{Error, Kind, Result};
use crate::net::tls::Version;
use crate::net::tls::certificate::Certificate;
use crate::net::tls::connector::TlsConnector;
use crate::net::tls::contexts::Context;
use crate::net::tls::own_checks::{self, WEAK_DIGEST};
use crate::net::tls::refusal::{Reason, not_pinned};

/// For how long the system may fetch what is missing to a chain, at most.
const LONGEST_RETRIEVAL: Duration = Duration::from_secs(10);

// CERT_TRUST_…: that a chain leads to no trust anchor.
const UNKNOWN: u32 = CERT_TRUST_IS_PARTIAL_CHAIN | CERT_TRUST_IS_UNTRUSTED_ROOT;

/// What the system may do to fetch what is missing to a chain.
pub enum Fetching {
    /// It may do so for as long as that.
    Now(Duration),
    /// Nothing: another thread has it do that ([`fetch`]).
    Later,
    /// Nothing: that was done.
    Done,
}

/// Whether the server is who the connector wants, as far as it asks; an error where it is not; `None` where something is to
/// be fetched first.
pub fn verify(
    connector: &TlsConnector,
    shown: Option<&CertificateContext>,
    fetching: &Fetching,
) -> Result<Option<bool>> {
    if !connector.verifies() {
        return Ok(Some(false));
    }
    let Some(shown) = shown else { return Err(Error::new(Kind::Secure, "the server showed no certificate")) };
    let certificate = Certificate::from_der(shown.der().to_vec());
    if let Some(wanted) = connector.fingerprint {
        // nothing else about the certificate counts
        return match certificate.fingerprint() == wanted {
            true => Ok(Some(true)),
            false => Err(not_pinned(Some(&certificate), &wanted)),
        };
    }
    let store = &connector.context.store;
    let own = judge(connector, &certificate, store.own.chain(shown, None), &store.anchors)?;
    let reason = match (own, &store.platform) {
        (Some(Reason::UnknownAuthority(_)), Some(platform)) => {
            let ask = |retrieval| judge(connector, &certificate, platform.chain(shown, retrieval), &[]);
            // first by what is at hand
            match (ask(None)?, fetching) {
                (Some(Reason::UnknownAuthority(_)), Fetching::Later) => return Ok(None),
                (Some(Reason::UnknownAuthority(_)), Fetching::Now(left)) => ask(Some(LONGEST_RETRIEVAL.min(*left)))?,
                (at_hand, _) => at_hand,
            }
        }
        (own, _) => own,
    };
    match reason {
        None => Ok(Some(true)),
        Some(reason) => Err(Error::new(Kind::Secure, connector.refusal(Some(&certificate), reason))),
    }
}

/// Has the system fetch what is missing to a server's chain, and keep it.
pub fn fetch(context: &Context, shown: &CertificateContext) {
    if let Some(platform) = &context.store.platform {
        // whether that was all is seen when it is verified once more
        let _ = platform.chain(shown, Some(LONGEST_RETRIEVAL));
    }
}

fn judge(
    connector: &TlsConnector,
    certificate: &Certificate,
    chain: std::io::Result<Chain>,
    anchors: &[[u8; 32]],
) -> Result<Option<Reason>> {
    let chain = chain.map_err(|error| errors::caused(Kind::Secure, "no chain of certificates can be built", error))?;
    let links = chain.elements.iter().map(|element| Link {
        certificate: Certificate::from_der(element.certificate.der().to_vec()),
        status: element.status,
    });
    let links: Vec<_> = links.collect();
    let is_for_host = own_checks::is_accepted_for(certificate, &connector.host, &connector.context.without_names);
    // who allows versions of old appliances has their certificates to do with, too
    let admits_weak = connector.oldest < Version::Tls12;
    Ok(reason(&links, chain.status, chain.policy, anchors, is_for_host, admits_weak))
}

/// What is known of one certificate of a chain.
struct Link {
    certificate: Certificate,
    /// CERT_TRUST_…
    status: u32,
}

/// Why a chain is not believed, in the order in which OpenSSL asks; `None` if it is. `whole` is the status of all of it.
///
/// A chain ends at the first of the `anchors`, be that a root or not: what is above it does not count. `admits_weak` small keys
/// and digests that can be forged.
fn reason(
    links: &[Link],
    whole: u32,
    policy: i32,
    anchors: &[[u8; 32]],
    is_for_host: bool,
    admits_weak: bool,
) -> Option<Reason> {
    let anchor = links.iter().position(|link| anchors.contains(&link.certificate.fingerprint()));
    let known = anchor.map_or(links.len(), |anchor| anchor + 1);
    let (used, is_anchored) = (&links[..known], anchor.is_some());
    // of the chain as a whole only what one of its own parts says, or what none of them does
    let ignored = if is_anchored { UNKNOWN } else { 0 };
    let above = links[known..].iter().fold(0, |all, link| all | link.status);
    let of_used = used.iter().fold(0, |all, link| all | link.status);
    let status = (of_used | (whole & !above)) & !ignored;
    let has = |bits| status & bits != 0;

    if has(CERT_TRUST_IS_PARTIAL_CHAIN) || links.is_empty() {
        return Some(Reason::UnknownAuthority("unable to get local issuer certificate"));
    }
    if has(CERT_TRUST_IS_UNTRUSTED_ROOT) {
        return Some(Reason::UnknownAuthority(match links.len() {
            1 => "self-signed certificate",
            _ => "self-signed certificate in certificate chain",
        }));
    }
    if has(CERT_TRUST_INVALID_BASIC_CONSTRAINTS) {
        return Some(Reason::Other("invalid CA certificate"));
    }
    if has(CERT_TRUST_IS_NOT_VALID_FOR_USAGE) {
        return Some(Reason::Other("unsuitable certificate purpose"));
    }
    let certificates = used.iter().map(|link| &link.certificate);
    let weakness = own_checks::weakness(certificates.clone());
    let weakness = weakness.or_else(|| has(CERT_TRUST_HAS_WEAK_SIGNATURE).then_some(WEAK_DIGEST));
    if weakness.is_some() && !admits_weak {
        return weakness;
    }
    if !is_for_host {
        return Some(Reason::NameMismatch);
    }
    if has(NAME_CONSTRAINTS) {
        return Some(Reason::Other("permitted subtree violation"));
    }
    if has(CERT_TRUST_IS_NOT_SIGNATURE_VALID) {
        return Some(Reason::Other("certificate signature failure"));
    }
    if has(CERT_TRUST_IS_NOT_TIME_VALID) {
        let is_early = own_checks::begins_later(certificates);
        return Some(if is_early { Reason::NotYetValid } else { Reason::Expired });
    }
    if has(CERT_TRUST_IS_REVOKED | CERT_TRUST_IS_EXPLICIT_DISTRUST) {
        return Some(Reason::Other("certificate is not trusted by this machine"));
    }
    if has(!(NO_ERROR | CERT_TRUST_HAS_WEAK_SIGNATURE)) {
        return Some(Reason::Other("the chain of certificates is not valid"));
    }
    match policy {
        0 => None,
        CERT_E_CHAINING | CERT_E_UNTRUSTEDROOT if is_anchored => None,
        _ => Some(Reason::Other("this machine's policy for TLS servers")),
    }
}

// CERT_TRUST_…: names that an authority may not speak for.
const NAME_CONSTRAINTS: u32 = CERT_TRUST_INVALID_NAME_CONSTRAINTS
    | CERT_TRUST_HAS_NOT_SUPPORTED_NAME_CONSTRAINT
    | CERT_TRUST_HAS_NOT_DEFINED_NAME_CONSTRAINT
    | CERT_TRUST_HAS_NOT_PERMITTED_NAME_CONSTRAINT
    | CERT_TRUST_HAS_EXCLUDED_NAME_CONSTRAINT;

/// CERT_TRUST_…: what is not asked for, revocation.
const NO_ERROR: u32 = CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION;

#[cfg(test)]
mod tests {
    use super::super::super::certificate::tests::{Sample, certificate_with};
    use super::*;

    const RSA_SHA_256: &str = "1.2.840.113549.1.1.11";
    const RSA_SHA_1: &str = "1.2.840.113549.1.1.5";
    const UNKNOWN_ISSUER: &str = "unable to get local issuer certificate";

    fn link(status: u32) -> Link {
        link_with(status, 2048, RSA_SHA_256)
    }

    fn link_with(status: u32, bits: usize, algorithm: &'static str) -> Link {
        Link { certificate: certificate_with(bits, algorithm), status }
    }

    /// Why a chain of these is not believed that leads to the platform's root.
    fn said(links: &[Link]) -> Option<Reason> {
        let whole = links.iter().fold(0, |all, link| all | link.status);
        reason(links, whole, 0, &[], true, false)
    }

    #[test]
    fn what_each_status_is() {
        for (status, is) in [
            (0, None),
            (CERT_TRUST_IS_PARTIAL_CHAIN, Some(Reason::UnknownAuthority(UNKNOWN_ISSUER))),
            (
                CERT_TRUST_IS_UNTRUSTED_ROOT,
                Some(Reason::UnknownAuthority("self-signed certificate in certificate chain")),
            ),
            (CERT_TRUST_INVALID_BASIC_CONSTRAINTS, Some(Reason::Other("invalid CA certificate"))),
            (CERT_TRUST_IS_NOT_VALID_FOR_USAGE, Some(Reason::Other("unsuitable certificate purpose"))),
            (CERT_TRUST_HAS_WEAK_SIGNATURE, Some(Reason::Other("CA signature digest algorithm too weak"))),
            (CERT_TRUST_HAS_EXCLUDED_NAME_CONSTRAINT, Some(Reason::Other("permitted subtree violation"))),
            (CERT_TRUST_IS_NOT_SIGNATURE_VALID, Some(Reason::Other("certificate signature failure"))),
            (CERT_TRUST_IS_NOT_TIME_VALID, Some(Reason::Expired)),
            (CERT_TRUST_IS_REVOKED, Some(Reason::Other("certificate is not trusted by this machine"))),
            (CERT_TRUST_IS_EXPLICIT_DISTRUST, Some(Reason::Other("certificate is not trusted by this machine"))),
            // what nobody knows yet
            (0x4000_0000, Some(Reason::Other("the chain of certificates is not valid"))),
            (CERT_TRUST_REVOCATION_STATUS_UNKNOWN, None),
        ] {
            for links in [[link(status), link(0)], [link(0), link(status)]] {
                assert_eq!(said(&links), is, "{status:#x}");
            }
            // of the whole, though none of its parts says so
            assert_eq!(reason(&[link(0), link(0)], status, 0, &[], true, false), is, "{status:#x}");
        }
        assert_eq!(
            said(&[link(CERT_TRUST_IS_UNTRUSTED_ROOT)]),
            Some(Reason::UnknownAuthority("self-signed certificate"))
        );
        assert_eq!(said(&[]), Some(Reason::UnknownAuthority(UNKNOWN_ISSUER)));
        let early = Sample { dates: ["20980101000000Z", "20991231235959Z"], ..Sample::default() };
        let early = Link { certificate: early.certificate(), status: CERT_TRUST_IS_NOT_TIME_VALID };
        assert_eq!(said(&[early, link(0)]), Some(Reason::NotYetValid));
    }

    #[test]
    fn what_is_checked_besides() {
        let good = || link(0);
        assert_eq!(said(&[link_with(0, 1024, RSA_SHA_256), good()]), Some(Reason::WeakKey));
        let weak_authority = Some(Reason::Other("CA certificate key too weak"));
        assert_eq!(said(&[good(), link_with(0, 1024, RSA_SHA_256)]), weak_authority);
        let forged = Some(Reason::Other("CA signature digest algorithm too weak"));
        assert_eq!(said(&[link_with(0, 2048, RSA_SHA_1), good()]), forged);
        assert_eq!(said(&[good(), link_with(0, 2048, RSA_SHA_1), good()]), forged);
        assert_eq!(said(&[good(), link_with(0, 2048, RSA_SHA_1)]), None, "the root's own signature");
        let weak = [link_with(CERT_TRUST_HAS_WEAK_SIGNATURE, 1024, RSA_SHA_1), good()];
        assert_eq!(reason(&weak, CERT_TRUST_HAS_WEAK_SIGNATURE, 0, &[], true, true), None, "admitted");
        assert_eq!(reason(&[good(), good()], 0, 0, &[], false, false), Some(Reason::NameMismatch));
        let policy = Some(Reason::Other("this machine's policy for TLS servers"));
        for number in [CERT_E_CHAINING, CERT_E_UNTRUSTEDROOT, -1] {
            assert_eq!(reason(&[good(), good()], 0, number, &[], true, false), policy);
        }
    }

    #[test]
    fn a_chain_ends_at_what_the_host_trusts() {
        let leaf = link(0);
        let intermediate = |status| link_with(status, 3072, RSA_SHA_256);
        let anchors = [intermediate(0).certificate.fingerprint()];
        let with = |leaf: u32, intermediate_status: u32, root: u32, policy: i32| {
            let links = [link(leaf), intermediate(intermediate_status), link_with(root, 4096, RSA_SHA_1)];
            reason(&links, leaf | intermediate_status | root, policy, &anchors, true, false)
        };
        for unknown in [CERT_TRUST_IS_PARTIAL_CHAIN, CERT_TRUST_IS_UNTRUSTED_ROOT] {
            for policy in [0, CERT_E_CHAINING, CERT_E_UNTRUSTEDROOT] {
                assert_eq!(with(0, unknown, 0, policy), None);
                assert_eq!(with(0, 0, unknown, policy), None);
            }
        }
        assert_eq!(with(0, 0, CERT_TRUST_IS_NOT_TIME_VALID | CERT_TRUST_IS_UNTRUSTED_ROOT, 0), None, "above it");
        assert_eq!(with(CERT_TRUST_IS_NOT_TIME_VALID, 0, 0, 0), Some(Reason::Expired));
        assert_eq!(with(0, CERT_TRUST_IS_NOT_TIME_VALID, 0, 0), Some(Reason::Expired), "itself");
        let forged = Some(Reason::Other("certificate signature failure"));
        assert_eq!(with(CERT_TRUST_IS_NOT_SIGNATURE_VALID, 0, 0, 0), forged);
        assert_eq!(with(0, 0, 0, -1), Some(Reason::Other("this machine's policy for TLS servers")));
        // the certificate itself
        let links = [link(CERT_TRUST_IS_PARTIAL_CHAIN)];
        assert_eq!(
            reason(&links, links[0].status, CERT_E_CHAINING, &[leaf.certificate.fingerprint()], true, false),
            None
        );
    }
}

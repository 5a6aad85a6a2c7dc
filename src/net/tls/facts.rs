//! What is known of a TLS connection and its certificate, in words.

use std::fmt;
use std::net::IpAddr;

use openssl::ssl::SslRef;
use openssl::x509::{X509, X509NameRef, X509Ref};

use crate::error::Result;
use crate::net::address::Host;
use crate::net::tls::broken;
use crate::trace::escape;

/// What is known of a TLS connection.
pub struct Facts {
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

impl Facts {
    /// The peer's certificate in PEM, empty if it sent none.
    pub fn peer_pem(&self) -> Result<Vec<u8>> {
        self.certificate.as_ref().map_or_else(|| Ok(Vec::new()), |certificate| certificate.to_pem().map_err(broken))
    }
}

impl fmt::Display for Facts {
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
    let Some(certificate) = ssl.verified_chain().and_then(|chain| chain.get(0)) else {
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

/// The names that a certificate is good for.
fn names(certificate: &X509Ref) -> String {
    let names = certificate.subject_alt_names().into_iter().flatten().filter_map(|name| match name.ipaddress() {
        Some(octets) => ip_address(octets).map(|address| address.to_string()),
        None => name.dnsname().map(|name| escape(name.as_bytes())),
    });
    match names.collect::<Vec<_>>().join(", ") {
        names if names.is_empty() => "no name".into(),
        names => names,
    }
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

/// A distinguished name in one line.
fn name(name: &X509NameRef) -> String {
    let entry = |entry: &openssl::x509::X509NameEntryRef| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string().map(|value| escape(value.as_bytes())).unwrap_or_default();
        format!("{key}={value}")
    };
    match name.entries().map(entry).collect::<Vec<_>>().join(", ") {
        empty if empty.is_empty() => "nobody".into(),
        name => name,
    }
}

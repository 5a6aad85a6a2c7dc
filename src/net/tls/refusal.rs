//! Why a server's certificate was refused, in words: the same on every platform.

use super::certificate::Certificate;
use crate::error::{Error, Kind};
use crate::net::address::Host;
use crate::text::hex;

/// Why a certificate was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was valid once.
    Expired,
    /// It will be valid.
    NotYetValid,
    /// It is for other names or addresses.
    NameMismatch,
    /// Its key is too small.
    WeakKey,
    /// No trust anchor is known that it leads to, in the words of the platform's library.
    UnknownAuthority(&'static str),
    /// Another reason, in the words of the platform's library.
    Other(&'static str),
}

impl Reason {
    /// The reason in words, where the certificate was to be for that host.
    fn text(self, wanted: &Host) -> &'static str {
        match (self, wanted) {
            (Reason::Expired, _) => "certificate has expired",
            (Reason::NotYetValid, _) => "certificate is not yet valid",
            (Reason::NameMismatch, Host::Name(_)) => "hostname mismatch",
            (Reason::NameMismatch, Host::Ip(_) | Host::Zoned(..)) => "IP address mismatch",
            (Reason::WeakKey, _) => "certificate key too weak",
            (Reason::UnknownAuthority(text) | Reason::Other(text), _) => text,
        }
    }
}

/// Why a certificate was refused, what it says of itself, and what can be done about it.
pub fn refusal(certificate: Option<&Certificate>, reason: Reason, wanted: &Host) -> String {
    let mut text = format!("the server's certificate was refused: {}", reason.text(wanted));
    match certificate.map(Certificate::describe) {
        Some(Ok(described)) => text.push_str(&format!(" (wanted {wanted}; the certificate is {described})")),
        Some(Err(_)) => text.push_str(&format!(" (wanted {wanted}; the certificate is malformed)")),
        None => {}
    }
    if let Reason::UnknownAuthority(_) = reason {
        text.push_str(
            "; to trust its authority, or this certificate, set a file by pop3_options_set_ca_file or put one into the \
             folder cacerts of the secure folder (pop3_set_secure_dir)",
        );
    }
    text
}

/// That certificate pinning wants another certificate than the one that was shown, if that is known.
pub fn not_pinned(shown: Option<&Certificate>, wanted: &[u8; 32]) -> Error {
    let shown = shown.map_or_else(|| "not known".into(), |certificate| hex(&certificate.fingerprint()));
    let wanted = hex(wanted);
    let text =
        format!("the server's certificate is another one: its SHA-256 fingerprint is {shown}, wanted is {wanted}");
    Error::new(Kind::Secure, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_in_words() {
        for (reason, host, words) in [
            (Reason::Expired, "mail.test", "certificate has expired"),
            (Reason::NotYetValid, "mail.test", "certificate is not yet valid"),
            (Reason::NameMismatch, "mail.test", "hostname mismatch"),
            (Reason::NameMismatch, "127.0.0.1", "IP address mismatch"),
            (Reason::NameMismatch, "fe80::1%lo", "IP address mismatch"),
            (Reason::WeakKey, "mail.test", "certificate key too weak"),
            (Reason::Other("self-signed certificate"), "mail.test", "self-signed certificate"),
        ] {
            assert_eq!(reason.text(&Host::parse(host.as_bytes()).unwrap()), words);
        }
    }

    #[test]
    fn what_can_be_done_about_an_unknown_authority() {
        let host = Host::parse(b"mail.test").unwrap();
        let text = |reason| refusal(None, reason, &host);
        let unknown = text(Reason::UnknownAuthority("unable to get issuer"));
        assert!(
            unknown.starts_with("the server's certificate was refused: unable to get issuer; to trust its authority")
        );
        assert!(unknown.contains("pop3_options_set_ca_file") && unknown.contains("cacerts"), "{unknown}");
        assert_eq!(
            text(Reason::Other("unsuitable purpose")),
            "the server's certificate was refused: unsuitable purpose"
        );
    }
}

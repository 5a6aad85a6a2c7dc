//! What Apple's numbers become: kinds of errors, reasons of refusals, words.

use super::calls::Status;
use crate::error::{Error, Kind};
use crate::net::tls::refusal::Reason;
use crate::shortage;

// SecBase.h, SecureTransport.h
const OUT_OF_MEMORY: Status = Status(-108);
const MEMORY_ERROR: Status = Status(-67672);
const CREATE_CHAIN_FAILED: Status = Status(-25318);
const HOST_NAME_MISMATCH: Status = Status(-67602);
const INVALID_ROOT: Status = Status(-67612);
const UNSUPPORTED_KEY_SIZE: Status = Status(-67735);
const CERTIFICATE_EXPIRED: Status = Status(-67818);
const CERTIFICATE_NOT_VALID_YET: Status = Status(-67819);
const NOT_TRUSTED: Status = Status(-67843);

/// That TLS could not even begin.
pub fn setup_error(status: Status) -> Error {
    Error::new(kind(status), format!("TLS cannot be set up: {}", words(status)))
}

/// What failed in a session.
pub fn session_error(status: Status) -> Error {
    Error::new(kind(status), words(status))
}

/// What kind of error it is: that there is no memory, else one of TLS.
pub fn kind(status: Status) -> Kind {
    let is_shortage = [OUT_OF_MEMORY, MEMORY_ERROR].contains(&status);
    if is_shortage || shortage::probably_out_of_memory() { Kind::OutOfMemory } else { Kind::Secure }
}

/// Why a chain of certificates was refused.
pub fn reason(status: Status) -> Reason {
    match status {
        CERTIFICATE_EXPIRED => Reason::Expired,
        CERTIFICATE_NOT_VALID_YET => Reason::NotYetValid,
        HOST_NAME_MISMATCH => Reason::NameMismatch,
        UNSUPPORTED_KEY_SIZE => Reason::WeakKey,
        NOT_TRUSTED | CREATE_CHAIN_FAILED | INVALID_ROOT => {
            Reason::UnknownAuthority(known(status).unwrap_or(UNEXPLAINED))
        }
        _ => Reason::Other(known(status).unwrap_or(UNEXPLAINED)),
    }
}

const UNEXPLAINED: &str = "for a reason that macOS does not tell";

/// What the number means, and the number.
pub fn words(status: Status) -> String {
    let Status(number) = status;
    match known(status) {
        Some(words) => format!("{words} (OSStatus {number})"),
        None => format!("OSStatus {number}"),
    }
}

fn known(status: Status) -> Option<&'static str> {
    Some(match status.0 {
        -108 | -67672 => "no memory",
        // what a chain is refused for
        -25318 => "a certificate between it and its authority is missing",
        -67603 => "it has a critical extension that is not known",
        -67604 | -67605 => "a certificate above it is none of an authority",
        -67608 => "its key is not for that use",
        -67609 | -67629 => "unsuitable certificate purpose",
        -67611 => "path length constraint exceeded",
        -67612 => "the authority's certificate is not valid",
        -67654 => "the user has set it to be never trusted",
        -67688 | -67808 => "a signature is wrong",
        -67815 => "it is signed by a digest that is too weak",
        -67820 => "certificate revoked",
        -67843 => "no authority that is known has issued it",
        -67899 => "its policy is not allowed",
        -67900 => "its name is not allowed by an authority above it",
        -67901 => "it is valid for longer than macOS admits of an authority of the platform's store",
        -67902 => "it is an authority's",
        -67903 => "it has an extension twice",
        // what a file or a keychain is refused for
        -25257 | -26275 | -67742 => "its format is not known",
        -25260 => "it has a passphrase",
        -25264 | -25293 => "the password is wrong, or it is encrypted in a way that macOS does not know",
        -25300 => "not found",
        -25308 | -25315 => "somebody would have to be asked, which is not allowed",
        // what a handshake or a session ends by
        -9800 => "the server does not keep to the protocol",
        -9801 => "the server and this side have no cipher suite or version of TLS in common",
        -9802 => "fatal alert",
        -9805 | -9816 => "the server closed the connection",
        -9806 => "the session was ended by an error",
        -9809 => "a cryptographic operation failed",
        -9810 => "an internal error of Secure Transport",
        -9819 => "unexpected message",
        -9820 | -9846 => "bad record MAC",
        -9821 | -9845 => "decryption failed",
        -9822 | -9847 => "a record is too long",
        -9824 => "the server's alert: handshake failure",
        -9825 => "the server's alert: bad certificate",
        -9826 => "the server's alert: unsupported certificate",
        -9827 => "the server's alert: certificate revoked",
        -9828 => "the server's alert: certificate expired",
        -9829 => "the server's alert: certificate unknown",
        -9830 => "the server's alert: illegal parameter",
        -9831 => "the server's alert: unknown CA",
        -9832 => "the server's alert: access denied",
        -9833 => "the server's alert: decode error",
        -9834 => "the server's alert: decrypt error",
        -9836 => "the server's alert: protocol version",
        -9837 => "the server's alert: insufficient security",
        -9838 => "the server's alert: internal error",
        -9839 => "the server's alert: user cancelled",
        -9840 => "the server's alert: no renegotiation",
        -9850 => "the server's Diffie-Hellman key is too small",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_number_is_which_reason() {
        for (number, wanted) in [
            (-67818, Reason::Expired),
            (-67819, Reason::NotYetValid),
            (-67602, Reason::NameMismatch),
            (-67735, Reason::WeakKey),
            (-67843, Reason::UnknownAuthority("no authority that is known has issued it")),
            (-25318, Reason::UnknownAuthority("a certificate between it and its authority is missing")),
            (-67612, Reason::UnknownAuthority("the authority's certificate is not valid")),
            (-67820, Reason::Other("certificate revoked")),
            (-67609, Reason::Other("unsuitable certificate purpose")),
            (-1, Reason::Other("for a reason that macOS does not tell")),
        ] {
            assert_eq!(reason(Status(number)), wanted, "{number}");
        }
    }

    #[test]
    fn which_number_is_which_kind() {
        for (number, kind, words) in [
            (-108, Kind::OutOfMemory, "TLS cannot be set up: no memory (OSStatus -108)"),
            (-67672, Kind::OutOfMemory, "TLS cannot be set up: no memory (OSStatus -67672)"),
            (-9831, Kind::Secure, "TLS cannot be set up: the server's alert: unknown CA (OSStatus -9831)"),
            (-50, Kind::Secure, "TLS cannot be set up: OSStatus -50"),
        ] {
            let error = setup_error(Status(number));
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, words));
        }
        let error = session_error(Status(-9846));
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Secure, "bad record MAC (OSStatus -9846)"));
    }
}

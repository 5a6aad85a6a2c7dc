//! SASL PLAIN (RFC 4616).

use openssl::base64;

#[derive(Debug, PartialEq)]
pub struct Plain {
    /// Whom to act for; empty for oneself.
    pub authorization: Vec<u8>,
    pub user: Vec<u8>,
    pub pass: Vec<u8>,
}

impl Plain {
    /// Reads a response in base64.
    pub fn decode(response: &[u8]) -> Option<Self> {
        let message = base64::decode_block(std::str::from_utf8(response).ok()?).ok()?;
        let mut parts = message.split(|&byte| byte == 0).map(<[u8]>::to_vec);
        let plain = Self { authorization: parts.next()?, user: parts.next()?, pass: parts.next()? };
        parts.next().is_none().then_some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_example_of_the_rfc() {
        let plain = Plain { authorization: Vec::new(), user: b"tim".to_vec(), pass: b"tanstaaftanstaaf".to_vec() };
        assert_eq!(Plain::decode(b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm"), Some(plain));
    }

    #[test]
    fn refuses_what_is_malformed() {
        // Nothing, no base64, one part, two parts, four parts, not ASCII.
        for response in ["", "=", "****", "dGlt", "AHRpbQ==", "AAAA", "é"] {
            assert_eq!(Plain::decode(response.as_bytes()), None, "{response}");
        }
    }
}

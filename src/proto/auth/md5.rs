//! The mechanisms that prove knowledge of the password by an MD5 digest of it and of what the server said: CRAM-MD5,
//! APOP.

use zeroize::Zeroizing;

use super::Credentials;
use super::sasl::{Exchange, Message, syntax, unexpected};
use crate::crypto::Hash;
use crate::error::{Error, Kind, Result};
use crate::secret::join;

/// CRAM-MD5 (RFC 2195).
pub(super) struct CramMd5<'a> {
    credentials: Option<&'a Credentials>,
}

impl<'a> CramMd5<'a> {
    pub(super) fn new(credentials: &'a Credentials) -> CramMd5<'a> {
        CramMd5 { credentials: Some(credentials) }
    }
}

impl Exchange for CramMd5<'_> {
    fn respond(&mut self, challenge: &[u8], _: &[u8]) -> Result<Message> {
        let credentials = self.credentials.take().ok_or_else(unexpected)?;
        if challenge.is_empty() {
            // its digest would be the same each time
            return Err(syntax("CRAM-MD5 with an empty challenge"));
        }
        let digest = hex(&Hash::Md5.hmac(&credentials.password, &[challenge])?);
        join(&[&credentials.user, b" ", digest.as_bytes()])
    }
}

/// What APOP proves the password with (RFC 1939, section 7).
///
/// Only a timestamp that is one is answered: a server that may choose any bytes can learn the password from a few
/// hundred log-ins (CVE-2007-1558).
pub(super) fn apop_digest(greeting: &[u8], password: &[u8]) -> Result<Zeroizing<String>> {
    let timestamp = timestamp(greeting)
        .ok_or_else(|| Error::new(Kind::Unsupported, "the server's greeting has no timestamp for APOP"))?;
    Ok(hex(&Hash::Md5.digest(&[timestamp, password])))
}

/// The first `<local@domain>` in ASCII, its brackets included.
fn timestamp(greeting: &[u8]) -> Option<&[u8]> {
    memchr::memchr_iter(b'<', greeting).find_map(|start| {
        let rest = &greeting[start..];
        let timestamp = &rest[..=memchr::memchr(b'>', rest)?];
        let (local, domain) =
            timestamp[1..timestamp.len() - 1].split_at_checked(memchr::memchr(b'@', timestamp)? - 1)?;
        let is_part =
            |part: &[u8]| !part.is_empty() && part.iter().all(|byte| byte.is_ascii_graphic() && !b"<@>".contains(byte));
        (is_part(local) && is_part(domain.strip_prefix(b"@")?)).then_some(timestamp)
    })
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.extend(char::from_digit(u32::from(nibble), 16));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::login::tests::{begin, context, says};
    use super::super::{Credentials, Login, LoginContext, Mechanism};
    use super::*;

    // the example of RFC 2195, section 2
    #[test]
    fn cram_md5() {
        let tim = Credentials::new(b"tim", b"tanstaaftanstaaf").unwrap();
        let (mut login, first) = begin(&tim, Mechanism::CramMd5);
        assert_eq!(first, "AUTH CRAM-MD5\r\n");
        let challenge = "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+";
        let response = says(&mut login, challenge).unwrap().unwrap();
        assert_eq!(response, "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n");
        assert_eq!(says(&mut login, "+OK").unwrap(), None);

        let (mut login, _) = begin(&tim, Mechanism::CramMd5);
        says(&mut login, challenge).unwrap();
        assert_eq!(says(&mut login, challenge).unwrap_err().kind(), Kind::BadFormat);
    }

    #[test]
    fn cram_md5_with_what_is_no_challenge() {
        let tim = Credentials::new(b"tim", b"tanstaaftanstaaf").unwrap();
        for challenge in ["+", "+ ", "+ PDE4O", "+ PDE4=", "+ <1@2>", "+ =", "+ \u{fc}"] {
            let (mut login, _) = begin(&tim, Mechanism::CramMd5);
            assert_eq!(says(&mut login, challenge).unwrap_err().kind(), Kind::Syntax, "{challenge}");
            assert!(login.cancel().is_some());
        }
    }

    // the example of RFC 1939, section 7
    #[test]
    fn apop() {
        let mrose = Credentials::new(b"mrose", b"tanstaaf").unwrap();
        let greeting = b"POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
        let context = LoginContext { greeting, ..context() };
        let mut login = Login::new(&mrose, Mechanism::Apop, context).unwrap();
        let first = login.first();
        assert_eq!(*first.encode().unwrap(), b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n");
        assert_eq!(**first.redacted().unwrap(), *b"APOP mrose ***");
        assert_eq!(says(&mut login, "+OK").unwrap(), None);
    }

    #[test]
    fn apop_with_a_timestamp_only() {
        for (greeting, expected) in [
            (&b"ready <1.2@host>"[..], Some(&b"<1.2@host>"[..])),
            (b"<b>welcome</b> <1@host> and more", Some(b"<1@host>")),
            (b"<1@host> <2@host>", Some(b"<1@host>")),
            (b"a < b <1@host>", Some(b"<1@host>")),
            (b"", None),
            (b"ready", None),
            (b"<1@host", None),
            (b"1@host>", None),
            (b"<1>", None),
            (b"<>", None),
            (b"<@>", None),
            (b"<@host>", None),
            (b"<1@>", None),
            (b"<1@a@b>", None),
            (b"<1 @host>", None),
            (b"<1@h\xc3\xb6st>", None),
            (b"<1\x00@host>", None),
            (b"<1\x80@host>", None),
            (b"<1> me@host", None),
            (b"[QlkyUFIwMTA=]", None),
        ] {
            assert_eq!(timestamp(greeting), expected, "{}", greeting.escape_ascii());
            let greeting = LoginContext { greeting, ..context() };
            let tim = Credentials::new(b"tim", b"").unwrap();
            let refused = Login::new(&tim, Mechanism::Apop, greeting).err().map(|error| error.kind());
            assert_eq!(refused, expected.is_none().then_some(Kind::Unsupported));
        }
    }
}

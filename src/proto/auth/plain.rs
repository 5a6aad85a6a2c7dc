//! The mechanisms that say who one is, and the password if there is one, as it is: PLAIN, LOGIN, EXTERNAL.

use super::Credentials;
use super::sasl::{Exchange, Message, unexpected};
use crate::error::Result;
use crate::secret::join;

/// A mechanism of one message.
pub(super) struct OneMessage(Option<Message>);

impl OneMessage {
    /// PLAIN (RFC 4616).
    pub(super) fn plain(credentials: &Credentials) -> Result<OneMessage> {
        let Credentials { authzid, user, password, .. } = credentials;
        Ok(OneMessage(Some(join(&[authzid, b"\0", user, b"\0", password])?)))
    }

    /// EXTERNAL (RFC 4422, appendix A): TLS has said who one is, so this says at most as whom to act.
    pub(super) fn external(credentials: &Credentials) -> Result<OneMessage> {
        Ok(OneMessage(Some(join(&[&credentials.authzid])?)))
    }
}

impl Exchange for OneMessage {
    fn initial(&mut self) -> Result<Option<Message>> {
        Ok(self.0.take())
    }

    fn knows_challenges(&self) -> bool {
        false
    }

    fn respond(&mut self, _: &[u8], _: &[u8]) -> Result<Message> {
        Err(unexpected())
    }
}

/// LOGIN (draft-murchison-sasl-login): the server asks for the name, then for the password.
///
/// It is the order that counts, since servers differ in what they ask with.
pub(super) struct Login<'a> {
    answers: std::array::IntoIter<&'a [u8], 2>,
}

impl<'a> Login<'a> {
    pub(super) fn new(credentials: &'a Credentials) -> Login<'a> {
        Login { answers: [&credentials.user[..], &credentials.password].into_iter() }
    }
}

impl Exchange for Login<'_> {
    /// The password is the second.
    fn proof(&self) -> usize {
        2
    }

    fn respond(&mut self, _: &[u8], _: &[u8]) -> Result<Message> {
        join(&[self.answers.next().ok_or_else(unexpected)?])
    }
}

#[cfg(test)]
mod tests {
    use super::super::login::tests::{begin, credentials, says};
    use super::super::{Credentials, Mechanism};
    use crate::error::Kind;

    // the messages are the examples of RFC 4616, section 4
    #[test]
    fn plain() {
        let tim = Credentials::new(b"tim", b"tanstaaftanstaaf").unwrap();
        let (mut login, first) = begin(&tim, Mechanism::Plain);
        assert_eq!(first, "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
        assert_eq!(says(&mut login, "+OK").unwrap(), None);

        let kurt = Credentials::new(b"Kurt", b"xipj3plmq").unwrap().with_authzid(b"Ursel").unwrap();
        assert_eq!(begin(&kurt, Mechanism::Plain).1, "AUTH PLAIN VXJzZWwAS3VydAB4aXBqM3BsbXE=\r\n");
    }

    #[test]
    fn plain_asked_for_again() {
        for challenge in ["+", "+ ", "+ go on", "+ AAAA"] {
            let credentials = credentials();
            let (mut login, first) = begin(&credentials, Mechanism::Plain);
            let again = says(&mut login, challenge).unwrap().unwrap();
            assert_eq!(format!("AUTH PLAIN {again}"), first);
            assert_eq!(says(&mut login, "+").unwrap_err().kind(), Kind::BadFormat);
            assert!(login.cancel().is_some());
        }
    }

    #[test]
    fn login() {
        let credentials = credentials();
        let (mut login, first) = begin(&credentials, Mechanism::Login);
        assert_eq!(first, "AUTH LOGIN\r\n");
        assert_eq!(says(&mut login, "+ VXNlcm5hbWU6").unwrap().unwrap(), "dGlt\r\n");
        assert_eq!(says(&mut login, "+").unwrap().unwrap(), "dGFuc3RhYWZ0YW5zdGFhZg==\r\n");
        assert_eq!(says(&mut login, "+").unwrap_err().kind(), Kind::BadFormat);

        let (mut login, _) = begin(&credentials, Mechanism::Login);
        assert_eq!(says(&mut login, "+ Username:").unwrap_err().kind(), Kind::Syntax);
        assert!(login.cancel().is_some());
    }

    #[test]
    fn external() {
        let nobody = Credentials::new(b"", b"").unwrap();
        let (mut login, first) = begin(&nobody, Mechanism::External);
        assert_eq!(first, "AUTH EXTERNAL =\r\n");
        assert_eq!(says(&mut login, "+").unwrap().unwrap(), "\r\n");
        assert_eq!(says(&mut login, "+OK").unwrap(), None);

        let fred = Credentials::new(b"", b"").unwrap().with_authzid(b"fred@example.com").unwrap();
        assert_eq!(begin(&fred, Mechanism::External).1, "AUTH EXTERNAL ZnJlZEBleGFtcGxlLmNvbQ==\r\n");
    }
}

//! The mechanisms that show a token instead of a password: XOAUTH2, OAUTHBEARER.

use super::sasl::{Exchange, Message, escape_name, unexpected};
use super::{Credentials, LoginContext};
use crate::error::{Error, Kind, Result};
use crate::secret::join;

/// Either of them: one message, and for what is wrong with it a challenge, which wants an answer before the refusal.
pub(super) struct Bearer {
    message: Option<Message>,
    answer: Option<&'static [u8]>,
    server_error: Message,
}

impl Bearer {
    /// XOAUTH2, as Google and Microsoft describe it.
    pub(super) fn xoauth2(credentials: &Credentials) -> Result<Bearer> {
        let Credentials { user, token, .. } = check(credentials)?;
        Ok(Bearer::new(join(&[b"user=", user, b"\x01auth=Bearer ", token, b"\x01\x01"])?, b""))
    }

    /// OAUTHBEARER (RFC 7628).
    pub(super) fn oauth_bearer(credentials: &Credentials, context: &LoginContext<'_>) -> Result<Bearer> {
        let Credentials { user, authzid, token, .. } = check(credentials)?;
        // the token says who logs in; as whom to act is the user, unless somebody else is named
        let name = escape_name(if authzid.is_empty() { user } else { authzid })?;
        let (host, port) = (context.host.to_string(), context.port.to_string());
        let whole = join(&[
            b"n,",
            if name.is_empty() { b"" } else { b"a=" },
            &name,
            b",\x01host=",
            host.as_bytes(),
            b"\x01port=",
            port.as_bytes(),
            b"\x01auth=Bearer ",
            token,
            b"\x01\x01",
        ])?;
        Ok(Bearer::new(whole, b"\x01"))
    }

    fn new(message: Message, answer: &'static [u8]) -> Bearer {
        Bearer { message: Some(message), answer: Some(answer), server_error: Message::default() }
    }
}

impl Exchange for Bearer {
    fn initial(&mut self) -> Result<Option<Message>> {
        Ok(self.message.take())
    }

    fn respond(&mut self, challenge: &[u8], _: &[u8]) -> Result<Message> {
        let answer = self.answer.take().ok_or_else(unexpected)?;
        self.server_error = join(&[challenge])?;
        join(&[answer])
    }

    fn server_error(&self) -> &[u8] {
        &self.server_error
    }
}

/// There must be a token, and nothing that could end a field of the message.
fn check(credentials: &Credentials) -> Result<&Credentials> {
    let Credentials { user, authzid, token, .. } = credentials;
    if token.is_empty() {
        return Err(Error::new(Kind::Parameter, "a mechanism of OAuth needs a token"));
    }
    match [user, authzid, &**token].into_iter().flatten().any(u8::is_ascii_control) {
        false => Ok(credentials),
        true => Err(Error::new(Kind::Parameter, "the user name or the token of OAuth holds a control character")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::login::tests::{begin, context, says};
    use super::super::{Login, Mechanism};
    use super::*;

    const TOKEN: &[u8] = b"vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg==";

    fn with_token(user: &[u8], token: &[u8]) -> Credentials {
        Credentials::new(user, b"").unwrap().with_token(token).unwrap()
    }

    // the example of Google's "OAuth 2.0 Mechanism", which Microsoft's has too
    #[test]
    fn xoauth2() {
        let credentials = with_token(b"someuser@example.com", b"ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        let (mut login, first) = begin(&credentials, Mechanism::XOAuth2);
        let message = "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQm\
                       hkSFJoZG1semRHRXVZMjl0Q2cBAQ==";
        assert_eq!(first, format!("AUTH XOAUTH2 {message}\r\n"));
        assert_eq!(says(&mut login, "+").unwrap().unwrap(), format!("{message}\r\n"));
        assert_eq!(says(&mut login, "+OK").unwrap(), None);
    }

    #[test]
    fn what_is_wrong_with_the_token_is_told() {
        for (mechanism, answer) in [(Mechanism::XOAuth2, "\r\n"), (Mechanism::OAuthBearer, "AQ==\r\n")] {
            let credentials = with_token(b"user", TOKEN);
            let (mut login, _) = begin(&credentials, mechanism);
            // {"status":"401","schemes":"bearer"}
            let server_error = "+ eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIn0=";
            assert_eq!(says(&mut login, server_error).unwrap().unwrap(), answer);
            let refused = says(&mut login, "-ERR [AUTH] no").unwrap_err();
            assert_eq!(refused.kind(), Kind::Auth);
            let words = r#"the log-in was refused: {"status":"401","schemes":"bearer"}"#;
            assert_eq!(refused.to_string(), words);

            let (mut login, _) = begin(&credentials, mechanism);
            says(&mut login, server_error).unwrap();
            assert_eq!(says(&mut login, server_error).unwrap_err().kind(), Kind::BadFormat);
            assert!(login.cancel().is_some());
        }
    }

    #[test]
    fn a_complaint_shows_no_secret_and_no_control_byte() {
        use base64::Engine;
        let credentials = with_token(b"user", TOKEN);
        let (mut login, _) = begin(&credentials, Mechanism::XOAuth2);
        let server_error = base64::engine::general_purpose::STANDARD.encode([TOKEN, b" is bad\x1b\n"].concat());
        says(&mut login, &format!("+ {server_error}")).unwrap();
        let refused = says(&mut login, "-ERR").unwrap_err().to_string();
        assert_eq!(refused, r"the log-in was refused: *** is bad\x1b\x0a");
    }

    // the example of RFC 7628, section 4.1, for another port
    #[test]
    fn oauthbearer() {
        let credentials = with_token(b"user@example.com", TOKEN);
        let context = LoginContext { host: &"server.example.com", port: 143, ..context() };
        let mut login = Login::new(&credentials, Mechanism::OAuthBearer, context).unwrap();
        let message = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI\
                       HZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2c9PQEB";
        assert_eq!(*login.first().encode().unwrap(), format!("AUTH OAUTHBEARER {message}\r\n").into_bytes());
        assert_eq!(says(&mut login, "+OK").unwrap(), None);
    }

    #[test]
    fn a_token_of_many_kilobytes_is_a_line_of_its_own() {
        let credentials = with_token(b"user", &[b'x'; 20_000]);
        for mechanism in [Mechanism::XOAuth2, Mechanism::OAuthBearer] {
            let (mut login, first) = begin(&credentials, mechanism);
            assert_eq!(first, format!("AUTH {}\r\n", mechanism.name()));
            assert!(says(&mut login, "+").unwrap().unwrap().len() > 26_000);
            assert_eq!(says(&mut login, "+OK").unwrap(), None);
        }
    }

    #[test]
    fn no_field_is_smuggled_in_and_none_is_missing() {
        for credentials in [
            with_token(b"user\x01auth=x", TOKEN),
            with_token(b"user", b"a\x01b"),
            with_token(b"user", TOKEN).with_authzid(b"\x01").unwrap(),
            with_token(b"user", b""),
        ] {
            for mechanism in [Mechanism::XOAuth2, Mechanism::OAuthBearer] {
                let refused = Login::new(&credentials, mechanism, context()).err().unwrap();
                assert_eq!(refused.kind(), Kind::Parameter);
            }
        }
        let odd = with_token(b"a,b=c", TOKEN);
        let login = Login::new(&odd, Mechanism::OAuthBearer, context()).unwrap();
        assert!(login.initial_for_tests().starts_with(b"n,a=a=2Cb=3Dc,\x01host="));
    }
}

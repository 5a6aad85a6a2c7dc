//! Who logs in, and what a mechanism may need to know besides.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::proto::command::check_argument;
use crate::secret::join;
use crate::shortage;
use crate::text::Secrets;

/// Who logs in, and what proves it. Password and token are wiped when this is dropped and are never shown.
pub struct Credentials {
    pub(super) user: Vec<u8>,
    pub(super) password: Zeroizing<Vec<u8>>,
    pub(super) token: Zeroizing<Vec<u8>>,
    pub(super) authzid: Vec<u8>,
}

impl Credentials {
    /// Takes a name and a password as the bytes they are, but for those that would end a line.
    pub fn new(user: &[u8], password: &[u8]) -> Result<Credentials> {
        check_argument(user, "the user name")?;
        check_argument(password, "the password")?;
        Ok(Credentials {
            user: shortage::copy(user, "the user name")?,
            password: join(&[password])?,
            token: Zeroizing::default(),
            authzid: Vec::new(),
        })
    }

    /// Adds the token that OAuth gave.
    pub fn with_token(mut self, token: &[u8]) -> Result<Credentials> {
        check_argument(token, "the token")?;
        self.token = join(&[token])?;
        Ok(self)
    }

    /// Adds as whom to act, if not as the user.
    pub fn with_authzid(mut self, authzid: &[u8]) -> Result<Credentials> {
        check_argument(authzid, "the authorization identity")?;
        self.authzid = shortage::copy(authzid, "the authorization identity")?;
        Ok(self)
    }

    /// Who logs in.
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    /// Whose mailbox is opened.
    pub fn mailbox_user(&self) -> &[u8] {
        if self.authzid.is_empty() { &self.user } else { &self.authzid }
    }

    /// What no log may show of them: password and token.
    pub fn secrets(&self) -> Result<Secrets> {
        let mut secrets = Secrets::default();
        secrets.add(&self.token)?;
        secrets.add(&self.password)?;
        Ok(secrets)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user.escape_ascii().to_string()).finish_non_exhaustive()
    }
}

/// What a mechanism may need to know besides the credentials.
pub struct LoginContext<'a> {
    /// The text of the server's greeting, empty where it came before TLS did: then anybody can have said it.
    pub greeting: &'a [u8],
    /// The server, as it was named to us.
    pub host: &'a dyn fmt::Display,
    /// Its port.
    pub port: u16,
    /// Makes a nonce ([`nonce`], but for tests): printable, without a comma.
    pub nonce: fn() -> Result<String>,
    /// What the log-in can be bound to. To be left out where the server offers -PLUS variants but none of them is
    /// used, since a SCRAM without would tell the server that its list lacks them.
    pub binding: Option<ChannelBinding>,
    /// Whether what a mechanism begins with may stand behind AUTH (RFC 5034), where there is room for it.
    pub initial_response: bool,
    /// Whether the server says by a code that it refuses the credentials (AUTH-RESP-CODE, RFC 3206): then a refusal
    /// without one is about something else.
    pub says_auth: bool,
}

/// What tells this TLS channel from any other (RFC 5056).
pub struct ChannelBinding {
    /// Its type, as `tls-exporter` (RFC 9266) or `tls-server-end-point` (RFC 5929).
    pub name: &'static str,
    /// Its data.
    pub data: Vec<u8>,
}

/// A nonce that nobody can foretell.
pub fn nonce() -> Result<String> {
    crate::crypto::random::<18>().map(|bytes| STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use crate::error::Kind;

    use super::*;

    #[test]
    fn nonces_fit_into_scram() {
        let nonce = nonce().unwrap();
        assert!(nonce.len() == 24 && nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','));
    }

    #[test]
    fn lines_cannot_be_smuggled_into_credentials() {
        let ok = || Credentials::new(b"x", b"x").unwrap();
        for bad in [&b"a\r"[..], b"a\n", b"\0"] {
            assert_eq!(Credentials::new(bad, b"x").unwrap_err().kind(), Kind::Parameter);
            assert_eq!(Credentials::new(b"x", bad).unwrap_err().kind(), Kind::Parameter);
            assert_eq!(ok().with_token(bad).unwrap_err().kind(), Kind::Parameter);
            assert_eq!(ok().with_authzid(bad).unwrap_err().kind(), Kind::Parameter);
        }
    }

    #[test]
    fn password_and_token_are_secrets() {
        let secrets = Credentials::new(b"tim", b"tanstaaftanstaaf")
            .unwrap()
            .with_token(b"ya29.token")
            .unwrap()
            .secrets()
            .unwrap();
        let line = b"+OK tim tanstaaftanstaaf ya29.token";
        assert_eq!(*secrets.mask(line, &[]), *b"+OK tim *** ***");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown =
            format!("{:?}", Credentials::new(b"tim", b"tanstaaftanstaaf").unwrap().with_token(b"tanstaaf").unwrap());
        assert!(shown.contains("tim") && !shown.contains("tanstaaf"), "{shown}");
    }
}

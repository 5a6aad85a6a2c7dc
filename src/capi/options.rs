//! The options of a connection: what is stored, and the rules for it. [`setters`](super::setters) has the C functions.

use std::ffi::CStr;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::capi::arguments::parameter;
use crate::capi::listeners::Listeners;
use crate::capi::refusals::{Refusals, Settable};
use crate::capi::settings::{self, absolute};
use crate::error::{Error, Result};
use crate::net::address::{Host, Server};
use crate::net::proxy::Proxy;
use crate::net::route::{Family, Route};
use crate::net::tls::{self, Identity, TlsOptions, Version};
use crate::net::trust::{Authorities, Trust};
use crate::options::{Options, Secure, Timeouts};
use crate::proto::auth::{Credentials, Mechanism};
use crate::proto::command::{check_argument, language_tag};
use crate::shortage;

/// For `secure`: in the clear.
pub const POP3_CLEAR: i32 = 0;
/// For `secure`: implicit TLS (RFC 8314).
pub const POP3_TLS: i32 = 1;
/// For `secure`: STARTTLS, in the clear up to STLS (RFC 2595).
pub const POP3_STARTTLS: i32 = 2;

/// For pop3_options_set_tls_min: TLS 1.0.
pub const POP3_TLS_1_0: i32 = 10;
/// For pop3_options_set_tls_min: TLS 1.1.
pub const POP3_TLS_1_1: i32 = 11;
/// For pop3_options_set_tls_min: TLS 1.2.
pub const POP3_TLS_1_2: i32 = 12;
/// For pop3_options_set_tls_min: TLS 1.3.
pub const POP3_TLS_1_3: i32 = 13;
/// For pop3_options_set_family: IPv6 and IPv4, tried by Happy Eyeballs (RFC 8305).
pub const POP3_FAMILY_ANY: i32 = 0;
/// For pop3_options_set_family: IPv4 alone.
pub const POP3_FAMILY_IPV4: i32 = 4;
/// For pop3_options_set_family: IPv6 alone.
pub const POP3_FAMILY_IPV6: i32 = 6;

/// The options of a connection. Opaque; from pop3_options_new, freed by pop3_options_free.
pub struct pop3_options {
    server: Vec<u8>,
    user: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
    token: Zeroizing<Vec<u8>>,
    authzid: Vec<u8>,
    mechanism: Option<Mechanism>,
    pub(super) utf8: bool,
    language: Option<String>,
    secure: Secure,
    pub(super) verify: bool,
    pub(super) platform_trust: bool,
    secure_dir: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    identity: Option<Identity>,
    oldest: Version,
    tls_name: Option<Host>,
    pub(super) listeners: Listeners,
    connect_timeout: Option<Duration>,
    reply_timeout: Option<Duration>,
    call_timeout: Option<Duration>,
    route: Route,
    pub(super) pipelining: bool,
    pub(super) capabilities: bool,
    pub(super) clear_password: bool,
    max_message: Option<u64>,
    fingerprint: Option<[u8; 32]>,
    refused: Refusals,
}

impl Settable for pop3_options {
    const COMMAND: &'static CStr = c"POP3Options";
    const WHAT: &'static str = "the options are";

    fn refused(&mut self) -> &mut Refusals {
        &mut self.refused
    }
}

impl pop3_options {
    /// The arguments of pop3_connect, and the defaults of all other options.
    pub(super) fn basic(
        server: &[u8],
        user: &[u8],
        password: &[u8],
        secure: Secure,
        verify: bool,
    ) -> Result<pop3_options> {
        Ok(pop3_options {
            server: copy(server)?,
            user: copy(user)?,
            password: Zeroizing::new(copy(password)?),
            token: Zeroizing::default(),
            authzid: Vec::new(),
            mechanism: None,
            utf8: false,
            language: None,
            secure,
            verify,
            platform_trust: true,
            secure_dir: None,
            ca_file: None,
            identity: None,
            oldest: Version::Tls12,
            tls_name: None,
            listeners: Listeners::default(),
            connect_timeout: None,
            reply_timeout: None,
            call_timeout: None,
            route: Route::default(),
            pipelining: true,
            capabilities: true,
            clear_password: true,
            max_message: None,
            fingerprint: None,
            refused: Refusals::default(),
        })
    }

    /// What a session is opened with, made of these and of the settings of the process.
    pub(super) fn connection(&self) -> Result<Options> {
        self.refused.check()?;
        if matches!(self.mechanism, Some(Mechanism::XOAuth2 | Mechanism::OAuthBearer)) && self.token.is_empty() {
            return Err(parameter("the mechanism needs an OAuth token"));
        }
        let server = Server::parse(&self.server, self.secure.default_port())?;
        let trust = match (self.secure, self.verify) {
            (Secure::No, _) | (_, false) => Trust::Anyone,
            _ => Trust::Verified { platform: self.platform_trust, own: self.authorities()? },
        };
        let process = settings::timeout();
        Ok(Options {
            server,
            route: self.route.clone(),
            credentials: Credentials::new(&self.user, &self.password)?
                .with_token(&self.token)?
                .with_authzid(&self.authzid)?,
            mechanism: self.mechanism,
            utf8: self.utf8,
            language: self.language.clone(),
            pipelining: self.pipelining,
            capabilities: self.capabilities,
            clear_password: self.clear_password,
            max_message: self.max_message,
            secure: self.secure,
            tls: TlsOptions {
                trust,
                oldest: self.oldest,
                name: self.tls_name.clone(),
                identity: self.identity.clone(),
                fingerprint: self.fingerprint,
            },
            timeouts: Timeouts {
                connect: self.connect_timeout.unwrap_or(process),
                reply: self.reply_timeout.unwrap_or(process),
                call: self.call_timeout,
            },
        })
    }

    /// The server, which connecting checks.
    pub(super) fn set_server(&mut self, server: Option<&[u8]>) -> Result<()> {
        self.server = copy(server.unwrap_or_default())?;
        Ok(())
    }

    /// Who logs in.
    pub(super) fn set_user(&mut self, user: Option<&[u8]>) -> Result<()> {
        self.user = argument(user, "the user name")?;
        Ok(())
    }

    /// By which password.
    pub(super) fn set_password(&mut self, password: Option<&[u8]>) -> Result<()> {
        self.password = Zeroizing::new(argument(password, "the password")?);
        Ok(())
    }

    /// By which OAuth token.
    pub(super) fn set_oauth_token(&mut self, token: Option<&[u8]>) -> Result<()> {
        self.token = Zeroizing::new(argument(token, "the token")?);
        Ok(())
    }

    /// The authorization identity.
    pub(super) fn set_authzid(&mut self, authzid: Option<&[u8]>) -> Result<()> {
        self.authzid = argument(authzid, "the authorization identity")?;
        Ok(())
    }

    /// The only mechanism, or "auto".
    pub(super) fn set_mechanism(&mut self, name: Option<&[u8]>) -> Result<()> {
        let name = std::str::from_utf8(name.unwrap_or(b"auto")).map_err(|_| parameter("the name is not UTF-8"))?;
        self.mechanism = match name.eq_ignore_ascii_case("auto") {
            true => None,
            false => Some(Mechanism::named(name)?),
        };
        Ok(())
    }

    /// One of POP3_CLEAR, POP3_TLS and POP3_STARTTLS.
    pub(super) fn set_secure(&mut self, secure: i32) -> Result<()> {
        self.secure = secure_mode(secure)?;
        Ok(())
    }

    /// The secure folder, instead of the process's.
    pub(super) fn set_secure_dir(&mut self, path: Option<&[u8]>) -> Result<()> {
        self.secure_dir = path.map(absolute).transpose()?;
        Ok(())
    }

    /// A file of CA certificates, instead of a secure folder.
    pub(super) fn set_ca_file(&mut self, path: Option<&[u8]>) -> Result<()> {
        self.ca_file = path.map(absolute).transpose()?;
        Ok(())
    }

    /// The SHA-256 digest of the only certificate that the server may have.
    pub(super) fn set_fingerprint(&mut self, sha256: Option<&[u8]>) -> Result<()> {
        self.fingerprint = sha256.map(fingerprint).transpose()?;
        Ok(())
    }

    /// A client certificate and its key, both or neither.
    pub(super) fn set_client_cert(&mut self, certificate: Option<&[u8]>, key: Option<&[u8]>) -> Result<()> {
        self.identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(Identity::Pem { certificate: absolute(certificate)?, key: absolute(key)? })
            }
            _ => return Err(parameter("a certificate needs its key, and a key its certificate")),
        };
        if self.identity.is_some() {
            self.refused.forget("pop3_options_set_client_pkcs12");
        }
        Ok(())
    }

    /// A client certificate and its key in PKCS #12, and the password that opens it.
    pub(super) fn set_client_pkcs12(&mut self, path: Option<&[u8]>, password: Option<&[u8]>) -> Result<()> {
        self.identity = match path {
            None => None,
            Some(path) => {
                let password = std::str::from_utf8(password.unwrap_or_default());
                let password = password.map_err(|_| parameter("the password is not UTF-8"))?;
                Some(Identity::Pkcs12 { path: absolute(path)?, password: Zeroizing::new(password.to_owned()) })
            }
        };
        if self.identity.is_some() {
            self.refused.forget("pop3_options_set_client_cert");
        }
        Ok(())
    }

    /// The oldest version of TLS: one of the POP3_TLS_ constants with a number.
    pub(super) fn set_tls_min(&mut self, version: i32) -> Result<()> {
        self.set_tls_min_of(version, tls::NEWEST)
    }

    fn set_tls_min_of(&mut self, version: i32, newest: Version) -> Result<()> {
        let oldest = match version {
            POP3_TLS_1_0 => Version::Tls10,
            POP3_TLS_1_1 => Version::Tls11,
            POP3_TLS_1_2 => Version::Tls12,
            POP3_TLS_1_3 => Version::Tls13,
            _ => return Err(parameter(format!("the TLS version is {version}: it must be 10, 11, 12 or 13"))),
        };
        oldest.check(newest)?;
        self.oldest = oldest;
        Ok(())
    }

    /// The name for SNI and for verification, instead of the server's.
    pub(super) fn set_tls_name(&mut self, name: Option<&[u8]>) -> Result<()> {
        self.tls_name = name.map(Host::parse).transpose().map_err(|error| parameter(error.to_string()))?;
        Ok(())
    }

    /// Milliseconds; 0 is the process's timeout, or none for a call.
    pub(super) fn set_timeouts(&mut self, connect: i32, reply: i32, call: i32) -> Result<()> {
        let [connect, reply, call] = [milliseconds(connect)?, milliseconds(reply)?, milliseconds(call)?];
        (self.connect_timeout, self.reply_timeout, self.call_timeout) = (connect, reply, call);
        Ok(())
    }

    /// One of the POP3_FAMILY_ constants.
    pub(super) fn set_family(&mut self, family: i32) -> Result<()> {
        self.route.family = match family {
            POP3_FAMILY_ANY => None,
            POP3_FAMILY_IPV4 => Some(Family::V4),
            POP3_FAMILY_IPV6 => Some(Family::V6),
            _ => return Err(parameter(format!("the family is {family}: it must be 0, 4 or 6"))),
        };
        Ok(())
    }

    /// The address to connect from.
    pub(super) fn set_source_address(&mut self, address: Option<&[u8]>) -> Result<()> {
        let parse = |address: &[u8]| std::str::from_utf8(address).ok()?.parse::<IpAddr>().ok();
        self.route.source = match address {
            None => None,
            Some(address) => Some(parse(address).ok_or_else(|| parameter("the source address is not an IP address"))?),
        };
        Ok(())
    }

    /// The URL of a proxy.
    pub(super) fn set_proxy(&mut self, url: Option<&[u8]>) -> Result<()> {
        self.route.proxy = url.map(Proxy::parse).transpose()?;
        Ok(())
    }

    /// The language of the server's texts.
    pub(super) fn set_language(&mut self, tag: Option<&[u8]>) -> Result<()> {
        self.language = tag.map(|tag| language_tag(tag).map(str::to_owned)).transpose()?;
        Ok(())
    }

    /// How many octets a message in memory may have; 0 is any number.
    pub(super) fn set_max_message(&mut self, octets: i64) -> Result<()> {
        self.max_message = match u64::try_from(octets) {
            Ok(0) => None,
            Ok(octets) => Some(octets),
            Err(_) => return Err(parameter("the size of a message is negative")),
        };
        Ok(())
    }

    fn authorities(&self) -> Result<Authorities> {
        match (&self.ca_file, &self.secure_dir) {
            (Some(file), _) => Ok(Authorities::File(file.clone())),
            (None, Some(dir)) => Ok(Authorities::Folder(dir.join("cacerts"))),
            (None, None) => settings::authorities(),
        }
    }
}

/// How the connection is encrypted.
pub(super) fn secure_mode(secure: i32) -> Result<Secure> {
    match secure {
        POP3_CLEAR => Ok(Secure::No),
        POP3_TLS => Ok(Secure::Tls),
        POP3_STARTTLS => Ok(Secure::StartTls),
        _ => Err(parameter(format!("secure is {secure}: it must be 0, 1 or 2"))),
    }
}

/// A copy of a string that is to stand in a command.
fn argument(text: Option<&[u8]>, what: &str) -> Result<Vec<u8>> {
    let text = text.unwrap_or_default();
    check_argument(text, what)?;
    copy(text)
}

/// A copy of a string of the host's.
fn copy(text: &[u8]) -> Result<Vec<u8>> {
    shortage::copy(text, "the options")
}

/// A SHA-256 digest in hexadecimal digits, with colons between them or not.
fn fingerprint(text: &[u8]) -> Result<[u8; 32]> {
    let mut digits = text.iter().filter(|byte| **byte != b':').map(|digit| char::from(*digit).to_digit(16));
    let mut digest = [0; 32];
    for byte in &mut digest {
        let value = digits.next().flatten().zip(digits.next().flatten()).map(|(high, low)| high * 16 + low);
        *byte = value.and_then(|value| u8::try_from(value).ok()).ok_or_else(no_fingerprint)?;
    }
    if digits.next().is_some() { Err(no_fingerprint()) } else { Ok(digest) }
}

fn no_fingerprint() -> Error {
    parameter("the fingerprint is not 64 hexadecimal digits")
}

/// A timeout; 0 is what the process has set.
fn milliseconds(value: i32) -> Result<Option<Duration>> {
    match u64::try_from(value) {
        Ok(0) => Ok(None),
        Ok(value) => Ok(Some(Duration::from_millis(value))),
        Err(_) => Err(parameter("a timeout is negative")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn options() -> pop3_options {
        pop3_options::basic(b"h", b"u", b"p", Secure::Tls, false).unwrap()
    }

    #[test]
    fn what_was_refused_is_kept_until_it_is_set_right() {
        let mut options = options();
        let set =
            |options: &mut pop3_options, octets| options.change("set_max", |options| options.set_max_message(octets));
        set(&mut options, 7).unwrap();
        assert_eq!(set(&mut options, -1).unwrap_err().kind(), Kind::Parameter);
        assert_eq!(options.max_message, Some(7));
        let refusal = options.connection().unwrap_err().to_string();
        assert_eq!(refusal, "set_max was refused and not set right since: the size of a message is negative");
        set(&mut options, 0).unwrap();
        assert_eq!(options.connection().unwrap().max_message, None);
    }

    #[test]
    fn a_version_of_tls_that_the_platform_lacks() {
        let mut options = options();
        let set = |options: &mut pop3_options, version, newest| {
            options.change("set_min", |options| options.set_tls_min_of(version, newest))
        };
        set(&mut options, POP3_TLS_1_3, Version::Tls13).unwrap();
        set(&mut options, POP3_TLS_1_2, Version::Tls12).unwrap();
        assert_eq!(set(&mut options, POP3_TLS_1_3, Version::Tls12).unwrap_err().kind(), Kind::Unsupported);
        let error = options.connection().unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert_eq!(
            error.to_string(),
            "set_min was refused and not set right since: this platform's TLS library has no TLS 1.3"
        );
        set(&mut options, POP3_TLS_1_2, Version::Tls12).unwrap();
        assert_eq!(options.connection().unwrap().tls.oldest, Version::Tls12);
    }

    #[test]
    fn one_client_certificate_takes_the_place_of_the_other() {
        let mut options = options();
        options
            .change("pop3_options_set_client_cert", |options| options.set_client_cert(Some(b"c"), None))
            .unwrap_err();
        // none in PKCS #12 sets nothing right
        options.set_client_pkcs12(None, None).unwrap();
        assert!(options.connection().is_err());
        options.set_client_pkcs12(Some(b"/f"), None).unwrap();
        assert!(matches!(options.connection().unwrap().tls.identity, Some(Identity::Pkcs12 { .. })));
        options.set_client_cert(Some(b"/c"), Some(b"/k")).unwrap();
        assert!(matches!(options.connection().unwrap().tls.identity, Some(Identity::Pem { .. })));
    }

    #[test]
    fn fingerprints() {
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        let digest = fingerprint(digits.as_bytes()).unwrap();
        assert_eq!((digest[0], digest[7], digest[31]), (0x01, 0xef, 0x89));
        let pairs: Vec<_> = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        assert_eq!(fingerprint(pairs.join(":").as_bytes()).unwrap(), digest);
        for wrong in ["", &digits[1..], &digits[2..], &format!("{digits}0"), &digits.replace('c', "g")] {
            assert_eq!(fingerprint(wrong.as_bytes()).unwrap_err().kind(), Kind::Parameter, "{wrong}");
        }
    }

    #[test]
    fn choices_and_timeouts() {
        for (secure, mode) in [(0, Secure::No), (1, Secure::Tls), (2, Secure::StartTls)] {
            assert_eq!(secure_mode(secure).unwrap(), mode);
        }
        assert!(secure_mode(-1).is_err() && secure_mode(3).is_err());
        assert_eq!(milliseconds(0).unwrap(), None);
        assert_eq!(milliseconds(1500).unwrap(), Some(Duration::from_millis(1500)));
        assert!(milliseconds(-1).is_err());
        let mut options = options();
        assert!(options.set_timeouts(1, 2, -3).is_err());
        assert_eq!(options.connection().unwrap().timeouts, Timeouts::each(settings::timeout()));
        options.set_timeouts(1, 2, 3).unwrap();
        let [connect, reply, call] = [1, 2, 3].map(Duration::from_millis);
        assert_eq!(options.connection().unwrap().timeouts, Timeouts { connect, reply, call: Some(call) });
    }
}

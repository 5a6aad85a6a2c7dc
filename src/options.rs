//! What a connection is to be: typed, validated, every default stated.

use std::time::Duration;

pub use crate::net::address::Host;
use crate::net::address::Server;
use crate::net::route::Route;
use crate::net::tls::{TlsOptions, Version};
use crate::net::trust::{Authorities, Trust};
use crate::proto::auth::{Credentials, Mechanism};

/// How long a wait may take unless something else is set (WebDevSetConfig, CommsTimeout).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The port of POP3 (RFC 1939).
pub const POP3_PORT: u16 = 110;
/// The port of POP3 over TLS from the first byte (RFC 8314).
pub const POP3S_PORT: u16 = 995;

/// Everything that a connection needs to know before it is made.
#[derive(Debug)]
pub struct Options {
    /// Whom to connect to.
    pub server: Server,
    /// By which way.
    pub route: Route,
    /// Who logs in.
    pub credentials: Credentials,
    /// How, if not by the strongest way that the server offers.
    pub mechanism: Option<Mechanism>,
    /// Whether the server may speak UTF-8, if it can (RFC 6856).
    pub utf8: bool,
    /// In which language it should speak, if it can (RFC 6856).
    pub language: Option<String>,
    /// Whether commands may go ahead of their answers, to a server that lists PIPELINING (RFC 2449).
    pub pipelining: bool,
    /// Whether the server may be asked for its capabilities.
    pub capabilities: bool,
    /// Whether the password may be told over a connection in the clear.
    pub clear_password: bool,
    /// How many octets a message may have that a call returns in memory; `None` for any number.
    pub max_message: Option<u64>,
    /// When TLS begins.
    pub secure: Secure,
    /// What TLS must be like.
    pub tls: TlsOptions,
    /// How long to wait.
    pub timeouts: Timeouts,
}

impl Options {
    /// What nobody has said anything else of: whom the platform believes, any log-in, every speed that is safe, 60 s for
    /// each wait.
    pub fn new(server: Server, secure: Secure, credentials: Credentials) -> Options {
        Options {
            server,
            route: Route::default(),
            credentials,
            mechanism: None,
            utf8: false,
            language: None,
            pipelining: true,
            capabilities: true,
            clear_password: true,
            max_message: None,
            secure,
            tls: TlsOptions {
                trust: Trust::Verified { platform: true, own: Authorities::None },
                oldest: Version::Tls12,
                name: None,
                identity: None,
                fingerprint: None,
            },
            timeouts: Timeouts::each(DEFAULT_TIMEOUT),
        }
    }
}

impl Options {
    /// The mailbox as user@host:port, in one form however the server was written.
    pub fn account(&self) -> Vec<u8> {
        let server = Server { host: self.server.host.same(), port: self.server.port };
        [self.credentials.mailbox_user(), b"@", server.to_string().as_bytes()].concat()
    }
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secure {
    /// Never.
    No,
    /// With the first byte (RFC 8314).
    Tls,
    /// After STLS (RFC 2595).
    StartTls,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the name, for the connection and for the handshake, each.
    pub connect: Duration,
    /// For a reply, or 64 KiB of a long one.
    pub reply: Duration,
    /// For a whole call, `None` for as long as its waits take.
    pub call: Option<Duration>,
}

impl Secure {
    /// The port that goes without saying.
    pub fn default_port(self) -> u16 {
        match self {
            Secure::Tls => POP3S_PORT,
            Secure::No | Secure::StartTls => POP3_PORT,
        }
    }
}

impl Timeouts {
    /// The same for every wait, and no limit for a call.
    pub fn each(timeout: Duration) -> Timeouts {
        Timeouts { connect: timeout, reply: timeout, call: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_set_is_safe() {
        let server = Server::parse(b"pop.example.net", 995).unwrap();
        let options = Options::new(server, Secure::Tls, Credentials::new(b"alice", b"s3cret").unwrap());
        assert!(matches!(options.tls.trust, Trust::Verified { platform: true, own: Authorities::None }));
        assert!(options.tls.oldest >= Version::Tls12);
        assert_eq!((options.secure, options.timeouts), (Secure::Tls, Timeouts::each(Duration::from_secs(60))));
    }

    #[test]
    fn an_account_has_one_form() {
        let account = |server: &str, authzid: &[u8]| {
            let server = Server::parse(server.as_bytes(), 995).unwrap();
            let credentials = Credentials::new(b"Alice", b"s3cret").unwrap().with_authzid(authzid).unwrap();
            String::from_utf8(Options::new(server, Secure::Tls, credentials).account()).unwrap()
        };
        for server in ["pop.example.net", "POP.Example.NET.", "pop.example.net:995"] {
            assert_eq!(account(server, b""), "Alice@pop.example.net:995");
        }
        assert_eq!(account("b\u{fc}cher.example:110", b"bob"), "bob@xn--bcher-kva.example:110");
        for server in ["0:0:0::1", "[::1]", "[::1]:995"] {
            assert_eq!(account(server, b""), "Alice@[::1]:995");
        }
    }

    #[test]
    fn the_default_port_follows_secure() {
        assert_eq!(Secure::No.default_port(), 110);
        assert_eq!(Secure::StartTls.default_port(), 110);
        assert_eq!(Secure::Tls.default_port(), 995);
    }
}

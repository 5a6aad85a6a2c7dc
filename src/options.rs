//! What a connection is to be: typed, validated, every default stated.

use std::time::Duration;

use crate::net::address::Server;
use crate::net::trust::Trust;
use crate::proto::auth::Credentials;

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
    /// Who logs in.
    pub credentials: Credentials,
    /// When TLS begins.
    pub secure: Secure,
    /// Whom to believe that it is the server.
    pub trust: Trust,
    /// How long each wait may take.
    pub timeout: Duration,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secure {
    /// Never.
    No,
    /// With the first byte (RFC 8314).
    Tls,
    /// After STLS (RFC 2595).
    StartTls,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_port_follows_secure() {
        assert_eq!(Secure::No.default_port(), 110);
        assert_eq!(Secure::StartTls.default_port(), 110);
        assert_eq!(Secure::Tls.default_port(), 995);
    }
}

//! What the targets connect by: in the clear, to a server on this machine, as anybody who sets nothing else.

use std::time::Duration;

use pop3connect::net::address::Server;
use pop3connect::net::route::Route;
use pop3connect::net::tls::{TlsOptions, Version};
use pop3connect::net::trust::Trust;
use pop3connect::options::{Options, Secure, Timeouts};
use pop3connect::proto::auth::Credentials;

/// Nothing that the fuzzer says takes longer, since its server closes when all is said.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The options of a connection to that address.
pub fn options(address: &str, user: &[u8], password: &[u8]) -> Options {
    Options {
        server: Server::parse(address.as_bytes(), 110).unwrap(),
        route: Route::default(),
        credentials: Credentials::new(user, password).unwrap(),
        mechanism: None,
        utf8: false,
        language: None,
        pipelining: true,
        capabilities: true,
        clear_password: true,
        max_message: None,
        secure: Secure::No,
        tls: TlsOptions { trust: Trust::Anyone, oldest: Version::Tls12, name: None, identity: None, fingerprint: None },
        timeouts: Timeouts::each(LIMIT),
    }
}

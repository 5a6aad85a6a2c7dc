//! What the targets connect by: in the clear, as anybody who sets nothing else.

use std::time::Duration;

use pop3connect::net::address::Server;
use pop3connect::net::tcp::Route;
use pop3connect::net::tls::{Settings, Version};
use pop3connect::net::trust::Trust;
use pop3connect::options::{Options, Secure, Timeouts};
use pop3connect::proto::auth::Credentials;

/// The options of a connection to a server in memory.
pub fn options(user: &[u8], password: &[u8]) -> Options {
    Options {
        server: Server::parse(b"fuzz.test", 110).unwrap(),
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
        tls: Settings { trust: Trust::Anyone, oldest: Version::Tls12, name: None, identity: None, fingerprint: None },
        timeouts: Timeouts::each(Duration::from_secs(1)),
    }
}

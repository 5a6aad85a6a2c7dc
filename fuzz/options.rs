//! What the targets connect by: in the clear, as anybody who sets nothing else.

use pop3connect::net::address::Server;
use pop3connect::options::{Options, Secure};
use pop3connect::proto::auth::Credentials;

/// The options of a connection to a server in memory.
pub fn options(user: &[u8], password: &[u8]) -> Options {
    let server = Server::parse(b"fuzz.test", 110).unwrap();
    Options::new(server, Secure::No, Credentials::new(user, password).unwrap())
}

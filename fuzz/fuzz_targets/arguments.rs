//! The server and the proxy as the host names them: what is taken means the same when it is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3connect::net::address::{Host, Server};
use pop3connect::net::proxy::Proxy;

fuzz_target!(|text: &[u8]| {
    if let Ok(server) = Server::parse(text, 110) {
        let written = server.to_string();
        assert!(!written.chars().any(|letter| letter.is_control() || letter.is_whitespace()), "{written:?}");
        assert_eq!(Server::parse(written.as_bytes(), 995).expect("not what was taken before"), server);
    }
    let _ = Host::parse(text);
    if let Ok(proxy) = Proxy::parse(text) {
        let written = proxy.to_string();
        assert_eq!(Proxy::parse(written.as_bytes()).expect("not what was taken before").to_string(), written);
    }
});

//! The server argument: which host, which port.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use crate::error::{Error, Kind, Result};
use crate::text::brief;

/// A host and the port it listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// A host, as it is looked up and as its certificate must name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// A name in ASCII (internationalised ones are converted, UTS #46).
    Name(String),
    /// An IPv4 address or an IPv6 address without a zone.
    Ip(IpAddr),
    /// An IPv6 address with a zone (RFC 4007), kept in text since only the system can tell what interface it names.
    Zoned(Ipv6Addr, String),
}

impl Server {
    /// Reads `host`, `host:port`, an IPv4 address, a bare IPv6 address, `[IPv6]` or `[IPv6]:port`.
    pub fn parse(server: &[u8], default_port: u16) -> Result<Server> {
        let server = std::str::from_utf8(server).map_err(|_| parameter("the server is not UTF-8"))?;
        if server.chars().any(char::is_control) {
            return Err(parameter("the server holds a control character"));
        }
        if server.trim().is_empty() {
            return Err(no_address("the server is empty"));
        }
        if let Some((scheme, _)) = server.split_once("://") {
            return Err(no_address(no_scheme(scheme)));
        }
        let (host, port) = split_port(server)?;
        let port = match port {
            Some(port) => parse_port(port)?,
            None => default_port,
        };
        Ok(Server { host, port })
    }
}

/// That there is a scheme, and what would say the same.
fn no_scheme(scheme: &str) -> &'static str {
    const WITH_TLS: [&str; 5] = ["pop3s", "pops", "spop3", "ssl", "tls"];
    match WITH_TLS.iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
        true => "a scheme is not part of the server: give the host alone, and secure 1 for TLS from the first byte",
        false => "a scheme is not part of the server: give the host alone, and secure 0, 2 for STLS or 1 for TLS",
    }
}

impl Host {
    /// Reads a host without a port.
    pub fn parse(host: &[u8]) -> Result<Host> {
        // no port that is written can be 0
        match Server::parse(host, 0)? {
            Server { host, port: 0 } => Ok(host),
            _ => Err(no_address("there is a port where a host alone should be")),
        }
    }

    /// The same host in one form: names are the same in any letter case, and with a dot that ends them.
    pub fn same(&self) -> Host {
        match self {
            Host::Name(name) => Host::Name(name.trim_end_matches('.').to_ascii_lowercase()),
            other => other.clone(),
        }
    }

    /// The host in a text: a name that is too long to be one is cut.
    pub fn brief(&self) -> String {
        brief(self.to_string().as_bytes())
    }
}

impl Server {
    /// The server in a text.
    pub fn brief(&self) -> String {
        brief(self.to_string().as_bytes())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(_)) | Host::Zoned(..) => write!(f, "[{}]:{}", self.host, self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Ip(address) => write!(f, "{address}"),
            Host::Zoned(address, zone) => write!(f, "{address}%{zone}"),
        }
    }
}

fn split_port(server: &str) -> Result<(Host, Option<&str>)> {
    if let Some(rest) = server.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or_else(|| no_address("the server has '[' without ']'"))?;
        let port = match rest {
            "" => None,
            _ => Some(rest.strip_prefix(':').ok_or_else(|| no_address("after ']' only a port may follow"))?),
        };
        return Ok((parse_ipv6(address)?, port));
    }
    match server.split_once(':') {
        // more than one colon outside brackets can only be an IPv6 address, which then has no port
        Some((_, rest)) if rest.contains(':') => Ok((parse_ipv6(server)?, None)),
        Some((host, port)) => Ok((parse_name(host)?, Some(port))),
        None => Ok((parse_name(server)?, None)),
    }
}

fn parse_ipv6(text: &str) -> Result<Host> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let address: Ipv6Addr =
        address.parse().map_err(|_| no_address(format!("{} is not an IPv6 address", quote(text))))?;
    match zone {
        None => Ok(Host::Ip(address.into())),
        Some("") => Err(no_address(format!("{} has an empty zone", quote(text)))),
        // a name of an interface, or its number
        Some(zone) if !zone.bytes().all(|byte| byte.is_ascii_graphic() && !b"[]%/".contains(&byte)) => {
            Err(parameter(format!("the zone of {} cannot be the name of an interface", quote(text))))
        }
        Some(zone) => Ok(Host::Zoned(address, zone.to_owned())),
    }
}

fn parse_name(name: &str) -> Result<Host> {
    if name.is_empty() {
        return Err(no_address("the server has no host"));
    }
    if name.contains(char::is_whitespace) {
        return Err(parameter("the name of the server holds white space"));
    }
    let name = if name.is_ascii() { name.to_owned() } else { to_ascii(name)? };
    if name.trim_matches('.').is_empty() {
        return Err(no_address("the server has no host"));
    }
    // one dot at the end is the root's; of a name that begins with one OpenSSL takes any name that ends so
    if name.strip_suffix('.').unwrap_or(&name).split('.').any(str::is_empty) {
        return Err(no_address("the name of the server has an empty label"));
    }
    // digits beyond ASCII make an address too
    Ok(name.parse::<IpAddr>().map_or(Host::Name(name), Host::Ip))
}

/// An internationalised name as it is looked up (UTS #46), as lenient about its ASCII as the look-up itself.
fn to_ascii(name: &str) -> Result<String> {
    Uts46::new()
        .to_ascii(name.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::VerifyAllowRootDot)
        .map(Cow::into_owned)
        .map_err(|_| parameter(format!("{} cannot be an internationalised name", quote(name))))
}

fn parse_port(text: &str) -> Result<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err(no_address(format!("{} is not a port: it must be 1 to 65535", quote(text)))),
    }
}

/// What is at fault. Not where somebody has taken the server for a URL, which may hold a password.
fn quote(text: &str) -> String {
    match text.contains('@') {
        true => "what has an '@'".to_owned(),
        false => format!("'{}'", brief(text.as_bytes())),
    }
}

fn no_address(text: impl Into<String>) -> Error {
    Error::new(Kind::NoAddress, text)
}

fn parameter(text: impl Into<String>) -> Error {
    Error::new(Kind::Parameter, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(server: &str) -> Result<(String, u16)> {
        Server::parse(server.as_bytes(), 110).map(|server| (server.host.to_string(), server.port))
    }

    #[test]
    fn every_form_of_a_server() {
        for (text, host, port) in [
            ("pop3.mydomain.com", "pop3.mydomain.com", 110),
            ("pop3.mydomain.com:1234", "pop3.mydomain.com", 1234),
            ("255.255.255.254", "255.255.255.254", 110),
            ("127.0.0.1:65535", "127.0.0.1", 65535),
            ("::1", "::1", 110),
            ("2001:db8::1:995", "2001:db8::1:995", 110),
            ("[::1]", "::1", 110),
            ("[2001:DB8:0::1]:995", "2001:db8::1", 995),
            ("fe80::1%eth0", "fe80::1%eth0", 110),
            ("[fe80::1%lo]:0110", "fe80::1%lo", 110),
            ("bücher.example", "xn--bcher-kva.example", 110),
            ("BÜCHER。example:1", "xn--bcher-kva.example", 1),
            ("my_host.", "my_host.", 110),
            ("büch_er.example.", "xn--bch_er-3ya.example.", 110),
            ("r3---bücher.example", "xn--r3---bcher-feb.example", 110),
            ("１２７.0.0.1", "127.0.0.1", 110),
        ] {
            assert_eq!(parse(text).unwrap(), (host.to_owned(), port), "{text}");
        }
    }

    #[test]
    fn a_server_in_an_error() {
        let server = Server::parse(b"mail.test:995", 110).unwrap();
        assert_eq!((server.brief(), server.host.brief()), ("mail.test:995".into(), "mail.test".into()));
        let long = Server::parse(&[b'x'; 900], 110).unwrap();
        assert!(long.brief().len() < 300 && long.host.brief().len() < 300);
    }

    #[test]
    fn a_server_in_text() {
        for (given, text) in [("host", "host:110"), ("::1", "[::1]:110"), ("[fe80::1%lo]:1", "[fe80::1%lo]:1")] {
            assert_eq!(Server::parse(given.as_bytes(), 110).unwrap().to_string(), text);
        }
    }

    #[test]
    fn no_host_or_an_unusable_port() {
        for text in [
            "",
            "  ",
            ".",
            "..",
            ".org",
            "..org",
            "mail..org",
            "mail.org..",
            ".org.",
            ":",
            ":110",
            "host:",
            "host:0",
            "host:65536",
            "host:-1",
            "host:+1",
            "host:1x",
            "host: 1",
            "host:١",
            "[",
            "[]",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[::1]:0",
            "[host]",
            "[127.0.0.1]",
            "a:b:c",
            ":::",
            "1::2::3",
            "fe80::1%",
        ] {
            assert_eq!(parse(text).unwrap_err().kind(), Kind::NoAddress, "{text}");
        }
    }

    #[test]
    fn a_scheme_is_told_apart_from_a_host() {
        for (text, secure) in [
            ("pop3s://pop3.mydomain.com", "secure 1 for TLS"),
            ("POP3S://pop3.mydomain.com:995", "secure 1 for TLS"),
            ("tls://[::1]:995", "secure 1 for TLS"),
            ("pop3://pop3.mydomain.com/", "secure 0, 2 for STLS"),
            ("pop://joe:s3cret@pop3.mydomain.com", "secure 0, 2 for STLS"),
            ("https://x", "secure 0, 2 for STLS"),
            ("://", "secure 0, 2 for STLS"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), Kind::NoAddress, "{text}");
            assert!(error.to_string().contains("a scheme is not part of the server"), "{text}: {error}");
            assert!(error.to_string().contains(secure), "{text}: {error}");
            assert!(!error.to_string().contains("s3cret"), "{text}: {error}");
        }
    }

    #[test]
    fn a_text_quotes_no_password_and_not_much() {
        for text in
            ["joe:s3cret@host", "joe:s3cret@host:110", "[joe:s3cret@host]", "joe:s3:cret@[::1]", "::1%s3cret@\u{e9}"]
        {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("s3") && !error.contains("cret"), "{text}: {error}");
        }
        let long = "x".repeat(60_000);
        for text in [
            format!("h:{long}"),
            format!("[{long}]"),
            format!("{long}:1:2"),
            format!("\u{e9}{long}"),
            format!("::1%/{long}"),
        ] {
            assert!(parse(&text).unwrap_err().to_string().len() < 300);
        }
        assert!(parse("h:12x").unwrap_err().to_string().contains("'12x' is not a port"));
        assert!(Server::parse(long.as_bytes(), 110).unwrap().brief().len() < 300);
    }

    #[test]
    fn forbidden_bytes() {
        for text in [
            "a\rb",
            "a\nb",
            "a\0b",
            "host\t",
            "a b",
            " host",
            "::1%a b",
            "::1%\u{665}",
            "::1%a]b",
            "[::1%a/b]",
            "a\u{85}b",
            "ü/x",
            ".bücher.example",
            "ü\u{202e}x",
        ] {
            assert_eq!(parse(text).unwrap_err().kind(), Kind::Parameter, "{text:?}");
        }
        assert_eq!(Server::parse(b"a\xffb", 110).unwrap_err().kind(), Kind::Parameter);
    }
}

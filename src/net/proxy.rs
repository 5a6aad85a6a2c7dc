//! Proxies: SOCKS5 (RFC 1928, RFC 1929) and HTTP's CONNECT (RFC 9110, section 9.3.6).
//!
//! The proxy looks the server's name up, so nobody else learns it. Once it has agreed, what follows is the server's,
//! to the byte. That a proxy does not do its part is [`Kind::Connect`], whatever it says. The dialogue awaits nothing
//! but its [`Connection`], so whoever drives it chooses how to wait.

use std::fmt;
use std::net::IpAddr;

use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::net::address::{Host, Server};
use crate::secret::{self, base64, join};
use crate::text::{Secrets, brief};

/// More than the head of any proxy's answer.
const MAX_HEAD: usize = 16 * 1024;

/// A connection to a proxy, whose waits end by a deadline and when the host cancels them.
// each driver polls on its own thread what it drives, so nobody needs to know whether these futures are Send
#[allow(async_fn_in_trait)]
pub trait Connection {
    /// Reads at least one byte; 0 where the proxy has closed the connection.
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// What a read would give, left to be read.
    async fn peek(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// Writes all.
    async fn write_all(&mut self, bytes: &[u8]) -> Result<()>;
}

/// A proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    scheme: Scheme,
    /// Where it is.
    pub server: Server,
    credentials: Option<Credentials>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Socks5,
    Http,
}

/// What the proxy wants to know of the user, who need not be the mailbox's. Wiped when dropped, never shown.
#[derive(Clone)]
struct Credentials {
    user: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Socks5 => "socks5",
            Scheme::Http => "http",
        };
        write!(f, "{scheme}://{}", self.server)
    }
}

impl Proxy {
    /// Reads `socks5://[user:password@]host:port`, for which `socks5h` is another name, or
    /// `http://[user:password@]host:port`. User and password may be percent-encoded (RFC 3986, section 2.1).
    ///
    /// No error quotes the URL: whatever is wrong with it, any part of it may be the password.
    pub fn parse(url: &[u8]) -> Result<Proxy> {
        // those who tell them apart have `socks5h` leave the look-up to the proxy, as is always done here
        let schemes =
            [(&b"socks5://"[..], Scheme::Socks5), (b"socks5h://", Scheme::Socks5), (b"http://", Scheme::Http)];
        let (scheme, rest) = schemes
            .into_iter()
            .find_map(|(prefix, scheme)| {
                let start = url.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix))?;
                Some((scheme, &url[start.len()..]))
            })
            .ok_or_else(|| parameter("it must begin with socks5://, socks5h:// or http://"))?;
        let (user_info, server) = match memchr::memrchr(b'@', rest) {
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let server = server.strip_suffix(b"/").unwrap_or(server);
        // no port that is written can be 0
        let server = match Server::parse(server, 0) {
            Ok(server) if server.port == 0 => return Err(parameter("its port is missing")),
            Ok(server) => server,
            Err(_) => return Err(parameter("its host or port is none")),
        };
        let credentials = user_info.map(|text| Credentials::parse(text, scheme)).transpose()?;
        Ok(Proxy { scheme, server, credentials })
    }

    /// Has the proxy connect to the server, on a connection to the proxy and within its deadline.
    pub async fn connect(&self, connection: &mut impl Connection, server: &Server) -> Result<()> {
        match self.scheme {
            Scheme::Socks5 => self.socks5(connection, server).await,
            Scheme::Http => self.http(connection, server).await,
        }
        .map_err(|error| error.during(&self.brief()))
    }

    /// The proxy in a text.
    pub fn brief(&self) -> String {
        format!("proxy {}", self.server.brief())
    }

    async fn socks5(&self, connection: &mut impl Connection, server: &Server) -> Result<()> {
        const VERSION: u8 = 5;
        const NO_AUTHENTICATION: u8 = 0;
        const USER_AND_PASSWORD: u8 = 2;
        const CONNECT: u8 = 1;

        // before the first byte: an address that the protocol cannot say
        let request = [&[VERSION, CONNECT, 0], &socks5_address(&server.host)?[..], &server.port.to_be_bytes()].concat();
        let methods = match self.credentials {
            None => &[VERSION, 1, NO_AUTHENTICATION][..],
            Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
        };
        write(connection, methods).await?;
        match (read(connection).await?, &self.credentials) {
            ([VERSION, NO_AUTHENTICATION], _) => {}
            ([VERSION, USER_AND_PASSWORD], Some(credentials)) => {
                write(connection, &credentials.for_socks5()).await?;
                if read::<2>(connection).await?[1] != 0 {
                    return Err(refused("it refused the user name and the password"));
                }
            }
            ([VERSION, _], None) => return Err(refused("it wants a user name and a password")),
            ([VERSION, _], Some(_)) => return Err(refused("it takes no user name and password")),
            _ => return Err(refused("it does not speak SOCKS5")),
        }
        write(connection, &request).await?;
        let [VERSION, reply, _, address_type] = read(connection).await? else {
            return Err(refused("it does not speak SOCKS5"));
        };
        if reply != 0 {
            return Err(refused(socks5_refusal(reply)));
        }
        // from where it connects, which nobody needs, but which precedes what the server says
        match address_type {
            1 => read::<{ 4 + 2 }>(connection).await.map(drop),
            4 => read::<{ 16 + 2 }>(connection).await.map(drop),
            3 => {
                let [length] = read(connection).await?;
                read_exact(connection, &mut [0; 255 + 2][..usize::from(length) + 2]).await
            }
            _ => Err(refused("it answered by an unknown type of address")),
        }
    }

    async fn http(&self, connection: &mut impl Connection, server: &Server) -> Result<()> {
        if let Host::Zoned(..) = server.host {
            return Err(zone());
        }
        let basic = self.credentials.as_ref().map(Credentials::for_http).transpose()?;
        let authorization = match &basic {
            Some(basic) => ["Proxy-Authorization: Basic ", basic, "\r\n"],
            None => [""; 3],
        };
        let server = server.to_string();
        let connect = ["CONNECT ", &server, " HTTP/1.1\r\nHost: ", &server, "\r\n"];
        let parts: Vec<_> = connect.into_iter().chain(authorization).chain(["\r\n"]).map(str::as_bytes).collect();
        let request = join(&parts)?;
        write(connection, &request).await?;
        let head = read_head(connection).await?;
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        match http_status(line) {
            Some(200..=299) => Ok(()),
            Some(_) => Err(refused(&format!("it answered {}", self.show(line)))),
            None => Err(refused("it does not speak HTTP")),
        }
    }

    /// What it said, without what it was told.
    fn show(&self, line: &[u8]) -> String {
        let mut secrets = Secrets::default();
        match self.add_secrets(&mut secrets) {
            Ok(()) => brief(&secrets.mask(line, &[])),
            // there is no memory to mask it with
            Err(_) => "what cannot be shown".to_owned(),
        }
    }

    /// Adds what no log may show of what it is told. It may speak in the server's place as well.
    pub fn add_secrets(&self, secrets: &mut Secrets) -> Result<()> {
        let Some(credentials) = &self.credentials else { return Ok(()) };
        secrets.add_whole(join(&[credentials.for_http()?.as_bytes()])?);
        secrets.add_whole(credentials.pair()?);
        secrets.add(&credentials.password)
    }
}

impl Credentials {
    fn parse(text: &[u8], scheme: Scheme) -> Result<Credentials> {
        let (user, password) = match memchr::memchr(b':', text) {
            Some(colon) => (&text[..colon], &text[colon + 1..]),
            None => (text, &b""[..]),
        };
        let credentials = Credentials { user: percent_decode(user)?, password: percent_decode(password)? };
        let (user, password) = (&credentials.user, &credentials.password);
        if user.iter().chain(&**password).any(u8::is_ascii_control) {
            return Err(parameter("its user name or password holds a control character"));
        }
        match scheme {
            // RFC 1929, section 2
            Scheme::Socks5 if ![user, password].iter().all(|text| (1..=255).contains(&text.len())) => {
                Err(parameter("its user name and password must have 1 to 255 octets each"))
            }
            // RFC 7617, section 2
            Scheme::Http if user.contains(&b':') => Err(parameter("its user name holds a colon")),
            _ => Ok(credentials),
        }
    }

    /// RFC 1929, section 2
    fn for_socks5(&self) -> Zeroizing<Vec<u8>> {
        let length = |text: &[u8]| u8::try_from(text.len()).unwrap_or(u8::MAX);
        let mut request = Zeroizing::new(Vec::with_capacity(3 + self.user.len() + self.password.len()));
        request.extend_from_slice(&[1, length(&self.user)]);
        request.extend_from_slice(&self.user);
        request.push(length(&self.password));
        request.extend_from_slice(&self.password);
        request
    }

    /// RFC 7617, section 2
    fn for_http(&self) -> Result<Zeroizing<String>> {
        base64(&self.pair()?)
    }

    fn pair(&self) -> Result<Zeroizing<Vec<u8>>> {
        join(&[&self.user, b":", &self.password])
    }
}

fn percent_decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut decoded = secret::with_capacity(text.len())?;
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let hex = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let value = hex(0).zip(hex(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(value.ok_or_else(|| parameter("a '%' in it is not followed by two hexadecimal digits"))?);
        rest = &after[2..];
    }
    Ok(decoded)
}

/// The type of an address and the address (RFC 1928, section 5).
fn socks5_address(host: &Host) -> Result<Vec<u8>> {
    match host {
        Host::Ip(IpAddr::V4(address)) => Ok([&[1], &address.octets()[..]].concat()),
        Host::Ip(IpAddr::V6(address)) => Ok([&[4], &address.octets()[..]].concat()),
        Host::Name(name) => match u8::try_from(name.len()) {
            Ok(length) => Ok([&[3, length], name.as_bytes()].concat()),
            Err(_) => Err(Error::new(Kind::HostNotFound, "the name of the server is too long for SOCKS5")),
        },
        Host::Zoned(..) => Err(zone()),
    }
}

/// RFC 1928, section 6
fn socks5_refusal(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "its rules do not allow that connection",
        3 => "the server's network is unreachable",
        4 => "the server is unreachable, or its name unknown",
        5 => "the server refused the connection",
        6 => "time to live expired",
        7 => "it cannot connect",
        8 => "it does not know that type of address",
        _ => "it refused, for a reason that SOCKS5 does not have",
    }
}

/// The status of an answer (RFC 9112, section 4).
fn http_status(line: &[u8]) -> Option<u16> {
    let [minor, b' ', status @ ..] = line.strip_prefix(b"HTTP/1.")? else { return None };
    let (status, after) = status.split_at_checked(3)?;
    let well_formed =
        minor.is_ascii_digit() && matches!(after, [] | [b' ', ..]) && status.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(status).ok()?.parse().ok().filter(|_| well_formed)
}

/// Where the empty line that ends a head ends, if it is there.
fn end_of_head(head: &[u8]) -> Option<usize> {
    let line_feed = |at: usize| match head.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    };
    memchr::memchr_iter(b'\n', head).find_map(line_feed)
}

/// The head of an answer, and not a byte of what follows it: that is the server's. Wiped, since some proxies repeat what
/// they were told.
async fn read_head(connection: &mut impl Connection) -> Result<Zeroizing<Vec<u8>>> {
    const ROOM: usize = 1024;
    let mut head = Zeroizing::new(Vec::with_capacity(MAX_HEAD + ROOM));
    let mut room = Zeroizing::new([0; ROOM]);
    loop {
        let before = head.len();
        match connection.peek(&mut *room).await.map_err(lost)? {
            0 => return Err(closed()),
            count => head.extend_from_slice(&room[..count]),
        }
        let end = end_of_head(&head[before.saturating_sub(3)..]).map(|end| before.saturating_sub(3) + end);
        if let Some(end) = end {
            head.truncate(end);
        }
        let used = head.len() - before;
        read_exact(connection, &mut room[..used]).await?;
        if end.is_some() {
            return Ok(head);
        }
        if head.iter().zip(b"HTTP/").any(|(is, must_be)| is != must_be) {
            return Err(refused("it does not speak HTTP"));
        }
        if head.len() > MAX_HEAD {
            return Err(refused("its answer does not end"));
        }
    }
}

async fn write(connection: &mut impl Connection, bytes: &[u8]) -> Result<()> {
    connection.write_all(bytes).await.map_err(lost)
}

async fn read<const N: usize>(connection: &mut impl Connection) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    read_exact(connection, &mut bytes).await?;
    Ok(bytes)
}

async fn read_exact(connection: &mut impl Connection, mut room: &mut [u8]) -> Result<()> {
    while !room.is_empty() {
        match connection.read(room).await.map_err(lost)? {
            0 => return Err(closed()),
            count => room = &mut room[count..],
        }
    }
    Ok(())
}

/// A lost connection to the proxy is one to the server that was not made; any other error is what it is.
fn lost(error: Error) -> Error {
    match error.kind() {
        Kind::ConnectionLost => error.recast(Kind::Connect, "the connection to it was lost"),
        _ => error,
    }
}

fn closed() -> Error {
    refused("it closed the connection")
}

fn refused(why: &str) -> Error {
    Error::new(Kind::Connect, why)
}

fn zone() -> Error {
    Error::new(Kind::Parameter, "a zone of this machine means nothing to a proxy")
}

fn parameter(why: &str) -> Error {
    Error::new(Kind::Parameter, format!("the proxy's URL cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::mem;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// A proxy in memory, which is waited for each time.
    struct Script<'a> {
        /// What it says that has not been read.
        unread: &'a [u8],
        /// How much a read gives at the most.
        split: usize,
        /// What comes behind that: the end, or an error.
        then: Option<Kind>,
        received: Vec<u8>,
    }

    impl Connection for Script<'_> {
        async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            let count = self.peek(buffer).await?;
            self.unread = &self.unread[count..];
            Ok(count)
        }

        async fn peek(&mut self, buffer: &mut [u8]) -> Result<usize> {
            wait().await;
            match self.then {
                Some(kind) if self.unread.is_empty() => Err(Error::new(kind, "as the test has it")),
                _ => {
                    let count = self.split.min(self.unread.len()).min(buffer.len());
                    buffer[..count].copy_from_slice(&self.unread[..count]);
                    Ok(count)
                }
            }
        }

        async fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
            wait().await;
            self.received.extend(bytes);
            Ok(())
        }
    }

    /// Is pending once.
    async fn wait() {
        let mut has_waited = false;
        poll_fn(|_| if mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn connect(url: &str, script: &mut Script<'_>) -> Result<()> {
        let (proxy, server) = (parse(url).unwrap(), Server::parse(b"mail.test", 110).unwrap());
        let mut dialogue = pin!(proxy.connect(script, &server));
        loop {
            if let Poll::Ready(result) = dialogue.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return result;
            }
        }
    }

    /// For each proxy and what it says until it has agreed, what it is told.
    const DIALOGUES: [(&str, &[u8], &[u8]); 5] = [
        ("socks5://p:1", b"\x05\0\x05\0\0\x01abcd\0\x01", b"\x05\x01\0\x05\x01\0\x03\x09mail.test\0n"),
        ("socks5://p:1", b"\x05\0\x05\0\0\x03\x04home\0\x01", b"\x05\x01\0\x05\x01\0\x03\x09mail.test\0n"),
        (
            "socks5://joe:pw@p:1",
            b"\x05\x02\x01\0\x05\0\0\x04sixteen octets..\0\x01",
            b"\x05\x02\0\x02\x01\x03joe\x02pw\x05\x01\0\x03\x09mail.test\0n",
        ),
        (
            "http://p:1",
            b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
            b"CONNECT mail.test:110 HTTP/1.1\r\nHost: mail.test:110\r\n\r\n",
        ),
        (
            "http://joe:pw@p:1",
            b"HTTP/1.0 200\n\n",
            b"CONNECT mail.test:110 HTTP/1.1\r\nHost: mail.test:110\r\n\
              Proxy-Authorization: Basic am9lOnB3\r\n\r\n",
        ),
    ];

    #[test]
    fn what_follows_the_dialogue_is_left_however_it_comes() {
        for (url, agrees, told) in DIALOGUES {
            let said = [agrees, b"+OK ready\r\n"].concat();
            for split in 1..=said.len() {
                let mut script = Script { unread: &said, split, then: None, received: Vec::new() };
                connect(url, &mut script).unwrap();
                assert_eq!(script.received, told, "{url} {split}");
                assert_eq!(script.unread, b"+OK ready\r\n", "{url} {split}");
            }
        }
    }

    #[test]
    fn a_dialogue_that_ends_early() {
        for (url, agrees, _) in DIALOGUES {
            for end in 0..agrees.len() {
                for (then, kind, text) in [
                    (None, Kind::Connect, "proxy p:1: it closed the connection"),
                    (Some(Kind::ConnectionLost), Kind::Connect, "proxy p:1: the connection to it was lost"),
                    (Some(Kind::Timeout), Kind::Timeout, "proxy p:1: as the test has it"),
                ] {
                    let mut script = Script { unread: &agrees[..end], split: 7, then, received: Vec::new() };
                    let error = connect(url, &mut script).unwrap_err();
                    assert_eq!((error.kind(), error.to_string().as_str()), (kind, text), "{url} {end}");
                }
            }
        }
    }

    fn parse(url: &str) -> Result<Proxy> {
        Proxy::parse(url.as_bytes())
    }

    #[test]
    fn urls() {
        for (url, shown, credentials) in [
            ("socks5://localhost:1080", "socks5://localhost:1080", None),
            ("SOCKS5://127.0.0.1:1", "socks5://127.0.0.1:1", None),
            ("socks5h://a:b@localhost:1080", "socks5://localhost:1080", Some(("a", "b"))),
            ("http://[::1]:8080/", "http://[::1]:8080", None),
            ("http://a:b@proxy.test:3128", "http://proxy.test:3128", Some(("a", "b"))),
            ("http://a@proxy.test:3128", "http://proxy.test:3128", Some(("a", ""))),
            ("http://@proxy.test:3128", "http://proxy.test:3128", Some(("", ""))),
            (
                "socks5://u%40x:p%3a@ss:w%25@bücher.example:9",
                "socks5://xn--bcher-kva.example:9",
                Some(("u@x", "p:@ss:w%")),
            ),
        ] {
            let proxy = parse(url).unwrap();
            let told = proxy
                .credentials
                .as_ref()
                .map(|pair| (std::str::from_utf8(&pair.user).unwrap(), std::str::from_utf8(&pair.password).unwrap()));
            assert_eq!((proxy.to_string().as_str(), told), (shown, credentials), "{url}");
            assert!(!format!("{proxy:?}").contains("p:@ss"));
        }
    }

    #[test]
    fn urls_that_cannot_be_used() {
        let long = "x".repeat(256);
        for url in [
            "",
            "socks5:",
            "localhost:1080",
            "socks4://localhost:1080",
            "https://localhost:1080",
            "socks5://localhost",
            "socks5://localhost:0",
            "socks5://:1080",
            "http://localhost:1/path",
            "http://localhost:1//",
            "socks5://a:@localhost:1",
            "socks5://:b@localhost:1",
            "socks5://a@localhost:1",
            "http://a%3ab:c@localhost:1",
            "http://a%0d:c@localhost:1",
            "http://a:%zz@localhost:1",
            "http://a:%4@localhost:1",
            &format!("socks5://{long}:b@localhost:1"),
        ] {
            assert_eq!(parse(url).unwrap_err().kind(), Kind::Parameter, "{url}");
        }
    }

    #[test]
    fn no_error_quotes_the_url() {
        for url in [
            "socks5://joe:s3cret",
            "http://joe:s3cret#@:80",
            "http://joe:x@s3cret@[::1",
            "http://joe:x@s3cret:1:2",
            "http://joe:x@[s3cret]:1",
            "http://joe:x@s3cret",
            "http://joe:x@[::1%s3cret/]:1",
            "http://joe:x@s3cret\u{e9}/:1",
            "socks4://joe:s3cret@localhost:1",
            "socks5://:s3cret@localhost:1",
            "http://joe:s3cret%zz@localhost:1",
            "http://joe:s3cret%0d@localhost:1",
            "http://jo%3ae:s3cret@localhost:1",
        ] {
            let error = parse(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}: {error}");
        }
    }

    #[test]
    fn what_a_proxy_repeats_is_masked_and_cut() {
        let proxy = parse("http://joe:s3cret@localhost:1").unwrap();
        for (line, shown) in [
            ("HTTP/1.1 407 no joe", "HTTP/1.1 407 no joe"),
            ("HTTP/1.1 407 s3cret, joe:s3cret", "HTTP/1.1 407 ***, ***"),
            ("HTTP/1.1 407 Basic am9lOnMzY3JldA== \x1b", r"HTTP/1.1 407 Basic *** \x1b"),
        ] {
            assert_eq!(proxy.show(line.as_bytes()), shown);
        }
        let long = format!("HTTP/1.1 407 {}s3cret", "x".repeat(16_000));
        assert_eq!(proxy.show(long.as_bytes()), format!("HTTP/1.1 407 {}… and 15816 octets more", "x".repeat(187)));
        // the mask comes first, or what is cut through would not be found
        let across = format!("HTTP/1.1 407 {}s3cret", "x".repeat(184));
        assert!(!proxy.show(across.as_bytes()).contains("s3"));
        assert_eq!(parse("http://localhost:1").unwrap().show(b"HTTP/1.1 403 \xff"), r"HTTP/1.1 403 \xff");
        let long = parse(&format!("http://{}:1", "x".repeat(60_000))).unwrap();
        assert!(long.brief().len() < 300);
    }

    #[test]
    fn what_a_proxy_is_told_is_wiped_when_dropped() {
        let credentials = parse("http://joe:s3cret@localhost:1").unwrap().credentials.unwrap();
        let Credentials { user, password } = &credentials;
        let _: [&Zeroizing<Vec<u8>>; 4] = [user, password, &credentials.for_socks5(), &credentials.pair().unwrap()];
        let basic: Zeroizing<String> = credentials.for_http().unwrap();
        // one that grows leaves its beginning behind
        assert_eq!((basic.as_str(), basic.capacity()), ("am9lOnMzY3JldA==", 16));
        assert_eq!(credentials.for_socks5().capacity(), 12);
        assert_eq!(credentials.pair().unwrap().capacity(), 10);
    }

    #[test]
    fn addresses_for_socks5() {
        let address = |host: &str| socks5_address(&Host::parse(host.as_bytes()).unwrap());
        assert_eq!(address("127.0.0.1").unwrap(), [1, 127, 0, 0, 1]);
        assert_eq!(address("::1").unwrap(), [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(address("ab").unwrap(), [3, 2, b'a', b'b']);
        assert_eq!(address("fe80::1%lo").unwrap_err().kind(), Kind::Parameter);
        assert_eq!(address(&"a.".repeat(128)).unwrap_err().kind(), Kind::HostNotFound);
    }

    #[test]
    fn statuses_of_http() {
        for (line, status) in [
            ("HTTP/1.1 200 OK", Some(200)),
            ("HTTP/1.0 407", Some(407)),
            ("HTTP/1.1 200OK", None),
            ("HTTP/1.1 20", None),
            ("HTTP/1.1 +20", None),
            ("HTTP/2 200", None),
            ("+OK ready", None),
            ("", None),
        ] {
            assert_eq!(http_status(line.as_bytes()), status, "{line}");
        }
    }

    #[test]
    fn where_a_head_ends() {
        for (head, end) in [
            ("HTTP/1.1 200 OK\r\n\r\n+OK", Some(19)),
            ("HTTP/1.1 200 OK\n\n+OK", Some(17)),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", Some(25)),
            ("HTTP/1.1 200 OK\r\n\r", None),
            ("HTTP/1.1 200 OK\r\n", None),
            ("", None),
        ] {
            assert_eq!(end_of_head(head.as_bytes()), end, "{head:?}");
        }
    }
}

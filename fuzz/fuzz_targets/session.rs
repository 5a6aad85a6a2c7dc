//! A whole session with a server that says whatever it likes: it ends, and credentials go only where they may.
#![no_main]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use pop3connect::client::retrieve::Delivery;
use pop3connect::client::{Client, memory};
use pop3connect::error::{Error, Result};
use pop3connect::net::address::Server;
use pop3connect::net::tcp::Route;
use pop3connect::net::tls::{Settings, Version};
use pop3connect::net::trust::Trust;
use pop3connect::net::watch::Watch;
use pop3connect::options::{Options, Secure, Timeouts};
use pop3connect::proto::auth::Credentials;
use pop3connect::trace::Trace;

/// Nothing that the fuzzer says takes longer, since its server closes when all is said.
const LIMIT: Duration = Duration::from_secs(20);
/// Where a segment ends.
const SPLIT: u8 = 0xff;

static LISTENER: LazyLock<TcpListener> = LazyLock::new(|| TcpListener::bind("127.0.0.1:0").unwrap());

struct Counter(u64);

impl Delivery for Counter {
    fn piece(&mut self, _number: i32, bytes: &[u8]) -> Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
    fn whole(&mut self, _number: i32) -> Result<()> {
        Ok(())
    }
    fn refused(&mut self, _number: i32, _error: &Error) -> Result<()> {
        Ok(())
    }
}

fn options(secure: Secure) -> Options {
    Options {
        server: Server::parse(LISTENER.local_addr().unwrap().to_string().as_bytes(), 110).unwrap(),
        route: Route::default(),
        credentials: Credentials::new(b"alice", b"s3cret").unwrap(),
        mechanism: None,
        utf8: true,
        language: Some("de".into()),
        secure,
        tls: Settings { trust: Trust::Anyone, oldest: Version::Tls12, name: None, identity: None },
        timeouts: Timeouts::each(LIMIT),
    }
}

fn talk(options: &Options, trace: &mut Trace<'_>) -> Result<()> {
    let mut client = Client::open(options, Watch::default, trace)?;
    let mut counter = Counter(0);
    let go_on = |result: Result<()>| result.or_else(|error| if error.ends_session() { Err(error) } else { Ok(()) });
    go_on(client.message_count(trace).map(drop))?;
    go_on(client.list(None, trace).map(drop))?;
    go_on(client.unique_ids(None, trace).map(drop))?;
    go_on(client.unique_ids(Some(1), trace).map(drop))?;
    go_on(client.top(1, 0, |_| Ok(()), trace))?;
    go_on(client.retrieve(1, |_| Ok(()), trace))?;
    go_on(client.retrieve_many(1..4, true, &mut counter, trace).map(drop))?;
    go_on(client.delete(2, trace))?;
    client.quit(trace)
}

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (is_encrypted, said) = input;
    let server = thread::spawn(move || {
        let (mut tcp, _) = LISTENER.accept().unwrap();
        let mut heard = Vec::new();
        for segment in said.split(|byte| *byte == SPLIT) {
            if tcp.write_all(segment).is_err() {
                break;
            }
        }
        let _ = tcp.shutdown(Shutdown::Write);
        let _ = tcp.read_to_end(&mut heard);
        heard
    });
    let secure = if is_encrypted { Secure::StartTls } else { Secure::No };
    // each input by itself
    memory::forget_all();
    let begin = Instant::now();
    let mut lines = Vec::new();
    let mut sink = |line: &str| lines.push(line.to_owned());
    let result = talk(&options(secure), &mut Trace::new(Some(&mut sink)));
    let heard = server.join().unwrap();
    assert!(begin.elapsed() < LIMIT, "it does not end");
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    assert!(!lines.iter().any(|line| line.starts_with("C:") && line.contains("s3cret")), "a log shows a secret");
    if is_encrypted {
        // nobody can shake hands by chance
        assert!(result.is_err());
        assert!(
            !has(&heard, b"alice") && !has(&heard, b"s3cret") && !has(&heard, b"AUTH"),
            "a credential in the clear"
        );
        let clear = heard.strip_prefix(b"CAPA\r\n").unwrap_or(&heard);
        let clear = clear.strip_prefix(b"STLS\r\n").unwrap_or(clear);
        assert!(clear.is_empty() || clear[0] == 22, "something else in the clear");
    }
});

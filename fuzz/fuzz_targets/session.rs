//! A whole session with a server that says whatever it likes: it ends, credentials go only where they may, and what is
//! delivered as a message came as one.
#![no_main]

#[path = "../options.rs"]
mod options;
#[path = "../server.rs"]
mod server;

use libfuzzer_sys::fuzz_target;
use pop3connect::drive::blocking::run;
use pop3connect::drive::script::{Connection, Script};
use pop3connect::error::{Error, Result};
use pop3connect::options::{Options, Secure};
use pop3connect::session::retrieve::Delivery;
use pop3connect::session::trace::Trace;
use pop3connect::session::{Client, server_cache};

use options::options;
use server::{SPLIT, steps};

const PASSWORD: &str = "s3cret";

/// Messages that came whole, and what has come of the next.
#[derive(Default)]
struct Messages {
    whole: Vec<Vec<u8>>,
    next: Vec<u8>,
}

impl Messages {
    fn piece(&mut self, bytes: &[u8]) -> Result<()> {
        self.next.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) {
        self.whole.push(std::mem::take(&mut self.next));
    }
}

impl Delivery for Messages {
    fn piece(&mut self, _number: i32, bytes: &[u8]) -> Result<()> {
        self.piece(bytes)
    }
    fn whole(&mut self, _number: i32) -> Result<()> {
        self.end();
        Ok(())
    }
    fn refused(&mut self, _number: i32, _error: &Error) -> Result<()> {
        Ok(())
    }
}

/// Whether the bytes begin with a body (RFC 1939, section 3) of that content. A server may leave the stuffing out where a
/// line begins with one dot.
fn begins_with_body(bytes: &[u8], content: &[u8], end: &[u8]) -> bool {
    let mut rest = bytes;
    let mut lines = content;
    while !lines.is_empty() {
        let length = lines.windows(end.len()).position(|window| window == end).map_or(lines.len(), |at| at + end.len());
        let (line, others) = lines.split_at(length);
        rest = if rest.starts_with(b"..") { &rest[1..] } else { rest };
        match rest.strip_prefix(line) {
            Some(after) => (rest, lines) = (after, others),
            None => return false,
        }
    }
    rest.starts_with(b".\r\n") || (end == b"\n" && rest.starts_with(b".\n"))
}

fn came(said: &[u8], content: &[u8]) -> bool {
    let bodies = [&b"\r\n"[..], b"\n"];
    // behind a first line, which decides how lines end
    (0..said.len())
        .any(|at| said[at] == b'\n' && bodies.iter().any(|end| begins_with_body(&said[at + 1..], content, end)))
}

fn talk(mut client: Box<Client<Connection>>, messages: &mut Messages, trace: &mut Trace<'_>) -> Result<()> {
    let go_on = |result: Result<()>| result.or_else(|error| if error.ends_session() { Err(error) } else { Ok(()) });
    go_on(run(client.message_count(trace)).map(drop))?;
    go_on(run(client.list(None, trace)).map(drop))?;
    go_on(run(client.unique_ids(None, trace)).map(drop))?;
    go_on(run(client.unique_ids(Some(1), trace)).map(drop))?;
    go_on(run(client.top(1, 0, |_| Ok(()), trace)))?;
    go_on(run(client.retrieve(1, |bytes| messages.piece(bytes), trace)).map(|()| messages.end()))?;
    messages.next.clear();
    go_on(run(client.retrieve_many(1..4, true, messages, trace)).map(drop))?;
    go_on(run(client.delete(2, trace)))?;
    messages.next.clear();
    go_on(run(client.tops_many(1..4, 1, messages, trace)).map(drop))?;
    go_on(run(client.delete_many(vec![3, 1], trace)).map(drop))?;
    go_on(run(client.number_of(b"a", trace)).map(drop))?;
    run(client.quit(trace))
}

// the first byte says whether STLS is wanted, the others are what the server says
fuzz_target!(|input: &[u8]| {
    let Some((first, said)) = input.split_first() else { return };
    let is_encrypted = *first == b'S';
    let stream: Vec<u8> = said.iter().copied().filter(|byte| *byte != SPLIT).collect();
    let secure = if is_encrypted { Secure::StartTls } else { Secure::No };
    // each input by itself
    server_cache::forget_all();
    // where connecting once more may help, it meets the same
    let mut script = Script::new(vec![steps(said); 4], secure);
    let plain = options(b"alice", PASSWORD.as_bytes());
    let options = Options { utf8: true, language: Some("de".into()), secure, ..plain };
    let mut lines = Vec::new();
    let mut later = Vec::new();
    let mut messages = Messages::default();
    let mut sink = |line: &str| lines.push(line.to_owned());
    let opened = run(Client::open(&mut script, &options, &mut Trace::new(Some(&mut sink))));
    // once the log-in is decided the library does not know the password any more
    lines.extend(opened.as_ref().err().map(ToString::to_string));
    let mut sink = |line: &str| later.push(line.to_owned());
    let result = opened.and_then(|client| talk(client, &mut messages, &mut Trace::new(Some(&mut sink))));
    for message in &messages.whole {
        assert!(came(&stream, message), "a message is delivered that did not come: {message:?}");
    }
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let is_shown = lines.iter().find(|line| line.contains(PASSWORD) || line.contains("czNjcmV0"));
    assert!(is_shown.is_none(), "a secret is shown: {is_shown:?}");
    assert!(!later.iter().any(|line| line.starts_with("C:") && line.contains(PASSWORD)), "a log shows a secret");
    if is_encrypted {
        // nobody can shake hands by chance
        assert!(result.is_err());
        for received in &script.log.borrow().received {
            assert!(
                !has(received, b"alice") && !has(received, PASSWORD.as_bytes()) && !has(received, b"AUTH"),
                "a credential in the clear"
            );
            let clear = received.strip_prefix(b"CAPA\r\n").unwrap_or(received);
            let clear = clear.strip_prefix(b"STLS\r\n").unwrap_or(clear);
            assert!(clear.is_empty() || clear[0] == 22, "something else in the clear");
        }
    }
});

//! Two sessions in the clear, one after the other, with servers that say whatever they like: what the first one said leads
//! the second one to tell no password that it would not tell else.
#![no_main]

#[path = "../options.rs"]
mod options;
#[path = "../peer.rs"]
mod peer;

use libfuzzer_sys::fuzz_target;
use pop3connect::session::{Client, memory};
use pop3connect::net::progress::Progress;
use pop3connect::options::Options;
use pop3connect::session::trace::Trace;

use options::options;
use peer::{Peer, SPLIT};

/// The lines of a session, up to the log-in and of it.
fn session(options: &Options) -> Vec<String> {
    let mut lines = Vec::new();
    let mut sink = |line: &str| lines.push(line.to_owned());
    let mut trace = Trace::new(Some(&mut sink));
    if let Ok(client) = Client::open(options, Progress::default, &mut trace) {
        let _ = client.quit(&mut trace);
    }
    lines
}

// what the server says on the first connection and on the others
fuzz_target!(|input: &[u8]| {
    let Some(middle) = input.windows(2).position(|two| two == [SPLIT, SPLIT]) else { return };
    let (first, second) = (input[..middle].to_vec(), input[middle + 2..].to_vec());
    memory::forget_all();
    let peer = Peer::new(vec![first, second]);
    let address = peer.address();
    session(&options(&address, b"alice", b"first pass"));
    // somebody else, whose password has been told to nobody
    let lines = session(&options(&address, b"bob", b"other pass"));
    let heard = peer.end();
    assert!(!lines.iter().any(|line| line.contains("other pass")), "a log shows a secret");
    // a password is told only after the server was asked on that connection or one before it, in this session
    let tells = |line: &String| line == "C: PASS ***" || line.starts_with("C: AUTH PLAIN") || line == "C: AUTH LOGIN";
    if let Some(told) = lines.iter().position(tells) {
        assert!(lines[..told].iter().any(|line| line == "C: CAPA"), "a password by memory: {lines:?} {heard:?}");
    }
});

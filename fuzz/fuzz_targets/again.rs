//! Two sessions in the clear, one after the other, with servers that say whatever they like: what the first one said leads
//! the second one to tell no password that it would not tell else.
#![no_main]

#[path = "../options.rs"]
mod options;
#[path = "../server.rs"]
mod server;

use libfuzzer_sys::fuzz_target;
use pop3connect::drive::blocking::run;
use pop3connect::drive::script::Script;
use pop3connect::options::{Options, Secure};
use pop3connect::session::trace::Trace;
use pop3connect::session::{Client, server_cache};

use options::options;
use server::{SPLIT, steps};

/// The lines of a session, up to the log-in and of it.
fn session(options: &Options, script: &mut Script) -> Vec<String> {
    let mut lines = Vec::new();
    let mut sink = |line: &str| lines.push(line.to_owned());
    let mut trace = Trace::new(Some(&mut sink));
    if let Ok(client) = run(Client::open(script, options, &mut trace)) {
        // once the log-in is decided nothing is masked
        let _ = run(client.quit(&mut Trace::new(None)));
    }
    lines
}

// what the server says on the first connection and on the others
fuzz_target!(|input: &[u8]| {
    let Some(middle) = input.windows(2).position(|two| two == [SPLIT, SPLIT]) else { return };
    let (first, second) = (steps(&input[..middle]), steps(&input[middle + 2..]));
    server_cache::forget_all();
    // one more where the first way to connect was of no use
    let mut script = Script::new(vec![first, second.clone(), second.clone(), second], Secure::No);
    session(&options(b"alice", b"first pass"), &mut script);
    // somebody else, whose password has been told to nobody
    let lines = session(&options(b"bob", b"other pass"), &mut script);
    let received = &script.log.borrow().received;
    assert!(!lines.iter().any(|line| line.contains("other pass")), "a log shows a secret");
    // a password is told only after the server was asked on that connection or one before it, in this session
    let tells = |line: &String| line == "C: PASS ***" || line.starts_with("C: AUTH PLAIN") || line == "C: AUTH LOGIN";
    if let Some(told) = lines.iter().position(tells) {
        assert!(lines[..told].iter().any(|line| line == "C: CAPA"), "a password by memory: {lines:?} {received:?}");
    }
});

//! Lists without end: whatever a server repeats in answer to LIST, UIDL or CAPA, the call ends, and no more is held than
//! the limits say.
#![no_main]

#[path = "../options.rs"]
mod options;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use libfuzzer_sys::fuzz_target;
use pop3connect::session::{Client, mailbox, memory};
use pop3connect::net::progress::Progress;
use pop3connect::options::Options;
use pop3connect::proto::auth::Mechanism;
use pop3connect::session::trace::Trace;

use options::options;

/// Shorter than any list that a limit lets through: where this does not do the server is believed to repeat for ever.
const MOST: usize = 512 * 1024 * 1024;

/// Lets the client in, and answers its command by that pattern, again and again.
fn serve(mut tcp: TcpStream, pattern: &[u8]) {
    let mut command = [0; 256];
    if tcp.write_all(b"+OK\r\n").is_err() {
        return;
    }
    for _ in 0..2 {
        if !matches!(tcp.read(&mut command), Ok(1..)) || tcp.write_all(b"+OK\r\n").is_err() {
            return;
        }
    }
    if !matches!(tcp.read(&mut command), Ok(1..)) || tcp.write_all(b"+OK\r\n").is_err() {
        return;
    }
    let many = pattern.repeat((64 * 1024 / pattern.len()).max(1));
    let mut sent = 0;
    while sent < MOST && tcp.write_all(&many).is_ok() {
        sent += many.len();
    }
}

// which list, and what is repeated
fuzz_target!(|input: &[u8]| {
    let Some((which, pattern)) = input.split_first().filter(|(_, pattern)| !pattern.is_empty()) else { return };
    memory::forget_all();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let said = pattern.to_vec();
    let serving = thread::spawn(move || serve(listener.accept().unwrap().0, &said));
    let mut trace = Trace::new(None);
    let options = Options { mechanism: Some(Mechanism::UserPass), ..options(&address, b"alice", b"s3cret") };
    let mut client = Client::open(&options, Progress::default, &mut trace).unwrap();
    let held = match which % 3 {
        0 => client.list(None, &mut trace).map(|list| list.len()),
        1 => client.unique_ids(None, &mut trace).map(|ids| ids.entries.len()),
        _ => client.capabilities(&mut trace).map(|list| list.as_bytes().len()),
    };
    // that it comes here at all is what counts; libFuzzer has limits of time and of memory
    if let Ok(held) = held {
        assert!(held <= mailbox::MAX_ENTRIES, "{held}");
    }
    drop(client);
    serving.join().unwrap();
});

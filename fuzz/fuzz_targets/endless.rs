//! Lists without end: whatever a server repeats in answer to LIST, UIDL or CAPA, the call ends, and no more is held than
//! the limits say.
#![no_main]

#[path = "../options.rs"]
mod options;

use libfuzzer_sys::fuzz_target;
use pop3connect::drive::blocking::run;
use pop3connect::drive::script::{Script, Step};
use pop3connect::options::{Options, Secure};
use pop3connect::proto::auth::Mechanism;
use pop3connect::session::trace::Trace;
use pop3connect::session::{Client, mailbox, server_cache};

use options::options;

/// Shorter than any list that a limit lets through: where this does not do the server is believed to repeat for ever.
const MOST: usize = 512 * 1024 * 1024;

// which list, and what is repeated
fuzz_target!(|input: &[u8]| {
    let Some((which, pattern)) = input.split_first().filter(|(_, pattern)| !pattern.is_empty()) else { return };
    server_cache::forget_all();
    // USER, PASS, and the command whose answer does not end
    let ok = || [Step::Sends(b"+OK\r\n".to_vec()), Step::ExpectsAnything];
    let end = [Step::Sends(b"+OK\r\n".to_vec()), Step::Repeats(pattern.to_vec(), MOST)];
    let steps = ok().into_iter().chain(ok()).chain(ok()).chain(end).collect();
    let mut trace = Trace::new(None);
    let options = Options { mechanism: Some(Mechanism::UserPass), ..options(b"alice", b"s3cret") };
    let mut script = Script::new(vec![steps], Secure::No);
    let mut client = run(Client::open(&mut script, &options, &mut trace)).unwrap();
    let held = match which % 3 {
        0 => run(client.list(None, &mut trace)).map(|list| list.len()),
        1 => run(client.unique_ids(None, &mut trace)).map(|ids| ids.entries.len()),
        _ => run(client.capabilities(&mut trace)).map(|list| list.as_bytes().len()),
    };
    // that it comes here at all is what counts; libFuzzer has limits of time and of memory
    if let Ok(held) = held {
        assert!(held <= mailbox::MAX_ENTRIES, "{held}");
    }
});

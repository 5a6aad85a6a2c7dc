//! Two calls side by side in a loop, whose servers say whatever they like, bit by bit in turns: both end, and neither is
//! given what the other's server said.
#![no_main]

#[path = "../options.rs"]
mod options;

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use pop3connect::drive::event_loop::Loop;
use pop3connect::error::{Error, Result};
use pop3connect::net::address::Server;
use pop3connect::net::progress::Progress;
use pop3connect::options::Options;
use pop3connect::session::retrieve::Delivery;
use pop3connect::session::server_cache;
use pop3connect::session::trace::Trace;
use pop3connect::session::visit::{self, Errand};

use options::options;

/// What the server of each call never says.
const NEVER: [u8; 2] = [b'<', b'>'];
/// What separates one bit from the next.
const SPLIT: u8 = b'|';
/// In so many turns both must have ended: each waits for no more than what has been said.
const MOST_TURNS: usize = 100_000;

/// Takes what is delivered to a call.
struct Taken(usize);

impl Delivery for Taken {
    fn piece(&mut self, _number: i32, bytes: &[u8]) -> Result<()> {
        assert!(!bytes.contains(&NEVER[self.0]), "what the other server said");
        Ok(())
    }
    fn whole(&mut self, _number: i32) -> Result<()> {
        Ok(())
    }
    fn refused(&mut self, _number: i32, _error: &Error) -> Result<()> {
        Ok(())
    }
}

/// A server, and its connection.
struct Speaker {
    listener: TcpListener,
    connection: Option<TcpStream>,
    never: u8,
}

impl Speaker {
    fn new(never: u8) -> Speaker {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("no waiting");
        Speaker { listener, connection: None, never }
    }

    /// Takes a connection if there is one, and what it says, which is passed over.
    fn hear(&mut self) {
        if let Ok((connection, _)) = self.listener.accept() {
            connection.set_nonblocking(true).expect("no waiting");
            self.connection = Some(connection);
        }
        let Some(connection) = &mut self.connection else { return };
        loop {
            match connection.read(&mut [0; 4096]) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => break,
            }
        }
        self.connection = None;
    }

    fn say(&mut self, bytes: &[u8]) {
        let said: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != self.never).collect();
        if let Some(connection) = &mut self.connection {
            // what there is no room for is not said
            let _ = connection.write(&said);
        }
    }
}

// bits of what the servers say, the first byte of each says whose it is
fuzz_target!(|input: &[u8]| {
    server_cache::forget_all();
    let calls = Loop::new().expect("a loop");
    let mut speakers = NEVER.map(Speaker::new);
    let ended = Rc::new(Cell::new(0));
    let lines = Rc::new(RefCell::new([const { Vec::<String>::new() }; 2]));
    for (which, speaker) in speakers.iter().enumerate() {
        let port = speaker.listener.local_addr().expect("an address").port();
        let server = Server::parse(format!("127.0.0.1:{port}").as_bytes(), 110).expect("a server");
        let options = Options { server, ..options(b"alice", b"s3cret") };
        let (ended, lines) = (Rc::clone(&ended), Rc::clone(&lines));
        calls.add(options.server.host.same(), move |place| {
            Box::pin(async move {
                let mut sink = |line: &str| lines.borrow_mut()[which].push(line.to_owned());
                let mut trace = Trace::new(Some(&mut sink));
                let errand = Errand { delete: which == 1, most: usize::MAX };
                let mut dialer = place.dialer(&options, Progress::default);
                let _ = visit::receive(&mut dialer, &options, errand, &mut Taken(which), &mut trace).await;
                ended.set(ended.get() + 1);
            })
        });
    }
    let mut bits = input.split(|byte| *byte == SPLIT);
    let (mut turns, mut is_over) = (0, false);
    while ended.get() < 2 {
        // when nothing more is said there may be something to wait for
        let patience = if is_over { Duration::from_millis(1) } else { Duration::ZERO };
        calls.run(Some(patience)).expect("a poller that works");
        speakers.iter_mut().for_each(Speaker::hear);
        match bits.next() {
            Some([whose, said @ ..]) => speakers[usize::from(*whose & 1)].say(said),
            Some([]) => {}
            // nothing more is said
            None => {
                is_over = true;
                speakers.iter_mut().for_each(|speaker| speaker.connection = None);
            }
        }
        turns += 1;
        assert!(turns < MOST_TURNS, "a call does not end");
    }
    assert_eq!(calls.under_way(), 0);
    for (which, lines) in lines.borrow().iter().enumerate() {
        let said = lines.iter().any(|line| line.starts_with("S: ") && line.contains(char::from(NEVER[which])));
        assert!(!said, "a line of the other server");
        // a server may say it when the log-in is decided; what it says until then is looked at by `session`
        let is_shown = lines.iter().any(|line| line.starts_with("C: ") && line.contains("s3cret"));
        assert!(!is_shown, "a status line shows a secret");
    }
});

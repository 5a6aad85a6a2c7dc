//! A correct POP3 server (RFC 1939) that serves messages from memory.

mod capabilities;
mod content;
mod faults;
mod input;
mod maildrop;
mod plain;
mod scram;
mod session;
mod transaction;
mod words;

use std::io;
use std::sync::Arc;
use std::thread;

use crate::Result;
use crate::conn::Conn;
use crate::listener::Listener;
use crate::options::Options;
use crate::recording::Recording;
use crate::tls::Tls;

use content::Content;
use faults::Faults;
use maildrop::Store;
use session::Session;

/// Small, as there may be thousands of connections; a TLS handshake needs the most of it.
const STACK: usize = 256 * 1024;

// Beyond any test, and the memory holds them.
const MOST_MESSAGES: u32 = 10_000_000;
const MOST_OCTETS: usize = 1 << 30;
const MOST_ITERATIONS: usize = 100_000_000;

/// What all connections of a mailbox share.
pub struct Mailbox {
    secure: Secure,
    tls: Arc<Tls>,
    user: String,
    pass: String,
    /// Whether CAPA is known.
    capa: bool,
    /// Whether CAPA lists USER.
    user_capability: bool,
    /// The SASL mechanisms that are offered, in capitals; of these PLAIN and SCRAM work.
    sasl: Vec<String>,
    /// Whether SCRAM proves to the client that the server knows the password.
    knows_password: bool,
    /// How many iterations it has SCRAM's clients do.
    iterations: usize,
    /// Whether the only type of channel binding that it knows is tls-unique.
    knows_unique_alone: bool,
    /// Whether AUTH takes an initial response.
    initial_response: bool,
    content: Content,
    faults: Faults,
    store: Store,
}

enum Mechanism<'a> {
    Plain,
    Scram(&'a str),
}

/// When TLS begins.
#[derive(Clone, Copy, PartialEq)]
enum Secure {
    Never,
    Stls,
    Implicit,
}

impl Mailbox {
    pub fn from_options(options: &mut Options, tls: Arc<Tls>) -> Result<Self> {
        let yes_no = [("yes", true), ("no", false)];
        let secure = [("none", Secure::Never), ("stls", Secure::Stls), ("implicit", Secure::Implicit)];
        tls.context(None)?; // what is wrong with it is told now
        Ok(Self {
            secure: options.choice("tls", &secure)?,
            tls,
            user: options.text("user", "alice"),
            pass: options.text("pass", "s3cret pass"),
            capa: options.choice("capa", &yes_no)?,
            user_capability: options.choice("usercap", &yes_no)?,
            sasl: mechanisms(&options.text("sasl", "PLAIN")),
            knows_password: options.choice("knows-password", &yes_no)?,
            iterations: options.at_most("iterations", scram::FEWEST_ITERATIONS, MOST_ITERATIONS)?,
            knows_unique_alone: options.choice("binding", &[("best", false), ("unique", true)])?,
            initial_response: options.choice("implicit-ir", &yes_no)?,
            content: Content::new(options.at_most("size", 200, MOST_OCTETS)?),
            faults: Faults::from_options(options)?,
            store: Store::new(options.at_most("messages", 5, MOST_MESSAGES)?),
        })
    }

    fn start_tls(&self, conn: &mut Conn) -> io::Result<()> {
        let context = self.tls.context(None).map_err(io::Error::other)?;
        conn.start_tls(&context, &self.tls.handshakes)
    }

    fn accepts(&self, user: &[u8], pass: &[u8]) -> bool {
        user == self.user.as_bytes() && pass == self.pass.as_bytes()
    }

    /// The mechanism of that name, if it is offered and works.
    fn mechanism(&self, name: &[u8]) -> Option<Mechanism<'_>> {
        let name = self.sasl.iter().find(|offered| offered.as_bytes().eq_ignore_ascii_case(name))?;
        match name.as_str() {
            "PLAIN" => Some(Mechanism::Plain),
            name if scram::is_known(name) => Some(Mechanism::Scram(name)),
            _ => None,
        }
    }
}

fn mechanisms(list: &str) -> Vec<String> {
    match list {
        "none" => Vec::new(),
        _ => list.split(',').map(str::to_ascii_uppercase).collect(),
    }
}

/// Serves all connections of `listener`, each in a thread of its own.
pub fn start(mailbox: Mailbox, listener: Arc<Listener>, recording: Option<Arc<Recording>>) -> Result<()> {
    let mailbox = Arc::new(mailbox);
    let accept = move || {
        while let Some(tcp) = listener.accept() {
            let conn = Conn::new(tcp, recording.clone());
            let mailbox = mailbox.clone();
            let serve = move || {
                let _ = serve(conn, mailbox); // a broken connection is the client's business
            };
            // Without a thread the connection is closed, which the client will tell of.
            let _ = thread::Builder::new().stack_size(STACK).spawn(serve);
        }
    };
    thread::Builder::new().spawn(accept).map_err(|error| error.to_string())?;
    Ok(())
}

fn serve(mut conn: Conn, mailbox: Arc<Mailbox>) -> io::Result<()> {
    if mailbox.secure == Secure::Implicit {
        mailbox.start_tls(&mut conn)?;
    }
    Session::new(conn, mailbox).run()
}

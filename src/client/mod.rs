//! A session with a server: drives [`crate::proto`] over [`crate::net`].
//!
//! This file sends and receives; [`open`] connects and logs in, [`mailbox`] has the commands with short answers,
//! [`retrieve`] those that bring messages; [`memory`] keeps what is worth knowing of a server.
//!
//! Each reply has one deadline, computed when the wait for it begins. A long one gets a new deadline whenever another
//! `STRIDE` of it has arrived, so a message may be of any size, and a server that trickles is not waited for.
//!
//! After an error for which [`Error::ends_session`] holds, nothing more may be asked of the session; whoever owns it
//! drops it, which closes the connection without another word.

pub mod mailbox;
pub mod memory;
pub mod open;
pub mod retrieve;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::client::memory::Key;
use crate::error::{Kind, Result};
use crate::net::Deadline;
use crate::net::stream::Stream;
use crate::net::tcp::Canceller;
use crate::net::tls::Facts;
use crate::options::Timeouts;
use crate::proto::command::Command;
use crate::proto::framing::{Ending, Inbox, unstuff};
use crate::proto::listing::Capabilities;
use crate::proto::reply::{Reply, Status};
use crate::shortage;
use crate::trace::{Trace, mask, show};

/// How much of a long reply must arrive within one timeout.
const STRIDE: usize = 64 * 1024;

/// A session in the TRANSACTION state (RFC 1939, section 5).
pub struct Client {
    stream: Stream,
    inbox: Inbox,
    timeouts: Timeouts,
    /// How many octets a message may have that is returned in memory; `None` for any number.
    max_message: Option<u64>,
    deadline: Deadline,
    /// When the call under way must be over, whatever it still waits for.
    call: Option<Deadline>,
    canceller: Canceller,
    /// How much has arrived since the deadline was set.
    arrived: usize,
    /// By what the server is remembered.
    key: Key,
    /// What the server said it can do, `None` where it has no CAPA.
    capabilities: Option<Capabilities>,
    /// Whether that was asked after the log-in, when some servers can do more.
    asked_after_log_in: bool,
    /// Optional commands that have worked, listed among the capabilities or not.
    proven: BTreeSet<&'static str>,
    /// The messages marked as deleted, which the server no longer counts.
    marked: BTreeSet<i32>,
}

impl Client {
    /// A call begins, which may take so long in all.
    pub fn begin_call(&mut self) -> Result<()> {
        self.call = self.timeouts.call.map(Deadline::after);
        let watch = self.stream.watch();
        watch.begin(None);
        Ok(watch.tell()?)
    }

    /// Has the server commit the deletions and ends the session.
    pub fn quit(mut self, trace: &mut Trace<'_>) -> Result<()> {
        let line = self.exchange(&Command::QUIT, trace)?;
        let committed = line.accepted(Kind::Server, "the server did not commit the deletions").map(drop);
        if !matches!(&committed, Err(error) if error.ends_session()) {
            self.stream.close();
        }
        committed
    }

    /// How many octets a message may have that is returned in memory; `None` where the host has not said.
    pub fn max_message(&self) -> Option<u64> {
        self.max_message
    }

    /// What is known of TLS, where there is TLS.
    pub fn tls_facts(&self) -> Option<Facts> {
        self.stream.tls_facts()
    }

    /// What ends a wait of this session from another thread.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// CAPA.
    fn ask_capabilities(&mut self, trace: &mut Trace<'_>) -> Result<Capabilities> {
        let line = self.exchange(&Command::CAPA, trace)?;
        let ending = line.ending;
        line.accepted(Kind::Unsupported, "the server has no CAPA")?;
        let mut capabilities = Capabilities::default();
        self.receive_listing(ending, trace, |line| capabilities.push(line)).map_err(|error| error.during("CAPA"))?;
        Ok(capabilities)
    }

    fn exchange(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<Line<'_>> {
        self.send(command, trace)?;
        self.receive(&[], trace).map_err(|error| error.during(command.name()))
    }

    /// Sends a command; the wait for its reply begins here.
    fn send(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<()> {
        self.send_all(&[*command], trace).map_err(|error| error.during(command.name()))
    }

    /// Sends commands in one go; the wait for the first reply begins here.
    fn send_all(&mut self, commands: &[Command<'_>], trace: &mut Trace<'_>) -> Result<()> {
        shortage::check()?;
        let encoded = Command::encode_all(commands)?;
        commands.iter().for_each(|command| trace.sent(command));
        self.begin_wait();
        self.stream.write_all(&encoded)
    }

    /// The first line of a reply.
    fn receive(&mut self, secrets: &[&[u8]], trace: &mut Trace<'_>) -> Result<Line<'_>> {
        let (line, ending) = loop {
            match self.inbox.take_first_line()? {
                Some(line) => break line,
                None => self.fill()?,
            }
        };
        let bytes = self.inbox.bytes(line);
        let shown = mask(bytes, secrets);
        let handed = Instant::now();
        trace.received(&shown);
        // as pause_wait, which would need the line back
        self.deadline = self.deadline.later(handed.elapsed());
        self.stream.set_deadline(self.deadline.or_earlier(self.call));
        Ok(Line { bytes, shown, ending })
    }

    /// The further lines of a reply, up to the one that ends it.
    ///
    /// A line that `each` refuses does not stop the reading, or the next reply would begin in the middle of this one;
    /// unless its error ends the session anyway.
    fn receive_listing(
        &mut self,
        ending: Ending,
        trace: &mut Trace<'_>,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut outcome = Ok(());
        loop {
            let line = loop {
                match self.inbox.take_line(ending)? {
                    Some(line) => break line,
                    None => self.fill()?,
                }
            };
            let line = self.inbox.bytes(line);
            let handed = Instant::now();
            trace.received(line);
            let Some(content) = unstuff(line) else { return outcome };
            match each(content) {
                Err(error) if error.ends_session() => return Err(error),
                Err(error) if outcome.is_ok() => outcome = Err(error.with_reply(show(line))),
                _ => {}
            }
            self.pause_wait(handed.elapsed());
        }
    }

    /// The wait for a reply begins.
    fn begin_wait(&mut self) {
        self.arrived = 0;
        self.set_deadline(Deadline::after(self.timeouts.reply));
    }

    /// Leaves out of the wait what the host did meanwhile.
    fn pause_wait(&mut self, spent: Duration) {
        self.set_deadline(self.deadline.later(spent));
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.stream.set_deadline(deadline.or_earlier(self.call));
    }

    fn fill(&mut self) -> Result<()> {
        let count = self.stream.read(self.inbox.space()?)?;
        self.inbox.filled(count);
        self.arrived += count;
        if self.arrived >= STRIDE {
            self.begin_wait();
        }
        Ok(())
    }
}

/// The first line of a reply, as it came and as it may be shown.
struct Line<'a> {
    bytes: &'a [u8],
    shown: Cow<'a, [u8]>,
    ending: Ending,
}

impl Line<'_> {
    /// The text of `+OK`; what a `-ERR` means is said by its response code, else by `refused`. `words` says of what.
    fn accepted(&self, refused: Kind, words: &str) -> Result<&[u8]> {
        let reply = self.tell(Reply::parse(self.bytes))?;
        match reply.status {
            Status::Ok => Ok(reply.text),
            _ => self.tell(Err(reply.refusal(refused, words))),
        }
    }

    /// Adds the server's words to an error.
    fn tell<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.with_reply(show(&self.shown)))
    }
}

//! A session with a server: drives [`crate::proto`] over a [`transport::Transport`].
//!
//! This file sends and receives; [`open`] connects and logs in, [`mailbox`] has the commands with short answers,
//! [`retrieve`] those that bring messages; [`visit`] is a session for one errand, [`collect`] makes sessions until it has
//! what is new; [`marks`], [`sizes`] and
//! [`by_uid`] keep what a session says of its mailbox,
//! [`server_cache`] what is worth knowing of a server; [`transport`] says what it needs of the world.
//!
//! Each reply has one deadline, computed when the wait for it begins. A long one gets a new deadline whenever another
//! `STRIDE` of it has arrived, so a message may be of any size, and a server that trickles is not waited for.
//!
//! An answer belongs to the command that was sent first of those unanswered, and only the order says so. So nothing may be
//! unread when nothing is asked: [`Client::expect_in_step`] looks before each command that is not sent ahead.
//!
//! After an error for which [`Error::ends_session`] holds, nothing more may be asked of the session; whoever owns it
//! drops it, which closes the connection without another word.

pub mod by_uid;
pub mod collect;
pub mod mailbox;
pub mod marks;
pub mod open;
pub mod retrieve;
pub mod server_cache;
pub mod sizes;
pub mod trace;
pub mod transport;
pub mod visit;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use memchr::memmem;

use crate::error::{Error, Kind, Result};
use crate::options::Timeouts;
use crate::proto::command::Command;
use crate::proto::framing::{Ending, ReceiveBuffer, unstuff};
use crate::proto::listing::{Capabilities, is_entry};
use crate::proto::reply::{Reply, Status};
use crate::session::by_uid::ByUid;
use crate::session::mailbox::MAX_ENTRIES;
use crate::session::marks::Marks;
use crate::session::server_cache::Key;
use crate::session::sizes::Sizes;
use crate::session::trace::Trace;
use crate::session::transport::Transport;
use crate::shortage;
use crate::text::{Secrets, show};

/// How much of a long reply must arrive within one timeout.
const STRIDE: usize = 64 * 1024;

/// A session in the TRANSACTION state (RFC 1939, section 5).
pub struct Client<T> {
    transport: T,
    received: ReceiveBuffer,
    timeouts: Timeouts,
    /// How many octets a message may have that is returned in memory; `None` for any number.
    max_message: Option<u64>,
    /// How much has arrived since the wait began.
    arrived: usize,
    /// By what the server is remembered.
    key: Key,
    /// What the server said it can do, `None` where it has no CAPA.
    capabilities: Option<Capabilities>,
    /// Whether that was asked after the log-in, when some servers can do more.
    asked_after_log_in: bool,
    /// Optional commands that have worked, listed among the capabilities or not.
    proven: BTreeSet<&'static str>,
    /// Whether the server has greeted a second time, so that nothing is to be sent to it by memory.
    greets_again: bool,
    /// What no status line and no error may show, until the log-in is decided.
    secrets: Secrets,
    /// Whether commands may go ahead of their answers, where the server can.
    pipelining: bool,
    /// Whether the log-in is done, and QUIT not said.
    in_transaction: bool,
    /// What may still come of the last answer.
    behind: Behind,
    /// The messages marked as deleted.
    marks: Marks,
    /// The sizes of messages, where LIST said them.
    sizes: Sizes,
    /// The messages by their unique ids, once one has been looked up.
    by_uid: Option<ByUid>,
}

/// What some servers say behind an answer of one line, and nobody asked for. No answer begins like that, so it can be told
/// from one whenever it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    /// Nothing.
    Nothing,
    /// A line that ends a list.
    Dot,
    /// At most so many lines of a list, and the one that ends it.
    List(usize),
}

impl Behind {
    /// What is still to come if that line is part of it.
    fn after(self, line: &[u8]) -> Option<Behind> {
        match self {
            Behind::Dot | Behind::List(_) if line == b"." => Some(Behind::Nothing),
            Behind::List(left @ 1..) if is_entry(line) => Some(Behind::List(left - 1)),
            _ => None,
        }
    }
}

impl<T: Transport> Client<T> {
    /// A call begins, which may take so long in all.
    pub fn begin_call(&mut self) -> Result<()> {
        self.transport.begin_call(self.timeouts.call)
    }

    /// Has the server commit the deletions and ends the session.
    pub async fn quit(mut self: Box<Self>, trace: &mut Trace<'_>) -> Result<()> {
        self.expect_in_step(trace).map_err(|error| error.during("QUIT"))?;
        // the server closes behind its answer
        self.in_transaction = false;
        let line = self.exchange(&Command::QUIT, trace).await?;
        let committed = line.accepted(Kind::Server, "the server did not commit the deletions").map(drop);
        if !matches!(&committed, Err(error) if error.ends_session()) {
            self.transport.close().await;
        }
        committed
    }

    /// How many octets a message may have that is returned in memory; `None` where the host has not said.
    pub fn max_message(&self) -> Option<u64> {
        self.max_message
    }

    /// The connection below.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// CAPA.
    async fn ask_capabilities(&mut self, trace: &mut Trace<'_>) -> Result<Capabilities> {
        let line = self.exchange(&Command::CAPA, trace).await?;
        let ending = line.ending;
        line.accepted(Kind::Unsupported, "the server has no CAPA")?;
        self.receive_capabilities(ending, trace).await
    }

    /// The list behind CAPA's answer.
    async fn receive_capabilities(&mut self, ending: Ending, trace: &mut Trace<'_>) -> Result<Capabilities> {
        let mut capabilities = Capabilities::default();
        self.receive_listing(ending, trace, |line, _| capabilities.push(line))
            .await
            .map_err(|error| error.during("CAPA"))?;
        Ok(capabilities)
    }

    /// A command and the first line of its answer.
    async fn exchange(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<Line<'_>> {
        self.exchange_with(command, Behind::Nothing, trace).await
    }

    /// A command whose answer is one line.
    async fn exchange_short(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<Line<'_>> {
        self.exchange_with(command, Behind::Dot, trace).await
    }

    async fn exchange_with(
        &mut self,
        command: &Command<'_>,
        behind: Behind,
        trace: &mut Trace<'_>,
    ) -> Result<Line<'_>> {
        if self.in_transaction {
            self.expect_in_step(trace).map_err(|error| error.during(command.name()))?;
        }
        self.send(command, trace).await?;
        let (line, ending) = self.first_line(trace).await.map_err(|error| error.during(command.name()))?;
        // a refusal is always of one line
        let is_refusal = self.received.bytes(line.clone()).starts_with(REFUSAL);
        self.behind = if is_refusal && self.in_transaction { Behind::Dot } else { behind };
        Ok(self.tell_line(line, ending, &[], trace))
    }

    /// That the last answer may be followed by a list, since some servers list for one message too.
    fn may_be_followed_by_list(&mut self) {
        self.behind = Behind::List(MAX_ENTRIES);
    }

    /// Before anything is sent that nothing unanswered stands before: what came for nobody must not answer it.
    ///
    /// This can only be about what has come. It is a system call for each command, which nothing else can be honest
    /// without: the kernel alone knows what has come. A loop has asked it a moment ago, when the last answer was read.
    fn expect_in_step(&mut self, trace: &mut Trace<'_>) -> Result<()> {
        // looking may have TLS answer something of its own
        self.begin_wait();
        loop {
            if self.received.is_empty() {
                match self.transport.read_rest(self.received.space()?)? {
                    None => return Ok(()),
                    Some(0) => return Err(Error::closed()),
                    Some(count) => self.received.filled(count),
                }
            }
            if self.behind.after(self.received.next_line()).is_none() {
                return Err(self.out_of_step(trace));
            }
            let Some((line, _)) = self.received.take_first_line()? else { return Ok(()) };
            self.pass_over(&line, trace);
        }
    }

    /// Whether something comes within that time.
    async fn comes_within(&mut self, time: Duration) -> Result<bool> {
        let begin = self.transport.now();
        while self.received.is_empty() {
            match self.transport.read_at_once(self.received.space()?)? {
                Some(0) => return Err(Error::closed()),
                Some(count) => self.received.filled(count),
                // what has come may be nothing yet, as a part of a record
                None => {
                    let spent = self.transport.now().saturating_duration_since(begin);
                    let left = time.saturating_sub(spent);
                    if !self.transport.wait_readable(left).await? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// What it means that something is unread where nothing is asked.
    fn out_of_step(&mut self, trace: &mut Trace<'_>) -> Error {
        let line = self.received.next_line();
        trace.received(line);
        match line.starts_with(REFUSAL) {
            true => ended_by(line),
            false => Error::new(Kind::BadFormat, "the server said what nobody asked for").with_reply(show(line)),
        }
    }

    /// Whether that line is what may stand behind the last answer; then it has been told, and is done with.
    fn pass_over(&mut self, line: &Range<usize>, trace: &mut Trace<'_>) -> bool {
        let line = self.received.bytes(line.clone());
        let Some(behind) = self.behind.after(line) else { return false };
        trace.received(line);
        trace.note(format_args!("passed over: the answer before was of one line"));
        self.behind = behind;
        true
    }

    /// Sends a command; the wait for its reply begins here.
    async fn send(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<()> {
        self.send_all(&[*command], trace).await.map_err(|error| error.during(command.name()))
    }

    /// Sends commands in one go; the wait for the first reply begins here.
    async fn send_all(&mut self, commands: &[Command<'_>], trace: &mut Trace<'_>) -> Result<()> {
        shortage::check()?;
        let encoded = Command::encode_all(commands)?;
        commands.iter().for_each(|command| trace.sent(command));
        self.begin_wait();
        self.transport.write_all(&encoded).await
    }

    /// The first line of a reply.
    async fn receive(&mut self, trace: &mut Trace<'_>) -> Result<Line<'_>> {
        self.receive_masked(&[], trace).await
    }

    /// The first line of a reply that may hold what was said in the same exchange.
    async fn receive_masked<'a>(&'a mut self, said: &'a [&'a [u8]], trace: &mut Trace<'_>) -> Result<Line<'a>> {
        let (line, ending) = self.first_line(trace).await?;
        self.behind = Behind::Nothing;
        Ok(self.tell_line(line, ending, said, trace))
    }

    /// Waits for the first line of a reply. What came for nobody is passed over.
    async fn first_line(&mut self, trace: &mut Trace<'_>) -> Result<(Range<usize>, Ending)> {
        let (line, ending) = loop {
            match self.received.take_first_line()? {
                Some((line, _)) if self.pass_over(&line, trace) => {}
                Some(taken) => break taken,
                None => self.fill().await?,
            }
        };
        if self.in_transaction && self.received.bytes(line.clone()).starts_with(REFUSAL) {
            let at_end = self.is_at_end()?;
            let bytes = self.received.bytes(line.clone());
            if at_end || tells_of_idling(bytes) {
                trace.received(bytes);
                return Err(ended_by(bytes));
            }
        }
        Ok((line, ending))
    }

    /// Whether the server has closed the connection behind the line that was taken last.
    fn is_at_end(&mut self) -> Result<bool> {
        let is_last = self.received.is_empty();
        let space = self.received.space_behind();
        if is_last && !space.is_empty() {
            match self.transport.read_at_once(space) {
                Ok(Some(0)) => return Ok(true),
                // a command that was under way meets a closed connection
                Err(error) if error.kind() == Kind::ConnectionLost => return Ok(true),
                count => self.received.filled(count?.unwrap_or(0)),
            }
        }
        Ok(false)
    }

    /// Tells the first line of a reply to whoever listens.
    fn tell_line<'a>(
        &'a mut self,
        line: Range<usize>,
        ending: Ending,
        said: &'a [&'a [u8]],
        trace: &mut Trace<'_>,
    ) -> Line<'a> {
        let line = Line { bytes: self.received.bytes(line), said, secrets: &self.secrets, ending };
        if trace.has_listener() {
            self.transport.in_host(|| trace.received(&line.shown()));
        }
        line
    }

    /// The further lines of a reply, up to the one that ends it. What `each` refuses ends the reading, and the session.
    async fn receive_listing(
        &mut self,
        ending: Ending,
        trace: &mut Trace<'_>,
        mut each: impl FnMut(&[u8], &mut Trace<'_>) -> Result<()>,
    ) -> Result<()> {
        // what may be behind an answer of one line has come
        self.behind = Behind::Nothing;
        loop {
            let line = loop {
                match self.received.take_line(ending)? {
                    Some(line) => break line,
                    None => self.fill().await?,
                }
            };
            let line = self.received.bytes(line);
            let secrets = &self.secrets;
            let taken = self.transport.in_host(|| {
                if trace.has_listener() {
                    trace.received(&secrets.mask(line, &[]));
                }
                unstuff(line).map(|content| each(content, trace))
            });
            match taken {
                Some(outcome) => outcome?,
                None => return Ok(()),
            }
        }
    }

    /// The wait for a reply begins.
    fn begin_wait(&mut self) {
        self.arrived = 0;
        self.transport.begin_wait(self.timeouts.reply);
    }

    async fn fill(&mut self) -> Result<()> {
        let count = self.transport.read(self.received.space()?).await?;
        self.received.filled(count);
        self.arrived += count;
        if self.arrived >= STRIDE {
            self.begin_wait();
        }
        Ok(())
    }
}

/// How a refusal begins.
const REFUSAL: &[u8] = b"-ERR";

/// Whether a refusal is no answer, but tells why the server ends the session: it had waited for a command for too long.
fn tells_of_idling(refusal: &[u8]) -> bool {
    let words = refusal.to_ascii_lowercase();
    [&b"inactivity"[..], b"idle time", b"idle for", b"autologout"]
        .iter()
        .any(|word| memmem::find(&words, word).is_some())
}

/// That the server has ended the session by that line, whatever was asked.
fn ended_by(line: &[u8]) -> Error {
    Error::new(Kind::ConnectionLost, "the server ended the session").with_reply(show(line))
}

/// The first line of a reply, and what it must not show.
struct Line<'a> {
    bytes: &'a [u8],
    /// What was said in the same exchange.
    said: &'a [&'a [u8]],
    secrets: &'a Secrets,
    ending: Ending,
}

impl Line<'_> {
    /// As it may be shown.
    fn shown(&self) -> Cow<'_, [u8]> {
        self.secrets.mask(self.bytes, self.said)
    }

    /// The text of `+OK`; what a `-ERR` means is said by its response code, else by `refused`. `words` says of what.
    fn accepted(&self, refused: Kind, words: &str) -> Result<&[u8]> {
        let reply = self.with_reply(Reply::parse(self.bytes))?;
        match reply.status {
            Status::Ok => Ok(reply.text),
            _ => self.with_reply(Err(reply.refusal(refused, words))),
        }
    }

    /// Adds the server's words to an error.
    fn with_reply<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.with_reply(show(&self.shown())))
    }
}

//! The commands that bring messages (RETR, TOP: RFC 1939), one by one or many at once (PIPELINING: RFC 2449).
//!
//! A message passes through the receive buffer, whatever its size. Of many messages a bounded number is asked for ahead
//! of the answers: so few commands that they fit into the buffers between us and a server that has stopped reading
//! because we have not read yet, and so neither side ever waits for the other.

use std::collections::VecDeque;
use std::time::Instant;

use crate::client::{Client, memory};
use crate::error::{Error, Kind, Result};
use crate::proto::body::{Body, Piece};
use crate::proto::command::Command;
use crate::proto::framing::Ending;
use crate::proto::listing::announced_size;
use crate::trace::Trace;

/// How many commands may be unanswered: together less than 2 KiB, which any socket buffer holds.
const WINDOW: usize = 100;

/// About how many octets may be asked for ahead, but never less than one message. More would keep no link busier, and
/// would have the server push against a full connection all the time.
const AHEAD: u64 = 512 * 1024;

/// From how many messages on it pays to ask once more whether the server can pipeline.
const WORTH_ASKING: usize = 16;

/// Where the messages of a bulk go.
pub trait Delivery {
    /// A piece of that message; an error stops everything.
    fn piece(&mut self, number: i32, bytes: &[u8]) -> Result<()>;
    /// The message has come whole; an error stops everything.
    fn whole(&mut self, number: i32) -> Result<()>;
    /// The server refused that number; an error stops everything.
    fn refused(&mut self, number: i32, error: &Error) -> Result<()>;
}

/// What became of a bulk.
#[derive(Default)]
pub struct Bulk {
    /// How many messages came whole.
    pub delivered: i32,
    /// The first refusal to mark a message as deleted.
    pub not_marked: Option<Error>,
}

/// A command that is not answered yet.
#[derive(Clone, Copy)]
enum Asked {
    Message(i32),
    Deletion(i32),
}

impl Client {
    /// A message, handed to `piece` bit by bit.
    pub fn retrieve(
        &mut self,
        number: i32,
        piece: impl FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        self.bring(&Command::retr(number), Kind::Server, piece, trace)
    }

    /// The header of a message, the empty line, and so many lines of its body.
    pub fn top(
        &mut self,
        number: i32,
        lines: i32,
        piece: impl FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let refused = self.refusal_of("TOP");
        self.bring(&Command::top(number, lines), refused, piece, trace)?;
        self.proven.insert("TOP");
        Ok(())
    }

    /// Many messages, in that order, and if wanted each marked as deleted once it has been delivered.
    pub fn retrieve_many(
        &mut self,
        numbers: impl ExactSizeIterator<Item = i32>,
        delete: bool,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Bulk> {
        let bulk = self.retrieve_ahead(numbers, delete, delivery, trace);
        if bulk.is_err() {
            // it may have come of what the server was believed to be able to do
            memory::doubt(&self.key);
        }
        bulk
    }

    fn retrieve_ahead(
        &mut self,
        numbers: impl ExactSizeIterator<Item = i32>,
        delete: bool,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Bulk> {
        let pipelining = self.can_pipeline(numbers.len(), trace)?;
        let mut window = if pipelining { WINDOW } else { 1 };
        let mut numbers = numbers;
        let mut to_delete = VecDeque::new();
        let mut unanswered = VecDeque::with_capacity(window);
        let mut bulk = Bulk::default();
        loop {
            // half a window at once: fewer writes, and the server always has something to do
            if unanswered.len() <= window / 2 {
                let deletions = std::iter::from_fn(|| to_delete.pop_front().map(Asked::Deletion));
                let more = deletions.chain(numbers.by_ref().map(Asked::Message));
                self.ask(more.take(window.saturating_sub(unanswered.len())), &mut unanswered, trace)?;
            }
            let Some(asked) = unanswered.pop_front() else { break };
            self.begin_wait();
            match asked {
                Asked::Message(number) => {
                    if let Some(size) = self.receive_message(number, delivery, trace)? {
                        bulk.delivered += 1;
                        to_delete.extend(delete.then_some(number));
                        if pipelining {
                            // the next will be like this one
                            window = usize::try_from(AHEAD / size.max(1)).unwrap_or(WINDOW).clamp(2, WINDOW);
                        }
                    }
                }
                Asked::Deletion(number) => match self.receive_deletion(number, trace) {
                    Err(error) if error.ends_session() => return Err(error),
                    outcome => bulk.not_marked = bulk.not_marked.or(outcome.err()),
                },
            }
        }
        self.inbox.narrow();
        Ok(bulk)
    }

    /// Whether the server takes commands ahead of its answers.
    fn can_pipeline(&mut self, commands: usize, trace: &mut Trace<'_>) -> Result<bool> {
        let has = |client: &Client| client.capabilities.as_ref().is_some_and(|offered| offered.has("PIPELINING"));
        // some servers say so only after the log-in
        if !has(self) && self.capabilities.is_some() && !self.asked_after_log_in && commands >= WORTH_ASKING {
            match self.capabilities(trace) {
                Err(error) if error.ends_session() => return Err(error),
                _ => {}
            }
        }
        Ok(has(self))
    }

    /// Sends commands in one go.
    fn ask(
        &mut self,
        more: impl Iterator<Item = Asked>,
        unanswered: &mut VecDeque<Asked>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let mut commands = Vec::new();
        for asked in more {
            commands.push(match asked {
                Asked::Message(number) => Command::retr(number),
                Asked::Deletion(number) => Command::dele(number),
            });
            unanswered.push_back(asked);
        }
        self.send_all(&commands, trace)
    }

    /// The size of the message; `None` if the server refused it.
    fn receive_message(
        &mut self,
        number: i32,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Option<u64>> {
        let line = self.receive(trace).map_err(|error| error.during("RETR"))?;
        let ending = line.ending;
        match line.accepted(Kind::Server, "RETR was refused") {
            Err(error) if error.ends_session() => Err(error),
            Err(error) => delivery.refused(number, &error).map(|()| None),
            Ok(text) => {
                let announced = announced_size(text);
                let size = self.receive_body(ending, announced, &mut |bytes| delivery.piece(number, bytes), trace)?;
                delivery.whole(number).map(|()| Some(size))
            }
        }
    }

    fn receive_deletion(&mut self, number: i32, trace: &mut Trace<'_>) -> Result<()> {
        let line = self.receive(trace).map_err(|error| error.during("DELE"))?;
        line.accepted(Kind::Server, "DELE was refused")?;
        self.marked.insert(number);
        Ok(())
    }

    fn bring(
        &mut self,
        command: &Command<'_>,
        refused: Kind,
        mut piece: impl FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let line = self.exchange(command, trace)?;
        let ending = line.ending;
        let announced = announced_size(line.accepted(refused, &format!("{} was refused", command.name()))?);
        self.receive_body(ending, announced, &mut piece, trace).map_err(|error| error.during(command.name()))?;
        self.inbox.narrow();
        Ok(())
    }

    /// The body of a reply, handed to `piece` from where it lies in the receive buffer, and its size.
    fn receive_body(
        &mut self,
        ending: Ending,
        announced: Option<u64>,
        piece: &mut dyn FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<u64> {
        let mut body = Body::new(ending);
        let mut total: u64 = 0;
        self.inbox.widen()?;
        self.stream.watch().begin(announced);
        loop {
            let (what, used) = body.next(self.inbox.waiting());
            if let Piece::Content(bytes) = what {
                if self.stream.is_cancelled() {
                    return Err(Error::new(Kind::Cancelled, "cancelled by the host"));
                }
                total += bytes.len() as u64;
                self.stream.watch().advance(bytes.len());
                let handed = Instant::now();
                piece(bytes)?;
                self.inbox.consume(used);
                self.pause_wait(handed.elapsed());
                continue;
            }
            let ended = what == Piece::End;
            self.inbox.consume(used);
            if ended {
                break;
            }
            self.fill()?;
        }
        self.stream.watch().tell()?;
        trace.note(format_args!("{total} bytes"));
        Ok(total)
    }
}

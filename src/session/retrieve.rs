//! The commands that bring messages (RETR, TOP: RFC 1939), one by one or many at once (PIPELINING: RFC 2449), and DELE
//! where it is for many.
//!
//! A message passes through the receive buffer, whatever its size. Of many messages a bounded number is asked for ahead
//! of the answers: so few commands that they fit into the buffers between us and a server that has stopped reading
//! because we have not read yet, and so neither side ever waits for the other.
//!
//! Some servers say that they take commands ahead and do not, or mix up what they answer. So a deletion never goes behind
//! a message that is still to come: it could be answered in the middle of it. A message counts as whole only if nothing
//! behind it says otherwise. A server on which messages ahead have failed is asked one by one from then on.

use std::collections::VecDeque;

use crate::error::{Error, Kind, Result};
use crate::proto::body::{Body, Piece};
use crate::proto::command::Command;
use crate::proto::framing::Ending;
use crate::proto::listing::{announced_size, scan_listing_of};
use crate::proto::reply::{Reply, Status};
use crate::session::trace::Trace;
use crate::session::transport::Transport;
use crate::session::{Behind, Client, REFUSAL, server_cache};
use crate::shortage;

/// How many commands may be unanswered: together less than 3 KiB, which any socket buffer holds.
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

/// Of a bulk that brings nothing.
impl Delivery for () {
    fn piece(&mut self, _number: i32, _bytes: &[u8]) -> Result<()> {
        Ok(())
    }
    fn whole(&mut self, _number: i32) -> Result<()> {
        Ok(())
    }
    fn refused(&mut self, _number: i32, _error: &Error) -> Result<()> {
        Ok(())
    }
}

/// What became of a bulk.
#[derive(Default)]
pub struct Bulk {
    /// How many messages came whole.
    pub delivered: i32,
    /// How many were marked as deleted.
    pub marked: i32,
    /// The first refusal to mark a message as deleted, which names its number.
    pub not_marked: Option<Error>,
}

/// A command of a bulk.
#[derive(Clone, Copy)]
enum Pending {
    Message(i32),
    Top { number: i32, lines: i32 },
    Deletion(i32),
}

impl Pending {
    fn number(self) -> i32 {
        match self {
            Pending::Message(number) | Pending::Top { number, .. } | Pending::Deletion(number) => number,
        }
    }

    fn brings(&self) -> bool {
        !matches!(self, Pending::Deletion(_))
    }

    fn command(self) -> Command<'static> {
        match self {
            Pending::Message(number) => Command::retr(number),
            Pending::Top { number, lines } => Command::top(number, lines),
            Pending::Deletion(number) => Command::dele(number),
        }
    }
}

impl<T: Transport> Client<T> {
    /// A message, handed to `piece` bit by bit.
    pub async fn retrieve(
        &mut self,
        number: i32,
        piece: impl FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let listed = self.sizes.of(number);
        self.retrieve_body(&Command::retr(number), Kind::Server, listed, piece, trace).await
    }

    /// The header of a message, the empty line, and so many lines of its body.
    pub async fn top(
        &mut self,
        number: i32,
        lines: i32,
        piece: impl FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let refused = self.refusal_of("TOP");
        self.retrieve_body(&Command::top(number, lines), refused, None, piece, trace).await?;
        self.proven.insert("TOP");
        Ok(())
    }

    /// Many messages, in that order, and if wanted each marked as deleted once it has been delivered.
    pub async fn retrieve_many(
        &mut self,
        numbers: impl ExactSizeIterator<Item = i32>,
        delete: bool,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Bulk> {
        self.bulk(numbers.map(Pending::Message), VecDeque::new(), delete, delivery, trace).await
    }

    /// Of many messages, in that order, what [`Client::top`] brings of one.
    pub async fn tops_many(
        &mut self,
        numbers: impl ExactSizeIterator<Item = i32>,
        lines: i32,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Bulk> {
        let tops = numbers.map(|number| Pending::Top { number, lines });
        self.bulk(tops, VecDeque::new(), false, delivery, trace).await
    }

    /// Marks many messages as deleted. Where the server refuses one the others are marked all the same.
    pub async fn delete_many(&mut self, numbers: Vec<i32>, trace: &mut Trace<'_>) -> Result<Bulk> {
        self.bulk(std::iter::empty(), numbers.into(), false, &mut (), trace).await
    }

    /// Brings what `wanted` asks for. Then marks `to_delete` as deleted and, if wanted, what has been delivered.
    async fn bulk(
        &mut self,
        wanted: impl ExactSizeIterator<Item = Pending>,
        to_delete: VecDeque<i32>,
        delete: bool,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Bulk> {
        let is_one = wanted.len() + to_delete.len() == 1;
        let mut ahead = false;
        let bulk = self.bulk_of(wanted, to_delete, delete, &mut ahead, delivery, trace).await;
        if let Err(error) = &bulk {
            // it may have come of what the server was believed to be able to do
            server_cache::invalidate(&self.key);
            if ahead && !is_one && matches!(error.kind(), Kind::BadFormat | Kind::ConnectionLost | Kind::Timeout) {
                server_cache::disable_pipelining(&self.key, self.transport.now());
            }
        }
        bulk
    }

    async fn bulk_of(
        &mut self,
        wanted: impl ExactSizeIterator<Item = Pending>,
        mut to_delete: VecDeque<i32>,
        delete: bool,
        ahead: &mut bool,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Bulk> {
        let mut wanted = wanted.peekable();
        let first = wanted.peek().map(|asked| asked.number()).or(to_delete.front().copied());
        *ahead = self.can_pipeline(wanted.len() + to_delete.len(), first, trace).await?;
        let mut window = if *ahead { WINDOW } else { 1 };
        let mut unanswered = VecDeque::with_capacity(window);
        let mut bulk = Bulk::default();
        loop {
            // half a window at once: fewer writes, and the server always has something to do
            if unanswered.len() <= window / 2 {
                let room = window.saturating_sub(unanswered.len());
                let brings = unanswered.front().is_some_and(Pending::brings) || wanted.len() > 0;
                let deletions = if *ahead && brings { 0 } else { room.min(to_delete.len()) };
                if deletions > 0 {
                    self.marks.make_room(unanswered.len() + deletions)?;
                }
                let deletions = to_delete.drain(..deletions).map(Pending::Deletion);
                let more = deletions.chain(wanted.by_ref());
                self.ask(more.take(room), &mut unanswered, trace).await?;
            }
            let Some(asked) = unanswered.pop_front() else { break };
            let awaited = !unanswered.is_empty();
            self.begin_wait();
            match asked {
                Pending::Deletion(number) => match self.receive_deletion(number, trace).await {
                    Ok(()) => bulk.marked += 1,
                    Err(error) if error.ends_session() => return Err(error),
                    Err(error) => bulk.not_marked = bulk.not_marked.or(Some(error)),
                },
                Pending::Message(number) | Pending::Top { number, .. } => {
                    if let Some(size) = self.receive_message(asked, awaited, delivery, trace).await? {
                        bulk.delivered += 1;
                        if delete {
                            make_room(&mut to_delete)?;
                            to_delete.push_back(number);
                        }
                        if *ahead {
                            // the next will be like this one
                            window = usize::try_from(AHEAD / size.max(1)).unwrap_or(WINDOW).clamp(2, WINDOW);
                        }
                    }
                }
            }
        }
        self.received.release();
        Ok(bulk)
    }

    /// Whether the server takes commands ahead of its answers. `first` is a message that it should have.
    async fn can_pipeline(&mut self, commands: usize, first: Option<i32>, trace: &mut Trace<'_>) -> Result<bool> {
        if !self.pipelining || !server_cache::may_pipeline(&self.key, self.transport.now()) {
            return Ok(false);
        }
        let has = |client: &Client<T>| client.capabilities.as_ref().is_some_and(|offered| offered.has("PIPELINING"));
        // some servers say so only after the log-in
        if !has(self) && self.capabilities.is_some() && !self.asked_after_log_in && commands >= WORTH_ASKING {
            if let Some(first) = first {
                self.ask_in_passing(first, trace).await?;
            }
        }
        Ok(has(self))
    }

    /// CAPA where nothing depends on it, and so nothing may end the session. Nonsense in answer is a no.
    ///
    /// A server that stays silent may have swallowed the command, or may be slow: what comes next could be the answer to
    /// this or to the next command. LIST tells which, since its answer says which message it is about.
    async fn ask_in_passing(&mut self, message: i32, trace: &mut Trace<'_>) -> Result<()> {
        self.asked_after_log_in = true;
        self.expect_in_step(trace)?;
        self.send(&Command::CAPA, trace).await?;
        let is_silent = !self.comes_within(self.timeouts.reply / 4).await?;
        if is_silent {
            self.send(&Command::list(message), trace).await?;
        }
        let line = self.receive(trace).await.map_err(|error| error.during("CAPA"))?;
        let ending = line.ending;
        match Reply::parse(line.bytes) {
            Ok(Reply { status: Status::Ok, text }) if is_silent && scan_listing_of(message, text).is_ok() => {
                return Ok(());
            }
            Ok(Reply { status: Status::Ok, .. }) => {
                let capabilities = self.receive_capabilities(ending, trace).await?;
                server_cache::store_after_log_in(&self.key, &capabilities);
                self.capabilities = Some(capabilities);
            }
            // of which command nobody knows
            Ok(_) if is_silent => {
                return line.with_reply(Err(Error::new(Kind::Timeout, "CAPA: no answer within the timeout")));
            }
            _ => {}
        }
        if is_silent {
            self.begin_wait();
            self.receive(trace).await.map_err(|error| error.during("LIST"))?;
        }
        Ok(())
    }

    /// Sends commands in one go.
    async fn ask(
        &mut self,
        more: impl Iterator<Item = Pending>,
        unanswered: &mut VecDeque<Pending>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let nothing_is_asked = unanswered.is_empty();
        let mut commands = Vec::new();
        for asked in more {
            commands.push(asked.command());
            unanswered.push_back(asked);
        }
        if let Some(first) = commands.first().filter(|_| nothing_is_asked) {
            self.expect_in_step(trace).map_err(|error| error.during(first.name()))?;
        }
        self.send_all(&commands, trace).await
    }

    /// The size of the message or of its top; `None` if the server refused it. `awaited` says whether more answers are to
    /// come.
    async fn receive_message(
        &mut self,
        asked: Pending,
        awaited: bool,
        delivery: &mut dyn Delivery,
        trace: &mut Trace<'_>,
    ) -> Result<Option<u64>> {
        let number = asked.number();
        let is_top = matches!(asked, Pending::Top { .. });
        let (name, refused, words) = match is_top {
            true => ("TOP", self.refusal_of("TOP"), "TOP was refused"),
            false => ("RETR", Kind::Server, "RETR was refused"),
        };
        let line = self.receive(trace).await.map_err(|error| error.during(name))?;
        let ending = line.ending;
        match line.accepted(refused, words) {
            Err(error) if error.ends_session() => Err(error),
            Err(error) => {
                if !awaited {
                    self.behind = Behind::Dot;
                }
                delivery.refused(number, &error).map(|()| None)
            }
            Ok(text) => {
                let announced = announced_size(text);
                let listed = if is_top { None } else { self.sizes.of(number) };
                let piece = &mut |bytes: &[u8]| delivery.piece(number, bytes);
                let size = self.receive_body(ending, announced.or(listed), piece, trace).await?;
                // some servers announce the whole message where its top follows
                let is_short = !is_top && announced.is_some_and(|announced| size < announced);
                self.check_end(awaited, is_short, trace).map_err(|error| error.during(name))?;
                if is_top {
                    self.proven.insert("TOP");
                }
                delivery.whole(number).map(|()| Some(size))
            }
        }
    }

    async fn receive_deletion(&mut self, number: i32, trace: &mut Trace<'_>) -> Result<()> {
        let line = self.receive(trace).await.map_err(|error| error.during("DELE"))?;
        let accepted = line.accepted(Kind::Server, &format!("DELE {number} was refused")).map(drop);
        self.behind = Behind::Dot;
        accepted?;
        self.marks.add(number);
        Ok(())
    }

    async fn retrieve_body(
        &mut self,
        command: &Command<'_>,
        refused: Kind,
        listed: Option<u64>,
        mut piece: impl FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let line = self.exchange(command, trace).await?;
        let ending = line.ending;
        let announced = announced_size(line.accepted(refused, &format!("{} was refused", command.name()))?);
        self.receive_body(ending, announced.or(listed), &mut piece, trace)
            .await
            .and_then(|_| self.check_end(false, false, trace))
            .map_err(|error| error.during(command.name()))?;
        self.received.release();
        Ok(())
    }

    /// Whether a message was whole, by what has come behind it: where more answers are awaited one of them, else nothing.
    ///
    /// A server that gave up in the middle may end the message as if it were whole, and then refuse it. Ahead of its
    /// answers that looks like the refusal of the next one; that the message was shorter than announced tells it.
    fn check_end(&mut self, awaited: bool, is_short: bool, trace: &mut Trace<'_>) -> Result<()> {
        if self.received.is_empty() {
            // that the connection has ended there is for what is asked next to find out
            let count = self.transport.read_at_once(self.received.space()?)?.unwrap_or(0);
            self.received.filled(count);
        }
        let behind = self.received.waiting();
        let may_begin = |status: &[u8]| behind.iter().zip(status).all(|(byte, expected)| byte == expected);
        if behind.is_empty() || (awaited && may_begin(b"+OK")) {
            return Ok(());
        }
        if awaited && may_begin(REFUSAL) {
            return match is_short {
                true => Err(Error::new(Kind::BadFormat, "less came than was announced, and then a refusal")),
                false => Ok(()),
            };
        }
        Err(self.out_of_step(trace))
    }

    /// The body of a reply, handed to `piece` from where it lies in the receive buffer, and its size.
    async fn receive_body(
        &mut self,
        ending: Ending,
        announced: Option<u64>,
        piece: &mut dyn FnMut(&[u8]) -> Result<()>,
        trace: &mut Trace<'_>,
    ) -> Result<u64> {
        let mut body = Body::new(ending);
        let mut total: u64 = 0;
        self.received.grow()?;
        self.transport.set_progress(0, announced);
        loop {
            let (what, used) = body.next(self.received.waiting());
            if let Piece::Content(bytes) = what {
                if self.transport.is_cancelled() {
                    return Err(Error::new(Kind::Cancelled, "cancelled by the host"));
                }
                total += bytes.len() as u64;
                self.transport.set_progress(total, announced);
                self.transport.in_host(|| piece(bytes))?;
                self.received.consume(used);
                continue;
            }
            let ended = what == Piece::End;
            self.received.consume(used);
            if ended {
                break;
            }
            self.fill().await?;
        }
        self.transport.report_progress()?;
        trace.note(format_args!("{total} bytes"));
        Ok(total)
    }
}

/// Room for one more message to be deleted.
fn make_room(to_delete: &mut VecDeque<i32>) -> Result<()> {
    shortage::without_reserve(|| to_delete.try_reserve(1))
        .map_err(|_| Error::new(Kind::OutOfMemory, "no memory for the numbers of the messages to be deleted"))
}

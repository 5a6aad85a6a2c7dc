//! Collecting: what is new in a mailbox, each message once. What fetchmail, getmail and mpop do.
//!
//! A run makes a session, asks which messages there are ([`survey`]), takes those that are new, and ends the session
//! by QUIT. It makes another one where a connection breaks, and where there is more to do after deletions were
//! committed. Between sessions it remembers nothing by number, since messages have other numbers in the next one.
//!
//! A message counts as taken when the host has said so to its last piece and the book has it. Only then it may be
//! deleted.

mod header;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::CString;
use std::mem;
use std::time::Duration;

use crate::book::{Book, Look, Taken};
use crate::error::{Error, Kind, Result};
use crate::options::Options;
use crate::session::Client;
use crate::session::collect::header::HeaderDigest;
use crate::session::collect::survey::{Learnt, Survey};
use crate::session::retrieve::{Bulk, Delivery};
use crate::session::trace::Trace;
use crate::session::transport::{Connector, Transport};

/// After how many messages deletions are committed.
const COMMIT_AFTER: usize = 100;
/// After how much time they are.
const COMMIT_WITHIN: Duration = Duration::from_secs(30);

/// How many messages are asked for together.
const AT_ONCE: usize = 100;
/// About how many octets are where nothing is known of the connection's speed, how many at least and at most.
const FIRST_OCTETS: u64 = 4 * 1024 * 1024;
const FEWEST_OCTETS: u64 = 1024 * 1024;
const MOST_OCTETS: u64 = 1024 * 1024 * 1024;

/// How many octets a message may have whose size the server does not list. One without end must not keep out the others.
const LONGEST_UNLISTED: u64 = 2 * 1024 * 1024 * 1024;

/// How long it is waited before the server is connected to once more that did not let us.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// How often a connection may break one after the other, nothing of any message having come.
const FRUITLESS_AT_MESSAGES: u32 = 10;
/// The same, where it is not even a message that was asked for.
const FRUITLESS: u32 = 2;

/// What is to be collected.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Whether the newest message comes first.
    pub newest_first: bool,
    /// How many messages to take at most.
    pub messages: Option<u64>,
    /// How many octets a message may have that is taken.
    pub octets_each: Option<u64>,
    /// How many all of them may have together.
    pub octets_all: Option<u64>,
    /// How many lines of the body are wanted; `None` for whole messages.
    pub lines: Option<i32>,
    /// Whether what was taken is deleted in the same run.
    pub deletes: bool,
    /// Whether a book is kept.
    pub has_book: bool,
}

/// A message that is new.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What tells it from all others, in this session and the next ones.
    pub name: Name,
    /// Its number in this session.
    pub number: i32,
    /// Its octets by LIST; -1 where the server does not say it.
    pub octets: i64,
}

/// What tells a message from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Its unique id, or what stands for it.
    pub uid: CString,
    /// Where others share that, how it looks, and which of those that look the same it is.
    pub shared: Option<(Look, usize)>,
}

/// A unique id as hosts in C are told it.
pub fn c_uid(uid: &[u8]) -> Result<CString> {
    CString::new(uid).map_err(|_| Error::new(Kind::Syntax, "a unique id with a NUL in it"))
}

/// What became of a run, written while it goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Messages taken.
    pub taken: i32,
    /// Messages whose deletion the server has committed.
    pub deleted: i32,
    /// New messages that were left: not wanted, too large, past a limit.
    pub left: i32,
    /// New messages that did not arrive.
    pub failed: i32,
    /// Octets of what was taken.
    pub octets: i64,
    /// How often a broken connection was made again.
    pub reconnects: i32,
}

/// Who takes the messages.
pub trait Host {
    /// Whether this one is wanted now.
    fn wants(&mut self, arrival: &Arrival) -> bool;
    /// The next octets of a message; an error stops everything.
    fn piece(&mut self, arrival: &Arrival, bytes: &[u8]) -> Result<()>;
    /// The message is whole; an error says that the host has not taken it, and stops everything.
    fn whole(&mut self, arrival: &Arrival) -> Result<()>;
    /// The message does not come, or what has come of it is no message; an error stops everything.
    fn failed(&mut self, arrival: &Arrival, error: &Error) -> Result<()>;
}

/// Collects what is new. Whatever it answers, `outcome` says what was done.
pub async fn collect<C: Connector>(
    connector: &mut C,
    options: &Options,
    job: &Job,
    book: &mut dyn Book,
    host: &mut dyn Host,
    outcome: &mut Outcome,
    trace: &mut Trace<'_>,
) -> Result<()> {
    let mut run = Run {
        job,
        book,
        host,
        outcome,
        failed: BTreeSet::new(),
        declined: BTreeSet::new(),
        breaks: BTreeMap::new(),
        fruitless: 0,
        done: (0, 0),
        front: None,
        is_blind: false,
        is_full: false,
        learnt: Learnt::default(),
        deleted: BTreeSet::new(),
        most_left: usize::MAX,
        not_deleted: None,
    };
    let mut client = match Client::open(connector, options, trace).await {
        Err(error) if error.kind() == Kind::ConnectionLost && !connector.is_over() => {
            trace.note(format_args!("once more: {error}"));
            run.outcome.reconnects += 1;
            connect_again(connector, options, trace).await?
        }
        opened => opened?,
    };
    loop {
        let error = match run.session(client, trace).await {
            Ok(true) => {
                client = connect_again(connector, options, trace).await?;
                continue;
            }
            Ok(false) => return run.not_deleted.map_or(Ok(()), Err),
            Err(error) => error,
        };
        let may_go_on = is_break(&error) && !connector.is_over();
        if !may_go_on || !run.broke(&error)? {
            return Err(error);
        }
        trace.note(format_args!("once more: {error}"));
        client = connect_again(connector, options, trace).await?;
        run.outcome.reconnects += 1;
    }
}

/// Connects once more. A server may take a while to let go of a mailbox whose connection has broken.
async fn connect_again<C: Connector>(
    connector: &mut C,
    options: &Options,
    trace: &mut Trace<'_>,
) -> Result<Box<Client<C::Transport>>> {
    for pause in PAUSES {
        let error = match Client::open(connector, options, trace).await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        let may_pass = matches!(error.kind(), Kind::MailboxInUse | Kind::Temporary | Kind::Connect) || is_break(&error);
        if !may_pass || connector.is_over() {
            return Err(error);
        }
        trace.note(format_args!("once more in {} s: {error}", pause.as_secs()));
        connector.pause(pause).await?;
    }
    Client::open(connector, options, trace).await
}

/// Whether it is the connection that failed, or what the server said: another one may go well.
fn is_break(error: &Error) -> bool {
    let may_go_well =
        matches!(error.kind(), Kind::ConnectionLost | Kind::Timeout | Kind::BadFormat | Kind::Secure | Kind::Limit);
    may_go_well && error.ends_session()
}

struct Run<'a> {
    job: &'a Job,
    book: &'a mut dyn Book,
    host: &'a mut dyn Host,
    outcome: &'a mut Outcome,
    /// The messages that did not arrive.
    failed: BTreeSet<Name>,
    /// Those that the host does not want now, or that are too large.
    declined: BTreeSet<Name>,
    /// How often the connection has broken at a message.
    breaks: BTreeMap<Name, u32>,
    /// How many connections have broken one after the other, nothing having been done.
    fruitless: u32,
    /// How many messages had been taken and deleted when the last one broke.
    done: (i32, i32),
    /// The message that was awaited when the session ended.
    front: Option<Front>,
    /// Whether the session that ended can be followed by another one.
    is_blind: bool,
    /// Whether no more octets may be taken.
    is_full: bool,
    learnt: Learnt,
    /// What the server says that it has deleted.
    deleted: BTreeSet<Name>,
    /// How many messages there may be, where nothing tells them apart.
    most_left: usize,
    /// The first refusal to delete something. After it the run deletes nothing more: it might be refused the same again
    /// and again. The next run tries.
    not_deleted: Option<Error>,
}

/// The message on which a connection broke.
struct Front {
    arrival: Arrival,
    /// How many octets of it had come.
    octets: u64,
    /// Whether those were too many.
    is_too_large: bool,
}

impl Run<'_> {
    /// What is done in one session; whether there is more to do in another one.
    async fn session<T: Transport>(&mut self, mut client: Box<Client<T>>, trace: &mut Trace<'_>) -> Result<bool> {
        self.front = None;
        let begin = client.transport.now();
        let survey = survey::survey(&mut client, self.job, &mut *self.book, &mut self.learnt, trace).await?;
        self.is_blind = survey.is_blind;
        if self.keeps_what_was_deleted(&survey) {
            let error = Error::new(Kind::Server, "the server has messages that it said it had deleted");
            self.not_deleted = self.not_deleted.take().or(Some(error));
            if self.is_blind {
                // they would come again, and again
                let _ = client.quit(trace).await;
                return Ok(false);
            }
        }
        let all = survey.new.len();
        let mut new: Vec<_> = survey.new.into_iter().filter(|new| !self.failed.contains(&new.name)).collect();
        if self.job.newest_first {
            new.reverse();
        }
        self.outcome.left = i32::try_from(new.len()).unwrap_or(i32::MAX);
        for (refused, error) in survey.refused {
            if self.failed.insert(refused.name.clone()) {
                self.outcome.failed += 1;
                client.transport.in_host(|| self.host.failed(&refused, &error))?;
            }
        }

        let mut new = new.into_iter().filter(|new| !self.declined.contains(&new.name)).collect::<VecDeque<_>>();
        let deletes = self.job.deletes && self.not_deleted.is_none();
        let mut to_delete = if self.not_deleted.is_none() { survey.due } else { Vec::new() };
        let mut most_octets = if deletes { FIRST_OCTETS } else { MOST_OCTETS };
        while to_delete.len() < COMMIT_AFTER {
            let room = if deletes { COMMIT_AFTER - to_delete.len() } else { AT_ONCE };
            let chosen = client.transport.in_host(|| self.choose(&mut new, room.min(AT_ONCE), most_octets))?;
            if chosen.is_empty() {
                break;
            }
            let (before, octets) = (client.transport.now(), self.outcome.octets);
            let taken = self.take(chosen, &mut client, trace).await?;
            let (after, octets) = (client.transport.now(), self.outcome.octets - octets);
            if deletes {
                to_delete.extend(taken);
                most_octets = within_a_third(octets.unsigned_abs(), after.saturating_duration_since(before));
                if !to_delete.is_empty() && after.saturating_duration_since(begin) >= COMMIT_WITHIN {
                    break;
                }
            }
        }
        let later = to_delete.split_off(to_delete.len().min(COMMIT_AFTER));
        self.most_left = all.saturating_sub(to_delete.len());
        self.commit(client, to_delete, trace).await?;
        let is_deleted = self.not_deleted.is_none();
        let has_more = !new.is_empty() && !self.is_full && !self.has_enough(0);
        // where nothing tells messages apart those that are still there would come again
        Ok((has_more && (is_deleted || !self.is_blind)) || (is_deleted && !later.is_empty()))
    }

    /// Whether the server has what it said it had deleted.
    fn keeps_what_was_deleted(&self, survey: &Survey) -> bool {
        match survey.is_blind {
            true => survey.new.len() > self.most_left,
            false => survey.due.iter().any(|(_, name)| self.deleted.contains(name)),
        }
    }

    /// The next messages to take: of those that the host wants as many as the limits allow.
    fn choose(&mut self, new: &mut VecDeque<Arrival>, most: usize, most_octets: u64) -> Result<Vec<Arrival>> {
        let mut chosen: Vec<Arrival> = Vec::new();
        let mut octets = 0;
        while chosen.len() < most && !self.has_enough(chosen.len()) {
            let Some(next) = new.pop_front() else { break };
            let size = self.size(&next);
            let longest = [self.job.octets_each, self.job.octets_all].into_iter().flatten().min();
            if let Some(longest) = longest.filter(|longest| size > *longest) {
                self.declined.insert(next.name.clone());
                self.host.failed(&next, &too_large(longest))?;
                continue;
            }
            let is_past = |most: u64, before: u64| before.saturating_add(octets).saturating_add(size) > most;
            self.is_full = self.job.octets_all.is_some_and(|most| is_past(most, self.outcome.octets.unsigned_abs()));
            if self.is_full || (is_past(most_octets, 0) && !chosen.is_empty()) {
                new.push_front(next);
                break;
            }
            if !self.host.wants(&next) {
                self.declined.insert(next.name);
                continue;
            }
            octets += size;
            chosen.push(next);
        }
        Ok(chosen)
    }

    /// Takes messages, and says the numbers of those that have been taken.
    async fn take<T: Transport>(
        &mut self,
        chosen: Vec<Arrival>,
        client: &mut Client<T>,
        trace: &mut Trace<'_>,
    ) -> Result<Vec<(i32, Name)>> {
        let lines = self.job.lines;
        let numbers: Vec<_> = chosen.iter().map(|arrival| arrival.number).collect();
        let mut taking = Taking {
            run: self,
            awaited: chosen.into(),
            octets: 0,
            header: HeaderDigest::default(),
            taken: Vec::new(),
            is_too_large: false,
        };
        let ended = match lines {
            None => client.retrieve_many(numbers.into_iter(), false, &mut taking, trace).await,
            Some(lines) => client.tops_many(numbers.into_iter(), lines, &mut taking, trace).await,
        };
        let Taking { awaited, octets, taken, is_too_large, .. } = taking;
        match ended {
            Ok(_) => Ok(taken),
            Err(error) => {
                self.front = awaited.into_iter().next().map(|arrival| Front { arrival, octets, is_too_large });
                Err(error)
            }
        }
    }

    /// Deletes messages and ends the session.
    async fn commit<T: Transport>(
        &mut self,
        mut client: Box<Client<T>>,
        messages: Vec<(i32, Name)>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        client.transport.in_host(|| self.book.settle())?;
        let numbers = messages.iter().map(|(number, _)| *number).collect();
        let Bulk { marked, not_marked, .. } = client.delete_many(numbers, trace).await?;
        let committed = client.quit(trace).await;
        let refused = match committed {
            Ok(()) => {
                self.outcome.deleted += marked;
                self.deleted.extend(messages.into_iter().map(|(_, name)| name));
                not_marked
            }
            // nothing was to be committed, and all is there
            Err(error) if marked == 0 && (is_break(&error) || !error.ends_session()) => not_marked,
            Err(error) if error.ends_session() => return Err(error),
            Err(error) => not_marked.or(Some(error)),
        };
        self.not_deleted = self.not_deleted.take().or(refused);
        Ok(())
    }

    /// What a broken connection means for the message on which it broke; whether to go on.
    fn broke(&mut self, error: &Error) -> Result<bool> {
        let done = (self.outcome.taken, self.outcome.deleted);
        if done != self.done {
            (self.done, self.fruitless) = (done, 0);
        }
        if let Some(octets) = self.learnt.broke_at_header.take() {
            self.count_break(octets > 0);
            return Ok(self.fruitless <= FRUITLESS_AT_MESSAGES);
        }
        let Some(Front { arrival, octets, is_too_large }) = self.front.take() else {
            self.count_break(false);
            return Ok(self.fruitless <= FRUITLESS && !self.is_blind);
        };
        self.count_break(octets > 0);
        let breaks = self.breaks.entry(arrival.name.clone()).or_default();
        *breaks += 1;
        let is_given_up = *breaks >= 2 || is_too_large;
        if is_too_large {
            self.declined.insert(arrival.name.clone());
        } else if is_given_up {
            self.fail(&arrival);
        }
        if is_given_up || octets > 0 {
            self.host.failed(&arrival, error)?;
        }
        Ok(self.fruitless <= FRUITLESS_AT_MESSAGES && !self.is_blind)
    }

    /// A connection has broken at which something of what was awaited had come, or nothing.
    fn count_break(&mut self, has_come: bool) {
        self.fruitless = if has_come { 0 } else { self.fruitless + 1 };
    }

    /// Whether so many more messages are all that may be taken.
    fn has_enough(&self, more: usize) -> bool {
        let taken = u64::from(self.outcome.taken.unsigned_abs()).saturating_add(more as u64);
        self.job.messages.is_some_and(|most| taken >= most)
    }

    /// How many octets of a message are expected; those of a header are nobody's to know.
    fn size(&self, arrival: &Arrival) -> u64 {
        match self.job.lines {
            None => u64::try_from(arrival.octets).unwrap_or(0),
            Some(_) => 0,
        }
    }

    /// That a new message does not arrive.
    fn fail(&mut self, arrival: &Arrival) {
        self.failed.insert(arrival.name.clone());
        self.outcome.failed += 1;
        self.outcome.left -= 1;
    }
}

/// Where the messages of a session go: to the host, and when it has them into the book.
struct Taking<'r, 'a> {
    run: &'r mut Run<'a>,
    /// The messages that have been asked for, in the order in which they come.
    awaited: VecDeque<Arrival>,
    /// How many octets of the first one have come.
    octets: u64,
    header: HeaderDigest,
    taken: Vec<(i32, Name)>,
    is_too_large: bool,
}

impl Taking<'_, '_> {
    /// How many octets a message may have that is said to have so many.
    fn longest(&self, arrival: &Arrival) -> u64 {
        let endless = match u64::try_from(arrival.octets) {
            Ok(octets) => octets.saturating_mul(16).saturating_add(16 * 1024 * 1024),
            Err(_) => LONGEST_UNLISTED,
        };
        self.run.job.octets_each.unwrap_or(u64::MAX).min(endless)
    }
}

impl Delivery for Taking<'_, '_> {
    fn piece(&mut self, _: i32, bytes: &[u8]) -> Result<()> {
        let Some(arrival) = self.awaited.front() else { return Err(nobody_waits()) };
        self.octets += bytes.len() as u64;
        let longest = self.longest(arrival);
        if self.octets > longest {
            self.is_too_large = self.run.job.octets_each == Some(longest);
            return Err(too_large(longest));
        }
        self.header.add(bytes);
        self.run.host.piece(arrival, bytes)
    }

    fn whole(&mut self, number: i32) -> Result<()> {
        let Some(arrival) = self.awaited.front() else { return Err(nobody_waits()) };
        self.run.host.whole(arrival)?;
        let header = mem::take(&mut self.header).finish();
        let came = Look { octets: i64::try_from(self.octets).ok(), header: Some(header) };
        if !self.run.is_blind {
            let Name { uid, shared } = &arrival.name;
            let (look, copy) = shared.map_or((came, None), |(look, copy)| (look, Some(copy)));
            self.run.book.add(&Taken { uid: uid.to_bytes(), look, copy })?;
        }
        let outcome = &mut *self.run.outcome;
        outcome.taken += 1;
        outcome.left -= 1;
        outcome.octets = outcome.octets.saturating_add_unsigned(self.octets);
        self.octets = 0;
        self.taken.extend(self.awaited.pop_front().map(|arrival| (number, arrival.name)));
        Ok(())
    }

    fn refused(&mut self, _: i32, error: &Error) -> Result<()> {
        if error.kind() == Kind::Unsupported {
            // of no message then, whatever is done with this answer
            return Err(Error::new(Kind::Unsupported, error.to_string()));
        }
        let Some(arrival) = self.awaited.pop_front() else { return Err(nobody_waits()) };
        self.run.fail(&arrival);
        self.run.host.failed(&arrival, error)
    }
}

/// About how many octets come in a third of the time within which deletions are committed.
fn within_a_third(octets: u64, time: Duration) -> u64 {
    let third = u128::from(octets) * (COMMIT_WITHIN / 3).as_micros() / time.as_micros().max(1);
    u64::try_from(third).unwrap_or(MOST_OCTETS).clamp(FEWEST_OCTETS, MOST_OCTETS)
}

fn too_large(longest: u64) -> Error {
    Error::new(Kind::Limit, format!("a message of more than {longest} octets"))
}

fn nobody_waits() -> Error {
    Error::new(Kind::Internal, "a message came that was not asked for")
}

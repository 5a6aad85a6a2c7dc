//! The commands with short answers (RFC 1939, section 5; UIDL: section 7; CAPA: RFC 2449).

use crate::client::{Client, memory};
use crate::error::{Error, Kind, Result};
use crate::proto::command::Command;
use crate::proto::listing::{Capabilities, Stat, scan_listing, scan_listing_of, unique_id_listing, unique_id_of};
use crate::shortage;
use crate::trace::Trace;

/// How many entries a list may have.
pub const MAX_ENTRIES: usize = 1_000_000;

/// How many octets the unique ids of a list may have together.
pub const MAX_UNIQUE_IDS: usize = 256 * 1024 * 1024;

/// Unique ids, their texts one behind the other.
#[derive(Default)]
pub struct UniqueIds {
    /// The number of each message, and where its unique id ends in `text`.
    pub entries: Vec<(i32, usize)>,
    /// The unique ids.
    pub text: Vec<u8>,
}

impl Client {
    /// How many messages the mailbox holds, those marked as deleted included.
    pub fn message_count(&mut self, trace: &mut Trace<'_>) -> Result<i32> {
        let marked = i32::try_from(self.marked.len()).unwrap_or(i32::MAX);
        self.stat(trace).map(|stat| stat.count.saturating_add(marked))
    }

    /// What the server says of the mailbox: the messages that are not marked, and their octets.
    pub fn stat(&mut self, trace: &mut Trace<'_>) -> Result<Stat> {
        let line = self.exchange(&Command::STAT, trace)?;
        let text = line.accepted(Kind::Server, "STAT was refused")?;
        line.tell(Stat::parse(text))
    }

    /// The messages that are not marked, or one of them: number and octets.
    pub fn list(&mut self, number: Option<i32>, trace: &mut Trace<'_>) -> Result<Vec<(i32, i64)>> {
        if let Some(number) = number {
            let line = self.exchange(&Command::list(number), trace)?;
            let text = line.accepted(Kind::Server, "LIST was refused")?;
            return line.tell(scan_listing_of(number, text)).map(|entry| vec![entry]);
        }
        let mut entries = Vec::new();
        self.listing(&Command::LIST, Kind::Server, trace, |line| {
            make_room(&mut entries)?;
            entries.push(scan_listing(line)?);
            Ok(())
        })?;
        Ok(entries)
    }

    /// The unique ids of the messages that are not marked, or of one of them.
    pub fn unique_ids(&mut self, number: Option<i32>, trace: &mut Trace<'_>) -> Result<UniqueIds> {
        let refused = self.refusal_of("UIDL");
        let mut ids = UniqueIds::default();
        if let Some(number) = number {
            let line = self.exchange(&Command::uidl(number), trace)?;
            let text = line.accepted(refused, "UIDL was refused")?;
            line.tell(unique_id_of(number, text).and_then(|id| ids.add(id)))?;
        } else {
            self.listing(&Command::UIDL, refused, trace, |line| ids.add(unique_id_listing(line)?))?;
        }
        self.proven.insert("UIDL");
        Ok(ids)
    }

    /// Marks a message as deleted; the server deletes it at QUIT.
    pub fn delete(&mut self, number: i32, trace: &mut Trace<'_>) -> Result<()> {
        self.simple(&Command::dele(number), trace)?;
        self.marked.insert(number);
        Ok(())
    }

    /// Takes every mark back.
    pub fn undo_deletes(&mut self, trace: &mut Trace<'_>) -> Result<()> {
        self.simple(&Command::RSET, trace)?;
        self.marked.clear();
        Ok(())
    }

    /// Does nothing, by way of the server.
    pub fn noop(&mut self, trace: &mut Trace<'_>) -> Result<()> {
        self.simple(&Command::NOOP, trace)
    }

    /// What the server says it can do in this state.
    pub fn capabilities(&mut self, trace: &mut Trace<'_>) -> Result<&Capabilities> {
        self.asked_after_log_in = true;
        let capabilities = self.ask_capabilities(trace)?;
        memory::learn_after(&self.key, &capabilities);
        Ok(self.capabilities.insert(capabilities))
    }

    /// What it means that the server refuses a command that is optional: that it lacks it, unless it has said or shown
    /// otherwise.
    pub(super) fn refusal_of(&self, capability: &str) -> Kind {
        let listed = self.capabilities.as_ref().is_some_and(|capabilities| capabilities.has(capability));
        if listed || self.proven.contains(capability) { Kind::Server } else { Kind::Unsupported }
    }

    fn simple(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<()> {
        let line = self.exchange(command, trace)?;
        line.accepted(Kind::Server, &format!("{} was refused", command.name())).map(drop)
    }

    fn listing(
        &mut self,
        command: &Command<'_>,
        refused: Kind,
        trace: &mut Trace<'_>,
        each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let line = self.exchange(command, trace)?;
        let ending = line.ending;
        line.accepted(refused, &format!("{} was refused", command.name()))?;
        self.receive_listing(ending, trace, each).map_err(|error| error.during(command.name()))
    }
}

impl UniqueIds {
    fn add(&mut self, (number, uid): (i32, &[u8])) -> Result<()> {
        make_room(&mut self.entries)?;
        if self.text.len() + uid.len() > MAX_UNIQUE_IDS {
            let text = format!("the server listed unique ids of more than {MAX_UNIQUE_IDS} octets");
            return Err(Error::new(Kind::Limit, text));
        }
        shortage::may_fail(|| self.text.try_reserve(uid.len())).map_err(|_| no_room())?;
        self.text.extend_from_slice(uid);
        self.entries.push((number, self.text.len()));
        Ok(())
    }

    /// Each number with its unique id.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &[u8])> {
        let starts = std::iter::once(0).chain(self.entries.iter().map(|(_, end)| *end));
        self.entries.iter().zip(starts).map(|((number, end), start)| (*number, &self.text[start..*end]))
    }
}

/// Room for one more entry, by what has come, never by what the server claims.
fn make_room<T>(entries: &mut Vec<T>) -> Result<()> {
    if entries.len() == MAX_ENTRIES {
        return Err(Error::new(Kind::Limit, format!("the server listed more than {MAX_ENTRIES} messages")));
    }
    shortage::may_fail(|| entries.try_reserve(1)).map_err(|_| no_room())
}

fn no_room() -> Error {
    Error::new(Kind::OutOfMemory, "no memory for the list")
}

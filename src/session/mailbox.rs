//! The commands with short answers (RFC 1939, section 5; UIDL: section 7; CAPA: RFC 2449).

use crate::error::{Error, Kind, Result};
use crate::proto::command::Command;
use crate::proto::framing::Ending;
use crate::proto::listing::{
    Capabilities, Stat, is_blank, scan_listing, scan_listing_of, unique_id_listing, unique_id_of,
};
use crate::session::by_uid::ByUid;
use crate::session::trace::Trace;
use crate::session::transport::Transport;
use crate::session::{Client, server_cache};
use crate::shortage;

/// How many lines a list may have, whatever is in them.
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
    /// Whether these are all that the server listed, no line left out.
    pub are_all: bool,
}

impl<T: Transport> Client<T> {
    /// How many messages the mailbox holds, those marked as deleted included.
    pub async fn message_count(&mut self, trace: &mut Trace<'_>) -> Result<i32> {
        let stat = self.stat(trace).await?;
        Ok(self.marks.total(stat.count))
    }

    /// What the server says of the mailbox: the messages that are not marked, and their octets.
    pub async fn stat(&mut self, trace: &mut Trace<'_>) -> Result<Stat> {
        let line = self.exchange_short(&Command::STAT, trace).await?;
        let text = line.accepted(Kind::Server, "STAT was refused")?;
        let stat = line.with_reply(Stat::parse(text))?;
        self.marks.learn_from_stat(stat.count);
        Ok(stat)
    }

    /// The messages that are not marked, or one of them: number and octets.
    pub async fn list(&mut self, number: Option<i32>, trace: &mut Trace<'_>) -> Result<Vec<(i32, i64)>> {
        if let Some(number) = number {
            let line = self.exchange_short(&Command::list(number), trace).await?;
            let text = line.accepted(Kind::Server, "LIST was refused")?;
            let told = line.with_reply(scan_listing_of(number, text));
            let mut listed = None;
            self.list_behind(trace, |line| {
                let entry = scan_listing(line)?;
                listed = listed.or(Some(entry).filter(|entry| entry.0 == number));
                Ok(())
            })
            .await?;
            return listed.map_or(told, Ok).map(|entry| vec![entry]);
        }
        let mut entries = Vec::new();
        let is_whole = self
            .listing(&Command::LIST, Kind::Server, trace, |line| {
                let entry = scan_listing(line)?;
                make_room(&mut entries)?;
                entries.push(entry);
                Ok(())
            })
            .await?;
        if is_whole {
            self.marks.learn_from_list(entries.iter().map(|(number, _)| *number));
        }
        self.sizes.learn(&entries);
        Ok(entries)
    }

    /// The numbers of the messages that are not marked, in the server's order. They come of LIST, since some mailboxes
    /// have gaps; of a server that refuses it they are counted.
    pub async fn numbers(&mut self, trace: &mut Trace<'_>) -> Result<Box<dyn ExactSizeIterator<Item = i32>>> {
        match self.list(None, trace).await {
            Ok(entries) => Ok(Box::new(entries.into_iter().map(|(number, _)| number))),
            Err(error) if error.ends_session() => Err(error),
            // counted, never listed: the number is the server's, and may be any
            Err(_) => self.stat(trace).await.map(|stat| Box::new((0..stat.count).map(|before| before + 1)) as _),
        }
    }

    /// The unique ids of the messages that are not marked, or of one of them.
    pub async fn unique_ids(&mut self, number: Option<i32>, trace: &mut Trace<'_>) -> Result<UniqueIds> {
        let refused = self.refusal_of("UIDL");
        let mut ids = UniqueIds::default();
        if let Some(number) = number {
            let line = self.exchange_short(&Command::uidl(number), trace).await?;
            let text = line.accepted(refused, "UIDL was refused")?;
            let told = line.with_reply(unique_id_of(number, text).and_then(|id| ids.add(id)));
            let mut listed = UniqueIds::default();
            self.list_behind(trace, |line| {
                let id = unique_id_listing(line)?;
                if id.0 == number && listed.entries.is_empty() { listed.add(id) } else { Ok(()) }
            })
            .await?;
            match listed.entries.is_empty() {
                true => told?,
                false => ids = listed,
            }
        } else {
            let is_whole =
                self.listing(&Command::UIDL, refused, trace, |line| ids.add(unique_id_listing(line)?)).await?;
            if is_whole {
                self.marks.learn_from_list(ids.entries.iter().map(|(number, _)| *number));
            }
            ids.are_all = is_whole;
        }
        self.proven.insert("UIDL");
        Ok(ids)
    }

    /// The number of the message that alone has that unique id. A message marked as deleted has none, as by RFC 1939.
    pub async fn number_of(&mut self, uid: &[u8], trace: &mut Trace<'_>) -> Result<i32> {
        let number = match &self.by_uid {
            Some(by_uid) => by_uid.number_of(uid)?,
            None => {
                let ids = self.unique_ids(None, trace).await?;
                self.by_uid.insert(ByUid::new(ids)?).number_of(uid)?
            }
        };
        match self.marks.has(number) {
            true => Err(Error::new(Kind::Server, "the message with that unique id is marked as deleted")),
            false => Ok(number),
        }
    }

    /// Marks a message as deleted; the server deletes it at QUIT.
    pub async fn delete(&mut self, number: i32, trace: &mut Trace<'_>) -> Result<()> {
        self.marks.make_room(1)?;
        self.simple(&Command::dele(number), trace).await?;
        self.marks.add(number);
        Ok(())
    }

    /// Takes every mark back.
    pub async fn undo_deletes(&mut self, trace: &mut Trace<'_>) -> Result<()> {
        self.simple(&Command::RSET, trace).await?;
        self.marks.clear();
        // a list that was asked for behind a mark lacks what is there again
        self.by_uid = None;
        Ok(())
    }

    /// Does nothing, by way of the server.
    pub async fn noop(&mut self, trace: &mut Trace<'_>) -> Result<()> {
        self.simple(&Command::NOOP, trace).await
    }

    /// What the server says it can do in this state.
    pub async fn capabilities(&mut self, trace: &mut Trace<'_>) -> Result<&Capabilities> {
        self.asked_after_log_in = true;
        let capabilities = self.ask_capabilities(trace).await?;
        server_cache::store_after_log_in(&self.key, &capabilities);
        Ok(self.capabilities.insert(capabilities))
    }

    /// What it means that the server refuses a command that is optional: that it lacks it, unless it has said or shown
    /// otherwise.
    pub(super) fn refusal_of(&self, capability: &str) -> Kind {
        let listed = self.capabilities.as_ref().is_some_and(|capabilities| capabilities.has(capability));
        if listed || self.proven.contains(capability) { Kind::Server } else { Kind::Unsupported }
    }

    async fn simple(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<()> {
        let line = self.exchange_short(command, trace).await?;
        line.accepted(Kind::Server, &format!("{} was refused", command.name())).map(drop)
    }

    /// A list of messages, each line of it handed to `each`; whether every line was understood.
    async fn listing(
        &mut self,
        command: &Command<'_>,
        refused: Kind,
        trace: &mut Trace<'_>,
        each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<bool> {
        let line = self.exchange(command, trace).await?;
        let ending = line.ending;
        line.accepted(refused, &format!("{} was refused", command.name()))?;
        self.entries(ending, trace, each).await.map_err(|error| error.during(command.name()))
    }

    /// A list where an answer of one line was due, if it has come whole; some servers list for one message too.
    async fn list_behind(&mut self, trace: &mut Trace<'_>, each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.may_be_followed_by_list();
        match self.received.has_list() {
            Some(ending) => self.entries(ending, trace, each).await.map(drop),
            None => Ok(()),
        }
    }

    /// The lines of a list of messages. What is no entry is left out, not the whole list with it.
    async fn entries(
        &mut self,
        ending: Ending,
        trace: &mut Trace<'_>,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<bool> {
        let (mut lines, mut is_whole) = (0, true);
        self.receive_listing(ending, trace, |line, trace| {
            lines += 1;
            if lines > MAX_ENTRIES {
                return Err(Error::new(Kind::Limit, format!("the server listed more than {MAX_ENTRIES} lines")));
            }
            match each(line) {
                Err(error) if error.ends_session() => return Err(error),
                Err(error) if !is_blank(line) => {
                    trace.note(format_args!("left out: {error}"));
                    is_whole = false;
                }
                _ => {}
            }
            Ok(())
        })
        .await?;
        Ok(is_whole)
    }
}

impl UniqueIds {
    /// One more.
    pub fn add(&mut self, (number, uid): (i32, &[u8])) -> Result<()> {
        make_room(&mut self.entries)?;
        if self.text.len() + uid.len() > MAX_UNIQUE_IDS {
            let text = format!("the server listed unique ids of more than {MAX_UNIQUE_IDS} octets");
            return Err(Error::new(Kind::Limit, text));
        }
        shortage::without_reserve(|| self.text.try_reserve(uid.len())).map_err(|_| no_room())?;
        self.text.extend_from_slice(uid);
        self.entries.push((number, self.text.len()));
        Ok(())
    }

    /// Each number with its unique id.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &[u8])> {
        (0..).take(self.entries.len()).map(|at| self.at(at))
    }

    /// The number and the unique id of one entry.
    pub(super) fn at(&self, index: u32) -> (i32, &[u8]) {
        let index = index as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.entries[before].1);
        let (number, end) = self.entries[index];
        (number, &self.text[start..end])
    }

    /// Makes one blank of several that stand together, in each id: some servers change them from one session to the next.
    pub(super) fn unify_blanks(&mut self) {
        let (mut from, mut to) = (0, 0);
        for (_, end) in &mut self.entries {
            let mut is_behind_blank = false;
            while from < *end {
                let byte = self.text[from];
                let is_blank = byte.is_ascii_whitespace();
                if !is_blank || !is_behind_blank {
                    self.text[to] = if is_blank { b' ' } else { byte };
                    to += 1;
                }
                is_behind_blank = is_blank;
                from += 1;
            }
            *end = to;
        }
        self.text.truncate(to);
    }
}

/// Room for one more entry, by what has come, never by what the server claims.
fn make_room<T>(entries: &mut Vec<T>) -> Result<()> {
    shortage::without_reserve(|| entries.try_reserve(1)).map_err(|_| no_room())
}

fn no_room() -> Error {
    Error::new(Kind::OutOfMemory, "no memory for the list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_have_a_limit_together() {
        // never touched, so never there
        let mut ids = UniqueIds { text: vec![0; MAX_UNIQUE_IDS - 1], ..UniqueIds::default() };
        assert_eq!(ids.add((1, b"ab")).unwrap_err().kind(), Kind::Limit);
        ids.add((1, b"a")).unwrap();
        assert_eq!(ids.add((2, b"b")).unwrap_err().kind(), Kind::Limit);
        assert_eq!(ids.entries, [(1, MAX_UNIQUE_IDS)]);
    }
}

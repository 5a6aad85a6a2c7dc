//! What was taken of a mailbox: the unique ids of messages that the host has, kept beyond a run.
//!
//! This file says what collecting asks of a book; `file` is one in a file of SQLite. A host may have its own.

#[cfg(feature = "book")]
pub mod file;
#[cfg(feature = "book")]
mod lock;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// What is known of a unique id that the server lists once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// No message with it was taken.
    New,
    /// Its message was taken.
    Taken(Age),
    /// More than one message had it: which one this is must be looked at.
    Shared,
}

/// Whether a message that was taken is to stay on the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Age {
    /// It is to stay.
    #[default]
    Stays,
    /// It was taken so long ago that it may be deleted.
    Due,
}

/// What tells messages with the same unique id apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look {
    /// The octets that LIST says; `None` where it says none.
    pub octets: Option<i64>,
    /// SHA-256 over the header; `None` where the server gives none for itself.
    pub header: Option<[u8; 32]>,
}

/// A message that has been taken.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// Its unique id.
    pub uid: &'a [u8],
    /// Of one that shares its unique id with others of the mailbox, what tells it from them. Of any other what would,
    /// as far as it is known.
    pub look: Look,
    /// Where it shares its unique id, which of those that look the same it is, from 0.
    pub copy: Option<usize>,
}

/// Where the unique ids of one account are.
pub trait Book {
    /// What is known of these unique ids, each of which the server lists once, in the order of their octets. Where
    /// they are all that the server lists besides `shared`, in that order too, any other one is gone from there.
    fn look_up(&mut self, uids: &[&[u8]], shared: &[&[u8]], are_all: bool) -> Result<Vec<Known>>;

    /// The messages that were taken with that unique id when they shared it, and look like this, of which the server
    /// lists so many: those to be deleted first.
    fn look_up_shared(&mut self, uid: &[u8], look: &Look, listed: usize) -> Result<Vec<Age>>;

    /// The message that was taken when it was alone with that unique id, and has that header: the octets that came.
    fn look_up_alone(&mut self, uid: &[u8], header: Option<[u8; 32]>) -> Result<Option<(Option<i64>, Age)>>;

    /// That a message was taken: a process that is killed after this returns has left it in the book.
    fn add(&mut self, taken: &Taken<'_>) -> Result<()>;

    /// What was added is on disk when this returns: what is deleted then is in the book after a power cut too.
    fn settle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Waits for so long; an error past the time of the call, or where the host wants no more.
pub type Pause = Box<dyn FnMut(Duration) -> Result<()>>;

/// That only one run at a time collects from an account into a book.
pub fn in_use() -> Error {
    Error::new(Kind::MailboxInUse, "another run collects from this account into this book")
}

/// The book of a host that keeps none: what was taken in one run, since a broken connection begins that anew.
#[derive(Default)]
pub struct RunBook {
    alone: BTreeMap<Vec<u8>, Look>,
    /// How many there are of those that share a unique id and look the same.
    shared: BTreeMap<(Vec<u8>, Look), usize>,
    age: Age,
}

impl RunBook {
    /// One in which what was taken is of that age.
    pub fn new(age: Age) -> RunBook {
        RunBook { age, ..RunBook::default() }
    }

    fn has_shared(&self, uid: &[u8]) -> bool {
        let least = Look { octets: None, header: None };
        self.shared.range((uid.to_vec(), least)..).next().is_some_and(|((next, _), _)| next == uid)
    }
}

impl Book for RunBook {
    fn look_up(&mut self, uids: &[&[u8]], _: &[&[u8]], _: bool) -> Result<Vec<Known>> {
        let known = uids.iter().map(|uid| match self.alone.contains_key(*uid) {
            _ if self.has_shared(uid) => Known::Shared,
            true => Known::Taken(self.age),
            false => Known::New,
        });
        Ok(known.collect())
    }

    fn look_up_shared(&mut self, uid: &[u8], look: &Look, _: usize) -> Result<Vec<Age>> {
        let taken = self.shared.get(&(uid.to_vec(), *look));
        Ok(vec![self.age; taken.copied().unwrap_or_default()])
    }

    fn look_up_alone(&mut self, uid: &[u8], header: Option<[u8; 32]>) -> Result<Option<(Option<i64>, Age)>> {
        let alone = self.alone.get(uid).filter(|taken| taken.header == header);
        Ok(alone.map(|taken| (taken.octets, self.age)))
    }

    fn add(&mut self, taken: &Taken<'_>) -> Result<()> {
        let uid = taken.uid.to_vec();
        match taken.copy {
            None => drop(self.alone.insert(uid, taken.look)),
            Some(_) => *self.shared.entry((uid, taken.look)).or_default() += 1,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_has_taken() {
        let look = |octets, header| Look { octets: Some(octets), header: Some([header; 32]) };
        let mut book = RunBook::new(Age::Due);
        book.add(&Taken { uid: b"b", look: look(1, 1), copy: None }).unwrap();
        for (copy, uid) in [(0, b"c"), (1, b"c"), (0, b"d")] {
            book.add(&Taken { uid, look: look(2, 2), copy: Some(copy) }).unwrap();
        }
        let taken = Known::Taken(Age::Due);
        let known = book.look_up(&[b"a", b"b", b"c", b"d", b"e"], &[], true).unwrap();
        assert_eq!(known, [Known::New, taken, Known::Shared, Known::Shared, Known::New]);
        let mut shared = |uid: &[u8], look| book.look_up_shared(uid, &look, 9).unwrap();
        assert_eq!(shared(b"c", look(2, 2)), [Age::Due; 2]);
        assert_eq!(shared(b"d", look(2, 2)), [Age::Due]);
        assert!(shared(b"c", look(1, 2)).is_empty() && shared(b"c", look(2, 1)).is_empty());
        assert!(shared(b"b", look(1, 1)).is_empty());
        assert_eq!(book.look_up_alone(b"b", Some([1; 32])).unwrap(), Some((Some(1), Age::Due)));
        assert_eq!(book.look_up_alone(b"b", Some([2; 32])).unwrap(), None);
        assert_eq!(book.look_up_alone(b"c", Some([2; 32])).unwrap(), None);
        // one that was alone, and another that has come to it
        book.add(&Taken { uid: b"b", look: look(2, 2), copy: Some(0) }).unwrap();
        assert_eq!(book.look_up(&[b"b"], &[], true).unwrap(), [Known::Shared]);
    }
}

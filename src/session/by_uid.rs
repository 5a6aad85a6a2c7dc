//! The messages of a session by their unique ids.
//!
//! The mailbox is locked while a session lasts (RFC 1939, section 4), so one list is enough for all look-ups. An id is the
//! same however many blanks stand between its words, since the host may have it from an earlier session. Two messages with the same id are told apart by nothing, so neither is taken.

use crate::error::{Error, Kind, Result};
use crate::session::mailbox::UniqueIds;
use crate::shortage;

/// A whole list of unique ids, to be looked up.
pub struct ByUid {
    /// With one blank between words.
    ids: UniqueIds,
    /// Where they are in the list, in the order of the ids.
    order: Vec<u32>,
}

impl ByUid {
    /// Of the list that UIDL gave.
    pub fn new(mut ids: UniqueIds) -> Result<ByUid> {
        ids.unify_blanks();
        let mut order = Vec::new();
        shortage::without_reserve(|| order.try_reserve_exact(ids.entries.len()))
            .map_err(|_| Error::new(Kind::OutOfMemory, "no memory for the order of the unique ids"))?;
        order.extend((0..).take(ids.entries.len()));
        order.sort_unstable_by(|one, other| ids.at(*one).1.cmp(ids.at(*other).1));
        Ok(ByUid { ids, order })
    }

    /// The number of the message that alone has that id.
    pub fn number_of(&self, uid: &[u8]) -> Result<i32> {
        let words: Vec<_> = uid.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
        let uid = words.join(&b' ');
        let begin = self.order.partition_point(|at| self.ids.at(*at).1 < &uid[..]);
        let mut numbers = self.order[begin..]
            .iter()
            .map(|at| self.ids.at(*at))
            .take_while(|(_, id)| *id == uid)
            .map(|(number, _)| number);
        let number = numbers.next().ok_or_else(|| Error::new(Kind::Server, "no message has that unique id"))?;
        match numbers.find(|other| *other != number) {
            None => Ok(number),
            Some(other) => {
                let text = format!("messages {number} and {other} have the same unique id, so neither is taken");
                Err(Error::new(Kind::Server, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_up(listed: &[(i32, &str)], uid: &str) -> Result<i32, String> {
        let mut ids = UniqueIds::default();
        for (number, uid) in listed {
            ids.add((*number, uid.as_bytes())).unwrap();
        }
        ByUid::new(ids).unwrap().number_of(uid.as_bytes()).map_err(|error| {
            assert_eq!(error.kind(), Kind::Server);
            error.to_string()
        })
    }

    #[test]
    fn ids_are_found_whatever_their_order_and_blanks() {
        let listed =
            [(7, "b"), (1, "bb"), (3, "a"), (4, "Mon  10:01"), (5, "Mon 10:02"), (6, "Mon\t10:03"), (9, "Mon10:01")];
        for (number, uid) in listed {
            assert_eq!(look_up(&listed, uid), Ok(number), "{uid}");
        }
        for (uid, number) in [("Mon 10:01", 4), (" Mon\t 10:02  ", 5), ("Mon 10:03", 6)] {
            assert_eq!(look_up(&listed, uid), Ok(number), "{uid}");
        }
        for uid in ["c", "A", "Mon", "", "M", "Mon 10:0", "aa", "10:01"] {
            assert_eq!(look_up(&listed, uid), Err("no message has that unique id".to_owned()), "{uid}");
        }
        assert_eq!(look_up(&[], "a"), Err("no message has that unique id".to_owned()));
    }

    #[test]
    fn of_two_messages_with_one_id_none_is_taken() {
        let listed = [(2, "b c"), (1, "a"), (3, "b  c"), (4, "d"), (4, "d")];
        let shared = look_up(&listed, "b c").unwrap_err();
        assert!(shared.contains("have the same unique id") && shared.contains('2') && shared.contains('3'), "{shared}");
        assert_eq!(look_up(&listed, "a"), Ok(1));
        // a message that is listed twice is one
        assert_eq!(look_up(&listed, "d"), Ok(4));
    }
}

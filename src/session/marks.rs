//! Which messages of a session are marked as deleted, and how many there are with them.
//!
//! The mailbox is locked while a session lasts (RFC 1939, section 4), so how many messages it holds, the marked ones
//! included, never changes. Most servers leave the marked ones out of what STAT counts, as they must, and some do not:
//! only what was said before there were marks, or by a list, tells which it is.

use crate::error::{Error, Kind, Result};
use crate::shortage;

/// How many stretches of marked messages a session may have.
const MAX_STRETCHES: usize = 1_000_000;

/// The messages marked as deleted, as far as this session marked them, and how many messages there are.
#[derive(Default)]
pub struct Marks {
    /// The marked numbers, as stretches of neighbours: the first and the last of each, in order, none touching the next.
    stretches: Vec<(i32, i32)>,
    count: usize,
    /// How many messages there are, the marked ones included, where that is known.
    total: Option<usize>,
}

impl Marks {
    /// Makes sure that so many more marks can be kept.
    pub fn make_room(&mut self, marks: usize) -> Result<()> {
        if self.stretches.len() + marks > MAX_STRETCHES {
            let text = format!("the messages marked as deleted have more than {MAX_STRETCHES} gaps between them");
            return Err(Error::new(Kind::Limit, text));
        }
        shortage::without_reserve(|| self.stretches.try_reserve(marks))
            .map_err(|_| Error::new(Kind::OutOfMemory, "no memory for the marks of deleted messages"))
    }

    /// That a message is marked now. Room must have been made for it.
    pub fn add(&mut self, number: i32) {
        let at = self.stretches.partition_point(|(_, last)| *last < number);
        if self.stretches.get(at).is_some_and(|(first, _)| *first <= number) {
            return;
        }
        self.count += 1;
        let joins_before = at > 0 && self.stretches[at - 1].1 == number - 1;
        // the number above the largest is none
        let joins_after = self.stretches.get(at).is_some_and(|(first, _)| first - 1 == number);
        match (joins_before, joins_after) {
            (true, true) => {
                self.stretches[at - 1].1 = self.stretches[at].1;
                self.stretches.remove(at);
            }
            (true, false) => self.stretches[at - 1].1 = number,
            (false, true) => self.stretches[at].0 = number,
            (false, false) => self.stretches.insert(at, (number, number)),
        }
    }

    /// That none is marked any more. How many messages there are stays.
    pub fn clear(&mut self) {
        self.stretches = Vec::new();
        self.count = 0;
    }

    /// That STAT says that there are so many messages.
    pub fn learn_from_stat(&mut self, told: i32) {
        if self.count == 0 {
            self.total = usize::try_from(told).ok();
        }
    }

    /// How many messages there are, the marked ones included, where STAT says that there are so many.
    ///
    /// Where nothing is known the server is believed to leave the marked ones out, as RFC 1939 wants it.
    pub fn total(&self, told: i32) -> i32 {
        if self.total.is_some() && self.total == usize::try_from(told).ok() {
            return told;
        }
        told.saturating_add(i32::try_from(self.count).unwrap_or(i32::MAX))
    }

    /// What a whole list says: `listed` are the numbers in it. Servers that list the marked ones are known as well.
    pub fn learn_from_list(&mut self, listed: impl Iterator<Item = i32>) {
        let unmarked = listed.filter(|number| !self.has(*number)).count();
        self.total = Some(unmarked + self.count);
    }

    /// Whether that message is marked.
    pub fn has(&self, number: i32) -> bool {
        let at = self.stretches.partition_point(|(_, last)| *last < number);
        self.stretches.get(at).is_some_and(|(first, _)| *first <= number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(numbers: &[i32]) -> Marks {
        let mut marks = Marks::default();
        for number in numbers {
            marks.make_room(1).unwrap();
            marks.add(*number);
        }
        marks
    }

    #[test]
    fn neighbours_are_one_stretch() {
        for (numbers, stretches) in [
            (&[1, 2, 3][..], &[(1, 3)][..]),
            (&[3, 2, 1], &[(1, 3)]),
            (&[1, 3, 2], &[(1, 3)]),
            (&[5, 1, 9, 1, 5], &[(1, 1), (5, 5), (9, 9)]),
            (&[5, 6, 4, 5, 8], &[(4, 6), (8, 8)]),
            (&[i32::MAX, 1, i32::MAX - 1], &[(1, 1), (i32::MAX - 1, i32::MAX)]),
        ] {
            let marks = marked(numbers);
            assert_eq!(marks.stretches, stretches, "{numbers:?}");
            assert_eq!(marks.count, stretches.iter().map(|(first, last)| (last - first + 1) as usize).sum::<usize>());
            assert!(numbers.iter().all(|number| marks.has(*number)));
            assert!(!marks.has(7) && !marks.has(2_000_000));
        }
    }

    #[test]
    fn marks_without_end_are_refused() {
        let mut marks = Marks::default();
        let result = (1..=i32::MAX).step_by(2).try_for_each(|number| {
            marks.make_room(1)?;
            marks.add(number);
            Ok(())
        });
        assert_eq!(result.map_err(|error: Error| error.kind()), Err(Kind::Limit));
        assert_eq!(marks.count, MAX_STRETCHES);
        assert_eq!(marked(&[1]).make_room(MAX_STRETCHES).unwrap_err().kind(), Kind::Limit);
    }

    #[test]
    fn what_stat_counts() {
        // nothing is known: the marked ones are left out
        assert_eq!(marked(&[1, 2]).total(10), 12);
        assert_eq!(marked(&[1, 2]).total(i32::MAX), i32::MAX);
        // known from before the marks
        for (told, total) in [(10, 10), (8, 10)] {
            let mut marks = Marks::default();
            marks.learn_from_stat(10);
            assert_eq!(marks.total(10), 10);
            marks.make_room(2).unwrap();
            marks.add(1);
            marks.add(2);
            marks.learn_from_stat(told);
            assert_eq!(marks.total(told), total);
            marks.clear();
            assert_eq!(marks.total(10), 10);
        }
        // known from a list, of a server that lists the marked ones and of one that does not
        for first in [1, 3] {
            let mut marks = marked(&[1, 2]);
            marks.learn_from_list(first..=10);
            assert_eq!(marks.total(10), 10);
            assert_eq!(marks.total(8), 10);
            // neither: the mailbox is not what it was
            assert_eq!(marks.total(9), 11);
        }
    }
}

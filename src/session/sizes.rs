//! How many octets messages have by what LIST said in this session: for the progress callback, where RETR's own answer does
//! not say it.

use crate::shortage;

/// Of longer lists none is kept: a megabyte for each session would be too much for a hint.
const MOST: usize = 64 * 1024;

/// Octets by number.
#[derive(Default)]
pub struct Sizes {
    /// In the order of the numbers.
    entries: Vec<(i32, i64)>,
}

impl Sizes {
    /// What a whole list says.
    pub fn learn(&mut self, listed: &[(i32, i64)]) {
        self.entries = Vec::new();
        let mut room = || shortage::without_reserve(|| self.entries.try_reserve_exact(listed.len()));
        if listed.len() <= MOST && room().is_ok() {
            self.entries.extend_from_slice(listed);
            self.entries.sort_by_key(|(number, _)| *number);
        }
    }

    /// Of that message, where it was listed.
    pub fn of(&self, number: i32) -> Option<u64> {
        let at = self.entries.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        u64::try_from(self.entries[at].1).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_list_counts() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.of(1), None);
        sizes.learn(&[(3, 30), (1, 10), (2, -1)]);
        assert_eq!([1, 2, 3, 4].map(|number| sizes.of(number)), [Some(10), None, Some(30), None]);
        sizes.learn(&[(3, 31)]);
        assert_eq!([1, 3].map(|number| sizes.of(number)), [None, Some(31)]);
        sizes.learn(&vec![(3, 32); MOST + 1]);
        assert_eq!(sizes.of(3), None);
    }
}

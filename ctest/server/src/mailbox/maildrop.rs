//! Which messages there are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The messages of the mailbox, by their ids, as new sessions see them.
pub struct Store(Mutex<Arc<Vec<u32>>>);

impl Store {
    pub fn new(messages: u32) -> Self {
        Self(Mutex::new(Arc::new((1..=messages).collect())))
    }

    pub fn open(&self) -> Maildrop {
        Maildrop { ids: self.lock().clone(), deleted: BTreeSet::new() }
    }

    /// Removes what a session deleted. Other sessions keep what they see: nothing is locked, so
    /// that any number of them may work at a time.
    pub fn update(&self, maildrop: &Maildrop) {
        if maildrop.deleted.is_empty() {
            return;
        }
        let gone: BTreeSet<u32> = maildrop.deleted.iter().map(|&i| maildrop.ids[i]).collect();
        let mut ids = self.lock();
        *ids = Arc::new(ids.iter().copied().filter(|id| !gone.contains(id)).collect());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Vec<u32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The messages as one session sees them.
pub struct Maildrop {
    ids: Arc<Vec<u32>>,
    /// Indices into `ids`.
    deleted: BTreeSet<usize>,
}

impl Maildrop {
    pub fn count(&self) -> usize {
        self.ids.len() - self.deleted.len()
    }

    /// Message number and id of each message that is not deleted.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u32)> {
        let all = self.ids.iter().enumerate();
        all.filter(|(index, _)| !self.deleted.contains(index)).map(|(index, &id)| (index + 1, id))
    }

    /// The id of message `number`, unless that is deleted or never was.
    pub fn id(&self, number: usize) -> Option<u32> {
        let index = number.checked_sub(1)?;
        let id = *self.ids.get(index)?;
        (!self.deleted.contains(&index)).then_some(id)
    }

    /// Marks a message, which must be there, as deleted.
    pub fn delete(&mut self, number: usize) {
        self.deleted.insert(number - 1);
    }

    pub fn reset(&mut self) {
        self.deleted.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_messages_keep_their_numbers_until_the_update() {
        let store = Store::new(3);
        let mut maildrop = store.open();
        maildrop.delete(2);
        assert_eq!(maildrop.count(), 2);
        assert_eq!(maildrop.id(2), None);
        assert!(maildrop.iter().eq([(1, 1), (3, 3)]));
        assert_eq!(store.open().count(), 3);
        store.update(&maildrop);
        assert!(store.open().iter().eq([(1, 1), (2, 3)]));
    }

    #[test]
    fn reset_brings_them_back() {
        let mut maildrop = Store::new(1).open();
        maildrop.delete(1);
        maildrop.reset();
        assert_eq!(maildrop.id(1), Some(1));
    }

    #[test]
    fn there_is_no_message_beyond_the_ends() {
        let maildrop = Store::new(1).open();
        assert_eq!(maildrop.id(0), None);
        assert_eq!(maildrop.id(2), None);
    }
}

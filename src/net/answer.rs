//! What another thread finds out, for those who wait for it until a deadline.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::fork;
use crate::net::progress::Progress;
use crate::net::{Cancelled, Deadline};

/// An answer that is there, or will be. A channel would do, but leaves memory of its thread behind that leak checkers ask
/// about.
pub struct Answer<T> {
    answer: Mutex<Option<T>>,
    given: Condvar,
}

impl<T> Default for Answer<T> {
    fn default() -> Answer<T> {
        Answer { answer: Mutex::new(None), given: Condvar::new() }
    }
}

impl<T> Answer<T> {
    /// Gives it to all who wait, and will. The first one stays.
    pub fn give(&self, answer: T) {
        self.look().get_or_insert(answer);
        self.given.notify_all();
    }

    /// What is there now.
    pub fn look(&self) -> MutexGuard<'_, Option<T>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is there; `None` once the deadline has passed. Nothing is locked while the progress callback runs.
    pub fn wait(&self, deadline: Deadline, progress: &mut Progress) -> Result<MutexGuard<'_, Option<T>>, Cancelled> {
        loop {
            let answer = self.look();
            let left = deadline.remaining();
            if answer.is_some() || left.is_none() {
                return Ok(answer);
            }
            drop(answer);
            let wait = progress.slice(left.unwrap_or_default())?;
            fork::allowed(|| {
                let waited = self.given.wait_timeout_while(self.look(), wait, |answer| answer.is_none());
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_is_waited_for_until_the_deadline() {
        let answer = Arc::new(Answer::default());
        let soon = Deadline::after(Duration::from_millis(1));
        assert!(answer.wait(soon, &mut Progress::default()).unwrap().is_none());
        let given = Arc::clone(&answer);
        let thread = thread::spawn(move || given.give(7));
        let late = Deadline::after(Duration::from_secs(60));
        assert_eq!(*answer.wait(late, &mut Progress::default()).unwrap(), Some(7));
        thread.join().unwrap();
        // whoever comes later has it at once, whatever their deadline, and nobody is asked
        let mut progress = Progress::new(Box::new(|_, _| false));
        assert_eq!(*answer.wait(soon, &mut progress).unwrap(), Some(7));
        assert!(Answer::<i32>::default().wait(late, &mut progress).is_err(), "cancelled");
    }
}

//! The progress callback: called while a call goes on, during its waits too, and may end it.

use std::time::{Duration, Instant};

use crate::net::Cancelled;

/// How often it is called: often enough for a promise of once a second on a busy machine.
const TICK: Duration = Duration::from_millis(200);

/// Is called with the bytes done and those expected in all, -1 where nobody knows; answers whether to go on.
pub type ProgressCallback = Box<dyn FnMut(i64, i64) -> bool + Send>;

/// How far a call is, and the callback for that, if there is one.
#[derive(Default)]
pub struct Progress {
    callback: Option<ProgressCallback>,
    done: u64,
    total: Option<u64>,
    due: Option<Instant>,
}

impl Progress {
    /// With a callback.
    pub fn new(callback: ProgressCallback) -> Progress {
        Progress { callback: Some(callback), ..Progress::default() }
    }

    /// So many bytes are done, of so many, if the server said how many.
    pub fn set(&mut self, done: u64, total: Option<u64>) {
        (self.done, self.total) = (done, total);
    }

    /// Calls the callback now.
    pub fn tell(&mut self) -> Result<(), Cancelled> {
        let Some(callback) = &mut self.callback else { return Ok(()) };
        // a server that announced less was wrong
        let total = self.total.filter(|total| *total >= self.done);
        let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let go_on = callback(count(self.done), total.map_or(-1, count));
        self.due = Some(Instant::now() + TICK);
        if go_on { Ok(()) } else { Err(Cancelled) }
    }

    /// How much of a wait of that length to wait at once. Calls the callback first if it is time.
    pub fn slice(&mut self, left: Duration) -> Result<Duration, Cancelled> {
        if self.callback.is_none() {
            return Ok(left);
        }
        if self.due.is_none_or(|due| due <= Instant::now()) {
            self.tell()?;
        }
        Ok(left.min(TICK))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn without_a_callback_a_wait_is_left_whole() {
        assert_eq!(Progress::default().slice(Duration::from_secs(9)).unwrap(), Duration::from_secs(9));
    }

    #[test]
    fn what_the_callback_is_called_with() {
        let called = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&called);
        let mut progress = Progress::new(Box::new(move |done, total| {
            told.lock().unwrap().push((done, total));
            done < 7
        }));
        assert_eq!(progress.slice(Duration::from_secs(9)).unwrap(), TICK);
        assert_eq!(progress.slice(Duration::from_millis(1)).unwrap(), Duration::from_millis(1));
        progress.set(5, Some(5));
        progress.tell().unwrap();
        progress.set(6, Some(5));
        progress.tell().unwrap();
        progress.set(7, Some(5));
        assert!(progress.tell().is_err());
        assert_eq!(*called.lock().unwrap(), [(0, -1), (5, 5), (6, -1), (7, -1)]);
    }
}

//! Somebody who hears how a call goes on, during its waits too, and may end it.

use std::time::{Duration, Instant};

use crate::net::Cancelled;

/// How often they hear: often enough for a promise of once a second on a busy machine.
const TICK: Duration = Duration::from_millis(200);

/// What is called with the bytes done and those expected in all, -1 where nobody knows; whether to go on.
pub type Hear = Box<dyn FnMut(i64, i64) -> bool + Send>;

/// Somebody who hears how a call goes on, or nobody.
#[derive(Default)]
pub struct Watch {
    hear: Option<Hear>,
    done: u64,
    total: Option<u64>,
    due: Option<Instant>,
}

impl Watch {
    /// Somebody.
    pub fn new(hear: Hear) -> Watch {
        Watch { hear: Some(hear), ..Watch::default() }
    }

    /// So many bytes are done, of so many, if the server said how many.
    pub fn set(&mut self, done: u64, total: Option<u64>) {
        (self.done, self.total) = (done, total);
    }

    /// Tells them now.
    pub fn tell(&mut self) -> Result<(), Cancelled> {
        let Some(hear) = &mut self.hear else { return Ok(()) };
        // a server that announced less was wrong
        let total = self.total.filter(|total| *total >= self.done);
        let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let go_on = hear(count(self.done), total.map_or(-1, count));
        self.due = Some(Instant::now() + TICK);
        if go_on { Ok(()) } else { Err(Cancelled) }
    }

    /// How much of a wait of that length to wait at once. Tells them first if it is time.
    pub fn slice(&mut self, left: Duration) -> Result<Duration, Cancelled> {
        if self.hear.is_none() {
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
    fn nobody_leaves_a_wait_whole() {
        assert_eq!(Watch::default().slice(Duration::from_secs(9)).unwrap(), Duration::from_secs(9));
    }

    #[test]
    fn what_is_told() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        let mut watch = Watch::new(Box::new(move |done, total| {
            told.lock().unwrap().push((done, total));
            done < 7
        }));
        assert_eq!(watch.slice(Duration::from_secs(9)).unwrap(), TICK);
        assert_eq!(watch.slice(Duration::from_millis(1)).unwrap(), Duration::from_millis(1));
        watch.set(5, Some(5));
        watch.tell().unwrap();
        watch.set(6, Some(5));
        watch.tell().unwrap();
        watch.set(7, Some(5));
        assert!(watch.tell().is_err());
        assert_eq!(*heard.lock().unwrap(), [(0, -1), (5, 5), (6, -1), (7, -1)]);
    }
}

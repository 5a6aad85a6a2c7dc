//! How far a play has come.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Result;

#[derive(Default)]
pub struct Progress {
    state: Mutex<State>,
    ended: Condvar,
}

enum State {
    /// At which place.
    Running(String),
    Ended(Result<()>),
}

impl Default for State {
    fn default() -> Self {
        Self::Running(String::new())
    }
}

impl Progress {
    pub fn at(&self, place: String) {
        *self.lock() = State::Running(place);
    }

    pub fn end(&self, result: Result<()>) {
        *self.lock() = State::Ended(result);
        self.ended.notify_all();
    }

    /// Waits for the end; how it ended, or where it still is.
    pub fn wait(&self, limit: Duration) -> Result<()> {
        let running = |state: &mut State| matches!(state, State::Running(_));
        let (state, _) =
            self.ended.wait_timeout_while(self.lock(), limit, running).unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Running(place) => Err(format!("still running at {place}")),
            State::Ended(result) => result.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_where_it_is_or_how_it_ended() {
        let progress = Progress::default();
        progress.at("line 3".to_owned());
        let place = progress.wait(Duration::from_millis(1));
        assert_eq!(place, Err("still running at line 3".to_owned()));
        progress.end(Ok(()));
        assert_eq!(progress.wait(Duration::ZERO), Ok(()));
    }
}

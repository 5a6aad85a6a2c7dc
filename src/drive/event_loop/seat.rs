//! What a call and the loop know of each other.

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::net::poller::Poller;
use crate::net::progress::Progress;
use crate::net::{Cancelled, Deadline, timed_out};

/// How many octets a call may take in one turn, lest a fast server with a huge message keeps out the others.
const TURN: usize = 64 * 1024;

/// Whether a call is to end, as the host has said.
#[derive(Clone, Default)]
pub struct Ending(Arc<AtomicU8>);

/// It is to end.
const OVER: u8 = 1;
/// And the host wants to hear nothing more of it.
const SILENT: u8 = 2;

impl Ending {
    /// Whether it is.
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= OVER
    }

    /// An error where the host is not to hear of it any more.
    pub fn may_be_told(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) >= SILENT { Err(Cancelled.into()) } else { Ok(()) }
    }

    /// From now on the host is to hear nothing of it.
    pub fn silence(&self) {
        self.0.store(SILENT, Ordering::Relaxed);
    }

    /// An error where it is.
    pub fn check(&self) -> Result<()> {
        if self.is_over() { Err(Cancelled.into()) } else { Ok(()) }
    }
}

/// The place of a call in a loop.
pub struct Seat {
    poller: Arc<Poller>,
    key: usize,
    ending: Ending,
    /// When it is to be polled if nothing comes.
    due: Cell<Option<Instant>>,
    /// Which turn of the call this is.
    turn: Cell<u64>,
    /// How many octets it may take yet in this turn.
    left: Cell<usize>,
    has_more: Cell<bool>,
    /// That something has happened to its socket, and whether it is known to be no failure.
    happened: Cell<Option<bool>>,
}

impl Seat {
    pub(super) fn new(poller: Arc<Poller>, key: usize) -> Seat {
        Seat {
            poller,
            key,
            ending: Ending::default(),
            due: Cell::new(None),
            turn: Cell::new(0),
            left: Cell::new(TURN),
            has_more: Cell::new(false),
            happened: Cell::new(None),
        }
    }

    /// Where its sockets are waited for, and as what.
    pub fn poller(&self) -> (&Arc<Poller>, usize) {
        (&self.poller, self.key)
    }

    /// Has it end at its next step.
    pub fn cancel(&self) {
        self.ending.0.fetch_max(OVER, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub fn is_cancelled(&self) -> bool {
        self.ending.is_over()
    }

    /// For whoever must know whether it is to end.
    pub fn ending(&self) -> Ending {
        self.ending.clone()
    }

    /// An error where it is to end.
    pub fn may_go_on(&self) -> Result<()> {
        self.ending.check()
    }

    /// Has the loop come back for the deadline, or the progress callback, if nothing comes before.
    pub fn wait_until(&self, deadline: Deadline, progress: &mut Progress) -> Result<()> {
        self.wait_for(deadline.remaining().ok_or_else(timed_out)?, progress)
    }

    /// Has the loop come back after that time, or for the progress callback, if nothing comes before.
    pub fn wait_for(&self, time: Duration, progress: &mut Progress) -> Result<()> {
        let due = Instant::now() + progress.slice(time)?;
        self.due.set(Some(self.due.get().map_or(due, |before| before.min(due))));
        Ok(())
    }

    /// Takes a step each time that the loop comes back, until one has the answer. A step that has none says what it waits for.
    pub async fn steps<T>(&self, mut step: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        poll_fn(|_| {
            let answer = self.may_go_on().and_then(|()| step());
            answer.transpose().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// What is pending until the deadline, if there is no answer yet.
    pub fn until<T>(&self, answer: Option<Result<T>>, deadline: Deadline, progress: &mut Progress) -> Poll<Result<T>> {
        if let Err(cancelled) = self.may_go_on() {
            return Poll::Ready(Err(cancelled));
        }
        match answer {
            Some(answer) => Poll::Ready(answer),
            None => {
                self.wait_until(deadline, progress).map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending)
            }
        }
    }

    /// Which turn this is: what was found empty in it is so until the next.
    pub fn turn(&self) -> u64 {
        self.turn.get()
    }

    /// That it has taken so many octets.
    pub fn take(&self, octets: usize) {
        self.left.set(self.left.get().saturating_sub(octets));
    }

    /// Ends its turn where it has taken all that it may; then it has another one. Whether it did.
    pub fn ends_turn(&self) -> bool {
        let ends = self.left.get() == 0;
        if ends {
            self.has_more.set(true);
        }
        ends
    }

    /// That something has happened to its socket, which is told once.
    pub fn happened(&self) -> Option<bool> {
        self.happened.take()
    }

    pub(super) fn set_happened(&self, is_good: bool) {
        self.happened.set(Some(is_good));
    }

    pub(super) fn begin_turn(&self) {
        self.turn.set(self.turn.get() + 1);
        self.left.set(TURN);
        self.has_more.set(false);
        self.due.set(None);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    pub(super) fn has_more(&self) -> bool {
        self.has_more.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn what_is_due_now_is_not_too_late() {
        let seat = Seat::new(Arc::new(Poller::new().unwrap()), 0);
        seat.wait_for(Duration::ZERO, &mut Progress::default()).unwrap();
        assert!(seat.due().is_some_and(|due| due <= Instant::now()));
        let over = Deadline::after(Duration::ZERO);
        assert_eq!(seat.wait_until(over, &mut Progress::default()).map_err(|error| error.kind()), Err(Kind::Timeout));
    }
}

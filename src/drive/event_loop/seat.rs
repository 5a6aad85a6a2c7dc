//! What a call and the loop know of each other.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use crate::net::poller::Poller;

/// How many octets a call may take in one turn, lest a fast server with a huge message keeps out the others.
const TURN: usize = 256 * 1024;

/// The place of a call in a loop.
pub struct Seat {
    poller: Arc<Poller>,
    key: usize,
    is_cancelled: Cell<bool>,
    /// When it is to be polled if nothing comes.
    due: Cell<Option<Instant>>,
    /// How many octets it may take yet in this turn.
    left: Cell<usize>,
    has_more: Cell<bool>,
}

impl Seat {
    pub(super) fn new(poller: Arc<Poller>, key: usize) -> Seat {
        Seat {
            poller,
            key,
            is_cancelled: Cell::new(false),
            due: Cell::new(None),
            left: Cell::new(TURN),
            has_more: Cell::new(false),
        }
    }

    /// Where its sockets are waited for, and as what.
    pub fn poller(&self) -> (&Arc<Poller>, usize) {
        (&self.poller, self.key)
    }

    /// Has it end at its next step.
    pub fn cancel(&self) {
        self.is_cancelled.set(true);
    }

    /// Whether it is to end.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.get()
    }

    /// That it is to be polled then if nothing comes before.
    pub fn wait_until(&self, due: Instant) {
        self.due.set(Some(self.due.get().map_or(due, |before| before.min(due))));
    }

    /// That it has taken so many octets. Whether its turn goes on.
    pub fn take(&self, octets: usize) {
        self.left.set(self.left.get().saturating_sub(octets));
    }

    /// Whether its turn is over; then it has another one, and there is more to do.
    pub fn is_over(&self) -> bool {
        let is_over = self.left.get() == 0;
        if is_over {
            self.has_more.set(true);
        }
        is_over
    }

    pub(super) fn begin_turn(&self) {
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

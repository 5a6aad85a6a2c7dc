//! Many sessions on one thread: each call is a future that is polled when something has come for it, when its time has come,
//! or when a helper thread has an answer. Nothing here waits but [`Loop::run`].
//!
//! `seat` is what a call and the loop know of each other; `queue` says whose turn it is to begin; `waits` connects, and
//! `transport` is what a session has then; `names` looks names up beside the loop, by the threads of `helpers`.

mod helpers;
mod names;
mod queue;
mod seat;
mod transport;
mod waits;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use self::queue::{Queue, Ticket};
pub use self::seat::Ending;
use self::seat::Seat;
use self::transport::Queued;
use self::waits::{Beside, Turns};
use crate::drive::dialer;
use crate::error::{Error, Kind, Result};
use crate::fork::{self, Process};
use crate::net::address::Host;
use crate::net::poller::{Happened, Poller};
use crate::net::progress::Progress;
use crate::options::Options;

/// What a call does from its beginning to its end. What it answers it tells the host itself.
pub type Work = Pin<Box<dyn Future<Output = ()>>>;

/// What connects for a call in a loop.
pub type Dialer<'a, P> = dialer::Dialer<'a, Turns, P>;

/// Calls that are under way side by side. Used by one thread at a time.
pub struct Loop {
    poller: Arc<Poller>,
    happened: RefCell<Happened>,
    calls: RefCell<Vec<Option<Call>>>,
    /// Places in `calls` that are free.
    free: RefCell<Vec<usize>>,
    under_way: Cell<usize>,
    queue: RefCell<Queue>,
    /// When calls are to be polled that nothing has come for.
    timers: RefCell<BTreeSet<(Instant, usize)>>,
    /// The calls to be polled.
    ready: RefCell<VecDeque<usize>>,
    /// Those that other threads want to be polled.
    woken: Arc<Woken>,
    beside: Rc<Beside>,
    is_running: Cell<bool>,
    /// A callback may fork: then all goes on in this one.
    process: Process,
}

/// A call under way.
struct Call {
    /// `None` while it is polled.
    work: Option<Work>,
    seat: Rc<Seat>,
    ticket: Ticket,
    waker: Waker,
    /// The timer that is set for it.
    timer: Option<Instant>,
    /// Whether it was its turn to begin.
    has_begun: bool,
    is_ready: bool,
}

/// Where a call is: what it needs of the loop.
#[derive(Clone)]
pub struct Place {
    seat: Rc<Seat>,
    beside: Rc<Beside>,
}

impl Place {
    /// Whether the call is to end.
    pub fn ending(&self) -> Ending {
        self.seat.ending()
    }

    /// What connects for it. `progress` makes the progress callback, for each connection that it takes.
    pub fn dialer<'a, P: Fn() -> Progress>(&self, options: &'a Options, progress: P) -> Dialer<'a, P> {
        dialer::Dialer::new(options, Turns::new(Rc::clone(&self.seat), Rc::clone(&self.beside)), progress)
    }
}

/// That something runs, until this is dropped, whatever ends it.
struct Running<'a>(&'a Cell<bool>);

impl<'a> Running<'a> {
    /// From now on.
    fn begin(is_running: &'a Cell<bool>) -> Running<'a> {
        is_running.set(true);
        Running(is_running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// What wakes the loop, from any thread.
struct Woken {
    poller: Arc<Poller>,
    calls: Mutex<Vec<usize>>,
}

/// What wakes one call.
struct CallWaker {
    key: usize,
    woken: Arc<Woken>,
}

impl Wake for CallWaker {
    fn wake(self: Arc<CallWaker>) {
        self.woken.calls.lock().unwrap_or_else(PoisonError::into_inner).push(self.key);
        self.woken.poller.notify();
    }
}

/// Ends a wait of a loop, from any thread.
#[derive(Clone)]
pub struct Notifier(Arc<Poller>);

impl Notifier {
    /// Has [`Loop::run`] return.
    pub fn notify(&self) {
        self.0.notify();
    }
}

impl Loop {
    /// One with nothing to do.
    pub fn new() -> Result<Loop> {
        let poller = Poller::new().map_err(|error| Error::new(Kind::OutOfMemory, "no poller").with_source(error))?;
        let poller = Arc::new(poller);
        let woken = Arc::new(Woken { poller: Arc::clone(&poller), calls: Mutex::default() });
        Ok(Loop {
            poller,
            happened: RefCell::default(),
            calls: RefCell::default(),
            free: RefCell::default(),
            under_way: Cell::new(0),
            queue: RefCell::new(Queue::new()),
            timers: RefCell::default(),
            ready: RefCell::default(),
            woken,
            beside: Rc::new(Beside::new()),
            is_running: Cell::new(false),
            process: Process::current(),
        })
    }

    /// Sets how many calls may go on at once, and how many to one host.
    pub fn set_limits(&self, at_once: usize, at_once_each_host: usize) {
        self.queue.borrow_mut().set_limits(at_once, at_once_each_host);
        self.begin_calls();
        self.tell();
    }

    /// Adds a call to that host, which begins in a later [`Loop::run`]. Answers its key.
    pub fn add(&self, host: Host, work: impl FnOnce(Place) -> Work) -> usize {
        let key = self.free.borrow_mut().pop().unwrap_or_else(|| {
            let mut calls = self.calls.borrow_mut();
            calls.push(None);
            calls.len() - 1
        });
        let waker = Waker::from(Arc::new(CallWaker { key, woken: Arc::clone(&self.woken) }));
        let seat = Rc::new(Seat::new(Arc::clone(&self.poller), key));
        let ticket = self.queue.borrow_mut().enter(host, key);
        let work = work(Place { seat: Rc::clone(&seat), beside: Rc::clone(&self.beside) });
        let call = Call { work: Some(work), seat, ticket, waker, timer: None, has_begun: false, is_ready: false };
        self.calls.borrow_mut()[key] = Some(call);
        self.under_way.set(self.under_way.get() + 1);
        self.begin_calls();
        self.tell();
        key
    }

    /// Has a call end, at its next step.
    pub fn cancel(&self, key: usize) {
        if let Some(Some(call)) = self.calls.borrow().get(key) {
            call.seat.cancel();
        }
        self.make_ready(key);
        self.tell();
    }

    /// Ends all calls at once but one that is in the middle of a step, which ends with that.
    pub fn end_all(&self) {
        let keys = 0..self.calls.borrow().len();
        keys.clone().for_each(|key| self.cancel(key));
        keys.for_each(|key| self.poll(key));
    }

    /// What ends a wait of this.
    pub fn notifier(&self) -> Notifier {
        Notifier(Arc::clone(&self.poller))
    }

    /// A descriptor that is readable when there is something to do; -1 where the platform has none.
    pub fn descriptor(&self) -> i32 {
        self.poller.descriptor()
    }

    /// Whether it is in the middle of a [`Loop::run`], as a callback of a call is.
    pub fn is_running(&self) -> bool {
        self.is_running.get()
    }

    /// Whether this process has been made by a fork since the loop was.
    pub fn is_before_fork(&self) -> bool {
        self.process.is_before_fork()
    }

    /// How many calls are under way, those included that have not begun.
    pub fn under_way(&self) -> usize {
        self.under_way.get()
    }

    /// In what time it must run even if nothing comes; `None` for never.
    pub fn due(&self) -> Option<Duration> {
        if !self.ready.borrow().is_empty() {
            return Some(Duration::ZERO);
        }
        let next = self.timers.borrow().first().map(|(due, _)| *due);
        next.map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// Runs what is ready, after waiting for something at most that long.
    pub fn run(&self, patience: Option<Duration>) -> Result<()> {
        let running = Running::begin(&self.is_running);
        let wait = match (self.due(), patience) {
            (Some(due), Some(patience)) => Some(due.min(patience)),
            (due, patience) => due.or(patience),
        };
        let mut happened = mem::take(&mut *self.happened.borrow_mut());
        let waited = fork::allowed(|| self.poller.wait(&mut happened, wait));
        for (key, is_good) in happened.keys() {
            if let Some(Some(call)) = self.calls.borrow().get(key) {
                call.seat.set_happened(is_good);
            }
            self.make_ready(key);
        }
        *self.happened.borrow_mut() = happened;
        let woken = mem::take(&mut *self.woken.calls.lock().unwrap_or_else(PoisonError::into_inner));
        woken.into_iter().for_each(|key| self.make_ready(key));
        self.ring();
        // what becomes ready meanwhile has its turn in the next run, so that nobody keeps out what has come on sockets
        let turns = self.ready.borrow().len();
        for _ in 0..turns {
            let next = self.ready.borrow_mut().pop_front();
            let Some(key) = next.filter(|_| !self.is_before_fork()) else { break };
            self.poll(key);
        }
        drop(running);
        self.tell();
        waited.map_err(|error| Error::new(Kind::Internal, "the poller has failed").with_source(error))
    }

    /// Has who waits for the descriptor know that something is ready.
    fn tell(&self) {
        if !self.is_running.get() && !self.ready.borrow().is_empty() && !self.is_before_fork() {
            self.poller.notify();
        }
    }

    /// Begins the calls whose turn it is.
    fn begin_calls(&self) {
        loop {
            let next = self.queue.borrow_mut().begin();
            let Some(key) = next else { return };
            if let Some(Some(call)) = self.calls.borrow_mut().get_mut(key) {
                call.has_begun = true;
            }
            self.make_ready(key);
        }
    }

    fn make_ready(&self, key: usize) {
        if let Some(Some(call)) = self.calls.borrow_mut().get_mut(key) {
            // one that is in the middle of a step is asked behind it whether it wants another
            if !mem::replace(&mut call.is_ready, true) && call.work.is_some() {
                self.ready.borrow_mut().push_back(key);
            }
        }
    }

    /// Makes those calls ready whose time has come.
    fn ring(&self) {
        let now = Instant::now();
        loop {
            let first = self.timers.borrow().first().copied();
            let Some((due, key)) = first.filter(|(due, _)| *due <= now) else { return };
            self.timers.borrow_mut().remove(&(due, key));
            if let Some(Some(call)) = self.calls.borrow_mut().get_mut(key) {
                call.timer = None;
            }
            self.make_ready(key);
        }
    }

    fn poll(&self, key: usize) {
        let taken = match self.calls.borrow_mut().get_mut(key) {
            Some(Some(call)) => {
                call.is_ready = false;
                // what wakes one that has not begun was for another call in its place
                let may_go_on = call.has_begun || call.seat.is_cancelled();
                call.work.take_if(|_| may_go_on).map(|work| (work, Rc::clone(&call.seat), call.waker.clone()))
            }
            _ => None,
        };
        let Some((mut work, seat, waker)) = taken else { return };
        seat.begin_turn();
        // nothing is borrowed: the host is called, and may add and cancel calls
        if work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(work);
            self.end(key);
            return;
        }
        let mut calls = self.calls.borrow_mut();
        let Some(Some(call)) = calls.get_mut(key) else { return };
        call.work = Some(work);
        let is_ready = mem::take(&mut call.is_ready);
        let due = seat.due();
        // a timer that is too early does no harm, and a call that gets on would set one after the other
        if let Some(due) = due.filter(|due| call.timer.is_none_or(|timer| *due < timer)) {
            let mut timers = self.timers.borrow_mut();
            if let Some(timer) = call.timer.replace(due) {
                timers.remove(&(timer, key));
            }
            timers.insert((due, key));
        }
        drop(calls);
        // one that was cancelled in its own callback ends at its next step
        if is_ready || seat.has_more() || seat.is_cancelled() {
            self.make_ready(key);
        }
    }

    fn end(&self, key: usize) {
        let ended = self.calls.borrow_mut()[key].take();
        let Some(call) = ended else { return };
        if let Some(timer) = call.timer {
            self.timers.borrow_mut().remove(&(timer, key));
        }
        self.queue.borrow_mut().leave(&call.ticket);
        self.free.borrow_mut().push(key);
        self.under_way.set(self.under_way.get() - 1);
        if self.under_way.get() == 0 {
            self.beside.rest();
        }
        self.begin_calls();
    }
}

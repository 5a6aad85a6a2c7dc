//! Helper threads, for what cannot be done without waiting or takes long: a call of the loop awaits their answer.

use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::net::thread;

/// How long a helper waits for more work before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

/// Work that waits for a helper, unless nobody wants it any more.
type Waiting = Arc<Mutex<Option<Work>>>;

/// Helper threads, begun when there is work for them.
pub struct Helpers {
    shared: Arc<Shared>,
    most: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    work: VecDeque<Waiting>,
    threads: usize,
    idle: usize,
    is_over: bool,
}

impl Helpers {
    /// So many at the most, none yet.
    pub fn new(most: usize) -> Helpers {
        Helpers { shared: Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() }), most }
    }

    /// Has one of them do that; the answer is there later. Where nobody waits for it any more it is not begun.
    pub fn ask<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Answer<T>> {
        let slot = Arc::default();
        let giver = Giver(Arc::clone(&slot));
        let work = self.push(Box::new(move || giver.give(work())))?;
        Ok(Answer { slot, work })
    }

    /// Has one of them do that.
    pub fn tell(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.push(Box::new(work)).map(drop)
    }

    fn push(&self, work: Work) -> io::Result<Waiting> {
        let work = Arc::new(Mutex::new(Some(work)));
        let mut queue = self.shared.look();
        queue.work.push_back(Arc::clone(&work));
        if queue.work.len() > queue.idle && queue.threads < self.most {
            let shared = Arc::clone(&self.shared);
            match thread::spawn(move || shared.help()) {
                Ok(()) => queue.threads += 1,
                Err(error) if queue.threads == 0 => {
                    queue.work.pop_back();
                    return Err(error);
                }
                // the others do it
                Err(_) => {}
            }
        }
        drop(queue);
        self.shared.changed.notify_one();
        Ok(work)
    }
}

impl Drop for Helpers {
    /// They end when they have done what they are at.
    fn drop(&mut self) {
        let mut queue = self.shared.look();
        queue.is_over = true;
        queue.work.clear();
        drop(queue);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn look(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a helper does.
    fn help(&self) {
        while let Some(waiting) = self.next() {
            if let Some(work) = take(&waiting) {
                // whoever asked for it is told by what it drops
                let _ = panic::catch_unwind(AssertUnwindSafe(work));
            }
        }
    }

    /// The next work; `None` where there has been none for long, and the helper leaves.
    fn next(&self) -> Option<Waiting> {
        let mut queue = self.look();
        queue.idle += 1;
        let waiting = |queue: &mut Queue| queue.work.is_empty() && !queue.is_over;
        let waited = self.changed.wait_timeout_while(queue, IDLE, waiting);
        queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        queue.idle -= 1;
        let work = queue.work.pop_front();
        if work.is_none() {
            // before anybody counts on it
            queue.threads -= 1;
        }
        work
    }
}

fn take(waiting: &Waiting) -> Option<Work> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The answer of a helper, which is there or will be.
pub struct Answer<T> {
    slot: Arc<Mutex<Slot<T>>>,
    work: Waiting,
}

impl<T> Drop for Answer<T> {
    /// What the work holds, as a password, goes with it.
    fn drop(&mut self) {
        drop(take(&self.work));
    }
}

struct Slot<T> {
    answer: Option<Result<T>>,
    waker: Option<Waker>,
}

impl<T> Default for Slot<T> {
    fn default() -> Slot<T> {
        Slot { answer: None, waker: None }
    }
}

impl<T> Answer<T> {
    /// The answer, if it is there; else the task is woken when it is.
    pub fn poll(&self, context: &Context<'_>) -> Option<Result<T>> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = slot.answer.take();
        if answer.is_none() {
            slot.waker = Some(context.waker().clone());
        }
        answer
    }
}

/// Gives an answer; where it does not, that is one as well.
struct Giver<T>(Arc<Mutex<Slot<T>>>);

impl<T> Giver<T> {
    fn give(&self, answer: T) {
        self.put(Ok(answer));
    }

    fn put(&self, answer: Result<T>) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.answer.get_or_insert(answer);
        let waker = slot.waker.take();
        drop(slot);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        // an answer that was taken is not put back: nobody asks any more
        self.put(Err(Error::new(Kind::Internal, "a helper thread has failed")));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::task::{Context, Wake};
    use std::thread;

    use super::*;

    /// Wakes the thread that waits.
    struct Here(thread::Thread);

    impl Wake for Here {
        fn wake(self: Arc<Here>) {
            self.0.unpark();
        }
    }

    fn wait<T>(answer: &Answer<T>) -> Result<T> {
        let waker = Waker::from(Arc::new(Here(thread::current())));
        loop {
            if let Some(answer) = answer.poll(&Context::from_waker(&waker)) {
                return answer;
            }
            thread::park();
        }
    }

    #[test]
    fn so_many_work_at_once_and_no_more() {
        let helpers = Helpers::new(2);
        let both = Arc::new(Barrier::new(2));
        let answers: Vec<_> = (0..6)
            .map(|number| {
                let both = Arc::clone(&both);
                let work = move || {
                    both.wait();
                    number
                };
                helpers.ask(work).unwrap()
            })
            .collect();
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(wait(answer).unwrap(), number);
        }
        assert_eq!(helpers.shared.look().threads, 2);
    }

    #[test]
    fn work_that_panics_is_an_answer() {
        let helpers = Helpers::new(1);
        let failed = helpers.ask(|| std::panic::resume_unwind(Box::new("as a panic"))).unwrap();
        assert_eq!(wait::<()>(&failed).unwrap_err().kind(), Kind::Internal);
        // and another helper does the next
        assert_eq!(wait(&helpers.ask(|| 7).unwrap()).unwrap(), 7);
    }

    #[test]
    fn work_that_nobody_waits_for_is_not_begun() {
        let (helpers, both, counted) = (Helpers::new(1), Arc::new(Barrier::new(2)), Arc::new(Mutex::new(0)));
        let waits = Arc::clone(&both);
        let busy = helpers.ask(move || waits.wait()).unwrap();
        let counts = Arc::clone(&counted);
        drop(helpers.ask(move || *counts.lock().unwrap() += 1).unwrap());
        // what it held is gone already
        assert_eq!(Arc::strong_count(&counted), 1);
        both.wait();
        wait(&busy).unwrap();
        assert_eq!(wait(&helpers.ask(|| 7).unwrap()).unwrap(), 7);
        assert_eq!(*counted.lock().unwrap(), 0);
    }

    #[test]
    fn helpers_end_with_what_they_help() {
        let helpers = Helpers::new(1);
        assert_eq!(wait(&helpers.ask(|| 7).unwrap()).unwrap(), 7);
        let shared = Arc::clone(&helpers.shared);
        drop(helpers);
        while shared.look().threads > 0 {
            thread::yield_now();
        }
    }
}

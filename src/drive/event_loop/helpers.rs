//! Helper threads, for what cannot be done without waiting or takes long: a call of the loop awaits their answer.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::net::thread;

/// How long a helper waits for more work before it ends.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

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
    work: VecDeque<Work>,
    threads: usize,
    idle: usize,
    is_over: bool,
}

impl Helpers {
    /// So many at the most, none yet.
    pub fn new(most: usize) -> Helpers {
        Helpers { shared: Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() }), most }
    }

    /// Has one of them do that; the answer is there later.
    pub fn ask<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Answer<T>> {
        let answer = Answer(Arc::default());
        let giver = Giver(Arc::clone(&answer.0));
        self.push(Box::new(move || giver.give(work())))?;
        Ok(answer)
    }

    fn push(&self, work: Work) -> io::Result<()> {
        let mut queue = self.shared.look();
        queue.work.push_back(work);
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
        Ok(())
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
        let _leaves = Leaves(self);
        while let Some(work) = self.next() {
            work();
        }
    }

    /// The next work; `None` where there has been none for long.
    fn next(&self) -> Option<Work> {
        let mut queue = self.look();
        queue.idle += 1;
        let waiting = |queue: &mut Queue| queue.work.is_empty() && !queue.is_over;
        let waited = self.changed.wait_timeout_while(queue, IDLE, waiting);
        queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        queue.idle -= 1;
        queue.work.pop_front()
    }
}

/// A helper ends, whatever ends it.
struct Leaves<'a>(&'a Shared);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.look().threads -= 1;
    }
}

/// The answer of a helper, which is there or will be.
pub struct Answer<T>(Arc<Mutex<Slot<T>>>);

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
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

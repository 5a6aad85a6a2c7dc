//! What a fork leaves alone: a process that was forked has one thread, and of the others whatever they held stays held.
//!
//! So a fork waits until no thread is in the middle of our work, where it may hold a lock of ours or of OpenSSL's. While
//! it waits for a server or is in a callback of the host, no thread does. The process that a fork makes then finds
//! everything whole; but the connections are those of the process before ([`Process`]), which goes on using them.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many threads are in the middle of our work.
static WORKING: AtomicUsize = AtomicUsize::new(0);
/// How many forks are under way, in which no thread may begin to work.
static FORKING: AtomicUsize = AtomicUsize::new(0);
/// How many forks there were from the first process that used the library to this one.
static PROCESS: AtomicU32 = AtomicU32::new(0);
/// How many forks there were of this process.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// For how long a fork waits at most: nothing that is done in between takes nearly as long, and a fork in a signal handler
/// that has interrupted it would wait for ever.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks.
const PAUSE: Duration = Duration::from_micros(50);

thread_local! {
    /// Whether this thread is one of those that work.
    static WORKS: Cell<bool> = const { Cell::new(false) };
}

/// That this thread works, until it is dropped.
pub struct Undisturbed {
    /// Whether it did so before.
    worked: bool,
}

impl Undisturbed {
    /// Waits for a fork that is under way.
    pub fn enter() -> Undisturbed {
        Undisturbed { worked: set_working(true) }
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        set_working(self.worked);
    }
}

/// Lets others fork meanwhile, or the closure itself: it waits, or is the host's.
pub fn allowed<T>(wait: impl FnOnce() -> T) -> T {
    let _after = Undisturbed { worked: set_working(false) };
    wait()
}

/// Before a fork: waits until nobody works.
pub fn prepare() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    let begin = Instant::now();
    while WORKING.load(Ordering::SeqCst) > 0 && begin.elapsed() < PATIENCE {
        thread::sleep(PAUSE);
    }
}

/// After it, in the process that forked.
pub fn in_parent() {
    FORKS.fetch_add(1, Ordering::SeqCst);
    FORKING.fetch_sub(1, Ordering::SeqCst);
}

/// After it, in the new process, whose only thread is this one.
pub fn in_child() {
    PROCESS.fetch_add(1, Ordering::SeqCst);
    WORKING.store(usize::from(WORKS.get()), Ordering::SeqCst);
    FORKING.store(0, Ordering::SeqCst);
}

/// A process, as long as it does not fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    process: u32,
    forks: u32,
}

impl Process {
    /// This one. Costs no system call.
    pub fn current() -> Process {
        Process { process: PROCESS.load(Ordering::Relaxed), forks: FORKS.load(Ordering::Relaxed) }
    }

    /// Whether this one has been made by a fork since.
    pub fn is_before_fork(self) -> bool {
        self.process != PROCESS.load(Ordering::Relaxed)
    }

    /// Whether it has forked since, so that another one may hold copies of its descriptors.
    pub fn has_forked(self) -> bool {
        self.forks != FORKS.load(Ordering::Relaxed)
    }
}

/// Says of this thread whether it works; answers whether it did.
fn set_working(works: bool) -> bool {
    let worked = WORKS.replace(works);
    match (worked, works) {
        (false, true) => begin(),
        (true, false) => {
            WORKING.fetch_sub(1, Ordering::SeqCst);
        }
        _ => {}
    }
    worked
}

fn begin() {
    loop {
        WORKING.fetch_add(1, Ordering::SeqCst);
        if FORKING.load(Ordering::SeqCst) == 0 {
            return;
        }
        WORKING.fetch_sub(1, Ordering::SeqCst);
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_what_interrupts_it() {
        let work = Undisturbed::enter();
        assert!(WORKS.get());
        allowed(|| {
            assert!(!WORKS.get());
            let inner = Undisturbed::enter();
            assert!(WORKS.get());
            drop(inner);
            assert!(!WORKS.get());
        });
        assert!(WORKS.get());
        drop(work);
        assert!(!WORKS.get());
        allowed(|| assert!(!WORKS.get()));
        assert!(!WORKS.get());
    }
}

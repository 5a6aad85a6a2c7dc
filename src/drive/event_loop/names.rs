//! Names are looked up beside the loop, each once for all who ask for it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use crate::drive::event_loop::helpers::Helpers;
use crate::error::Result;
use crate::net::resolve;

/// How many names are looked up at once. The system may take half a minute for one whose servers do not answer.
const AT_ONCE: usize = 8;

/// For how long addresses are good: shorter than names move.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// How many names are kept before those that are no longer good are forgotten.
const MANY: usize = 1024;

/// What is known of names, as long as calls are under way.
pub struct Names {
    helpers: Helpers,
    known: RefCell<HashMap<(String, u16), Arc<Name>>>,
}

/// A name that somebody has asked for.
pub struct Name(Mutex<State>);

#[derive(Default)]
struct State {
    /// How often the system has been asked.
    asked: u64,
    is_asking: bool,
    /// What it answered last.
    answer: Option<(Instant, io::Result<Vec<SocketAddr>>)>,
    waiting: Vec<Waker>,
}

impl Names {
    /// Without any.
    pub fn new() -> Names {
        Names { helpers: Helpers::new(AT_ONCE), known: RefCell::default() }
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.known.borrow_mut().clear();
    }

    /// The addresses of that name, or those that the system is asked for now.
    pub fn look_up(&self, host: &str, port: u16) -> Result<LookUp> {
        let name = {
            let mut known = self.known.borrow_mut();
            if known.len() >= MANY {
                known.retain(|_, name| name.look().is_of_use());
            }
            Arc::clone(known.entry((host.to_owned(), port)).or_insert_with(|| Arc::new(Name(Mutex::default()))))
        };
        let mut state = name.look();
        let is_good = matches!(&state.answer, Some((since, Ok(_))) if since.elapsed() < GOOD_FOR);
        if !is_good && !state.is_asking {
            let before = state.answer.take();
            (state.is_asking, state.asked) = (true, state.asked + 1);
            drop(state);
            let asked = self.ask(&name, host, port);
            state = name.look();
            if let Err(error) = asked {
                // for those who have not heard it yet
                state.answer = before;
                return Err(error);
            }
        }
        let asked = state.asked;
        drop(state);
        Ok(LookUp { name, asked })
    }

    fn ask(&self, name: &Arc<Name>, host: &str, port: u16) -> Result<()> {
        let (asking, host) = (Asking { name: Arc::clone(name), is_answered: false }, host.to_owned());
        let work = move || asking.answer(resolve::ask(&host, port));
        self.helpers.tell(work).map_err(resolve::no_thread)
    }
}

/// Asks the system for a name; where that comes to nothing, that is told.
struct Asking {
    name: Arc<Name>,
    is_answered: bool,
}

impl Asking {
    fn answer(mut self, answer: io::Result<Vec<SocketAddr>>) {
        self.is_answered = true;
        self.name.answer(answer);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_answered {
            self.name.answer(Err(io::Error::other("a helper thread has failed")));
        }
    }
}

impl Name {
    fn look(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, answer: io::Result<Vec<SocketAddr>>) {
        let mut state = self.look();
        state.is_asking = false;
        state.answer = Some((Instant::now(), answer));
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn is_of_use(&self) -> bool {
        self.is_asking || matches!(&self.answer, Some((since, Ok(_))) if since.elapsed() < GOOD_FOR)
    }
}

/// The wait for addresses.
pub struct LookUp {
    name: Arc<Name>,
    /// Which time of asking answers it.
    asked: u64,
}

impl LookUp {
    /// What the system says, if it has said it; else the task is woken when it has.
    pub fn poll(&self, context: &Context<'_>) -> Option<io::Result<Vec<SocketAddr>>> {
        let mut state = self.name.look();
        match &state.answer {
            // a later one will do as well
            Some((_, answer)) if state.asked >= self.asked => Some(match answer {
                Ok(addresses) => Ok(addresses.clone()),
                Err(error) => Err(copy(error)),
            }),
            _ => {
                if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    state.waiting.push(context.waker().clone());
                }
                None
            }
        }
    }
}

/// The same error for another one who waits for it.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::Wake;

    use super::*;

    /// Tells when it is woken.
    struct Bell(Mutex<mpsc::Sender<()>>);

    impl Wake for Bell {
        fn wake(self: Arc<Bell>) {
            self.0.lock().unwrap().send(()).unwrap();
        }
    }

    fn bell() -> (Waker, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (Waker::from(Arc::new(Bell(Mutex::new(sender)))), receiver)
    }

    #[test]
    fn who_asks_meanwhile_hears_the_same_answer() {
        let (names, (waker, rings)) = (Names::new(), bell());
        let context = Context::from_waker(&waker);
        let look_ups: Vec<_> = (0..3).map(|_| names.look_up("localhost", 7).unwrap()).collect();
        let first = look_ups[0].poll(&context);
        if first.is_none() {
            rings.recv().unwrap();
        }
        for look_up in &look_ups {
            let addresses = look_up.poll(&context).unwrap().unwrap();
            assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 7));
        }
        // and who asks later
        assert!(names.look_up("localhost", 7).unwrap().poll(&context).is_some());
        let name = &look_ups[0].name;
        assert_eq!(name.look().asked, 1);
        names.clear();
        assert!(names.known.borrow().is_empty());
    }

    #[test]
    fn a_failure_is_told_and_asked_again() {
        let (names, (waker, rings)) = (Names::new(), bell());
        let context = Context::from_waker(&waker);
        let no_name = format!("{}.invalid", "x".repeat(64));
        for asked in 1..3 {
            let look_up = names.look_up(&no_name, 7).unwrap();
            if look_up.poll(&context).is_none() {
                rings.recv().unwrap();
            }
            assert!(look_up.poll(&context).unwrap().is_err());
            assert_eq!(look_up.name.look().asked, asked);
        }
    }

    #[test]
    fn work_that_comes_to_nothing_is_an_answer() {
        let name = Arc::new(Name(Mutex::default()));
        name.look().is_asking = true;
        drop(Asking { name: Arc::clone(&name), is_answered: false });
        assert!(!name.look().is_asking && name.look().answer.as_ref().unwrap().1.is_err());
    }
}

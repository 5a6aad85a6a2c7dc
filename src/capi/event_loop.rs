//! `pop3_loop`: many calls at a time on one thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_void};
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::capi::arguments::{Out, parameter};
use crate::capi::boundary;
use crate::capi::codes::{self, POP3_OK};
use crate::capi::collect::{Collection, pop3_outcome};
use crate::capi::connect::{connection, listeners};
use crate::capi::job::pop3_job;
use crate::capi::last_error;
use crate::capi::listeners::{Listeners, c_string, in_host};
use crate::capi::message::{HostDelivery, pop3_message_cb};
use crate::capi::options::pop3_options;
use crate::capi::without_socket::errand;
use crate::drive::event_loop::{self, Ending, Loop, Notifier, Place};
use crate::error::{Error, Kind, Result};
use crate::net::Cancelled;
use crate::net::progress::Progress;
use crate::options::Options;
use crate::session::collect::{self, Outcome};
use crate::session::trace::Trace;
use crate::session::visit;
use crate::shortage;

/// The done callback: is called once when a call of a loop is over.
///
/// `call` is what the function that began it returned, `result` what its blocking counterpart would return; inside,
/// pop3_get_last_error gives the reason where that is an error. The call is over: it cannot be cancelled any more. Called
/// inside pop3_loop_run, or pop3_loop_free; it may add and cancel calls, free the loop, and call any other pop3_ function.
pub type pop3_done_cb = Option<unsafe extern "C" fn(call: i32, result: i32, context: *mut c_void)>;

/// Many calls at a time on one thread. Opaque; from pop3_loop_new, freed by pop3_loop_free.
pub struct pop3_loop {
    calls: Rc<Calls>,
    notifier: Notifier,
}

/// The calls of a loop, which outlive the loop where that is freed in a callback.
struct Calls {
    calls: Loop,
    /// The keys of those under way, by their numbers.
    numbers: RefCell<BTreeMap<i32, usize>>,
    /// The one that is in the middle of a step.
    in_step: RefCell<Option<InStep>>,
    last_number: Cell<i32>,
    is_freed: Cell<bool>,
    user: Arc<User>,
}

/// Which thread is in a function of a loop, as [`thread_number`] says, 0 for none; and in how many, one inside the other.
#[derive(Default)]
struct User {
    thread: AtomicUsize,
    depth: AtomicUsize,
}

/// A call in the middle of a step.
struct InStep {
    number: i32,
    to: Caller,
    ending: Ending,
    /// What it has come to, where that is being told.
    result: Option<i32>,
}

/// Makes a loop: many mailboxes at a time on one thread.
///
/// A call that is added is under way from then on, and gets on whenever pop3_loop_run is called. Nothing of it waits:
/// connecting, proxies, TLS, log-in, QUIT and the end of TLS are gone on with when something has come; names are looked
/// up by a few threads beside it, once for all who ask within a minute, and a log-in that computes much does so there.
/// What the host's callbacks do, and the book of a job in a file, delays all other calls of the loop.
///
/// Returns it, to be freed with pop3_loop_free; NULL where the system has no descriptors or memory for it.
/// Threads: thread-safe. A loop is used by one thread at a time, save for pop3_loop_wake; several loops run side by side.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_loop_new() -> *mut pop3_loop {
    boundary::hand_out(|| {
        let calls = Loop::new()?;
        let notifier = calls.notifier();
        let calls = Rc::new(Calls {
            calls,
            numbers: RefCell::default(),
            in_step: RefCell::default(),
            last_number: Cell::new(0),
            is_freed: Cell::new(false),
            user: Arc::default(),
        });
        Ok(pop3_loop { calls, notifier })
    })
}

/// Frees a loop and ends the calls that are under way: the done callback of each hears POP3_ERR_CANCELLED before this
/// returns.
///
/// May be called in a callback of a call of the loop. After it has returned no callback of any call is called.
///
/// - `pop3_loop`: from pop3_loop_new, and not freed yet; NULL is ignored.
///
/// Threads: by the thread that uses the loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, not freed before, and in no call of another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_free(pop3_loop: *mut pop3_loop) {
    let _ = boundary::guard(|| {
        if pop3_loop.is_null() {
            return Ok(());
        }
        // SAFETY: by this function's promise
        let calls = Rc::clone(unsafe { &(*pop3_loop).calls });
        if calls.is_freed.replace(true) {
            // in a callback that the freeing has called
            return Ok(());
        }
        if calls.calls.is_before_fork() {
            // the calls, and who hears of them, are those of the process before
            mem::forget(calls);
        } else {
            calls.calls.end_all();
            let in_step = calls.in_step.borrow_mut().take();
            if let Some(InStep { number, to, ending, result }) = in_step {
                ending.silence();
                match result {
                    None => calls.tell_end(number, to, Err(Cancelled.into())),
                    Some(result) => calls.tell_done(number, to, result),
                }
            }
        }
        // SAFETY: from Box::into_raw, by this function's promise; not before, since callbacks may use it
        drop(unsafe { Box::from_raw(pop3_loop) });
        Ok(())
    });
}

/// Asks how many messages wait in a mailbox, beside the other calls of a loop: pop3_stat_with that does not wait.
///
/// - `pop3_loop`: from pop3_loop_new.
/// - `options`: as for pop3_stat_with, and copied: they may be changed and freed when this has returned. The time that a
///   call may take begins when it begins to connect.
/// - `done`, `context`: is called when it is over, with the number or the error; NULL for none.
///
/// Returns the call, greater than 0, or POP3_ERR_PARAMETER (the loop or the options are NULL, or as for pop3_stat_with),
/// POP3_ERR_NO_ADDRESS, POP3_ERR_CANCELLED (the loop is being freed), POP3_ERR_BUSY (another thread uses the loop),
/// POP3_ERR_CONNECTION_LOST (the loop is that of the process that has forked this one), POP3_ERR_OUT_OF_MEMORY. `done` is
/// not called then. A call is over only inside pop3_loop_run or pop3_loop_free.
/// Threads: one thread at a time uses a loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
/// - `options` is NULL or from pop3_options_new, and not changed or freed before this returns.
/// - `done` is NULL or a function of its type, which returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_stat(
    pop3_loop: *mut pop3_loop,
    options: *const pop3_options,
    done: pop3_done_cb,
    context: *mut c_void,
) -> i32 {
    // SAFETY: this function's promises
    let (calls, options) = unsafe { (pop3_loop.as_ref(), options.as_ref()) };
    let listeners = || listeners(options);
    boundary::call_for(c"POP3Stat", listeners, |listeners| {
        let Using(calls, _) = &use_calls(calls)?;
        let options = connection(options)?;
        let to = Caller { command: c"POP3Stat", listeners, done, context };
        add(calls, to, options, |call, options| {
            Box::pin(async move {
                let mut sink = call.sink();
                let mut trace = call.trace(&mut sink);
                let count = visit::stat(&mut call.dialer(&options), &options, &mut trace).await?;
                // QUIT does not matter, but that it was ended there does
                call.ending.check()?;
                Ok(count)
            })
        })
    })
}

/// Reads the messages of a mailbox and deletes them if wanted, beside the other calls of a loop: pop3_recv_with that does
/// not wait.
///
/// - `pop3_loop`, `options`: as for pop3_loop_stat.
/// - `message_cb`: as for pop3_recv_with; after pop3_loop_cancel it is not called any more.
/// - `delete_after`, `max_messages`: as for pop3_recv_with.
/// - `done`: is called when it is over, with how many messages were received whole or the error; NULL for none.
/// - `context`: is handed to both callbacks.
///
/// Returns the call, greater than 0, or POP3_ERR_PARAMETER (`message_cb` is NULL, `max_messages` negative), or an error of
/// pop3_loop_stat.
/// Threads: one thread at a time uses a loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
/// - `options` is NULL or from pop3_options_new, and not changed or freed before this returns.
/// - `message_cb` and `done` are each NULL or a function of its type, which returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_recv(
    pop3_loop: *mut pop3_loop,
    options: *const pop3_options,
    message_cb: pop3_message_cb,
    delete_after: i32,
    max_messages: i32,
    done: pop3_done_cb,
    context: *mut c_void,
) -> i32 {
    // SAFETY: this function's promises
    let (calls, options) = unsafe { (pop3_loop.as_ref(), options.as_ref()) };
    let listeners = || listeners(options);
    boundary::call_for(c"POP3Recv", listeners, |listeners| {
        let Using(calls, _) = &use_calls(calls)?;
        let host = HostDelivery::new(message_cb, context)?;
        let errand = errand(delete_after, max_messages)?;
        let options = connection(options)?;
        let to = Caller { command: c"POP3Recv", listeners, done, context };
        add(calls, to, options, move |call, options| {
            Box::pin(async move {
                let mut host = host.until(call.ending.clone());
                let mut sink = call.sink();
                let mut trace = call.trace(&mut sink);
                let whole = visit::receive(&mut call.dialer(&options), &options, errand, &mut host, &mut trace).await?;
                if !errand.delete {
                    call.ending.check()?;
                }
                Ok(whole)
            })
        })
    })
}

/// Collects what is new in a mailbox, each message once, beside the other calls of a loop: pop3_collect that does not wait
/// for the network. For the book in a file it does: all other calls stand still meanwhile.
///
/// - `pop3_loop`, `options`: as for pop3_loop_stat.
/// - `job`: as for pop3_collect, and copied: it may be changed and freed when this has returned. After pop3_loop_cancel its
///   callbacks are not called any more, save for the book's of a message that was taken before.
/// - `out`: what became of it; zeroed, and filled before `done` is called, until when it must stay where it is. It stays zero
///   where the loop is freed in a callback of this call.
/// - `done`, `context`: is called when it is over, with 0 or the error; NULL for none.
///
/// Returns the call, greater than 0, or POP3_ERR_PARAMETER (as for pop3_collect), or an error of pop3_loop_stat.
/// Threads: one thread at a time uses a loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
/// - `options` is NULL or from pop3_options_new, `job` is NULL or from pop3_job_new, and neither is changed or freed before
///   this returns.
/// - `out` is NULL or points to a pop3_outcome, until the call is over.
/// - `done` is NULL or a function of its type, which returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_collect(
    pop3_loop: *mut pop3_loop,
    options: *const pop3_options,
    job: *const pop3_job,
    out: *mut pop3_outcome,
    done: pop3_done_cb,
    context: *mut c_void,
) -> i32 {
    // SAFETY: this function's promises
    let (calls, options, job) = unsafe { (pop3_loop.as_ref(), options.as_ref(), job.as_ref()) };
    let listeners = || listeners(options);
    boundary::call_for(c"POP3Collect", listeners, |listeners| {
        let Using(calls, _) = &use_calls(calls)?;
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let options = connection(options)?;
        let collection = Collection::of(job.ok_or_else(|| parameter("the job is NULL"))?)?;
        let to = Caller { command: c"POP3Collect", listeners, done, context };
        add(calls, to, options, move |call, options| {
            Box::pin(async move {
                let mut outcome = Outcome::default();
                let collected = collect(&call, &options, collection, &mut outcome).await;
                if call.ending.may_be_told().is_ok() {
                    out.write(outcome.into());
                }
                collected.map(|()| POP3_OK)
            })
        })
    })
}

async fn collect(call: &HostCall, options: &Options, collection: Collection, outcome: &mut Outcome) -> Result<()> {
    let Collection { what, mut host, book } = collection.until(&call.ending);
    let mut sink = call.sink();
    let mut trace = call.trace(&mut sink);
    let mut dialer = call.dialer(options);
    let mut book = book.open(options, dialer.pause())?;
    let result = collect::collect(&mut dialer, options, &what, &mut *book, &mut host, outcome, &mut trace).await;
    if dialer.is_before_fork() {
        // the file and its locks are those of the process before
        mem::forget(book);
    }
    result
}

/// Has a call end. Its done callback hears POP3_ERR_CANCELLED in a later pop3_loop_run, unless it was over before.
///
/// - `pop3_loop`: from pop3_loop_new.
/// - `call`: from a function of this loop that begins a call.
///
/// Returns 0, or POP3_ERR_PARAMETER (the loop is NULL, or no such call is under way), POP3_ERR_BUSY (another thread uses
/// the loop), POP3_ERR_CONNECTION_LOST (the loop is that of the process that has forked this one).
/// Threads: one thread at a time uses a loop; callbacks of its calls may call this.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_cancel(pop3_loop: *mut pop3_loop, call: i32) -> i32 {
    // SAFETY: this function's promise
    with_calls(c"POP3Loop", unsafe { pop3_loop.as_ref() }, |calls| {
        let key = calls.numbers.borrow().get(&call).copied();
        calls.calls.cancel(key.ok_or_else(|| parameter("no such call is under way"))?);
        Ok(POP3_OK)
    })
}

/// Goes on with the calls of a loop: waits until something has come for one of them, then does what can be done without
/// waiting.
///
/// A call that is over is told by its done callback. A fast server has as much of a turn as any other: 64 KiB.
///
/// - `pop3_loop`: from pop3_loop_new.
/// - `timeout_ms`: how long to wait at most, in milliseconds; 0 not at all; -1 until something has come, where any call is
///   under way. pop3_loop_wake ends the wait, and a signal may.
///
/// Returns how many calls are under way, or POP3_ERR_PARAMETER (the loop is NULL, another number below 0), POP3_ERR_BUSY (a
/// callback of the loop has called this, or another thread uses the loop), POP3_ERR_CONNECTION_LOST (the loop is that of
/// the process that has forked this one), POP3_ERR_INTERNAL.
/// Threads: one thread at a time uses a loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_run(pop3_loop: *mut pop3_loop, timeout_ms: i32) -> i32 {
    // SAFETY: this function's promise
    with_calls(c"POP3Loop", unsafe { pop3_loop.as_ref() }, |calls| {
        let patience = match timeout_ms {
            -1 => None,
            time => {
                let time = u64::try_from(time).map_err(|_| parameter("the timeout is negative, and not -1"))?;
                Some(Duration::from_millis(time))
            }
        };
        if calls.calls.is_running() {
            return Err(Error::new(Kind::Busy, "the loop is running"));
        }
        if calls.calls.under_way() > 0 || patience.is_some() {
            calls.calls.run(patience)?;
        }
        calls.check_process()?;
        Ok(i32::try_from(calls.calls.under_way()).unwrap_or(i32::MAX))
    })
}

/// The descriptor that is readable when pop3_loop_run has something to do, for the host's own loop: epoll, kqueue, GLib,
/// libuv, asyncio.
///
/// It is the loop's: never read, written or closed by the host. What is due by its time is told by pop3_loop_timeout.
///
/// - `pop3_loop`: from pop3_loop_new.
///
/// Returns it; -1 where there is none, as on Windows, or the loop is NULL.
/// Threads: one thread at a time uses a loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_fd(pop3_loop: *const pop3_loop) -> i32 {
    // SAFETY: this function's promise
    let calls = unsafe { pop3_loop.as_ref() };
    boundary::guard(|| Ok(calls.map_or(-1, |calls| calls.calls.calls.descriptor()))).unwrap_or(-1)
}

/// In how many milliseconds pop3_loop_run must be called even if nothing comes: deadlines, progress callbacks, addresses to
/// be tried next. It changes with each call of a function of the loop.
///
/// - `pop3_loop`: from pop3_loop_new.
///
/// Returns it; 0 for at once, -1 for never, or where the loop is NULL.
/// Threads: one thread at a time uses a loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_timeout(pop3_loop: *const pop3_loop) -> i32 {
    // SAFETY: this function's promise
    let calls = unsafe { pop3_loop.as_ref() };
    let due = boundary::guard(|| Ok(calls.and_then(|calls| calls.calls.calls.due())));
    let due = due.unwrap_or(None);
    // rounded up, so that one of less than a millisecond is no busy loop
    due.map_or(-1, |due| i32::try_from(due.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX))
}

/// Has pop3_loop_run return that waits, or the next one that would.
///
/// - `pop3_loop`: from pop3_loop_new; NULL is ignored.
///
/// Threads: any thread, at any time before the loop is freed.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_wake(pop3_loop: *mut pop3_loop) {
    let _ = boundary::guard(|| {
        if !pop3_loop.is_null() {
            // SAFETY: not NULL, and this function's promise; nothing else of it is looked at, since another thread may
            // be in it
            unsafe { &(*pop3_loop).notifier }.notify();
        }
        Ok(())
    });
}

/// Sets how many calls of a loop go on at once. Those past it wait for their turn, in the order in which they were added.
///
/// - `pop3_loop`: from pop3_loop_new.
/// - `at_once`: how many in all; 0 for any number; 1000 where nothing is set.
/// - `at_once_each_host`: how many to servers of the same name; 0 for any number; 10 where nothing is set.
///
/// Returns 0, or POP3_ERR_PARAMETER (the loop is NULL, a number is negative), POP3_ERR_BUSY (another thread uses the loop),
/// POP3_ERR_CONNECTION_LOST (the loop is that of the process that has forked this one).
/// Threads: one thread at a time uses a loop.
///
/// # Safety
/// - `pop3_loop` is NULL or from pop3_loop_new, and not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_loop_set_limits(pop3_loop: *mut pop3_loop, at_once: i32, at_once_each_host: i32) -> i32 {
    // SAFETY: this function's promise
    with_calls(c"POP3Loop", unsafe { pop3_loop.as_ref() }, |calls| {
        let limit = |limit: i32| match usize::try_from(limit) {
            Ok(0) => Ok(usize::MAX),
            Ok(limit) => Ok(limit),
            Err(_) => Err(parameter("the number of calls is negative")),
        };
        calls.calls.set_limits(limit(at_once)?, limit(at_once_each_host)?);
        Ok(POP3_OK)
    })
}

/// Whose call it is.
#[derive(Clone, Copy)]
struct Caller {
    command: &'static CStr,
    listeners: Listeners,
    done: pop3_done_cb,
    context: *mut c_void,
}

/// What a call has of its loop and its host.
struct HostCall {
    place: Place,
    listeners: Listeners,
    ending: Ending,
}

impl HostCall {
    /// Where status lines go.
    fn sink(&self) -> impl FnMut(&str) + use<> {
        let (listeners, ending) = (self.listeners, self.ending.clone());
        move |line| {
            if !ending.is_over() {
                listeners.call_status(&c_string(line));
            }
        }
    }

    fn trace<'a>(&self, sink: &'a mut dyn FnMut(&str)) -> Trace<'a> {
        Trace::new(self.listeners.status.is_some().then_some(sink))
    }

    fn dialer<'a>(&self, options: &'a Options) -> event_loop::Dialer<'a, impl Fn() -> Progress + use<>> {
        let (listeners, ending) = (self.listeners, self.ending.clone());
        self.place.dialer(options, move || listeners.progress_until(ending.clone()))
    }
}

/// What a call does.
type HostWork = Pin<Box<dyn Future<Output = Result<i32>>>>;

/// Adds a call to a loop.
fn add(
    calls: &Rc<Calls>,
    to: Caller,
    options: Options,
    work: impl FnOnce(HostCall, Options) -> HostWork,
) -> Result<i32> {
    if calls.is_freed.get() {
        return Err(Error::new(Kind::Cancelled, "the loop is being freed"));
    }
    shortage::check()?;
    let number = calls.new_number();
    let host = options.server.host.same();
    let weak = Rc::downgrade(calls);
    let key = calls.calls.add(host, move |place| {
        let ending = place.ending();
        let work = work(HostCall { place, listeners: to.listeners, ending: ending.clone() }, options);
        Box::pin(UnderWay { work: Some(work), has_begun: false, number, to, ending, calls: weak })
    });
    calls.numbers.borrow_mut().insert(number, key);
    Ok(number)
}

/// A call under way: its work, and then that the host is told.
struct UnderWay {
    work: Option<HostWork>,
    has_begun: bool,
    number: i32,
    to: Caller,
    ending: Ending,
    calls: Weak<Calls>,
}

impl Future for UnderWay {
    type Output = ();

    fn poll(mut self: Pin<&mut UnderWay>, context: &mut Context<'_>) -> Poll<()> {
        let Some(calls) = self.calls.upgrade() else { return Poll::Ready(()) };
        let step = InStep { number: self.number, to: self.to, ending: self.ending.clone(), result: None };
        // where the loop is freed in a callback the other calls take their last step inside of this one
        let outer = calls.in_step.replace(Some(step));
        let polled = self.step(&calls, context);
        calls.in_step.replace(outer);
        polled
    }
}

impl UnderWay {
    fn step(&mut self, calls: &Calls, context: &mut Context<'_>) -> Poll<()> {
        // a defect ends this call, and no other
        let polled = boundary::contain(|| {
            if !mem::replace(&mut self.has_begun, true) {
                // one that was cancelled before its turn has done nothing
                self.ending.check()?;
            }
            let work = self.work.as_mut().ok_or_else(|| Error::new(Kind::Internal, "a call that is over goes on"))?;
            Ok(work.as_mut().poll(context))
        });
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(error) => Err(error),
        };
        // the connection is closed, and the book, before the host hears of it
        self.work = None;
        calls.tell_end(self.number, self.to, result);
        Poll::Ready(())
    }
}

impl Calls {
    /// Refuses to go on with what is another process's, as after a callback that has forked.
    fn check_process(&self) -> Result<()> {
        match self.calls.is_before_fork() {
            true => Err(Error::new(Kind::ConnectionLost, "the loop is that of the process that has forked this one")),
            false => Ok(()),
        }
    }

    /// A number that no call under way has.
    fn new_number(&self) -> i32 {
        loop {
            let number = self.last_number.get() % i32::MAX + 1;
            self.last_number.set(number);
            if !self.numbers.borrow().contains_key(&number) {
                return number;
            }
        }
    }

    /// Tells the host that a call is over, and why where it has failed, unless it has been told.
    fn tell_end(&self, number: i32, to: Caller, result: Result<i32>) {
        let result = result.unwrap_or_else(|error| {
            let code = codes::code(error.kind());
            // where the loop is freed in the error callback the host is told of the end there
            if let Some(step) = &mut *self.in_step.borrow_mut() {
                step.result = Some(code);
            }
            if self.numbers.borrow().contains_key(&number) {
                let _ = boundary::contain(|| {
                    last_error::fail(to.command, code, &error, to.listeners);
                    Ok(())
                });
            }
            code
        });
        self.tell_done(number, to, result);
    }

    fn tell_done(&self, number: i32, to: Caller, result: i32) {
        if self.numbers.borrow_mut().remove(&number).is_some() {
            to.tell_done(number, result);
        }
    }
}

impl Caller {
    fn tell_done(self, call: i32, result: i32) {
        if let Some(callback) = self.done {
            // SAFETY: the host gave a function of this type together with its context
            in_host(|| unsafe { callback(call, result, self.context) });
        }
    }
}

/// Runs the body of a function of a loop.
fn with_calls(command: &'static CStr, calls: Option<&pop3_loop>, body: impl FnOnce(&Rc<Calls>) -> Result<i32>) -> i32 {
    boundary::call(command, || body(&use_calls(calls)?.0))
}

/// This thread is in a function of a loop: the calls are let go before another thread may have its turn.
struct Using(Rc<Calls>, #[expect(dead_code, reason = "what it does is to be dropped")] Entered);

/// A thread has entered a function of a loop, and leaves it.
struct Entered(Arc<User>);

/// The calls of a loop, where no other thread is in it and it is not that of another process.
fn use_calls(calls: Option<&pop3_loop>) -> Result<Using> {
    let calls = &calls.ok_or_else(|| parameter("the loop is NULL"))?.calls;
    calls.check_process()?;
    let here = thread_number();
    let user = calls.user.thread.compare_exchange(0, here, Ordering::Acquire, Ordering::Acquire);
    if user.is_err_and(|user| user != here) {
        return Err(Error::new(Kind::Busy, "another thread uses the loop"));
    }
    calls.user.depth.fetch_add(1, Ordering::Relaxed);
    Ok(Using(Rc::clone(calls), Entered(Arc::clone(&calls.user))))
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.0.depth.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.thread.store(0, Ordering::Release);
        }
    }
}

/// Tells this thread from all others that there are.
fn thread_number() -> usize {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.try_with(|here| std::ptr::from_ref(here).addr()).unwrap_or(usize::MAX)
}

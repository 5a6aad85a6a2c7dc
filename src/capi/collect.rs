//! `pop3_collect`: a job, done in as many sessions as it takes.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::{Mutex, PoisonError};

use crate::book::{self, Age, Book, Known, Look, Pause, RunBook, Taken};
use crate::capi::arguments::{Out, parameter};
use crate::capi::boundary;
use crate::capi::codes::{self, POP3_OK};
use crate::capi::connect::listeners;
use crate::capi::job::{HostFunctions, Kept, pop3_arrival, pop3_job};
use crate::capi::listeners::{c_string, in_host, with_trace};
use crate::capi::message::go_on;
use crate::capi::options::pop3_options;
use crate::drive::blocking;
use crate::drive::event_loop::Ending;
use crate::error::{Error, Kind, Result};
use crate::fork::Process;
use crate::options::Options;
use crate::session::collect::{Arrival, Host, Job, Outcome, c_uid};
use crate::text::hex;

/// What became of a run of pop3_collect.
#[repr(C)]
#[derive(Default)]
pub struct pop3_outcome {
    /// How many messages were taken: the message callback has answered 0 to the last piece of each, and they are in
    /// the book.
    pub taken: i32,
    /// How many messages the server has deleted, as its answers to QUIT say.
    pub deleted: i32,
    /// How many new messages were left for another run: not wanted, too large, past a limit, or not come to.
    pub left: i32,
    /// How many new messages did not arrive: refused by the server, or the connection broke at them twice.
    pub failed: i32,
    /// How many octets those that were taken have together.
    pub octets: i64,
    /// How often a connection that had broken was made again.
    pub reconnects: i32,
}

/// Collects what is new in a mailbox, each message once: connects, asks what is there, takes what the book does not
/// know, and deletes what the job says; and connects again where a connection breaks.
///
/// A message counts as taken when the message callback has answered 0 to its last piece. It is in the book before the
/// next one is handed over, and on disk before anything is deleted. So a run that is killed at any moment loses no
/// message, and at most the one that was being handed over comes again; after a power cut as many may as were taken
/// within a second. Deletions are committed (QUIT) every 100 messages, or 30 seconds, and at the end.
///
/// The message on which a connection broke is asked for once more; where it breaks again the message is left and told
/// as failed, and the others go on. Messages that share a unique id are told apart by their size and the SHA-256 of
/// their header. Of a server without UIDL that digest is the unique id (TOP n 0), which costs a command for each
/// message in the mailbox.
///
/// After an error another run goes on where this one stopped: what was taken is in the book, and what was not deleted is
/// deleted then.
///
/// Another program that writes into the book is waited for, for 10 seconds at most.
///
/// - `options`: as for pop3_connect_with. The time that a call may take is that of the whole run.
/// - `job`: from pop3_job_new, with a message callback.
/// - `out`: what became of it; filled whatever this answers.
///
/// Returns 0, or POP3_ERR_PARAMETER (an argument is NULL; the job has no message callback, or days without a book in a file;
/// a setter of the job was refused), POP3_ERR_BOOK (the book cannot be opened, read or written: no message is taken that it
/// does not get), POP3_ERR_MAILBOX_IN_USE (also where another run collects from this account into this book: then nothing
/// was connected), POP3_ERR_CANCELLED (a callback stopped it: nothing more is asked), POP3_ERR_UNSUPPORTED (also where a
/// book is kept and the server has neither UIDL nor TOP), POP3_ERR_SERVER or POP3_ERR_TEMPORARY (also where all was taken,
/// but the server refused to delete something), any other error of pop3_connect_with or pop3_recv_message save for
/// POP3_ERR_BAD_SOCKET and POP3_ERR_BUSY.
/// Threads: thread-safe, reentrant, as long as no call changes the options or the job meanwhile.
///
/// # Safety
/// - `options` is NULL or from pop3_options_new, `job` is NULL or from pop3_job_new, and both are not changed or
///   freed before this returns; `out` is NULL or points to a pop3_outcome.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_collect(
    options: *const pop3_options,
    job: *const pop3_job,
    out: *mut pop3_outcome,
) -> i32 {
    // SAFETY: this function's promises
    let (options, job) = unsafe { (options.as_ref(), job.as_ref()) };
    let listeners = || listeners(options);
    boundary::call_for(c"POP3Collect", listeners, |listeners| {
        // SAFETY: this function's promise
        let out = unsafe { Out::new(out) }?;
        let options = options.ok_or_else(|| parameter("the options are NULL"))?;
        let job = job.ok_or_else(|| parameter("the job is NULL"))?;
        let mut outcome = Outcome::default();
        let collected = with_trace(None, listeners, |trace| {
            let connection = options.connection()?;
            let Collection { what, mut host, book } = Collection::of(job)?;
            let book = |pause| book.open(&connection, pause);
            blocking::collect(&connection, &what, book, &mut host, &mut outcome, || listeners.progress(), trace)
        });
        out.write(outcome.into());
        collected.map(|()| POP3_OK)
    })
}

impl From<Outcome> for pop3_outcome {
    fn from(outcome: Outcome) -> pop3_outcome {
        let Outcome { taken, deleted, left, failed, octets, reconnects } = outcome;
        pop3_outcome { taken, deleted, left, failed, octets, reconnects }
    }
}

/// What a job says, in the session's terms: a copy, since the host may change the job.
pub(super) struct Collection {
    /// What is to be collected.
    pub what: Job,
    /// Who takes it.
    pub host: HostMessages,
    /// Where it is written down.
    pub book: BookOfJob,
}

impl Collection {
    /// That of a job.
    pub fn of(job: &pop3_job) -> Result<Collection> {
        let book = BookOfJob { kept: job.book.clone(), days: job.days, ending: Ending::default() };
        Ok(Collection { what: job.job()?, host: HostMessages::new(job)?, book })
    }

    /// The same in a call that may be ended in a callback, after which none is called.
    pub fn until(mut self, ending: &Ending) -> Collection {
        self.host.ending = ending.clone();
        self.book.ending = ending.clone();
        self
    }
}

/// Where a job has written down what was taken, and when it is deleted.
pub(super) struct BookOfJob {
    kept: Kept,
    days: Option<u32>,
    /// Of a call that may be ended in a callback.
    ending: Ending,
}

impl BookOfJob {
    /// Opens it for the account of a connection; `pause` is how it waits.
    pub fn open(&self, connection: &Options, pause: Pause) -> Result<Box<dyn Book>> {
        let age = if self.days == Some(0) { Age::Due } else { Age::Stays };
        Ok(match &self.kept {
            Kept::Nowhere => Box::new(RunBook::new(age)),
            Kept::Host(functions) => Box::new(HostBook::open(*functions, connection, age, self.ending.clone())?),
            #[cfg(feature = "book")]
            Kept::File(path) => {
                let patience = connection.timeouts.reply;
                Box::new(crate::book::file::FileBook::open(path, &connection.account(), self.days, patience, pause)?)
            }
            #[cfg(not(feature = "book"))]
            Kept::File(_) => {
                drop(pause);
                return Err(Error::new(Kind::Internal, "a book in a file, where there are none"));
            }
        })
    }
}

/// The callbacks of a job.
pub(super) struct HostMessages {
    wanted: Option<(unsafe extern "C" fn(*const pop3_arrival, *mut c_void) -> i32, *mut c_void)>,
    callback: unsafe extern "C" fn(*const pop3_arrival, *const c_char, usize, i32, *mut c_void) -> i32,
    context: *mut c_void,
    /// Of a call that may be ended in a callback, after which none is called.
    ending: Ending,
}

impl HostMessages {
    fn new(job: &pop3_job) -> Result<HostMessages> {
        let (callback, context) = job.message.ok_or_else(|| parameter("the job has no message callback"))?;
        Ok(HostMessages { wanted: job.wanted, callback, context, ending: Ending::default() })
    }

    fn call(&self, arrival: &Arrival, data: *const c_char, len: usize, last: i32) -> Result<()> {
        self.ending.check()?;
        let (arrival, process) = (told(arrival), Process::current());
        // SAFETY: the host gave a function of this type together with its context
        let answer = in_host(|| unsafe { (self.callback)(&arrival, data, len, last, self.context) });
        if process.is_before_fork() {
            // what has been read already comes in the process before
            return Err(Error::new(Kind::ConnectionLost, "the run is that of the process that has forked this one"));
        }
        go_on(answer)
    }
}

impl Host for HostMessages {
    fn wants(&mut self, arrival: &Arrival) -> bool {
        !self.ending.is_over()
            && self.wanted.is_none_or(|(callback, context)| {
                let arrival = told(arrival);
                // SAFETY: the host gave a function of this type together with its context
                in_host(|| unsafe { callback(&arrival, context) }) != 0
            })
    }

    fn piece(&mut self, arrival: &Arrival, bytes: &[u8]) -> Result<()> {
        self.call(arrival, bytes.as_ptr().cast(), bytes.len(), 0)
    }

    fn whole(&mut self, arrival: &Arrival) -> Result<()> {
        self.call(arrival, c"".as_ptr(), 0, 1)
    }

    fn failed(&mut self, arrival: &Arrival, error: &Error) -> Result<()> {
        self.call(arrival, std::ptr::null(), 0, codes::code(error.kind()))
    }
}

/// What the host sees of a message; it is good for as long as the message is.
fn told(arrival: &Arrival) -> pop3_arrival {
    pop3_arrival { uid: arrival.name.uid.as_ptr(), number: arrival.number, size: arrival.octets }
}

/// A book of the host's own, for an account from which one run at a time collects.
struct HostBook {
    functions: HostFunctions,
    account: CString,
    age: Age,
    ending: Ending,
}

/// The books of hosts that are in use, each with the process that uses it: a fork copies this, and goes on with none.
static IN_USE: Mutex<BTreeMap<Key, Process>> = Mutex::new(BTreeMap::new());

/// What tells a host's books apart: a function, its context, the account.
type Key = (usize, usize, CString);

fn key(functions: HostFunctions, account: &CStr) -> Key {
    (functions.is_taken as usize, functions.context as usize, account.to_owned())
}

impl HostBook {
    fn open(functions: HostFunctions, connection: &Options, age: Age, ending: Ending) -> Result<HostBook> {
        let account = c_string(&String::from_utf8_lossy(&connection.account()));
        let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|_, process| !process.is_before_fork());
        match in_use.insert(key(functions, &account), Process::current()) {
            None => Ok(HostBook { functions, account, age, ending }),
            Some(_) => Err(book::in_use()),
        }
    }

    fn is_taken(&self, uid: &[u8]) -> Result<bool> {
        self.ending.check()?;
        let HostFunctions { is_taken, context, .. } = self.functions;
        let uid = c_uid(uid)?;
        // SAFETY: the host gave a function of this type together with its context
        match in_host(|| unsafe { is_taken(self.account.as_ptr(), uid.as_ptr(), context) }) {
            0 => Ok(false),
            1.. => Ok(true),
            _ => Err(Error::new(Kind::Book, "the host's book could not be read")),
        }
    }
}

impl Drop for HostBook {
    fn drop(&mut self) {
        IN_USE.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(self.functions, &self.account));
    }
}

impl Book for HostBook {
    fn look_up(&mut self, uids: &[&[u8]], _: &[&[u8]], _: bool) -> Result<Vec<Known>> {
        let known = |taken| if taken { Known::Taken(self.age) } else { Known::New };
        uids.iter().map(|uid| self.is_taken(uid).map(known)).collect()
    }

    fn look_up_shared(&mut self, uid: &[u8], look: &Look, listed: usize) -> Result<Vec<Age>> {
        let mut ages = Vec::new();
        while ages.len() < listed && self.is_taken(&apart(uid, look, ages.len()))? {
            ages.push(self.age);
        }
        Ok(ages)
    }

    /// It knows no headers.
    fn look_up_alone(&mut self, _: &[u8], _: Option<[u8; 32]>) -> Result<Option<(Option<i64>, Age)>> {
        Ok(None)
    }

    fn add(&mut self, message: &Taken<'_>) -> Result<()> {
        // what was taken when the call was cancelled is taken
        self.ending.may_be_told()?;
        let HostFunctions { taken, context, .. } = self.functions;
        let uid = match message.copy {
            None => c_uid(message.uid)?,
            Some(copy) => c_uid(&apart(message.uid, &message.look, copy))?,
        };
        // SAFETY: the host gave a function of this type together with its context
        match in_host(|| unsafe { taken(self.account.as_ptr(), uid.as_ptr(), context) }) {
            0 => Ok(()),
            _ => Err(Error::new(Kind::Book, "the host's book could not be written")),
        }
    }
}

/// What stands for the unique id of a message that shares it: with its size, the digest of its header, and which of
/// those that look the same it is.
fn apart(uid: &[u8], look: &Look, copy: usize) -> Vec<u8> {
    let header = hex(&look.header.unwrap_or_default());
    [uid, format!(" {} {header} {}", look.octets.unwrap_or(-1), copy + 1).as_bytes()].concat()
}

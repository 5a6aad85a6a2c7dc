//! What is to be collected: making a job, changing it and freeing it.

use std::ffi::{CStr, c_char, c_void};
use std::path::PathBuf;

use crate::capi::arguments::{optional, parameter};
use crate::capi::boundary::{self, change};
use crate::capi::refusals::{Refusals, Settable};
use crate::capi::settings::absolute;
use crate::error::{Error, Kind, Result};
use crate::session::collect::Job;

/// A message that pop3_collect has found to be new.
#[repr(C)]
pub struct pop3_arrival {
    /// Its unique id by UIDL, with one blank between its words. Of a server without UIDL, SHA-256 over the header in
    /// hexadecimal digits, each line of it with LF as its end. "" of one that has no TOP either.
    pub uid: *const c_char,
    /// Its number in the session that is open. It may have another one when it is seen again.
    pub number: i32,
    /// Its size in octets, as the server reports it; -1 where it does not.
    pub size: i64,
}

/// Asks the host whether it wants a message now.
pub type pop3_wanted_cb = Option<unsafe extern "C" fn(arrival: *const pop3_arrival, context: *mut c_void) -> i32>;

/// Takes the messages that pop3_collect brings, piece by piece.
///
/// `arrival` says which message, and is good until the callback returns, as `data` is: the `len` next bytes of it,
/// not ended by NUL. `last` is 0 while more of that message follows, and 1 with its final bytes, which may be none:
/// when the callback answers 0 to that, the message counts as taken, and never comes again. `last` is an error, with
/// `data` NULL and `len` 0, where the message does not come, or where the connection broke in the middle of it: then
/// what has come of it is to be thrown away, and it may begin anew in the same run. Answers 0 to go on, anything else
/// to stop the run. Called on the thread of the call, before the call returns; it may call any pop3_ function.
pub type pop3_collect_cb = Option<
    unsafe extern "C" fn(
        arrival: *const pop3_arrival,
        data: *const c_char,
        len: usize,
        last: i32,
        context: *mut c_void,
    ) -> i32,
>;

/// Asks the host's own book for a unique id, or tells it one.
pub type pop3_book_cb =
    Option<unsafe extern "C" fn(account: *const c_char, uid: *const c_char, context: *mut c_void) -> i32>;

/// What to collect. Opaque; from pop3_job_new, freed by pop3_job_free.
pub struct pop3_job {
    pub(super) book: Kept,
    /// After how many days what was taken is deleted.
    pub(super) days: Option<u32>,
    pub(super) newest_first: bool,
    pub(super) messages: Option<u64>,
    pub(super) octets_each: Option<u64>,
    pub(super) octets_all: Option<u64>,
    pub(super) lines: Option<i32>,
    pub(super) wanted: Option<(unsafe extern "C" fn(*const pop3_arrival, *mut c_void) -> i32, *mut c_void)>,
    pub(super) message:
        Option<(unsafe extern "C" fn(*const pop3_arrival, *const c_char, usize, i32, *mut c_void) -> i32, *mut c_void)>,
    refused: Refusals,
}

/// Where what was taken is kept.
#[derive(Clone)]
pub(super) enum Kept {
    /// Nowhere.
    Nowhere,
    /// In a file.
    #[cfg_attr(not(feature = "book"), expect(dead_code, reason = "there are no files"))]
    File(PathBuf),
    /// By the host.
    Host(HostFunctions),
}

/// A book of the host's own.
#[derive(Clone, Copy)]
pub(super) struct HostFunctions {
    pub is_taken: unsafe extern "C" fn(*const c_char, *const c_char, *mut c_void) -> i32,
    pub taken: unsafe extern "C" fn(*const c_char, *const c_char, *mut c_void) -> i32,
    pub context: *mut c_void,
}

impl Settable for pop3_job {
    const COMMAND: &'static CStr = c"POP3Job";
    const WHAT: &'static str = "the job is";

    fn refused(&mut self) -> &mut Refusals {
        &mut self.refused
    }
}

impl pop3_job {
    /// What is to be collected, in the session's terms.
    pub(super) fn job(&self) -> Result<Job> {
        self.refused.check()?;
        let has_book = !matches!(self.book, Kept::Nowhere);
        if matches!(self.days, Some(1..)) && !matches!(self.book, Kept::File(_)) {
            return Err(parameter("only a book in a file knows since when a message has been there"));
        }
        Ok(Job {
            newest_first: self.newest_first,
            messages: self.messages,
            octets_each: self.octets_each,
            octets_all: self.octets_all,
            lines: self.lines,
            deletes: self.days == Some(0),
            has_book,
        })
    }
}

/// Makes a job with the defaults: whole messages of any number and size, the oldest first, nothing deleted, no book.
///
/// Returns it, to be freed with pop3_job_free; NULL on an internal error.
/// Threads: thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn pop3_job_new() -> *mut pop3_job {
    let job = || pop3_job {
        book: Kept::Nowhere,
        days: None,
        newest_first: false,
        messages: None,
        octets_each: None,
        octets_all: None,
        lines: None,
        wanted: None,
        message: None,
        refused: Refusals::default(),
    };
    boundary::hand_out(|| Ok(job()))
}

/// Frees a job.
///
/// - `job`: from pop3_job_new, not freed before and not in use; NULL is fine.
///
/// Threads: thread-safe.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, not freed, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_free(job: *mut pop3_job) {
    // SAFETY: this function's promise
    unsafe { boundary::take_back(job) };
}

/// Sets the book in which the unique ids of what was taken are kept: an SQLite file, for any number of accounts, jobs,
/// threads and processes. Beside it there are files of SQLite's and of a run's whose names begin with its own.
///
/// A table `messages` has a row for each message, and a view `taken` shows them with accounts and times. An account is
/// user@host:port, with the authorization identity as its user where there is one. What a server does not list any more
/// leaves the book after 30 days. It must not lie on a network's file system. Where the library has an SQLite of its own (on
/// Windows, with musl, in the wheel for Python) a host may read the book by another one in another process alone: in one
/// process they do not know of each other's locks.
///
/// - `job`: from pop3_job_new.
/// - `path`: of the file, which is made when a run finds none, for its owner alone; NULL is the default: no book, so
///   that every run takes all that is there.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, the path is not UTF-8 where paths must be), POP3_ERR_UNSUPPORTED
/// (the library was built without books).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call; `path` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_book(job: *mut pop3_job, path: *const c_char) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        change(job, "pop3_job_set_book", |job| {
            job.book = match optional(path, "the path")? {
                None => Kept::Nowhere,
                Some(_) if cfg!(not(feature = "book")) => {
                    return Err(Error::new(Kind::Unsupported, "the library was built without books"));
                }
                Some(b"") => return Err(parameter("the path is empty")),
                Some(path) => Kept::File(absolute(path)?),
            };
            job.refused.forget("pop3_job_set_book_cb");
            Ok(())
        })
    }
}

/// Sets functions of the host as the book, for hosts that keep it in a database of their own.
///
/// Both NULL is the default: no book. The last one of this and pop3_job_set_book counts.
///
/// - `job`: from pop3_job_new.
/// - `is_taken`: whether the message with that unique id was taken: 0 no, 1 yes, anything negative ends the run.
/// - `taken`: that it has been; it is to be on disk when this returns 0, anything else ends the run, and the message
///   comes again. A message that shares its unique id with others is told by its unique id, its size, the SHA-256 of
///   its header and which of those that look the same it is, with blanks between.
/// - `context`: handed to both, with the account as user@host:port.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, one of the two is NULL and the other is not).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call; each function is NULL or one of its type, which
///   returns and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_book_cb(
    job: *mut pop3_job,
    is_taken: pop3_book_cb,
    taken: pop3_book_cb,
    context: *mut c_void,
) -> i32 {
    // SAFETY: this function's promises
    unsafe {
        change(job, "pop3_job_set_book_cb", |job| {
            job.book = match (is_taken, taken) {
                (None, None) => Kept::Nowhere,
                (Some(is_taken), Some(taken)) => Kept::Host(HostFunctions { is_taken, taken, context }),
                _ => return Err(parameter("a book needs both of its functions")),
            };
            job.refused.forget("pop3_job_set_book");
            Ok(())
        })
    }
}

/// Sets when what was taken is deleted on the server.
///
/// - `job`: from pop3_job_new.
/// - `days`: -1 is the default: never; 0 in the same run, and what an earlier run has not come to delete; n in the
///   first run that is n days or more after it was taken, which needs a book in a file.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, `days` less than -1).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_delete(job: *mut pop3_job, days: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(job, "pop3_job_set_delete", |job| {
            job.days = match days {
                -1 => None,
                days => Some(u32::try_from(days).map_err(|_| parameter("the number of days is less than -1"))?),
            };
            Ok(())
        })
    }
}

/// Sets in which order messages are taken.
///
/// - `job`: from pop3_job_new.
/// - `newest_first`: 0 is the default: as the server numbers them, which is the oldest first; non-zero the other way
///   round.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_order(job: *mut pop3_job, newest_first: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(job, "pop3_job_set_order", |job| {
            job.newest_first = newest_first != 0;
            Ok(())
        })
    }
}

/// Sets how much a run may take. 0 is the default of each: no limit.
///
/// The sizes are those that the server reports; a message that turns out to be larger than `octets_each` ends the
/// connection, which is made again. With pop3_job_set_lines sizes are not known before.
///
/// - `job`: from pop3_job_new.
/// - `messages`: how many messages; the others are left for the next run.
/// - `octets_each`: how large a message may be. A larger one is left, and the message callback told: POP3_ERR_LIMIT.
/// - `octets_all`: how many octets together; where the next message does not fit it and the others are left for the
///   next run. One that is larger by itself is as one that is larger than `octets_each`.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, a limit is negative).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_limits(
    job: *mut pop3_job,
    messages: i32,
    octets_each: i64,
    octets_all: i64,
) -> i32 {
    let limit = |most: i64| match u64::try_from(most) {
        Ok(0) => Ok(None),
        Ok(most) => Ok(Some(most)),
        Err(_) => Err(parameter("a limit is negative")),
    };
    // SAFETY: this function's promise
    unsafe {
        change(job, "pop3_job_set_limits", |job| {
            let limits = (limit(messages.into())?, limit(octets_each)?, limit(octets_all)?);
            (job.messages, job.octets_each, job.octets_all) = limits;
            Ok(())
        })
    }
}

/// Sets whether messages are taken whole.
///
/// - `job`: from pop3_job_new.
/// - `lines`: -1 is the default: whole; n for the header, the empty line and n lines of the body (TOP, RFC 1939). What
///   was taken so counts as taken, and is deleted as the job says.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL, `lines` less than -1).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_lines(job: *mut pop3_job, lines: i32) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(job, "pop3_job_set_lines", |job| {
            job.lines = match lines {
                -1 => None,
                0.. => Some(lines),
                _ => return Err(parameter("the number of lines is less than -1")),
            };
            Ok(())
        })
    }
}

/// Sets who says which messages are wanted.
///
/// - `job`: from pop3_job_new.
/// - `cb`: is called for each new message before it is asked for, often for some ahead of those that have come;
///   answers 0 for "not now": the message is left, and asked about again in the next run. NULL is the default: all
///   are wanted.
/// - `context`: handed to `cb`.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call; `cb` is NULL or a function of its type, which returns
///   and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_wanted_cb(job: *mut pop3_job, cb: pop3_wanted_cb, context: *mut c_void) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(job, "pop3_job_set_wanted_cb", |job| {
            job.wanted = cb.map(|cb| (cb, context));
            Ok(())
        })
    }
}

/// Sets who takes the messages.
///
/// - `job`: from pop3_job_new.
/// - `cb`: as pop3_collect_cb; NULL is the default, with which there is nothing to collect.
/// - `context`: handed to `cb`.
///
/// Returns 0, or POP3_ERR_PARAMETER (`job` is NULL).
/// Threads: thread-safe, as long as no other call uses the job meanwhile.
///
/// # Safety
/// - `job` is NULL or from pop3_job_new, and in no other call; `cb` is NULL or a function of its type, which returns
///   and for which `context` is right.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pop3_job_set_message_cb(job: *mut pop3_job, cb: pop3_collect_cb, context: *mut c_void) -> i32 {
    // SAFETY: this function's promise
    unsafe {
        change(job, "pop3_job_set_message_cb", |job| {
            job.message = cb.map(|cb| (cb, context));
            Ok(())
        })
    }
}

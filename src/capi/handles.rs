//! The handle table: from the number that the host holds to the session.
//!
//! A call takes the session out of its slot and puts it back when it is done, so nothing is locked while it waits,
//! and a call that comes meanwhile finds the slot busy. A session that ended, for whatever reason, leaves the reason in
//! its slot until the host disconnects.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::capi::listeners::{Listeners, pop3_sts_cb, with_trace};
use crate::drive::blocking::Client;
use crate::error::{Error, Kind, Result};
use crate::fork::Process;
use crate::net::tcp::Canceller;
use crate::session::trace::Trace;

/// Far above any file descriptor, so that one passed by mistake is no handle.
const FIRST_HANDLE: i32 = 0x0100_0000;

/// How many parts the table has, each with a lock of its own.
const SHARDS: usize = 16;

// no map that needs random numbers, which the system may refuse
type Shard = RwLock<BTreeMap<i32, Arc<Slot>>>;

static TABLE: [Shard; SHARDS] = [const { RwLock::new(BTreeMap::new()) }; SHARDS];
static NEXT_HANDLE: AtomicI32 = AtomicI32::new(FIRST_HANDLE);

struct Slot {
    state: Mutex<State>,
    canceller: Canceller,
    listeners: Listeners,
    /// Whose it is: a fork leaves a copy in the new process, which is not to be used there.
    process: Process,
}

enum State {
    /// Nobody uses the session.
    Idle(Box<Client>),
    /// A call has it.
    Busy { cancelled: bool },
    /// It ended, for that reason.
    Over(String),
}

/// Gives a session a handle, never one that was given before.
pub fn insert(client: Client, listeners: Listeners) -> Result<i32> {
    let handle = NEXT_HANDLE
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |handle| handle.checked_add(1))
        .map_err(|_| Error::new(Kind::Limit, "every handle of the process has been used"))?;
    let canceller = client.transport().canceller();
    let state = Mutex::new(State::Idle(Box::new(client)));
    let slot = Slot { state, canceller, listeners, process: Process::current() };
    shard(handle).write().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::new(slot));
    Ok(handle)
}

/// Runs a command on a session, with a trace whose lines go to the host's callback.
///
/// A cancel that comes too late for the command still takes its result away, so that must be of a type that frees
/// itself.
pub fn on_socket<T>(
    handle: i32,
    sts_cb: pop3_sts_cb,
    command: impl FnOnce(&mut Client, &mut Trace<'_>) -> Result<T>,
) -> Result<T> {
    let mut lease = Lease::take(find(handle)?)?;
    let listeners = lease.slot.listeners;
    let result = match &mut lease.client {
        Some(client) => {
            client.begin_call().and_then(|()| with_trace(sts_cb, listeners, |trace| command(client, trace)))
        }
        None => Err(Error::new(Kind::Internal, "a lease without a session")),
    };
    lease.settle(result)
}

/// The same of a command on many messages, once their numbers are what they must be.
pub fn on_messages<T>(
    handle: i32,
    numbers: Result<Vec<i32>>,
    sts_cb: pop3_sts_cb,
    command: impl FnOnce(&mut Client, Vec<i32>, &mut Trace<'_>) -> Result<T>,
) -> Result<T> {
    match numbers {
        // no memory: the session is over, as after any other lack of it
        Err(error) if error.ends_session() => on_socket(handle, sts_cb, |_, _| Err(error)),
        numbers => {
            let numbers = numbers?;
            on_socket(handle, sts_cb, |client, trace| command(client, numbers, trace))
        }
    }
}

/// Runs the last command of a session and frees its handle, whatever comes of it. A session in use is left alone; of
/// one from before a fork the copy is closed, which the peer does not notice.
pub fn end(handle: i32, command: impl FnOnce(Client) -> Result<()>) -> Result<()> {
    let slot = find_any(handle)?;
    if slot.process.is_before_fork() {
        drop(Freed(handle));
        return Err(before_fork(handle));
    }
    let taken = Lease::take(slot);
    if matches!(&taken, Err(error) if error.kind() == Kind::Busy) {
        return taken.map(drop);
    }
    // until then callbacks find the socket busy
    let _freed = Freed(handle);
    let mut lease = taken?;
    let result = match lease.client.take() {
        Some(mut client) => client.begin_call().and_then(|()| command(*client)),
        None => Err(Error::new(Kind::Internal, "a lease without a session")),
    };
    lease.settle(result)
}

/// The callbacks of a session; none where there is no session.
pub fn listeners(handle: i32) -> Listeners {
    find_any(handle).map(|slot| slot.listeners).unwrap_or_default()
}

/// Ends the call that uses the session, if one does.
pub fn cancel(handle: i32) -> Result<()> {
    let slot = find(handle)?;
    if let State::Busy { cancelled } = &mut *slot.lock() {
        *cancelled = true;
        slot.canceller.cancel();
    }
    Ok(())
}

fn shard(handle: i32) -> &'static Shard {
    &TABLE[handle as usize % SHARDS]
}

/// The slot of a session of this process.
fn find(handle: i32) -> Result<Arc<Slot>> {
    let slot = find_any(handle)?;
    if slot.process.is_before_fork() { Err(before_fork(handle)) } else { Ok(slot) }
}

fn find_any(handle: i32) -> Result<Arc<Slot>> {
    let found = shard(handle).read().unwrap_or_else(PoisonError::into_inner).get(&handle).map(Arc::clone);
    found.ok_or_else(|| Error::new(Kind::BadSocket, format!("there is no socket {handle}")))
}

fn before_fork(handle: i32) -> Error {
    Error::new(Kind::BadSocket, format!("socket {handle} belongs to the process that has forked this one"))
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session taken out of its slot. Dropped without [`Lease::settle`], as by a panic, it leaves the slot over.
struct Lease {
    slot: Arc<Slot>,
    client: Option<Box<Client>>,
    settled: bool,
}

impl Lease {
    fn take(slot: Arc<Slot>) -> Result<Lease> {
        let mut state = slot.lock();
        match &*state {
            State::Idle(_) => {}
            State::Busy { .. } => return Err(Error::new(Kind::Busy, "the socket is in use by another call")),
            State::Over(why) => {
                return Err(Error::new(Kind::ConnectionLost, format!("the session has ended: {why}")));
            }
        }
        let client = match std::mem::replace(&mut *state, State::Busy { cancelled: false }) {
            State::Idle(client) => Some(client),
            _ => None,
        };
        drop(state);
        Ok(Lease { slot, client, settled: false })
    }

    /// Puts the session back, or ends it if the result or a cancel says so.
    fn settle<T>(mut self, result: Result<T>) -> Result<T> {
        let mut state = self.slot.lock();
        let cancelled = matches!(*state, State::Busy { cancelled: true });
        // a cancel that came too late for the call has cut its connection all the same
        let result = if cancelled { Err(Error::new(Kind::Cancelled, "cancelled by the host")) } else { result };
        *state = match (&result, self.client.take()) {
            (Err(error), _) if error.ends_session() => State::Over(error.to_string()),
            (_, Some(client)) => State::Idle(client),
            (_, None) => State::Over("it was disconnected".into()),
        };
        drop(state);
        // from here on the slot may be another's
        self.settled = true;
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.settled {
            *self.slot.lock() = State::Over("a defect of the library".into());
        }
    }
}

/// Takes a handle out of the table when dropped.
struct Freed(i32);

impl Drop for Freed {
    fn drop(&mut self) {
        let mut shard = shard(self.0).write().unwrap_or_else(PoisonError::into_inner);
        shard.remove(&self.0);
    }
}

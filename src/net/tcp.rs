//! A TCP connection whose every wait has a deadline and can be cancelled from another thread.

use std::io::{self, Read, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::error::{Error, Kind};
use crate::fork::{self, Process};
use crate::net::progress::Progress;
use crate::net::socket::{Readiness, Socket};
use crate::net::{Cancelled, Deadline, timed_out};

/// A connection, how long whoever uses it may wait, and the progress callback of the waits.
pub struct Tcp {
    shared: Arc<Shared>,
    deadline: Deadline,
    progress: Progress,
    manner: Manner,
    /// In which turn of a loop all that had come was read last, and when.
    empty_in: Option<(u64, Instant)>,
    /// What was last not to be had at once.
    lacks: Readiness,
    /// Whether all that had come was read last, so that to read again is to wait for the rest of an answer.
    has_drained: bool,
}

/// For how long nothing more is thought to have come.
const A_MOMENT: Duration = Duration::from_millis(1);

/// What a read does where nothing has come, and a write where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It waits until the deadline.
    Waits,
    /// It is [`io::ErrorKind::WouldBlock`].
    AtOnce,
    /// The same in that turn of a loop, which comes back when it is otherwise: what was read to its end in a turn is not
    /// asked for again in it.
    InTurn(u64),
}

/// One of the socket's ways to take what has come, after waiting for it at most that long.
type Take = fn(&Socket, &mut [u8], Duration) -> io::Result<usize>;

/// Wakes whoever waits on a connection, from any thread. Does not keep the connection open.
#[derive(Clone, Debug)]
pub struct Canceller(Weak<Shared>);

#[derive(Debug)]
struct Shared {
    socket: Socket,
    cancelled: AtomicBool,
    /// Whose the connection is: a fork leaves a copy of the socket in the new process.
    process: Process,
}

impl Tcp {
    /// A connection over a socket that is connected.
    pub(super) fn new(socket: Socket, deadline: Deadline, progress: Progress) -> Tcp {
        let shared = Arc::new(Shared { socket, cancelled: AtomicBool::new(false), process: Process::current() });
        Tcp {
            shared,
            deadline,
            progress,
            manner: Manner::Waits,
            empty_in: None,
            lacks: Readiness::Readable,
            has_drained: false,
        }
    }

    /// The progress callback of the waits.
    pub fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    /// Until when the next reads and writes may wait.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// How much time is left for the next reads and writes.
    pub fn time_left(&self) -> Duration {
        self.deadline.remaining().unwrap_or_default()
    }

    /// What cancels this connection.
    pub fn canceller(&self) -> Canceller {
        Canceller(Arc::downgrade(&self.shared))
    }

    /// Whether somebody has cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// Whether whoever works instead of waiting may go on: an error past the deadline, or where the host wants no more.
    pub fn check(&mut self) -> io::Result<()> {
        // a fork need not wait for the end of the work either
        fork::allowed(|| {});
        self.next_wait()?;
        self.check_cancel()
    }

    /// Whether bytes have come that nobody has read, without waiting for any.
    pub fn has_unread(&self) -> bool {
        self.shared.socket.has_unread()
    }

    /// What reads and writes do where they would have to wait.
    pub fn set_manner(&mut self, manner: Manner) {
        self.manner = manner;
    }

    /// That nothing is thought to have come yet in that turn.
    pub fn is_empty_in(&mut self, turn: u64) {
        self.empty_in = Some((turn, Instant::now()));
    }

    /// Whether all was read a moment ago in that turn. The host may have taken its time since.
    fn was_just_empty(&self, turn: u64) -> bool {
        self.empty_in.is_some_and(|(empty_in, when)| empty_in == turn && when.elapsed() < A_MOMENT)
    }

    /// Whether they wait.
    #[cfg(windows)]
    pub fn waits(&self) -> bool {
        self.manner == Manner::Waits
    }

    /// Has the poller that the connection is in wait for what was last not to be had at once.
    pub fn want_again(&mut self) -> io::Result<()> {
        if self.lacks == Readiness::Readable && mem::take(&mut self.has_drained) {
            self.shared.socket.acknowledge();
        }
        self.shared.socket.want(Some(self.lacks))
    }

    /// Has the poller that the connection is in wait for nothing.
    pub fn want_nothing(&self) -> io::Result<()> {
        self.shared.socket.want(None)
    }

    /// Takes what is there.
    fn receive_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.shared.check_process()?;
        self.lacks = Readiness::Readable;
        let Manner::InTurn(turn) = self.manner else {
            return self.take_at_once(buffer, Socket::receive_at_once);
        };
        if self.was_just_empty(turn) {
            return self.outcome(Err(io::ErrorKind::WouldBlock.into()));
        }
        let received = self.take_at_once(buffer, Socket::receive_at_once);
        let is_empty = match &received {
            Ok(count) => *count > 0 && *count < buffer.len(),
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        if is_empty {
            self.is_empty_in(turn);
        }
        self.has_drained |= is_empty && received.is_ok();
        received
    }

    /// What is there, left to be read.
    pub fn peek_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.shared.check_process()?;
        self.lacks = Readiness::Readable;
        self.take_at_once(buffer, Socket::peek_at_once)
    }

    fn take_at_once(&self, buffer: &mut [u8], take: fn(&Socket, &mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match take(&self.shared.socket, buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return self.outcome(outcome),
            }
        }
    }

    /// Takes what has come, waiting for it until the deadline, by whichever way of the socket.
    fn receive(&mut self, buffer: &mut [u8], take: Take) -> io::Result<usize> {
        if self.has_drained {
            self.shared.socket.acknowledge();
        }
        loop {
            let wait = self.next_wait()?;
            self.shared.check_process()?;
            match fork::allowed(|| take(&self.shared.socket, buffer, wait)) {
                Err(error) if is_passing(&error) => self.check_cancel()?,
                outcome => {
                    self.has_drained = outcome.as_ref().is_ok_and(|count| *count < buffer.len());
                    return self.outcome(outcome);
                }
            }
        }
    }

    /// What a read would give, left to be read.
    pub fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer, Socket::peek)
    }

    fn next_wait(&mut self) -> io::Result<Duration> {
        let left = self.deadline.remaining().ok_or_else(deadline_passed)?;
        Ok(self.progress.slice(left)?)
    }

    /// Whether there is something to read before that time, its end and a cancel included.
    pub fn wait_readable(&mut self, until: Deadline) -> io::Result<bool> {
        while let Some(left) = until.remaining() {
            let wait = self.progress.slice(left)?;
            if self.wait(Readiness::Readable, wait)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wait_writable(&mut self) -> io::Result<()> {
        let wait = self.next_wait()?;
        self.wait(Readiness::Writable, wait)?;
        self.check_cancel()
    }

    /// Whether that can be done, after waiting for it at most that long.
    fn wait(&self, readiness: Readiness, wait: Duration) -> io::Result<bool> {
        fork::allowed(|| self.shared.socket.wait(readiness, wait))
    }

    fn check_cancel(&self) -> io::Result<()> {
        if self.is_cancelled() { Err(Cancelled.into()) } else { Ok(()) }
    }

    /// What an outcome of the socket is, seen that it may be the doing of [`Canceller::cancel`].
    fn outcome(&self, outcome: io::Result<usize>) -> io::Result<usize> {
        match outcome {
            // whatever has come or gone meanwhile
            _ if self.is_cancelled() => Err(Cancelled.into()),
            // for a TLS library this kind means "try again"; here it is an end
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::ConnectionReset.into()),
            outcome => outcome,
        }
    }
}

impl Read for Tcp {
    /// Reads what has come, waiting for it until the deadline unless only what is there is to be read.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.manner {
            Manner::Waits => self.receive(buffer, Socket::receive),
            Manner::AtOnce | Manner::InTurn(_) => self.receive_at_once(buffer),
        }
    }
}

impl Write for Tcp {
    /// Writes what there is room for, waiting for room until the deadline unless it is to be written at once. Raises no
    /// SIGPIPE.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.has_drained = false;
        loop {
            self.shared.check_process()?;
            match self.shared.socket.send_at_once(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.manner == Manner::Waits => {
                    self.wait_writable()?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => {
                    self.lacks = Readiness::Writable;
                    return self.outcome(outcome);
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    /// After a fork the connection goes on in the process before.
    fn check_process(&self) -> io::Result<()> {
        if self.process.is_before_fork() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.process.has_forked() && !self.process.is_before_fork() {
            // what closes it would leave it open for as long as the new process has its copy
            self.socket.shut_down();
        }
    }
}

impl Canceller {
    /// Ends whatever waits on the connection, and the connection.
    pub fn cancel(&self) {
        let Some(shared) = self.0.upgrade().filter(|shared| !shared.process.is_before_fork()) else { return };
        shared.cancelled.store(true, Ordering::Release);
        shared.socket.shut_down();
    }
}

/// The mark of a deadline of ours, as against a timeout of the kernel's, which has an errno.
fn deadline_passed() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// What an I/O error of a [`Tcp`] means.
pub fn into_error(error: io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Cancelled>()) {
        Cancelled.into()
    } else if error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none() {
        timed_out()
    } else {
        Error::new(Kind::ConnectionLost, "the connection was lost").with_source(error)
    }
}

/// Whether a wait was ended by no outcome: by its time, or by a signal.
fn is_passing(error: &io::Error) -> bool {
    [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted].contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;

    use super::*;

    fn pair() -> (Tcp, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Socket::connect(&listener.local_addr().unwrap());
        let deadline = Deadline::after(Duration::from_secs(10));
        (Tcp::new(socket, deadline, Progress::default()), listener.accept().unwrap().0)
    }

    #[test]
    fn a_trickle_does_not_move_the_deadline() {
        let (mut tcp, mut peer) = pair();
        let trickle = thread::spawn(move || {
            while peer.write_all(b".").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let start = Instant::now();
        tcp.set_deadline(Deadline::after(Duration::from_millis(200)));
        let error = loop {
            if let Err(error) = tcp.read(&mut [0; 64]) {
                break error;
            }
        };
        assert_eq!(into_error(error).kind(), Kind::Timeout);
        assert!(start.elapsed() >= Duration::from_millis(200));
        drop(tcp);
        trickle.join().unwrap();
    }

    #[test]
    fn a_new_deadline_may_be_later_than_the_last() {
        let (mut tcp, mut peer) = pair();
        tcp.set_deadline(Deadline::after(Duration::from_millis(1)));
        assert!(tcp.read(&mut [0]).is_err());
        tcp.set_deadline(Deadline::after(Duration::from_secs(10)));
        peer.write_all(b"x").unwrap();
        assert_eq!(tcp.read(&mut [0]).unwrap(), 1);
    }

    #[test]
    fn a_write_to_a_peer_that_reads_nothing_ends_at_the_deadline() {
        let (mut tcp, _peer) = pair();
        tcp.set_deadline(Deadline::after(Duration::from_millis(100)));
        let error = loop {
            if let Err(error) = tcp.write(&[0; 65536]) {
                break error;
            }
        };
        assert_eq!(into_error(error).kind(), Kind::Timeout);
    }

    #[test]
    fn cancelling_wakes_reads_and_writes() {
        for write in [false, true] {
            let (mut tcp, _peer) = pair();
            tcp.set_deadline(Deadline::after(Duration::from_secs(60)));
            let canceller = tcp.canceller();
            let cancel = thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                canceller.cancel();
            });
            let error = loop {
                let outcome = if write { tcp.write(&[0; 65536]) } else { tcp.read(&mut [0]) };
                match outcome {
                    Err(error) => break error,
                    Ok(count) => assert!(count > 0),
                }
            };
            assert_eq!(into_error(error).kind(), Kind::Cancelled);
            cancel.join().unwrap();
        }
    }

    #[test]
    fn after_a_cancel_nothing_is_read_or_written() {
        let (mut tcp, mut peer) = pair();
        peer.write_all(b"x").unwrap();
        while !tcp.has_unread() {
            thread::yield_now();
        }
        tcp.canceller().cancel();
        let outcomes = [tcp.peek(&mut [0]), tcp.read(&mut [0]), tcp.write(b"x")];
        for outcome in outcomes {
            assert_eq!(outcome.map_err(|error| into_error(error).kind()), Err(Kind::Cancelled));
        }
    }

    #[test]
    fn unread_bytes_are_seen_and_left() {
        let (mut tcp, mut peer) = pair();
        assert!(!tcp.has_unread());
        peer.write_all(b"x").unwrap();
        while !tcp.has_unread() {
            thread::yield_now();
        }
        assert_eq!(tcp.read(&mut [0; 2]).unwrap(), 1);
    }
}

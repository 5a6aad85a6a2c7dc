//! A connection that never waits: what it would wait for it leaves with the loop.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::crypto::{Bytes, Derivation};
use crate::drive::event_loop::seat::Seat;
use crate::drive::event_loop::waits::Beside;
use crate::error::{Error, Kind, Result};
use crate::net::stream::Stream;
use crate::net::{Cancelled, Deadline, tcp, timed_out};
use crate::session::transport::{TlsSession, Transport};

/// A connection of a call in a loop.
pub struct Queued {
    stream: Stream,
    seat: Rc<Seat>,
    beside: Rc<Beside>,
    deadline: Deadline,
    /// When the call under way must be over, whatever it still waits for.
    call: Option<Deadline>,
}

impl Queued {
    /// Over a connection that is among those that the loop waits for.
    pub(super) fn new(
        stream: Stream,
        seat: Rc<Seat>,
        beside: Rc<Beside>,
        deadline: Deadline,
        call: Option<Deadline>,
    ) -> Queued {
        Queued { stream, seat, beside, deadline, call }
    }

    /// The connection, to be given to TLS.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    /// Tries until it is done, each time that something has happened to the connection.
    async fn attempt<T>(
        &mut self,
        until: Deadline,
        mut attempt: impl FnMut(&mut Stream) -> Result<Option<T>>,
    ) -> Result<T> {
        let (until, call) = (until.or_earlier(self.call), self.call);
        let (stream, seat) = (&mut self.stream, &self.seat);
        seat.steps(|| {
            if seat.ends_turn() {
                return Ok(None);
            }
            let done = attempt(stream)?;
            if done.is_none() {
                stream.tcp_mut().want_again().map_err(tcp::into_error)?;
                seat.wait_until(until, stream.progress())?;
            } else {
                // what comes without a pause does not keep a call going, nor the host from ending it
                let left = call.map_or(Some(Duration::ZERO), Deadline::remaining);
                stream.progress().slice(left.ok_or_else(timed_out)?)?;
            }
            Ok(done)
        })
        .await
    }
}

/// Ends the work of a helper thread that nobody waits for any more.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Transport for Queued {
    fn begin_call(&mut self, limit: Option<Duration>) -> Result<()> {
        self.call = limit.map(Deadline::after);
        let progress = self.stream.progress();
        progress.set(0, None);
        Ok(progress.tell()?)
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn begin_wait(&mut self, timeout: Duration) {
        self.deadline = Deadline::after(timeout);
    }

    fn in_host<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let done = work();
        self.deadline = self.deadline.later(begin.elapsed());
        done
    }

    fn check(&mut self) -> Result<()> {
        self.seat.may_go_on()?;
        self.seat.wait_until(self.deadline.or_earlier(self.call), self.stream.progress())
    }

    async fn derive(&mut self, derivation: Derivation) -> Result<Bytes> {
        // what comes meanwhile is nobody's to read
        self.stream.tcp().want_nothing().map_err(tcp::into_error)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Ends(Arc::clone(&is_over));
        let derive = move || {
            derivation.run(&mut || match is_over.load(Ordering::Relaxed) {
                true => Err(Cancelled.into()),
                false => Ok(()),
            })
        };
        let deadline = self.deadline.or_earlier(self.call);
        let derived = self.seat.work(&self.beside, derive, deadline, self.stream.progress()).await;
        drop(ends);
        derived?
    }

    fn is_cancelled(&self) -> bool {
        self.seat.is_cancelled()
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let turns = Rc::clone(&self.seat);
        let count = self.attempt(self.deadline, |stream| stream.read_in_turn(buffer, turns.turn())).await?;
        self.seat.take(count);
        if count == 0 { Err(Error::closed()) } else { Ok(count) }
    }

    fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.stream.read_at_once(buffer)
    }

    fn read_rest(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.stream.read_in_turn(buffer, self.seat.turn())
    }

    async fn wait_readable(&mut self, time: Duration) -> Result<bool> {
        let until = Deadline::after(time);
        let readable = self.attempt(until, Stream::is_readable).await;
        match readable {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == Kind::Timeout => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let count = self.attempt(self.deadline, |stream| stream.write_at_once(bytes)).await?;
            bytes = &bytes[count..];
        }
        self.attempt(self.deadline, |stream| Ok(stream.flush_at_once()?.then_some(()))).await
    }

    async fn close(self) {
        self.stream.close_at_once();
    }

    fn set_progress(&mut self, done: u64, total: Option<u64>) {
        self.stream.progress().set(done, total);
    }

    fn report_progress(&mut self) -> Result<()> {
        Ok(self.stream.progress().tell()?)
    }

    fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        self.stream.channel_bindings()
    }

    fn tls_session(&self) -> Option<TlsSession> {
        self.stream.tls_session().map(|session| Arc::new(session) as TlsSession)
    }
}

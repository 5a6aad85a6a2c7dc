//! A connection that never waits: what it would wait for it leaves with the loop.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::drive::event_loop::Seat;
use crate::error::{Error, Kind, Result};
use crate::net::Deadline;
use crate::net::stream::Stream;
use crate::session::transport::{TlsSession, Transport};

/// A connection of a call in a loop.
pub struct Queued {
    stream: Stream,
    seat: Rc<Seat>,
    deadline: Deadline,
    /// When the call under way must be over, whatever it still waits for.
    call: Option<Deadline>,
}

impl Queued {
    /// Over a connection that is among those that the loop waits for.
    pub fn new(stream: Stream, seat: Rc<Seat>, deadline: Deadline, call: Option<Deadline>) -> Queued {
        Queued { stream, seat, deadline, call }
    }

    /// The connection, to be given to TLS.
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    /// Tries until it is done, each time that something has happened to the connection.
    async fn attempt<T>(&mut self, until: Deadline, mut attempt: impl FnMut(&mut Stream) -> Result<Option<T>>) -> Result<T> {
        let until = until.or_earlier(self.call);
        let (stream, seat) = (&mut self.stream, &self.seat);
        poll_fn(|_| {
            if seat.is_cancelled() {
                return Poll::Ready(Err(Error::from(crate::net::Cancelled)));
            }
            if seat.is_over() {
                return Poll::Pending;
            }
            match attempt(stream).transpose() {
                Some(done) => Poll::Ready(done),
                None => match wait(stream, seat, until) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Err(error)),
                },
            }
        })
        .await
    }
}

/// Has the loop come back when something has happened, or for the deadline or the progress callback.
fn wait(stream: &mut Stream, seat: &Seat, until: Deadline) -> Result<()> {
    let left = until.remaining().ok_or_else(crate::net::timed_out)?;
    let slice = stream.progress().slice(left)?;
    seat.wait_until(Instant::now() + slice);
    Ok(())
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
        match self.seat.is_cancelled() {
            true => Err(crate::net::Cancelled.into()),
            false => wait(&mut self.stream, &self.seat, self.deadline.or_earlier(self.call)),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.seat.is_cancelled()
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.attempt(self.deadline, |stream| stream.read_at_once(buffer)).await?;
        self.seat.take(count);
        if count == 0 { Err(Error::closed()) } else { Ok(count) }
    }

    fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.stream.read_at_once(buffer)
    }

    async fn wait_readable(&mut self, time: Duration) -> Result<bool> {
        let until = Deadline::after(time);
        let readable = self.attempt(until, |stream| Ok(stream.has_unread().then_some(()))).await;
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
        self.stream.close();
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

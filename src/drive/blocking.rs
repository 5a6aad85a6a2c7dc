//! Sessions that block: each function of a session is polled once, since its transport either has what is awaited or has
//! waited for it until the deadline. So there is no runtime, nothing is allocated for a call, and the thread sleeps in the
//! system calls of [`crate::net`] and nowhere else.

use std::future::Future;
use std::io::{Read, Write};
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::{Duration, Instant};

use crate::book::{Book, Pause};
use crate::crypto::{Bytes, Derivation};
use crate::drive::dialer::{Dialer, Waits, sleep};
use crate::error::{Error, Kind, Result};
use crate::net::Deadline;
use crate::net::address::Server;
use crate::net::connect::connect;
use crate::net::progress::Progress;
use crate::net::proxy::{self, Proxy};
use crate::net::resolve::resolve;
use crate::net::stream::Stream;
use crate::net::tcp::{self, Canceller, Tcp};
use crate::net::tls::{self, Context, Handshake, Shaken, Tls, TlsInfo};
use crate::net::trust::Trust;
use crate::options::Options;
use crate::session;
use crate::session::collect::{self, Host, Job, Outcome};
use crate::session::retrieve::Delivery;
use crate::session::trace::Trace;
use crate::session::transport::{TlsSession, Transport};
use crate::session::visit::{self, Errand};

/// A session whose calls block.
pub type Client = Box<session::Client<Blocking>>;

/// Runs a function of a session that blocks.
pub fn run<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(call).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::new(Kind::Internal, "a transport that blocks has not waited")),
    }
}

/// Connects and logs in. `progress` makes the progress callback, for each connection that it takes.
pub fn open(options: &Options, progress: impl Fn() -> Progress, trace: &mut Trace<'_>) -> Result<Client> {
    run(session::Client::open(&mut Dialer::new(options, Thread, progress), options, trace))
}

/// Asks how many messages wait in a mailbox.
pub fn stat(options: &Options, progress: impl Fn() -> Progress, trace: &mut Trace<'_>) -> Result<i32> {
    run(visit::stat(&mut Dialer::new(options, Thread, progress), options, trace))
}

/// Receives the messages of a mailbox.
pub fn receive(
    options: &Options,
    errand: Errand,
    host: &mut impl Delivery,
    progress: impl Fn() -> Progress,
    trace: &mut Trace<'_>,
) -> Result<i32> {
    run(visit::receive(&mut Dialer::new(options, Thread, progress), options, errand, host, trace))
}

/// Collects what is new in a mailbox. `progress` makes the progress callback, for each connection that it takes, and
/// `open_book` opens the book, which waits as the call does.
pub fn collect(
    options: &Options,
    job: &Job,
    open_book: impl FnOnce(Pause) -> Result<Box<dyn Book>>,
    host: &mut dyn Host,
    outcome: &mut Outcome,
    progress: impl Fn() -> Progress,
    trace: &mut Trace<'_>,
) -> Result<()> {
    let mut dialer = Dialer::new(options, Thread, progress);
    let mut book = open_book(dialer.pause())?;
    let result = run(collect::collect(&mut dialer, options, job, &mut *book, host, outcome, trace));
    if dialer.is_before_fork() {
        // the file and its locks are those of the process before
        mem::forget(book);
    }
    result
}

/// Waits by having the thread wait.
struct Thread;

/// A connection whose waits block.
pub struct Blocking {
    stream: Stream,
    deadline: Deadline,
    /// When the call under way must be over, whatever it still waits for.
    call: Option<Deadline>,
    canceller: Canceller,
}

impl Waits for Thread {
    type Transport = Blocking;

    async fn context(&mut self, trust: &Trust, deadline: Deadline, mut progress: Progress) -> Result<Arc<Context>> {
        tls::context(trust, deadline, &mut progress)
    }

    async fn resolve(
        &mut self,
        server: &Server,
        deadline: Deadline,
        progress: &mut Progress,
    ) -> Result<Vec<SocketAddr>> {
        resolve(server, deadline, progress)
    }

    async fn connect(
        &mut self,
        addresses: &[SocketAddr],
        source: Option<IpAddr>,
        deadline: Deadline,
        progress: Progress,
        note: impl FnMut(&SocketAddr),
    ) -> Result<(Tcp, SocketAddr)> {
        connect(addresses, source, deadline, progress, note)
    }

    async fn pass_proxy(&mut self, tcp: &mut Tcp, proxy: &Proxy, server: &Server, deadline: Deadline) -> Result<()> {
        tcp.set_deadline(deadline);
        proxy.connect(tcp, server).await
    }

    async fn shake_hands(&mut self, mut handshake: Handshake<'_>, deadline: Deadline) -> Result<Tls> {
        handshake.tcp_mut().set_deadline(deadline);
        match handshake.go_on()? {
            Shaken::Done(tls) => Ok(tls),
            _ => Err(Error::new(Kind::Internal, "a connection that blocks has not waited")),
        }
    }

    fn transport(&mut self, stream: Stream, deadline: Deadline, call: Option<Deadline>) -> Blocking {
        let canceller = stream.canceller();
        Blocking { stream, deadline, call, canceller }
    }

    fn into_stream(transport: Blocking) -> Stream {
        transport.stream
    }

    async fn sleep(&mut self, time: Duration, mut progress: Progress) -> Result<()> {
        sleep(Deadline::after(time), &mut progress)
    }
}

impl proxy::Connection for Tcp {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Read::read(self, buffer).map_err(tcp::into_error)
    }

    async fn peek(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Tcp::peek(self, buffer).map_err(tcp::into_error)
    }

    async fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        Write::write_all(self, bytes).map_err(tcp::into_error)
    }
}

impl Blocking {
    /// What ends a wait of this connection from another thread.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// What is known of TLS, where there is TLS.
    pub fn tls_info(&self) -> Option<TlsInfo> {
        self.stream.tls_info()
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.stream.set_deadline(deadline.or_earlier(self.call));
    }
}

impl Transport for Blocking {
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
        self.set_deadline(Deadline::after(timeout));
    }

    fn in_host<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let done = work();
        self.set_deadline(self.deadline.later(begin.elapsed()));
        done
    }

    fn check(&mut self) -> Result<()> {
        self.stream.check()
    }

    async fn derive(&mut self, derivation: Derivation) -> Result<Bytes> {
        derivation.run(&mut || self.stream.check())
    }

    fn is_cancelled(&self) -> bool {
        self.stream.is_cancelled()
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.stream.read(buffer)
    }

    fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.stream.read_at_once(buffer)
    }

    async fn wait_readable(&mut self, time: Duration) -> Result<bool> {
        self.stream.wait_readable(Deadline::after(time).or_earlier(self.call))
    }

    async fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)
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

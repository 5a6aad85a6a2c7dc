//! Sessions that block: each function of a session is polled once, since its transport either has what is awaited or has
//! waited for it until the deadline. So there is no runtime, nothing is allocated for a call, and the thread sleeps in the
//! system calls of [`crate::net`] and nowhere else.

use std::any::Any;
use std::future::Future;
use std::io::{Read, Write};
use std::mem;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::book::{Book, Pause};
use crate::error::{Error, Kind, Result};
use crate::fork::{self, Process};
use crate::net::Deadline;
use crate::net::address;
use crate::net::connect::connect;
use crate::net::progress::Progress;
use crate::net::proxy;
use crate::net::resolve::resolve;
use crate::net::route::interleave;
use crate::net::stream::Stream;
use crate::net::tcp::{self, Canceller, Tcp};
use crate::net::tls::{self, Handshake, Shaken, TlsConnector, TlsInfo};
use crate::options::{Options, Secure};
use crate::session;
use crate::session::collect::{self, Host, Job, Outcome};
use crate::session::trace::Trace;
use crate::session::transport::{Connector, KeptSession, TlsSession, Transport};
use crate::text::Secrets;

/// A session whose calls block.
pub type Client = session::Client<Blocking>;

/// Runs a function of a session that blocks.
pub fn run<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::new(Kind::Internal, "a transport that blocks has not waited")),
    }
}

/// Connects and logs in. `progress` makes the progress callback, for each connection that it takes.
pub fn open(options: &Options, progress: impl Fn() -> Progress, trace: &mut Trace<'_>) -> Result<Client> {
    run(Client::open(&mut Dialer::new(options, progress), options, trace))
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
    let mut dialer = Dialer::new(options, progress);
    let (call, mut waiting) = (dialer.begin(), (dialer.progress)());
    let pause = move |time| pause(time, call, &mut waiting, "another program was done with the book");
    let mut book = open_book(Box::new(pause))?;
    let result = run(collect::collect(&mut dialer, options, job, &mut *book, host, outcome, trace));
    if dialer.process.is_before_fork() {
        // the file and its locks are those of the process before
        mem::forget(book);
    }
    result
}

/// Waits for so long, as long as the time of the call is not over and the host wants no end.
fn pause(time: Duration, call: Option<Deadline>, progress: &mut Progress, before: &str) -> Result<()> {
    let end = Deadline::after(time).or_earlier(call);
    while let Some(left) = end.remaining() {
        let slice = progress.slice(left)?;
        fork::allowed(|| thread::sleep(slice));
    }
    match call.is_some_and(|call| call.remaining().is_none()) {
        true => Err(Error::new(Kind::Timeout, format!("the time of the call was over before {before}"))),
        false => Ok(()),
    }
}

/// Connects by these options.
struct Dialer<'a, P> {
    options: &'a Options,
    progress: P,
    call: Option<Deadline>,
    tls: Option<TlsConnector>,
    process: Process,
}

/// A connection whose waits block.
pub struct Blocking {
    stream: Stream,
    deadline: Deadline,
    /// When the call under way must be over, whatever it still waits for.
    call: Option<Deadline>,
    canceller: Canceller,
}

impl<P: Fn() -> Progress> Connector for Dialer<'_, P> {
    type Transport = Blocking;

    async fn prepare(&mut self) -> Result<()> {
        self.begin();
        if self.options.secure != Secure::No {
            let Options { tls, server, .. } = self.options;
            self.tls = Some(TlsConnector::new(tls, &server.host, self.deadline(), &mut (self.progress)())?);
        }
        Ok(())
    }

    fn identity(&self) -> Result<String> {
        let proxy = self.options.route.proxy.as_ref().map(ToString::to_string);
        let tls = self.tls.as_ref().map(TlsConnector::key).transpose()?;
        Ok(if proxy.is_none() && tls.is_none() { String::new() } else { format!("{proxy:?} {tls:?}") })
    }

    fn add_secrets(&self, secrets: &mut Secrets) -> Result<()> {
        self.options.route.proxy.as_ref().map_or(Ok(()), |proxy| proxy.add_secrets(secrets))
    }

    async fn connect(&mut self, earlier: Option<&TlsSession>, trace: &mut Trace<'_>) -> Result<Blocking> {
        let tcp = self.connect_tcp(trace).await?;
        let canceller = tcp.canceller();
        let stream = match self.options.secure {
            Secure::Tls => self.shake_hands(tcp, earlier, trace)?,
            Secure::No | Secure::StartTls => Stream::Plain(tcp),
        };
        Ok(Blocking { stream, deadline: self.deadline(), call: self.call, canceller })
    }

    async fn start_tls(
        &mut self,
        transport: Blocking,
        earlier: Option<&TlsSession>,
        trace: &mut Trace<'_>,
    ) -> Result<Blocking> {
        match transport.stream {
            Stream::Plain(tcp) if !tcp.has_unread() => {
                let stream = self.shake_hands(tcp, earlier, trace)?;
                Ok(Blocking { stream, ..transport })
            }
            // a server is silent until it has the client's first record: somebody else speaks here
            _ => Err(Error::new(Kind::BadFormat, "clear text followed the answer to STLS")),
        }
    }

    fn is_over(&self) -> bool {
        // a process that was forked meanwhile connects to nothing in the name of the one before
        self.process.is_before_fork() || self.call.is_some_and(|call| call.remaining().is_none())
    }

    async fn pause(&mut self, time: Duration) -> Result<()> {
        pause(time, self.call, &mut (self.progress)(), "it was connected once more")
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl<'a, P: Fn() -> Progress> Dialer<'a, P> {
    fn new(options: &'a Options, progress: P) -> Dialer<'a, P> {
        Dialer { options, progress, call: None, tls: None, process: Process::current() }
    }

    /// The time of the call begins where this is called first. Answers when it is over.
    fn begin(&mut self) -> Option<Deadline> {
        self.call = self.call.or_else(|| self.options.timeouts.call.map(Deadline::after));
        self.call
    }

    /// Until when something on the way to the first reply may take, from now on.
    fn deadline(&self) -> Deadline {
        Deadline::after(self.options.timeouts.connect).or_earlier(self.call)
    }

    /// Looks the server up, or its proxy, and connects to it.
    async fn connect_tcp(&self, trace: &mut Trace<'_>) -> Result<Tcp> {
        let Options { route, server, .. } = self.options;
        let mut progress = (self.progress)();
        let next = route.proxy.as_ref().map_or(server, |proxy| &proxy.server);
        progress.tell()?;
        if !matches!(next.host, address::Host::Ip(_)) {
            trace.note(format_args!("resolving {}", next.host.brief()));
        }
        // whose name and whose addresses they are
        let blame = |error: Error| match &route.proxy {
            Some(proxy) => error.during(&proxy.brief()),
            None => error,
        };
        let mut addresses = resolve(next, self.deadline(), &mut progress).map_err(blame)?;
        addresses.retain(|address| route.admits(address));
        if addresses.is_empty() {
            let text = format!("{} has no address of that family", next.host.brief());
            return Err(blame(Error::new(Kind::HostNotFound, text)));
        }
        let note = |address: &SocketAddr| trace.note(format_args!("connecting to {address}"));
        let addresses = interleave(addresses);
        let connected = connect(&addresses, route.source, self.deadline(), progress, note);
        let (mut tcp, address) = connected.map_err(blame)?;
        trace.note(format_args!("connected to {address}"));
        if let Some(proxy) = &route.proxy {
            tcp.set_deadline(self.deadline());
            proxy.connect(&mut tcp, server).await?;
            trace.note(format_args!("connected to {} by the proxy", server.brief()));
        }
        Ok(tcp)
    }

    /// The TLS handshake on a connection whose next byte belongs to TLS.
    fn shake_hands(&self, mut tcp: Tcp, earlier: Option<&TlsSession>, trace: &mut Trace<'_>) -> Result<Stream> {
        let connector = self.tls.as_ref().ok_or_else(|| Error::new(Kind::Internal, "TLS was not prepared"))?;
        let earlier = earlier.and_then(|earlier| earlier.as_any().downcast_ref::<tls::Session>());
        tcp.set_deadline(self.deadline());
        let handshake = Handshake::new(connector, earlier, tcp, self.options.secure == Secure::StartTls)?;
        let Shaken::Done(tls) = handshake.go_on()? else {
            return Err(Error::new(Kind::Internal, "a connection that blocks has not waited"));
        };
        trace.note(format_args!("{}", tls.info()));
        Ok(Stream::Tls(Box::new(tls)))
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

impl KeptSession for tls::Session {
    fn size(&self) -> usize {
        self.size()
    }

    fn memory(&self) -> usize {
        self.memory()
    }

    fn smaller(&self) -> Option<TlsSession> {
        self.smaller().map(|session| Arc::new(session) as TlsSession)
    }

    fn has_smaller(&self) -> bool {
        self.has_smaller()
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

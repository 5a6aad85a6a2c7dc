//! Connecting by options, whoever waits: name or proxy, addresses, TLS. How what is awaited is waited for says [`Waits`].

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::book::Pause;
use crate::error::{Error, Kind, Result};
use crate::fork::{self, Process};
use crate::net::Deadline;
use crate::net::address::{Host, Server};
use crate::net::progress::Progress;
use crate::net::proxy::Proxy;
use crate::net::route::interleave;
use crate::net::stream::Stream;
use crate::net::tcp::Tcp;
use crate::net::tls::{self, Context, Handshake, Tls, TlsConnector};
use crate::net::trust::Trust;
use crate::options::{Options, Secure};
use crate::session::trace::Trace;
use crate::session::transport::{Connector, KeptSession, TlsSession, Transport};
use crate::text::Secrets;

/// How it is waited on the way to a session. Each wait ends by its deadline, and where the host wants no more.
// each driver polls on its own thread what it drives, so nobody needs to know whether these futures are Send
#[allow(async_fn_in_trait)]
pub trait Waits {
    /// The connections that it waits for.
    type Transport: Transport;

    /// What connections with these trust anchors share.
    async fn context(&mut self, trust: &Trust, deadline: Deadline, progress: Progress) -> Result<Arc<Context>>;

    /// The addresses of a server.
    async fn resolve(
        &mut self,
        server: &Server,
        deadline: Deadline,
        progress: &mut Progress,
    ) -> Result<Vec<SocketAddr>>;

    /// Connects to the first address that answers. `note` is called with each that is tried.
    async fn connect(
        &mut self,
        addresses: &[SocketAddr],
        source: Option<IpAddr>,
        deadline: Deadline,
        progress: Progress,
        note: impl FnMut(&SocketAddr),
    ) -> Result<(Tcp, SocketAddr)>;

    /// Has a proxy connect to the server, on a connection to the proxy.
    async fn pass_proxy(&mut self, tcp: &mut Tcp, proxy: &Proxy, server: &Server, deadline: Deadline) -> Result<()>;

    /// Shakes hands.
    async fn shake_hands(&mut self, handshake: Handshake<'_>, deadline: Deadline) -> Result<Tls>;

    /// A connection for a session.
    fn transport(&mut self, stream: Stream, deadline: Deadline, call: Option<Deadline>) -> Self::Transport;

    /// What a connection for a session is over.
    fn into_stream(transport: Self::Transport) -> Stream;

    /// Lets that time pass.
    async fn sleep(&mut self, time: Duration, progress: Progress) -> Result<()>;
}

/// Connects by these options.
pub struct Dialer<'a, W, P> {
    options: &'a Options,
    waits: W,
    /// Makes the progress callback, for each connection that it takes.
    progress: P,
    call: Option<Deadline>,
    tls: Option<TlsConnector>,
    process: Process,
}

impl<'a, W: Waits, P: Fn() -> Progress> Dialer<'a, W, P> {
    /// By these options.
    pub fn new(options: &'a Options, waits: W, progress: P) -> Dialer<'a, W, P> {
        Dialer { options, waits, progress, call: None, tls: None, process: Process::current() }
    }

    /// The time of the call begins where this is called first. Answers when it is over.
    fn begin(&mut self) -> Option<Deadline> {
        self.call = self.call.or_else(|| self.options.timeouts.call.map(Deadline::after));
        self.call
    }

    /// What has the thread wait for a book in a file, as the call waits: what the book asks of SQLite has no other way.
    pub fn pause(&mut self) -> Pause {
        let (call, mut progress) = (self.begin(), (self.progress)());
        Box::new(move |time| {
            sleep(Deadline::after(time).or_earlier(call), &mut progress)?;
            is_in_time(call, "another program was done with the book")
        })
    }

    /// Whether this process has been made by a fork since the dialer was.
    pub fn is_before_fork(&self) -> bool {
        self.process.is_before_fork()
    }

    /// Until when something on the way to the first reply may take, from now on.
    fn deadline(&self) -> Deadline {
        Deadline::after(self.options.timeouts.connect).or_earlier(self.call)
    }

    /// Looks the server up, or its proxy, and connects to it.
    async fn connect_tcp(&mut self, trace: &mut Trace<'_>) -> Result<Tcp> {
        let Options { route, server, .. } = self.options;
        let mut progress = (self.progress)();
        let next = route.proxy.as_ref().map_or(server, |proxy| &proxy.server);
        progress.tell()?;
        if !matches!(next.host, Host::Ip(_)) {
            trace.note(format_args!("resolving {}", next.host.brief()));
        }
        // whose name and whose addresses they are
        let blame = |error: Error| match &route.proxy {
            Some(proxy) => error.during(&proxy.brief()),
            None => error,
        };
        let deadline = self.deadline();
        let mut addresses = self.waits.resolve(next, deadline, &mut progress).await.map_err(blame)?;
        addresses.retain(|address| route.admits(address));
        if addresses.is_empty() {
            let text = format!("{} has no address of that family", next.host.brief());
            return Err(blame(Error::new(Kind::HostNotFound, text)));
        }
        let note = |address: &SocketAddr| trace.note(format_args!("connecting to {address}"));
        let (addresses, deadline) = (interleave(addresses), self.deadline());
        let connected = self.waits.connect(&addresses, route.source, deadline, progress, note).await;
        let (mut tcp, address) = connected.map_err(blame)?;
        trace.note(format_args!("connected to {address}"));
        if let Some(proxy) = &route.proxy {
            let deadline = self.deadline();
            self.waits.pass_proxy(&mut tcp, proxy, server, deadline).await?;
            trace.note(format_args!("connected to {} by the proxy", server.brief()));
        }
        Ok(tcp)
    }

    /// The TLS handshake on a connection whose next byte belongs to TLS.
    async fn shake_hands(&mut self, tcp: Tcp, earlier: Option<&TlsSession>, trace: &mut Trace<'_>) -> Result<Stream> {
        let deadline = self.deadline();
        let connector = self.tls.as_ref().ok_or_else(|| Error::new(Kind::Internal, "TLS was not prepared"))?;
        let earlier = earlier.and_then(|earlier| earlier.as_any().downcast_ref::<tls::Session>());
        let handshake = Handshake::new(connector, earlier, tcp, self.options.secure == Secure::StartTls)?;
        let tls = self.waits.shake_hands(handshake, deadline).await?;
        if trace.has_listener() {
            trace.note(format_args!("{}", tls.info()));
        }
        Ok(Stream::Tls(Box::new(tls)))
    }

    fn transport(&mut self, stream: Stream) -> W::Transport {
        let deadline = self.deadline();
        self.waits.transport(stream, deadline, self.call)
    }
}

impl<W: Waits, P: Fn() -> Progress> Connector for Dialer<'_, W, P> {
    type Transport = W::Transport;

    async fn prepare(&mut self) -> Result<()> {
        self.begin();
        if self.options.secure != Secure::No {
            let Options { tls, server, .. } = self.options;
            let (deadline, progress) = (self.deadline(), (self.progress)());
            let context = self.waits.context(tls.anchors()?, deadline, progress).await?;
            self.tls = Some(TlsConnector::new(tls, &server.host, context)?);
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

    async fn connect(&mut self, earlier: Option<&TlsSession>, trace: &mut Trace<'_>) -> Result<W::Transport> {
        let tcp = self.connect_tcp(trace).await?;
        let stream = match self.options.secure {
            Secure::Tls => self.shake_hands(tcp, earlier, trace).await?,
            Secure::No | Secure::StartTls => Stream::Plain(tcp),
        };
        Ok(self.transport(stream))
    }

    async fn start_tls(
        &mut self,
        transport: W::Transport,
        earlier: Option<&TlsSession>,
        trace: &mut Trace<'_>,
    ) -> Result<W::Transport> {
        match W::into_stream(transport) {
            Stream::Plain(tcp) if !tcp.has_unread() => {
                let stream = self.shake_hands(tcp, earlier, trace).await?;
                Ok(self.transport(stream))
            }
            // a server is silent until it has the client's first record: somebody else speaks here
            _ => Err(Error::new(Kind::BadFormat, "clear text followed the answer to STLS")),
        }
    }

    fn is_over(&self) -> bool {
        // a process that was forked meanwhile connects to nothing in the name of the one before
        self.process.is_before_fork() || is_past(self.call)
    }

    async fn pause(&mut self, time: Duration) -> Result<()> {
        let left = self.call.map_or(time, |call| call.remaining().unwrap_or_default().min(time));
        let progress = (self.progress)();
        self.waits.sleep(left, progress).await?;
        is_in_time(self.call, "it was connected once more")
    }

    fn now(&self) -> Instant {
        Instant::now()
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

/// Has the thread wait until then, as long as the host wants no end.
pub fn sleep(until: Deadline, progress: &mut Progress) -> Result<()> {
    while let Some(left) = until.remaining() {
        let slice = progress.slice(left)?;
        fork::allowed(|| thread::sleep(slice));
    }
    Ok(())
}

/// Whether the time of the call is over.
fn is_past(call: Option<Deadline>) -> bool {
    call.is_some_and(|call| call.remaining().is_none())
}

/// An error past the time of the call.
fn is_in_time(call: Option<Deadline>, before: &str) -> Result<()> {
    match is_past(call) {
        true => Err(Error::new(Kind::Timeout, format!("the time of the call was over before {before}"))),
        false => Ok(()),
    }
}

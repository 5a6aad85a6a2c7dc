//! A session with a server: drives [`crate::proto`] over [`crate::net`].
//!
//! This file connects, logs in, sends and receives; [`mailbox`] has the commands with short answers, [`retrieve`]
//! those that bring messages.
//!
//! Each reply has one deadline, computed when the wait for it begins. A long one gets a new deadline whenever another
//! `STRIDE` of it has arrived, so a message may be of any size, and a server that trickles is not waited for.
//!
//! After an error for which [`Error::ends_session`] holds, nothing more may be asked of the session; whoever owns it
//! drops it, which closes the connection without another word.

pub mod mailbox;
pub mod retrieve;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::net::Deadline;
use crate::net::address::{Host, Server};
use crate::net::resolve::resolve;
use crate::net::stream::Stream;
use crate::net::tcp::{self, Canceller, Tcp};
use crate::net::tls::{self, Context, Facts, Tls};
use crate::options::{Options, Secure, Timeouts};
use crate::proto::auth::{self, ChannelBinding, Circumstances, Login, Mechanism};
use crate::proto::command::Command;
use crate::proto::framing::{Ending, Inbox, unstuff};
use crate::proto::listing::Capabilities;
use crate::proto::reply::{Reply, Status};
use crate::trace::{Trace, escape, mask};

/// How much of a long reply must arrive within one timeout.
const STRIDE: usize = 64 * 1024;

const NOT_OFFERED: &str = "the server does not offer STLS";
const REFUSED: &str = "the server refused STLS";

/// A session in the TRANSACTION state (RFC 1939, section 5).
pub struct Client {
    stream: Stream,
    inbox: Inbox,
    timeouts: Timeouts,
    deadline: Deadline,
    /// When the call under way must be over, whatever it still waits for.
    call: Option<Deadline>,
    canceller: Canceller,
    /// How much has arrived since the deadline was set.
    arrived: usize,
    /// What the server said it can do, `None` where it has no CAPA.
    capabilities: Option<Capabilities>,
    /// Whether that was asked after the log-in, when some servers can do more.
    asked_after_log_in: bool,
    /// Optional commands that have worked, listed among the capabilities or not.
    proven: BTreeSet<&'static str>,
    /// The messages marked as deleted, which the server no longer counts.
    marked: BTreeSet<i32>,
}

impl Client {
    /// Connects, makes the connection secure, logs in.
    pub fn open(options: &Options, trace: &mut Trace<'_>) -> Result<Client> {
        // before the first packet: a trust that cannot be built must not cost a connection
        let context = match options.secure {
            Secure::No => None,
            Secure::Tls | Secure::StartTls => Some(tls::context(&options.tls.trust)?),
        };
        let call = options.timeouts.call.map(Deadline::after);
        let tcp = reach(options, call, trace)?;
        let canceller = tcp.canceller();
        let stream = match (&context, options.secure) {
            (Some(context), Secure::Tls) => secure(context, tcp, options, call, trace)?,
            _ => Stream::Plain(tcp),
        };
        let mut client = Client {
            stream,
            inbox: Inbox::default(),
            timeouts: options.timeouts,
            deadline: Deadline::after(options.timeouts.reply),
            call,
            canceller,
            arrived: 0,
            capabilities: None,
            asked_after_log_in: false,
            proven: BTreeSet::new(),
            marked: BTreeSet::new(),
        };
        let mut greeting = client.greeting(trace)?;
        if let (Some(context), Secure::StartTls) = (&context, options.secure) {
            client = client.start_tls(context, options, trace)?;
            greeting.clear();
        }
        client.capabilities = match client.ask_capabilities(trace) {
            Err(error) if error.ends_session() => return Err(error),
            asked => asked.ok(),
        };
        let offered = client.capabilities.as_ref();
        let mechanism = match options.mechanism {
            Some(mechanism) => {
                mechanism.check_offered(offered)?;
                mechanism
            }
            None => {
                offered.map_or(Mechanism::UserPass, |offered| Mechanism::choose(offered, client.stream.is_encrypted()))
            }
        };
        client.log_in(mechanism, options, &greeting, trace)?;
        Ok(client)
    }

    /// A call begins, which may take so long in all.
    pub fn begin_call(&mut self) {
        self.call = self.timeouts.call.map(Deadline::after);
    }

    /// Has the server commit the deletions and ends the session.
    pub fn quit(mut self, trace: &mut Trace<'_>) -> Result<()> {
        let line = self.exchange(&Command::QUIT, trace)?;
        let committed = line.accepted(Kind::Server, "the server did not commit the deletions").map(drop);
        if !matches!(&committed, Err(error) if error.ends_session()) {
            self.stream.close();
        }
        committed
    }

    /// What is known of TLS, where there is TLS.
    pub fn tls_facts(&self) -> Option<Facts> {
        self.stream.tls_facts()
    }

    /// What ends a wait of this session from another thread.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The text of the greeting.
    fn greeting(&mut self, trace: &mut Trace<'_>) -> Result<Vec<u8>> {
        self.begin_wait();
        let line = self.receive(&[], trace).map_err(|error| error.during("greeting"))?;
        line.accepted(Kind::Server, "the server turned us away").map(<[u8]>::to_vec)
    }

    /// STLS, and the handshake. What the server said in the clear is forgotten.
    fn start_tls(mut self, context: &Context, options: &Options, trace: &mut Trace<'_>) -> Result<Client> {
        match self.ask_capabilities(trace) {
            Ok(offered) if offered.has("STLS") => {}
            Err(error) if error.ends_session() => return Err(error),
            Ok(_) => return Err(Error::new(Kind::NoStls, NOT_OFFERED)),
            Err(refusal) => return Err(refusal.recast(Kind::NoStls, NOT_OFFERED)),
        }
        let line = self.exchange(&Command::STLS, trace)?;
        line.accepted(Kind::NoStls, REFUSED).map_err(|error| match error.ends_session() {
            true => error,
            // whatever its response code says
            false => error.recast(Kind::NoStls, REFUSED),
        })?;
        match self.stream {
            Stream::Plain(tcp) if self.inbox.is_empty() && !tcp.has_unread() => {
                let stream = secure(context, tcp, options, self.call, trace)?;
                Ok(Client { stream, inbox: Inbox::default(), ..self })
            }
            // a server is silent until it has the client's first record: somebody else speaks here
            _ => Err(Error::new(Kind::BadFormat, "clear text followed the answer to STLS")),
        }
    }

    /// CAPA.
    fn ask_capabilities(&mut self, trace: &mut Trace<'_>) -> Result<Capabilities> {
        let line = self.exchange(&Command::CAPA, trace)?;
        let ending = line.ending;
        line.accepted(Kind::Unsupported, "the server has no CAPA")?;
        let mut capabilities = Capabilities::default();
        self.receive_listing(ending, trace, |line| capabilities.push(line)).map_err(|error| error.during("CAPA"))?;
        Ok(capabilities)
    }

    fn log_in(
        &mut self,
        mechanism: Mechanism,
        options: &Options,
        greeting: &[u8],
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let Server { host, port } = &options.server;
        let host = &host.to_string();
        // a SCRAM that is not bound must not claim that it could be, where the server offers to be bound
        let binding = match mechanism.is_bound() {
            true => self.stream.channel_binding()?.map(|(name, data)| ChannelBinding { name, data }),
            false => None,
        };
        let circumstances = Circumstances { greeting, host, port: *port, nonce: auth::nonce, binding };
        let mut login = Login::new(&options.credentials, mechanism, circumstances)?;
        self.send(&login.first(), trace)?;
        loop {
            let line = self.receive(&login.secrets(), trace).map_err(|error| error.during("log-in"))?;
            let next = Reply::parse_in_exchange(line.bytes).and_then(|reply| login.next(reply));
            match line.tell(next) {
                Ok(Some(command)) => self.send(&command, trace)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    if let Some(cancel) = login.cancel() {
                        // what led to this is told, not whether the server heard of it
                        let _ = self.send(&cancel, trace);
                    }
                    return Err(error);
                }
            }
        }
    }

    fn exchange(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<Line<'_>> {
        self.send(command, trace)?;
        self.receive(&[], trace).map_err(|error| error.during(command.name()))
    }

    /// Sends a command; the wait for its reply begins here.
    fn send(&mut self, command: &Command<'_>, trace: &mut Trace<'_>) -> Result<()> {
        let encoded = command.encode()?;
        trace.sent(command);
        self.begin_wait();
        self.stream.write_all(&encoded).map_err(|error| error.during(command.name()))
    }

    /// The first line of a reply.
    fn receive(&mut self, secrets: &[&[u8]], trace: &mut Trace<'_>) -> Result<Line<'_>> {
        let (line, ending) = loop {
            match self.inbox.take_first_line()? {
                Some(line) => break line,
                None => self.fill()?,
            }
        };
        let bytes = self.inbox.bytes(line);
        let shown = mask(bytes, secrets);
        let handed = Instant::now();
        trace.received(&shown);
        // as pause_wait, which would need the line back
        self.deadline = self.deadline.later(handed.elapsed());
        self.stream.set_deadline(self.deadline.or_earlier(self.call));
        Ok(Line { bytes, shown, ending })
    }

    /// The further lines of a reply, up to the one that ends it.
    ///
    /// A line that `each` refuses does not stop the reading, or the next reply would begin in the middle of this one;
    /// unless its error ends the session anyway.
    fn receive_listing(
        &mut self,
        ending: Ending,
        trace: &mut Trace<'_>,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut outcome = Ok(());
        loop {
            let line = loop {
                match self.inbox.take_line(ending)? {
                    Some(line) => break line,
                    None => self.fill()?,
                }
            };
            let line = self.inbox.bytes(line);
            let handed = Instant::now();
            trace.received(line);
            let Some(content) = unstuff(line) else { return outcome };
            match each(content) {
                Err(error) if error.ends_session() => return Err(error),
                Err(error) if outcome.is_ok() => outcome = Err(error.with_reply(escape(line))),
                _ => {}
            }
            self.pause_wait(handed.elapsed());
        }
    }

    /// The wait for a reply begins.
    fn begin_wait(&mut self) {
        self.arrived = 0;
        self.set_deadline(Deadline::after(self.timeouts.reply));
    }

    /// Leaves out of the wait what the host did meanwhile.
    fn pause_wait(&mut self, spent: Duration) {
        self.set_deadline(self.deadline.later(spent));
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
        self.stream.set_deadline(deadline.or_earlier(self.call));
    }

    fn fill(&mut self) -> Result<()> {
        let count = self.stream.read(self.inbox.space()?)?;
        self.inbox.filled(count);
        self.arrived += count;
        if self.arrived >= STRIDE {
            self.begin_wait();
        }
        Ok(())
    }
}

/// The first line of a reply, as it came and as it may be shown.
struct Line<'a> {
    bytes: &'a [u8],
    shown: Cow<'a, [u8]>,
    ending: Ending,
}

impl Line<'_> {
    /// The text of `+OK`; what a `-ERR` means is said by its response code, else by `refused`. `words` says of what.
    fn accepted(&self, refused: Kind, words: &str) -> Result<&[u8]> {
        let reply = self.tell(Reply::parse(self.bytes))?;
        match reply.status {
            Status::Ok => Ok(reply.text),
            _ => self.tell(Err(reply.refusal(refused, words))),
        }
    }

    /// Adds the server's words to an error.
    fn tell<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.with_reply(escape(&self.shown)))
    }
}

/// Looks the server up and connects to it.
fn reach(options: &Options, call: Option<Deadline>, trace: &mut Trace<'_>) -> Result<Tcp> {
    let (server, timeout) = (&options.server, options.timeouts.connect);
    if !matches!(server.host, Host::Ip(_)) {
        trace.note(format_args!("resolving {}", server.host));
    }
    let mut addresses = resolve(server, Deadline::after(timeout).or_earlier(call))?;
    addresses.retain(|address| options.route.admits(address));
    if addresses.is_empty() {
        return Err(Error::new(Kind::HostNotFound, format!("{} has no address of that family", server.host)));
    }
    let deadline = Deadline::after(timeout).or_earlier(call);
    let note = |address: &SocketAddr| trace.note(format_args!("connecting to {address}"));
    let (tcp, address) = tcp::connect(&tcp::interleave(addresses), options.route.source, deadline, note)?;
    trace.note(format_args!("connected to {address}"));
    Ok(tcp)
}

/// Shakes hands on a connection whose next byte belongs to TLS.
fn secure(
    context: &Context,
    mut tcp: Tcp,
    options: &Options,
    call: Option<Deadline>,
    trace: &mut Trace<'_>,
) -> Result<Stream> {
    tcp.set_deadline(Deadline::after(options.timeouts.connect).or_earlier(call));
    let clear_before = options.secure == Secure::StartTls;
    let tls = Tls::handshake(context, &options.tls, tcp, &options.server.host, clear_before)?;
    trace.note(format_args!("{}", tls.facts()));
    Ok(Stream::Tls(Box::new(tls)))
}

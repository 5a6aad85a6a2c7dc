//! A session with a server: drives [`crate::proto`] over [`crate::net`], every reply by one deadline.
//!
//! After an error for which [`Error::ends_session`] holds, nothing more may be asked of the session; whoever owns it
//! drops it, which closes the connection without another word.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::net::Deadline;
use crate::net::address::{Host, Server};
use crate::net::resolve::resolve;
use crate::net::stream::Stream;
use crate::net::tcp::{self, Canceller, Tcp};
use crate::net::tls::{self, Context, Tls};
use crate::options::{Options, Secure};
use crate::proto::auth::{Credentials, Login, Mechanism};
use crate::proto::command::Command;
use crate::proto::framing::{Ending, Inbox, unstuff};
use crate::proto::listing::{Capabilities, Stat};
use crate::proto::reply::{Reply, Status};
use crate::trace::{Trace, escape, mask};

/// A session in the TRANSACTION state (RFC 1939, section 5).
pub struct Client {
    stream: Stream,
    inbox: Inbox,
    timeout: Duration,
    canceller: Canceller,
}

impl Client {
    /// Connects, makes the connection secure, logs in.
    pub fn open(options: &Options, trace: &mut Trace<'_>) -> Result<Client> {
        // before the first packet: a trust that cannot be built must not cost a connection
        let context = match options.secure {
            Secure::No => None,
            Secure::Tls | Secure::StartTls => Some(tls::context(&options.trust)?),
        };
        let tcp = reach(&options.server, options.timeout, trace)?;
        let canceller = tcp.canceller();
        let stream = match (&context, options.secure) {
            (Some(context), Secure::Tls) => secure(context, tcp, options, trace)?,
            _ => Stream::Plain(tcp),
        };
        let mut client = Client { stream, inbox: Inbox::default(), timeout: options.timeout, canceller };
        client.greeting(trace)?;
        if let (Some(context), Secure::StartTls) = (&context, options.secure) {
            client = client.start_tls(context, options, trace)?;
        }
        let capabilities = client.ask_capabilities(trace)?.unwrap_or_default();
        let mechanism = Mechanism::choose(&capabilities, client.stream.is_encrypted());
        client.log_in(&options.credentials, mechanism, trace)?;
        Ok(client)
    }

    /// The number of messages that STAT says.
    pub fn message_count(&mut self, trace: &mut Trace<'_>) -> Result<i32> {
        let line = self.exchange(&Command::STAT, trace)?;
        line.judge(|reply| match reply.status {
            Status::Ok => Stat::parse(reply.text).map(|stat| stat.count),
            _ => Err(reply.refusal(Kind::Server, "STAT was refused")),
        })
    }

    /// What the server says it can do in this state.
    pub fn capabilities(&mut self, trace: &mut Trace<'_>) -> Result<Capabilities> {
        self.ask_capabilities(trace)?.ok_or_else(|| Error::new(Kind::Unsupported, "the server has no CAPA"))
    }

    /// Has the server commit the deletions and ends the session.
    pub fn quit(mut self, trace: &mut Trace<'_>) -> Result<()> {
        let line = self.exchange(&Command::QUIT, trace)?;
        let committed = line.judge(|reply| match reply.status {
            Status::Ok => Ok(()),
            _ => Err(reply.refusal(Kind::Server, "the server did not commit the deletions")),
        });
        if !matches!(&committed, Err(error) if error.ends_session()) {
            self.stream.close();
        }
        committed
    }

    /// What ends a wait of this session from another thread.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    fn greeting(&mut self, trace: &mut Trace<'_>) -> Result<()> {
        self.stream.set_deadline(Deadline::after(self.timeout));
        let line = self.receive(&[], trace).map_err(|error| error.during("greeting"))?;
        line.judge(|reply| match reply.status {
            Status::Ok => Ok(()),
            _ => Err(reply.refusal(Kind::Server, "the server turned us away")),
        })
    }

    /// STLS, and the handshake. What the server said in the clear is forgotten.
    fn start_tls(mut self, context: &Context, options: &Options, trace: &mut Trace<'_>) -> Result<Client> {
        if !self.ask_capabilities(trace)?.is_some_and(|offered| offered.has("STLS")) {
            return Err(Error::new(Kind::NoStls, "the server does not offer STLS"));
        }
        let line = self.exchange(&Command::STLS, trace)?;
        line.judge(|reply| match reply.status {
            Status::Ok => Ok(()),
            _ => Err(Error::new(Kind::NoStls, "the server refused STLS")),
        })?;
        match self.stream {
            Stream::Plain(tcp) if self.inbox.is_empty() && !tcp.has_unread() => {
                let stream = secure(context, tcp, options, trace)?;
                Ok(Client { stream, inbox: Inbox::default(), ..self })
            }
            // a server is silent until it has the client's first record: somebody else speaks here
            _ => Err(Error::new(Kind::BadFormat, "clear text followed the answer to STLS")),
        }
    }

    /// CAPA; `None` where the server has no such command.
    fn ask_capabilities(&mut self, trace: &mut Trace<'_>) -> Result<Option<Capabilities>> {
        let line = self.exchange(&Command::CAPA, trace)?;
        let ending = line.ending;
        if line.judge(|reply| Ok(reply.status))? != Status::Ok {
            return Ok(None);
        }
        let mut capabilities = Capabilities::default();
        loop {
            let line = self.receive_further(ending).map_err(|error| error.during("CAPA"))?;
            trace.received(line);
            match unstuff(line) {
                Some(content) => capabilities.push(content)?,
                None => return Ok(Some(capabilities)),
            }
        }
    }

    fn log_in(&mut self, credentials: &Credentials, mechanism: Mechanism, trace: &mut Trace<'_>) -> Result<()> {
        let mut login = Login::new(credentials, mechanism);
        self.send(&login.first(), trace)?;
        loop {
            let line = self.receive(&login.secrets(), trace).map_err(|error| error.during("log-in"))?;
            let next = Reply::parse_in_exchange(line.bytes).and_then(|reply| login.next(reply));
            match line.tell(next)? {
                Some(command) => self.send(&command, trace)?,
                None => return Ok(()),
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
        self.stream.set_deadline(Deadline::after(self.timeout));
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
        trace.received(&shown);
        Ok(Line { bytes, shown, ending })
    }

    /// A further line of the reply.
    fn receive_further(&mut self, ending: Ending) -> Result<&[u8]> {
        loop {
            match self.inbox.take_line(ending)? {
                Some(line) => return Ok(self.inbox.bytes(line)),
                None => self.fill()?,
            }
        }
    }

    fn fill(&mut self) -> Result<()> {
        let count = self.stream.read(self.inbox.space()?)?;
        self.inbox.filled(count);
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
    /// What it means as the answer to a command.
    fn judge<T>(&self, meaning: impl FnOnce(Reply<'_>) -> Result<T>) -> Result<T> {
        self.tell(Reply::parse(self.bytes).and_then(meaning))
    }

    /// Adds the server's words to an error.
    fn tell<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| error.with_reply(escape(&self.shown)))
    }
}

/// Looks the server up and connects to it.
fn reach(server: &Server, timeout: Duration, trace: &mut Trace<'_>) -> Result<Tcp> {
    if !matches!(server.host, Host::Ip(_)) {
        trace.note(format_args!("resolving {}", server.host));
    }
    let addresses = resolve(server, Deadline::after(timeout))?;
    let (tcp, address) =
        tcp::connect(&addresses, timeout, |address| trace.note(format_args!("connecting to {address}")))?;
    trace.note(format_args!("connected to {address}"));
    Ok(tcp)
}

/// Shakes hands on a connection whose next byte belongs to TLS.
fn secure(context: &Context, mut tcp: Tcp, options: &Options, trace: &mut Trace<'_>) -> Result<Stream> {
    tcp.set_deadline(Deadline::after(options.timeout));
    let clear_before = options.secure == Secure::StartTls;
    let tls = Tls::handshake(context, tcp, &options.server.host, clear_before)?;
    trace.note(format_args!("{}", tls.description(context)));
    Ok(Stream::Tls(Box::new(tls)))
}

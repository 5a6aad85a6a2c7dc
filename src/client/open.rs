//! From nothing to a session in the TRANSACTION state: connecting, TLS, capabilities, log-in.
//!
//! What an earlier log-in has learnt of the server ([`memory`]) spares asking for its capabilities. Should that be out
//! of date, a refused log-in shows it: then the server is asked after all.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::client::Client;
use crate::client::memory::{self, Key, Known, Lists};
use crate::error::{Error, Kind, Result};
use crate::net::Deadline;
use crate::net::address::Host;
use crate::net::resolve::resolve;
use crate::net::stream::Stream;
use crate::net::tcp::{self, Tcp};
use crate::net::tls::{Session, Setup, Tls};
use crate::net::watch::Watch;
use crate::options::{Options, Secure};
use crate::proto::auth::{self, ChannelBinding, Circumstances, Login, Mechanism};
use crate::proto::command::Command;
use crate::proto::framing::Inbox;
use crate::proto::listing::Capabilities;
use crate::proto::reply::Reply;
use crate::shortage;
use crate::trace::Trace;

const NOT_OFFERED: &str = "the server does not offer STLS";
const REFUSED: &str = "the server refused STLS";

impl Client {
    /// Connects, makes the connection secure, logs in.
    ///
    /// `watch` makes who hears of it, for each connection that it takes.
    pub fn open(options: &Options, watch: impl Fn() -> Watch, trace: &mut Trace<'_>) -> Result<Client> {
        shortage::check()?;
        let call = options.timeouts.call.map(Deadline::after);
        // before the first packet: a trust that cannot be built must not cost a connection
        let setup = match options.secure {
            Secure::No => None,
            Secure::Tls | Secure::StartTls => {
                let deadline = Deadline::after(options.timeouts.connect).or_earlier(call);
                Some(Setup::new(&options.tls, &options.server.host, deadline, &mut watch())?)
            }
        };
        let key = Key::new(options, setup.as_ref())?;
        let known = memory::recall(&key);
        let had_session = known.session.is_some();
        let mut opened = Client::establish(options, setup.as_ref(), key.clone(), known, call, watch(), trace);
        if let Some(error) = opened.as_ref().err().filter(|error| had_session && error.kind() == Kind::Secure) {
            // instead of declining to resume a session, some servers fail the handshake
            trace.note(format_args!("once more without the earlier TLS session: {error}"));
            memory::never_resume(&key);
            let known = memory::recall(&key);
            opened = Client::establish(options, setup.as_ref(), key.clone(), known, call, watch(), trace);
        }
        if opened.is_err() {
            memory::doubt(&key);
        }
        opened
    }

    fn establish(
        options: &Options,
        setup: Option<&Setup>,
        key: Key,
        known: Known,
        call: Option<Deadline>,
        watch: Watch,
        trace: &mut Trace<'_>,
    ) -> Result<Client> {
        let Known { lists, session } = known;
        let tcp = reach(options, call, watch, trace)?;
        let canceller = tcp.canceller();
        let stream = match (setup, options.secure) {
            (Some(setup), Secure::Tls) => secure(setup, session.as_ref(), tcp, options, call, trace)?,
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
            key,
            capabilities: None,
            asked_after_log_in: false,
            proven: BTreeSet::new(),
            marked: BTreeSet::new(),
        };
        let mut greeting = client.greeting(trace)?;
        if let (Some(setup), Secure::StartTls) = (setup, options.secure) {
            if lists.is_none() {
                client.expect_stls(trace)?;
            }
            client = client.start_tls(setup, session.as_ref(), options, trace)?;
            greeting.clear();
        }
        let lists = client.authenticate(lists, options, &greeting, trace);
        // some servers repeat what they were told
        client.inbox.wipe();
        let lists = lists?;
        client.asked_after_log_in = lists.after.is_some();
        client.capabilities = lists.after.as_ref().or(lists.before.as_ref()).cloned();
        memory::learn(&client.key, lists, client.stream.tls_session());
        Ok(client)
    }

    /// The text of the greeting.
    fn greeting(&mut self, trace: &mut Trace<'_>) -> Result<Vec<u8>> {
        self.begin_wait();
        let line = self.receive(&[], trace).map_err(|error| error.during("greeting"))?;
        line.accepted(Kind::Server, "the server turned us away").map(<[u8]>::to_vec)
    }

    fn expect_stls(&mut self, trace: &mut Trace<'_>) -> Result<()> {
        match self.ask_capabilities(trace) {
            Ok(offered) if offered.has("STLS") => Ok(()),
            Err(error) if error.ends_session() => Err(error),
            Ok(_) => Err(Error::new(Kind::NoStls, NOT_OFFERED)),
            Err(refusal) => Err(refusal.recast(Kind::NoStls, NOT_OFFERED)),
        }
    }

    /// STLS, and the handshake. What the server said in the clear is forgotten.
    fn start_tls(
        mut self,
        setup: &Setup,
        session: Option<&Session>,
        options: &Options,
        trace: &mut Trace<'_>,
    ) -> Result<Client> {
        let line = self.exchange(&Command::STLS, trace)?;
        line.accepted(Kind::NoStls, REFUSED).map_err(|error| match error.ends_session() {
            true => error,
            // whatever its response code says
            false => error.recast(Kind::NoStls, REFUSED),
        })?;
        match self.stream {
            Stream::Plain(tcp) if self.inbox.is_empty() && !tcp.has_unread() => {
                let stream = secure(setup, session, tcp, options, self.call, trace)?;
                Ok(Client { stream, inbox: Inbox::default(), ..self })
            }
            // a server is silent until it has the client's first record: somebody else speaks here
            _ => Err(Error::new(Kind::BadFormat, "clear text followed the answer to STLS")),
        }
    }

    /// Logs in by what is remembered of the server, else by what it says now; answers which it was.
    fn authenticate(
        &mut self,
        remembered: Option<Lists>,
        options: &Options,
        greeting: &[u8],
        trace: &mut Trace<'_>,
    ) -> Result<Lists> {
        let mut refused = None;
        if let Some(lists) = remembered {
            let before = lists.before.as_ref();
            // a mechanism that is not on the old list may be on the new one
            if let Ok(mechanism) = self.mechanism(before, options) {
                match self.log_in(mechanism, before, options, greeting, trace) {
                    Ok(()) => return Ok(lists),
                    // without a code an unknown mechanism is refused like a wrong password
                    Err(error) if error.kind() == Kind::Auth && !error.is_explained() => {
                        refused = Some((mechanism, error));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let before = match self.ask_capabilities(trace) {
            Ok(before) => Some(before),
            Err(error) if refused.is_none() && !error.ends_session() => None,
            // a server that has no list any more has not shown another one
            Err(error) => return Err(refused.map_or(error, |(_, refusal)| refusal)),
        };
        let chosen = self.mechanism(before.as_ref(), options);
        if let Some((tried, refusal)) = refused {
            // refused credentials are not tried again, unless the server cannot have looked at them
            if tried.is_listed(before.as_ref()) || matches!(chosen, Ok(chosen) if chosen == tried) {
                return Err(refusal);
            }
        }
        self.log_in(chosen?, before.as_ref(), options, greeting, trace)?;
        Ok(Lists { before, after: None })
    }

    fn mechanism(&self, offered: Option<&Capabilities>, options: &Options) -> Result<Mechanism> {
        match (options.mechanism, offered) {
            (Some(mechanism), offered) => mechanism.check_offered(offered).map(|()| mechanism),
            (None, Some(offered)) => Ok(Mechanism::choose(offered, self.stream.is_encrypted())),
            (None, None) => Ok(Mechanism::UserPass),
        }
    }

    /// LANG and UTF8 where they are wanted and offered, then the log-in.
    ///
    /// Where the server takes commands ahead of its answers these go together, and PASS with USER. Nothing ever goes
    /// after PASS or the last line of AUTH: some servers lose it.
    fn log_in(
        &mut self,
        mechanism: Mechanism,
        offered: Option<&Capabilities>,
        options: &Options,
        greeting: &[u8],
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let offers = |name: &str| offered.is_some_and(|offered| offered.has(name));
        let host = &options.server.host.to_string();
        // a SCRAM that is not bound must not claim that it could be, where the server offers to be bound
        let binding = match mechanism.is_bound() {
            true => self.stream.channel_binding()?.map(|(name, data)| ChannelBinding { name, data }),
            false => None,
        };
        let circumstances = Circumstances { greeting, host, port: options.server.port, nonce: auth::nonce, binding };
        let mut login = Login::new(&options.credentials, mechanism, circumstances)?;

        let language = options.language.as_deref().filter(|_| offers("LANG")).map(Command::lang);
        let utf8 = Some(Command::UTF8).filter(|_| options.utf8 && offers("UTF8"));
        let wishes: Vec<_> = language.into_iter().chain(utf8).collect();
        let pipelining = offers("PIPELINING");
        let ahead = login.ahead().filter(|_| pipelining);
        let mut is_ahead = ahead.is_some();
        if pipelining {
            let together: Vec<_> = wishes.iter().copied().chain([login.first()]).chain(ahead).collect();
            self.send_all(&together, trace)?;
        }
        for wish in &wishes {
            if !pipelining {
                self.send(wish, trace)?;
            }
            self.begin_wait();
            // that one is refused is told by the status lines
            let line = self.receive(&login.secrets(), trace).map_err(|error| error.during(wish.name()))?;
            line.tell(Reply::parse(line.bytes))?;
        }
        if !pipelining {
            self.send(&login.first(), trace)?;
        }
        loop {
            self.begin_wait();
            let line = self.receive(&login.secrets(), trace).map_err(|error| error.during("log-in"))?;
            let next = Reply::parse_in_exchange(line.bytes).and_then(|reply| login.next(reply));
            match line.tell(next) {
                Ok(Some(_)) if is_ahead => is_ahead = false,
                Ok(Some(command)) => self.send(&command, trace)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    // what led to this is told, not what becomes of the rest
                    if let Some(cancel) = login.cancel() {
                        let _ = self.send(&cancel, trace);
                    }
                    if is_ahead && !error.ends_session() {
                        self.begin_wait();
                        let _ = self.receive(&login.secrets(), trace);
                    }
                    return Err(error);
                }
            }
        }
    }
}

/// Looks the server up, or its proxy, and connects to it.
fn reach(options: &Options, call: Option<Deadline>, mut watch: Watch, trace: &mut Trace<'_>) -> Result<Tcp> {
    let (route, timeout) = (&options.route, options.timeouts.connect);
    let next = route.proxy.as_ref().map_or(&options.server, |proxy| &proxy.server);
    watch.tell()?;
    if !matches!(next.host, Host::Ip(_)) {
        trace.note(format_args!("resolving {}", next.host));
    }
    let mut addresses = resolve(next, Deadline::after(timeout).or_earlier(call), &mut watch)?;
    addresses.retain(|address| route.admits(address));
    if addresses.is_empty() {
        return Err(Error::new(Kind::HostNotFound, format!("{} has no address of that family", next.host)));
    }
    let deadline = Deadline::after(timeout).or_earlier(call);
    let note = |address: &SocketAddr| trace.note(format_args!("connecting to {address}"));
    let (mut tcp, address) = tcp::connect(&tcp::interleave(addresses), route.source, deadline, watch, note)?;
    trace.note(format_args!("connected to {address}"));
    if let Some(proxy) = &route.proxy {
        tcp.set_deadline(Deadline::after(timeout).or_earlier(call));
        proxy.connect(&mut tcp, &options.server)?;
        trace.note(format_args!("connected to {} by the proxy", options.server));
    }
    Ok(tcp)
}

/// Shakes hands on a connection whose next byte belongs to TLS.
fn secure(
    setup: &Setup,
    session: Option<&Session>,
    mut tcp: Tcp,
    options: &Options,
    call: Option<Deadline>,
    trace: &mut Trace<'_>,
) -> Result<Stream> {
    tcp.set_deadline(Deadline::after(options.timeouts.connect).or_earlier(call));
    let clear_before = options.secure == Secure::StartTls;
    let tls = Tls::handshake(setup, session, tcp, clear_before)?;
    trace.note(format_args!("{}", tls.facts()));
    Ok(Stream::Tls(Box::new(tls)))
}

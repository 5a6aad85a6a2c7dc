//! From nothing to a session in the TRANSACTION state: connecting, TLS, capabilities, log-in.
//!
//! What an earlier log-in has learnt of the server ([`server_cache`]) spares asking for its capabilities. Should that be out
//! of date, a refused log-in shows it: then the server is asked after all. Where anybody on the way can have said it, it
//! never chooses the log-in.
//!
//! Some servers break where others answer. What an attempt to connect has shown of that ([`Lessons`]) is left out of the
//! next one.

use std::collections::BTreeSet;

use crate::crypto::Bytes;
use crate::error::{Error, Kind, Result};
use crate::options::{Options, Secure};
use crate::proto::auth::{self, ChannelBinding, Login, LoginContext, Mechanism, Next, Offer, Refusal, Wanted, ways};
use crate::proto::command::Command;
use crate::proto::framing::ReceiveBuffer;
use crate::proto::listing::Capabilities;
use crate::proto::reply::{Reply, Status};
use crate::secret;
use crate::session::marks::Marks;
use crate::session::server_cache::{self, Key, Known, Lists};
use crate::session::sizes::Sizes;
use crate::session::trace::Trace;
use crate::session::transport::{Connector, TlsSession, Transport};
use crate::session::{Behind, Client};
use crate::shortage;
use crate::text::{Secrets, show};

const NOT_OFFERED: &str = "the server does not offer STLS";
const MAY_WANT_TLS: &str = "the port may want TLS from the first byte, as 995 does: that is secure 1";
const REFUSED: &str = "the server refused STLS";
const NO_CAPA: &str = "the server has no CAPA";

/// What attempts to connect have shown of the server.
struct Lessons {
    /// That it breaks when it is asked what it can do.
    breaks_at_capa: bool,
    /// At how many types of channel binding it breaks.
    broken_bindings: usize,
    /// What is being tried of that.
    trying: Option<Trial>,
}

#[derive(Clone, Copy)]
enum Trial {
    /// CAPA.
    Capabilities,
    /// A log-in that is bound to the TLS channel; whether there is nothing else to try.
    Binding { is_last: bool },
}

impl Lessons {
    /// Whether it pays to connect once more, and how that will differ.
    fn learn(&mut self, error: &Error) -> Option<&'static str> {
        let is_broken = matches!(error.kind(), Kind::ConnectionLost | Kind::Timeout | Kind::BadFormat);
        match self.trying.take() {
            Some(Trial::Capabilities) if is_broken => {
                self.breaks_at_capa = true;
                Some("without CAPA")
            }
            Some(Trial::Binding { is_last }) if is_broken => {
                self.broken_bindings += 1;
                (!is_last).then_some("without that type of channel binding")
            }
            _ => None,
        }
    }
}

/// What the log-ins of one connection have in common.
struct LogIn<'a> {
    options: &'a Options,
    /// The text of the greeting, empty where it came before TLS did.
    greeting: &'a [u8],
    lessons: &'a mut Lessons,
    /// Whether LANG and UTF8 have been sent.
    has_extensions: bool,
}

/// What a log-in has shown of the server.
enum Learnt {
    /// What it can do.
    Lists(Lists),
    /// The same, of a server that is not to be met by memory.
    Once(Option<Capabilities>),
    /// Nothing, since it was not asked.
    Nothing,
}

/// How a log-in by one mechanism has ended, the session being in step.
enum Outcome {
    LoggedIn,
    Refused(Refusal),
}

impl<T: Transport> Client<T> {
    /// Connects, makes the connection secure, logs in.
    // in a box, since it is large, and would be in each future on the way to here
    pub async fn open<C>(connector: &mut C, options: &Options, trace: &mut Trace<'_>) -> Result<Box<Client<T>>>
    where
        C: Connector<Transport = T>,
    {
        shortage::check()?;
        connector.prepare().await?;
        let key = Key::new(options, connector.identity()?);
        let user = options.credentials.user();
        let mut known = server_cache::get(&key, user, connector.now());
        let mut lessons = Lessons { breaks_at_capa: known.breaks_at_capa, broken_bindings: 0, trying: None };
        let mut first_error = None;
        loop {
            let had_session = known.session.is_some();
            let error = match Client::establish(connector, options, &key, known, &mut lessons, trace).await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            let change = if had_session && error.kind() == Kind::Secure {
                // instead of declining to resume a session, some servers fail the handshake
                server_cache::disable_resumption(&key, connector.now());
                Some("without the earlier TLS session")
            } else {
                lessons.learn(&error)
            };
            // what is left of the call's time must do for another connection
            let Some(change) = change.filter(|_| !connector.is_over()) else {
                server_cache::invalidate(&key);
                // where connecting once more was of no use, what led to it is the reason
                let is_unrelated = |error: &Error| {
                    matches!(error.kind(), Kind::Connect | Kind::ConnectionLost | Kind::Timeout | Kind::BadFormat)
                };
                return Err(match first_error {
                    Some(first) if is_unrelated(&error) => first,
                    _ => error,
                });
            };
            trace.note(format_args!("once more {change}: {error}"));
            first_error = first_error.or(Some(error));
            known = server_cache::get(&key, user, connector.now());
        }
    }

    async fn establish<C>(
        connector: &mut C,
        options: &Options,
        key: &Key,
        known: Known,
        lessons: &mut Lessons,
        trace: &mut Trace<'_>,
    ) -> Result<Box<Client<T>>>
    where
        C: Connector<Transport = T>,
    {
        let Known { lists, session, breaks_at_capa } = known;
        // what a server that is not to be asked said once is not to decide either
        let lists = lists.filter(|_| options.capabilities);
        lessons.trying = None;
        let mut secrets = options.credentials.secrets()?;
        connector.add_secrets(&mut secrets)?;
        let mut client = Box::new(Client {
            transport: connector.connect(session.as_ref(), trace).await?,
            received: ReceiveBuffer::default(),
            timeouts: options.timeouts,
            max_message: options.max_message,
            arrived: 0,
            key: key.clone(),
            capabilities: None,
            asked_after_log_in: false,
            proven: BTreeSet::new(),
            greets_again: false,
            secrets,
            pipelining: options.pipelining,
            in_transaction: false,
            behind: Behind::Nothing,
            marks: Marks::default(),
            sizes: Sizes::default(),
            by_uid: None,
        });
        let mut greeting = client.greeting(trace).await?;
        if options.secure == Secure::StartTls {
            if lists.is_none() && options.capabilities && !lessons.breaks_at_capa {
                client.expect_stls(lessons, trace).await?;
            }
            client = client.start_tls(connector, session.as_ref(), trace).await?;
            client.greets_again = client.pass_over_greeting(trace).await?;
            greeting.clear();
        }
        let log_in = LogIn { options, greeting: &greeting, lessons, has_extensions: false };
        let learnt = client.authenticate(lists, log_in, trace).await;
        // some servers repeat what they were told
        client.received.wipe();
        client.secrets = Secrets::default();
        let lists = match learnt? {
            Learnt::Lists(lists) => {
                client.asked_after_log_in = lists.after.is_some();
                client.capabilities = lists.after.as_ref().or(lists.before.as_ref()).cloned();
                Some(lists)
            }
            Learnt::Once(before) => {
                client.capabilities = before;
                None
            }
            Learnt::Nothing => None,
        };
        // what was only used is no younger for it
        if lessons.breaks_at_capa && !breaks_at_capa {
            server_cache::store_break_at_capa(key, options.credentials.user(), connector.now());
        }
        server_cache::store(key, lists, client.transport.tls_session(), connector.now());
        // who wants no CAPA gets none in passing either
        client.asked_after_log_in |= !options.capabilities;
        client.in_transaction = true;
        Ok(client)
    }

    /// The text of the greeting.
    async fn greeting(&mut self, trace: &mut Trace<'_>) -> Result<Vec<u8>> {
        self.begin_wait();
        let line = match self.receive(trace).await {
            Ok(line) => line,
            Err(error) => {
                let waits_for_tls = matches!(error.kind(), Kind::Timeout | Kind::ConnectionLost)
                    && self.received.is_empty()
                    && !self.transport.is_encrypted();
                let error = if waits_for_tls { error.hint(MAY_WANT_TLS) } else { error };
                return Err(error.during("greeting"));
            }
        };
        line.accepted(Kind::Server, "the server turned us away").map(<[u8]>::to_vec)
    }

    /// Ends the attempt where the server has a list and STLS is not on it. Where it has none its answer to STLS tells.
    async fn expect_stls(&mut self, lessons: &mut Lessons, trace: &mut Trace<'_>) -> Result<()> {
        lessons.trying = Some(Trial::Capabilities);
        let offered = self.ask_capabilities(trace).await;
        match offered {
            Err(error) if error.ends_session() => return Err(error),
            Ok(offered) if !offered.has("STLS") => return Err(Error::new(Kind::NoStls, NOT_OFFERED)),
            Ok(_) | Err(_) => {}
        }
        lessons.trying = None;
        Ok(())
    }

    /// STLS, and the handshake. What the server said in the clear is forgotten.
    async fn start_tls<C>(
        mut self: Box<Self>,
        connector: &mut C,
        session: Option<&TlsSession>,
        trace: &mut Trace<'_>,
    ) -> Result<Box<Client<T>>>
    where
        C: Connector<Transport = T>,
    {
        let line = self.exchange(&Command::STLS, trace).await?;
        line.accepted(Kind::NoStls, REFUSED).map_err(|error| match error.ends_session() {
            true => error,
            // whatever its response code says
            false => error.recast(Kind::NoStls, REFUSED),
        })?;
        if !self.received.is_empty() {
            return Err(Error::new(Kind::BadFormat, "clear text followed the answer to STLS"));
        }
        let transport = connector.start_tls(self.transport, session, trace).await?;
        Ok(Box::new(Client { transport, received: ReceiveBuffer::default(), ..*self }))
    }

    /// Whether the server has greeted once more inside TLS, as E-MailRelay 2.6 does: nothing is asked yet. Should that come
    /// later, the answer to CAPA shows it.
    async fn pass_over_greeting(&mut self, trace: &mut Trace<'_>) -> Result<bool> {
        match self.transport.read_at_once(self.received.space()?)? {
            // that it has closed is for whoever wants something of it
            None | Some(0) => return Ok(false),
            Some(count) => self.received.filled(count),
        }
        let line = self.receive(trace).await?;
        line.accepted(Kind::Server, "the server turned us away")?;
        trace.note(format_args!("the server greeted once more"));
        Ok(true)
    }

    /// Logs in by what is remembered of the server, else by what it says now.
    async fn authenticate(
        &mut self,
        remembered: Option<Lists>,
        mut log_in: LogIn<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Learnt> {
        let options = log_in.options;
        // the way by memory that was refused, and why
        let mut refused = None;
        if let Some(lists) = remembered {
            let before = lists.before.as_ref();
            if let Some(mechanism) = self.way_by_memory(before, options) {
                match self.log_in(mechanism, before, &mut log_in, trace).await? {
                    Outcome::LoggedIn => return Ok(Learnt::Lists(lists)),
                    Outcome::Refused(refusal) if !may_be_outdated(&refusal) => return Err(refusal.error),
                    Outcome::Refused(refusal) => refused = Some((mechanism, refusal)),
                }
            }
        }
        if refused.is_none() && !needs_capabilities(options, log_in.lessons) {
            self.try_ways(None, Offer::NotAsked, &mut log_in, trace).await?;
            return Ok(Learnt::Nothing);
        }
        let before = match self.capabilities_before_log_in(log_in.lessons, trace).await {
            Ok(before) => Some(before),
            Err(error) if refused.is_none() && !error.ends_session() => None,
            // a server that has no list any more has not shown another one
            Err(error) => return Err(refused.map_or(error, |(_, refusal)| refusal.error)),
        };
        let offer = before.as_ref().map_or(Offer::NoList, Offer::List);
        if let Some((tried, refusal)) = refused.take_if(|(tried, refusal)| {
            // refused credentials are not tried again, unless the server cannot have looked at them
            refusal.next == Next::Nothing && tried.is_listed(offer)
        }) {
            trace.note(format_args!("{} is still listed", tried.name()));
            return Err(refusal.error);
        }
        self.try_ways(refused, offer, &mut log_in, trace).await?;
        // a server that says more than it is asked for would be out of step by memory
        Ok(if self.greets_again { Learnt::Once(before) } else { Learnt::Lists(Lists { before, after: None }) })
    }

    /// The mechanism that what is remembered of the server leads to.
    ///
    /// What it said in the clear may have been somebody else's word, who is gone now: it chooses nothing weaker than the
    /// strongest.
    fn way_by_memory(&self, before: Option<&Capabilities>, options: &Options) -> Option<Mechanism> {
        let offer = before.map_or(Offer::NoList, Offer::List);
        // a mechanism that is not on the old list may be on the new one
        let mechanism = ways(&self.wanted(offer, options)).ok()?.next()?;
        let may_choose = self.transport.is_encrypted() || options.mechanism.is_some();
        (may_choose || mechanism == Mechanism::ScramSha256).then_some(mechanism)
    }

    fn wanted<'a>(&self, offer: Offer<'a>, options: &'a Options) -> Wanted<'a> {
        Wanted {
            credentials: &options.credentials,
            named: options.mechanism,
            offer,
            encrypted: self.transport.is_encrypted(),
            clear_password: options.clear_password,
        }
    }

    /// CAPA before the log-in. A second greeting that comes no sooner is taken for the first line of its list.
    async fn capabilities_before_log_in(
        &mut self,
        lessons: &mut Lessons,
        trace: &mut Trace<'_>,
    ) -> Result<Capabilities> {
        lessons.trying = Some(Trial::Capabilities);
        let line = self.exchange(&Command::CAPA, trace).await?;
        let mut ending = line.ending;
        let mut has_list = line.accepted(Kind::Unsupported, NO_CAPA).map(drop);
        if has_list.is_ok() && self.begins_anew().await? {
            self.greets_again = true;
            trace.note(format_args!("the server greeted once more"));
            let line = self.receive(trace).await?;
            ending = line.ending;
            has_list = line.accepted(Kind::Unsupported, NO_CAPA).map(drop);
        }
        let capabilities = match has_list {
            Ok(()) => self.receive_capabilities(ending, trace).await,
            Err(error) => Err(error),
        };
        if !capabilities.as_ref().is_err_and(Error::ends_session) {
            lessons.trying = None;
        }
        capabilities
    }

    /// Whether the line behind the first one of a reply is the first one of another reply.
    async fn begins_anew(&mut self) -> Result<bool> {
        // the shortest list is shorter
        while self.received.waiting().len() < b"-ERR".len() && memchr::memchr(b'\n', self.received.waiting()).is_none()
        {
            self.fill().await?;
        }
        let waiting = self.received.waiting();
        Ok(waiting.starts_with(b"+OK") || waiting.starts_with(b"-ERR"))
    }

    /// Tries one mechanism after the other, each once, until the server lets us in or has refused the credentials.
    async fn try_ways(
        &mut self,
        tried: Option<(Mechanism, Refusal)>,
        offer: Offer<'_>,
        log_in: &mut LogIn<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<()> {
        let list = match offer {
            Offer::List(list) => Some(list),
            Offer::NoList | Offer::NotAsked => None,
        };
        let (tried, mut refusal) = tried.map_or((None, None), |(mechanism, refusal)| (Some(mechanism), Some(refusal)));
        let wanted = self.wanted(offer, log_in.options);
        // chosen by itself only where the server bears it
        let is_broken = wanted.named.is_none() && log_in.lessons.broken_bindings > 0;
        let is_untried = |mechanism: &Mechanism| Some(*mechanism) != tried && !(is_broken && mechanism.is_bound());
        for mechanism in ways(&wanted)?.filter(is_untried) {
            match self.log_in(mechanism, list, log_in, trace).await? {
                Outcome::LoggedIn => return Ok(()),
                Outcome::Refused(Refusal { error, next: Next::Nothing, .. }) => return Err(error),
                Outcome::Refused(next) => {
                    // that a server does not know a command tells less than that it refuses one that it knows
                    let tells = |refusal: &Refusal| refusal.error.kind() != Kind::Unsupported;
                    refusal = refusal.filter(|earlier| tells(earlier) && !tells(&next)).or(Some(next));
                }
            }
        }
        let none_left = || Error::new(Kind::Unsupported, "the server offers no other way to log in");
        Err(refusal.map_or_else(none_left, |refusal| refusal.error))
    }

    /// A log-in by that mechanism, in every form in which the server may take it.
    async fn log_in(
        &mut self,
        mechanism: Mechanism,
        offered: Option<&Capabilities>,
        log_in: &mut LogIn<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Outcome> {
        if mechanism.is_bound() {
            return self.log_in_bound(mechanism, offered, log_in, trace).await;
        }
        match self.attempt(mechanism, None, true, offered, log_in, trace).await? {
            // some servers take one word after AUTH and no more
            Outcome::Refused(Refusal { next: Next::WithoutInitialResponse, .. }) => {
                self.attempt(mechanism, None, false, offered, log_in, trace).await
            }
            outcome => Ok(outcome),
        }
    }

    /// The same bound to the TLS channel, by one type of binding after the other: servers know one, and refuse or break
    /// at another. Where the host has not asked for it by the best alone.
    async fn log_in_bound(
        &mut self,
        mechanism: Mechanism,
        offered: Option<&Capabilities>,
        log_in: &mut LogIn<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Outcome> {
        let is_named = log_in.options.mechanism.is_some();
        let mut bindings = self.transport.channel_bindings()?.into_iter().skip(log_in.lessons.broken_bindings);
        let mut outcome = None;
        let mut names: Vec<&str> = Vec::new();
        while let Some((name, data)) = bindings.next() {
            names.push(name);
            log_in.lessons.trying = Some(Trial::Binding { is_last: is_named && bindings.len() == 0 });
            let binding = Some(ChannelBinding { name, data });
            let doing = format!("log-in bound to the TLS channel by {name}, which the server may not know");
            let tried = self.attempt(mechanism, binding, true, offered, log_in, trace).await;
            log_in.lessons.trying = log_in.lessons.trying.take().filter(|_| tried.is_err());
            match tried.map_err(|error| error.during(&doing))? {
                // it was the proof that was refused, not the type of binding
                Outcome::Refused(refusal) if !refusal.has_proved => outcome = Some(refusal),
                other => return Ok(other),
            }
            if !is_named {
                break;
            }
        }
        let error = match outcome {
            Some(Refusal { error, .. }) => {
                error.during(&format!("the server takes no log-in bound to the TLS channel by {}", names.join(" or ")))
            }
            None => Error::new(Kind::Unsupported, "this connection has nothing to bind the log-in to"),
        };
        Ok(Outcome::Refused(Refusal { error, next: Next::OtherWay, has_proved: false }))
    }

    /// LANG and UTF8 where they are wanted and offered, then one log-in.
    ///
    /// Where the server takes commands ahead of its answers these go together, and PASS with USER. Nothing ever goes
    /// after PASS or the last line of AUTH: some servers lose it.
    async fn attempt(
        &mut self,
        mechanism: Mechanism,
        binding: Option<ChannelBinding>,
        initial_response: bool,
        offered: Option<&Capabilities>,
        log_in: &mut LogIn<'_>,
        trace: &mut Trace<'_>,
    ) -> Result<Outcome> {
        let options = log_in.options;
        let offers = |name: &str| offered.is_some_and(|offered| offered.has(name));
        let context = LoginContext {
            greeting: log_in.greeting,
            host: &options.server.host,
            port: options.server.port,
            nonce: auth::nonce,
            binding,
            initial_response,
            says_auth: offers("AUTH-RESP-CODE"),
        };
        let mut login = Login::new(&options.credentials, mechanism, context)?;

        let wants = |name: &str| offers(name) && !log_in.has_extensions;
        let language = options.language.as_deref().filter(|_| wants("LANG")).map(Command::lang);
        let utf8 = Some(Command::UTF8).filter(|_| options.utf8 && wants("UTF8"));
        let extensions: Vec<_> = language.into_iter().chain(utf8).collect();
        log_in.has_extensions = true;
        let pipelining =
            self.pipelining && offers("PIPELINING") && server_cache::may_pipeline(&self.key, self.transport.now());
        let ahead = login.ahead().filter(|_| pipelining);
        let mut is_ahead = ahead.is_some();
        if pipelining {
            let together: Vec<_> = extensions.iter().copied().chain([login.first()]).chain(ahead).collect();
            self.send_all(&together, trace).await?;
        }
        for extension in &extensions {
            if !pipelining {
                self.send(extension, trace).await?;
            }
            self.begin_wait();
            // that one is refused is told by the status lines
            let said = login.secrets();
            let line = self.receive_masked(&said, trace).await.map_err(|error| error.during(extension.name()))?;
            line.with_reply(Reply::parse(line.bytes))?;
        }
        if !pipelining {
            self.send(&login.first(), trace).await?;
        }
        loop {
            self.begin_wait();
            let said = login.secrets();
            let line = match self.receive_masked(&said, trace).await {
                Ok(line) => line,
                Err(error) => {
                    let why = login
                        .server_error()
                        .map_or_else(String::new, |server_error| format!(", refused: {server_error}"));
                    return Err(error.during(&format!("log-in{why}")));
                }
            };
            // a copy, since the session is asked meanwhile whether to go on
            let line = secret::join(&[line.bytes])?;
            let reply = match Reply::parse_in_exchange(&line) {
                Ok(reply) => reply,
                Err(error) => return Err(error.with_reply(self.show(&line, &login))),
            };
            if reply.status == Status::Err {
                let Refusal { error, mut next, has_proved } = login.refusal(reply);
                if is_ahead {
                    self.begin_wait();
                    if self.receive_masked(&login.secrets(), trace).await.is_err() {
                        next = Next::Nothing;
                    }
                }
                let error = error.with_reply(self.show(&line, &login));
                return Ok(Outcome::Refused(Refusal { error, next, has_proved }));
            }
            let derived = match login.derivation(reply) {
                Ok(None) => Ok(Bytes::default()),
                Ok(Some(derivation)) => self.transport.derive(derivation).await,
                Err(error) => Err(error),
            };
            let answer = match derived {
                Ok(derived) => login.next(reply, &derived),
                Err(error) => Err(error),
            };
            match answer {
                Ok(Some(_)) if is_ahead => is_ahead = false,
                Ok(Some(command)) => self.send(&command, trace).await?,
                Ok(None) => return Ok(Outcome::LoggedIn),
                Err(error) => {
                    // what led to this is told, not what becomes of the rest
                    if let Some(cancel) = login.cancel() {
                        let _ = self.send(&cancel, trace).await;
                    }
                    return Err(error.with_reply(self.show(&line, &login)));
                }
            }
        }
    }

    /// A line of a log-in as an error may show it.
    fn show(&self, line: &[u8], login: &Login<'_>) -> String {
        show(&self.secrets.mask(line, &login.secrets()))
    }
}

/// Whether the server must be asked what it can do before the log-in. After STLS it is, since its answer shows whether it
/// is in step.
fn needs_capabilities(options: &Options, lessons: &Lessons) -> bool {
    let is_said = matches!(options.mechanism, Some(Mechanism::UserPass | Mechanism::Apop));
    let is_needed = !is_said || options.secure == Secure::StartTls || options.utf8 || options.language.is_some();
    is_needed && options.capabilities && !lessons.breaks_at_capa
}

/// Whether a refusal of what was tried by memory may come of the memory. Without a code an unknown mechanism is refused
/// like a wrong password.
fn may_be_outdated(refusal: &Refusal) -> bool {
    refusal.next != Next::Nothing || (refusal.error.kind() == Kind::Auth && !refusal.error.is_explained())
}

//! A TLS connection: the handshake, reading, writing, channel bindings.

use std::io;

use super::calls::{Calls, Status, Step};
use super::client_certificate::ClientCertificate;
use super::judge::{Judge, Shown};
use super::link::{Fate, Link};
use super::session::PeerId;
use super::statuses::{session_error, setup_error};
use super::{NEWEST, Session, suites};
use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::net::tcp::{self, Tcp};
use crate::net::tls::certificate::Certificate;
use crate::net::tls::lifetime::Lifetime;
use crate::net::tls::transport::{TransportState, clear_text};
use crate::net::tls::{Shaken, Version};

/// errSSLWouldBlock
const WOULD_BLOCK: Status = Status(-9803);

/// What a connection is to be.
pub struct Terms<'a, C: Calls> {
    pub judge: Judge<'a, C>,
    /// The oldest version that will do.
    pub oldest: Version,
    /// The client certificate, if the server asks for one.
    pub certificate: Option<&'a ClientCertificate<C>>,
    /// The number of the context, in which alone a session may be resumed.
    pub context: u64,
}

/// A TLS connection.
pub struct Tls<C: Calls> {
    calls: C,
    connection: C::Connection,
    fate: Fate,
    shown: Shown,
    verified: bool,
    resumed: bool,
    session: Session,
}

/// What is known of a TLS connection: [`TlsInfo`](crate::net::tls::TlsInfo), with the certificate in DER.
pub struct Facts<'a> {
    pub version: &'static str,
    pub cipher: &'static str,
    pub resumed: bool,
    pub verified: bool,
    pub certificate: Option<&'a [u8]>,
}

/// Why reading or writing failed.
enum Failure {
    /// The connection below has.
    Connection(io::Error),
    /// TLS has.
    Tls(Status),
}

/// A TLS handshake under way.
pub struct Handshake<'a, C: Calls> {
    terms: Terms<'a, C>,
    /// The session that is to be resumed.
    earlier: Option<&'a Session>,
    clear_before: bool,
    id: PeerId,
    fate: Fate,
    shown: Option<Shown>,
    at: At<C>,
}

/// Where a handshake is.
enum At<C: Calls> {
    Begin(C::Setup, Link),
    Middle(C::Connection),
}

impl<'a, C: Calls> Handshake<'a, C> {
    /// Begins one, within the deadline that `tcp` has: nothing is sent yet. The server is judged by the terms. An earlier
    /// session is resumed if it was made with the same [`Key`](crate::net::tls::Key) and the server remembers it.
    ///
    /// Clear text in answer is [`Kind::BadFormat`] where `clear_before`, since then somebody speaks in the server's
    /// place, and [`Kind::Secure`] else.
    pub fn by(
        terms: Terms<'a, C>,
        earlier: Option<&'a Session>,
        tcp: Tcp,
        clear_before: bool,
    ) -> Result<Handshake<'a, C>> {
        let earlier = earlier.filter(|earlier| earlier.may_resume(terms.context));
        let id = earlier.map_or_else(PeerId::new, |earlier| *earlier.kept());
        let setup = prepare(&terms, id).map_err(setup_error)?;
        let link = Link::new(tcp);
        let fate = link.fate();
        Ok(Handshake { terms, earlier, clear_before, id, fate, shown: None, at: At::Begin(setup, link) })
    }

    /// The connection below.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        match &mut self.at {
            At::Begin(_, link) => &mut link.transport.tcp,
            At::Middle(connection) => &mut self.terms.judge.store.calls.link_mut(connection).transport.tcp,
        }
    }

    /// Goes on until it is done, the peer verified where the terms want it, or until the connection below would have to
    /// wait and does not.
    pub fn go_on(self) -> Result<Shaken<Self, Tls<C>>> {
        let Handshake { terms, earlier, clear_before, id, fate, mut shown, at } = self;
        let calls = &terms.judge.store.calls;
        let judge = |connection: &C::Connection| terms.judge.judge(calls.trust(connection).map_err(setup_error)?);
        let flush = |connection: &mut C::Connection| {
            let flushed = calls.link_mut(connection).flush_unsent();
            flushed.map_err(|error| tcp::into_error(error).during("TLS handshake"))
        };
        let mut step = match at {
            At::Begin(setup, link) => calls.begin(setup, link),
            At::Middle(mut connection) => match flush(&mut connection)? {
                true => calls.go_on(connection),
                false => Step::Waits(connection),
            },
        };
        let connection = loop {
            match step {
                Step::CertificateShown(connection) => {
                    shown = Some(judge(&connection)?);
                    step = calls.go_on(connection);
                }
                Step::Waits(mut connection) => {
                    // that nothing is there is no error of the connection
                    fate.take_error();
                    // what there is no room for is waited for before what is to come
                    flush(&mut connection)?;
                    let at = At::Middle(connection);
                    return Ok(Shaken::Waits(Handshake { terms, earlier, clear_before, id, fate, shown, at }));
                }
                Step::Done(mut connection) => match flush(&mut connection)? {
                    true => break connection,
                    false => step = Step::Waits(connection),
                },
                Step::Failed(status) => return Err(handshake_error(&fate, status, clear_before)),
            }
        };
        // a session that is resumed begins without a certificate, and has that of the session before
        let resumed = shown.is_none();
        let shown = match shown {
            Some(shown) => shown,
            None => judge(&connection)?,
        };
        if calls.version(&connection).is_none_or(|version| version < terms.oldest) {
            return Err(Error::new(Kind::Secure, "the server has chosen a version of TLS that was not offered"));
        }
        let lifetime = match earlier.filter(|_| resumed) {
            Some(earlier) => earlier.lifetime(),
            None => Lifetime::new(shown.hold),
        };
        Ok(Shaken::Done(Tls {
            calls: calls.clone(),
            connection,
            fate,
            shown,
            verified: terms.judge.verifies,
            resumed,
            session: Session::new(id, terms.context, lifetime),
        }))
    }
}

impl<C: Calls> Tls<C> {
    /// The connection below.
    pub fn tcp(&self) -> &Tcp {
        &self.calls.link(&self.connection).transport.tcp
    }

    /// The connection below, to be given another deadline.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        &mut self.calls.link_mut(&mut self.connection).transport.tcp
    }

    /// Reads what has come; 0 is the end that the peer announced.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.attempt(|calls, connection| calls.read(connection, buffer)).map_err(|failure| self.error(failure))
    }

    /// Reads what is there where the connection below does not wait; 0 as with [`Tls::read`], `None` where nothing is.
    pub fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match self.attempt(|calls, connection| calls.read(connection, buffer)) {
            Err(Failure::Connection(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // some do not announce it
            Err(_) if self.fate.state() == TransportState::Ended => Ok(Some(0)),
            read => read.map(Some).map_err(|failure| self.error(failure)),
        }
    }

    /// Writes at least one byte; `None` where there is no room and the connection below does not wait.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        if !self.flush()? {
            return Ok(None);
        }
        let written = self.attempt(|calls, connection| calls.write(connection, bytes));
        written.map(Some).map_err(|failure| self.error(failure))
    }

    /// Writes what is kept of what was written before; whether that was all.
    pub fn flush(&mut self) -> Result<bool> {
        self.calls.link_mut(&mut self.connection).flush_unsent().map_err(tcp::into_error)
    }

    /// The session, to be resumed by a later connection.
    pub fn session(&self) -> Option<Session> {
        Some(self.session.clone())
    }

    /// Tells the peer that nothing more will come, without waiting for its answer.
    pub fn close_notify(&mut self) {
        // the session is over whether the peer gets it or not
        let _ = self.calls.close(&mut self.connection);
    }

    /// Channel bindings (RFC 5056): of those that there are below TLS 1.3 Secure Transport can give but the server's
    /// certificate, `tls-server-end-point` (RFC 5929).
    pub fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let certificate = self.shown.certificate.clone().map(Certificate::from_der);
        let end_point = certificate.and_then(|certificate| certificate.end_point_binding());
        Ok(end_point.into_iter().map(|data| ("tls-server-end-point", data)).collect())
    }

    /// What is known of the connection.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            version: self.calls.version(&self.connection).map_or("unknown", Version::name),
            cipher: self.calls.suite(&self.connection).map_or("no cipher", suites::name),
            resumed: self.resumed,
            verified: self.verified,
            certificate: self.shown.certificate.as_deref(),
        }
    }

    fn attempt(
        &mut self,
        mut work: impl FnMut(&C, &mut C::Connection) -> Result<usize, Status>,
    ) -> Result<usize, Failure> {
        loop {
            let outcome = work(&self.calls, &mut self.connection);
            match (outcome, self.fate.take_error()) {
                (Ok(count), None) => return Ok(count),
                // it has read some before
                (Ok(count @ 1..), Some(_)) => return Ok(count),
                (_, Some(error)) => return Err(Failure::Connection(error)),
                // what the crate remembers of an earlier call, and forgets now
                (Err(WOULD_BLOCK), None) => {}
                (Err(status), None) => return Err(Failure::Tls(status)),
            }
        }
    }

    fn error(&self, failure: Failure) -> Error {
        error(failure, self.fate.state())
    }
}

fn prepare<C: Calls>(terms: &Terms<'_, C>, id: PeerId) -> Result<C::Setup, Status> {
    let calls = &terms.judge.store.calls;
    let mut setup = calls.setup()?;
    calls.stop_at_certificate(&mut setup)?;
    calls.set_versions(&mut setup, terms.oldest, NEWEST)?;
    let suites = suites::offered(&calls.suites(&setup)?, terms.oldest);
    calls.set_suites(&mut setup, &suites)?;
    if let Host::Name(name) = terms.judge.host {
        // SNI (RFC 6066, section 3): without the dot that ends it, and never an address
        calls.set_name(&mut setup, name.trim_end_matches('.'))?;
    }
    calls.set_peer_id(&mut setup, &id.bytes())?;
    calls.enable_tickets(&mut setup)?;
    if let Some(certificate) = terms.certificate {
        calls.set_certificate(&mut setup, &certificate.identity, &certificate.issuers)?;
    }
    Ok(setup)
}

fn handshake_error(fate: &Fate, status: Status, clear_before: bool) -> Error {
    match (fate.state(), fate.take_error()) {
        (TransportState::ClearText, _) => clear_text(clear_before),
        (state, Some(lost)) => error(Failure::Connection(lost), state).during("TLS handshake"),
        (state, None) => error(Failure::Tls(status), state).during("TLS handshake"),
    }
}

fn error(failure: Failure, state: TransportState) -> Error {
    match failure {
        Failure::Connection(error) => tcp::into_error(error),
        Failure::Tls(_) if state == TransportState::Ended => Error::closed(),
        Failure::Tls(status) => session_error(status),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::{Read, Write};
    use std::iter;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::time::Duration;

    use super::super::calls::Policy;
    use super::super::stand_in::{Next, Reading, StandIn};
    use super::super::store::Store;
    use super::*;
    use crate::net::Deadline;
    use crate::net::progress::Progress;
    use crate::net::socket::Socket;
    use crate::net::tcp::Manner;
    use crate::net::tls::certificate::tests::Sample;

    /// A connection, and its other end; a wait on it ends soon.
    fn pair() -> (Tcp, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = Socket::connect(&listener.local_addr().unwrap());
        let deadline = Deadline::after(Duration::from_millis(100));
        (Tcp::new(socket, deadline, Progress::default()), listener.accept().unwrap().0)
    }

    /// What a handshake in a test is to be.
    struct Case {
        calls: StandIn,
        host: &'static str,
        oldest: Version,
        verifies: bool,
        clear_before: bool,
    }

    impl Default for Case {
        fn default() -> Case {
            let calls = StandIn::default();
            calls.script().chain = vec![Sample::default().certificate().der().to_vec()];
            Case { calls, host: "mail.test", oldest: Version::Tls12, verifies: true, clear_before: false }
        }
    }

    impl Case {
        fn with(steps: impl IntoIterator<Item = Next>) -> Case {
            let case = Case::default();
            case.calls.script().steps = steps.into_iter().collect();
            case
        }

        fn store_and_host(&self) -> (Store<StandIn>, Host) {
            let store = Store { calls: self.calls.clone(), anchors: vec![Vec::new()], platform: false };
            (store, Host::parse(self.host.as_bytes()).unwrap())
        }

        fn terms<'a>(&self, store: &'a Store<StandIn>, host: &'a Host) -> Terms<'a, StandIn> {
            static NONE: BTreeSet<[u8; 32]> = BTreeSet::new();
            Terms {
                judge: Judge {
                    store,
                    verifies: self.verifies,
                    fingerprint: None,
                    host,
                    without_names: &NONE,
                    takes_weak: false,
                    refusal: Box::new(|_, reason| format!("{reason:?}")),
                },
                oldest: self.oldest,
                certificate: None,
                context: 7,
            }
        }

        fn handshake(&self, earlier: Option<&Session>, tcp: Tcp) -> Result<Tls<StandIn>> {
            let (store, host) = self.store_and_host();
            let terms = self.terms(&store, &host);
            match Handshake::by(terms, earlier, tcp, self.clear_before)?.go_on()? {
                Shaken::Done(tls) => Ok(tls),
                Shaken::Waits(_) => panic!("a connection that waits"),
            }
        }

        /// The error of a handshake whose other end does that after the first message.
        fn error(&self, other_end: impl FnOnce(TcpStream) -> Option<TcpStream>) -> Error {
            let (tcp, mut peer) = pair();
            std::thread::scope(|scope| {
                let handshake = scope.spawn(|| self.handshake(None, tcp).err().unwrap());
                peer.read_exact(&mut [0; 5]).unwrap();
                let _open = other_end(peer);
                handshake.join().unwrap()
            })
        }
    }

    /// A connection after its handshake, and the other end, which has read its first message.
    fn connected(reads: impl IntoIterator<Item = Reading>) -> (Tls<StandIn>, TcpStream, StandIn) {
        let (tcp, mut peer) = pair();
        let case = Case::with([Next::Receive, Next::Certificate, Next::Done]);
        peer.write_all(&[22, 3, 3, 0, 0]).unwrap();
        let tls = case.handshake(None, tcp).unwrap();
        peer.read_exact(&mut [0; 5]).unwrap();
        case.calls.script().reads = reads.into_iter().collect();
        (tls, peer, case.calls)
    }

    #[test]
    fn a_handshake_that_waits_goes_on() {
        let (mut tcp, mut peer) = pair();
        tcp.set_manner(Manner::AtOnce);
        let case = Case::with([Next::Receive, Next::Certificate, Next::Receive, Next::Done]);
        let (store, host) = case.store_and_host();
        let mut handshake = Handshake::by(case.terms(&store, &host), None, tcp, false).unwrap();
        for _ in 0..2 {
            for _ in 0..2 {
                let Shaken::Waits(waiting) = handshake.go_on().unwrap() else { panic!("nothing has come") };
                handshake = waiting;
            }
            peer.write_all(&[22, 3, 3, 0, 0]).unwrap();
            let begin = std::time::Instant::now();
            while !handshake.tcp_mut().has_unread() && begin.elapsed() < Duration::from_secs(60) {
                std::thread::yield_now();
            }
        }
        let Shaken::Done(tls) = handshake.go_on().unwrap() else { panic!("all has come") };
        assert!(tls.verified && !tls.resumed);
    }

    /// Writes until there is no room, not even a while later; how much.
    fn fill(tcp: &mut Tcp) -> usize {
        tcp.set_manner(Manner::AtOnce);
        let mut written = 0;
        loop {
            let more: usize = iter::from_fn(|| tcp.write(&[b'.'; 65536]).ok()).sum();
            if more == 0 {
                return written;
            }
            written += more;
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn a_handshake_is_over_when_all_of_it_is_sent() {
        let (mut tcp, mut peer) = pair();
        let before = fill(&mut tcp);
        let case = Case::with([Next::Certificate, Next::Done, Next::Done]);
        let (store, host) = case.store_and_host();
        let mut handshake = Handshake::by(case.terms(&store, &host), None, tcp, false).unwrap();
        for _ in 0..2 {
            let Shaken::Waits(waiting) = handshake.go_on().unwrap() else { panic!("there is no room") };
            handshake = waiting;
        }
        let mut received = vec![0; before];
        peer.read_exact(&mut received).unwrap();
        let Shaken::Done(_tls) = handshake.go_on().unwrap() else { panic!("there is room") };
        peer.read_exact(&mut received[..5]).unwrap();
        assert_eq!(&received[..5], b"hello");
    }

    #[test]
    fn what_there_was_no_room_for_is_sent_first() {
        let (mut tls, mut peer, _calls) = connected([]);
        let before = fill(tls.tcp_mut());
        assert!(tls.flush().unwrap());
        assert_eq!(tls.write(b"QUIT").unwrap(), Some(4));
        assert!(!tls.flush().unwrap());
        assert_eq!(tls.write(b"NOOP").unwrap(), None);
        let mut received = vec![0; before];
        peer.read_exact(&mut received).unwrap();
        assert_eq!(tls.write(b"STAT").unwrap(), Some(4));
        assert!(tls.flush().unwrap());
        peer.read_exact(&mut received[..8]).unwrap();
        assert_eq!(&received[..8], b"QUITSTAT");
    }

    #[test]
    fn the_order_of_a_handshake() {
        let (tcp, _peer) = pair();
        let case = Case::default();
        let tls = case.handshake(None, tcp).unwrap();
        let mut log = case.calls.log();
        let id = log.iter().position(|line| line.starts_with("peer id")).unwrap();
        assert_eq!(log.remove(id), format!("peer id {:x?}", tls.session.kept().bytes()));
        assert_eq!(
            log,
            [
                "setup",
                "stop at certificate",
                "versions Tls12 Tls12",
                "enabled suites",
                // without RC4, and without 3DES
                "suites [c030]",
                "name mail.test",
                "tickets",
                "begin",
                "trust",
                "forbid network",
                "policy Basic",
                "anchors 1",
                "evaluate",
                "chain",
                "go on",
            ]
        );
    }

    #[test]
    fn what_depends_on_the_options() {
        for (host, sni) in
            [("mail.test.", Some("name mail.test")), ("127.0.0.1", None), ("::1", None), ("fe80::1%1", None)]
        {
            let (tcp, _peer) = pair();
            let case = Case { host, verifies: false, oldest: Version::Tls11, ..Case::default() };
            let tls = case.handshake(None, tcp).unwrap();
            assert!(!tls.facts().verified && tls.facts().certificate.is_some());
            let log = case.calls.log();
            assert_eq!(log.iter().find(|line| line.starts_with("name")).map(String::as_str), sni, "{host}");
            assert!(log.contains(&"versions Tls11 Tls12".to_owned()));
            assert!(log.contains(&"suites [c030, a]".to_owned()));
            assert!(!log.contains(&"evaluate".to_owned()));
        }
    }

    #[test]
    fn a_client_certificate_is_at_hand_before_the_handshake() {
        let folder = std::env::temp_dir().join(format!("pop3connect-terms.{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("p12");
        std::fs::write(&path, "file").unwrap();
        let case = Case::default();
        case.calls.script().pkcs12 = vec![(Some(vec![1]), vec![vec![1], vec![2]])];
        let identity = crate::net::tls::Identity::Pkcs12 { path, password: zeroize::Zeroizing::new(String::new()) };
        let certificate = ClientCertificate::load_by(&case.calls, &identity).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        let store = Store { calls: case.calls.clone(), anchors: Vec::new(), platform: true };
        let terms = Terms {
            judge: Judge {
                store: &store,
                verifies: true,
                fingerprint: None,
                host: &Host::parse(b"mail.test").unwrap(),
                without_names: &BTreeSet::new(),
                takes_weak: false,
                refusal: Box::new(|_, reason| format!("{reason:?}")),
            },
            oldest: Version::Tls12,
            certificate: Some(&certificate),
            context: 7,
        };
        let (tcp, _peer) = pair();
        Handshake::by(terms, None, tcp, false).unwrap().go_on().unwrap();
        let log = case.calls.log();
        let at = |wanted: &str| log.iter().position(|line| line == wanted).unwrap();
        assert!(at("client certificate [1] [[2]]") < at("begin"));
    }

    #[test]
    fn a_call_that_fails_before_the_handshake() {
        for name in
            ["setup", "stop at certificate", "versions", "enabled suites", "suites", "name", "peer id", "tickets"]
        {
            let (tcp, _peer) = pair();
            let case = Case::default();
            case.calls.script().failing.push((name, -9810));
            let error = case.handshake(None, tcp).err().unwrap();
            assert_eq!(error.kind(), Kind::Secure);
            assert!(error.to_string().starts_with("TLS cannot be set up: an internal error"), "{error}");
            assert!(!case.calls.log().contains(&"begin".to_owned()), "{name}");
        }
    }

    #[test]
    fn a_refused_server_is_not_spoken_to_any_more() {
        let (tcp, mut peer) = pair();
        let case = Case::default();
        case.calls.script().refused = vec![(Policy::Basic, -67818)];
        let error = case.handshake(None, tcp).err().unwrap();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Secure, "Expired"));
        assert!(!case.calls.log().contains(&"go on".to_owned()));
        let mut all = Vec::new();
        peer.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"hello", "closed");
    }

    #[test]
    fn what_a_handshake_fails_by() {
        let fails = |number| Case::with([Next::Fail(number)]).error(Some);
        let error = fails(-9824);
        assert_eq!(error.kind(), Kind::Secure);
        assert_eq!(error.to_string(), "TLS handshake: the server's alert: handshake failure (OSStatus -9824)");
        assert_eq!(fails(-108).kind(), Kind::OutOfMemory);
        // after its certificate
        let error = Case::with([Next::Certificate, Next::Fail(-9831)]).error(Some);
        assert!(error.to_string().contains("unknown CA"), "{error}");
    }

    #[test]
    fn what_the_connection_below_fails_by_is_told_as_it_is() {
        let receives = || Case::with([Next::Receive, Next::Done]);
        let silent = receives().error(Some);
        assert_eq!(silent.kind(), Kind::Timeout);
        let closed = receives().error(|peer| {
            drop(peer);
            None
        });
        assert_eq!(closed.kind(), Kind::ConnectionLost);
        assert_eq!(closed.to_string(), "TLS handshake: the server closed the connection");
        for (clear_before, kind) in [(false, Kind::Secure), (true, Kind::BadFormat)] {
            let case = Case { clear_before, ..receives() };
            let error = case.error(|mut peer| {
                peer.write_all(b"-ERR no\r\n").unwrap();
                Some(peer)
            });
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains("clear text"), "{error}");
        }
        // what looks like TLS is Secure Transport's to judge
        let case = Case::with([Next::Receive, Next::Fail(-9836)]);
        let error = case.error(|mut peer| {
            peer.write_all(&[21, 3, 1, 0, 2, 2, 70]).unwrap();
            Some(peer)
        });
        assert!(error.to_string().contains("protocol version"), "{error}");
        let (tcp, _peer) = pair();
        tcp.canceller().cancel();
        assert_eq!(receives().handshake(None, tcp).err().unwrap().kind(), Kind::Cancelled);
    }

    #[test]
    fn an_older_version_than_was_asked_for_is_refused() {
        for (version, oldest, will_do) in [
            (Some(Version::Tls12), Version::Tls12, true),
            (Some(Version::Tls11), Version::Tls12, false),
            (Some(Version::Tls10), Version::Tls10, true),
            (None, Version::Tls10, false),
        ] {
            let (tcp, _peer) = pair();
            let case = Case { oldest, ..Case::default() };
            case.calls.script().version = version;
            assert_eq!(case.handshake(None, tcp).is_ok(), will_do, "{version:?} {oldest:?}");
        }
    }

    /// The id by which the session of the last handshake is kept.
    fn id_in(calls: &StandIn) -> String {
        calls.log().into_iter().rfind(|line| line.starts_with("peer id")).unwrap()
    }

    #[test]
    fn a_session_is_resumed_by_its_id_and_the_server_is_judged_again() {
        let case = Case::default();
        let first = case.handshake(None, pair().0).unwrap();
        assert!(!first.facts().resumed);
        let (id, session) = (id_in(&case.calls), first.session().unwrap());
        // the server goes on with it: no certificate comes
        case.calls.script().steps = [Next::Done].into();
        case.calls.script().log.clear();
        let second = case.handshake(Some(&session), pair().0).unwrap();
        assert!(second.facts().resumed && second.facts().verified);
        assert_eq!(id_in(&case.calls), id);
        assert!(case.calls.log().contains(&"evaluate".to_owned()));
        assert!(second.session().unwrap().kept() == session.kept());
        // whom nobody believes any more is not believed in a resumed session either
        case.calls.script().steps = [Next::Done].into();
        case.calls.script().refused = vec![(Policy::Basic, -67820)];
        assert!(case.handshake(Some(&session), pair().0).err().unwrap().to_string().contains("revoked"));
        // nor one that shows nothing
        case.calls.script().steps = [Next::Done].into();
        case.calls.script().chain.clear();
        let error = case.handshake(Some(&session), pair().0).err().unwrap();
        assert_eq!(error.to_string(), "the server showed no certificate");
    }

    #[test]
    fn a_connection_that_resumes_nothing_has_an_id_of_its_own() {
        let case = Case::default();
        let session = case.handshake(None, pair().0).unwrap().session().unwrap();
        let first = id_in(&case.calls);
        let over = Session::new(*session.kept(), 7, Lifetime::new(Some(Duration::ZERO)));
        let elsewhere = Session::new(*session.kept(), 8, Lifetime::new(None));
        for earlier in [None, Some(&over), Some(&elsewhere)] {
            case.calls.script().steps = [Next::Certificate, Next::Done].into();
            case.handshake(earlier, pair().0).unwrap();
            assert_ne!(id_in(&case.calls), first);
        }
    }

    #[test]
    fn resuming_does_not_begin_the_lifetime_anew() {
        let case = Case::default();
        let soon = Session::new(PeerId::new(), 7, Lifetime::new(Some(Duration::from_secs(600))));
        let handshake = |steps: Vec<Next>| {
            case.calls.script().steps = steps.into();
            case.handshake(Some(&soon), pair().0).unwrap().session().unwrap().lifetime()
        };
        let resumed = handshake(vec![Next::Done]);
        assert_eq!(format!("{resumed:?}"), format!("{:?}", soon.lifetime()));
        // a whole handshake does
        let whole = handshake(vec![Next::Certificate, Next::Done]);
        assert_ne!(format!("{whole:?}"), format!("{:?}", soon.lifetime()));
    }

    #[test]
    fn what_is_known_of_a_connection() {
        let (mut tls, mut peer, calls) = connected([]);
        let facts = tls.facts();
        assert_eq!((facts.version, facts.cipher), ("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"));
        assert!(facts.verified && !facts.resumed);
        let certificate = Sample::default().certificate();
        assert_eq!(facts.certificate.unwrap(), certificate.der());
        let binding = certificate.end_point_binding().unwrap();
        assert_eq!(tls.channel_bindings().unwrap(), [("tls-server-end-point", binding)]);
        for (version, name) in [(Version::Tls10, "TLSv1"), (Version::Tls11, "TLSv1.1")] {
            calls.script().version = Some(version);
            assert_eq!(tls.facts().version, name);
        }
        assert_eq!(tls.write(b"QUIT").unwrap(), Some(4));
        let mut received = [0; 4];
        peer.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"QUIT");
        tls.close_notify();
        assert_eq!(calls.log().last().unwrap(), "close");
        tls.tcp().canceller().cancel();
        assert!(tls.tcp_mut().is_cancelled());
        assert_eq!(tls.write(b"x").err().unwrap().kind(), Kind::Cancelled);
    }

    #[test]
    fn what_a_read_becomes() {
        let mut buffer = [0; 16];
        let (mut tls, _peer, _calls) =
            connected([Reading::Data(b"+OK"), Reading::End, Reading::Fail(-9846), Reading::Fail(-9805)]);
        assert_eq!(tls.read(&mut buffer).unwrap(), 3);
        assert_eq!(&buffer[..3], b"+OK");
        assert_eq!(tls.read(&mut buffer).unwrap(), 0);
        let error = tls.read(&mut buffer).err().unwrap();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Secure, "bad record MAC (OSStatus -9846)"));
        assert_eq!(tls.read(&mut buffer).err().unwrap().kind(), Kind::Secure);
    }

    #[test]
    fn what_the_connection_below_a_read_becomes() {
        let mut buffer = [0; 16];
        // silence
        let (mut tls, _peer, _calls) = connected([Reading::Below]);
        assert_eq!(tls.read(&mut buffer).err().unwrap().kind(), Kind::Timeout);
        // a cancel
        let (mut tls, _peer, _calls) = connected([Reading::Below]);
        tls.tcp().canceller().cancel();
        assert_eq!(tls.read(&mut buffer).err().unwrap().kind(), Kind::Cancelled);
        // an end that nobody announced
        let (mut tls, peer, _calls) = connected([Reading::Below, Reading::Fail(-9816)]);
        drop(peer);
        assert_eq!(tls.read(&mut buffer).unwrap(), 0);
        assert_eq!(tls.read(&mut buffer).err().unwrap().kind(), Kind::ConnectionLost);
    }

    #[test]
    fn a_connection_that_was_reset_is_no_announced_end() {
        let (mut tls, peer, _calls) = connected([Reading::Below]);
        // what nobody has read makes a reset of the end
        tls.write(b"QUIT").unwrap();
        drop(peer);
        let error = tls.read(&mut [0; 16]).err().unwrap();
        assert_eq!(error.kind(), Kind::ConnectionLost);
        // nor where Secure Transport takes it for one
        let (mut tls, _peer, _calls) = connected([Reading::BelowWithRest(b"")]);
        assert_eq!(tls.read(&mut [0; 16]).err().unwrap().kind(), Kind::Timeout);
    }

    #[test]
    fn an_error_of_before_is_not_told_again() {
        let mut buffer = [0; 16];
        // read on the way to data that was there, so it is no error yet
        let (mut tls, peer, _calls) =
            connected([Reading::BelowWithRest(b"+OK"), Reading::Stale, Reading::Data(b"more")]);
        assert_eq!(tls.read(&mut buffer).unwrap(), 3);
        assert_eq!(tls.read(&mut buffer).unwrap(), 4);
        drop(peer);
    }

    #[test]
    fn reading_what_is_there() {
        let mut buffer = [0; 16];
        let (mut tls, mut peer, calls) = connected([Reading::Below, Reading::Below, Reading::Below]);
        tls.tcp_mut().set_manner(Manner::AtOnce);
        assert_eq!(tls.read_at_once(&mut buffer).unwrap(), None);
        peer.write_all(b"+OK").unwrap();
        tls.tcp_mut().set_manner(Manner::Waits);
        assert_eq!(tls.read_at_once(&mut buffer).unwrap(), Some(3));
        calls.script().reads = [Reading::Below, Reading::Fail(-9816), Reading::End, Reading::Fail(-9846)].into();
        tls.tcp_mut().set_manner(Manner::AtOnce);
        assert_eq!(tls.read_at_once(&mut buffer).unwrap(), None);
        assert_eq!(tls.read_at_once(&mut buffer).err().unwrap().kind(), Kind::Secure);
        assert_eq!(tls.read_at_once(&mut buffer).unwrap(), Some(0));
        assert_eq!(tls.read_at_once(&mut buffer).err().unwrap().kind(), Kind::Secure);
        // the end, which some do not announce
        calls.script().reads = [Reading::Below, Reading::Fail(-9816)].into();
        tls.tcp_mut().set_manner(Manner::Waits);
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(tls.read_at_once(&mut buffer).unwrap(), Some(0));
        assert_eq!(tls.read_at_once(&mut buffer).unwrap(), Some(0));
    }
}

//! A server in memory: it sends what a script has, and receives what the script expects. No socket, no thread, no time: a
//! wait for what the script does not have is over at once.
//!
//! For the unit tests of sessions and for fuzzing.

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::crypto::{Bytes, Derivation};
use crate::error::{Error, Kind, Result};
use crate::options::Secure;
use crate::session::trace::Trace;
use crate::session::transport::{Connector, KeptSession, TlsSession, Transport};
use crate::text::Secrets;

/// What happens on a connection, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The server sends that.
    Sends(Vec<u8>),
    /// The server sends that again and again, until it has sent so many bytes.
    Repeats(Vec<u8>, usize),
    /// The client sends just that, or the script fails.
    Expects(Vec<u8>),
    /// The client sends something, or waits in vain.
    ExpectsAnything,
    /// STLS has been agreed upon: the handshake.
    StartTls,
    /// The handshake fails.
    FailTls,
    /// Bytes come again and again of which none is anything yet, as the beginning of a TLS record.
    Trickles,
    /// The server says nothing any more. Without this it closes the connection at the end.
    FallsSilent,
}

/// What went on.
#[derive(Debug, Default)]
pub struct Log {
    /// What the client said on each connection.
    pub received: Vec<Vec<u8>>,
    /// What of that it said while it had not read all that was there.
    pub ahead: Vec<u8>,
    /// Whether it offered an earlier TLS session in each handshake.
    pub resumed: Vec<bool>,
    /// What the script expected instead of what was sent.
    pub mismatch: Option<String>,
    /// For how long it was waited before a connection was made once more.
    pub pauses: Vec<Duration>,
    /// How far a message had come whenever that was said.
    pub progress: Vec<(u64, Option<u64>)>,
}

/// Servers in memory, one for each connection in turn.
pub struct Script {
    connections: VecDeque<Vec<Step>>,
    secure: Secure,
    /// How much a read gives at the most.
    pub split: usize,
    /// After how many bytes of each connection the server closes.
    pub cut: Option<usize>,
    /// What went on.
    pub log: Rc<RefCell<Log>>,
}

/// A connection to one of them.
pub struct Connection {
    steps: VecDeque<Step>,
    /// What has been said and not read.
    readable: VecDeque<u8>,
    /// What has been received and is not of a step yet.
    received: Vec<u8>,
    is_encrypted: bool,
    split: usize,
    cut: Option<usize>,
    /// For as long as a wait may last.
    timeout: Duration,
    /// How often something came that was nothing.
    trickles: usize,
    /// How long was waited in vain.
    waited: Duration,
    log: Rc<RefCell<Log>>,
}

impl Script {
    /// Servers with these steps.
    pub fn new(connections: Vec<Vec<Step>>, secure: Secure) -> Script {
        Script { connections: connections.into(), secure, split: usize::MAX, cut: None, log: Rc::default() }
    }

    /// One connection, in lines: `S: ` what the server says, `C: ` what it receives, each without its CRLF; `TLS` a
    /// handshake, `FAIL` one that fails, `SILENCE` a server that says nothing any more, `TRICKLE` one
    /// of which something comes that is nothing.
    pub fn parse(transcript: &str) -> Vec<Step> {
        let line = |text: &str| [text.as_bytes(), b"\r\n"].concat();
        let step = |text: &str| match text.trim_start() {
            "TLS" => Step::StartTls,
            "FAIL" => Step::FailTls,
            "SILENCE" => Step::FallsSilent,
            "TRICKLE" => Step::Trickles,
            text => match text.split_at(3) {
                ("S: ", said) => Step::Sends(line(said)),
                ("C: ", received) => Step::Expects(line(received)),
                _ => panic!("no step of a script: {text}"),
            },
        };
        transcript.lines().filter(|text| !text.trim().is_empty()).map(step).collect()
    }
}

impl Connector for Script {
    type Transport = Connection;

    async fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    fn identity(&self) -> Result<String> {
        Ok("script".into())
    }

    fn add_secrets(&self, _secrets: &mut Secrets) -> Result<()> {
        Ok(())
    }

    async fn connect(&mut self, earlier: Option<&TlsSession>, _trace: &mut Trace<'_>) -> Result<Connection> {
        let steps = self.connections.pop_front().ok_or_else(|| Error::new(Kind::Connect, "cannot connect"))?;
        self.log.borrow_mut().received.push(Vec::new());
        let mut connection = Connection {
            steps: steps.into(),
            readable: VecDeque::new(),
            received: Vec::new(),
            is_encrypted: false,
            split: self.split,
            cut: self.cut,
            timeout: Duration::ZERO,
            trickles: 0,
            waited: Duration::ZERO,
            log: Rc::clone(&self.log),
        };
        if self.secure == Secure::Tls {
            connection.shake_hands(earlier)?;
        }
        Ok(connection)
    }

    async fn start_tls(
        &mut self,
        mut transport: Connection,
        earlier: Option<&TlsSession>,
        _trace: &mut Trace<'_>,
    ) -> Result<Connection> {
        transport.advance();
        if !transport.readable.is_empty() {
            return Err(Error::new(Kind::BadFormat, "clear text followed the answer to STLS"));
        }
        transport.shake_hands(earlier)?;
        Ok(transport)
    }

    fn is_over(&self) -> bool {
        false
    }

    async fn pause(&mut self, time: Duration) -> Result<()> {
        self.log.borrow_mut().pauses.push(time);
        Ok(())
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl Connection {
    /// Goes through the steps as far as they can be gone without the client.
    fn advance(&mut self) {
        loop {
            match self.steps.front_mut() {
                Some(Step::Sends(_)) => {
                    if let Some(Step::Sends(said)) = self.steps.pop_front() {
                        self.say(said);
                    }
                }
                Some(Step::Repeats(pattern, left)) if self.readable.is_empty() => {
                    let many = pattern.repeat((64 * 1024 / pattern.len().max(1)).max(1));
                    match left.checked_sub(many.len()) {
                        Some(less) if !many.is_empty() => *left = less,
                        _ => drop(self.steps.pop_front()),
                    }
                    self.say(many);
                }
                Some(Step::Expects(expected)) => {
                    let common = expected.iter().zip(&self.received).take_while(|(a, b)| a == b).count();
                    if common == expected.len() {
                        self.received.drain(..common);
                        self.steps.pop_front();
                    } else {
                        if common < self.received.len() {
                            let (expected, received) = (expected.escape_ascii(), self.received.escape_ascii());
                            self.log.borrow_mut().mismatch = Some(format!("received {received}, not {expected}"));
                        }
                        return;
                    }
                }
                Some(Step::ExpectsAnything) if !self.received.is_empty() => {
                    self.received.clear();
                    self.steps.pop_front();
                }
                _ => return,
            }
        }
    }

    fn say(&mut self, mut said: Vec<u8>) {
        if let Some(left) = &mut self.cut {
            said.truncate(*left);
            *left -= said.len();
            if *left == 0 {
                self.steps.clear();
            }
        }
        self.readable.extend(said);
    }

    fn shake_hands(&mut self, earlier: Option<&TlsSession>) -> Result<()> {
        self.log.borrow_mut().resumed.push(earlier.is_some());
        match self.steps.pop_front() {
            Some(Step::StartTls) => self.is_encrypted = true,
            Some(Step::FailTls) => return Err(Error::new(Kind::Secure, "TLS handshake")),
            None => return Err(Error::closed().during("TLS handshake")),
            Some(_) => return Err(Error::new(Kind::Secure, "the server answered in clear text")),
        }
        Ok(())
    }

    /// Whether nothing more will come, since the server has closed the connection.
    fn is_closed(&self) -> bool {
        self.steps.is_empty()
    }
}

impl Transport for Connection {
    fn begin_call(&mut self, _limit: Option<Duration>) -> Result<()> {
        Ok(())
    }

    fn now(&self) -> Instant {
        Instant::now() + self.waited
    }

    fn begin_wait(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    fn in_host<R>(&mut self, work: impl FnOnce() -> R) -> R {
        work()
    }

    fn check(&mut self) -> Result<()> {
        Ok(())
    }

    async fn derive(&mut self, derivation: Derivation) -> Result<Bytes> {
        derivation.run(&mut || self.check())
    }

    fn is_cancelled(&self) -> bool {
        false
    }

    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.read_at_once(buffer)? {
                Some(0) => return Err(Error::closed()),
                Some(count) => return Ok(count),
                None if self.steps.front() == Some(&Step::ExpectsAnything) => drop(self.steps.pop_front()),
                None => {
                    self.waited += self.timeout;
                    return Err(Error::new(Kind::Timeout, "no answer within the timeout"));
                }
            }
        }
    }

    fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.advance();
        if self.readable.is_empty() {
            return Ok(self.is_closed().then_some(0));
        }
        let count = self.readable.len().min(self.split).min(buffer.len());
        buffer.iter_mut().zip(self.readable.drain(..count)).for_each(|(to, from)| *to = from);
        Ok(Some(count))
    }

    async fn wait_readable(&mut self, time: Duration) -> Result<bool> {
        self.advance();
        if self.steps.front() == Some(&Step::Trickles) && !time.is_zero() {
            self.waited += time / 2;
            self.trickles += 1;
            assert!(self.trickles < 1000, "a wait that does not end");
            return Ok(true);
        }
        let is_readable = !self.readable.is_empty() || self.is_closed();
        if !is_readable {
            self.waited += time;
        }
        Ok(is_readable)
    }

    async fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.advance();
        if self.is_closed() && self.readable.is_empty() {
            return Err(Error::new(Kind::ConnectionLost, "the connection was lost"));
        }
        let mut log = self.log.borrow_mut();
        if let Some(received) = log.received.last_mut() {
            received.extend_from_slice(bytes);
        }
        if !self.readable.is_empty() {
            log.ahead.extend_from_slice(bytes);
        }
        drop(log);
        self.received.extend_from_slice(bytes);
        self.advance();
        Ok(())
    }

    async fn close(self) {}

    fn set_progress(&mut self, done: u64, total: Option<u64>) {
        self.log.borrow_mut().progress.push((done, total));
    }

    fn report_progress(&mut self) -> Result<()> {
        Ok(())
    }

    fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        Ok(if self.is_encrypted { vec![("tls-exporter", vec![7; 32])] } else { Vec::new() })
    }

    fn tls_session(&self) -> Option<TlsSession> {
        self.is_encrypted.then(|| Arc::new(Remembered) as TlsSession)
    }
}

/// A TLS session in memory.
struct Remembered;

impl KeptSession for Remembered {
    fn size(&self) -> usize {
        1
    }

    fn memory(&self) -> usize {
        1
    }

    fn smaller(&self) -> Option<TlsSession> {
        None
    }

    fn has_smaller(&self) -> bool {
        false
    }

    fn is_over(&self) -> bool {
        false
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

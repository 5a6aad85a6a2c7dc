//! What is remembered of servers for the process's life, so that connecting again costs less: what they can do, and
//! the TLS session.
//!
//! It is remembered by all that decides who is spoken to and who is trusted, [`Key`], so that nothing learnt from one
//! is ever believed of another. The lock is for looking up and for storing alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::crypto::Hash;
use crate::error::Result;
use crate::net::address::Host;
use crate::net::tls;
use crate::options::{Options, Secure};
use crate::proto::listing::Capabilities;

/// For how long a server's capabilities are believed: a server that has learnt something better is asked some day.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many servers are remembered: by some three kilobytes each as a rule.
const MOST_SERVERS: usize = 4096;

/// A longer list is not remembered. Real ones have a few hundred octets.
const LONGEST_LIST: usize = 4 * 1024;

/// How many users of a server in the clear are remembered for whom it broke at CAPA.
const MOST_USERS: usize = 1024;

/// How many bytes all TLS sessions may take: as a rule each takes two kilobytes, with the server's certificate and a
/// ticket, and some ten where it has been resumed.
const ALL_SESSIONS: usize = 8 * 1024 * 1024;

/// A session with more bytes in DER is not remembered: its server has a certificate that is no ordinary one.
const LARGEST_SESSION: usize = 16 * 1024;

type Bytes32 = [u8; 32];

static MEMORY: Mutex<BTreeMap<Key, Entry>> = Mutex::new(BTreeMap::new());

/// Who is spoken to, by which way, and all that decides whether they are trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    host: String,
    port: u16,
    /// Another proxy may know another server by the same name.
    proxy: Option<String>,
    secure: Secure,
    tls: Option<tls::Key>,
}

impl Key {
    /// Of a connection by these options.
    pub fn new(options: &Options, setup: Option<&tls::TlsConnector>) -> Result<Key> {
        Ok(Key {
            host: name(&options.server.host),
            port: options.server.port,
            proxy: options.route.proxy.as_ref().map(ToString::to_string),
            secure: options.secure,
            tls: setup.map(tls::TlsConnector::key).transpose()?,
        })
    }
}

/// What a server can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Before the log-in, on the connection that it happens on; `None` where the server has no CAPA.
    pub before: Option<Capabilities>,
    /// After it, where it was asked then.
    pub after: Option<Capabilities>,
}

/// What is remembered of a server.
#[derive(Clone, Default)]
pub struct Known {
    /// What it can do.
    pub lists: Option<Lists>,
    /// The TLS session.
    pub session: Option<tls::Session>,
    /// That it breaks when it is asked what it can do.
    pub breaks_at_capa: bool,
}

struct Entry {
    known: Known,
    /// In the clear, the users for whom it broke at CAPA: somebody on the way can have brought that about, and has their
    /// passwords then, but is to get nobody else's by it.
    broke_for: BTreeSet<Bytes32>,
    /// When the lists were learnt.
    learnt: Instant,
    used: Instant,
    /// Whether the server bears that a session is offered to it.
    resumes: bool,
    /// When commands that went ahead of their answers have failed last.
    failed_ahead: Option<Instant>,
}

/// What is known of that server, for that user.
pub fn recall(key: &Key, user: &[u8]) -> Known {
    recall_at(key, user, Instant::now())
}

fn recall_at(key: &Key, user: &[u8], now: Instant) -> Known {
    let mut memory = lock();
    let Some(entry) = memory.get_mut(key) else { return Known::default() };
    entry.used = now;
    if now.duration_since(entry.learnt) > LIFETIME {
        entry.known.lists = None;
        entry.known.breaks_at_capa = false;
        entry.broke_for.clear();
    }
    entry.known.session = entry.known.session.take().filter(|session| !session.is_over());
    let broke = entry.known.breaks_at_capa || (!entry.broke_for.is_empty() && entry.broke_for.contains(&digest(user)));
    Known { breaks_at_capa: broke, ..entry.known.clone() }
}

/// After a log-in: what the server can do, if that was asked, and the session.
pub fn learn(key: &Key, lists: Option<Lists>, session: Option<tls::Session>) {
    let mut memory = lock();
    let entry = entry(&mut memory, key);
    if let Some(lists) = lists {
        let lists = Some(lists).filter(Lists::is_short);
        if entry.known.lists != lists {
            // what was only used is no younger for it
            entry.learnt = Instant::now();
            entry.known.lists = lists;
        }
    }
    entry.used = Instant::now();
    entry.known.session = session.filter(|session| entry.resumes && session.size() <= LARGEST_SESSION);
    make_room_for_sessions(&mut memory);
}

/// Has the sessions that were not used for longest take less memory, or else forgets them, until all take no more than
/// they may.
fn make_room_for_sessions(memory: &mut BTreeMap<Key, Entry>) {
    let taken = |entry: &Entry| entry.known.session.as_ref().map_or(0, tls::Session::memory);
    let mut all: usize = memory.values().map(taken).sum();
    while all > ALL_SESSIONS {
        let has_smaller = |entry: &Entry| entry.known.session.as_ref().is_some_and(tls::Session::has_smaller);
        let with_session = memory.values_mut().filter(|entry| entry.known.session.is_some());
        let Some(oldest) = with_session.min_by_key(|entry| (!has_smaller(entry), entry.used)) else { return };
        all -= taken(oldest);
        oldest.known.session = oldest.known.session.take().and_then(|session| session.smaller());
        all += taken(oldest);
    }
}

/// After a log-in: that the server broke when it was asked what it can do.
pub fn learn_break_at_capa(key: &Key, user: &[u8]) {
    let mut memory = lock();
    let entry = entry(&mut memory, key);
    entry.learnt = Instant::now();
    entry.known.lists = None;
    if key.secure != Secure::No {
        entry.known.breaks_at_capa = true;
        return;
    }
    if entry.broke_for.len() == MOST_USERS {
        entry.broke_for.clear();
    }
    entry.broke_for.insert(digest(user));
}

/// That what is known of the server may be wrong.
pub fn doubt(key: &Key) {
    if let Some(entry) = lock().get_mut(key) {
        entry.known = Known::default();
        entry.broke_for.clear();
    }
}

/// That the server does not bear that a session is offered to it.
pub fn never_resume(key: &Key) {
    let mut memory = lock();
    let entry = entry(&mut memory, key);
    entry.resumes = false;
    entry.known.session = None;
}

/// That commands which went ahead of their answers have failed, whatever the server says that it can do.
pub fn never_ahead(key: &Key) {
    let mut memory = lock();
    entry(&mut memory, key).failed_ahead = Some(Instant::now());
}

/// Whether nothing is known against commands that go ahead of their answers.
pub fn goes_ahead(key: &Key) -> bool {
    let memory = lock();
    let failed = memory.get(key).and_then(|entry| entry.failed_ahead);
    failed.is_none_or(|failed| failed.elapsed() > LIFETIME)
}

/// What the server can do after the log-in.
pub fn learn_after(key: &Key, after: &Capabilities) {
    if let Some(lists) = lock().get_mut(key).and_then(|entry| entry.known.lists.as_mut()) {
        lists.after = Some(after.clone()).filter(|after| after.as_bytes().len() <= LONGEST_LIST);
    }
}

/// Forgets a server, on that port or on all.
pub fn forget(host: &Host, port: Option<u16>) {
    let host = name(host);
    lock().retain(|key, _| key.host != host || port.is_some_and(|port| key.port != port));
}

/// Forgets all.
pub fn forget_all() {
    lock().clear();
}

fn lock() -> MutexGuard<'static, BTreeMap<Key, Entry>> {
    MEMORY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names are the same in any letter case.
fn name(host: &Host) -> String {
    host.to_string().to_ascii_lowercase()
}

/// The entry of a server. For a new one whoever was not used for longest is forgotten.
fn entry<'a>(memory: &'a mut BTreeMap<Key, Entry>, key: &Key) -> &'a mut Entry {
    if memory.len() >= MOST_SERVERS && !memory.contains_key(key) {
        let oldest = memory.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
        oldest.and_then(|oldest| memory.remove(&oldest));
    }
    let now = Instant::now();
    let new = || Entry {
        known: Known::default(),
        broke_for: BTreeSet::new(),
        learnt: now,
        used: now,
        resumes: true,
        failed_ahead: None,
    };
    memory.entry(key.clone()).or_insert_with(new)
}

/// What stands for a user's name, however long that is.
fn digest(user: &[u8]) -> Bytes32 {
    let mut digest = Bytes32::default();
    digest.iter_mut().zip(&*Hash::Sha256.digest(&[user])).for_each(|(to, from)| *to = *from);
    digest
}

impl Lists {
    fn is_short(&self) -> bool {
        [&self.before, &self.after].into_iter().flatten().all(|list| list.as_bytes().len() <= LONGEST_LIST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(host: &str, port: u16) -> Key {
        let host = name(&Host::parse(host.as_bytes()).unwrap());
        Key { host, port, proxy: None, secure: Secure::No, tls: None }
    }

    fn lists(line: &[u8]) -> Lists {
        let mut capabilities = Capabilities::default();
        capabilities.push(line).unwrap();
        Lists { before: Some(capabilities), after: None }
    }

    // one test, since the memory is the process's and the last steps forget all
    #[test]
    fn learnt_doubted_and_forgotten() {
        expiry();
        breaks_at_capa();
        lists_of_servers();
    }

    fn expiry() {
        let (clear, tls) = (key("old.test", 1), Key { secure: Secure::Tls, ..key("old.test", 2) });
        for key in [&clear, &tls] {
            let (last, over) = (Instant::now() + LIFETIME - Duration::from_secs(9), Instant::now() + LIFETIME);
            let over = over + Duration::from_secs(1);
            learn(key, Some(lists(b"TOP")), None);
            assert!(recall_at(key, b"alice", last).lists.is_some());
            assert!(recall_at(key, b"alice", over).lists.is_none());
            // and stays so
            assert!(recall(key, b"alice").lists.is_none());
            // what it once could do it does not say any more
            learn(key, Some(lists(b"TOP")), None);
            learn_break_at_capa(key, b"alice");
            let known = recall_at(key, b"alice", last);
            assert!(known.breaks_at_capa && known.lists.is_none());
            assert!(!recall_at(key, b"alice", over).breaks_at_capa && !recall(key, b"alice").breaks_at_capa);
        }
    }

    fn breaks_at_capa() {
        let (clear, tls) = (key("breaks.test", 1), Key { secure: Secure::StartTls, ..key("breaks.test", 1) });
        for key in [&clear, &tls] {
            learn_break_at_capa(key, b"alice");
            assert!(recall(key, b"alice").breaks_at_capa);
        }
        // what somebody on the way can bring about is not told of another user
        assert!(recall(&tls, b"bob").breaks_at_capa && !recall(&clear, b"bob").breaks_at_capa);
        for user in 0..=MOST_USERS {
            learn_break_at_capa(&clear, &user.to_le_bytes());
        }
        assert!(lock()[&clear].broke_for.len() <= MOST_USERS);
        assert!(recall(&clear, &MOST_USERS.to_le_bytes()).breaks_at_capa);
        for key in [&clear, &tls] {
            doubt(key);
            assert!(!recall(key, b"alice").breaks_at_capa && !recall(key, &1_usize.to_le_bytes()).breaks_at_capa);
        }
    }

    fn lists_of_servers() {
        let (a, b, other) = (key("memory.test", 1), key("MEMORY.test", 2), key("other.test", 1));
        for key in [&a, &b, &other] {
            learn(key, Some(lists(b"TOP")), None);
            assert_eq!(recall(key, b"").lists, Some(lists(b"TOP")));
        }
        learn_after(&a, lists(b"UIDL").before.as_ref().unwrap());
        assert_eq!(recall(&a, b"").lists, Some(Lists { after: lists(b"UIDL").before, ..lists(b"TOP") }));
        doubt(&a);
        assert_eq!(recall(&a, b"").lists, None);
        never_ahead(&a);
        doubt(&a);
        learn(&a, Some(lists(b"TOP")), None);
        assert!(!goes_ahead(&a) && goes_ahead(&b), "it outlives what is doubted");
        learn(&a, Some(lists(&[b'x'; LONGEST_LIST])), None);
        assert_eq!(recall(&a, b"").lists, None, "too long");
        let host = Host::parse(b"Memory.Test").unwrap();
        forget(&host, Some(1));
        assert!(goes_ahead(&a));
        assert!(recall(&b, b"").lists.is_some());
        forget(&host, None);
        assert!(recall(&b, b"").lists.is_none() && recall(&other, b"").lists.is_some());
        for port in 0..=MOST_SERVERS as u16 {
            learn(&key("many.test", port), Some(lists(b"TOP")), None);
        }
        assert!(lock().len() <= MOST_SERVERS);
        assert!(recall(&key("many.test", MOST_SERVERS as u16), b"").lists.is_some(), "the oldest goes, not the newest");
        forget_all();
        assert!(lock().is_empty());

        sessions();
    }

    fn sessions() {
        let (a, b, day) = (key("memory.test", 1), key("memory.test", 2), Duration::from_secs(24 * 60 * 60));
        let session = |size| Some(tls::Session::for_tests(size, day));
        learn(&a, Some(lists(b"TOP")), session(LARGEST_SESSION + 1));
        assert!(recall(&a, b"").session.is_none());
        learn(&a, Some(lists(b"TOP")), Some(tls::Session::for_tests(1, Duration::ZERO)));
        assert!(recall(&a, b"").session.is_none(), "over");

        // two that OpenSSL has read, and as many others as there is room for
        let read = tls::Session::read_for_tests(day);
        let large = ((ALL_SESSIONS - 2 * read.memory()) / LARGEST_SESSION) as u16;
        let server = |port| key("large.test", port);
        for port in 0..large {
            learn(&server(port), Some(lists(b"TOP")), session(LARGEST_SESSION));
        }
        let rest = ALL_SESSIONS - 2 * read.memory() - usize::from(large) * LARGEST_SESSION;
        learn(&server(large), Some(lists(b"TOP")), session(rest));
        for key in [&a, &b] {
            learn(key, None, Some(read.clone()));
        }
        let kept = |key: &Key| recall(key, b"").session;
        let has = |port| kept(&server(port)).is_some();
        let is_read = |key: &Key| kept(key).is_some_and(|session| session.has_smaller());
        assert!((0..=large).all(has) && is_read(&a) && is_read(&b));
        // of those that can take less the oldest does, before any is forgotten
        learn(&key("other.test", 1), None, session(1));
        assert!(kept(&a).is_some() && !is_read(&a) && is_read(&b) && (0..=large).all(has));
        learn(&key("other.test", 1), None, session(read.memory()));
        assert!((0..=large).all(has) && kept(&a).is_some() && kept(&b).is_some() && !is_read(&b));
        // then the oldest is forgotten: not the first, which is used again
        assert!(has(0));
        learn(&key("other.test", 1), None, None);
        learn(&key("other.test", 2), None, session(3 * read.memory()));
        assert!(has(0) && !has(1) && (2..=large).all(has) && kept(&a).is_some());
        assert!(recall(&server(1), b"").lists.is_some(), "what it can do is still known");
        forget_all();
    }
}

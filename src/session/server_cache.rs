//! The server cache: what is remembered of servers for the process's life, so that connecting again costs less: what they
//! can do, and the TLS session.
//!
//! It is remembered by all that decides who is spoken to and who is trusted, [`Key`], so that nothing learnt from one
//! is ever believed of another. The lock is for looking up and for storing alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::crypto::Hash;
use crate::options::{Host, Options, Secure};
use crate::proto::listing::Capabilities;
use crate::session::transport::TlsSession;

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

static CACHE: Mutex<BTreeMap<Key, Entry>> = Mutex::new(BTreeMap::new());

/// How many bytes the TLS sessions in it take.
static SESSIONS: AtomicUsize = AtomicUsize::new(0);

/// Who is spoken to, by which way, and all that decides whether they are trusted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    host: Host,
    port: u16,
    secure: Secure,
    /// What the connector says of the way and of trust: another proxy may know another server by the same name.
    identity: String,
}

impl Key {
    /// Of a connection by these options and with that identity of its connector.
    pub fn new(options: &Options, identity: String) -> Key {
        let server = &options.server;
        Key { host: server.host.same(), port: server.port, secure: options.secure, identity }
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
#[derive(Default)]
pub struct Known {
    /// What it can do.
    pub lists: Option<Lists>,
    /// The TLS session.
    pub session: Option<TlsSession>,
    /// That it breaks when it is asked what it can do.
    pub breaks_at_capa: bool,
}

struct Entry {
    lists: Option<Lists>,
    session: Option<Kept>,
    /// That it breaks when it is asked what it can do.
    breaks_at_capa: bool,
    /// In the clear, the users for whom it broke at CAPA: somebody on the way can have brought that about, and has their
    /// passwords then, but is to get nobody else's by it.
    broke_for: BTreeSet<Bytes32>,
    /// When the lists were stored.
    stored: Instant,
    used: Instant,
    /// Whether the server bears that a session is offered to it.
    resumes: bool,
    /// When commands that went ahead of their answers have failed last.
    failed_ahead: Option<Instant>,
}

/// A TLS session that is kept, as part of what all may take.
struct Kept {
    session: TlsSession,
    memory: usize,
}

impl Kept {
    fn new(session: TlsSession) -> Kept {
        let memory = session.memory();
        SESSIONS.fetch_add(memory, Ordering::Relaxed);
        Kept { session, memory }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        SESSIONS.fetch_sub(self.memory, Ordering::Relaxed);
    }
}

/// What is known of that server, for that user.
pub fn get(key: &Key, user: &[u8], now: Instant) -> Known {
    let mut cache = lock();
    let Some(entry) = cache.get_mut(key) else { return Known::default() };
    entry.used = now;
    if now.duration_since(entry.stored) > LIFETIME {
        entry.lists = None;
        entry.breaks_at_capa = false;
        entry.broke_for.clear();
    }
    entry.session.take_if(|kept| kept.session.is_over());
    let broke_before = || !entry.broke_for.is_empty() && entry.broke_for.contains(&digest(user));
    Known {
        lists: entry.lists.clone(),
        session: entry.session.as_ref().map(|kept| kept.session.clone()),
        breaks_at_capa: entry.breaks_at_capa || broke_before(),
    }
}

/// After a log-in: what the server can do, if that was asked, and the session.
pub fn store(key: &Key, lists: Option<Lists>, session: Option<TlsSession>, now: Instant) {
    let mut cache = lock();
    let entry = entry(&mut cache, key, now);
    if let Some(lists) = lists {
        let lists = Some(lists).filter(Lists::is_short);
        if entry.lists != lists {
            // what was only used is no younger for it
            entry.stored = now;
            entry.lists = lists;
        }
    }
    entry.used = now;
    entry.session = session.filter(|session| entry.resumes && session.size() <= LARGEST_SESSION).map(Kept::new);
    make_room_for_sessions(&mut cache);
}

/// Has the sessions that were not used for longest take less memory, or else forgets them, until all take no more than
/// they may.
fn make_room_for_sessions(cache: &mut BTreeMap<Key, Entry>) {
    while SESSIONS.load(Ordering::Relaxed) > ALL_SESSIONS {
        let has_smaller = |entry: &Entry| entry.session.as_ref().is_some_and(|kept| kept.session.has_smaller());
        let with_session = cache.values_mut().filter(|entry| entry.session.is_some());
        let Some(oldest) = with_session.min_by_key(|entry| (!has_smaller(entry), entry.used)) else { return };
        oldest.session = oldest.session.take().and_then(|kept| kept.session.smaller()).map(Kept::new);
    }
}

/// After a log-in: that the server broke when it was asked what it can do.
pub fn store_break_at_capa(key: &Key, user: &[u8], now: Instant) {
    let mut cache = lock();
    let entry = entry(&mut cache, key, now);
    entry.stored = now;
    entry.lists = None;
    if key.secure != Secure::No {
        entry.breaks_at_capa = true;
        return;
    }
    if entry.broke_for.len() == MOST_USERS {
        entry.broke_for.clear();
    }
    entry.broke_for.insert(digest(user));
}

/// That what is known of the server may be wrong.
pub fn invalidate(key: &Key) {
    if let Some(entry) = lock().get_mut(key) {
        entry.lists = None;
        entry.session = None;
        entry.breaks_at_capa = false;
        entry.broke_for.clear();
    }
}

/// That the server does not bear that a session is offered to it.
pub fn disable_resumption(key: &Key, now: Instant) {
    let mut cache = lock();
    let entry = entry(&mut cache, key, now);
    entry.resumes = false;
    entry.session = None;
}

/// That commands which went ahead of their answers have failed, whatever the server says that it can do.
pub fn disable_pipelining(key: &Key, now: Instant) {
    entry(&mut lock(), key, now).failed_ahead = Some(now);
}

/// Whether nothing is known against commands that go ahead of their answers.
pub fn may_pipeline(key: &Key, now: Instant) -> bool {
    let cache = lock();
    let failed = cache.get(key).and_then(|entry| entry.failed_ahead);
    failed.is_none_or(|failed| now.duration_since(failed) > LIFETIME)
}

/// What the server can do after the log-in.
pub fn store_after_log_in(key: &Key, after: &Capabilities) {
    if let Some(lists) = lock().get_mut(key).and_then(|entry| entry.lists.as_mut()) {
        lists.after = Some(after).filter(|after| after.as_bytes().len() <= LONGEST_LIST).cloned();
    }
}

/// Forgets a server, on that port or on all.
pub fn forget(host: &Host, port: Option<u16>) {
    let host = host.same();
    lock().retain(|key, _| key.host != host || port.is_some_and(|port| key.port != port));
}

/// Forgets all.
pub fn forget_all() {
    lock().clear();
}

fn lock() -> MutexGuard<'static, BTreeMap<Key, Entry>> {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entry of a server. For a new one whoever was not used for longest is forgotten.
fn entry<'a>(cache: &'a mut BTreeMap<Key, Entry>, key: &Key, now: Instant) -> &'a mut Entry {
    if cache.len() >= MOST_SERVERS && !cache.contains_key(key) {
        let oldest = cache.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
        oldest.and_then(|oldest| cache.remove(&oldest));
    }
    let new = || Entry {
        lists: None,
        session: None,
        breaks_at_capa: false,
        broke_for: BTreeSet::new(),
        stored: now,
        used: now,
        resumes: true,
        failed_ahead: None,
    };
    cache.entry(key.clone()).or_insert_with(new)
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
pub(super) mod tests {
    use std::any::Any;
    use std::sync::Arc;

    use crate::session::transport::KeptSession;

    use super::*;

    /// A TLS session of that size, or one that takes so many times the memory until it is made smaller.
    #[derive(Clone)]
    struct Session {
        size: usize,
        times: usize,
        is_over: bool,
    }

    impl KeptSession for Session {
        fn size(&self) -> usize {
            self.size
        }
        fn memory(&self) -> usize {
            self.size * self.times
        }
        fn smaller(&self) -> Option<TlsSession> {
            self.has_smaller().then(|| Arc::new(Session { times: 1, ..self.clone() }) as TlsSession)
        }
        fn has_smaller(&self) -> bool {
            self.times > 1
        }
        fn is_over(&self) -> bool {
            self.is_over
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    /// Until it is dropped no other test uses the cache, which is the process's.
    pub fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::new(());
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(host: &str, port: u16) -> Key {
        Key { host: Host::Name(host.to_owned()).same(), port, secure: Secure::No, identity: String::new() }
    }

    fn get(key: &Key, user: &[u8]) -> Known {
        super::get(key, user, Instant::now())
    }

    fn store(key: &Key, lists: Option<Lists>, session: Option<TlsSession>) {
        super::store(key, lists, session, Instant::now());
    }

    fn store_break_at_capa(key: &Key, user: &[u8]) {
        super::store_break_at_capa(key, user, Instant::now());
    }

    fn may_pipeline(key: &Key) -> bool {
        super::may_pipeline(key, Instant::now())
    }

    fn lists(line: &[u8]) -> Lists {
        let mut capabilities = Capabilities::default();
        capabilities.push(line).unwrap();
        Lists { before: Some(capabilities), after: None }
    }

    #[test]
    fn stored_invalidated_and_forgotten() {
        let _cache = alone();
        expiry();
        breaks_at_capa();
        lists_of_servers();
    }

    fn expiry() {
        let (clear, tls) = (key("old.test", 1), Key { secure: Secure::Tls, ..key("old.test", 2) });
        for key in [&clear, &tls] {
            let (last, over) = (Instant::now() + LIFETIME - Duration::from_secs(9), Instant::now() + LIFETIME);
            let over = over + Duration::from_secs(1);
            store(key, Some(lists(b"TOP")), None);
            assert!(super::get(key, b"alice", last).lists.is_some());
            assert!(super::get(key, b"alice", over).lists.is_none());
            // and stays so
            assert!(get(key, b"alice").lists.is_none());
            // what it once could do it does not say any more
            store(key, Some(lists(b"TOP")), None);
            store_break_at_capa(key, b"alice");
            let known = super::get(key, b"alice", last);
            assert!(known.breaks_at_capa && known.lists.is_none());
            assert!(!super::get(key, b"alice", over).breaks_at_capa && !get(key, b"alice").breaks_at_capa);
        }
    }

    fn breaks_at_capa() {
        let (clear, tls) = (key("breaks.test", 1), Key { secure: Secure::StartTls, ..key("breaks.test", 1) });
        for key in [&clear, &tls] {
            store_break_at_capa(key, b"alice");
            assert!(get(key, b"alice").breaks_at_capa);
        }
        // what somebody on the way can bring about is not told of another user
        assert!(get(&tls, b"bob").breaks_at_capa && !get(&clear, b"bob").breaks_at_capa);
        for user in 0..=MOST_USERS {
            store_break_at_capa(&clear, &user.to_le_bytes());
        }
        assert!(lock()[&clear].broke_for.len() <= MOST_USERS);
        assert!(get(&clear, &MOST_USERS.to_le_bytes()).breaks_at_capa);
        for key in [&clear, &tls] {
            invalidate(key);
            assert!(!get(key, b"alice").breaks_at_capa && !get(key, &1_usize.to_le_bytes()).breaks_at_capa);
        }
    }

    fn lists_of_servers() {
        let (a, b, other) = (key("memory.test", 1), key("MEMORY.test", 2), key("other.test", 1));
        for key in [&a, &b, &other] {
            store(key, Some(lists(b"TOP")), None);
            assert_eq!(get(key, b"").lists, Some(lists(b"TOP")));
        }
        store_after_log_in(&a, lists(b"UIDL").before.as_ref().unwrap());
        assert_eq!(get(&a, b"").lists, Some(Lists { after: lists(b"UIDL").before, ..lists(b"TOP") }));
        invalidate(&a);
        assert_eq!(get(&a, b"").lists, None);
        disable_pipelining(&a, Instant::now());
        invalidate(&a);
        store(&a, Some(lists(b"TOP")), None);
        assert!(!may_pipeline(&a) && may_pipeline(&b), "it outlives what is invalidated");
        assert!(super::may_pipeline(&a, Instant::now() + LIFETIME + Duration::from_secs(1)), "not for ever");
        store(&a, Some(lists(&[b'x'; LONGEST_LIST])), None);
        assert_eq!(get(&a, b"").lists, None, "too long");
        forget(&Host::Name("Memory.Test".to_owned()), Some(1));
        assert!(may_pipeline(&a));
        assert!(get(&b, b"").lists.is_some());
        forget(&Host::Name("Memory.Test".to_owned()), None);
        assert!(get(&b, b"").lists.is_none() && get(&other, b"").lists.is_some());
        for port in 0..=MOST_SERVERS as u16 {
            store(&key("many.test", port), Some(lists(b"TOP")), None);
        }
        assert!(lock().len() <= MOST_SERVERS);
        assert!(get(&key("many.test", MOST_SERVERS as u16), b"").lists.is_some(), "the oldest goes, not the newest");
        forget_all();
        assert!(lock().is_empty());

        sessions();
    }

    fn sessions() {
        let (a, b) = (key("memory.test", 1), key("memory.test", 2));
        let session = |size| Some(Arc::new(Session { size, times: 1, is_over: false }) as TlsSession);
        store(&a, Some(lists(b"TOP")), session(LARGEST_SESSION + 1));
        assert!(get(&a, b"").session.is_none());
        store(&a, Some(lists(b"TOP")), Some(Arc::new(Session { size: 1, times: 1, is_over: true })));
        assert!(get(&a, b"").session.is_none(), "over");

        // two that can take less, and as many others as there is room for
        let read: TlsSession = Arc::new(Session { size: 100, times: 6, is_over: false });
        let large = ((ALL_SESSIONS - 2 * read.memory()) / LARGEST_SESSION) as u16;
        let server = |port| key("large.test", port);
        for port in 0..large {
            store(&server(port), Some(lists(b"TOP")), session(LARGEST_SESSION));
        }
        let rest = ALL_SESSIONS - 2 * read.memory() - usize::from(large) * LARGEST_SESSION;
        store(&server(large), Some(lists(b"TOP")), session(rest));
        for key in [&a, &b] {
            store(key, None, Some(read.clone()));
        }
        let kept = |key: &Key| get(key, b"").session;
        let has = |port| kept(&server(port)).is_some();
        let is_large = |key: &Key| kept(key).is_some_and(|session| session.has_smaller());
        assert!((0..=large).all(has) && is_large(&a) && is_large(&b));
        // of those that can take less the oldest does, before any is forgotten
        store(&key("other.test", 1), None, session(1));
        assert!(kept(&a).is_some() && !is_large(&a) && is_large(&b) && (0..=large).all(has));
        store(&key("other.test", 1), None, session(read.memory()));
        assert!((0..=large).all(has) && kept(&a).is_some() && kept(&b).is_some() && !is_large(&b));
        // then the oldest is forgotten: not the first, which is used again
        assert!(has(0));
        store(&key("other.test", 1), None, None);
        store(&key("other.test", 2), None, session(3 * read.memory()));
        assert!(has(0) && !has(1) && (2..=large).all(has) && kept(&a).is_some());
        assert!(get(&server(1), b"").lists.is_some(), "what it can do is still known");
        forget_all();
    }
}

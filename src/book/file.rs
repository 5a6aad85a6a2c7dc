//! The book in a file: one of SQLite, for any number of accounts and processes, that a person can read with sqlite3.
//!
//! A row is written for each message that was taken, in a transaction of its own. SQLite's WAL is whole after a kill or a
//! power cut at any moment; for the disk it is waited only before deletions, at the end and once a second.

use std::cmp::Ordering;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use crate::book::lock::Lock;
use crate::book::{Age, Book, Known, Look, Pause, Taken};
use crate::error::{Error, Kind, Result};
use crate::fork::Process;
use crate::shortage;
use crate::text::hex;

/// Of the tables below.
const VERSION: i32 = 1;

/// Says whose file it is: "POP3".
const APPLICATION: i32 = 0x504f_5033;

const TABLES: &str = "
CREATE TABLE accounts (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL UNIQUE            -- user@host:port
);
CREATE TABLE messages (
    account INTEGER NOT NULL REFERENCES accounts (id),
    uid     TEXT NOT NULL,                  -- by UIDL
    copy    INTEGER NOT NULL,               -- 1, and more where messages share the uid
    shared  INTEGER NOT NULL,               -- whether it shared it when it was taken
    octets  INTEGER,                        -- by LIST
    header  TEXT,                           -- SHA-256
    taken   INTEGER NOT NULL,               -- when, in seconds since 1970
    gone    INTEGER,                        -- since when the server does not list it
    PRIMARY KEY (account, uid, copy)
) WITHOUT ROWID;
-- of many messages with one uid each is found at once
CREATE INDEX shared ON messages (account, uid, header, octets) WHERE shared;
CREATE VIEW taken AS
    SELECT accounts.account AS account, uid, octets, datetime(taken, 'unixepoch') AS taken, datetime(gone, 'unixepoch') AS gone
    FROM messages JOIN accounts ON accounts.id = messages.account;
";

/// For how long a row stays whose message the server does not list any more.
const GONE_FOR: Duration = Duration::from_secs(30 * SECONDS_PER_DAY);
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// For how long somebody else may have the file who writes.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long it is waited before something is tried again.
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

/// For how long rows follow each other before it is waited for the disk to have them.
const SETTLED_WITHIN: Duration = Duration::from_secs(1);

/// How many rows are read before the changes that they lead to are made.
const STRETCH: usize = 4096;

/// What SQLite may keep of the file in memory, in KiB.
const CACHE_KIB: i64 = 1024;

/// The part of a book that is an account's, which nobody else collects from meanwhile.
pub struct FileBook {
    connection: Connection,
    account: i64,
    days: Option<u32>,
    now: i64,
    /// When all that had been added was on disk.
    settled: Instant,
    is_settled: bool,
    file: Waited,
    _lock: Lock,
}

/// The file, and how somebody else is waited for who writes into it.
struct Waited {
    path: PathBuf,
    patience: Duration,
    pause: Pause,
    process: Process,
}

impl Waited {
    /// Does something with the file, anew as long as somebody else has it.
    fn act<T>(&mut self, mut act: impl FnMut() -> rusqlite::Result<T>) -> Result<T> {
        if self.process.is_before_fork() {
            // two processes cannot share what SQLite has opened
            return Err(Error::new(Kind::Book, "the process has forked, and the book is that of the one before"));
        }
        let end = Instant::now() + self.patience;
        loop {
            match act() {
                Err(error) if is_busy(&error) && Instant::now() < end => (self.pause)(BETWEEN_TRIES)?,
                done => return done.map_err(|error| failure(&self.path, error)),
            }
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

impl FileBook {
    /// Opens a book, which is made if it is not there, for an account. What was taken `days` ago may be deleted;
    /// `None` where nothing may. Another one who writes is waited for as long as `patience`, or a while.
    pub fn open(path: &Path, account: &[u8], days: Option<u32>, patience: Duration, pause: Pause) -> Result<FileBook> {
        let (patience, process) = (patience.min(LONGEST_WAIT), Process::current());
        let mut file = Waited { path: path.to_owned(), patience, pause, process };
        let mut connection = file.act(|| connect(path))?;
        file.act(|| make(&mut connection))?;
        let (application, version) = file.act(|| whose(&connection))?;
        if application != APPLICATION {
            return Err(Error::new(Kind::Book, format!("{} is a database of another program", path.display())));
        }
        if version != VERSION {
            let text = format!("the book {} is of version {version}, and version {VERSION} is known", path.display());
            return Err(Error::new(Kind::Book, text));
        }
        file.act(|| set_up(&connection))?;
        let account = file.act(|| account_number(&mut connection, account))?;
        let lock = Lock::take(&lock_path(path, account))?;
        let (now, settled) = (now(), Instant::now());
        Ok(FileBook { connection, account, days, now, settled, is_settled: true, file, _lock: lock })
    }

    fn age(&self, taken: i64) -> Age {
        match self.days {
            Some(0) => Age::Due,
            Some(days) if taken.saturating_add(i64::from(days) * SECONDS_PER_DAY as i64) <= self.now => Age::Due,
            _ => Age::Stays,
        }
    }
}

/// The next rows of an account behind that one, in the order of the unique ids.
fn stretch(connection: &Connection, account: i64, behind: Option<&(Vec<u8>, i64)>) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = connection.prepare(
        "SELECT uid, copy, shared, taken, gone FROM messages
         WHERE account = ?1 AND (uid, copy) > (?2, ?3) ORDER BY uid, copy LIMIT ?4",
    )?;
    let (uid, copy) = behind.map_or((&b""[..], 0), |(uid, copy)| (&uid[..], *copy));
    let rows = statement.query_map(params![account, Text(uid), copy, STRETCH as i64], |row| {
        let uid = text(row, 0)?.to_vec();
        Ok(Entry { uid, copy: row.get(1)?, is_shared: row.get(2)?, taken: row.get(3)?, gone: row.get(4)? })
    })?;
    rows.collect()
}

/// What the server does not list, or lists again.
fn note_presence(
    connection: &mut Connection,
    account: i64,
    changes: &[(Vec<u8>, i64, Presence)],
    now: i64,
) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    {
        let mut set =
            transaction.prepare("UPDATE messages SET gone = ?4 WHERE account = ?1 AND uid = ?2 AND copy = ?3")?;
        let mut remove = transaction.prepare("DELETE FROM messages WHERE account = ?1 AND uid = ?2 AND copy = ?3")?;
        for (uid, copy, presence) in changes {
            match presence {
                Presence::Gone => set.execute(params![account, Text(uid), copy, Some(now)])?,
                Presence::Back => set.execute(params![account, Text(uid), copy, None::<i64>])?,
                Presence::Over => remove.execute(params![account, Text(uid), copy])?,
            };
        }
    }
    transaction.commit()
}

/// A row, as far as it tells what is known of a unique id.
struct Entry {
    uid: Vec<u8>,
    copy: i64,
    is_shared: bool,
    taken: i64,
    gone: Option<i64>,
}

/// How a row is to change by what the server lists.
enum Presence {
    /// It is not listed any more.
    Gone,
    /// It is listed again.
    Back,
    /// It has not been listed for so long that the row goes.
    Over,
}

impl Book for FileBook {
    fn look_up(&mut self, uids: &[&[u8]], shared: &[&[u8]], are_all: bool) -> Result<Vec<Known>> {
        let mut known = Vec::new();
        shortage::without_reserve(|| known.try_reserve_exact(uids.len()))
            .map_err(|_| Error::new(Kind::OutOfMemory, "no memory for what the book knows"))?;
        known.resize(uids.len(), Known::New);
        let (mut at, mut at_shared) = (0, 0);
        let mut behind = None;
        loop {
            let rows = self.file.act(|| stretch(&self.connection, self.account, behind.as_ref()))?;
            let mut changes = Vec::new();
            for row in &rows {
                while uids.get(at).is_some_and(|uid| uid.cmp(&&row.uid[..]) == Ordering::Less) {
                    at += 1;
                }
                while shared.get(at_shared).is_some_and(|uid| uid.cmp(&&row.uid[..]) == Ordering::Less) {
                    at_shared += 1;
                }
                let is_listed = uids.get(at) == Some(&&row.uid[..]);
                if is_listed {
                    known[at] = match known[at] {
                        Known::New if !row.is_shared => Known::Taken(self.age(row.taken)),
                        _ => Known::Shared,
                    };
                }
                let is_there = is_listed || shared.get(at_shared) == Some(&&row.uid[..]);
                let presence = match (is_there, row.gone) {
                    (true, Some(_)) => Presence::Back,
                    (false, None) => Presence::Gone,
                    (false, Some(gone)) if gone.saturating_add(GONE_FOR.as_secs() as i64) <= self.now => Presence::Over,
                    _ => continue,
                };
                // what nobody has listed may be there all the same
                if are_all || matches!(presence, Presence::Back) {
                    changes.push((row.uid.clone(), row.copy, presence));
                }
            }
            if !changes.is_empty() {
                self.file.act(|| note_presence(&mut self.connection, self.account, &changes, self.now))?;
            }
            match rows.last() {
                Some(last) if rows.len() == STRETCH => behind = Some((last.uid.clone(), last.copy)),
                _ => return Ok(known),
            }
        }
    }

    fn look_up_shared(&mut self, uid: &[u8], look: &Look, _: usize) -> Result<Vec<Age>> {
        let header = look.header.map(|digest| hex(&digest));
        let taken: Vec<i64> = self.file.act(|| {
            let mut statement = self.connection.prepare_cached(
                "SELECT taken FROM messages WHERE account = ?1 AND uid = ?2 AND header IS ?3 AND octets IS ?4 AND shared
                 ORDER BY taken",
            )?;
            let key = params![self.account, Text(uid), header, look.octets];
            statement.query_map(key, |row| row.get(0))?.collect()
        })?;
        Ok(taken.into_iter().map(|taken| self.age(taken)).collect())
    }

    fn look_up_alone(&mut self, uid: &[u8], header: Option<[u8; 32]>) -> Result<Option<(Option<i64>, Age)>> {
        let header = header.map(|digest| hex(&digest));
        let alone = self.file.act(|| {
            // it came before any that share its unique id
            let mut statement = self.connection.prepare_cached(
                "SELECT octets, taken FROM messages
                 WHERE account = ?1 AND uid = ?2 AND copy = 1 AND header IS ?3 AND NOT shared",
            )?;
            let key = params![self.account, Text(uid), header];
            statement.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })?;
        Ok(alone.map(|(octets, taken)| (octets, self.age(taken))))
    }

    fn add(&mut self, taken: &Taken<'_>) -> Result<()> {
        let header = taken.look.header.map(|digest| hex(&digest));
        self.file.act(|| {
            let mut statement = self.connection.prepare_cached(
                "INSERT INTO messages (account, uid, copy, shared, octets, header, taken)
                 VALUES (?1, ?2, (SELECT coalesce(max(copy), 0) + 1 FROM messages WHERE account = ?1 AND uid = ?2),
                         ?3, ?4, ?5, ?6)",
            )?;
            let row = params![self.account, Text(taken.uid), taken.copy.is_some(), taken.look.octets, header, now()];
            statement.execute(row).map(drop)
        })?;
        self.is_settled = false;
        if self.settled.elapsed() >= SETTLED_WITHIN { self.settle() } else { Ok(()) }
    }

    fn settle(&mut self) -> Result<()> {
        if !self.is_settled {
            self.file.act(|| {
                // whatever is committed so has all before it be on disk too
                self.connection.pragma_update(None, "synchronous", "full")?;
                touch(&self.connection, self.account)?;
                self.connection.pragma_update(None, "synchronous", "normal")
            })?;
            (self.settled, self.is_settled) = (Instant::now(), true);
        }
        Ok(())
    }
}

impl Drop for FileBook {
    fn drop(&mut self) {
        let _ = self.settle();
    }
}

/// Opens the file, or makes it, for its owner alone: it says who has mail from where.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // closing a file takes away the locks that SQLite has on it in this process, so nothing may have it open yet
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // that it cannot be made, or is there, SQLite says itself
    drop(options.open(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // it is waited for here, where the host may end that
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

/// Makes the tables where there are none at all.
fn make(connection: &mut Connection) -> rusqlite::Result<()> {
    let is_new = |connection: &Connection| -> rusqlite::Result<bool> {
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map(|count: i64| count == 0)
    };
    if !is_new(connection)? {
        return Ok(());
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    let transaction = begin(connection)?;
    // somebody else may have made them meanwhile
    if is_new(&transaction)? {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

/// Whose file it is, and of which version.
fn whose(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    Ok((number("application_id")?, number("user_version")?))
}

/// When SQLite waits for the disk, and how.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "normal")?;
    // on macOS nothing else has the drive write; elsewhere it means nothing
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)
}

/// The number of an account. Something is written in any case: that nothing can be must be found before mail is taken.
fn account_number(connection: &mut Connection, account: &[u8]) -> rusqlite::Result<i64> {
    let transaction = begin(connection)?;
    let find = "SELECT id FROM accounts WHERE account = ?1";
    let found = transaction.query_row(find, [Text(account)], |row| row.get(0)).optional()?;
    let number = match found {
        Some(number) => {
            touch(&transaction, number)?;
            number
        }
        None => {
            transaction.execute("INSERT INTO accounts (account) VALUES (?1)", [Text(account)])?;
            transaction.last_insert_rowid()
        }
    };
    transaction.commit()?;
    Ok(number)
}

/// Writes, and changes nothing.
fn touch(connection: &Connection, account: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE accounts SET account = account WHERE id = ?1")?.execute([account]).map(drop)
}

/// A transaction that writes. Another process that writes is waited for here, and not in the middle.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Beside the book.
fn lock_path(book: &Path, account: i64) -> PathBuf {
    // by whatever way the book is named
    let mut path = fs::canonicalize(book).unwrap_or_else(|_| book.to_owned()).into_os_string();
    path.push(format!("-lock-{account}"));
    path.into()
}

/// Octets that are text for SQLite, of whatever encoding they are: unique ids and users may be anything.
struct Text<'a>(&'a [u8]);

impl rusqlite::ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    let value = row.get_ref(column)?;
    value.as_bytes().map_err(|_| rusqlite::Error::InvalidColumnType(column, "uid".to_owned(), value.data_type()))
}

/// In seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// What SQLite said, as an error that names the book.
fn failure(path: &Path, error: rusqlite::Error) -> Error {
    let code = error.sqlite_error_code();
    let what = match code {
        Some(ErrorCode::NotADatabase) => "is not a book, or is damaged",
        Some(ErrorCode::DatabaseCorrupt) => "is damaged",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "is locked by another program",
        Some(ErrorCode::ReadOnly) => "cannot be written",
        Some(ErrorCode::CannotOpen) => "cannot be opened",
        Some(ErrorCode::DiskFull) => "cannot grow: the disk is full",
        _ => "cannot be read or written",
    };
    let kind = if code == Some(ErrorCode::OutOfMemory) { Kind::OutOfMemory } else { Kind::Book };
    Error::new(kind, format!("the book {} {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use rusqlite::ffi;

    use super::*;

    const ACCOUNT: &[u8] = b"alice@pop.example.net:995";
    const DAY: i64 = 86_400;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("pop3-book-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn open(&self, account: &[u8], days: Option<u32>) -> Result<FileBook> {
            FileBook::open(&self.0.join("book"), account, days, Duration::from_secs(1), sleeping())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn sleeping() -> Pause {
        Box::new(|time| {
            std::thread::sleep(time);
            Ok(())
        })
    }

    fn alone(uid: &[u8]) -> Taken<'_> {
        Taken { uid, look: Look { octets: Some(10), header: Some([7; 32]) }, copy: None }
    }

    fn shared(uid: &[u8], octets: i64, header: u8) -> Taken<'_> {
        Taken { uid, look: Look { octets: Some(octets), header: Some([header; 32]) }, copy: Some(0) }
    }

    #[test]
    fn what_was_taken_is_known_in_its_account() {
        let folder = Folder::new("accounts");
        let mut book = folder.open(ACCOUNT, None).unwrap();
        // of any octets
        let strange = &b"\xff\xfe b'--"[..];
        for uid in [b"b", b"d", strange] {
            book.add(&alone(uid)).unwrap();
        }
        let mut other = folder.open(b"bob@pop.example.net:995", None).unwrap();
        other.add(&alone(b"a")).unwrap();
        let known = |book: &mut FileBook| book.look_up(&[b"a", b"b", b"c", b"d", strange], &[], true).unwrap();
        let taken = Known::Taken(Age::Stays);
        assert_eq!(known(&mut book), [Known::New, taken, Known::New, taken, taken]);
        assert_eq!(known(&mut other), [taken, Known::New, Known::New, Known::New, Known::New]);
        drop(book);
        assert_eq!(known(&mut folder.open(ACCOUNT, None).unwrap()), [Known::New, taken, Known::New, taken, taken]);
    }

    #[test]
    fn one_at_a_time_has_an_account() {
        let folder = Folder::new("locks");
        let book = folder.open(ACCOUNT, None).unwrap();
        assert_eq!(folder.open(ACCOUNT, None).err().unwrap().kind(), Kind::MailboxInUse);
        drop(book);
        folder.open(ACCOUNT, None).unwrap();
    }

    #[test]
    fn a_new_book_is_made_by_many_at_once() {
        for round in 0..20 {
            let folder = Folder::new(&format!("making-{round}"));
            std::thread::scope(|scope| {
                let opening = |number: u8| {
                    let folder = &folder;
                    move || {
                        let (path, patience) = (folder.0.join("book"), Duration::from_secs(60));
                        FileBook::open(&path, &[b'a', number], None, patience, sleeping()).map(drop)
                    }
                };
                let threads: Vec<_> = (b'0'..b'8').map(|number| scope.spawn(opening(number))).collect();
                threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
            });
        }
    }

    #[test]
    fn who_writes_is_waited_for() {
        let folder = Folder::new("busy");
        let mut book = folder.open(ACCOUNT, None).unwrap();
        let mut other = connect(&folder.0.join("book")).unwrap();
        let transaction = begin(&mut other).unwrap();
        let pauses = Rc::new(Cell::new(0));
        let counted = Rc::clone(&pauses);
        book.file.pause = Box::new(move |_| {
            counted.set(counted.get() + 1);
            if counted.get() < 3 { Ok(()) } else { Err(Error::new(Kind::Cancelled, "")) }
        });
        assert_eq!(book.add(&alone(b"a")).err().unwrap().kind(), Kind::Cancelled);
        assert_eq!(pauses.get(), 3);
        // who reads waits for nobody
        assert_eq!(book.look_up(&[b"a"], &[], true).unwrap(), [Known::New]);
        book.file.patience = Duration::ZERO;
        assert_eq!(book.add(&alone(b"a")).err().unwrap().kind(), Kind::Book);
        drop(transaction);
        book.add(&alone(b"a")).unwrap();
    }

    /// As far as can be seen without cutting the power.
    #[test]
    fn when_the_disk_is_waited_for() {
        let folder = Folder::new("settled");
        let mut book = folder.open(ACCOUNT, None).unwrap();
        let number = |connection: &Connection, name: &str| -> i64 {
            connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
        };
        let set_up = ["synchronous", "fullfsync", "checkpoint_fullfsync"].map(|name| number(&book.connection, name));
        assert_eq!(set_up, [1, 1, 1]);
        let other = connect(&folder.0.join("book")).unwrap();
        book.add(&alone(b"a")).unwrap();
        assert!(!book.is_settled);
        let before = number(&other, "data_version");
        book.settle().unwrap();
        // something was committed that waits for what came before
        assert!(book.is_settled && number(&other, "data_version") != before);
        let before = number(&other, "data_version");
        book.settle().unwrap();
        assert_eq!(number(&other, "data_version"), before);
        book.settled -= SETTLED_WITHIN;
        book.add(&alone(b"b")).unwrap();
        assert!(book.is_settled && book.settled.elapsed() < SETTLED_WITHIN);
    }

    #[test]
    fn what_sqlite_says_is_told_in_our_words() {
        let told = |code: i32| failure(Path::new("b"), rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        for (code, text) in [
            (ffi::SQLITE_NOTADB, "the book b is not a book, or is damaged: "),
            (ffi::SQLITE_CORRUPT, "the book b is damaged: "),
            (ffi::SQLITE_BUSY, "the book b is locked by another program: "),
            (ffi::SQLITE_LOCKED, "the book b is locked by another program: "),
            (ffi::SQLITE_READONLY, "the book b cannot be written: "),
            (ffi::SQLITE_CANTOPEN, "the book b cannot be opened: "),
            (ffi::SQLITE_FULL, "the book b cannot grow: the disk is full: "),
            (ffi::SQLITE_IOERR, "the book b cannot be read or written: "),
        ] {
            let error = told(code);
            assert!(error.kind() == Kind::Book && error.to_string().starts_with(text), "{error}");
        }
        assert_eq!(told(ffi::SQLITE_NOMEM).kind(), Kind::OutOfMemory);
    }

    #[test]
    fn rows_say_when() {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!(since.abs_diff(now() as u64) < 60);
    }

    #[test]
    fn what_is_wrong_with_a_book_is_not_waited_for() {
        let pause: Pause = Box::new(|_| Err(Error::new(Kind::Cancelled, "")));
        let missing = FileBook::open(Path::new("/no/such/folder/book"), ACCOUNT, None, Duration::from_secs(60), pause);
        assert_eq!(missing.err().unwrap().kind(), Kind::Book);
    }

    #[test]
    fn what_is_due() {
        let folder = Folder::new("due");
        let age = |days, then: i64| {
            let mut book = folder.open(ACCOUNT, days).unwrap();
            book.now += then;
            book.look_up(&[b"a"], &[], true).unwrap()[0]
        };
        folder.open(ACCOUNT, None).unwrap().add(&alone(b"a")).unwrap();
        assert_eq!(age(None, 1000 * DAY), Known::Taken(Age::Stays));
        assert_eq!(age(Some(0), -5), Known::Taken(Age::Due));
        assert_eq!(age(Some(3), 3 * DAY - 60), Known::Taken(Age::Stays));
        assert_eq!(age(Some(3), 3 * DAY), Known::Taken(Age::Due));
        assert_eq!(age(Some(u32::MAX), 3 * DAY), Known::Taken(Age::Stays));
    }

    #[test]
    fn messages_that_share_a_unique_id() {
        let folder = Folder::new("shared");
        let mut book = folder.open(ACCOUNT, Some(0)).unwrap();
        book.add(&alone(b"a")).unwrap();
        book.add(&shared(b"b", 1, 1)).unwrap();
        book.add(&shared(b"c", 1, 1)).unwrap();
        book.add(&shared(b"c", 1, 1)).unwrap();
        book.add(&shared(b"c", 2, 1)).unwrap();
        let known = book.look_up(&[b"a", b"b", b"c"], &[], true).unwrap();
        assert_eq!(known, [Known::Taken(Age::Due), Known::Shared, Known::Shared]);
        let mut count = |uid: &[u8], octets, header: Option<u8>| {
            let look = Look { octets, header: header.map(|octet| [octet; 32]) };
            book.look_up_shared(uid, &look, 9).unwrap().len()
        };
        assert_eq!(count(b"a", Some(10), Some(7)), 0);
        assert_eq!(
            [count(b"b", Some(1), Some(1)), count(b"b", Some(2), Some(1)), count(b"b", None, Some(1))],
            [1, 0, 0]
        );
        assert_eq!(
            [count(b"c", Some(1), Some(1)), count(b"c", Some(2), Some(1)), count(b"d", Some(1), Some(1))],
            [2, 1, 0]
        );
    }

    #[test]
    fn what_was_alone_is_known_by_its_header() {
        let folder = Folder::new("alone");
        let mut book = folder.open(ACCOUNT, Some(0)).unwrap();
        book.add(&alone(b"a")).unwrap();
        book.add(&shared(b"a", 10, 8)).unwrap();
        assert_eq!(book.look_up_alone(b"a", Some([7; 32])).unwrap(), Some((Some(10), Age::Due)));
        assert_eq!(book.look_up_alone(b"a", Some([8; 32])).unwrap(), None);
        assert_eq!(book.look_up_alone(b"b", Some([7; 32])).unwrap(), None);
        assert_eq!(book.look_up_alone(b"a", None).unwrap(), None);
    }

    #[test]
    fn what_is_gone_for_a_month_leaves() {
        let folder = Folder::new("gone");
        folder.open(ACCOUNT, None).unwrap().add(&alone(b"a")).unwrap();
        folder.open(ACCOUNT, None).unwrap().add(&alone(b"b")).unwrap();
        let rows = |book: &FileBook| -> Vec<(String, bool)> {
            let mut all = book.connection.prepare("SELECT uid, gone IS NOT NULL FROM messages ORDER BY uid").unwrap();
            all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let look = |then: i64, uids: &[&[u8]], shared: &[&[u8]], are_all| {
            let mut book = folder.open(ACCOUNT, None).unwrap();
            book.now += then;
            book.look_up(uids, shared, are_all).unwrap();
            rows(&book)
        };
        // a list with a hole in it says nothing of what it lacks
        assert_eq!(look(0, &[b"b"], &[], false), [(a.clone(), false), (b.clone(), false)]);
        assert_eq!(look(0, &[b"b"], &[], true), [(a.clone(), true), (b.clone(), false)]);
        // it is back, alone or among others, and gone again
        assert_eq!(look(DAY, &[b"a", b"b"], &[], true), [(a.clone(), false), (b.clone(), false)]);
        assert_eq!(look(2 * DAY, &[b"b"], &[], true), [(a.clone(), true), (b.clone(), false)]);
        assert_eq!(look(3 * DAY, &[b"b"], &[b"a"], true), [(a.clone(), false), (b.clone(), false)]);
        assert_eq!(look(4 * DAY, &[b"b"], &[], true), [(a.clone(), true), (b.clone(), false)]);
        assert_eq!(look(34 * DAY - 60, &[b"b"], &[], true), [(a.clone(), true), (b.clone(), false)]);
        assert_eq!(look(34 * DAY, &[b"b"], &[], false), [(a, true), (b.clone(), false)]);
        assert_eq!(look(34 * DAY + 60, &[b"b"], &[], true), [(b, false)]);
    }

    #[test]
    fn rows_are_read_stretch_by_stretch() {
        let folder = Folder::new("stretches");
        let mut book = folder.open(ACCOUNT, None).unwrap();
        let uid = |number: usize| format!("{number:06}");
        let count = 2 * STRETCH + 5;
        let transaction = begin(&mut book.connection).unwrap();
        for number in 0..count {
            let insert = "INSERT INTO messages VALUES (1, ?1, 1, 0, 1, '', ?2, NULL)";
            transaction.execute(insert, params![uid(2 * number), now()]).unwrap();
        }
        transaction.commit().unwrap();
        let uids: Vec<_> = (0..2 * count).map(uid).collect();
        let uids: Vec<_> = uids.iter().map(String::as_bytes).collect();
        let known = book.look_up(&uids, &[], true).unwrap();
        let is_new = |(number, known): (usize, &Known)| (*known == Known::New) == (number % 2 == 1);
        assert!(known.iter().enumerate().all(is_new));
        // half of them are gone, in as many stretches
        let half: Vec<_> = uids[..count].to_vec();
        book.look_up(&half, &[], true).unwrap();
        let gone = "SELECT count(*) FROM messages WHERE gone IS NOT NULL";
        let gone: i64 = book.connection.query_row(gone, [], |row| row.get(0)).unwrap();
        assert_eq!(gone as usize, count - count.div_ceil(2));
    }
}

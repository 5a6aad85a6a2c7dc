//! Whole sessions with servers in memory ([`crate::drive::script`]): each transcript is played as it is, in every split
//! of what the server says, and cut after every byte of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::drive::blocking::run;
use crate::drive::script::{Connection, Log, Script, Step};
use crate::error::{Error, Kind, Result};
use crate::net::address::Server;
use crate::options::{Options, Secure};
use crate::proto::auth::{Credentials, Mechanism};
use crate::session::retrieve::Delivery;
use crate::session::server_cache;
use crate::session::trace::Trace;

type Client = Box<super::Client<Connection>>;

/// Of a server that no other test connects to, since what is remembered of servers is the process's.
fn options() -> Options {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let server = Server::parse(b"session.test", NEXT.fetch_add(1, Ordering::Relaxed)).unwrap();
    Options::new(server, Secure::No, Credentials::new(b"tim", b"tanstaaf").unwrap())
}

fn secure(secure: Secure) -> Options {
    Options { secure, ..options() }
}

/// A session with servers that follow these transcripts, one a connection, and what went on.
fn play<T>(
    options: &Options,
    connections: &[Vec<Step>],
    split: usize,
    cut: Option<usize>,
    work: &dyn Fn(Client, &mut Trace<'_>) -> Result<T>,
) -> (Result<T>, Rc<RefCell<Log>>, Vec<String>) {
    let mut script = Script::new(connections.to_vec(), options.secure);
    (script.split, script.cut) = (split, cut);
    let log = Rc::clone(&script.log);
    let mut lines = Vec::new();
    let mut sink = |line: &str| lines.push(line.to_owned());
    let mut trace = Trace::new(Some(&mut sink));
    let result = run(super::Client::open(&mut script, options, &mut trace)).and_then(|client| work(client, &mut trace));
    let mismatch = log.borrow().mismatch.clone();
    assert!(cut.is_some() || mismatch.is_none(), "{mismatch:?}");
    (result, log, lines)
}

/// The same with fresh options each time, in every split; the outcome must always be the same. Then cut after every byte
/// but the last: as long as the session has not been closed by both, that is an error that ends it.
fn play_all<T: PartialEq + std::fmt::Debug>(
    options: &dyn Fn() -> Options,
    transcripts: &[&str],
    work: &dyn Fn(Client, &mut Trace<'_>) -> Result<T>,
) -> Result<T, Kind> {
    let connections: Vec<_> = transcripts.iter().map(|transcript| Script::parse(transcript)).collect();
    let outcome = |split, cut| {
        let (result, log, lines) = play(&options(), &connections, split, cut, work);
        let shown: Vec<_> = lines.into_iter().filter(|line| !line.starts_with('*')).collect();
        assert!(!shown.iter().any(|line| line.contains("tanstaaf")), "{shown:?}");
        (result.map_err(|error| error.kind()), log.borrow().received.clone(), shown)
    };
    let whole = outcome(usize::MAX, None);
    let said: usize =
        connections.iter().flatten().map(|step| if let Step::Sends(said) = step { said.len() } else { 0 }).sum();
    for split in 1..=said.min(300) {
        assert_eq!(outcome(split, None), whole, "in pieces of {split}");
    }
    // the outcome of another connection is not that of this one
    if connections.len() == 1 {
        for cut in 0..said {
            let (result, _, _) = outcome(usize::MAX, Some(cut));
            match (&result, &whole.0) {
                (Err(_), _) => {}
                (Ok(result), Ok(whole)) => panic!("{result:?} of {cut} bytes, {whole:?} of all"),
                (Ok(result), Err(_)) => panic!("{result:?} of {cut} bytes"),
            }
        }
    }
    whole.0
}

fn log_in_only(client: Client, trace: &mut Trace<'_>) -> Result<()> {
    run(client.quit(trace))
}

const GREETING: &str = "S: +OK ready\n";
const USER: &str = "C: USER tim\nS: +OK\nC: PASS tanstaaf\nS: +OK\n";
/// Of a server that takes commands ahead.
const LOG_IN_AHEAD: &str = "C: USER tim\nC: PASS tanstaaf\nS: +OK\nS: +OK\n";
const QUIT: &str = "C: QUIT\nS: +OK bye\n";
/// base64 of NUL tim NUL tanstaaf
const PLAIN: &str = "C: AUTH PLAIN AHRpbQB0YW5zdGFhZg==\n";

fn capa(capabilities: &str) -> String {
    let lines: String = capabilities.split('|').map(|line| format!("S: {line}\n")).collect();
    format!("C: CAPA\nS: +OK\n{lines}S: .\n")
}

/// A log-in in the clear by these lines behind the greeting.
fn log_in(lines: &[&str]) -> Result<(), Kind> {
    play_all(&options, &[&[&[GREETING], lines].concat().concat()], &log_in_only)
}

/// A session behind a log-in, with a server of those capabilities.
fn session<T: PartialEq + std::fmt::Debug>(
    capabilities: &str,
    lines: &str,
    work: &dyn Fn(Client, &mut Trace<'_>) -> Result<T>,
) -> Result<T, Kind> {
    play_all(&options, &[&format!("{GREETING}{}{USER}{lines}", capa(capabilities))], work)
}

#[test]
fn log_ins() {
    let _cache = server_cache::tests::alone();
    assert_eq!(log_in(&[&capa("USER"), USER, QUIT]), Ok(()));
    assert_eq!(log_in(&["C: CAPA\nS: -ERR\n", USER, QUIT]), Ok(()));
    assert_eq!(log_in(&[&capa("SASL PLAIN"), PLAIN, "S: +OK\n", QUIT]), Ok(()));
    assert_eq!(log_in(&[&capa("SASL PLAIN"), PLAIN, "S: +\nC: AHRpbQB0YW5zdGFhZg==\nS: +OK\n", QUIT]), Ok(()));
    assert_eq!(log_in(&[&capa("SASL PLAIN"), PLAIN, "S: -ERR no\n"]), Err(Kind::Auth));
    assert_eq!(
        log_in(&[
            &capa("SASL PLAIN|USER"),
            PLAIN,
            "S: -ERR unknown command\nC: AUTH PLAIN\nS: -ERR unknown command\n",
            USER,
            QUIT
        ]),
        Ok(())
    );
    assert_eq!(log_in(&[&capa("SASL X-ELSE")]), Err(Kind::Unsupported));
    assert_eq!(
        log_in(&[&capa("USER"), "C: USER tim\nS: +OK\nC: PASS tanstaaf\nS: -ERR [IN-USE] locked\n"]),
        Err(Kind::MailboxInUse)
    );
    assert_eq!(log_in(&["C: CAPA\nSILENCE\n"]), Err(Kind::Timeout), "and nobody is there once more");
}

#[test]
fn greetings() {
    let _cache = server_cache::tests::alone();
    let greeted = |greeting: &str| play_all(&options, &[greeting], &log_in_only);
    assert_eq!(greeted("S: -ERR [SYS/TEMP] later\n"), Err(Kind::Temporary));
    assert_eq!(greeted("S: 220 smtp.test ESMTP\n"), Err(Kind::BadFormat));
    assert_eq!(greeted("SILENCE\n"), Err(Kind::Timeout));
    assert_eq!(greeted(""), Err(Kind::ConnectionLost));
}

#[test]
fn user_and_pass_go_together() {
    let _cache = server_cache::tests::alone();
    let transcript = [GREETING, &capa("USER|PIPELINING"), LOG_IN_AHEAD, QUIT].concat();
    assert_eq!(play_all(&options, &[&transcript], &log_in_only), Ok(()));
    // PASS is answered too where USER was refused
    let refused = "C: USER tim\nC: PASS tanstaaf\nS: -ERR no such user tanstaaf\nS: -ERR tanstaaf\n";
    let transcript = [GREETING, &capa("USER|PIPELINING"), refused].concat();
    assert_eq!(play_all(&options, &[&transcript], &log_in_only), Err(Kind::Auth));
}

#[test]
fn starttls() {
    let _cache = server_cache::tests::alone();
    let with_stls = || secure(Secure::StartTls);
    let agreed = "C: STLS\nS: +OK\nTLS\n";
    let transcript = [GREETING, &capa("STLS"), agreed, &capa("SASL PLAIN"), PLAIN, "S: +OK\n", QUIT].concat();
    assert_eq!(play_all(&with_stls, &[&transcript], &log_in_only), Ok(()));
    for (transcript, outcome) in [
        ([GREETING, &capa("USER")].concat(), Kind::NoStls),
        ([GREETING, &capa("STLS"), "C: STLS\nS: -ERR no\n"].concat(), Kind::NoStls),
        ([GREETING, "C: CAPA\nS: -ERR no\nC: STLS\nS: -ERR no\n"].concat(), Kind::NoStls),
        ([GREETING, &capa("STLS"), "C: STLS\nS: +OK\nFAIL\n"].concat(), Kind::Secure),
        // what is said before the handshake is nobody's to believe
        ([GREETING, &capa("STLS"), "C: STLS\nS: +OK\nS: +OK injected\nTLS\n"].concat(), Kind::BadFormat),
    ] {
        let (result, log, _) = play(&with_stls(), &[Script::parse(&transcript)], usize::MAX, None, &log_in_only);
        assert_eq!(result.map_err(|error| error.kind()), Err(outcome), "{transcript}");
        assert!(!log.borrow().received.concat().windows(3).any(|said| said == b"tim"));
    }
}

/// What is learnt in one log-in spares the next one the question, as far as it may.
#[test]
fn the_server_cache() {
    let _cache = server_cache::tests::alone();
    let options = secure(Secure::Tls);
    let asked = ["TLS\n", GREETING, &capa("SASL PLAIN"), PLAIN, "S: +OK\n", QUIT].concat();
    let known = ["TLS\n", GREETING, PLAIN, "S: +OK\n", QUIT].concat();
    for (transcript, resumed) in [(&asked, false), (&known, true), (&known, true)] {
        let (result, log, _) = play(&options, &[Script::parse(transcript)], usize::MAX, None, &log_in_only);
        result.unwrap();
        assert_eq!(log.borrow().resumed, [resumed]);
    }
    // in the clear it chooses no way to tell a password
    let options = self::options();
    let asked = [GREETING, &capa("SASL PLAIN"), PLAIN, "S: +OK\n", QUIT].concat();
    for _ in 0..2 {
        play(&options, &[Script::parse(&asked)], usize::MAX, None, &log_in_only).0.unwrap();
    }
    // a session that the server does not bear is not offered again
    let options = secure(Secure::Tls);
    let asked = ["TLS\n", GREETING, &capa("SASL PLAIN"), PLAIN, "S: +OK\n", QUIT].concat();
    play(&options, &[Script::parse(&asked)], usize::MAX, None, &log_in_only).0.unwrap();
    let failing = [Script::parse("FAIL\n"), Script::parse(&known)];
    let (result, log, _) = play(&options, &failing, usize::MAX, None, &log_in_only);
    result.unwrap();
    assert_eq!(log.borrow().resumed, [true, false]);
    let (result, log, _) = play(&options, &[Script::parse(&known)], usize::MAX, None, &log_in_only);
    result.unwrap();
    assert_eq!(log.borrow().resumed, [false]);
}

#[test]
fn a_server_that_breaks_at_capa_is_connected_to_once_more() {
    let _cache = server_cache::tests::alone();
    let options = Options { mechanism: Some(Mechanism::UserPass), language: Some("de".into()), ..options() };
    let (breaks, works) = ([GREETING, "C: CAPA\n"].concat(), [GREETING, USER, QUIT].concat());
    let (result, log, _) =
        play(&options, &[Script::parse(&breaks), Script::parse(&works)], usize::MAX, None, &log_in_only);
    result.unwrap();
    assert_eq!(log.borrow().received.len(), 2);
    // that is remembered
    play(&options, &[Script::parse(&works)], usize::MAX, None, &log_in_only).0.unwrap();
}

#[test]
fn short_answers() {
    let _cache = server_cache::tests::alone();
    let lines = "C: STAT\nS: +OK 2 320\nC: NOOP\nS: +OK\nC: DELE 1\nS: +OK\nC: DELE 9\nS: -ERR no such message\n\
                 C: STAT\nS: +OK 1 200\nC: RSET\nS: +OK\nC: STAT\nS: +OK 2 320\n";
    let outcome = session("USER", &format!("{lines}{QUIT}"), &|mut client, trace| {
        assert_eq!(run(client.message_count(trace))?, 2);
        run(client.noop(trace))?;
        run(client.delete(1, trace))?;
        let refused = run(client.delete(9, trace)).map_err(|error| error.kind());
        // those marked as deleted are counted too
        let count = run(client.message_count(trace))?;
        run(client.undo_deletes(trace))?;
        let counts = (refused, count, run(client.stat(trace))?.octets);
        run(client.quit(trace)).map(|()| counts)
    });
    assert_eq!(outcome, Ok((Err(Kind::Server), 2, 320)));
}

#[test]
fn lists() {
    let _cache = server_cache::tests::alone();
    let lines =
        "C: LIST\nS: +OK\nS: 1 120\nS: 3 200\nS: .\nC: UIDL\nS: +OK\nS: 1 a\nS: 3 b c\nS: .\nC: LIST 3\nS: +OK 3 200\n";
    let outcome = session("UIDL", &format!("{lines}{QUIT}"), &|mut client, trace| {
        let listed = run(client.list(None, trace))?;
        let ids = run(client.unique_ids(None, trace))?;
        let ids: Vec<_> = ids.iter().map(|(number, uid)| (number, uid.to_vec())).collect();
        let one = run(client.list(Some(3), trace))?;
        run(client.quit(trace)).map(|()| (listed, ids, one))
    });
    let ids = vec![(1, b"a".to_vec()), (3, b"b c".to_vec())];
    assert_eq!(outcome, Ok((vec![(1, 120), (3, 200)], ids, vec![(3, 200)])));
}

#[test]
fn look_ups_by_unique_id() {
    let _cache = server_cache::tests::alone();
    let list = "C: UIDL\nS: +OK\nS: 3 b\nS: 1 a  x\nS: 7 b\nS: .\n";
    let lines = format!("{list}C: DELE 1\nS: +OK\nC: RSET\nS: +OK\n{list}");
    let outcome = session("UIDL", &format!("{lines}{QUIT}"), &|mut client, trace| {
        let mut numbers = Vec::new();
        let mut look_up = |client: &mut Client, uid: &[u8], trace: &mut Trace<'_>| {
            let found = run(client.number_of(uid, trace));
            let ended = found.as_ref().err().filter(|error| error.ends_session()).map(Error::kind);
            numbers.push(found.ok());
            ended.map_or(Ok(()), |kind| Err(Error::new(kind, "in the middle of the list")))
        };
        for uid in [&b"a x"[..], b"b", b"c"] {
            look_up(&mut client, uid, trace)?;
        }
        run(client.delete(1, trace))?;
        look_up(&mut client, b"a x", trace)?;
        run(client.undo_deletes(trace))?;
        look_up(&mut client, b"a x", trace)?;
        run(client.quit(trace)).map(|()| numbers)
    });
    assert_eq!(outcome, Ok(vec![Some(1), None, None, None, Some(1)]));
}

/// What has been delivered, in words.
#[derive(Default)]
struct Delivered {
    messages: Vec<String>,
    next: Vec<u8>,
}

impl Delivery for Delivered {
    fn piece(&mut self, _number: i32, bytes: &[u8]) -> Result<()> {
        self.next.extend_from_slice(bytes);
        Ok(())
    }

    fn whole(&mut self, number: i32) -> Result<()> {
        let message = String::from_utf8(std::mem::take(&mut self.next)).unwrap();
        self.messages.push(format!("{number}: {message}"));
        Ok(())
    }

    fn refused(&mut self, number: i32, error: &Error) -> Result<()> {
        self.messages.push(format!("{number}: {:?}", error.kind()));
        Ok(())
    }
}

fn retrieve_all(delete: bool) -> impl Fn(Client, &mut Trace<'_>) -> Result<(Vec<String>, i32)> {
    move |mut client, trace| {
        let mut delivered = Delivered::default();
        let bulk = run(client.retrieve_many(1..4, delete, &mut delivered, trace))?;
        run(client.quit(trace)).map(|()| (delivered.messages, bulk.delivered))
    }
}

#[test]
fn messages() {
    let _cache = server_cache::tests::alone();
    let lines = "C: RETR 1\nS: +OK 12 octets\nS: a\nS: ..b\nS: ...\nS: .\nC: TOP 1 0\nS: +OK\nS: a\nS: \nS: .\nC: RETR 2\nS: -ERR no\n";
    let outcome = session("TOP|USER", &format!("{lines}{QUIT}"), &|mut client, trace| {
        let mut text = Vec::new();
        let mut take = |bytes: &[u8]| {
            text.extend_from_slice(bytes);
            Ok(())
        };
        run(client.retrieve(1, &mut take, trace))?;
        run(client.top(1, 0, &mut take, trace))?;
        let refused = run(client.retrieve(2, &mut take, trace)).map_err(|error| error.kind());
        run(client.quit(trace)).map(|()| (String::from_utf8(text).unwrap(), refused))
    });
    assert_eq!(outcome, Ok(("a\r\n.b\r\n..\r\na\r\n\r\n".to_owned(), Err(Kind::Server))));
}

#[test]
fn many_messages_one_by_one_and_ahead() {
    let _cache = server_cache::tests::alone();
    let delivered = vec!["1: one\r\n".to_owned(), "2: Server".to_owned(), "3: three\r\n".to_owned()];
    let one_by_one = "C: RETR 1\nS: +OK\nS: one\nS: .\nC: DELE 1\nS: +OK\nC: RETR 2\nS: -ERR no\n\
                      C: RETR 3\nS: +OK\nS: three\nS: .\nC: DELE 3\nS: +OK\n";
    let outcome = session("USER", &format!("{one_by_one}{QUIT}"), &retrieve_all(true));
    assert_eq!(outcome, Ok((delivered.clone(), 2)));
    // no deletion goes behind a message that is still to come
    let ahead = "C: RETR 1\nC: RETR 2\nC: RETR 3\nS: +OK\nS: one\nS: .\nS: -ERR no\nS: +OK\nS: three\nS: .\n\
                 C: DELE 1\nC: DELE 3\nS: +OK\nS: +OK\n";
    let transcript = format!("{GREETING}{}{LOG_IN_AHEAD}{ahead}{QUIT}", capa("USER|PIPELINING"));
    assert_eq!(play_all(&options, &[&transcript], &retrieve_all(true)), Ok((delivered, 2)));
    let (_, log, _) = play(&options(), &[Script::parse(&transcript)], 1, None, &retrieve_all(true));
    assert_eq!(log.borrow().ahead.escape_ascii().to_string(), "");
}

/// A session behind a log-in, with a server that takes commands ahead, whose other capabilities these are.
fn session_ahead<T: PartialEq + std::fmt::Debug>(
    capabilities: &str,
    lines: &str,
    work: &dyn Fn(Client, &mut Trace<'_>) -> Result<T>,
) -> Result<T, Kind> {
    let capabilities = capa(&format!("USER|PIPELINING{capabilities}"));
    play_all(&options, &[&format!("{GREETING}{capabilities}{LOG_IN_AHEAD}{lines}")], work)
}

fn tops(mut client: Client, trace: &mut Trace<'_>) -> Result<(Vec<String>, i32)> {
    let mut delivered = Delivered::default();
    let bulk = run(client.tops_many([3, 1, 2].into_iter(), 1, &mut delivered, trace))?;
    run(client.quit(trace)).map(|()| (delivered.messages, bulk.delivered))
}

#[test]
fn many_tops_one_by_one_and_ahead() {
    let _cache = server_cache::tests::alone();
    let delivered = (vec!["3: a\r\n\r\n.b\r\n".to_owned(), "1: Server".to_owned(), "2: c\r\n".to_owned()], 2);
    let one_by_one = "C: TOP 3 1\nS: +OK\nS: a\nS: \nS: ..b\nS: .\nC: TOP 1 1\nS: -ERR no\n\
                      C: TOP 2 1\nS: +OK\nS: c\nS: .\n";
    // that one has come shows that the server has the command, listed or not
    for capabilities in ["USER|TOP", "USER"] {
        assert_eq!(session(capabilities, &format!("{one_by_one}{QUIT}"), &tops), Ok(delivered.clone()));
    }
    // some servers announce the size of the message, not that of its top: then the refusal is of the next all the same
    for announced in ["", " 120 octets"] {
        let ahead = format!(
            "C: TOP 3 1\nC: TOP 1 1\nC: TOP 2 1\n\
             S: +OK{announced}\nS: a\nS: \nS: ..b\nS: .\nS: -ERR no\nS: +OK\nS: c\nS: .\n"
        );
        assert_eq!(session_ahead("|TOP", &format!("{ahead}{QUIT}"), &tops), Ok(delivered.clone()));
    }
}

#[test]
fn many_tops_of_a_server_that_has_none() {
    let _cache = server_cache::tests::alone();
    let lines = "C: TOP 3 1\nC: TOP 1 1\nC: TOP 2 1\nS: -ERR what\nS: -ERR [SYS/TEMP] what\nS: -ERR what\n";
    let refused = ["3: Unsupported", "1: Temporary", "2: Unsupported"].map(str::to_owned);
    assert_eq!(session_ahead("", &format!("{lines}{QUIT}"), &tops), Ok((refused.to_vec(), 0)));
}

fn deletions(mut client: Client, trace: &mut Trace<'_>) -> Result<(i32, Option<String>, i32)> {
    let bulk = run(client.delete_many(vec![5, 9, 1, 8, 2], trace))?;
    // those marked as deleted are counted too, where the server leaves them out
    let count = run(client.message_count(trace))?;
    let refusal = bulk.not_marked.map(|error| format!("{:?}: {error}", error.kind()));
    run(client.quit(trace)).map(|()| (bulk.marked, refusal, count))
}

#[test]
fn many_deletions_one_by_one_and_ahead() {
    let _cache = server_cache::tests::alone();
    let stat = "C: STAT\nS: +OK 4 40\n";
    let outcome = (3, Some("Server: DELE 9 was refused; the server said: -ERR no".to_owned()), 7);
    let one_by_one = "C: DELE 5\nS: +OK\nC: DELE 9\nS: -ERR no\nC: DELE 1\nS: +OK\n\
                      C: DELE 8\nS: -ERR [SYS/TEMP] later\nC: DELE 2\nS: +OK\n";
    assert_eq!(session("USER", &format!("{one_by_one}{stat}{QUIT}"), &deletions), Ok(outcome.clone()));
    // a line that ends a list is passed over behind each answer of one line
    for dot in ["", "S: .\n"] {
        let ahead = format!(
            "C: DELE 5\nC: DELE 9\nC: DELE 1\nC: DELE 8\nC: DELE 2\n\
             S: +OK\n{dot}S: -ERR no\n{dot}S: +OK\n{dot}S: -ERR [SYS/TEMP] later\n{dot}S: +OK\n"
        );
        assert_eq!(session_ahead("", &format!("{ahead}{stat}{QUIT}"), &deletions), Ok(outcome.clone()));
    }
}

/// So many commands that they come in several windows: what comes of them is in order.
#[test]
fn deletions_and_tops_of_several_windows() {
    let _cache = server_cache::tests::alone();
    let numbers = || 1..251;
    let (mut steps, mut unanswered) = (String::new(), 0);
    // as soon as half a window is answered that much is asked for again
    let mut asked = numbers();
    for number in numbers() {
        if unanswered <= 50 {
            for more in asked.by_ref().take(100 - unanswered) {
                steps += &format!("C: DELE {more}\n");
                unanswered += 1;
            }
        }
        steps += if number % 7 == 0 { "S: -ERR no\n" } else { "S: +OK\n" };
        unanswered -= 1;
    }
    let transcript = |steps: &str| [GREETING, &capa("USER|TOP|PIPELINING"), LOG_IN_AHEAD, steps, QUIT].concat();
    let (result, _, _) = play(&options(), &[Script::parse(&transcript(&steps))], 7, None, &|mut client, trace| {
        let bulk = run(client.delete_many(numbers().collect(), trace))?;
        run(client.quit(trace)).map(|()| (bulk.marked, bulk.not_marked.unwrap().to_string()))
    });
    assert_eq!(result.unwrap(), (215, "DELE 7 was refused; the server said: -ERR no".to_owned()));
    // and of small tops
    let steps = steps.replace("DELE ", "TOP ").replace("S: +OK\n", "S: +OK\nS: x\nS: .\n");
    let steps: String =
        steps.lines().map(|line| format!("{line}{}\n", if line.contains("TOP") { " 0" } else { "" })).collect();
    let (result, _, _) = play(&options(), &[Script::parse(&transcript(&steps))], 7, None, &|mut client, trace| {
        let mut delivered = Delivered::default();
        let bulk = run(client.tops_many(numbers(), 0, &mut delivered, trace))?;
        run(client.quit(trace)).map(|()| (bulk.delivered, delivered.messages))
    });
    let expected = numbers().map(|number| format!("{number}: {}", if number % 7 == 0 { "Server" } else { "x\r\n" }));
    assert_eq!(result.unwrap(), (215, expected.collect()));
}

/// A server that lists PIPELINING and breaks at it is asked one by one from then on, whatever was asked.
#[test]
fn a_bulk_that_failed_ahead_goes_one_by_one_from_then_on() {
    let _cache = server_cache::tests::alone();
    let options = options();
    let greeting = [GREETING, &capa("USER|TOP|PIPELINING")].concat();
    let delete = |mut client: Client, trace: &mut Trace<'_>| {
        let bulk = run(client.delete_many(vec![1, 2], trace))?;
        run(client.quit(trace)).map(|()| bulk.marked)
    };
    let top = |mut client: Client, trace: &mut Trace<'_>| {
        let bulk = run(client.tops_many(1..3, 0, &mut Delivered::default(), trace))?;
        run(client.quit(trace)).map(|()| bulk.delivered)
    };
    let play = |lines: &str, work: &dyn Fn(Client, &mut Trace<'_>) -> Result<i32>| {
        let script = [Script::parse(&[&greeting, lines].concat())];
        let (result, _, _) = play(&options, &script, usize::MAX, None, work);
        result.map_err(|error| error.kind())
    };
    let closed = Err(Kind::ConnectionLost);
    let one_by_one = [USER, "C: DELE 1\nS: +OK\nC: DELE 2\nS: +OK\n", QUIT].concat();
    assert_eq!(play(&[LOG_IN_AHEAD, "C: DELE 1\nC: DELE 2\nS: +OK\n"].concat(), &delete), closed);
    assert_eq!(play(&one_by_one, &delete), Ok(2));
    server_cache::forget_all();
    assert_eq!(play(&[LOG_IN_AHEAD, "C: TOP 1 0\nC: TOP 2 0\nS: +OK\nS: .\n"].concat(), &top), closed);
    assert_eq!(play(&one_by_one, &delete), Ok(2));
}

/// After each of these nothing more may be asked of the session.
#[test]
fn what_ends_a_session() {
    let _cache = server_cache::tests::alone();
    let stat = |lines: &str| {
        session("USER", lines, &|mut client, trace| {
            let error = run(client.stat(trace)).err().unwrap();
            assert!(error.ends_session());
            Err::<(), _>(error)
        })
    };
    assert_eq!(stat("C: STAT\n"), Err(Kind::ConnectionLost));
    assert_eq!(stat("C: STAT\nSILENCE\n"), Err(Kind::Timeout));
    assert_eq!(stat("C: STAT\nS: what\n"), Err(Kind::BadFormat));
    // what came for nobody, and a line without end
    let long = format!("C: STAT\nS: +OK {}\n", "x".repeat(70_000));
    for (lines, kind) in [
        ("S: +OK 7 7\nC: STAT\nS: +OK 2 320\n", Kind::BadFormat),
        ("S: -ERR idle for too long\n", Kind::ConnectionLost),
        (&long, Kind::Limit),
    ] {
        let transcript = [GREETING, &capa("USER"), USER, lines].concat();
        let (result, _, _) = play(&options(), &[Script::parse(&transcript)], usize::MAX, None, &|mut client, trace| {
            run(client.stat(trace)).map(drop)
        });
        let error = result.unwrap_err();
        assert!(error.kind() == kind && error.ends_session(), "{error}");
    }
}

/// Whether a server pipelines after the log-in is asked in passing: it may take a part of the timeout, whatever trickles.
#[test]
fn a_trickle_is_not_waited_for() {
    let _cache = server_cache::tests::alone();
    let lines = format!("{GREETING}{}{USER}C: CAPA\nTRICKLE\n", capa("USER"));
    let (result, log, _) = play(&options(), &[Script::parse(&lines)], usize::MAX, None, &|mut client, trace| {
        run(client.retrieve_many(1..21, false, &mut Delivered::default(), trace)).map(drop)
    });
    assert_eq!(result.unwrap_err().kind(), Kind::Timeout);
    assert!(log.borrow().received[0].ends_with(b"CAPA\r\nLIST 1\r\n"));
}

#[test]
fn progress_is_of_the_message() {
    let _cache = server_cache::tests::alone();
    let lines = format!("{GREETING}{}{USER}C: RETR 1\nS: +OK 8 octets\nS: one\nS: two\nS: .\n{QUIT}", capa("USER"));
    let (result, log, _) = play(&options(), &[Script::parse(&lines)], usize::MAX, None, &|mut client, trace| {
        run(client.retrieve(1, |_| Ok(()), trace))?;
        run(client.quit(trace))
    });
    result.unwrap();
    let progress = log.borrow().progress.clone();
    assert_eq!(progress.first(), Some(&(0, Some(8))));
    assert!(
        progress.windows(2).all(|pair| pair[0].0 <= pair[1].0) && progress.contains(&(10, Some(8))),
        "{progress:?}"
    );
}

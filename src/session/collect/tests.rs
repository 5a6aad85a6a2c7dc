//! Runs with servers in memory.

use std::sync::atomic::{AtomicU16, Ordering};

use super::*;
use crate::book::{Age, Known, RunBook};
use crate::drive::blocking::run;
use crate::drive::script::{Log, Script, Step};
use crate::net::address::Server;
use crate::options::Secure;
use crate::proto::auth::Credentials;

/// Of a server that no other test connects to, since what is remembered of servers is the process's.
fn options() -> Options {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let server = Server::parse(b"collect.test", NEXT.fetch_add(1, Ordering::Relaxed)).unwrap();
    Options { capabilities: false, ..Options::new(server, Secure::No, Credentials::new(b"tim", b"pw").unwrap()) }
}

/// Writes down what it gets.
#[derive(Default)]
struct Takes {
    said: Vec<String>,
    message: Vec<u8>,
    unwanted: Vec<i32>,
}

impl Host for Takes {
    fn wants(&mut self, arrival: &Arrival) -> bool {
        !self.unwanted.contains(&arrival.number)
    }

    fn piece(&mut self, _: &Arrival, bytes: &[u8]) -> Result<()> {
        self.message.extend_from_slice(bytes);
        Ok(())
    }

    fn whole(&mut self, arrival: &Arrival) -> Result<()> {
        let message = String::from_utf8(mem::take(&mut self.message)).unwrap().replace("\r\n", "|");
        self.said.push(format!("{} {}: {message}", arrival.name.uid.to_str().unwrap(), arrival.octets));
        Ok(())
    }

    fn failed(&mut self, arrival: &Arrival, error: &Error) -> Result<()> {
        self.message.clear();
        self.said.push(format!("{} {:?}", arrival.name.uid.to_str().unwrap(), error.kind()));
        Ok(())
    }
}

struct Ran {
    result: Result<(), Kind>,
    outcome: Outcome,
    said: Vec<String>,
    log: Log,
}

/// A run with servers of these transcripts behind the log-in, one a connection.
fn play(job: &Job, book: &mut dyn Book, host: &mut Takes, transcripts: &[&str]) -> Ran {
    const LOG_IN: &str = "S: +OK\nC: USER tim\nS: +OK\nC: PASS pw\nS: +OK\n";
    let connections = transcripts.iter().map(|transcript| Script::parse(&format!("{LOG_IN}{transcript}")));
    play_steps(job, book, host, connections.collect())
}

fn play_steps(job: &Job, book: &mut dyn Book, host: &mut Takes, connections: Vec<Vec<Step>>) -> Ran {
    let mut script = Script::new(connections, Secure::No);
    let log = std::rc::Rc::clone(&script.log);
    let mut outcome = Outcome::default();
    let (options, trace) = (options(), &mut Trace::new(None));
    let result =
        run(collect(&mut script, &options, job, book, host, &mut outcome, trace)).map_err(|error| error.kind());
    drop(script);
    let log = log.take();
    assert_eq!(log.mismatch, None);
    Ran { result, outcome, said: mem::take(&mut host.said), log }
}

const UIDL: &str = "C: UIDL\nS: +OK\nS: 1 a\nS: 2 b\nS: .\n";
const LIST: &str = "C: LIST\nS: +OK\nS: 1 10\nS: 2 20\nS: .\n";
const ONE: &str = "C: RETR 1\nS: +OK\nS: A: 1\nS: \nS: x\nS: .\n";
const TWO: &str = "C: RETR 2\nS: +OK\nS: A: 2\nS: \nS: y\nS: .\n";
const QUIT: &str = "C: QUIT\nS: +OK\n";

fn keeps() -> RunBook {
    RunBook::new(Age::Stays)
}

fn with_book() -> Job {
    Job { has_book: true, ..Job::default() }
}

#[test]
fn what_a_run_says() {
    let (mut book, mut host) = (keeps(), Takes::default());
    let ran = play(&with_book(), &mut book, &mut host, &[&format!("{UIDL}{LIST}{ONE}{TWO}{QUIT}")]);
    assert_eq!((ran.result, &ran.said[..]), (Ok(()), &["a 10: A: 1||x|".to_owned(), "b 20: A: 2||y|".to_owned()][..]));
    assert_eq!(ran.outcome, Outcome { taken: 2, octets: 22, ..Outcome::default() });
    let ran = play(&with_book(), &mut book, &mut host, &[&format!("{UIDL}{QUIT}")]);
    assert_eq!((ran.result, ran.outcome), (Ok(()), Outcome::default()));
}

/// One has the id of one that was taken, then only that is left, then it is gone and there is a third.
#[test]
fn an_id_that_is_used_again() {
    let (mut book, mut host) = (keeps(), Takes::default());
    let list = |count: i32| {
        let lines = |what: &str| (1..=count).map(|number| format!("S: {number} {what}\n")).collect::<String>();
        (format!("C: UIDL\nS: +OK\n{}S: .\n", lines("a")), format!("C: LIST\nS: +OK\n{}S: .\n", lines("10")))
    };
    let top = |number: i32, header: &str| format!("C: TOP {number} 0\nS: +OK\nS: A: {header}\nS: \nS: .\n");
    let retr = |number: i32, header: &str| format!("C: RETR {number}\nS: +OK\nS: A: {header}\nS: \nS: x\nS: .\n");
    let mut said = |transcript: &str| play(&with_book(), &mut book, &mut host, &[transcript]).said;
    let ((one, one_size), (two, two_sizes)) = (list(1), list(2));

    assert_eq!(said(&format!("{one}{one_size}{}{QUIT}", retr(1, "1"))), ["a 10: A: 1||x|"]);
    let both = format!("{two}{two_sizes}{}{}", top(1, "1"), top(2, "2"));
    assert_eq!(said(&format!("{both}{}{QUIT}", retr(2, "2"))), ["a 10: A: 2||x|"]);
    assert_eq!(said(&format!("{both}{QUIT}")), [""; 0]);
    assert_eq!(said(&format!("{one}{one_size}{}{QUIT}", top(1, "2"))), [""; 0]);
    assert_eq!(said(&format!("{one}{one_size}{}{}{QUIT}", top(1, "3"), retr(1, "3"))), ["a 10: A: 3||x|"]);
    // two that look the same are two
    let twins = format!("{two}{two_sizes}{}{}", top(1, "4"), top(2, "4"));
    assert_eq!(said(&format!("{twins}{}{}{QUIT}", retr(1, "4"), retr(2, "4"))), ["a 10: A: 4||x|", "a 10: A: 4||x|"]);
    assert_eq!(said(&format!("{twins}{QUIT}")), [""; 0]);
}

/// Whatever has come when nothing comes any more, the next run takes the rest, and that alone.
#[test]
fn cut_after_each_octet() {
    let log_in = "S: +OK\nC: USER tim\nS: +OK\nC: PASS pw\nS: +OK\n";
    let deletions = format!("C: DELE 1\nS: +OK\nC: DELE 2\nS: +OK\n{QUIT}");
    let whole = Script::parse(&format!("{log_in}{UIDL}{LIST}{ONE}{TWO}{deletions}"));
    let octets = whole.iter().map(|step| if let Step::Sends(said) = step { said.len() } else { 0 }).sum::<usize>();
    let job = Job { deletes: true, has_book: true, ..Job::default() };
    let mut seen = [0; 3];
    for cut in 0..octets {
        let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
        let ran = play_steps(&job, &mut book, &mut host, vec![cut_off(&whole, cut)]);
        assert!(ran.result.is_err(), "cut after {cut}");
        let mut taken: Vec<_> = ran.said.into_iter().filter(|said| said.contains(':')).collect();
        seen[taken.len()] += 1;
        let rest = match taken.len() {
            0 => format!("{LIST}{ONE}{TWO}"),
            1 => format!("{LIST}{TWO}"),
            _ => String::new(),
        };
        let ran = play(&job, &mut book, &mut host, &[&format!("{UIDL}{rest}{deletions}")]);
        assert_eq!((ran.result, ran.outcome.deleted), (Ok(()), 2));
        taken.extend(ran.said);
        assert_eq!(taken, ["a 10: A: 1||x|", "b 20: A: 2||y|"], "cut after {cut}");
    }
    assert!(seen.iter().all(|times| *times > 5), "{seen:?}");
}

fn cut_off(steps: &[Step], mut left: usize) -> Vec<Step> {
    let mut cut = Vec::new();
    for step in steps {
        match step {
            Step::Sends(said) if said.len() > left => {
                cut.push(Step::Sends(said[..left].to_vec()));
                return cut;
            }
            Step::Sends(said) => left -= said.len(),
            _ => {}
        }
        cut.push(step.clone());
    }
    cut
}

#[test]
fn a_mailbox_that_is_locked_after_a_break_is_waited_for() {
    let (mut book, mut host) = (keeps(), Takes::default());
    let broken = format!("{UIDL}{LIST}{ONE}C: RETR 2\nS: +OK\nS: A: 2");
    let locked = "S: +OK\nC: USER tim\nS: +OK\nC: PASS pw\nS: -ERR [IN-USE] locked\n";
    let mut connections = vec![Script::parse(&format!("S: +OK\nC: USER tim\nS: +OK\nC: PASS pw\nS: +OK\n{broken}"))];
    connections.extend([Script::parse(locked), Script::parse(locked)]);
    let list_two = "C: LIST\nS: +OK\nS: 1 10\nS: 2 20\nS: .\n";
    let rest = format!("S: +OK\nC: USER tim\nS: +OK\nC: PASS pw\nS: +OK\n{UIDL}{list_two}{TWO}{QUIT}");
    connections.push(Script::parse(&rest));
    let ran = play_steps(&with_book(), &mut book, &mut host, connections);
    assert_eq!(ran.result, Ok(()));
    assert_eq!(ran.said, ["a 10: A: 1||x|", "b ConnectionLost", "b 20: A: 2||y|"]);
    assert_eq!(ran.outcome, Outcome { taken: 2, octets: 22, reconnects: 1, ..Outcome::default() });
    assert_eq!(ran.log.pauses, [Duration::from_secs(1), Duration::from_secs(2)]);
}

#[test]
fn a_server_that_refuses_uidl_is_not_one_without() {
    let (mut book, mut host) = (keeps(), Takes::default());
    // by another id than its own each message would come again
    let ran = play(&with_book(), &mut book, &mut host, &["C: UIDL\nS: -ERR [SYS/TEMP] not now\nSILENCE\n"]);
    assert_eq!((ran.result, ran.said.len()), (Err(Kind::Temporary), 0));
}

#[test]
fn a_refused_deletion_is_told_when_all_is_done() {
    let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
    let job = Job { deletes: true, has_book: true, ..Job::default() };
    let ran = play(
        &job,
        &mut book,
        &mut host,
        &[&format!("{UIDL}{LIST}{ONE}{TWO}C: DELE 1\nS: -ERR no\nC: DELE 2\nS: +OK\n{QUIT}")],
    );
    assert_eq!(ran.result, Err(Kind::Server));
    assert_eq!(ran.outcome, Outcome { taken: 2, deleted: 1, octets: 22, ..Outcome::default() });
    let ran = play(
        &job,
        &mut book,
        &mut host,
        &[&format!("{UIDL}C: DELE 1\nS: +OK\nC: DELE 2\nS: +OK\nC: QUIT\nS: -ERR not all\n")],
    );
    assert_eq!((ran.result, ran.outcome.deleted), (Err(Kind::Server), 0));
}

/// A list of so many messages by that command: what it says of each is its number.
fn listing(command: &str, count: i32) -> String {
    let lines: String = (1..=count).map(|number| format!("S: {number} {number}\n")).collect();
    format!("C: {command}\nS: +OK\n{lines}S: .\n")
}

/// These messages, one after the other.
fn messages(from: i32, to: i32) -> String {
    (from..=to).map(|number| format!("C: RETR {number}\nS: +OK\nS: A: {number}\nS: \nS: .\n")).collect()
}

/// The first hundred are marked as deleted, but for one.
fn deletions(refused: i32) -> String {
    let answer = |number| if number == refused { "-ERR no" } else { "+OK" };
    (1..=100).map(|number| format!("C: DELE {number}\nS: {}\n", answer(number))).collect()
}

/// What is refused is not tried again and again, with however much there is to do.
#[test]
fn after_a_refused_deletion_there_is_no_other_session_for_deletions() {
    let job = Job { deletes: true, has_book: true, ..Job::default() };
    let (uids, sizes) = (listing("UIDL", 102), listing("LIST", 102));
    // by DELE: the rest is taken in another session, and not deleted
    let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
    let first = format!("{uids}{sizes}{}{}{QUIT}", messages(1, 100), deletions(7));
    let few = "C: LIST 101\nS: +OK 101 101\nC: LIST 102\nS: +OK 102 102\n";
    let second = format!("{uids}{few}{}{QUIT}", messages(101, 102));
    let ran = play(&job, &mut book, &mut host, &[&first, &second]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.deleted), (Err(Kind::Server), 102, 99));
    // by QUIT, and there is nothing to take
    let ran = play(&job, &mut book, &mut host, &[&format!("{uids}{}C: QUIT\nS: -ERR not all\n", deletions(0))]);
    assert_eq!((ran.result, ran.outcome), (Err(Kind::Server), Outcome::default()));
}

/// Where nothing tells messages apart, those that the server did not delete would come again.
#[test]
fn without_ids_a_refused_deletion_ends_the_run() {
    let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
    let job = Job { deletes: true, ..Job::default() };
    let blind = format!("C: UIDL\nS: -ERR\n{}C: TOP 1 0\nS: -ERR\n", listing("LIST", 101));
    let whole = format!("{blind}{}{}C: QUIT\nS: -ERR not all\n", messages(1, 100), deletions(0));
    let ran = play(&job, &mut book, &mut host, &[&whole]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.deleted), (Err(Kind::Server), 100, 0));
}

#[test]
fn how_much_is_asked_for_by_the_speed() {
    assert_eq!(within_a_third(50_000_000, Duration::from_secs(5)), 100_000_000);
    assert_eq!(within_a_third(1000, Duration::from_secs(5)), FEWEST_OCTETS);
    assert_eq!(within_a_third(u64::MAX, Duration::ZERO), MOST_OCTETS);
}

/// Each of those that cannot be told apart counts for itself.
#[test]
fn messages_without_anything_to_tell_them_apart() {
    let list = "C: LIST\nS: +OK\nS: 1 9\nS: 2 9\nS: 3 9\nS: .\n";
    let top = |number: i32, answer: &str| format!("C: TOP {number} 0\n{answer}");
    // two headers are refused
    let (mut book, mut host) = (keeps(), Takes::default());
    let header = "S: +OK\nS: A: 1\nS: \nS: .\n";
    let headers = format!("{}{}{}", top(1, header), top(2, "S: -ERR no\n"), top(3, "S: -ERR no\n"));
    let one = "C: RETR 1\nS: +OK\nS: A: 1\nS: \nS: .\n";
    let ran = play(&with_book(), &mut book, &mut host, &[&format!("C: UIDL\nS: -ERR\n{list}{headers}{one}{QUIT}")]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.failed), (Ok(()), 1, 2));
    // there is no TOP either, and one message is refused
    let (mut book, mut host) = (keeps(), Takes::default());
    let retrieved = "C: RETR 1\nS: -ERR no\nC: RETR 2\nS: +OK\nS: x\nS: .\nC: RETR 3\nS: -ERR no\n";
    let blind = format!("C: UIDL\nS: -ERR\n{list}{}{retrieved}{QUIT}", top(1, "S: -ERR\n"));
    let ran = play(&Job::default(), &mut book, &mut host, &[&blind]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.failed), (Ok(()), 1, 2));
}

/// What is deleted and what was taken before are a hundred together.
#[test]
fn a_session_takes_no_more_than_it_deletes() {
    let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
    for number in 1..=60 {
        let look = Look { octets: None, header: None };
        book.add(&Taken { uid: number.to_string().as_bytes(), look, copy: None }).unwrap();
    }
    let lists = format!("{}{}", listing("UIDL", 102), listing("LIST", 102));
    let first = format!("{lists}{}{}{QUIT}", messages(61, 100), deletions(0));
    let left = "C: UIDL\nS: +OK\nS: 1 101\nS: 2 102\nS: .\nC: LIST\nS: +OK\nS: 1 9\nS: 2 9\nS: .\n";
    let second = format!("{left}{}C: DELE 1\nS: +OK\nC: DELE 2\nS: +OK\n{QUIT}", messages(1, 2));
    let job = Job { deletes: true, has_book: true, ..Job::default() };
    let ran = play(&job, &mut book, &mut host, &[&first, &second]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.deleted), (Ok(()), 42, 102));
}

/// Messages of which each is asked for alone are taken in one session all the same, while its time lasts.
#[test]
fn large_messages_are_deleted_together() {
    let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
    let sizes = "C: LIST\nS: +OK\nS: 1 3000000\nS: 2 3000000\nS: .\n";
    let deletions = "C: DELE 1\nS: +OK\nC: DELE 2\nS: +OK\n";
    let job = Job { deletes: true, has_book: true, ..Job::default() };
    let ran = play(&job, &mut book, &mut host, &[&format!("{UIDL}{sizes}{ONE}{TWO}{deletions}{QUIT}")]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.deleted), (Ok(()), 2, 2));
}

#[test]
fn what_is_just_within_the_limits() {
    let whole = format!("{UIDL}{LIST}{ONE}{TWO}{QUIT}");
    let one = format!("{UIDL}{LIST}{ONE}{QUIT}");
    for (octets_each, octets_all, transcript, taken, left) in [
        (Some(20), None, &whole, 2, 0),
        // by what is listed
        (None, Some(30), &whole, 2, 0),
        (None, Some(29), &one, 1, 1),
        // the second is too large for what the first has left
        (None, Some(20), &one, 1, 1),
    ] {
        let (mut book, mut host) = (keeps(), Takes::default());
        let job = Job { octets_each, octets_all, ..with_book() };
        let ran = play(&job, &mut book, &mut host, &[transcript]);
        assert_eq!((ran.result, ran.outcome.taken, ran.outcome.left), (Ok(()), taken, left));
    }
}

/// The first connection too is made once more where it breaks, and only there.
#[test]
fn a_log_in_that_breaks() {
    let log_in = "S: +OK\nC: USER tim\nS: +OK\nC: PASS pw\n";
    let run = |first: &str| {
        let (mut book, mut host) = (keeps(), Takes::default());
        let second = format!("{log_in}S: +OK\n{UIDL}{LIST}{ONE}{TWO}{QUIT}");
        play_steps(&with_book(), &mut book, &mut host, vec![Script::parse(first), Script::parse(&second)])
    };
    let ran = run(log_in);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.reconnects), (Ok(()), 2, 1));
    let ran = run(&format!("{log_in}S: -ERR [AUTH] no\n"));
    assert_eq!((ran.result, ran.outcome.taken, ran.log.received.len()), (Err(Kind::Auth), 0, 1));
}

/// A book whose disk is full at the end.
struct Unsettled(RunBook);

impl Book for Unsettled {
    fn look_up(&mut self, uids: &[&[u8]], shared: &[&[u8]], are_all: bool) -> Result<Vec<Known>> {
        self.0.look_up(uids, shared, are_all)
    }

    fn look_up_shared(&mut self, uid: &[u8], look: &Look, listed: usize) -> Result<Vec<Age>> {
        self.0.look_up_shared(uid, look, listed)
    }

    fn look_up_alone(&mut self, uid: &[u8], header: Option<[u8; 32]>) -> Result<Option<(Option<i64>, Age)>> {
        self.0.look_up_alone(uid, header)
    }

    fn add(&mut self, taken: &Taken<'_>) -> Result<()> {
        self.0.add(taken)
    }

    fn settle(&mut self) -> Result<()> {
        Err(Error::new(Kind::Book, ""))
    }
}

#[test]
fn nothing_is_deleted_that_is_not_on_disk() {
    let (mut book, mut host) = (Unsettled(RunBook::new(Age::Due)), Takes::default());
    let job = Job { deletes: true, has_book: true, ..Job::default() };
    let ran = play(&job, &mut book, &mut host, &[&format!("{UIDL}{LIST}{ONE}{TWO}SILENCE\n")]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.deleted), (Err(Kind::Book), 2, 0));
    let said = String::from_utf8_lossy(&ran.log.received[0]).into_owned();
    assert!(!said.contains("DELE"), "{said}");
}

/// A server that keeps what it says it has deleted is not asked for ever.
#[test]
fn deletions_that_are_confirmed_and_not_done() {
    let (uids, sizes) = (listing("UIDL", 102), listing("LIST", 102));
    let deletions = deletions(0);
    let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
    let first = format!("{uids}{sizes}{}{deletions}{QUIT}", messages(1, 100));
    let few = "C: LIST 101\nS: +OK 101 101\nC: LIST 102\nS: +OK 102 102\n";
    let second = format!("{uids}{few}{}{QUIT}", messages(101, 102));
    let job = Job { deletes: true, has_book: true, ..Job::default() };
    let ran = play(&job, &mut book, &mut host, &[&first, &second]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.deleted), (Err(Kind::Server), 102, 100));

    // without ids they would come again
    let (mut book, mut host) = (RunBook::new(Age::Due), Takes::default());
    let blind = format!("C: UIDL\nS: -ERR\n{sizes}C: TOP 1 0\nS: -ERR\n");
    let first = format!("{blind}{}{deletions}{QUIT}", messages(1, 100));
    let job = Job { deletes: true, ..Job::default() };
    let ran = play(&job, &mut book, &mut host, &[&first, &format!("{blind}{QUIT}")]);
    assert_eq!((ran.result, ran.outcome.taken), (Err(Kind::Server), 100));
}

/// A server that has given unique ids is none without them, whatever it refuses later: all would come again under other ids.
#[test]
fn uidl_that_is_refused_for_once() {
    let (mut book, mut host) = (keeps(), Takes::default());
    let broken = format!("{UIDL}{LIST}{ONE}C: RETR 2\nS: +OK\nS: A: 2");
    let ran = play(&with_book(), &mut book, &mut host, &[&broken, "C: UIDL\nS: -ERR\nSILENCE\n"]);
    assert_eq!((ran.result, ran.outcome.taken), (Err(Kind::Unsupported), 1));
}

/// Of a server without unique ids, the others are taken all the same.
#[test]
fn a_header_without_end_is_given_up() {
    let (mut book, mut host) = (keeps(), Takes::default());
    let begin = format!("S: +OK\nC: USER tim\nS: +OK\nC: PASS pw\nS: +OK\nC: UIDL\nS: -ERR\n{LIST}");
    let mut endless = Script::parse(&format!("{begin}C: TOP 1 0\nS: +OK\n"));
    endless.push(Step::Repeats(b"A: endless\r\n".to_vec(), 64 * 1024 * 1024));
    let last = Script::parse(&format!("{begin}C: TOP 2 0\nS: +OK\nS: A: 2\nS: \nS: .\n{TWO}{QUIT}"));
    let ran = play_steps(&with_book(), &mut book, &mut host, vec![endless.clone(), endless, last]);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.failed), (Ok(()), 1, 1));
    assert_eq!(ran.said[0], " ConnectionLost");
    assert!(ran.said[1].ends_with(" 20: A: 2||y|"), "{:?}", ran.said);
}

/// Headers that break the connection, each twice, are done without: of messages that share a unique id the size tells which
/// was taken.
#[test]
fn headers_that_break_the_connection() {
    let (mut book, mut host) = (keeps(), Takes::default());
    let shared = format!("C: UIDL\nS: +OK\nS: 1 a\nS: 2 a\nS: .\n{LIST}");
    let first = format!("{shared}C: TOP 1 0\n");
    let second = format!("{shared}C: TOP 2 0\nS: +OK\nS: A");
    let ran = play(
        &with_book(),
        &mut book,
        &mut host,
        &[&first, &first, &second, &second, &format!("{shared}{ONE}{TWO}{QUIT}")],
    );
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.reconnects), (Ok(()), 2, 4));
    let again = [&first[..], &first, &second, &second, &format!("{shared}{QUIT}")];
    let ran = play(&with_book(), &mut book, &mut host, &again);
    assert_eq!((ran.result, ran.outcome.taken, ran.outcome.failed), (Ok(()), 0, 0));
}

/// One message was taken, then another one has its id and its header, but not its size: it is new.
#[test]
fn another_one_with_the_same_header() {
    let (mut book, mut host) = (keeps(), Takes::default());
    let message = |number: i32, body: &str| format!("C: RETR {number}\nS: +OK\nS: A: 1\nS: \nS: {body}\nS: .\n");
    let first = format!("C: UIDL\nS: +OK\nS: 1 a\nS: .\nC: LIST\nS: +OK\nS: 1 11\nS: .\n{}{QUIT}", message(1, "x"));
    assert_eq!(play(&with_book(), &mut book, &mut host, &[&first]).said, ["a 11: A: 1||x|"]);
    let top = |number: i32| format!("C: TOP {number} 0\nS: +OK\nS: A: 1\nS: \nS: .\n");
    let both = "C: UIDL\nS: +OK\nS: 1 a\nS: 2 a\nS: .\nC: LIST\nS: +OK\nS: 1 9\nS: 2 11\nS: .\n";
    let second = format!("{both}{}{}{}{QUIT}", top(1), top(2), message(1, ""));
    assert_eq!(play(&with_book(), &mut book, &mut host, &[&second]).said, ["a 9: A: 1|||"]);
    let third = format!("{both}{}{}{QUIT}", top(1), top(2));
    assert_eq!(play(&with_book(), &mut book, &mut host, &[&third]).said, [""; 0]);
}

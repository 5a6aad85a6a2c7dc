//! Happy Eyeballs (RFC 8305): which address of a server is tried when, and what has come of each. Whoever drives it has
//! the sockets, waits for them and says what time it is.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::slice;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::net::{Deadline, is_exhausted, timed_out};

/// How many are tried side by side: as many descriptors of the host's are taken at once.
const MAX_PENDING: usize = 8;

/// How many failures an error tells.
const MAX_TOLD: usize = 8;

/// How long an address may stay silent before the next is tried beside it (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The attempts to connect to a server, each by a socket `S`.
///
/// Each address that stays silent for `ATTEMPT_DELAY` (less if the deadline would not leave time for all) gets
/// company of the next one, so that one dead address does not use up the time of all. Of [`MAX_PENDING`] that are
/// silent the one that has been so for longest makes room for the next, so that each has its turn before the deadline;
/// the last ones are waited for until then.
pub struct Attempts<'a, S> {
    untried: slice::Iter<'a, SocketAddr>,
    pending: VecDeque<(S, SocketAddr)>,
    failures: Failures,
    deadline: Deadline,
    next_attempt: Instant,
    /// Whether those pending have been waited for since the last attempt began.
    has_waited: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// To begin to connect to that address, and to tell it ([`Attempts::begun`]).
    Begin(SocketAddr),
    /// To wait for an outcome of one that is pending, at most that long.
    Wait(Duration),
}

impl<'a, S> Attempts<'a, S> {
    /// Of these addresses, in that order.
    pub fn new(addresses: &'a [SocketAddr], deadline: Deadline, now: Instant) -> Attempts<'a, S> {
        Attempts {
            untried: addresses.iter(),
            pending: VecDeque::with_capacity(MAX_PENDING),
            failures: Failures::default(),
            deadline,
            next_attempt: now,
            has_waited: false,
        }
    }

    /// What is to be done next; an error once all have failed, or the deadline has passed. The socket of an attempt
    /// that has lost its place is dropped.
    pub fn next_step(&mut self, now: Instant) -> Result<Step> {
        // on a machine that is late one attempt after the other is due, but each has its chance to be answered
        if self.pending.is_empty() || self.has_waited && now >= self.next_attempt {
            if let Some(address) = self.untried.next() {
                if self.pending.len() == MAX_PENDING {
                    let oldest = self.pending.pop_front();
                    oldest.into_iter().for_each(|(_, address)| self.failures.tell(&address, &"no answer"));
                }
                self.has_waited = false;
                return Ok(Step::Begin(*address));
            }
        }
        if self.pending.is_empty() {
            return Err(self.failures.error());
        }
        let left = self.deadline.remaining_at(now).ok_or_else(|| self.failures.timed_out())?;
        let until_next = if self.untried.len() > 0 { self.next_attempt.saturating_duration_since(now) } else { left };
        self.has_waited = true;
        Ok(Step::Wait(left.min(until_next)))
    }

    /// It has been begun to connect to that address, or why not.
    pub fn begun(&mut self, address: SocketAddr, socket: io::Result<S>, now: Instant) {
        match socket {
            Ok(socket) => self.pending.push_back((socket, address)),
            Err(error) => self.failures.add(&address, &error),
        }
        // anew each time: a busy machine is late for some
        let left = self.deadline.remaining_at(now).unwrap_or_default();
        let share = left / u32::try_from(self.untried.len() + 1).unwrap_or(u32::MAX);
        self.next_attempt = now + ATTEMPT_DELAY.min(share);
    }

    /// The sockets of the attempts that are pending.
    pub fn pending(&self) -> impl Iterator<Item = &S> {
        self.pending.iter().map(|(socket, _)| socket)
    }

    /// Takes one of them out, which has an outcome. That it is a bad one is to be told ([`Attempts::failed`]).
    pub fn take(&mut self, index: usize) -> Option<(S, SocketAddr)> {
        self.pending.remove(index)
    }

    /// An attempt has failed, so that the next is due.
    pub fn failed(&mut self, address: &SocketAddr, error: &io::Error, now: Instant) {
        self.failures.add(address, error);
        self.next_attempt = now;
    }
}

/// Why the addresses tried so far failed.
#[derive(Default)]
struct Failures {
    text: String,
    count: usize,
    exhausted: bool,
}

impl Failures {
    fn add(&mut self, address: &SocketAddr, error: &io::Error) {
        self.exhausted |= is_exhausted(error);
        self.tell(address, error);
    }

    fn tell(&mut self, address: &SocketAddr, why: &dyn fmt::Display) {
        self.count += 1;
        if self.count > MAX_TOLD {
            return;
        }
        if self.count > 1 {
            self.text.push_str("; ");
        }
        self.text.push_str(&format!("{address}: {why}"));
    }

    fn text(&self) -> String {
        match self.count.saturating_sub(MAX_TOLD) {
            0 => self.text.clone(),
            more => format!("{}; and {more} more", self.text),
        }
    }

    fn error(&self) -> Error {
        let kind = if self.exhausted { Kind::OutOfMemory } else { Kind::Connect };
        Error::new(kind, format!("cannot connect: {}", self.text()))
    }

    fn timed_out(&self) -> Error {
        match self.count {
            0 => timed_out().during("connecting"),
            _ => timed_out().during(&format!("connecting ({})", self.text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::socket::EXHAUSTED;

    /// Attempts whose sockets are the last octets of their addresses, and a clock.
    struct Run<'a> {
        attempts: Attempts<'a, u8>,
        now: Instant,
    }

    impl Run<'_> {
        fn new(addresses: &[SocketAddr], time: Duration) -> Run<'_> {
            let now = Instant::now();
            Run { attempts: Attempts::new(addresses, Deadline(now).later(time), now), now }
        }

        fn pass(&mut self, milliseconds: u64) {
            self.now += ms(milliseconds);
        }

        fn next(&mut self) -> Result<Step> {
            self.attempts.next_step(self.now)
        }

        /// Which is the next attempt, which then begins.
        fn begins(&mut self) -> u8 {
            let (octet, address) = self.next_attempt();
            self.attempts.begun(address, Ok(octet), self.now);
            octet
        }

        /// Which is the next attempt, which cannot even begin.
        fn fails_to_begin(&mut self) -> u8 {
            let (octet, address) = self.next_attempt();
            self.attempts.begun(address, Err(refused()), self.now);
            octet
        }

        fn next_attempt(&mut self) -> (u8, SocketAddr) {
            match self.next().unwrap() {
                Step::Begin(address @ SocketAddr::V4(four)) => (four.ip().octets()[3], address),
                step => panic!("no attempt: {step:?}"),
            }
        }

        fn waits(&mut self) -> Duration {
            match self.next().unwrap() {
                Step::Wait(time) => time,
                step => panic!("no wait: {step:?}"),
            }
        }

        /// That one of those pending has failed by that error.
        fn fails(&mut self, octet: u8, error: &io::Error) {
            let index = self.pending().iter().position(|pending| *pending == octet).unwrap();
            let (socket, address) = self.attempts.take(index).unwrap();
            assert_eq!(socket, octet);
            self.attempts.failed(&address, error, self.now);
        }

        fn pending(&self) -> Vec<u8> {
            self.attempts.pending().copied().collect()
        }

        fn error(&mut self) -> Error {
            self.next().unwrap_err()
        }
    }

    fn addresses(count: u8) -> Vec<SocketAddr> {
        (1..=count).map(|octet| SocketAddr::from(([192, 0, 2, octet], 110))).collect()
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    #[test]
    fn a_silent_one_gets_company() {
        let addresses = addresses(3);
        let mut run = Run::new(&addresses, ms(10_000));
        assert_eq!((run.begins(), run.waits()), (1, ms(250)));
        run.pass(100);
        assert_eq!(run.waits(), ms(150));
        run.pass(149);
        assert_eq!(run.waits(), ms(1));
        run.pass(1);
        assert_eq!((run.begins(), run.waits()), (2, ms(250)));
        run.pass(250);
        // the last ones are waited for until the deadline
        assert_eq!((run.begins(), run.waits()), (3, ms(9500)));
        assert_eq!(run.pending(), [1, 2, 3]);
        run.pass(9499);
        assert_eq!(run.waits(), ms(1));
        run.pass(1);
        let error = run.error();
        assert_eq!(error.kind(), Kind::Timeout);
        assert_eq!(error.to_string(), "connecting: no answer within the timeout");
    }

    #[test]
    fn all_have_their_turn_before_the_deadline() {
        let addresses = addresses(4);
        let mut run = Run::new(&addresses, ms(400));
        assert_eq!((run.begins(), run.waits()), (1, ms(100)));
        // what one is late for is taken from all
        run.pass(160);
        assert_eq!((run.begins(), run.waits()), (2, ms(80)));
        run.pass(80);
        assert_eq!((run.begins(), run.waits()), (3, ms(80)));
        run.pass(80);
        assert_eq!((run.begins(), run.waits()), (4, ms(80)));
    }

    #[test]
    fn of_eight_that_are_silent_the_oldest_makes_room() {
        let addresses = addresses(10);
        let mut run = Run::new(&addresses, ms(60_000));
        for octet in 1..=8 {
            assert_eq!((run.begins(), run.waits()), (octet, ms(250)));
            run.pass(250);
        }
        assert_eq!(run.pending(), [1, 2, 3, 4, 5, 6, 7, 8]);
        // before the next begins, or there would be nine descriptors
        assert_eq!(run.next_attempt().0, 9);
        assert_eq!(run.pending(), [2, 3, 4, 5, 6, 7, 8]);
        run.attempts.begun(addresses[8], Ok(9), run.now);
        assert_eq!(run.waits(), ms(250));
        run.pass(250);
        assert_eq!((run.begins(), run.waits()), (10, ms(57_750)));
        assert_eq!(run.pending(), [3, 4, 5, 6, 7, 8, 9, 10]);
        run.pass(57_750);
        let told = "connecting (192.0.2.1:110: no answer; 192.0.2.2:110: no answer): no answer within the timeout";
        assert_eq!(run.error().to_string(), told);
    }

    #[test]
    fn after_a_failure_the_next_is_due() {
        let addresses = addresses(3);
        let mut run = Run::new(&addresses, ms(10_000));
        assert_eq!((run.begins(), run.waits()), (1, ms(250)));
        run.pass(250);
        assert_eq!((run.begins(), run.waits()), (2, ms(250)));
        run.pass(10);
        run.fails(1, &refused());
        assert_eq!((run.begins(), run.waits()), (3, ms(9740)));
        assert_eq!(run.pending(), [2, 3]);
        run.fails(3, &refused());
        // no address is left
        assert_eq!((run.waits(), run.pending()), (ms(9740), vec![2]));
        run.fails(2, &refused());
        assert_eq!(run.error().kind(), Kind::Connect);
    }

    #[test]
    fn one_that_cannot_begin_is_passed_over() {
        let addresses = addresses(4);
        let mut run = Run::new(&addresses, ms(10_000));
        assert_eq!((run.fails_to_begin(), run.begins(), run.waits()), (1, 2, ms(250)));
        run.pass(250);
        // the one that is pending keeps its chance
        assert_eq!((run.fails_to_begin(), run.waits()), (3, ms(250)));
        run.pass(250);
        assert_eq!((run.begins(), run.pending()), (4, vec![2, 4]));
    }

    #[test]
    fn those_pending_are_waited_for_between_two_attempts_however_late_it_is() {
        let addresses = addresses(3);
        let mut run = Run::new(&addresses, ms(1000));
        assert_eq!(run.begins(), 1);
        run.pass(900);
        assert_eq!((run.waits(), run.begins()), (ms(0), 2));
        run.pass(200);
        assert_eq!(run.error().kind(), Kind::Timeout);
    }

    #[test]
    fn past_the_deadline_all_that_can_be_decided_at_once_are_tried() {
        let addresses = addresses(3);
        let mut run = Run::new(&addresses, ms(0));
        assert_eq!((run.fails_to_begin(), run.begins()), (1, 2));
        let error = run.error();
        assert_eq!(error.kind(), Kind::Timeout);
        assert!(error.to_string().starts_with("connecting (192.0.2.1:110: "), "{error}");
    }

    #[test]
    fn every_failure_is_told_and_what_the_system_lacks() {
        let addresses = addresses(2);
        let mut run = Run::new(&addresses, ms(10_000));
        run.begins();
        run.fails(1, &io::Error::from_raw_os_error(EXHAUSTED[0]));
        run.fails_to_begin();
        let error = run.error();
        assert_eq!(error.kind(), Kind::OutOfMemory);
        assert!(error.to_string().starts_with("cannot connect: 192.0.2.1:110: "), "{error}");
        assert!(error.to_string().contains("; 192.0.2.2:110: "), "{error}");
    }

    #[test]
    fn of_many_failures_the_first_are_told() {
        let addresses = addresses(64);
        let mut run = Run::new(&addresses, ms(10_000));
        (1..=64).for_each(|octet| assert_eq!(run.fails_to_begin(), octet));
        let error = run.error();
        assert_eq!(error.kind(), Kind::Connect);
        assert_eq!(error.to_string().matches("192.0.2.").count(), 8);
        assert!(error.to_string().ends_with("; and 56 more"), "{error}");
    }

    #[test]
    fn no_address_is_an_error() {
        assert_eq!(Run::new(&[], ms(10_000)).error().kind(), Kind::Connect);
    }
}

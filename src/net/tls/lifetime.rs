//! For how long a TLS session may be resumed.

use std::time::{Duration, Instant, SystemTime};

/// The longest, whatever the certificates say: a certificate that was withdrawn is not believed for ever.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// From the full handshake that verified the certificates to the day after, or until one of them expires. Resuming does
/// not begin it anew.
///
/// Told by two clocks: the wall clock goes on while the machine sleeps, and the other cannot be set back.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    begin: SystemTime,
    begin_steady: Instant,
    length: Duration,
}

impl Lifetime {
    /// From now on, as long as the certificates hold.
    pub fn new(certificates_hold: Option<Duration>) -> Lifetime {
        let length = certificates_hold.map_or(LONGEST, |hold| hold.min(LONGEST));
        Lifetime { begin: SystemTime::now(), begin_steady: Instant::now(), length }
    }

    /// Whether it has passed.
    pub fn is_over(&self) -> bool {
        self.is_over_at(SystemTime::now(), Instant::now())
    }

    fn is_over_at(&self, now: SystemTime, steady: Instant) -> bool {
        // a wall clock that was set back says nothing any more
        let elapsed = now.duration_since(self.begin).unwrap_or(Duration::MAX);
        elapsed.max(steady.duration_since(self.begin_steady)) >= self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn by_whichever_clock_is_ahead() {
        for (hold, length) in [
            (None, LONGEST),
            (Some(LONGEST * 2), LONGEST),
            (Some(MINUTE * 5), MINUTE * 5),
            (Some(Duration::ZERO), Duration::ZERO),
        ] {
            let lifetime = Lifetime::new(hold);
            let at = |wall, steady| lifetime.is_over_at(lifetime.begin + wall, lifetime.begin_steady + steady);
            assert_eq!(at(Duration::ZERO, Duration::ZERO), length.is_zero());
            if let Some(last) = length.checked_sub(Duration::from_nanos(1)) {
                assert!(!at(last, last));
            }
            assert!(at(length, Duration::ZERO) && at(Duration::ZERO, length));
        }
    }

    #[test]
    fn a_wall_clock_that_was_set_back() {
        let lifetime = Lifetime::new(None);
        assert!(!lifetime.is_over_at(lifetime.begin, lifetime.begin_steady + MINUTE));
        assert!(lifetime.is_over_at(lifetime.begin - MINUTE, lifetime.begin_steady + MINUTE));
    }
}

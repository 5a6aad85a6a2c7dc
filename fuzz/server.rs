//! A server in memory that says what it is given, whatever the client says.

use pop3connect::drive::script::Step;

/// Where a segment ends: the next one is said when a command has come or the client waits for more, since what comes
/// unasked ends a session.
pub const SPLIT: u8 = 0xff;

/// What happens on a connection to it.
pub fn steps(said: &[u8]) -> Vec<Step> {
    let segments = said.split(|byte| *byte == SPLIT);
    segments.flat_map(|segment| [Step::Sends(segment.to_vec()), Step::ExpectsAnything]).collect()
}

//! What a mailbox does wrong, where a test wants that.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Result;
use crate::options::Options;

use super::content::{Content, END};

/// What is wrong with a mailbox, if anything.
pub struct Faults {
    /// Whether UIDL and TOP are known.
    pub has_uidl: bool,
    pub has_top: bool,
    ids: Ids,
    /// The message that does not come, and why.
    bad: u32,
    how: Bad,
    /// After how many replies connections are cut, 0 for never, and how many connections are.
    cut_after: usize,
    cut_connections: AtomicUsize,
}

/// Which unique ids there are.
#[derive(Clone, Copy)]
enum Ids {
    /// Each message has its own.
    Own,
    /// Messages 1 and 2 have the same, 3 and 4, and so on.
    Pairs,
    /// All have the same.
    Same,
    /// Each its own, with a blank in it, or with two, and others before and behind it.
    Blanks,
}

/// What becomes of the bad message.
#[derive(Clone, Copy, PartialEq)]
enum Bad {
    /// The connection is cut in the middle.
    Cut,
    /// It never ends.
    Endless,
    /// It is refused.
    Refused,
}

impl Faults {
    pub fn from_options(options: &mut Options) -> Result<Self> {
        let yes_no = [("yes", true), ("no", false)];
        let ids = [("own", Ids::Own), ("pairs", Ids::Pairs), ("same", Ids::Same), ("blanks", Ids::Blanks)];
        Ok(Self {
            has_uidl: options.choice("uidl", &yes_no)?,
            has_top: options.choice("top", &yes_no)?,
            ids: options.choice("uids", &ids)?,
            bad: options.parsed("bad", 0)?,
            how: options.choice("how", &[("cut", Bad::Cut), ("endless", Bad::Endless), ("refused", Bad::Refused)])?,
            cut_after: options.parsed("cut-after", 0)?,
            cut_connections: AtomicUsize::new(options.parsed("cut-connections", 1)?),
        })
    }

    /// After how many replies a new connection is cut.
    pub fn cut_after(&self) -> Option<usize> {
        let one_less = |left: usize| left.checked_sub(1);
        let is_cut = || self.cut_connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
        (self.cut_after > 0 && is_cut()).then_some(self.cut_after)
    }

    /// Whether a command is one that this mailbox does not know.
    pub fn lacks(&self, verb: &[u8]) -> bool {
        (verb == b"UIDL" && !self.has_uidl) || (verb == b"TOP" && !self.has_top)
    }

    /// The unique id of a message, in the session in which it has that number.
    pub fn uid(&self, number: usize, id: u32) -> String {
        match self.ids {
            Ids::Own => format!("uid-{id}"),
            Ids::Pairs => format!("uid-{}", id.div_ceil(2)),
            Ids::Same => "uid".to_owned(),
            Ids::Blanks if number % 2 == 0 => format!("  Mon  10:{id}  "),
            Ids::Blanks => format!("Mon 10:{id}"),
        }
    }

    /// Answers RETR of the bad message; whether that was it.
    pub fn retrieve(&self, out: &mut impl Write, content: &Content, id: u32) -> io::Result<bool> {
        if id != self.bad {
            return Ok(false);
        }
        if self.how == Bad::Refused {
            out.write_all(b"-ERR this one is broken\r\n")?;
            return Ok(true);
        }
        write!(out, "+OK {} octets\r\n", content.octets())?;
        content.write_top(out, id, 1)?;
        if self.how == Bad::Endless {
            // until the client has enough
            loop {
                out.write_all(b"and so on\r\n")?;
            }
        }
        out.flush()?;
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

/// What a list of unique ids says.
pub fn uidl(out: &mut impl Write, faults: &Faults, messages: impl Iterator<Item = (usize, u32)>) -> io::Result<()> {
    out.write_all(b"+OK\r\n")?;
    for (number, id) in messages {
        write!(out, "{number} {}\r\n", faults.uid(number, id))?;
    }
    out.write_all(END)
}

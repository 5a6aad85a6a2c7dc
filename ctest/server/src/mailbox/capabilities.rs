//! What CAPA lists (RFC 2449).

use std::io::{self, Write};

use super::{Mailbox, Secure};

/// Capabilities whatever the state.
const ALWAYS: &[&str] = &["PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "IMPLEMENTATION pop3-test-server"];

/// Writes the capabilities; those about logging in only as long as that is possible.
pub fn write(out: &mut impl Write, mailbox: &Mailbox, is_tls: bool, logged_in: bool) -> io::Result<()> {
    let commands = [("TOP", mailbox.faults.has_top), ("UIDL", mailbox.faults.has_uidl)];
    let known = commands.iter().filter(|(_, is_known)| *is_known).map(|(command, _)| command);
    for capability in known.chain(ALWAYS) {
        write!(out, "{capability}\r\n")?;
    }
    if logged_in {
        return Ok(());
    }
    if mailbox.user_capability {
        out.write_all(b"USER\r\n")?;
    }
    if !mailbox.sasl.is_empty() {
        write!(out, "SASL {}\r\n", mailbox.sasl.join(" "))?;
    }
    if mailbox.secure == Secure::Stls && !is_tls {
        out.write_all(b"STLS\r\n")?;
    }
    Ok(())
}

//! Logging in: which mechanism, and what answers each reply until the server has decided.
//!
//! [`Login`] is a machine fed with replies. A mechanism of more steps (SCRAM, CRAM-MD5, …) is a further [`Mechanism`]
//! and its states of `Step`; whoever drives the machine does not change.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::proto::command::{Command, MAX_COMMAND, check_argument};
use crate::proto::listing::Capabilities;
use crate::proto::reply::{Reply, Status};

/// Who logs in, and what proves it. The password is wiped when this is dropped and is never shown.
pub struct Credentials {
    user: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
}

impl Credentials {
    /// Takes a name and a password as the bytes they are, but for those that would end a line.
    pub fn new(user: &[u8], password: &[u8]) -> Result<Credentials> {
        check_argument(user, "the user name")?;
        check_argument(password, "the password")?;
        Ok(Credentials { user: user.to_vec(), password: Zeroizing::new(password.to_vec()) })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user.escape_ascii().to_string()).finish_non_exhaustive()
    }
}

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// USER, then PASS (RFC 1939).
    UserPass,
    /// SASL PLAIN (RFC 4616), only where nobody can listen.
    Plain,
}

impl Mechanism {
    /// The strongest that the server offers and the connection allows.
    pub fn choose(capabilities: &Capabilities, encrypted: bool) -> Mechanism {
        if encrypted && capabilities.has_sasl("PLAIN") { Mechanism::Plain } else { Mechanism::UserPass }
    }
}

/// A log-in under way.
pub struct Login<'a> {
    credentials: &'a Credentials,
    step: Step,
    /// PLAIN's message in base64, so that it is made once and can be masked where the server echoes it.
    plain: Zeroizing<String>,
}

#[derive(Clone, Copy)]
enum Step {
    User,
    Pass,
    AuthPlain,
    PlainResponse,
}

impl<'a> Login<'a> {
    /// A log-in by that mechanism.
    pub fn new(credentials: &'a Credentials, mechanism: Mechanism) -> Login<'a> {
        match mechanism {
            Mechanism::UserPass => Login { credentials, step: Step::User, plain: Zeroizing::default() },
            Mechanism::Plain => Login { credentials, step: Step::AuthPlain, plain: plain_message(credentials) },
        }
    }

    /// The command that begins it.
    pub fn first(&self) -> Command<'_> {
        match self.step {
            Step::User | Step::Pass => Command::user(&self.credentials.user),
            Step::AuthPlain | Step::PlainResponse => {
                let whole = Command::auth_plain(&self.plain);
                if whole.encoded_len() <= MAX_COMMAND { whole } else { Command::AUTH_PLAIN }
            }
        }
    }

    /// What answers a reply; `None` once the server has let us in.
    pub fn next(&mut self, reply: Reply<'_>) -> Result<Option<Command<'_>>> {
        match (self.step, reply.status) {
            (_, Status::Err) => Err(reply.refusal(Kind::Auth, "the log-in was refused")),
            (Step::User, Status::Ok) => {
                self.step = Step::Pass;
                Ok(Some(Command::pass(&self.credentials.password)))
            }
            // a server that passes over an initial response asks for it
            (Step::AuthPlain, Status::Challenge) => {
                self.step = Step::PlainResponse;
                Ok(Some(Command::sasl_response(&self.plain)))
            }
            (Step::Pass | Step::AuthPlain | Step::PlainResponse, Status::Ok) => Ok(None),
            (Step::User | Step::Pass | Step::PlainResponse, Status::Challenge) => {
                Err(Error::new(Kind::BadFormat, "the server sent a challenge where none can be"))
            }
        }
    }

    /// What the server could echo and nobody may see.
    pub fn secrets(&self) -> [&[u8]; 2] {
        [self.plain.as_bytes(), &self.credentials.password]
    }
}

fn plain_message(credentials: &Credentials) -> Zeroizing<String> {
    let (user, password) = (&credentials.user, &credentials.password);
    let mut message = Zeroizing::new(Vec::with_capacity(user.len() + password.len() + 2));
    message.push(0);
    message.extend_from_slice(user);
    message.push(0);
    message.extend_from_slice(password);
    let mut encoded = Zeroizing::new(String::with_capacity(message.len().div_ceil(3) * 4));
    STANDARD.encode_string(&*message, &mut encoded);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials::new(b"tim", b"tanstaaftanstaaf").unwrap()
    }

    fn reply(line: &str) -> Reply<'_> {
        Reply::parse_in_exchange(line.as_bytes()).unwrap()
    }

    fn wire(command: Command<'_>) -> String {
        String::from_utf8(command.encode().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn user_and_pass() {
        let credentials = credentials();
        let mut login = Login::new(&credentials, Mechanism::UserPass);
        assert_eq!(wire(login.first()), "USER tim\r\n");
        assert_eq!(wire(login.next(reply("+OK")).unwrap().unwrap()), "PASS tanstaaftanstaaf\r\n");
        assert!(login.next(reply("+OK")).unwrap().is_none());
    }

    // the message is the example of RFC 4616, section 4
    #[test]
    fn plain_with_initial_response() {
        let credentials = credentials();
        let mut login = Login::new(&credentials, Mechanism::Plain);
        assert_eq!(wire(login.first()), "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
        assert!(login.next(reply("+OK")).unwrap().is_none());
    }

    #[test]
    fn plain_asked_for_again() {
        let credentials = credentials();
        let mut login = Login::new(&credentials, Mechanism::Plain);
        assert_eq!(wire(login.next(reply("+")).unwrap().unwrap()), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
        assert_eq!(login.next(reply("+ ")).err().unwrap().kind(), Kind::BadFormat);
    }

    #[test]
    fn a_long_initial_response_moves_to_a_line_of_its_own() {
        let credentials = Credentials::new(b"tim", &[b'x'; 200]).unwrap();
        let mut login = Login::new(&credentials, Mechanism::Plain);
        assert_eq!(wire(login.first()), "AUTH PLAIN\r\n");
        assert!(wire(login.next(reply("+ ")).unwrap().unwrap()).len() > 255);
    }

    #[test]
    fn the_password_goes_nowhere_after_a_refusal() {
        let credentials = credentials();
        for (answer, kind) in [
            ("-ERR no such user", Kind::Auth),
            ("-ERR [IN-USE] busy", Kind::MailboxInUse),
            ("-ERR [SYS/TEMP] later", Kind::Temporary),
            ("-ERR [SYS/PERM] never", Kind::Server),
            ("+ AAAA", Kind::BadFormat),
        ] {
            let mut login = Login::new(&credentials, Mechanism::UserPass);
            assert_eq!(login.next(reply(answer)).err().unwrap().kind(), kind, "{answer}");
        }
    }

    #[test]
    fn plain_only_where_nobody_can_listen() {
        let mut capabilities = Capabilities::default();
        capabilities.push(b"SASL LOGIN PLAIN").unwrap();
        assert_eq!(Mechanism::choose(&capabilities, true), Mechanism::Plain);
        assert_eq!(Mechanism::choose(&capabilities, false), Mechanism::UserPass);
        assert_eq!(Mechanism::choose(&Capabilities::default(), true), Mechanism::UserPass);
    }

    #[test]
    fn lines_cannot_be_smuggled_into_credentials() {
        for bad in [&b"a\r"[..], b"a\n", b"\0"] {
            assert_eq!(Credentials::new(bad, b"x").unwrap_err().kind(), Kind::Parameter);
            assert_eq!(Credentials::new(b"x", bad).unwrap_err().kind(), Kind::Parameter);
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let shown = format!("{:?}", credentials());
        assert!(shown.contains("tim") && !shown.contains("tanstaaf"), "{shown}");
    }
}

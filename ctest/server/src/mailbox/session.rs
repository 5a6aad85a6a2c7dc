//! One session: the commands and states of RFC 1939.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use openssl::base64;

use crate::conn::Conn;

use super::content::END;
use super::input::Input;
use super::maildrop::Maildrop;
use super::plain::Plain;
use super::scram::{Account, Scram};
use super::words::split;
use super::{Mailbox, Mechanism, Secure, capabilities, transaction};

/// Replies gather until that many octets; a longer message is written without being copied.
const REPLY_BUFFER: usize = 64 * 1024;

pub struct Session {
    mailbox: Arc<Mailbox>,
    conn: BufWriter<Conn>,
    input: Input,
    state: State,
}

enum State {
    /// Not logged in; the user that was named.
    Authorization(Option<Vec<u8>>),
    Transaction(Maildrop),
}

/// Whether the session goes on.
type Flow = io::Result<ControlFlow<()>>;

const ON: ControlFlow<()> = ControlFlow::Continue(());

impl Session {
    pub fn new(conn: Conn, mailbox: Arc<Mailbox>) -> Self {
        Self {
            mailbox,
            conn: BufWriter::with_capacity(REPLY_BUFFER, conn),
            input: Input::default(),
            state: State::Authorization(None),
        }
    }

    pub fn run(mut self) -> io::Result<()> {
        self.reply("+OK POP3 test server ready")?;
        let mut replies = self.mailbox.faults.cut_after();
        while let Some(line) = self.read_line()? {
            replies = replies.map(|left| left - 1);
            if replies == Some(0) {
                self.conn.into_inner()?.cut();
                return Ok(());
            }
            if self.execute(&line)?.is_break() {
                break;
            }
        }
        self.conn.into_inner()?.close();
        Ok(())
    }

    /// The next line; none at the end. Replies are sent only when the client is to speak next.
    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.input.line() {
                return Ok(Some(line.to_vec()));
            }
            self.conn.flush()?;
            if !self.input.fill(self.conn.get_mut())? {
                return Ok(None);
            }
        }
    }

    fn execute(&mut self, line: &[u8]) -> Flow {
        let (verb, argument) = split(line);
        match verb.to_ascii_uppercase().as_slice() {
            b"QUIT" => return self.quit(),
            b"CAPA" if self.mailbox.capa => self.capa()?,
            verb => match &mut self.state {
                State::Authorization(_) => return self.authorize(verb, argument),
                State::Transaction(maildrop) => {
                    let Mailbox { content, faults, .. } = &*self.mailbox;
                    transaction::execute(&mut self.conn, content, faults, maildrop, verb, argument)?;
                }
            },
        }
        Ok(ON)
    }

    fn quit(&mut self) -> Flow {
        if let State::Transaction(maildrop) = &self.state {
            self.mailbox.store.update(maildrop);
        }
        self.reply("+OK bye")?;
        Ok(ControlFlow::Break(()))
    }

    fn capa(&mut self) -> io::Result<()> {
        let is_tls = self.conn.get_ref().is_tls();
        let logged_in = matches!(self.state, State::Transaction(_));
        self.reply("+OK capabilities follow")?;
        capabilities::write(&mut self.conn, &self.mailbox, is_tls, logged_in)?;
        self.conn.write_all(END)
    }

    fn authorize(&mut self, verb: &[u8], argument: &[u8]) -> Flow {
        match verb {
            b"USER" if !argument.is_empty() => {
                self.state = State::Authorization(Some(argument.to_vec()));
                self.reply("+OK and the password?")?;
            }
            b"PASS" => self.pass(argument)?,
            b"AUTH" => return self.auth(argument),
            b"STLS" if self.mailbox.secure == Secure::Stls => return self.stls(),
            _ => self.reply("-ERR not before log-in, or unknown")?,
        }
        Ok(ON)
    }

    fn pass(&mut self, pass: &[u8]) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Authorization(None)) {
            State::Authorization(Some(user)) => self.log_in(self.mailbox.accepts(&user, pass)),
            _ => self.reply("-ERR USER first"),
        }
    }

    fn auth(&mut self, argument: &[u8]) -> Flow {
        let mailbox = self.mailbox.clone();
        let (name, initial) = split(argument);
        let Some(mechanism) = mailbox.mechanism(name) else {
            self.reply("-ERR unknown mechanism")?;
            return Ok(ON);
        };
        let response =
            if initial.is_empty() || !mailbox.initial_response { self.challenge("")? } else { Some(initial.to_vec()) };
        match (response, mechanism) {
            (None, _) => return Ok(ControlFlow::Break(())),
            (Some(response), _) if response == b"*" => self.reply("-ERR AUTH aborted")?,
            (Some(response), Mechanism::Plain) => self.plain(&response)?,
            (Some(response), Mechanism::Scram(name)) => return self.scram(name, response),
        }
        Ok(ON)
    }

    fn plain(&mut self, response: &[u8]) -> io::Result<()> {
        let Some(plain) = Plain::decode(response) else {
            return self.reply("-ERR malformed response");
        };
        let for_oneself = plain.authorization.is_empty() || plain.authorization == plain.user;
        self.log_in(for_oneself && self.mailbox.accepts(&plain.user, &plain.pass))
    }

    fn scram(&mut self, name: &str, mut response: Vec<u8>) -> Flow {
        let Mailbox { user, pass, knows_password, iterations, knows_unique_alone, .. } = &*self.mailbox;
        let channel = self.conn.get_ref().channel_binding(*knows_unique_alone)?;
        let account = Account::new(name, user, pass, *knows_password, *iterations);
        let mut scram = account.and_then(|account| Scram::begin(name, account, channel)).map_err(io::Error::other)?;
        loop {
            let message = decode(&response).ok_or_else(|| "malformed response".to_owned());
            let challenge = match message.and_then(|message| scram.step(&message)) {
                Ok(challenge) => challenge,
                Err(why) => {
                    write!(self.conn, "-ERR [AUTH] {why}\r\n")?;
                    return Ok(ON);
                }
            };
            response = match self.challenge(&base64::encode_block(&challenge.message))? {
                Some(response) => response,
                None => return Ok(ControlFlow::Break(())),
            };
            if response == b"*" {
                self.reply("-ERR AUTH aborted")?;
                return Ok(ON);
            }
            if let Some(verdict) = challenge.verdict {
                self.log_in(verdict && response.is_empty())?;
                return Ok(ON);
            }
        }
    }

    /// What the client answers to a challenge; none at the end.
    fn challenge(&mut self, challenge: &str) -> io::Result<Option<Vec<u8>>> {
        write!(self.conn, "+ {challenge}\r\n")?;
        self.read_line()
    }

    fn log_in(&mut self, accepted: bool) -> io::Result<()> {
        if !accepted {
            return self.reply("-ERR [AUTH] user or password wrong");
        }
        let maildrop = self.mailbox.store.open();
        let count = maildrop.count();
        self.state = State::Transaction(maildrop);
        write!(self.conn, "+OK {count} messages\r\n")
    }

    fn stls(&mut self) -> Flow {
        if self.conn.get_ref().is_tls() {
            self.reply("-ERR TLS already")?;
            return Ok(ON);
        }
        self.reply("+OK begin TLS")?;
        self.conn.flush()?;
        // What was sent in the clear, anybody may have sent (RFC 2595, section 4).
        self.input = Input::default();
        self.state = State::Authorization(None);
        self.mailbox.start_tls(self.conn.get_mut())?;
        Ok(ON)
    }

    fn reply(&mut self, line: &str) -> io::Result<()> {
        write!(self.conn, "{line}\r\n")
    }
}

fn decode(response: &[u8]) -> Option<Vec<u8>> {
    base64::decode_block(std::str::from_utf8(response).ok()?).ok()
}

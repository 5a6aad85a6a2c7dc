//! One session: the commands and states of RFC 1939.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::conn::Conn;

use super::content::END;
use super::input::Input;
use super::maildrop::Maildrop;
use super::plain::Plain;
use super::words::split;
use super::{Mailbox, Secure, capabilities, transaction};

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
        while let Some(line) = self.read_line()? {
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
                    let content = &self.mailbox.content;
                    transaction::execute(&mut self.conn, content, maildrop, verb, argument)?;
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
        let (mechanism, initial) = split(argument);
        if !mechanism.eq_ignore_ascii_case(b"PLAIN") || !self.mailbox.offers_plain() {
            self.reply("-ERR unknown mechanism")?;
            return Ok(ON);
        }
        let response = if initial.is_empty() || !self.mailbox.initial_response {
            self.reply("+ ")?;
            match self.read_line()? {
                Some(line) => line,
                None => return Ok(ControlFlow::Break(())),
            }
        } else {
            initial.to_vec()
        };
        match Plain::decode(&response) {
            _ if response == b"*" => self.reply("-ERR AUTH aborted")?,
            None => self.reply("-ERR malformed response")?,
            Some(plain) => {
                let for_oneself = plain.authorization.is_empty() || plain.authorization == plain.user;
                self.log_in(for_oneself && self.mailbox.accepts(&plain.user, &plain.pass))?;
            }
        }
        Ok(ON)
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
        self.conn.get_mut().start_tls(&self.mailbox.context)?;
        Ok(ON)
    }

    fn reply(&mut self, line: &str) -> io::Result<()> {
        write!(self.conn, "{line}\r\n")
    }
}

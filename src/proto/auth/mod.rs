//! Logging in: which mechanism, and what answers each reply until the server has decided.
//!
//! [`ways`] says by which mechanisms to try. [`Login`] is a machine fed with replies. What SASL mechanisms have in common
//! is here, base64 and initial responses (RFC 5034); what each says is an [`Exchange`], in a file for each family of them.

mod choice;
mod md5;
mod oauth;
mod plain;
mod scram;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::crypto::Hash;
use crate::error::{Error, Kind, Result};
use crate::proto::command::{Command, MAX_COMMAND, check_argument};
use crate::proto::refusal::{Reason, reason};
use crate::proto::reply::{Reply, ResponseCode, Status};
use crate::text::{brief, every_form, mask};

pub use choice::{Mechanism, Offer, Wanted, ways};

/// Who logs in, and what proves it. Password and token are wiped when this is dropped and are never shown.
pub struct Credentials {
    user: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
    token: Zeroizing<Vec<u8>>,
    authzid: Vec<u8>,
}

impl Credentials {
    /// Takes a name and a password as the bytes they are, but for those that would end a line.
    pub fn new(user: &[u8], password: &[u8]) -> Result<Credentials> {
        check_argument(user, "the user name")?;
        check_argument(password, "the password")?;
        Ok(Credentials {
            user: user.to_vec(),
            password: Zeroizing::new(password.to_vec()),
            token: Zeroizing::default(),
            authzid: Vec::new(),
        })
    }

    /// Adds the token that OAuth gave.
    pub fn with_token(mut self, token: &[u8]) -> Result<Credentials> {
        check_argument(token, "the token")?;
        self.token = Zeroizing::new(token.to_vec());
        Ok(self)
    }

    /// Adds as whom to act, if not as the user.
    pub fn with_authzid(mut self, authzid: &[u8]) -> Result<Credentials> {
        check_argument(authzid, "the authorization identity")?;
        self.authzid = authzid.to_vec();
        Ok(self)
    }

    /// Who logs in.
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    /// What no log may show of them: password and token, and what base64 makes of them wherever they stand in a text.
    pub fn secrets(&self) -> Vec<Zeroizing<Vec<u8>>> {
        [&self.token, &self.password].into_iter().flat_map(|secret| every_form(secret)).collect()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user.escape_ascii().to_string()).finish_non_exhaustive()
    }
}

/// What a mechanism may need to know besides the credentials.
pub struct Circumstances<'a> {
    /// The text of the server's greeting, empty where it came before TLS did: then anybody can have said it.
    pub greeting: &'a [u8],
    /// The server, as it was named to us.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// Makes a nonce ([`nonce`], but for tests): printable, without a comma.
    pub nonce: fn() -> Result<String>,
    /// What the log-in can be bound to. To be left out where the server offers -PLUS variants but none of them is
    /// used, since a SCRAM without would tell the server that its list lacks them.
    pub binding: Option<ChannelBinding>,
    /// Whether what a mechanism begins with may stand behind AUTH (RFC 5034), where there is room for it.
    pub initial_response: bool,
    /// Whether the server says by a code that it refuses the credentials (AUTH-RESP-CODE, RFC 3206): then a refusal
    /// without one is about something else.
    pub says_auth: bool,
}

/// What tells this TLS channel from any other (RFC 5056).
pub struct ChannelBinding {
    /// Its type, as `tls-exporter` (RFC 9266) or `tls-server-end-point` (RFC 5929).
    pub name: &'static str,
    /// Its data.
    pub data: Vec<u8>,
}

/// A nonce that nobody can foretell.
pub fn nonce() -> Result<String> {
    crate::crypto::random::<18>().map(|bytes| STANDARD.encode(bytes))
}

/// What is said in a SASL exchange, before it is base64.
type Message = Zeroizing<Vec<u8>>;

/// What a SASL mechanism says. It is given challenges and gives responses, neither in base64.
trait Exchange {
    /// What it begins with; `None` where the server begins.
    fn initial(&mut self) -> Option<Message> {
        None
    }

    /// Whether a challenge can ever hold anything. Where not, the first one asks for what it begins with, even if
    /// that was said already and the challenge has words.
    fn knows_challenges(&self) -> bool {
        true
    }

    /// What answers a challenge. After an error the exchange is to be cancelled. In the middle of much work `rest` is
    /// called, by whose error it ends.
    fn respond(&mut self, challenge: &[u8], rest: &mut dyn FnMut() -> Result<()>) -> Result<Message>;

    /// Hears that the server lets us in, with the text that it says. An error means: not this server.
    fn accept(&mut self, _text: &[u8]) -> Result<()> {
        Ok(())
    }

    /// With which of its messages, counted from 1, it has told or proved what the server is to judge by.
    fn proof(&self) -> usize {
        1
    }

    /// What the server had against us before it refused.
    fn complaint(&self) -> &[u8] {
        b""
    }

    /// In base64, what a line of the server has in it that nobody may see.
    fn telltales(&self) -> &'static [&'static [u8]] {
        &[]
    }
}

/// A log-in under way.
pub struct Login<'a> {
    credentials: &'a Credentials,
    method: Method<'a>,
    /// What was said or is to be said that may be secret: each made once, and known so that its echo can be masked.
    said: Vec<Zeroizing<String>>,
    says_auth: bool,
}

/// What a server's refusal of a log-in is, and what may be done after it.
#[derive(Debug)]
pub struct Refusal {
    /// What it is, if it is the end.
    pub error: Error,
    /// What may be done.
    pub next: Next,
    /// Whether the server had been shown what it is to judge by.
    pub has_proved: bool,
}

/// What may be done after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: another way would be refused as well.
    Nothing,
    /// Another way.
    OtherWay,
    /// The same without the initial response, which the server may have stumbled over; then another way.
    WithoutInitialResponse,
}

enum Method<'a> {
    User,
    Pass,
    Apop,
    Sasl(Sasl<'a>),
}

struct Sasl<'a> {
    name: &'static str,
    exchange: Box<dyn Exchange + 'a>,
    initial: Initial,
    /// Whether the server waits for an answer.
    is_asked: bool,
    /// How many messages of the exchange the server has been sent.
    sent: usize,
}

/// How it stands with what the mechanism begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Initial {
    /// There is none, or the server has it.
    Done,
    /// It stands behind AUTH, where the server may pass over it.
    WithAuth,
    /// It is too long for that, and waits to be asked for.
    Waits,
}

impl<'a> Login<'a> {
    /// A log-in by that mechanism. Fails where the mechanism lacks what it needs.
    pub fn new(
        credentials: &'a Credentials,
        mechanism: Mechanism,
        circumstances: Circumstances<'_>,
    ) -> Result<Login<'a>> {
        let says_auth = circumstances.says_auth;
        let scram = |hash, plus| scram::Scram::new(hash, plus, credentials, &circumstances);
        let mut exchange: Box<dyn Exchange + 'a> = match mechanism {
            Mechanism::UserPass => return Ok(Login { credentials, method: Method::User, said: Vec::new(), says_auth }),
            Mechanism::Apop => {
                let said = vec![md5::apop_digest(circumstances.greeting, &credentials.password)?];
                return Ok(Login { credentials, method: Method::Apop, said, says_auth });
            }
            Mechanism::Plain => Box::new(plain::OneMessage::plain(credentials)),
            Mechanism::Login => Box::new(plain::Login::new(credentials)),
            Mechanism::CramMd5 => Box::new(md5::CramMd5::new(credentials)),
            Mechanism::ScramSha1 => Box::new(scram(Hash::Sha1, false)?),
            Mechanism::ScramSha1Plus => Box::new(scram(Hash::Sha1, true)?),
            Mechanism::ScramSha256 => Box::new(scram(Hash::Sha256, false)?),
            Mechanism::ScramSha256Plus => Box::new(scram(Hash::Sha256, true)?),
            Mechanism::XOAuth2 => Box::new(oauth::Bearer::xoauth2(credentials)?),
            Mechanism::OAuthBearer => Box::new(oauth::Bearer::oauth_bearer(credentials, &circumstances)?),
            Mechanism::External => Box::new(plain::OneMessage::external(credentials)),
        };
        let name = mechanism.name();
        let said: Vec<_> = exchange.initial().map(|message| encode(&message)).into_iter().collect();
        let initial = match said.first() {
            None => Initial::Done,
            Some(message)
                if circumstances.initial_response && Command::auth_with(name, message).encoded_len() <= MAX_COMMAND =>
            {
                Initial::WithAuth
            }
            Some(_) => Initial::Waits,
        };
        let sent = usize::from(initial == Initial::WithAuth);
        let sasl = Sasl { name, exchange, initial, is_asked: false, sent };
        Ok(Login { credentials, method: Method::Sasl(sasl), said, says_auth })
    }

    /// The command that begins it.
    pub fn first(&self) -> Command<'_> {
        match (&self.method, self.said.first()) {
            (Method::Sasl(sasl), Some(initial)) if sasl.initial == Initial::WithAuth => {
                Command::auth_with(sasl.name, initial)
            }
            (Method::Sasl(sasl), _) => Command::auth(sasl.name),
            (Method::Apop, Some(digest)) => Command::apop(&self.credentials.user, digest),
            (Method::User | Method::Pass | Method::Apop, _) => Command::user(&self.credentials.user),
        }
    }

    /// What can be said before the first command is answered, to a server that takes commands ahead of its answers.
    pub fn ahead(&self) -> Option<Command<'a>> {
        match self.method {
            Method::User => Some(Command::pass(&self.credentials.password)),
            Method::Pass | Method::Apop | Method::Sasl(_) => None,
        }
    }

    /// What answers a reply that is no refusal; `None` once the server has let us in. In the middle of much work `rest`
    /// is called, by whose error it ends.
    pub fn next(&mut self, reply: Reply<'_>, rest: &mut dyn FnMut() -> Result<()>) -> Result<Option<Command<'_>>> {
        match (&mut self.method, reply.status) {
            (_, Status::Err) => Err(self.refusal(reply).error),
            (Method::User, Status::Ok) => {
                self.method = Method::Pass;
                Ok(Some(Command::pass(&self.credentials.password)))
            }
            (Method::Pass | Method::Apop, Status::Ok) => Ok(None),
            (Method::User | Method::Pass | Method::Apop, Status::Challenge) => Err(unexpected()),
            (Method::Sasl(sasl), Status::Ok) => {
                if let Err(error) = sasl.exchange.accept(reply.text) {
                    return Err(self.with_complaint(error));
                }
                // let in without having been asked for what is to prove who we are
                if sasl.has_proved() { Ok(None) } else { Err(out_of_place()) }
            }
            (Method::Sasl(sasl), Status::Challenge) => {
                let response = match sasl.answer(reply.text.trim_ascii(), &mut self.said, rest) {
                    Ok(Answer::First) => self.said.first(),
                    Ok(Answer::Last) => self.said.last(),
                    Err(error) => return Err(self.with_complaint(error)),
                };
                Ok(response.map(|response| Command::sasl_response(response)))
            }
        }
    }

    /// What ends the exchange after an error, if the server waits for an answer.
    pub fn cancel(&self) -> Option<Command<'static>> {
        match &self.method {
            Method::Sasl(sasl) if sasl.is_asked => Some(Command::SASL_CANCEL),
            _ => None,
        }
    }

    /// What the server could echo and nobody may see, and what tells a line of which nothing may be seen. What may hold
    /// other ones comes first.
    pub fn secrets(&self) -> Vec<&[u8]> {
        let said = self.said.iter().map(|said| said.as_bytes());
        let telltales = match &self.method {
            Method::Sasl(sasl) => sasl.exchange.telltales(),
            _ => &[],
        };
        let credentials = [&self.credentials.token[..], &self.credentials.password];
        said.chain(credentials).chain(telltales.iter().copied()).collect()
    }

    /// What the server has against us, as far as it has said it before it refused or went away.
    pub fn complaint(&self) -> Option<String> {
        let complaint = match &self.method {
            Method::Sasl(sasl) => sasl.exchange.complaint(),
            _ => b"",
        };
        let secrets = self.credentials.secrets();
        let all: Vec<&[u8]> = self.secrets().into_iter().chain(secrets.iter().map(|secret| &***secret)).collect();
        (!complaint.is_empty()).then(|| brief(&mask(complaint, &all)))
    }

    fn with_complaint(&self, error: Error) -> Error {
        match self.complaint() {
            Some(complaint) => error.hint(&complaint),
            None => error,
        }
    }

    /// What a `-ERR` is, and what may be done after it.
    ///
    /// A response code says it. Without one the server means the credentials where it has been shown them, does not
    /// speak of something else, and is not known to have a code for that.
    pub fn refusal(&self, reply: Reply<'_>) -> Refusal {
        let words = match self.complaint() {
            Some(complaint) => format!("the log-in was refused: {complaint}"),
            None => "the log-in was refused".to_owned(),
        };
        let (has_proved, has_initial_response) = match &self.method {
            Method::User | Method::Pass | Method::Apop => (true, false),
            Method::Sasl(sasl) => (sasl.has_proved(), sasl.initial == Initial::WithAuth),
        };
        let (kind, next) = match reason(reply.text) {
            _ if reply.code() == Some(ResponseCode::Auth) => (Kind::Auth, Next::Nothing),
            // of the mechanism perhaps, and not of the mailbox
            _ if reply.code().is_some() && !has_proved => (Kind::Auth, Next::OtherWay),
            Some(Reason::Locked) if !has_proved => (Kind::MailboxInUse, Next::OtherWay),
            Some(Reason::Busy) if !has_proved => (Kind::Temporary, Next::OtherWay),
            _ if reply.code().is_some() => (Kind::Auth, Next::Nothing),
            Some(Reason::Locked) => (Kind::MailboxInUse, Next::Nothing),
            Some(Reason::Busy) => (Kind::Temporary, Next::Nothing),
            Some(Reason::UnknownCommand) if has_initial_response => (Kind::Unsupported, Next::WithoutInitialResponse),
            Some(Reason::UnknownCommand) => (Kind::Unsupported, Next::OtherWay),
            None if !has_proved => (Kind::Unsupported, Next::OtherWay),
            None if self.says_auth => (Kind::Server, Next::OtherWay),
            None => (Kind::Auth, Next::Nothing),
        };
        Refusal { error: reply.refusal(kind, &words), next, has_proved }
    }

    #[cfg(test)]
    fn initial_for_tests(&self) -> Vec<u8> {
        STANDARD.decode(&*self.said[0]).unwrap()
    }
}

/// Which of what is said answers a challenge.
enum Answer {
    First,
    Last,
}

impl Sasl<'_> {
    fn has_proved(&self) -> bool {
        self.sent >= self.exchange.proof()
    }

    fn answer(
        &mut self,
        challenge: &[u8],
        said: &mut Vec<Zeroizing<String>>,
        rest: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Answer> {
        self.is_asked = true;
        let wants_initial = match std::mem::replace(&mut self.initial, Initial::Done) {
            Initial::Done => false,
            Initial::WithAuth => challenge.is_empty() || !self.exchange.knows_challenges(),
            // whatever words are in it: some servers say "go ahead"
            Initial::Waits => true,
        };
        let answer = if wants_initial {
            Answer::First
        } else {
            said.push(encode(&self.exchange.respond(&decode(challenge)?, rest)?));
            Answer::Last
        };
        self.sent += 1;
        self.is_asked = false;
        Ok(answer)
    }
}

/// All parts as one message, allocated once: growing would leave an unwiped copy behind.
fn message(parts: &[&[u8]]) -> Message {
    let mut whole = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole
}

/// Base64, allocated once as well, and not by way of the stack as by `encode_string`.
fn encode(message: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(message))
}

fn decode(text: &[u8]) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| syntax("a malformed SASL challenge, which is not base64"))
}

/// A name inside a GS2 header or a message of SCRAM (RFC 5801, section 4).
fn escape_name(name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b',' => escaped.extend_from_slice(b"=2C"),
            b'=' => escaped.extend_from_slice(b"=3D"),
            byte => escaped.push(*byte),
        }
    }
    escaped
}

fn syntax(what: &str) -> Error {
    Error::new(Kind::Syntax, format!("the server answered the log-in by {what}"))
}

fn out_of_place() -> Error {
    Error::new(Kind::BadFormat, "the server said +OK to a log-in where a challenge was due")
}

fn unexpected() -> Error {
    Error::new(Kind::BadFormat, "the server sent a challenge where none can be")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn credentials() -> Credentials {
        Credentials::new(b"tim", b"tanstaaftanstaaf").unwrap()
    }

    pub(super) fn circumstances() -> Circumstances<'static> {
        Circumstances {
            greeting: b"",
            host: "pop.test",
            port: 995,
            nonce,
            binding: None,
            initial_response: true,
            says_auth: false,
        }
    }

    fn wire(command: Command<'_>) -> String {
        String::from_utf8(command.encode().unwrap().to_vec()).unwrap()
    }

    /// A log-in and what it begins with.
    pub(super) fn begin(credentials: &Credentials, mechanism: Mechanism) -> (Login<'_>, String) {
        let login = Login::new(credentials, mechanism, circumstances()).unwrap();
        let first = wire(login.first());
        (login, first)
    }

    /// What the log-in answers to a line.
    pub(super) fn says(login: &mut Login<'_>, line: &str) -> Result<Option<String>> {
        let reply = Reply::parse_in_exchange(line.as_bytes()).unwrap();
        login.next(reply, &mut || Ok(())).map(|command| command.map(wire))
    }

    #[test]
    fn user_and_pass() {
        let credentials = credentials();
        let (mut login, first) = begin(&credentials, Mechanism::UserPass);
        assert_eq!(first, "USER tim\r\n");
        assert_eq!(says(&mut login, "+OK").unwrap().unwrap(), "PASS tanstaaftanstaaf\r\n");
        assert_eq!(says(&mut login, "+OK").unwrap(), None);
    }

    #[test]
    fn a_long_initial_response_moves_to_a_line_of_its_own() {
        // of 175 octets, the last that fit: "AUTH PLAIN ", base64 and CRLF are 255 at most
        for (length, fits) in [(175, true), (176, false)] {
            let credentials = Credentials::new(b"tim", &vec![b'x'; length]).unwrap();
            let (mut login, first) = begin(&credentials, Mechanism::Plain);
            assert_eq!(first != "AUTH PLAIN\r\n", fits);
            assert!(first.len() <= MAX_COMMAND);
            // a server may say something there that is no base64
            let response = says(&mut login, "+ go ahead!").unwrap().unwrap();
            assert!(response.len() > 240);
            assert_eq!(says(&mut login, "+OK").unwrap(), None);
        }
    }

    #[test]
    fn the_password_goes_nowhere_after_a_refusal() {
        let credentials = credentials();
        for mechanism in
            Mechanism::ALL.into_iter().filter(|each| !matches!(each, Mechanism::UserPass | Mechanism::Apop))
        {
            let credentials = Credentials::new(b"tim", b"secret").unwrap().with_token(b"token").unwrap();
            let binding = Some(ChannelBinding { name: "tls-exporter", data: Vec::new() });
            let circumstances = Circumstances { binding, ..circumstances() };
            let mut login = Login::new(&credentials, mechanism, circumstances).unwrap();
            // what has not been shown anything cannot have refused it
            let has_proved = matches!(
                mechanism,
                Mechanism::Plain | Mechanism::XOAuth2 | Mechanism::OAuthBearer | Mechanism::External
            );
            let refusal = login.refusal(Reply::parse(b"-ERR no").unwrap());
            assert_eq!(refusal.has_proved, has_proved, "{mechanism:?}");
            let expected = if has_proved { (Kind::Auth, Next::Nothing) } else { (Kind::Unsupported, Next::OtherWay) };
            assert_eq!((refusal.error.kind(), refusal.next), expected, "{mechanism:?}");
            assert!(says(&mut login, "-ERR no").is_err() && login.cancel().is_none());
        }
        for (answer, kind) in [
            ("-ERR no such user", Kind::Auth),
            ("-ERR [IN-USE] busy", Kind::MailboxInUse),
            ("-ERR [SYS/TEMP] later", Kind::Temporary),
            ("-ERR [SYS/PERM] never", Kind::Server),
            ("+ AAAA", Kind::BadFormat),
        ] {
            let (mut login, _) = begin(&credentials, Mechanism::UserPass);
            assert_eq!(says(&mut login, answer).unwrap_err().kind(), kind, "{answer}");
            assert!(login.cancel().is_none());
        }
    }

    #[test]
    fn every_line_but_the_users_name_is_masked() {
        let credentials = Credentials::new(b"tim", b"secret").unwrap().with_token(b"token").unwrap();
        let greeting = Circumstances { greeting: b"<1@host>", ..circumstances() };
        let mut login = Login::new(&credentials, Mechanism::Apop, greeting).unwrap();
        assert_eq!(login.secrets().len(), 3);
        assert_eq!(login.first().redacted(), b"APOP tim ***");
        assert!(login.next(Reply::parse(b"+OK").unwrap(), &mut || Ok(())).unwrap().is_none());

        let mut login = Login::new(&credentials, Mechanism::Login, circumstances()).unwrap();
        assert_eq!(login.first().redacted(), b"AUTH LOGIN");
        for _ in 0..2 {
            let reply = Reply::parse_in_exchange(b"+").unwrap();
            assert_eq!(login.next(reply, &mut || Ok(())).unwrap().unwrap().redacted(), b"***");
        }
        assert_eq!(login.secrets(), [&b"dGlt"[..], b"c2VjcmV0", b"token", b"secret"]);
        says(&mut login, "+ ").unwrap_err();
        assert_eq!(login.cancel().unwrap().redacted(), b"***");
        assert_eq!(wire(login.cancel().unwrap()), "*\r\n");
    }

    #[test]
    fn every_prefix_of_any_challenge_is_answered_or_refused() {
        let credentials = Credentials::new(b"tim", b"secret").unwrap().with_token(b"token").unwrap();
        let challenge = "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+ and more";
        for end in 1..challenge.len() {
            for mechanism in
                Mechanism::ALL.into_iter().filter(|each| !matches!(each, Mechanism::UserPass | Mechanism::Apop))
            {
                let binding = Some(ChannelBinding { name: "tls-exporter", data: Vec::new() });
                let circumstances = Circumstances { binding, ..circumstances() };
                let mut login = Login::new(&credentials, mechanism, circumstances).unwrap();
                for _ in 0..2 {
                    let refused = says(&mut login, &challenge[..end]).is_err();
                    assert_eq!(login.cancel().is_some(), refused);
                }
                // no exchange has more steps than three, so this is at the latest where each has ended
                assert!((0..2).any(|_| says(&mut login, &challenge[..end]).is_err()));
            }
        }
    }

    #[test]
    fn nonces_fit_into_scram() {
        let nonce = nonce().unwrap();
        assert!(nonce.len() == 24 && nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b','));
    }

    #[test]
    fn lines_cannot_be_smuggled_into_credentials() {
        let ok = || Credentials::new(b"x", b"x").unwrap();
        for bad in [&b"a\r"[..], b"a\n", b"\0"] {
            assert_eq!(Credentials::new(bad, b"x").unwrap_err().kind(), Kind::Parameter);
            assert_eq!(Credentials::new(b"x", bad).unwrap_err().kind(), Kind::Parameter);
            assert_eq!(ok().with_token(bad).unwrap_err().kind(), Kind::Parameter);
            assert_eq!(ok().with_authzid(bad).unwrap_err().kind(), Kind::Parameter);
        }
    }

    #[test]
    fn what_a_refusal_leads_to() {
        let credentials = credentials();
        let refused = |says_auth, mechanism, replies: &[&str]| {
            let circumstances = Circumstances { says_auth, ..circumstances() };
            let mut login = Login::new(&credentials, mechanism, circumstances).unwrap();
            let (last, before) = replies.split_last().unwrap();
            before.iter().for_each(|reply| drop(says(&mut login, reply).unwrap()));
            let refusal = login.refusal(Reply::parse(last.as_bytes()).unwrap());
            (refusal.error.kind(), refusal.next)
        };
        let nothing = |kind| (kind, Next::Nothing);
        let other = |kind| (kind, Next::OtherWay);
        for (mechanism, replies, silent, with_codes) in [
            (Mechanism::UserPass, &["+OK", "-ERR no"][..], nothing(Kind::Auth), other(Kind::Server)),
            (Mechanism::UserPass, &["-ERR no such user"], nothing(Kind::Auth), other(Kind::Server)),
            (Mechanism::UserPass, &["+OK", "-ERR [AUTH] no"], nothing(Kind::Auth), nothing(Kind::Auth)),
            (Mechanism::UserPass, &["-ERR invalid command"], other(Kind::Unsupported), other(Kind::Unsupported)),
            (
                Mechanism::UserPass,
                &["+OK", "-ERR unable to lock maildrop"],
                nothing(Kind::MailboxInUse),
                nothing(Kind::MailboxInUse),
            ),
            (Mechanism::UserPass, &["+OK", "-ERR server busy"], nothing(Kind::Temporary), nothing(Kind::Temporary)),
            (Mechanism::Plain, &["-ERR [SYS/PERM] never"], nothing(Kind::Server), nothing(Kind::Server)),
            (
                Mechanism::Plain,
                &["-ERR Too many arguments"],
                (Kind::Unsupported, Next::WithoutInitialResponse),
                (Kind::Unsupported, Next::WithoutInitialResponse),
            ),
            // it was asked for after all, so that is not what the server stumbled over
            (Mechanism::Plain, &["+", "-ERR syntax"], other(Kind::Unsupported), other(Kind::Unsupported)),
            // not of the mailbox, while nothing was shown
            (Mechanism::CramMd5, &["-ERR not available"], other(Kind::Temporary), other(Kind::Temporary)),
            (Mechanism::CramMd5, &["-ERR [SYS/PERM] disabled"], other(Kind::Server), other(Kind::Server)),
            (Mechanism::CramMd5, &["-ERR [AUTH] no"], nothing(Kind::Auth), nothing(Kind::Auth)),
            (Mechanism::CramMd5, &["-ERR no"], other(Kind::Unsupported), other(Kind::Unsupported)),
            (Mechanism::CramMd5, &["+ PDFAMj4=", "-ERR no"], nothing(Kind::Auth), other(Kind::Server)),
            (Mechanism::Login, &["+", "-ERR no"], other(Kind::Unsupported), other(Kind::Unsupported)),
            (Mechanism::Login, &["+", "+", "-ERR no"], nothing(Kind::Auth), other(Kind::Server)),
        ] {
            assert_eq!(refused(false, mechanism, replies), silent, "{replies:?}");
            assert_eq!(refused(true, mechanism, replies), with_codes, "{replies:?}");
        }
    }

    #[test]
    fn let_in_before_anything_was_proved() {
        let credentials = Credentials::new(b"tim", b"secret").unwrap().with_token(&[b'x'; 300]).unwrap();
        for (mechanism, challenges) in [
            (Mechanism::CramMd5, &[][..]),
            (Mechanism::Login, &[]),
            (Mechanism::Login, &["+"]),
            // too long to stand behind AUTH
            (Mechanism::XOAuth2, &[]),
            (Mechanism::OAuthBearer, &[]),
        ] {
            let mut login = Login::new(&credentials, mechanism, circumstances()).unwrap();
            challenges.iter().for_each(|challenge| drop(says(&mut login, challenge).unwrap()));
            assert_eq!(says(&mut login, "+OK").unwrap_err().kind(), Kind::BadFormat, "{mechanism:?} {challenges:?}");
        }
        let circumstances = Circumstances { initial_response: false, ..circumstances() };
        let mut login = Login::new(&credentials, Mechanism::Plain, circumstances).unwrap();
        assert_eq!(wire(login.first()), "AUTH PLAIN\r\n");
        assert_eq!(says(&mut login, "+OK").unwrap_err().kind(), Kind::BadFormat);
    }

    #[test]
    fn password_and_token_are_secrets() {
        let secrets = credentials().with_token(b"ya29.token").unwrap().secrets();
        for secret in [&b"tanstaaftanstaaf"[..], b"ya29.token"] {
            assert!(secrets.iter().any(|known| ***known == *secret));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", credentials().with_token(b"tanstaaf").unwrap());
        assert!(shown.contains("tim") && !shown.contains("tanstaaf"), "{shown}");
    }
}

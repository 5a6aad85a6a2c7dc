//! A log-in: a machine fed with replies, and what a refusal leads to.

use zeroize::Zeroizing;

use crate::crypto::{Derivation, Hash};
use crate::error::{Error, Kind, Result};
use crate::proto::command::{Command, MAX_COMMAND};
use crate::proto::refusal::{Reason, reason};
use crate::proto::reply::{Reply, ResponseCode, Status};
use crate::secret::base64;
use crate::text::brief;

use super::sasl::{Answer, Exchange, Initial, Sasl, out_of_place, unexpected};
use super::{Credentials, LoginContext, Mechanism, md5, oauth, plain, scram};

/// A log-in under way.
pub struct Login<'a> {
    credentials: &'a Credentials,
    method: Method<'a>,
    /// What was said or is to be said that may be secret: each made once, and known so that its echo can be masked.
    responses: Vec<Zeroizing<String>>,
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

impl<'a> Login<'a> {
    /// A log-in by that mechanism. Fails where the mechanism lacks what it needs.
    pub fn new(credentials: &'a Credentials, mechanism: Mechanism, context: LoginContext<'_>) -> Result<Login<'a>> {
        let says_auth = context.says_auth;
        let scram = |hash, plus| scram::Scram::new(hash, plus, credentials, &context);
        let mut exchange: Box<dyn Exchange + 'a> = match mechanism {
            Mechanism::UserPass => {
                return Ok(Login { credentials, method: Method::User, responses: Vec::new(), says_auth });
            }
            Mechanism::Apop => {
                let responses = vec![md5::apop_digest(context.greeting, &credentials.password)?];
                return Ok(Login { credentials, method: Method::Apop, responses, says_auth });
            }
            Mechanism::Plain => Box::new(plain::OneMessage::plain(credentials)?),
            Mechanism::Login => Box::new(plain::Login::new(credentials)),
            Mechanism::CramMd5 => Box::new(md5::CramMd5::new(credentials)),
            Mechanism::ScramSha1 => Box::new(scram(Hash::Sha1, false)?),
            Mechanism::ScramSha1Plus => Box::new(scram(Hash::Sha1, true)?),
            Mechanism::ScramSha256 => Box::new(scram(Hash::Sha256, false)?),
            Mechanism::ScramSha256Plus => Box::new(scram(Hash::Sha256, true)?),
            Mechanism::XOAuth2 => Box::new(oauth::Bearer::xoauth2(credentials)?),
            Mechanism::OAuthBearer => Box::new(oauth::Bearer::oauth_bearer(credentials, &context)?),
            Mechanism::External => Box::new(plain::OneMessage::external(credentials)?),
        };
        let name = mechanism.name();
        let responses = exchange.initial()?.map(|message| base64(&message)).transpose()?;
        let responses = Vec::from_iter(responses);
        let initial = match responses.first() {
            None => Initial::Done,
            Some(message)
                if context.initial_response && Command::auth_with(name, message).encoded_len() <= MAX_COMMAND =>
            {
                Initial::WithAuth
            }
            Some(_) => Initial::Waits,
        };
        let sent = usize::from(initial == Initial::WithAuth);
        let sasl = Sasl { name, exchange, initial, is_asked: false, sent };
        Ok(Login { credentials, method: Method::Sasl(sasl), responses, says_auth })
    }

    /// The command that begins it.
    pub fn first(&self) -> Command<'_> {
        match (&self.method, self.responses.first()) {
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

    /// What is to be derived from the password to answer a reply ([`Login::next`]), if anything is.
    pub fn derivation(&mut self, reply: Reply<'_>) -> Result<Option<Derivation>> {
        match &mut self.method {
            Method::Sasl(sasl) if reply.status == Status::Challenge => sasl.derivation(reply.text.trim_ascii()),
            _ => Ok(None),
        }
    }

    /// What answers a reply that is no refusal, with what was derived for it; `None` once the server has let us in.
    pub fn next(&mut self, reply: Reply<'_>, derived: &[u8]) -> Result<Option<Command<'_>>> {
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
                    return Err(self.with_server_error(error));
                }
                // let in without having been asked for what is to prove who we are
                if sasl.has_proved() { Ok(None) } else { Err(out_of_place()) }
            }
            (Method::Sasl(sasl), Status::Challenge) => {
                let response = match sasl.answer(reply.text.trim_ascii(), &mut self.responses, derived) {
                    Ok(Answer::First) => self.responses.first(),
                    Ok(Answer::Last) => self.responses.last(),
                    Err(error) => return Err(self.with_server_error(error)),
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
        let responses = self.responses.iter().map(|response| response.as_bytes());
        let redaction_markers = match &self.method {
            Method::Sasl(sasl) => sasl.exchange.redaction_markers(),
            _ => &[],
        };
        let credentials = [&self.credentials.token[..], &self.credentials.password];
        responses.chain(credentials).chain(redaction_markers.iter().copied()).collect()
    }

    /// What the server has against us, as far as it has said it before it refused or went away.
    pub fn server_error(&self) -> Option<String> {
        let server_error = match &self.method {
            Method::Sasl(sasl) => sasl.exchange.server_error(),
            _ => b"",
        };
        if server_error.is_empty() {
            return None;
        }
        // where there is no memory to mask it with it is not shown
        let secrets = self.credentials.secrets().ok()?;
        Some(brief(&secrets.mask(server_error, &self.secrets())))
    }

    fn with_server_error(&self, error: Error) -> Error {
        match self.server_error() {
            Some(server_error) => error.hint(&server_error),
            None => error,
        }
    }

    /// What a `-ERR` is, and what may be done after it.
    ///
    /// A response code says it. Without one the server means the credentials where it has been shown them, does not
    /// speak of something else, and is not known to have a code for that.
    pub fn refusal(&self, reply: Reply<'_>) -> Refusal {
        let words = match self.server_error() {
            Some(server_error) => format!("the log-in was refused: {server_error}"),
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
    pub(super) fn initial_for_tests(&self) -> Vec<u8> {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.decode(&*self.responses[0]).unwrap()
    }
}

#[cfg(test)]
pub(super) mod tests {

    use super::super::{ChannelBinding, nonce};
    use super::*;

    pub(in crate::proto::auth) fn credentials() -> Credentials {
        Credentials::new(b"tim", b"tanstaaftanstaaf").unwrap()
    }

    pub(in crate::proto::auth) fn context() -> LoginContext<'static> {
        LoginContext {
            greeting: b"",
            host: &"pop.test",
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
    pub(in crate::proto::auth) fn begin(credentials: &Credentials, mechanism: Mechanism) -> (Login<'_>, String) {
        let login = Login::new(credentials, mechanism, context()).unwrap();
        let first = wire(login.first());
        (login, first)
    }

    /// What the log-in answers to a line.
    pub(in crate::proto::auth) fn says(login: &mut Login<'_>, line: &str) -> Result<Option<String>> {
        let reply = Reply::parse_in_exchange(line.as_bytes()).unwrap();
        let derived = login.derivation(reply)?.map(|derivation| derivation.run(&mut || Ok(()))).transpose()?;
        login.next(reply, &derived.unwrap_or_default()).map(|command| command.map(wire))
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
            let context = LoginContext { binding, ..context() };
            let mut login = Login::new(&credentials, mechanism, context).unwrap();
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
        let greeting = LoginContext { greeting: b"<1@host>", ..context() };
        let mut login = Login::new(&credentials, Mechanism::Apop, greeting).unwrap();
        assert_eq!(login.secrets().len(), 3);
        assert_eq!(**login.first().redacted().unwrap(), *b"APOP tim ***");
        assert!(login.next(Reply::parse(b"+OK").unwrap(), b"").unwrap().is_none());

        let mut login = Login::new(&credentials, Mechanism::Login, context()).unwrap();
        assert_eq!(**login.first().redacted().unwrap(), *b"AUTH LOGIN");
        for _ in 0..2 {
            let reply = Reply::parse_in_exchange(b"+").unwrap();
            assert_eq!(**login.next(reply, b"").unwrap().unwrap().redacted().unwrap(), *b"***");
        }
        assert_eq!(login.secrets(), [&b"dGlt"[..], b"c2VjcmV0", b"token", b"secret"]);
        says(&mut login, "+ ").unwrap_err();
        assert_eq!(**login.cancel().unwrap().redacted().unwrap(), *b"***");
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
                let context = LoginContext { binding, ..context() };
                let mut login = Login::new(&credentials, mechanism, context).unwrap();
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
    fn what_goes_ahead_of_an_answer() {
        let credentials = credentials();
        assert_eq!(credentials.user(), b"tim");
        let (login, _) = begin(&credentials, Mechanism::UserPass);
        assert_eq!(login.ahead().map(wire).unwrap(), "PASS tanstaaftanstaaf\r\n");
        assert!(begin(&credentials, Mechanism::Plain).0.ahead().is_none());
    }

    #[test]
    fn most_mechanisms_know_no_server_error() {
        let credentials = credentials();
        let (login, _) = begin(&credentials, Mechanism::Plain);
        assert_eq!(login.server_error(), None);
        // the password, and what was said with it
        assert_eq!(login.secrets().len(), 3);
    }

    #[test]
    fn what_a_refusal_leads_to() {
        let credentials = credentials();
        let refused = |says_auth, mechanism, replies: &[&str]| {
            let context = LoginContext { says_auth, ..context() };
            let mut login = Login::new(&credentials, mechanism, context).unwrap();
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
            (Mechanism::CramMd5, &["-ERR mailbox is locked"], other(Kind::MailboxInUse), other(Kind::MailboxInUse)),
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
            let mut login = Login::new(&credentials, mechanism, context()).unwrap();
            challenges.iter().for_each(|challenge| drop(says(&mut login, challenge).unwrap()));
            assert_eq!(says(&mut login, "+OK").unwrap_err().kind(), Kind::BadFormat, "{mechanism:?} {challenges:?}");
        }
        let context = LoginContext { initial_response: false, ..context() };
        let mut login = Login::new(&credentials, Mechanism::Plain, context).unwrap();
        assert_eq!(wire(login.first()), "AUTH PLAIN\r\n");
        assert_eq!(says(&mut login, "+OK").unwrap_err().kind(), Kind::BadFormat);
    }
}

//! SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither says it.

use std::borrow::Cow;

use zeroize::{Zeroize, Zeroizing};

use super::sasl::{Exchange, Message, decode, escape_name, syntax, unexpected};
use super::{ChannelBinding, Credentials, LoginContext};
use crate::crypto::{self, Bytes, Derivation, Hash};
use crate::error::{Error, Kind, Result};
use crate::secret::{base64, join, no_memory};
use crate::shortage;

/// Fewer iterations than every server must ask for (RFC 7677, section 4) are asked for by an impostor who means to
/// guess the password from our answer.
const MIN_ITERATIONS: u32 = 4096;
/// More than anybody recommends, and about a second's work.
const MAX_ITERATIONS: u32 = 2_000_000;

pub(super) struct Scram<'a> {
    hash: Hash,
    password: &'a [u8],
    /// The GS2 header: whether the channel is bound, and as whom to act.
    header: Zeroizing<Vec<u8>>,
    /// What the channel is bound by.
    binding: Vec<u8>,
    /// The first message without that header.
    first: Zeroizing<Vec<u8>>,
    nonce: String,
    step: Step,
    /// Why the server refuses.
    server_error: Zeroizing<Vec<u8>>,
}

enum Step {
    /// The server's nonce, salt and number of iterations are due.
    ServerFirst,
    /// The server's signature is due, which must be this.
    ServerFinal(Bytes),
    /// The server has proved that it knows the password.
    Verified,
}

impl<'a> Scram<'a> {
    /// The mechanism, with `plus` that which binds the log-in to the TLS channel.
    pub(super) fn new(
        hash: Hash,
        plus: bool,
        credentials: &'a Credentials,
        context: &LoginContext<'_>,
    ) -> Result<Scram<'a>> {
        let (flag, binding) = match (plus, &context.binding) {
            (true, Some(ChannelBinding { name, data })) => (format!("p={name}"), data.clone()),
            (true, None) => {
                return Err(Error::new(Kind::Unsupported, "this connection has nothing to bind the log-in to"));
            }
            // we could, and the server can't: if it can, somebody has changed its list, and it will refuse
            (false, Some(_)) => ("y".to_owned(), Vec::new()),
            (false, None) => ("n".to_owned(), Vec::new()),
        };
        let authzid = escape_name(&credentials.authzid)?;
        let header = join(&[flag.as_bytes(), b",", if authzid.is_empty() { b"" } else { b"a=" }, &authzid, b","])?;
        let user = prepare(&credentials.user)?;
        let nonce = (context.nonce)()?;
        let first = join(&[b"n=", &escape_name(&user)?, b",r=", nonce.as_bytes()])?;
        Ok(Scram {
            hash,
            password: &credentials.password,
            header,
            binding,
            first,
            nonce,
            step: Step::ServerFirst,
            server_error: Zeroizing::default(),
        })
    }

    /// What the server has said first, if it answers us.
    fn server_first<'s>(&self, text: &'s [u8]) -> Result<ServerFirst<'s>> {
        let first = ServerFirst::parse(text)?;
        match first.nonce.len() > self.nonce.len() && first.nonce.starts_with(self.nonce.as_bytes()) {
            true => Ok(first),
            false => Err(syntax("SCRAM with a nonce that does not extend ours")),
        }
    }

    /// The last message, and the signature that must answer it.
    fn prove(&self, server_first: &[u8], salted: &[u8]) -> Result<(Message, Bytes)> {
        let ServerFirst { nonce, .. } = self.server_first(server_first)?;
        let channel = base64(&join(&[&self.header, &self.binding])?)?;
        let without_proof = join(&[b"c=", channel.as_bytes(), b",r=", nonce])?;
        let exchange: [&[u8]; 5] = [&self.first, b",", server_first, b",", &without_proof];

        let hash = self.hash;
        let client_key = hash.hmac(salted, &[b"Client Key"])?;
        let client_signature = hash.hmac(&hash.digest(&[&client_key]), &exchange)?;
        let server_signature = hash.hmac(&hash.hmac(salted, &[b"Server Key"])?, &exchange)?;
        let mut proof = client_key;
        proof.iter_mut().zip(&*client_signature).for_each(|(key, signature)| *key ^= signature);
        let proof = base64(&proof)?;
        Ok((join(&[&without_proof, b",p=", proof.as_bytes()])?, server_signature))
    }
}

impl Exchange for Scram<'_> {
    fn initial(&mut self) -> Result<Option<Message>> {
        join(&[&self.header, &self.first]).map(Some)
    }

    fn derivation(&self, challenge: &[u8]) -> Result<Option<Derivation>> {
        let Step::ServerFirst = self.step else { return Ok(None) };
        let ServerFirst { salt, iterations, .. } = self.server_first(challenge)?;
        let mut prepared = prepare(self.password)?;
        let password = join(&[&prepared]);
        if let Cow::Owned(prepared) = &mut prepared {
            prepared.zeroize();
        }
        Ok(Some(Derivation { hash: self.hash, password: password?, salt, iterations }))
    }

    fn respond(&mut self, challenge: &[u8], derived: &[u8]) -> Result<Message> {
        match &self.step {
            Step::ServerFirst => {
                let (proof, signature) = self.prove(challenge, derived)?;
                self.step = Step::ServerFinal(signature);
                Ok(proof)
            }
            Step::ServerFinal(signature) => {
                verify(signature, challenge, &mut self.server_error)?;
                self.step = Step::Verified;
                join(&[])
            }
            Step::Verified => Err(unexpected()),
        }
    }

    /// A server that says its last word with `+OK` rather than before it is listened to as well.
    fn accept(&mut self, text: &[u8]) -> Result<()> {
        match &self.step {
            Step::ServerFirst => Err(unproven()),
            Step::ServerFinal(signature) => {
                verify(signature, &decode(text).map_err(|_| unproven())?, &mut self.server_error)
            }
            Step::Verified => Ok(()),
        }
    }

    fn server_error(&self) -> &[u8] {
        &self.server_error
    }

    /// The first one says no more than a name.
    fn proof(&self) -> usize {
        2
    }

    /// The server's signature, together with what it said first, lets whoever reads a log guess at the password. Being
    /// base64 itself it begins with a digit, `+` or `/`, or with a letter.
    fn redaction_markers(&self) -> &'static [&'static [u8]] {
        match &self.step {
            // "v=" and the first two bits of what follows
            Step::ServerFinal(_) => &[b"dj0", b"dj1"],
            Step::ServerFirst | Step::Verified => &[],
        }
    }
}

/// What the server says first. Extensions behind it are passed over, as they must be; one before it must not be.
struct ServerFirst<'a> {
    nonce: &'a [u8],
    salt: Zeroizing<Vec<u8>>,
    iterations: u32,
}

impl ServerFirst<'_> {
    fn parse(text: &[u8]) -> Result<ServerFirst<'_>> {
        let mut fields = text.split(|byte| *byte == b',');
        let mut field = |name: &[u8]| fields.next()?.strip_prefix(name).filter(|value| !value.is_empty());
        let (Some(nonce), Some(salt), Some(count)) = (field(b"r="), field(b"s="), field(b"i=")) else {
            return Err(syntax("SCRAM without nonce, salt or number of iterations"));
        };
        let salt = decode(salt)?;
        if !count.iter().all(u8::is_ascii_digit) {
            return Err(syntax("SCRAM with an iteration count that is not a number"));
        }
        // of digits alone, so it is too large where it is none
        let iterations = std::str::from_utf8(count).ok().and_then(|count| count.parse().ok()).unwrap_or(u32::MAX);
        match iterations {
            MIN_ITERATIONS..=MAX_ITERATIONS => Ok(ServerFirst { nonce, salt, iterations }),
            _ => {
                let limits = format!("not between {MIN_ITERATIONS} and {MAX_ITERATIONS}");
                Err(Error::new(Kind::Limit, format!("the server wants a number of iterations for SCRAM {limits}")))
            }
        }
    }
}

/// The server's last message: its signature, or why it refuses.
fn verify(signature: &[u8], server_final: &[u8], server_error: &mut Zeroizing<Vec<u8>>) -> Result<()> {
    let field = server_final.split(|byte| *byte == b',').next().unwrap_or_default();
    if let Some(reason) = field.strip_prefix(b"e=") {
        *server_error = join(&[reason])?;
        return Err(Error::new(Kind::Auth, "the log-in was refused"));
    }
    let theirs = decode(field.strip_prefix(b"v=").ok_or_else(unproven)?)?;
    if crypto::equal(signature, &theirs) { Ok(()) } else { Err(unproven()) }
}

fn unproven() -> Error {
    Error::new(Kind::Syntax, "the server did not prove that it knows the password")
}

/// SASLprep (RFC 4013), so that the same name or password typed in another way is the same. What it forbids, as
/// characters that are younger than it, goes as it is: many servers do not prepare at all.
///
/// Copies that `stringprep` makes of a password beyond ASCII are wiped by the allocator (`capi/allocator.rs`).
fn prepare(text: &[u8]) -> Result<Cow<'_, [u8]>> {
    prepare_where(text, shortage::has)
}

fn prepare_where(text: &[u8], has_memory: impl Fn(usize) -> bool) -> Result<Cow<'_, [u8]>> {
    // a character may become many, in a text that grows
    const COPIES: usize = 32;
    if !text.is_ascii() && !has_memory(text.len() * COPIES) {
        return Err(no_memory());
    }
    Ok(match std::str::from_utf8(text).ok().and_then(|text| stringprep::saslprep(text).ok()) {
        Some(Cow::Owned(prepared)) => Cow::Owned(prepared.into_bytes()),
        Some(Cow::Borrowed(same)) => Cow::Borrowed(same.as_bytes()),
        None => Cow::Borrowed(text),
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::login::tests::{context, says};
    use super::super::{Login, Mechanism};
    use super::*;
    use crate::text::mask;

    /// An example of an RFC: the nonce of user "user" and password "pencil", and the messages that follow.
    struct Example {
        mechanism: Mechanism,
        nonce: fn() -> Result<String>,
        server_first: &'static str,
        client_final: &'static str,
        server_final: &'static str,
    }

    /// RFC 5802, section 5
    const SHA_1: Example = Example {
        mechanism: Mechanism::ScramSha1,
        nonce: || Ok("fyko+d2lbbFgONRv9qkxdawL".to_owned()),
        server_first: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        client_final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        server_final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    };

    /// RFC 7677, section 3
    const SHA_256: Example = Example {
        mechanism: Mechanism::ScramSha256,
        nonce: || Ok("rOprNGfwEbeRWgbNEkqO".to_owned()),
        server_first: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        client_final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        server_final: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    };

    fn user() -> Credentials {
        Credentials::new(b"user", b"pencil").unwrap()
    }

    fn challenge(message: &str) -> String {
        format!("+ {}", STANDARD.encode(message))
    }

    fn line(message: &str) -> String {
        format!("{}\r\n", STANDARD.encode(message))
    }

    fn decoded(line: &str) -> String {
        String::from_utf8(STANDARD.decode(line.trim_end()).unwrap()).unwrap()
    }

    fn begin<'a>(credentials: &'a Credentials, example: &Example) -> Login<'a> {
        let context = LoginContext { nonce: example.nonce, ..context() };
        Login::new(credentials, example.mechanism, context).unwrap()
    }

    #[test]
    fn the_examples() {
        for example in [SHA_1, SHA_256] {
            let user = user();
            let mut login = begin(&user, &example);
            let first = STANDARD.encode(format!("n,,n=user,r={}", (example.nonce)().unwrap()));
            let whole = format!("AUTH {} {first}\r\n", example.mechanism.name());
            assert_eq!(*login.first().encode().unwrap(), whole.as_bytes());
            // a server that passes over the initial response
            assert_eq!(says(&mut login, "+").unwrap().unwrap(), format!("{first}\r\n"));
            let last = says(&mut login, &challenge(example.server_first)).unwrap().unwrap();
            assert_eq!(last, line(example.client_final));
            assert_eq!(says(&mut login, &challenge(example.server_final)).unwrap().unwrap(), "\r\n");
            assert_eq!(says(&mut login, "+OK welcome").unwrap(), None);
            assert!(login.cancel().is_none());
        }
    }

    #[test]
    fn the_signature_may_come_with_ok() {
        for example in [SHA_1, SHA_256] {
            let user = user();
            let mut login = begin(&user, &example);
            says(&mut login, &challenge(example.server_first)).unwrap();
            let ok = format!("+OK {}", STANDARD.encode(example.server_final));
            assert_eq!(says(&mut login, &ok).unwrap(), None);
        }
    }

    #[test]
    fn a_server_that_does_not_know_the_password() {
        let (user, wrong) = (user(), Credentials::new(b"user", b"pencil2").unwrap());
        for example in [SHA_1, SHA_256] {
            let other = "v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
            let cut = &example.server_final[..example.server_final.len() - 4];
            for last in [other, cut, "v=", "v=%", "", "x=AAAA", "v=AAAA,e=other-error"] {
                for reply in [challenge(last), format!("+OK {}", STANDARD.encode(last))] {
                    let mut login = begin(&user, &example);
                    says(&mut login, &challenge(example.server_first)).unwrap();
                    assert_eq!(says(&mut login, &reply).unwrap_err().kind(), Kind::Syntax, "{reply}");
                    assert_eq!(login.cancel().is_some(), reply.starts_with("+ "));
                }
            }
            for reply in ["+OK", "+OK Logged in.", "+OK ===="] {
                let mut login = begin(&user, &example);
                assert_eq!(says(&mut login, reply).unwrap_err().kind(), Kind::Syntax, "too early");
                let mut login = begin(&user, &example);
                says(&mut login, &challenge(example.server_first)).unwrap();
                assert_eq!(says(&mut login, reply).unwrap_err().kind(), Kind::Syntax, "{reply}");
            }
            let mut login = begin(&wrong, &example);
            says(&mut login, &challenge(example.server_first)).unwrap();
            assert_eq!(says(&mut login, &challenge(example.server_final)).unwrap_err().kind(), Kind::Syntax);
        }
    }

    #[test]
    fn of_a_signature_nothing_is_shown() {
        let user = user();
        for example in [SHA_1, SHA_256] {
            let first = challenge(example.server_first);
            let mut login = begin(&user, &example);
            assert_eq!(*mask(first.as_bytes(), &login.secrets()), *first.as_bytes());
            says(&mut login, &first).unwrap();
            // whether it is the right one or not, and in base64 begins with a digit or a letter
            for last in [example.server_final, "v=rmF9pqV8", "v=6rriTRBi,x=an extension", "v=/AAA", "v=+AAA", "v=zAAA"]
            {
                for (line, shown) in [(challenge(last), "+ ***"), (format!("+OK {}", STANDARD.encode(last)), "+OK ***")]
                {
                    assert_eq!(*mask(line.as_bytes(), &login.secrets()), *shown.as_bytes());
                }
            }
            let refusal = challenge("e=invalid-proof");
            assert_eq!(*mask(refusal.as_bytes(), &login.secrets()), *refusal.as_bytes());
            says(&mut login, &challenge(example.server_final)).unwrap();
            assert_eq!(*mask(b"+OK dj0 messages", &login.secrets()), *b"+OK dj0 messages");
        }
    }

    #[test]
    fn what_is_prepared_takes_memory() {
        assert_eq!(*prepare_where(b"tim", |_| false).unwrap(), b"tim"[..]);
        let beyond_ascii = "t\u{ad}im".as_bytes();
        assert_eq!(*prepare_where(beyond_ascii, |memory| memory == 5 * 32).unwrap(), b"tim"[..]);
        assert_eq!(prepare_where(beyond_ascii, |_| false).unwrap_err().kind(), Kind::OutOfMemory);
    }

    #[test]
    fn a_refusal_in_the_servers_last_message() {
        let user = user();
        let mut login = begin(&user, &SHA_256);
        says(&mut login, &challenge(SHA_256.server_first)).unwrap();
        let refused = says(&mut login, &challenge("e=invalid-proof")).unwrap_err();
        assert_eq!((refused.kind(), refused.to_string()), (Kind::Auth, "the log-in was refused; invalid-proof".into()));
        assert!(login.cancel().is_some());
    }

    #[test]
    fn no_more_challenges_than_there_are() {
        let user = user();
        let mut login = begin(&user, &SHA_1);
        says(&mut login, &challenge(SHA_1.server_first)).unwrap();
        says(&mut login, &challenge(SHA_1.server_final)).unwrap();
        assert_eq!(says(&mut login, "+").unwrap_err().kind(), Kind::BadFormat);
    }

    #[test]
    fn malformed_first_messages() {
        const NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";
        let user = user();
        for (message, kind) in [
            ("".to_owned(), Kind::Syntax),
            (format!("r={NONCE}3,s=QSXC"), Kind::Syntax),
            (format!("r={NONCE}3,i=4096"), Kind::Syntax),
            ("s=QSXC,i=4096".to_owned(), Kind::Syntax),
            (format!("s=QSXC,r={NONCE}3,i=4096"), Kind::Syntax),
            (format!("m=new,r={NONCE}3,s=QSXC,i=4096"), Kind::Syntax),
            (format!("r={NONCE},s=QSXC,i=4096"), Kind::Syntax),
            (format!("r={},s=QSXC,i=4096", NONCE.to_lowercase() + "3"), Kind::Syntax),
            ("r=3,s=QSXC,i=4096".to_owned(), Kind::Syntax),
            ("r=,s=QSXC,i=4096".to_owned(), Kind::Syntax),
            (format!("r={NONCE}3,s=,i=4096"), Kind::Syntax),
            (format!("r={NONCE}3,s=QSX,i=4096"), Kind::Syntax),
            (format!("r={NONCE}3,s=QSXC,i="), Kind::Syntax),
            (format!("r={NONCE}3,s=QSXC,i=-4096"), Kind::Syntax),
            (format!("r={NONCE}3,s=QSXC,i=+4096"), Kind::Syntax),
            (format!("r={NONCE}3,s=QSXC,i=4096x"), Kind::Syntax),
            (format!("r={NONCE}3,s=QSXC,i=4095"), Kind::Limit),
            (format!("r={NONCE}3,s=QSXC,i=0"), Kind::Limit),
            (format!("r={NONCE}3,s=QSXC,i=2000001"), Kind::Limit),
            (format!("r={NONCE}3,s=QSXC,i=4294967296"), Kind::Limit),
            (format!("r={NONCE}3,s=QSXC,i={}", "9".repeat(1000)), Kind::Limit),
        ] {
            let mut login = begin(&user, &SHA_1);
            // the client's first message was asked for, so even an empty challenge is the server's first
            says(&mut login, "+").unwrap();
            assert_eq!(says(&mut login, &challenge(&message)).unwrap_err().kind(), kind, "{message}");
            assert!(login.cancel().is_some());
        }
        let mut login = begin(&user, &SHA_1);
        assert!(says(&mut login, &challenge(&format!("r={NONCE}3,s=QSXC,i=4096,x=an extension"))).is_ok());
    }

    #[test]
    fn every_prefix_of_a_challenge() {
        let user = user();
        for example in [SHA_1, SHA_256] {
            let whole = challenge(example.server_first);
            let plain = example.server_first;
            for end in 2..whole.len() {
                let mut login = begin(&user, &example);
                says(&mut login, "+").unwrap();
                says(&mut login, &whole[..end]).unwrap_err();
                assert!(login.cancel().is_some());
            }
            for end in 0..plain.len() {
                let mut login = begin(&user, &example);
                says(&mut login, "+").unwrap();
                says(&mut login, &challenge(&plain[..end])).unwrap_err();
            }
            for end in 0..example.server_final.len() {
                let mut login = begin(&user, &example);
                says(&mut login, &whole).unwrap();
                says(&mut login, &challenge(&example.server_final[..end])).unwrap_err();
            }
        }
    }

    #[test]
    fn names_are_escaped_and_prepared() {
        // I SOFT-HYPHEN X is IX (RFC 4013, section 3)
        for (user, authzid, first) in [
            ("a,b=c", "", "n,,n=a=2Cb=3Dc,r="),
            ("I\u{ad}X", "other,one", "n,a=other=2Cone,n=IX,r="),
            ("emoji \u{1f4e7}", "", "n,,n=emoji \u{1f4e7},r="),
            ("\u{7}", "", "n,,n=\u{7},r="),
        ] {
            let credentials = Credentials::new(user.as_bytes(), b"").unwrap().with_authzid(authzid.as_bytes()).unwrap();
            let login = begin(&credentials, &SHA_1);
            assert!(login.initial_for_tests().starts_with(first.as_bytes()), "{user}");
        }
        assert_eq!(*prepare(b"latin \xfc").unwrap(), *b"latin \xfc");
        assert_eq!(*prepare("\u{aa}\u{a0}".as_bytes()).unwrap(), *b"a ");
    }

    #[test]
    fn the_prepared_password_is_what_is_proved() {
        let typed = Credentials::new(b"user", "pen\u{ad}cil".as_bytes()).unwrap();
        let mut login = begin(&typed, &SHA_1);
        assert_eq!(says(&mut login, &challenge(SHA_1.server_first)).unwrap().unwrap(), line(SHA_1.client_final));
    }

    #[test]
    fn channel_binding() {
        let user = user();
        let binding = || Some(ChannelBinding { name: "tls-exporter", data: b"\0\x01\xff".to_vec() });
        for (mechanism, binding, header, channel) in [
            (Mechanism::ScramSha1Plus, binding(), "p=tls-exporter,,", &b"p=tls-exporter,,\0\x01\xff"[..]),
            (Mechanism::ScramSha256Plus, binding(), "p=tls-exporter,,", b"p=tls-exporter,,\0\x01\xff"),
            (Mechanism::ScramSha256, binding(), "y,,", b"y,,"),
            (Mechanism::ScramSha256, None, "n,,", b"n,,"),
        ] {
            let context = LoginContext { nonce: SHA_1.nonce, binding, ..context() };
            let mut login = Login::new(&user, mechanism, context).unwrap();
            assert!(login.initial_for_tests().starts_with(format!("{header}n=user,r=").as_bytes()));
            let last = decoded(&says(&mut login, &challenge(SHA_1.server_first)).unwrap().unwrap());
            let field = last.strip_prefix("c=").unwrap().split(',').next().unwrap();
            assert_eq!(STANDARD.decode(field).unwrap(), channel);
        }
        let unbound = Login::new(&user, Mechanism::ScramSha256Plus, context()).err().unwrap();
        assert_eq!(unbound.kind(), Kind::Unsupported);
    }
}

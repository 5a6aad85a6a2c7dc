//! What SASL mechanisms have in common (RFC 4422, RFC 5034): what an exchange is, base64, initial responses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::crypto::Derivation;
use crate::error::{Error, Kind, Result};
use crate::secret::{self, base64};

/// What is said in a SASL exchange, before it is base64.
pub(super) type Message = Zeroizing<Vec<u8>>;

/// What a SASL mechanism says. It is given challenges and gives responses, neither in base64.
pub(super) trait Exchange {
    /// What it begins with; `None` where the server begins.
    fn initial(&mut self) -> Result<Option<Message>> {
        Ok(None)
    }

    /// Whether a challenge can ever hold anything. Where not, the first one asks for what it begins with, even if
    /// that was said already and the challenge has words.
    fn knows_challenges(&self) -> bool {
        true
    }

    /// What is to be derived from the password to answer a challenge, if anything is.
    fn derivation(&self, _challenge: &[u8]) -> Result<Option<Derivation>> {
        Ok(None)
    }

    /// What answers a challenge, with what was derived for it. After an error the exchange is to be cancelled.
    fn respond(&mut self, challenge: &[u8], derived: &[u8]) -> Result<Message>;

    /// Takes the text of the `+OK` that ends the log-in. An error means that the server has not proved who it is.
    fn accept(&mut self, _text: &[u8]) -> Result<()> {
        Ok(())
    }

    /// With which of its messages, counted from 1, it has told or proved what the server is to judge by.
    fn proof(&self) -> usize {
        1
    }

    /// What the server had against us before it refused.
    fn server_error(&self) -> &[u8] {
        b""
    }

    /// In base64, what a line of the server has in it that nobody may see.
    fn redaction_markers(&self) -> &'static [&'static [u8]] {
        &[]
    }
}

pub(super) struct Sasl<'a> {
    pub(super) name: &'static str,
    pub(super) exchange: Box<dyn Exchange + 'a>,
    pub(super) initial: Initial,
    /// Whether the server waits for an answer.
    pub(super) is_asked: bool,
    /// How many messages of the exchange the server has been sent.
    pub(super) sent: usize,
}

/// How it stands with what the mechanism begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Initial {
    /// There is none, or the server has it.
    Done,
    /// It stands behind AUTH, where the server may pass over it.
    WithAuth,
    /// It is too long for that, and waits to be asked for.
    Waits,
}

/// Which of what is said answers a challenge.
pub(super) enum Answer {
    First,
    Last,
}

impl Sasl<'_> {
    pub(super) fn has_proved(&self) -> bool {
        self.sent >= self.exchange.proof()
    }

    /// What is to be derived from the password to answer a challenge, if anything is.
    pub(super) fn derivation(&mut self, challenge: &[u8]) -> Result<Option<Derivation>> {
        self.is_asked = true;
        if self.wants_initial(challenge) { Ok(None) } else { self.exchange.derivation(&decode(challenge)?) }
    }

    pub(super) fn answer(
        &mut self,
        challenge: &[u8],
        responses: &mut Vec<Zeroizing<String>>,
        derived: &[u8],
    ) -> Result<Answer> {
        self.is_asked = true;
        let wants_initial = self.wants_initial(challenge);
        self.initial = Initial::Done;
        let answer = if wants_initial {
            Answer::First
        } else {
            responses.push(base64(&self.exchange.respond(&decode(challenge)?, derived)?)?);
            Answer::Last
        };
        self.sent += 1;
        self.is_asked = false;
        Ok(answer)
    }

    /// Whether a challenge asks for what the mechanism begins with.
    fn wants_initial(&self, challenge: &[u8]) -> bool {
        match self.initial {
            Initial::Done => false,
            Initial::WithAuth => challenge.is_empty() || !self.exchange.knows_challenges(),
            // whatever words are in it: some servers say "go ahead"
            Initial::Waits => true,
        }
    }
}

pub(super) fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut decoded = secret::with_capacity(base64::decoded_len_estimate(text.len()))?;
    let malformed = |_| syntax("a malformed SASL challenge, which is not base64");
    STANDARD.decode_vec(text, &mut decoded).map_err(malformed)?;
    Ok(decoded)
}

/// A name inside a GS2 header or a message of SCRAM (RFC 5801, section 4).
pub(super) fn escape_name(name: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut escaped = secret::with_capacity(name.len() * 3)?;
    for byte in name {
        match byte {
            b',' => escaped.extend_from_slice(b"=2C"),
            b'=' => escaped.extend_from_slice(b"=3D"),
            byte => escaped.push(*byte),
        }
    }
    Ok(escaped)
}

pub(super) fn syntax(what: &str) -> Error {
    Error::new(Kind::Syntax, format!("the server answered the log-in by {what}"))
}

pub(super) fn out_of_place() -> Error {
    Error::new(Kind::BadFormat, "the server said +OK to a log-in where a challenge was due")
}

pub(super) fn unexpected() -> Error {
    Error::new(Kind::BadFormat, "the server sent a challenge where none can be")
}

//! SCRAM (RFC 5802, RFC 7677), bound to the TLS channel or not. The crate rsasl speaks it, so that the library is
//! understood by somebody else than its author.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sign::Signer;
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::prelude::{
    ChannelBindingCallback, Mechanism, Registry, SASLConfig, SASLServer, Session, SessionError, State, Validation,
};
use rsasl::property::{AuthId, AuthzId};
use rsasl::validate::{Validate, ValidationError};

use crate::Result;
use crate::conn::ChannelBinding;

static MECHANISMS: &[Mechanism] = &[SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS];

/// The fewest that RFC 7677 allows.
pub const FEWEST_ITERATIONS: usize = 4096;

/// What a server keeps of an account's password.
pub struct Account {
    user: String,
    salt: [u8; 16],
    iterations: usize,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

/// A log-in under way.
pub struct Scram {
    session: Session<Verdict, Channel>,
    wants_binding: bool,
}

/// What the server says next.
pub struct Challenge {
    pub message: Vec<u8>,
    /// With the last one it is decided whether the client is let in.
    pub verdict: Option<bool>,
}

pub fn is_known(mechanism: &str) -> bool {
    MECHANISMS.iter().any(|known| known.mechanism.as_str() == mechanism)
}

impl Account {
    /// With `knows_password` false it is that of a server that has got at the half of it that verifies clients, not at
    /// the half that proves who the server is.
    pub fn new(mechanism: &str, user: &str, pass: &str, knows_password: bool, iterations: usize) -> Result<Self> {
        let sha_1 = mechanism.starts_with("SCRAM-SHA-1");
        let digest = if sha_1 { MessageDigest::sha1() } else { MessageDigest::sha256() };
        Self::derive(digest, user, pass, knows_password, iterations).map_err(|error| error.to_string())
    }

    fn derive(
        digest: MessageDigest,
        user: &str,
        pass: &str,
        knows_password: bool,
        iterations: usize,
    ) -> std::result::Result<Self, ErrorStack> {
        let mut salt = [0; 16];
        rand_bytes(&mut salt)?;
        let mut salted = vec![0; digest.size()];
        pbkdf2_hmac(pass.as_bytes(), &salt, iterations, digest, &mut salted)?;
        let hmac = |key: &[u8], text| Signer::new(digest, &*PKey::hmac(key)?)?.sign_oneshot_to_vec(text);
        let stored_key = hash(digest, &hmac(&salted, b"Client Key")?)?.to_vec();
        if !knows_password {
            salted.fill(0);
        }
        let server_key = hmac(&salted, b"Server Key")?;
        Ok(Self { user: user.to_owned(), salt, iterations, stored_key, server_key })
    }
}

impl Scram {
    pub fn begin(mechanism: &str, account: Account, channel: Option<ChannelBinding>) -> Result<Self> {
        let known = MECHANISMS.iter().find(|known| known.mechanism.as_str() == mechanism).ok_or("unknown mechanism")?;
        let registry = Registry::with_mechanisms(MECHANISMS);
        let config = SASLConfig::builder().with_registry(registry).with_callback(account);
        let config: Arc<SASLConfig> = config.map_err(|error| error.to_string())?;
        let session = SASLServer::with_cb(config, Channel(channel)).start_suggested(known.mechanism);
        Ok(Self { session: session.map_err(|error| error.to_string())?, wants_binding: mechanism.ends_with("-PLUS") })
    }

    /// What answers the client, or why it is not answered any more.
    pub fn step(&mut self, response: &[u8]) -> Result<Challenge> {
        // rsasl would let a client get away without, which RFC 5802, section 6, forbids
        if std::mem::take(&mut self.wants_binding) && !response.starts_with(b"p=") {
            return Err("not bound to the channel".to_owned());
        }
        let mut message = Vec::new();
        let state = self.session.step(Some(response), &mut message).map_err(|error| error.to_string())?;
        let verdict = match state {
            State::Running => None,
            // none where the proof was wrong
            State::Finished(_) => Some(self.session.validation().unwrap_or(false)),
        };
        Ok(Challenge { message, verdict })
    }
}

impl SessionCallback for Account {
    fn callback(
        &self,
        _: &SessionData,
        context: &Context,
        request: &mut Request,
    ) -> std::result::Result<(), SessionError> {
        if context.get_ref::<AuthId>() == Some(&self.user) {
            let iterations = u32::try_from(self.iterations).unwrap_or(u32::MAX);
            let kept = ScramStoredPassword::new(iterations, &self.salt, &self.stored_key, &self.server_key);
            request.satisfy::<ScramStoredPassword>(&kept)?;
        }
        Ok(())
    }

    fn validate(
        &self,
        _: &SessionData,
        context: &Context,
        validate: &mut Validate<'_>,
    ) -> std::result::Result<(), ValidationError> {
        // who came so far has proved to be the user, and may act as nobody else
        let for_oneself = context.get_ref::<AuthzId>().is_none_or(|authzid| authzid == self.user);
        validate.with::<Verdict, _>(|| Ok(for_oneself)).map(drop)
    }
}

/// Whether the client is let in.
struct Verdict;

impl Validation for Verdict {
    type Value = bool;
}

/// What the server knows of the channel.
struct Channel(Option<ChannelBinding>);

impl ChannelBindingCallback for Channel {
    fn get_cb_data(&self, name: &str) -> Option<&[u8]> {
        self.0.as_ref().filter(|binding| binding.name == name).map(|binding| &*binding.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(mechanism: &str) -> Scram {
        let account = Account::new(mechanism, "alice", "pencil", true, FEWEST_ITERATIONS).unwrap();
        let binding = ChannelBinding { name: "tls-exporter", data: b"data".to_vec() };
        Scram::begin(mechanism, account, Some(binding)).unwrap()
    }

    #[test]
    fn only_a_bound_client_gets_an_answer() {
        for (mechanism, first, answered) in [
            ("SCRAM-SHA-256", "n,,n=alice,r=abc", true),
            ("SCRAM-SHA-256", "y,,n=alice,r=abc", false),
            ("SCRAM-SHA-256-PLUS", "n,,n=alice,r=abc", false),
            ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,n=alice,r=abc", true),
            ("SCRAM-SHA-1-PLUS", "p=tls-unique,,n=alice,r=abc", false),
        ] {
            assert_eq!(begin(mechanism).step(first.as_bytes()).is_ok(), answered, "{mechanism}: {first}");
        }
    }

    #[test]
    fn a_wrong_proof_is_told_and_not_let_in() {
        let mut scram = begin("SCRAM-SHA-1");
        let first = scram.step(b"n,,n=alice,r=abc").unwrap();
        assert_eq!(first.verdict, None);
        let nonce = String::from_utf8(first.message).unwrap().split(',').next().unwrap().to_owned();
        let last = scram.step(format!("c=biws,{nonce},p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=").as_bytes()).unwrap();
        assert_eq!(last.verdict, Some(false));
        assert_eq!(last.message, b"e=invalid-proof");
    }

    #[test]
    fn names_are_in_capitals() {
        assert!(is_known("SCRAM-SHA-1-PLUS") && is_known("SCRAM-SHA-256"));
        assert!(!is_known("SCRAM-SHA-512") && !is_known("PLAIN"));
    }
}

//! How the server speaks TLS.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::ssl::{
    SslContext, SslContextBuilder, SslFiletype, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode, SslVersion,
};

use crate::Result;
use crate::options::Options;
use crate::pki::{Leaf, Strength};

/// The TLS options of a command, and what came of them.
pub struct Tls {
    dir: PathBuf,
    cert: &'static Leaf,
    max: SslVersion,
    /// How the client is asked for a certificate of the test authority's.
    client_cert: SslVerifyMode,
    tickets: Tickets,
    suites: Suites,
    /// By the certificate that is shown: a session can be resumed only in the context that it was made in.
    contexts: Mutex<Vec<(&'static str, SslContext)>>,
    pub handshakes: Handshakes,
}

/// What the server keeps of sessions, for their clients to resume them.
#[derive(Clone, Copy, PartialEq)]
enum Tickets {
    Given,
    /// It gives none.
    Refused,
    /// It gives them, and forgets the keys to them.
    Lost,
    /// It gives them without a session id context: where clients show certificates, OpenSSL then fails the handshake
    /// instead of declining to resume.
    Broken,
}

/// Which cipher suites it has, up to TLS 1.2.
#[derive(Clone, Copy, PartialEq)]
enum Suites {
    Usual,
    /// Those without a certificate.
    Anonymous,
    /// Those without encryption.
    Null,
    /// Diffie and Hellman's over 1024 bits.
    SmallDh,
}

/// How many handshakes succeeded.
#[derive(Default)]
pub struct Handshakes {
    full: AtomicUsize,
    resumed: AtomicUsize,
}

impl Handshakes {
    pub fn add(&self, resumed: bool) {
        let count = if resumed { &self.resumed } else { &self.full };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Full ones, resumed ones.
    pub fn counts(&self) -> (usize, usize) {
        (self.full.load(Ordering::Relaxed), self.resumed.load(Ordering::Relaxed))
    }
}

impl Tls {
    pub fn from_options(options: &mut Options, dir: &Path) -> Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            cert: Leaf::named(&options.text("cert", "good"))?,
            max: options.choice(
                "tls-max",
                &[
                    ("1.3", SslVersion::TLS1_3),
                    ("1.2", SslVersion::TLS1_2),
                    ("1.1", SslVersion::TLS1_1),
                    ("1.0", SslVersion::TLS1),
                ],
            )?,
            client_cert: options.choice(
                "client-cert",
                &[
                    ("no", SslVerifyMode::NONE),
                    ("asked", SslVerifyMode::PEER),
                    ("required", SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT),
                ],
            )?,
            tickets: options.choice(
                "tickets",
                &[
                    ("given", Tickets::Given),
                    ("refused", Tickets::Refused),
                    ("lost", Tickets::Lost),
                    ("broken", Tickets::Broken),
                ],
            )?,
            suites: options.choice(
                "suites",
                &[
                    ("usual", Suites::Usual),
                    ("anonymous", Suites::Anonymous),
                    ("null", Suites::Null),
                    ("small-dh", Suites::SmallDh),
                ],
            )?,
            contexts: Mutex::default(),
            handshakes: Handshakes::default(),
        })
    }

    /// A context that shows the certificate `cert`, or else the one of the command.
    pub fn context(&self, cert: Option<&'static Leaf>) -> Result<SslContext> {
        let cert = cert.unwrap_or(self.cert);
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, context)) = contexts.iter().find(|(name, _)| *name == cert.name) {
            return Ok(context.clone());
        }
        let context = self.build(cert).map_err(|error| format!("certificate {}: {error}", cert.name))?;
        if self.tickets != Tickets::Lost {
            contexts.push((cert.name, context.clone()));
        }
        Ok(context)
    }

    fn build(&self, cert: &Leaf) -> std::result::Result<SslContext, ErrorStack> {
        let mut context = SslContext::builder(SslMethod::tls_server())?;
        let is_old = [SslVersion::TLS1, SslVersion::TLS1_1].contains(&self.max);
        context.set_min_proto_version(Some(if is_old { SslVersion::TLS1 } else { SslVersion::TLS1_2 }))?;
        context.set_max_proto_version(Some(self.max))?;
        // A client that closes without close_notify has closed: that is no failure of the server.
        context.set_options(SslOptions::IGNORE_UNEXPECTED_EOF);
        if cert.strength != Strength::Strong || is_old || self.suites != Suites::Usual {
            // else OpenSSL does not even show it
            context.set_security_level(0);
        }
        match self.suites {
            Suites::Usual => {}
            Suites::Anonymous => context.set_cipher_list("aNULL:!eNULL")?,
            Suites::Null => context.set_cipher_list("eNULL:!aNULL")?,
            Suites::SmallDh => {
                context.set_cipher_list("kDHE:!aNULL")?;
                context.set_tmp_dh(&*Dh::get_1024_160()?)?;
            }
        }
        context.set_certificate_chain_file(cert.chain_file(&self.dir))?;
        context.set_private_key_file(cert.key_file(&self.dir), SslFiletype::PEM)?;
        if self.client_cert != SslVerifyMode::NONE {
            context.set_ca_file(self.dir.join("ca.pem"))?;
            context.set_verify(self.client_cert);
        }
        self.set_tickets(&mut context)?;
        Ok(context.build())
    }

    fn set_tickets(&self, context: &mut SslContextBuilder) -> std::result::Result<(), ErrorStack> {
        match self.tickets {
            Tickets::Broken => {}
            Tickets::Given | Tickets::Lost => context.set_session_id_context(b"pop3-test-server")?,
            Tickets::Refused => {
                context.set_options(SslOptions::NO_TICKET); // with TLS 1.3 it makes them names of what is cached
                context.set_session_cache_mode(SslSessionCacheMode::OFF);
                context.set_num_tickets(0)?;
            }
        }
        Ok(())
    }
}

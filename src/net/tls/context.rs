//! OpenSSL's context: what connections of the same [`Trust`] share, with its trust store.

use std::collections::BTreeSet;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslVerifyMode, SslVersion};
use openssl::version;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509StoreContextRef, X509VerifyResult};

use crate::error::{Error, Kind, Result};
use crate::net::answer::Answer;
use crate::net::tls::ciphers::Ciphers;
use crate::net::tls::{HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH, broken, facts};
use crate::net::trust::{self, Authorities, CertificateFile, Encoded, Trust};
use crate::net::watch::Watch;
use crate::net::{Deadline, seems_exhausted, thread, timed_out};
use crate::openssl_errors;

/// What connections of the same [`Trust`] share: OpenSSL's context with its trust store.
pub struct Context {
    /// OpenSSL's.
    pub ssl: SslContext,
    /// Which context this is: no two have the same, even if one is built again for the same trust.
    pub id: u64,
    /// What it was built for.
    pub trust: Trust,
    /// What to offer in the place of what OpenSSL's configuration says, where that has suites that protect nothing.
    pub ciphers: Option<Ciphers>,
    /// Whether OpenSSL's configuration admits TLS 1.3 alone.
    pub tls13_only: bool,
    /// Files of the folder `cacerts` that gave no certificate, to be named when a verification fails.
    pub unusable: Vec<String>,
    /// Whether the platform's store was wanted and has nothing in it.
    pub lacks_platform: bool,
}

/// How many contexts are kept: each has a copy of the platform's store.
const MOST_CONTEXTS: usize = 16;

/// A context that is kept, or is being built to be kept.
struct Kept {
    trust: Trust,
    build: Arc<Build>,
    /// The process that builds it: of a parent's threads a child has none.
    process: u32,
}

type Build = Answer<Result<Arc<Context>, (Kind, String)>>;

static CONTEXTS: Mutex<Vec<Kept>> = Mutex::new(Vec::new());

/// The context for that trust, built when it is first asked for, which is waited for until the deadline.
///
/// A thread of its own builds it: reading files and looking at certificates can take long, and cannot be interrupted
/// everywhere. Whoever does not wait any longer leaves it to go on, for those who come later.
pub fn context(trust: &Trust, deadline: Deadline, watch: &mut Watch) -> Result<Arc<Context>> {
    let build = build_for(trust)?;
    let built = build.wait(deadline, watch)?;
    match &*built {
        Some(Ok(context)) => Ok(Arc::clone(context)),
        Some(Err((kind, text))) => Err(Error::new(*kind, text.as_str())),
        None => Err(timed_out().during("reading the certificates of authorities")),
    }
}

/// The build that is there or under way, or a new one.
fn build_for(trust: &Trust) -> Result<Arc<Build>> {
    let build = {
        let mut contexts = contexts();
        contexts.retain(|kept| kept.process == process::id() || kept.is_built());
        if let Some(kept) = contexts.iter().find(|kept| kept.trust == *trust) {
            return Ok(Arc::clone(&kept.build));
        }
        if contexts.len() == MOST_CONTEXTS {
            // sessions that use it keep it
            contexts.remove(0);
        }
        let build = Arc::new(Build::default());
        contexts.push(Kept { trust: trust.clone(), build: Arc::clone(&build), process: process::id() });
        build
    };
    // if it cannot begin, or panics, this is dropped, and those who wait hear of it
    let builder = Builder { trust: trust.clone(), build: Arc::clone(&build), outcome: None };
    match trust {
        // no file is read for that
        Trust::Anyone => builder.run(),
        Trust::Verified { .. } => thread::spawn(move || builder.run()).map_err(|error| {
            Error::new(Kind::OutOfMemory, "no thread to read the certificates of authorities").with_source(error)
        })?,
    }
    Ok(build)
}

fn contexts() -> MutexGuard<'static, Vec<Kept>> {
    CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    fn is_built(&self) -> bool {
        self.build.is_given()
    }
}

/// Builds a context, and answers whatever comes of it.
struct Builder {
    trust: Trust,
    build: Arc<Build>,
    outcome: Option<Result<Built>>,
}

/// A context, and whether it has all that its trust names. One that lacks what may be there the next time is not kept.
struct Built {
    context: Arc<Context>,
    is_complete: bool,
}

impl Builder {
    fn run(mut self) {
        self.outcome = Some(build_context(&self.trust));
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        if !matches!(&self.outcome, Some(Ok(Built { is_complete: true, .. }))) {
            contexts().retain(|kept| !Arc::ptr_eq(&kept.build, &self.build));
        }
        self.build.give(match self.outcome.take() {
            Some(Ok(built)) => Ok(built.context),
            Some(Err(error)) => Err((error.kind(), error.to_string())),
            None => Err((Kind::Internal, "the certificates of authorities were not read".into())),
        });
    }
}

fn build_context(trust: &Trust) -> Result<Built> {
    let mut builder = SslContext::builder(SslMethod::tls_client()).map_err(broken)?;
    let tls13_only = builder.min_proto_version() == Some(SslVersion::TLS1_3);
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    // an idle session gives its 34 KiB of buffers back
    builder.set_mode(SslMode::AUTO_RETRY | SslMode::RELEASE_BUFFERS);
    // one system call for a record, not one for its head and one for its body
    builder.set_read_ahead(true);
    let mut unusable = Vec::new();
    let mut is_complete = true;
    let mut lacks_platform = false;
    match trust {
        Trust::Anyone => builder.set_verify(SslVerifyMode::NONE),
        Trust::Verified { platform, own } => {
            if *platform {
                // a platform without a store leaves the host's authorities, and the other way round
                if let Err(stack) = builder.set_default_verify_paths() {
                    unusable.push(format!("the platform's store: {}", openssl_errors::describe(&stack)));
                }
                // OpenSSL passes over a store that it can't open, and what is built here stays
                if seems_exhausted() {
                    let text = "no memory, or no descriptor, to read the platform's store";
                    return Err(Error::new(Kind::OutOfMemory, text));
                }
                lacks_platform = !trust::has_platform_store(version::dir());
            }
            let files = match own {
                Authorities::None => Vec::new(),
                Authorities::Folder(cacerts) => trust::read_folder(cacerts)?,
                Authorities::File(path) => vec![trust::read_one(path)?],
            };
            is_complete = !files.iter().any(CertificateFile::may_be_mended);
            let mut without_names = BTreeSet::new();
            unusable.extend(add_files(&mut builder, files, &mut without_names)?);
            // a certificate that the user put there is trusted, be it a root or not
            builder.verify_param_mut().set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(broken)?;
            builder.set_verify_callback(SslVerifyMode::PEER, move |verified, chain| {
                verified || excuse_names(chain, &without_names)
            });
        }
    }
    static NEXT_ID: AtomicU64 = AtomicU64::new(0);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let ssl = builder.build();
    let ciphers = Ciphers::without_empty_ones(&ssl).map_err(broken)?;
    let trust = trust.clone();
    let context = Arc::new(Context { ssl, id, trust, ciphers, tls13_only, unusable, lacks_platform });
    Ok(Built { context, is_complete })
}

/// Whether a certificate that does not name the server is believed all the same: only one that has no names at all and
/// that the host itself has put among its authorities, this very one. Such are made by hand for one machine.
fn excuse_names(chain: &mut X509StoreContextRef, without_names: &BTreeSet<Vec<u8>>) -> bool {
    let is_excused = chain.error_depth() == 0
        && [HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH].contains(&chain.error().as_raw())
        && chain
            .chain()
            .and_then(|chain| chain.get(0))
            .and_then(|certificate| facts::fingerprint(certificate).ok())
            .is_some_and(|fingerprint| without_names.contains(&fingerprint[..]));
    if is_excused {
        chain.set_error(X509VerifyResult::OK);
    }
    is_excused
}

/// Trusts every certificate of the files; answers which files gave none and why. Those that have no names of servers are
/// kept in `without_names`, by their fingerprints.
fn add_files(
    builder: &mut SslContextBuilder,
    files: Vec<CertificateFile>,
    without_names: &mut BTreeSet<Vec<u8>>,
) -> Result<Vec<String>> {
    let mut unusable = Vec::new();
    for file in files {
        let name = file.path.display();
        match file.contents {
            Err(why) => unusable.push(format!("{name}: {why}")),
            Ok(encoded) if encoded.is_empty() => unusable.push(format!("{name}: no certificate in it")),
            Ok(encoded) => {
                let mut bad = 0;
                for encoded in &encoded {
                    let Err(stack) = add_certificate(builder, encoded, without_names) else { continue };
                    if openssl_errors::kind(Kind::Secure, &stack) == Kind::OutOfMemory {
                        return Err(Error::new(Kind::OutOfMemory, format!("no memory for the certificates of {name}")));
                    }
                    bad += 1;
                }
                match (bad, encoded.len()) {
                    (0, _) => {}
                    (1, 1) => unusable.push(format!("{name}: no certificate in it")),
                    (bad, all) => unusable.push(format!("{name}: {bad} of its {all} certificates are damaged")),
                }
            }
        }
    }
    Ok(unusable)
}

fn add_certificate(
    builder: &mut SslContextBuilder,
    encoded: &Encoded,
    without_names: &mut BTreeSet<Vec<u8>>,
) -> Result<(), ErrorStack> {
    let certificate = match encoded {
        Encoded::Pem(pem) => X509::from_pem(pem)?,
        Encoded::Der(der) => X509::from_der(der)?,
    };
    // names that cannot be parsed look like none, but OpenSSL then verifies no server by the certificate
    if certificate.subject_alt_names().is_none() {
        without_names.insert(facts::fingerprint(&certificate)?.to_vec());
    }
    builder.cert_store_mut().add_cert(certificate)
}

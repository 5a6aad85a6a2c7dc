//! OpenSSL's context: what connections of the same [`Trust`] share, with its trust store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use once_cell::sync::OnceCell;
use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::verify::X509VerifyFlags;

use crate::error::{Error, Kind, Result};
use crate::net::seems_exhausted;
use crate::net::tls::broken;
use crate::net::trust::{self, Authorities, CertificateFile, Encoded, Trust};
use crate::openssl_errors;

/// What connections of the same [`Trust`] share: OpenSSL's context with its trust store.
pub struct Context {
    /// OpenSSL's.
    pub ssl: SslContext,
    /// Which context this is: no two have the same, even if one is built again for the same trust.
    pub id: u64,
    /// What it was built for.
    pub trust: Trust,
    /// Files of the folder `cacerts` that gave no certificate, to be named when a verification fails.
    pub unusable: Vec<String>,
}

/// How many contexts are kept: each has a copy of the platform's store.
const MOST_CONTEXTS: usize = 16;

/// A context that is not to be kept: the next one who asks has it built again.
enum NotKept {
    /// It could not be built.
    Failed(Error),
    /// It lacks what may be there the next time.
    Incomplete(Arc<Context>),
}

impl From<Error> for NotKept {
    fn from(error: Error) -> NotKept {
        NotKept::Failed(error)
    }
}

/// The context for that trust, built when it is first asked for.
pub fn context(trust: &Trust) -> Result<Arc<Context>> {
    type Cell = Arc<OnceCell<Arc<Context>>>;
    // a host has one or two settings, which a list finds as fast as a map
    static CONTEXTS: Mutex<Vec<(Trust, Cell)>> = Mutex::new(Vec::new());

    // the lock is for finding the cell alone: building reads files
    let cell = {
        let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        match contexts.iter().find(|(known, _)| known == trust) {
            Some((_, cell)) => Arc::clone(cell),
            None => {
                let cell = Cell::default();
                if contexts.len() == MOST_CONTEXTS {
                    // sessions that use it keep it
                    contexts.remove(0);
                }
                contexts.push((trust.clone(), Arc::clone(&cell)));
                cell
            }
        }
    };
    match cell.get_or_try_init(|| build_context(trust)) {
        Ok(context) => Ok(Arc::clone(context)),
        Err(NotKept::Incomplete(context)) => Ok(context),
        Err(NotKept::Failed(error)) => Err(error),
    }
}

fn build_context(trust: &Trust) -> Result<Arc<Context>, NotKept> {
    // whatever the host's own use of OpenSSL left in this thread's queue would be taken for ours
    ErrorStack::get();
    let mut builder = SslContext::builder(SslMethod::tls_client()).map_err(broken)?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(broken)?;
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    // an idle session gives its 34 KiB of buffers back
    builder.set_mode(SslMode::AUTO_RETRY | SslMode::RELEASE_BUFFERS);
    // one system call for a record, not one for its head and one for its body
    builder.set_read_ahead(true);
    let mut unusable = Vec::new();
    let mut is_complete = true;
    match trust {
        Trust::Anyone => builder.set_verify(SslVerifyMode::NONE),
        Trust::Verified { platform, own } => {
            builder.set_verify(SslVerifyMode::PEER);
            if *platform {
                // a platform without a store leaves the host's authorities, and the other way round
                if let Err(stack) = builder.set_default_verify_paths() {
                    unusable.push(format!("the platform's store: {}", openssl_errors::describe(&stack)));
                }
                // OpenSSL passes over a store that it can't open, and what is built here stays
                if seems_exhausted() {
                    let text = "no memory, or no descriptor, to read the platform's store";
                    return Err(Error::new(Kind::OutOfMemory, text).into());
                }
            }
            let files = match own {
                Authorities::None => Vec::new(),
                Authorities::Folder(cacerts) => trust::read_folder(cacerts)?,
                Authorities::File(path) => vec![trust::read_one(path)?],
            };
            is_complete = !files.iter().any(CertificateFile::may_be_mended);
            unusable.extend(add_files(&mut builder, files)?);
            // a certificate that the user put there is trusted, be it a root or not
            builder.verify_param_mut().set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(broken)?;
        }
    }
    static NEXT_ID: AtomicU64 = AtomicU64::new(0);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let context = Arc::new(Context { ssl: builder.build(), id, trust: trust.clone(), unusable });
    if is_complete { Ok(context) } else { Err(NotKept::Incomplete(context)) }
}

/// Trusts every certificate of the files; answers which files gave none and why.
fn add_files(builder: &mut SslContextBuilder, files: Vec<CertificateFile>) -> Result<Vec<String>> {
    let mut unusable = Vec::new();
    for file in files {
        let name = file.path.display();
        match file.contents {
            Err(why) => unusable.push(format!("{name}: {why}")),
            Ok(encoded) if encoded.is_empty() => unusable.push(format!("{name}: no certificate in it")),
            Ok(encoded) => {
                let mut bad = 0;
                for encoded in &encoded {
                    let Err(stack) = add_certificate(builder, encoded) else { continue };
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

fn add_certificate(builder: &mut SslContextBuilder, encoded: &Encoded) -> Result<(), ErrorStack> {
    let certificate = match encoded {
        Encoded::Pem(pem) => X509::from_pem(pem)?,
        Encoded::Der(der) => X509::from_der(der)?,
    };
    builder.cert_store_mut().add_cert(certificate)
}

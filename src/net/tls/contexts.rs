//! What connections of the same [`Trust`] share, its trust anchors above all: built once and kept for the process.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::platform::{Store, StoreBuilder};
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::net::answer::Answer;
use crate::net::progress::Progress;
use crate::net::trust::{self, Authorities, CertificateFile, Trust};
use crate::net::{Deadline, timed_out};

/// What connections of the same [`Trust`] share.
pub struct Context {
    /// Which context this is: no two have the same, even if one is built again for the same trust.
    pub id: u64,
    /// What it was built for.
    pub trust: Trust,
    /// The trust anchors, as the platform's library has them.
    pub store: Store,
    /// The fingerprints of the host's own authorities that have no names of servers.
    pub without_names: BTreeSet<[u8; 32]>,
    /// Files of the folder `cacerts` that gave no certificate, to be named when a verification fails.
    pub unusable: Vec<String>,
    /// Whether the platform's store was wanted and has nothing in it.
    pub lacks_platform: bool,
}

/// How many contexts are kept: each has a copy of the platform's store.
const MOST_CONTEXTS: usize = 16;

/// How long somebody else's building is waited for, before a context is built beside it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A context that is kept, or is being built to be kept; `None` if it came to nothing.
type Build = Answer<Option<Arc<Context>>>;

static CONTEXTS: Mutex<Vec<(Trust, Arc<Build>)>> = Mutex::new(Vec::new());

/// The context for that trust, built when it is first asked for, as long as the deadline allows.
///
/// One caller builds it, the others wait for that, but not for ever: the one who builds may be in a callback of its host,
/// which may have made this very call, or have been left behind when the process forked.
pub fn context(trust: &Trust, deadline: Deadline, progress: &mut Progress) -> Result<Arc<Context>> {
    let builder = loop {
        let (build, is_new) = build_of(trust);
        if !is_new {
            let patience = Deadline::after(PATIENCE).or_earlier(Some(deadline));
            match &*build.wait(patience, progress)? {
                Some(Some(context)) => return Ok(Arc::clone(context)),
                Some(None) => continue,
                None => {}
            }
        }
        break Builder { build, is_new };
    };
    let built = build(trust, &mut || {
        let left = deadline.remaining().ok_or_else(|| timed_out().during("reading the certificates of authorities"))?;
        // nothing is locked here, so a fork need not wait for the end of the work
        fork::allowed(|| progress.slice(left))?;
        Ok(())
    })?;
    match built.is_complete {
        true => Ok(builder.keep(built.context)),
        // what it lacks may be there the next time
        false => Ok(built.context),
    }
}

/// The context for that trust, if it is there.
pub fn ready(trust: &Trust) -> Option<Arc<Context>> {
    let contexts = contexts();
    let (_, build) = contexts.iter().find(|(known, _)| known == trust)?;
    build.look().clone().flatten()
}

/// The build that is there or under way, or a new one, which the caller then has to do; whether it is new.
fn build_of(trust: &Trust) -> (Arc<Build>, bool) {
    let mut contexts = contexts();
    // a host has one or two settings, which a list finds as fast as a map
    if let Some((_, build)) = contexts.iter().find(|(known, _)| known == trust) {
        return (Arc::clone(build), false);
    }
    if contexts.len() == MOST_CONTEXTS {
        // sessions that use it keep it
        contexts.remove(0);
    }
    let build = Arc::new(Build::default());
    contexts.push((trust.clone(), Arc::clone(&build)));
    (build, true)
}

fn contexts() -> MutexGuard<'static, Vec<(Trust, Arc<Build>)>> {
    CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever builds a context. Where that comes to nothing the next one who asks has it built again.
struct Builder {
    build: Arc<Build>,
    /// Whether the others wait for this one.
    is_new: bool,
}

impl Builder {
    /// Gives it to those who wait and will ask; answers it, or what somebody else was faster to build.
    fn keep(self, context: Arc<Context>) -> Arc<Context> {
        self.build.give(Some(Arc::clone(&context)));
        let kept = self.build.look().clone();
        kept.flatten().unwrap_or(context)
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        if self.is_new && self.build.look().is_none() {
            contexts().retain(|(_, build)| !Arc::ptr_eq(build, &self.build));
            self.build.give(None);
        }
    }
}

/// A context, and whether it has all that its trust names.
struct Built {
    context: Arc<Context>,
    is_complete: bool,
}

/// Builds a context, unless `go_on` ends it, which is asked again and again.
fn build(trust: &Trust, go_on: &mut dyn FnMut() -> Result<()>) -> Result<Built> {
    let mut store = StoreBuilder::new(trust)?;
    let mut unusable = Vec::new();
    let mut without_names = BTreeSet::new();
    let mut is_complete = true;
    let mut lacks_platform = false;
    if let Trust::Verified { platform, own } = trust {
        if *platform {
            lacks_platform = !store.add_platform(&mut unusable)?;
            go_on()?;
        }
        let files = match own {
            Authorities::None => Vec::new(),
            Authorities::Folder(cacerts) => trust::read_folder(cacerts, go_on)?,
            Authorities::File(path) => vec![trust::read_one(path)?],
        };
        is_complete = !files.iter().any(CertificateFile::may_be_mended);
        unusable.extend(add_files(&mut store, files, &mut without_names, go_on)?);
    }
    static NEXT_ID: AtomicU64 = AtomicU64::new(0);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let (trust, store) = (trust.clone(), store.build()?);
    let context = Arc::new(Context { id, trust, store, without_names, unusable, lacks_platform });
    Ok(Built { context, is_complete })
}

/// Trusts every certificate of the files; answers which files gave none and why. Those that have no names of servers are
/// kept in `without_names`, by their fingerprints.
fn add_files(
    store: &mut StoreBuilder,
    files: Vec<CertificateFile>,
    without_names: &mut BTreeSet<[u8; 32]>,
    go_on: &mut dyn FnMut() -> Result<()>,
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
                    go_on()?;
                    match store.add(encoded) {
                        Ok(certificate) if certificate.lacks_names() => {
                            without_names.insert(certificate.fingerprint());
                        }
                        Ok(_) => {}
                        Err(error) if error.kind() == Kind::OutOfMemory => {
                            let text = format!("no memory for the certificates of {name}");
                            return Err(Error::new(Kind::OutOfMemory, text));
                        }
                        Err(_) => bad += 1,
                    }
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

//! The temporary directory, removed at the end.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, io, process};

pub struct ScratchDir(PathBuf);

impl ScratchDir {
    pub fn new() -> io::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.unwrap_or_default().as_nanos();
        let name = format!("pop3-test-{}-{nanos}", process::id());
        // Absolute: the tester need not run where the server was started.
        let path = std::path::absolute(env::temp_dir().join(name))?;
        DirBuilder::new().create(&path)?; // fails on one that exists, so it is ours
        let dir = Self(path);
        // Whatever the umask says: another server, under another user, reads the certificates.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        Ok(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // nobody is left to be told
    }
}

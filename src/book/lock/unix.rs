//! By flock, which ends with the last descriptor of the opened file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// How often the file may be another one than the one that was opened.
const MOST_TRIES: u32 = 1000;

pub struct Lock {
    path: PathBuf,
    file: Option<Flock<File>>,
}

impl Lock {
    /// `None` where another one has it.
    pub fn take(path: &Path) -> io::Result<Option<Lock>> {
        for _ in 0..MOST_TRIES {
            let mut options = OpenOptions::new();
            // a link that somebody has laid there is not followed
            options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
            let file = match Flock::lock(options.open(path)?, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
                Err((_, Errno::EINTR)) => continue,
                Err((_, error)) => return Err(error.into()),
            };
            // the run that had it may have removed the file after we opened it: then the lock keeps nobody out
            let (ours, there) = (file.metadata()?, fs::symlink_metadata(path));
            match there {
                Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
                    return Ok(Some(Lock { path: path.to_owned(), file: Some(file) }));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("another file is there each time"))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        self.file = None;
    }
}

//! Who collects from an account: a file that one run at a time has open, and which nobody has when its process has
//! ended, however that was.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

use std::path::Path;

use crate::book::in_use;
use crate::error::{Error, Kind, Result};

/// Is in force until it is dropped. The file is gone then.
pub struct Lock(#[expect(dead_code, reason = "is dropped, and nothing else")] platform::Lock);

impl Lock {
    /// Takes it, or says that somebody else has it.
    pub fn take(path: &Path) -> Result<Lock> {
        match platform::Lock::take(path) {
            Ok(Some(lock)) => Ok(Lock(lock)),
            Ok(None) => Err(in_use()),
            Err(error) => Err(Error::new(Kind::Book, format!("no lock {}", path.display())).with_source(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_it() {
        let path = std::env::temp_dir().join(format!("pop3-lock-{}", std::process::id()));
        let lock = Lock::take(&path).unwrap();
        assert_eq!(Lock::take(&path).err().unwrap().kind(), Kind::MailboxInUse);
        drop(lock);
        assert!(!path.exists());
        let _again = Lock::take(&path).unwrap();
    }

    #[test]
    fn what_is_left_of_a_process_that_was_killed_is_no_lock() {
        let path = std::env::temp_dir().join(format!("pop3-lock-left-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        drop(Lock::take(&path).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Lock::take(Path::new("/no/such/folder/lock")).err().unwrap();
        assert_eq!(error.kind(), Kind::Book);
        assert!(error.to_string().contains("folder"), "{error}");
    }
}

//! By opening a file that nobody else may open meanwhile, and that Windows removes when it is closed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_SHARING_VIOLATION: i32 = 32;

pub struct Lock(#[expect(dead_code, reason = "is closed, and nothing else")] File);

impl Lock {
    /// `None` where another one has it.
    pub fn take(path: &Path) -> io::Result<Option<Lock>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
        match options.open(path) {
            Ok(file) => Ok(Some(Lock(file))),
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Ok(None),
            // one that is being removed is for nobody any more, and there until then
            Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED) && path.exists() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

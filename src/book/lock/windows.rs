//! By opening a file that nobody else may open meanwhile, and that Windows removes when it is closed.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_SHARING_VIOLATION: i32 = 32;

pub struct Lock(#[expect(dead_code, reason = "is closed, and nothing else")] File);

/// How often, and how long, a file that is being removed is waited for, which nobody may open until it is gone.
const TRIES: u32 = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(5);

impl Lock {
    /// `None` where another one has it.
    pub fn take(path: &Path) -> io::Result<Option<Lock>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
        let mut tries = 0;
        loop {
            match options.open(path) {
                Ok(file) => return Ok(Some(Lock(file))),
                Err(error) => match error.raw_os_error() {
                    Some(ERROR_SHARING_VIOLATION) => return Ok(None),
                    Some(ERROR_ACCESS_DENIED) if tries < TRIES => thread::sleep(BETWEEN_TRIES),
                    _ => return Err(error),
                },
            }
            tries += 1;
        }
    }
}

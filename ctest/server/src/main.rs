//! The server that the tests of a POP3 client talk to.
//!
//! A test starts it with pipes on stdin and stdout and controls it by lines of text; see `control`
//! for the commands. It never outlives its parent: the end of stdin ends it.

mod conn;
mod control;
mod dead_end;
mod escape;
mod listener;
mod mailbox;
mod options;
mod pki;
mod play;
mod recording;
mod relay;
mod scratch;
mod tls;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use control::Control;
use scratch::ScratchDir;

/// What went wrong, in words: the tester reads them after `error` or `failed`.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("pop3-test-server: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> std::result::Result<(), Box<dyn Error>> {
    let dir = ScratchDir::new()?;
    pki::generate(dir.path())?;
    Control::new(dir.path()).run(io::stdin().lock(), io::stdout().lock())?;
    Ok(())
}

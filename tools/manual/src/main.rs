//! pop3-manual HEADER README VERSION DATE FOLDER REFERENCE
//!
//! Writes a page for everything in the header into the folder, and the error reference into that file.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use pop3_manual::examples::{EXAMPLES, Examples};
use pop3_manual::header::Header;
use pop3_manual::page::Manual;
use pop3_manual::{Result, example, reference};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [header, readme, version, date, folder, reference] = &arguments[..] else {
        eprintln!("usage: pop3-manual HEADER README VERSION DATE FOLDER REFERENCE");
        return ExitCode::from(2);
    };
    match write(header, readme, version, date, Path::new(folder), reference) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("pop3-manual: {why}");
            ExitCode::FAILURE
        }
    }
}

fn write(header: &str, readme: &str, version: &str, date: &str, folder: &Path, reference: &str) -> Result<()> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let header = Header::parse(&read(header)?)?;
    let readme = read(readme)?;
    let examples = Examples::parse(EXAMPLES, &header).map_err(|why| format!("tools/manual/examples.c: {why}"))?;
    let pages = Manual { header: &header, version, date, program: example(&readme)?, examples: &examples }.pages()?;
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, text) in pages {
        put(&folder.join(format!("{name}.3")), &text)?;
    }
    put(Path::new(reference), &reference::markdown(&header)?)
}

/// Writes what is not there already: a file that is as it should be keeps its time.
fn put(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

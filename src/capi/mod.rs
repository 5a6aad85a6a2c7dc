//! The C interface, and the only unsafe code.
//!
//! Conventions of the C side, which every function here keeps:
//!
//! - Integers, C strings and structs of them cross; never a Rust enum, reference or panic.
//! - A `const` pointer is read during the call and not kept. `NULL` is refused with [`POP3_ERR_PARAMETER`] unless the
//!   function says what it means.
//! - An out structure is zeroed first and written on success alone.
//! - A host function is called with nothing locked and nothing borrowed that another `pop3_` call could want.
//! - Whatever fails leaves through [`boundary::call`], which keeps the error for [`last_error::pop3_get_last_error`]
//!   and calls the host's error callbacks.
//!
//! The files, from the outside in. Each names only files of the lines below its own:
//!
//! - [`event_loop`]: `pop3_loop`: many of the next ones at a time on one thread;
//! - [`without_socket`]: `pop3_stat`, `pop3_recv`, which open a session, work and close it; [`collect`]:
//!   `pop3_collect`, which opens as many as it takes;
//! - [`connect`]: opening and closing a session; [`mailbox`], [`message`]: the session commands; [`job`]: what is to be
//!   collected; `mail`: taking messages apart; [`setters`]: making and changing options; [`process`]: settings of the
//!   process, the version;
//! - [`boundary`]: what every one of these functions passes through: panics and errors become codes;
//! - [`handles`]: from a socket's number to its session; [`options`]: the options of a connection, and the rules for
//!   them; [`last_error`]: errors in words, the error callbacks;
//! - [`settings`]: the settings of the process, and the rules for them; [`refusals`]: what is made of setters;
//! - [`listeners`]: the status, error and progress callbacks; [`arguments`]: strings and out pointers of the host;
//!   [`buffer`]: what is handed to the host to free; [`codes`]: the result codes; `allocator`: the library's memory;
//! - `system`: what differs between platforms; `reserve`: blocks for the allocator when the system has none.
//!
//! [`POP3_ERR_PARAMETER`]: codes::POP3_ERR_PARAMETER

#![allow(unsafe_code)] // the boundary is what this module is; everywhere else it is denied
#![allow(non_camel_case_types)] // the types are named as C names them

mod allocator;
pub mod arguments;
pub mod boundary;
pub mod buffer;
pub mod codes;
pub mod collect;
pub mod connect;
pub mod event_loop;
pub mod handles;
pub mod job;
pub mod last_error;
pub mod listeners;
#[cfg(feature = "mime")]
pub mod mail;
pub mod mailbox;
pub mod message;
pub mod options;
pub mod process;
pub mod refusals;
mod reserve;
pub mod setters;
pub mod settings;
mod system;
pub mod without_socket;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    /// Which line of the list above each module stands in.
    fn lines_of_modules() -> BTreeMap<&'static str, usize> {
        let comment = include_str!("mod.rs").lines().take_while(|line| line.starts_with("//!"));
        let mut lines = BTreeMap::new();
        let mut at = 0;
        for line in comment.skip_while(|line| !line.contains("from the outside in")) {
            at += usize::from(line.starts_with("//! - "));
            for name in line.split('`').skip(1).step_by(2) {
                lines.entry(name).or_insert(at);
            }
        }
        lines
    }

    /// The modules here that code names by `crate::capi::name` or `crate::capi::{name, name::item}`.
    fn named_in(code: &str) -> Vec<&str> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let first = |text: &str| text.find(|c| !is_name(c)).unwrap_or(text.len());
        code.split("crate::capi::")
            .skip(1)
            .flat_map(|rest| match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap_or_default().split(", ").collect(),
                None => vec![rest],
            })
            .map(|item| &item[..first(item)])
            .collect()
    }

    #[test]
    fn files_name_only_files_of_the_lines_below_their_own() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/capi");
        let lines = lines_of_modules();
        let mut seen = 0;
        for folder in [folder.join("setters"), folder] {
            for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
                let module = if folder.ends_with("setters") { "setters".to_owned() } else { stem(&file) };
                if file.is_dir() || module == "mod" {
                    continue;
                }
                let line = lines[module.as_str()];
                let source = fs::read_to_string(&file).unwrap();
                let code = source.split("#[cfg(test)]").next().unwrap();
                for name in named_in(code).into_iter().filter(|name| *name != module) {
                    assert!(lines[name] > line, "{} names {name}", file.display());
                    seen += 1;
                }
            }
        }
        assert!(seen > 50);
    }
}

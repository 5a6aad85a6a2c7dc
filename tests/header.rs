//! The committed header is what cbindgen makes of the sources. `make header` writes it anew. The C++ wrapper has its codes.

use std::path::Path;
use std::{env, fs};

/// What has C names, in the order in which a reader of the header wants it.
const SOURCES: [&str; 20] = [
    "codes.rs",
    "last_error.rs",
    "listeners.rs",
    "connect.rs",
    "mailbox.rs",
    "message.rs",
    "without_socket.rs",
    "job.rs",
    "collect.rs",
    "event_loop.rs",
    "mail.rs",
    "options.rs",
    "setters/create.rs",
    "setters/network.rs",
    "setters/login.rs",
    "setters/tls.rs",
    "setters/callbacks.rs",
    "setters/protocol.rs",
    "buffer.rs",
    "process.rs",
];

#[test]
fn the_header_is_in_sync_with_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let mut written = Vec::new();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        builder = builder.with_src(root.join("src/capi").join(source));
    }
    builder.generate().expect("the sources can be read").write(&mut written);
    let written = with_tags(&without_safety(&String::from_utf8(written).expect("a header is UTF-8")));

    let header = root.join("include/pop3connect.h");
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&header, &written).expect("the header can be written");
    }
    let committed = fs::read_to_string(&header).unwrap_or_default();
    assert!(committed == written, "include/pop3connect.h is not what the sources say; mend it with: make header");
}

#[test]
fn the_wrapper_has_each_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let read = |name| fs::read_to_string(folder.join(name)).expect("a header can be read");
    let (header, wrapper) = (read("pop3connect.h"), read("pop3connect.hpp"));
    let codes: Vec<_> =
        header.lines().filter_map(|line| line.strip_prefix("#define POP3_ERR_")?.split(' ').next()).collect();
    assert!(!codes.is_empty());
    let line = |code: &str| format!("    {} = POP3_ERR_{code},\n", code.to_lowercase());
    let missing: Vec<_> = codes.into_iter().filter(|code| !wrapper.contains(&line(code))).collect();
    assert!(missing.is_empty(), "pop3::errc in include/pop3connect.hpp lacks {missing:?}");
}

/// Gives each structure a tag, which is its name.
fn with_tags(header: &str) -> String {
    let untagged = "typedef struct {";
    let mut parts = header.split(untagged);
    let mut tagged = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, end) = part.split_once("\n} ").expect("a structure has an end");
        let (name, _) = end.split_once(';').expect("a structure has a name");
        tagged += &format!("typedef struct {name} {{{part}");
    }
    tagged
}

/// Leaves out the sections that are for Rust callers: in C every pointer is unsafe.
fn without_safety(header: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut skipping = false;
    for line in header.lines() {
        if line.trim() == "* # Safety" {
            skipping = true;
            // and the blank line before it
            while kept.last().is_some_and(|last| last.trim() == "*") {
                kept.pop();
            }
        }
        skipping &= line.trim() != "*/";
        if !skipping {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}

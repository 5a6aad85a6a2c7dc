//! The committed error reference is what the header says. `make man` writes it anew.

use std::fs;
use std::path::Path;

use pop3_manual::header::Header;
use pop3_manual::reference;

#[test]
fn the_error_reference_is_in_sync_with_the_header() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let header = fs::read_to_string(root.join("include/pop3connect.h")).expect("the header is there");
    let written = reference::markdown(&Header::parse(&header).unwrap()).unwrap();
    let committed = fs::read_to_string(root.join("docs/errors.md")).unwrap_or_default();
    assert!(committed == written, "docs/errors.md is not what the header says; mend it with: make man");
}

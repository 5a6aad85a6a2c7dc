//! Whether the platform has a store of CA certificates where OpenSSL looks for one.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

/// Whether the platform has any authorities where OpenSSL looks for them: in one file, or in a folder by their hashes. What
/// OpenSSL says of its own folder is `OPENSSLDIR: "…"`; what the environment says comes before that.
pub fn is_there(openssl_dir: &str, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let own = Path::new(openssl_dir.split('"').nth(1).unwrap_or_default());
    let file = variable("SSL_CERT_FILE").map_or_else(|| own.join("cert.pem"), PathBuf::from);
    let folders = variable("SSL_CERT_DIR").unwrap_or_else(|| own.join("certs").into());
    has_store(&file, &folders)
}

fn has_store(file: &Path, folders: &OsStr) -> bool {
    // of a folder OpenSSL takes the files that are named by a hash and a number
    let is_hashed = |entry: DirEntry| {
        entry.path().extension().is_some_and(|ext| ext.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit))
    };
    let has_any =
        |folder: PathBuf| fs::read_dir(folder).is_ok_and(|mut entries| entries.any(|e| e.is_ok_and(is_hashed)));
    fs::metadata(file).is_ok_and(|file| file.len() > 0) || env::split_paths(folders).any(has_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_the_platform_has_a_store() {
        let base = env::temp_dir().join(format!("pop3connect-store.{}", std::process::id()));
        let (file, first, second) = (base.join("cert.pem"), base.join("first"), base.join("second"));
        fs::create_dir_all(&first).unwrap();
        fs::create_dir(&second).unwrap();
        let folders = env::join_paths([&first, &second]).unwrap();
        assert!(!has_store(&file, &folders), "nothing there");
        fs::write(&file, "").unwrap();
        fs::write(second.join("ca-certificates.crt"), "x").unwrap();
        assert!(!has_store(&file, &folders), "an empty file, and one that OpenSSL does not look for");
        fs::write(second.join("5ed36f99.0"), "x").unwrap();
        assert!(has_store(&file, &folders));
        assert!(!has_store(&file, first.as_os_str()));
        fs::write(&file, "x").unwrap();
        assert!(has_store(&file, first.as_os_str()));
        let said = format!("OPENSSLDIR: \"{}\"", base.display());
        assert!(is_there(&said, |_| None));
        let elsewhere = |name: &str| (name == "SSL_CERT_FILE").then(|| first.join("none").into());
        assert!(!is_there(&said, elsewhere));
        fs::remove_dir_all(base).unwrap();
    }
}

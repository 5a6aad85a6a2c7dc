//! The client certificate and its key: in which files they are, and what is said of those that cannot be used.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::net::{is_exhausted, trust};

/// What an error about it begins with.
pub const UNUSABLE: &str = "the client's certificate cannot be used";

/// Where the client certificate is, and its key.
#[derive(Clone)]
pub enum Identity {
    /// In two files in PEM; the certificate's issuers may follow it.
    Pem {
        /// The certificate.
        certificate: PathBuf,
        /// Its key, without a passphrase.
        key: PathBuf,
    },
    /// In one file (RFC 7292).
    Pkcs12 {
        /// The file.
        path: PathBuf,
        /// What opens it.
        password: Zeroizing<String>,
    },
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Pem { certificate, key } => write!(f, "Pem({}, {})", certificate.display(), key.display()),
            Identity::Pkcs12 { path, .. } => write!(f, "Pkcs12({})", path.display()),
        }
    }
}

/// What is in one of the files.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    trust::read_bytes(path).map(Zeroizing::new).map_err(|error| not_read(path, error))
}

fn not_read(path: &Path, error: io::Error) -> Error {
    if is_exhausted(&error) {
        return Error::new(Kind::OutOfMemory, "the client's certificate cannot be read").with_source(error);
    }
    unusable(path, &error)
}

/// That a file cannot be used, and why.
pub fn unusable(path: &Path, why: &dyn fmt::Display) -> Error {
    Error::new(Kind::Secure, format!("{}: {why}", about(path)))
}

/// What an error about one of the files begins with.
pub fn about(path: &Path) -> String {
    format!("{UNUSABLE}: {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::socket::EXHAUSTED;

    #[test]
    fn a_process_that_has_run_out_of_something_says_so() {
        let error = |number| not_read(Path::new("x"), io::Error::from_raw_os_error(number));
        for number in EXHAUSTED {
            assert_eq!(error(number).kind(), Kind::OutOfMemory, "{number}");
        }
        let missing = error(libc::ENOENT);
        assert_eq!(missing.kind(), Kind::Secure);
        assert!(missing.to_string().starts_with("the client's certificate cannot be used: x: "), "{missing}");
    }
}

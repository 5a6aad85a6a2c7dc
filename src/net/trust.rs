//! Trust anchors: the files of CA certificates, as in the folder `cacerts`, read into single certificates without
//! understanding them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use crate::error::{Error, Kind, Result};
use crate::net::{is_exhausted, socket};
use crate::shortage;

/// More than any file of certificates has; what is larger is not one.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Which certificates are trusted. The TLS context is built once for each value of this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Any certificate: encrypted, the peer unchecked.
    Anyone,
    /// Those that lead to an authority that is known.
    Verified {
        /// Whether the authorities of the platform's store are.
        platform: bool,
        /// Which others are.
        own: Authorities,
    },
}

/// Authorities that the host brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// None.
    None,
    /// Those in the files of a folder.
    Folder(PathBuf),
    /// Those in a file.
    File(PathBuf),
}

/// A file of the folder.
pub struct CertificateFile {
    /// Where it is.
    pub path: PathBuf,
    /// What may be certificates in it, or why it can't be read.
    pub contents: io::Result<Vec<Encoded>>,
}

impl CertificateFile {
    /// Whether what is wrong with it may pass by itself, as a disk or a network's file system that does not answer.
    pub fn may_be_mended(&self) -> bool {
        use io::ErrorKind::{Interrupted, NetworkDown, StaleNetworkFileHandle, TimedOut, WouldBlock};
        let passing = [Interrupted, NetworkDown, StaleNetworkFileHandle, TimedOut, WouldBlock];
        self.contents.as_ref().is_err_and(|error| {
            // which has no kind
            passing.contains(&error.kind()) || error.raw_os_error() == Some(socket::DISK_ERROR)
        })
    }
}

/// What may be one certificate.
pub enum Encoded {
    /// In PEM, from its first line to its last.
    Pem(Vec<u8>),
    /// In DER.
    Der(Vec<u8>),
}

impl Encoded {
    /// Its DER; `None` where the base64 of its PEM is damaged.
    pub fn to_der(&self) -> Option<Vec<u8>> {
        match self {
            Encoded::Pem(pem) => pem_to_der(pem),
            Encoded::Der(der) => Some(der.clone()),
        }
    }
}

/// What is between the first line of a PEM block and its last (RFC 7468).
pub fn pem_to_der(pem: &[u8]) -> Option<Vec<u8>> {
    let begin = memchr::memchr(b'\n', pem)?;
    let end = memmem::find(pem, b"-----END ").filter(|end| *end >= begin)?;
    let base64: Vec<u8> = pem[begin..end].iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    STANDARD.decode(base64).ok()
}

/// The certificates of one file, which must be there.
pub fn read_one(path: &Path) -> Result<CertificateFile> {
    match read_file(path) {
        Ok(contents) => Ok(CertificateFile { path: path.to_owned(), contents: Ok(contents) }),
        Err(error) => Err(unreadable("the file", path, error)),
    }
}

/// Every file of the folder, in the order of their names. That a file can't be read is no error unless the process has
/// run out of something. `go_on` is asked before each whether it is still wanted.
pub fn read_folder(cacerts: &Path, go_on: &mut dyn FnMut() -> Result<()>) -> Result<Vec<CertificateFile>> {
    read_folder_by(&read_file, cacerts, go_on)
}

fn read_folder_by(
    read_file: &dyn Fn(&Path) -> io::Result<Vec<Encoded>>,
    cacerts: &Path,
    go_on: &mut dyn FnMut() -> Result<()>,
) -> Result<Vec<CertificateFile>> {
    let unreadable = |error| unreadable("the folder", cacerts, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(cacerts).map_err(unreadable)? {
        go_on()?;
        shortage::check()?;
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    let file = |path: PathBuf| {
        go_on()?;
        match read_file(&path) {
            // a passing trouble of the process, which must not become a lasting lack of trust
            Err(error) if is_exhausted(&error) => Err(unreadable(error)),
            contents => Ok(CertificateFile { path, contents }),
        }
    };
    paths.into_iter().filter(|path| !path.is_dir()).map(file).collect()
}

fn unreadable(what: &str, path: &Path, error: io::Error) -> Error {
    let kind = if is_exhausted(&error) { Kind::OutOfMemory } else { Kind::Secure };
    Error::new(kind, format!("{what} of certificates {} cannot be read", path.display())).with_source(error)
}

fn read_file(path: &Path) -> io::Result<Vec<Encoded>> {
    read_bytes(path).and_then(split)
}

/// What is in a file that can be one of certificates or keys.
pub fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    // a pipe would make us wait for whoever writes to it
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if metadata.len() > MAX_FILE {
        return Err(io::Error::other("too large for a file of certificates"));
    }
    let mut bytes = Vec::new();
    // all at once, in a way that may be refused: reading would ask for more bit by bit. One more, to see the end
    let length = usize::try_from(metadata.len()).unwrap_or_default() + 1;
    shortage::without_reserve(|| bytes.try_reserve_exact(length))?;
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The certificates of a file, one by one, so that a bad one does not hide the others.
fn split(bytes: Vec<u8>) -> io::Result<Vec<Encoded>> {
    if memmem::find(&bytes, BEGIN).is_none() {
        return Ok(vec![Encoded::Der(bytes)]);
    }
    let mut found = Vec::new();
    for (label, block) in pem_blocks(&bytes) {
        // keys, lists of revoked certificates and OpenSSL's TRUSTED ones, which say for what, may stand between
        if [&b"CERTIFICATE"[..], b"X509 CERTIFICATE"].contains(&label) {
            if shortage::check().is_err() {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            found.push(Encoded::Pem(block.to_vec()));
        }
    }
    Ok(found)
}

const BEGIN: &[u8] = b"-----BEGIN ";

/// The blocks of PEM in a text (RFC 7468), each with its label; one without an end is none.
pub fn pem_blocks(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let block = &rest[memmem::find(rest, BEGIN)?..];
        let end = memmem::find(block, b"-----END ")?;
        let last_line = memchr::memchr(b'\n', &block[end..]).map_or(block.len(), |at| end + at + 1);
        let label = &block[BEGIN.len()..];
        let label = &label[..memmem::find(label, b"-----")?];
        rest = &block[last_line..];
        Some((label, &block[..last_line]))
    })
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    fn pem_blocks(text: &str) -> Vec<String> {
        let blocks = split(text.into()).unwrap();
        let text = |encoded| match encoded {
            Encoded::Pem(bytes) => String::from_utf8(bytes).unwrap(),
            Encoded::Der(bytes) => format!("DER of {}", bytes.len()),
        };
        blocks.into_iter().map(text).collect()
    }

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    #[test]
    fn pem_one_or_many_with_other_things_between() {
        let text = format!("subject=CN\n{CERTIFICATE}{KEY}\r\n# comment\n{CERTIFICATE}");
        assert_eq!(pem_blocks(&text), [CERTIFICATE, CERTIFICATE]);
        assert_eq!(pem_blocks(CERTIFICATE.trim_end()), [CERTIFICATE.trim_end()]);
        let old = CERTIFICATE.replace("CERTIFICATE", "X509 CERTIFICATE");
        assert_eq!(pem_blocks(&old), [old]);
    }

    #[test]
    fn der_of_pem() {
        let der = |pem: &str| Encoded::Pem(pem.into()).to_der();
        assert_eq!(der(CERTIFICATE).unwrap(), [0; 3]);
        assert_eq!(der("-----BEGIN X-----\r\nAA AA\r\n\tAAA=\r\n-----END X-----").unwrap(), [0; 5]);
        for damaged in
            ["", "-----BEGIN X-----\nAAA\n-----END X-----", "-----BEGIN X-----\nAAAA\n", "-----END X\nAAAA\n"]
        {
            assert_eq!(der(damaged), None, "{damaged}");
        }
        assert_eq!(Encoded::Der(vec![7]).to_der().unwrap(), [7]);
    }

    #[test]
    fn what_is_no_certificate() {
        assert_eq!(pem_blocks(KEY), [""; 0]);
        assert_eq!(pem_blocks("-----BEGIN CERTIFICATE-----\nAAAA\n"), [""; 0]);
        assert_eq!(pem_blocks("0\u{1}"), ["DER of 2"]);
        assert_eq!(pem_blocks(""), ["DER of 0"]);
    }

    #[test]
    fn what_may_pass_by_itself() {
        let file = |contents| CertificateFile { path: PathBuf::new(), contents };
        for (number, may_pass) in [(socket::DISK_ERROR, true), (socket::EXHAUSTED[0], false), (libc::ENOENT, false)] {
            assert_eq!(file(Err(io::Error::from_raw_os_error(number))).may_be_mended(), may_pass, "{number}");
        }
        assert!(!file(Err(io::Error::other("too large"))).may_be_mended() && !file(Ok(Vec::new())).may_be_mended());
    }

    #[test]
    fn what_is_in_a_file() {
        let path = env::temp_dir().join(format!("pop3connect-file.{}", std::process::id()));
        for bytes in [&b""[..], b"x", &[b'y'; 100_000]] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(read_bytes(&path).unwrap(), bytes);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(read_bytes(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(read_bytes(&env::temp_dir()).is_err(), "a folder");
        // nothing is stored for it
        let file = File::create(&path).unwrap();
        file.set_len(64 * 1024 * 1024).unwrap();
        assert_eq!(read_bytes(&path).unwrap().len(), 64 * 1024 * 1024);
        file.set_len(64 * 1024 * 1024 + 1).unwrap();
        assert!(read_bytes(&path).unwrap_err().to_string().contains("too large"));
        drop(file);
        fs::write(&path, CERTIFICATE).unwrap();
        let certificates = read_one(&path).unwrap().contents.unwrap();
        assert!(matches!(&certificates[..], [Encoded::Pem(pem)] if pem == CERTIFICATE.as_bytes()));
        fs::remove_file(&path).unwrap();
        assert_eq!(read_one(&path).err().unwrap().kind(), Kind::Secure);
    }

    #[test]
    fn a_process_that_has_run_out_of_something_does_not_trust_less() {
        let folder = env::temp_dir().join(format!("pop3connect-exhausted.{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a"), CERTIFICATE).unwrap();
        let read_with = |number| {
            let read_file = move |_: &Path| Err(io::Error::from_raw_os_error(number));
            read_folder_by(&read_file, &folder, &mut || Ok(()))
        };
        assert_eq!(read_with(socket::EXHAUSTED[0]).err().unwrap().kind(), Kind::OutOfMemory);
        assert!(read_with(libc::EACCES).unwrap()[0].contents.is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn reading_a_folder_ends_when_it_is_not_wanted_any_longer() {
        let folder = env::temp_dir().join(format!("pop3connect-folder.{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        for name in ["a", "b"] {
            fs::write(folder.join(name), CERTIFICATE).unwrap();
        }
        let asked = |most: usize| {
            let mut asked = 0;
            let mut go_on = || {
                asked += 1;
                if asked > most { Err(Error::new(Kind::Cancelled, "")) } else { Ok(()) }
            };
            read_folder(&folder, &mut go_on).map(|files| files.len()).map_err(|error| error.kind())
        };
        // for each name and for each file
        assert_eq!((0..=4).map(asked).collect::<Vec<_>>(), [vec![Err(Kind::Cancelled); 4], vec![Ok(2)]].concat());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = read_folder(Path::new("/nonexistent/cacerts"), &mut || Ok(())).err().unwrap();
        assert_eq!(error.kind(), Kind::Secure);
        assert!(error.to_string().contains("/nonexistent/cacerts"));
    }
}

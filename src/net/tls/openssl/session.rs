//! Session resumption: what is kept of a TLS session, to be resumed by a later connection.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslRef, SslSession, SslSessionRef};
use zeroize::Zeroizing;

use crate::net::tls::session::Kept;
use crate::shortage;

/// More than a session has in DER: OpenSSL takes no chain of more than 100 KiB.
const LARGEST_SESSION: usize = 256 * 1024;

/// What is kept of a session. Of all certificates that came it has the server's own alone, either way.
#[derive(Clone)]
pub struct Resumable {
    form: Form,
    size: usize,
}

#[derive(Clone)]
enum Form {
    /// After a full handshake: so it takes no more memory than that says.
    Der(Arc<Zeroizing<Vec<u8>>>),
    /// After one that was resumed, as others may be soon: OpenSSL takes longer to read a certificate than to resume.
    Read(SslSession),
}

/// How many times the memory a session takes once OpenSSL has read it, as was seen with small and with large ones.
const READ: usize = 6;

impl Resumable {
    /// What a connection has at hand to be resumed by a later one.
    pub fn of(ssl: &SslRef) -> Option<Resumable> {
        let session = ssl.session()?;
        let der = to_der(session)?;
        let size = der.len();
        // one that was resumed has no chain in it, and hands none on to those that come of it
        let form = if ssl.session_reused() { Form::Read(session.to_owned()) } else { Form::Der(der) };
        Some(Resumable { form, size })
    }

    /// Offers the server to go on with it, in the context it was made in.
    #[allow(unsafe_code)]
    pub fn resume(&self, ssl: &mut Ssl) -> Result<(), ErrorStack> {
        let read;
        let session = match &self.form {
            Form::Read(session) => session,
            Form::Der(der) => {
                read = SslSession::from_der(der)?;
                &read
            }
        };
        // SAFETY: the crate wants the session to be of the context that `ssl` is of; the caller has asked
        // `Session::may_resume`, which compares their ids, of which there are no two alike
        unsafe { ssl.set_session(session) }
    }
}

impl Kept for Resumable {
    fn size(&self) -> usize {
        self.size
    }

    fn memory(&self) -> usize {
        match self.form {
            Form::Der(_) => self.size,
            Form::Read(_) => self.size * READ,
        }
    }

    fn has_smaller(&self) -> bool {
        matches!(self.form, Form::Read(_))
    }

    fn smaller(&self) -> Option<Resumable> {
        let Form::Read(session) = &self.form else { return None };
        Some(Resumable { form: Form::Der(to_der(session)?), size: self.size })
    }
}

/// A session in DER, if there is memory for it.
fn to_der(session: &SslSessionRef) -> Option<Arc<Zeroizing<Vec<u8>>>> {
    if !shortage::has(LARGEST_SESSION) {
        return None;
    }
    session.to_der().ok().map(|der| Arc::new(Zeroizing::new(der)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openssl_has_read_takes_more_memory_than_its_der() {
        // SSL_SESSION_ASN1: two versions, ECDHE-RSA-AES128-GCM-SHA256, no session id, a master secret
        let head = [0x30, 63, 2, 1, 1, 2, 2, 3, 3, 4, 2, 0xc0, 0x2f, 4, 0, 4, 48];
        let session = SslSession::from_der(&[&head[..], &[0; 48]].concat()).unwrap();
        let size = session.to_der().unwrap().len();
        let read = Resumable { form: Form::Read(session), size };
        assert_eq!((read.size(), read.memory(), read.has_smaller()), (size, 6 * size, true));
        let smaller = read.smaller().unwrap();
        assert_eq!((smaller.size(), smaller.memory(), smaller.has_smaller()), (size, size, false));
        assert!(smaller.smaller().is_none());
    }
}

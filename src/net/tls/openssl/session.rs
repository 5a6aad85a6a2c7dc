//! Session resumption: what is kept of a TLS session, to be resumed by a later connection.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslRef, SslSession, SslSessionRef};
use zeroize::Zeroizing;

use crate::net::tls::lifetime::Lifetime;
use crate::shortage;

/// More than a session has in DER: OpenSSL takes no chain of more than 100 KiB.
const LARGEST_SESSION: usize = 256 * 1024;

/// A session to be resumed by a later connection.
#[derive(Clone)]
pub struct Session {
    form: Form,
    size: usize,
    context: u64,
    lifetime: Lifetime,
}

/// How a session is kept. Of all certificates that came it has the server's own alone, either way.
#[derive(Clone)]
enum Form {
    /// After a full handshake: so it takes no more memory than that says.
    Der(Arc<Zeroizing<Vec<u8>>>),
    /// After one that was resumed, as others may be soon: OpenSSL takes longer to read a certificate than to resume.
    Read(SslSession),
}

/// How many times the memory a session takes once OpenSSL has read it, as was seen with small and with large ones.
const READ: usize = 6;

impl Session {
    /// What a connection in that context has at hand to be resumed by a later one.
    pub(super) fn of(ssl: &SslRef, context: u64, lifetime: Lifetime) -> Option<Session> {
        let session = ssl.session()?;
        let der = to_der(session)?;
        let size = der.len();
        // one that was resumed has no chain in it, and hands none on to those that come of it
        let form = if ssl.session_reused() { Form::Read(session.to_owned()) } else { Form::Der(der) };
        Some(Session { form, size, context, lifetime })
    }

    /// Whether a connection in that context may be offered it.
    pub(super) fn may_resume(&self, context: u64) -> bool {
        self.context == context && !self.is_over()
    }

    /// For how long it may be resumed.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// Offers the server to go on with it, in the context it was made in.
    #[allow(unsafe_code)]
    pub(super) fn resume(&self, ssl: &mut Ssl) -> Result<(), ErrorStack> {
        let read;
        let session = match &self.form {
            Form::Read(session) => session,
            Form::Der(der) => {
                read = SslSession::from_der(der)?;
                &read
            }
        };
        // SAFETY: the crate wants the session to be of the context that `ssl` is of; the caller has asked `may_resume`,
        // which compares their ids, of which there are no two alike
        unsafe { ssl.set_session(session) }
    }

    /// How many bytes it has in DER.
    pub fn size(&self) -> usize {
        self.size
    }

    /// About how many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        match self.form {
            Form::Der(_) => self.size,
            Form::Read(_) => self.size * READ,
        }
    }

    /// Whether there is one that takes less memory.
    pub fn has_smaller(&self) -> bool {
        matches!(self.form, Form::Read(_))
    }

    /// The same, taking less memory, if it can be had so.
    pub fn smaller(&self) -> Option<Session> {
        let Form::Read(session) = &self.form else { return None };
        Some(Session { form: Form::Der(to_der(session)?), ..self.clone() })
    }

    /// Whether it is too old to be resumed.
    pub fn is_over(&self) -> bool {
        self.lifetime.is_over()
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
        let read = Session { form: Form::Read(session), size, context: 0, lifetime: Lifetime::new(None) };
        assert_eq!((read.size(), read.memory(), read.has_smaller()), (size, 6 * size, true));
        let smaller = read.smaller().unwrap();
        assert_eq!((smaller.size(), smaller.memory(), smaller.has_smaller()), (size, size, false));
        assert!(smaller.smaller().is_none());
    }
}

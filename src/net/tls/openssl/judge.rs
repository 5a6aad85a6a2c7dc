//! What is accepted beyond what OpenSSL accepts, and what is not: asked while the certificates are verified.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslRef, SslVerifyMode};
use openssl::x509::{X509Ref, X509StoreContextRef, X509VerifyResult};

use super::errors::setup_error;
use super::{HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH, read};
use crate::error::{Error, Kind, Result};
use crate::net::tls::contexts::Context;

/// Who is asked about each certificate of a chain.
pub struct Judge {
    /// The fingerprint of the only certificate that will do.
    pub fingerprint: Option<[u8; 32]>,
    pub context: Arc<Context>,
}

impl Judge {
    /// Has it asked in a connection's handshake, where it would ever differ from OpenSSL.
    pub fn appoint(self, ssl: &mut SslRef) -> Result<()> {
        if self.fingerprint.is_none() && self.context.without_names.is_empty() {
            return Ok(());
        }
        let judge = Arc::new(self);
        let ask = |ssl: &mut SslRef| {
            let judge = Arc::clone(&judge);
            ssl.set_verify_callback(SslVerifyMode::PEER, move |verified, chain| judge.is_accepted(verified, chain));
        };
        // OpenSSL's crate does not see that there was no memory to keep a callback, and ends the process when OpenSSL
        // calls it: where a place after the callback's could be had there is one for the callback too
        static PLACE: OnceCell<Index<Ssl, ()>> = OnceCell::new();
        ask(ssl);
        let place = *PLACE.get_or_try_init(Ssl::new_ex_index::<()>).map_err(setup_error)?;
        ssl.set_ex_data(place, ());
        if ssl.ex_data(place).is_none() {
            return Err(Error::new(Kind::OutOfMemory, "no memory for the TLS handshake"));
        }
        ask(ssl);
        Ok(())
    }

    fn is_accepted(&self, verified: bool, chain: &mut X509StoreContextRef) -> bool {
        let Some(leaf) = chain.chain().and_then(|chain| chain.get(0)) else { return false };
        let outcome = match &self.fingerprint {
            // nothing else about the certificate counts
            Some(wanted) if is(leaf, wanted) => X509VerifyResult::OK,
            Some(_) => X509VerifyResult::APPLICATION_VERIFICATION,
            None if verified => return true,
            None if chain.error_depth() == 0 && is_about_names(chain.error()) && self.needs_no_names(leaf) => {
                X509VerifyResult::OK
            }
            None => return false,
        };
        chain.set_error(outcome);
        outcome == X509VerifyResult::OK
    }

    /// Whether it is accepted although it does not name the server: only one that has no names at all and that the host
    /// itself has put among its authorities, this very one. Such are made by hand for one machine.
    fn needs_no_names(&self, leaf: &X509Ref) -> bool {
        read(leaf).is_ok_and(|leaf| self.context.without_names.contains(&leaf.fingerprint()))
    }
}

fn is_about_names(error: X509VerifyResult) -> bool {
    [HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH].contains(&error.as_raw())
}

/// Whether it is the certificate with that fingerprint.
pub fn is(certificate: &X509Ref, wanted: &[u8; 32]) -> bool {
    read(certificate).is_ok_and(|certificate| certificate.fingerprint() == *wanted)
}

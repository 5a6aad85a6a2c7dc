//! OpenSSL's context, and its trust store in it.

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslVerifyMode, SslVersion};
use openssl::version;
use openssl::x509::X509;
use openssl::x509::verify::X509VerifyFlags;

use super::ciphers::Ciphers;
use super::errors::{self, setup_error};
use super::{platform_store, read};
use crate::error::{Error, Kind, Result};
use crate::net::seems_exhausted;
use crate::net::tls::certificate::Certificate;
use crate::net::trust::{Encoded, Trust};

/// OpenSSL's context with its trust store.
pub struct Store {
    /// OpenSSL's.
    pub ssl: SslContext,
    /// What to offer in the place of what OpenSSL's configuration says, where that has suites that protect nothing.
    pub ciphers: Option<Ciphers>,
    /// Whether OpenSSL's configuration admits TLS 1.3 alone.
    pub tls13_only: bool,
}

/// A trust store to which certificates are added.
pub struct StoreBuilder {
    ssl: SslContextBuilder,
    tls13_only: bool,
}

impl StoreBuilder {
    /// One with nothing in it.
    pub fn new(trust: &Trust) -> Result<StoreBuilder> {
        // whatever the host's own use of OpenSSL left in this thread's queue would be taken for ours
        ErrorStack::get();
        let mut ssl = SslContext::builder(SslMethod::tls_client()).map_err(setup_error)?;
        let tls13_only = ssl.min_proto_version() == Some(SslVersion::TLS1_3);
        ssl.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
        // an idle session gives its 34 KiB of buffers back
        ssl.set_mode(
            // where writing does not wait it goes on with what is left, which may lie elsewhere then
            SslMode::AUTO_RETRY
                | SslMode::RELEASE_BUFFERS
                | SslMode::ENABLE_PARTIAL_WRITE
                | SslMode::ACCEPT_MOVING_WRITE_BUFFER,
        );
        // one system call for a record, not one for its head and one for its body
        ssl.set_read_ahead(true);
        if *trust == Trust::Anyone {
            ssl.set_verify(SslVerifyMode::NONE);
        } else {
            // a certificate that the user put there is trusted, be it a root or not
            ssl.verify_param_mut().set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(setup_error)?;
            ssl.set_verify(SslVerifyMode::PEER);
        }
        Ok(StoreBuilder { ssl, tls13_only })
    }

    /// Trusts the authorities of the platform's store; answers whether there are any. What of it cannot be used is added to
    /// `unusable`: a platform without a store leaves the host's authorities, and the other way round.
    pub fn add_platform(&mut self, unusable: &mut Vec<String>) -> Result<bool> {
        if let Err(stack) = self.ssl.set_default_verify_paths() {
            unusable.push(format!("the platform's store: {}", errors::describe(&stack)));
        }
        // OpenSSL passes over a store that it can't open, and what is built here stays
        if seems_exhausted() {
            return Err(Error::new(Kind::OutOfMemory, "no memory, or no descriptor, to read the platform's store"));
        }
        Ok(platform_store::is_there(version::dir(), |name| std::env::var_os(name)))
    }

    /// Trusts that certificate.
    pub fn add(&mut self, encoded: &Encoded) -> Result<Certificate> {
        self.add_certificate(encoded).map_err(|stack| errors::error(Kind::Secure, "a damaged certificate", &stack))
    }

    fn add_certificate(&mut self, encoded: &Encoded) -> Result<Certificate, ErrorStack> {
        let certificate = match encoded {
            Encoded::Pem(pem) => X509::from_pem(pem)?,
            Encoded::Der(der) => X509::from_der(der)?,
        };
        let certificate_read = read(&certificate)?;
        self.ssl.cert_store_mut().add_cert(certificate)?;
        Ok(certificate_read)
    }

    /// The store, to which nothing is added any more.
    pub fn build(self) -> Result<Store> {
        let ssl = self.ssl.build();
        let ciphers = Ciphers::without_empty_ones(&ssl).map_err(setup_error)?;
        Ok(Store { ssl, ciphers, tls13_only: self.tls13_only })
    }
}

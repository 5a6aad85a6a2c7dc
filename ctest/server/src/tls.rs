//! How the server speaks TLS.

use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslFiletype, SslMethod, SslOptions, SslVerifyMode, SslVersion};

use crate::Result;
use crate::options::Options;
use crate::pki::Leaf;

/// The TLS options of a command.
pub struct Tls {
    dir: PathBuf,
    cert: &'static Leaf,
    max: SslVersion,
    /// Whether the client must show a certificate of the test authority's.
    client_cert: bool,
}

impl Tls {
    pub fn from_options(options: &mut Options, dir: &Path) -> Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            cert: Leaf::named(&options.text("cert", "good"))?,
            max: options.choice("tls-max", &[("1.3", SslVersion::TLS1_3), ("1.2", SslVersion::TLS1_2)])?,
            client_cert: options.choice("client-cert", &[("no", false), ("required", true)])?,
        })
    }

    /// A context that shows the certificate `cert`, or else the one of the command.
    pub fn context(&self, cert: Option<&'static Leaf>) -> Result<SslContext> {
        let cert = cert.unwrap_or(self.cert);
        self.build(cert).map_err(|error| format!("certificate {}: {error}", cert.name))
    }

    fn build(&self, cert: &Leaf) -> std::result::Result<SslContext, ErrorStack> {
        let mut context = SslContext::builder(SslMethod::tls_server())?;
        context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        context.set_max_proto_version(Some(self.max))?;
        // A client that closes without close_notify has closed: that is no failure of the server.
        context.set_options(SslOptions::IGNORE_UNEXPECTED_EOF);
        context.set_certificate_chain_file(cert.chain_file(&self.dir))?;
        context.set_private_key_file(cert.key_file(&self.dir), SslFiletype::PEM)?;
        if self.client_cert {
            context.set_ca_file(self.dir.join("ca.pem"))?;
            context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        Ok(context.build())
    }
}

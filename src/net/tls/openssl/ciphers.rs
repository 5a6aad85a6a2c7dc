//! Which cipher suites are offered.
//!
//! That is for OpenSSL and its configuration to say, but for two kinds: suites without a certificate, by which anybody
//! passes for the server, and suites without encryption. From security level 1 on OpenSSL leaves both out by itself; below
//! its configuration may have them, and they are left out here.

use std::io::{self, Read, Write};

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslCipherRef, SslContextRef, SslRef, SslStream};

/// The suites to offer, as OpenSSL's lists.
pub struct Ciphers {
    list: String,
    /// Of TLS 1.3, which has a list of its own.
    tls13: String,
}

impl Ciphers {
    /// For appliances that know nothing newer: whatever OpenSSL can do by default, at security level 0.
    pub fn set_old(ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_cipher_list("DEFAULT:!aNULL:!eNULL")?;
        ssl.set_security_level(0);
        Ok(())
    }

    /// What a context offers, less what protects nothing; `None` where it offers nothing of that kind.
    pub fn without_empty_ones(context: &SslContextRef) -> Result<Option<Ciphers>, ErrorStack> {
        if context.security_level() > 0 {
            return Ok(None);
        }
        let ssl = Ssl::new(context)?;
        let offer = offered(&first_message(&ssl)?).and_then(|offer| ssl.bytes_to_cipher_list(offer, false).ok());
        // where no version of TLS is admitted nothing is offered
        let Some(offer) = offer else { return Ok(None) };
        let (sound, empty): (Vec<_>, Vec<_>) = offer.suites.iter().partition(|suite| is_sound(suite));
        if empty.is_empty() {
            return Ok(None);
        }
        let (tls13, others): (Vec<_>, Vec<_>) = sound.into_iter().partition(|suite| suite.version() == "TLSv1.3");
        let list = |suites: Vec<&SslCipherRef>| suites.iter().map(|suite| suite.name()).collect::<Vec<_>>().join(":");
        Ok(Some(Ciphers { list: list(others), tls13: list(tls13) }))
    }

    /// Has a connection offer these.
    pub fn set(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        // OpenSSL takes an empty list for a mistake
        ssl.set_cipher_list(if self.list.is_empty() { "DEFAULT:!aNULL:!eNULL" } else { &self.list })?;
        ssl.set_ciphersuites(&self.tls13)
    }
}

fn is_sound(suite: &SslCipherRef) -> bool {
    let description = suite.description();
    !description.contains("Au=None") && !description.contains("Enc=None")
}

/// The first message that such a connection sends, which has its offer: OpenSSL's crate cannot be asked for that.
fn first_message(ssl: &SslRef) -> Result<Vec<u8>, ErrorStack> {
    let mut stream = SslStream::new(Ssl::new(ssl.ssl_context())?, Sink(Vec::new()))?;
    // it waits for an answer that never comes
    let _ = stream.connect();
    // nobody is to take what was left there for theirs
    ErrorStack::get();
    Ok(std::mem::take(&mut stream.get_mut().0))
}

/// The suites in a ClientHello in its record (RFC 8446, sections 4.1.2 and 5.1).
fn offered(message: &[u8]) -> Option<&[u8]> {
    const RECORD_HEAD: usize = 5;
    const HANDSHAKE_HEAD: usize = 4;
    const VERSION_AND_RANDOM: usize = 2 + 32;
    let message = message.get(RECORD_HEAD + HANDSHAKE_HEAD + VERSION_AND_RANDOM..)?;
    let session_id = usize::from(*message.first()?);
    let (length, rest) = message.get(1 + session_id..)?.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// Takes all that is written, and has nothing to read.
struct Sink(Vec<u8>);

impl Read for Sink {
    fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use openssl::ssl::{SslContext, SslMethod, SslVersion};

    use super::*;

    fn context(ciphers: &str) -> SslContext {
        let mut builder = SslContext::builder(SslMethod::tls_client()).unwrap();
        builder.set_cipher_list(ciphers).unwrap();
        builder.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
        builder.build()
    }

    /// The names of the suites that a connection offers.
    fn offer(ssl: &SslRef) -> Vec<String> {
        let message = first_message(ssl).unwrap();
        let list = ssl.bytes_to_cipher_list(offered(&message).unwrap(), false).unwrap();
        list.suites.iter().map(|suite| suite.name().to_owned()).collect()
    }

    #[test]
    fn what_protects_nothing_is_left_out_and_the_rest_as_it_was() {
        const CHOICE: &str = "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA";
        let context =
            context(&format!("ADH-AES128-SHA:{CHOICE}:AECDH-NULL-SHA:ECDHE-RSA-NULL-SHA:NULL-SHA:@SECLEVEL=0"));
        assert_eq!(offer(&Ssl::new(&context).unwrap()).len(), 6);
        let ciphers = Ciphers::without_empty_ones(&context).unwrap().unwrap();
        assert_eq!((ciphers.list.as_str(), ciphers.tls13.as_str()), (CHOICE, ""));
    }

    #[test]
    fn nothing_is_changed_where_nothing_is_to_be_left_out() {
        for ciphers in ["ALL:eNULL:@SECLEVEL=1", "ECDHE+AESGCM:@SECLEVEL=0", "DEFAULT"] {
            assert!(Ciphers::without_empty_ones(&context(ciphers)).unwrap().is_none(), "{ciphers}");
        }
    }

    #[test]
    fn a_message_cut_anywhere() {
        let message = first_message(&Ssl::new(&context("DEFAULT")).unwrap()).unwrap();
        let suites = offered(&message).unwrap();
        let end = message.len() - 1;
        assert!(suites.len() > 2 && (0..end).all(|end| offered(&message[..end]).is_none_or(|cut| cut == suites)));
    }
}

//! TLS by Schannel. Nothing outside this folder names its calls.
//!
//! This file shakes hands, reads and writes; `store` has the trust anchors, `client_certificate` what the server may ask
//! for, `verify` who is believed, `session` what is resumed later, `errors` Schannel's words. `sspi` and `crypt` have the
//! calls of the system, and all unsafe code.

mod client_certificate;
mod crypt;
mod errors;
mod session;
mod sspi;
mod store;
mod verify;

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use windows_sys::Win32::Foundation::{
    SEC_E_INCOMPLETE_MESSAGE, SEC_E_OK, SEC_I_CONTEXT_EXPIRED, SEC_I_CONTINUE_NEEDED, SEC_I_INCOMPLETE_CREDENTIALS,
    SEC_I_RENEGOTIATE,
};
use zeroize::Zeroizing;

use self::crypt::CertificateContext;
use self::sspi::{Credentials, SecurityContext, Sizes};
use self::verify::Fetching;
use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::net::tcp::{self, Tcp};
use crate::net::tls::certificate::Certificate;
use crate::net::tls::connector::TlsConnector;
use crate::net::tls::contexts::Context;
use crate::net::tls::lifetime::Lifetime;
use crate::net::tls::transport::{Transport, TransportState, clear_text};
use crate::net::tls::unsent::Unsent;
use crate::net::tls::{Shaken, TlsInfo, Version};

pub use self::client_certificate::ClientCertificate;
pub use self::store::{Store, StoreBuilder};

/// A session to be resumed by a later connection.
pub type Session = crate::net::tls::session::Session<Arc<Credentials>>;

/// The newest version that there is.
pub const NEWEST: Version = Version::Tls13;

/// How much is read at once: a record as long as it may be (RFC 5246, section 6.2.3), with its header.
const ROOM: usize = 5 + 16 * 1024 + 2048;

/// What a record of alerts begins with (RFC 8446, section 5.1).
const ALERT: u8 = 21;

/// The certificate of the peer.
pub struct PeerCertificate(CertificateContext);

impl PeerCertificate {
    /// Takes it out of the system's hands.
    pub fn read(&self) -> Result<Certificate> {
        Ok(Certificate::from_der(self.0.der().to_vec()))
    }
}

/// A TLS handshake under way.
pub struct Handshake<'a> {
    tls: Tls,
    connector: &'a TlsConnector,
    /// The session that is to be resumed.
    earlier: Option<&'a Session>,
    clear_before: bool,
    /// Whether the next step takes more than has come; the first is made with nothing.
    needs_more: bool,
    was_asked_for_certificate: bool,
    /// Whether nothing is left but to send what has been made.
    has_agreed: bool,
    /// Whether the system has fetched what was missing to the server's chain.
    has_fetched: bool,
}

impl<'a> Handshake<'a> {
    /// Begins one, within the deadline that `tcp` has: nothing is sent yet. An earlier session is resumed if it was made
    /// with the same [`Key`](crate::net::tls::Key) and the server remembers it.
    ///
    /// Clear text in answer is [`Kind::BadFormat`] where `clear_before`, since then somebody speaks in the server's
    /// place, and [`Kind::Secure`] else.
    pub fn new(
        connector: &'a TlsConnector,
        earlier: Option<&'a Session>,
        tcp: Tcp,
        clear_before: bool,
    ) -> Result<Handshake<'a>> {
        let earlier = earlier.filter(|earlier| earlier.may_resume(connector.context.id));
        let credentials = match earlier {
            Some(earlier) => Arc::clone(earlier.kept()),
            None => Arc::new(credentials(connector)?),
        };
        let tls = Tls {
            transport: Transport::new(tcp),
            security: SecurityContext::new(credentials, &target(&connector.host)),
            context: Arc::clone(&connector.context),
            sizes: Sizes::default(),
            received: Received { bytes: Zeroizing::new(vec![0; ROOM]), data: 0..0, sealed: 0..0 },
            record: Zeroizing::default(),
            unsent: Unsent::default(),
            lacks_message: false,
            has_ended: false,
            verified: false,
            lifetime: Lifetime::new(None),
        };
        Ok(Handshake {
            tls,
            connector,
            earlier,
            clear_before,
            needs_more: false,
            was_asked_for_certificate: false,
            has_agreed: false,
            has_fetched: false,
        })
    }

    /// The connection below.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        self.tls.tcp_mut()
    }

    /// Goes on until it is done, the peer verified where the connector wants it, or until the connection below would have
    /// to wait and does not.
    pub fn go_on(mut self) -> Result<Shaken<Self, Tls>> {
        match self.shake_hands() {
            Ok(true) => self.finish(),
            Ok(false) => Ok(Shaken::Waits(self)),
            Err(error) => Err(match self.tls.transport.state {
                TransportState::ClearText => clear_text(self.clear_before),
                _ => error.during("TLS handshake"),
            }),
        }
    }

    /// Whether it is done.
    fn shake_hands(&mut self) -> Result<bool> {
        let tls = &mut self.tls;
        loop {
            if !tls.flush()? {
                return Ok(false);
            }
            if self.has_agreed {
                return Ok(true);
            }
            if self.needs_more {
                match tls.fill() {
                    Ok(0) => return Err(Error::closed()),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(tls.error(Failure::Transport(error))),
                }
            }
            match tls.step()? {
                SEC_E_OK => self.has_agreed = true,
                SEC_E_INCOMPLETE_MESSAGE => self.needs_more = true,
                SEC_I_CONTINUE_NEEDED => self.needs_more = tls.received.sealed.is_empty(),
                // the server asks for a certificate and there is none: once more, without
                SEC_I_INCOMPLETE_CREDENTIALS if !self.was_asked_for_certificate => {
                    (self.needs_more, self.was_asked_for_certificate) = (false, true);
                }
                status => return Err(errors::error(status)),
            }
        }
    }

    fn finish(mut self) -> Result<Shaken<Self, Tls>> {
        let Handshake { tls, connector, earlier, has_fetched, .. } = &mut self;
        tls.sizes = tls.security.sizes().map_err(errors::error)?;
        let version = tls.security.version();
        // a system that does not know the newer way to say what is wanted may not keep to it
        if version.is_none_or(|version| version < connector.oldest) {
            return Err(Error::new(Kind::Secure, "unsupported protocol").during("TLS handshake"));
        }
        let fetching = match tls.tcp().waits() {
            true => Fetching::Now(tls.tcp().time_left()),
            false if *has_fetched => Fetching::Done,
            false => Fetching::Later,
        };
        let shown = tls.security.certificate();
        match (verify::verify(connector, shown.as_ref(), &fetching), shown) {
            (Ok(Some(verified)), _) => tls.verified = verified,
            (Ok(None), shown) => {
                let context = Arc::clone(&tls.context);
                let fetch = move || shown.iter().for_each(|shown| verify::fetch(&context, shown));
                *has_fetched = true;
                return Ok(Shaken::Lacks(self, Box::new(fetch)));
            }
            (Err(error), _) => {
                tls.close_notify();
                return Err(error);
            }
        }
        if let Some(earlier) = earlier.filter(|_| tls.security.is_resumed()) {
            tls.lifetime = earlier.lifetime();
        }
        Ok(Shaken::Done(self.tls))
    }
}

/// A TLS connection.
pub struct Tls {
    transport: Transport,
    security: SecurityContext,
    context: Arc<Context>,
    sizes: Sizes,
    received: Received,
    /// A record to be sent, whose room is used again.
    record: Zeroizing<Vec<u8>>,
    unsent: Unsent,
    /// Whether what has come ends in the middle of a message that is no data.
    lacks_message: bool,
    /// Whether the peer has announced the end.
    has_ended: bool,
    verified: bool,
    lifetime: Lifetime,
}

/// What has come: decrypted data that nobody has read, and what is still encrypted.
struct Received {
    bytes: Zeroizing<Vec<u8>>,
    data: Range<usize>,
    sealed: Range<usize>,
}

impl Tls {
    /// The connection below.
    pub fn tcp(&self) -> &Tcp {
        &self.transport.tcp
    }

    /// The connection below, to be given another deadline.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        &mut self.transport.tcp
    }

    /// Reads what has come; 0 is the end that the peer announced.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.receive(buffer).map_err(|failure| self.error(failure))
    }

    /// Reads what is there where the connection below does not wait; 0 as with [`Tls::read`], `None` where nothing is.
    pub fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match self.receive(buffer) {
            Err(Failure::Transport(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // some do not announce it
            Err(_) if self.transport.state == TransportState::Ended => Ok(Some(0)),
            read => read.map(Some).map_err(|failure| self.error(failure)),
        }
    }

    /// Writes at least one byte; `None` where there is no room and the connection below does not wait.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        if self.has_ended {
            return Ok(Some(0));
        }
        if !self.flush()? {
            return Ok(None);
        }
        let bytes = &bytes[..bytes.len().min(self.sizes.most)];
        let Sizes { header, trailer, .. } = self.sizes;
        self.record.clear();
        self.record.resize(header, 0);
        self.record.extend_from_slice(bytes);
        self.record.resize(header + bytes.len() + trailer, 0);
        let length = self.security.encrypt(&mut self.record, &self.sizes).map_err(errors::error)?;
        self.unsent.send(&mut self.transport, &self.record[..length]).map_err(tcp::into_error)?;
        Ok(Some(bytes.len()))
    }

    /// Writes what is kept of what was written before; whether that was all.
    pub fn flush(&mut self) -> Result<bool> {
        self.unsent.flush(&mut self.transport).map_err(tcp::into_error)
    }

    /// The session, to be resumed by a later connection.
    pub fn session(&self) -> Option<Session> {
        Some(Session::new(Arc::clone(self.security.credentials()), self.context.id, self.lifetime))
    }

    /// Tells the peer that nothing more will come, without waiting for its answer.
    pub fn close_notify(&mut self) {
        if self.security.shut_down() == SEC_E_OK {
            let step = self.security.step(&mut []);
            // the session is over whether the peer gets it or not
            let _ = self.unsent.send(&mut self.transport, &step.token);
        }
    }

    /// Channel bindings (RFC 5056), the best first: `tls-exporter` (RFC 9266) with TLS 1.3, where the system has it; below
    /// it `tls-server-end-point` (RFC 5929). Whether `tls-unique` would tell one channel from another Schannel does not say.
    pub fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        if self.security.version() == Some(Version::Tls13) {
            let exported = self.security.export("EXPORTER-Channel-Binding", 32).ok();
            return Ok(exported.map(|data| ("tls-exporter", data)).into_iter().collect());
        }
        let certificate = self.security.certificate().map(|shown| Certificate::from_der(shown.der().to_vec()));
        let end_point = certificate.and_then(|certificate| certificate.end_point_binding());
        Ok(end_point.map(|data| ("tls-server-end-point", data)).into_iter().collect())
    }

    /// What is known of the connection.
    pub fn info(&self) -> TlsInfo {
        TlsInfo {
            version: self.security.version().map_or("unknown", Version::name),
            cipher: self.security.cipher().map_or(Cow::Borrowed("no cipher"), Cow::Owned),
            resumed: self.security.is_resumed(),
            verified: self.verified,
            certificate: self.security.certificate().map(PeerCertificate),
        }
    }

    /// A step of the handshake, or of what comes later and is like one, with what has come.
    fn step(&mut self) -> Result<i32> {
        let sealed = self.received.sealed.clone();
        let step = self.security.step(&mut self.received.bytes[sealed.clone()]);
        let sent = self.unsent.send(&mut self.transport, &step.token);
        match step.status {
            // of these nothing has been used
            SEC_E_INCOMPLETE_MESSAGE | SEC_I_INCOMPLETE_CREDENTIALS => {}
            _ => self.received.sealed = sealed.end - step.unused..sealed.end,
        }
        // what Schannel says is the reason where it has failed, else what the connection says
        if step.status >= 0 {
            sent.map_err(|error| self.error(Failure::Transport(error)))?;
        }
        Ok(step.status)
    }

    /// More of what the peer sends; 0 at its end.
    fn fill(&mut self) -> io::Result<usize> {
        let Received { bytes, sealed, .. } = &mut self.received;
        bytes.copy_within(sealed.clone(), 0);
        *sealed = 0..sealed.len();
        if bytes.len() - sealed.end < ROOM / 2 {
            // a message of the handshake may be longer than a record
            let longer = bytes.len() + ROOM;
            if longer > LONGEST_HANDSHAKE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            bytes.resize(longer, 0);
        }
        let count = self.transport.read(&mut bytes[sealed.end..])?;
        sealed.end += count;
        Ok(count)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        while self.received.data.is_empty() {
            if self.has_ended {
                return Ok(0);
            }
            if self.lacks_message {
                self.take_message()?;
                continue;
            }
            let is_record = !self.received.sealed.is_empty() && self.decrypt()?;
            if !is_record && self.fill().map_err(Failure::Transport)? == 0 {
                return Err(Failure::Closed);
            }
        }
        let Received { bytes, data, .. } = &mut self.received;
        let count = data.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[data.start..data.start + count]);
        data.start += count;
        Ok(count)
    }

    /// Decrypts a record; whether a whole one was there.
    fn decrypt(&mut self) -> Result<bool, Failure> {
        let sealed = self.received.sealed.clone();
        let is_alert = self.received.bytes[sealed.start] == ALERT;
        let decrypted = self.security.decrypt(&mut self.received.bytes[sealed.clone()]);
        if decrypted.status == SEC_E_INCOMPLETE_MESSAGE {
            return Ok(false);
        }
        self.received.sealed = sealed.end - decrypted.unused..sealed.end;
        self.received.data = sealed.start + decrypted.data.start..sealed.start + decrypted.data.end;
        match decrypted.status {
            SEC_E_OK => {
                // some systems do not say that it was the end
                self.has_ended |= is_alert && self.received.data.is_empty();
            }
            SEC_I_CONTEXT_EXPIRED => self.has_ended = true,
            SEC_I_RENEGOTIATE if self.security.version() == Some(Version::Tls13) => self.take_message()?,
            SEC_I_RENEGOTIATE => {
                return Err(Failure::Tls(Error::new(Kind::Secure, "the server wants another TLS handshake")));
            }
            status => return Err(Failure::Tls(errors::error(status))),
        }
        Ok(true)
    }

    /// What a TLS 1.3 server says between its data: tickets and new keys (RFC 8446, section 4.6). Schannel has left it where
    /// what is still encrypted begins.
    fn take_message(&mut self) -> Result<(), Failure> {
        loop {
            if self.lacks_message && self.fill().map_err(Failure::Transport)? == 0 {
                return Err(Failure::Closed);
            }
            let status = self.step().map_err(Failure::Tls)?;
            self.lacks_message = match status {
                SEC_E_OK => false,
                SEC_I_CONTINUE_NEEDED => self.received.sealed.is_empty(),
                SEC_E_INCOMPLETE_MESSAGE => true,
                status => return Err(Failure::Tls(errors::error(status))),
            };
            if status == SEC_E_OK {
                return Ok(());
            }
        }
    }

    fn error(&self, failure: Failure) -> Error {
        match failure {
            Failure::Transport(error) => tcp::into_error(error),
            Failure::Closed => Error::closed(),
            Failure::Tls(error) => error,
        }
    }
}

/// More than any message of a handshake has: no library takes a chain of more than 100 KiB.
const LONGEST_HANDSHAKE: usize = 256 * 1024;

/// Why nothing could be read.
enum Failure {
    /// The connection below has failed, or is not to wait.
    Transport(io::Error),
    /// The peer closed the connection without a word.
    Closed,
    /// TLS has.
    Tls(Error),
}

fn credentials(connector: &TlsConnector) -> Result<Credentials> {
    match &connector.certificate {
        Some(certificate) => certificate.credentials(connector.oldest),
        None => Credentials::acquire(connector.oldest, None)
            .map_err(|status| errors::error(status).during("TLS cannot be set up")),
    }
}

/// The server's name for Schannel: for SNI (RFC 6066, section 3) without the dot that ends it.
fn target(host: &Host) -> String {
    match host {
        Host::Name(name) => name.trim_end_matches('.').to_owned(),
        Host::Ip(address) => address.to_string(),
        Host::Zoned(address, _) => address.to_string(),
    }
}

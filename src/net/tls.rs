//! TLS by OpenSSL: the only file that names it beside `crypto.rs`. Another platform's TLS is another file beside this one.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use once_cell::sync::OnceCell;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::ssl::{
    self, ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef, SslStream,
    SslVerifyMode, SslVersion,
};
use openssl::x509::verify::{X509CheckFlags, X509VerifyFlags};
use openssl::x509::{X509, X509NameRef, X509Ref, X509VerifyResult};

use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::net::tcp::{self, Tcp};
use crate::net::trust::{self, Authorities, CertificateFile, Encoded, Trust};
use crate::net::{is_exhausted, is_out_of_descriptors};
use crate::trace::escape;

/// What TLS must be like.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom to believe that it is the server.
    pub trust: Trust,
    /// The oldest version that will do.
    pub oldest: Version,
    /// The name to send and to verify, if it is not the server's.
    pub name: Option<Host>,
    /// What the client proves itself with, if the server asks.
    pub identity: Option<Identity>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.2 (RFC 5246)
    Tls12,
    /// 1.3 (RFC 8446)
    Tls13,
}

/// A certificate of the client's, and its key.
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

impl Settings {
    /// That trust, and the default of everything else.
    pub fn new(trust: Trust) -> Settings {
        Settings { trust, oldest: Version::Tls12, name: None, identity: None }
    }
}

/// What connections of the same [`Trust`] share: OpenSSL's context with its trust store.
pub struct Context {
    ssl: SslContext,
    trust: Trust,
    /// Files of the folder `cacerts` that gave no certificate, to be named when a verification fails.
    unusable: Vec<String>,
}

/// How many contexts are kept: each has a copy of the platform's store.
const MOST_CONTEXTS: usize = 16;

/// The context for that trust, built when it is first asked for. A failure is not kept: the next one tries again.
pub fn context(trust: &Trust) -> Result<Arc<Context>> {
    type Cell = Arc<OnceCell<Arc<Context>>>;
    // a host has one or two settings, which a list finds as fast as a map
    static CONTEXTS: Mutex<Vec<(Trust, Cell)>> = Mutex::new(Vec::new());

    // the lock is for finding the cell alone: building reads files
    let cell = {
        let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        match contexts.iter().find(|(known, _)| known == trust) {
            Some((_, cell)) => Arc::clone(cell),
            None => {
                let cell = Cell::default();
                if contexts.len() == MOST_CONTEXTS {
                    // sessions that use it keep it
                    contexts.remove(0);
                }
                contexts.push((trust.clone(), Arc::clone(&cell)));
                cell
            }
        }
    };
    cell.get_or_try_init(|| build_context(trust).map(Arc::new)).cloned()
}

fn build_context(trust: &Trust) -> Result<Context> {
    let mut builder = SslContext::builder(SslMethod::tls_client()).map_err(broken)?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(broken)?;
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    // an idle session gives its 34 KiB of buffers back
    builder.set_mode(SslMode::AUTO_RETRY | SslMode::RELEASE_BUFFERS);
    // one system call for a record, not one for its head and one for its body
    builder.set_read_ahead(true);
    let mut unusable = Vec::new();
    match trust {
        Trust::Anyone => builder.set_verify(SslVerifyMode::NONE),
        Trust::Verified { platform, own } => {
            builder.set_verify(SslVerifyMode::PEER);
            if *platform {
                // a platform without a store leaves the host's authorities, and the other way round
                if let Err(stack) = builder.set_default_verify_paths() {
                    unusable.push(format!("the platform's store: {}", describe(&stack)));
                }
                // OpenSSL passes over a store that it can't open, and what is built here stays
                if is_out_of_descriptors() {
                    return Err(Error::new(Kind::OutOfMemory, "no descriptor to read the platform's store"));
                }
            }
            let files = match own {
                Authorities::None => Vec::new(),
                Authorities::Folder(cacerts) => trust::read_folder(cacerts)?,
                Authorities::File(path) => vec![trust::read_one(path)?],
            };
            unusable.extend(add_files(&mut builder, files));
            // a certificate that the user put there is trusted, be it a root or not
            builder.verify_param_mut().set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(broken)?;
        }
    }
    Ok(Context { ssl: builder.build(), trust: trust.clone(), unusable })
}

/// Trusts every certificate of the files; answers which files gave none and why.
fn add_files(builder: &mut SslContextBuilder, files: Vec<CertificateFile>) -> Vec<String> {
    let mut unusable = Vec::new();
    for file in files {
        let name = file.path.display();
        match file.contents {
            Err(why) => unusable.push(format!("{name}: {why}")),
            Ok(encoded) if encoded.is_empty() => unusable.push(format!("{name}: no certificate in it")),
            Ok(encoded) => {
                let bad = encoded.iter().filter(|encoded| add_certificate(builder, encoded).is_err()).count();
                match (bad, encoded.len()) {
                    (0, _) => {}
                    (1, 1) => unusable.push(format!("{name}: no certificate in it")),
                    (bad, all) => unusable.push(format!("{name}: {bad} of its {all} certificates are damaged")),
                }
            }
        }
    }
    // what was thought of the rubbish stays out of the next operation's errors
    ErrorStack::get();
    unusable
}

fn add_certificate(builder: &mut SslContextBuilder, encoded: &Encoded) -> Result<(), ErrorStack> {
    let certificate = match encoded {
        Encoded::Pem(pem) => X509::from_pem(pem)?,
        Encoded::Der(der) => X509::from_der(der)?,
    };
    builder.cert_store_mut().add_cert(certificate)
}

/// A TLS connection.
pub struct Tls {
    stream: SslStream<Transport>,
    verified: bool,
}

impl Tls {
    /// Shakes hands within the deadline that `tcp` has, and verifies the peer where the context wants it.
    ///
    /// Clear text in answer is [`Kind::BadFormat`] where `clear_before`, since then somebody speaks in the server's
    /// place, and [`Kind::Secure`] else.
    pub fn handshake(
        context: &Context,
        settings: &Settings,
        tcp: Tcp,
        server: &Host,
        clear_before: bool,
    ) -> Result<Tls> {
        // whatever the host's own use of OpenSSL left in this thread's queue would be taken for ours
        ErrorStack::get();
        let host = settings.name.as_ref().unwrap_or(server);
        let mut ssl = prepare(context, settings, host).map_err(broken)?;
        if let Some(identity) = &settings.identity {
            present(&mut ssl, identity)?;
        }
        let transport = Transport { tcp, state: TransportState::Fresh };
        let mut stream = SslStream::new(ssl, transport).map_err(broken)?;
        match stream.connect() {
            Ok(()) => Ok(Tls { stream, verified: context.trust != Trust::Anyone }),
            Err(error) => Err(handshake_error(context, host, error, &stream, clear_before)),
        }
    }

    /// The connection below.
    pub fn tcp(&self) -> &Tcp {
        &self.stream.get_ref().tcp
    }

    /// The connection below, to be given another deadline.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        &mut self.stream.get_mut().tcp
    }

    /// Reads what has come; 0 is the end that the peer announced.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.run(|stream| stream.ssl_read(buffer))
    }

    /// Writes at least one byte.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.run(|stream| stream.ssl_write(bytes))
    }

    /// Tells the peer that nothing more will come, without waiting for its answer.
    pub fn close_notify(&mut self) {
        // the session is over whether the peer hears of it or not
        let _ = self.run(|stream| stream.shutdown().map(|_| 0));
    }

    /// What tells this channel from any other: `tls-exporter` (RFC 9266) with TLS 1.3, `tls-server-end-point`
    /// (RFC 5929) below.
    pub fn channel_binding(&self) -> Result<Option<(&'static str, Vec<u8>)>> {
        let ssl = self.stream.ssl();
        if ssl.version2() == Some(SslVersion::TLS1_3) {
            let mut data = vec![0; 32];
            ssl.export_keying_material(&mut data, "EXPORTER-Channel-Binding", Some(b"")).map_err(broken)?;
            return Ok(Some(("tls-exporter", data)));
        }
        let Some(certificate) = ssl.peer_certificate() else { return Ok(None) };
        let signature = certificate.signature_algorithm().object().nid().signature_algorithms();
        let digest = match signature.map(|algorithms| algorithms.digest) {
            // RFC 5929, section 4.1: too weak ones are replaced
            Some(Nid::MD5 | Nid::SHA1) => Some(MessageDigest::sha256()),
            Some(digest) => MessageDigest::from_nid(digest),
            None => None,
        };
        let Some(digest) = digest else { return Ok(None) };
        let data = certificate.digest(digest).map_err(broken)?.to_vec();
        Ok(Some(("tls-server-end-point", data)))
    }

    /// What is known of the connection.
    pub fn facts(&self) -> Facts {
        let ssl = self.stream.ssl();
        Facts {
            version: ssl.version_str(),
            cipher: ssl.current_cipher().map_or("no cipher", |cipher| cipher.name()),
            resumed: ssl.session_reused(),
            verified: self.verified,
            certificate: ssl.peer_certificate(),
        }
    }

    fn run(&mut self, mut work: impl FnMut(&mut SslStream<Transport>) -> Result<usize, ssl::Error>) -> Result<usize> {
        ErrorStack::get();
        loop {
            match work(&mut self.stream) {
                Ok(count) => return Ok(count),
                Err(error) if error.code() == ErrorCode::ZERO_RETURN => return Ok(0),
                // a record that held no data of ours: openssl wants to be called again
                Err(error) if error.code() == ErrorCode::WANT_READ && error.io_error().is_none() => {}
                Err(error) => return Err(session_error(error, self.stream.get_ref().state)),
            }
        }
    }
}

fn prepare(context: &Context, settings: &Settings, host: &Host) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(&context.ssl)?;
    if settings.oldest == Version::Tls13 {
        ssl.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    }
    if let Host::Name(name) = host {
        // RFC 6066, section 3: without the dot that ends it, and never an address
        ssl.set_hostname(name.trim_end_matches('.'))?;
    }
    if context.trust == Trust::Anyone {
        return Ok(ssl);
    }
    let param = ssl.param_mut();
    // RFC 6125, section 6.4: the names of the certificate count, its subject does not
    param.set_hostflags(X509CheckFlags::NEVER_CHECK_SUBJECT | X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match host {
        Host::Name(name) => param.set_host(name.trim_end_matches('.'))?,
        Host::Ip(address) => param.set_ip(*address)?,
        Host::Zoned(address, _) => param.set_ip(IpAddr::V6(*address))?,
    }
    Ok(ssl)
}

/// Has the client's certificate at hand if the server asks for it.
fn present(ssl: &mut SslRef, identity: &Identity) -> Result<()> {
    let unusable = |path: &Path, why: &dyn fmt::Display| {
        Error::new(Kind::Secure, format!("the client's certificate cannot be used: {}: {why}", path.display()))
    };
    let read = |path: &Path| match trust::read_bytes(path) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(error) if is_exhausted(&error) => {
            Err(Error::new(Kind::OutOfMemory, "the client's certificate cannot be read").with_source(error))
        }
        Err(error) => Err(unusable(path, &error)),
    };
    let (path, certificate, key, issuers) = match identity {
        Identity::Pem { certificate: path, key: key_path } => {
            let broken = |stack: ErrorStack| unusable(path, &describe(&stack));
            let mut certificates = X509::stack_from_pem(&read(path)?).map_err(broken)?.into_iter();
            let certificate = certificates.next().ok_or_else(|| unusable(path, &"no certificate in it"))?;
            // a key with a passphrase would have OpenSSL ask at the terminal
            let key = PKey::private_key_from_pem_callback(&read(key_path)?, |_| Ok(0))
                .map_err(|stack| unusable(key_path, &describe(&stack)))?;
            (path, certificate, key, certificates.collect())
        }
        Identity::Pkcs12 { path, password } => {
            let broken = |stack: ErrorStack| unusable(path, &describe(&stack));
            let parsed = Pkcs12::from_der(&read(path)?).and_then(|file| file.parse2(password)).map_err(broken)?;
            match (parsed.cert, parsed.pkey) {
                (Some(certificate), Some(key)) => {
                    (path, certificate, key, parsed.ca.into_iter().flatten().collect::<Vec<_>>())
                }
                _ => return Err(unusable(path, &"it lacks a certificate or its key")),
            }
        }
    };
    ssl.set_certificate(&certificate)
        .and_then(|()| ssl.set_private_key(&key))
        .and_then(|()| issuers.into_iter().try_for_each(|issuer| ssl.add_chain_cert(issuer)))
        .map_err(|stack| unusable(path, &describe(&stack)))
}

/// Why the certificate was refused, and what it says of itself.
fn refusal(ssl: &SslRef, wanted: &Host) -> String {
    let why = ssl.verify_result().error_string();
    let Some(certificate) = ssl.verified_chain().and_then(|chain| chain.get(0)) else {
        return why.to_owned();
    };
    let names = names(certificate);
    let (subject, issuer) = (name(certificate.subject_name()), name(certificate.issuer_name()));
    let (from, to) = (certificate.not_before(), certificate.not_after());
    format!(
        "{why} (wanted {wanted}; the certificate is for {names}, subject {subject}, issued by {issuer}, \
         valid from {from} to {to})"
    )
}

/// The names that a certificate is good for.
fn names(certificate: &X509Ref) -> String {
    let names = certificate.subject_alt_names().into_iter().flatten().filter_map(|name| match name.ipaddress() {
        Some(octets) => ip_address(octets).map(|address| address.to_string()),
        None => name.dnsname().map(|name| escape(name.as_bytes())),
    });
    match names.collect::<Vec<_>>().join(", ") {
        names if names.is_empty() => "no name".into(),
        names => names,
    }
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

/// A distinguished name in one line.
fn name(name: &X509NameRef) -> String {
    let entry = |entry: &openssl::x509::X509NameEntryRef| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string().map(|value| escape(value.as_bytes())).unwrap_or_default();
        format!("{key}={value}")
    };
    match name.entries().map(entry).collect::<Vec<_>>().join(", ") {
        empty if empty.is_empty() => "nobody".into(),
        name => name,
    }
}

/// What is known of a TLS connection.
pub struct Facts {
    /// The version, as "TLSv1.3".
    pub version: &'static str,
    /// The cipher suite.
    pub cipher: &'static str,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// Whether the peer's certificate and name were verified.
    pub verified: bool,
    certificate: Option<X509>,
}

impl Facts {
    /// The peer's certificate in PEM, empty if it sent none.
    pub fn peer_pem(&self) -> Result<Vec<u8>> {
        self.certificate.as_ref().map_or_else(|| Ok(Vec::new()), |certificate| certificate.to_pem().map_err(broken))
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resumed = if self.resumed { ", resumed" } else { "" };
        let verified = if self.verified { "verified" } else { "not verified" };
        write!(f, "{}, {}{resumed}, certificate {verified}", self.version, self.cipher)?;
        match &self.certificate {
            Some(certificate) => {
                let (subject, issuer) = (name(certificate.subject_name()), name(certificate.issuer_name()));
                write!(f, ": for {}, subject {subject}, issued by {issuer}", names(certificate))
            }
            None => f.write_str(": none was sent"),
        }
    }
}

fn handshake_error(
    context: &Context,
    host: &Host,
    error: ssl::Error,
    stream: &SslStream<Transport>,
    clear_before: bool,
) -> Error {
    let (ssl, state) = (stream.ssl(), stream.get_ref().state);
    if context.trust != Trust::Anyone && ssl.verify_result() != X509VerifyResult::OK {
        let refused = refusal(ssl, host);
        let mut text = format!("the server's certificate was refused: {refused}");
        if !context.unusable.is_empty() {
            text = format!("{text}; not used: {}", context.unusable.join(", "));
        }
        return Error::new(Kind::Secure, text);
    }
    match state {
        TransportState::ClearText if clear_before => {
            Error::new(Kind::BadFormat, "clear text came after STLS where the TLS handshake had to begin")
        }
        TransportState::ClearText => {
            Error::new(Kind::Secure, "the server answered in clear text: it speaks no TLS here")
        }
        _ => session_error(error, state).during("TLS handshake"),
    }
}

fn session_error(error: ssl::Error, state: TransportState) -> Error {
    match error.into_io_error() {
        Ok(error) => tcp::into_error(error),
        Err(_) if state == TransportState::Ended => {
            Error::new(Kind::ConnectionLost, "the server closed the connection")
        }
        Err(error) => match error.ssl_error() {
            Some(stack) => Error::new(Kind::Secure, describe(stack)),
            None => Error::new(Kind::Secure, error.to_string()),
        },
    }
}

/// That TLS could not even begin.
fn broken(stack: ErrorStack) -> Error {
    let out_of_memory = stack.errors().iter().any(|error| error.reason() == Some("malloc failure"));
    let kind = if out_of_memory { Kind::OutOfMemory } else { Kind::Secure };
    Error::new(kind, format!("TLS cannot be set up: {}", describe(&stack)))
}

/// The reasons in an error stack, without the places in OpenSSL's source.
fn describe(stack: &ErrorStack) -> String {
    let reasons = stack.errors().iter().filter_map(|error| {
        let reason = error.reason()?;
        Some(match error.data() {
            Some(data) if !data.is_empty() => format!("{reason} ({})", escape(data.as_bytes())),
            _ => reason.to_owned(),
        })
    });
    match reasons.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "for a reason that OpenSSL does not tell".into(),
        reasons => reasons,
    }
}

/// What OpenSSL reads from and writes to: a socket whose first answer must look like TLS.
struct Transport {
    tcp: Tcp,
    state: TransportState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransportState {
    /// Nothing came yet.
    Fresh,
    /// What came looks like TLS.
    Open,
    /// What came first is no TLS.
    ClearText,
    /// The peer closed the connection.
    Ended,
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.tcp.read(buffer)?;
        match buffer[..count].first() {
            None => self.state = TransportState::Ended,
            // RFC 8446, section 5.1: alert and handshake are the content types that can begin an answer
            Some(21 | 22) if self.state == TransportState::Fresh => self.state = TransportState::Open,
            Some(_) if self.state == TransportState::Fresh => {
                // an error of the transport, so that OpenSSL does not answer it with an alert
                self.state = TransportState::ClearText;
                return Err(io::ErrorKind::InvalidData.into());
            }
            Some(_) => {}
        }
        Ok(count)
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

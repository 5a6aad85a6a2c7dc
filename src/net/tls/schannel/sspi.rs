//! The calls of SSPI by which Schannel is used, in Rust's terms; no safe crate has all of them.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ops::{Deref, Range};
use std::sync::Arc;
use std::{mem, ptr, slice};

use windows_sys::Win32::Foundation::{
    SEC_E_INCOMPLETE_MESSAGE, SEC_E_INTERNAL_ERROR, SEC_E_OK, SEC_E_UNSUPPORTED_FUNCTION,
};
use windows_sys::Win32::Security::Authentication::Identity::*;
use windows_sys::Win32::Security::Credentials::SecHandle;
use windows_sys::Win32::Security::Cryptography::CERT_CONTEXT;

use super::client_certificate::Imported;
use super::crypt::CertificateContext;
use crate::net::tls::Version;

/// What a call of SSPI answers: an `SEC_E_…` or `SEC_I_…`.
pub type Status = i32;

const REQUEST: u32 = ISC_REQ_SEQUENCE_DETECT
    | ISC_REQ_REPLAY_DETECT
    | ISC_REQ_CONFIDENTIALITY
    | ISC_REQ_ALLOCATE_MEMORY
    | ISC_REQ_STREAM
    | ISC_REQ_USE_SUPPLIED_CREDS
    | ISC_REQ_MANUAL_CRED_VALIDATION
    | ISC_REQ_EXTENDED_ERROR;

/// The versions to offer and the client certificate. Schannel keeps the sessions that were made with it, by the target.
pub struct Credentials {
    handle: SecHandle,
    /// Lives as long as Schannel may use it.
    _certificate: Option<Arc<Imported>>,
}

// SAFETY: SSPI's handles may be used by any thread, and by several at once
unsafe impl Send for Credentials {}
// SAFETY: as above
unsafe impl Sync for Credentials {}

impl Credentials {
    /// For that version and all newer ones.
    pub fn acquire(oldest: Version, certificate: Option<Arc<Imported>>) -> Result<Credentials, Status> {
        let protocols = [
            (Version::Tls10, SP_PROT_TLS1_0_CLIENT),
            (Version::Tls11, SP_PROT_TLS1_1_CLIENT),
            (Version::Tls12, SP_PROT_TLS1_2_CLIENT),
            (Version::Tls13, SP_PROT_TLS1_3_CLIENT),
        ];
        let offered = protocols.iter().filter(|(version, _)| *version >= oldest).map(|(_, protocol)| protocol);
        let offered = offered.fold(0, |all, protocol| all | protocol);
        // who allows the old versions needs the old suites too
        let strong = if oldest < Version::Tls12 { 0 } else { SCH_USE_STRONG_CRYPTO };
        let flags = SCH_CRED_MANUAL_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS | strong;
        let first = certificate.as_ref().map(|imported| imported.certificate.raw().cast_mut());
        let mut first = first.unwrap_or(ptr::null_mut());
        let count = u32::from(!first.is_null());

        let mut versions = TLS_PARAMETERS { grbitDisabledProtocols: !offered, ..Default::default() };
        let newer = SCH_CREDENTIALS {
            dwVersion: SCH_CREDENTIALS_VERSION,
            dwFlags: flags,
            cCreds: count,
            paCred: &mut first,
            cTlsParameters: 1,
            pTlsParameters: &mut versions,
            ..Default::default()
        };
        // before Windows 10 version 1809, which has no TLS 1.3 either
        let older = SCHANNEL_CRED {
            dwVersion: SCHANNEL_CRED_VERSION,
            dwFlags: flags,
            cCreds: count,
            paCred: &mut first,
            grbitEnabledProtocols: offered & !SP_PROT_TLS1_3_CLIENT,
            ..Default::default()
        };
        let by_newer: *const c_void = (&raw const newer).cast();
        let by_older: *const c_void = (&raw const older).cast();
        let ways = match oldest {
            // this way admits them also where the system does not offer them by itself
            Version::Tls10 | Version::Tls11 => [by_older, by_newer],
            Version::Tls12 => [by_newer, by_older],
            // without a version in it the other way would offer the system's own choice
            Version::Tls13 => [by_newer, by_newer],
        };
        // SAFETY: these are the two structures, and all that they point to lives until the call is over
        let handle = unsafe { acquire(ways[0]) }.or_else(|status| unsafe { acquire(ways[1]) }.map_err(|_| status))?;
        Ok(Credentials { handle, _certificate: certificate })
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        // SAFETY: ours, and used by nobody any more
        unsafe { FreeCredentialsHandle(&self.handle) };
    }
}

/// Credentials of what that points to.
///
/// # Safety
/// It points to one of the two structures that Schannel takes.
unsafe fn acquire(wanted: *const c_void) -> Result<SecHandle, Status> {
    let mut handle = SecHandle::default();
    let mut expiry = 0;
    // SAFETY: the caller's promise; the rest is ours
    let status = unsafe {
        AcquireCredentialsHandleW(
            ptr::null(),
            UNISP_NAME_W,
            SECPKG_CRED_OUTBOUND,
            ptr::null(),
            wanted,
            None,
            ptr::null(),
            &mut handle,
            &mut expiry,
        )
    };
    if status == SEC_E_OK { Ok(handle) } else { Err(status) }
}

/// One TLS connection, without its transport.
pub struct SecurityContext {
    /// `None` before the first step.
    handle: Option<SecHandle>,
    credentials: Arc<Credentials>,
    /// The server's name, for SNI and for the sessions that are kept; ends with a 0.
    target: Vec<u16>,
}

// SAFETY: SSPI's handles may be used by any thread
unsafe impl Send for SecurityContext {}

/// What a step of the handshake came to.
pub struct Step {
    pub status: Status,
    /// What is to be sent to the server.
    pub token: Token,
    /// How much of the input's end has not been used.
    pub unused: usize,
}

/// What decrypting came to.
pub struct Decrypted {
    pub status: Status,
    /// Where the data is.
    pub data: Range<usize>,
    /// How much of the input's end has not been used.
    pub unused: usize,
}

impl SecurityContext {
    /// A connection to the server of that name.
    pub fn new(credentials: Arc<Credentials>, target: &str) -> SecurityContext {
        SecurityContext { handle: None, credentials, target: target.encode_utf16().chain([0]).collect() }
    }

    /// What connections of the same credentials resume sessions of.
    pub fn credentials(&self) -> &Arc<Credentials> {
        &self.credentials
    }

    /// A step of the handshake, with what has come from the server; also for what comes later and is like one, and after
    /// [`SecurityContext::shut_down`].
    pub fn step(&mut self, input: &mut [u8]) -> Step {
        let mut inputs = [buffer(SECBUFFER_TOKEN, input), empty(SECBUFFER_EMPTY)];
        let input_description = describe(&mut inputs);
        let mut outputs = [empty(SECBUFFER_TOKEN), empty(SECBUFFER_ALERT)];
        let mut output_description = describe(&mut outputs);
        let mut new = SecHandle::default();
        let (mut attributes, mut expiry) = (0, 0);
        let is_first = self.handle.is_none();
        // SAFETY: the handles are open, the buffers live until the call is over, the target ends with a 0. At the first step
        // there is no handle and no input, and a new handle is written
        let status = unsafe {
            InitializeSecurityContextW(
                &self.credentials.handle,
                self.handle.as_ref().map_or(ptr::null(), ptr::from_ref),
                self.target.as_ptr(),
                REQUEST,
                0,
                0,
                if is_first { ptr::null() } else { &input_description },
                0,
                if is_first { &mut new } else { ptr::null_mut() },
                &mut output_description,
                &mut attributes,
                &mut expiry,
            )
        };
        // what fails at once makes no handle
        if is_first && status >= 0 {
            self.handle = Some(new);
        }
        let [token, alert] = outputs.map(Token);
        let token = if token.is_empty() { alert } else { token };
        let unused = if inputs[1].BufferType == SECBUFFER_EXTRA { inputs[1].cbBuffer as usize } else { 0 };
        Step { status, token, unused: unused.min(input.len()) }
    }

    /// Decrypts the record that `sealed` begins with, where it lies.
    pub fn decrypt(&self, sealed: &mut [u8]) -> Decrypted {
        let begin = sealed.as_ptr() as usize;
        let mut buffers =
            [buffer(SECBUFFER_DATA, sealed), empty(SECBUFFER_EMPTY), empty(SECBUFFER_EMPTY), empty(SECBUFFER_EMPTY)];
        let description = describe(&mut buffers);
        // SAFETY: the handle is open, the buffers live until the call is over
        let status = self.with_handle(|handle| unsafe { DecryptMessage(handle, &description, 0, ptr::null_mut()) });
        let mut decrypted = Decrypted { status, data: 0..0, unused: 0 };
        for buffer in &buffers {
            let length = buffer.cbBuffer as usize;
            match buffer.BufferType {
                SECBUFFER_DATA if status != SEC_E_INCOMPLETE_MESSAGE => {
                    // inside of what was given
                    let from = (buffer.pvBuffer as usize).saturating_sub(begin).min(sealed.len());
                    decrypted.data = from..(from + length).min(sealed.len());
                }
                SECBUFFER_EXTRA => decrypted.unused = length.min(sealed.len()),
                _ => {}
            }
        }
        decrypted
    }

    /// Encrypts what lies in `record` between the header and the trailer; answers how long the record is.
    pub fn encrypt(&self, record: &mut [u8], sizes: &Sizes) -> Result<usize, Status> {
        let (header, rest) = record.split_at_mut(sizes.header);
        let (data, trailer) = rest.split_at_mut(rest.len() - sizes.trailer);
        let mut buffers = [
            buffer(SECBUFFER_STREAM_HEADER, header),
            buffer(SECBUFFER_DATA, data),
            buffer(SECBUFFER_STREAM_TRAILER, trailer),
            empty(SECBUFFER_EMPTY),
        ];
        let description = describe(&mut buffers);
        // SAFETY: the handle is open, the buffers live until the call is over
        match self.with_handle(|handle| unsafe { EncryptMessage(handle, 0, &description, 0) }) {
            // the three lie one behind the other, and only the last may be shorter than it was
            SEC_E_OK => Ok(buffers[..3].iter().map(|buffer| buffer.cbBuffer as usize).sum::<usize>().min(record.len())),
            status => Err(status),
        }
    }

    /// Has the next step make a close_notify.
    pub fn shut_down(&mut self) -> Status {
        let mut token = SCHANNEL_SHUTDOWN.to_ne_bytes();
        let mut buffers = [buffer(SECBUFFER_TOKEN, &mut token)];
        let description = describe(&mut buffers);
        // SAFETY: the handle is open, the buffer lives until the call is over
        self.with_handle(|handle| unsafe { ApplyControlToken(handle, &description) })
    }

    /// How long the parts of a record are.
    pub fn sizes(&self) -> Result<Sizes, Status> {
        // SAFETY: the structure is the one of that attribute
        let sizes: SecPkgContext_StreamSizes = unsafe { self.query(SECPKG_ATTR_STREAM_SIZES) }?;
        let size = |size: u32| size as usize;
        Ok(Sizes { header: size(sizes.cbHeader), trailer: size(sizes.cbTrailer), most: size(sizes.cbMaximumMessage) })
    }

    /// The version, if it is a known one.
    pub fn version(&self) -> Option<Version> {
        // SAFETY: the structure is the one of that attribute
        let info: SecPkgContext_ConnectionInfo = unsafe { self.query(SECPKG_ATTR_CONNECTION_INFO) }.ok()?;
        match info.dwProtocol {
            SP_PROT_TLS1_0_CLIENT => Some(Version::Tls10),
            SP_PROT_TLS1_1_CLIENT => Some(Version::Tls11),
            SP_PROT_TLS1_2_CLIENT => Some(Version::Tls12),
            SP_PROT_TLS1_3_CLIENT => Some(Version::Tls13),
            _ => None,
        }
    }

    /// The cipher suite by its registered name.
    pub fn cipher(&self) -> Option<String> {
        // SAFETY: the structure is the one of that attribute
        let info: SecPkgContext_CipherInfo = unsafe { self.query(SECPKG_ATTR_CIPHER_INFO) }.ok()?;
        let name = info.szCipherSuite.split(|unit| *unit == 0).next().unwrap_or_default();
        Some(String::from_utf16_lossy(name))
    }

    /// Whether an earlier session was resumed, where Schannel says so.
    pub fn is_resumed(&self) -> bool {
        // SAFETY: the structure is the one of that attribute
        let info: Result<SecPkgContext_SessionInfo, Status> = unsafe { self.query(SECPKG_ATTR_SESSION_INFO) };
        info.is_ok_and(|info| info.dwFlags & SSL_SESSION_RECONNECT != 0)
    }

    /// The server's certificate, with what it sent beside it.
    pub fn certificate(&self) -> Option<CertificateContext> {
        // SAFETY: the attribute is a pointer, which is the caller's to free
        let certificate: *const CERT_CONTEXT = unsafe { self.query(SECPKG_ATTR_REMOTE_CERT_CONTEXT) }.ok()?;
        // SAFETY: it is ours
        unsafe { CertificateContext::from_raw(certificate) }
    }

    /// Keying material by that label, with an empty context (RFC 8446, section 7.5).
    pub fn export(&self, label: &str, length: u32) -> Result<Vec<u8>, Status> {
        // the label's end is part of it there
        let mut label: Vec<u8> = label.bytes().chain([0]).collect();
        let wanted = SecPkgContext_KeyingMaterialInfo {
            cbLabel: u16::try_from(label.len()).map_err(|_| SEC_E_INTERNAL_ERROR)?,
            pszLabel: label.as_mut_ptr(),
            cbContextValue: 0,
            pbContextValue: ptr::null_mut(),
            cbKeyingMaterial: length,
        };
        let size = mem::size_of_val(&wanted) as u32;
        // SAFETY: the structure is the one of that attribute, and lives until the call is over
        let status = self.with_handle(|handle| unsafe {
            SetContextAttributesW(handle, SECPKG_ATTR_KEYING_MATERIAL_INFO as _, (&raw const wanted).cast(), size)
        });
        if status != SEC_E_OK {
            return Err(status);
        }
        // SAFETY: the structure is the one of that attribute; what it points to is the caller's to free
        let made: SecPkgContext_KeyingMaterial = unsafe { self.query(SECPKG_ATTR_KEYING_MATERIAL) }?;
        if made.pbKeyingMaterial.is_null() {
            return Err(SEC_E_UNSUPPORTED_FUNCTION);
        }
        // SAFETY: that many bytes are there
        let bytes = unsafe { slice::from_raw_parts(made.pbKeyingMaterial, made.cbKeyingMaterial as usize) }.to_vec();
        // SAFETY: ours
        unsafe { FreeContextBuffer(made.pbKeyingMaterial.cast()) };
        Ok(bytes)
    }

    /// Asks for an attribute of the connection.
    ///
    /// # Safety
    /// `T` is what SSPI writes for it, and may be all zeros.
    unsafe fn query<T>(&self, attribute: impl TryInto<u32>) -> Result<T, Status> {
        let attribute = attribute.try_into().map_err(|_| SEC_E_INTERNAL_ERROR)?;
        // SAFETY: the caller's promise
        let mut answer: T = unsafe { mem::zeroed() };
        // SAFETY: as above
        let status = self
            .with_handle(|handle| unsafe { QueryContextAttributesW(handle, attribute as _, (&raw mut answer).cast()) });
        if status == SEC_E_OK { Ok(answer) } else { Err(status) }
    }

    fn with_handle(&self, call: impl FnOnce(&SecHandle) -> Status) -> Status {
        self.handle.as_ref().map_or(SEC_E_INTERNAL_ERROR, call)
    }
}

impl Drop for SecurityContext {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            // SAFETY: ours
            unsafe { DeleteSecurityContext(handle) };
        }
    }
}

/// How long the parts of a record are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    pub header: usize,
    pub trailer: usize,
    /// Of the data, at most.
    pub most: usize,
}

/// What SSPI has written, and frees.
pub struct Token(SecBuffer);

impl Deref for Token {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self.0.pvBuffer.is_null() {
            true => &[],
            // SAFETY: that many bytes are there until it is freed
            false => unsafe { slice::from_raw_parts(self.0.pvBuffer.cast(), self.0.cbBuffer as usize) },
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if !self.0.pvBuffer.is_null() {
            // SAFETY: allocated for us, and given back once
            unsafe { FreeContextBuffer(self.0.pvBuffer) };
        }
    }
}

fn buffer(kind: u32, bytes: &mut [u8]) -> SecBuffer {
    // all are far below 4 GiB
    SecBuffer { BufferType: kind, cbBuffer: bytes.len() as u32, pvBuffer: bytes.as_mut_ptr().cast() }
}

fn empty(kind: u32) -> SecBuffer {
    SecBuffer { BufferType: kind, cbBuffer: 0, pvBuffer: ptr::null_mut() }
}

fn describe(buffers: &mut [SecBuffer]) -> SecBufferDesc {
    SecBufferDesc { ulVersion: SECBUFFER_VERSION, cBuffers: buffers.len() as u32, pBuffers: buffers.as_mut_ptr() }
}

//! The calls of CryptoAPI for certificates, chains and keys, in Rust's terms; no safe crate has all of them.

#![allow(unsafe_code)]

use std::time::Duration;
use std::{io, mem, ptr, slice};

use windows_sys::Win32::Security::Cryptography::*;
use zeroize::Zeroizing;

/// A certificate that the system holds, with the store it is in.
pub struct CertificateContext(*const CERT_CONTEXT);

// SAFETY: the system counts who has it, and nobody changes it
unsafe impl Send for CertificateContext {}
// SAFETY: as above
unsafe impl Sync for CertificateContext {}

impl CertificateContext {
    /// # Safety
    /// It is a certificate of the system's, or null, and the caller's to free.
    pub unsafe fn from_raw(certificate: *const CERT_CONTEXT) -> Option<CertificateContext> {
        (!certificate.is_null()).then_some(CertificateContext(certificate))
    }

    /// For calls of the system's, as long as this lives.
    pub fn raw(&self) -> *const CERT_CONTEXT {
        self.0
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        // SAFETY: that many bytes are there as long as the certificate is
        unsafe { slice::from_raw_parts((*self.0).pbCertEncoded, (*self.0).cbCertEncoded as usize) }
    }

    fn has(&self, property: u32) -> bool {
        let mut size = 0;
        // SAFETY: asks for the size alone
        unsafe { CertGetCertificateContextProperty(self.0, property, ptr::null_mut(), &mut size) != 0 }
    }

    /// Whether the system knows its key.
    fn has_key(&self) -> bool {
        [CERT_KEY_PROV_INFO_PROP_ID, CERT_KEY_CONTEXT_PROP_ID, CERT_NCRYPT_KEY_HANDLE_PROP_ID]
            .into_iter()
            .any(|property| self.has(property))
    }

    /// Removes the key from where the user's keys are kept; whether it was there.
    pub fn delete_key(&self) -> bool {
        let mut size = 0;
        // SAFETY: asks for the size alone
        unsafe {
            CertGetCertificateContextProperty(self.0, CERT_KEY_PROV_INFO_PROP_ID, ptr::null_mut(), &mut size);
        }
        if (size as usize) < mem::size_of::<CRYPT_KEY_PROV_INFO>() {
            return false;
        }
        // the structure, aligned for it, and behind it the texts that it points to
        let mut room = vec![0u64; (size as usize).div_ceil(mem::size_of::<u64>())];
        let info: *mut CRYPT_KEY_PROV_INFO = room.as_mut_ptr().cast();
        // SAFETY: there is room for what was asked the size of
        let known =
            unsafe { CertGetCertificateContextProperty(self.0, CERT_KEY_PROV_INFO_PROP_ID, info.cast(), &mut size) };
        if known == 0 {
            return false;
        }
        // SAFETY: written by the system
        let info = unsafe { &*info };
        let machine = info.dwFlags & CRYPT_MACHINE_KEYSET;
        let (container, provider_name) = (info.pwszContainerName, info.pwszProvName);
        if info.dwProvType != 0 {
            let flags = CRYPT_DELETEKEYSET | CRYPT_SILENT | machine;
            // SAFETY: the names end with a 0; with these flags no handle is made
            return unsafe { CryptAcquireContextW(&mut 0, container, provider_name, info.dwProvType, flags) } != 0;
        }
        let (mut provider, mut key) = (0, 0);
        // SAFETY: the names end with a 0; the handles are written before they are used, and given back
        unsafe {
            if NCryptOpenStorageProvider(&mut provider, provider_name, 0) != 0 {
                return false;
            }
            let opened = NCryptOpenKey(provider, &mut key, container, 0, NCRYPT_SILENT_FLAG | machine) == 0;
            // which gives it back as well, where it succeeds
            let deleted = opened && NCryptDeleteKey(key, 0) == 0;
            if opened && !deleted {
                NCryptFreeObject(key);
            }
            NCryptFreeObject(provider);
            deleted
        }
    }
}

impl Drop for CertificateContext {
    fn drop(&mut self) {
        // SAFETY: ours
        unsafe { CertFreeCertificateContext(self.0) };
    }
}

/// A store of certificates in memory.
pub struct CertificateStore(HCERTSTORE);

// SAFETY: the system lets several threads use a store
unsafe impl Send for CertificateStore {}
// SAFETY: as above
unsafe impl Sync for CertificateStore {}

/// Where the key of a PKCS #12 file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// Into this process's memory.
    Memory,
    /// Where the user's keys are kept, until it is deleted.
    User,
}

impl CertificateStore {
    /// One with nothing in it.
    pub fn new() -> io::Result<CertificateStore> {
        // SAFETY: a store in memory takes nothing
        CertificateStore::from_raw(unsafe { CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, ptr::null()) })
    }

    /// What is in a PKCS #12 file.
    pub fn import(pkcs12: &[u8], password: &str, place: KeyPlace) -> io::Result<CertificateStore> {
        let length = u32::try_from(pkcs12.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // which is not written to
        let blob = CRYPT_INTEGER_BLOB { cbData: length, pbData: pkcs12.as_ptr().cast_mut() };
        let password: Zeroizing<Vec<u16>> = Zeroizing::new(password.encode_utf16().chain([0]).collect());
        let flags = match place {
            KeyPlace::Memory => PKCS12_NO_PERSIST_KEY,
            KeyPlace::User => CRYPT_USER_KEYSET,
        };
        // SAFETY: the file and the password, which ends with a 0, live until the call is over
        CertificateStore::from_raw(unsafe { PFXImportCertStore(&blob, password.as_ptr(), flags) })
    }

    fn from_raw(store: HCERTSTORE) -> io::Result<CertificateStore> {
        if store.is_null() { Err(io::Error::last_os_error()) } else { Ok(CertificateStore(store)) }
    }

    /// Adds a certificate in DER.
    pub fn add(&mut self, der: &[u8]) -> io::Result<()> {
        let length = u32::try_from(der.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: that many bytes are there
        let added = unsafe {
            CertAddEncodedCertificateToStore(
                self.0,
                X509_ASN_ENCODING,
                der.as_ptr(),
                length,
                CERT_STORE_ADD_ALWAYS,
                ptr::null_mut(),
            )
        };
        if added == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// All certificates in it.
    pub fn certificates(&self) -> Vec<CertificateContext> {
        let mut all = Vec::new();
        let mut last: *const CERT_CONTEXT = ptr::null();
        loop {
            // SAFETY: the store is open; the last one is given back by this
            last = unsafe { CertEnumCertificatesInStore(self.0, last) };
            if last.is_null() {
                return all;
            }
            // SAFETY: counted once more
            all.extend(unsafe { CertificateContext::from_raw(CertDuplicateCertificateContext(last)) });
        }
    }

    /// The certificate whose key is known.
    pub fn certificate_with_key(&self) -> Option<CertificateContext> {
        self.certificates().into_iter().find(CertificateContext::has_key)
    }
}

impl Drop for CertificateStore {
    fn drop(&mut self) {
        // SAFETY: ours; certificates of it that others have stay
        unsafe { CertCloseStore(self.0, 0) };
    }
}

/// What builds chains of certificates to trust anchors.
pub struct ChainEngine {
    /// Null is the platform's own, with the platform's store.
    engine: HCERTCHAINENGINE,
    _anchors: Option<CertificateStore>,
}

// SAFETY: the system lets several threads use an engine
unsafe impl Send for ChainEngine {}
// SAFETY: as above
unsafe impl Sync for ChainEngine {}

/// A chain of certificates, the server's first.
pub struct Chain {
    /// CERT_TRUST_…, of the chain as a whole.
    pub status: u32,
    /// What the policy for TLS servers says, without looking at names: 0, or a CERT_E_….
    pub policy: i32,
    /// The certificates.
    pub elements: Vec<ChainElement>,
}

/// One of a chain.
pub struct ChainElement {
    pub certificate: CertificateContext,
    /// CERT_TRUST_…, of this one.
    pub status: u32,
}

impl ChainEngine {
    /// The platform's.
    pub fn platform() -> ChainEngine {
        ChainEngine { engine: ptr::null_mut(), _anchors: None }
    }

    /// One that trusts the certificates of a store and no others.
    pub fn trusting(anchors: CertificateStore) -> io::Result<ChainEngine> {
        let mut config = CERT_CHAIN_ENGINE_CONFIG {
            hExclusiveRoot: anchors.0,
            // be it a root or not
            dwExclusiveFlags: CERT_CHAIN_EXCLUSIVE_ENABLE_CA_FLAG,
            ..Default::default()
        };
        // before Windows 8, and in Wine, the structure has no flags at its end
        let sizes = [mem::size_of_val(&config), mem::offset_of!(CERT_CHAIN_ENGINE_CONFIG, dwExclusiveFlags)];
        for size in sizes {
            config.cbSize = size as u32;
            let mut engine = ptr::null_mut();
            // SAFETY: the structure is of that size, and its store stays open for as long as the engine does
            if unsafe { CertCreateCertificateChainEngine(&config, &mut engine) } != 0 {
                return Ok(ChainEngine { engine, _anchors: Some(anchors) });
            }
        }
        Err(io::Error::last_os_error())
    }

    /// The chain of a server's certificate, by whatever the server sent beside it. Within `retrieval`, if that is given, the
    /// system may fetch what is missing: issuers that the server did not send, and roots that it has not needed before.
    pub fn chain(&self, certificate: &CertificateContext, retrieval: Option<Duration>) -> io::Result<Chain> {
        let mut server_authentication = [szOID_PKIX_KP_SERVER_AUTH.cast_mut()];
        let wanted = CERT_CHAIN_PARA {
            cbSize: mem::size_of::<CERT_CHAIN_PARA>() as u32,
            RequestedUsage: CERT_USAGE_MATCH {
                dwType: USAGE_MATCH_TYPE_AND,
                Usage: CTL_USAGE { cUsageIdentifier: 1, rgpszUsageIdentifier: server_authentication.as_mut_ptr() },
            },
            dwUrlRetrievalTimeout: u32::try_from(retrieval.unwrap_or_default().as_millis()).unwrap_or(u32::MAX),
            ..Default::default()
        };
        let mut chain = ptr::null_mut();
        // whether something was revoked is not asked
        let flags = if retrieval.is_some() { 0 } else { CERT_CHAIN_CACHE_ONLY_URL_RETRIEVAL };
        // SAFETY: the engine and the certificate are open, the rest lives until the call is over
        let built = unsafe {
            let sent = (*certificate.0).hCertStore;
            let now = ptr::null();
            CertGetCertificateChain(self.engine, certificate.0, now, sent, &wanted, flags, ptr::null(), &mut chain)
        };
        if built == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a chain of the system's, which stays until it is freed
        let read = unsafe {
            Chain { status: (*chain).TrustStatus.dwErrorStatus, policy: policy(chain), elements: elements(chain) }
        };
        // SAFETY: ours
        unsafe { CertFreeCertificateChain(chain) };
        Ok(read)
    }
}

impl Drop for ChainEngine {
    fn drop(&mut self) {
        if !self.engine.is_null() {
            // SAFETY: ours
            unsafe { CertFreeCertificateChainEngine(self.engine) };
        }
    }
}

/// # Safety
/// It is a chain of the system's.
unsafe fn elements(chain: *const CERT_CHAIN_CONTEXT) -> Vec<ChainElement> {
    // SAFETY: the caller's promise: so many chains, of so many elements each. The first is the server's; where it ends in a
    // list of trusted certificates there is another one, which is the list's
    unsafe {
        if (*chain).cChain == 0 {
            return Vec::new();
        }
        let first = &**(*chain).rgpChain;
        let elements = slice::from_raw_parts(first.rgpElement, first.cElement as usize);
        let element = |element: &*mut CERT_CHAIN_ELEMENT| ChainElement {
            certificate: CertificateContext(CertDuplicateCertificateContext((**element).pCertContext)),
            status: (**element).TrustStatus.dwErrorStatus,
        };
        elements.iter().map(element).collect()
    }
}

/// # Safety
/// It is a chain of the system's.
unsafe fn policy(chain: *const CERT_CHAIN_CONTEXT) -> i32 {
    let mut server = HTTPSPolicyCallbackData { dwAuthType: AUTHTYPE_SERVER, ..Default::default() };
    server.Anonymous.cbSize = mem::size_of_val(&server) as u32;
    let wanted = CERT_CHAIN_POLICY_PARA {
        cbSize: mem::size_of::<CERT_CHAIN_POLICY_PARA>() as u32,
        dwFlags: CERT_CHAIN_POLICY_IGNORE_ALL_REV_UNKNOWN_FLAGS,
        pvExtraPolicyPara: (&raw mut server).cast(),
    };
    let mut verdict =
        CERT_CHAIN_POLICY_STATUS { cbSize: mem::size_of::<CERT_CHAIN_POLICY_STATUS>() as u32, ..Default::default() };
    // SAFETY: all lives until the call is over
    let asked = unsafe { CertVerifyCertificateChainPolicy(CERT_CHAIN_POLICY_SSL, chain, &wanted, &mut verdict) };
    if asked == 0 { windows_sys::Win32::Foundation::CERT_E_CHAINING } else { verdict.dwError as i32 }
}

#[cfg(test)]
mod tests {
    use super::super::super::pkcs12::to_pkcs12;
    use super::*;

    const PEM: &[u8] = include_bytes!("../pkcs12/rsa.pem");
    const PASSWORD: &str = "s3cret";

    fn imported(place: KeyPlace) -> CertificateContext {
        let pkcs12 = to_pkcs12(PEM, PEM, PASSWORD).unwrap();
        CertificateStore::import(&pkcs12, PASSWORD, place).unwrap().certificate_with_key().unwrap()
    }

    #[test]
    fn a_key_among_the_users_is_deleted() {
        let certificate = imported(KeyPlace::User);
        assert!(certificate.delete_key());
        assert!(!certificate.delete_key(), "once");
    }

    #[test]
    fn a_key_in_memory_is_nowhere_else() {
        assert!(!imported(KeyPlace::Memory).delete_key());
    }

    #[test]
    fn what_cannot_be_imported() {
        let pkcs12 = to_pkcs12(PEM, PEM, PASSWORD).unwrap();
        assert!(CertificateStore::import(&pkcs12, "wrong", KeyPlace::Memory).is_err());
        assert!(CertificateStore::import(b"x", PASSWORD, KeyPlace::Memory).is_err());
        assert!(CertificateStore::new().unwrap().add(b"x").is_err());
        assert!(CertificateStore::new().unwrap().certificate_with_key().is_none());
    }
}

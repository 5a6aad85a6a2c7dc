//! Which cipher suites are offered, and their names: of those that Secure Transport has enabled, which knows its own limits
//! and the administrator's, those with encryption and with a certificate. So no suite by which anybody passes for the server
//! is ever offered, and none that encrypts nothing or by what is broken (RC4, DES, RC2, export).

use crate::net::tls::Version;

/// From the registry of IANA, by their numbers.
const SUITES: [(u16, Age, &str); 30] = [
    (0xc02c, Age::Sound, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02b, Age::Sound, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, Age::Sound, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, Age::Sound, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xcca9, Age::Sound, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca8, Age::Sound, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xc024, Age::Sound, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc023, Age::Sound, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, Age::Sound, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc027, Age::Sound, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc00a, Age::Sound, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc009, Age::Sound, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc014, Age::Sound, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc013, Age::Sound, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x009f, Age::Sound, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009e, Age::Sound, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x006b, Age::Sound, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0067, Age::Sound, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x0039, Age::Sound, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x0033, Age::Sound, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x009d, Age::Sound, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009c, Age::Sound, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x003d, Age::Sound, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x003c, Age::Sound, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x0035, Age::Sound, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x002f, Age::Sound, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0xc008, Age::Old, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc012, Age::Old, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0016, Age::Old, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x000a, Age::Old, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
];

/// For whom a suite is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    /// For anybody.
    Sound,
    /// For appliances that know nothing newer than TLS 1.1.
    Old,
}

/// Of those that are enabled those that are offered, in the same order, where that version of TLS is the oldest.
pub fn offered(enabled: &[u16], oldest: Version) -> Vec<u16> {
    let is_offered = |number: &u16| {
        SUITES.iter().any(|(known, age, _)| known == number && (*age == Age::Sound || oldest < Version::Tls12))
    };
    enabled.iter().copied().filter(is_offered).collect()
}

/// The name of a suite.
pub fn name(number: u16) -> &'static str {
    SUITES.iter().find(|(known, ..)| *known == number).map_or("a cipher suite without a name", |(.., name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_protects_nothing_is_not_offered() {
        let broken = [
            0x0000, // no encryption
            0x0002, // TLS_RSA_WITH_NULL_SHA
            0x003b, // TLS_RSA_WITH_NULL_SHA256
            0x0018, // TLS_DH_anon_WITH_RC4_128_MD5
            0x0034, // TLS_DH_anon_WITH_AES_128_CBC_SHA
            0xc018, // TLS_ECDH_anon_WITH_AES_128_CBC_SHA
            0x0005, // TLS_RSA_WITH_RC4_128_SHA
            0x0003, // TLS_RSA_EXPORT_WITH_RC4_40_MD5
            0x0009, // TLS_RSA_WITH_DES_CBC_SHA
            0x00ae, // TLS_PSK_WITH_AES_128_CBC_SHA256
        ];
        for oldest in [Version::Tls10, Version::Tls12] {
            assert_eq!(offered(&broken, oldest), []);
        }
    }

    #[test]
    fn what_is_enabled_is_offered_in_its_order() {
        let enabled = [0x002f, 0xc02f, 0x0005, 0x000a, 0xc030];
        assert_eq!(offered(&enabled, Version::Tls12), [0x002f, 0xc02f, 0xc030]);
        assert_eq!(offered(&enabled, Version::Tls11), [0x002f, 0xc02f, 0x000a, 0xc030]);
    }

    #[test]
    fn names() {
        assert_eq!(name(0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(name(0x1301), "a cipher suite without a name");
        let mut numbers = SUITES.map(|(number, ..)| number);
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(SUITES.iter().all(|(.., name)| name.starts_with("TLS_") && !name.contains("anon")));
    }
}

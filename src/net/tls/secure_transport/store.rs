//! The trust anchors: the host's own, and whether the platform's count as well.

use super::calls::Calls;
use super::statuses::{kind, words};
use crate::error::{Error, Kind, Result};
use crate::net::tls::certificate::Certificate;
use crate::net::trust::Encoded;

/// Whose certificates are trusted.
pub struct Store<C: Calls> {
    /// By which calls they were made.
    pub calls: C,
    /// The host's own authorities.
    pub anchors: Vec<C::Certificate>,
    /// Whether those of the platform are trusted as well.
    pub platform: bool,
}

/// A trust store to which certificates are added.
pub struct StoreBuilder<C: Calls>(Store<C>);

impl<C: Calls> StoreBuilder<C> {
    /// One with nothing in it.
    pub fn over(calls: C) -> StoreBuilder<C> {
        StoreBuilder(Store { calls, anchors: Vec::new(), platform: false })
    }

    /// Trusts the authorities of the platform's store, which macOS always has.
    pub fn add_platform(&mut self, _unusable: &mut Vec<String>) -> Result<bool> {
        self.0.platform = true;
        Ok(true)
    }

    /// Trusts that certificate.
    pub fn add(&mut self, encoded: &Encoded) -> Result<Certificate> {
        let der = encoded.to_der().ok_or_else(|| Error::new(Kind::Secure, "a damaged certificate"))?;
        let anchor = self.0.calls.certificate(&der);
        let anchor =
            anchor.map_err(|status| Error::new(kind(status), format!("a damaged certificate: {}", words(status))))?;
        self.0.anchors.push(anchor);
        Ok(Certificate::from_der(der))
    }

    /// The store, to which nothing is added any more.
    pub fn build(self) -> Result<Store<C>> {
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::StandIn;
    use super::*;

    #[test]
    fn what_is_added_is_trusted() {
        let calls = StandIn::default();
        let mut builder = StoreBuilder::over(calls.clone());
        let pem = b"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n".to_vec();
        assert_eq!(builder.add(&Encoded::Pem(pem)).unwrap().der(), [1, 2, 3]);
        assert_eq!(builder.add(&Encoded::Der(vec![7])).unwrap().der(), [7]);
        let mut unusable = Vec::new();
        assert!(!builder.0.platform && builder.add_platform(&mut unusable).unwrap() && unusable.is_empty());
        for (number, kind) in [(-67673, Kind::Secure), (-108, Kind::OutOfMemory)] {
            calls.script().failing = vec![("certificate", number)];
            assert_eq!(builder.add(&Encoded::Der(vec![8])).err().unwrap().kind(), kind);
        }
        assert_eq!(builder.add(&Encoded::Pem(b"x".to_vec())).err().unwrap().kind(), Kind::Secure);
        let store = builder.build().unwrap();
        assert_eq!((store.anchors, store.platform), (vec![vec![1, 2, 3], vec![7]], true));
    }
}

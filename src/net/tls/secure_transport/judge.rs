//! Who is believed: what Apple's evaluation of a chain says, and what is checked beyond it, so that a certificate is accepted
//! or refused here as it is on other platforms.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::calls::{Calls, Policy, Status};
use super::statuses::{reason, setup_error};
use super::store::Store;
use crate::error::{Error, Kind, Result};
use crate::net::address::Host;
use crate::net::tls::certificate::Certificate;
use crate::net::tls::own_checks::{begins_later, is_accepted_for, weakness};
use crate::net::tls::refusal::{Reason, not_pinned};

/// Who judges the certificates that a server shows.
pub struct Judge<'a, C: Calls> {
    /// The trust anchors.
    pub store: &'a Store<C>,
    /// Whether the server must show a certificate that is believed.
    pub verifies: bool,
    /// The fingerprint of the only certificate that will do.
    pub fingerprint: Option<[u8; 32]>,
    /// Whose name the certificate must have.
    pub host: &'a Host,
    /// The fingerprints of the host's own authorities that have no names of servers.
    pub without_names: &'a BTreeSet<[u8; 32]>,
    /// Whether keys and digests that are too weak today will do, as old appliances have them.
    pub takes_weak: bool,
    pub refusal: Box<Refusal<'a>>,
}

/// What a refusal is told by.
pub type Refusal<'a> = dyn Fn(Option<&Certificate>, Reason) -> String + 'a;

/// What a server has shown, once that is accepted.
pub struct Shown {
    /// Its certificate in DER, if it has shown one.
    pub certificate: Option<Vec<u8>>,
    /// For how long the certificates are valid yet, where that matters.
    pub hold: Option<Duration>,
}

impl<C: Calls> Judge<'_, C> {
    /// Accepts or refuses what the server has shown.
    pub fn judge(&self, trust: Option<C::Trust>) -> Result<Shown> {
        let calls = &self.store.calls;
        let Some(mut trust) = trust else { return self.accept_nothing() };
        // before anything that evaluates, or it would look for issuers and lists of revoked ones in the network
        calls.forbid_network(&mut trust).map_err(setup_error)?;
        if let (true, None) = (self.verifies, self.fingerprint) {
            return self.verify(&mut trust);
        }
        calls.set_policy(&mut trust, Policy::Basic).map_err(setup_error)?;
        let Some(leaf) = calls.chain(&trust).into_iter().next() else { return self.accept_nothing() };
        let leaf = Certificate::from_der(leaf);
        match &self.fingerprint {
            Some(wanted) if leaf.fingerprint() != *wanted => Err(not_pinned(Some(&leaf), wanted)),
            _ => Ok(Shown { certificate: Some(leaf.der().to_vec()), hold: None }),
        }
    }

    fn accept_nothing(&self) -> Result<Shown> {
        match self.verifies {
            true => Err(Error::new(Kind::Secure, "the server showed no certificate")),
            false => Ok(Shown { certificate: None, hold: None }),
        }
    }

    fn verify(&self, trust: &mut C::Trust) -> Result<Shown> {
        let verdict = self.evaluate(trust).map_err(setup_error)?;
        let chain: Vec<_> = self.store.calls.chain(trust).into_iter().map(Certificate::from_der).collect();
        let Some(leaf) = chain.first() else { return self.accept_nothing() };
        let verdict = match verdict {
            Ok(by) => self.check(by, leaf, &chain),
            Err(Reason::Expired) if begins_later(chain.iter()) => Err(Reason::NotYetValid),
            Err(reason) => Err(reason),
        };
        match verdict {
            Ok(()) => Ok(Shown { certificate: Some(leaf.der().to_vec()), hold: Some(hold(&chain)) }),
            Err(reason) => Err(Error::new(Kind::Secure, (self.refusal)(Some(leaf), reason))),
        }
    }

    /// By which rules the chain is believed, or why it is not.
    ///
    /// The platform is asked by its own rules for servers, before the host's authorities are set, since none can be
    /// unset. These are asked by no more than the standard's: Apple's would refuse certificates that are valid for longer
    /// than 825 days, as those that are made by hand often are. What the one or the other believes is believed.
    fn evaluate(&self, trust: &mut C::Trust) -> Result<Result<Policy, Reason>, Status> {
        let calls = &self.store.calls;
        let mut refused = None;
        if self.store.platform {
            calls.set_policy(trust, Policy::Server)?;
            match calls.evaluate(trust) {
                Ok(()) => return Ok(Ok(Policy::Server)),
                Err(status) => refused = Some(reason(status)),
            }
            if self.store.anchors.is_empty() {
                return Ok(refused.map_or(Ok(Policy::Server), Err));
            }
        }
        calls.set_policy(trust, Policy::Basic)?;
        calls.set_anchors(trust, &self.store.anchors)?;
        Ok(match calls.evaluate(trust) {
            Ok(()) => Ok(Policy::Basic),
            Err(status) => Err(match (reason(status), refused) {
                // of two authorities the one that has issued it knows better
                (Reason::UnknownAuthority(_), Some(refused)) => refused,
                (reason, _) => reason,
            }),
        })
    }

    /// What Apple's rules leave out, and OpenSSL's do not.
    fn check(&self, by: Policy, leaf: &Certificate, chain: &[Certificate]) -> Result<(), Reason> {
        if by == Policy::Basic && !may_serve(chain) {
            return Err(Reason::Other("unsuitable certificate purpose"));
        }
        if let Some(weakness) = weakness(chain.iter()).filter(|_| !self.takes_weak) {
            return Err(weakness);
        }
        if !is_accepted_for(leaf, self.host, self.without_names) {
            return Err(Reason::NameMismatch);
        }
        Ok(())
    }
}

/// For how long all of them are valid yet; those whose dates cannot be read for no time.
fn hold(chain: &[Certificate]) -> Duration {
    let now = SystemTime::now();
    let left = |certificate: &Certificate| {
        let (_, end) = certificate.validity()?;
        end.duration_since(now).ok()
    };
    chain.iter().map(|certificate| left(certificate).unwrap_or_default()).min().unwrap_or_default()
}

/// Whether a chain, of which the first is the server's, may be used by a server.
fn may_serve(chain: &[Certificate]) -> bool {
    chain.first().is_some_and(|leaf| leaf.uses().signs) && chain.iter().all(|certificate| certificate.uses().serves)
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::StandIn;
    use super::*;
    use crate::net::tls::certificate::Name;
    use crate::net::tls::certificate::tests::Sample;

    const SHA1: &str = "1.2.840.113549.1.1.5";
    const CLIENTS: &[&str] = &["1.3.6.1.5.5.7.3.2"];

    /// What a test judges by, and what the server shows.
    struct Case {
        platform: bool,
        anchors: usize,
        verifies: bool,
        fingerprint: Option<[u8; 32]>,
        host: &'static str,
        without_names: Vec<[u8; 32]>,
        takes_weak: bool,
        chain: Vec<Certificate>,
        refused: Vec<(Policy, i32)>,
    }

    impl Default for Case {
        /// Own authorities alone, and a chain of two certificates that is believed.
        fn default() -> Case {
            Case {
                platform: false,
                anchors: 1,
                verifies: true,
                fingerprint: None,
                host: "mail.test",
                without_names: Vec::new(),
                takes_weak: false,
                chain: vec![Sample::default().certificate(), Sample::default().certificate()],
                refused: Vec::new(),
            }
        }
    }

    impl Case {
        /// Whom is believed, or the error; and what was called.
        fn judge(self) -> (Result<Shown>, Vec<String>) {
            let calls = StandIn::default();
            calls.script().chain = self.chain.iter().map(|certificate| certificate.der().to_vec()).collect();
            calls.script().refused = self.refused;
            let store =
                Store { calls: calls.clone(), anchors: vec![Vec::new(); self.anchors], platform: self.platform };
            let judge = Judge {
                store: &store,
                verifies: self.verifies,
                fingerprint: self.fingerprint,
                host: &Host::parse(self.host.as_bytes()).unwrap(),
                without_names: &self.without_names.into_iter().collect(),
                takes_weak: self.takes_weak,
                refusal: Box::new(|certificate, reason| {
                    let shown = certificate.map(Certificate::fingerprint);
                    assert_eq!(shown, self.chain.first().map(Certificate::fingerprint));
                    format!("{reason:?}")
                }),
            };
            let shown = judge.judge((!self.chain.is_empty()).then_some(None));
            let log = calls.log();
            (shown, log)
        }

        /// Why it is refused, if it is.
        fn refusal(self) -> Option<String> {
            let error = self.judge().0.err()?;
            assert_eq!(error.kind(), Kind::Secure);
            Some(error.to_string())
        }
    }

    fn sample(sample: Sample<'_>) -> Certificate {
        sample.certificate()
    }

    #[test]
    fn own_authorities_alone_are_asked_by_the_standards_rules() {
        let (shown, log) = Case::default().judge();
        let shown = shown.unwrap();
        assert_eq!(shown.certificate.unwrap(), Sample::default().certificate().der());
        assert!(shown.hold.unwrap() > Duration::from_secs(24 * 60 * 60));
        assert_eq!(log, ["forbid network", "policy Basic", "anchors 1", "evaluate", "chain"]);
        // none at all trust nobody
        let case = Case { anchors: 0, refused: vec![(Policy::Basic, -67843)], ..Case::default() };
        let (shown, log) = case.judge();
        assert!(shown.err().unwrap().to_string().starts_with("UnknownAuthority"));
        assert_eq!(log, ["forbid network", "policy Basic", "anchors 0", "evaluate", "chain"]);
    }

    #[test]
    fn the_platform_is_asked_first_and_by_its_own_rules() {
        let (shown, log) = Case { platform: true, ..Case::default() }.judge();
        assert!(shown.is_ok());
        assert_eq!(log, ["forbid network", "policy Server", "evaluate", "chain"]);
        // where it does not know the authority the host's own are asked
        let case = Case { platform: true, refused: vec![(Policy::Server, -67843)], ..Case::default() };
        let (shown, log) = case.judge();
        assert!(shown.is_ok());
        let own = ["policy Server", "evaluate", "policy Basic", "anchors 1", "evaluate", "chain"];
        assert_eq!(log[1..], own);
        // and where there are none it is what it has said
        let case = Case { platform: true, anchors: 0, refused: vec![(Policy::Server, -67818)], ..Case::default() };
        let (shown, log) = case.judge();
        assert_eq!(shown.err().unwrap().to_string(), "Expired");
        assert_eq!(log[1..], ["policy Server", "evaluate", "chain"]);
    }

    #[test]
    fn where_both_refuse_the_one_that_knows_the_authority_says_why() {
        for (server, basic, reason) in [
            (-67901, -67843, "Other(\"it is valid for longer"),
            (-67843, -67818, "Expired"),
            (-67818, -67820, "Other(\"certificate revoked"),
            (-67843, -67843, "UnknownAuthority"),
        ] {
            let refused = vec![(Policy::Server, server), (Policy::Basic, basic)];
            let refusal = Case { platform: true, refused, ..Case::default() }.refusal().unwrap();
            assert!(refusal.starts_with(reason), "{refusal}");
        }
    }

    #[test]
    fn what_apple_accepts_and_is_refused_all_the_same() {
        let good = || Sample::default();
        for (chain, reason) in [
            ([sample(Sample { names: &[Name::Dns(b"other.test")], ..good() }), good().certificate()], "NameMismatch"),
            // no common name
            ([sample(Sample { names: &[], ..good() }), good().certificate()], "NameMismatch"),
            ([sample(Sample { bits: 1024, ..good() }), good().certificate()], "WeakKey"),
            ([good().certificate(), sample(Sample { bits: 1024, ..good() })], "Other(\"CA certificate key too weak\")"),
            (
                [sample(Sample { algorithm: SHA1, ..good() }), good().certificate()],
                "Other(\"CA signature digest algorithm too weak\")",
            ),
            (
                [sample(Sample { uses: CLIENTS, ..good() }), good().certificate()],
                "Other(\"unsuitable certificate purpose\")",
            ),
            (
                [good().certificate(), sample(Sample { uses: CLIENTS, ..good() })],
                "Other(\"unsuitable certificate purpose\")",
            ),
        ] {
            assert_eq!(Case { chain: chain.into(), ..Case::default() }.refusal().as_deref(), Some(reason));
        }
        // the platform's own rules are about uses
        let chain = vec![sample(Sample { uses: CLIENTS, ..good() }), good().certificate()];
        assert_eq!(Case { platform: true, chain, ..Case::default() }.refusal(), None);
        // how the anchor is signed does not matter
        let chain = vec![good().certificate(), sample(Sample { algorithm: SHA1, ..good() })];
        assert_eq!(Case { chain, ..Case::default() }.refusal(), None);
        let alone = vec![sample(Sample { algorithm: SHA1, ..good() })];
        assert_eq!(Case { chain: alone, ..Case::default() }.refusal(), None);
    }

    #[test]
    fn old_appliances_have_weak_keys_and_digests() {
        let weak = || Sample { bits: 1024, algorithm: SHA1, ..Sample::default() }.certificate();
        let case = |takes_weak| Case { takes_weak, chain: vec![weak(), weak()], ..Case::default() };
        assert_eq!(case(true).refusal(), None);
        assert_eq!(case(false).refusal().as_deref(), Some("WeakKey"));
    }

    #[test]
    fn names_and_addresses() {
        let address = &[Name::Ip([127, 0, 0, 1].into())];
        let chain = |names| vec![Sample { names, ..Sample::default() }.certificate()];
        for (names, host, refusal) in [
            (&address[..], "127.0.0.1", None),
            (address, "127.0.0.2", Some("NameMismatch")),
            (address, "mail.test", Some("NameMismatch")),
            (&[Name::Dns(b"127.0.0.1")], "127.0.0.1", Some("NameMismatch")),
            (&[Name::Dns(b"*.test")], "mail.test", Some("NameMismatch")),
            (&[Name::Dns(b"*.mail.test")], "pop.mail.test", None),
        ] {
            let case = Case { host, chain: chain(names), ..Case::default() };
            assert_eq!(case.refusal().as_deref(), refusal, "{names:?} {host}");
        }
    }

    #[test]
    fn a_certificate_without_names_that_the_host_itself_trusts() {
        let nameless = || Sample { names: &[], ..Sample::default() }.certificate();
        let without_names = vec![nameless().fingerprint()];
        let chain = vec![nameless()];
        assert_eq!(Case { without_names: without_names.clone(), chain, ..Case::default() }.refusal(), None);
        // not another one that it has issued
        let chain = vec![Sample { names: &[], bits: 4096, ..Sample::default() }.certificate(), nameless()];
        let case = Case { without_names, chain, ..Case::default() };
        assert_eq!(case.refusal().as_deref(), Some("NameMismatch"));
    }

    #[test]
    fn apples_number_for_expired_is_also_that_for_not_yet_valid() {
        let expired = |dates| {
            let chain = vec![Sample { dates, ..Sample::default() }.certificate()];
            Case { chain, refused: vec![(Policy::Basic, -67818)], ..Case::default() }.refusal().unwrap()
        };
        assert_eq!(expired(["20000101000000Z", "20010101000000Z"]), "Expired");
        assert_eq!(expired(["20980101000000Z", "20990101000000Z"]), "NotYetValid");
    }

    #[test]
    fn valid_for_as_long_as_the_first_that_expires() {
        fn until(date: &str) -> Certificate {
            Sample { dates: ["20000101000000Z", date], ..Sample::default() }.certificate()
        }
        let hold = |dates: [&str; 2]| hold(&dates.map(until));
        let long = hold(["20980101000000Z", "20990101000000Z"]);
        assert!(long > Duration::ZERO && long == hold(["20990101000000Z", "20980101000000Z"]).max(long));
        assert!(hold(["20990101000000Z", "20990101000000Z"]) > long);
        assert_eq!(hold(["20010101000000Z", "20990101000000Z"]), Duration::ZERO);
        assert_eq!(hold(["no date", "20990101000000Z"]), Duration::ZERO);
        assert_eq!(super::hold(&[]), Duration::ZERO);
    }

    #[test]
    fn pinning_looks_at_the_fingerprint_and_nothing_else() {
        let other = || Sample { names: &[], bits: 1024, ..Sample::default() }.certificate();
        let case = |fingerprint| Case {
            fingerprint: Some(fingerprint),
            chain: vec![other()],
            refused: vec![(Policy::Basic, -67843)],
            ..Case::default()
        };
        let (shown, log) = case(other().fingerprint()).judge();
        let shown = shown.unwrap();
        assert_eq!((shown.certificate.unwrap(), shown.hold), (other().der().to_vec(), None));
        assert_eq!(log, ["forbid network", "policy Basic", "chain"]);
        let refusal = case([7; 32]).refusal().unwrap();
        assert!(refusal.contains("wanted is 0707"), "{refusal}");
    }

    #[test]
    fn without_verifying_there_is_the_certificate_only() {
        let case = || Case { verifies: false, refused: vec![(Policy::Basic, -67843)], ..Case::default() };
        let (shown, log) = case().judge();
        assert_eq!(shown.unwrap().certificate.unwrap(), Sample::default().certificate().der());
        assert_eq!(log, ["forbid network", "policy Basic", "chain"]);
        let (shown, log) = Case { chain: Vec::new(), ..case() }.judge();
        assert!(shown.unwrap().certificate.is_none() && log.is_empty());
    }

    #[test]
    fn verifying_takes_a_certificate() {
        for fingerprint in [None, Some([0; 32])] {
            let case = Case { chain: Vec::new(), fingerprint, ..Case::default() };
            assert_eq!(case.refusal().as_deref(), Some("the server showed no certificate"));
        }
    }

    #[test]
    fn a_call_that_fails_accepts_nobody() {
        for name in ["forbid network", "policy", "anchors"] {
            let calls = StandIn::default();
            calls.script().chain = vec![Sample::default().certificate().der().to_vec()];
            calls.script().failing.push((name, -50));
            let store = Store { calls, anchors: Vec::new(), platform: false };
            for (verifies, fingerprint) in [(true, None), (true, Some([0; 32]))] {
                let judge = Judge {
                    store: &store,
                    verifies,
                    fingerprint,
                    host: &Host::parse(b"mail.test").unwrap(),
                    without_names: &BTreeSet::new(),
                    takes_weak: false,
                    refusal: Box::new(|_, _| String::new()),
                };
                assert!(judge.judge(Some(None)).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn the_servers_key_signs_and_all_of_the_chain_serves() {
        let with = |usage, uses| Sample { usage: Some(usage), uses, ..Sample::default() }.certificate();
        // of an authority: keyCertSign
        for (chain, may) in [
            (vec![with(0x80, &[]), with(0x04, &[])], true),
            (vec![with(0x04, &[]), with(0x80, &[])], false),
            (vec![with(0x80, CLIENTS), with(0x04, &[])], false),
            (vec![with(0x80, &[]), with(0x04, CLIENTS)], false),
            (vec![], false),
        ] {
            assert_eq!(may_serve(&chain), may, "{} certificates", chain.len());
        }
    }
}

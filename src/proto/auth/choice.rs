//! By which mechanisms to try to log in, and in which order.

use crate::error::{Error, Kind, Result};
use crate::proto::listing::Capabilities;

use super::Credentials;

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// USER, then PASS (RFC 1939).
    UserPass,
    /// APOP (RFC 1939), only if asked for.
    Apop,
    /// SASL PLAIN (RFC 4616).
    Plain,
    /// SASL LOGIN (draft-murchison-sasl-login).
    Login,
    /// SASL CRAM-MD5 (RFC 2195).
    CramMd5,
    /// SASL SCRAM-SHA-1 (RFC 5802).
    ScramSha1,
    /// The same bound to the TLS channel.
    ScramSha1Plus,
    /// SASL SCRAM-SHA-256 (RFC 7677).
    ScramSha256,
    /// The same bound to the TLS channel.
    ScramSha256Plus,
    /// SASL XOAUTH2, of Google and Microsoft.
    XOAuth2,
    /// SASL OAUTHBEARER (RFC 7628).
    OAuthBearer,
    /// SASL EXTERNAL (RFC 4422): TLS has said who it is.
    External,
}

impl Mechanism {
    pub(super) const ALL: [Mechanism; 12] = [
        Mechanism::UserPass,
        Mechanism::Apop,
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::CramMd5,
        Mechanism::ScramSha1,
        Mechanism::ScramSha1Plus,
        Mechanism::ScramSha256,
        Mechanism::ScramSha256Plus,
        Mechanism::XOAuth2,
        Mechanism::OAuthBearer,
        Mechanism::External,
    ];

    /// What it is called: its SASL name, or the command that begins it.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::UserPass => "USER",
            Mechanism::Apop => "APOP",
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::ScramSha1 => "SCRAM-SHA-1",
            Mechanism::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Mechanism::XOAuth2 => "XOAUTH2",
            Mechanism::OAuthBearer => "OAUTHBEARER",
            Mechanism::External => "EXTERNAL",
        }
    }

    /// The mechanism of that name, in any letter case.
    pub fn named(name: &str) -> Result<Mechanism> {
        let known = Mechanism::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| {
            let names = Mechanism::ALL.map(Mechanism::name).join(", ");
            Error::new(Kind::Parameter, format!("there is no mechanism of that name, but auto, {names}"))
        })
    }

    /// Whether it is bound to the TLS channel.
    pub fn is_bound(self) -> bool {
        matches!(self, Mechanism::ScramSha1Plus | Mechanism::ScramSha256Plus)
    }

    /// Whether the server lists it, or has no list on which it could stand.
    pub fn is_listed(self, offer: Offer<'_>) -> bool {
        match (self, offer) {
            // of it the greeting tells, where `Login::new` looks
            (Mechanism::Apop, _) => true,
            (Mechanism::UserPass, Offer::List(list)) => list.has("USER"),
            (_, Offer::List(list)) => list.has_sasl(self.name()),
            (_, Offer::NoList | Offer::NotAsked) => self == Mechanism::UserPass,
        }
    }

    /// Whether it can say as whom to act, if not as the user.
    fn carries_authzid(self) -> bool {
        !matches!(
            self,
            Mechanism::UserPass | Mechanism::Apop | Mechanism::Login | Mechanism::CramMd5 | Mechanism::XOAuth2
        )
    }

    /// Whether it tells the password, or a token, to whoever listens.
    fn tells_secret(self) -> bool {
        matches!(
            self,
            Mechanism::UserPass | Mechanism::Plain | Mechanism::Login | Mechanism::XOAuth2 | Mechanism::OAuthBearer
        )
    }
}

/// What is known of what a server offers.
#[derive(Clone, Copy, Debug)]
pub enum Offer<'a> {
    /// Its list.
    List(&'a Capabilities),
    /// It has none: it refused CAPA.
    NoList,
    /// It was not asked.
    NotAsked,
}

/// What decides by which mechanisms to try.
pub struct Wanted<'a> {
    /// Who logs in.
    pub credentials: &'a Credentials,
    /// The only mechanism that will do, if the host has named one.
    pub named: Option<Mechanism>,
    /// What the server offers.
    pub offer: Offer<'a>,
    /// Whether nobody on the way can listen.
    pub encrypted: bool,
    /// Whether the password, or a token, may be told where somebody can.
    pub clear_password: bool,
}

/// The mechanisms to try, one after the other; at least one. Each is looked for when its turn has come.
///
/// Where nobody can listen PLAIN comes first: the server may keep passwords as safely as it likes. Where anybody can,
/// what does not tell the password. USER comes last, where it is listed, or where nothing is said of how to log in.
/// With a token it is a mechanism for tokens, and never a password.
pub fn ways<'a>(wanted: &'a Wanted<'_>) -> Result<impl Iterator<Item = Mechanism> + use<'a>> {
    const ENCRYPTED: &[Mechanism] = &[
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha1,
        Mechanism::CramMd5,
        Mechanism::Login,
        // after the others: many servers list it and do not know our type of channel binding
        Mechanism::ScramSha256Plus,
        Mechanism::ScramSha1Plus,
        Mechanism::UserPass,
    ];
    const CLEAR: &[Mechanism] = &[
        Mechanism::ScramSha256,
        Mechanism::ScramSha1,
        Mechanism::CramMd5,
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::UserPass,
    ];
    const TOKEN: &[Mechanism] = &[Mechanism::XOAuth2, Mechanism::OAuthBearer];

    let candidates = match &wanted.named {
        Some(named) => std::slice::from_ref(named),
        None if !wanted.credentials.token.is_empty() => TOKEN,
        None if wanted.encrypted => ENCRYPTED,
        None => CLEAR,
    };
    let mut ways = candidates.iter().copied().filter(|mechanism| wanted.refusal(*mechanism).is_none()).peekable();
    if ways.peek().is_some() {
        return Ok(ways);
    }
    let why = match wanted.named.and_then(|named| Some((named, wanted.refusal(named)?))) {
        Some((named, why)) => format!("{} cannot be used: {why}", named.name()),
        None if !wanted.credentials.token.is_empty() => "the server offers no mechanism for a token".to_owned(),
        _ => "the server offers no mechanism that can be used with these options".to_owned(),
    };
    Err(Error::new(Kind::Unsupported, why))
}

impl Wanted<'_> {
    /// Why a mechanism will not do.
    fn refusal(&self, mechanism: Mechanism) -> Option<&'static str> {
        if !self.credentials.authzid.is_empty() && !mechanism.carries_authzid() {
            return Some("it cannot carry an authorization identity");
        }
        if !self.encrypted && !self.clear_password && mechanism.tells_secret() {
            return Some("it would tell the password over a connection in the clear");
        }
        (!self.is_offered(mechanism)).then_some("the server does not offer it")
    }

    fn is_offered(&self, mechanism: Mechanism) -> bool {
        let is_given = self.named.is_some() || !self.credentials.token.is_empty();
        match (mechanism, self.offer) {
            _ if mechanism.is_listed(self.offer) => true,
            // who names it has a reason; else where nothing is said of how to log in
            (Mechanism::UserPass, Offer::List(list)) => self.named.is_some() || !list.lists_sasl(),
            // what no list tells has to be tried
            (_, Offer::NotAsked) => is_given,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Mechanism::*;

    fn ways(wanted: &Wanted<'_>) -> Result<Vec<Mechanism>> {
        super::ways(wanted).map(Iterator::collect)
    }

    fn listed(line: &str) -> Capabilities {
        let mut capabilities = Capabilities::default();
        line.split('|').for_each(|line| capabilities.push(line.as_bytes()).unwrap());
        capabilities
    }

    fn plain() -> Credentials {
        Credentials::new(b"tim", b"tanstaaf").unwrap()
    }

    fn wanted<'a>(credentials: &'a Credentials, offer: Offer<'a>) -> Wanted<'a> {
        Wanted { credentials, named: None, offer, encrypted: true, clear_password: true }
    }

    #[test]
    fn every_mechanism_that_is_listed_in_its_order() {
        let tim = plain();
        for (line, encrypted, clear) in [
            ("SASL LOGIN PLAIN|USER", &[Plain, Login, UserPass][..], &[Plain, Login, UserPass][..]),
            ("SASL PLAIN", &[Plain], &[Plain]),
            ("USER|SASL SCRAM-SHA-256", &[ScramSha256, UserPass], &[ScramSha256, UserPass]),
            (
                "SASL PLAIN cram-md5 scram-sha-1 SCRAM-SHA-256",
                &[Plain, ScramSha256, ScramSha1, CramMd5],
                &[ScramSha256, ScramSha1, CramMd5, Plain],
            ),
            ("SASL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS|USER", &[ScramSha256Plus, ScramSha1Plus, UserPass], &[UserPass]),
            // nothing is said of how to log in
            ("TOP|PIPELINING", &[UserPass], &[UserPass]),
            ("SASL", &[UserPass], &[UserPass]),
            // something is, but nothing that we know
            ("SASL X-ZIMBRA GSSAPI EXTERNAL XOAUTH2", &[], &[]),
        ] {
            let list = listed(line);
            for (is_encrypted, expected) in [(true, encrypted), (false, clear)] {
                let wanted = Wanted { encrypted: is_encrypted, ..wanted(&tim, Offer::List(&list)) };
                match ways(&wanted) {
                    Ok(ways) => assert_eq!(ways, expected, "{line} {is_encrypted}"),
                    Err(error) => assert_eq!((error.kind(), expected.len()), (Kind::Unsupported, 0), "{line}"),
                }
            }
        }
        for offer in [Offer::NoList, Offer::NotAsked] {
            assert_eq!(ways(&wanted(&tim, offer)).unwrap(), [UserPass]);
        }
    }

    #[test]
    fn why_there_is_no_way() {
        let list = listed("SASL X-ELSE");
        let tim = plain();
        let nothing = wanted(&tim, Offer::List(&list));
        let text = |wanted: &Wanted<'_>| ways(wanted).unwrap_err().to_string();
        assert_eq!(text(&nothing), "the server offers no mechanism that can be used with these options");
        let named = Wanted { named: Some(CramMd5), ..wanted(&tim, Offer::List(&list)) };
        assert_eq!(text(&named), "CRAM-MD5 cannot be used: the server does not offer it");
        let tim = plain().with_token(b"token").unwrap();
        assert_eq!(text(&wanted(&tim, Offer::List(&list))), "the server offers no mechanism for a token");
    }

    #[test]
    fn which_are_bound_to_the_channel() {
        let bound = Mechanism::ALL.into_iter().filter(|mechanism| mechanism.is_bound());
        assert!(bound.eq([ScramSha1Plus, ScramSha256Plus]));
    }

    #[test]
    fn with_a_token_never_a_password() {
        let tim = plain().with_token(b"token").unwrap();
        let both = listed("USER|SASL PLAIN OAUTHBEARER XOAUTH2");
        assert_eq!(ways(&wanted(&tim, Offer::List(&both))).unwrap(), [XOAuth2, OAuthBearer]);
        let one = listed("USER|SASL PLAIN OAUTHBEARER");
        assert_eq!(ways(&wanted(&tim, Offer::List(&one))).unwrap(), [OAuthBearer]);
        let none = listed("USER|SASL PLAIN");
        for offer in [Offer::List(&none), Offer::NoList] {
            assert_eq!(ways(&wanted(&tim, offer)).unwrap_err().kind(), Kind::Unsupported);
        }
        assert_eq!(ways(&wanted(&tim, Offer::NotAsked)).unwrap(), [XOAuth2, OAuthBearer]);
    }

    #[test]
    fn with_an_authorization_identity_only_what_carries_it() {
        let tim = plain().with_authzid(b"boss").unwrap();
        let all = listed("USER|SASL LOGIN CRAM-MD5 PLAIN SCRAM-SHA-1");
        fn clear<'a>(credentials: &'a Credentials, offer: Offer<'a>) -> Wanted<'a> {
            Wanted { encrypted: false, ..wanted(credentials, offer) }
        }
        assert_eq!(ways(&clear(&tim, Offer::List(&all))).unwrap(), [ScramSha1, Plain]);
        let none = listed("USER|SASL LOGIN CRAM-MD5");
        for offer in [Offer::List(&none), Offer::NoList, Offer::NotAsked] {
            assert_eq!(ways(&clear(&tim, offer)).unwrap_err().kind(), Kind::Unsupported);
        }
        for mechanism in Mechanism::ALL {
            let list = listed(&format!("USER|SASL {}", mechanism.name()));
            let named = Wanted { named: Some(mechanism), ..clear(&tim, Offer::List(&list)) };
            let cannot = [UserPass, Apop, Login, CramMd5, XOAuth2].contains(&mechanism);
            assert_eq!(ways(&named).is_err(), cannot, "{mechanism:?}");
        }
    }

    #[test]
    fn no_password_in_the_clear_if_the_host_forbids_it() {
        let tim = plain();
        let all = listed("USER|SASL PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256");
        fn forbidden<'a>(credentials: &'a Credentials, offer: Offer<'a>) -> Wanted<'a> {
            Wanted { encrypted: false, clear_password: false, ..wanted(credentials, offer) }
        }
        assert_eq!(ways(&forbidden(&tim, Offer::List(&all))).unwrap(), [ScramSha256, CramMd5]);
        assert_eq!(ways(&forbidden(&tim, Offer::NoList)).unwrap_err().kind(), Kind::Unsupported);
        assert!(ways(&Wanted { encrypted: true, ..forbidden(&tim, Offer::NoList) }).is_ok());
        for mechanism in Mechanism::ALL {
            let list = listed(&format!("USER|SASL {}", mechanism.name()));
            let named = Wanted { named: Some(mechanism), ..forbidden(&tim, Offer::List(&list)) };
            let tells = [UserPass, Plain, Login, XOAuth2, OAuthBearer].contains(&mechanism);
            assert_eq!(ways(&named).is_err(), tells, "{mechanism:?}");
        }
    }

    #[test]
    fn a_mechanism_that_is_named_must_be_listed_where_there_is_a_list() {
        let tim = plain();
        for mechanism in Mechanism::ALL {
            let needs_list = !matches!(mechanism, UserPass | Apop);
            let (with, without) = (listed(&format!("SASL {}", mechanism.name())), listed("SASL X"));
            for (offer, ok) in [
                (Offer::List(&with), true),
                (Offer::List(&without), !needs_list),
                (Offer::NoList, !needs_list),
                (Offer::NotAsked, true),
            ] {
                let ways = ways(&Wanted { named: Some(mechanism), ..wanted(&tim, offer) });
                assert_eq!(
                    ways.map_err(|error| error.kind()),
                    if ok { Ok(vec![mechanism]) } else { Err(Kind::Unsupported) }
                );
            }
        }
    }

    #[test]
    fn by_name() {
        for mechanism in Mechanism::ALL {
            assert_eq!(Mechanism::named(mechanism.name()).unwrap(), mechanism);
            assert_eq!(Mechanism::named(&mechanism.name().to_lowercase()).unwrap(), mechanism);
        }
        for unknown in ["", "auto", "NTLM", "SCRAM", "PLAIN "] {
            let error = Mechanism::named(unknown).unwrap_err();
            assert_eq!(error.kind(), Kind::Parameter);
            // and says which there are
            assert!(Mechanism::ALL.iter().all(|mechanism| error.to_string().contains(mechanism.name())), "{error}");
        }
    }
}

//! Which certificates there are, of servers and of clients.

use std::path::{Path, PathBuf};

use crate::Result;

/// A certificate, by what is right or wrong with it.
#[derive(Debug, PartialEq)]
pub struct Leaf {
    pub name: &'static str,
    pub common_name: &'static str,
    pub dns: &'static [&'static str],
    pub ip: &'static [&'static str],
    pub bulk: Bulk,
    pub purpose: Purpose,
    /// From and until when it is valid, in days from now.
    pub valid: (i64, i64),
    pub issuer: Issuer,
    pub strength: Strength,
}

/// Further names, as large as a client takes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bulk {
    None,
    /// That many short ones: "n0", "n1" and so on.
    Names(usize),
    /// One of that many octets.
    LongName(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Issuer {
    Root,
    /// An intermediate of the root, which the server sends along or forgets.
    Intermediate {
        sent: bool,
    },
    /// A root that no client trusts.
    OtherRoot,
    Itself,
    /// An intermediate that may certify names under `inside.test` alone; sent along, as those that follow.
    Constrained,
    /// An intermediate that does not say that it is an authority.
    WithoutBasicConstraints,
    /// A server certificate, whose key somebody uses as if it were an authority's.
    Leaf,
}

/// How hard it is to forge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strength {
    /// An elliptic curve and SHA-256.
    Strong,
    Sha384,
    /// RSA of 2048 bits.
    Rsa,
    /// RSA of 768 bits.
    SmallKey,
    Sha1,
}

/// Backdated, for clocks that differ; beyond every test run.
pub const LONG: (i64, i64) = (-1, 3650);

const GOOD: Leaf = Leaf {
    name: "good",
    common_name: "localhost",
    dns: &["localhost", "mail.test"],
    ip: &["127.0.0.1", "::1"],
    bulk: Bulk::None,
    purpose: Purpose::Server,
    valid: LONG,
    issuer: Issuer::Root,
    strength: Strength::Strong,
};

/// Of the account's user. RSA is what every TLS library takes of a client.
const CLIENT: Leaf = Leaf {
    name: "client-alice",
    common_name: "alice",
    dns: &[],
    ip: &[],
    purpose: Purpose::Client,
    strength: Strength::Rsa,
    ..GOOD
};

/// Without names.
const SELF_MADE: Leaf =
    Leaf { name: "self-made", common_name: "appliance", dns: &[], ip: &[], issuer: Issuer::Itself, ..GOOD };

pub static LEAVES: &[Leaf] = &[
    GOOD,
    Leaf { name: "chain", issuer: Issuer::Intermediate { sent: true }, ..GOOD },
    Leaf { name: "incomplete-chain", issuer: Issuer::Intermediate { sent: false }, ..GOOD },
    Leaf { name: "expired", valid: (-30, -1), ..GOOD },
    Leaf { name: "not-yet-valid", valid: (30, 3650), ..GOOD },
    Leaf { name: "wrong-name", common_name: "other.test", dns: &["other.test"], ip: &[], ..GOOD },
    Leaf { name: "cn-only", dns: &[], ip: &[], ..GOOD },
    Leaf { name: "untrusted", issuer: Issuer::OtherRoot, ..GOOD },
    Leaf { name: "self-signed", issuer: Issuer::Itself, ..GOOD },
    Leaf {
        name: "ip-san",
        common_name: "ip-san", // not localhost: without a DNS name clients fall back on this
        dns: &[],
        ..GOOD
    },
    Leaf { name: "dns-san", dns: &["localhost"], ip: &[], ..GOOD },
    Leaf { name: "wildcard", common_name: "*.mail.test", dns: &["*.mail.test"], ip: &[], ..GOOD },
    // Of the servers that samples in the documents name.
    Leaf {
        name: "documents",
        common_name: "pop.example.com",
        dns: &["pop.example.com", "outlook.office365.com"],
        ip: &[],
        ..GOOD
    },
    Leaf { name: "sha-384", strength: Strength::Sha384, ..GOOD },
    // None of these is a wildcard that counts (RFC 6125, section 6.4.3).
    Leaf {
        name: "bad-wildcards",
        common_name: "bad-wildcards",
        dns: &[
            "*",
            "*.",
            "*.test",
            "p*.mail.test",
            "*p.mail.test",
            "p*p.mail.test",
            "pop.*.test",
            "*.*.test",
            ".mail.test",
        ],
        ip: &[],
        ..GOOD
    },
    // Addresses count where they are of type iPAddress.
    Leaf { name: "ip-as-dns", common_name: "127.0.0.1", dns: &["127.0.0.1", "*.0.0.1"], ip: &[], ..GOOD },
    Leaf { name: "nul", common_name: "nul", dns: &["localhost\0.other.test", "mail.test\0"], ip: &[], ..GOOD },
    Leaf { name: "small-key", strength: Strength::SmallKey, ..GOOD },
    Leaf { name: "sha1", strength: Strength::Sha1, ..GOOD },
    Leaf {
        name: "inside-constraints",
        common_name: "inside-constraints",
        dns: &["pop.inside.test"],
        ip: &[],
        issuer: Issuer::Constrained,
        ..GOOD
    },
    Leaf { name: "outside-constraints", ip: &[], issuer: Issuer::Constrained, ..GOOD },
    Leaf { name: "no-basic-constraints", issuer: Issuer::WithoutBasicConstraints, ..GOOD },
    Leaf { name: "issued-by-leaf", issuer: Issuer::Leaf, ..GOOD },
    // Large ones. OpenSSL takes no chain of more than 100 KiB.
    Leaf { name: "many-names", bulk: Bulk::Names(10_000), ..GOOD },
    Leaf { name: "long-name", bulk: Bulk::LongName(80_000), ..GOOD },
    // It expires a day after the tests begin.
    Leaf { name: "short-lived", valid: (-1, 1), ..GOOD },
    // Made by hand for a machine, and another with the same name but another key.
    SELF_MADE,
    Leaf { name: "self-made-twin", ..SELF_MADE },
    Leaf { name: "self-made-expired", valid: (-30, -1), ..SELF_MADE },
    Leaf { name: "self-made-for-other", dns: &["other.test"], ..SELF_MADE },
    Leaf { name: "client-purpose", purpose: Purpose::Client, ..GOOD },
    Leaf { name: "client-rsa", purpose: Purpose::Client, strength: Strength::Rsa, ..GOOD },
    CLIENT,
    Leaf { name: "client-nobody", common_name: "nobody", ..CLIENT },
    Leaf { name: "client-expired", valid: (-30, -1), ..CLIENT },
    Leaf { name: "client-untrusted", issuer: Issuer::OtherRoot, ..CLIENT },
    Leaf { name: "other-client", common_name: "other client", purpose: Purpose::Client, ..GOOD },
];

impl Leaf {
    pub fn named(name: &str) -> Result<&'static Self> {
        LEAVES.iter().find(|leaf| leaf.name == name).ok_or_else(|| format!("{name}: no such certificate"))
    }

    /// The certificate, followed by the intermediate if that is to be sent.
    pub fn chain_file(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{}.pem", self.name))
    }

    pub fn key_file(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{}.key", self.name))
    }

    /// What pins it.
    pub fn fingerprint_file(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{}.sha256", self.name))
    }
}

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
    pub purpose: Purpose,
    /// From and until when it is valid, in days from now.
    pub valid: (i64, i64),
    pub issuer: Issuer,
    /// Of the signature.
    pub digest: Digest,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purpose {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Digest {
    Sha256,
    Sha384,
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
}

/// Backdated, for clocks that differ; beyond every test run.
pub const LONG: (i64, i64) = (-1, 3650);

const GOOD: Leaf = Leaf {
    name: "good",
    common_name: "localhost",
    dns: &["localhost", "mail.test"],
    ip: &["127.0.0.1", "::1"],
    purpose: Purpose::Server,
    valid: LONG,
    issuer: Issuer::Root,
    digest: Digest::Sha256,
};

/// Of the account's user.
const CLIENT: Leaf =
    Leaf { name: "client-alice", common_name: "alice", dns: &[], ip: &[], purpose: Purpose::Client, ..GOOD };

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
    Leaf { name: "sha-384", digest: Digest::Sha384, ..GOOD },
    Leaf { name: "client-purpose", purpose: Purpose::Client, ..GOOD },
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
}

//! What stands in for Apple's frameworks in the tests: it does as it is told, and notes what was called.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::calls::{Calls, Imported, Policy, Status, Step};
use super::link::Link;
use crate::net::tls::Version;

/// Apple's frameworks, as a test wants them to behave. All copies are the same one.
#[derive(Clone)]
pub struct StandIn(Arc<Mutex<Script>>);

/// What it does, and what was done with it.
pub struct Script {
    /// What was called, in order, with what is of interest.
    pub log: Vec<String>,
    /// What fails: calls by their names in the log.
    pub failing: Vec<(&'static str, i32)>,
    /// How a handshake goes on.
    pub steps: VecDeque<Next>,
    /// What each call to read does.
    pub reads: VecDeque<Reading>,
    /// What the server has shown, its own certificate first; nothing where there are none.
    pub chain: Vec<Vec<u8>>,
    /// What is not accepted by which rules.
    pub refused: Vec<(Policy, i32)>,
    /// What a file in PKCS #12 has in it.
    pub pkcs12: Vec<Entry>,
    /// The last file in PKCS #12, and what opens it.
    pub imported: Option<(Vec<u8>, String)>,
    /// Where a keychain was to be made.
    pub keychain_folder: Option<PathBuf>,
    pub version: Option<Version>,
    pub suites: Vec<u16>,
}

/// An identity and its chain, in DER.
type Entry = (Option<Vec<u8>>, Vec<Vec<u8>>);

/// How a handshake goes on.
pub enum Next {
    /// The server shows its certificate.
    Certificate,
    /// It is over.
    Done,
    /// It fails.
    Fail(i32),
    /// Something is read from the connection below, then it goes on.
    Receive,
}

/// What a call to read does.
pub enum Reading {
    Data(&'static [u8]),
    /// The end, announced.
    End,
    Fail(i32),
    /// Reads from the connection below.
    Below,
    /// Reads from the connection below, and has something from before as well.
    BelowWithRest(&'static [u8]),
    /// What the crate remembers of an error that was met before.
    Stale,
}

impl Default for StandIn {
    /// All goes well with one certificate.
    fn default() -> StandIn {
        StandIn(Arc::new(Mutex::new(Script {
            log: Vec::new(),
            failing: Vec::new(),
            steps: [Next::Certificate, Next::Done].into(),
            reads: VecDeque::new(),
            chain: Vec::new(),
            refused: Vec::new(),
            pkcs12: Vec::new(),
            imported: None,
            keychain_folder: None,
            version: Some(Version::Tls12),
            suites: vec![0xc030, 0x0005, 0x000a],
        })))
    }
}

impl StandIn {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    /// What was called so far.
    pub fn log(&self) -> Vec<String> {
        self.script().log.clone()
    }

    /// Notes a call; fails where it is to.
    fn call(&self, name: &'static str, what: impl std::fmt::Display) -> Result<(), Status> {
        let mut script = self.script();
        script.log.push(format!("{name} {what}").trim_end().to_owned());
        let failing = script.failing.iter().find(|(failing, _)| *failing == name);
        failing.map_or(Ok(()), |(_, number)| Err(Status(*number)))
    }

    fn step(&self, mut connection: Link) -> Step<Link> {
        loop {
            let next = self.script().steps.pop_front().expect("the script goes on");
            match next {
                Next::Certificate => return Step::CertificateShown(connection),
                Next::Done => return Step::Done(connection),
                Next::Fail(number) => return Step::Failed(Status(number)),
                Next::Receive => match connection.read(&mut [0; 5]) {
                    Ok(0) => return Step::Failed(Status(-9816)),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.script().steps.push_front(Next::Receive);
                        return Step::Waits(connection);
                    }
                    Err(error) => return Step::Failed(translated(&error)),
                },
            }
        }
    }
}

/// As the crate does.
fn translated(error: &io::Error) -> Status {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected => Status(-9803),
        io::ErrorKind::NotFound => Status(-9805),
        io::ErrorKind::ConnectionReset => Status(-9806),
        _ => Status(-36),
    }
}

impl Calls for StandIn {
    type Certificate = Vec<u8>;
    type Identity = Vec<u8>;
    type Keychain = PathBuf;
    type Trust = Option<Policy>;
    type Setup = ();
    type Connection = Link;

    fn certificate(&self, der: &[u8]) -> Result<Vec<u8>, Status> {
        self.call("certificate", "")?;
        Ok(der.to_vec())
    }

    fn der(&self, certificate: &Vec<u8>) -> Vec<u8> {
        certificate.clone()
    }

    fn create_keychain(&self, path: &Path, password: &str) -> Result<PathBuf, Status> {
        assert!(password.len() >= 32 && path.parent().unwrap().is_dir());
        // it may leave a file even where it fails
        fs::write(path, "").unwrap();
        self.script().keychain_folder = path.parent().map(Path::to_owned);
        self.call("create keychain", "")?;
        Ok(path.to_owned())
    }

    fn keep_unlocked(&self, _keychain: &mut PathBuf) -> Result<(), Status> {
        self.call("keep unlocked", "")
    }

    fn delete_keychain(&self, keychain: &PathBuf) -> Result<(), Status> {
        assert!(keychain.exists(), "the folder is there for as long as the keychain is");
        self.call("delete keychain", "")
    }

    fn import_pkcs12(&self, keychain: &PathBuf, file: &[u8], password: &str) -> Result<Vec<Imported<StandIn>>, Status> {
        assert!(keychain.exists());
        self.script().imported = Some((file.to_vec(), password.to_owned()));
        self.call("import PKCS #12", format_args!("{} by {password}", String::from_utf8_lossy(file)))?;
        let all = self.script().pkcs12.clone();
        Ok(all.into_iter().map(|(identity, chain)| Imported { identity, chain }).collect())
    }

    fn certificate_of(&self, identity: &Vec<u8>) -> Result<Vec<u8>, Status> {
        self.call("certificate of", "")?;
        Ok(identity.clone())
    }

    fn setup(&self) -> Result<(), Status> {
        self.call("setup", "")
    }

    fn stop_at_certificate(&self, _setup: &mut ()) -> Result<(), Status> {
        self.call("stop at certificate", "")
    }

    fn set_versions(&self, _setup: &mut (), oldest: Version, newest: Version) -> Result<(), Status> {
        self.call("versions", format_args!("{oldest:?} {newest:?}"))
    }

    fn suites(&self, _setup: &()) -> Result<Vec<u16>, Status> {
        self.call("enabled suites", "")?;
        Ok(self.script().suites.clone())
    }

    fn set_suites(&self, _setup: &mut (), suites: &[u16]) -> Result<(), Status> {
        self.call("suites", format_args!("{suites:x?}"))
    }

    fn set_name(&self, _setup: &mut (), name: &str) -> Result<(), Status> {
        self.call("name", name)
    }

    fn set_peer_id(&self, _setup: &mut (), id: &[u8]) -> Result<(), Status> {
        self.call("peer id", format_args!("{id:x?}"))
    }

    fn enable_tickets(&self, _setup: &mut ()) -> Result<(), Status> {
        self.call("tickets", "")
    }

    fn set_certificate(&self, _setup: &mut (), identity: &Vec<u8>, issuers: &[Vec<u8>]) -> Result<(), Status> {
        self.call("client certificate", format_args!("{identity:?} {issuers:?}"))
    }

    fn begin(&self, _setup: (), mut link: Link) -> Step<Link> {
        if let Err(status) = self.call("begin", "") {
            return Step::Failed(status);
        }
        match link.write_all(b"hello") {
            Ok(()) => self.step(link),
            Err(error) => Step::Failed(translated(&error)),
        }
    }

    fn go_on(&self, connection: Link) -> Step<Link> {
        match self.call("go on", "") {
            Ok(()) => self.step(connection),
            Err(status) => Step::Failed(status),
        }
    }

    fn link<'a>(&self, connection: &'a Link) -> &'a Link {
        connection
    }

    fn link_mut<'a>(&self, connection: &'a mut Link) -> &'a mut Link {
        connection
    }

    fn version(&self, _connection: &Link) -> Option<Version> {
        self.script().version
    }

    fn suite(&self, _connection: &Link) -> Result<u16, Status> {
        self.call("suite", "")?;
        Ok(0xc030)
    }

    fn read(&self, connection: &mut Link, buffer: &mut [u8]) -> Result<usize, Status> {
        let reading = self.script().reads.pop_front().expect("the script goes on");
        let mut give = |data: &[u8]| {
            buffer[..data.len()].copy_from_slice(data);
            Ok(data.len())
        };
        match reading {
            Reading::Data(data) => give(data),
            Reading::End => Ok(0),
            Reading::Fail(number) => Err(Status(number)),
            Reading::Stale => Err(Status(-9803)),
            Reading::BelowWithRest(data) => {
                let _ = connection.read(&mut [0; 5]);
                give(data)
            }
            Reading::Below => match connection.read(buffer) {
                Ok(count) => Ok(count),
                // the crate takes this kind for an end
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(0),
                Err(error) => Err(translated(&error)),
            },
        }
    }

    fn write(&self, connection: &mut Link, bytes: &[u8]) -> Result<usize, Status> {
        self.call("write", String::from_utf8_lossy(bytes))?;
        connection.write(bytes).map_err(|error| translated(&error))
    }

    fn close(&self, _connection: &mut Link) -> Result<(), Status> {
        self.call("close", "")
    }

    fn trust(&self, _connection: &Link) -> Result<Option<Option<Policy>>, Status> {
        self.call("trust", "")?;
        let has_any = !self.script().chain.is_empty();
        Ok(has_any.then_some(None))
    }

    fn forbid_network(&self, _trust: &mut Option<Policy>) -> Result<(), Status> {
        self.call("forbid network", "")
    }

    fn set_policy(&self, trust: &mut Option<Policy>, policy: Policy) -> Result<(), Status> {
        *trust = Some(policy);
        self.call("policy", format_args!("{policy:?}"))
    }

    fn set_anchors(&self, _trust: &mut Option<Policy>, anchors: &[Vec<u8>]) -> Result<(), Status> {
        self.call("anchors", anchors.len())
    }

    fn evaluate(&self, trust: &Option<Policy>) -> Result<(), Status> {
        self.call("evaluate", "")?;
        let policy = trust.expect("a policy is set before");
        let refused = self.script().refused.iter().find(|(by, _)| *by == policy).copied();
        refused.map_or(Ok(()), |(_, number)| Err(Status(number)))
    }

    fn chain(&self, trust: &Option<Policy>) -> Vec<Vec<u8>> {
        assert!(trust.is_some(), "a policy is set before");
        let _ = self.call("chain", "");
        self.script().chain.clone()
    }
}

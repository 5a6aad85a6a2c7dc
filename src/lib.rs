//! POP3 client library: sessions in the clear, with implicit TLS, and with STARTTLS.
//!
//! A session is a [`Client`](session::Client), opened by [`Options`](options::Options); [`blocking`](drive::blocking) runs
//! its calls, each of which waits in the calling thread. A [`Trace`](session::trace::Trace) shows what is said, line by
//! line, without secrets:
//!
//! ```no_run
//! use pop3connect::drive::blocking::{open, run};
//! use pop3connect::net::{address::Server, progress::Progress};
//! use pop3connect::options::{Options, Secure};
//! use pop3connect::proto::auth::Credentials;
//! use pop3connect::session::trace::Trace;
//!
//! # fn main() -> pop3connect::error::Result<()> {
//! let server = Server::parse(b"pop.example.net", Secure::Tls.default_port())?;
//! let options = Options::new(server, Secure::Tls, Credentials::new(b"alice", b"s3cret pass")?);
//! let mut print = |line: &str| println!("{line}");
//! let trace = &mut Trace::new(Some(&mut print));
//! let mut session = open(&options, Progress::default, trace)?;
//! for (number, octets) in run(session.list(None, trace))? {
//!     let mut message = Vec::with_capacity(octets.clamp(0, 1 << 20) as usize);
//!     run(session.retrieve(number, |piece| { message.extend_from_slice(piece); Ok(()) }, trace))?;
//! }
//! run(session.quit(trace))
//! # }
//! ```
//!
//! After an error for which [`Error::ends_session`](error::Error::ends_session) holds, a session is to be dropped.
//!
//! # The feature `capi`
//!
//! It is on by default, and makes the C library of this crate: the functions of `include/pop3connect.h`, the `POP3Connect`
//! of Omnis and its family, and an allocator for all of the library. A Rust program leaves it out, and so keeps its own
//! allocator, exports no C symbol and gets no argument for the linker:
//!
//! ```toml
//! pop3connect = { version = "1", default-features = false }
//! ```
//!
//! Secrets are wiped by this crate either way. The C library's allocator also wipes the copies that other crates make of
//! them, and has memory set aside for when the system has none; and only the C library registers handlers for `fork`.
//!
//! Only the C interface is stable yet: what is below may change with each version.
//!
//! # The modules
//!
//! Which names which others is a table of `docs/architecture.md`:
//!
//! - `capi`: the C functions, the handle table, the result codes, and nearly all unsafe code;
//! - [`drive`]: sessions that block: a transport for `session` made of `net`;
//! - [`session`]: a session, which drives `proto`: log-in, commands, messages, status lines;
//! - [`book`]: what was collected of a mailbox, beyond a session;
//! - [`options`]: what a connection is to be;
//! - [`proto`]: the protocol, pure: commands, replies, framing, log-in;
//! - `mail`: taking a message apart, by the feature `mime`, on by default;
//! - [`crypto`]: digests and chance, for the log-in;
//! - [`net`]: addresses, sockets with deadlines, TLS;
//! - [`secret`]: copies of what may be secret, and long;
//! - [`text`]: text fit to be shown, without secrets;
//! - [`shortage`]: whether memory has run out;
//! - [`fork`]: that a process may fork;
//! - [`error`]: what can go wrong.

#[cfg(not(any(unix, windows)))]
compile_error!("pop3connect is for Unix and Windows: other systems have no sockets in src/net");

pub mod book;
#[cfg(feature = "capi")]
pub mod capi;
pub mod crypto;
pub mod drive;
pub mod error;
pub mod fork;
#[cfg(feature = "mime")]
pub mod mail;
pub mod net;
pub mod options;
pub mod proto;
pub mod secret;
pub mod session;
pub mod shortage;
pub mod text;

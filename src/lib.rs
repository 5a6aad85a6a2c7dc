//! POP3 client library with a C ABI: Omnis' `POP3Connect` and its family.
//!
//! The contract is `include/pop3connect.h`, written from [`capi`]. The Rust modules below it are public so that tests
//! and fuzzers can drive them one by one; only the C interface is stable.
//!
//! From the outside in, each depending on those below it alone:
//!
//! - [`capi`]: the C functions, the handle table, the result codes, and all unsafe code;
//! - [`session`]: a session, which drives `proto` over `net`: connecting, commands, messages, status lines;
//! - [`options`]: what a connection is to be;
//! - [`proto`]: the protocol, pure: commands, replies, framing, log-in;
//! - [`crypto`]: digests and chance, for the log-in;
//! - [`net`]: addresses, sockets with deadlines, TLS;
//! - [`text`]: text fit to be shown, without secrets;
//! - [`shortage`]: whether memory has run out;
//! - [`fork`]: that a process may fork;
//! - [`error`]: what can go wrong.

pub mod capi;
pub mod crypto;
pub mod error;
pub mod fork;
pub mod net;
pub mod options;
pub mod proto;
pub mod session;
pub mod shortage;
pub mod text;

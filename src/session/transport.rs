//! What a session needs of the world: a connection, time, and somebody to tell how it goes on.
//!
//! The session itself has no socket, no clock and no thread. Whoever drives it chooses: one transport blocks until it has
//! an answer or its time is over ([`crate::drive::blocking`]), another is a script in memory (`drive::script`, for tests).

// each driver polls its own sessions on its own thread, so nobody needs to know whether these futures are Send
#![allow(async_fn_in_trait)]

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::crypto::{Bytes, Derivation};
use crate::error::Result;
use crate::session::trace::Trace;
use crate::text::Secrets;

/// Makes connections to one server.
pub trait Connector {
    /// What it makes.
    type Transport: Transport;

    /// Gets ready what every connection needs, as trust anchors: before the first packet, since what cannot be had must
    /// not cost a connection. The time of the call begins where this is called first.
    async fn prepare(&mut self) -> Result<()>;

    /// All that decides who is spoken to and who is trusted, beside the server's name and port: what is learnt of a server
    /// is believed only where this is the same.
    fn identity(&self) -> Result<String>;

    /// Adds what no status line may show of what is said on the way to the server, as to a proxy.
    fn add_secrets(&self, secrets: &mut Secrets) -> Result<()>;

    /// Connects, with implicit TLS where that is wanted; then an earlier TLS session is offered to be resumed.
    async fn connect(&mut self, earlier: Option<&TlsSession>, trace: &mut Trace<'_>) -> Result<Self::Transport>;

    /// The TLS handshake after STLS. That something has come which nobody has read is an error.
    async fn start_tls(
        &mut self,
        transport: Self::Transport,
        earlier: Option<&TlsSession>,
        trace: &mut Trace<'_>,
    ) -> Result<Self::Transport>;

    /// Whether the time of the call is over.
    fn is_over(&self) -> bool;

    /// Waits for so long before it is connected once more; an error past the time of the call, or where the host wants no
    /// more.
    async fn pause(&mut self, time: Duration) -> Result<()>;

    /// The time, for what is remembered of servers.
    fn now(&self) -> Instant;
}

/// A connection, in the clear or encrypted, whose waits end by a deadline and when the host cancels them.
pub trait Transport {
    /// A call begins, which may take so long in all; the progress callback is called.
    fn begin_call(&mut self, limit: Option<Duration>) -> Result<()>;

    /// The time, for what is remembered of servers.
    fn now(&self) -> Instant;

    /// From now on what is waited for may take so long.
    fn begin_wait(&mut self, timeout: Duration);

    /// Calls the host, whose time counts for no wait.
    fn in_host<R>(&mut self, work: impl FnOnce() -> R) -> R;

    /// Whether whoever works instead of waiting may go on: an error past the deadline, or where the host wants no more.
    fn check(&mut self) -> Result<()>;

    /// Derives a key, which may be much work: it ends where [`Transport::check`] would say so.
    async fn derive(&mut self, derivation: Derivation) -> Result<Bytes>;

    /// Whether the host has cancelled it from another thread.
    fn is_cancelled(&self) -> bool;

    /// Reads at least one byte; that the server has closed the connection is an error.
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// Reads what is there without waiting for more: `None` where nothing is, 0 where the server has closed the connection.
    fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>>;

    /// The same where it is enough to know what had come a moment ago, when all was read last.
    fn read_rest(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.read_at_once(buffer)
    }

    /// Whether there is something to read within that time.
    async fn wait_readable(&mut self, time: Duration) -> Result<bool>;

    /// Writes all.
    async fn write_all(&mut self, bytes: &[u8]) -> Result<()>;

    /// Ends the connection politely.
    async fn close(self);

    /// How far a call has come, for the progress callback that is called during waits: so many bytes done, of so many.
    fn set_progress(&mut self, done: u64, total: Option<u64>);

    /// Calls the progress callback now; that the host wants no more is an error.
    fn report_progress(&mut self) -> Result<()>;

    /// Whether nobody on the way can read along.
    fn is_encrypted(&self) -> bool;

    /// What tells this TLS channel from any other (channel binding, RFC 5056): each type that it has and its data, the
    /// best first.
    fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>>;

    /// The TLS session, to be resumed by a later connection.
    fn tls_session(&self) -> Option<TlsSession>;
}

/// A TLS session that is kept for a later connection.
pub type TlsSession = Arc<dyn KeptSession>;

/// What the server cache asks of a TLS session, whose insides are its transport's.
pub trait KeptSession: Send + Sync {
    /// How many bytes it has in DER, or in whatever form it would be stored.
    fn size(&self) -> usize;
    /// About how many bytes of memory it takes.
    fn memory(&self) -> usize;
    /// The same, taking less memory, if it can be had so.
    fn smaller(&self) -> Option<TlsSession>;
    /// Whether there is one that takes less memory.
    fn has_smaller(&self) -> bool;
    /// Whether it is too old to be resumed.
    fn is_over(&self) -> bool;
    /// For the transport that made it.
    fn as_any(&self) -> &dyn Any;
}

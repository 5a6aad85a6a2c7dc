//! A connection, in the clear or encrypted.

use std::io::{self, Read, Write};

use crate::error::{Error, Result};
use crate::net::Deadline;
use crate::net::progress::Progress;
use crate::net::tcp::{self, Canceller, Manner, Tcp};
use crate::net::tls::{Session, Tls, TlsInfo};

/// A connection, in the clear or encrypted.
pub enum Stream {
    /// In the clear.
    Plain(Tcp),
    /// Encrypted.
    Tls(Box<Tls>),
}

impl Stream {
    /// Until when the next reads and writes may wait.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.tcp_mut().set_deadline(deadline);
    }

    /// The progress callback, which is called during waits.
    pub fn progress(&mut self) -> &mut Progress {
        self.tcp_mut().progress()
    }

    /// What cancels it.
    pub fn canceller(&self) -> Canceller {
        self.tcp().canceller()
    }

    /// Whether somebody has cancelled it.
    pub fn is_cancelled(&self) -> bool {
        self.tcp().is_cancelled()
    }

    /// Whether whoever works instead of waiting may go on.
    pub fn check(&mut self) -> Result<()> {
        self.tcp_mut().check().map_err(tcp::into_error)
    }

    /// Reads at least one byte.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = match self {
            Stream::Plain(tcp) => tcp.read(buffer).map_err(tcp::into_error)?,
            Stream::Tls(tls) => tls.read(buffer)?,
        };
        match count {
            0 => Err(Error::closed()),
            count => Ok(count),
        }
    }

    /// Reads what is there without waiting for more: `None` where nothing is, 0 where the server has closed the connection.
    pub fn read_at_once(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        self.in_manner(Manner::AtOnce, |stream| stream.read_there(buffer))
    }

    /// The same in that turn of a loop, which comes back when there is more to read.
    pub fn read_in_turn(&mut self, buffer: &mut [u8], turn: u64) -> Result<Option<usize>> {
        self.in_manner(Manner::InTurn(turn), |stream| stream.read_there(buffer))
    }

    fn read_there(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match self {
            Stream::Plain(tcp) => match tcp.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                read => read.map(Some).map_err(tcp::into_error),
            },
            Stream::Tls(tls) => tls.read_at_once(buffer),
        }
    }

    /// Whether there is something to read before that time.
    pub fn wait_readable(&mut self, until: Deadline) -> Result<bool> {
        self.tcp_mut().wait_readable(until).map_err(tcp::into_error)
    }

    /// Whether something has come that nobody has read, as the end.
    pub fn has_unread(&self) -> bool {
        self.tcp().has_unread()
    }

    /// That there is something to read, the end included; `None` where there is not.
    pub fn is_readable(&mut self) -> Result<Option<()>> {
        match self.tcp_mut().peek_at_once(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            peeked => peeked.map(|_| Some(())).map_err(tcp::into_error),
        }
    }

    /// Writes all, waiting for room.
    pub fn write_all(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            // `None` is for connections that do not wait
            let count = self.write(bytes)?.unwrap_or(0);
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Writes what there is room for without waiting, at least one byte; `None` where there is none.
    pub fn write_at_once(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        self.in_manner(Manner::AtOnce, |stream| stream.write(bytes))
    }

    /// Writes without waiting what TLS keeps of what was written before; whether that was all.
    pub fn flush_at_once(&mut self) -> Result<bool> {
        self.in_manner(Manner::AtOnce, |stream| match stream {
            Stream::Plain(_) => Ok(true),
            Stream::Tls(tls) => tls.flush(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let written = match self {
            Stream::Plain(tcp) => match tcp.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                written => written.map(Some).map_err(tcp::into_error),
            },
            Stream::Tls(tls) => tls.write(bytes),
        };
        if let Ok(Some(0)) = written {
            // OpenSSL says so where the peer has announced the end, whatever it was that failed
            self.check()?;
            return Err(Error::closed());
        }
        written
    }

    fn in_manner<T>(&mut self, manner: Manner, work: impl FnOnce(&mut Stream) -> T) -> T {
        self.tcp_mut().set_manner(manner);
        let done = work(self);
        self.tcp_mut().set_manner(Manner::Waits);
        done
    }

    /// Whether nobody on the way can read along.
    pub fn is_encrypted(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }

    /// What is known of TLS, where there is TLS.
    pub fn tls_info(&self) -> Option<TlsInfo> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(tls) => Some(tls.info()),
        }
    }

    /// The TLS session, where there is TLS.
    pub fn tls_session(&self) -> Option<Session> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(tls) => tls.session(),
        }
    }

    /// What tells this TLS channel from any other (RFC 5056): each type of binding that it has and its data, the best
    /// first.
    pub fn channel_bindings(&self) -> Result<Vec<(&'static str, Vec<u8>)>> {
        match self {
            Stream::Plain(_) => Ok(Vec::new()),
            Stream::Tls(tls) => tls.channel_bindings(),
        }
    }

    /// Ends the connection politely.
    pub fn close(mut self) {
        if let Stream::Tls(tls) = &mut self {
            tls.close_notify();
        }
    }

    /// The same without waiting for room: a peer that takes nothing is not told.
    pub fn close_at_once(mut self) {
        self.tcp_mut().set_manner(Manner::AtOnce);
        self.close();
    }

    /// The connection below.
    pub fn tcp(&self) -> &Tcp {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.tcp(),
        }
    }

    /// The same, to be told something.
    pub fn tcp_mut(&mut self) -> &mut Tcp {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.tcp_mut(),
        }
    }
}

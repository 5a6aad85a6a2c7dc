//! Sockets of Windows, which never block. Each has two events: one that the system sets when something has happened to the
//! socket, and one that a cancel sets, since a shutdown ends no wait of another thread there. A poller asks the system in
//! a way of its own, which leaves the events as they are.

#![allow(unsafe_code)] // no safe crate has WinSock's events

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::windows::io::{AsRawSocket, BorrowedSocket, RawSocket};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use socket2::{Domain, SockRef, Type};
use windows_sys::Win32::Foundation::{
    ERROR_COMMITMENT_LIMIT, ERROR_IO_DEVICE, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY,
    ERROR_TOO_MANY_OPEN_FILES, WAIT_FAILED,
};
use windows_sys::Win32::Networking::WinSock::{
    FD_CLOSE, FD_CONNECT, FD_CONNECT_BIT, FD_READ, FD_WRITE, SOCKET, WSACloseEvent, WSACreateEvent, WSAEMFILE,
    WSAENOBUFS, WSAEVENT, WSAEnumNetworkEvents, WSAEventSelect, WSANETWORKEVENTS, WSASetEvent,
    WSAWaitForMultipleEvents,
};

use super::{Readiness, millis};
use crate::net::poller::Watch;

/// What can always be opened, unless handles have run out.
pub const NULL_DEVICE: &str = "NUL";

/// The numbers of errors by which the system says that it has run out of something: memory, threads or handles.
pub const EXHAUSTED: [i32; 7] = [
    ERROR_TOO_MANY_OPEN_FILES as i32,
    ERROR_NOT_ENOUGH_MEMORY as i32,
    ERROR_OUTOFMEMORY as i32,
    ERROR_NO_SYSTEM_RESOURCES as i32,
    ERROR_COMMITMENT_LIMIT as i32,
    WSAEMFILE,
    WSAENOBUFS,
];

/// The number of the error by which the system says that a disk does not work.
pub const DISK_ERROR: i32 = ERROR_IO_DEVICE as i32;

/// A socket as the system calls it.
pub type Raw = RawSocket;

/// # Safety
/// It is open for as long as what this answers is used.
pub unsafe fn borrowed(socket: Raw) -> BorrowedSocket<'static> {
    // SAFETY: the caller's promise
    unsafe { BorrowedSocket::borrow_raw(socket) }
}

/// A socket.
#[derive(Debug)]
pub struct Socket {
    /// Among which it is waited for; gone before the socket is.
    watch: Option<Watch>,
    stream: TcpStream,
    /// That something has happened to it.
    happened: Event,
    /// That somebody wants it to end.
    ended: Event,
    /// Why connecting has failed.
    connect_error: AtomicI32,
}

impl Socket {
    /// Begins to connect without waiting, from that address where one is given.
    pub fn begin_connect(address: &SocketAddr, source: Option<IpAddr>) -> io::Result<Socket> {
        let socket = socket2::Socket::new(Domain::for_address(*address), Type::STREAM, None)?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        let (happened, ended) = (Event::new()?, Event::new()?);
        let (stream, connect_error) = (socket.into(), AtomicI32::new(0));
        let socket = Socket { watch: None, stream, happened, ended, connect_error };
        let events = (FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE) as i32;
        // SAFETY: socket and event are open. From now on the socket does not block
        if unsafe { WSAEventSelect(socket.handle(), socket.happened.0, events) } != 0 {
            return Err(io::Error::last_os_error());
        }
        match SockRef::from(&socket.stream).connect(&(*address).into()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(socket),
        }
    }

    /// What a poller calls it.
    pub fn raw(&self) -> Raw {
        self.stream.as_raw_socket()
    }

    /// Where it is waited for among others, if it is.
    pub fn watch(&mut self) -> &mut Option<Watch> {
        &mut self.watch
    }

    /// What it is waited for among others from now on, if it is.
    pub fn want(&self, readiness: Option<Readiness>) -> io::Result<()> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch.want(readiness))
    }

    /// Which have an outcome, after waiting for one at most that long, and whether it is known to be a good one.
    pub fn outcomes(connecting: &[&Socket], wait: Duration) -> io::Result<Vec<(usize, bool)>> {
        let events: Vec<_> = connecting.iter().map(|socket| &socket.happened).collect();
        wait_for(&events, wait)?;
        let mut outcomes = Vec::new();
        for (index, socket) in connecting.iter().enumerate() {
            let happened = socket.take_events()?;
            if happened.lNetworkEvents & FD_CONNECT as i32 != 0 {
                let error = happened.iErrorCode[FD_CONNECT_BIT as usize];
                socket.connect_error.store(error, Ordering::Relaxed);
                outcomes.push((index, error == 0));
            }
        }
        Ok(outcomes)
    }

    /// The same socket, connected, or why it is not.
    pub fn finish_connect(self, is_connected: bool) -> io::Result<Socket> {
        if !is_connected {
            return Err(io::Error::from_raw_os_error(self.connect_error.load(Ordering::Relaxed)));
        }
        // a command is one small segment, and its answer is waited for: it must not wait for the last one's ACK
        self.stream.set_nodelay(true)?;
        Ok(self)
    }

    /// The same socket, for [`Socket::receive`] and [`Socket::peek`], which wait by its events.
    pub fn into_blocking(self) -> io::Result<Socket> {
        Ok(self)
    }

    /// Takes what has come, after waiting for it at most that long; else it is [`io::ErrorKind::WouldBlock`].
    pub fn receive(&self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.receive_by(|buffer| (&self.stream).read(buffer), buffer, wait)
    }

    /// As [`Socket::receive`], but it is left to be read.
    pub fn peek(&self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        self.receive_by(|buffer| self.stream.peek(buffer), buffer, wait)
    }

    fn receive_by(
        &self,
        take: impl Fn(&mut [u8]) -> io::Result<usize>,
        buffer: &mut [u8],
        wait: Duration,
    ) -> io::Result<usize> {
        match take(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.wait_for_events(wait)?;
                take(buffer)
            }
            outcome => outcome,
        }
    }

    /// Takes what is there; where nothing is, it is [`io::ErrorKind::WouldBlock`].
    pub fn receive_at_once(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.stream).read(buffer)
    }

    /// As [`Socket::receive_at_once`], but it is left to be read.
    pub fn peek_at_once(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.peek(buffer)
    }

    /// Whether bytes have come that nobody has read.
    pub fn has_unread(&self) -> bool {
        matches!(self.stream.peek(&mut [0]), Ok(1..))
    }

    /// Writes what there is room for; where there is none, it is [`io::ErrorKind::WouldBlock`].
    pub fn send_at_once(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.stream).write(bytes)
    }

    /// Whether that can be done, after waiting for it at most that long.
    pub fn wait(&self, readiness: Readiness, wait: Duration) -> io::Result<bool> {
        match readiness {
            Readiness::Readable => {
                let outcome = self.peek(&mut [0], wait);
                Ok(!outcome.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock))
            }
            // who waits for room has been refused it, after which the system tells when there is some
            Readiness::Writable => self.wait_for_events(wait),
        }
    }

    /// The system offers nothing for this.
    pub fn acknowledge(&self) {}

    /// Ends the connection, and whatever waits on it.
    pub fn shut_down(&self) {
        // SAFETY: the event is open
        unsafe { WSASetEvent(self.ended.0) };
        // fails where the peer has already ended it, which is as good
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Whether anything has happened, after waiting for it at most that long. What happens later sets the event again,
    /// once what could not be done has been tried anew.
    fn wait_for_events(&self, wait: Duration) -> io::Result<bool> {
        let any = wait_for(&[&self.happened, &self.ended], wait)?;
        self.take_events()?;
        Ok(any)
    }

    /// What has happened since this was last asked.
    fn take_events(&self) -> io::Result<WSANETWORKEVENTS> {
        let mut events = WSANETWORKEVENTS::default();
        // SAFETY: socket and event are open
        match unsafe { WSAEnumNetworkEvents(self.handle(), self.happened.0, &mut events) } {
            0 => Ok(events),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn handle(&self) -> SOCKET {
        self.stream.as_raw_socket() as SOCKET
    }
}

/// An event, which stays set until it is taken back.
#[derive(Debug)]
struct Event(WSAEVENT);

impl Event {
    fn new() -> io::Result<Event> {
        // SAFETY: takes nothing
        match unsafe { WSACreateEvent() } {
            0 => Err(io::Error::last_os_error()),
            event => Ok(Event(event)),
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: it is open, and nobody else has it
        unsafe { WSACloseEvent(self.0) };
    }
}

/// Whether one of them is set, after waiting for it at most that long.
fn wait_for(events: &[&Event], wait: Duration) -> io::Result<bool> {
    const TIMEOUT: u32 = windows_sys::Win32::Foundation::WAIT_TIMEOUT;
    // the largest number is for ever
    let millis = u32::try_from(millis(wait)).unwrap_or(u32::MAX - 1).min(u32::MAX - 1);
    let handles: Vec<WSAEVENT> = events.iter().map(|event| event.0).collect();
    // SAFETY: the events are open
    let outcome = unsafe { WSAWaitForMultipleEvents(handles.len() as u32, handles.as_ptr().cast(), 0, millis, 0) };
    match outcome {
        WAIT_FAILED => Err(io::Error::last_os_error()),
        TIMEOUT => Ok(false),
        _ => Ok(true),
    }
}

//! A port that is listened on.

use std::io;
use std::net::Shutdown;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    accepted: AtomicUsize,
    /// Set when it listens no more; holds the port, if that succeeded.
    stopped: OnceLock<Option<Socket>>,
}

impl Listener {
    /// Listens on an ephemeral port.
    pub fn new(address: IpAddr) -> io::Result<Self> {
        let socket = TcpListener::bind((address, 0))?;
        Ok(Self { address: socket.local_addr()?, socket, accepted: AtomicUsize::new(0), stopped: OnceLock::new() })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// The next connection; none once the listener was stopped.
    pub fn accept(&self) -> Option<TcpStream> {
        while self.stopped.get().is_none() {
            match self.socket.accept() {
                Ok((tcp, _)) => {
                    self.accepted.fetch_add(1, Ordering::Relaxed);
                    let _ = tcp.set_nodelay(true); // fails only on a connection already dead
                    return Some(tcp);
                }
                // Being stopped right now, or out of file descriptors, which passes.
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
        None
    }

    /// Stops listening: from now on connects are refused, also those not accepted yet.
    pub fn stop(&self) {
        self.stopped.get_or_init(|| {
            // Linux: ends the listening at once and wakes the thread within accept.
            let _ = SockRef::from(&self.socket).shutdown(Shutdown::Both);
            reserve(self.address).ok()
        });
    }
}

/// Binds a socket that does not listen: connects to it are refused, and nobody else gets the port,
/// not even as the source of a connection to this very port, which would connect to itself.
pub fn reserve(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.port() != 0 {
        socket.set_reuse_address(true)?; // connections of a former listener may be left
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

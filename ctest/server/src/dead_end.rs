//! Ports that lead nowhere.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::listener::reserve;

/// How long a connect may take until it counts as unanswered.
const UNANSWERED: Duration = Duration::from_millis(300);
/// With a backlog of none one connection is enough on Linux; other systems round it up.
const MOST_CONNECTIONS: usize = 1024;

/// A port where nobody answers as one should.
pub struct DeadEnd {
    port: u16,
    _socket: Socket,
    _backlog: Vec<TcpStream>,
}

impl DeadEnd {
    /// A port where connects are refused.
    pub fn refusing(address: IpAddr) -> io::Result<Self> {
        let socket = reserve(SocketAddr::new(address, 0))?;
        Ok(Self { port: local_address(&socket)?.port(), _socket: socket, _backlog: Vec::new() })
    }

    /// A port where connects are not answered: a listener that never accepts, its backlog full.
    pub fn full(address: IpAddr) -> io::Result<Self> {
        let address = SocketAddr::new(address, 0);
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.bind(&address.into())?;
        socket.listen(0)?;
        let address = local_address(&socket)?;
        Ok(Self { port: address.port(), _socket: socket, _backlog: fill(address)? })
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Connects until a connect is not answered any more.
fn fill(address: SocketAddr) -> io::Result<Vec<TcpStream>> {
    let mut connections = Vec::new();
    while connections.len() < MOST_CONNECTIONS {
        match TcpStream::connect_timeout(&address, UNANSWERED) {
            Ok(connection) => connections.push(connection),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(connections),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the backlog never got full"))
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("no address"))
}

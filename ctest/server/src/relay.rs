//! A man in the middle: speaks TLS with the client by a certificate of his own, TLS with the server, and hands over
//! what each of them says.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream};

use crate::Result;
use crate::conn::handshake_error;
use crate::listener::Listener;

/// How long one side is listened to before the other.
const TURN: Duration = Duration::from_millis(5);

/// Relays all connections of `listener` to that port.
pub fn start(listener: Arc<Listener>, context: SslContext, to: u16) -> Result<()> {
    let accept = move || {
        while let Some(tcp) = listener.accept() {
            let context = context.clone();
            // a connection that breaks is over for both
            thread::spawn(move || relay(tcp, &context, to));
        }
    };
    thread::Builder::new().spawn(accept).map_err(|error| error.to_string())?;
    Ok(())
}

fn relay(client: TcpStream, context: &SslContext, to: u16) -> io::Result<()> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, to))?;
    // he knows whom he talks to, so he verifies nothing
    let to_server = SslContext::builder(SslMethod::tls_client())?.build();
    let mut client = Ssl::new(context)?.accept(client).map_err(handshake_error)?;
    let mut server = Ssl::new(&to_server)?.connect(server).map_err(handshake_error)?;
    client.get_ref().set_read_timeout(Some(TURN))?;
    server.get_ref().set_read_timeout(Some(TURN))?;
    while hand_over(&mut client, &mut server)? && hand_over(&mut server, &mut client)? {}
    let _ = (client.shutdown(), server.shutdown()); // one of them has gone
    Ok(())
}

/// Hands over what there is; returns whether there may be more.
fn hand_over(from: &mut SslStream<TcpStream>, to: &mut SslStream<TcpStream>) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    match from.read(&mut buffer) {
        Ok(count) => to.write_all(&buffer[..count]).map(|()| count > 0),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(true),
        Err(error) => Err(error),
    }
}

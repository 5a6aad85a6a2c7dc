//! A server that says what it is given, whatever the client says.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long it waits for the next command, which does not come where an answer is not whole.
const PATIENCE: Duration = Duration::from_millis(5);
/// Where a segment ends: the next one is sent when a command has come, since what comes unasked ends a session.
pub const SPLIT: u8 = 0xff;

/// Serves one connection after the other, each with the next script and in the end with the last one again.
pub struct Peer {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    serving: JoinHandle<Vec<Vec<u8>>>,
}

impl Peer {
    /// `scripts` are what it says, one for each connection; a segment ends at [`SPLIT`].
    pub fn new(scripts: Vec<Vec<u8>>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&is_over);
        let serving = thread::spawn(move || {
            let mut heard = Vec::new();
            while let Ok((tcp, _)) = listener.accept() {
                if until.load(Ordering::Acquire) {
                    break;
                }
                let script = scripts.get(heard.len()).or(scripts.last()).map_or(&[][..], Vec::as_slice);
                heard.push(serve(tcp, script));
            }
            heard
        });
        Peer { address, is_over, serving }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends it; what the client said on each connection.
    pub fn end(self) -> Vec<Vec<u8>> {
        self.is_over.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address));
        self.serving.join().unwrap()
    }
}

/// Says it all, and then hears what there is until the client closes.
fn serve(mut tcp: TcpStream, script: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    for segment in script.split(|byte| *byte == SPLIT) {
        if tcp.write_all(segment).is_err() {
            break;
        }
        let mut command = [0; 4096];
        // none in time: the client waits for more of the answer
        let count = tcp.read(&mut command).unwrap_or(0);
        heard.extend_from_slice(&command[..count]);
    }
    let _ = tcp.shutdown(Shutdown::Write);
    tcp.set_read_timeout(None).unwrap();
    let _ = tcp.read_to_end(&mut heard);
    heard
}

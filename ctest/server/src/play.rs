//! A server that plays a transcript and knows nothing of POP3.

mod player;
mod progress;
mod transcript;

use std::sync::Arc;
use std::thread;

use crate::Result;
use crate::conn::Conn;
use crate::listener::Listener;
use crate::recording::Recording;
use crate::tls::Tls;

use player::Player;

pub use progress::Progress;
pub use transcript::Transcript;

pub struct Play {
    /// One for each connection.
    pub transcripts: Vec<Transcript>,
    pub tls: Arc<Tls>,
    /// Whether TLS begins with the first byte.
    pub implicit_tls: bool,
    /// How often all that is played.
    pub times: usize,
    pub recording: Arc<Recording>,
}

impl Play {
    pub fn start(self, listener: Arc<Listener>) -> Result<Arc<Progress>> {
        let progress = Arc::<Progress>::default();
        let told = progress.clone();
        let run = move || {
            let result = self.run(&listener, &told);
            listener.stop();
            told.end(result);
        };
        thread::Builder::new().spawn(run).map_err(|error| error.to_string())?;
        Ok(progress)
    }

    fn run(&self, listener: &Listener, progress: &Progress) -> Result<()> {
        let transcripts = (0..self.times).flat_map(|_| &self.transcripts);
        for (connection, transcript) in (1..).zip(transcripts) {
            progress.at(self.place(connection, "line 0 (no connection)"));
            let Some(tcp) = listener.accept() else {
                return Err(self.place(connection, "line 0: the listener was dropped"));
            };
            if connection == self.connections() {
                listener.stop(); // a connection too many is refused
            }
            let conn = Conn::new(tcp, Some(self.recording.clone()));
            Player::new(conn, self, transcript)
                .and_then(|player| player.play(|place| progress.at(self.place(connection, place))))
                .map_err(|why| self.place(connection, &why))?;
        }
        Ok(())
    }

    fn connections(&self) -> usize {
        self.times * self.transcripts.len()
    }

    /// Names the connection, if there is more than one.
    fn place(&self, connection: usize, what: &str) -> String {
        match self.connections() {
            1 => what.to_owned(),
            _ => format!("connection {connection}, {what}"),
        }
    }
}

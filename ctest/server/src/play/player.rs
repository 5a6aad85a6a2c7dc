//! Playing a transcript on one connection.

use std::io::{self, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::conn::Conn;
use crate::escape::escape;
use crate::pki::Leaf;

use super::Play;
use super::transcript::{Directive, Ending, Transcript};

/// How long the client may take for what is expected, and for its part of a handshake.
const EXPECT_LIMIT: Duration = Duration::from_secs(10);
const EOF_LIMIT: Duration = Duration::from_secs(15);
const HOLD_LIMIT: Duration = Duration::from_secs(60);
/// How long the client may leave unread what is sent.
const SEND_LIMIT: Duration = Duration::from_secs(30);
/// How much `repeat` writes at a time.
const BLOCK: usize = 64 * 1024;

pub struct Player<'a> {
    conn: Conn,
    play: &'a Play,
    transcript: &'a Transcript,
}

/// What a read brought.
enum Came {
    Bytes(usize),
    /// The client has closed.
    End,
    /// Nothing up to the deadline.
    Nothing,
}

impl<'a> Player<'a> {
    pub fn new(conn: Conn, play: &'a Play, transcript: &'a Transcript) -> Result<Self> {
        conn.tcp().set_write_timeout(Some(SEND_LIMIT)).map_err(describe)?;
        Ok(Self { conn, play, transcript })
    }

    /// Plays all lines, telling each before it is played, and closes the connection.
    pub fn play(mut self, tell: impl Fn(&str)) -> Result<()> {
        let transcript = self.transcript;
        if self.play.implicit_tls {
            self.start_tls(None).map_err(|why| format!("line 0: implicit TLS: {why}"))?;
        }
        for step in &transcript.steps {
            tell(&step.place);
            if let Err(why) = self.step(&step.directive) {
                self.conn.close();
                return Err(format!("{}: {why}", step.place));
            }
        }
        match transcript.ending {
            Ending::Close => self.conn.close(),
            Ending::Cut => self.conn.cut(),
            Ending::Reset => self.conn.reset(),
        }
        Ok(())
    }

    fn step(&mut self, directive: &Directive) -> Result<()> {
        match directive {
            Directive::Send(pieces) => pieces.iter().try_for_each(|piece| self.send(piece)),
            Directive::Pause(time) => {
                thread::sleep(*time);
                Ok(())
            }
            Directive::Trickle(interval, bytes) => until_closed(self.trickle(*interval, bytes)),
            Directive::Repeat(times, bytes) => until_closed(self.repeat(*times, bytes)),
            Directive::Expect(bytes) => self.expect(bytes),
            Directive::ExpectAtOnce(bytes) => self.expect_at_once(bytes),
            Directive::ExpectLine => self.expect_line(),
            Directive::ExpectHello => self.expect_hello(),
            Directive::ExpectEof => self.expect_eof(),
            Directive::ExpectSilence(time) => self.expect_silence(*time),
            Directive::StartTls(cert) => self.start_tls(*cert),
            Directive::StartTlsFails(cert) => self.start_tls_fails(*cert),
            Directive::Hold => self.hold(),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.conn.write_all(bytes).map_err(describe)
    }

    fn trickle(&mut self, interval: Duration, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes.chunks(1) {
            self.conn.write_all(byte)?;
            thread::sleep(interval);
        }
        Ok(())
    }

    fn repeat(&mut self, times: usize, bytes: &[u8]) -> io::Result<()> {
        let per_block = (BLOCK / bytes.len().max(1)).clamp(1, times.max(1));
        let block = bytes.repeat(per_block);
        for _ in 0..times / per_block {
            self.conn.write_all(&block)?;
        }
        self.conn.write_all(&block[..times % per_block * bytes.len()])
    }

    /// Fails with the first byte that differs, without waiting for the others.
    fn expect(&mut self, expected: &[u8]) -> Result<()> {
        let deadline = Instant::now() + EXPECT_LIMIT;
        let mut buffer = vec![0; expected.len()];
        let mut got = 0;
        while got < expected.len() {
            match self.read(&mut buffer[got..], deadline)? {
                Came::Bytes(count) => got += count,
                Came::End => return Err(came(&buffer[..got], ", then the end")),
                Came::Nothing => return Err(came(&buffer[..got], ", then nothing")),
            }
            if !expected.starts_with(&buffer[..got]) {
                return Err(came(&buffer[..got], ""));
            }
        }
        Ok(())
    }

    /// By one read, which under TLS brings one record, and in the clear no more than has come by then.
    fn expect_at_once(&mut self, expected: &[u8]) -> Result<()> {
        let mut buffer = vec![0; expected.len()];
        match self.read(&mut buffer, Instant::now() + EXPECT_LIMIT)? {
            Came::Bytes(count) if buffer[..count] == *expected => Ok(()),
            Came::Bytes(count) => Err(came(&buffer[..count], "")),
            Came::End => Err("got the end".to_owned()),
            Came::Nothing => Err("got nothing".to_owned()),
        }
    }

    /// Byte by byte, as what follows the line belongs to the next directive.
    fn expect_line(&mut self) -> Result<()> {
        let deadline = Instant::now() + EXPECT_LIMIT;
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            match self.read(&mut byte, deadline)? {
                Came::Bytes(_) => line.push(byte[0]),
                Came::End => return Err(came(&line, ", then the end")),
                Came::Nothing => return Err(came(&line, ", then nothing")),
            }
        }
        Ok(())
    }

    /// Reads past the recording: a ClientHello is no application data.
    fn expect_hello(&mut self) -> Result<()> {
        if self.conn.is_tls() {
            return Err("under TLS already".to_owned());
        }
        let mut tcp = self.conn.tcp();
        tcp.set_read_timeout(Some(EXPECT_LIMIT)).map_err(describe)?;
        let mut header = [0; 5]; // content type, version, length
        tcp.read_exact(&mut header).map_err(describe)?;
        let mut record = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        let is_handshake = header.starts_with(&[0x16, 0x03]);
        if is_handshake {
            tcp.read_exact(&mut record).map_err(describe)?;
        }
        match record.first() {
            Some(0x01) => Ok(()), // of type ClientHello
            _ => Err(came(&header, "")),
        }
    }

    fn expect_eof(&mut self) -> Result<()> {
        let mut buffer = [0; 256];
        match self.read(&mut buffer, Instant::now() + EOF_LIMIT)? {
            Came::End => Ok(()),
            Came::Bytes(count) => Err(came(&buffer[..count], "")),
            Came::Nothing => Err("the client did not close".to_owned()),
        }
    }

    fn expect_silence(&mut self, time: Duration) -> Result<()> {
        let mut buffer = [0; 256];
        match self.read(&mut buffer, Instant::now() + time)? {
            Came::Nothing | Came::End => Ok(()),
            Came::Bytes(count) => Err(came(&buffer[..count], "")),
        }
    }

    fn start_tls(&mut self, cert: Option<&'static Leaf>) -> Result<()> {
        self.handshake(cert)?.map_err(|error| format!("handshake failed: {}", describe(error)))
    }

    fn start_tls_fails(&mut self, cert: Option<&'static Leaf>) -> Result<()> {
        match self.handshake(cert)? {
            Err(_) => Ok(()),
            Ok(()) => Err("handshake succeeded".to_owned()),
        }
    }

    /// Fails if there cannot be a handshake; else says how that went.
    fn handshake(&mut self, cert: Option<&'static Leaf>) -> Result<io::Result<()>> {
        let context = self.play.tls.context(cert)?;
        if self.conn.is_tls() {
            return Err("under TLS already".to_owned());
        }
        self.conn.tcp().set_read_timeout(Some(EXPECT_LIMIT)).map_err(describe)?;
        Ok(self.conn.start_tls(&context, &self.play.tls.handshakes))
    }

    fn hold(&mut self) -> Result<()> {
        let deadline = Instant::now() + HOLD_LIMIT;
        let mut buffer = [0; 4096];
        while let Ok(Came::Bytes(_)) = self.read(&mut buffer, deadline) {}
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Came> {
        use io::ErrorKind::{ConnectionReset, TimedOut, WouldBlock};
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Came::Nothing);
        }
        self.conn.tcp().set_read_timeout(Some(left)).map_err(describe)?;
        match self.conn.read(buffer) {
            Ok(0) => Ok(Came::End),
            Ok(count) => Ok(Came::Bytes(count)),
            Err(error) if error.kind() == ConnectionReset => Ok(Came::End),
            Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => Ok(Came::Nothing),
            Err(error) => Err(describe(error)),
        }
    }
}

/// What is sent until the client closes is no failure when it does.
fn until_closed(result: io::Result<()>) -> Result<()> {
    use io::ErrorKind::{BrokenPipe, ConnectionReset};
    match result {
        Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => Ok(()),
        other => other.map_err(describe),
    }
}

fn came(bytes: &[u8], then: &str) -> String {
    format!("got \"{}\"{then}", escape(bytes))
}

fn describe(error: io::Error) -> String {
    match error.kind() {
        // How the kernel says that a socket's time limit has passed.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "timed out".to_owned(),
        _ => error.to_string(),
    }
}

//! The commands: lines on stdin, each answered by one line on stdout.
//!
//! ```text
//! mailbox [key=value …]              port <n>
//! play [key=value …], transcript, end    port <n>
//! result <port>                      ok | failed <why>
//! received <port>                    received <escaped bytes>
//! connections <port>                 connections <n>
//! relay to=<port> [key=value …]      port <n>
//! handshakes <port>                  handshakes full <n> resumed <n>
//! refuse [address=…]                 port <n>
//! full [address=…]                   port <n>
//! drop-listener <port>               ok
//! quit                               ok
//! ```
//!
//! What is unknown or wrong is answered with `error <why>`.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::dead_end::DeadEnd;
use crate::listener::Listener;
use crate::mailbox::{self, Mailbox};
use crate::options::Options;
use crate::play::{Play, Progress, Transcript};
use crate::recording::Recording;
use crate::relay;
use crate::tls::Tls;

/// How long `result` waits for a play to end.
const RESULT_LIMIT: Duration = Duration::from_secs(20);

pub struct Control {
    dir: PathBuf,
    services: BTreeMap<u16, Service>,
}

/// What there is on a port.
enum Service {
    Server {
        listener: Arc<Listener>,
        tls: Arc<Tls>,
        recording: Option<Arc<Recording>>,
        /// Of a play.
        progress: Option<Arc<Progress>>,
    },
    DeadEnd(DeadEnd),
}

impl Control {
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), services: BTreeMap::new() }
    }

    /// Answers commands until `quit` or the end of the input.
    pub fn run(mut self, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
        say(&mut output, &format!("ready {}", self.dir.display()))?;
        while let Some(line) = read_line(&mut input)? {
            let mut words = Vec::new();
            let mut transcript = Vec::new();
            let text = std::str::from_utf8(&line).map_err(|_| "not UTF-8".to_owned());
            if let Ok(text) = text {
                words.extend(text.split_ascii_whitespace());
            }
            // Read even if the command turns out to be wrong, or its lines would be taken for commands.
            if words.first() == Some(&"play") {
                transcript = read_transcript(&mut input)?;
            }
            let answer = text.and_then(|_| self.answer(&words, &transcript));
            say(&mut output, &answer.unwrap_or_else(|why| format!("error {why}")))?;
            if words == ["quit"] {
                break;
            }
        }
        Ok(())
    }

    fn answer(&mut self, words: &[&str], transcript: &[u8]) -> Result<String> {
        let (&command, arguments) = words.split_first().ok_or("no command")?;
        match command {
            "mailbox" => self.mailbox(arguments).map(port),
            "play" => self.play(arguments, transcript).map(port),
            "relay" => self.relay(arguments).map(port),
            "refuse" => self.dead_end(arguments, DeadEnd::refusing).map(port),
            "full" => self.dead_end(arguments, DeadEnd::full).map(port),
            "result" => self.result(arguments),
            "received" => self.received(arguments),
            "connections" => self.connections(arguments),
            "handshakes" => self.handshakes(arguments),
            "drop-listener" => self.drop_listener(arguments),
            "quit" if arguments.is_empty() => Ok("ok".to_owned()),
            _ => Err(format!("{command}: unknown command")),
        }
    }

    fn mailbox(&mut self, arguments: &[&str]) -> Result<u16> {
        let mut options = Options::parse(arguments)?;
        let address = options.address()?;
        let record = options.choice("record", &[("no", false), ("yes", true)])?;
        let tls = Arc::new(Tls::from_options(&mut options, &self.dir)?);
        let mailbox = Mailbox::from_options(&mut options, tls.clone())?;
        options.finish()?;

        let listener = self.listen(address)?;
        let recording = record.then(Arc::<Recording>::default);
        mailbox::start(mailbox, listener.clone(), recording.clone())?;
        Ok(self.add(Service::Server { listener, tls, recording, progress: None }))
    }

    fn play(&mut self, arguments: &[&str], transcript: &[u8]) -> Result<u16> {
        let mut options = Options::parse(arguments)?;
        let address = options.address()?;
        let tls = Arc::new(Tls::from_options(&mut options, &self.dir)?);
        let implicit_tls = options.choice("tls", &[("none", false), ("implicit", true)])?;
        let times = options.parsed("times", 1)?;
        options.finish()?;
        let transcripts = Transcript::parse(transcript)?;

        let listener = self.listen(address)?;
        let recording = Arc::<Recording>::default();
        let play = Play { transcripts, tls: tls.clone(), implicit_tls, times, recording: recording.clone() };
        let progress = play.start(listener.clone())?;
        Ok(self.add(Service::Server { listener, tls, recording: Some(recording), progress: Some(progress) }))
    }

    fn relay(&mut self, arguments: &[&str]) -> Result<u16> {
        let mut options = Options::parse(arguments)?;
        let address = options.address()?;
        let tls = Arc::new(Tls::from_options(&mut options, &self.dir)?);
        let to = options.parsed("to", 0)?;
        options.finish()?;

        let listener = self.listen(address)?;
        relay::start(listener.clone(), tls.context(None)?, to)?;
        Ok(self.add(Service::Server { listener, tls, recording: None, progress: None }))
    }

    fn dead_end(&mut self, arguments: &[&str], open: impl FnOnce(IpAddr) -> io::Result<DeadEnd>) -> Result<u16> {
        let mut options = Options::parse(arguments)?;
        let address = options.address()?;
        options.finish()?;
        let dead_end = open(address).map_err(|error| error.to_string())?;
        Ok(self.add(Service::DeadEnd(dead_end)))
    }

    fn result(&self, arguments: &[&str]) -> Result<String> {
        let Service::Server { progress: Some(progress), .. } = self.service(arguments)? else {
            return Err("no play".to_owned());
        };
        Ok(match progress.wait(RESULT_LIMIT) {
            Ok(()) => "ok".to_owned(),
            Err(why) => format!("failed {why}"),
        })
    }

    fn received(&self, arguments: &[&str]) -> Result<String> {
        let Service::Server { recording: Some(recording), .. } = self.service(arguments)? else {
            return Err("not recorded; a mailbox needs record=yes".to_owned());
        };
        Ok(format!("received {}", recording.escaped()))
    }

    fn connections(&self, arguments: &[&str]) -> Result<String> {
        let accepted = match self.service(arguments)? {
            Service::Server { listener, .. } => listener.accepted(),
            Service::DeadEnd(_) => 0,
        };
        Ok(format!("connections {accepted}"))
    }

    fn handshakes(&self, arguments: &[&str]) -> Result<String> {
        let Service::Server { tls, .. } = self.service(arguments)? else {
            return Err("nobody listens there".to_owned());
        };
        let (full, resumed) = tls.handshakes.counts();
        Ok(format!("handshakes full {full} resumed {resumed}"))
    }

    fn drop_listener(&self, arguments: &[&str]) -> Result<String> {
        let Service::Server { listener, .. } = self.service(arguments)? else {
            return Err("nobody listens there".to_owned());
        };
        listener.stop();
        Ok("ok".to_owned())
    }

    /// A listener on a port that never had another service, so that a port names one for good:
    /// the system may give out a port again, or the same one for another address.
    fn listen(&self, address: IpAddr) -> Result<Arc<Listener>> {
        let mut taken = Vec::new();
        loop {
            let listener = Listener::new(address).map_err(|error| format!("{address}: {error}"))?;
            if !self.services.contains_key(&listener.port()) {
                return Ok(Arc::new(listener));
            }
            taken.push(listener); // kept until another is found, or the system might offer it again
        }
    }

    fn add(&mut self, service: Service) -> u16 {
        let port = match &service {
            Service::Server { listener, .. } => listener.port(),
            Service::DeadEnd(dead_end) => dead_end.port(),
        };
        self.services.insert(port, service);
        port
    }

    /// The service on the port that is the only argument.
    fn service(&self, arguments: &[&str]) -> Result<&Service> {
        let &[port] = arguments else {
            return Err("wants one port".to_owned());
        };
        port.parse()
            .ok()
            .and_then(|number: u16| self.services.get(&number))
            .ok_or_else(|| format!("{port}: nothing was started there"))
    }
}

fn port(port: u16) -> String {
    format!("port {port}")
}

fn say(output: &mut impl Write, answer: &str) -> io::Result<()> {
    // One line, whatever words of the system or the tester are quoted in it.
    writeln!(output, "{}", answer.replace(['\r', '\n'], " "))?;
    output.flush()
}

/// A line without its end; none at the end of the input.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_ascii_end().to_vec()))
}

/// All lines up to `end`.
fn read_transcript(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut transcript = Vec::new();
    while let Some(line) = read_line(input)? {
        if line == b"end" {
            break;
        }
        transcript.extend(line);
        transcript.push(b'\n');
    }
    Ok(transcript)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &str) -> Vec<String> {
        let mut output = Vec::new();
        Control::new(Path::new("/nonexistent")).run(input.as_bytes(), &mut output).unwrap();
        let output = String::from_utf8(output).unwrap();
        output.lines().map(str::to_owned).collect()
    }

    #[test]
    fn ends_with_the_input_or_at_quit() {
        assert_eq!(answers(""), ["ready /nonexistent"]);
        assert_eq!(answers("quit\nrefuse\n"), ["ready /nonexistent", "ok"]);
    }

    #[test]
    fn every_mistake_is_one_error_line() {
        let mistakes = [
            "",
            "colour",
            "quit now",
            "mailbox colour=red",
            "mailbox tls=maybe",
            "mailbox cert=nonsense",
            "mailbox address=nowhere",
            "mailbox messages=-1",
            "mailbox knows-password=x",
            "relay to=65536",
            "relay from=1",
            "result",
            "result 1 2",
            "result 65536",
            "received 1",
            "connections x",
            "handshakes 1",
            "mailbox tickets=maybe",
            "drop-listener 1",
            "full address=300.0.0.1",
        ];
        for mistake in mistakes {
            let answers = answers(&format!("{mistake}\n"));
            assert_eq!(answers.len(), 2, "{mistake}");
            assert!(answers[1].starts_with("error "), "{mistake}: {}", answers[1]);
        }
    }

    #[test]
    fn the_lines_of_a_wrong_play_are_no_commands() {
        let answers = answers("play times=x\nquit\nsend \"\nend\nresult 1\n");
        assert_eq!(answers.len(), 3);
        assert!(answers[1].starts_with("error times"));
        assert!(answers[2].starts_with("error 1"));
    }
}

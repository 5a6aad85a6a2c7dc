//! What is to be played.
//!
//! One directive a line; blank lines and those that begin with `#` are skipped:
//!
//! ```text
//! send "…" ["…" …]      sends the strings, each by one write
//! pause <ms>
//! trickle <ms> "…"      sends byte by byte, ms apart; ends if the client closes
//! repeat <n> "…"        sends the string n times; ends if the client closes
//! expect "…"            reads exactly that
//! expect-at-once "…"    the same by one read: under TLS it comes in one record
//! expect-line           reads any line
//! expect-hello          reads a TLS ClientHello, in the clear
//! expect-eof            the client closes without another byte
//! expect-silence <ms>   for that long no byte comes
//! starttls [cert]       TLS handshake
//! starttls-fails [cert] TLS handshake that must fail
//! hold                  does nothing until the client closes
//! close                 closes, under TLS with close_notify; goes without saying at the end
//! cut                   closes without close_notify
//! reset                 closes with RST
//! next                  what follows is for the client's next connection
//! ```

use std::time::Duration;

use crate::Result;
use crate::escape::quoted;
use crate::pki::Leaf;

/// Beyond any test, and no clock overflows.
const LONGEST_MS: u64 = 60 * 60 * 1000;

#[derive(Debug, PartialEq)]
pub struct Transcript {
    pub steps: Vec<Step>,
    pub ending: Ending,
}

#[derive(Debug, PartialEq)]
pub struct Step {
    /// `line <n>: <directive>`, for reports.
    pub place: String,
    pub directive: Directive,
}

#[derive(Debug, PartialEq)]
pub enum Directive {
    Send(Vec<Vec<u8>>),
    Pause(Duration),
    Trickle(Duration, Vec<u8>),
    Repeat(usize, Vec<u8>),
    Expect(Vec<u8>),
    ExpectAtOnce(Vec<u8>),
    ExpectLine,
    ExpectHello,
    ExpectEof,
    ExpectSilence(Duration),
    StartTls(Option<&'static Leaf>),
    StartTlsFails(Option<&'static Leaf>),
    Hold,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    Close,
    Cut,
    Reset,
}

impl Transcript {
    /// One for each connection.
    pub fn parse(text: &[u8]) -> Result<Vec<Self>> {
        let text = std::str::from_utf8(text).map_err(|_| "transcript: not UTF-8; use \\xNN")?;
        let mut transcripts = Vec::new();
        let mut steps = Vec::new();
        let mut ending = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line == "next" {
                let ending = ending.take().unwrap_or(Ending::Close);
                transcripts.push(Self { steps: std::mem::take(&mut steps), ending });
                continue;
            }
            let place = format!("line {}: {line}", index + 1);
            if ending.is_some() {
                return Err(format!("{place}: the connection is closed already"));
            }
            ending = parse_ending(line);
            if ending.is_none() {
                let directive = parse_directive(line).map_err(|why| format!("{place}: {why}"))?;
                steps.push(Step { place, directive });
            }
        }
        transcripts.push(Self { steps, ending: ending.unwrap_or(Ending::Close) });
        Ok(transcripts)
    }
}

fn parse_ending(line: &str) -> Option<Ending> {
    match line {
        "close" => Some(Ending::Close),
        "cut" => Some(Ending::Cut),
        "reset" => Some(Ending::Reset),
        _ => None,
    }
}

fn parse_directive(line: &str) -> Result<Directive> {
    let (name, arguments) = split_word(line);
    Ok(match name {
        "send" => Directive::Send(strings(arguments)?),
        "pause" => Directive::Pause(milliseconds(arguments)?),
        "trickle" => {
            let (interval, text) = split_word(arguments);
            Directive::Trickle(milliseconds(interval)?, string(text)?)
        }
        "repeat" => {
            let (times, text) = split_word(arguments);
            Directive::Repeat(number(times)?, string(text)?)
        }
        "expect" => Directive::Expect(string(arguments)?),
        "expect-at-once" => Directive::ExpectAtOnce(string(arguments)?),
        "expect-silence" => Directive::ExpectSilence(milliseconds(arguments)?),
        "starttls" => Directive::StartTls(certificate(arguments)?),
        "starttls-fails" => Directive::StartTlsFails(certificate(arguments)?),
        "expect-line" | "expect-hello" | "expect-eof" | "hold" if !arguments.is_empty() => {
            return Err(format!("{name} has no argument"));
        }
        "expect-line" => Directive::ExpectLine,
        "expect-hello" => Directive::ExpectHello,
        "expect-eof" => Directive::ExpectEof,
        "hold" => Directive::Hold,
        _ => return Err("unknown directive".to_owned()),
    })
}

fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_ascii_start())
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

fn milliseconds(text: &str) -> Result<Duration> {
    match number(text)? {
        ms if ms <= LONGEST_MS => Ok(Duration::from_millis(ms)),
        _ => Err(format!("{text} ms: more than {LONGEST_MS}")),
    }
}

fn certificate(name: &str) -> Result<Option<&'static Leaf>> {
    match name {
        "" => Ok(None),
        _ => Leaf::named(name).map(Some),
    }
}

fn string(text: &str) -> Result<Vec<u8>> {
    match quoted(text)? {
        (string, "") => Ok(string),
        (_, rest) => Err(format!("only one string, not also {rest}")),
    }
}

fn strings(text: &str) -> Result<Vec<Vec<u8>>> {
    let (first, mut rest) = quoted(text)?;
    let mut strings = vec![first];
    while !rest.is_empty() {
        let (string, after) = quoted(rest.trim_ascii_start())?;
        strings.push(string);
        rest = after;
    }
    Ok(strings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Transcript {
        let mut transcripts = Transcript::parse(text.as_bytes()).unwrap();
        assert_eq!(transcripts.len(), 1);
        transcripts.remove(0)
    }

    fn directives(text: &str) -> Vec<Directive> {
        only(text).steps.into_iter().map(|step| step.directive).collect()
    }

    #[test]
    fn reads_every_directive() {
        let text = "
            # a comment
            send \"+OK\\r\\n\" \"x # y\"
            pause 10
            trickle 20 \"ab\"
            repeat 3 \"c\"
            expect \"QUIT\\r\\n\"
            expect-at-once \"STAT\\r\\n\"
            expect-line
            expect-hello
            expect-eof
            expect-silence 30
            starttls
            starttls-fails expired
            hold";
        let ms = Duration::from_millis;
        let expected = [
            Directive::Send(vec![b"+OK\r\n".to_vec(), b"x # y".to_vec()]),
            Directive::Pause(ms(10)),
            Directive::Trickle(ms(20), b"ab".to_vec()),
            Directive::Repeat(3, b"c".to_vec()),
            Directive::Expect(b"QUIT\r\n".to_vec()),
            Directive::ExpectAtOnce(b"STAT\r\n".to_vec()),
            Directive::ExpectLine,
            Directive::ExpectHello,
            Directive::ExpectEof,
            Directive::ExpectSilence(ms(30)),
            Directive::StartTls(None),
            Directive::StartTlsFails(Leaf::named("expired").ok()),
            Directive::Hold,
        ];
        assert_eq!(directives(text), expected);
    }

    #[test]
    fn places_count_every_line() {
        assert_eq!(only("\n# comment\npause 1\n").steps[0].place, "line 3: pause 1");
    }

    #[test]
    fn each_connection_has_its_part() {
        let transcripts = Transcript::parse(b"pause 1\nreset\nnext\nnext\npause 2").unwrap();
        let part = |transcript: &Transcript| {
            (transcript.steps.iter().map(|step| step.place.clone()).collect::<Vec<_>>(), transcript.ending)
        };
        let expected = [
            (vec!["line 1: pause 1".to_owned()], Ending::Reset),
            (vec![], Ending::Close),
            (vec!["line 5: pause 2".to_owned()], Ending::Close),
        ];
        assert!(transcripts.iter().map(part).eq(expected));
    }

    #[test]
    fn ends_by_closing_unless_told_otherwise() {
        for (text, ending) in
            [("", Ending::Close), ("close", Ending::Close), ("cut", Ending::Cut), ("reset\n\n# comment", Ending::Reset)]
        {
            assert_eq!(only(text).ending, ending);
        }
    }

    #[test]
    fn refuses_what_is_malformed() {
        for text in [
            "colour",
            "send",
            "send x",
            "send \"x\" y",
            "expect \"x\" \"y\"",
            "expect",
            "expect-at-once",
            "next one",
            "pause",
            "pause -1",
            "pause 99999999999",
            "trickle \"x\"",
            "repeat 3",
            "starttls nonsense",
            "hold on",
            "close\npause 1",
            "close now",
        ] {
            assert!(Transcript::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Transcript::parse(b"send \"\xff\"").is_err());
    }
}

//! The commands of the transaction state.

use std::io::{self, Write};

use super::content::{Content, END};
use super::faults::{self, Faults};
use super::maildrop::Maildrop;
use super::words;

pub fn execute(
    out: &mut impl Write,
    content: &Content,
    faults: &Faults,
    maildrop: &mut Maildrop,
    verb: &[u8],
    argument: &[u8],
) -> io::Result<()> {
    match verb {
        _ if faults.lacks(verb) => out.write_all(b"-ERR unknown\r\n"),
        b"STAT" => {
            let count = maildrop.count();
            write!(out, "+OK {count} {}\r\n", count * content.octets())
        }
        b"LIST" if argument.is_empty() => list(out, content, maildrop),
        b"UIDL" if argument.is_empty() => faults::uidl(out, faults, maildrop.iter()),
        b"LIST" | b"UIDL" | b"RETR" | b"TOP" | b"DELE" => {
            let (first, second) = words::split(argument);
            let message = words::number(first).and_then(|number| Some((number, maildrop.id(number)?)));
            match message {
                None => out.write_all(b"-ERR no such message\r\n"),
                Some((number, _)) if verb == b"DELE" => {
                    maildrop.delete(number);
                    write!(out, "+OK message {number} deleted\r\n")
                }
                Some(message) => tell(out, content, faults, message, verb, second),
            }
        }
        b"RSET" => {
            maildrop.reset();
            write!(out, "+OK {} messages\r\n", maildrop.count())
        }
        b"NOOP" => out.write_all(b"+OK\r\n"),
        _ => out.write_all(b"-ERR not after log-in, or unknown\r\n"),
    }
}

fn list(out: &mut impl Write, content: &Content, maildrop: &Maildrop) -> io::Result<()> {
    let octets = content.octets();
    write!(out, "+OK {} messages\r\n", maildrop.count())?;
    for (number, _) in maildrop.iter() {
        write!(out, "{number} {octets}\r\n")?;
    }
    out.write_all(END)
}

/// Answers what was asked about one message.
fn tell(
    out: &mut impl Write,
    content: &Content,
    faults: &Faults,
    (number, id): (usize, u32),
    verb: &[u8],
    argument: &[u8],
) -> io::Result<()> {
    let octets = content.octets();
    match verb {
        b"LIST" => write!(out, "+OK {number} {octets}\r\n"),
        b"UIDL" => write!(out, "+OK {number} {}\r\n", faults.uid(number, id)),
        b"RETR" if faults.retrieve(out, content, id)? => Ok(()),
        b"RETR" => {
            write!(out, "+OK {octets} octets\r\n")?;
            content.write_message(out, id)?;
            out.write_all(END)
        }
        _ => match words::number(argument) {
            None => out.write_all(b"-ERR how many lines?\r\n"),
            Some(lines) => {
                out.write_all(b"+OK\r\n")?;
                content.write_top(out, id, lines)?;
                out.write_all(END)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::maildrop::Store;
    use super::*;
    use crate::options::Options;

    fn replies(commands: &[&str]) -> Vec<String> {
        let content = Content::new(0);
        let faults = Faults::from_options(&mut Options::parse(&[]).unwrap()).unwrap();
        let mut maildrop = Store::new(2).open();
        let reply = |command: &&str| {
            let mut out = Vec::new();
            let (verb, argument) = words::split(command.as_bytes());
            execute(&mut out, &content, &faults, &mut maildrop, verb, argument).unwrap();
            String::from_utf8(out).unwrap()
        };
        commands.iter().map(reply).collect()
    }

    #[test]
    fn deleted_messages_are_gone_until_reset() {
        let replies = replies(&["DELE 1", "DELE 1", "LIST 1", "UIDL", "RSET", "UIDL 1"]);
        assert_eq!(
            replies,
            [
                "+OK message 1 deleted\r\n",
                "-ERR no such message\r\n",
                "-ERR no such message\r\n",
                "+OK\r\n2 uid-2\r\n.\r\n",
                "+OK 2 messages\r\n",
                "+OK 1 uid-1\r\n",
            ]
        );
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for command in ["RETR", "RETR 3", "RETR x", "TOP 1", "TOP 1 x", "DELE", "USER x", ""] {
            assert!(replies(&[command])[0].starts_with("-ERR "), "{command}");
        }
    }
}

//! The lines of replies do not depend on how they were split on their way, and none is longer than the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3connect::error::Kind;
use pop3connect::proto::framing::{ReceiveBuffer, unstuff};
use pop3connect::proto::reply::Reply;
use pop3connect::text::{escape, mask};

const LONGEST: usize = 64 * 1024;

/// Every line, and the error that ended it.
fn read(bytes: &[u8], splits: &[u8]) -> (Vec<Vec<u8>>, Option<Kind>) {
    let mut inbox = ReceiveBuffer::default();
    let mut lines = Vec::new();
    let mut ending = None;
    let mut splits = splits.iter().cycle();
    let mut rest = bytes;
    loop {
        loop {
            let taken = match ending {
                None => inbox.take_first_line().map(|line| {
                    line.map(|(line, first)| {
                        ending = Some(first);
                        line
                    })
                }),
                Some(ending) => inbox.take_line(ending),
            };
            match taken {
                Ok(Some(line)) => {
                    let line = inbox.bytes(line);
                    assert!(line.len() <= LONGEST);
                    // the line that ends a list is followed by another reply
                    if unstuff(line).is_none() && lines.len() > 0 {
                        ending = None;
                    }
                    lines.push(line.to_vec());
                }
                Ok(None) => break,
                Err(error) => return (lines, Some(error.kind())),
            }
        }
        if rest.is_empty() {
            return (lines, None);
        }
        let count = (1 + usize::from(*splits.next().unwrap_or(&255))).min(rest.len());
        let room = match inbox.space() {
            Ok(room) => room,
            Err(error) => return (lines, Some(error.kind())),
        };
        let count = count.min(room.len());
        room[..count].copy_from_slice(&rest[..count]);
        inbox.filled(count);
        rest = &rest[count..];
    }
}

fuzz_target!(|input: (Vec<u8>, Vec<u8>, &[u8])| {
    let (splits, secret, bytes) = input;
    let read_whole = read(bytes, &[]);
    assert_eq!(read(bytes, &splits), read_whole, "the splits matter");
    let (lines, _) = read_whole;
    for line in &lines {
        let shown = escape(line);
        assert!(!shown.chars().any(char::is_control), "a log line has control characters: {shown:?}");
        if let Ok(reply) = Reply::parse_in_exchange(line) {
            let _ = reply.code();
        }
        if secret.len() >= 4 && !secret.iter().all(|byte| b"*+OKER- ".contains(byte)) {
            let masked = mask(line, &[&secret]);
            let status = [&b"+OK"[..], b"-ERR", b"+"].into_iter().find(|status| line.starts_with(status));
            let text = &masked[status.map_or(0, <[u8]>::len).min(masked.len())..];
            assert!(
                !text.windows(secret.len()).any(|window| window == secret),
                "a secret is shown: {:?}",
                escape(&masked)
            );
        }
    }
});

//! A message passes through unharmed, whatever is in it and however it is split on its way; and any bytes at all make
//! pieces that do not depend on how they were split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3connect::proto::body::{Body, Piece};
use pop3connect::proto::framing::Ending;

/// The content of a body, and how many bytes it took if it ended.
fn read(ending: Ending, bytes: &[u8], splits: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut body = Body::new(ending);
    let (mut content, mut used) = (Vec::new(), 0);
    let mut splits = splits.iter().cycle();
    let mut arrived = 0;
    while arrived < bytes.len() {
        arrived = (arrived + 1 + usize::from(*splits.next().unwrap_or(&255))).min(bytes.len());
        loop {
            let (piece, consumed) = body.next(&bytes[used..arrived]);
            used += consumed;
            match piece {
                Piece::Content(more) => {
                    assert!(!more.is_empty(), "a piece that is none");
                    content.extend_from_slice(more);
                }
                Piece::NeedMore => break,
                Piece::End => return (content, Some(used)),
            }
        }
        assert_eq!(used, arrived, "bytes are left that nobody waits for");
    }
    (content, None)
}

/// As a server sends it (RFC 1939, section 3).
fn stuff(content: &[u8], end: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::new();
    let mut is_line_start = true;
    for (at, byte) in content.iter().enumerate() {
        if is_line_start && *byte == b'.' {
            stuffed.push(b'.');
        }
        stuffed.push(*byte);
        is_line_start = content[..=at].ends_with(end);
    }
    stuffed.extend_from_slice(b".");
    stuffed.extend_from_slice(end);
    stuffed
}

fuzz_target!(|input: (bool, Vec<u8>, Vec<u8>, &[u8])| {
    let (is_crlf, splits, after, bytes) = input;
    let (ending, end) = if is_crlf { (Ending::CrLf, &b"\r\n"[..]) } else { (Ending::Lf, &b"\n"[..]) };

    assert_eq!(read(ending, bytes, &splits), read(ending, bytes, &[]), "the splits matter");

    let mut content = bytes.to_vec();
    if !content.is_empty() && !content.ends_with(end) {
        content.extend_from_slice(end);
    }
    let stuffed = stuff(&content, end);
    let sent = [&stuffed[..], &after].concat();
    assert_eq!(read(ending, &sent, &splits), (content, Some(stuffed.len())), "another message arrives than was sent");
});

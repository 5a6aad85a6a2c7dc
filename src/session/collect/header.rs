//! The digest of a header, by which messages are told apart that have no unique id, or the same.

use memchr::memchr;

use crate::crypto::RunningSha256;

/// SHA-256 over the lines of a header, up to the empty one behind it. However the lines end each counts with one LF:
/// servers do not end them alike in TOP and RETR.
#[derive(Default)]
pub struct HeaderDigest {
    digest: RunningSha256,
    is_in_line: bool,
    has_ended: bool,
}

impl HeaderDigest {
    /// The next octets of a message.
    pub fn add(&mut self, bytes: &[u8]) {
        // what is behind the header may be long
        let mut rest = if self.has_ended { &[] } else { bytes };
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (line, behind) = rest.split_at(end);
            for part in line.split(|byte| *byte == b'\r').filter(|part| !part.is_empty()) {
                if part == b"\n" && !self.is_in_line {
                    self.has_ended = true;
                    return;
                }
                self.digest.add(part);
                self.is_in_line = !part.ends_with(b"\n");
            }
            rest = behind;
        }
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.digest.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Hash;

    fn digest(pieces: &[&[u8]]) -> [u8; 32] {
        let mut header = HeaderDigest::default();
        pieces.iter().for_each(|piece| header.add(piece));
        header.finish()
    }

    #[test]
    fn the_header_alone_counts_however_its_lines_end() {
        let expected: [u8; 32] = Hash::Sha256.digest(&[b"A: b\nC: d\n"]).to_vec().try_into().unwrap();
        let whole = b"A: b\r\nC: d\r\n\r\nbody\r\n\r\nmore";
        assert_eq!(digest(&[whole]), expected);
        assert_eq!(digest(&[b"A: b\nC: d\n\nother"]), expected);
        assert_eq!(digest(&[b"A: b\r\nC: d\r\n"]), expected);
        for cut in 0..whole.len() {
            assert_eq!(digest(&[&whole[..cut], &whole[cut..]]), expected, "cut at {cut}");
        }
        assert_ne!(digest(&[b"A: b\r\nC: e\r\n"]), expected);
        assert_eq!(digest(&[b"\r\nA: b"]), digest(&[]));
    }
}

//! The words of a command.

/// Splits a line at its first blank.
pub fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|&byte| byte == b' ') {
        None => (line, b""),
        Some(at) => (&line[..at], &line[at + 1..]),
    }
}

pub fn number(digits: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.parse().ok().filter(|_| !digits.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_blank_splits() {
        let (verb, argument) = split(b"PASS s3cret pass ");
        assert_eq!((verb, argument), (&b"PASS"[..], &b"s3cret pass "[..]));
        assert_eq!(split(b"STAT"), (&b"STAT"[..], &b""[..]));
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!(number(b"10"), Some(10));
        for text in ["", "+1", "-1", "1 2", "x", "99999999999999999999999"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }
}

//! The strings of transcripts: `\r \n \t \\ \" \xNN`, everything else as it is.

use crate::Result;

/// Bytes as one line of printable ASCII.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b'"' => text.push_str("\\\""),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

/// Reads the quoted string that `text` begins with; returns its bytes and what follows it.
pub fn quoted(text: &str) -> Result<(Vec<u8>, &str)> {
    let mut rest = text.strip_prefix('"').ok_or("a string begins with \"")?;
    let mut bytes = Vec::new();
    loop {
        let special = rest.find(['"', '\\']).ok_or("a string without its end")?;
        bytes.extend_from_slice(&rest.as_bytes()[..special]);
        let escaped = rest[special..].strip_prefix('\\');
        rest = &rest[special + 1..];
        if escaped.is_none() {
            return Ok((bytes, rest));
        }
        let (byte, length) = unescape(rest)?;
        bytes.push(byte);
        rest = &rest[length..];
    }
}

/// The byte that stands after a backslash, and how many characters name it.
fn unescape(text: &str) -> Result<(u8, usize)> {
    let simple = match text.bytes().next() {
        Some(b'r') => b'\r',
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(byte @ (b'\\' | b'"')) => byte,
        Some(b'x') => return hex(text, 1).map(|byte| (byte, 3)),
        _ => return Err(format!("unknown escape at \\{text}")),
    };
    Ok((simple, 1))
}

/// The byte that the two hexadecimal digits at `at` stand for.
pub fn hex(text: &str, at: usize) -> Result<u8> {
    text.get(at..at + 2)
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        .ok_or_else(|| format!("two hexadecimal digits are missing in {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_reads_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = format!("\"{}\" rest", escape(&all));
        assert_eq!(quoted(&text), Ok((all, " rest")));
    }

    #[test]
    fn escapes_what_does_not_print() {
        assert_eq!(escape(b"a b\r\n\t\"\\\0\xff"), r#"a b\r\n\t\"\\\x00\xff"#);
    }

    #[test]
    fn characters_beyond_ascii_are_their_bytes() {
        assert_eq!(quoted("\"é\""), Ok(("é".as_bytes().to_vec(), "")));
    }

    #[test]
    fn refuses_what_is_not_a_string() {
        for text in ["", "x", "\"", "\"x", "\"\\", "\"\\\"", "\"\\q\"", "\"\\x1\"", "\"\\x+1\""] {
            assert!(quoted(text).is_err(), "{text}");
        }
    }
}

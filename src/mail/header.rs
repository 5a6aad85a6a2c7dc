//! Where a header ends, and its fields as they stand (RFC 5322, section 2.2).

use memchr::memchr;

/// A message, or a part of one: its header, and behind the empty line its body. Where a line is no field of a header, and
/// no empty one either, the body begins with that line: nothing is lost.
pub fn divide(entity: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    for line in lines(entity) {
        if is_empty(line) {
            return (&entity[..end], &entity[end + line.len()..]);
        }
        let belongs = match is_blank(line[0]) {
            true => end > 0,
            false => name(line).is_some() || end == 0 && is_envelope(line),
        };
        if !belongs {
            break;
        }
        end += line.len();
    }
    entity.split_at(end)
}

/// The fields of a header: the name, and the value with all its lines.
pub fn fields(header: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            let end = field_end(rest);
            let (field, after) = rest.split_at(end);
            rest = after;
            if field.is_empty() {
                return None;
            }
            if let Some(name) = name(field) {
                let colon = memchr(b':', field)?;
                return Some((name, field[colon + 1..].trim_ascii()));
            }
        }
    })
}

/// Behind the lines of the first field.
fn field_end(header: &[u8]) -> usize {
    let mut end = 0;
    for line in lines(header) {
        if end > 0 && !is_blank(line[0]) {
            break;
        }
        end += line.len();
    }
    end
}

/// The name of the field that begins with this line. Blanks before the colon are obsolete.
fn name(line: &[u8]) -> Option<&str> {
    let name = line[..memchr(b':', line)?].trim_ascii_end();
    match !name.is_empty() && name.iter().all(u8::is_ascii_graphic) {
        true => std::str::from_utf8(name).ok(),
        false => None,
    }
}

/// What files of many messages (mbox) have before each.
fn is_envelope(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

fn is_empty(line: &[u8]) -> bool {
    line == b"\n" || line == b"\r\n"
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The lines, each with its end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entity: &str, expected: &[(&str, &str)], body: &str) {
        let (header, rest) = divide(entity.as_bytes());
        let fields: Vec<_> = fields(header).map(|(name, value)| (name, std::str::from_utf8(value).unwrap())).collect();
        assert_eq!((&fields[..], std::str::from_utf8(rest).unwrap()), (expected, body), "{entity:?}");
    }

    #[test]
    fn a_header_and_a_body() {
        check(
            "A: 1\r\nB:\r\n 2\r\n\t3 \r\nA:4\r\n\r\nbody\r\n\r\n",
            &[("A", "1"), ("B", "2\r\n\t3"), ("A", "4")],
            "body\r\n\r\n",
        );
        check("A: 1\nb : 2\n\nbody", &[("A", "1"), ("b", "2")], "body");
        check("A: 1", &[("A", "1")], "");
        check("A: 1\r\n\r\n", &[("A", "1")], "");
        check("\r\nbody", &[], "body");
        check("", &[], "");
    }

    #[test]
    fn what_is_no_field_begins_the_body() {
        check("From alice Mon\nA: 1\n\nbody", &[("A", "1")], "body");
        check("A: 1\nFrom alice\nB: 2\n", &[("A", "1")], "From alice\nB: 2\n");
        check("A: 1\nno field\n\nbody", &[("A", "1")], "no field\n\nbody");
        check("  text: 1\nA: 2\n", &[], "  text: 1\nA: 2\n");
        check(": 1\n", &[], ": 1\n");
        check("Grüße: 1\n", &[], "Grüße: 1\n");
        check("two words: 1\n", &[], "two words: 1\n");
        // a line of blanks is not an empty one
        check("A: 1\n \nB: 2\n", &[("A", "1"), ("B", "2")], "");
    }
}

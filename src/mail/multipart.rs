//! Where the parts of a multipart are (RFC 2046, section 5.1).

use memchr::memmem::Finder;

/// The parts of a body, or `None` where no line in it is the boundary.
pub fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<impl Iterator<Item = &'a [u8]> + use<'a>> {
    let finder = Finder::new(format!("--{boundary}").as_bytes()).into_owned();
    let first = delimiter(body, &finder)?;
    let mut rest = (!first.is_last).then(|| &body[first.end..]);
    Some(std::iter::from_fn(move || {
        let text = rest.take()?;
        match delimiter(text, &finder) {
            Some(delimiter) => {
                rest = (!delimiter.is_last).then(|| &text[delimiter.end..]);
                Some(&text[..delimiter.start])
            }
            // the end is missing; a boundary that is the last line of all begins no part
            None => (!text.is_empty()).then_some(text),
        }
    }))
}

/// The line between two parts. The line end before it belongs to it.
struct Delimiter {
    start: usize,
    end: usize,
    is_last: bool,
}

fn delimiter(text: &[u8], finder: &Finder) -> Option<Delimiter> {
    let mut from = 0;
    while let Some(at) = finder.find(&text[from..]).map(|found| from + found) {
        from = at + 2;
        if at > 0 && text[at - 1] != b'\n' {
            continue;
        }
        let line = at + finder.needle().len();
        let end = memchr::memchr(b'\n', &text[line..]).map_or(text.len(), |found| line + found + 1);
        let rest = &text[line..end];
        let is_last = rest.starts_with(b"--");
        // blanks may follow; anything else makes it another boundary
        if rest[if is_last { 2 } else { 0 }..].trim_ascii().is_empty() {
            let before = &text[..at];
            let before = before.strip_suffix(b"\n").map_or(before, |text| text.strip_suffix(b"\r").unwrap_or(text));
            return Some(Delimiter { start: before.len(), end, is_last });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&[&str]>) {
        let found = parts(body.as_bytes(), "b");
        let found = found.map(|parts| parts.map(|part| std::str::from_utf8(part).unwrap()).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{body:?}");
    }

    #[test]
    fn parts_of_bodies() {
        check("--b\r\n1\r\n--b\r\n2\r\n\r\n--b--\r\n", Some(&["1", "2\r\n"]));
        check("preamble\n--b\n1\n--b--\nepilogue\n--b\n", Some(&["1"]));
        check("--b \t\n1\n--b-- \n", Some(&["1"]));
        check("--b\n--b\n\n--b--", Some(&["", ""]));
    }

    #[test]
    fn broken_boundaries() {
        check("", None);
        check("text", None);
        check("x--b\n--bc\n --b\n", None);
        check("--b--", Some(&[]));
        check("--b\n1\n", Some(&["1\n"]));
        check("--b\n1\n--b", Some(&["1"]));
        check("--b\n1\n--b\n", Some(&["1"]));
        check("--b\n1\n--bc\n--b-\n2\n--b--", Some(&["1\n--bc\n--b-\n2"]));
        check("--b\n1 --b\n--b--x\n", Some(&["1 --b\n--b--x\n"]));
    }

    #[test]
    fn boundaries_that_are_found_everywhere_take_no_time() {
        let body = "-".repeat(1_000_000);
        assert!(parts(body.as_bytes(), &"-".repeat(10_000)).is_none());
    }
}

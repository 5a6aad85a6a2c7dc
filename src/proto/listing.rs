//! What STAT, LIST, UIDL and CAPA say.
//!
//! Servers put several blanks between words and more words behind them; both are passed over.

use memchr::memchr;

use crate::error::{Error, Kind, Result};

/// How much a capability list may hold: far more than any server says, far less than would hurt.
pub const MAX_CAPABILITIES: usize = 64 * 1024;

/// What a server says it can do (RFC 2449), one capability a line, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    lines: Vec<u8>,
}

impl Capabilities {
    /// Adds a line of the list, unstuffed.
    pub fn push(&mut self, line: &[u8]) -> Result<()> {
        if self.lines.len() + line.len() >= MAX_CAPABILITIES {
            let text = format!("the server listed capabilities of more than {MAX_CAPABILITIES} octets");
            return Err(Error::new(Kind::Limit, text));
        }
        // a bare LF is content, and must not make two capabilities of one
        self.lines.extend(line.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        self.lines.push(b'\n');
        Ok(())
    }

    /// Whether a capability is listed; names are in any letter case.
    pub fn has(&self, name: &str) -> bool {
        self.arguments(name).is_some()
    }

    /// Whether a SASL mechanism is listed (RFC 5034).
    pub fn has_sasl(&self, mechanism: &str) -> bool {
        self.lines()
            .filter_map(|line| arguments(line, "SASL"))
            .any(|mut listed| listed.any(|name| name.eq_ignore_ascii_case(mechanism.as_bytes())))
    }

    /// Whether any SASL mechanism is listed, known or not.
    pub fn lists_sasl(&self) -> bool {
        self.lines().filter_map(|line| arguments(line, "SASL")).any(|mut listed| listed.next().is_some())
    }

    /// The list as it came, each line ended by LF.
    pub fn as_bytes(&self) -> &[u8] {
        &self.lines
    }

    fn arguments(&self, name: &str) -> Option<impl Iterator<Item = &[u8]>> {
        self.lines().find_map(|line| arguments(line, name))
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.lines[..];
        std::iter::from_fn(move || {
            let (line, behind) = rest.split_at(memchr(b'\n', rest)?);
            rest = &behind[1..];
            Some(line)
        })
    }
}

/// What STAT says (RFC 1939, section 5): the number of messages and the octets of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// How many messages there are, those marked as deleted left out.
    pub count: i32,
    /// How many octets they have together, as the server tells it; what does not fit is as much as does.
    pub octets: i64,
}

impl Stat {
    /// Reads the text of STAT's `+OK`. More words than it must have are passed over.
    ///
    /// The octets must be there and be a number, but nothing relies on their value: servers are known that say too
    /// many, too few and fewer than none.
    pub fn parse(text: &[u8]) -> Result<Stat> {
        let mut words = words(text);
        let (Some(count), Some(octets)) = (words.next(), words.next()) else {
            let text = "STAT must say a number of messages and of octets";
            return Err(Error::new(Kind::ShortResponse, text));
        };
        match (number(count), saturating_octets(octets)) {
            (Some(count), Some(octets)) => Ok(Stat { count, octets }),
            _ => Err(Error::new(Kind::Syntax, "the answer to STAT is not a message count and a size")),
        }
    }
}

/// How long a message is to be by the text of RETR's `+OK`, which many servers begin as RFC 1939 shows it, `120 octets`,
/// and others end with `(120 octets)`. Nothing may rely on it: some count each line end as one octet, some guess.
pub fn announced_size(text: &[u8]) -> Option<u64> {
    let units = words(text).skip(1);
    words(text).zip(units).find_map(|(size, unit)| {
        let unit = unit.to_ascii_lowercase();
        let is_unit = [&b"octets"[..], b"bytes"].iter().any(|name| unit.starts_with(name));
        let size = size.strip_prefix(b"(").unwrap_or(size);
        octets(size).filter(|_| is_unit)
    })
}

/// A line of LIST, or the text of `LIST n` (RFC 1939, section 5): the number of a message and its octets.
///
/// The octets are told as the server tells them; some are wrong, and a few are negative.
pub fn scan_listing(text: &[u8]) -> Result<(i32, i64)> {
    let mut words = words(text);
    let (Some(number), Some(octets)) = (words.next(), words.next()) else {
        return Err(Error::new(Kind::ShortResponse, "LIST must say the number of a message and its octets"));
    };
    let octets = std::str::from_utf8(octets).ok().filter(|octets| !octets.starts_with('+'));
    match (message_number(number), octets.and_then(|octets| octets.parse().ok())) {
        (Some(number), Some(octets)) => Ok((number, octets)),
        _ => Err(Error::new(Kind::Syntax, "the answer to LIST is not a message number and a size")),
    }
}

/// A line of UIDL (RFC 1939, section 7): the number of a message and its unique id, of whatever length. The id is all
/// that follows the number: some servers make ids with blanks in them.
pub fn unique_id_listing(text: &[u8]) -> Result<(i32, &[u8])> {
    let text = text.trim_ascii();
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    let (number, uid) = (&text[..end], text[end..].trim_ascii_start());
    if uid.is_empty() {
        return Err(Error::new(Kind::ShortResponse, "UIDL must say the number of a message and its unique id"));
    }
    match message_number(number) {
        Some(number) => unique_id(uid).map(|uid| (number, uid)),
        None => Err(Error::new(Kind::Syntax, "the answer to UIDL is not a message number and a unique id")),
    }
}

/// A unique id, which is to become a C string.
fn unique_id(uid: &[u8]) -> Result<&[u8]> {
    match uid.contains(&0) {
        true => Err(Error::new(Kind::Syntax, "UIDL says a unique id with a NUL in it")),
        false => Ok(uid),
    }
}

/// The text of `LIST n`.
pub fn scan_listing_of(number: i32, text: &[u8]) -> Result<(i32, i64)> {
    let (told, octets) = scan_listing(text)?;
    of_message(number, told).map(|number| (number, octets))
}

/// The text of `UIDL n`, which some servers answer without repeating the number. Several words of which the first is no
/// number may be anything.
pub fn unique_id_of(number: i32, text: &[u8]) -> Result<(i32, &[u8])> {
    let mut words = words(text);
    match (words.next(), words.next()) {
        (Some(uid), None) if message_number(uid) != Some(number) => unique_id(uid).map(|uid| (number, uid)),
        _ => {
            let (told, uid) = unique_id_listing(text)?;
            of_message(number, told).map(|number| (number, uid))
        }
    }
}

/// Whether a line may be one of a list of messages: it begins with a number of a message.
pub fn is_entry(line: &[u8]) -> bool {
    words(line).next().is_some_and(|word| message_number(word).is_some())
}

/// Whether nothing is in a line.
pub fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

/// That the server speaks of the message that it was asked about.
fn of_message(number: i32, told: i32) -> Result<i32> {
    match told == number {
        true => Ok(number),
        false => Err(Error::new(Kind::Syntax, format!("the server was asked about message {number}, not {told}"))),
    }
}

fn arguments<'a>(line: &'a [u8], name: &str) -> Option<impl Iterator<Item = &'a [u8]>> {
    let mut words = words(line);
    words.next()?.eq_ignore_ascii_case(name.as_bytes()).then_some(words)
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// A number of octets, negative or not; what does not fit is as much as does.
fn saturating_octets(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let largest = if digits.len() == word.len() { i64::MAX } else { i64::MIN };
    is_number.then(|| std::str::from_utf8(word).ok().and_then(|word| word.parse().ok()).unwrap_or(largest))
}

/// A number of octets, without a sign.
fn octets(word: &[u8]) -> Option<u64> {
    let is_number = word.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(word).ok().filter(|_| is_number)?.parse().ok()
}

fn message_number(word: &[u8]) -> Option<i32> {
    number(word).filter(|number| *number > 0)
}

fn number(word: &[u8]) -> Option<i32> {
    word.iter().try_fold(0i32, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(lines: &[&str]) -> Capabilities {
        let mut capabilities = Capabilities::default();
        for line in lines {
            capabilities.push(line.as_bytes()).unwrap();
        }
        capabilities
    }

    #[test]
    fn sizes_that_are_announced() {
        for (text, size) in [
            ("120 octets", Some(120)),
            ("0  Octets follow.", Some(0)),
            ("120", None),
            ("120 messages", None),
            ("-1 octets", None),
            ("+1 octets", None),
            ("99999999999999999999 octets", None),
            ("message follows", None),
            ("Message follows (23 octets)", Some(23)),
            ("RETR 7: 4711 bytes follow", Some(4711)),
            ("(x octets), 5 octets", Some(5)),
            ("message octets 12", None),
            ("octets", None),
            ("() octets", None),
            ("12 (octets)", None),
            ("5 octets of 9 octets", Some(5)),
            ("", None),
        ] {
            assert_eq!(announced_size(text.as_bytes()), size, "{text}");
        }
    }

    #[test]
    fn capabilities_by_name_in_any_case() {
        let listed = capabilities(&["TOP", "stls", "SASL  PLAIN\tcram-md5 X-ZIMBRA", "UTF8 USER", ""]);
        assert!(listed.has("STLS") && listed.has("TOP") && listed.has("UTF8"));
        assert!(!listed.has("USER") && !listed.has("STL") && !listed.has("PLAIN") && !listed.has(""));
        assert!(listed.has_sasl("PLAIN") && listed.has_sasl("CRAM-MD5"));
        assert!(!listed.has_sasl("SASL") && !listed.has_sasl("CRAM"));
        assert!(listed.lists_sasl() && !capabilities(&["USER", "SASL", "X SASL Y"]).lists_sasl());
        assert_eq!(listed.as_bytes(), b"TOP\nstls\nSASL  PLAIN\tcram-md5 X-ZIMBRA\nUTF8 USER\n\n");
    }

    #[test]
    fn a_line_feed_inside_a_line_makes_no_capability() {
        let listed = capabilities(&["X\nSTLS"]);
        assert!(listed.has("X") && !listed.has("STLS"));
        assert_eq!(listed.as_bytes(), b"X STLS\n");
    }

    #[test]
    fn mechanisms_may_be_listed_on_several_lines() {
        assert!(capabilities(&["SASL LOGIN", "SASL PLAIN"]).has_sasl("PLAIN"));
    }

    #[test]
    fn capabilities_have_a_limit() {
        for line in [&b"X"[..], b""] {
            let mut listed = Capabilities::default();
            let result = (0..1_000_000).try_for_each(|_| listed.push(line));
            assert_eq!(result.unwrap_err().kind(), Kind::Limit, "{line:?}");
            assert!(listed.as_bytes().len() <= MAX_CAPABILITIES);
        }
    }

    #[test]
    fn stat() {
        for (text, count, octets) in [
            ("2 320", 2, 320),
            ("0 0", 0, 0),
            (" 7  99 and more", 7, 99),
            ("1 -5", 1, -5),
            ("3 99999999999999999999", 3, i64::MAX),
            ("3 -99999999999999999999", 3, i64::MIN),
        ] {
            assert_eq!(Stat::parse(text.as_bytes()).unwrap(), Stat { count, octets }, "{text}");
        }
        for text in ["", " ", "5"] {
            assert_eq!(Stat::parse(text.as_bytes()).unwrap_err().kind(), Kind::ShortResponse, "{text}");
        }
        for text in ["x 1", "1 x", "-1 5", "2147483648 1", "1 -", "+1 1", "\u{661} 1"] {
            assert_eq!(Stat::parse(text.as_bytes()).unwrap_err().kind(), Kind::Syntax, "{text}");
        }
    }

    #[test]
    fn scan_listings() {
        for (text, number, octets) in [
            ("1 120", 1, 120),
            (" 2   200  and more", 2, 200),
            ("3 9223372036854775807", 3, i64::MAX),
            ("4 -1", 4, -1),
            ("5 0", 5, 0),
        ] {
            assert_eq!(scan_listing(text.as_bytes()).unwrap(), (number, octets), "{text}");
        }
        for text in ["", "1", " 1 "] {
            assert_eq!(scan_listing(text.as_bytes()).unwrap_err().kind(), Kind::ShortResponse, "{text}");
        }
        for text in ["x 1", "1 x", "0 1", "-1 1", "1 9223372036854775808", "1 1.5", "1 +1", "4294967297 1", "1 \u{661}"]
        {
            assert_eq!(scan_listing(text.as_bytes()).unwrap_err().kind(), Kind::Syntax, "{text}");
        }
    }

    #[test]
    fn a_scan_listing_of_one_message_is_of_that_one() {
        assert_eq!(scan_listing_of(2, b"2 200").unwrap(), (2, 200));
        assert_eq!(scan_listing_of(2, b"3 200").unwrap_err().kind(), Kind::Syntax);
        assert_eq!(scan_listing_of(2, b"2").unwrap_err().kind(), Kind::ShortResponse);
    }

    #[test]
    fn unique_ids() {
        assert_eq!(unique_id_listing(b"1 whqtswO00WBw418f9t5JxYwZ").unwrap(), (1, &b"whqtswO00WBw418f9t5JxYwZ"[..]));
        assert_eq!(unique_id_listing(b" 2   7  more \t").unwrap(), (2, &b"7  more"[..]));
        assert_eq!(unique_id_listing(b"1 Mon 10:01").unwrap(), (1, &b"Mon 10:01"[..]));
        assert_eq!(unique_id_listing(&[b"3 ", &[b'x'; 60_000][..]].concat()).unwrap().1.len(), 60_000);
        for text in [&b"1"[..], b" 1 ", b""] {
            assert_eq!(unique_id_listing(text).unwrap_err().kind(), Kind::ShortResponse);
        }
        for text in [&b"x y"[..], b"0 a", b"-1 a", b"1 a\0b", b"1 a \0"] {
            assert_eq!(unique_id_listing(text).unwrap_err().kind(), Kind::Syntax);
        }
        assert_eq!(unique_id_of(4, b"4 abc").unwrap(), (4, &b"abc"[..]));
        assert_eq!(unique_id_of(4, b" abc ").unwrap(), (4, &b"abc"[..]));
        assert_eq!(unique_id_of(4, b"5").unwrap(), (4, &b"5"[..]));
        assert_eq!(unique_id_of(4, b"").unwrap_err().kind(), Kind::ShortResponse);
        assert_eq!(unique_id_of(4, b"4").unwrap_err().kind(), Kind::ShortResponse);
        assert_eq!(unique_id_of(4, b"4 Mon 10:01 ").unwrap(), (4, &b"Mon 10:01"[..]));
        for text in [&b"5 abc"[..], b"unique ids follow", b"a\0b", b"4 a\0b"] {
            assert_eq!(unique_id_of(4, text).unwrap_err().kind(), Kind::Syntax, "{text:?}");
        }
    }

    #[test]
    fn what_may_be_a_line_of_a_list() {
        assert!(is_entry(b"1 120") && is_entry(b" 2147483647") && is_entry(b"7 "));
        assert!(!is_entry(b"") && !is_entry(b"0 1") && !is_entry(b"+OK 1") && !is_entry(b".") && !is_entry(b"1a 2"));
        assert!(is_blank(b"") && is_blank(b" \t\r") && !is_blank(b"."));
    }
}

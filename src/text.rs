//! Text fit to be shown: escaped, shortened, its secrets masked.

use std::borrow::Cow;
use std::cell::OnceCell;

use memchr::memmem;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::secret::{base64, join};
use crate::shortage;

/// What is longer is shown where there is memory for it; as long as an answer may be (RFC 2449, section 4).
const ALWAYS_SHOWN: usize = 512;

/// The same as [`escape`], of a text that may be long: where there is no memory for it, how long it is.
pub fn show(bytes: &[u8]) -> String {
    show_where(bytes, shortage::has)
}

fn show_where(bytes: &[u8], has_memory: impl Fn(usize) -> bool) -> String {
    // escaped it may be four times as long, and is copied on its way to the host
    const COPIES: usize = 16;
    if bytes.len() <= ALWAYS_SHOWN || has_memory(bytes.len() * COPIES) {
        return escape(bytes);
    }
    format!("({} octets, for which there is no memory)", bytes.len())
}

/// The same as [`escape`], of a text that somebody else may have made long: its beginning, and how much follows.
pub fn brief(bytes: &[u8]) -> String {
    const SHOWN: usize = 200;
    if bytes.len() <= SHOWN {
        return escape(bytes);
    }
    // not in the middle of a character
    let continues = |at: &usize| bytes[*at] & 0xc0 == 0x80;
    let end = (SHOWN - 3..=SHOWN).rev().find(|at| !continues(at)).unwrap_or(SHOWN);
    format!("{}… and {} octets more", escape(&bytes[..end]), bytes.len() - end)
}

/// In hexadecimal digits, as digests are shown.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Text fit to be shown: UTF-8 as it is; control characters, what would change how the line is laid out, and every other
/// byte as `\xNN`.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || changes_layout(character) {
                let mut encoded = [0; 4];
                push_escaped(&mut text, character.encode_utf8(&mut encoded).as_bytes());
            } else {
                text.push(character);
            }
        }
        push_escaped(&mut text, chunk.invalid());
    }
    text
}

/// Ends of lines and of paragraphs that are no control characters, and what turns the direction of writing (UAX #9): by
/// these a text of somebody else's could pass for another one.
fn changes_layout(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// A secret that is shorter than this is found in any text.
const SHORT: usize = 4;

/// A text of which nothing is shown.
const NOTHING: &[u8] = b" ***";

/// A line of the server with every secret that it echoes masked, its status left alone. Secrets that hold other ones
/// come first. Where a very short one occurs nothing of the text is shown, since the gaps would tell it; nor where a mask
/// and what stands beside it are a secret again, nor where the status is the beginning of a secret.
pub fn mask<'a>(line: &'a [u8], secrets: &[&[u8]]) -> Cow<'a, [u8]> {
    let (status, text) = split_status(line);
    let begins_in_status = |secret: &&[u8]| {
        // a secret that ends there tells nothing that the status does not
        (0..status.len()).any(|at| secret.len() > status.len() - at && line[at..].starts_with(secret))
    };
    if secrets.iter().any(begins_in_status) {
        return hide(line);
    }
    let mut masked: Option<Vec<u8>> = None;
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let text = masked.as_deref().unwrap_or(text);
        if memmem::find(text, secret).is_some() {
            masked = Some(if secret.len() < SHORT { NOTHING.to_vec() } else { replace(text, secret) });
        }
    }
    let shows =
        |text: &[u8]| secrets.iter().any(|secret| secret.len() >= SHORT && memmem::find(text, secret).is_some());
    match masked {
        None => Cow::Borrowed(line),
        Some(text) if shows(&text) => hide(line),
        Some(text) => {
            join(&[status, &text]).map_or_else(|_| hide(line), |mut line| Cow::Owned(std::mem::take(&mut *line)))
        }
    }
}

/// The status of a line, which is all that is shown of it.
fn hide(line: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned([split_status(line).0, NOTHING].concat())
}

/// The status that a line begins with, and what follows.
fn split_status(line: &[u8]) -> (&[u8], &[u8]) {
    let status = [&b"+OK"[..], b"-ERR", b"+"].into_iter().find(|status| line.starts_with(status));
    line.split_at(status.map_or(0, <[u8]>::len))
}

/// What may not be shown. Most sessions show nothing, so the forms of it that base64 makes are worked out by the first
/// text that is masked.
#[derive(Default)]
pub struct Secrets {
    /// Masked as they are, those that hold other ones first.
    whole: Vec<Zeroizing<Vec<u8>>>,
    /// Masked in every form.
    plain: Vec<Zeroizing<Vec<u8>>>,
    /// Their forms, `None` where there was no memory for them.
    forms: OnceCell<Option<Vec<Zeroizing<Vec<u8>>>>>,
}

impl Secrets {
    /// Adds what is masked in every form in which it can be part of a text.
    pub fn add(&mut self, secret: &[u8]) -> Result<()> {
        if !secret.is_empty() {
            self.plain.push(join(&[secret])?);
            self.forms = OnceCell::new();
        }
        Ok(())
    }

    /// Adds what is masked where it stands as it is, and may hold what was added otherwise.
    pub fn add_whole(&mut self, secret: Zeroizing<Vec<u8>>) {
        self.whole.push(secret);
    }

    /// The same as [`mask`], of these secrets. What `said` has comes first: it may hold them. Where there is no memory to
    /// mask by nothing is shown.
    pub fn mask<'a>(&self, line: &'a [u8], said: &[&[u8]]) -> Cow<'a, [u8]> {
        let forms = self.forms.get_or_init(|| {
            let each: Result<Vec<_>> = self.plain.iter().map(|secret| every_form(secret)).collect();
            each.ok().map(|each| each.into_iter().flatten().collect())
        });
        let Some(forms) = forms else { return hide(line) };
        let own = self.whole.iter().chain(forms).map(|secret| &***secret);
        mask(line, &said.iter().copied().chain(own).collect::<Vec<_>>())
    }
}

/// A secret as it is, and what every base64 text has that encodes a text with the secret in it, whatever else stands there:
/// by where the secret begins there are three forms. The digits at either end tell of the neighbours too and are left out.
fn every_form(secret: &[u8]) -> Result<Vec<Zeroizing<Vec<u8>>>> {
    let mut forms = vec![join(&[secret])?];
    for before in 0..3_usize {
        let text = join(&[&[0; 2][..before], secret])?;
        let encoded = base64(&text)?;
        let digits = encoded.get((before * 8).div_ceil(6)..text.len() * 8 / 6).unwrap_or_default();
        // so few would be found in any text, and tell next to nothing
        if digits.len() >= SHORT {
            forms.push(join(&[digits.as_bytes()])?);
        }
    }
    Ok(forms)
}

fn replace(text: &[u8], secret: &[u8]) -> Vec<u8> {
    const MASK: &[u8] = b"***";
    let count = memmem::find_iter(text, secret).count();
    let mut masked = Vec::new();
    let length = text.len() - count * secret.len() + count * MASK.len();
    if shortage::without_reserve(|| masked.try_reserve_exact(length)).is_err() {
        return NOTHING.to_vec();
    }
    let mut rest = 0;
    for at in memmem::find_iter(text, secret) {
        masked.extend_from_slice(&text[rest..at]);
        masked.extend_from_slice(MASK);
        rest = at + secret.len();
    }
    masked.extend_from_slice(&text[rest..]);
    masked
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push_str("\\x");
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn hexadecimal_digits() {
        assert_eq!(hex(&[0, 0x1f, 0xa0]), "001fa0");
    }

    #[test]
    fn escaping() {
        for (bytes, text) in [
            (&b"+OK ready"[..], "+OK ready"),
            ("+OK grüße \u{1f4e7}".as_bytes(), "+OK grüße \u{1f4e7}"),
            (b"a\x1b[2Jb\x07\x7f\t\0", r"a\x1b[2Jb\x07\x7f\x09\x00"),
            (b"latin \xfc", r"latin \xfc"),
            ("c1 \u{85}".as_bytes(), r"c1 \xc2\x85"),
            (b"cut \xe2\x82", r"cut \xe2\x82"),
            ("a\u{2028}b\u{2029}c".as_bytes(), r"a\xe2\x80\xa8b\xe2\x80\xa9c"),
            ("\u{202e}txt.exe\u{2066}\u{2069}".as_bytes(), r"\xe2\x80\xaetxt.exe\xe2\x81\xa6\xe2\x81\xa9"),
            ("\u{61c}\u{200e}\u{200f}".as_bytes(), r"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f"),
            // what joins letters, and what stands beside these in the tables
            ("\u{200d}\u{2027}\u{202f}\u{2065}\u{206a}".as_bytes(), "\u{200d}\u{2027}\u{202f}\u{2065}\u{206a}"),
            (b"", ""),
        ] {
            assert_eq!(escape(bytes), text);
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let whole = "a".repeat(200);
        assert_eq!(brief(whole.as_bytes()), whole);
        assert_eq!(brief(format!("{whole}bcd").as_bytes()), format!("{whole}… and 3 octets more"));
        let text = format!("{}{}", "a".repeat(198), "\u{1f4e7}".repeat(9));
        assert_eq!(brief(text.as_bytes()), format!("{}… and 36 octets more", "a".repeat(198)));
        assert_eq!(brief(&[0x80; 300]), format!("{}… and 100 octets more", r"\x80".repeat(200)));
        // a character has four octets at the most: what is none is cut anywhere
        let text = [&[b'a'; 150][..], &[0x80; 150]].concat();
        assert_eq!(brief(&text), format!("{}{}… and 100 octets more", "a".repeat(150), r"\x80".repeat(50)));
        assert_eq!(brief(b"a\x1b[2J"), r"a\x1b[2J");
    }

    #[test]
    fn secrets_are_known_in_base64_wherever_they_stand() {
        for secret in ["tanstaaf", "there ain't no such thing as a free lunch"] {
            let mut secrets = Secrets::default();
            secrets.add(secret.as_bytes()).unwrap();
            for before in ["", "a", "ab", "abc", "user=tim auth=Bearer "] {
                for after in ["", "z", "yz", "xyz"] {
                    let text = STANDARD.encode(format!("{before}{secret}{after}"));
                    let shown = secrets.mask(text.as_bytes(), &[]).into_owned();
                    assert!(shown.windows(3).any(|part| part == b"***"), "{before} {after}");
                    // no more than a digit at either end is left of it
                    let digits = secret.len() * 8 / 6 - 1;
                    assert!(shown.len() + digits <= text.len() + 3, "{before} {secret} {after}");
                }
            }
        }
        // of a short one only what has four digits
        assert_eq!(every_form(b"ab").unwrap().len(), 1);
    }

    #[test]
    fn what_holds_a_secret_is_masked_first() {
        let mut secrets = Secrets::default();
        secrets.add(b"").unwrap();
        assert_eq!(*secrets.mask(b"+OK all is shown", &[]), b"+OK all is shown"[..]);
        secrets.add(b"s3cret").unwrap();
        assert_eq!(*secrets.mask(b"+OK joe:s3cret", &[]), b"+OK joe:***"[..]);
        secrets.add_whole(join(&[b"joe:s3cret"]).unwrap());
        assert_eq!(*secrets.mask(b"+OK joe:s3cret", &[]), b"+OK ***"[..]);
        assert_eq!(*secrets.mask(b"+OK I, joe:s3cret, am", &[b"I, joe:s3cret,"]), b"+OK *** am"[..]);
        // what is added after that is masked as well
        secrets.add(b"token").unwrap();
        assert_eq!(*secrets.mask(b"+OK token s3cret", &[]), b"+OK *** ***"[..]);
    }

    #[test]
    fn without_memory_to_mask_by_nothing_is_shown() {
        let secrets = Secrets { forms: OnceCell::from(None), ..Secrets::default() };
        for (line, shown) in [("+OK s3cret", "+OK ***"), ("-ERR s3cret", "-ERR ***"), ("s3cret", " ***")] {
            assert_eq!(*secrets.mask(line.as_bytes(), &[]), *shown.as_bytes());
        }
    }

    #[test]
    fn what_is_long_is_shown_where_there_is_memory() {
        for length in [0, ALWAYS_SHOWN, ALWAYS_SHOWN + 1, 60_000] {
            let (text, shown) = (vec![b'x'; length], "x".repeat(length));
            assert_eq!(show(&text), shown);
            // as much as it takes and no less, where it is asked for at all
            assert_eq!(show_where(&text, |memory| memory == length * 16), shown);
            let without = show_where(&text, |_| false);
            assert_eq!(without.contains(&length.to_string()), length > ALWAYS_SHOWN);
            assert_eq!(without == shown, length <= ALWAYS_SHOWN);
        }
    }

    #[test]
    fn masking() {
        let secrets = [&b"AHMzY3JldA=="[..], b"s3cret", b""];
        for (line, masked) in [
            ("+OK welcome", "+OK welcome"),
            ("+OK AHMzY3JldA== s3cret, s3crets3cret!", "+OK *** ***, ******!"),
            ("-ERR bad password 's3cret'", "-ERR bad password '***'"),
            ("+OKs3cret", "+OK***"),
            ("s3cret and no status", "*** and no status"),
            ("+ s3cret", "+ ***"),
            ("+OK", "+OK"),
            ("", ""),
        ] {
            assert_eq!(mask(line.as_bytes(), &secrets), masked.as_bytes(), "{line}");
        }
        assert!(matches!(mask(b"+OK nothing", &secrets), Cow::Borrowed(_)));
        for (secret, line, masked) in [
            ("+OK", "+OK", "+OK"),
            ("+OK", "+OK+OK ready", "+OK ***"),
            ("+OK!", "+OK+OK! ready", "+OK*** ready"),
            ("+OKpass", "+OKpass", "+OK ***"),
            ("+OK pass", "+OK password", "+OK ***"),
            ("OK pass", "+OK pass", "+OK ***"),
            ("-ERR no", "-ERR no, and more", "-ERR ***"),
            ("+ cGFzcw==", "+ cGFzcw==", "+ ***"),
            ("+pass", "+pass", "+ ***"),
            ("K", "+OK ready", "+OK ready"),
            ("K ", "+OK ready", "+OK ***"),
        ] {
            let shown = mask(line.as_bytes(), &[secret.as_bytes()]);
            assert_eq!(shown, masked.as_bytes(), "{secret} in {line}");
        }
        for (line, masked) in
            [("+OK a is in many words", "+OK ***"), ("-ERR no", "-ERR no"), ("+OKa12", "+OK ***"), ("+ a12", "+ ***")]
        {
            assert_eq!(mask(line.as_bytes(), &[b"a"]), masked.as_bytes(), "{line}");
        }
    }

    #[test]
    fn memory_is_asked_for_at_once() {
        for (text, secret) in [("a s3cret, s3cret!", "s3cret"), ("s3crets3cret", "s3cret"), ("a bc bc", "bc")] {
            let masked = replace(text.as_bytes(), secret.as_bytes());
            assert_eq!(masked.capacity(), masked.len(), "{text}");
        }
    }

    #[test]
    fn a_mask_that_makes_a_secret() {
        for (secret, line) in [(&b"***x"[..], &b"+OK ***xx"[..]), (b"x***", b"-ERR xx***!"), (b"a***b", b"+OK aa***bb")]
        {
            let masked = mask(line, &[secret]);
            assert!(memmem::find(&masked, secret).is_none(), "{}", escape(&masked));
            assert!(masked.ends_with(NOTHING));
        }
    }
}

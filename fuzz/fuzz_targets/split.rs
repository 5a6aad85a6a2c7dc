//! Any octets are a message: what comes of them is whole, in order, fit for a host in C, and within the limit of memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3connect::error::Kind;
use pop3connect::mail::store::{FLOOR, Span};
use pop3connect::mail::{DEEPEST, MOST_PARTS, split};

fuzz_target!(|message: &[u8]| {
    let mail = match split(message) {
        Ok(mail) => mail,
        Err(error) => return assert_eq!(error.kind(), Kind::Limit, "{error}"),
    };
    let limit = 4 * message.len() + FLOOR;
    assert!(mail.store.held() <= limit);

    let mut held = 0;
    let mut text = |span: Span| {
        held += span.len() + 1;
        assert!(std::str::from_utf8(mail.store.get(span)).is_ok(), "no UTF-8");
        mail.text(span)
    };
    for field in mail.fields.iter() {
        let (name, value) = (text(field.name), text(field.value));
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name:?}");
        assert!(!value.contains(['\0', '\r', '\n']), "{value:?}");
    }
    let mut deepest = -1;
    for part in mail.parts.iter() {
        assert!((0..=deepest + 1).contains(&part.level) && part.level <= DEEPEST);
        assert!(part.level > 0 || deepest == -1, "a second message");
        deepest = part.level;
        for lower in [part.content_type, part.content_subtype, part.charset, part.encoding, part.disposition] {
            let lower = text(lower);
            assert!(!lower.contains(['\0', '\r', '\n']) && lower.to_ascii_lowercase() == lower, "{lower:?}");
        }
        for string in [part.content_id, part.file_name] {
            assert!(!text(string).contains(['\0', '\r', '\n']));
        }
        if let Some(shown) = part.text {
            text(shown);
            assert!(part.data.is_some());
        }
        held += part.data.map_or(0, |data| data.len() + 1);
    }
    assert!((1..=MOST_PARTS).contains(&mail.parts.len()));
    // a text that is its data counts once in truth
    assert!(held <= 2 * limit, "{held} octets of {}", message.len());
});

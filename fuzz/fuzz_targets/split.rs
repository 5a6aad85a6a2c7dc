//! Any octets are a message: what comes of them is whole, in order, fit for a host in C, and within the limit of memory.
#![no_main]

use std::cell::Cell;

use libfuzzer_sys::fuzz_target;
use pop3connect::error::Kind;
use pop3connect::mail::store::{FLOOR, Span};
use pop3connect::mail::{DEEPEST, Field, MOST_PARTS, Part, split};

fuzz_target!(|message: &[u8]| {
    let mail = match split(message) {
        Ok(mail) => mail,
        Err(error) => return assert_eq!(error.kind(), Kind::Limit, "{error}"),
    };
    let limit = 4 * message.len() + FLOOR;
    assert!(mail.store.held() <= limit);

    // what it holds, as a host would count it
    let held = Cell::new(0);
    let text = |span: Span| {
        held.set(held.get() + span.len() + 1);
        let bytes = mail.store.get(span);
        std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("no UTF-8: {}", bytes.escape_ascii()))
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
        let data = part.data.unwrap_or_default();
        held.set(held.get() + data.len() + 1);
        if let Some(shown) = part.text {
            assert!(part.data.is_some());
            let before = held.get();
            let shown = text(shown);
            // one that is its data is there once
            if mail.store.get(data).as_ptr_range().contains(&shown.as_ptr()) {
                held.set(before);
            }
        }
    }
    assert!((1..=MOST_PARTS).contains(&mail.parts.len()));
    let structures = mail.fields.len() * size_of::<Field>() + mail.parts.len() * size_of::<Part>();
    assert!(held.get() + structures <= limit, "{} octets of {}", held.get(), message.len());
});

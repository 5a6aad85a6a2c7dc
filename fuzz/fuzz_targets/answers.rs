//! What STAT, LIST, UIDL, CAPA and RETR say: numbers that are, or errors.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pop3connect::proto::listing::{
    Capabilities, MAX_CAPABILITIES, Stat, announced_size, scan_listing, scan_listing_of, unique_id_listing,
    unique_id_of,
};

fuzz_target!(|input: (u16, &[u8])| {
    let (number, text) = input;
    let number = i32::from(number) + 1;
    if let Ok(stat) = Stat::parse(text) {
        assert!(stat.count >= 0);
    }
    if let Ok((number, _)) = scan_listing(text) {
        assert!(number > 0);
    }
    if let Ok((number, uid)) = unique_id_listing(text) {
        assert!(number > 0 && !uid.is_empty() && !uid.contains(&0) && uid.trim_ascii() == uid);
    }
    if let Ok((told, _)) = scan_listing_of(number, text) {
        assert_eq!(told, number);
    }
    if let Ok((told, uid)) = unique_id_of(number, text) {
        assert!(told == number && !uid.is_empty() && !uid.contains(&0));
    }
    let _ = announced_size(text);
    let mut capabilities = Capabilities::default();
    for line in text.split(|byte| *byte == b'\n') {
        if capabilities.push(line).is_err() {
            break;
        }
    }
    assert!(capabilities.as_bytes().len() <= MAX_CAPABILITIES);
    let _ = (capabilities.has("PIPELINING"), capabilities.has_sasl("PLAIN"));
});

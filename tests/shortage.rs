//! When memory counts as short. In a process of its own, since sessions of other tests would hear of it.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use pop3connect::error::Kind;
use pop3connect::shortage::{self, RESERVE};

#[test]
fn a_quarter_of_the_reserve() {
    shortage::take(RESERVE / 4 - 1);
    assert!(shortage::check().is_ok() && !shortage::probably_out_of_memory());
    shortage::take(1);
    assert!(shortage::check().is_ok(), "the system has memory again");
    let limits = getrlimit(Resource::RLIMIT_AS).unwrap();
    setrlimit(Resource::RLIMIT_AS, 1, limits.1).unwrap();
    // what the heap still holds is used up
    let mut blocks = Vec::new();
    while shortage::has(1024 * 1024) {
        blocks.push(Vec::<u8>::with_capacity(1024 * 1024));
    }
    let short = (shortage::check().map_err(|error| error.kind()), shortage::probably_out_of_memory());
    shortage::give_back(1);
    let no_more = shortage::check().is_ok();
    setrlimit(Resource::RLIMIT_AS, limits.0, limits.1).unwrap();
    assert_eq!(short, (Err(Kind::OutOfMemory), true));
    assert!(no_more);
    shortage::give_back(RESERVE / 4 - 1);
}

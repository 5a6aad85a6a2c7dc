//! When memory counts as short. In a process of its own, since sessions of other tests would hear of it.

use pop3connect::error::Kind;
use pop3connect::shortage::{self, RESERVE};

#[test]
fn a_quarter_of_the_reserve() {
    shortage::take(RESERVE / 4 - 1);
    assert!(shortage::check().is_ok() && !shortage::is_likely());
    shortage::take(1);
    assert_eq!(shortage::check().unwrap_err().kind(), Kind::OutOfMemory);
    assert!(shortage::is_likely());
    shortage::give_back(1);
    assert!(shortage::check().is_ok());
    shortage::give_back(RESERVE / 4 - 1);
}

//! What the C side asks of the system: how threads and processes of the host end, what a path is, who started it. Each
//! platform's file has the same items.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{Uncancelled, is_privileged, path, watch_process};
#[cfg(windows)]
pub(super) use windows::{Uncancelled, is_privileged, path, watch_process};

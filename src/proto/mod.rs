//! The protocol, pure: no I/O, no clock, no globals. All of it can be run from a byte array.

pub mod auth;
pub mod body;
pub mod command;
pub mod framing;
pub mod listing;
pub mod refusal;
pub mod reply;

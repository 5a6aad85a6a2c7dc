//! Logging in: which mechanism, and what answers each reply until the server has decided.
//!
//! [`ways`] says by which mechanisms to try, [`Login`] is a machine fed with replies: in `login`. What SASL mechanisms have
//! in common is in `sasl`, base64 and initial responses (RFC 5034); what each says is an exchange, in a file for each
//! family of them.

mod choice;
mod credentials;
mod login;
mod md5;
mod oauth;
mod plain;
mod sasl;
mod scram;

pub use choice::{Mechanism, Offer, Wanted, ways};
pub use credentials::{ChannelBinding, Credentials, LoginContext, nonce};
pub use login::{Login, Next, Refusal};

//! What is made of setters, as options and jobs are: what one of them refused is kept until it is set right, since nothing
//! may go on without.

use std::ffi::CStr;

use crate::error::{Error, Kind, Result};

/// Setters that were refused and have not been called rightly since, and why.
#[derive(Default)]
pub struct Refusals(Vec<(&'static str, Kind, String)>);

/// What is made of setters.
pub trait Settable {
    /// The name that an error callback gets for them.
    const COMMAND: &'static CStr;
    /// How an error begins that says what they are.
    const WHAT: &'static str;

    /// What was refused.
    fn refused(&mut self) -> &mut Refusals;

    /// Changes them. What is refused is kept.
    fn change(&mut self, setter: &'static str, change: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let changed = change(self);
        self.refused().note(setter, &changed);
        changed
    }
}

impl Refusals {
    /// What a setter answered now.
    fn note(&mut self, setter: &'static str, answer: &Result<()>) {
        self.forget(setter);
        if let Err(error) = answer {
            self.0.push((setter, error.kind(), error.to_string()));
        }
    }

    /// That a setter has been made up for.
    pub fn forget(&mut self, setter: &str) {
        self.0.retain(|(refused, ..)| *refused != setter);
    }

    /// That there is none.
    pub fn check(&self) -> Result<()> {
        let Some((setter, kind, why)) = self.0.first() else { return Ok(()) };
        // what this platform does not have is no mistake of the host's
        let kind = if *kind == Kind::Unsupported { Kind::Unsupported } else { Kind::Parameter };
        Err(Error::new(kind, format!("{setter} was refused and not set right since: {why}")))
    }
}

//! What a setter refused, which nothing may go on without: kept until it is set right.

use crate::error::{Error, Kind, Result};

/// Setters that were refused and have not been called rightly since, and why.
#[derive(Default)]
pub struct Refusals(Vec<(&'static str, Kind, String)>);

impl Refusals {
    /// What a setter answered now.
    pub fn note<T>(&mut self, setter: &'static str, answer: &Result<T>) {
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

//! The manual pages and the error reference of pop3connect, written from what its header says.
//!
//! The header's comments have a regular shape. Where one has not, there is an error with the name of what it is about,
//! and nothing is written: what is documented cannot go missing unnoticed.

pub mod comment;
pub mod errors;
pub mod examples;
pub mod header;
pub mod page;
pub mod reference;

/// What is wrong with the header, in words.
pub type Result<T> = std::result::Result<T, String>;

/// The example of the overview page: the first program of the README, which the tests run.
pub fn example(readme: &str) -> Result<&str> {
    let (_, rest) = readme.split_once("```c program ").ok_or("the README has no program")?;
    let (_, code) = rest.split_once('\n').ok_or("the README ends in a fence")?;
    let (code, _) = code.split_once("```").ok_or("the README's program has no end")?;
    Ok(code)
}

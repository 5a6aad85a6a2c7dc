//! The `key=value` words of a command.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use crate::Result;
use crate::escape::hex;

/// Each option is taken once by whoever knows it; what is left over nobody knows.
pub struct Options(BTreeMap<String, String>);

impl Options {
    pub fn parse(words: &[&str]) -> Result<Self> {
        let mut options = BTreeMap::new();
        for word in words {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("{word}: not of the form key=value"))?;
            if options.insert(key.to_owned(), percent_decode(value)?).is_some() {
                return Err(format!("{key}: given twice"));
            }
        }
        Ok(Self(options))
    }

    pub fn text(&mut self, key: &str, default: &str) -> String {
        self.0.remove(key).unwrap_or_else(|| default.to_owned())
    }

    pub fn parsed<T: FromStr>(&mut self, key: &str, default: T) -> Result<T> {
        match self.0.remove(key) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| format!("{key}: {value} is no valid value")),
        }
    }

    pub fn at_most<T: FromStr + PartialOrd + Display>(&mut self, key: &str, default: T, most: T) -> Result<T> {
        let value = self.parsed(key, default)?;
        if value > most {
            return Err(format!("{key}: more than {most}"));
        }
        Ok(value)
    }

    /// The value that the word stands for among `choices`; the first is the default.
    pub fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Result<T> {
        let value = self.text(key, choices[0].0);
        choices.iter().find(|(name, _)| *name == value).map(|&(_, choice)| choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            format!("{key}: {value} is none of {}", names.join(", "))
        })
    }

    /// The address to listen on.
    pub fn address(&mut self) -> Result<IpAddr> {
        self.parsed("address", IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// Refuses the options that nobody took.
    pub fn finish(self) -> Result<()> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(key) => Err(format!("{key}: unknown key")),
        }
    }
}

fn percent_decode(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(hex(rest, at + 1)?);
        rest = &rest[at + 3..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| format!("{text}: not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options> {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        Options::parse(&words)
    }

    #[test]
    fn values_are_percent_decoded() {
        let mut options = options("pass=s3cret%20pass%25 user=").unwrap();
        assert_eq!(options.text("pass", ""), "s3cret pass%");
        assert_eq!(options.text("user", "alice"), "");
        assert_eq!(options.text("other", "default"), "default");
        assert_eq!(options.finish(), Ok(()));
    }

    #[test]
    fn what_nobody_took_is_unknown() {
        assert!(options("colour=red").unwrap().finish().is_err());
    }

    #[test]
    fn refuses_what_is_malformed() {
        for line in ["word", "a=1 a=2", "a=%", "a=%4", "a=%zz", "a=%ff", "a=%é"] {
            assert!(options(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_first_choice_is_the_default() {
        let choices = [("yes", true), ("no", false)];
        assert_eq!(options("").unwrap().choice("capa", &choices), Ok(true));
        assert_eq!(options("capa=no").unwrap().choice("capa", &choices), Ok(false));
        assert!(options("capa=maybe").unwrap().choice("capa", &choices).is_err());
    }
}

//! The comment of one item: what it is, what more there is to say, parameters, results, threads, since when; in that
//! order.

use crate::Result;

#[derive(Debug, Default, PartialEq)]
pub struct Comment {
    /// The first paragraph and those that follow, each in one line.
    pub paragraphs: Vec<String>,
    /// What is said of parameters: their names, and a text for all of them.
    pub parameters: Vec<(Vec<String>, String)>,
    /// From `Returns` on.
    pub returns: Option<String>,
    /// What follows `Threads:`.
    pub threads: Option<String>,
    /// The version that follows `Since:`.
    pub since: Option<String>,
}

impl Comment {
    /// Takes the comment's lines without what marks them as such.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut comment = Self::default();
        for block in blocks(lines) {
            comment.take(&block).map_err(|why| format!("{why}: {block}"))?;
        }
        match comment.paragraphs.first() {
            Some(first) if first.ends_with('.') => Ok(comment),
            Some(first) => Err(format!("the first paragraph does not end with a full stop: {first}")),
            None => Err("there is no comment".into()),
        }
    }

    /// The comment of what has neither parameters nor a result.
    pub fn parse_paragraphs<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let comment = Self::parse(lines)?;
        match comment.parameters.is_empty() && comment.returns.is_none() && comment.threads.is_none() {
            true => Ok(comment),
            false => Err("parameters, a result or threads of what is no function".into()),
        }
    }

    fn take(&mut self, block: &str) -> Result<()> {
        let after = |later: bool, what: &str| match later {
            true => Err(format!("{what} out of order")),
            false => Ok(()),
        };
        after(self.since.is_some(), "what follows a version")?;
        if let Some(version) = block.strip_prefix("Since: ") {
            self.since = Some(version.trim_end_matches('.').to_owned());
        } else if let Some(rest) = block.strip_prefix("Threads: ") {
            after(self.threads.is_some(), "threads")?;
            self.threads = Some(rest.to_owned());
        } else if block.starts_with("Returns ") {
            after(self.returns.is_some() || self.threads.is_some(), "a result")?;
            self.returns = Some(block.to_owned());
        } else if let Some(item) = block.strip_prefix("- ") {
            after(self.returns.is_some() || self.threads.is_some(), "a parameter")?;
            let (names, text) = item.split_once("`: ").ok_or("a parameter without a colon")?;
            let names = names.split(", ").map(|name| name.trim_matches('`').to_owned());
            self.parameters.push((names.collect(), text.to_owned()));
        } else {
            after(!self.parameters.is_empty() || self.returns.is_some() || self.threads.is_some(), "a paragraph")?;
            self.paragraphs.push(block.to_owned());
        }
        Ok(())
    }

    /// All that is said.
    pub fn text(&self) -> String {
        let parameters = self.parameters.iter().map(|(_, text)| text);
        let all = self.paragraphs.iter().chain(parameters).chain(&self.returns).chain(&self.threads);
        all.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The first sentence, without its full stop and without what is in parentheses at its end.
    pub fn summary(&self) -> &str {
        let first = self.paragraphs[0].split_once(". ").map_or(self.paragraphs[0].as_str(), |(first, _)| first);
        let first = first.trim_end_matches('.');
        match first.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
            Some((rest, _)) => rest,
            None => first,
        }
    }
}

/// Paragraphs, list items and such that begin with a word of their own, each in one line.
pub fn blocks<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines {
        let text = line.trim();
        let begins = ["- ", "Returns ", "Threads: ", "Since: "].iter().any(|begin| line.starts_with(begin));
        if text.is_empty() {
            open = false;
        } else if open && !begins {
            let last = blocks.last_mut().expect("one is open");
            last.push(' ');
            last.push_str(text);
        } else {
            blocks.push(text.to_owned());
            open = true;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(text: &str) -> Result<Comment> {
        Comment::parse(text.lines())
    }

    #[test]
    fn has_its_parts() {
        let parsed = comment(
            "Does it (RFC 1). And\nmore.\n\nElse.\n\n- `a`, `b`: both\n  of them.\n- `c`: one.\n\n\
             Returns 0.\nThreads: any.\nSince: 1.1.",
        );
        let parsed = parsed.unwrap();
        assert_eq!(parsed.paragraphs, ["Does it (RFC 1). And more.", "Else."]);
        assert_eq!(parsed.summary(), "Does it");
        assert_eq!(parsed.parameters[0], (vec!["a".into(), "b".into()], "both of them.".into()));
        assert_eq!(parsed.parameters[1], (vec!["c".into()], "one.".into()));
        assert_eq!(parsed.returns.as_deref(), Some("Returns 0."));
        assert_eq!(parsed.threads.as_deref(), Some("any."));
        assert_eq!(parsed.since.as_deref(), Some("1.1"));
        assert_eq!(parsed.text(), "Does it (RFC 1). And more. Else. both of them. one. Returns 0. any.");
        assert!(Comment::parse_paragraphs(["A.", "", "Threads: any."]).is_err());
    }

    #[test]
    fn refuses_another_shape() {
        for text in [
            "",
            "No full stop",
            "A.\n\n- no names",
            "A.\n\n- `a`: x.\n\nMore.",
            "A.\n\nThreads: any.\n\nReturns 0.",
            "A.\n\nSince: 1.1.\nThreads: any.",
        ] {
            assert!(comment(text).is_err(), "{text}");
        }
    }
}

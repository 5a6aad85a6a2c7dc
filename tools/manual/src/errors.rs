//! What a function answers: what a comment's `Returns` says, understood, and what it refers to, followed.
//!
//! ```text
//! Returns SUCCESS[, or LIST | . Or an error: LIST][. Or LIST]….[ MORE.]
//! LIST     CODE [(REASON)], CODE or CODE (REASON), an error of FUNCTION[ save for CODE and CODE][, AFTER]
//! SUCCESS  `as FUNCTION` for what that one answers
//! ```

use crate::Result;
use crate::header::{Function, Header};

/// What a function answers.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub success: String,
    pub failures: Vec<Failure>,
    /// What else is said of it.
    pub more: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub code: String,
    /// What the function says of it, if anything.
    pub reason: String,
    /// None where no session is concerned.
    pub after: Option<After>,
}

/// What becomes of the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum After {
    GoesOn,
    IsOver,
    SocketIsFree,
}

const AFTER: [(&str, After); 4] = [
    ("; after each of these the session goes on", After::GoesOn),
    (", after which the session goes on", After::GoesOn),
    (", after which it is over", After::IsOver),
    (", after which the socket is free", After::SocketIsFree),
];

/// What `function` answers; an error where its comment is not of that form, or contradicts the constants'.
pub fn outcome(header: &Header, function: &Function) -> Result<Option<Outcome>> {
    let Some(text) = &function.comment.returns else { return Ok(None) };
    let mut outcome = follow(header, text).map_err(|why| format!("{}: {why}", function.name))?;
    for failure in &mut outcome.failures {
        check(header, function, failure).map_err(|why| format!("{}: {}: {why}", function.name, failure.code))?;
    }
    Ok(Some(outcome))
}

fn check(header: &Header, function: &Function, failure: &mut Failure) -> Result<()> {
    let constant = header.constant(&failure.code).ok_or("there is no such constant")?;
    if !function.is_on_socket() || failure.code == "POP3_ERR_BAD_SOCKET" {
        failure.after = None; // there is no session
        return Ok(());
    }
    match failure.after {
        None => Err("nothing is said of the session".into()),
        Some(After::GoesOn) if constant.ends_session => {
            Err("its constant's comment says that it ends the session".into())
        }
        Some(After::IsOver) if !constant.ends_session => Err("its constant's comment does not say so".into()),
        _ => Ok(()),
    }
}

/// What a `Returns` and the comments that it refers to say together.
fn follow(header: &Header, text: &str) -> Result<Outcome> {
    let parsed = parse(text)?;
    let of = |name: &str| {
        let function = header.function(name).ok_or_else(|| format!("there is no function {name}"))?;
        let text = function.comment.returns.as_ref().ok_or_else(|| format!("{name} answers nothing"))?;
        follow(header, text)
    };
    let mut outcome = match parsed.as_function {
        Some(name) => of(&name)?,
        None => Outcome { success: parsed.success, failures: Vec::new(), more: String::new() },
    };
    if !parsed.more.is_empty() {
        outcome.more = parsed.more;
    }
    for item in parsed.items {
        match item {
            Item::Code(failure) => join(&mut outcome.failures, failure),
            Item::ErrorsOf { functions, other, except } => {
                let own: Vec<_> = outcome.failures.iter().map(|failure| failure.code.clone()).collect();
                for name in functions {
                    let inherited = of(&name)?.failures.into_iter();
                    let left_out = |code: &String| except.contains(code) || (other && own.contains(code));
                    inherited
                        .filter(|failure| !left_out(&failure.code))
                        .for_each(|failure| join(&mut outcome.failures, failure));
                }
            }
        }
    }
    Ok(outcome)
}

/// Adds a failure, or its reason to that of the same code.
fn join(failures: &mut Vec<Failure>, failure: Failure) {
    match failures.iter_mut().find(|there| there.code == failure.code) {
        None => failures.push(failure),
        Some(there) if there.reason.is_empty() => there.reason = failure.reason,
        Some(there) if failure.reason.is_empty() || there.reason.contains(&failure.reason) => {}
        Some(there) => there.reason = format!("{}; {}", there.reason, failure.reason),
    }
}

#[derive(Debug, PartialEq)]
enum Item {
    Code(Failure),
    ErrorsOf { functions: Vec<String>, other: bool, except: Vec<String> },
}

#[derive(Debug, Default, PartialEq)]
struct Parsed {
    success: String,
    as_function: Option<String>,
    items: Vec<Item>,
    more: String,
}

fn parse(text: &str) -> Result<Parsed> {
    let text = text.strip_prefix("Returns ").ok_or("it does not begin with Returns")?;
    let begins = [", or POP3_ERR_", ", or an error of ", ". Or an error: "];
    let found = begins.iter().filter_map(|begin| Some((text.find(begin)?, begin))).min();
    let Some((end, begin)) = found else { return without_errors(text) };
    let mut parsed = Parsed { success: text[..end].to_owned(), ..Parsed::default() };
    if let Some(name) = parsed.success.strip_prefix("as ") {
        parsed.as_function = Some(name.to_owned());
    }
    // the list begins with what told that it does
    let skipped = if begin.ends_with(": ") { begin.len() } else { ", or ".len() };
    let mut rest = Rest(&text[end + skipped..]);
    loop {
        list(&mut rest, &mut parsed.items)?;
        if !rest.take(".") {
            return Err(format!("not understood: {}", rest.0));
        }
        if !rest.take(" Or ") {
            break;
        }
    }
    parsed.more = rest.0.trim().to_owned();
    match parsed.more.contains("POP3_ERR_") {
        true => Err(format!("an error out of the list: {}", parsed.more)),
        false => Ok(parsed),
    }
}

fn without_errors(text: &str) -> Result<Parsed> {
    let success = text.trim_end_matches('.').to_owned();
    if success.contains("POP3_ERR_") {
        return Err(format!("an error out of the list: {text}"));
    }
    Ok(Parsed { as_function: success.strip_prefix("as ").map(str::to_owned), success, ..Parsed::default() })
}

/// Items up to what is said of the session after them, that included.
fn list(rest: &mut Rest, items: &mut Vec<Item>) -> Result<()> {
    let first = items.len();
    // codes joined by `or` have the reason of the last one
    let mut joined = vec![false; first];
    loop {
        items.push(item(rest)?);
        let (or, comma) = (rest.begins_item_after(" or "), rest.begins_item_after(", "));
        joined.push(or);
        if !or && !comma {
            break;
        }
    }
    for at in (first..items.len() - 1).rev() {
        let (before, after) = items.split_at_mut(at + 1);
        if let (true, Item::Code(one), Item::Code(next)) = (joined[at], &mut before[at], &after[0]) {
            one.reason.clone_from(&next.reason);
        }
    }
    let after = AFTER.iter().find(|(words, _)| rest.take(words)).map(|&(_, after)| after);
    for item in &mut items[first..] {
        if let Item::Code(failure) = item {
            failure.after = after;
        }
    }
    Ok(())
}

fn item(rest: &mut Rest) -> Result<Item> {
    let other = rest.take("any other error of ");
    if !other && !rest.take("an error of ") {
        let code = rest.word("POP3_ERR_")?;
        let reason = if rest.take(" (") { rest.reason()? } else { String::new() };
        return Ok(Item::Code(Failure { code, reason, after: None }));
    }
    let functions = rest.words("pop3_", " or ")?;
    let except = if rest.take(" save for ") { rest.words("POP3_ERR_", " and ")? } else { Vec::new() };
    Ok(Item::ErrorsOf { functions, other, except })
}

/// What is still to be understood.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn take(&mut self, words: &str) -> bool {
        let rest = self.0.strip_prefix(words);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes what separates items if an item follows.
    fn begins_item_after(&mut self, separator: &str) -> bool {
        let follows = self.0.strip_prefix(separator);
        let begins = ["POP3_ERR_", "an error of ", "any other error of "];
        let begins = follows.is_some_and(|rest| begins.iter().any(|begin| rest.starts_with(begin)));
        begins && self.take(separator)
    }

    fn word(&mut self, begin: &str) -> Result<String> {
        let end = self.0.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        match word.starts_with(begin) {
            true => {
                self.0 = rest;
                Ok(word.to_owned())
            }
            false => Err(format!("not understood: {}", self.0)),
        }
    }

    /// `a, b LAST c`
    fn words(&mut self, begin: &str, last: &str) -> Result<Vec<String>> {
        let mut words = vec![self.word(begin)?];
        for separator in [", ", last] {
            while self.0.strip_prefix(separator).is_some_and(|rest| rest.starts_with(begin)) {
                self.take(separator);
                words.push(self.word(begin)?);
            }
        }
        Ok(words)
    }

    /// Up to the parenthesis that closes.
    fn reason(&mut self) -> Result<String> {
        let mut depth = 1;
        for (at, c) in self.0.char_indices() {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            if depth == 0 {
                let reason = self.0[..at].to_owned();
                self.0 = &self.0[at + 1..];
                return Ok(reason);
            }
        }
        Err(format!("no end of the parenthesis: {}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: &str, reason: &str, after: Option<After>) -> Item {
        Item::Code(Failure { code: format!("POP3_ERR_{code}"), reason: reason.into(), after })
    }

    #[test]
    fn groups_say_what_becomes_of_the_session() {
        let parsed = parse(
            "Returns 0, or POP3_ERR_A, POP3_ERR_B or POP3_ERR_C (it is (quite) bad, or worse); after each of these the \
             session goes on. Or POP3_ERR_D, after which it is over. The end.",
        )
        .unwrap();
        let (on, over) = (Some(After::GoesOn), Some(After::IsOver));
        let reason = "it is (quite) bad, or worse";
        assert_eq!(
            parsed.items,
            [code("A", "", on), code("B", reason, on), code("C", reason, on), code("D", "", over)]
        );
        assert_eq!((parsed.success.as_str(), parsed.more.as_str()), ("0", "The end."));
    }

    #[test]
    fn references_are_understood() {
        let parsed = parse(
            "Returns it. Or an error: POP3_ERR_A (x), any other error of pop3_b, pop3_c or pop3_d save for \
                            POP3_ERR_E and POP3_ERR_F.",
        )
        .unwrap();
        let Item::ErrorsOf { functions, other, except } = &parsed.items[1] else { panic!("{parsed:?}") };
        assert_eq!(functions, &["pop3_b", "pop3_c", "pop3_d"]);
        assert_eq!((other, &except[..]), (&true, &["POP3_ERR_E".to_owned(), "POP3_ERR_F".to_owned()][..]));
        assert_eq!(parse("Returns as pop3_b.").unwrap().as_function.as_deref(), Some("pop3_b"));
        assert_eq!(parse("Returns a text. Never NULL.").unwrap().success, "a text. Never NULL");
    }

    #[test]
    fn refuses_another_shape() {
        for text in [
            "0",
            "Returns 0, or POP3_ERR_A",
            "Returns 0, or POP3_ERR_A (x.",
            "Returns 0, or POP3_ERR_A and then some.",
            "Returns 0, or POP3_ERR_A. What is wrong is POP3_ERR_B.",
            "Returns POP3_ERR_A.",
            "Returns 0, or an error of his.",
            "Returns 0, or POP3_ERR_A. Or nothing.",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    fn header(first: &str, second: &str) -> Header {
        let said = "/**\n * Does it.\n *\n * - `socket`: it.\n *\n * ";
        let function = |name, returns| format!("{said}{returns}\n * Threads: any.\n */\nint {name}(int socket);\n");
        let constants =
            "/**\n * A.\n */\n#define POP3_ERR_A -1\n/**\n * B. The session is over.\n */\n#define POP3_ERR_B -2\n";
        let text = format!(
            "/*\n * l: t.\n *\n * - r\n */\n{constants}{}{}",
            function("pop3_f", first),
            function("pop3_g", second)
        );
        Header::parse(&text).unwrap()
    }

    fn of_second(first: &str, second: &str) -> Result<Vec<String>> {
        let header = header(first, second);
        let outcome = outcome(&header, &header.functions[1])?.expect("it answers");
        Ok(outcome.failures.iter().map(|failure| format!("{} {}", failure.code, failure.reason)).collect())
    }

    #[test]
    fn references_are_followed() {
        let first =
            "Returns 0, or POP3_ERR_A (x), after which the session goes on. Or POP3_ERR_B (y), after which it is over.";
        assert_eq!(of_second(first, "Returns as pop3_f.").unwrap(), ["POP3_ERR_A x", "POP3_ERR_B y"]);
        let own = "Returns 0, or POP3_ERR_A (z), after which the session goes on. Or";
        assert_eq!(
            of_second(first, &format!("{own} an error of pop3_f.")).unwrap(),
            ["POP3_ERR_A z; x", "POP3_ERR_B y"]
        );
        assert_eq!(
            of_second(first, &format!("{own} any other error of pop3_f.")).unwrap(),
            ["POP3_ERR_A z", "POP3_ERR_B y"]
        );
        assert_eq!(
            of_second(first, "Returns 0, or an error of pop3_f save for POP3_ERR_A.").unwrap(),
            ["POP3_ERR_B y"]
        );
    }

    #[test]
    fn what_contradicts_the_constants_is_refused() {
        for wrong in [
            "Returns 0, or POP3_ERR_A, after which it is over.",
            "Returns 0, or POP3_ERR_B, after which the session goes on.",
            "Returns 0, or POP3_ERR_A.",
            "Returns 0, or POP3_ERR_C, after which it is over.",
            "Returns as pop3_h.",
        ] {
            assert!(of_second("Returns 0.", wrong).is_err(), "{wrong}");
        }
    }
}

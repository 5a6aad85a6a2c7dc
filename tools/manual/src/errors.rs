//! What a function answers: what a comment's `Returns` says, understood, and what it refers to, followed.
//!
//! ```text
//! Returns SUCCESS[, or LIST | . Or an error: LIST][. Or LIST]….[ MORE.]
//! LIST     ITEM, ITEM or ITEM[, or ITEM][, after which the socket is free]
//! ITEM     CODE[ (REASON)] | an error of FUNCTION[ save for CODE and CODE] | a session-ending error
//! SUCCESS  `as FUNCTION` for what that one answers
//! ```
//!
//! Before an error of a function and a session-ending error stands `any other` where a code before it is one too. What
//! becomes of the session follows from the code: the header's conventions say which errors end it.

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

/// What ends a list of errors after which there is no socket any more.
const SOCKET_IS_FREE: &str = ", after which the socket is free";

/// What `function` answers; an error where its comment is not of that form, or names what there is not.
pub fn outcome(header: &Header, function: &Function) -> Result<Option<Outcome>> {
    let Some(text) = &function.comment.returns else { return Ok(None) };
    let mut outcome = follow(header, text).map_err(|why| format!("{}: {why}", function.name))?;
    for failure in &mut outcome.failures {
        conclude(header, function, failure).map_err(|why| format!("{}: {}: {why}", function.name, failure.code))?;
    }
    Ok(Some(outcome))
}

/// Adds what becomes of the session, unless that is said.
fn conclude(header: &Header, function: &Function, failure: &mut Failure) -> Result<()> {
    let constant = header.constant(&failure.code).ok_or("there is no such constant")?;
    if !function.is_on_socket() || failure.code == "POP3_ERR_BAD_SOCKET" {
        failure.after = None; // there is no session
        return Ok(());
    }
    failure.after.get_or_insert(if constant.ends_session { After::IsOver } else { After::GoesOn });
    Ok(())
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
            Item::SessionEnding(after) => header.session_ending().for_each(|constant| {
                join(&mut outcome.failures, Failure { code: constant.name.clone(), reason: String::new(), after });
            }),
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
    SessionEnding(Option<After>),
}

/// How an item begins.
const BEGINNINGS: [&str; 5] =
    ["POP3_ERR_", "an error of ", "any other error of ", "a session-ending error", "any other session-ending error"];

#[derive(Debug, Default, PartialEq)]
struct Parsed {
    success: String,
    as_function: Option<String>,
    items: Vec<Item>,
    more: String,
}

fn parse(text: &str) -> Result<Parsed> {
    let text = text.strip_prefix("Returns ").ok_or("it does not begin with Returns")?;
    let begins = BEGINNINGS.iter().map(|item| (format!(", or {item}"), ", or ".len()));
    let begins = begins.chain([(". Or an error: ".to_owned(), ". Or an error: ".len())]);
    let found = begins.filter_map(|(begin, length)| Some((text.find(&begin)?, length))).min();
    let Some((end, length)) = found else { return without_errors(text) };
    let mut parsed = Parsed { success: text[..end].to_owned(), ..Parsed::default() };
    if let Some(name) = parsed.success.strip_prefix("as ") {
        parsed.as_function = Some(name.to_owned());
    }
    let mut rest = Rest(&text[end + length..]);
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
        let or = rest.begins_item_after(" or ");
        joined.push(or);
        if !or && !rest.begins_item_after(", or ") && !rest.begins_item_after(", ") {
            break;
        }
    }
    for at in (first..items.len() - 1).rev() {
        let (before, after) = items.split_at_mut(at + 1);
        if let (true, Item::Code(one), Item::Code(next)) = (joined[at], &mut before[at], &after[0]) {
            one.reason.clone_from(&next.reason);
        }
    }
    let after = rest.take(SOCKET_IS_FREE).then_some(After::SocketIsFree);
    for item in &mut items[first..] {
        match item {
            Item::Code(failure) => failure.after = after,
            Item::SessionEnding(ending) => *ending = after,
            Item::ErrorsOf { .. } => {}
        }
    }
    Ok(())
}

fn item(rest: &mut Rest) -> Result<Item> {
    if rest.take("a session-ending error") || rest.take("any other session-ending error") {
        return Ok(Item::SessionEnding(None));
    }
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
        let begins = follows.is_some_and(|rest| BEGINNINGS.iter().any(|begin| rest.starts_with(begin)));
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
            "Returns 0, or POP3_ERR_A, POP3_ERR_B or POP3_ERR_C (it is (quite) bad, or worse). Or POP3_ERR_D, or any \
             other session-ending error, after which the socket is free. The end.",
        )
        .unwrap();
        let free = Some(After::SocketIsFree);
        let reason = "it is (quite) bad, or worse";
        let ending = Item::SessionEnding(free);
        assert_eq!(
            parsed.items,
            [code("A", "", None), code("B", reason, None), code("C", reason, None), code("D", "", free), ending]
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
            "Returns 0, or POP3_ERR_A, after which it is over.",
            "Returns 0, or POP3_ERR_A. Or nothing.",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    fn header(first: &str, second: &str) -> Header {
        let said = "/**\n * Does it.\n *\n * - `socket`: it.\n *\n * ";
        let function = |name, returns| format!("{said}{returns}\n * Threads: any.\n */\nint {name}(int socket);\n");
        let constants = "/**\n * A.\n */\n#define POP3_ERR_A -1\n/**\n * B. Ends the session.\n */\n#define POP3_ERR_B -2\n\
             /**\n * C. Any function may answer it. Ends the session.\n */\n#define POP3_ERR_C -3\n";
        let text = format!(
            "/*\n * l: t.\n *\n * - Session-ending errors are POP3_ERR_B and POP3_ERR_C. So it ends.\n */\n{constants}{}{}",
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
        let first = "Returns 0, or POP3_ERR_A (x), POP3_ERR_B (y).";
        assert_eq!(of_second(first, "Returns as pop3_f.").unwrap(), ["POP3_ERR_A x", "POP3_ERR_B y"]);
        let own = "Returns 0, or POP3_ERR_A (z), or";
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
    fn session_ending_errors_are_expanded() {
        assert_eq!(of_second("Returns 0.", "Returns 0, or a session-ending error.").unwrap(), ["POP3_ERR_B "]);
        let own = "Returns 0, or POP3_ERR_A (x), POP3_ERR_B (y), or any other session-ending error.";
        assert_eq!(of_second("Returns 0.", own).unwrap(), ["POP3_ERR_A x", "POP3_ERR_B y"]);
        let header = header("Returns 0.", own);
        let failures = outcome(&header, &header.functions[1]).unwrap().unwrap().failures;
        let after: Vec<_> = failures.iter().map(|failure| failure.after).collect();
        assert_eq!(after, [Some(After::GoesOn), Some(After::IsOver)]);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for wrong in ["Returns 0, or POP3_ERR_D.", "Returns as pop3_h.", "Returns 0, or an error of pop3_h."] {
            assert!(of_second("Returns 0.", wrong).is_err(), "{wrong}");
        }
    }
}

//! The error reference, docs/errors.md.

use std::fmt::Write;

use crate::Result;
use crate::errors::{Failure, outcome};
use crate::header::{Constant, Function, Header};

const BEGIN: &str = "\
# Errors

Written by `make man` from [include/pop3connect.h](../include/pop3connect.h); don't edit. A call answers 0 or more on
success, and one of these codes otherwise. `pop3_get_last_error` then has it in words, with the server's own;
`pop3_error_text` says what a code means. Where a session is over, further calls on its socket answer
`POP3_ERR_CONNECTION_LOST`, and `pop3_disconnect` frees it. [guide.md](guide.md#errors) says what to do after which.

| code | macro | meaning | the session |
| --- | --- | --- | --- |
";
const SETTERS: &str = "pop3_options_set_";

pub fn markdown(header: &Header) -> Result<String> {
    let mut rows = String::new();
    let mut sections = String::new();
    for constant in header.constants.iter().filter(|constant| constant.is_code()) {
        let answers = answers(header, constant)?;
        let session = session(constant, &answers);
        let _ = writeln!(rows, "| {} | `{}` | {} | {session} |", constant.value, constant.name, constant.meaning);
        if constant.name != "POP3_OK" {
            sections += &section(header, constant, &answers)?;
        }
    }
    Ok(format!("{BEGIN}{rows}\n## Which functions answer them\n{sections}"))
}

type Answers<'a> = Vec<(&'a Function, Failure)>;

/// The functions that answer a code, and what they say of it.
fn answers<'a>(header: &'a Header, constant: &Constant) -> Result<Answers<'a>> {
    let mut answers = Vec::new();
    for function in &header.functions {
        let failures = outcome(header, function)?.map(|outcome| outcome.failures).unwrap_or_default();
        answers.extend(
            failures.into_iter().filter(|failure| failure.code == constant.name).map(|failure| (function, failure)),
        );
    }
    Ok(answers)
}

fn session(constant: &Constant, answers: &Answers) -> &'static str {
    match constant.ends_session {
        true => "is over",
        false if answers.iter().any(|(_, failure)| failure.after.is_some()) => "goes on",
        false if constant.name == "POP3_OK" => "goes on",
        false => "is none",
    }
}

fn section(header: &Header, constant: &Constant, answers: &Answers) -> Result<String> {
    let mut text = format!("\n### {}\n\n{}\n", constant.name, constant.meaning);
    if constant.of_any_function {
        text += "\n- any function\n";
        return Ok(text);
    }
    if answers.is_empty() {
        return Err(format!("{}: no function answers it", constant.name));
    }
    text.push('\n');
    // what every setter answers is said once
    let is_setter = |function: &Function| function.name.starts_with(SETTERS);
    let set = answers.iter().filter(|(function, _)| is_setter(function)).count();
    let by_all = set == header.functions.iter().filter(|function| is_setter(function)).count();
    let others = answers.iter().filter(|(function, _)| !(by_all && is_setter(function)));
    // functions that say the same stand together
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for (function, failure) in others {
        let name = format!("`{}`", function.name);
        match groups.iter_mut().find(|(reason, _)| *reason == failure.reason) {
            Some((_, names)) => names.push(name),
            None => groups.push((&failure.reason, vec![name])),
        }
    }
    for (reason, names) in groups {
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let _ = writeln!(text, "- {}{reason}", names.join(", "));
    }
    if by_all && set > 0 {
        let _ = writeln!(text, "- every `{SETTERS}…`: `options` is NULL, or what its page says");
    }
    Ok(text)
}

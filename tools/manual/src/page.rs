//! Manual pages, in man(7).

use crate::Result;
use crate::comment::Comment;
use crate::errors::{After, Failure, outcome};
use crate::examples::Examples;
use crate::header::{Constant, Function, Header, Type};

pub struct Manual<'a> {
    pub header: &'a Header,
    pub version: &'a str,
    /// As 2000-12-31.
    pub date: &'a str,
    /// A program for the overview.
    pub program: &'a str,
    /// An example for each of the other pages.
    pub examples: &'a Examples<'a>,
}

/// The page about all of it.
const OVERVIEW: &str = "pop3connect";
/// The version in which what has no `Since:` appeared.
const FIRST_VERSION: &str = "1.0";
/// The term of the conventions that a page needs explained.
const SESSION_ENDING: &str = "session-ending error";
/// How wide a prototype may be in one line.
const WIDTH: usize = 76;

impl Manual<'_> {
    /// Each page's name and text.
    pub fn pages(&self) -> Result<Vec<(String, String)>> {
        let mut pages = vec![(OVERVIEW.to_owned(), self.overview())];
        for item in &self.header.types {
            pages.push((item.name.clone(), self.type_(item)));
        }
        for function in &self.header.functions {
            pages.push((function.name.clone(), self.function(function)?));
        }
        match pages.iter().find(|(_, text)| !text.is_ascii()) {
            Some((name, _)) => Err(format!("{name}: not only ASCII")),
            None => Ok(pages),
        }
    }

    fn overview(&self) -> String {
        let mut page = self.begin(OVERVIEW, self.header.title.trim_end_matches('.'));
        page.section("SYNOPSIS");
        page.code("#include <pop3connect.h>");
        page.code("cc host.c $(pkg-config --cflags --libs pop3connect)");
        page.section("DESCRIPTION");
        for convention in &self.header.conventions {
            page.macro_(".IP \\(bu 2");
            page.text(convention);
        }
        page.section("FUNCTIONS");
        for function in &self.header.functions {
            page.item(&format!(".BR {} (3)", function.name), &sentence(function.comment.summary()));
        }
        page.section("TYPES");
        for item in &self.header.types {
            page.item(&format!(".BR {} (3)", item.name), &sentence(item.comment.summary()));
        }
        page.section("CONSTANTS");
        for constant in self.header.constants.iter().filter(|constant| !constant.is_code()) {
            page.item(&coded(constant), &constant.meaning);
        }
        page.section("ERRORS");
        for constant in self.header.constants.iter().filter(|constant| constant.is_code()) {
            let any = if constant.of_any_function { " Any function may answer it." } else { "" };
            let over = if constant.ends_session { " The session is over." } else { "" };
            page.item(&coded(constant), &format!("{}{any}{over}", constant.meaning));
        }
        page.section("EXAMPLES");
        page.code(self.program.trim_end());
        page.see_also(vec!["pop3_connect", "pop3_connect_with", "pop3_recv", "pop3_stat"]);
        page.0
    }

    fn type_(&self, item: &Type) -> String {
        let mut page = self.begin(&item.name, item.comment.summary());
        page.section("SYNOPSIS");
        page.code(&format!("#include <pop3connect.h>\n\n{}", item.declaration));
        page.section("DESCRIPTION");
        page.paragraphs(&item.comment.paragraphs);
        if !item.fields.is_empty() {
            page.section("MEMBERS");
        }
        for field in &item.fields {
            page.item(&format!(".I {}", field.name), &field.comment.paragraphs.join(" "));
        }
        self.history_and_example(&mut page, &item.name, &item.comment);
        let mut see = self.mentioned(&item.comment.paragraphs.join(" "), &item.name);
        let takers = self.header.functions.iter().filter(|function| mentions(&prototype(function), &item.name));
        see.extend(takers.map(|function| function.name.as_str()));
        see.push(OVERVIEW);
        page.see_also(see);
        page.0
    }

    fn function(&self, function: &Function) -> Result<String> {
        let comment = &function.comment;
        let outcome = outcome(self.header, function)?;
        let mut page = self.begin(&function.name, comment.summary());
        page.section("SYNOPSIS");
        page.code(&format!("#include <pop3connect.h>\n\n{}", prototype(function)));
        page.section("DESCRIPTION");
        page.paragraphs(&comment.paragraphs);
        if comment.paragraphs.iter().any(|paragraph| paragraph.contains(SESSION_ENDING)) {
            page.macro_(".PP");
            page.text(&self.header.session_end);
        }
        if !comment.parameters.is_empty() {
            page.section("PARAMETERS");
        }
        for (names, text) in &comment.parameters {
            page.item(&format!(".I {}", names.join(", ")), &sentence(text));
        }
        let mut see = self.mentioned(&format!("{} {}", comment.text(), prototype(function)), &function.name);
        if let Some(outcome) = outcome {
            page.section("RETURN VALUE");
            page.text(&sentence(&outcome.success));
            if !outcome.failures.is_empty() {
                page.text("A negative value is an error; pop3_get_last_error() says more.");
                see.push("pop3_get_last_error");
            }
            page.text(&outcome.more);
            if !outcome.failures.is_empty() {
                page.section("ERRORS");
            }
            for failure in &outcome.failures {
                page.failure(failure, self.header.constant(&failure.code).expect("it was checked"));
            }
            if outcome.failures.iter().any(|failure| failure.after == Some(After::IsOver)) {
                page.macro_(".PP");
                page.text(&self.header.session_end);
            }
        }
        page.section("THREADS");
        page.text(&sentence(comment.threads.as_deref().expect("it was checked")));
        page.text("Not async-signal-safe: not to be called in a signal handler.");
        self.history_and_example(&mut page, &function.name, comment);
        see.push(OVERVIEW);
        page.see_also(see);
        Ok(page.0)
    }

    /// Since when there is a function or type, and how it is used.
    fn history_and_example(&self, page: &mut Page, name: &str, comment: &Comment) {
        page.section("HISTORY");
        page.text(&format!("Since pop3connect {}.", comment.since.as_deref().unwrap_or(FIRST_VERSION)));
        page.section("EXAMPLES");
        page.code(self.examples.of(name));
    }

    /// The header of a page, and what it is about.
    fn begin(&self, name: &str, what: &str) -> Page {
        let mut page = Page(".\\\" Written by tools/manual from include/pop3connect.h.\n".into());
        page.macro_(&format!(".TH {} 3 {} \"pop3connect {}\"", name.to_uppercase(), self.date, self.version));
        page.section("NAME");
        page.macro_(&format!("{name} \\- {}", escape(&phrase(what))));
        page
    }

    /// The other pages that a text names.
    fn mentioned(&self, text: &str, but: &str) -> Vec<&str> {
        let types = self.header.types.iter().map(|item| item.name.as_str());
        let functions = self.header.functions.iter().map(|function| function.name.as_str());
        types.chain(functions).filter(|name| *name != but && mentions(text, name)).collect()
    }
}

/// A page's text so far.
struct Page(String);

impl Page {
    fn macro_(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn section(&mut self, name: &str) {
        self.macro_(&format!(".SH {}", if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() }));
    }

    /// Filled text, a line for each sentence.
    fn text(&mut self, text: &str) {
        for sentence in text.split_inclusive(". ") {
            self.macro_(&marked_up(sentence.trim_end()));
        }
    }

    fn paragraphs(&mut self, paragraphs: &[String]) {
        for (at, paragraph) in paragraphs.iter().enumerate() {
            if at > 0 {
                self.macro_(".PP");
            }
            self.text(paragraph);
        }
    }

    fn item(&mut self, tag: &str, text: &str) {
        self.macro_(".TP");
        self.macro_(tag);
        self.text(text);
    }

    fn code(&mut self, code: &str) {
        // right behind a section's name there is no need of it
        if !self.0.lines().last().is_some_and(|line| line.starts_with(".SH")) {
            self.macro_(".PP");
        }
        self.macro_(".nf");
        for line in code.lines() {
            match line {
                "" => self.macro_(".sp"),
                line => self.macro_(&format!("\\fB{}\\fR", escape(line).replace('-', "\\-"))),
            }
        }
        self.macro_(".fi");
    }

    fn failure(&mut self, failure: &Failure, constant: &Constant) {
        let after = match failure.after {
            None => "",
            Some(After::GoesOn) => " The session goes on.",
            Some(After::IsOver) => " The session is over.",
            Some(After::SocketIsFree) => " The socket is free.",
        };
        let reason = if failure.reason.is_empty() { String::new() } else { format!("{} ", sentence(&failure.reason)) };
        self.item(&coded(constant), &format!("{reason}{}{after}", constant.meaning));
    }

    /// Other pages, each once.
    fn see_also(&mut self, mut names: Vec<&str>) {
        names.sort_unstable();
        names.dedup();
        self.section("SEE ALSO");
        let lines: Vec<_> = names.iter().map(|name| format!(".BR {name} (3)")).collect();
        self.macro_(&lines.join(" ,\n"));
    }
}

/// A constant as the tag of an item, with its number.
fn coded(constant: &Constant) -> String {
    format!(".BR {} \" ({})\"", constant.name, constant.value.replace('-', "\\-"))
}

/// In one line if that is not too long, else with a line for each parameter.
fn prototype(function: &Function) -> String {
    let head = format!("{}{}(", function.result, function.name);
    let parameters: Vec<_> = function.parameters.iter().map(|parameter| parameter.declaration.as_str()).collect();
    if parameters.is_empty() {
        return format!("{head}void);");
    }
    let line = format!("{head}{});", parameters.join(", "));
    match line.len() <= WIDTH {
        true => line,
        false => format!("{head}{});", parameters.join(&format!(",\n{}", " ".repeat(head.len())))),
    }
}

/// A sentence as the phrase that it is of a page's NAME: begun in lower case, but for names and abbreviations.
fn phrase(text: &str) -> String {
    let mut text = text.replace('`', "");
    let first = text.split(' ').next().unwrap_or_default();
    if first.chars().skip(1).all(|c| c.is_ascii_lowercase() || "',".contains(c)) {
        first_letter(&mut text).make_ascii_lowercase();
    }
    text
}

/// Begun with a capital unless it begins with a name, and ended by a full stop.
fn sentence(text: &str) -> String {
    let mut text = text.to_owned();
    let is_name = text.split(' ').next().is_some_and(|word| word.contains(['_', '`']));
    if !is_name {
        first_letter(&mut text).make_ascii_uppercase();
    }
    if !text.ends_with(['.', '?']) {
        text.push('.');
    }
    text
}

/// Nothing where the text does not begin with ASCII.
fn first_letter(text: &mut str) -> &mut str {
    text.get_mut(..1).unwrap_or_default()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether that name stands in the text as a whole word.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c| !is_name(c)).any(|word| word == name)
}

/// Text for a page: what stands in backquotes in italics, names of the library in bold.
fn marked_up(text: &str) -> String {
    let mut page = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            page.push_str(&format!("\\fI{}\\fR", escape(part)));
            continue;
        }
        for word in part.split_inclusive(|c| !is_name(c)) {
            let name = word.trim_end_matches(|c| !is_name(c));
            let is_ours = ["pop3_", "POP3_"].iter().any(|prefix| name.len() > prefix.len() && name.starts_with(prefix));
            match is_ours {
                true => page.push_str(&format!("\\fB{name}\\fR{}", escape(&word[name.len()..]))),
                false => page.push_str(&escape(word)),
            }
        }
    }
    match page.starts_with(['.', '\'']) {
        true => format!("\\&{page}"),
        false => page,
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\e")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_marked_up_and_escaped() {
        assert_eq!(marked_up("see pop3_connect, `out` \\n"), "see \\fBpop3_connect\\fR, \\fIout\\fR \\en");
        assert_eq!(marked_up("any pop3_ function"), "any pop3_ function");
        assert_eq!(marked_up(".so x"), "\\&.so x");
    }

    #[test]
    fn sentences_begin_and_end_as_such() {
        assert_eq!(sentence("refused: no such message"), "Refused: no such message.");
        assert_eq!(sentence("`out` is NULL"), "`out` is NULL.");
        assert_eq!(sentence("0"), "0.");
        assert_eq!(phrase("Reads `it`"), "reads it");
        assert_eq!(phrase("Messages, many"), "messages, many");
        assert_eq!(phrase("UTF-8 text"), "UTF-8 text");
        assert_eq!(phrase("StsProc: is called"), "StsProc: is called");
    }

    #[test]
    fn names_are_whole_words() {
        assert!(mentions("pop3_recv, pop3_stat", "pop3_recv"));
        assert!(!mentions("pop3_recv_top", "pop3_recv"));
    }
}

//! What the header declares, each with its comment.

use crate::Result;
use crate::comment::{Comment, blocks};

#[derive(Debug, Default)]
pub struct Header {
    /// Of the comment at the top: what the library is, and the rules for all of it.
    pub title: String,
    pub conventions: Vec<String>,
    /// The convention that says what a session-ending error does.
    pub session_end: String,
    pub constants: Vec<Constant>,
    pub types: Vec<Type>,
    pub functions: Vec<Function>,
}

#[derive(Debug)]
pub struct Constant {
    pub name: String,
    pub value: String,
    /// What it means, without the sentences that the next two stand for.
    pub meaning: String,
    pub ends_session: bool,
    pub of_any_function: bool,
}

#[derive(Debug)]
pub struct Type {
    pub name: String,
    pub comment: Comment,
    /// In C, without comments.
    pub declaration: String,
    pub fields: Vec<Field>,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub comment: Comment,
}

#[derive(Debug)]
pub struct Function {
    pub name: String,
    pub comment: Comment,
    /// What stands before the name.
    pub result: String,
    pub parameters: Vec<Parameter>,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    /// In C, the name included.
    pub declaration: String,
}

impl Header {
    pub fn parse(text: &str) -> Result<Self> {
        let mut header = Self::default();
        let rest = header.take_top(text)?;
        let mut lines = rest.lines();
        while let Some(line) = lines.next() {
            if line != "/**" {
                if line.starts_with("typedef") || line.contains("pop3_") || line.starts_with("#define POP3_ERR") {
                    return Err(format!("without a comment: {line}"));
                }
                continue;
            }
            let comment = take_comment(&mut lines);
            let item = take_item(&mut lines);
            let first = item.first().ok_or("a comment about nothing")?;
            header.take(comment, &item).map_err(|why| format!("{first}: {why}"))?;
        }
        if header.functions.is_empty() {
            return Err("there is no function".into());
        }
        header.check_session_ending()?;
        header.check_versions()?;
        Ok(header)
    }

    /// Takes what session-ending errors are from the conventions, which must name those whose comments say so.
    fn check_session_ending(&mut self) -> Result<()> {
        let begin = "Session-ending errors are ";
        let Some(said) = self.conventions.iter().find_map(|convention| convention.strip_prefix(begin)) else {
            return match self.constants.iter().any(|constant| constant.ends_session) {
                true => Err(format!("no convention begins with: {begin}")),
                false => Ok(()),
            };
        };
        let (list, end) = said.split_once(". ").ok_or("nothing is said of what a session-ending error does")?;
        let mut listed: Vec<_> = list.split([',', ' ']).filter(|word| word.starts_with("POP3_ERR_")).collect();
        let ending = self.constants.iter().filter(|constant| constant.ends_session);
        let mut ending: Vec<_> = ending.map(|constant| constant.name.as_str()).collect();
        listed.sort_unstable();
        ending.sort_unstable();
        if listed != ending {
            return Err(format!("the session-ending errors are {listed:?} at the top, {ending:?} by their comments"));
        }
        self.session_end = end.to_owned();
        Ok(())
    }

    /// No version may be said that is the first, which goes without saying, or is still to come.
    fn check_versions(&self) -> Result<()> {
        let part = |name: &str| self.constant(name).and_then(|constant| constant.value.parse::<u32>().ok());
        let current = (part("POP3_VERSION_MAJOR").unwrap_or(1), part("POP3_VERSION_MINOR").unwrap_or(0));
        let types = self.types.iter().map(|item| (&item.name, &item.comment));
        let functions = self.functions.iter().map(|function| (&function.name, &function.comment));
        for (name, comment) in types.chain(functions) {
            let Some(since) = &comment.since else { continue };
            let version =
                since.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
            if version.is_none_or(|version: (u32, u32)| version <= (1, 0) || version > current) {
                return Err(format!("{name}: since {since}, where the header is of {}.{}", current.0, current.1));
            }
        }
        Ok(())
    }

    fn take_top<'a>(&mut self, text: &'a str) -> Result<&'a str> {
        let top = text.strip_prefix("/*\n").and_then(|text| text.split_once("\n */\n"));
        let (top, rest) = top.ok_or("there is no comment at the top")?;
        let mut parts = blocks(top.lines().map(bare)).into_iter();
        let title = parts.next().unwrap_or_default();
        self.title = title.split_once(": ").map(|(_, what)| what.to_owned()).ok_or("the header has no title")?;
        for part in parts {
            match part.strip_prefix("- ") {
                Some(convention) => self.conventions.push(convention.to_owned()),
                // what introduces them, and the warning not to edit the header
                None if part.ends_with(':') || part.starts_with("Written by ") => {}
                None => return Err(format!("no convention: {part}")),
            }
        }
        match self.conventions.is_empty() {
            true => Err("there are no conventions at the top".into()),
            false => Ok(rest),
        }
    }

    fn take(&mut self, comment: Vec<&str>, item: &[&str]) -> Result<()> {
        if let Some(define) = item[0].strip_prefix("#define ") {
            let (name, value) = define.split_once(' ').ok_or("no value")?;
            self.constants.push(constant(name, value, &Comment::parse_paragraphs(comment)?)?);
        } else if item[0].starts_with("typedef ") {
            self.types.push(type_(Comment::parse_paragraphs(comment)?, item)?);
        } else {
            self.functions.push(function(Comment::parse(comment)?, &item.join(" "))?);
        }
        Ok(())
    }

    /// The errors that end a session, but those that any function may answer.
    pub fn session_ending(&self) -> impl Iterator<Item = &Constant> {
        self.constants.iter().filter(|constant| constant.ends_session && !constant.of_any_function)
    }

    pub fn constant(&self, name: &str) -> Option<&Constant> {
        self.constants.iter().find(|constant| constant.name == name)
    }

    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

impl Constant {
    /// Whether a function answers it; what else there is is passed to one.
    pub fn is_code(&self) -> bool {
        self.name == "POP3_OK" || self.name.starts_with("POP3_ERR_")
    }
}

impl Function {
    pub fn is_on_socket(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.name == "socket")
    }
}

/// A line of a comment without what marks it.
fn bare(line: &str) -> &str {
    let line = line.trim_start();
    line.strip_prefix("* ").unwrap_or_else(|| line.trim_start_matches('*'))
}

/// The rest of a comment whose first line has been taken.
fn take_comment<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    lines.take_while(|line| line.trim() != "*/").map(bare).collect()
}

/// What the comment is about: a line that defines, or up to the semicolon in the first column or at a line's end.
fn take_item<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut item = Vec::new();
    for line in lines {
        item.push(line);
        let in_struct = item[0].ends_with('{') && !line.starts_with('}');
        if line.starts_with('#') || (line.ends_with(';') && !in_struct) {
            break;
        }
    }
    item
}

fn constant(name: &str, value: &str, comment: &Comment) -> Result<Constant> {
    let [text] = &comment.paragraphs[..] else { return Err("more than a paragraph".into()) };
    let said = |sentence: &str| text.contains(sentence);
    let [over, any] = [" Ends the session.", " Any function may answer it."];
    value.parse::<i32>().map_err(|_| "the value is no number")?;
    Ok(Constant {
        name: name.to_owned(),
        value: value.to_owned(),
        meaning: text.replace(over, "").replace(any, ""),
        ends_session: said(over),
        of_any_function: said(any),
    })
}

fn type_(comment: Comment, item: &[&str]) -> Result<Type> {
    let mut declaration = Vec::new();
    let mut fields = Vec::new();
    let mut lines = item.iter().copied();
    while let Some(line) = lines.next() {
        if line.trim() != "/**" {
            declaration.push(line);
            continue;
        }
        let comment = Comment::parse_paragraphs(take_comment(&mut lines))?;
        let field = lines.next().ok_or("a comment without a field")?;
        fields.push(Field { name: name_in(field.trim_end_matches(';'))?, comment });
        declaration.push(field);
    }
    let last = item[item.len() - 1].trim_end_matches(';');
    let is_struct = item[0].ends_with('{');
    if is_struct && declaration.len() != fields.len() + 2 {
        return Err("a field without a comment".into());
    }
    let name = if is_struct {
        last.trim_start_matches("} ").to_owned()
    } else {
        name_in(declaration.join(" ").trim_end_matches(';'))?
    };
    Ok(Type { name, comment, declaration: declaration.join("\n"), fields })
}

fn function(comment: Comment, prototype: &str) -> Result<Function> {
    let prototype = prototype.split_whitespace().collect::<Vec<_>>().join(" ");
    let (head, rest) = prototype.split_once('(').ok_or("no parameters")?;
    let rest = rest.strip_suffix(");").ok_or("no end of the parameters")?;
    let name = name_in(head)?;
    let result = head[..head.len() - name.len()].to_owned();
    let mut parameters = Vec::new();
    if rest != "void" {
        for declaration in at_top_level(rest) {
            parameters.push(Parameter { name: name_in(declaration)?, declaration: declaration.to_owned() });
        }
    }
    let said: Vec<&String> = comment.parameters.iter().flat_map(|(names, _)| names).collect();
    if let Some(missing) = parameters.iter().find(|parameter| !said.contains(&&parameter.name)) {
        return Err(format!("nothing is said of the parameter {}", missing.name));
    }
    if let Some(unknown) = said.iter().find(|said| !parameters.iter().any(|parameter| parameter.name == ***said)) {
        return Err(format!("there is no parameter {unknown}"));
    }
    if (result == "void ") != comment.returns.is_none() {
        return Err("the comment and the prototype differ in whether there is a result".into());
    }
    if comment.threads.is_none() {
        return Err("nothing is said of threads".into());
    }
    Ok(Function { name, comment, result, parameters })
}

/// The name that a declaration declares: that of the pointer to a function, else the last word.
fn name_in(declaration: &str) -> Result<String> {
    let declaration = match declaration.split_once("(*") {
        Some((_, rest)) => rest.split_once(')').ok_or("no end of the name")?.0,
        None => declaration,
    };
    let start = declaration.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    match &declaration[start..] {
        "" => Err(format!("no name: {declaration}")),
        name => Ok(name.to_owned()),
    }
}

/// The parts between the commas that are in no parentheses.
fn at_top_level(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: &str = "/*\n * lib: a thing.\n *\n * Rules:\n *\n * - One\n *   rule.\n\
         \x20* - Session-ending errors are POP3_ERR_BAD. It ends.\n */\n";
    const BAD: &str = "/**\n * Bad. Ends the session.\n */\n#define POP3_ERR_BAD -5\n\n";
    const SAID: &str =
        "/**\n * Does it.\n *\n * - `a`: one.\n * - `cb`: two.\n *\n * Returns 0.\n * Threads: any.\n */\n";
    const PROTOTYPE: &str = "int32_t pop3_do(const char *a,\n                void (*cb)(int x, void *y));\n";

    fn parse(rest: &str) -> Result<Header> {
        Header::parse(&format!("{TOP}{BAD}{rest}"))
    }

    #[test]
    fn functions_have_their_parts() {
        let header = parse(&format!("{SAID}{PROTOTYPE}")).unwrap();
        assert_eq!((header.title.as_str(), header.conventions[0].as_str()), ("a thing.", "One rule."));
        assert_eq!(header.session_end, "It ends.");
        let function = &header.functions[0];
        assert_eq!((function.name.as_str(), function.result.as_str()), ("pop3_do", "int32_t "));
        let names: Vec<_> = function.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        assert_eq!(names, ["a", "cb"]);
        assert_eq!(function.parameters[1].declaration, "void (*cb)(int x, void *y)");
    }

    #[test]
    fn constants_and_types_have_their_parts() {
        let header = parse(&format!(
            "/**\n * Opaque.\n */\n\
             typedef struct pop3_o pop3_o;\n\n/**\n * Two.\n */\ntypedef struct {{\n    /**\n     * First.\n     */\n\
             \x20   char *a;\n    /**\n     * Second.\n     */\n    size_t b;\n}} pop3_s;\n\n/**\n * Hears.\n */\n\
             typedef void (*pop3_cb)(int x);\n{SAID}{PROTOTYPE}"
        ))
        .unwrap();
        let constant = &header.constants[0];
        assert_eq!(
            (constant.name.as_str(), constant.value.as_str(), constant.ends_session),
            ("POP3_ERR_BAD", "-5", true)
        );
        assert_eq!(constant.meaning, "Bad.");
        let names: Vec<_> = header.types.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["pop3_o", "pop3_s", "pop3_cb"]);
        assert_eq!(header.types[1].declaration, "typedef struct {\n    char *a;\n    size_t b;\n} pop3_s;");
        assert_eq!(header.types[1].fields[1].name, "b");
    }

    #[test]
    fn versions_are_from_the_second_to_that_of_the_header() {
        let version = "/**\n * Minor.\n */\n#define POP3_VERSION_MINOR 2\n";
        for (since, is_good) in
            [("1.1", true), ("1.2", true), ("1.0", false), ("1.3", false), ("2.0", false), ("x", false)]
        {
            let said = SAID.replace(" */\n", &format!(" * Since: {since}.\n */\n"));
            assert_eq!(parse(&format!("{version}{said}{PROTOTYPE}")).is_ok(), is_good, "{since}");
        }
    }

    #[test]
    fn refuses_another_shape() {
        for (old, new) in [
            ("`cb`", "`c`"),
            (" * - `a`: one.\n", ""),
            (" * Returns 0.\n", ""),
            (" * Threads: any.\n", ""),
            ("int32_t pop3_do", "void pop3_do"),
            (" * Does it.", " * Does it"),
            ("/**\n", "/*\n"),
        ] {
            assert!(parse(&format!("{SAID}{PROTOTYPE}").replace(old, new)).is_err(), "{old}");
        }
        assert!(Header::parse(&format!("{SAID}{PROTOTYPE}")).is_err());
        // a session-ending error that the top does not name, or that is none by its comment
        assert!(parse(&format!("{}{SAID}{PROTOTYPE}", BAD.replace("_BAD", "_WORSE"))).is_err());
        assert!(Header::parse(&format!("{TOP}{SAID}{PROTOTYPE}")).is_err());
        assert!(parse("/**\n * A.\n */\ntypedef struct {\n    int a;\n} pop3_s;\n").is_err());
        assert!(parse("").is_err());
        assert!(parse("/**\n * A.\n */\n").is_err());
        assert!(parse("int32_t pop3_undocumented(void);\n").is_err());
    }
}

//! The examples of the pages: examples.c, which ctest/manual.sh compiles.
//!
//! An example is what stands between a comment that only names functions and types, and the next such comment. It is
//! shown on the page of each of them.

use crate::Result;
use crate::header::Header;

/// The file, which is part of this program.
pub const EXAMPLES: &str = include_str!("../examples.c");

pub struct Examples<'a>(Vec<Example<'a>>);

struct Example<'a> {
    names: Vec<&'a str>,
    code: &'a str,
}

impl<'a> Examples<'a> {
    /// Exactly one for each function and type of the header, which it uses.
    pub fn parse(text: &'a str, header: &Header) -> Result<Self> {
        let mut parts = text.split("\n/* pop3_");
        parts.next();
        let examples = Self(parts.map(example).collect::<Result<_>>()?);
        let types = header.types.iter().map(|item| item.name.as_str());
        let all: Vec<&str> = types.chain(header.functions.iter().map(|function| function.name.as_str())).collect();
        for Example { names, code } in &examples.0 {
            for name in names {
                let full = format!("pop3_{name}");
                if !all.contains(&full.as_str()) {
                    return Err(format!("an example of {full}, which there is not"));
                }
                if !code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == full) {
                    return Err(format!("the example of {full} does not use it"));
                }
            }
        }
        for name in all {
            match examples.0.iter().filter(|example| example.is_of(name)).count() {
                1 => {}
                0 => return Err(format!("there is no example of {name}")),
                _ => return Err(format!("there is more than one example of {name}")),
            }
        }
        Ok(examples)
    }

    /// The example of a function or type.
    pub fn of(&self, name: &str) -> &'a str {
        self.0.iter().find(|example| example.is_of(name)).map_or("", |example| example.code)
    }
}

impl Example<'_> {
    fn is_of(&self, name: &str) -> bool {
        name.strip_prefix("pop3_").is_some_and(|name| self.names.contains(&name))
    }
}

/// From the first name's `pop3_` on, which is cut off.
fn example(part: &str) -> Result<Example<'_>> {
    let (names, code) = part.split_once(" */\n").ok_or("the names of an example have no end")?;
    let names = names.split([',', '\n']).map(|name| name.trim().trim_start_matches('*').trim());
    let names = names.filter(|name| !name.is_empty());
    Ok(Example { names: names.map(|name| name.trim_start_matches("pop3_")).collect(), code: code.trim() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "/*\n * lib: a thing.\n *\n * - One.\n */\n/**\n * A.\n *\n * Threads: any.\n */\nvoid pop3_a(void);\n\
        /**\n * B.\n *\n * Threads: any.\n */\nvoid pop3_b(void);\n";

    fn check(text: &str) -> Result<()> {
        let header = Header::parse(HEADER).unwrap();
        Examples::parse(text, &header).map(drop)
    }

    #[test]
    fn each_has_its_example() {
        let header = Header::parse(HEADER).unwrap();
        let text = "#include <x.h>\n\n/* pop3_a,\n * pop3_b */\nvoid f(void)\n{\n    pop3_a();\n    pop3_b();\n}\n";
        let examples = Examples::parse(text, &header).unwrap();
        assert_eq!(examples.of("pop3_b"), "void f(void)\n{\n    pop3_a();\n    pop3_b();\n}");
        assert_eq!(examples.of("pop3_a"), examples.of("pop3_b"));
    }

    #[test]
    fn refuses_what_is_missing_or_too_much() {
        let (a, b) = ("\n/* pop3_a */\npop3_a();\n", "\n/* pop3_b */\npop3_b();\n");
        assert_eq!(check(&format!("{a}{b}")), Ok(()));
        for wrong in [a, &format!("{a}{b}{a}"), &format!("{a}{b}\n/* pop3_c */\npop3_c();\n")] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
        assert!(check("\n/* pop3_a, pop3_b */\npop3_a();\npop3_bb();\n").is_err());
    }
}

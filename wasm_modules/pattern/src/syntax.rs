//! What Python's patterns have and these do not: each is named, with what to write instead.

use regex_syntax::ast::{self, parse::Parser, Ast, ErrorKind};
use rlm_module::Error;

/// Constructs that the parser would only call unrecognized: how they begin, their name, the way out.
const FOREIGN: [(&str, &str, &str); 6] = [
    ("(?P=", "the backreference (?P=name)", "capture both parts in groups and compare them in Python"),
    ("(?>", "an atomic group (?>...)", "write (?:...): matching takes linear time here anyway"),
    ("(?(", "a conditional (?(1)...)", "write the cases as alternatives a|b"),
    ("(?#", "a comment (?#...)", "leave it out"),
    ("\\Z", "\\Z", "write \\z"),
    ("\\N", "\\N{...}", "write the character itself"),
];

/// The tree of a pattern. Refuses what would be accepted with another meaning than in Python.
pub fn parse(pattern: &str) -> Result<Ast, Error> {
    let tree = Parser::new().parse(pattern).map_err(|error| explain(pattern, &error.into()))?;
    ast::visit(&tree, Possessive { pattern })?;
    Ok(tree)
}

/// Looks for a quantifier on a quantifier, as `a*+` is read.
struct Possessive<'a> {
    pattern: &'a str,
}

impl ast::Visitor for Possessive<'_> {
    type Output = ();
    type Err = Error;

    fn finish(self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), Error> {
        match tree {
            Ast::Repetition(outer) if matches!(*outer.ast, Ast::Repetition(_)) => {
                let span = outer.span;
                let written = &self.pattern[span.start.offset..span.end.offset];
                Err(Error(format!(
                    "{written} (a possessive or doubled quantifier) is not supported: write one quantifier; \
                     matching takes linear time here anyway"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// The message for a pattern that cannot be parsed.
pub fn explain(pattern: &str, error: &regex_syntax::Error) -> Error {
    let (message, span) = match error {
        regex_syntax::Error::Parse(error) => match error.kind() {
            ErrorKind::UnsupportedLookAround => return Error(look_around(&pattern[error.span().start.offset..])),
            ErrorKind::UnsupportedBackreference => return Error(backreference(&pattern[error.span().start.offset..])),
            kind => (kind.to_string(), *error.span()),
        },
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), *error.span()),
        other => return Error(format!("{pattern:?}: {other}")),
    };
    let at = span.start.offset;
    for (begins, name, instead) in FOREIGN {
        let near = at.saturating_sub(begins.len() - 1)..=at;
        if near.into_iter().any(|start| pattern.get(start..).map_or(false, |rest| rest.starts_with(begins))) {
            return Error(format!("{name} is not supported: {instead}"));
        }
    }
    Error(format!("{pattern:?}, character {}: {message}", pattern[..at].chars().count() + 1))
}

fn look_around(rest: &str) -> String {
    let begins = ["(?<=", "(?<!", "(?=", "(?!"].into_iter().find(|begins| rest.starts_with(begins)).unwrap_or("(?=");
    let name = if begins.contains('<') { "look-behind" } else { "look-ahead" };
    format!(
        "{name} {begins}...) is not supported: match the text around it too and put what you want into a group (top and extract \
         give groups), or filter the matches in Python"
    )
}

fn backreference(rest: &str) -> String {
    let written: String = rest.chars().take(2).collect();
    format!("the backreference {written} is not supported: capture both parts in groups and compare them in Python")
}

//! Regular expressions over documents of any size, read piece by piece.
//!
//! syntax   what is not supported, and its message
//! width    how many bytes a match can have, and whether it can have a line end
//! search   the next match
//! scan     every match, in order, whatever the pieces
//! groups   the texts of a match's groups
//! counter  how often each value occurs

mod counter;
mod groups;
mod scan;
mod search;
mod syntax;
mod width;

pub use counter::Counter;
pub use groups::Groups;
pub use scan::{scan, Found};

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::Hir;
use regex_syntax::ParserBuilder;
use rlm_module::Error;

/// Above this a compiled pattern is refused (bytes).
const PROGRAM: usize = 16 << 20;
/// What its automaton may take while it runs (bytes).
const AUTOMATON: usize = 16 << 20;

/// How a pattern is compiled.
#[derive(Clone, Copy, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
}

/// A compiled pattern.
pub struct Pattern {
    pub regex: Regex,
    /// The same without the automaton. Where a search begins behind a character that is not ASCII, the automaton takes that
    /// for no letter, so `\b` would be wrong there.
    exact: Option<Regex>,
    hir: Hir,
    /// The longest match in bytes, where there is a longest.
    longest: Option<usize>,
    /// Whether a match can have a line end in it.
    spans_lines: bool,
    bounded: Option<search::Bounded>,
    text: String,
}

impl Pattern {
    /// An error names the construct that is not supported, and what to write instead.
    pub fn new(pattern: &str, flags: Flags) -> Result<Pattern, Error> {
        syntax::check(pattern)?;
        let hir = ParserBuilder::new()
            .case_insensitive(flags.ignore_case)
            .multi_line(flags.multi_line)
            .build()
            .parse(pattern)
            .map_err(|error| syntax::explain(pattern, &error))?;
        let compiled = |automaton: usize| {
            RegexBuilder::new(pattern)
                .case_insensitive(flags.ignore_case)
                .multi_line(flags.multi_line)
                .size_limit(PROGRAM)
                .dfa_size_limit(automaton)
                .build()
                .map_err(|_| Error(format!("{pattern:?} is too large when it is compiled: use smaller repetition counts")))
        };
        let regex = compiled(AUTOMATON)?;
        let exact = if search::has_boundary(&hir) { Some(compiled(0)?) } else { None };
        let width = width::of(&hir);
        Ok(Pattern { regex, exact, longest: width.most, spans_lines: width::spans_lines(&hir), bounded: search::Bounded::new(&hir), hir, text: pattern.into() })
    }

    /// What searches a text that is, or is not, all ASCII.
    pub(crate) fn engine(&self, is_ascii: bool) -> &Regex {
        self.exact.as_ref().filter(|_| !is_ascii).unwrap_or(&self.regex)
    }
}
